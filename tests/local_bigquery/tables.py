"""Datasets and tables by REST: checked by the rules, then passed on in a form that the emulator carries out."""

from __future__ import annotations

from typing import Any

from tests.bigquery_fake.rules import Refusal, Resource, new_dataset, new_table, patched, patched_dataset
from tests.local_bigquery.answers import Answer, EmulatorRefused, answered, not_found, not_modelled
from tests.local_bigquery.catalog import Catalog, canonical, changeable, quoted
from tests.local_bigquery.emulator import PREFIX, Emulator, Reference, dataset_path


class Tables:
    """The methods of datasets and tables that write, and tables.get and list, whose answers need mending."""

    def __init__(self, emulator: Emulator, catalog: Catalog) -> None:
        self._emulator = emulator
        self._catalog = catalog

    def insert_dataset(self, project: str, body: Resource) -> Answer:
        """datasets.insert."""
        new_dataset(body)
        self._catalog.forget()
        sent = {**body, "location": canonical(body.get("location") or "US")}
        return answered(self._emulator.call("POST", f"/projects/{project}/datasets", sent))

    def patch_dataset(self, project: str, dataset: str, body: Resource, if_match: str | None) -> Answer:
        """datasets.patch."""
        current = self._catalog.dataset(project, dataset)
        _check_etag(current, if_match)
        patched_dataset(current, body)
        changes = {key: value for key, value in body.items() if key not in {"etag", "location"}}
        return answered(self._emulator.call("PATCH", dataset_path(project, dataset), changes))

    def delete_dataset(self, project: str, dataset: str, query: str) -> Answer:
        """datasets.delete."""
        self._catalog.forget()
        return self._emulator.send("DELETE", f"{PREFIX}{dataset_path(project, dataset)}{query}")

    def list(self, project: str, dataset: str, query: str) -> Answer:
        """tables.list."""
        found = self._emulator.call("GET", f"{dataset_path(project, dataset)}/tables{query}")
        return answered({**found, "tables": [self._catalog.placed(item) for item in found.get("tables", [])]})

    def get(self, reference: Reference, query: str) -> Answer:
        """tables.get, also of views that read what is gone."""
        if query and "selectedFields" in query:
            return answered(self._catalog.placed(self._emulator.call("GET", reference.path + query)))
        return answered(self._found(reference))

    def insert(self, project: str, dataset: str, body: Resource) -> Answer:
        """tables.insert, of tables, views and materialized views."""
        made = new_table(body, dataset=self._catalog.dataset(project, dataset))
        reference = Reference(project, dataset, made["tableReference"]["tableId"])
        match made["type"]:
            case "MATERIALIZED_VIEW":
                return answered(self._make_materialized_view(reference, made))
            case "VIEW":
                self._catalog.check_same_location(reference, made["view"]["query"])
        self._emulator.call("POST", f"{dataset_path(project, dataset)}/tables", made)
        try:
            return answered(self._catalog.settled(reference, None, made, {}))
        except (Refusal, EmulatorRefused):
            # Half a table would be believed to be whole by the next request.
            self._emulator.call("DELETE", reference.path)
            raise

    def _make_materialized_view(self, reference: Reference, made: Resource) -> Resource:
        """The emulator makes materialized views by statement only, and then keeps what REST says of them."""
        if self._catalog.table(reference) is not None:
            name = f"{reference.project}:{reference.dataset}.{reference.table}"
            raise Refusal(f"Already Exists: Table {name}", rule="40", status=409, reason="duplicate")
        query = made["materializedView"]["query"]
        self._catalog.check_materialized_view(reference, query)
        self._catalog.check_same_location(reference, query)
        self._emulator.run(reference.project, f"CREATE MATERIALIZED VIEW {quoted(reference)} AS {query}")
        return self._catalog.settled(reference, None, made, changeable(made))

    def patch(self, reference: Reference, body: Resource, if_match: str | None) -> Answer:
        """tables.patch."""
        current = self._found(reference)
        _check_etag(current, if_match)
        wanted = patched(current, body)
        changes = changeable(body)
        if "schema" in changes:
            _check_nested(current, wanted)
            changes["schema"] = wanted["schema"]
        if wanted["type"] == "VIEW" and wanted["view"]["query"] != current["view"]["query"]:
            self._catalog.check_same_location(reference, wanted["view"]["query"])
            self._emulator.run(
                reference.project, f"CREATE OR REPLACE VIEW {quoted(reference)} AS {wanted['view']['query']}"
            )
            # The statement has made a new view, without what the old one had besides its query.
            changes = {key: value for key, value in changeable(wanted).items() if key != "schema"}
            changes["creationTime"] = current["creationTime"]
        return answered(self._catalog.settled(reference, current, wanted, changes))

    def _found(self, reference: Reference) -> Resource:
        found = self._catalog.table(reference)
        if found is None:
            raise not_found(f"Table {reference.project}:{reference.dataset}.{reference.table}")
        return found

    def delete(self, reference: Reference) -> Answer:
        """tables.delete."""
        return self._emulator.send("DELETE", PREFIX + reference.path)


def _check_etag(current: Resource, if_match: str | None) -> None:
    if if_match not in {None, "*", current.get("etag")}:
        raise Refusal("Precondition check failed.", rule="39", status=412, reason="conditionNotMet")


def _check_nested(current: Resource, wanted: Resource) -> None:
    """BigQuery adds fields to RECORDs that exist; the emulator says that it did and does not."""
    if added := _nested_additions(_fields(current), _fields(wanted)):
        message = f"local-bigquery cannot add {', '.join(added)} to a RECORD that exists; real BigQuery does"
        raise not_modelled(message)


def _fields(resource: Resource) -> list[dict[str, Any]]:
    return list(resource.get("schema", {}).get("fields", []))


def _nested_additions(current: list[dict[str, Any]], wanted: list[dict[str, Any]], path: str = "") -> list[str]:
    before = {field["name"]: field for field in current}
    added = [path + field["name"] for field in wanted if path and field["name"] not in before]
    for field in wanted:
        if field["name"] in before:
            inner = before[field["name"]].get("fields", [])
            added += _nested_additions(inner, field.get("fields", []), f"{path}{field['name']}.")
    return added
