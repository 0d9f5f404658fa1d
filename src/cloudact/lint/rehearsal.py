"""What an engine refuses when the declared datasets are made in it, which no reading of them tells for sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cloudact.catalog.model import Column, Dataset, Table
from cloudact.catalog.problems import Code, Problems
from cloudact.errors import ChangeFailed
from cloudact.lint.registry import Level, rule_of
from cloudact.lint.subject import Subject
from cloudact.planning.changes import CreateTable, CreateView

# Makes datasets in their order, and returns the changes that were refused.
Rehearse = Callable[[Sequence[Dataset]], Sequence[ChangeFailed]]

_FIX = "write it with what DuckDB has as well"
_PROBES = "probes"


def refused_changes(declared: Sequence[tuple[Subject, Dataset]], rehearse: Rehearse) -> None:
    """Report what is refused, each refusal once: not what lacks a table because of it, and not what is known."""
    refusals = rehearse([dataset for _, dataset in declared])
    tables = {item.change.table.key for item in refusals if isinstance(item.change, CreateTable)}
    for subject, dataset in declared:
        for refusal in refusals:
            if refusal.target == dataset.name:
                for where, path, why in _refused(subject, refusal, tables, rehearse):
                    if not _is_known(where, path):
                        where.add(path, f"is refused by DuckDB: {why}", _FIX, code=Code.REFUSED_BY_DUCKDB)


def _refused(
    subject: Subject, refusal: ChangeFailed, tables: set[str], rehearse: Rehearse
) -> Iterator[tuple[Problems, str, str]]:
    """Yield the file, the object in it and the engine's reason; of a table that is each column's own default."""
    match refusal.change:
        case CreateTable(table=table):
            where, columns = subject.schema(table.name), list(_refused_defaults(table, rehearse))
            for column, why in columns:
                yield where, f"{column.name}.defaultValueExpression", why
            if not columns:
                yield where, "", refusal.cause.message
        case CreateView(view=view):
            item = next(item for item in subject.template.views if item.view.name == view.name)
            if not any(table.casefold() in tables for _, table in item.query.tables):
                yield subject.problems.at(item.path), "", refusal.cause.message
        case _:
            yield subject.config, "dataset", refusal.cause.message


def _refused_defaults(table: Table, rehearse: Rehearse) -> Iterator[tuple[Column, str]]:
    """The engine names a table at the most, so each column with a default is made in a table of its own."""
    columns = {f"c{number}": item for number, item in enumerate(table.columns) if item.default is not None}
    probes = tuple(Table(name, (column,)) for name, column in columns.items())
    for refusal in rehearse([Dataset(_PROBES, probes)]) if probes else ():
        if isinstance(refusal.change, CreateTable):
            yield columns[refusal.change.table.name], refusal.cause.message


def _is_known(where: Problems, path: str) -> bool:
    return any(
        (problem.where, problem.field) == (where.where, path) and rule_of(problem).level is Level.ERROR
        for problem in where.found
    )
