"""A bootstrapped warehouse of each kind, with a keyring of its own and rows that hold sealed values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.planning.policy import EVERYTHING
from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.settings import Settings
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.bigquery.transport import rates
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.bigquery_fake.server import running
from tests.tenancy.secrets.vault import Vault

HERE = Path(__file__).parent
ON_BIGQUERY_TOO = {
    "test_the_secret_is_made_once_and_kept_sealed",
    "test_a_lost_one_is_not_replaced_while_keys_need_it",
    "test_of_those_who_store_at_once_exactly_one_is_active",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On BigQuery only what is different there is for the inner loop."""
    for item in items:
        if item.path.parent == HERE and "[bigquery" in item.name and item.name.split("[")[0] not in ON_BIGQUERY_TOO:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    """Where this test's key file is, or will be."""
    return tmp_path / "sealing.key"


@pytest.fixture
def sealer(key_path: Path) -> LocalSealer:
    """A sealer with a keyring in a file."""
    return LocalSealer(KeyFile(key_path, strict=False))


@pytest.fixture
def vault(sealer: LocalSealer, key_path: Path) -> Iterator[Vault]:
    """A bootstrapped DuckDB in memory."""
    yield from _vault("duckdb:///:memory:", sealer, key_path)


@pytest.fixture(params=["duckdb", "bigquery"])
def any_vault(
    request: pytest.FixtureRequest, sealer: LocalSealer, key_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vault]:
    """A bootstrapped warehouse of each kind."""
    if request.param == "duckdb":
        yield from _vault("duckdb:///:memory:", sealer, key_path)
        return
    for name in ("TABLE_CREATIONS", "TABLE_UPDATES", "DATASET_UPDATES", "PARTITIONED_TABLE_UPDATES"):
        monkeypatch.setattr(rates, name, rates.Rate(1_000, 1))
    with running() as fake:
        fake.limits.enabled = False
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", fake.url)
        yield from _vault("bigquery://some-project?location=EU", sealer, key_path)


def _vault(url: str, sealer: LocalSealer, key_path: Path) -> Iterator[Vault]:
    key = f"local:///{key_path}"
    services: Services = build_services(Settings(warehouse_url=url, config_dir=ROOT / "configs", sealing_key_uri=key))
    # Not by the use case, which is audited, so that it makes the platform's secret.
    synchronize(services.bootstrap.warehouse, services.catalogs.load().central_dataset(), EVERYTHING)
    yield Vault(services, sealer)
    services.close()
