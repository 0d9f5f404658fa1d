"""A bootstrapped warehouse of each kind, with a keyring of its own and rows that hold sealed values."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudact.planning.policy import EVERYTHING
from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.settings import Settings
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.sync import synchronize
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT
from tests.tenancy.secrets.vault import Vault
from tests.unlimited_bigquery import unlimited

HERE = Path(__file__).parent
ON_BIGQUERY_TOO = {
    "test_the_secret_is_made_once_and_kept_sealed",
    "test_a_lost_one_is_not_replaced_while_keys_need_it",
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


@dataclass(frozen=True)
class Files:
    """A bootstrapped warehouse file without any secret, one with acme_corp besides, and the key of the latter."""

    bare: Path
    acme: Path
    key: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Files for the tests here to begin with."""
    folder = tmp_path_factory.mktemp("vaults")
    made = Files(folder / "bare.duckdb", folder / "acme.duckdb", folder / "sealing.key")
    services = _services(f"duckdb:///{made.acme}", made.key)
    _make_tables(services)
    services.close()
    shutil.copyfile(made.acme, made.bare)
    services.onboarding.onboard(OnboardingRequest(**ACME))
    services.close()
    return made


@pytest.fixture
def vault(sealer: LocalSealer, key_path: Path, files: Files) -> Iterator[Vault]:
    """A bootstrapped DuckDB file."""
    with closing(_copied(files.bare, key_path)) as services:
        yield Vault(services, sealer)


@pytest.fixture
def acme(sealer: LocalSealer, key_path: Path, files: Files) -> Iterator[Vault]:
    """A DuckDB file with acme_corp onboarded."""
    shutil.copy(files.key, key_path)
    with closing(_copied(files.acme, key_path)) as services:
        yield Vault(services, sealer)


@pytest.fixture(params=["duckdb", "bigquery"])
def any_vault(
    request: pytest.FixtureRequest, sealer: LocalSealer, key_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vault]:
    """A bootstrapped warehouse of each kind."""
    if request.param == "duckdb":
        yield request.getfixturevalue("vault")
        return
    with unlimited(monkeypatch), closing(_services("bigquery://some-project?location=EU", key_path)) as services:
        _make_tables(services)
        yield Vault(services, sealer)


def _copied(file: Path, key_path: Path) -> Services:
    copy = key_path.with_name("warehouse.duckdb")
    shutil.copyfile(file, copy)
    return _services(f"duckdb:///{copy}", key_path)


def _services(url: str, key: Path) -> Services:
    return build_services(Settings(warehouse_url=url, config_dir=ROOT / "configs", sealing_key_uri=f"local:///{key}"))


def _make_tables(services: Services) -> None:
    """Not by the use case, which is audited, so that it makes the platform's secret."""
    synchronize(services.bootstrap.warehouse, services.catalogs.load().central_dataset(), EVERYTHING)
