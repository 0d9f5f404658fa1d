"""`cloudact init`: a project that works as it is, from a checkout and from the installed wheel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from cloudact.settings import Settings
from tests.acme import ROOT
from tests.cli.command_line import CommandLine

SHIPPED = ("configs", "ps_templates", "docs")


def texts(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def project(cli: CommandLine, tmp_path: Path) -> Path:
    """A project that was just made."""
    made = tmp_path / "some projects" / "warehouse"
    assert "Files written to" in cli.succeed("init", str(made))
    return made


def test_a_project_has_the_shipped_files_and_what_belongs_around_them(project: Path) -> None:
    found = texts(project)
    for folder in SHIPPED:
        shipped = {f"{folder}/{path}": text for path, text in texts(ROOT / folder).items()}
        assert {path: found.get(path) for path in shipped} == shipped
    around = {path for path in found if path.split("/")[0] not in SHIPPED}
    assert around == {".env.example", ".gitignore", ".vscode/settings.json", "README.md"}
    assert [path.name for path in project.parent.iterdir()] == [project.name]


@pytest.mark.slow
def test_the_next_commands_work_in_it(cli: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    here = CommandLine(Path("configs"), Path("data/warehouse.duckdb"))
    assert "is valid" in here.succeed("catalog", "lint")
    here.onboard()
    assert here.answer("org", "status", "acme_corp")["status"] == "SYNCED"
    assert (project / "data" / "warehouse.duckdb").exists()


def test_every_setting_is_in_the_example_and_a_shell_reads_it(project: Path) -> None:
    script = "set -a; . ./.env.example; set +a; env"
    shown = subprocess.run(["sh", "-c", script], cwd=project, capture_output=True, text=True, check=True).stdout
    assert "CA_ROOT_API_KEY=\n" in shown
    lines = (project / ".env.example").read_text().splitlines()
    assert {f"CA_{name.upper()}" for name in Settings.model_fields} == {
        line.removeprefix("# ").split("=")[0] for line in lines if line.removeprefix("# ").startswith("CA_")
    }


@pytest.mark.slow
def test_the_editors_schemas_exist_and_accept_the_files_they_are_for(project: Path) -> None:
    settings = json.loads((project / ".vscode" / "settings.json").read_text())
    mapped = {**settings["yaml.schemas"], **{item["url"]: item["fileMatch"] for item in settings["json.schemas"]}}
    for schema, patterns in mapped.items():
        validator = Draft202012Validator(json.loads((project / schema).read_text()))
        files = [path for pattern in patterns for path in project.glob(pattern)]
        assert files
        for path in files:
            document = YAML(typ="safe").load(path.read_text())
            assert [error.message for error in validator.iter_errors(document)] == []


def test_again_it_changes_nothing_and_adds_only_what_is_missing(cli: CommandLine, project: Path) -> None:
    before = texts(project)
    assert "has every file already" in cli.succeed("init", str(project))
    (project / "configs" / "plans.yml").unlink()
    (project / "mine.txt").write_text("mine")
    answer = cli.answer("init", str(project))
    assert answer == {"directory": str(project), "files": ["configs/plans.yml"]}
    assert texts(project) == {**before, "mine.txt": b"mine"}


def test_files_that_are_there_are_listed_and_nothing_is_written(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "p" / "configs").mkdir(parents=True)
    (tmp_path / "p" / "README.md").write_text("mine")
    (tmp_path / "p" / "configs" / "plans.yml").write_text("mine")
    before = texts(tmp_path / "p")
    done = cli.run("init", str(tmp_path / "p"))
    assert done.exit_code == 3
    assert "2 files are there already" in done.stderr
    assert "README.md" in done.stderr
    assert "configs/plans.yml" in done.stderr
    assert texts(tmp_path / "p") == before


def test_no_directory_is_not_the_current_one(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, problem = cli.refusal("init", "")
    assert (code, problem["code"]) == (3, "output_refused")
    assert not (tmp_path / "README.md").exists()


def test_every_document_that_a_file_of_the_project_names_is_in_it(project: Path) -> None:
    named = {
        path
        for name, text in texts(project).items()
        if not name.startswith("docs/")
        for path in re.findall(r"docs/[\w/.-]+\.md", text.decode())
    }
    assert {"docs/catalog-format.md"} <= named
    assert [path for path in sorted(named) if not (project / path).is_file()] == []


def test_a_file_in_the_way_is_an_error(cli: CommandLine, tmp_path: Path) -> None:
    around = tmp_path / "around"
    around.mkdir()
    (around / "file").write_text("mine")
    for target in (around / "file", around / "file" / "project"):
        assert cli.run("init", str(target)).exit_code == 3
    assert texts(around) == {"file": b"mine"}


# The wheel


def run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.startswith("CA_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_the_installed_package_makes_a_project_that_works(tmp_path: Path, kind: str) -> None:
    """The dependencies are those of this environment, so that nothing is fetched."""
    pytest.importorskip("hatchling", reason="the package is built by hatchling, which scripts/setup installs")
    dist = tmp_path / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", dist, ROOT, cwd=tmp_path)
    (built,) = dist.iterdir()
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    # As a file of the environment and not as PYTHONPATH, so that the installed package comes first.
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (packages / "zz_dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        built,
        cwd=tmp_path,
    )
    where = run(python, "-c", "import cloudact; print(cloudact.__file__)", cwd=tmp_path)
    assert str(tmp_path) in where
    command = tmp_path / "venv" / "bin" / "cloudact"
    run(command, "init", "project", cwd=tmp_path)
    project = tmp_path / "project"
    for folder in SHIPPED:
        assert texts(project / folder) == texts(ROOT / folder)
    assert "is valid" in run(command, "catalog", "lint", cwd=project)
    run(command, "bootstrap", "run", cwd=project)
    run(
        command, "org", "onboard", "acme_corp", "--company-name", "Acme", "--admin-email", "admin@acme.com", cwd=project
    )  # fmt: skip
    assert "SYNCED" in run(command, "org", "status", "acme_corp", cwd=project)
