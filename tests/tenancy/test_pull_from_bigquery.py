"""BigQuery deployments made by other hands, pulled and then compared with what was pulled."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from cloudact.errors import NotDeclarable
from cloudact.warehouse.driver import Warehouse
from tests.acme import ROOT
from tests.bigquery_fake.server import Fake, running
from tests.contract.bigquery import bigquery_at
from tests.tenancy.pulling import adopt, assert_in_step, pull

EXISTING = ROOT.parent / "shared" / "reference"
needs_existing = pytest.mark.skipif(not EXISTING.exists(), reason="the description of existing deployments is not here")


@pytest.fixture
def make_bigquery() -> Iterator[Callable[[], tuple[Warehouse, bigquery.Client]]]:
    """Make an empty project of a strict server, and Google's own client of it."""
    with running() as fake:
        fake.limits.enabled = False
        yield lambda: _project(fake)


def _project(fake: Fake) -> tuple[Warehouse, bigquery.Client]:
    warehouse, hand = bigquery_at(fake.url, f"project-{uuid.uuid4().hex[:12]}")
    return warehouse, hand._client  # the client is Google's own


def test_names_that_differ_by_case_alone_are_left_out_for_nobody_knows_which_is_meant(
    make_bigquery: Callable[[], tuple[Warehouse, bigquery.Client]],
) -> None:
    warehouse, client = make_bigquery()
    fields = [bigquery.SchemaField("org_slug", "STRING")]
    for name in ("organizations", "acme_prod"):
        client.create_dataset(name)
    for name in ("orders", "Orders", "items"):
        client.create_table(bigquery.Table(f"{client.project}.acme_prod.{name}", fields))
    with pytest.raises(NotDeclarable, match="orders: has the same name as Orders"):
        pull(warehouse)
    answer = pull(warehouse, skip_unsupported=True)
    assert sorted(answer.files) == ["config.yml", "schemas/items.json"]
    warehouse.close()


def test_a_view_that_is_nested_deeper_than_a_file_may_be_is_left_out(
    make_bigquery: Callable[[], tuple[Warehouse, bigquery.Client]],
) -> None:
    warehouse, client = make_bigquery()
    for name in ("organizations", "acme_prod"):
        client.create_dataset(name)
    client.create_table(bigquery.Table(f"{client.project}.acme_prod.orders", [bigquery.SchemaField("id", "STRING")]))
    view, depth = bigquery.Table(f"{client.project}.acme_prod.deep"), 31
    inner = f"SELECT id FROM `{client.project}`.acme_prod.orders"
    view.view_query = "SELECT id FROM (" * (depth - 1) + inner + ")" * (depth - 1)
    client.create_table(view)
    with pytest.raises(NotDeclarable, match=f"deep: has a query of {depth} SELECTs inside one another"):
        pull(warehouse)
    assert "views/deep.sql" not in pull(warehouse, skip_unsupported=True).files
    warehouse.close()


def existing(name: str) -> list[dict[str, str]]:
    with (EXISTING / name).open(newline="") as file:
        return list(csv.DictReader(file))


def existing_tables() -> dict[tuple[str, str], bigquery.Table]:
    """Return the tables of the existing deployments, as a person would make them."""
    columns: dict[tuple[str, str], list[bigquery.SchemaField]] = {}
    for row in existing("existing_columns.csv"):
        field = bigquery.SchemaField(row["column"], row["type"], row["mode"])
        columns.setdefault((row["dataset"], row["table"]), []).append(field)
    return {key: _table(key, fields) for key, fields in columns.items()}


def _table(key: tuple[str, str], fields: list[bigquery.SchemaField]) -> bigquery.Table:
    dataset = "organizations" if key[0] == "organizations" else "acme_prod"
    table = bigquery.Table(f"p.{dataset}.{key[1]}", fields)
    rows = existing("existing_layout.csv")
    layout = next((row for row in rows if (row["dataset"], row["table"]) == key), None)
    if layout and layout["partition_type"]:
        table.time_partitioning = bigquery.TimePartitioning(layout["partition_type"], layout["partition_field"])
    if layout and layout["clustering"]:
        table.clustering_fields = layout["clustering"].split("|")
    return table


@needs_existing
def test_an_existing_bigquery_deployment_is_in_step_with_what_was_pulled_from_it(
    make_bigquery: Callable[[], tuple[Warehouse, bigquery.Client]], tmp_path: Path
) -> None:
    warehouse, client = make_bigquery()
    for name in ("organizations", "acme_prod"):
        client.create_dataset(name)
    tables = existing_tables()
    for table in tables.values():
        resource = table.to_api_repr()
        resource["tableReference"]["projectId"] = client.project
        client.create_table(bigquery.Table.from_api_repr(resource))
    catalog = adopt(warehouse, tmp_path)
    assert len(catalog.central.tables) + len(catalog.organization.tables) == len(tables)
    assert_in_step(warehouse, catalog)
    warehouse.close()


def test_a_bigquery_view_that_names_its_project_and_policy_tags_are_taken_over(
    make_bigquery: Callable[[], tuple[Warehouse, bigquery.Client]], tmp_path: Path
) -> None:
    warehouse, client = make_bigquery()
    for name in ("organizations", "acme_prod"):
        client.create_dataset(name)
    tags = bigquery.PolicyTagList(["projects/p/locations/eu/taxonomies/1/policyTags/2"])
    fields = [bigquery.SchemaField("org_slug", "STRING"), bigquery.SchemaField("mail", "STRING", policy_tags=tags)]
    for path in ("organizations.people", "acme_prod.orders"):
        client.create_table(bigquery.Table(f"{client.project}.{path}", fields))
    view = bigquery.Table(f"{client.project}.acme_prod.mails")
    view.view_query = (
        f"SELECT o.mail, 'acme' AS slug FROM `{client.project}.acme_prod.orders` AS o -- {{not one}}\n"
        f"JOIN `{client.project}.organizations.people` AS p USING (mail) WHERE p.org_slug = 'acme'"
    )
    client.create_table(view)
    warehouse.run(lambda session: session.authorize("acme_prod", "organizations"))
    catalog = adopt(warehouse, tmp_path)
    assert_in_step(warehouse, catalog)
    assert (catalog.central.authorize_views, catalog.organization.authorize_views) == (False, True)
    orders = catalog.organization_dataset("acme").table("orders")
    assert orders is not None
    assert orders.columns[1].policy_tags == ("projects/p/locations/eu/taxonomies/1/policyTags/2",)
    mails = catalog.organization_dataset("globex").view("mails")
    assert mails is not None
    assert mails.query == (
        "SELECT o.mail, 'globex' AS slug FROM `globex_prod`.`orders` AS o "
        "JOIN `organizations`.`people` AS p USING (mail) WHERE p.org_slug = 'globex'"
    )
    warehouse.close()
