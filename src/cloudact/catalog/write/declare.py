"""The files that declare a live dataset, such that loading them gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloudact.catalog.folder import CONFIG
from cloudact.catalog.load import CENTRAL, ORGANIZATION, parse_catalog
from cloudact.catalog.model import Dataset, Table, View
from cloudact.catalog.problems import Problems
from cloudact.catalog.sharing import form_of
from cloudact.catalog.template import DatasetTemplate, Engine, ViewTemplate
from cloudact.catalog.view_file import SLUG, parse_view
from cloudact.catalog.write.config_yaml import config_text
from cloudact.catalog.write.query import Naming, Unwritable, parse_query, slugs_by_chance, view_text
from cloudact.catalog.write.schema_json import schema_text
from cloudact.catalog.write.sift import Sieve
from cloudact.catalog.write.unshare import declared_shared, is_shared
from cloudact.errors import CatalogError, NotDeclarable, Problem

_HEADING = "Pulled from {}. The format is described in docs/catalog-format.md."
_FIX_VIEW = "declare it by hand, or keep it outside the catalog"


@dataclass(frozen=True, slots=True)
class Declared:
    """A dataset's files by path within its folder, what of it they leave out, and what there is to know."""

    files: Mapping[str, str]
    left_out: tuple[Problem, ...]
    notes: tuple[str, ...]


def declare(
    live: Dataset, naming: Naming, engine: Engine, *, central: Dataset | None, authorize_views: bool = False
) -> Declared:
    """Return the files that declare a live dataset; raises NotDeclarable where leaving something out does not help.

    `central` is the live central dataset, which the views of an organization's dataset may read.
    """
    writer = _Writer(live, naming, engine, central or Dataset(naming.central))
    return writer.write(authorize_views=authorize_views)


class _Writer:
    def __init__(self, live: Dataset, naming: Naming, engine: Engine, central: Dataset) -> None:
        self._live = live
        self._naming = naming
        self._engine = engine
        self._central = central
        self._sieve = Sieve(live)
        self._notes: list[str] = []

    def write(self, *, authorize_views: bool) -> Declared:
        live = self._live
        template = DatasetTemplate(
            name=self._naming.pattern,
            location=live.location,
            description=live.description.strip(),
            labels=live.labels,
            tables=self._sieve.tables(),
            views=self._views(),
            authorize_views=authorize_views,
        )
        while refused := self._refused(template):
            kept = tuple(item for item in template.views if item.view.name not in refused)
            template = replace(template, views=kept)
        return Declared(self._files(template), tuple(self._sieve.left_out), tuple(self._notes))

    def _views(self) -> tuple[ViewTemplate, ...]:
        found = (self._view(view) for view in map(self._sieve.view, self._live.views) if view)
        return tuple(item for item in found if item)

    def _view(self, live: View) -> ViewTemplate | None:
        view, text = live, ""
        if self._naming.org_slug:
            view, text = declared_shared(live, self._central, self._naming) or (live, "")
        elif self._is_central and is_shared(live, self._naming.central):
            what = "was made for a shared view and comes with that one's declaration"
            self._notes.append(f"{self._live.name}.{live.name}: left out: it {what}")
            return None
        try:
            text = text or self._view_text(live)
        except Unwritable as error:
            self._sieve.leave_out(live.name, "", str(error), _FIX_VIEW)
            return None
        query = parse_view(text, Problems())
        if query is None:
            raise AssertionError(f"the file of {live.name} was read before")
        return ViewTemplate(view, query, "", text)

    def _view_text(self, live: View) -> str:
        tree, slug = parse_query(live.query), self._naming.org_slug
        text = view_text(tree, self._naming)
        if slug and (found := slugs_by_chance(tree, slug)):
            what = f"the text {slug!r} became a placeholder in: {'; '.join(found)}"
            self._notes.append(f"{self._live.name}.{live.name}: {what}; see that it means the organization")
        return text

    @property
    def _is_central(self) -> bool:
        return self._naming.dataset.casefold() == self._naming.central.casefold()

    def _files(self, template: DatasetTemplate) -> dict[str, str]:
        location = "" if template.location.casefold() == self._engine.location.casefold() else template.location
        heading = _HEADING.format(self._live.name)
        files = {CONFIG: config_text(template, heading, location=location, forms=_forms(template))}
        files |= {f"schemas/{table.name}.json": schema_text(table.columns) for table in template.tables}
        return files | {f"views/{item.view.name}.sql": item.text for item in template.views}

    def _refused(self, template: DatasetTemplate) -> set[str]:
        """Return the views that the loader refuses, and note why; raises NotDeclarable for what is no view's fault."""
        own, other = (ORGANIZATION, CENTRAL) if self._naming.org_slug else (CENTRAL, ORGANIZATION)
        files = {f"{own}/{path}": text.encode() for path, text in self._files(template).items()}
        files |= {f"{other}/{path}": text.encode() for path, text in self._counterpart().items()}
        try:
            parse_catalog(files, replace(self._engine, materializes=False))
        except CatalogError as error:
            problems = error.problems
        else:
            return set()
        views = {item.view.name for item in template.views}
        named = [(self._view_of(problem, own), problem) for problem in problems]
        if beyond := [problem for name, problem in named if name not in views]:
            raise NotDeclarable(self._live.name, [*self._sieve.left_out, *beyond])
        for name, problem in named:
            self._sieve.leave_out(name, "", f"{problem.field} {problem.what}".strip(), _FIX_VIEW)
        return {name for name, _ in named}

    @staticmethod
    def _view_of(problem: Problem, folder: str) -> str:
        if problem.where == f"{folder}/{CONFIG}" and problem.field.startswith("views."):
            return problem.field.split(".")[1]
        return problem.where.removeprefix(f"{folder}/views/").removesuffix(".sql")

    def _counterpart(self) -> dict[str, str]:
        """Return the other half of the catalog, as far as it matters to this one."""
        if not self._naming.org_slug:
            # A name that no rule about names of the central dataset can mind.
            return {CONFIG: f'dataset: "{{{SLUG}}}__{self._live.name}"\ntables: {{}}\n'}
        tables = Sieve(self._central).tables()
        bare = tuple(Table(table.name, table.columns) for table in tables)
        template = DatasetTemplate(self._naming.central, self._engine.location, "", (), bare, ())
        files = {CONFIG: config_text(template, "", location="", forms={})}
        return files | {f"schemas/{table.name}.json": schema_text(table.columns) for table in bare}


def _forms(template: DatasetTemplate) -> dict[str, str]:
    """Return how the views are kept that would be kept in another way if they did not say so."""
    views = ((item.view, form_of(None, item.query)[0]) for item in template.views)
    return {view.name: view.materialized.value for view, default in views if view.materialized is not default}
