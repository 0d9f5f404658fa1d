"""Finding tables and views by the names that people type."""

from __future__ import annotations

import pytest

from cloudact.dictionary.entries import Dictionary, TableEntry, ViewEntry
from cloudact.dictionary.lookup import find
from cloudact.errors import InvalidRequest


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("invoices", "{org_slug}_prod.invoices"),
        ("INVOICES", "{org_slug}_prod.invoices"),
        ("Recent", "{org_slug}_prod.recent"),
        ("central.accounts", "central.accounts"),
        ("Tenants.Accounts", "tenants.accounts"),
        ("{org_slug}_prod.payments", "{org_slug}_prod.payments"),
        ("acme_corp_prod.payments", "{org_slug}_prod.payments"),
    ],
)
def test_one_table_or_view_is_found_by(name: str, address: str, dictionary: Dictionary) -> None:
    found = find(dictionary, name)
    assert isinstance(found, TableEntry | ViewEntry)
    assert str(found.address) == address


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("*ice*", ["invoices"]),
        ("tenants", ["accounts", "runs"]),
        ("tenants.r*", ["runs"]),
        ("acme_prod", ["invoices", "payments", "recent", "totals", "everything"]),
        ("r?*", ["recent", "runs"]),
    ],
)
def test_a_dataset_or_a_pattern_lists(name: str, listed: list[str], dictionary: Dictionary) -> None:
    found = find(dictionary, name)
    assert isinstance(found, Dictionary)
    assert [entry.address.name for dataset in found.datasets for entry in dataset.entries] == listed


def test_a_name_in_two_datasets_has_to_be_told_apart(dictionary: Dictionary) -> None:
    with pytest.raises(InvalidRequest, match="accounts is in several datasets") as error:
        find(dictionary, "accounts")
    assert error.value.hint == "Name one of central.accounts, tenants.accounts."


@pytest.mark.parametrize(("name", "meant"), [("invoice", "invoices"), ("central.acounts", "central.accounts")])
def test_an_unknown_name_is_answered_with_close_ones(name: str, meant: str, dictionary: Dictionary) -> None:
    with pytest.raises(InvalidRequest, match=f"{name} names no table") as error:
        find(dictionary, name)
    assert error.value.hint.startswith("Did you mean ")
    assert meant in error.value.hint


@pytest.mark.parametrize("name", ["zzzzzz", "other_dataset.no_table_of_it", "x*", "", "acme corp_prod", "_prod"])
def test_a_name_like_no_other_is_answered_without_a_guess(name: str, dictionary: Dictionary) -> None:
    with pytest.raises(InvalidRequest, match="names no table, view or dataset of the catalog") as error:
        find(dictionary, name)
    assert error.value.hint == "`cloudact catalog show` lists every name."
