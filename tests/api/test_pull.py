"""`GET /api/v1/admin/datasets/{dataset}/declaration`: what exists, as catalog files."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from cloudact.catalog.load import load_dataset
from cloudact.catalog.write.directory import write_directory
from tests.api.live import Live

DATASETS = "/api/v1/admin/datasets"
OF_ACME = f"{DATASETS}/acme_corp_prod/declaration"


def test_an_organizations_dataset_is_declared_for_every_organization(onboarded: TestClient) -> None:
    answer = onboarded.get(OF_ACME)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["dataset"], body["org_slug"], body["notes"]) == ("acme_corp_prod", "acme_corp", [])
    assert 'dataset: "{org_slug}_prod"' in body["files"]["config.yml"]
    assert sorted(path for path in body["files"] if path.startswith("views/")) == [
        "views/x_all_notifications.sql", "views/x_notification_stats.sql", "views/x_org_hierarchy.sql",
        "views/x_pipeline_exec_logs.sql",
    ]  # fmt: skip
    assert not any("acme" in text for path, text in body["files"].items() if path != "config.yml")


def test_the_central_dataset_is_declared_as_it_is(bootstrapped: TestClient, tmp_path: Path) -> None:
    body = bootstrapped.get(f"{DATASETS}/organizations/declaration").json()
    write_directory(tmp_path / "pulled", body["files"])
    template = load_dataset(tmp_path, "pulled")
    assert (template.name, len(template.tables), body["org_slug"]) == ("organizations", 20, None)


def test_a_dataset_that_is_not_there_is_not_found(bootstrapped: TestClient) -> None:
    answer = bootstrapped.get(f"{DATASETS}/nowhere/declaration")
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")


def test_what_cannot_be_declared_is_a_conflict_that_lists_each(onboarded: TestClient, live: Live) -> None:
    live.execute("CREATE TABLE acme_corp_prod.odd (ok BIGINT, huge HUGEINT, id FLOAT)")
    answer = onboarded.get(OF_ACME)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_declarable")
    assert [item["field"] for item in answer.json()["errors"]] == ["acme_corp_prod.odd:huge", "acme_corp_prod.odd:id"]
    body = onboarded.get(OF_ACME, params={"skip_unsupported": True}).json()
    assert [note.split(": ")[0] for note in body["notes"]] == ["acme_corp_prod.odd.huge", "acme_corp_prod.odd.id"]
    assert '"name": "ok"' in body["files"]["schemas/odd.json"]


def test_another_organizations_slug_is_refused(onboarded: TestClient) -> None:
    answer = onboarded.get(OF_ACME, params={"org_slug": "globex"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "org_slug"


def test_only_the_administrator_may_ask(client: TestClient) -> None:
    del client.headers["X-CA-Root-Key"]
    assert client.get(OF_ACME).status_code == 401
