"""The floor's statements: what this project would execute, as plain SQL, less its own bookkeeping."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from cloudact.catalog.model import Dataset
from cloudact.planning.diff import diff
from cloudact.warehouse.duckdb import ddl

TABLE, COLUMN = "cost_data_standard_1_3", "x_one_more"


def extend_catalog(configs: Path, target: Path) -> Path:
    """Return a copy of the catalog whose cost table has one column more."""
    shutil.copytree(configs, target)
    schema = target / f"setup/organizations/schemas/{TABLE}.json"
    columns = json.loads(schema.read_text(encoding="utf-8"))
    columns.append({"name": COLUMN, "type": "STRING", "mode": "NULLABLE", "description": "One more."})
    schema.write_text(json.dumps(columns), encoding="utf-8")
    return target


def statements(actual: Dataset | None, desired: Dataset) -> list[str]:
    """Return the statements that make the one dataset into the other."""
    planned = [ddl.statements(desired.name, change, actual) for change in diff(actual, desired).changes]
    # The comment on a view is this project's own bookkeeping: a raw program has no use for it.
    return [text for texts in planned for text in texts if not text.startswith("COMMENT ON VIEW")]


def transaction(texts: list[str]) -> str:
    """Return one script that does all of it or nothing."""
    return ";\n".join(["BEGIN", *texts, "COMMIT"])
