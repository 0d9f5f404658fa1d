"""A live dataset as the files of a catalog, so that an existing deployment can be adopted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.catalog.view_file import SLUG
from cloudact.catalog.write.declare import declare
from cloudact.catalog.write.query import Naming
from cloudact.errors import DatasetNotFound, InvalidRequest, NotDeclarable, Problem, WarehouseNotFound
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import PROFILES
from cloudact.warehouse.driver import Equals, Session, Survey, Warehouse

_PLACEHOLDER = f"{{{SLUG}}}"
_NAME = re.compile(r"[A-Za-z0-9_]{1,1024}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The files that declare a live dataset, by path within its folder, and what they leave out or leave open."""

    dataset: str
    org_slug: str | None
    files: Mapping[str, str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Found:
    survey: Survey
    central: Dataset | None
    authorized: bool


@dataclass(frozen=True, slots=True)
class Pull:
    """Reads datasets without changing anything."""

    catalogs: Declarations
    warehouse: Warehouse

    def declaration(self, dataset: str, *, org_slug: str | None = None, skip_unsupported: bool = False) -> Declaration:
        """Return the declaration of a live dataset; an organization's has placeholders for its slug.

        Raises DatasetNotFound, and NotDeclarable naming every part that no catalog can declare, unless such parts are
        to be left out.
        """
        _check_name(dataset)
        catalog = self.catalogs.load()
        is_central = dataset.casefold() == catalog.central_name.casefold()
        found = self.warehouse.run(lambda session: _look(session, catalog, dataset))
        if found is None:
            raise DatasetNotFound(dataset)
        live = found.survey.dataset
        slug = self._owner(catalog, live.name, org_slug, is_central=is_central)
        pattern, notes = _pattern(catalog, live.name, slug, given=org_slug is not None)
        naming = Naming(live.name, pattern, catalog.central_name, slug or "")
        declared = declare(
            live,
            naming,
            catalog.engine,
            central=found.central,
            authorize_views=bool(slug) and found.authorized,
        )
        left_out = [*found.survey.unsupported, *declared.left_out]
        if left_out and not skip_unsupported:
            raise NotDeclarable(live.name, left_out)
        notes += [*(_left_out(problem) for problem in left_out), *found.survey.notes, *declared.notes]
        if slug is None and not is_central:
            notes.append(f"{live.name}: {_NOBODYS}")
        return Declaration(live.name, slug, declared.files, notes)

    def _owner(self, catalog: Catalog, dataset: str, given: str | None, *, is_central: bool) -> OrgSlug | None:
        """Return whose dataset it is: the organization that has it on record, or the one that is named."""
        if is_central and given is not None:
            raise _wrong_slug(f"{dataset} is the central dataset, which is no organization's", "leave org_slug out")
        slug = None if given is None else OrgSlug(given)
        recorded = None if is_central else self._recorded(catalog, dataset)
        if slug and recorded and slug != recorded:
            raise _wrong_slug(f"{dataset} is on record as {recorded}'s, not {slug}'s", "leave org_slug out")
        return slug or recorded

    def _recorded(self, catalog: Catalog, dataset: str) -> OrgSlug | None:
        where = [Equals("org_dataset_id", dataset)]
        try:
            rows = self.warehouse.run(lambda session: session.select(catalog.central_name, PROFILES, [SLUG], where))
        except WarehouseNotFound:
            return None  # nothing was bootstrapped here, or not by this project
        return OrgSlug(str(rows[0][SLUG])) if rows else None


_NOBODYS = (
    "belongs to no onboarded organization, so its name and its views are written as they are; "
    "name the organization with --org-slug, or org_slug, to get placeholders"
)


def _look(session: Session, catalog: Catalog, dataset: str) -> _Found | None:
    survey = session.survey(dataset)
    if survey is None:
        return None
    central = session.inspect(catalog.central_name)
    return _Found(survey, central, session.authorizes(survey.dataset.name, catalog.central_name))


def _check_name(dataset: str) -> None:
    if not _NAME.fullmatch(dataset):
        problem = "must be letters, digits and underscores: no other name can be declared"
        raise InvalidRequest(f"dataset {dataset!r} {problem}", problems=[Problem("request", "dataset", problem, "")])


def _pattern(catalog: Catalog, dataset: str, slug: str | None, *, given: bool) -> tuple[str, list[str]]:
    """Return the dataset's name for `config.yml`, with the slug as a placeholder, and what to note about it."""
    if slug is None:
        return dataset, []
    if catalog.organization_dataset_name(slug) == dataset:
        return catalog.organization.name, []
    # A slug on record may be in the name by chance; a short one often is, within a word.
    words = list(re.finditer(rf"(?<![A-Za-z0-9]){slug}(?![A-Za-z0-9])", dataset))
    found = words or (list(re.finditer(slug, dataset)) if given else [])
    if found:
        start, end = found[0].span()
        pattern = f"{dataset[:start]}{_PLACEHOLDER}{dataset[end:]}"
        return pattern, [_several(dataset, slug, pattern)] if len(found) > 1 else []
    if given:
        raise _wrong_slug(f"{dataset} does not hold the text {slug}", "name the organization whose slug is in its name")
    pattern = catalog.organization.name
    return pattern, [f"{dataset}: {slug} has it on record under this name; others are named after {pattern}"]


def _several(dataset: str, slug: str, pattern: str) -> str:
    return f"{dataset}: holds {slug} more than once; the first became the placeholder, {pattern}"


def _wrong_slug(problem: str, fix: str) -> InvalidRequest:
    return InvalidRequest(
        f"org_slug: {problem}", problems=[Problem("request", SLUG, problem, fix)], hint=f"{fix[0].upper()}{fix[1:]}."
    )


def _left_out(problem: Problem) -> str:
    subject = f"{problem.where}.{problem.field}" if problem.field else problem.where
    return f"{subject}: left out: {problem.what}"
