"""The JSON Schemas that ship: current, true of the files that ship, and of use in an editor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from cloudact.catalog.json_schema.dialect import text_of
from cloudact.catalog.schema_file import KEYS
from cloudact.cli.catalog.json_schema import SCHEMAS
from tests.acme import ROOT
from tests.docs_text import DOCS, Block, blocks

FOLDER = ROOT / "configs" / "json-schema"
CONFIGS = sorted([*ROOT.glob("configs/**/config.yml"), *ROOT.glob("ps_templates/**/config.yml")])
TABLES = sorted([*ROOT.glob("configs/**/schemas/*.json"), *ROOT.glob("ps_templates/**/schemas/*.json")])
EXPORTS = sorted(ROOT.glob("configs/exports/*.yml"))
SHOWN = blocks(DOCS / "catalog-format.md", "yaml", "json")
# Escapes that mean the same in Python and in an editor's JavaScript, which knows no others in Unicode mode.
ESCAPES = re.compile(r"\\(?:[\^$\\.*+?()\[\]{}|/s]|x[0-9a-f]{2})")


def problems(name: str, document: Any) -> list[str]:
    """Return what the schema of this name says of a document."""
    return [error.message for error in Draft202012Validator(SCHEMAS[name]()).iter_errors(document)]


def read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else YAML(typ="safe", pure=True).load(text)


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a schema."""
    if isinstance(schema, dict):
        yield schema
    for item in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from nodes(item)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_the_file_of_it_is_current(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name]())
    stale = f"run cloudact catalog json-schema --out {FOLDER.relative_to(ROOT)}"
    assert (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8") == text_of(SCHEMAS[name]()), stale


def test_the_files_that_ship_are_what_the_schemas_say() -> None:
    named = [("config", CONFIGS), ("table", TABLES), ("exports", EXPORTS), ("plans", [ROOT / "configs" / "plans.yml"])]
    found = {path.name: problems(name, read(path)) for name, files in named for path in files}
    assert len(found) > 40
    assert {path: told for path, told in found.items() if told} == {}


@pytest.mark.parametrize("block", [pytest.param(block, id=f"{block.heading} {block.language}") for block in SHOWN])
def test_every_example_of_the_documents_is_what_a_schema_says(block: Block) -> None:
    if block.language == "json":
        assert problems("table", json.loads(block.text)) == []
        return
    document = YAML(typ="safe", pure=True).load(block.text)
    name = "plans" if "plans" in document else "config" if "dataset" in document else "exports"
    assert problems(name, document) == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_a_config_file_leads_an_editor_to_its_schema(path: Path) -> None:
    (target,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert (path.parent / target).resolve() == FOLDER / "config.schema.json"


def test_the_settings_shown_for_an_editor_name_every_schema_and_file() -> None:
    (block,) = blocks(DOCS / "catalog-format.md", "jsonc")
    shown = json.loads(block.text)
    named = shown["yaml.schemas"] | {item["url"]: item["fileMatch"] for item in shown["json.schemas"]}
    assert {(ROOT / path).resolve() for path in named} == {*FOLDER.iterdir()}
    matched = sorted(path for globs in named.values() for glob in globs for path in ROOT.glob(glob))
    assert matched == sorted([*CONFIGS, *TABLES, *EXPORTS, ROOT / "configs" / "plans.yml"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_says_what_it_means(name: str) -> None:
    objects = [
        node.get("properties", {}) for node in nodes(SCHEMAS[name]()) if node.get("additionalProperties") is False
    ]
    keyed = [properties for properties in objects if [*properties] != ["fields"]]
    assert [key for properties in keyed for key, node in properties.items() if not node.get("description")] == []


def test_the_schema_of_a_table_knows_every_key_of_a_column() -> None:
    assert SCHEMAS["table"]()["$defs"]["column"]["properties"].keys() == KEYS


@pytest.mark.parametrize("name", SCHEMAS)
def test_patterns_mean_the_same_in_an_editor_and_here(name: str) -> None:
    found = [node["pattern"] for node in nodes(SCHEMAS[name]()) if isinstance(node.get("pattern"), str)]
    found += [pattern for node in nodes(SCHEMAS[name]()) for pattern in node.get("patternProperties", {})]
    assert [pattern for pattern in found if "\\" in ESCAPES.sub("", pattern)] == []
