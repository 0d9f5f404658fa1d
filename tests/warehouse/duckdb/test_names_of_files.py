"""A DuckDB file that is called as a dataset is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.errors import ChangeFailed
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import Policy
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.contract.datasets import SHOP


def bring(file: Path) -> None:
    warehouse = DuckDBWarehouse(file)
    try:
        warehouse.run(lambda session: session.apply(make_plan(session.inspect("shop"), SHOP, Policy())))
        assert warehouse.run(lambda session: session.inspect("shop")) == SHOP
    finally:
        warehouse.close()


def test_what_to_do_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ChangeFailed, match="dataset shop is called as its DuckDB file is") as refused:
        bring(tmp_path / "shop.duckdb")
    assert "another name than shop.duckdb" in refused.value.hint
    # Nothing of it is in the file.
    (tmp_path / "shop.duckdb").rename(tmp_path / "other.duckdb")
    bring(tmp_path / "other.duckdb")


def test_a_file_can_be_called_otherwise_later(tmp_path: Path) -> None:
    bring(tmp_path / "first.duckdb")
    (tmp_path / "first.duckdb").rename(tmp_path / "second.duckdb")
    bring(tmp_path / "second.duckdb")
