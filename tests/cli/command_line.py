"""The command line in this process, over one warehouse file, which nothing holds between two commands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from cloudact.cli.app import app
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ACME
from tests.api.live import Live
from tests.prepared import Beginning, Prepared

# Rich reads these: a wide page, and a stream is a terminal only where a test says so.
_PAGE = {"COLUMNS": "250", "FORCE_COLOR": None, "TTY_COMPATIBLE": None, "TTY_INTERACTIVE": None, "NO_COLOR": "1"}
A_TERMINAL = {"TTY_COMPATIBLE": "1"}


@dataclass(frozen=True)
class CommandLine:
    """Runs `cloudact` with a catalog and a warehouse file, and nothing else set."""

    config_dir: Path
    database: Path
    prepared: Prepared | None = None

    def run(self, *words: str, **environment: str) -> Result:
        """Run a command to its end; what it raised unforeseen is raised here."""
        settings = {"CA_CONFIG_DIR": str(self.config_dir), "CA_WAREHOUSE_URL": f"duckdb:///{self.database}"}
        return CliRunner(env={**_PAGE, **settings, **environment}).invoke(
            app, words, prog_name="cloudact", catch_exceptions=False
        )

    def succeed(self, *words: str, **environment: str) -> str:
        """Run a command that succeeds without a word on standard error, and return what it prints."""
        done = self.run(*words, **environment)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    def answer(self, *words: str, **environment: str) -> dict[str, Any]:
        """Run a command that succeeds with --json, and return its answer."""
        answer: dict[str, Any] = json.loads(self.succeed(*words, "--json", **environment))
        return answer

    def refusal(self, *words: str, **environment: str) -> tuple[int, dict[str, Any]]:
        """Run a command that fails with --json, and return its exit code and its one object on standard error."""
        done = self.run(*words, "--json", **environment)
        assert done.stdout == ""
        problem: dict[str, Any] = json.loads(done.stderr)
        assert [*problem] == ["code", "detail", "hint", "errors"]
        return done.exit_code, problem

    def bootstrap(self) -> None:
        """Make the central dataset."""
        if not (self.prepared and self._begins_with(self.prepared.bootstrapped)):
            self.succeed("bootstrap", "run")

    def onboard(self, slug: str = ACME["org_slug"], **changed: str) -> None:
        """Make acme_corp, or another organization, in a warehouse that may be empty."""
        if self.prepared and slug == ACME["org_slug"] and not changed and self._begins_with(self.prepared.onboarded):
            return
        self.bootstrap()
        self.succeed("org", "onboard", slug, *fields(**changed))

    def _begins_with(self, file: Path) -> bool:
        return Beginning(self.database, self.config_dir).with_copy(file)

    @contextmanager
    def warehouse(self) -> Iterator[Live]:
        """Look at the file between two commands."""
        with closing(DuckDBWarehouse(self.database)) as warehouse:
            yield Live(warehouse)


def fields(**changed: str) -> list[str]:
    """The options that describe acme_corp."""
    options: Mapping[str, str] = {
        "company_name": ACME["company_name"],
        "admin_email": ACME["admin_email"],
        "timezone": ACME["default_timezone"],
        **changed,
    }
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
