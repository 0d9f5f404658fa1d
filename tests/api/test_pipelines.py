"""`/api/v1/admin/pipelines`: running what the catalog has, and reading what was recorded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.live import Live

LIST = "/api/v1/admin/pipelines"
RUN, RUNS = f"{LIST}/run", f"{LIST}/runs"
BOOTSTRAP = {"pipeline": "setup/bootstrap_system.yml", "tenant_id": "system"}
SYNC = "pipeline: {id: sync, name: Sync}\nsteps: [{step_id: sync, ps_type: setup.organizations.sync}]\n"


def test_a_run_does_what_the_file_says_and_is_recorded(client: TestClient, live: Live) -> None:
    answer = client.post(RUN, json={**BOOTSTRAP, "variables": {"force_recreate_tables": False}})
    assert answer.status_code == 200
    report = answer.json()
    assert (report["state"], report["recorded"], report["organization"]) == ("COMPLETED", True, "system")
    assert len(live.tables("tenants")) == 8
    (run,) = client.get(RUNS).json()["runs"]
    assert (run["pipeline_logging_id"], run["trigger_type"], run["status"]) == (report["run_id"], "API", "COMPLETED")
    force = {"force_recreate_dataset": False, "force_recreate_tables": False, "confirm_dataset": ""}
    assert run["parameters"] == force
    shown = client.get(f"{RUNS}/{report['run_id']}").json()
    assert shown["run"] == run
    assert [step["step_name"] for step in shown["steps"]] == ["bootstrap_setup", "bootstrap_organizations"]
    assert shown["steps"][0]["metadata"]["details"] == report["steps"][0]["details"]


def test_a_dry_run_changes_and_records_nothing(client: TestClient, live: Live) -> None:
    report = client.post(RUN, json={**BOOTSTRAP, "dry_run": True}).json()
    assert (report["state"], report["dry_run"]) == ("COMPLETED", True)
    assert len(report["steps"][0]["details"]["tables_created"]) == 8
    assert (live.dataset("tenants"), live.dataset("organizations")) == (None, None)


def test_a_step_that_fails_is_told_by_the_answer(client: TestClient, live: Live) -> None:
    answer = client.post(RUN, json={**BOOTSTRAP, "variables": {"force_recreate_dataset": True}})
    assert answer.status_code == 200
    first, second = answer.json()["steps"]
    assert (answer.json()["state"], first["state"], second["state"]) == ("FAILED", "FAILED", "SKIPPED")
    assert first["failure"]["message"].startswith("force_recreate_dataset: refused")
    assert "trace" not in first["failure"]
    assert live.dataset("tenants") is None


@pytest.mark.parametrize("value", ["perhaps", 3, None, ["true"]])
def test_a_variable_of_another_type_is_refused(client: TestClient, value: object) -> None:
    answer = client.post(RUN, json={**BOOTSTRAP, "variables": {"force_recreate_tables": value}})
    assert (answer.status_code, answer.json()["code"]) == (422, "pipeline_invalid")
    assert [item["field"] for item in answer.json()["errors"]] == ["run parameters:force_recreate_tables"]


@pytest.mark.parametrize(
    "name",
    [
        "../outside.yml",
        "/etc/hostname",
        "setup/../../outside.yml",
        "setup",
        "",
        "no_such.yml",
        "a\0b.yml",
        "a" * 1000 + ".yml",
        "link.yml",
        "setup/bootstrap/schemas/org_profiles.json",
        "no_such_id",
        "None",
        "a" * 1000,
        "a\0b",
    ],
)
def test_only_pipelines_of_the_catalog_can_be_named(client: TestClient, config_dir: Path, name: str) -> None:
    (config_dir.parent / "outside.yml").write_text(SYNC)
    (config_dir / "link.yml").symlink_to(config_dir.parent / "outside.yml")
    answer = client.post(RUN, json={**BOOTSTRAP, "pipeline": name})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [item["field"] for item in answer.json()["errors"]] == ["pipeline"]


def test_a_pipeline_is_run_by_its_id(client: TestClient, live: Live, config_dir: Path) -> None:
    report = client.post(RUN, json={**BOOTSTRAP, "pipeline": "system_bootstrap"}).json()
    assert (report["state"], report["pipeline_id"], len(live.tables("tenants"))) == ("COMPLETED", "system_bootstrap", 8)
    answer = client.post(RUN, json={**BOOTSTRAP, "pipeline": "system_bootstrp"})
    assert "name one of organization_sync, system_bootstrap" in answer.json()["detail"]
    shutil.copy(config_dir / "setup/bootstrap_system.yml", config_dir / "twin.yml")
    answer = client.post(RUN, json={**BOOTSTRAP, "pipeline": "system_bootstrap"})
    assert answer.status_code == 422
    assert "write a path: setup/bootstrap_system.yml, twin.yml" in answer.json()["detail"]


def test_the_pipelines_of_the_catalog_are_listed_with_their_problems(client: TestClient, config_dir: Path) -> None:
    shipped, offered = client.get(LIST).json()["pipelines"]
    assert (offered["id"], offered["organizations"], shipped["organizations"]) == ("organization_sync", True, False)
    assert (shipped["id"], shipped["file"]) == ("system_bootstrap", "setup/bootstrap_system.yml")
    assert [step["step_id"] for step in shipped["steps"]] == ["bootstrap_setup", "bootstrap_organizations"]
    assert (shipped["variables"]["force_recreate_tables"], shipped["problems"]) == (False, [])
    (config_dir / "bad.yml").write_text(SYNC.replace("sync,", "[1],", 1) + "variables: {api_key: s3cret}\nmore: 1\n")
    (config_dir / "latin.yaml").write_bytes(b"pipeline:\n  name: caf\xe9\n")
    (config_dir / "other.yml").write_text("a:\n  pipeline: 1\n")
    (config_dir / "sync.yml").write_text("variables: {api_key: s3cret}\n" + SYNC)
    (config_dir / "twin.yml").write_text(SYNC)
    os.mkfifo(config_dir / "pipe.yml")
    answer = client.get(LIST)
    assert "s3cret" not in answer.text
    listed = {entry["file"]: entry for entry in answer.json()["pipelines"]}
    own = ["bad.yml", "latin.yaml", "sync.yml", "twin.yml"]
    assert list(listed) == sorted([*own, "setup/bootstrap_system.yml", "setup/organization_sync.yml"])
    assert [item["field"] for item in listed["bad.yml"]["problems"]] == ["bad.yml:4:more", "bad.yml:1:pipeline.id"]
    assert (listed["bad.yml"]["id"], listed["bad.yml"]["name"], listed["bad.yml"]["steps"]) == ("", "Sync", [])
    assert "is not UTF-8" in listed["latin.yaml"]["problems"][0]["message"]
    assert listed["sync.yml"]["variables"] == {"api_key": "***"}
    assert "is sync, as in twin.yml" in listed["sync.yml"]["problems"][0]["message"]


def test_a_file_with_problems_is_refused_whole(bootstrapped: TestClient, config_dir: Path) -> None:
    (config_dir / "bad.yml").write_text(
        SYNC.replace("setup.organizations.sync", "setup.organizations.snc") + "more: 1\n"
    )
    answer = bootstrapped.post(RUN, json={**BOOTSTRAP, "pipeline": "bad.yml"})
    assert (answer.status_code, answer.json()["code"]) == (422, "pipeline_invalid")
    assert bootstrapped.get(RUNS).json()["total"] == 0


@pytest.mark.parametrize("tenant", ["Acme", "no", "root"])
def test_a_run_is_for_an_organization_or_the_platform(client: TestClient, tenant: str) -> None:
    answer = client.post(RUN, json={**BOOTSTRAP, "tenant_id": tenant})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "given",
    [
        '"variables": {"\\ud800": 1}',
        '"variables": {"a": ["\\ud800"]}',
        '"pipeline": "\\ud800"',
        '"tenant_id": "\\ud800"',
    ],
)
def test_halves_of_characters_are_refused(client: TestClient, given: str) -> None:
    body = {name: value for name, value in BOOTSTRAP.items() if f'"{name}"' not in given}
    content = "{" + ", ".join([given, *(f'"{name}": "{value}"' for name, value in body.items())]) + "}"
    answer = client.post(RUN, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "half of a surrogate pair" in answer.json()["detail"]


def test_runs_are_listed_the_latest_first_by_page_and_filter(onboarded: TestClient, config_dir: Path) -> None:
    (config_dir / "sync.yml").write_text(SYNC)
    ids = [
        onboarded.post(RUN, json={"pipeline": "sync.yml", "tenant_id": tenant}).json()["run_id"]
        for tenant in ("acme_corp", "globex_inc", "acme_corp")
    ]

    def listed(**query: object) -> list[str]:
        return [run["pipeline_logging_id"] for run in onboarded.get(RUNS, params=query).json()["runs"]]

    assert listed() == ids[::-1]
    assert (listed(limit=1), listed(limit=2, offset=1), listed(offset=3), listed(offset=9)) == (
        [ids[2]],
        [ids[1], ids[0]],
        [],
        [],
    )
    assert listed(org_slug="acme_corp", status="COMPLETED") == [ids[2], ids[0]]
    assert listed(status="FAILED", pipeline_id="sync") == [ids[1]]
    assert listed(pipeline_id="other") == []
    assert onboarded.get(RUNS, params={"limit": 1}).json()["total"] == 3


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 501}, {"offset": -1}, {"status": "DONE"}, {"slug": "x"}])
def test_a_wrong_query_is_refused(bootstrapped: TestClient, query: dict[str, object]) -> None:
    assert bootstrapped.get(RUNS, params=query).status_code == 422


def test_there_are_no_records_before_the_central_dataset_or_of_unknown_runs(client: TestClient, live: Live) -> None:
    for path in (RUNS, f"{RUNS}/some-id"):
        assert client.get(path).json()["code"] == "not_bootstrapped"
    client.post("/api/v1/admin/bootstrap", json={})
    answer = client.get(f"{RUNS}/some-id")
    assert (answer.status_code, answer.json()["code"]) == (404, "run_not_found")
    live.execute("DROP TABLE organizations.org_meta_step_logs")
    assert "org_meta_step_logs" in client.get(RUNS).json()["detail"]
