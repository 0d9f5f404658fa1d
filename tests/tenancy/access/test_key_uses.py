"""When keys were last used: written now and then, never by the request that uses one."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog.testing

from cloudact.errors import WarehouseUnavailable
from cloudact.log import configure_logging
from cloudact.tenancy.access.key_uses import KeyUses
from tests.tenancy.access.world import World


def last_used(world: World) -> list[object]:
    """What the organization's keys say."""
    return [row["last_used_at"] for row in world.rows()]


def test_a_thousand_uses_are_one_write(world: World) -> None:
    key, here = world.onboard(), world.process()
    for _ in range(1_000):
        here.access.examine(key)
    assert here.warehouse.calls == {"run": 1, "select": 2}
    assert last_used(world) == [None]
    here.warehouse.calls.clear()
    here.uses.flush()
    assert here.warehouse.calls == {"run": 1, "update": 1}
    assert last_used(world) == [world.minute]
    here.uses.flush()
    assert here.warehouse.calls["run"] == 1


def test_keys_of_several_organizations_are_written_together_and_no_other_key_is(world: World) -> None:
    here = world.process()
    keys = [world.onboard(slug) for slug in ("acme_corp", "globex")]
    world.create(here)
    for key in keys:
        here.access.examine(key)
    here.warehouse.calls.clear()
    here.uses.flush()
    assert here.warehouse.calls["update"] == 1
    assert [value is not None for value in last_used(world)] == [True, False]


def test_a_refused_key_was_not_used(world: World) -> None:
    key, here = world.onboard(), world.process()
    world.change("org_api_keys", {"is_active": False})
    here.access.examine(key)
    here.uses.flush()
    assert last_used(world) == [None]


def test_what_could_not_be_written_is_written_the_next_time(world: World) -> None:
    key, here = world.onboard(), world.process()
    here.access.examine(key)
    first = world.minute

    def fail() -> None:
        raise WarehouseUnavailable("not now")

    here.warehouse.before_unit = fail
    configure_logging("WARNING")
    with structlog.testing.capture_logs() as logged:
        here.uses.flush()
    assert [line["event"] for line in logged] == ["key_uses_not_written"]
    assert key not in repr(logged)
    here.warehouse.before_unit = lambda: None
    here.uses.flush()
    assert last_used(world) == [first]


def test_a_check_does_not_wait_while_uses_are_written(world: World) -> None:
    here = world.process()
    caller = world.caller(here, world.onboard())
    writing, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        writing.set()
        assert go_on.wait(30)

    here.warehouse.before_unit = wait
    flush = threading.Thread(target=here.uses.flush)
    flush.start()
    assert writing.wait(30)
    world.pass_time(seconds=60)
    here.uses.note(caller, world.now)
    go_on.set()
    flush.join()
    here.uses.flush()
    assert last_used(world) == [world.minute]


def test_a_thread_writes_and_stopping_writes_the_rest(world: World) -> None:
    key = world.onboard()
    caller = world.caller(world.process(), key)
    here = world.process()
    uses, written = KeyUses(world.services.catalogs, here.warehouse, every_seconds=0.01), threading.Event()
    here.warehouse.before_unit = written.set
    uses.note(caller, world.now)
    assert written.wait(30)
    later = world.now + timedelta(hours=1)
    uses.note(caller, later)
    uses.close()
    assert last_used(world) == [later.replace(second=0, microsecond=0)]
    uses.note(caller, later + timedelta(hours=1))
    uses.close()
    assert last_used(world) == [(later + timedelta(hours=1)).replace(second=0, microsecond=0)]
    world.close()
    assert "key-uses" not in {thread.name for thread in threading.enumerate()}
