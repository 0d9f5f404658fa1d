"""The use cases as in a running service: the file is open, and a status has been answered before the clock starts.

python -m benchmarks.fleet.service WORK REQUESTS, with this project's settings in the environment
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.fleet.work import slugs
from cloudact.fleet.request import SyncRequest
from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services, build_services


def main() -> None:
    """Do the work, and print how long it took."""
    work, requests = sys.argv[1], Path(sys.argv[2])
    services = build_services(Settings())
    if work == "create":
        services.bootstrap.run()
    else:
        services.organizations.status(OrgSlug(slugs(1)[0]))
    started = time.perf_counter()
    _WORKS[work](services, requests)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "done": len(requests.read_text(encoding="utf-8").splitlines())}))
    services.close()


def _onboard(services: Services, requests: Path) -> None:
    with requests.open(encoding="utf-8") as lines:
        services.fleet_onboarding.onboard(lines, requests.with_name("keys.jsonl"))


def _status(services: Services, _requests: Path) -> None:
    services.fleet_status.look()


def _sync(services: Services, _requests: Path) -> None:
    services.fleet_sync.carry_out(services.fleet_sync.begin(SyncRequest()))


_WORKS: dict[str, Callable[[Services, Path], None]] = {
    "create": _onboard,
    "onboard": _onboard,
    "status": _status,
    "sync": _sync,
    "drift": _sync,
    "column": _sync,
}

if __name__ == "__main__":
    main()
