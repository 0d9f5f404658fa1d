"""From what an engine with materialized views was given back to a view that is declared `shared`.

Nothing is guessed: a view counts as shared when `materialized_form` of the declaration found gives what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from cloudact.catalog.model import Dataset, Materialized, View
from cloudact.catalog.problems import Problems
from cloudact.catalog.sharing import form_of, materialized_form, shared_name
from cloudact.catalog.template import Catalog, DatasetTemplate, ViewTemplate
from cloudact.catalog.view_file import ORGANIZATIONS, SLUG, parse_view
from cloudact.catalog.write.query import Naming, Unwritable, mark_datasets, parse_query, placeholder

_SUFFIX = shared_name("")
# A slug that stands for any: what is compared with it is the view of all organizations, which names none.
_ANY = "any_organization"


@dataclass(frozen=True, slots=True)
class _Forms:
    """What the two views of a shared one are on an engine with materialized views."""

    of_all: View
    of_one: View


def declared_shared(view: View, central: Dataset, naming: Naming) -> tuple[View, str] | None:
    """Return the shared view that an organization's plain one was made from, with its file; None when it is none."""
    of_all = central.view(shared_name(view.name))
    if of_all is None or view.materialized is not Materialized.NEVER:
        return None
    text = _scoped_text(of_all, naming)
    declared = replace(
        view,
        query="",
        materialized=Materialized.SHARED,
        clustering=of_all.clustering,
        refresh_interval_minutes=of_all.refresh_interval_minutes,
    )
    forms = _forms(declared, text, naming)
    if forms is None or forms.of_one.query != view.query or not _same(forms.of_all, of_all):
        return None
    return declared, text


def is_shared(view: View, central: str) -> bool:
    """Tell whether a view of the central dataset is the one of all organizations that a shared view became."""
    name = view.name.removesuffix(_SUFFIX)
    if name == view.name or not name:
        return False
    naming = Naming(_ANY, _ANY, central, _ANY)
    declared = replace(view, name=name, query="", description="", materialized=Materialized.SHARED)
    forms = _forms(declared, _scoped_text(view, naming), naming)
    return forms is not None and _same(forms.of_all, view) and forms.of_all.description == view.description


def _same(made: View, live: View) -> bool:
    """Descriptions and labels may have been changed by hand since."""
    return replace(made, description="", labels=()) == replace(live, description="", labels=())


def _scoped_text(of_all: View, naming: Naming) -> str:
    """Return the query of all organizations with the condition that makes it one organization's, or nothing."""
    try:
        tree = parse_query(of_all.query)
    except Unwritable:
        return ""
    if not isinstance(tree, exp.Select):
        return ""
    mark_datasets(tree, naming)
    scope = exp.EQ(this=exp.column(SLUG), expression=exp.Column(this=placeholder(SLUG)))
    where = tree.args.get("where")
    tree.set("where", exp.Where(this=exp.and_(scope, where.this) if where else scope))
    return tree.sql(dialect="bigquery", pretty=True) + "\n"


def _forms(declared: View, text: str, naming: Naming) -> _Forms | None:
    query = parse_view(text, Problems())
    if query is None or form_of(Materialized.SHARED, query)[1]:
        return None
    nothing = DatasetTemplate(naming.central, "", "", (), (), ())
    views = (ViewTemplate(declared, query, ""),)
    made = materialized_form(Catalog(nothing, replace(nothing, name=naming.pattern, views=views)))
    values = {**naming.values, ORGANIZATIONS: naming.central}
    (of_all,), (of_one,) = made.central.views, made.organization.views
    return _Forms(*(replace(item.view, query=item.query.render(values)) for item in (of_all, of_one)))
