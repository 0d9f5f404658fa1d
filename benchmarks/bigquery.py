"""Measure requests and time on BigQuery when each request takes a while: against the strict test server.

python -m benchmarks.bigquery                          100 ms for each request, two runs of each operation
python -m benchmarks.bigquery --latency 0.05 --runs 5 --write docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from google.cloud import bigquery
from rich.console import Console

from benchmarks.report import Row, load, machine, markdown, place_for_figures, terminal, write_figures
from cloudact.fleet.request import SyncRequest
from cloudact.planning.policy import EVERYTHING
from cloudact.settings import Settings
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services, build_services
from tests.bigquery_fake.server import Fake, running

ROOT = Path(__file__).resolve().parents[1]
FIGURES = "bigquery"
HEADERS = ("operation", "seconds", "requests")
# The fleet has these organizations, in one region.
FIRST, OTHERS = OrgSlug("acme_corp"), (OrgSlug("other_corp"), OrgSlug("third_corp"))

Operation = Callable[[Services], object]
# In this order: each finds what the one before has left.
OPERATIONS: dict[str, Operation] = {
    "bootstrap": lambda services: services.bootstrap.run(),
    "onboard an organization": lambda services: services.onboarding.onboard(_request(FIRST)),
    "status of the central dataset": lambda services: services.bootstrap.status(),
    "status of an organization": lambda services: services.organizations.status(FIRST),
    "sync with nothing to do": lambda services: services.organizations.sync(FIRST, EVERYTHING),
    "onboard two more, one after the other": lambda services: [
        services.onboarding.onboard(_request(slug)) for slug in OTHERS
    ],
    "status of the fleet of three": lambda services: services.fleet_status.look(),
    "sync of the fleet with nothing to do": lambda services: services.fleet_sync.carry_out(
        services.fleet_sync.begin(SyncRequest())
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """One run of an operation."""

    seconds: float
    requests: int


def main() -> None:
    """Measure, and print a table."""
    options = _options()
    if options.write:
        place_for_figures(options.write, FIGURES)
    structlog.configure(processors=[_drop])
    before = load()
    with running() as fake:
        os.environ["BIGQUERY_EMULATOR_HOST"] = fake.url
        runs = [_run(fake, options.latency) for _ in range(options.runs)]
    rows = [_row(name, [run[name] for run in runs]) for name in OPERATIONS]
    where = (
        f"{machine()}, google-cloud-bigquery {bigquery.__version__}; load average {before} at the start, "
        f"{load()} at the end."
    )
    title = f"{options.latency * 1000:.0f} ms added to each request: median of {options.runs} (smallest-largest)"
    console = Console(highlight=False, soft_wrap=True)
    console.print(where)
    console.print(f"\n[bold]{title}[/]")
    console.print(terminal(HEADERS, rows))
    if options.write:
        write_figures(options.write, FIGURES, f"{where}\n\n{markdown(title, HEADERS, rows)}")


def _row(name: str, runs: list[Found]) -> Row:
    seconds = [run.seconds for run in runs]
    spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
    return (name, spread, str(runs[0].requests))


def _run(fake: Fake, latency: float) -> dict[str, Found]:
    """Return what each operation took, in a project of its own."""
    project = f"project-{uuid.uuid4().hex[:12]}"
    services = build_services(
        Settings(warehouse_url=f"bigquery://{project}?location=EU", config_dir=ROOT / "configs", log_level="ERROR")
    )
    found = {}
    fake.faults.latency = latency
    for name, operation in OPERATIONS.items():
        with fake.log.measured() as measured:
            started = time.perf_counter()
            operation(services)
            seconds = time.perf_counter() - started
        found[name] = Found(seconds, measured.count())
    services.close()
    return found


def _request(slug: OrgSlug) -> OnboardingRequest:
    return OnboardingRequest(org_slug=slug, company_name="Acme Corporation", admin_email="admin@acme.com")


def _drop(*_arguments: object) -> dict[str, object]:
    raise structlog.DropEvent


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds added to each request (default: 0.1)")
    parser.add_argument("--runs", type=int, default=2, help="how often each operation is measured (default: 2)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the markers of this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
