"""The documents hold what is so: a name, a number or an answer that went stale is a failing test."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
import structlog
from fastapi.testclient import TestClient
from pydantic import SecretStr
from typer.main import get_command

from cloudact.api.app import create_app
from cloudact.api.errors import STATUS
from cloudact.catalog.load import CatalogSource
from cloudact.cli.app import app
from cloudact.cli.errors import EXIT_CODE
from cloudact.errors import CloudactError
from cloudact.log import configure_logging
from cloudact.planning.findings import Code, Severity
from cloudact.planning.status import SyncStatus
from cloudact.settings import Settings
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services
from tests.acme import ROOT, ROOT_KEY
from tests.api.documented import document, operations
from tests.docs_scenes import BY_HAND, SCENES, onboard
from tests.docs_shell import Shell, commands, curl, curls, transcript
from tests.docs_text import DOCS, DOCUMENTS, Block, agrees, anchors, blocks, links, name_of, plain, prose, table, tables
from tests.docs_text import text_agrees as reads

README, QUICKSTART, HTTP_API = ROOT / "README.md", DOCS / "quickstart.md", DOCS / "http-api.md"
CLI, OPERATIONS = DOCS / "cli.md", DOCS / "operations.md"
OTHER_PROCESS = "The DuckDB file is open in another process"


@pytest.fixture
def anybody(services: Services) -> Iterator[TestClient]:
    """The real application, for callers that bring their own headers."""
    configure_logging("ERROR")
    yield TestClient(create_app(services, SecretStr(ROOT_KEY)), raise_server_exceptions=False)
    structlog.reset_defaults()


# Every document


def test_every_link_leads_somewhere() -> None:
    for path in DOCUMENTS:
        for target, fragment in links(path):
            assert target.exists(), f"{name_of(path)}: {target}"
            assert not fragment or fragment in anchors(target), f"{name_of(path)}: {name_of(target)}#{fragment}"


def test_every_file_and_make_target_named_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"`((?:src|configs|docs|examples|scripts|tests)/[^`\s{}]*)`", text)
        assert [name for name in named if not [*ROOT.glob(name)]] == [], name_of(path)
        assert set(re.findall(r"(?:`|^)make (\w+)", text, flags=re.MULTILINE)) <= targets, name_of(path)


def test_every_call_named_is_one_of_the_service() -> None:
    known = {str(operation) for operation in operations()}
    for path in DOCUMENTS:
        assert set(re.findall(r"(?:GET|POST) /[\w/{}-]+", prose(path))) <= known, name_of(path)


def commands_named(path: Path) -> list[tuple[str, str]]:
    """The first two words of every command that a document names, the second of which may be empty."""
    text = "\n".join([*re.findall(r"`(cloudact [^`]+)`", prose(path)), *(block.text for block in blocks(path))])
    return re.findall(r"(?:^|\$ |bin/)cloudact ([a-z]+)(?: ([a-z-]+))?", text, flags=re.MULTILINE)


def test_every_command_named_is_one_of_the_command_line() -> None:
    known = {" ".join(words) for words in commands(get_command(app))}
    groups = {name.split()[0] for name in known if " " in name}
    for path in DOCUMENTS:
        for group, command in commands_named(path):
            named = f"{name_of(path)}: cloudact {group} {command}"
            assert group in known, named
            assert group not in groups or not command or f"{group} {command}" in known, named


def test_no_file_names_a_machine_or_a_registry() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of the project's files")
    place = re.compile(r"(?<![\w.}])/(work|home|root|Users)/|pypi[.]org|python[h]osted|index-ur[l]|arti[f]actory")
    files = [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    texts = {name_of(file): file.read_bytes().decode("utf-8", "ignore") for file in files}
    assert {name: found[0] for name, text in texts.items() if (found := place.search(text))} == {}


def test_every_guide_is_listed_in_the_readme() -> None:
    listed = {target for target, _ in links(README)}
    assert [name_of(path) for path in sorted(DOCS.glob("*.md")) if path not in listed] == []


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = re.findall(r"^\*\*(.+?)\.\*\*", (DOCS / "glossary.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert words == sorted(words, key=str.casefold)


def test_architecture_leads_to_every_package_within_a_layer() -> None:
    packages = [name_of(path.parent) for path in sorted((ROOT / "src/cloudact").glob("*/*/**/__init__.py"))]
    assert packages
    assert [name for name in packages if name not in prose(DOCS / "architecture.md")] == []


def test_architecture_draws_the_layers_that_are_checked() -> None:
    checked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    drawn = next(block.text for block in blocks(DOCS / "architecture.md") if block.heading == "Packages")
    assert [re.split(r"  +", line)[0] for line in drawn.splitlines()] == checked[0]["layers"]


# README and quickstart


@pytest.mark.parametrize("path", [README, QUICKSTART], ids=name_of)
def test_curl_commands_work_one_after_another(path: Path, anybody: TestClient) -> None:
    for block in blocks(path, "bash"):
        for command in curls(block):
            answer = curl(anybody, command, {"CA_ROOT_API_KEY": ROOT_KEY})
            assert answer.is_success, f"{command}: {answer.text}"


def test_readme_counts_what_is_declared() -> None:
    catalog = CatalogSource(ROOT / "configs").load()
    tables_, views = len(catalog.organization.tables), len(catalog.organization.views)
    assert f"{len(catalog.central.tables)} tables" in prose(README)
    assert f"{tables_} tables and {views} views" in prose(README)


# Transcripts: quickstart is one story, elsewhere each section is one


@pytest.fixture(scope="module")
def onboarded_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the catalog and a warehouse that has acme_corp."""
    directory = tmp_path_factory.mktemp("onboarded")
    shutil.copytree(ROOT / "configs", directory / "configs")
    onboard(directory)
    return directory


