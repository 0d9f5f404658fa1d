"""Processes to be killed: each a fork of a small clean one, so that it has no thread of this one and imports nothing.

There is one such process for all of them, and it imports what it was told last: here, what any of them needs.
"""

from __future__ import annotations

import multiprocessing

CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(
    [
        "tests.reliability.doomed",
        "tests.reliability.doomed_recreation",
        "tests.bigquery.doomed",
        "tests.fleet.doomed",
        "tests.tenancy.secrets.doomed",
        # An extra, which the wiring imports only where it is asked for.
        "cloudact.warehouse.bigquery.driver",
        "cloudact.warehouse.bigquery.transport.client",
    ]
)
