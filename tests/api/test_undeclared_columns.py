"""A required column that somebody added to a central table: no difference to mend, and no hindrance after a sync."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ACME_STATUS, BOOTSTRAP_STATUS, BOOTSTRAP_SYNC, DRYRUN, ONBOARD
from tests.api.unaudited import only_audited

NEWCOMER = {**ACME, "org_slug": "globex"}


@pytest.fixture
def with_required_column(onboarded: TestClient, live: Live) -> TestClient:
    """The application with acme_corp onboarded and a NOT NULL column in its profile that nobody declared."""
    live.execute("ALTER TABLE organizations.org_profiles ADD COLUMN must VARCHAR")
    live.execute("UPDATE organizations.org_profiles SET must = 'kept'")
    live.execute("ALTER TABLE organizations.org_profiles ALTER COLUMN must SET NOT NULL")
    return onboarded


def test_status_names_it_and_is_synced(with_required_column: TestClient) -> None:
    answer = with_required_column.get(BOOTSTRAP_STATUS).json()
    assert (answer["status"], answer["conflicts"]) == ("SYNCED", [])
    assert answer["schema_diffs"]["org_profiles"]["extra_columns"] == ["must"]


def test_until_it_is_relaxed_dry_run_and_onboarding_say_what_stands_in_the_way(
    with_required_column: TestClient, live: Live
) -> None:
    with only_audited(live, "CREATE ORGANIZATION FAILURE"):
        checks = {check["name"]: check for check in with_required_column.post(DRYRUN, json=NEWCOMER).json()["checks"]}
        assert not checks["bootstrapped"]["passed"]
        assert "organizations.org_profiles.must is REQUIRED" in checks["bootstrapped"]["message"]
        answer = with_required_column.post(ONBOARD, json=NEWCOMER)
        assert (answer.status_code, answer.json()["code"]) == (409, "central_table_blocked")
        assert "bootstrap/sync" in answer.json()["hint"]


def test_after_sync_onboarding_works_and_the_column_keeps_its_values(
    with_required_column: TestClient, live: Live
) -> None:
    answer = with_required_column.post(BOOTSTRAP_SYNC, json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "SUCCESS")
    assert with_required_column.post(ONBOARD, json=NEWCOMER).status_code == 201
    assert live.rows("SELECT org_slug, must FROM organizations.org_profiles ORDER BY 1") == [
        {"org_slug": "acme_corp", "must": "kept"},
        {"org_slug": "globex", "must": None},
    ]
    assert with_required_column.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"
    assert with_required_column.get(ACME_STATUS).json()["status"] == "SYNCED"


def test_a_sync_that_may_not_touch_columns_leaves_it_as_it_is(with_required_column: TestClient, live: Live) -> None:
    with only_audited(live, "SYNC DATASET SUCCESS"):
        with_required_column.post(BOOTSTRAP_SYNC, json={"sync_missing_columns": False})