def stories() -> Iterator[tuple[str, list[Block]]]:
    """Yield the console blocks that are run one after another, under a name."""
    yield name_of(QUICKSTART), blocks(QUICKSTART, "console")
    found = [block for path in DOCUMENTS if path != QUICKSTART for block in blocks(path, "console")]
    for heading in dict.fromkeys(block.heading for block in found):
        yield heading, [block for block in found if block.heading == heading]


@pytest.mark.slow
@pytest.mark.parametrize(("title", "told"), [pytest.param(*story, id=story[0]) for story in stories()])
def test_a_transcript_is_what_a_reader_sees(
    title: str, told: list[Block], onboarded_directory: Path, tmp_path: Path
) -> None:
    shutil.copytree(onboarded_directory, tmp_path, dirs_exist_ok=True)
    shell = Shell(tmp_path)
    held = duckdb.connect(str(tmp_path / "data/warehouse.duckdb")) if title == OTHER_PROCESS else nullcontext()
    begun: set[str] = set()
    with held:
        for block in told:
            for act in () if block.heading in begun else SCENES.get(block.heading, ()):
                act(tmp_path)
            begun.add(block.heading)
            for command, shown in transcript(block):
                printed = shell.run(command)
                assert reads(shown, printed), f"$ {command}\n{printed}"


# HTTP API


def defaults(schema: dict[str, Any]) -> dict[str, str]:
    """Return the fields of an object's schema, each with its default as JSON."""
    fields = {name: json.dumps(field.get("default")) for name, field in schema["properties"].items()}
    return fields | dict.fromkeys(schema.get("required", []), "required")


def test_http_api_lists_exactly_the_endpoints() -> None:
    listed = {plain(row["endpoint"]): row["what"] for row in table(HTTP_API, "Endpoints")}
    assert listed == {str(operation): operation.spec["summary"] for operation in operations()}


def test_http_api_explains_every_field_of_a_request() -> None:
    for operation in operations():
        # Dry run takes the body of onboarding, which is explained there.
        explained = next(iter(tables(HTTP_API, str(operation).replace("dryrun", "onboard"))), [])
        shown = {plain(row.get("field") or row["parameter"]): plain(row["default"]) for row in explained}
        query = [item for item in operation.spec.get("parameters", []) if item["in"] == "query"]
        given = {item["name"]: json.dumps(item["schema"].get("default")) for item in query}
        assert shown == (defaults(operation.body) if operation.body else given), str(operation)


