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
    "POST /api/v1/organizations/{org_slug}/pipelines/run",
    "GET /api/v1/organizations/{org_slug}/pipelines/runs",
    "GET /api/v1/organizations/{org_slug}/pipelines/runs/{run_id}",
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
with_body = pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.body], ids=str)
schemas = pytest.mark.parametrize("name", document()["components"]["schemas"])


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


@every_operation
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    assert operation.spec["summary"]
    assert operation.spec["description"]
    assert operation.spec["tags"]


def test_every_operation_has_its_own_id() -> None:
    ids = [operation.spec["operationId"] for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


@every_operation
def test_an_operation_describes_its_good_answer(operation: Operation) -> None:
    (good,) = (code for code in operation.spec["responses"] if code.startswith("2"))
    creates = operation.method == "POST" and operation.path.endswith(("/onboard", "/entities", "/keys", "/channels"))
    begins = operation.method == "POST" and operation.path.endswith(("/fleet/sync", "/resume", "/retry"))
    assert good == ("201" if creates else "202" if begins else "200")
    ((media_type, content),) = operation.spec["responses"][good]["content"].items()
    text = ("text/csv; charset=utf-8", CONTENT_TYPE)
    assert "$ref" in content["schema"] or (media_type in text and content == {"schema": {"type": "string"}})


@every_operation
def test_an_operation_describes_its_errors_as_problems(operation: Operation) -> None:
    problems = {code for code in operation.spec["responses"] if not code.startswith("2")}
    for code in problems:
        content = operation.spec["responses"][code]["content"]
        assert content == {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    expected = {"401", "500", "503"} if "security" in operation.spec else set()
    expected |= {"422"} if operation.body or operation.spec.get("parameters") else set()
    assert expected <= problems


@every_operation
def test_a_parameter_of_a_query_is_explained(operation: Operation) -> None:
    for parameter in operation.spec.get("parameters", []):
        schema = parameter["schema"]
        assert parameter.get("description") or {"maximum", "minimum"} & schema.keys() or parameter["in"] == "path"


@with_body
def test_a_request_has_examples_that_its_schema_allows(operation: Operation) -> None:
    schema = operation.body
    assert schema["examples"]
    for example in schema["examples"]:
        Draft202012Validator({**schema, "components": document()["components"]}).validate(example)


@with_body
def test_the_examples_of_a_request_work(onboarded: TestClient, operation: Operation) -> None:
    for example in operation.body.get("examples", []):
        regenerate = {"regenerate_api_key_if_exists": True} if "org_slug" in example else {}
        body, any_version = {**example, **regenerate}, {"If-Match": "*"}
        answer = onboarded.request(operation.method, operation.url(), json=body, headers=any_version)
        missing = any(name in operation.path for name in ("{backup}", "{channel_id}", "{entity_id}", "{key_id}"))
        assert answer.status_code == 404 if missing else answer.is_success


@with_body
def test_a_request_refuses_unknown_fields_and_explains_the_known(operation: Operation) -> None:
    assert operation.body["additionalProperties"] is False
    silent = [name for name, field in operation.body["properties"].items() if not field.get("description")]
    assert set(silent) <= {"admin_email"}


@schemas
def test_a_schema_is_one_and_its_references_lead_somewhere(name: str) -> None:
    schema = document()["components"]["schemas"][name]
    Draft202012Validator.check_schema(schema)
    known = {f"#/components/schemas/{other}" for other in document()["components"]["schemas"]}
    assert set(_references(schema)) <= known


def test_no_reference_leads_nowhere_and_no_schema_is_unused() -> None:
    known = {f"#/components/schemas/{name}" for name in document()["components"]["schemas"]}
    assert set(_references(document())) == known


def test_the_five_status_values_are_documented() -> None:
    assert set(document()["components"]["schemas"]["SyncStatus"]["enum"]) == STATUSES


def test_both_keys_are_documented_with_their_headers() -> None:
    schemes = document()["components"]["securitySchemes"]
    assert {scheme["name"] for scheme in schemes.values()} == {"X-CA-Root-Key", "X-API-Key"}
    assert {scheme["in"] for scheme in schemes.values()} == {"header"}


@schemas
def test_field_names_are_snake_case(name: str) -> None:
    fields = document()["components"]["schemas"][name].get("properties", {})
    assert [field for field in fields if not re.fullmatch(r"[a-z][a-z0-9_]*", field)] == []
