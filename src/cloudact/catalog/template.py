"""A declared dataset before it has a name: rendered once per organization, or once for a central dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloudact.catalog.model import Dataset, Labels, Table, View
from cloudact.catalog.view_file import ViewQuery


@dataclass(frozen=True, slots=True)
class ViewTemplate:
    """A view whose query still has placeholders; `view.query` is empty until rendered."""

    view: View
    query: ViewQuery
    path: str


@dataclass(frozen=True, slots=True)
class DatasetTemplate:
    """Everything a directory with a `config.yml` declares, in the order it declares it."""

    name: str
    location: str
    description: str
    labels: Labels
    tables: tuple[Table, ...]
    views: tuple[ViewTemplate, ...]

    def dataset_name(self, values: Mapping[str, str]) -> str:
        """Return the dataset's name for these placeholder values."""
        return self.name.format_map(values)

    def render(self, values: Mapping[str, str], *, name: str | None = None, location: str | None = None) -> Dataset:
        """Return the dataset for these placeholder values; one that exists already has its own name and location."""
        name = name or self.dataset_name(values)
        filled = {"dataset": name, **values}
        return Dataset(
            name=name,
            tables=self.tables,
            views=tuple(replace(item.view, query=item.query.render(filled)) for item in self.views),
            location=location or self.location,
            description=self.description,
            labels=self.labels,
        )


@dataclass(frozen=True, slots=True)
class Catalog:
    """Both halves of what is declared: the central dataset and the dataset each organization gets."""

    central: DatasetTemplate
    organization: DatasetTemplate

    @property
    def central_name(self) -> str:
        """The central dataset's name, which `{organizations}` stands for in view files."""
        return self.central.name

    def central_dataset(self) -> Dataset:
        """Return the declared central dataset."""
        return self.central.render({"organizations": self.central_name})

    def organization_dataset_name(self, slug: str) -> str:
        """Return the name of one organization's dataset."""
        return self.organization.dataset_name({"org_slug": slug})

    def organization_dataset(self, slug: str, *, name: str | None = None, location: str | None = None) -> Dataset:
        """Return the declared dataset of one organization; one onboarded before keeps its name and location."""
        values = {"organizations": self.central_name, "org_slug": slug}
        return self.organization.render(values, name=name, location=location)
