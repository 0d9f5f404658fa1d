"""Real parts for every test: the shipped catalog, a DuckDB warehouse, the services and the HTTP application."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.log import configure_logging
from cloudact.sealing.key_file import KeyFile
from cloudact.settings import Settings
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT, ROOT_HEADERS, ROOT_KEY
from tests.api.live import duckdb_of
from tests.made_once import made_once
from tests.prepared import Beginning, Prepared, forget_uses, leave_the_log, prepare, stamps
from tests.prepared_bigquery import PreparedProject

settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("inner_loop", settings.get_profile("default"), max_examples=10)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own; `scripts/test --update-golden tests/golden` writes what the tests compare with."""
    parser.addoption("--update-golden", action="store_true", help="record generated statements anew")
    parser.addoption(
        "--live-bigquery",
        action="store_true",
        help="run the contract on real BigQuery as well, in the project of CA_LIVE_BIGQUERY_PROJECT; it is billed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The inner loop tries fewer examples of each property; the whole suite runs the same tests on all of them."""
    settings.load_profile("inner_loop" if config.getoption("markexpr") == "not slow" else "default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave real BigQuery alone unless it is asked for."""
    if config.getoption("--live-bigquery"):
        return
    skipped = pytest.mark.skip(reason="runs on real BigQuery only with --live-bigquery")
    for item in items:
        if item.get_closest_marker("live_bigquery"):
            item.add_marker(skipped)


def pytest_collection_finish() -> None:
    """Thousands of tests and all modules stay until the end: the garbage collector need not look at them again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """DuckDB complains about what is left of it when the interpreter ends."""
    gc.unfreeze()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether recorded statements are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    """Log lines go to the standard error of the test that runs, whatever ran before it."""
    configure_logging("ERROR")
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """What never differs is not made anew by every test."""
    with made_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def sealing_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sealing key of every warehouse that a test makes or begins with, outside of the checkout."""
    path = tmp_path_factory.mktemp("sealing") / "sealing.key"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CA_SEALING_KEY_URI", f"local:///{path}")
        KeyFile(path, strict=False).create()
        yield path


@pytest.fixture(autouse=True)
def _same_sealing_key(sealing_key: Path) -> Iterator[None]:
    """A test that rotates the key of them all is the one that fails, and not whichever comes after it."""
    before = sealing_key.read_bytes()
    yield
    assert sealing_key.read_bytes() == before, "ask for own_sealing_key to rotate a key"


@pytest.fixture
def own_sealing_key(tmp_path: Path, sealing_key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that key for a test that makes others of it."""
    path = tmp_path / "sealing.key"
    shutil.copy(sealing_key, path)
    monkeypatch.setenv("CA_SEALING_KEY_URI", f"local:///{path}")
    return path


@pytest.fixture(scope="session", autouse=True)
def _no_netrc() -> Iterator[None]:
    """The client of BigQuery would look for the developer's passwords at every request."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NETRC", os.devnull)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches a test."""
    for name in (
        "CA_ROOT_API_KEY",
        "CA_WAREHOUSE_URL",
        "CA_CONFIG_DIR",
        "CA_TEMPLATES_DIR",
        "CA_ENVIRONMENT",
        "CA_ALLOW_RECREATE",
        "CA_API_URL",
        "CA_LOG_LEVEL",
        "CA_RATE_LIMIT_PER_KEY",
        "CA_RATE_LIMIT_PER_ADDRESS",
        "CA_RATE_LIMIT_REFUSED",
        "CA_TRUSTED_PROXIES",
        "CA_MAX_BODY_BYTES",
        "CA_REQUEST_SECONDS",
        "CA_SHUTDOWN_SECONDS",
        "CA_METRICS_TOKEN",
        "CA_BIGQUERY_MAX_BYTES_BILLED",
        "CA_SEALING_PREVIOUS_KEY_URI",
        "CA_KMS_EMULATOR_HOST",
        "BIGQUERY_EMULATOR_HOST",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """A copy of the shipped catalog that a test may edit."""
    return Path(shutil.copytree(ROOT / "configs", tmp_path / "configs"))


@pytest.fixture(scope="session")
def shared_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped catalog for all tests that edit nothing: to copy it takes longer than many of them."""
    return Path(shutil.copytree(ROOT / "configs", tmp_path_factory.mktemp("catalog") / "configs"))


@pytest.fixture
def catalog_dir(request: pytest.FixtureRequest, shared_catalog: Path) -> Iterator[Path]:
    """The catalog that this test's service reads: the test's own copy where it has one, or else that of them all."""
    if "config_dir" in request.fixturenames:
        yield request.getfixturevalue("config_dir")
        return
    before = stamps(shared_catalog)
    yield shared_catalog
    assert stamps(shared_catalog) == before, "ask for config_dir to edit the catalog"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where this test's DuckDB file is, or will be."""
    return tmp_path / "data" / "warehouse.duckdb"


@pytest.fixture
def process_settings(catalog_dir: Path, database: Path) -> Settings:
    """Settings over the test's catalog and its own file."""
    return Settings(
        root_api_key=SecretStr(ROOT_KEY),
        warehouse_url=f"duckdb:///{database}",
        config_dir=catalog_dir,
        log_level="ERROR",
    )


@pytest.fixture
def services(process_settings: Settings) -> Iterator[Services]:
    """The use cases over a real DuckDB file."""
    built = build_services(process_settings)
    yield built
    built.close()


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    """The real application, as the administrator."""
    with TestClient(
        create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS, raise_server_exceptions=False
    ) as made:
        yield made
        forget_uses(services)
        leave_the_log(services)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, sealing_key: Path) -> Prepared:
    """Warehouse files to begin with."""
    configure_logging("ERROR")
    return prepare(tmp_path_factory.mktemp("prepared"), sealing_key)


@pytest.fixture(scope="session")
def prepared_project(sealing_key: Path) -> Iterator[PreparedProject]:
    """States of the strict BigQuery server to begin with."""
    made = PreparedProject(sealing_key)
    yield made
    made.close()


@pytest.fixture
def beginning(services: Services, database: Path, catalog_dir: Path) -> Beginning:
    """How this test's warehouse file begins."""
    return Beginning(database, catalog_dir, services.close)


@pytest.fixture
def bootstrapped(client: TestClient, beginning: Beginning, prepared: Prepared) -> TestClient:
    """The application after bootstrap."""
    if not beginning.with_copy(prepared.bootstrapped):
        assert client.post("/api/v1/admin/bootstrap", json={}).status_code == 200
    return client


@pytest.fixture
def onboarded(bootstrapped: TestClient, acme_key: str) -> TestClient:
    """The application after bootstrap, with acme_corp onboarded."""
    return bootstrapped


@pytest.fixture
def acme_key(bootstrapped: TestClient, beginning: Beginning, prepared: Prepared) -> str:
    """The API key of acme_corp, which this onboards."""
    if beginning.with_copy(prepared.onboarded):
        return prepared.api_key
    answer = bootstrapped.post("/api/v1/organizations/onboard", json=ACME)
    assert answer.status_code == 201
    return str(answer.json()["api_key"])


@pytest.fixture
def warehouse(services: Services) -> DuckDBWarehouse:
    """The DuckDB warehouse behind the services, for looking at rows and live schemas."""
    return duckdb_of(services)
