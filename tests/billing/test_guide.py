"""`docs/billing-exports.md` says what the exports are and what a loader has to add."""

from __future__ import annotations

from pathlib import Path

from cloudact.catalog.exports import ExportFile, load_exports
from cloudact.catalog.model import Mode
from tests.billing.loading import LINEAGE
from tests.billing.shipped import CATALOG, EXPORTS
from tests.docs_text import DOCS, blocks, plain, table

GUIDE = DOCS / "billing-exports.md"
KEYS = "An export file (ExportFile)"


def cells(heading: str, *titles: str) -> list[tuple[str, ...]]:
    return [tuple(plain(row[title]) for title in titles) for row in table(GUIDE, heading)]


def test_the_guide_names_every_format_with_its_table() -> None:
    shipped = [(name, export.title, export.table.name) for name, export in EXPORTS.items()]
    assert cells("Formats", "file", "export", "table") == shipped


def test_the_guide_describes_every_key_of_an_export_file() -> None:
    fields = {name: "required" if field.is_required() else "none" for name, field in ExportFile.model_fields.items()}
    assert dict(cells(KEYS, "key", "default")) == fields


def test_the_file_in_the_guide_is_one(tmp_path: Path) -> None:
    (block,) = blocks(GUIDE, "yaml")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/shown.yml").write_text(block.text, encoding="utf-8")
    (export,) = load_exports(tmp_path, CATALOG)
    assert {str(export.home_of(name)) for name in ("cost/myCost", "region", "tags/a")} == {
        "cost",
        "region",
        "tags['a']",
    }


def test_the_guide_names_every_column_that_a_table_demands_and_no_export_fills() -> None:
    named = {name for (cell,) in cells("What a loader adds", "column") for name in cell.split(", ")}
    assert named >= LINEAGE.keys()
    for export in EXPORTS.values():
        demanded = {column.name for column in export.table.columns if column.mode is Mode.REQUIRED}
        assert demanded - {target for _, target in export.columns} <= named, export.name
