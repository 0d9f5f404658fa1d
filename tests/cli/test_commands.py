"""What each command does to the warehouse, what it says, and with which exit code it ends."""

from __future__ import annotations

import re

import pytest

from cloudact import __version__
from tests.acme import ACME, ROOT
from tests.api.catalog_files import CatalogFiles
from tests.api.published import ACME_DATASET, CENTRAL, CENTRAL_TABLES, ORGANIZATION_TABLES
from tests.api.unaudited import added, snapshot, trail
from tests.cli.command_line import A_TERMINAL, CommandLine, fields

TABLE = "subscription_plans"


# The command as a whole


def test_the_version_is_the_packages(cli: CommandLine) -> None:
    assert cli.succeed("--version") == f"cloudact {__version__}\n"


@pytest.mark.parametrize("words", [[], ["bootstrap"], ["org"], ["backup"], ["catalog"]], ids=" ".join)
def test_a_group_alone_shows_its_help_and_is_a_usage_error(cli: CommandLine, words: list[str]) -> None:
    done = cli.run(*words)
    assert done.exit_code == 2
    assert "Usage: cloudact" in done.output


# bootstrap


def test_bootstrap_run_makes_every_central_table_and_names_each(cli: CommandLine) -> None:
    text = cli.succeed("bootstrap", "run")
    assert re.findall(r"\+ table (\w+)", text) == CENTRAL_TABLES
    with cli.warehouse() as live:
        assert live.tables(CENTRAL) == CENTRAL_TABLES


