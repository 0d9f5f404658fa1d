"""Without the extras, everything on DuckDB works, and BigQuery and Cloud KMS say what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_bigquery_says_what_to_install(config_dir: Path) -> None:
    done = run(config_dir, "bigquery://my-project", "bootstrap", "run")
    assert done.returncode == 3
    assert "pip install 'cloudact[bigquery]'" in done.stderr


def test_cloud_kms_says_what_to_install(config_dir: Path) -> None:
    key = "gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k"
    done = run(config_dir, "duckdb:///:memory:", "bootstrap", "run", key=key)
    assert done.returncode == 3
    assert "pip install 'cloudact[gcp-kms]'" in done.stderr
