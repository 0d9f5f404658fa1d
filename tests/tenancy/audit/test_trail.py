"""What is written to the trail, in which unit of work, and whose it is."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudact.errors import AccessDenied, InvalidRequest, WarehouseUnavailable
from cloudact.tenancy.access.caller import Caller, CallerKind
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Event
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Equals, Session
from tests.tenancy.audit.ground import ACME, ACTOR, CENTRAL, OTHER, Ground, event

KEY = Actor(Caller(CallerKind.ORGANIZATION, OrgSlug(ACME), "key-1"), "request-2")


def test_a_row_says_who_did_what_to_what_and_from_where(any_ground: Ground) -> None:
    any_ground.do(event("a", mode="fast", old=None, new=3), actor=KEY)
    any_ground.do(event("b"))
    first, second = any_ground.rows()
    assert {name: first[name] for name in ("user_id", "api_key_id", "action", "resource_type", "resource_id")} == {
        "user_id": ACME, "api_key_id": "key-1", "action": "UPDATE", "resource_type": "DATASET", "resource_id": "a",
    }  # fmt: skip
    assert json.loads(first["details"]) == {"mode": "fast", "old": None, "new": 3}
    assert (first["sequence"], first["previous_hash"], first["status"]) == (1, None, "SUCCESS")
    assert (second["sequence"], second["previous_hash"]) == (2, first["row_hash"])
    assert (second["user_id"], second["api_key_id"], second["details"]) == ("administrator", None, None)
    assert (second["ip_address"], second["user_agent"], second["request_id"]) == ("192.0.2.1", "curl/8", "request-1")
    assert any_ground.head() == f"2:{second['row_hash']}"
    assert any_ground.verify().status is ChainStatus.INTACT


def test_a_row_is_written_with_the_change_or_not_at_all(any_ground: Ground) -> None:
    def work(session: Session) -> None:
        any_ground.trail.record(session, ACTOR, event())
        session.update(CENTRAL, "org_profiles", {"company_name": "new"}, [Equals("org_slug", ACME)])
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        any_ground.trail.run(work)
    assert any_ground.rows() == []
    assert any_ground.head() is None


def test_one_unit_may_record_several_events(any_ground: Ground) -> None:
    events = [event("a"), event("b", OTHER), event("c"), event("d", None)]
    any_ground.trail.run(lambda session: any_ground.trail.record(session, ACTOR, *events))
    assert [row["resource_id"] for row in any_ground.rows()] == ["a", "c"]
    assert [row["resource_id"] for row in any_ground.rows(OTHER)] == ["b"]
    assert any_ground.rows("system")[-1]["resource_id"] == "d"
    assert any_ground.verify().status is ChainStatus.INTACT


def test_what_belongs_to_no_organization_that_exists_is_the_platforms(ground: Ground) -> None:
    ground.do(event("a", "no_such_org"))
    assert ground.rows("no_such_org") == []
    assert ground.rows("system")[-1]["resource_id"] == "a"


def test_a_failed_attempt_leaves_a_row_that_says_why(ground: Ground) -> None:
    with pytest.raises(InvalidRequest), ground.trail.attempt(ACTOR, event(asked=1)):
        raise InvalidRequest("It cannot be done")
    (row,) = ground.rows()
    assert (row["status"], row["error_message"]) == ("FAILURE", "It cannot be done")
    with pytest.raises(WarehouseUnavailable), ground.trail.attempt(ACTOR, event()):
        raise WarehouseUnavailable("away")
    assert len(ground.rows()) == 1
    with pytest.raises(AccessDenied), ground.trail.attempt(ACTOR, event()):
        raise AccessDenied("It may not be done")
    assert ground.rows()[-1]["status"] == "DENIED"


def test_a_mistake_of_the_service_leaves_a_row_without_its_text(ground: Ground) -> None:
    with pytest.raises(KeyError), ground.trail.attempt(ACTOR, event()):
        raise KeyError("canary")
    with pytest.raises(KeyError), ground.trail.operation(ACTOR, event()):
        raise KeyError("canary")
    failed, attempt, outcome = ground.rows()
    assert json.loads(attempt["details"])["phase"] == "attempt"
    for row in (failed, outcome):
        assert row["status"] == "FAILURE"
        assert row["error_message"] == "unexpected KeyError; the log of the service says more"


def test_a_refused_access_belongs_to_the_organization_whose_key_it_was(ground: Ground) -> None:
    ground.trail.refused(KEY, method="DELETE", path="/api/v1/organizations/other_org/x", reason="needs a scope")
    ground.trail.refused(Actor(), method="GET", path="/y", reason="unknown key")
    (own,) = ground.rows()
    assert (own["status"], own["action"], own["resource_type"]) == ("DENIED", "DELETE", "REQUEST")
    assert (own["resource_id"], own["api_key_id"]) == ("/api/v1/organizations/other_org/x", "key-1")
    unknown = ground.rows("system")[-1]
    assert (unknown["status"], unknown["user_id"], unknown["api_key_id"]) == ("DENIED", "anonymous", None)
    assert ground.rows(OTHER) == []


def test_secrets_are_taken_out_and_odd_values_made_to_fit(any_ground: Ground) -> None:
    details = {
        "api_key": "acme_api_canary", "api_key_id": "k", "nested": [{"password": "canary", "token": 5, "n": 1.5}],
        "surrogate": "\ud800", "nul": "a\0b", "long": "x" * 5_000, "big": 2**60, "flag": False,
    }  # fmt: skip
    any_ground.do(Event(event().action, event().resource_type, "r" * 3_000, ACME, details))
    (row,) = any_ground.rows()
    assert "canary" not in row["details"]
    told = json.loads(row["details"])
    assert told["nested"] == [{"password": "***", "token": "***", "n": "1.5"}]
    assert (told["api_key"], told["api_key_id"], told["big"], told["flag"]) == ("***", "k", str(2**60), False)
    assert len(told["long"]) == len(row["resource_id"]) == 1_001
    assert any_ground.chain().status is ChainStatus.INTACT


def test_32_threads_leave_an_unbroken_chain(ground: Ground) -> None:
    together = threading.Barrier(32)

    def act(number: int) -> None:
        together.wait()
        if number % 2:
            ground.do(event(f"{number}"), event(f"{number} again", OTHER if number % 3 else ACME))
        else:
            ground.trail.refused(KEY, method="GET", path=f"/{number}", reason="no")
            ground.trail.refused(Actor(), method="GET", path=f"/{number}", reason="no")

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(act, range(32)))
    found = ground.verify()
    assert found.status is ChainStatus.INTACT
    assert sum(chain.rows for chain in found.chains) == 64


@pytest.mark.slow
def test_processes_that_record_at_once_leave_an_unbroken_chain_on_bigquery(any_ground: Ground) -> None:
    others = [type(any_ground)(any_ground.parts.__class__(any_ground.parts.catalogs, any_ground.parts.warehouse))
              for _ in range(4)]  # fmt: skip

    def act(number: int) -> None:
        others[number].do(*(event(f"{number} {time}") for time in range(3)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(act, range(4)))
    assert any_ground.chain().status is ChainStatus.INTACT
    assert any_ground.chain().rows == 12


def test_an_older_central_dataset_keeps_rows_that_are_in_no_chain(fresh: Ground) -> None:
    with fresh.parts.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute("ALTER TABLE organizations.org_audit_logs DROP COLUMN row_hash")
    fresh.trail.refused(KEY, method="GET", path="/a", reason="no")
    columns = ("resource_id", "sequence", "status")
    rows = fresh.select("org_audit_logs", columns, Equals("org_slug", ACME))
    assert rows == [{"resource_id": "/a", "sequence": None, "status": "DENIED"}]
