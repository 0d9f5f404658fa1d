"""The OpenAPI document: complete, with examples that work; every other test here holds its answers against it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from cloudact import __version__
from cloudact.metrics import CONTENT_TYPE
from tests.api.documented import PROBLEM, Operation, document, operations
from tests.api.published import STATUSES

OPERATIONS = list(operations())
PROMISED = {
    "POST /api/v1/admin/bootstrap",
    "GET /api/v1/admin/bootstrap/status",
    "POST /api/v1/admin/bootstrap/sync",
    "POST /api/v1/organizations/dryrun",
    "POST /api/v1/organizations/onboard",
    "GET /api/v1/organizations",
    "GET /api/v1/organizations/{org_slug}/status",
    "POST /api/v1/organizations/{org_slug}/sync",
    "POST /api/v1/organizations/{org_slug}/keys",
    "GET /api/v1/organizations/{org_slug}/keys",
    "POST /api/v1/organizations/{org_slug}/keys/{key_id}/rotate",
    "POST /api/v1/organizations/{org_slug}/keys/{key_id}/revoke",
    "DELETE /api/v1/organizations/{org_slug}/keys/{key_id}",
    "GET /api/v1/admin/doctor",
    "GET /api/v1/admin/datasets/{dataset}/declaration",
    "POST /api/v1/admin/datasets/{dataset}/recreate",
    "GET /api/v1/admin/backups",
    "POST /api/v1/admin/backups",
    "POST /api/v1/admin/backups/{backup}/restore",
    "GET /api/v1/admin/fleet/status",
    "POST /api/v1/admin/fleet/plan",
    "POST /api/v1/admin/fleet/sync",
    "GET /api/v1/admin/fleet/runs",
    "GET /api/v1/admin/fleet/runs/{run_id}",
    "GET /api/v1/admin/fleet/runs/{run_id}/events",
    "POST /api/v1/admin/fleet/runs/{run_id}/abort",
    "POST /api/v1/admin/fleet/runs/{run_id}/resume",
    "POST /api/v1/admin/fleet/runs/{run_id}/retry",
    "GET /api/v1/admin/pipelines",
    "POST /api/v1/admin/pipelines/run",
    "GET /api/v1/admin/pipelines/runs",
    "GET /api/v1/admin/pipelines/runs/{run_id}",
    "GET /api/v1/organizations/{org_slug}/hierarchy/entities",
    "POST /api/v1/organizations/{org_slug}/hierarchy/entities",
    "GET /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}",
    "PUT /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}",
    "PATCH /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}",
    "DELETE /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}",
    "POST /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}/move",
    "GET /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}/children",
    "GET /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}/ancestors",
    "GET /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}/descendants",
    "GET /api/v1/organizations/{org_slug}/hierarchy/entities/{entity_id}/history",
    "GET /api/v1/organizations/{org_slug}/hierarchy/tree",
    "GET /api/v1/organizations/{org_slug}/hierarchy/levels",
    "PUT /api/v1/organizations/{org_slug}/hierarchy/levels",
    "GET /api/v1/organizations/{org_slug}/hierarchy/export",
    "POST /api/v1/organizations/{org_slug}/hierarchy/import",
    "GET /api/v1/admin/audit-logs",
    "POST /api/v1/admin/audit-logs/verify",
    "GET /api/v1/organizations/{org_slug}/audit-logs",
    "GET /api/v1/organizations/{org_slug}/integrations",
    "PUT /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}",
    "GET /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}",
    "DELETE /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}",
    "POST /api/v1/organizations/{org_slug}/integrations/{provider}/credentials/{credential_name}/validate",
    "GET /api/v1/organizations/{org_slug}/notifications/channels",
    "POST /api/v1/organizations/{org_slug}/notifications/channels",
    "GET /api/v1/organizations/{org_slug}/notifications/channels/{channel_id}",
    "PUT /api/v1/organizations/{org_slug}/notifications/channels/{channel_id}",
    "DELETE /api/v1/organizations/{org_slug}/notifications/channels/{channel_id}",
    "GET /api/v1/admin/sealing",
    "POST /api/v1/admin/sealing/rotate",
    "POST /api/v1/admin/sealing/reseal",
    "GET /api/v1/organizations/{org_slug}/subscription",
    "PUT /api/v1/organizations/{org_slug}/subscription",
    "GET /api/v1/organizations/{org_slug}/quota",
    "POST /api/v1/organizations/{org_slug}/suspend",
    "POST /api/v1/organizations/{org_slug}/reactivate",
    "GET /api/v1/organizations/{org_slug}/locale",
    "PUT /api/v1/organizations/{org_slug}/locale",
    "GET /api/v1/organizations/{org_slug}/labels",
    "PUT /api/v1/organizations/{org_slug}/labels",
    "PATCH /api/v1/organizations/{org_slug}/labels",
    "POST /api/v1/organizations/{org_slug}/pipelines/run",
    "GET /api/v1/organizations/{org_slug}/pipelines/runs",
    "GET /api/v1/organizations/{org_slug}/pipelines/runs/{run_id}",
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
}
CREATING = ("/onboard", "/entities", "/keys", "/channels")
WITH_BODY = [item for item in OPERATIONS if item.body]
SCHEMAS = document()["components"]["schemas"]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if key == "$ref")
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_the_service_serves_this_document(client: TestClient) -> None:
    assert client.get("/openapi.json").json() == document()


def test_it_needs_no_key_to_be_read(client: TestClient) -> None:
    del client.headers["X-CA-Root-Key"]
    assert client.get("/openapi.json").status_code == 200


def test_every_promised_operation_is_there_and_no_other() -> None:
    assert {str(operation) for operation in OPERATIONS} == PROMISED
    assert document()["info"]["version"] == __version__


@pytest.mark.parametrize("said", ["summary", "description", "tags"])
def test_an_operation_says_what_it_does(said: str) -> None:
    assert [str(operation) for operation in OPERATIONS if not operation.spec[said]] == []


def test_every_operation_has_its_own_id() -> None:
    ids = [operation.spec["operationId"] for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


def test_an_operation_describes_its_good_answer() -> None:
    for operation in OPERATIONS:
        codes = [code for code in operation.spec["responses"] if code.startswith("2")]
        creates = operation.method == "POST" and operation.path.endswith(CREATING)
        begins = operation.method == "POST" and operation.path.endswith(("/fleet/sync", "/resume", "/retry"))
        assert codes == ["201" if creates else "202" if begins else "200"], str(operation)
        ((media_type, content),) = operation.spec["responses"][codes[0]]["content"].items()
        text = media_type in ("text/csv; charset=utf-8", CONTENT_TYPE) and content == {"schema": {"type": "string"}}
        assert "$ref" in content["schema"] or text, str(operation)


def test_an_operation_describes_its_errors_as_problems() -> None:
    for operation in OPERATIONS:
        problems = {code: spec for code, spec in operation.spec["responses"].items() if not code.startswith("2")}
        for code, spec in problems.items():
            assert spec["content"] == {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}, (operation, code)
        expected = {"401", "500", "503"} if "security" in operation.spec else set()
        expected |= {"422"} if operation.body or operation.spec.get("parameters") else set()
        assert expected <= problems.keys(), str(operation)


def test_a_parameter_of_a_query_is_explained() -> None:
    silent = [
        (str(operation), parameter["name"])
        for operation in OPERATIONS
        for parameter in operation.spec.get("parameters", [])
        if parameter["in"] != "path"
        and not parameter.get("description")
        and not {"maximum", "minimum"} & parameter["schema"].keys()
    ]
    assert silent == []


def test_a_request_has_examples_that_its_schema_allows() -> None:
    for operation in WITH_BODY:
        schema = operation.body
        assert schema["examples"], str(operation)
        allowed = Draft202012Validator({**schema, "components": document()["components"]})
        refused = [error.message for example in schema["examples"] for error in allowed.iter_errors(example)]
        assert refused == [], str(operation)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_the_examples_of_a_request_work(onboarded: TestClient, operation: Operation) -> None:
    for example in operation.body.get("examples", []):
        regenerate = {"regenerate_api_key_if_exists": True} if "org_slug" in example else {}
        body, any_version = {**example, **regenerate}, {"If-Match": "*"}
        answer = onboarded.request(operation.method, operation.url(), json=body, headers=any_version)
        missing = any(name in operation.path for name in ("{backup}", "{channel_id}", "{entity_id}", "{key_id}"))
        assert answer.status_code == 404 if missing else answer.is_success


def test_a_request_refuses_unknown_fields_and_explains_the_known() -> None:
    for operation in WITH_BODY:
        assert operation.body["additionalProperties"] is False, str(operation)
        silent = [name for name, field in operation.body["properties"].items() if not field.get("description")]
        assert set(silent) <= {"admin_email"}, str(operation)


def test_a_schema_is_one() -> None:
    allowed = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    wrong = {name: [error.message for error in allowed.iter_errors(schema)] for name, schema in SCHEMAS.items()}
    assert {name: errors for name, errors in wrong.items() if errors} == {}


def test_no_reference_leads_nowhere_and_no_schema_is_unused() -> None:
    known = {f"#/components/schemas/{name}" for name in SCHEMAS}
    assert set(_references(document())) == known


def test_the_five_status_values_are_documented() -> None:
    assert set(document()["components"]["schemas"]["SyncStatus"]["enum"]) == STATUSES


def test_both_keys_are_documented_with_their_headers() -> None:
    schemes = document()["components"]["securitySchemes"]
    assert {scheme["name"] for scheme in schemes.values()} == {"X-CA-Root-Key", "X-API-Key"}
    assert {scheme["in"] for scheme in schemes.values()} == {"header"}


def test_field_names_are_snake_case() -> None:
    fields = [(name, field) for name, schema in SCHEMAS.items() for field in schema.get("properties", {})]
    assert [found for found in fields if not re.fullmatch(r"[a-z][a-z0-9_]*", found[1])] == []
