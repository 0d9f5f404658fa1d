"""Without the extras, everything on DuckDB works, and BigQuery and Cloud KMS say what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloudact.errors import ConfigurationError
from cloudact.settings import Settings
from cloudact.wiring import build_services

KMS_KEY = "gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k"
WITHOUT_GOOGLE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"google", "google_crc32c", "grpc", "requests", "dateutil"}:
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
from cloudact.cli.app import main
sys.argv = ["cloudact", *sys.argv[1:]]
main()
"""


def run(config_dir: Path, url: str, *command: str, key: str = "") -> subprocess.CompletedProcess[str]:
    key = key or os.environ["CA_SEALING_KEY_URI"]
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_GOOGLE, *command],
        env={"CA_CONFIG_DIR": str(config_dir), "CA_WAREHOUSE_URL": url, "CA_SEALING_KEY_URI": key, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_duckdb_needs_nothing_of_it(config_dir: Path, tmp_path: Path) -> None:
    done = run(config_dir, f"duckdb:///{tmp_path / 'warehouse.duckdb'}", "bootstrap", "run")
    assert done.returncode == 0, done.stderr
    assert "20 tables created" in done.stdout


@pytest.mark.parametrize(
    ("module", "given", "extra"),
    [
        ("cloudact.warehouse.bigquery.driver", {"warehouse_url": "bigquery://my-project"}, "bigquery"),
        ("cloudact.sealing.gcp_kms_client", {"sealing_key_uri": KMS_KEY}, "gcp-kms"),
    ],
)
def test_what_cannot_be_imported_is_told_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, given: dict[str, str], extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError) as refused:
        build_services(Settings(**given))
    assert f"pip install 'cloudact[{extra}]'" in refused.value.hint


@pytest.mark.slow
def test_bigquery_says_what_to_install(config_dir: Path) -> None:
    done = run(config_dir, "bigquery://my-project", "bootstrap", "run")
    assert done.returncode == 3
    assert "pip install 'cloudact[bigquery]'" in done.stderr


@pytest.mark.slow
def test_cloud_kms_says_what_to_install(config_dir: Path) -> None:
    done = run(config_dir, "duckdb:///:memory:", "bootstrap", "run", key=KMS_KEY)
    assert done.returncode == 3
    assert "pip install 'cloudact[gcp-kms]'" in done.stderr
