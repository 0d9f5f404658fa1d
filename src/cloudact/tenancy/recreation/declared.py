"""What is declared for a dataset of a given name, wherever that is declared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cloudact.catalog.load import folders_in
from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.errors import CatalogError, DatasetNotDeclared, InvalidRequest
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import PROFILES, PROVISIONING
from cloudact.tenancy.templates.dataset import Templates
from cloudact.warehouse.driver import Equals, Page, Session, Warehouse

# Names of organizations' datasets that an error may list; there may be thousands.
_SHOWN = 100
_COLUMNS = ("org_slug", "org_dataset_id", "dataset_location", "status")


def declared_dataset(catalogs: Declarations, templates_dir: Path, warehouse: Warehouse, name: str) -> Dataset:
    """Return the declared dataset of this name: the central one, a template's, or that of an organization.

    Raises DatasetNotDeclared with the names there are, CatalogError where files are wrong that may declare it, and
    InvalidRequest for an organization whose onboarding has not finished.
    """
    catalog = catalogs.load()
    central = catalog.central_dataset()
    if name == central.name:
        return central
    templates, problems = _templates(Templates(templates_dir, warehouse))
    if name in templates:
        return templates[name]
    profile = warehouse.run(lambda session: _profile(session, catalog, name))
    if profile is not None:
        return _of_organization(catalog, profile)
    if problems:
        raise problems
    others = warehouse.run(lambda session: list(_profiles(session, catalog)))
    raise DatasetNotDeclared(name, [central.name, *templates, *(str(row["org_dataset_id"]) for row in others)])


def _templates(use_cases: Templates) -> tuple[dict[str, Dataset], CatalogError | None]:
    """Return what the folders of templates declare by name, and what is wrong with those that cannot be read."""
    found: dict[str, Dataset] = {}
    wrong: CatalogError | None = None
    for folder in folders_in(use_cases.root):
        try:
            dataset = use_cases.declared(folder)
        except CatalogError as error:
            wrong = wrong or error
        else:
            found.setdefault(dataset.name, dataset)
    return found, wrong


def _of_organization(catalog: Catalog, profile: dict[str, object]) -> Dataset:
    if profile["status"] == PROVISIONING:
        raise InvalidRequest(
            f"the onboarding of {profile['org_slug']} has not finished, so its dataset is not recreated",
            hint=f"Finish it with POST /api/v1/organizations/{profile['org_slug']}/sync.",
        )
    location = profile["dataset_location"]
    return catalog.organization_dataset(
        OrgSlug(str(profile["org_slug"])),
        name=str(profile["org_dataset_id"]),
        location=str(location) if location else None,
    )


def _profile(session: Session, catalog: Catalog, dataset: str) -> dict[str, object] | None:
    return next(_profiles(session, catalog, Equals("org_dataset_id", dataset)), None)


def _profiles(session: Session, catalog: Catalog, *where: Equals) -> Iterator[dict[str, object]]:
    """Yield the first profiles, none where the central dataset is not there."""
    live = session.inspect(catalog.central_name, among=[PROFILES])
    table = live.table(PROFILES) if live else None
    if table is not None and all(map(table.column, _COLUMNS)):
        page = Page(("org_dataset_id",), _SHOWN)
        yield from session.select(catalog.central_name, table.name, _COLUMNS, where, page)
