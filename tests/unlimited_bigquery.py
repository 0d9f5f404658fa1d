"""The strict server as a BigQuery that nobody has to wait for, for tests that are not about rates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cloudact.warehouse.bigquery.transport import rates
from tests.bigquery_fake.server import Fake, running

_RATES = ("TABLE_CREATIONS", "TABLE_UPDATES", "DATASET_UPDATES", "PARTITIONED_TABLE_UPDATES")


@contextmanager
def unlimited(patch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Run a server without limits, for as long as the block runs, and let this process use it at any rate."""
    with running() as fake:
        lift_limits(patch, fake)
        patch.setenv("BIGQUERY_EMULATOR_HOST", fake.url)
        yield fake


def lift_limits(patch: pytest.MonkeyPatch, fake: Fake) -> None:
    """Let a server count no requests, and clients that are made from now on keep to no budget."""
    fake.limits.enabled = False
    for name in _RATES:
        patch.setattr(rates, name, rates.Rate(1_000, 1))
