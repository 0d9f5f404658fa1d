"""Every way to tamper with the trail is found, and what nobody touched is intact."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from cloudact.errors import OrganizationNotFound
from cloudact.tenancy.audit import verification
from cloudact.tenancy.audit.chain import Head, linked
from cloudact.tenancy.audit.rows import COLUMNS
from cloudact.tenancy.audit.verification import Breach, ChainStatus
from tests.tenancy.access.world import CountingWarehouse
from tests.tenancy.audit.ground import ACME, OTHER, Ground, event


@pytest.fixture
def told(ground: Ground) -> Ground:
    """A chain of five rows, and another one of two."""
    ground.do(*(event(f"{number}") for number in range(5)), event("a", OTHER), event("b", OTHER))
    return ground


def broken(ground: Ground) -> tuple[Breach | None, int | None]:
    assert ground.verify().status is ChainStatus.BROKEN
    assert ground.chain(OTHER).status is ChainStatus.INTACT
    report = ground.chain()
    assert report.status is ChainStatus.BROKEN
    assert report.message
    return report.breach, report.broken_at


def test_a_chain_that_nobody_touched_is_intact(told: Ground) -> None:
    report = told.chain()
    assert (report.status, report.rows, report.unchained, report.breach) == (ChainStatus.INTACT, 5, 0, None)
    found = told.verify()
    assert [chain.organization for chain in found.chains] == ["system", ACME, OTHER]
    assert found.message == "3 chains with 7 rows verified."


EDITS: dict[str, object] = {
    "audit_id": "another",
    "user_id": "somebody else",
    "api_key_id": "key",
    "action": "READ",
    "resource_type": "USER",
    "resource_id": "x" * 1_500,
    "details": '{"asked": 2}',
    "ip_address": "198.51.100.1",
    "user_agent": None,
    "request_id": "",
    "status": "DENIED",
    "error_message": "never",
    "created_at": datetime(2020, 1, 1, tzinfo=UTC),
    "previous_hash": "0" * 64,
    "row_hash": "é" * 64,
}


def test_an_edited_value_of_any_column_is_found(told: Ground) -> None:
    assert set(COLUMNS) - set(EDITS) == {"org_slug", "sequence"}  # which are other tests' matter
    row = told.rows()[2]
    for column, value in EDITS.items():
        told.set(3, **{column: value})
        assert (told.chain().breach, told.chain().broken_at) == (Breach.ALTERED, 3), column
        told.set(3, **{column: row[column]})
    assert told.chain().status is ChainStatus.INTACT


@pytest.mark.parametrize(("number", "at"), [(1, 1), (3, 3), (5, 5)])
def test_a_removed_row_is_found_the_last_one_too(told: Ground, number: int, at: int) -> None:
    told.remove(number)
    assert broken(told) == (Breach.REMOVED, at)


def test_the_removal_of_all_rows_is_found(told: Ground) -> None:
    for number in range(1, 6):
        told.remove(number)
    assert broken(told) == (Breach.REMOVED, 1)


def test_rows_in_another_order_are_found(told: Ground) -> None:
    told.set(2, sequence=99)
    told.set(3, sequence=2)
    told.set(99, sequence=3)
    assert broken(told) == (Breach.ALTERED, 2)


def test_an_inserted_row_is_found(told: Ground) -> None:
    row = told.rows()[2]
    told.insert({**row, "audit_id": "zzz"})
    assert broken(told)[1] == 3


@pytest.mark.parametrize("sequence", [0, -1, 3])
def test_a_copy_of_a_row_is_found_wherever_it_is(told: Ground, sequence: int) -> None:
    told.insert({**told.rows()[2], "sequence": sequence})
    assert broken(told) == (Breach.INSERTED, sequence)


def test_a_row_that_others_added_to_the_end_is_found(told: Ground) -> None:
    last = told.rows()[-1]
    told.insert(linked({**last, "audit_id": "new"}, Head(5, last["row_hash"]), b"another key"))
    assert broken(told) == (Breach.ANCHOR, 6)


def test_a_row_of_another_organization_is_found(told: Ground) -> None:
    told.set(5, org_slug="nobody")
    told.insert({**told.rows(OTHER)[1], "org_slug": ACME, "sequence": 5})
    assert broken(told) == (Breach.ALTERED, 5)


@pytest.mark.parametrize("head", [None, "nonsense", "4:" + "0" * 64, "5:" + "0" * 64, "9" * 5_000 + ":x"])
def test_an_edited_anchor_is_found(told: Ground, head: str | None) -> None:
    told.set_head(head)
    assert broken(told)[0] is Breach.ANCHOR


def test_details_nested_without_end_are_an_edit(told: Ground) -> None:
    for depth in (2_000, 50_000):
        told.set(3, details="[" * depth + "]" * depth)
        assert broken(told) == (Breach.ALTERED, 3)


def test_a_chain_whose_organization_lost_its_profile_is_found(fresh: Ground) -> None:
    fresh.do(event("a", OTHER), event("b", OTHER))
    with fresh.parts.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute("DELETE FROM organizations.org_profiles WHERE org_slug = ?", [OTHER])
    found = fresh.verify()
    assert [(chain.organization, chain.breach) for chain in found.chains] == [
        ("system", None), (ACME, None), (OTHER, Breach.ANCHOR),
    ]  # fmt: skip
    assert fresh.chain(OTHER).message == "the organization has no profile, and there are rows up to 2"


def test_a_chain_of_one_page_is_verified_in_three_looks(told: Ground) -> None:
    counting = CountingWarehouse(told.parts.warehouse)
    verifier = replace(told.parts.verifier, warehouse=counting)
    assert verifier.verify(ACME).status is ChainStatus.INTACT
    assert counting.calls["run"] == 3 + 1  # which finds that there is such an organization


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (lambda ground: None, None),
        (lambda ground: ground.set(3, user_id="x"), (Breach.ALTERED, 3)),
        (lambda ground: ground.insert(ground.rows()[1]), (Breach.INSERTED, 2)),
        (lambda ground: ground.insert({**ground.rows()[3], "audit_id": "~"}), (Breach.INSERTED, 4)),
        (lambda ground: ground.remove(5), (Breach.REMOVED, 5)),
    ],
)
def test_it_is_the_same_whatever_the_size_of_a_page(
    told: Ground, monkeypatch: pytest.MonkeyPatch, size: int, tamper: Callable[[Ground], None], found: object
) -> None:
    monkeypatch.setattr(verification, "PAGE", size)
    tamper(told)
    report = told.chain()
    assert ((report.breach, report.broken_at) if report.breach else None) == found
    assert len(told.verify().chains) == 3


def test_rows_from_before_the_chain_are_told_and_not_broken(told: Ground) -> None:
    row = {**told.rows()[0], "audit_id": "old", "sequence": None, "previous_hash": None, "row_hash": None}
    told.insert(row)
    report = told.chain()
    assert (report.status, report.rows, report.unchained) == (ChainStatus.INTACT, 5, 1)
    assert told.verify().message == "3 chains with 7 rows verified; 1 row in no chain."


def test_rows_and_anchor_of_an_earlier_time_are_found_by_a_checkpoint(told: Ground) -> None:
    before = told.rows()[2]["row_hash"]
    checkpoint = told.verify().checkpoint
    assert told.verify(checkpoint=checkpoint).status is ChainStatus.INTACT
    told.do(event("later"))
    assert told.verify(checkpoint=checkpoint).status is ChainStatus.INTACT
    for number in (4, 5, 6):
        told.remove(number)
    told.set_head(f"3:{before}")
    assert told.chain().status is ChainStatus.INTACT
    report = told.chain(checkpoint=checkpoint)
    assert (report.breach, report.broken_at) == (Breach.ROLLED_BACK, 4)
    assert told.verify(checkpoint=checkpoint).checkpoint[ACME] == checkpoint[ACME]
    told.set(1, user_id="x")
    assert set(told.verify().checkpoint) == {"system", OTHER}
    told.set(1, user_id="administrator")
    told.do(*(event(f"again {number}") for number in range(3)))
    report = told.chain(checkpoint=checkpoint)
    assert (report.breach, report.broken_at) == (Breach.ROLLED_BACK, 5)


def test_a_checkpoint_tells_of_organizations_that_are_gone_and_of_rows_in_no_chain(told: Ground) -> None:
    checkpoint = told.verify().checkpoint
    gone = {**checkpoint, "gone_org": replace(checkpoint[OTHER])}
    assert {chain.organization: chain.breach for chain in told.verify(checkpoint=gone).chains} == {
        "system": None, "gone_org": Breach.ROLLED_BACK, ACME: None, OTHER: None,
    }  # fmt: skip
    told.insert({**told.rows()[0], "audit_id": "slipped in", "sequence": None})
    assert told.chain(checkpoint=checkpoint).breach is Breach.INSERTED


def test_an_organization_that_does_not_exist_is_said_to_be_so(told: Ground) -> None:
    with pytest.raises(OrganizationNotFound):
        told.verify("no_such_org")


def test_writers_do_not_disturb_it(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PAGE", 8)
    writers = [threading.Thread(target=ground.do, args=[event()] * 16) for _ in range(2)]
    for writer in writers:
        writer.start()
    reports = []
    while any(writer.is_alive() for writer in writers):
        reports.append(ground.chain())
    assert [asdict(report) for report in reports if report.status is ChainStatus.BROKEN] == []
    assert ground.chain().rows == 32


@pytest.mark.slow
def test_pages_of_the_real_size_are_verified_one_after_another(ground: Ground) -> None:
    # Four whole pages, and a last one of a single row.
    rows = 4 * verification.PAGE + 1
    ground.do(event())
    (first,) = ground.rows()
    key, head = ground.parts.platform.derive("audit"), Head(1, first["row_hash"])
    made = []
    for number in range(2, rows + 1):
        made.append(linked({**first, "audit_id": f"row-{number}"}, head, key))
        head = Head(number, str(made[-1]["row_hash"]))
    ground.insert(*made)
    ground.set_head(str(head))
    report = ground.chain()
    assert (report.status, report.rows) == (ChainStatus.INTACT, rows)
    for number in (rows, 3 * verification.PAGE):
        ground.set(number, error_message="x")
        assert (ground.chain().breach, ground.chain().broken_at) == (Breach.ALTERED, number)
