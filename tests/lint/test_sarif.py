"""The report as SARIF: the parts of the 2.1.0 schema that code review needs, and places it can find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cloudact.lint.check import lint_catalog
from cloudact.lint.registry import RULES
from cloudact.lint.sarif import to_sarif
from tests.catalog.declared import CONFIG_FILE, EVENTS, CatalogDirectory, column

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "shortDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}, "additionalProperties": False},
    },
    "additionalProperties": False,
}
PLACE = {
    "type": "object",
    "required": ["artifactLocation"],
    "properties": {
        "artifactLocation": {
            "type": "object",
            "required": ["uri"],
            "properties": {"uri": {"type": "string", "format": "uri-reference", "pattern": "^[^ \\\\]+$"}},
            "additionalProperties": False,
        },
        "region": {
            "type": "object",
            "required": ["startLine"],
            "properties": {"startLine": {"type": "integer", "minimum": 1}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "required": ["message", "ruleId", "level", "locations"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": TEXT,
        "locations": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": {"physicalLocation": PLACE}, "additionalProperties": False},
        },
    },
    "additionalProperties": False,
}
DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "uniqueItems": True, "items": RULE},
    },
    "additionalProperties": False,
}
LOG = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


@pytest.fixture
def sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The log of a catalog with an error, in a directory whose name a URI has to escape."""
    monkeypatch.chdir(tmp_path)
    catalog = CatalogDirectory(tmp_path / "my configs")
    catalog.write(EVENTS, '[\n  {"name": "id", "type": "TEXT"}\n]')
    catalog.write("setup/organizations/schemas/lost.json", [column("id")])
    return to_sarif(lint_catalog(Path("my configs")), Path.cwd())


def test_the_log_has_the_structure_of_sarif(sarif: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(LOG)
    jsonschema.validate(sarif, LOG)


def test_every_rule_is_described_and_every_result_refers_to_its_own(sarif: dict[str, Any]) -> None:
    (run,) = sarif["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [str(code) for code in RULES]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert all(
        rules[result["ruleIndex"]]["defaultConfiguration"]["level"] == result["level"] for result in run["results"]
    )


def test_files_are_named_relative_to_the_directory_with_their_lines(sarif: dict[str, Any]) -> None:
    places = {result["ruleId"]: result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]}
    assert places["CA102"] == {
        "artifactLocation": {"uri": f"my%20configs/{EVENTS}"},
        "region": {"startLine": 2},
    }
    assert places["CA007"] == {"artifactLocation": {"uri": "my%20configs/setup/organizations/schemas/lost.json"}}


def test_a_file_elsewhere_keeps_its_whole_path(tmp_path: Path) -> None:
    catalog = CatalogDirectory(tmp_path / "configs")
    catalog.write(CONFIG_FILE, "dataset: [")
    (result, *_) = to_sarif(lint_catalog(catalog.root), tmp_path / "elsewhere")["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (catalog.root / CONFIG_FILE).as_uri()
