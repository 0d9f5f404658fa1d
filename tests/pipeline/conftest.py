"""A warehouse with the tables of runs, and an executor over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.steps import World, make_central


@pytest.fixture
def world() -> Iterator[World]:
    """An executor over a warehouse in memory that has the tables of runs."""
    made = World()
    make_central(made.warehouse)
    yield made
    made.warehouse.close()


@pytest.fixture
def bare() -> Iterator[World]:
    """An executor over an empty warehouse."""
    made = World()
    yield made
    made.warehouse.close()
