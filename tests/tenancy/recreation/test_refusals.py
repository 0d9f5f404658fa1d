"""What is refused, and that nothing is changed then; what is declared under which name."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.catalog.model import Dataset
from cloudact.errors import (
    CatalogError,
    CloudactError,
    DatasetNotDeclared,
    DatasetNotFound,
    DestructiveRefused,
    InvalidRequest,
)
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.recreation.recreations import Recreations
from cloudact.tenancy.recreation.results import Mode, Recreation
from cloudact.tenancy.sync import synchronize
from tests.acme import ROOT
from tests.reliability.world import acme_request
from tests.tenancy.recreation.setting import ANN, Setting

CONFIRMED = Recreation(Mode.TABLES, confirm="shop")
UNCONFIRMED = {
    None: "recreating shop has to be confirmed with its name",
    "Shop": "recreating shop is confirmed with 'Shop', which is not its name",
}
REFUSED: dict[str, tuple[Recreation, type[CloudactError], str]] = {
    "unknown table": (
        replace(CONFIRMED, tables=("orders", "old", "nothing")),
        InvalidRequest,
        "no table old, nothing; known tables are notes, orders",
    ),
    "tables of all": (replace(CONFIRMED, mode=Mode.DATASET, tables=("orders",)), InvalidRequest, "use the mode tables"),
}


def attempt(setting: Setting, desired: Dataset, recreation: Recreation, *, planned: bool) -> None:
    if planned:
        setting.recreations.plan(desired, recreation)
    else:
        setting.recreations.run(desired, recreation, actor=ANN)


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_changes_nothing(embedded: Setting, case: str, planned: bool) -> None:
    recreation, error, message = REFUSED[case]
    before = embedded.rows("shop")
    with pytest.raises(error, match=message):
        attempt(embedded, embedded.shop, recreation, planned=planned)
    assert embedded.rows("shop") == before
    assert embedded.backups.list() == ()


@pytest.mark.parametrize("confirm", UNCONFIRMED)
def test_without_its_name_a_dataset_is_shown_what_would_be_done_and_no_more(
    embedded: Setting, confirm: str | None
) -> None:
    before = embedded.rows("shop")
    unconfirmed = replace(CONFIRMED, confirm=confirm)
    planned = embedded.recreations.plan(embedded.shop, unconfirmed)
    confirmed = embedded.recreations.plan(embedded.shop, CONFIRMED)
    assert planned == replace(confirmed, message=f"{confirmed.message} Note: {UNCONFIRMED[confirm]}.")
    with pytest.raises(DestructiveRefused, match=UNCONFIRMED[confirm]):
        attempt(embedded, embedded.shop, unconfirmed, planned=False)
    assert embedded.rows("shop") == before
    assert embedded.backups.list() == ()


def test_production_refuses_first_and_says_how_to_allow_it(embedded: Setting) -> None:
    embedded.allowed = False
    with pytest.raises(DestructiveRefused, match="production") as refused:
        attempt(embedded, embedded.shop, Recreation(Mode.WITH_DATA), planned=False)
    assert "CA_ALLOW_RECREATE=true" in refused.value.hint
    planned = embedded.recreations.plan(embedded.shop, CONFIRMED)
    assert planned.message.endswith("Note: recreating shop is refused in production.")
    assert embedded.backups.list() == ()


@pytest.mark.parametrize("planned", [True, False])
def test_a_dataset_that_is_not_there_is_not_made(embedded: Setting, planned: bool) -> None:
    absent = replace(embedded.shop, name="nowhere")
    with pytest.raises(DatasetNotFound, match="nowhere"):
        attempt(embedded, absent, Recreation(Mode.TABLES, ("nothing",), confirm="nowhere"), planned=planned)
    assert embedded.live("nowhere") is None


def test_a_reason_that_no_description_holds_is_refused(embedded: Setting) -> None:
    for reason in ("x" * 1001, "\ud800"):
        with pytest.raises(InvalidRequest, match="reason has more than 1000 characters"):
            embedded.recreate(embedded.shop, Mode.TABLES, reason=reason)
    assert embedded.backups.list() == ()


def test_every_declared_dataset_is_found_by_its_name(embedded: Setting) -> None:
    catalog = embedded.catalogs.load()
    assert embedded.recreations.declared("organizations") == catalog.central_dataset()
    assert len(embedded.recreations.declared("tenants").tables) == 8
    with pytest.raises(DatasetNotDeclared, match="acme_corp_prod") as refused:
        embedded.recreations.declared("acme_corp_prod")
    assert refused.value.hint.endswith("Declared: organizations, tenants.")
    embedded.bootstrap()
    embedded.parts.onboarding.onboard(acme_request())
    assert embedded.recreations.declared("acme_corp_prod") == catalog.organization_dataset("acme_corp")
    with pytest.raises(DatasetNotDeclared, match="shop") as refused:
        embedded.recreations.declared("shop")
    assert refused.value.hint.endswith("Declared: organizations, tenants, acme_corp_prod.")


def test_an_organization_that_is_not_onboarded_yet_is_left_alone(embedded: Setting) -> None:
    embedded.bootstrap()
    embedded.parts.onboarding.onboard(acme_request())
    with embedded.warehouse.connect() as connection:  # type: ignore[attr-defined]
        connection.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING'")
    with pytest.raises(InvalidRequest, match="onboarding of acme_corp has not finished"):
        embedded.recreations.declared("acme_corp_prod")


def test_a_template_that_cannot_be_read_is_told_where_it_may_be_the_one(embedded: Setting, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ps_templates", tmp_path, dirs_exist_ok=True)
    (tmp_path / "setup" / "other").mkdir()
    (tmp_path / "setup" / "other" / "config.yml").write_text("dataset: other\ntables: [nothing]\n")
    recreations = Recreations(embedded.catalogs, tmp_path, embedded.warehouse, embedded.now, True, embedded.parts.trail)
    assert recreations.declared("tenants").name == "tenants"
    with pytest.raises(CatalogError, match=r"setup/other/.*nothing"):
        recreations.declared("other")


@pytest.mark.slow
def test_the_datasets_of_a_template_and_of_an_organization_are_recreated(embedded: Setting) -> None:
    embedded.bootstrap()
    embedded.parts.onboarding.onboard(acme_request())
    tenants = embedded.recreations.declared("tenants")
    synchronize(embedded.warehouse, tenants, EVERYTHING)
    for desired in (tenants, embedded.recreations.declared("acme_corp_prod")):
        table = desired.tables[0].name
        with embedded.warehouse.connect() as connection:  # type: ignore[attr-defined]
            connection.execute(f"ALTER TABLE {desired.name}.{table} ADD COLUMN by_hand VARCHAR")
        found = embedded.recreate(desired, Mode.TABLES)
        assert {item.table for item in found.tables if item.outcome.value == "emptied"} == {table}
        assert embedded.live(desired.name) == desired
        assert embedded.live(found.backup or "").tables[0].columns[-1].name == "by_hand"
