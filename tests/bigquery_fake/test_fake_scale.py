"""Ten thousand organizations: what a fleet asks in one query is answered in seconds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, PROJECT, Queries, scalar
from tests.bigquery_fake.server import Fake
from tests.bigquery_fake.specs import Resource

ORGANIZATIONS = 10_000
TABLES = 19
VIEWS = 4
FINGERPRINT = """
    SELECT table_schema, TO_HEX(SHA256(STRING_AGG(
        CONCAT(table_name, TO_HEX(MD5(REPLACE(ddl, CONCAT('.', table_schema, '.'), '..')))), ',' ORDER BY table_name
    ))) AS fingerprint
    FROM `region-eu`.INFORMATION_SCHEMA.TABLES
    WHERE table_type = 'BASE TABLE'
    GROUP BY table_schema
"""


def shared_tables() -> list[Resource]:
    columns = [{"name": f"column_{number}", "type": "STRING", "description": "A column."} for number in range(30)]
    return [
        {"tableReference": {"tableId": f"t{number}"}, "schema": {"fields": columns[: 10 + number]}}
        for number in range(TABLES)
    ]


def views(slug: str) -> list[Resource]:
    query = "SELECT column_1 FROM `acme-test.organizations.all_of_them` WHERE org_slug = '{}'"
    return [
        {"tableReference": {"tableId": f"v{number}"}, "view": {"query": query.format(slug), "useLegacySql": False}}
        for number in range(VIEWS)
    ]


@pytest.mark.slow
def test_a_fleet_is_held_and_compared(fake: Fake, client: bigquery.Client, sql: Queries) -> None:
    shared = shared_tables()
    slugs = [f"org_{number:05}" for number in range(ORGANIZATIONS)]
    tables: dict[str, Sequence[Resource]] = {f"{slug}_prod": [*shared, *views(slug)] for slug in slugs}
    datasets = [{"datasetReference": {"datasetId": name}, "location": "EU"} for name in tables]
    fake.catalog.seed(PROJECT, datasets, tables)

    fingerprints = dict(sql.rows(FINGERPRINT))
    assert len(fingerprints) == ORGANIZATIONS
    assert len(set(fingerprints.values())) == 1

    sql.job("ALTER TABLE org_00077_prod.t3 ADD COLUMN drift STRING")
    drifted = dict(sql.rows(FINGERPRINT))
    assert {name for name in tables if drifted[name] != fingerprints[name]} == {"org_00077_prod"}

    assert sql.one("SELECT COUNT(*) FROM `region-eu`.INFORMATION_SCHEMA.TABLES") == ORGANIZATIONS * (TABLES + VIEWS)
    one = "SELECT COUNT(*) FROM `region-eu`.INFORMATION_SCHEMA.COLUMNS WHERE table_schema = @dataset"
    assert sql.one(one, scalar("dataset", "STRING", "org_00078_prod")) == sum(range(10, 10 + TABLES))
    assert client.get_table("org_09999_prod.v3", retry=ONCE).view_query.endswith("'org_09999'")
