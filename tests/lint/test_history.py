"""`against`: revisions of a catalog in a real repository, and in directories."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloudact.catalog.problems import Code
from cloudact.errors import InvalidRequest
from cloudact.lint.check import Report, lint_catalog
from cloudact.lint.registry import Level, rule_of
from tests.catalog.declared import CONFIG_FILE, EVENTS, CatalogDirectory, column, small_catalog

NAMES = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@acme.com"}
NAMES |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in NAMES.items()}
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass(frozen=True)
class Repository:
    """A repository with a catalog below its top."""

    top: Path
    catalog: CatalogDirectory

    def git(self, *words: str) -> str:
        """Run git, and return what it prints."""
        environment = {**os.environ, **NAMES, **ALONE}
        done = subprocess.run(
            ["git", *words], cwd=self.top, env=environment, capture_output=True, check=True, text=True
        )
        return done.stdout

    def commit(self, tag: str) -> None:
        """Commit everything, and give the commit a tag."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)

    def lint(self, against: str) -> Report:
        """Compare the work tree with a revision."""
        return lint_catalog(self.catalog.root, against=against)

    def told(self, against: str) -> set[str]:
        """Return the codes of what a comparison says, and not of what the catalog is like anyway."""
        told = {problem.code for problem in self.lint(against).problems}
        return told - {Code.UNDESCRIBED_COLUMNS, Code.UNDESCRIBED_OBJECT}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository whose first commit, `empty`, has no catalog, and whose second, `v1`, has the small one."""
    top = tmp_path / "project"
    top.mkdir()
    made = Repository(top, CatalogDirectory(tmp_path / "elsewhere"))
    made.git("init", "--quiet", "--initial-branch", "main")
    (top / "README.md").write_text("A project.\n")
    made.commit("empty")
    made = Repository(top, CatalogDirectory(top / "deploy" / "cönfigs"))
    made.commit("v1")
    return made


def columns(*added: Any, less: str = "") -> list[Any]:
    return [*(item for item in small_catalog()[EVENTS] if item["name"] != less), *added]


def test_a_sequence_of_revisions_is_judged_by_what_it_does_to_tables_that_exist(repository: Repository) -> None:
    catalog = repository.catalog
    assert repository.told("v1") == set()

    catalog.write(EVENTS, columns(column("note"), column("price", "NUMERIC")))
    assert repository.told("v1") == set()
    repository.commit("v2")

    catalog.write(EVENTS, columns(column("note", mode="REQUIRED"), column("price", "BIGNUMERIC")))
    assert repository.told("v2") == {Code.MODE_TIGHTENED, Code.WIDENING_NOT_ON_DUCKDB}
    assert repository.told("v1") == {Code.REQUIRED_ADDED}
    repository.commit("v3")

    catalog.write(EVENTS, columns(column("notes"), column("price", "STRING"), less="data"))
    assert repository.told("v3") == {Code.COLUMN_REMOVED, Code.COLUMN_RENAMED, Code.TYPE_CHANGED}
    assert repository.told("v1") == {Code.COLUMN_REMOVED}
    repository.commit("v4")

    catalog.change(CONFIG_FILE, dataset="{org_slug}_data", tables={"events": {"clustering": ["name"]}}, views={})
    catalog.delete("setup/organizations/views/recent.sql")
    assert repository.told("HEAD") == {Code.DATASET_RENAMED, Code.VIEW_REMOVED}
    assert repository.told("HEAD~3") == repository.told("v1")


def test_the_work_tree_and_the_index_are_left_alone(repository: Repository) -> None:
    repository.catalog.write(EVENTS, columns(column("staged")))
    repository.git("add", "--all")
    repository.catalog.write(EVENTS, columns(column("note")))
    before = repository.git("status", "--porcelain=v2", "--branch")
    assert repository.told("v1") == set()
    assert repository.git("status", "--porcelain=v2", "--branch") == before


def test_a_linked_work_tree_compares_as_well(repository: Repository) -> None:
    repository.git("worktree", "add", "--quiet", "../linked", "v1")
    linked = repository.top.parent / "linked" / "deploy" / "cönfigs"
    report = lint_catalog(linked, against="main")
    assert report.baseline
    assert report.baseline.catalog is not None


def test_a_revision_without_a_catalog_makes_everything_new(repository: Repository) -> None:
    report = repository.lint("empty")
    assert report.baseline
    assert report.baseline.catalog is None
    assert report.baseline.name.startswith("empty (")
    assert not report.fails(Level.WARNING)


TEMPLATE = {
    "setup/first/config.yml": "dataset: first\ntables: [things]\n",
    "setup/first/schemas/things.json": '[{"name": "id", "type": "INT64"}]',
}


def template(folder: Path, type_: str = "INT64") -> Path:
    """Write a template whose table has one column of this type."""
    for name, text in TEMPLATE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("INT64", type_))
    return folder


def told_of_templates(repository: Repository, templates: Path, against: str) -> set[str]:
    report = lint_catalog(repository.catalog.root, templates, against=against)
    return {problem.code for problem in report.problems if problem.where.startswith(str(templates))} - {
        Code.UNDESCRIBED_COLUMNS, Code.UNDESCRIBED_OBJECT
    }  # fmt: skip


def test_templates_are_compared_with_those_of_the_revision(repository: Repository) -> None:
    templates = template(repository.top / "templates")
    assert told_of_templates(repository, templates, "v1") == set()
    repository.commit("v2")
    template(templates, "STRING")
    assert told_of_templates(repository, templates, "v2") == {Code.TYPE_CHANGED}
    assert told_of_templates(repository, templates, "v1") == set()


def test_templates_are_compared_with_those_beside_the_other_directory(repository: Repository, tmp_path: Path) -> None:
    templates = template(repository.top / "deploy" / "templates", "STRING")
    other = CatalogDirectory(tmp_path / "other" / "any name")
    report = lint_catalog(repository.catalog.root, templates, against=str(other.root))
    assert report.baseline
    assert report.baseline.templates is None
    template(tmp_path / "other" / "templates")
    assert told_of_templates(repository, templates, str(other.root)) == {Code.TYPE_CHANGED}


def test_templates_outside_the_repository_are_not_compared(repository: Repository, tmp_path: Path) -> None:
    report = lint_catalog(repository.catalog.root, template(tmp_path / "outside"), against="v1")
    assert report.baseline
    assert report.baseline.templates is None


def test_a_broken_template_of_the_base_is_named(repository: Repository) -> None:
    templates = template(repository.top / "templates", "TEXT")
    repository.commit("broken")
    template(templates)
    with pytest.raises(InvalidRequest, match=r"to compare with, broken \(\w{12}\), has 1 problem itself:\n.*things"):
        told_of_templates(repository, templates, "broken")


def test_a_hook_of_git_compares_as_well(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.catalog.write(EVENTS, columns(less="data"))
    monkeypatch.setenv("GIT_DIR", str(repository.top / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert repository.told("v1") == {Code.COLUMN_REMOVED}


def test_a_file_behind_a_link_is_compared(repository: Repository) -> None:
    events = repository.catalog.root / EVENTS
    shared = repository.top / "shared.json"
    events.rename(shared)
    events.symlink_to("../../../../../shared.json")
    repository.commit("linked")
    repository.catalog.write(EVENTS, columns(less="data"))
    assert repository.told("linked") == {Code.COLUMN_REMOVED}


def test_a_shallow_clone_says_how_to_get_the_rest(repository: Repository, tmp_path: Path) -> None:
    source = repository.top.as_uri()
    repository.git("clone", "--quiet", "--depth", "1", source, str(tmp_path / "clone"))
    with pytest.raises(InvalidRequest, match="neither a directory nor a commit") as caught:
        lint_catalog(tmp_path / "clone" / "deploy" / "cönfigs", against="v1~1")
    assert "shallow" in caught.value.hint


def test_a_directory_without_a_catalog_hides_no_branch(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "v1").mkdir()
    monkeypatch.chdir(tmp_path)
    assert repository.told("v1") == set()


def test_a_directory_is_compared_with_like_a_revision(repository: Repository, tmp_path: Path) -> None:
    other = CatalogDirectory(tmp_path / "other")
    other.write(EVENTS, columns(column("more")))
    assert repository.told(str(other.root)) == {Code.COLUMN_REMOVED}


def test_what_changed_is_told_at_its_line(repository: Repository) -> None:
    text = '[\n  {"name": "id", "type": "INT64"},\n  {"name": "at",\n   "type": "DATE"}\n]\n'
    repository.catalog.write(EVENTS, text)
    (found,) = [item for item in repository.lint("v1").problems if item.code == Code.TYPE_CHANGED]
    assert (found.field, found.line) == ("at", 3)
    assert rule_of(found).level is Level.ERROR


@pytest.mark.parametrize(
    ("against", "said"),
    [
        ("nope", "neither a directory nor a commit"),
        ("HEAD:deploy", "neither a directory nor a commit"),
        ("--all", "neither a directory nor a name of git's"),
        ("", "neither a directory nor a name of git's"),
        ("x" * 5000, "neither a directory nor a commit"),
    ],
)
def test_what_is_no_revision_is_refused(repository: Repository, against: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        repository.lint(against)
    assert "directory" in caught.value.hint


def test_a_broken_base_is_named_as_the_base(repository: Repository) -> None:
    repository.catalog.write(EVENTS, "[")
    repository.commit("broken")
    repository.catalog.write(EVENTS, columns())
    with pytest.raises(InvalidRequest, match=r"to compare with, broken \(\w{12}\), has 1 problem itself:\n.*events"):
        repository.lint("broken")


def test_a_directory_without_a_catalog_is_refused(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(InvalidRequest, match="holds no catalog"):
        repository.lint(str(tmp_path / "bare"))


def test_without_a_repository_only_a_directory_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    catalog = CatalogDirectory(tmp_path / "alone")
    with pytest.raises(InvalidRequest, match=r"in no work tree of git: .*not a git repository"):
        lint_catalog(catalog.root, against="main")


def test_without_git_it_says_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InvalidRequest, match="git cannot be run"):
        repository.lint("v1")
