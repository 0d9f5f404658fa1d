"""The dictionary from the files of a catalog and of the templates beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from cloudact.catalog.exports import Export, load_exports
from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource, folders_in, load_dataset
from cloudact.catalog.model import Table
from cloudact.catalog.template import DatasetTemplate, ViewTemplate
from cloudact.catalog.view_file import ORGANIZATIONS, PLACEHOLDERS, ViewQuery
from cloudact.dictionary.entries import Address, DatasetEntry, Dictionary, TableEntry, ViewColumn, ViewEntry
from cloudact.dictionary.joins import find_joins

CONFIG_SETTING = "CA_CONFIG_DIR"
TEMPLATES_SETTING = "CA_TEMPLATES_DIR"


def load_dictionary(config: Path, templates: Path) -> Dictionary:
    """Return the dictionary of a catalog and of the templates beside it.

    Every folder of the templates with a `config.yml` is a dataset; there may be none. Raises CatalogError naming every
    problem of the catalog, or else of its exports, or else of the first template that has one.
    """
    catalog = CatalogSource(config).load()
    exports = load_exports(config, catalog)
    sources = [
        _Source(CONFIG_SETTING, CENTRAL, catalog.central),
        _Source(CONFIG_SETTING, ORGANIZATION, catalog.organization),
    ]
    folders = folders_in(templates)
    sources += [_Source(TEMPLATES_SETTING, folder, load_dataset(templates, folder)) for folder in folders]
    known = {(item.template.name, table.key): table for item in sources for table in item.template.tables}
    datasets = tuple(item.entry(known, catalog.central_name, exports) for item in sources)
    return Dictionary(datasets, find_joins(datasets))


Tables = Mapping[tuple[str, str], Table]


@dataclass(frozen=True, slots=True)
class _Source:
    """One folder that declares a dataset."""

    setting: str
    folder: str
    template: DatasetTemplate

    def entry(self, known: Tables, central: str, exports: Sequence[Export]) -> DatasetEntry:
        """Return the dataset; only an organization's tables have exports."""
        own = exports if self.folder == ORGANIZATION and self.setting == CONFIG_SETTING else ()
        return DatasetEntry(
            name=self.template.name,
            setting=self.setting,
            folder=self.folder,
            description=self.template.description,
            labels=self.template.labels,
            tables=tuple(self._table(table, own) for table in self.template.tables),
            views=tuple(self._view(item, known, central) for item in self.template.views),
        )

    def _table(self, table: Table, exports: Sequence[Export]) -> TableEntry:
        address = Address(self.template.name, table.name)
        loaded = tuple(export for export in exports if export.table.key == table.key)
        return TableEntry(address, table, f"{self.folder}/schemas/{table.name}.json", loaded)

    def _view(self, item: ViewTemplate, known: Tables, central: str) -> ViewEntry:
        names = {"{dataset}": self.template.name, f"{{{ORGANIZATIONS}}}": central}
        reads = tuple(Address(names.get(dataset, dataset), table) for dataset, table in item.query.tables)
        tables = [known.get((address.dataset, address.name.casefold())) for address in reads]
        return ViewEntry(
            address=Address(self.template.name, item.view.name),
            template=item,
            query=item.text.replace("\r\n", "\n").strip(),
            columns=_view_columns(item.query, tables[0] if len(tables) == 1 else None),
            reads=reads,
        )


def _view_columns(query: ViewQuery, table: Table | None) -> tuple[ViewColumn, ...]:
    """Return a view's columns; those that come straight from the one table it reads have its types and descriptions."""
    if query.tree.is_star:
        return ()
    selects = zip(query.outputs, query.tree.selects, strict=True)
    return tuple(_view_column(name, select.unalias(), table) for name, select in selects)


def _view_column(name: str, value: exp.Expr, table: Table | None) -> ViewColumn:
    declared = table.column(value.name) if table and isinstance(value, exp.Column) else None
    placeholders = {placeholder: f"{{{placeholder}}}" for placeholder in PLACEHOLDERS}
    return ViewColumn(name, ViewQuery(exp.select(value)).render(placeholders).removeprefix("SELECT "), declared)
