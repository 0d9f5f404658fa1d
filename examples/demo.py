"""The main job on a new DuckDB file: bootstrap, onboard, load, drift, sync, and proof that no value changed.

python examples/demo.py                    with the FOCUS sample file, or rows made here where it is absent
python examples/demo.py --data mine.csv    with another file of FOCUS columns
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

import duckdb
from billing_rows import MADE_ROWS, Facts, billed_as_written, columns_of, load, measure, write_made_rows
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from cloudact.cli import render
from cloudact.errors import CloudactError
from cloudact.planning.policy import Policy
from cloudact.settings import Settings
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.metered import MeteredWarehouse
from cloudact.wiring import Services, build_services

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT.parent / "shared/reference/data/focus_1_0_real_anonymised_1000.csv"
MARKER = "made_by_demo"

ACME = OnboardingRequest(
    org_slug="acme_corp",
    company_name="Acme Corporation",
    admin_email="admin@acme.com",
    subscription_plan="STARTER",
    default_currency="USD",
    default_timezone="America/New_York",
)
SLUG = OrgSlug(ACME.org_slug)
COSTS, BILLING = "cost_data_standard_1_3", "cloud_gcp_billing_raw_daily"
COST_TABLE = f"acme_corp_prod.{COSTS}"

NEW_COLUMN, NEW_FIELD, NEW_TABLE = "x_budget_code", "credits.approved_by", "carbon_footprint_daily"
NEW_TABLE_SCHEMA = """[
  {"name": "usage_date", "type": "DATE", "mode": "REQUIRED", "description": "UTC day of the emissions."},
  {"name": "service", "type": "STRING", "mode": "NULLABLE", "description": "Service that caused them."},
  {"name": "co2e_kg", "type": "NUMERIC", "mode": "NULLABLE", "description": "Kilograms of CO2 equivalent."}
]
"""
NEW_TABLE_ENTRY = f"""  {NEW_TABLE}:
    description: "One row per UTC day and service: emissions of the organization's cloud use."
    partition: {{type: DAY, field: usage_date}}
    clustering: [service]
"""

console = Console(highlight=False, soft_wrap=True)


class DemoFailed(Exception):
    """Something that this demo promises is not so, or something it needs is not there."""


def main() -> int:
    """Run the demo; 1 when a proof fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SAMPLE, help="CSV file with FOCUS columns")
    parser.add_argument("--directory", type=Path, default=ROOT / "var/demo", help="removed and made anew")
    options = parser.parse_args()
    try:
        run(fresh(options.directory.resolve()), options.data)
    except (DemoFailed, CloudactError, duckdb.Error) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"\n[bold red]FAILED[/]  {escape(str(error))}")
        return 1
    return 0


def run(directory: Path, data: Path) -> None:
    """Tell the whole story, in a directory that holds a copy of the catalog."""
    started = time.perf_counter()
    configs, url = shown(directory / "configs"), f"duckdb:///{shown(directory / 'warehouse.duckdb')}"
    key = f"local:///{shown(directory / 'sealing.key')}"
    command(f"export CA_CONFIG_DIR={configs} CA_WAREHOUSE_URL={url} CA_SEALING_KEY_URI={key}")
    services = build_services(Settings(config_dir=configs, warehouse_url=url, sealing_key_uri=key))
    try:
        bootstrap_and_onboard(services)
        load_costs(services, data if data.is_file() else made_rows(directory, data))
        before = look(services)
        declare_more(configs / "setup/organizations")
        drift_and_sync(services)
        compare(services, before)
    finally:
        services.close()
    console.print(
        f"[dim]Done in {time.perf_counter() - started:.1f} s. To look around, repeat the export line above.[/]"
    )


