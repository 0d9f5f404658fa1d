"""A small catalog on disk, of which every kind of thing is in the dictionary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloudact.dictionary.entries import Dictionary
from cloudact.dictionary.load import load_dictionary
from tests.catalog.declared import column, to_bytes

AWKWARD = "Pipe | star * _all_ <b> {org_slug} [link](x) `code` $5 & \\ ~~.\nSecond line."
FILES: dict[str, Any] = {
    "configs/setup/bootstrap/config.yml": {
        "dataset": "central",
        "description": AWKWARD,
        "tables": {"accounts": {"description": "One row per account. Read by all.", "clustering": ["org_slug"]}},
    },
    "configs/setup/bootstrap/schemas/accounts.json": [
        column("org_slug", mode="REQUIRED", description="Organization."),
        column("email", defaultValueExpression="'a|b'", collation="und:ci"),
    ],
    "configs/setup/organizations/config.yml": {
        "dataset": "{org_slug}_prod",
        "labels": {"team": "billing"},
        "tables": {
            "invoices": {
                "description": "One row per invoice.",
                "partition": {"type": "DAY", "field": "day", "expiration_days": 90, "require_filter": True},
            },
            "payments": {"partition": {"type": "RANGE", "field": "number", "start": 0, "end": 10, "interval": 2}},
        },
        "views": {
            "recent": {"description": "One row per account.", "materialized": "shared"},
            "totals": {"description": "One row.", "materialized": "never"},
            "everything": None,
        },
    },
    "configs/setup/organizations/schemas/invoices.json": [
        column("id", mode="REQUIRED", description="Number | printed; joins to payments.lines.invoice, see there."),
        column("org_slug", description="Joins to central.accounts.org_slug."),
        column("day", "DATE"),
        column("total", "NUMERIC", precision=10, scale=2, roundingMode="ROUND_HALF_EVEN"),
        column("extra", "JSON", policyTags={"names": ["projects/p"]}),
    ],
    "configs/setup/organizations/schemas/payments.json": [
        column("number", "INT64", description="Joins to nowhere.number and joins to invoices.nothing."),
        column("lines", "RECORD", mode="REPEATED", fields=[column("invoice", description="Of the invoice.")]),
        column("odd name-1", description="joins to invoices.id."),
    ],
    "configs/setup/organizations/views/recent.sql": (
        "-- all\nSELECT org_slug, email AS mail, COUNT(*) AS n FROM {organizations}.accounts "
        "WHERE org_slug = {org_slug} GROUP BY org_slug, mail"
    ),
    "configs/setup/organizations/views/totals.sql": "SELECT SUM(total) AS `the total` FROM {dataset}.invoices",
    "configs/setup/organizations/views/everything.sql": "SELECT * FROM {dataset}.payments",
    "configs/exports/bill.yml": {
        "title": "Bill of <Provider>",
        "table": "invoices",
        "columns": {"InvoiceId": "id", "total": None},
        "others": "extra",
    },
    "templates/one/two/config.yml": {"dataset": "tenants", "tables": ["accounts", "runs"]},
    "templates/one/two/schemas/accounts.json": [column("tenant_id")],
    "templates/one/two/schemas/runs.json": [column("tenant_id", description="Tenant; joins to accounts.tenant_id.")],
}  # fmt: skip


def write_files(root: Path, **changed: Any) -> None:
    """Write the catalog and its templates into a directory; a changed file that is None is left out.

    A config is JSON, which is YAML too and keeps its order.
    """
    for name, value in {**FILES, **changed}.items():
        if value is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(to_bytes(name, json.dumps(value) if name.endswith(".yml") else value))


def loaded(root: Path) -> Dictionary:
    """Return the dictionary of a directory's catalog and templates."""
    return load_dictionary(root / "configs", root / "templates")
