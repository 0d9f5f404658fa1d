"""Rules on views beyond those the loader has, and on limits that they reach only with many organizations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlglot import exp

from cloudact.catalog.folder import CONFIG
from cloudact.catalog.load import CENTRAL, ORGANIZATION
from cloudact.catalog.model import Materialized
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.rules import MAX_AUTHORIZED, MAX_MATERIALIZED_VIEWS
from cloudact.catalog.template import Catalog, DatasetTemplate, ViewTemplate
from cloudact.catalog.view_file import PLACEHOLDERS
from cloudact.lint.subject import Subject
from cloudact.lint.tables import untranslatable

_ANY_VALUES = {name: name for name in PLACEHOLDERS}
_LIMIT = f"a project may have {MAX_MATERIALIZED_VIEWS} over one table"
_FIX = "declare some of them `shared` or `never`"


def select_star(subject: Subject) -> None:
    """A star is fixed when the view is created, and shows columns that nobody meant to show after the next sync."""
    for item in subject.template.views:
        stars = (star for star in item.query.tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count))
        if next(stars, None):
            fix = "name each column"
            subject.problems.at(item.path).add("", "selects `*`", fix, code=Code.SELECT_STAR)


def duplicate_columns(subject: Subject) -> None:
    """BigQuery refuses such a result, and DuckDB would number the columns."""
    for item in subject.template.views:
        names = [name.casefold() for name in item.query.outputs if name]
        for name in sorted({name for name in names if names.count(name) > 1}):
            what, fix = "is the name of two columns of the view", "give one of them another name"
            subject.problems.at(item.path).add(name, what, fix, code=Code.DUPLICATE_VIEW_COLUMN)


def untranslatable_views(subject: Subject) -> None:
    """On DuckDB a view is the translated query."""
    for item in subject.template.views:
        if reason := untranslatable(item.query.render(_ANY_VALUES)):
            what, fix = f"cannot be translated for DuckDB: {reason}", "write it with other functions"
            subject.problems.at(item.path).add("", what, fix, code=Code.UNTRANSLATABLE_VIEW)


def unused_layout(subject: Subject) -> None:
    """Only materialized views are clustered and refreshed."""
    for item in subject.template.views:
        view = item.view
        if view.materialized is Materialized.NEVER:
            used = (("clustering", view.clustering), ("refresh_interval_minutes", view.refresh_interval_minutes))
            for key in (key for key, value in used if value):
                what, fix = "is not used, because the view is a plain one", "take it out, or materialize the view"
                subject.config.add(f"views.{view.name}.{key}", what, fix, code=Code.UNUSED_LAYOUT)


def materialized_view_budget(catalog: Catalog, problems: Problems) -> None:
    """Count what would read each table: shared views and central ones once, `own` ones once an organization."""
    own = _kept(catalog.organization, Materialized.OWN)
    once = _central_reads(catalog, (*_kept(catalog.central, Materialized.OWN), *_kept(catalog.organization)))
    each, alone = _central_reads(catalog, own), _own_reads(catalog, own)
    where, config = problems.at(f"{CENTRAL}/{CONFIG}"), problems.at(f"{ORGANIZATION}/{CONFIG}")
    for table, number in sorted(once.items()):
        if number > MAX_MATERIALIZED_VIEWS:
            what = f"is read by {number} materialized views, and {_LIMIT}"
            where.add(f"tables.{table}", what, _FIX, code=Code.MATERIALIZED_VIEW_BUDGET)
    for table, number in sorted(each.items()):
        last = max(MAX_MATERIALIZED_VIEWS - once[table], 0) // number
        what = (
            f"read {catalog.central_name}.{table} with {number} more materialized for each organization, and {_LIMIT}: "
            f"organization {last + 1} goes without"
        )
        fix = "declare those that are `own` as `shared` or `never`"
        config.add("views", what, fix, code=Code.MATERIALIZED_VIEW_BUDGET)
    for table, number in sorted(alone.items()):
        if number > MAX_MATERIALIZED_VIEWS:
            what = f"is read by {number} materialized views, and {_LIMIT}"
            config.add(f"tables.{table}", what, _FIX, code=Code.MATERIALIZED_VIEW_BUDGET)


def authorized_datasets(catalog: Catalog, problems: Problems) -> None:
    """Each organization's dataset is one entry of the central dataset's access list."""
    if catalog.organization.authorize_views:
        what = f"is true, and a dataset authorizes at most {MAX_AUTHORIZED:,} others, so no organization more than that"
        fix = "leave it out where there will be more organizations"
        where = problems.at(f"{ORGANIZATION}/{CONFIG}")
        where.add("authorize_views", what, fix, code=Code.AUTHORIZED_DATASETS)


def _kept(template: DatasetTemplate, how: Materialized = Materialized.SHARED) -> tuple[ViewTemplate, ...]:
    return tuple(item for item in template.views if item.view.materialized is how)


def _central_reads(catalog: Catalog, views: Iterable[ViewTemplate]) -> Counter[str]:
    """Return how many of the views read each central table; `{dataset}` in a central view is the central dataset."""
    found = Counter[str]()
    for item in views:
        is_central = item.path.startswith(f"{CENTRAL}/")
        names = catalog.central.central_names | ({"{dataset}"} if is_central else set())
        found.update({table for dataset, table in item.query.tables if dataset in names})
    return found


def _own_reads(catalog: Catalog, views: Iterable[ViewTemplate]) -> Counter[str]:
    """Return how many of the views read each table of the organization's own dataset."""
    found = Counter[str]()
    for item in views:
        found.update({table for dataset, table in item.query.tables if dataset not in catalog.central.central_names})
    return found
