"""What a query says: where it may run, whether BigQuery would take it, and how the emulator has to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from tests.bigquery_fake.rules import Refusal, Resource
from tests.local_bigquery.answers import not_found, not_modelled
from tests.local_bigquery.catalog import Catalog, canonical, default_statements
from tests.local_bigquery.ddl import Step, step
from tests.local_bigquery.emulator import Reference
from tests.local_bigquery.information_schema import is_region, region_of, rewritten
from tests.local_bigquery.merges import as_insert
from tests.local_bigquery.sources import Source, sources


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query for the emulator, where BigQuery would run it, and what is to be done when it has succeeded."""

    text: str
    location: str
    finish: Callable[[], None]


def prepare(catalog: Catalog, project: str, query: str, location: str | None, default: str | None) -> Prepared:
    """Return how to run a query; `default` is the dataset of names without one. Raises Refusal."""
    found = sources(query)
    transaction = any(isinstance(source.tree, exp.Transaction) for source in found)
    if transaction and any(source.is_ddl for source in found):
        raise Refusal("DDL is not allowed in a transaction", rule="transactions", reason="invalidQuery")
    where = _location(catalog, project, found, location, default)
    if not all(source.is_known for source in found):
        if any(source.is_ddl for source in found):
            raise not_modelled("a statement of which the gateway cannot tell what it does")
        return Prepared(query, where, lambda: None)
    steps: list[Step] = []
    planned: dict[Reference, Resource | None] = {}
    for source in found:
        if source.is_ddl:
            made = _ddl_step(catalog, project, source, default, planned)
            if len(found) > 1 and made.reference and made.wanted:
                # Later statements may write rows, which get their defaults already.
                texts = [made.text, *default_statements(made.reference, made.before or {}, made.wanted)]
                made = replace(made, text=";\n".join(texts))
        else:
            tree = rewritten(catalog, project, source.tree, where)
            if transaction and isinstance(source.tree, exp.Merge):
                tree = as_insert(source.tree)
            made = Step(source.text if tree is None else tree.sql("bigquery"))
        steps.append(made)
    return Prepared(";\n".join(made.text for made in steps), where, lambda: _finish(catalog, steps))


def _ddl_step(
    catalog: Catalog, project: str, source: Source, default: str | None, planned: dict[Reference, Resource | None]
) -> Step:
    """Return how to carry out a DDL statement, and note in `planned` what it leaves."""
    try:
        made = step(source, project, default, catalog, planned)
    except Refusal as refusal:
        if refusal.reason == "invalid":
            refusal.reason = "invalidQuery"
        raise
    if made.reference:
        if made.record == {} and planned.get(made.reference):
            raise not_modelled("a script that changes a table in a way that the rules do not follow, after others")
        if made.wanted or isinstance(source.tree, exp.Drop):
            planned[made.reference] = made.wanted
    return made


def _finish(catalog: Catalog, steps: list[Step]) -> None:
    """Bring the emulator's record up to date; names of datasets may have changed as well."""
    catalog.forget()
    last = {made.reference: made for made in steps if made.reference}
    first = {made.reference: made for made in reversed(steps) if made.reference}
    for reference, made in last.items():
        if made.wanted is not None:
            catalog.settled(reference, first[reference].before, made.wanted, made.record or {})
        elif made.record is not None:
            catalog.emulator.call("PATCH", reference.path, made.record)


def _location(catalog: Catalog, project: str, found: list[Source], location: str | None, default: str | None) -> str:
    """Return where a query runs; raises Refusal (404) when something that it names is not there (rules 25 and 40)."""
    datasets = dict.fromkeys(_datasets(project, found))
    if default:
        datasets[project, default] = None
    places = {key: _place(catalog, *key) for key in datasets}
    known = [place for place in places.values() if place]
    where = canonical(location) if location else next(iter(known), "US")
    for (owner, name), place in places.items():
        if place != where and (place or not _may_be_missing(found)):
            raise not_found(f"Dataset {owner}:{name} was not found in location {where}")
    return where


def _datasets(project: str, found: list[Source]) -> Iterator[tuple[str, str]]:
    for source in found:
        for table in source.tree.find_all(exp.Table):
            if table.db and table.name:
                yield table.catalog or project, table.db


def _place(catalog: Catalog, project: str, dataset: str) -> str | None:
    if is_region(dataset):
        return canonical(region_of(dataset))
    return catalog.location(project, dataset)


def _may_be_missing(found: list[Source]) -> bool:
    """Dropping what is not there is for the emulator to judge."""
    return any(isinstance(source.tree, exp.Drop) for source in found)
