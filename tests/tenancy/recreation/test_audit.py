"""Who recreated, backed up or restored what: a row when it begins, and one that says what came of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cloudact.catalog.model import Kind
from cloudact.errors import WarehouseUnavailable
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.recreation.results import Mode, Recreation
from tests.contract.datasets import column, with_column
from tests.reliability.world import acme_request
from tests.tenancy.recreation.failing import Failing
from tests.tenancy.recreation.setting import ANN, BOB, Setting


@pytest.fixture
def central(embedded: Setting) -> Setting:
    """The shop, beside a central dataset."""
    embedded.bootstrap()
    return embedded


def told(row: dict[str, Any]) -> tuple[object, ...]:
    details = json.loads(row["details"])
    return row["user_id"], row["action"], row["resource_id"], row["status"], details["operation"], details["phase"]


def test_a_recreation_is_told_before_and_after(central: Setting) -> None:
    found = central.recreate(central.shop, Mode.TABLES, "notes", reason="for a test")
    before, after = central.audits()
    assert told(before) == ("ann", "DELETE", "shop", "SUCCESS", "recreate", "attempt")
    assert told(after) == ("ann", "DELETE", "shop", "SUCCESS", "recreate", "outcome")
    asked, done = json.loads(before["details"]), json.loads(after["details"])
    assert {key: asked[key] for key in ("mode", "tables", "reason")} == {
        "mode": "tables", "tables": ["notes"], "reason": "for a test",
    }  # fmt: skip
    assert done["operation_id"] == asked["operation_id"]
    assert done["backup"] == found.backup
    assert done["outcome"][0] == {
        "table": "notes", "outcome": "emptied", "rows_before": 2, "rows_after": 0, "error": None, "fix": None,
    }  # fmt: skip
    assert before["org_slug"] == "system"


def test_partial_work_is_a_failure(central: Setting) -> None:
    central.put("shop", "orders", {"id": "9", "price": 0.1})
    found = central.recreate(with_column(central.shop, "orders", column("price", Kind.INT64)), Mode.WITH_DATA)
    assert found.failed
    assert [row["action"] for row in central.audits()] == ["UPDATE", "UPDATE"]
    assert central.audits()[1]["status"] == "FAILURE"
    assert central.audits()[1]["error_message"] == "shop: 1 table unchanged, 1 table failed."


def test_what_was_stopped_leaves_the_row_of_its_beginning(central: Setting) -> None:
    failing = Failing(central.warehouse, 1, calls={"copy_table"})
    stopped = replace(central.recreations, warehouse=failing, trail=central.parts.trail.over(failing))
    with pytest.raises(WarehouseUnavailable):
        stopped.run(central.shop, Recreation(Mode.TABLES, confirm="shop"), actor=ANN)
    (only,) = central.audits()
    assert told(only)[-1] == "attempt"


def test_backups_and_restores_are_told(central: Setting) -> None:
    made = central.backups.create("shop", ["notes"], reason="why", actor=ANN)
    central.backups.restore(made.name, "anew", actor=BOB)
    assert [told(row) for row in central.audits()] == [
        ("ann", "CREATE", "shop", "SUCCESS", "backup.create", "attempt"),
        ("ann", "CREATE", "shop", "SUCCESS", "backup.create", "outcome"),
        ("bob", "CREATE", "anew", "SUCCESS", "backup.restore", "attempt"),
        ("bob", "CREATE", "anew", "SUCCESS", "backup.restore", "outcome"),
    ]
    assert json.loads(central.audits()[1]["details"])["backup"] == made.name


def test_the_organization_is_the_one_whose_dataset_it_is(central: Setting) -> None:
    central.parts.onboarding.onboard(acme_request())
    central.recreate(central.recreations.declared("acme_corp_prod"), Mode.TABLES)
    assert [row["org_slug"] for row in central.audits()] == ["acme_corp", "acme_corp"]


@pytest.mark.parametrize(
    "mode", [*(pytest.param(mode, marks=pytest.mark.slow) for mode in (Mode.WITH_DATA, Mode.TABLES)), Mode.DATASET]
)
def test_the_central_dataset_is_recreated_with_its_audit_rows(central: Setting, mode: Mode) -> None:
    central.backups.create("shop", reason="", actor=ANN)
    central.parts.onboarding.onboard(acme_request())
    declared = central.recreations.declared("organizations")
    audits = declared.table("org_audit_logs")
    assert audits is not None
    by_action = replace(audits, clustering=("action",), partition=None)
    desired = replace(declared, tables=(*(item for item in declared.tables if item is not audits), by_action))
    before = central.rows("organizations")
    found = central.recreate(desired, mode)
    assert not found.failed, found.message
    assert central.live("organizations").tables == desired.tables
    copied, after = central.rows(found.backup or ""), central.rows("organizations")
    begun, done = copied["org_audit_logs"], after["org_audit_logs"]
    assert set(begun) > set(before["org_audit_logs"])
    assert len(begun) == 5
    if mode is Mode.WITH_DATA:
        assert set(done) > set(begun)
        assert after["org_profiles"] == before["org_profiles"]
    else:
        assert len(done) == 1
        assert copied["org_profiles"] == before["org_profiles"]
        assert after["org_profiles"] == []
    assert central.parts.verifier.verify().status is ChainStatus.INTACT
    assert told(central.audits()[-1]) == (
        "ann", "UPDATE" if mode is Mode.WITH_DATA else "DELETE", "organizations", "SUCCESS", "recreate", "outcome",
    )  # fmt: skip


def test_an_audit_table_that_takes_no_row_refuses_all_but_its_own_recreation(central: Setting) -> None:
    with central.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            "ALTER TABLE organizations.org_audit_logs ALTER created_at SET DATA TYPE INTERVAL USING INTERVAL 1 DAY"
        )
    with pytest.raises(Exception, match="INTERVAL"):
        central.recreate(central.shop, Mode.TABLES)
    assert central.backups.list() == ()
    assert len(central.rows("shop")["orders"]) == 3
    declared = central.recreations.declared("organizations")
    assert not central.recreate(declared, Mode.TABLES, "org_audit_logs").failed
    assert told(central.audits()[0])[-1] == "outcome"
