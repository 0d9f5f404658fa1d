"""A declared dataset before it has a name: rendered once per organization, or once for a central dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloudact.catalog.model import Dataset, Labels, Rendering, Table, View
from cloudact.catalog.view_file import ORGANIZATIONS, OWN_DATASET, SLUG, ViewQuery, fill


@dataclass(frozen=True, slots=True)
class Engine:
    """What is to be known of a warehouse without asking it, above all by the catalog that is for it.

    `location` is where datasets are created whose config names no other. An engine that `materializes` has materialized
    views, and keeps each dataset in a location from which no view reads another. On one that is `transactional` a unit
    of work happens as a whole or not at all, so that one unit can be for many organizations.
    """

    location: str = "US"
    materializes: bool = False
    transactional: bool = True


EMBEDDED = Engine()


@dataclass(frozen=True, slots=True)
class ViewTemplate:
    """A view whose query still has placeholders; `view.query` is empty until rendered, `text` where no file has it."""

    view: View
    query: ViewQuery
    path: str
    text: str = ""

    def render(self, values: Mapping[str, str]) -> View:
        """Return the view for these placeholder values, of which `dataset` is one."""
        names = self.query.literals
        common = {name: value for name, value in values.items() if name not in {OWN_DATASET, *names}}
        own = tuple(sorted((name, values[name]) for name in names))
        rendering = Rendering(fill(self.query.template, common), own)
        return replace(self.view, query=self.query.render(values), rendering=rendering)


@dataclass(frozen=True, slots=True)
class DatasetTemplate:
    """Everything a directory with a `config.yml` declares, in the order it declares it."""

    name: str
    location: str
    description: str
    labels: Labels
    tables: tuple[Table, ...]
    views: tuple[ViewTemplate, ...]
    authorize_views: bool = False

    @property
    def central_names(self) -> frozenset[str]:
        """What view files may write before its tables when it is the central dataset."""
        return frozenset({f"{{{ORGANIZATIONS}}}", self.name})

    def dataset_name(self, values: Mapping[str, str]) -> str:
        """Return the dataset's name for these placeholder values."""
        return self.name.format_map(values)

    def render(self, values: Mapping[str, str], *, name: str | None = None, location: str | None = None) -> Dataset:
        """Return the dataset for these placeholder values; one that exists already has its own name and location."""
        name = name or self.dataset_name(values)
        filled = {OWN_DATASET: name, **values}
        return Dataset(
            name=name,
            tables=self.tables,
            views=tuple(item.render(filled) for item in self.views),
            location=location or self.location,
            description=self.description,
            labels=self.labels,
        )

    def alone(self) -> Dataset:
        """Return the dataset of a template without placeholders for others: it is its own central dataset."""
        return self.render({ORGANIZATIONS: self.name})


@dataclass(frozen=True, slots=True)
class Catalog:
    """Both halves of what is declared: the central dataset and the dataset each organization gets, for an engine."""

    central: DatasetTemplate
    organization: DatasetTemplate
    engine: Engine = EMBEDDED

    @property
    def central_name(self) -> str:
        """The central dataset's name, which `{organizations}` stands for in view files."""
        return self.central.name

    def central_dataset(self) -> Dataset:
        """Return the declared central dataset."""
        return self.central.alone()

    def organization_dataset_name(self, slug: str) -> str:
        """Return the name of one organization's dataset."""
        return self.organization.dataset_name({SLUG: slug})

    def organization_dataset(self, slug: str, *, name: str | None = None, location: str | None = None) -> Dataset:
        """Return the declared dataset of one organization; one onboarded before keeps its name and location.

        It goes without the views that could not be read from where it is, see `unreadable_views`.
        """
        values = {ORGANIZATIONS: self.central_name, SLUG: slug}
        unreadable = self.unreadable_views(location)
        views = tuple(item for item in self.organization.views if item.view.name not in unreadable)
        return replace(self.organization, views=views).render(values, name=name, location=location)

    def unreadable_views(self, location: str | None = None) -> tuple[str, ...]:
        """Return the names of the views that an organization's dataset in `location`, or as declared, goes without.

        Where data has locations, a view of central tables can only be in the location of the central dataset.
        """
        where = location or self.organization.location
        if not self.engine.materializes or where.casefold() == self.central.location.casefold():
            return ()
        central = self.central.central_names
        views = ((item.view.name, item.query.tables) for item in self.organization.views)
        return tuple(name for name, tables in views if any(dataset in central for dataset, _ in tables))