def test_bootstrap_run_again_changes_nothing(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        before, audited = snapshot(live), trail(live)
    assert "+ table" not in acme.succeed("bootstrap", "run")
    with acme.warehouse() as live:
        assert added(live, audited) == ["CREATE DATASET SUCCESS"]
        assert snapshot(live) == before


def test_bootstrap_status_names_every_difference(cli: CommandLine, files: CatalogFiles) -> None:
    cli.succeed("bootstrap", "run")
    files.add_column("bootstrap", "org_profiles", "nickname")
    with cli.warehouse() as live:
        live.execute("DROP TABLE organizations.org_hierarchy")
        live.execute("CREATE TABLE organizations.notes (text VARCHAR)")
    lines = cli.succeed("bootstrap", "status").splitlines()
    assert "OUT_OF_SYNC" in lines[0]
    told = {tuple(re.split(r"  +", line.strip())) for line in lines[3:]}
    assert told == {
        ("org_profiles.nickname", "column missing", "sync adds it"),
        ("org_hierarchy", "table missing", "sync creates it"),
        ("notes", "not declared", "kept"),
    }


def test_bootstrap_sync_adds_what_is_missing_and_names_it(cli: CommandLine, files: CatalogFiles) -> None:
    cli.onboard()
    files.add_column("bootstrap", "org_profiles", "nickname")
    text = cli.succeed("bootstrap", "sync")
    assert "+ column org_profiles.nickname" in text
    with cli.warehouse() as live:
        [profile] = live.rows("FROM organizations.org_profiles")
    assert (profile["org_slug"], profile["nickname"]) == (ACME["org_slug"], None)


def test_what_a_sync_was_told_to_leave_is_left_and_named(cli: CommandLine, files: CatalogFiles) -> None:
    cli.succeed("bootstrap", "run")
    files.add_column("bootstrap", "org_profiles", "nickname")
    done = cli.run("bootstrap", "sync", "--no-columns", "--exit-code")
    assert done.exit_code == 0
    assert re.search("not requested: .*nickname", done.stdout)
    with cli.warehouse() as live:
        assert "nickname" not in live.columns(CENTRAL, "org_profiles")


# org


def test_a_dry_run_that_would_succeed_writes_nothing(cli: CommandLine) -> None:
    cli.succeed("bootstrap", "run")
    with cli.warehouse() as live:
        before = live.snapshot()
    assert "READY" in cli.succeed("org", "dryrun", "acme_corp", *fields())
    with cli.warehouse() as live:
        assert live.snapshot() == before


def test_a_blocked_dry_run_names_each_failed_check_and_exits_with_2(cli: CommandLine) -> None:
    done = cli.run("org", "dryrun", "A", *fields(admin_email="nobody", plan="NONE"))
    assert (done.exit_code, done.stderr) == (2, "")
    failed = re.findall(r"FAIL (\w+):", done.stdout)
    assert failed == ["org_slug", "admin_email", "subscription_plan", "bootstrapped"]


def test_a_blocked_dry_run_as_json_exits_with_2_too(cli: CommandLine) -> None:
    done = cli.run("org", "dryrun", "acme_corp", *fields(), "--json")
    assert (done.exit_code, done.stderr) == (2, "")
    assert '"status": "BLOCKED"' in done.stdout


def test_onboarding_makes_dataset_profile_and_key_as_asked(cli: CommandLine) -> None:
    cli.succeed("bootstrap", "run")
    asked = fields(plan="SCALE", currency="EUR", country="DE", language="de-DE")
    text = cli.succeed("org", "onboard", "acme_corp", *asked)
    assert re.search(r"API key: acme_corp_api_\S+\n", text)
    with cli.warehouse() as live:
        assert live.tables(ACME_DATASET) == ORGANIZATION_TABLES
        [profile] = live.rows("FROM organizations.org_profiles")
        [subscription] = live.rows("FROM organizations.org_subscriptions")
    stored = [profile[name] for name in ("company_name", "admin_email", "default_currency", "default_timezone")]
    assert stored == ["Acme Corporation", "admin@acme.com", "EUR", "America/New_York"]
    assert (profile["default_country"], profile["default_language"]) == ("DE", "de-DE")
    assert subscription["plan_name"] == "SCALE"


def test_regenerating_makes_another_key_and_keeps_one_profile(acme: CommandLine) -> None:
    acme.succeed("org", "onboard", "acme_corp", *fields(), "--regenerate-api-key-if-exists")
    with acme.warehouse() as live:
        assert len(live.rows("FROM organizations.org_profiles")) == 1
        assert sorted(row["is_active"] for row in live.rows("FROM organizations.org_api_keys")) == [False, True]


def test_adopting_a_dataset_keeps_its_rows(cli: CommandLine) -> None:
    cli.succeed("bootstrap", "run")
    with cli.warehouse() as live:
        live.execute("CREATE SCHEMA acme_corp_prod")
        live.execute("CREATE TABLE acme_corp_prod.notes AS SELECT 'kept' AS text")
    cli.succeed("org", "onboard", "acme_corp", *fields(), "--adopt-existing-dataset")
    with cli.warehouse() as live:
        assert live.rows("FROM acme_corp_prod.notes") == [{"text": "kept"}]
        assert live.tables(ACME_DATASET) == sorted(["notes", *ORGANIZATION_TABLES])


def test_status_names_what_is_missing_and_changes_nothing(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute(f"DROP TABLE {ACME_DATASET}.{TABLE}")
        before = live.snapshot()
    text = acme.succeed("org", "status", "acme_corp")
    assert "OUT_OF_SYNC" in text
    assert re.search(rf"{TABLE} +table missing +sync creates it", text)
    with acme.warehouse() as live:
        assert live.snapshot() == before


def test_sync_makes_a_deleted_dataset_anew_and_names_it(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute(f"DROP SCHEMA {ACME_DATASET} CASCADE")
    text = acme.succeed("org", "sync", "acme_corp")
    assert f"+ dataset {ACME_DATASET}" in text
    assert re.findall(r"\+ table (\w+)", text) == ORGANIZATION_TABLES
    with acme.warehouse() as live:
        assert live.tables(ACME_DATASET) == ORGANIZATION_TABLES


def test_a_stale_view_is_replaced_when_asked_for(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute(f"CREATE OR REPLACE VIEW {ACME_DATASET}.x_org_hierarchy AS SELECT 1 AS one")
    acme.succeed("org", "sync", "acme_corp")
    assert "x_org_hierarchy" in acme.succeed("org", "status", "acme_corp")
    assert "+ view x_org_hierarchy" in acme.succeed("org", "sync", "acme_corp", "--recreate-views")
    with acme.warehouse() as live:
        assert live.columns(ACME_DATASET, "x_org_hierarchy") != ["one"]


def test_list_shows_a_page_of_those_asked_for(acme: CommandLine) -> None:
    acme.onboard("globex", company_name="株式会社グローベックス", plan="SCALE")
    acme.onboard("initech", company_name="Initech", plan="SCALE")

    def listed(*words: str) -> list[str]:
        return [line.split()[0] for line in acme.succeed("org", "list", *words).splitlines()[1:-1]]

    assert listed() == ["acme_corp", "globex", "initech"]
    assert listed("--plan", "SCALE", "--limit", "1") == ["globex"]
    assert listed("--offset", "2") == ["initech"]
    assert listed("--search", "Acme") == ["acme_corp"]
    assert listed("--status", "SUSPENDED") == []
    assert "株式会社グローベックス" in acme.succeed("org", "list")


def test_list_tells_where_each_stands_when_asked(acme: CommandLine) -> None:
    acme.onboard("globex")
    with acme.warehouse() as live:
        live.execute("DROP SCHEMA globex_prod CASCADE")
    lines = acme.succeed("org", "list", "--sync-status").splitlines()
    assert [line.split()[-1] for line in lines[:-1]] == ["stands", "SYNCED", "PROFILE_ONLY"]
    assert acme.succeed("org", "list").splitlines()[0].split()[-1] == "location"


# An onboarding that stopped on the way


def test_a_sync_that_finishes_an_onboarding_says_that_there_is_no_key_yet(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING'")
    assert "Onboarding has not finished." in acme.succeed("org", "status", "acme_corp")
    assert "i Onboarding is finished. No API key was issued" in acme.succeed("org", "sync", "acme_corp")
    assert "Onboarding" not in acme.succeed("org", "status", "acme_corp")


# --exit-code


@pytest.mark.parametrize("group", ["bootstrap", "org"])
def test_exit_code_tells_in_sync_from_out_of_sync(acme: CommandLine, files: CatalogFiles, group: str) -> None:
    half, table, slug = {
        "bootstrap": ("bootstrap", "org_profiles", []),
        "org": ("organizations", TABLE, ["acme_corp"]),
    }[group]
    assert acme.run(group, "status", *slug, "--exit-code").exit_code == 0
    files.add_column(half, table, "nickname")
    assert acme.run(group, "status", *slug, "--exit-code").exit_code == 2
    assert acme.run(group, "status", *slug, "--exit-code", "--json").exit_code == 2
    assert acme.run(group, "status", *slug).exit_code == 0
    assert acme.run(group, "sync", *slug, "--exit-code").exit_code == 0
    assert acme.run(group, "status", *slug, "--exit-code").exit_code == 0


@pytest.mark.parametrize("group", ["bootstrap", "org"])
def test_a_sync_that_meets_a_conflict_is_partial_and_names_it(acme: CommandLine, group: str) -> None:
    dataset, table, slug = {
        "bootstrap": (CENTRAL, "org_hierarchy", []),
        "org": (ACME_DATASET, TABLE, ["acme_corp"]),
    }[group]
    with acme.warehouse() as live:
        live.execute(f"DROP TABLE {dataset}.{table}")
        live.execute(f"CREATE VIEW {dataset}.{table} AS SELECT 1 AS one")
    done = acme.run(group, "sync", *slug, "--exit-code")
    assert (done.exit_code, done.stderr) == (2, "")
    assert re.search(rf"{table} +CONFLICT: ", done.stdout)
    assert acme.run(group, "sync", *slug).exit_code == 0


# catalog


def test_lint_counts_what_is_declared_and_needs_no_warehouse(cli: CommandLine) -> None:
    counts = {"central_tables": 20, "organization_tables": 19, "organization_views": 4, "plans": 4}
    nothing = {"against": None, "summary": {"errors": 0, "warnings": 0, "notes": 0}, "violations": []}
    assert cli.answer("catalog", "lint") == counts | nothing
    text = cli.succeed("catalog", "lint", CA_WAREHOUSE_URL="nowhere")
    assert f"{cli.config_dir} is valid: 20 central tables, 19 organization tables" in text
    assert not cli.database.exists()


def test_the_shipped_catalog_is_found_from_the_projects_directory(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert "is valid" in cli.succeed("catalog", "lint", CA_CONFIG_DIR="configs")


# Progress


def test_progress_is_shown_on_standard_error_and_the_answer_stays_clean(cli: CommandLine) -> None:
    done = cli.run("bootstrap", "run", **A_TERMINAL)
    assert done.exit_code == 0
    # The dataset is a change, too.
    assert "create table org_usage_quotas" in done.stderr
    assert "21/21" in done.stderr
    assert re.findall(r"table (\w+)", done.stdout) == CENTRAL_TABLES
    assert "21/21" not in done.stdout


def test_with_json_nothing_is_shown_on_the_way(cli: CommandLine) -> None:
    assert cli.answer("bootstrap", "run", **A_TERMINAL)["tables_created"] == CENTRAL_TABLES
