"""What a comparison with the base finds that no sync changes, each finding under the code of its kind."""

from __future__ import annotations

from collections.abc import Mapping

from cloudact.catalog.problems import Code, Problems
from cloudact.lint.revisions.revision import NOTHING_TO_DO, Revision
from cloudact.lint.subject import Subject
from cloudact.planning.findings import Code as Found
from cloudact.planning.findings import Finding
from cloudact.planning.widening import widens

# An extra default is one of the attributes that `revision.kept_attributes` speaks of; only live types are an engine's.
CODES: Mapping[Found, Code | None] = {
    Found.EXTRA_TABLE: Code.TABLE_REMOVED,
    Found.EXTRA_VIEW: Code.VIEW_REMOVED,
    Found.EXTRA_COLUMN: Code.COLUMN_REMOVED,
    Found.EXTRA_DEFAULT: None,
    Found.EXTRA_CLUSTERING: Code.CLUSTERING_KEPT,
    Found.REQUIRED_IS_NULLABLE: Code.REQUIRED_ADDED,
    Found.TYPE_IS_WIDER: Code.TYPE_NARROWED,
    Found.TYPE_IS_NARROWER: None,
    Found.TYPE_CHANGED: Code.TYPE_CHANGED,
    Found.MODE_CHANGED: Code.REPEATED_CHANGED,
    Found.COLLATION_CHANGED: Code.COLLATION_CHANGED,
    Found.PARTITIONING_CHANGED: Code.PARTITIONING_CHANGED,
    Found.CLUSTERING_BLOCKED: Code.CLUSTERING_BLOCKED,
    Found.LOCATION_CHANGED: Code.LOCATION_CHANGED,
    Found.NAME_TAKEN: Code.KIND_CHANGED,
}
_LIKE_BEFORE = "declare it as it was, or add another one and move the values"
_WHAT = {
    Code.REQUIRED_ADDED: "is added REQUIRED, and rows exist without a value: existing tables get it NULLABLE",
    Code.MODE_TIGHTENED: "became REQUIRED, and rows may exist without a value: existing tables keep it NULLABLE",
    Code.COLUMN_REMOVED: "was removed, and stays in the tables that have it",
    Code.TABLE_REMOVED: "was removed, and stays in the datasets that have it",
    Code.VIEW_REMOVED: "was removed, and stays in the datasets that have it",
    Code.CLUSTERING_KEPT: "was removed, and stays in the tables that have it",
}
_FIX = {
    Code.REQUIRED_ADDED: "declare it NULLABLE",
    Code.MODE_TIGHTENED: "declare it NULLABLE",
    Code.TYPE_NARROWED: "declare the wider type",
    Code.COLUMN_REMOVED: NOTHING_TO_DO,
    Code.TABLE_REMOVED: NOTHING_TO_DO,
    Code.VIEW_REMOVED: NOTHING_TO_DO,
    Code.CLUSTERING_KEPT: NOTHING_TO_DO,
    Code.PARTITIONING_CHANGED: "declare the partitioning it had, or make another table and move the rows",
    Code.CLUSTERING_BLOCKED: "mend that column first",
    Code.LOCATION_CHANGED: "declare the location it had, or copy the data to a new dataset",
    Code.KIND_CHANGED: "give it another name",
}


def unsafe_changes(revision: Revision) -> None:
    """Report every finding of the comparison."""
    for finding in revision.diff.findings:
        if code := _code_of(finding, revision):
            where, path = _place(finding, revision.subject)
            what = _WHAT.get(code) or f"{finding.what}: {finding.why}"
            where.add(path, what, _FIX.get(code, _LIKE_BEFORE), code=code)


def _code_of(finding: Finding, revision: Revision) -> Code | None:
    before, after = (
        revision.column(side, finding.table, finding.path) if finding.path else None
        for side in (revision.before, revision.after)
    )
    code = CODES[finding.code]
    if code is Code.REQUIRED_ADDED and before:
        return Code.MODE_TIGHTENED
    if code is Code.TYPE_CHANGED and before and after and widens(before.type, after.type):
        return Code.WIDENING_REFUSED
    return code


def _place(finding: Finding, subject: Subject) -> tuple[Problems, str]:
    match finding.code:
        case Found.LOCATION_CHANGED:
            return subject.config, "location"
        case Found.PARTITIONING_CHANGED:
            return subject.config, f"tables.{finding.table}.partition"
        case Found.CLUSTERING_BLOCKED | Found.EXTRA_CLUSTERING:
            return subject.config, f"tables.{finding.table}.clustering"
        case Found.EXTRA_VIEW:
            return subject.config, f"views.{finding.table}"
        case Found.NAME_TAKEN:
            is_view = any(item.view.name == finding.table for item in subject.template.views)
            return subject.config, f"{'views' if is_view else 'tables'}.{finding.table}"
        case _ if finding.path:
            return subject.schema(_spelled(finding.table, subject)), ".".join(finding.path)
        case _:
            return subject.config, f"tables.{finding.table}"


def _spelled(table: str, subject: Subject) -> str:
    return next((item.name for item in subject.template.tables if item.key == table.casefold()), table)
