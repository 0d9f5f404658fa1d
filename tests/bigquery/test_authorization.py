"""Authorizing an organization's views is a choice, is done once, and says when it ends."""

from __future__ import annotations

import pytest

from cloudact.errors import WarehouseRefused
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.bigquery import authorization
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import CENTRAL, DATASET, SLUG, World
from tests.reliability.world import acme_request


@pytest.fixture
def authorizing(bootstrapped: World, files: CatalogFiles) -> World:
    """A bootstrapped project whose catalog asks for authorized views."""
    with files.config("organizations") as config:
        config["authorize_views"] = True
    return bootstrapped


def readers(world: World) -> list[str]:
    entries = world.client.get_dataset(CENTRAL).to_api_repr()["access"]
    return [item["dataset"]["dataset"]["datasetId"] for item in entries if "dataset" in item]


def test_nothing_is_authorized_unless_it_is_asked_for(onboarded: World) -> None:
    assert readers(onboarded) == []


def test_each_organization_is_authorized_once(authorizing: World) -> None:
    authorizing.services.onboarding.onboard(acme_request())
    authorizing.services.organizations.sync(SLUG, EVERYTHING)
    assert readers(authorizing) == [DATASET]


def test_the_limit_is_told_before_anything_is_sent(authorizing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorization, "MAX_AUTHORIZED", 0)
    with pytest.raises(WarehouseRefused, match="0 is the most"):
        authorizing.services.onboarding.onboard(acme_request())
    assert readers(authorizing) == []
    monkeypatch.undo()
