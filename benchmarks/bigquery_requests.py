"""Measure what operations take on BigQuery when each request takes a while: against the strict test server.

python benchmarks/bigquery_requests.py                          100 ms for each request, three runs of each operation
python benchmarks/bigquery_requests.py --latency 0.05 --runs 5
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cloudact.planning.policy import EVERYTHING  # noqa: E402 - the test server is beside this folder
from cloudact.settings import Settings  # noqa: E402
from cloudact.tenancy.checks import OnboardingRequest  # noqa: E402
from cloudact.tenancy.names import OrgSlug  # noqa: E402
from cloudact.wiring import Services, build_services  # noqa: E402
from tests.bigquery_fake.server import Fake, running  # noqa: E402

Operation = Callable[[Services, OrgSlug], object]
# In this order: each finds what the one before has left.
OPERATIONS: dict[str, Operation] = {
    "bootstrap": lambda services, _slug: services.bootstrap.run(),
    "onboard an organization": lambda services, slug: services.onboarding.onboard(_request(slug)),
    "status of the central dataset": lambda services, _slug: services.bootstrap.status(),
    "status of an organization": lambda services, slug: services.organizations.status(slug),
    "sync with nothing to do": lambda services, slug: services.organizations.sync(slug, EVERYTHING),
}


def main() -> None:
    """Measure, and print a table."""
    options = _options()
    structlog.configure(processors=[_drop])
    with running() as fake:
        os.environ["BIGQUERY_EMULATOR_HOST"] = fake.url
        runs = [_run(fake, options.latency) for _ in range(options.runs)]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("operation", "seconds", "requests"):
        table.add_column(header, justify="left" if header == "operation" else "right")
    for name in OPERATIONS:
        seconds = [run[name][0] for run in runs]
        spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
        table.add_row(name, spread, str(runs[0][name][1]))
    console = Console()
    console.print(f"{options.latency * 1000:.0f} ms added to each request; median of {options.runs} (smallest-largest)")
    console.print(table)


def _run(fake: Fake, latency: float) -> dict[str, tuple[float, int]]:
    """Return seconds and requests for each operation, in a project of its own."""
    project = f"project-{uuid.uuid4().hex[:12]}"
    services = build_services(
        Settings(warehouse_url=f"bigquery://{project}?location=EU", config_dir=ROOT / "configs", log_level="ERROR")
    )
    found = {}
    fake.faults.latency = latency
    for name, operation in OPERATIONS.items():
        with fake.log.measured() as measured:
            started = time.perf_counter()
            operation(services, OrgSlug("acme_corp"))
            seconds = time.perf_counter() - started
        found[name] = (seconds, measured.count())
    services.close()
    return found


def _request(slug: OrgSlug) -> OnboardingRequest:
    return OnboardingRequest(org_slug=slug, company_name="Acme Corporation", admin_email="admin@acme.com")


def _drop(*_arguments: object) -> dict[str, object]:
    raise structlog.DropEvent


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds added to each request (default: 0.1)")
    parser.add_argument("--runs", type=int, default=3, help="how often each operation is measured (default: 3)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
