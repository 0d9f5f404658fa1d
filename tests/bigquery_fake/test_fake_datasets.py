"""Datasets over HTTP with the real client."""

from __future__ import annotations

import json
import urllib.request

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.bigquery_fake.clients import ONCE, PROJECT, MakeTable, connected, make_dataset, rest
from tests.bigquery_fake.clock import ManualClock
from tests.bigquery_fake.server import Fake


def test_a_dataset_comes_back_as_it_was_made(client: bigquery.Client) -> None:
    made = bigquery.Dataset(f"{PROJECT}.shop")
    made.location, made.description, made.labels = "EU", "All sales", {"team": "shop"}
    made.default_table_expiration_ms, made.max_time_travel_hours = 86_400_000, 72
    client.create_dataset(made, retry=ONCE)
    read = client.get_dataset("shop", retry=ONCE)
    assert (read.location, read.description, read.labels) == ("EU", "All sales", {"team": "shop"})
    assert (read.default_table_expiration_ms, read.max_time_travel_hours) == (86_400_000, "72")
    assert [entry.entity_id for entry in read.access_entries] == ["projectWriters", "projectOwners", "projectReaders"]
    assert read.etag
    assert read.created


def test_a_second_dataset_of_a_name_is_refused_and_case_makes_another(client: bigquery.Client) -> None:
    make_dataset(client, "shop")
    with pytest.raises(exceptions.Conflict, match="Already Exists: Dataset acme-test:shop"):
        make_dataset(client, "shop")
    make_dataset(client, "Shop")
    assert [item.dataset_id for item in client.list_datasets(retry=ONCE)] == ["Shop", "shop"]


def test_a_dash_in_the_name_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.BadRequest, match="numbers"):
        make_dataset(client, "no-dash")


def test_a_patch_merges_and_a_stale_etag_is_refused(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    dataset.labels = {"a": "1", "b": "2"}
    dataset = client.update_dataset(dataset, ["labels"], retry=ONCE)
    stale = client.get_dataset("shop", retry=ONCE)
    dataset.labels = {"a": None, "c": "3"}
    client.update_dataset(dataset, ["labels"], retry=ONCE)
    assert client.get_dataset("shop", retry=ONCE).labels == {"b": "2", "c": "3"}
    stale.description = "lost"
    with pytest.raises(exceptions.PreconditionFailed):
        client.update_dataset(stale, ["description"], retry=ONCE)


def test_a_location_is_fixed(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    dataset._properties["location"] = "US"
    with pytest.raises(exceptions.BadRequest, match="location"):
        client.update_dataset(dataset, ["location"], retry=ONCE)


def test_a_dataset_with_tables_is_only_deleted_with_its_contents(client: bigquery.Client, table: MakeTable) -> None:
    table("orders", "id INT64")
    with pytest.raises(exceptions.BadRequest, match="in use") as refused:
        client.delete_dataset("shop", retry=ONCE)
    assert refused.value.errors[0]["reason"] == "resourceInUse"
    client.delete_dataset("shop", delete_contents=True, retry=ONCE)
    with pytest.raises(exceptions.NotFound):
        client.get_table("shop.orders", retry=ONCE)


def undelete(client: bigquery.Client, name: str) -> dict[str, object]:
    return rest(client, "POST", f"/projects/{PROJECT}/datasets/{name}:undelete", {})


def test_a_deleted_dataset_comes_back_with_its_tables_and_cannot_go_again(
    client: bigquery.Client, table: MakeTable, clock: ManualClock
) -> None:
    table("orders", "id INT64")
    client.delete_dataset("shop", delete_contents=True, retry=ONCE)
    assert undelete(client, "shop")["location"] == "EU"
    assert [item.table_id for item in client.list_tables("shop", retry=ONCE)] == ["orders"]
    with pytest.raises(exceptions.BadRequest, match="rule 32"):
        client.delete_dataset("shop", delete_contents=True, retry=ONCE)
    clock.advance(8 * 86_400)
    client.delete_dataset("shop", delete_contents=True, retry=ONCE)


def test_a_new_dataset_of_the_name_ends_the_undelete_of_the_old_one(client: bigquery.Client, table: MakeTable) -> None:
    table("orders", "id INT64")
    client.delete_dataset("shop", delete_contents=True, retry=ONCE)
    make_dataset(client, "shop")
    with pytest.raises(exceptions.Conflict):
        undelete(client, "shop")
    client.delete_dataset("shop", retry=ONCE)
    undelete(client, "shop")
    assert list(client.list_tables("shop", retry=ONCE)) == []


def test_undelete_ends_after_the_time_travel_window(
    client: bigquery.Client, dataset: bigquery.Dataset, clock: ManualClock
) -> None:
    client.delete_dataset("shop", retry=ONCE)
    clock.advance(7 * 86_400 + 1)
    with pytest.raises(exceptions.NotFound):
        undelete(client, "shop")


def test_authorized_resources_end_at_2500(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    def authorize(count: int) -> None:
        views = ({"projectId": PROJECT, "datasetId": "other", "tableId": f"v{number}"} for number in range(count))
        dataset.access_entries = [bigquery.AccessEntry(None, "view", view) for view in views]
        client.update_dataset(dataset, ["access_entries"], retry=ONCE)

    with pytest.raises(exceptions.BadRequest, match="rule 23"):
        authorize(2_501)
    authorize(2_500)


def test_lists_come_in_pages_with_labels_and_without_hidden_datasets(client: bigquery.Client) -> None:
    for number in range(5):
        dataset = make_dataset(client, f"shop{number}")
        dataset.labels = {"tier": "gold" if number % 2 else "none"}
        client.update_dataset(dataset, ["labels"], retry=ONCE)
    make_dataset(client, "_hidden")
    names = [item.dataset_id for item in client.list_datasets(page_size=2, retry=ONCE)]
    assert names == [f"shop{number}" for number in range(5)]
    gold = client.list_datasets(filter="labels.tier:gold", retry=ONCE)
    assert [item.dataset_id for item in gold] == ["shop1", "shop3"]
    assert "_hidden" in [item.dataset_id for item in client.list_datasets(include_all=True, retry=ONCE)]


def test_projects_are_apart(fake: Fake, dataset: bigquery.Dataset) -> None:
    with connected(fake.url, project="another") as other, pytest.raises(exceptions.NotFound):
        other.get_dataset("shop", retry=ONCE)


def test_permissions_are_confirmed_as_granted(fake: Fake) -> None:
    def granted(*permissions: str) -> object:
        data = json.dumps({"permissions": permissions}).encode()
        request = urllib.request.Request(f"{fake.url}/v1/projects/{PROJECT}:testIamPermissions", data, method="POST")
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Date"].endswith("GMT")
            return json.load(answer)

    assert granted("bigquery.jobs.create") == {"permissions": ["bigquery.jobs.create"]}
    fake.permissions = {"bigquery.datasets.create"}
    assert granted("bigquery.jobs.create", "bigquery.datasets.create") == {"permissions": ["bigquery.datasets.create"]}
    assert granted("bigquery.jobs.create") == {}


@pytest.mark.parametrize("path", ["/projects/p/datasets/d/routines", "/projects/p/datasets?unheard=of", "/nothing"])
def test_what_the_fake_does_not_know_is_refused(client: bigquery.Client, path: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="does not know"):
        rest(client, "GET", path)
