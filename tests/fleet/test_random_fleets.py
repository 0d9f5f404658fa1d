"""Whatever hands did to a fleet, its groups say of every organization what its own status says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.fleet import status
from cloudact.fleet.status import FleetStatus
from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.state import DatasetState
from cloudact.wiring import build_services
from tests.acme import ROOT
from tests.api.live import duckdb_of
from tests.fleet.conftest import SLUGS

# What is done to one organization, whose dataset is `own`.
EDITS = (
    "DROP TABLE IF EXISTS own.subscription_plans",
    "CREATE TABLE IF NOT EXISTS own.by_hand (id VARCHAR)",
    "ALTER TABLE own.cloud_aws_billing_raw_daily DROP COLUMN IF EXISTS region",
    "ALTER TABLE own.cloud_aws_billing_raw_daily ADD COLUMN IF NOT EXISTS by_hand VARCHAR",
    "ALTER TABLE own.cloud_aws_billing_raw_daily ALTER COLUMN linked_account_id DROP NOT NULL",
    "ALTER TABLE own.cloud_aws_billing_raw_daily ALTER COLUMN currency SET DATA TYPE INTEGER",
    "DROP VIEW IF EXISTS own.x_org_hierarchy",
    "CREATE OR REPLACE VIEW own.x_pipeline_exec_logs AS SELECT 1 AS one",
    "DROP MACRO IF EXISTS own.cloudact_manifest",
    "UPDATE organizations.org_profiles SET status = 'PROVISIONING' WHERE org_dataset_id = 'own'",
)
SAME = [item.name for item in fields(DatasetState) if item.name not in {"dataset", "message"}]


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(edits=st.lists(st.sets(st.sampled_from(range(len(EDITS))), max_size=3), min_size=4, max_size=4))
def test_groups_say_what_each_status_says(
    four: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, edits: list[set[int]]
) -> None:
    monkeypatch.setattr(status, "NAMED_OF_GROUP", len(SLUGS))
    file = tmp_path_factory.mktemp("fleet") / "warehouse.duckdb"
    file.write_bytes(four.read_bytes())
    services = build_services(Settings(warehouse_url=f"duckdb:///{file}", config_dir=ROOT / "configs"))
    with duckdb_of(services).connect() as connection:
        for slug, chosen in zip(SLUGS, edits, strict=True):
            for number in sorted(chosen):
                connection.execute(EDITS[number].replace("own", f"{slug}_prod"))
    state = FleetStatus(services.catalogs, services.bootstrap.warehouse).look()
    assert sorted(slug for group in state.groups for slug in group.org_slugs) == sorted(SLUGS)
    for group in state.groups:
        assert group.confirmed
        for slug in group.org_slugs:
            own = services.organizations.status(OrgSlug(slug))
            assert {name: getattr(own, name) for name in SAME} == {name: getattr(group.state, name) for name in SAME}
    done = {slug: frozenset(chosen) for slug, chosen in zip(SLUGS, edits, strict=True)}
    together = [{done[slug] for slug in group.org_slugs} for group in state.groups]
    assert all(len(kinds) == 1 for kinds in together)
    services.close()
