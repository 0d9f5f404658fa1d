"""What the fleet benchmark computes from its measurements, and how it makes and checks its databases."""

from __future__ import annotations

import duckdb
import pytest

from benchmarks.fleet.campaign import Cell
from benchmarks.fleet.figures import FLOOR, OURS, Figures
from benchmarks.fleet.files import check, complete, let_drift
from benchmarks.fleet.measure import Run, median
from benchmarks.fleet.targets import targets
from benchmarks.fleet.work import Work


def run(seconds: float, *, done: int = 1000, peak: float = 100) -> Run:
    return Run(whole=seconds, cpu=seconds, peak=peak, inside=seconds / 2, done=done, of=1000)


def row_of(rows, *start):
    (found,) = [row for row in rows if tuple(row[: len(start)]) == start]
    return found


def test_ratio_and_growth_stand_beside_the_times():
    found = {
        Cell(Work.STATUS, number, side): run(seconds)
        for number, side, seconds in ((100, OURS, 1), (1000, OURS, 6), (100, FLOOR, 0.5), (1000, FLOOR, 4))
    }
    row = row_of(Figures(found).times("whole"), "status, nothing to do", "1,000")
    assert row[2:7] == ("6", "4", "1.5x", "6.0x", "8.0x")


def test_peer_that_was_stopped_says_from_how_many_it_is_extrapolated_and_how_much_slower_it_is():
    found = {Cell(Work.CREATE, 1000, OURS): run(10), Cell(Work.CREATE, 1000, "alembic"): run(300, done=40)}
    row = row_of(Figures(found).times("whole"), "create all", "1,000")
    assert row[-2] == "~300 (from 40), 30.0x"


def test_what_was_not_measured_says_why_and_has_no_ratio():
    found = {Cell(Work.STATUS, 1000, OURS): "not yet", Cell(Work.STATUS, 1000, FLOOR): run(4)}
    row = row_of(Figures(found).times("inside"), "status, nothing to do", "1,000")
    assert row[2:5] == ("not yet", "2", "")


@pytest.mark.parametrize(("ours", "met"), [(13, "yes"), (13.1, "no")])
def test_target_is_met_up_to_its_limit(ours, met):
    found = {Cell(Work.CREATE, 1000, OURS): run(ours), Cell(Work.CREATE, 1000, FLOOR): run(10)}
    row = row_of(targets(Figures(found)), "create all, against the raw program")
    assert row[2:] == ("at most 1.3x", "1.3x", met)


def test_memory_is_compared_beyond_what_the_raw_program_takes():
    peaks = ((1000, OURS, 1300), (1000, FLOOR, 1200), (10000, OURS, 12160), (10000, FLOOR, 12000))
    found = {Cell(Work.STATUS, number, side): run(1, peak=peak) for number, side, peak in peaks}
    row = row_of(targets(Figures(found)), "memory of status beyond the raw program's, against 1,000")
    assert row[3:] == ("1.6x", "no")


def test_median_of_runs_is_taken_of_each_figure():
    assert median([run(3), run(1), run(2)]) == run(2)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "fleet.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA org_00001_prod")
        connection.execute("CREATE TABLE org_00001_prod.cost_data_standard_1_3 (x_run_id VARCHAR, other VARCHAR)")
        connection.execute("CREATE TABLE org_00001_prod.alembic_version AS SELECT '0001' AS version_num")
        connection.execute("CREATE VIEW org_00001_prod.seen AS FROM org_00001_prod.cost_data_standard_1_3")
    return path


def test_fleet_that_was_not_finished_is_completed_with_copies_of_the_first(file):
    complete(file, 3)
    check(file, Work.CREATE, 3, tables=1)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("FROM org_00003_prod.alembic_version").fetchall() == [("0001",)]
        assert connection.execute("FROM org_00003_prod.seen").fetchall() == []


def test_work_that_left_one_organization_out_is_refused(file):
    complete(file, 3)
    let_drift(file, 3)
    with pytest.raises(RuntimeError, match="sync, one drifted: it is done for 2 of 3 organizations"):
        check(file, Work.DRIFT, 3, tables=1)
