"""What only BigQuery has: transactions that are aborted, and materialized views that could lag behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudact.errors import VersionStale
from cloudact.tenancy.hierarchy.rows import VIEW
from cloudact.tenancy.hierarchy.store import Source
from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from tests.bigquery_fake.server import Fake
from tests.bigquery_fake.sql.concurrency import Conflicts
from tests.tenancy.hierarchy.test_concurrent_changes import write_many
from tests.tenancy.hierarchy.world import CENTRAL, Ground


@pytest.fixture
def aborting(bigquery_fake: Fake) -> Iterator[None]:
    """Of transactions that change a table at the same time, one is aborted at once, as BigQuery does it."""
    bigquery_fake.concurrency.conflicts = Conflicts.ABORT
    yield
    bigquery_fake.concurrency.conflicts = Conflicts.WAIT


@pytest.mark.slow
@pytest.mark.usefixtures("aborting")
def test_a_transaction_that_is_aborted_is_run_again(bigquery_ground: Ground) -> None:
    write_many(bigquery_ground, 3, 2)


def test_changes_are_written_whole_and_read_at_once(bigquery_ground: Ground) -> None:
    ground = bigquery_ground
    ground.add_acme()
    ground.change("D1", entity_name="R&D", metadata='{"cost_center":7}')
    ground.change("P1", parent_id="D2")
    ground.remove("T2")
    ground.assert_sound()
    answer = ground.hierarchies.entity(ground.slug, "T1")
    assert (answer.entity.path, answer.entity.version, answer.source) == ("D2/P1/T1", 3, Source.VIEW)
    assert ground.ids() == ["D1", "P2", "D2", "P1", "T1"]
    with pytest.raises(VersionStale):
        ground.change("D1", 1, entity_name="Late")


@pytest.mark.slow
def test_simultaneous_changes_are_all_there(bigquery_ground: Ground) -> None:
    write_many(bigquery_ground, 3, 1)


def test_the_shared_view_may_not_lag_behind(bigquery_ground: Ground) -> None:
    """BigQuery combines a materialized view with what its table got since, unless one of these options is set."""
    warehouse = bigquery_ground.warehouse
    assert isinstance(warehouse, BigQueryWarehouse)
    view = warehouse.client.get_table(CENTRAL, f"{VIEW}_all")
    assert view is not None
    assert view["materializedView"]["enableRefresh"]
    assert not {"maxStaleness", "allowNonIncrementalDefinition"} & {*view, *view["materializedView"]}


def test_a_change_takes_as_many_requests_however_much_it_writes(bigquery_ground: Ground, bigquery_fake: Fake) -> None:
    """One script in one transaction: every request is there for a unit, none for a row."""
    bigquery_ground.add_acme()
    with bigquery_fake.log.measured() as few:
        bigquery_ground.change("T1", entity_name="Kernel")
    with bigquery_fake.log.measured() as many:
        assert bigquery_ground.change("D1", entity_name="R&D").carried == 4
    assert few.by_kind() == many.by_kind() == {"jobs.query": 4}, "profile, entities, audit chain, and the script"
