"""The use cases as in a running service: the file is open, and a list has been answered before the clock starts.

python benchmarks/fleet/service.py WORK REQUESTS, with this project's settings in the environment
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudact.settings import Settings
from cloudact.wiring import Services, build_services


def main() -> None:
    """Do the work, and print how long it took."""
    work, requests = sys.argv[1], [json.loads(line) for line in Path(sys.argv[2]).read_text().splitlines()]
    services = build_services(Settings())
    if work == "create":
        services.bootstrap.run()
    else:
        services.organizations.list()
    started = time.perf_counter()
    _WORKS[work](services, requests)
    print(json.dumps({"seconds": time.perf_counter() - started, "done": len(requests)}))
    services.close()


def _onboard(services: Services, requests: list[dict[str, Any]]) -> object:
    return services.fleet.onboard(requests)


def _status(services: Services, _requests: list[dict[str, Any]]) -> object:
    return services.fleet.status()


def _sync(services: Services, _requests: list[dict[str, Any]]) -> object:
    return services.fleet.sync()


_WORKS: dict[str, Callable[[Services, list[dict[str, Any]]], object]] = {
    "create": _onboard,
    "onboard": _onboard,
    "status": _status,
    "sync": _sync,
    "drift": _sync,
    "column": _sync,
}

if __name__ == "__main__":
    main()