@pytest.mark.parametrize(
    ("heading", "model"), [("Status answers", "OrganizationStatusResponse"), ("Sync answers", "SyncResponse")]
)
def test_http_api_explains_every_field_of(heading: str, model: str) -> None:
    schema = document()["components"]["schemas"][model]
    assert [plain(row["field"]) for row in table(HTTP_API, heading)] == list(schema["properties"])


def test_http_api_shows_what_the_service_answers(
    anybody: TestClient, config_dir: Path, warehouse: DuckDBWarehouse
) -> None:
    variables = {"CA_ROOT_API_KEY": ROOT_KEY}
    shown = blocks(HTTP_API, "bash", "json")
    for asked, answered in zip(shown[::2], shown[1::2], strict=True):
        for act in SCENES.get(asked.heading, ()):
            act(config_dir.parent)
        with warehouse.connect() as connection:
            for statement in BY_HAND.get(asked.heading, ()):
                connection.execute(statement)
        answer = curl(anybody, asked.text, variables).json()
        assert agrees(json.loads(answered.text), answer), f"{asked.heading}: {json.dumps(answer, indent=2)}"
        if "api_key" in answer and "key" not in answer:
            variables["ACME_API_KEY"] = answer["api_key"]
        if "key" in answer:
            variables["KEY_ID"] = answer["key"]["key_id"]
        if "backup_of" in answer:
            variables["BACKUP"] = answer["name"]


# Codes, statuses, settings


def codes(path: Path, heading: str) -> dict[str, str]:
    """Return a table's rows by code: all cells but the first, as one text."""
    return {plain(row["code"]): " ".join(list(row.values())[1:]) for row in table(path, heading)}


def descendants(kind: type[CloudactError]) -> Iterator[type[CloudactError]]:
    """Yield every class of the tree below this one."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_every_error_code_is_explained_with_its_status_and_exit_code() -> None:
    assert set(STATUS) == set(EXIT_CODE) == {CloudactError, *descendants(CloudactError)}
    answers = {kind.code: status for kind, status in STATUS.items()}
    answers |= {"request_too_large": 413, "request_timeout": 408}
    answers |= {"not_found": 404, "method_not_allowed": 405, "unsupported_media_type": 415}
    listed = {code: int(text.split()[0]) for code, text in codes(HTTP_API, "Codes").items()}
    assert listed == {code: int(status) for code, status in answers.items()}
    assert codes(OPERATIONS, "Errors").keys() == answers.keys()
    exits = {row["exit code"]: set(plain(row["error codes"]).split(", ")) for row in table(CLI, "Exit codes")}
    assert {(kind.code, str(exit_code)) for kind, exit_code in EXIT_CODE.items()} == {
        (code, exit_code) for exit_code, named in exits.items() for code in named if code
    }


def test_every_finding_is_explained() -> None:
    listed = codes(OPERATIONS, "Findings")
    assert list(listed) == [code.value for code in Code]
    assert {text.split()[0] for text in listed.values()} == {severity.value for severity in Severity}


def test_every_status_is_explained() -> None:
    assert [plain(row["status"]) for row in table(HTTP_API, "Status values")] == [status.value for status in SyncStatus]


def test_settings_are_explained_as_the_code_explains_them() -> None:
    def shown(default: Any) -> str:
        return "none" if default is None else str(getattr(default, "value", default))

    rows = {plain(row["variable"]): (plain(row["default"]), row["meaning"]) for row in table(OPERATIONS, "Settings")}
    fields = Settings.model_fields.items()
    assert rows == {f"CA_{name.upper()}": (shown(field.default), field.description) for name, field in fields}


def test_the_command_line_reference_is_current() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.docs_cli", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "stale: run python -m tests.docs_cli"