def bootstrap_and_onboard(services: Services) -> None:
    """Create the central dataset and one organization."""
    step("Bootstrap", "the central dataset")
    command("cloudact bootstrap run")
    central = services.bootstrap.run()
    render.headline(console, central.dataset, central.status, central.message)

    step("Onboard", "profile, subscription, quota, API key and dataset, together or not at all")
    command(
        f'cloudact org onboard {SLUG} --company-name "{ACME.company_name}" --admin-email {ACME.admin_email} \\',
        f"    --plan {ACME.subscription_plan} --currency {ACME.default_currency} --timezone {ACME.default_timezone}",
    )
    render.onboarded(asdict(services.onboarding.onboard(ACME)))
    prove(f"{SLUG} is in sync", holds=services.organizations.status(SLUG).status == "SYNCED")


def made_rows(directory: Path, absent: Path) -> Path:
    """Return a file of made rows, saying why."""
    console.print(f"\n[yellow]There is no file {escape(str(absent))}: the demo makes {MADE_ROWS:,} rows itself.[/]")
    return write_made_rows(directory / "made_rows.csv")


def load_costs(services: Services, source: Path) -> None:
    """Append the file's rows to the organization's cost table."""
    step("Load", "costs as exact decimals, times as UTC, NULL and empty text as NULL")
    command(f"INSERT INTO {COST_TABLE} BY NAME", f"FROM read_csv('{source.name}')", prompt="sql>")
    with duckdb_of(services).connect() as connection:
        loaded = load(connection, source, COST_TABLE)
    console.print(f"{len(loaded.columns)} columns loaded; not in the table: {', '.join(loaded.skipped) or 'none'}")
    held, facts = look(services)
    console.print(f"{facts.rows:,} rows, SUM(BilledCost) {facts.billed}")
    console.print(f"checksum of {len(held)} columns {facts.checksum}")
    prove("the sum is that of the file, digit for digit", holds=facts.billed == billed_as_written(source))


def duckdb_of(services: Services) -> DuckDBWarehouse:
    """Return the engine itself, for rows: the service knows of datasets only."""
    metered = services.bootstrap.warehouse
    if isinstance(metered, MeteredWarehouse) and isinstance(metered.inner, DuckDBWarehouse):
        return metered.inner
    raise DemoFailed("the demo runs on DuckDB only")


def look(services: Services, columns: list[str] | None = None) -> tuple[list[str], Facts]:
    """Return what the cost table holds in these columns, all of them unless given."""
    with duckdb_of(services).connect() as connection:
        columns = columns or list(columns_of(connection, COST_TABLE))
        return columns, measure(connection, COST_TABLE, columns)


def declare_more(folder: Path) -> None:
    """Declare a column, a nested field and a table, in the copy of the catalog, leaving every other byte as it is."""
    step("Declare", "a column, a nested field and a table more, in the copy of the catalog")
    command(f"diff --recursive {shown(ROOT / 'configs')} {folder.parent.parent}")
    record, field = NEW_FIELD.split(".")
    column = '{{"name": "{}", "type": "STRING", "mode": "NULLABLE", "description": "Added by the demo."}},\n'.format
    insert_after(folder / f"schemas/{COSTS}.json", r"\[\n", f"  {column(NEW_COLUMN)}")
    insert_after(folder / f"schemas/{BILLING}.json", rf'"name": "{record}".*"fields": \[\n', f"    {column(field)}")
    insert_after(folder / "config.yml", r"^tables:\n", NEW_TABLE_ENTRY)
    (folder / f"schemas/{NEW_TABLE}.json").write_text(NEW_TABLE_SCHEMA, encoding="utf-8")
    console.print(f"  [green]+[/] schemas/{COSTS}.json: {NEW_COLUMN}")
    console.print(f"  [green]+[/] schemas/{BILLING}.json: {NEW_FIELD}")
    console.print(f"  [green]+[/] schemas/{NEW_TABLE}.json, and its entry in config.yml")


def insert_after(path: Path, pattern: str, text: str) -> None:
    """Insert the text after the first match of the pattern."""
    content = path.read_text(encoding="utf-8")
    found = re.search(pattern, content, re.MULTILINE)
    if found is None:
        raise DemoFailed(f"{path} has no place to declare {text.strip()}")
    path.write_text(content[: found.end()] + text + content[found.end() :], encoding="utf-8")


