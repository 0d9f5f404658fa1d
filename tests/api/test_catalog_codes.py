"""Each problem of a catalog is answered under its stable code."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.api.catalog_files import CatalogFiles


def test_a_problem_of_the_catalog_has_the_code_that_lint_explains(client: TestClient, files: CatalogFiles) -> None:
    files.path("bootstrap/schemas/org_profiles.json").write_text('[{"name": "id", "type": "TEXT"}]')
    answer = client.get("/api/v1/admin/bootstrap/status").json()
    assert answer["code"] == "catalog_invalid"
    assert [(error["field"].split(":")[-1], error["code"]) for error in answer["errors"]] == [("id.type", "CA102")]


def test_a_problem_of_a_request_has_no_code(client: TestClient) -> None:
    answer = client.post("/api/v1/admin/bootstrap", json={"no_such_field": 1}).json()
    assert [error["code"] for error in answer["errors"]] == [""]
