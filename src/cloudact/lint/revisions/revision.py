"""Rules on what changed since a base: what would be refused, would do nothing, or leaves something behind.

What a change means for tables that exist is what `diff` says of it, with the base in the place of the live dataset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cloudact.catalog.model import Column, Dataset, Table
from cloudact.catalog.problems import Code
from cloudact.catalog.rules import MAX_COLUMNS
from cloudact.catalog.template import DatasetTemplate
from cloudact.lint.revisions.renames import renamed_columns, renamed_tables
from cloudact.lint.subject import Subject
from cloudact.planning.changes import AddColumn, CreateTable, Path, ReplaceView, WidenType
from cloudact.planning.diff import Diff, diff
from cloudact.planning.evolve import evolve
from cloudact.planning.findings import Code as Found
from cloudact.planning.widening import widens_in_duckdb


@dataclass(frozen=True)
class Revision:
    """One dataset at the base and as it is declared now, rendered alike."""

    subject: Subject
    base: DatasetTemplate
    before: Dataset
    after: Dataset

    @cached_property
    def diff(self) -> Diff:
        """What a sync would do to a dataset made from the base, and what it would not."""
        return diff(self.before, self.after)

    @cached_property
    def kept(self) -> Dataset:
        """A dataset made from the base, after that sync."""
        return evolve(self.before, self.after.name, self.diff.changes)

    def tables(self) -> Iterator[tuple[Table, Table]]:
        """Yield each table that was there before, with what it is declared as now."""
        for table in self.after.tables:
            if before := self.before.table(table.name):
                yield before, table

    def column(self, dataset: Dataset, table: str, path: Path) -> Column | None:
        """Return a column of the dataset by its path, ignoring case."""
        found = dataset.table(table)
        column = found.column(path[0]) if found else None
        for name in path[1:]:
            column = column.field_named(name) if column else None
        return column


NOTHING_TO_DO = "nothing to do; declare it to have it kept in step"


def widening_not_on_duckdb(revision: Revision) -> None:
    """BigQuery widens in place what DuckDB would have to store with fewer digits before the point."""
    for change in revision.diff.changes:
        if isinstance(change, WidenType) and not widens_in_duckdb(change.before, change.after):
            what = f"was widened from {change.before} to {change.after}, whose storage on DuckDB holds fewer digits"
            fix = "declare a precision and scale that hold every value in at most 38 digits"
            where = revision.subject.schema(change.table)
            where.add(".".join(change.path), what, fix, code=Code.WIDENING_NOT_ON_DUCKDB)


def likely_renamed_columns(revision: Revision) -> None:
    """Compare what was added to each table or RECORD with what was removed from it."""
    removed: dict[tuple[str, Path], list[Column]] = {}
    added: dict[tuple[str, Path], list[Column]] = {}
    for change in revision.diff.changes:
        if isinstance(change, AddColumn):
            added.setdefault((change.table, _folded(change.parent)), []).append(change.column)
    for finding in revision.diff.findings:
        column = revision.column(revision.before, finding.table, finding.path) if finding.path else None
        if finding.code is Found.EXTRA_COLUMN and column:
            removed.setdefault((finding.table, _folded(finding.path[:-1])), []).append(column)
    for (table, parent), columns in sorted(added.items()):
        for old, new in renamed_columns(removed.get((table, parent), ()), columns):
            path = ".".join((*parent, new.name))
            what = f"looks like {old.name} under another name, and its values stay in {old.name}"
            fix = f"keep the name {old.name}, or copy the values after the sync"
            revision.subject.schema(table).add(path, what, fix, code=Code.COLUMN_RENAMED)


def _folded(path: Path) -> Path:
    return tuple(name.casefold() for name in path)


def likely_renamed_tables(revision: Revision) -> None:
    """Compare tables that are new with those that are no longer declared."""
    added = [change.table for change in revision.diff.changes if isinstance(change, CreateTable)]
    gone = [finding.table for finding in revision.diff.findings if finding.code is Found.EXTRA_TABLE]
    removed = [table for table in revision.before.tables if table.name in gone]
    for old, new in renamed_tables(removed, added):
        what = f"looks like {old.name} under another name, and its rows stay in {old.name}"
        fix = f"keep the name {old.name}, or copy the rows after the sync"
        revision.subject.config.add(f"tables.{new.name}", what, fix, code=Code.TABLE_RENAMED)


def case_changes(revision: Revision) -> None:
    """Columns fold case and keep the name they have; tables and views of BigQuery do not fold it."""
    pairs = [("tables", before.name, table.name) for before, table in revision.tables()]
    views = ((revision.before.view(view.name), view) for view in revision.after.views)
    pairs += [("views", before.name, view.name) for before, view in views if before]
    for kind, before, after in pairs:
        if before != after:
            what = f"was {before}, and names of tables and views differ by case on BigQuery"
            revision.subject.config.add(f"{kind}.{after}", what, f"write {before}", code=Code.NAME_CASE_CHANGED)
    for old, table in revision.tables():
        spelled = {_folded(path): path for path, _ in old.walk()}
        for path, column in table.walk():
            known = spelled.get(_folded(path))
            if known and known[-1] != column.name:
                what = f"was {known[-1]}, and existing tables keep that name"
                where = revision.subject.schema(table.name)
                where.add(".".join(path), what, f"write {known[-1]}", code=Code.COLUMN_CASE_CHANGED)


def kept_attributes(revision: Revision) -> None:
    """What is not declared is never taken away."""
    for table in revision.after.tables:
        live = revision.kept.table(table.name)
        known = {_folded(path): column for path, column in live.walk()} if live else {}
        for path, column in table.walk():
            kept = known.get(_folded(path), column)
            for name, value, declared in (
                ("defaultValueExpression", kept.default, column.default),
                ("roundingMode", kept.rounding_mode, column.rounding_mode),
                ("policyTags", kept.policy_tags, column.policy_tags),
                ("dataPolicies", kept.data_policies, column.data_policies),
            ):
                if value and not declared:
                    what = f"no longer has {name}, which stays in the tables that have it"
                    where = revision.subject.schema(table.name)
                    where.add(".".join(path), what, NOTHING_TO_DO, code=Code.ATTRIBUTE_KEPT)


def too_many_columns_kept(revision: Revision) -> None:
    """Columns that are removed from the catalog still count in the warehouse."""
    for table in revision.after.tables:
        live = revision.kept.table(table.name) or table
        count = sum(1 for _ in live.walk())
        if count > MAX_COLUMNS:
            what = f"has {count} columns with those that were removed and stay, and {MAX_COLUMNS} are the most"
            fix = "make another table, and move the rows"
            revision.subject.schema(table.name).add("", what, fix, code=Code.TOO_MANY_COLUMNS_KEPT)


def clustering_changes(revision: Revision) -> None:
    """BigQuery clusters new rows as declared; those that exist are clustered anew only by an UPDATE of all."""
    for before, table in revision.tables():
        path = f"tables.{table.name}.clustering"
        gone = [name for name in before.clustering if table.column(name) is None]
        if gone:
            what = f"was by {', '.join(gone)}, which existing tables keep and rows would no longer fill"
            fix = "declare the column again"
            revision.subject.config.add(path, what, fix, code=Code.CLUSTERING_COLUMN_REMOVED)
        if before.clustering and table.clustering and _folded(before.clustering) != _folded(table.clustering):
            what = f"was {', '.join(before.clustering)}, and the rows that exist are not clustered anew"
            fix = "rewrite the rows where that matters"
            revision.subject.config.add(path, what, fix, code=Code.CLUSTERING_CHANGED)


def changed_views(revision: Revision) -> None:
    """A sync leaves a stale view as it is unless it is told to replace it."""
    paths = {item.view.name: item.path for item in revision.subject.template.views}
    for change in revision.diff.changes:
        if isinstance(change, ReplaceView):
            where = revision.subject.problems.at(paths[change.view.name])
            what, fix = "changed, and existing datasets keep the view they have", "sync with --recreate-views"
            where.add("", what, fix, code=Code.VIEW_CHANGED)


def renamed_dataset(revision: Revision) -> None:
    """Nothing renames a dataset, so a new one would be made beside the old one."""
    old, new = revision.base.name, revision.subject.template.name
    if old != new:
        what = f"was {old}: datasets that exist keep that name, and would not be found"
        revision.subject.config.add("dataset", what, f"write {old}", code=Code.DATASET_RENAMED)
