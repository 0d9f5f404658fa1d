"""`docs/catalog-format.md` says what the loader does, and everything it shows can be loaded."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cloudact.catalog import rules, schema_file
from cloudact.catalog.config_file import ConfigFile, PartitionConfig, TableConfig, ViewConfig
from cloudact.catalog.load import ORGANIZATION, CatalogSource
from cloudact.catalog.model import Column, Kind, Type
from cloudact.catalog.problems import Problems
from cloudact.catalog.view_file import PLACEHOLDERS, parse_view
from cloudact.catalog.yaml_file import parse_yaml, validate
from cloudact.errors import CatalogError
from cloudact.tenancy.plans import SubscriptionPlan, load_plans
from cloudact.warehouse.duckdb.type_map import storage_of
from tests.docs_scenes import PROFILES, edited, with_columns
from tests.docs_text import DOCS, Block, blocks, plain, prose, table

FORMAT = DOCS / "catalog-format.md"
EXAMPLE = "A complete example"
VIEW = f"{ORGANIZATION}/views/x_org_hierarchy.sql"
THREE_WAYS = "Three ways to write `tables`"
SHOWN = blocks(FORMAT, "yaml", "json", "sql")
KEYS_OF: dict[str, type[BaseModel]] = {
    "config.yml (ConfigFile)": ConfigFile,
    "An entry under `tables` (TableConfig)": TableConfig,
    "Partitioning (PartitionConfig)": PartitionConfig,
    "An entry under `views` (ViewConfig)": ViewConfig,
    "plans.yml (PlansFile)": SubscriptionPlan,
}


def longest(model: type[BaseModel], field: str) -> int:
    """Return the `max_length` of a field."""
    return next(item.max_length for item in model.model_fields[field].metadata if hasattr(item, "max_length"))


def limits() -> dict[str, str]:
    """Return every limit as the table of limits writes it."""
    numeric, bignumeric = schema_file.DECIMAL_LIMITS[Kind.NUMERIC], schema_file.DECIMAL_LIMITS[Kind.BIGNUMERIC]
    refresh: Any = ViewConfig.model_fields["refresh_interval_minutes"].metadata
    return {
        "Columns of a table, nested ones included": f"{rules.MAX_COLUMNS:,}",
        "Depth of nested RECORDs": f"{schema_file.MAX_DEPTH:,}",
        "Characters of a column's name": f"{rules.MAX_NAME:,}",
        "Characters of a column's description": f"{rules.MAX_DESCRIPTION:,}",
        "Characters of a table's, view's or dataset's description": f"{longest(TableConfig, 'description'):,}",
        "Clustering columns of a table": f"{rules.MAX_CLUSTERING:,}",
        "Labels of one object": f"{longest(TableConfig, 'labels'):,}",
        "Minutes between refreshes of a view": f"{next(item.le for item in refresh if hasattr(item, 'le')):,}",
        "Digits before and after the point of a NUMERIC": f"{numeric[1]} and {numeric[0]}",
        "Digits before and after the point of a BIGNUMERIC": f"{bignumeric[1]} and {bignumeric[0]}",
    }


def stored_as(kind: Kind) -> str:
    """Return the name of the DuckDB type that holds a type without parameters."""
    element = Kind.DATE if kind is Kind.RANGE else None
    field = Column("field", Type(Kind.STRING))
    column = Column("column", Type(kind, element=element), fields=(field,) if kind is Kind.RECORD else ())
    return storage_of(column).name


def loaded(block: Block, directory: Path) -> Any:
    """Return what the loader makes of a block, or fail with the problems it finds."""
    problems = Problems(block.heading)
    found: Any
    match block.language:
        case "yaml" if block.text.startswith("plans:"):
            (directory / "plans.yml").write_text(block.text, encoding="utf-8")
            found = load_plans(directory)
        case "yaml":
            found = validate(ConfigFile, parse_yaml(block.text, problems), problems, page="")
        case "json":
            found = schema_file.parse_schema(block.text, problems)
        case _:
            found = parse_view(block.text, problems)
    problems.raise_if_any()
    return found


@pytest.mark.parametrize("block", [pytest.param(block, id=f"{block.heading} {block.language}") for block in SHOWN])
def test_every_block_can_be_loaded(block: Block, tmp_path: Path) -> None:
    assert loaded(block, tmp_path)


def test_the_ways_to_write_tables_mean_the_same(tmp_path: Path) -> None:
    mapping, mappings, names = [loaded(block, tmp_path) for block in SHOWN if block.heading == THREE_WAYS]
    assert mapping == mappings
    assert names.tables.keys() == mapping.tables.keys()


def test_the_complete_example_is_complete(config_dir: Path) -> None:
    folder = config_dir / ORGANIZATION
    shutil.rmtree(folder)
    for block in SHOWN:
        if block.heading == EXAMPLE:
            path = folder / re.findall(r"`(.+?)`:", block.before)[-1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    template = CatalogSource(config_dir).load().organization
    assert [item.name for item in template.tables] == ["invoices", "payments"]
    assert [item.view.name for item in template.views] == ["open_invoices"]


@pytest.mark.parametrize(("heading", "model"), KEYS_OF.items())
def test_every_key_of_the_catalog_is_explained(heading: str, model: type[BaseModel]) -> None:
    rows = {plain(row["key"]): plain(row["default"]) for row in table(FORMAT, heading)}
    assert list(rows) == list(model.model_fields)
    assert {key for key, default in rows.items() if default == "required"} == {
        name for name, field in model.model_fields.items() if field.is_required()
    }


def test_every_key_of_a_column_and_every_placeholder_is_explained() -> None:
    assert {plain(row["key"]) for row in table(FORMAT, "Keys of a column")} == schema_file.KEYS
    assert {plain(row["placeholder"]).strip("{}") for row in table(FORMAT, "View files")} == PLACEHOLDERS


def test_every_type_is_listed_with_its_names_and_storage() -> None:
    listed = {plain(row["type"]): row for row in table(FORMAT, "Types")}
    assert listed.keys() == {kind.value for kind in Kind} - {Kind.NATIVE.value}
    for name, row in listed.items():
        others = {other for other, kind in schema_file.ALIASES.items() if kind == name and other != name}
        assert set(filter(None, plain(row["also written"]).split(", "))) == others
        assert plain(row["on DuckDB"]).startswith(stored_as(Kind(name)))


def test_every_limit_is_the_one_that_is_checked() -> None:
    assert {row["what"]: row["limit"] for row in table(FORMAT, "Rules")} == limits()
    text = " ".join(prose(FORMAT).split())
    assert [prefix for prefix in rules.RESERVED_PREFIXES if f"`{prefix}`" not in text] == []
    assert ", ".join(sorted(rules.CLUSTERABLE)) in text
    assert [name for name in (*schema_file.COLLATIONS, *schema_file.ROUNDING_MODES) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("default", ["(1 +", "1, 2", "other_column", "@parameter", "(SELECT 1)", "'0'"])
def test_a_default_that_breaks_a_documented_rule_is_a_problem(default: str, config_dir: Path) -> None:
    with_columns(PROFILES, {"name": "seats", "type": "INT64", "defaultValueExpression": default})(config_dir.parent)
    with pytest.raises(CatalogError, match=r"seats\.defaultValueExpression"):
        CatalogSource(config_dir).load()


def test_the_defaults_shown_are_accepted(config_dir: Path) -> None:
    shown = {"STRING": "'OPEN'", "INT64": "0", "TIMESTAMP": "CURRENT_TIMESTAMP()"}
    columns = [{"name": f"c_{name}", "type": name, "defaultValueExpression": text} for name, text in shown.items()]
    tags = {"name": "c_tags", "type": "STRING", "mode": "REPEATED", "defaultValueExpression": "['new']"}
    with_columns(PROFILES, *columns, tags)(config_dir.parent)
    assert CatalogSource(config_dir).load()
    assert [text for text in (*shown.values(), "['new']") if f"`{text}`" not in prose(FORMAT)] == []


@pytest.mark.parametrize("condition", ["= {org_slug} OR TRUE", "= 'acme_corp'", "= {org_slug} AND no_such_column = 1"])
def test_a_view_that_breaks_a_documented_rule_is_a_problem(condition: str, config_dir: Path) -> None:
    edited(f"configs/{VIEW}", "= {org_slug}", condition)(config_dir.parent)
    with pytest.raises(CatalogError, match=re.escape(VIEW)):
        CatalogSource(config_dir).load()
