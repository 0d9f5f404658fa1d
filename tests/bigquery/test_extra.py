"""Without the extra, everything on DuckDB works, and BigQuery says what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHOUT_GOOGLE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"google", "requests", "dateutil"}:
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
from cloudact.cli.app import main
sys.argv = ["cloudact", *sys.argv[1:]]
main()
"""


def run(config_dir: Path, url: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_GOOGLE, *command],
        env={"CA_CONFIG_DIR": str(config_dir), "CA_WAREHOUSE_URL": url, "PATH": ""},
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
