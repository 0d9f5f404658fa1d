"""`/metrics`: who may read it, that Prometheus can, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from fastapi.testclient import TestClient
from limits import parse_many
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from cloudact.api.operability.protection import Protection
from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.live import Live
from tests.api.operability.conftest import Protected
from tests.api.published import ACME_STATUS, BOOTSTRAP, BOOTSTRAP_STATUS, ONBOARD, ORGANIZATIONS

TOKEN = Protection(metrics_token=SecretStr("scraper's token"))
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(client: TestClient) -> Samples:
    """Everything that is counted, as Prometheus' own parser reads it."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((f"cloudact_{name}", frozenset(labels.items())), 0.0)


def test_the_administrator_reads_it(client: TestClient) -> None:
    assert value(samples(client), "http_requests_in_flight") == 1  # the request itself


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-CA-Root-Key": "wrong"}, 401),
        ({"Authorization": "Bearer scraper's token"}, 200),
        ({"Authorization": "bearer scraper's token"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic scraper's token"}, 401),
        ({"X-API-Key": "acme_corp_api_x"}, 401),
    ],
)
def test_a_scraper_needs_the_token(protected: Protected, headers: Mapping[str, str], status: int) -> None:
    client = protected(TOKEN)
    del client.headers["X-CA-Root-Key"]
    assert client.get("/metrics", headers=headers).status_code == status


def test_without_a_token_none_is_good(client: TestClient) -> None:
    del client.headers["X-CA-Root-Key"]
    assert client.get("/metrics", headers={"Authorization": "Bearer None"}).status_code == 401


def test_requests_are_counted_by_route_and_not_by_path(onboarded: TestClient) -> None:
    for _ in range(2):
        onboarded.get(ACME_STATUS)
    onboarded.get("/no/such/path")
    onboarded.request("BREW", "/healthz")
    found = samples(onboarded)
    route = "/api/v1/organizations/{org_slug}/status"
    assert value(found, "http_requests_total", method="GET", route=route, status="200") == 2
    assert value(found, "http_request_duration_seconds_count", method="GET", route=route) == 2
    assert value(found, "http_requests_total", method="GET", route="unmatched", status="404") == 1
    assert value(found, "http_requests_total", method="other", route="/healthz", status="405") == 1


def test_what_is_done_to_datasets_is_counted_by_operation_and_kind(client: TestClient) -> None:
    client.post(BOOTSTRAP, json={})
    client.post(ONBOARD, json=ACME)
    found = samples(client)
    assert value(found, "apply_duration_seconds_count", operation="bootstrap.run") == 1
    assert value(found, "apply_duration_seconds_count", operation="organizations.onboard") == 1
    assert value(found, "plan_duration_seconds_count", operation="organizations.onboard") >= 1
    assert value(found, "changes_total", kind="create_table") == 39
    assert value(found, "changes_total", kind="create_dataset") == 2


def test_drift_is_counted_as_it_is_seen(onboarded: TestClient, services: Services) -> None:
    onboarded.get(ACME_STATUS)
    onboarded.get(f"{ORGANIZATIONS}?with_sync_status=true")
    onboarded.get(BOOTSTRAP_STATUS)
    found = samples(onboarded)
    assert value(found, "status_reads_total", scope="organization", status="SYNCED") == 2
    assert value(found, "status_reads_total", scope="central", status="SYNCED") == 1


def test_keys_are_counted_by_what_they_were_found_to_be(onboarded: TestClient, acme_key: str) -> None:
    for key in (acme_key, "acme_corp_api_guess"):
        onboarded.get(ACME_STATUS, headers={"X-CA-Root-Key": "", "X-API-Key": key})
    outcomes = {
        dict(labels)["outcome"]: count
        for (name, labels), count in samples(onboarded).items()
        if "key_checks_total" in name
    }
    assert sum(outcomes.values()) == 2
    assert len(outcomes) == 2


def test_errors_of_the_warehouse_are_counted_by_code(onboarded: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_profiles ALTER default_country SET DATA TYPE INTEGER")
    german = {"default_currency": "EUR", "default_timezone": "Europe/Berlin", "default_country": "DE"}
    refused = onboarded.put(f"{ORGANIZATIONS}/acme_corp/locale", json=german)
    assert refused.status_code == 500
    assert value(samples(onboarded), "warehouse_errors_total", code=refused.json()["code"]) == 1


def test_refusals_of_rate_limits_are_counted(protected: Protected, services: Services) -> None:
    client = protected(Protection(per_key=tuple(parse_many("1/hour"))))
    client.get(BOOTSTRAP_STATUS)
    client.get(BOOTSTRAP_STATUS)
    exposition = services.metrics.exposition().decode()
    assert 'cloudact_rate_limited_total{limit="key"} 1.0' in exposition


def test_no_label_names_an_organization_or_a_key(onboarded: TestClient, acme_key: str) -> None:
    for path in (ACME_STATUS, f"{ORGANIZATIONS}/acme_corp/quota", f"{ORGANIZATIONS}/acme_corp/nowhere"):
        onboarded.get(path, headers={"X-CA-Root-Key": "", "X-API-Key": acme_key})
    text = onboarded.get("/metrics").text
    assert "acme" not in text
    assert acme_key not in text


def test_two_applications_count_for_themselves(client: TestClient, services: Services) -> None:
    client.get("/healthz")
    from cloudact.metrics import Metrics  # noqa: PLC0415 - a second one beside the application's

    assert "/healthz" not in Metrics().exposition().decode()
    assert "/healthz" in services.metrics.exposition().decode()
