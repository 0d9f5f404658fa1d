"""The demo, run as a person runs it: what it prints, what it leaves in the warehouse, and how it fails."""

from __future__ import annotations

import csv
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.acme import ROOT

pytestmark = pytest.mark.slow

SAMPLE = ROOT.parent / "shared/reference/data/focus_1_0_real_anonymised_1000.csv"
COSTS = "acme_corp_prod.cost_data_standard_1_3"


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def run_demo(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "examples/demo.py", "--directory", str(directory), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def run_without_data(directory: Path) -> subprocess.CompletedProcess[str]:
    return run_demo(directory, "--data", str(directory / "absent.csv"))


def read(directory: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(directory / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_with_the_sample_file_every_fact_is_shown_and_every_proof_holds(directory):
    if not SAMPLE.is_file():
        pytest.skip(f"the sample file {SAMPLE.name} is not on this machine")
    with SAMPLE.open(encoding="utf-8", newline="") as lines:
        billed = sum((Decimal(row["BilledCost"]) for row in csv.DictReader(lines)), Decimal(0))

    done = run_demo(directory)

    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout
    assert "20 tables created, 0 existed already" in shown
    assert "19 tables and 4 views created" in shown
    assert "43 columns loaded; not in the table: Id" in shown
    assert f"1,000 rows, SUM(BilledCost) {billed:.18f}" in shown
    assert "ok the sum is that of the file, digit for digit" in shown
    assert shown.count("equal") == 4
    assert read(directory, f"SELECT count(*), sum(BilledCost) FROM {COSTS}") == [(1000, billed)]


def test_the_file_arrives_value_by_value(directory):
    if not SAMPLE.is_file():
        pytest.skip(f"the sample file {SAMPLE.name} is not on this machine")
    run_demo(directory)
    with SAMPLE.open(encoding="utf-8", newline="") as lines:
        written = list(csv.DictReader(lines))

    def texts(name: str) -> list[str | None]:
        return sorted((None if row[name] in ("NULL", "") else row[name] for row in written), key=str)

    for name in ("ChargeDescription", "Tags", "RegionId", "CommitmentDiscountId"):
        loaded = [row[0] for row in read(directory, f'SELECT CAST("{name}" AS VARCHAR) FROM {COSTS}')]
        assert sorted(loaded, key=str) == texts(name)
    moments = read(
        directory, f"SELECT strftime(ChargePeriodStart AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') FROM {COSTS}"
    )
    assert sorted(row[0] for row in moments) == texts("ChargePeriodStart")


def test_without_the_file_it_says_so_and_makes_the_same_rows_every_time(directory):
    first, second = run_without_data(directory), run_without_data(directory)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "There is no file" in first.stdout
    assert "the demo makes 1,000 rows itself" in first.stdout
    facts = [line for line in first.stdout.splitlines() if "SUM(BilledCost)" in line or line.startswith("checksum")]
    assert len(facts) == 3
    assert all(line in second.stdout for line in facts)
    assert read(directory, f"SELECT count(*) FROM {COSTS} WHERE RegionId = 'NULL' OR CAST(Tags AS VARCHAR) = ''") == [
        (0,)
    ]


def test_drift_is_named_and_synced_with_old_rows_left_null(directory):
    done = run_without_data(directory)

    drift, sync = done.stdout.split("\nDrift")[1].split("\nSync")
    assert "OUT_OF_SYNC  1 table missing, 2 columns missing" in drift
    for name in ("carbon_footprint_daily", "cloud_gcp_billing_raw_daily.credits.approved_by", "x_budget_code"):
        assert name in drift
        assert name in sync
    assert "acme_corp_prod  SYNCED" in sync
    assert read(directory, f"SELECT count(*), count(x_budget_code) FROM {COSTS}") == [(1000, 0)]
    assert read(directory, "SELECT count(*) FROM acme_corp_prod.carbon_footprint_daily") == [(0,)]
    assert read(directory, "SELECT credits[1].approved_by FROM acme_corp_prod.cloud_gcp_billing_raw_daily") == []


def test_catalog_copy_keeps_every_line_of_the_shipped_one(directory):
    run_without_data(directory)
    for shipped in (ROOT / "configs").rglob("*.*"):
        if shipped.is_file():
            copied = (directory / "configs" / shipped.relative_to(ROOT / "configs")).read_text(encoding="utf-8")
            remaining = iter(copied.splitlines())
            assert all(line in remaining for line in shipped.read_text(encoding="utf-8").splitlines()), shipped


def test_printed_commands_work_on_what_the_demo_leaves(directory):
    done = run_without_data(directory)
    exports = done.stdout.splitlines()[0].removeprefix("$ ")
    for arguments in ("bootstrap run", "org status acme_corp --exit-code", "org sync acme_corp --exit-code"):
        assert arguments.removesuffix(" --exit-code") in done.stdout
        line = f"{exports}; {sys.executable} -m cloudact {arguments}"
        again = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert again.returncode == 0, again.stderr


def test_cost_with_more_digits_than_the_table_holds_fails_the_proof(directory, tmp_path):
    run_without_data(directory)
    with (directory / "made_rows.csv").open(encoding="utf-8", newline="") as lines:
        charge = next(csv.DictReader(lines)) | {"BilledCost": "0.0000000000000000001"}
    inexact = tmp_path / "inexact.csv"
    with inexact.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, charge)
        writer.writeheader()
        writer.writerow(charge)

    done = run_demo(directory, "--data", str(inexact))

    assert done.returncode == 1
    assert "FAILED  not so: the sum is that of the file" in done.stderr
    assert "Traceback" not in done.stderr


def test_directory_it_did_not_make_is_left_alone(directory):
    directory.mkdir()
    (directory / "thesis.txt").write_text("years of work", encoding="utf-8")

    done = run_without_data(directory)

    assert done.returncode == 1
    assert "did not make" in done.stderr
    assert (directory / "thesis.txt").read_text(encoding="utf-8") == "years of work"
