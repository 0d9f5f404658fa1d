"""Two operations on one organization, the second begun between any two steps of the first.

Each ends as if one had come wholly after the other, and neither fails because of the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count

import duckdb
import pytest

from cloudact.catalog.model import Dataset
from cloudact.errors import CloudactError, OrganizationExists, OrganizationNotFound
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.tenancy.sync import SyncOutcome, SyncResult
from cloudact.warehouse.driver import Warehouse
from tests.reliability.stepping import SteppedWarehouse
from tests.reliability.world import CENTRAL, COST_TABLE, ONE_OF_EACH, World

pytestmark = pytest.mark.slow

Outcome = object


def _drop(world: World, slug: str) -> None:
    # Whoever drops a dataset by hand may be told that somebody is changing it.
    with suppress(duckdb.TransactionException):
        world.live.execute(f"DROP SCHEMA IF EXISTS {slug}_prod CASCADE")


def _deprive(world: World, slug: str) -> None:
    world.onboard(slug)
    world.live.execute(f"DROP VIEW {slug}_prod.x_org_hierarchy")
    world.live.execute(f"DROP TABLE {slug}_prod.subscription_plans")
    world.live.execute(f"ALTER TABLE {slug}_prod.{COST_TABLE} DROP COLUMN {_last_column(world, slug)}")


def _last_column(world: World, slug: str) -> str:
    table = world.declared(slug).table(COST_TABLE)
    assert table
    return table.columns[-1].name


def _delete(world: World, slug: str) -> None:
    world.onboard(slug)
    _drop(world, slug)


def _make_by_hand(world: World, slug: str) -> None:
    _delete(world, slug)
    world.live.execute(f"CREATE SCHEMA {slug}_prod")


OPERATIONS: dict[str, Callable[[World, str], Outcome]] = {
    "onboard": lambda world, slug: world.onboard(slug),
    "new key": lambda world, slug: world.onboard(slug, regenerate=True),
    "sync": lambda world, slug: world.sync(slug),
    "status": lambda world, slug: world.status(slug),
    "drop": _drop,
}
PREPARED: dict[str, Callable[[World, str], object]] = {
    "unknown": lambda _world, _slug: None,
    "incomplete": _deprive,
    "deleted": _delete,
    "made by hand": _make_by_hand,
}


def _objects(dataset: Dataset | None) -> object:
    """Everything but where the dataset is, which nobody recorded of one made by hand."""
    return dataset and replace(dataset, location="")


def _outcome(operation: str, world: World, slug: str) -> Outcome:
    try:
        return OPERATIONS[operation](world, slug)
    except CloudactError as error:
        return error


def _over(world: World, warehouse: Warehouse) -> World:
    """The same use cases on organizations, over another warehouse, as another process has them."""
    made = world.services
    trail = AuditTrail(made.catalogs, warehouse, made.platform, made.onboarding.clock, made.onboarding.new_id)
    organizations = replace(made.organizations, warehouse=warehouse, trail=trail)
    onboarding = replace(made.onboarding, warehouse=warehouse, trail=trail)
    return World(replace(world.services, organizations=organizations, onboarding=onboarding), world.files)


def _interleaved(world: World, slug: str, first: str, second: str, at: int) -> tuple[Outcome, Outcome] | None:
    """What both return when the second begins before the first one's step `at`; None when there is no such step.

    The first goes on as soon as the second is done, or has lost to it once and tries again.
    """
    begun: list[Future[Outcome]] = []
    stirred = threading.Event()
    steps = count(1)
    other = _over(world, SteppedWarehouse(world.warehouse, again=stirred.set))

    def step() -> None:
        if next(steps) == at:
            begun.append(pool.submit(_outcome, second, other, slug))
            begun[0].add_done_callback(lambda _: stirred.set())
            stirred.wait()

    with ThreadPoolExecutor(1) as pool:
        outcome = _outcome(first, _over(world, SteppedWarehouse(world.warehouse, step=step)), slug)
        return (outcome, begun[0].result()) if begun else None


def _all_interleavings(world: World, prepared: str, first: str, second: str) -> Iterator[tuple[str, list[Outcome]]]:
    """Yield, for every step of the first operation, an organization of its own and what both operations returned."""
    for at in count(1):
        slug = f"organization_{at}"
        PREPARED[prepared](world, slug)
        outcomes = _interleaved(world, slug, first, second, at)
        if outcomes is None:
            assert at > 1
            return
        yield slug, list(outcomes)


@pytest.mark.parametrize(
    ("prepared", "first", "second"),
    [
        ("unknown", "onboard", "onboard"),
        ("unknown", "onboard", "new key"),
        ("unknown", "onboard", "sync"),
        ("incomplete", "sync", "sync"),
        ("incomplete", "new key", "new key"),
        ("incomplete", "new key", "sync"),
        ("deleted", "sync", "new key"),
        ("deleted", "new key", "sync"),
        ("made by hand", "sync", "sync"),
    ],
)
def test_two_operations_leave_one_whole_organization(
    bootstrapped_world: World, prepared: str, first: str, second: str
) -> None:
    world = bootstrapped_world
    for slug, outcomes in _all_interleavings(world, prepared, first, second):
        keys = [outcome for outcome in outcomes if isinstance(outcome, OnboardResult)]
        syncs = [outcome for outcome in outcomes if isinstance(outcome, SyncResult)]
        refused = {type(outcome) for outcome in outcomes if isinstance(outcome, CloudactError)}
        assert refused <= ({OrganizationExists, OrganizationNotFound} if prepared == "unknown" else set())
        assert [not key.already_existed for key in keys].count(True) == (prepared == "unknown")
        assert [(sync.status, sync.errors) for sync in syncs] == [(SyncOutcome.SUCCESS, [])] * len(syncs)
        callers = [world.services.access.examine(key.api_key).caller for key in keys]
        assert [caller.organization for caller in callers if caller] == [slug] * bool(keys)
        assert world.own_rows(slug) == ONE_OF_EACH
        assert _objects(world.live.dataset(f"{slug}_prod")) == _objects(world.declared(slug))


@pytest.mark.parametrize("at", [1, 2])
def test_two_bootstraps_over_a_dataset_made_by_hand_both_succeed(world: World, at: int) -> None:
    world.live.execute(f"CREATE SCHEMA {CENTRAL}")
    bootstrap = world.services.bootstrap
    steps = count(1)
    stepped = SteppedWarehouse(world.warehouse, step=lambda: next(steps) == at and bootstrap.run())
    made = world.services
    trail = AuditTrail(made.catalogs, stepped, made.platform, made.onboarding.clock, made.onboarding.new_id)
    assert replace(bootstrap, warehouse=stepped, trail=trail).run().status == "SUCCESS"
    live = world.live.dataset(CENTRAL)
    assert live
    assert live.tables == world.declared_central().tables


@pytest.mark.parametrize("first", ["sync", "new key"])
def test_a_dataset_dropped_meanwhile_is_whole_or_gone(bootstrapped_world: World, first: str) -> None:
    world = bootstrapped_world
    for slug, outcomes in _all_interleavings(world, "incomplete", first, "drop"):
        assert [outcome for outcome in outcomes if isinstance(outcome, CloudactError)] == []
        assert world.live.dataset(f"{slug}_prod") in (None, world.declared(slug))
        assert world.own_rows(slug) == ONE_OF_EACH
        world.sync(slug)
        assert world.status(slug).status is SyncStatus.SYNCED


@pytest.mark.parametrize(("prepared", "second"), [("unknown", "onboard"), ("incomplete", "sync"), ("deleted", "sync")])
def test_a_status_shows_the_organization_before_or_after(bootstrapped_world: World, prepared: str, second: str) -> None:
    world = bootstrapped_world
    PREPARED[prepared](world, "organization_0")
    before = world.status("organization_0")
    OPERATIONS[second](world, "organization_0")
    after = world.status("organization_0")
    for slug, (state, _) in _all_interleavings(world, prepared, "status", second):
        assert _renamed(state, slug, "organization_0") in (repr(before), repr(after))


def _renamed(state: Outcome, slug: str, to: str) -> str:
    return repr(state).replace(slug, to)
