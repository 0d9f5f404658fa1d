"""A query on central tables takes an organization, as a type, unless it is listed here with the reason why not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.acme import ROOT

SOURCE = ROOT / "src" / "cloudact"
# What a session does with rows; everything else is about datasets, which are not shared.
QUERIES = {"select", "count", "insert", "insert_if_absent", "ensure", "update", "compare_and_set", "expect"}
# Who implements sessions, and who only hands calls on.
ENGINES = ("warehouse", "pipeline/cancellable.py")
# Functions that read or write rows of several organizations, or of none, and why they may.
_REASONS = {
    "records of runs are written by the id of the run, which the service made": (
        "pipeline.records.Journal._work",
        "pipeline.records.Journal._refuse_if_ended",
    ),
    "runs that were interrupted are ended, whoever's they are, before any other begins": (
        "pipeline.recovery._open_runs",
        "pipeline.recovery._end",
        "pipeline.recovery._add_transition",
    ),
    "the administrator lists runs of all; an organization's route filters by its own slug": (
        "processors.runs.Runs.page.work",
    ),
    "the administrator asks whose a dataset is": (
        "tenancy.adoption.pull.Pull._recorded",
        "tenancy.recreation.owner.owner_of.work",
        "tenancy.recreation.declared._profiles",
    ),
    "a chain is an organization's, or the platform's, which is no slug": (
        "tenancy.audit.rows.AuditRows.anchors",
        "tenancy.audit.rows.AuditRows.append",
        "tenancy.audit.rows.AuditRows.append_unchained",
        "tenancy.audit.rows.AuditRows.select",
        "tenancy.audit.rows.AuditRows.unchained",
    ),
    "the administrator verifies every chain": ("tenancy.audit.rows.AuditRows._names",),
    "a record is its caller's, who may be the administrator": (
        "tenancy.idempotency.idempotency.Idempotency._update",
        "tenancy.idempotency.idempotency.Idempotency._claim",
        "tenancy.idempotency.idempotency._select",
    ),
    "a table that is made anew is counted as a whole": ("tenancy.recreation.scope.rows_of",),
    "the platform's secret is a row of the platform": (
        "tenancy.secrets.platform._select",
        "tenancy.secrets.platform._insert",
    ),
    "whether any organization's key needs a secret that is lost": ("tenancy.secrets.key_digests.active_keys",),
    "the administrator counts keys of earlier versions": ("tenancy.secrets.key_digests.plain_keys",),
    "the administrator seals anew what is sealed, whoever's it is": (
        "tenancy.secrets.sealed_rows.SealedRows.replace.write",
        "tenancy.secrets.sealed_rows.SealedRows._select",
    ),
    "the administrator looks at all organizations at once": (
        "fleet.roster._profiles",
        "fleet.roster.known",
    ),
    "the administrator onboards many: every row is of an organization that is named": (
        "fleet.onboarding.unit._present",
        "fleet.onboarding.unit.Unit._write",
        "tenancy.store.Store.key_hashes",
        "tenancy.store.Store.profiles_of",
    ),
    "a run of the fleet is the platform's": (
        "fleet.ledger.Ledger._add",
        "fleet.ledger.Ledger._run",
        "fleet.ledger.Ledger._status",
        "fleet.ledger.Ledger.abort.work",
        "fleet.ledger.Ledger.add",
        "fleet.ledger.Ledger.begin.work",
        "fleet.ledger.Ledger.end.work",
        "fleet.ledger.Ledger.failures",
        "fleet.ledger.Ledger.note.work",
        "fleet.ledger.Ledger.page.work",
        "fleet.ledger.Ledger.reached",
        "fleet.ledger.Ledger.store.work",
    ),
    "the administrator lists organizations": ("tenancy.store.Store.profiles",),
    "the slug is that of a profile which was read by one": ("tenancy.store.Store.take_over",),
    "its rows are those of an account, which is made with a slug": ("tenancy.subscriptions.quotas._under_way",),
}
ALLOWED = {place for places in _REASONS.values() for place in places}


@dataclass(frozen=True)
class Query:
    """A call on a session, and the function that makes it."""

    place: str
    takes_organization: bool


def _mentions_slug(annotation: ast.expr | None) -> bool:
    return annotation is not None and any(
        isinstance(node, ast.Name) and node.id == "OrgSlug" for node in ast.walk(annotation)
    )


def _takes_slug(function: ast.FunctionDef) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return any(_mentions_slug(argument.annotation) for argument in arguments)


def _holds_slug(owner: ast.ClassDef) -> bool:
    """Whether every object of a class is of one organization."""
    fields = (node.annotation for node in owner.body if isinstance(node, ast.AnnAssign))
    made = (node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    return any(map(_mentions_slug, fields)) or any(map(_takes_slug, made))


def _is_query(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in QUERIES:
        return False
    receiver = node.func.value
    name = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
    return name.lstrip("_") == "session"


def queries_of(source: str, module: str) -> Iterator[Query]:
    """Yield every query of a module, with the function it stands in."""

    def visit(node: ast.AST, path: tuple[str, ...], *, scoped: bool) -> Iterator[Query]:
        if _is_query(node):
            yield Query(".".join((module, *path)), scoped)
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.ClassDef():
                    yield from visit(child, (*path, child.name), scoped=scoped or _holds_slug(child))
                case ast.FunctionDef():
                    yield from visit(child, (*path, child.name), scoped=scoped or _takes_slug(child))
                case _:
                    yield from visit(child, path, scoped=scoped)

    yield from visit(ast.parse(source), (), scoped=False)


@cache
def every_query() -> tuple[Query, ...]:
    """Return every query of the project beside its engines."""
    files = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}
    outside = {name: path for name, path in files.items() if not name.startswith(ENGINES)}
    return tuple(
        query
        for name, path in outside.items()
        for query in queries_of(path.read_text(), name.removesuffix(".py").replace("/", "."))
    )


def test_a_query_takes_an_organization_or_is_listed_with_a_reason() -> None:
    found = {query.place for query in every_query() if not query.takes_organization}
    assert found == ALLOWED


def test_the_queries_of_organizations_are_found_at_all() -> None:
    scoped = {query.place.rpartition(".")[0] for query in every_query() if query.takes_organization}
    assert {"tenancy.access.key_rows.KeyRows", "tenancy.store.Store"} <= scoped


def test_a_query_that_takes_none_is_found() -> None:
    source = """
def of_one(session: Session, slug: OrgSlug) -> None:
    session.select("organizations", "org_profiles", ["org_slug"], [Equals("org_slug", slug)])

def of_all(session: Session, slug: str) -> None:
    session.select("organizations", "org_profiles", ["org_slug"])

class Rows:
    session: Session

    def count(self) -> int:
        return self.session.count("organizations", "org_profiles")
"""
    assert [(query.place, query.takes_organization) for query in queries_of(source, "m")] == [
        ("m.of_one", True),
        ("m.of_all", False),
        ("m.Rows.count", False),
    ]
