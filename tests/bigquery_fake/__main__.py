"""Run the fake as a process of its own: `python -m tests.bigquery_fake --port 9050`, until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from tests.bigquery_fake.server import running


def main() -> None:
    """Serve until the process is told to end; the address is the first line of the output."""
    parser = argparse.ArgumentParser(prog="python -m tests.bigquery_fake", description=__doc__)
    parser.add_argument("--port", type=int, default=9050, help="0 takes a free one")
    parser.add_argument("--no-limits", action="store_true", help="enforce no rate limits")
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with running(port=arguments.port) as fake:
        fake.limits.enabled = not arguments.no_limits
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