def drift_and_sync(services: Services) -> None:
    """Show what is missing, add it, and show that nothing is missing any more."""
    step("Drift", "status is the plan, not applied")
    command(f"cloudact org status {SLUG}")
    drift = services.organizations.status(SLUG)
    render.dataset_status(asdict(drift))
    missing = {table: diff.missing_columns for table, diff in drift.schema_diffs.items()}
    named = drift.tables_missing == [NEW_TABLE] and missing == {COSTS: [NEW_COLUMN], BILLING: [NEW_FIELD]}
    prove("status names these three and nothing else", holds=named and drift.status == "OUT_OF_SYNC")

    step("Sync", "adds what is missing, in one transaction")
    command(f"cloudact org sync {SLUG}")
    render.sync_result(asdict(services.organizations.sync(SLUG, Policy())))
    command(f"cloudact org status {SLUG}")
    synced = services.organizations.status(SLUG)
    render.headline(console, synced.dataset, synced.status, synced.message)
    prove(f"{SLUG} is in sync again", holds=synced.status == "SYNCED")


def compare(services: Services, before: tuple[list[str], Facts]) -> None:
    """Hold the facts of before and after side by side; raise DemoFailed when they differ."""
    columns, was = before
    _, now = look(services, columns)
    with duckdb_of(services).connect() as connection:
        empty = connection.table(COST_TABLE).filter(f"{NEW_COLUMN} IS NULL").aggregate("count(*)").fetchall()[0][0]
    rows = [
        ("rows", f"{was.rows:,}", f"{now.rows:,}"),
        ("SUM(BilledCost)", f"{was.billed.normalize():f}", f"{now.billed.normalize():f}"),
        ("checksum of all columns", was.checksum[:16], now.checksum[:16]),
        (f"{NEW_COLUMN} is NULL in", f"{was.rows:,}", f"{empty:,}"),
    ]
    holds = was == now and empty == was.rows
    console.print()
    console.print(side_by_side(rows, "[bold green]No value changed[/]" if holds else "[bold red]Values changed[/]"))
    if not holds:
        raise DemoFailed("the rows of before the sync and of after it are not the same, see the table above")


def side_by_side(rows: list[tuple[str, str, str]], title: str) -> Panel:
    """Return a panel with one line per fact."""
    table = Table("", "before", "after", "", box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for name, was, now in rows:
        table.add_row(name, was, now, "[bold green]equal[/]" if was == now else "[bold red]DIFFERENT[/]")
    return Panel.fit(table, title=title, title_align="left", padding=(1, 2), border_style="dim")


def fresh(directory: Path) -> Path:
    """Return the directory, emptied, with a copy of the catalog; only what an earlier run made is ever removed."""
    if directory.exists() and any(directory.iterdir()) and not (directory / MARKER).exists():
        raise DemoFailed(f"{directory} holds something that this demo did not make; name another --directory")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / MARKER).touch()
    shutil.copytree(ROOT / "configs", directory / "configs")
    return directory


def shown(path: Path) -> Path:
    """Return the path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def step(title: str, explanation: str) -> None:
    """Begin a part of the story."""
    console.print(f"\n[bold]{title}[/]  [dim]{escape(explanation)}[/]")


def command(*lines: str, prompt: str = "$") -> None:
    """Print what one would type for the same effect."""
    for number, line in enumerate(lines):
        console.print(f"[cyan]{' ' * len(prompt) if number else prompt} {escape(line)}[/]")


def prove(claim: str, *, holds: bool) -> None:
    """Say that the claim holds, or raise DemoFailed."""
    if not holds:
        raise DemoFailed(f"not so: {claim}")
    console.print(f"[bold green]ok[/] {escape(claim)}")


if __name__ == "__main__":
    sys.exit(main())
