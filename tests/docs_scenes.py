"""What has happened before a section of the documents begins, by the section's heading."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb

from cloudact.settings import Settings
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.wiring import build_services
from tests.acme import ACME
from tests.docs_text import DOCS, blocks

Scene = Callable[[Path], None]
NEW_COLUMN = {"name": "new_column", "type": "STRING", "mode": "NULLABLE", "description": "New column description"}
WAREHOUSE = "data/warehouse.duckdb"
CENTRAL = "configs/setup/bootstrap"
PROFILES = f"{CENTRAL}/schemas/org_profiles.json"


def onboard(directory: Path) -> None:
    """Bootstrap and onboard acme_corp in a directory that has the catalog."""
    url = f"duckdb:///{directory / WAREHOUSE}"
    key = f"local:///{directory / 'data/sealing.key'}"
    services = build_services(Settings(warehouse_url=url, config_dir=directory / "configs", sealing_key_uri=key))
    services.bootstrap.run()
    services.onboarding.onboard(OnboardingRequest(**ACME))
    services.close()


def by_hand(*statements: str) -> Scene:
    """Return the scene in which somebody ran these statements on the file."""

    def act(directory: Path) -> None:
        with duckdb.connect(str(directory / WAREHOUSE)) as connection:
            for statement in statements:
                connection.execute(statement)

    return act


def edited(path: str, old: str, new: str) -> Scene:
    """Return the scene in which somebody edited a file of the catalog."""

    def act(directory: Path) -> None:
        text = (directory / path).read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old}"
        (directory / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return act


def with_columns(path: str, *columns: object) -> Scene:
    """Return the scene in which somebody declared more columns."""

    def act(directory: Path) -> None:
        declared = json.loads((directory / path).read_text(encoding="utf-8"))
        (directory / path).write_text(json.dumps([*declared, *columns]), encoding="utf-8")

    return act


def written(path: str, text: str) -> Scene:
    """Return the scene in which somebody wrote a file of the catalog."""
    return lambda directory: (directory / path).write_text(text, encoding="utf-8") and None


def no_warehouse(directory: Path) -> None:
    """Nothing has been done yet."""
    (directory / WAREHOUSE).unlink()


ADD_LOADED_BY = "ALTER TABLE acme_corp_prod.subscription_plans ADD COLUMN loaded_by VARCHAR"
MAKE_SEATS_TEXT = "ALTER TABLE acme_corp_prod.subscription_plans ALTER seats SET DATA TYPE VARCHAR"
NEW_COLUMN_DECLARED = with_columns(PROFILES, NEW_COLUMN)
PLANS_COPY = "my-configs/setup/organizations/schemas/subscription_plans.json"

SCENES: dict[str, tuple[Scene, ...]] = {
    "Bootstrap": (no_warehouse,),
    "Tell drift": (with_columns(PLANS_COPY, json.loads(blocks(DOCS / "quickstart.md", "json")[0].text)),),
    "GET /api/v1/admin/bootstrap/status": (NEW_COLUMN_DECLARED,),
    "An organization's dataset was deleted": (by_hand("DROP SCHEMA acme_corp_prod CASCADE"),),
    "Columns were added to a schema file": (NEW_COLUMN_DECLARED,),
    "A table was added to the catalog": (
        written(f"{CENTRAL}/schemas/new_table.json", json.dumps([NEW_COLUMN])),
        edited(
            f"{CENTRAL}/config.yml", "\ntables:\n", '\ntables:\n  new_table: {description: "New table description"}\n'
        ),
    ),
    "A fresh environment": (no_warehouse,),
    "Organizations dataset does not exist": (no_warehouse,),
    "Extra columns in the status": (by_hand(ADD_LOADED_BY),),
    "A conflict": (by_hand(MAKE_SEATS_TEXT),),
    "Another partitioning or another type": (
        edited(
            f"{CENTRAL}/config.yml",
            "partition: {type: DAY, field: usage_date}\n    clustering: [org_slug]\n",
            "partition: {type: MONTH, field: usage_date}\n    clustering: [org_slug]\n",
        ),
    ),
    "Only descriptions differ": (
        edited(PROFILES, '"description": "', '"description": "In other words: '),
        edited(f"{CENTRAL}/config.yml", "clustering: [org_slug, status]", "clustering: [status, org_slug]"),
    ),
    "A report of problems": (
        with_columns(PROFILES, {"name": "seats", "type": "INTEGR"}, {"name": "ORG_SLUG", "type": "STRING"}),
        edited(f"{CENTRAL}/config.yml", "field: usage_date", "field: used_on"),
        written(f"{CENTRAL}/schemas/org_notes.json", json.dumps([NEW_COLUMN])),
        edited("configs/setup/organizations/views/x_org_hierarchy.sql", "= {org_slug}", "= '{org_slug}'"),
    ),
}

# The same for documents whose service is running: it lends the connection.
BY_HAND: dict[str, tuple[str, ...]] = {
    "GET /api/v1/organizations/{org_slug}/status": (
        "DROP TABLE acme_corp_prod.genai_payg_pricing",
        ADD_LOADED_BY,
        MAKE_SEATS_TEXT,
    ),
    "POST /api/v1/admin/fleet/plan": ("DROP TABLE acme_corp_prod.genai_payg_pricing",),
    "GET /api/v1/admin/datasets/{dataset}/declaration": (
        "CREATE SCHEMA globex_prod",
        "CREATE TABLE globex_prod.orders (order_id VARCHAR NOT NULL, amount DECIMAL(38, 9))",
    ),
}
