"""The platform's secret, the keys and the trail that need it: emptied together, or kept; all work afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest

from cloudact.errors import DestructiveRefused, WarehouseUnavailable
from cloudact.tenancy.access.access import Access
from cloudact.tenancy.access.cache import KeyCache
from cloudact.tenancy.access.key_uses import KeyUses
from cloudact.tenancy.audit.verification import Breach, ChainStatus
from cloudact.tenancy.recreation.results import Mode, Recreation
from tests.acme import ROOT
from tests.parts import Parts
from tests.reliability.world import acme_request
from tests.tenancy.recreation.failing import Failing
from tests.tenancy.recreation.setting import ANN, Setting

CENTRAL = "organizations"
TOGETHER = ("org_api_keys", "org_audit_logs", "org_idempotency_keys", "org_integration_credentials", "org_profiles")
PARTED = {
    ("org_integration_credentials",): "org_api_keys, org_audit_logs, org_profiles",
    ("org_audit_logs",): "org_api_keys, org_integration_credentials, org_profiles",
    ("org_profiles",): "org_api_keys, org_audit_logs, org_integration_credentials",
    ("org_integration_credentials", "org_api_keys"): "org_audit_logs, org_profiles",
    ("org_audit_logs", "org_profiles", "org_api_keys"): "org_integration_credentials",
    ("org_audit_logs", "org_profiles", "org_integration_credentials"): "org_api_keys",
}


@dataclass
class Platform:
    """A warehouse with an organization, its key, and processes that use them."""

    setting: Setting
    key: str

    def onboard(self, slug: str) -> str:
        """Onboard an organization and return its key."""
        return str(self.setting.parts.onboarding.onboard(acme_request(slug)).api_key)

    def accepted_by(self, key: str) -> list[bool]:
        """Tell whether the process that has been running, and one that starts now, accept a key."""
        setting = self.setting
        fresh = Parts(setting.catalogs, setting.warehouse, setting.now, setting.new_id)
        found = []
        for parts in (setting.parts, fresh):
            uses = KeyUses(setting.catalogs, setting.warehouse, 3600)
            cache = KeyCache(0)
            access = Access(setting.catalogs, setting.warehouse, parts.issuer.digests, cache, uses, parts.clock)
            found.append(access.examine(key).caller is not None)
            uses.close()
        return found

    def intact(self) -> bool:
        """Tell whether the trail is, read by a process that starts now."""
        setting = self.setting
        fresh = Parts(setting.catalogs, setting.warehouse, setting.now, setting.new_id)
        return fresh.verifier.verify().status is ChainStatus.INTACT


@pytest.fixture
def platform(embedded: Setting) -> Platform:
    """A platform with one organization."""
    embedded.bootstrap()
    made = Platform(embedded, "")
    made.key = made.onboard("acme_corp")
    return made


def test_what_the_rest_needs_is_not_taken_away_from_it(platform: Platform) -> None:
    setting = platform.setting
    central = setting.recreations.declared(CENTRAL)
    before = setting.rows(CENTRAL)
    for tables, left in PARTED.items():
        told = f"the rows of {left} could not be recognized or verified"
        planned = setting.recreations.plan(central, Recreation(Mode.TABLES, tables, CENTRAL))
        assert told in planned.message
        with pytest.raises(DestructiveRefused, match=told) as refused:
            setting.recreate(central, Mode.TABLES, *tables)
        assert re.findall(r"--table (\w+)", refused.value.hint) == list(TOGETHER)
        assert "--with-data" in refused.value.hint
    after = setting.rows(CENTRAL)
    changing = {"org_audit_logs", "org_integration_credentials"}
    assert {name: rows for name, rows in after.items() if name not in changing} == {
        name: rows for name, rows in before.items() if name not in changing
    }
    assert set(after["org_audit_logs"]) > set(before["org_audit_logs"])
    assert setting.audits()[-1]["status"] == "FAILURE"
    assert setting.backups.list() == ()
    assert platform.intact()
    assert platform.accepted_by(platform.key) == [True, True]


@pytest.mark.parametrize("mode", [Mode.TABLES, pytest.param(Mode.DATASET, marks=pytest.mark.slow)])
def test_all_of_them_emptied_everything_begins_anew(platform: Platform, mode: Mode) -> None:
    central = platform.setting.recreations.declared(CENTRAL)
    tables = TOGETHER if mode is Mode.TABLES else ()
    assert not platform.setting.recreate(central, mode, *tables).failed
    assert platform.intact()
    assert platform.accepted_by(platform.key) == [False, False]
    again = platform.onboard("other_org")
    assert platform.accepted_by(again) == [True, True]
    assert platform.intact()


@pytest.mark.parametrize("number", [3, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 2, 4))])
def test_killed_between_them_the_same_call_finishes_in_another_process(platform: Platform, number: int) -> None:
    setting = platform.setting
    central, asked = setting.recreations.declared(CENTRAL), Recreation(Mode.TABLES, TOGETHER, CENTRAL)
    killed = replace(setting.recreations, warehouse=Failing(setting.warehouse, number, calls={"empty_table"}))
    with pytest.raises(WarehouseUnavailable):
        killed.run(central, asked, actor=ANN)
    fresh = Platform(Setting(setting.warehouse, now=setting.now), platform.key)
    assert not fresh.setting.recreate(central, Mode.TABLES, *TOGETHER).failed
    assert fresh.intact()
    assert fresh.accepted_by(platform.key) == [False, False]
    assert fresh.accepted_by(fresh.onboard("other_org")) == [True, True]
    assert fresh.intact()


def test_keys_alone_can_be_emptied(platform: Platform) -> None:
    central = platform.setting.recreations.declared(CENTRAL)
    assert not platform.setting.recreate(central, Mode.TABLES, "org_api_keys").failed
    assert platform.accepted_by(platform.key) == [False, False]
    assert platform.accepted_by(platform.onboard("other_org")) == [True, True]
    assert platform.intact()


def test_tables_without_rows_hold_nothing(embedded: Setting) -> None:
    embedded.bootstrap()
    central = embedded.recreations.declared(CENTRAL)
    profiles = central.table("org_profiles")
    assert profiles is not None
    others = tuple(table for table in central.tables if table is not profiles)
    other = replace(central, tables=(*others, replace(profiles, clustering=("status",))))
    assert not embedded.recreate(other, Mode.TABLES, "org_profiles").failed


def test_made_anew_with_data_they_work_as_before(platform: Platform) -> None:
    central = platform.setting.recreations.declared(CENTRAL)
    anew = tuple(replace(table, partition=None, clustering=("org_slug",)) for table in central.tables)
    found = platform.setting.recreate(replace(central, tables=anew), Mode.WITH_DATA, *TOGETHER)
    assert {item.outcome.value for item in found.tables} == {"rebuilt"}
    assert platform.intact()
    assert platform.accepted_by(platform.key) == [True, True]


def test_put_back_from_a_backup_they_work_as_they_did(platform: Platform) -> None:
    setting = platform.setting
    found = setting.recreate(setting.recreations.declared(CENTRAL), Mode.DATASET)
    later = platform.onboard("other_org")
    setting.backups.restore(found.backup or "", "organizations_yesterday", actor=ANN)
    # The page shows it for one table; it is to be done for all of them.
    page = (ROOT / "docs" / "backups.md").read_text()
    shown = re.search(r"```sql\n(DELETE FROM organizations\.org_profiles;.*?)```", page, re.DOTALL)
    assert shown is not None
    live = setting.live("organizations_yesterday")
    assert live is not None
    with setting.warehouse.connect() as connection:  # type: ignore[attr-defined]
        for table in filter(live.table, TOGETHER):
            connection.execute(shown[1].replace("org_profiles", table))
    fresh = Platform(Setting(setting.warehouse, now=setting.now), platform.key)
    assert fresh.intact()
    assert fresh.accepted_by(platform.key) == [True, True]
    assert fresh.accepted_by(later) == [False, False]
    assert fresh.accepted_by(fresh.onboard("third_org")) == [True, True]
    assert fresh.intact()


def test_an_audit_table_that_is_mended_alone_leaves_a_chain_that_says_so(platform: Platform) -> None:
    setting = platform.setting
    with setting.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            "ALTER TABLE organizations.org_audit_logs ALTER created_at TYPE INTERVAL USING INTERVAL 1 DAY"
        )
    assert not setting.recreate(setting.recreations.declared(CENTRAL), Mode.TABLES, "org_audit_logs").failed
    reports = setting.parts.verifier.verify().chains
    assert {report.organization: report.breach for report in reports} == {
        "acme_corp": Breach.REMOVED,
        "system": Breach.REMOVED,
    }
    assert all("row" in report.message for report in reports)
    assert platform.accepted_by(platform.key) == [True, True]
