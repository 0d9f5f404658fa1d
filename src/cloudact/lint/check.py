"""Every rule over everything that is declared, in one report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cloudact.catalog.exports import load_exports
from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource, folders_in, load_dataset
from cloudact.catalog.model import Dataset
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.template import Catalog, DatasetTemplate, Engine
from cloudact.catalog.view_file import SLUG
from cloudact.errors import CatalogError, Problem
from cloudact.lint import names, tables, views
from cloudact.lint.lines import with_lines
from cloudact.lint.registry import Level, rule_of
from cloudact.lint.rehearsal import Rehearse, refused_changes
from cloudact.lint.revisions import findings, revision
from cloudact.lint.revisions.history import Baseline, load_baseline
from cloudact.lint.subject import Subject

DATASET_RULES: tuple[Callable[[Subject], None], ...] = (
    names.hidden_dataset,
    names.reserved_dataset_name,
    names.long_dataset_name,
    names.reserved_table_name,
    tables.undescribed_objects,
    tables.undescribed_columns,
    tables.digits_beyond_duckdb,
    tables.untranslatable_defaults,
    tables.too_many_partitions,
    tables.hourly_partitions,
    views.duplicate_columns,
    views.select_star,
    views.untranslatable_views,
    views.unused_layout,
)
CATALOG_RULES: tuple[Callable[[Catalog, Problems], None], ...] = (
    views.materialized_view_budget,
    views.authorized_datasets,
)
REVISION_RULES: tuple[Callable[[revision.Revision], None], ...] = (
    findings.unsafe_changes,
    revision.widening_not_on_duckdb,
    revision.likely_renamed_columns,
    revision.likely_renamed_tables,
    revision.case_changes,
    revision.kept_attributes,
    revision.too_many_columns_kept,
    revision.clustering_changes,
    revision.changed_views,
    revision.renamed_dataset,
)

# No warehouse is asked, so where a config names no location its own is only known by this name.
_ENGINE = Engine(location="the warehouse's own location")


@dataclass(frozen=True, slots=True)
class Report:
    """Every violation by file and line; `catalog` is None when it cannot be loaded, so that other rules had to wait."""

    problems: tuple[Problem, ...]
    catalog: Catalog | None
    baseline: Baseline | None = None

    def count(self, level: Level) -> int:
        """Return how many violations have this level."""
        return sum(rule_of(problem).level is level for problem in self.problems)

    def fails(self, level: Level) -> bool:
        """Tell whether any violation has this level or a more serious one."""
        return any(rule_of(problem).level.at_least(level) for problem in self.problems)


def lint_catalog(
    root: Path,
    templates: Path | None = None,
    *,
    more: Iterable[Problem] = (),
    against: str | None = None,
    rehearse: Rehearse | None = None,
) -> Report:
    """Return every violation in the catalog at `root` and in the templates, with paths as the caller names them.

    `more` are problems of further files under `root`; `rehearse` makes the datasets in an engine. Raises InvalidRequest
    when `against` names nothing to compare with.
    """
    baseline = load_baseline(root, templates, against, _ENGINE) if against is not None else None
    catalog, found = _catalog(root)
    problems = Problems(found=[*found, *more])
    if catalog:
        _check_catalog(root, catalog, problems)
        if baseline and baseline.catalog:
            _check_revisions(baseline.catalog, catalog, problems)
        if rehearse:
            refused_changes(_declared(catalog, problems), rehearse)
    placed = _placed(root, problems.found)
    if templates:
        placed += _templates(templates, (baseline.templates if baseline else None) or {}, rehearse)
    ordered = sorted(set(placed), key=lambda item: (item.where, item.line, item.code, item.field, item.what))
    return Report(tuple(ordered), catalog, baseline)


def _catalog(root: Path) -> tuple[Catalog | None, tuple[Problem, ...]]:
    try:
        return CatalogSource(root, _ENGINE).load(), ()
    except CatalogError as error:
        return None, error.problems


def _check_catalog(root: Path, catalog: Catalog, problems: Problems) -> None:
    for subject, _ in _declared(catalog, problems):
        _check_dataset(subject)
    for rule in CATALOG_RULES:
        rule(catalog, problems)
    try:
        load_exports(root, catalog)
    except CatalogError as error:
        problems.found += error.problems


def _declared(catalog: Catalog, problems: Problems) -> tuple[tuple[Subject, Dataset], ...]:
    """Return both datasets in the order they are made in, the second for an organization whose slug is `org_slug`."""
    return (
        (Subject(CENTRAL, catalog.central, problems), catalog.central_dataset()),
        (Subject(ORGANIZATION, catalog.organization, problems), catalog.organization_dataset(SLUG)),
    )


def _check_dataset(subject: Subject) -> None:
    for rule in DATASET_RULES:
        rule(subject)


def _check_revisions(base: Catalog, catalog: Catalog, problems: Problems) -> None:
    pairs = zip(_declared(base, Problems()), _declared(catalog, problems), strict=True)
    for (old_subject, old), (subject, new) in pairs:
        _check_revision(revision.Revision(subject, old_subject.template, old, new))


def _check_revision(made: revision.Revision) -> None:
    for rule in REVISION_RULES:
        rule(made)


def _templates(root: Path, base: Mapping[str, DatasetTemplate], rehearse: Rehearse | None) -> list[Problem]:
    """Return what is wrong with the datasets that templates create; a template is a folder with a config."""
    problems = Problems()
    try:
        folders = folders_in(root)
    except OSError as error:
        what, fix = f"cannot be read: {error.strerror}", "mend its permissions, or the disk"
        problems.at(".").add("", what, fix, code=Code.UNREADABLE_FILE)
        folders = []
    for folder in folders:
        try:
            template = load_dataset(root, folder, _ENGINE)
        except CatalogError as error:
            problems.found += error.problems
            continue
        subject, dataset = Subject(folder, template, problems), template.alone()
        _check_dataset(subject)
        if old := base.get(folder):
            _check_revision(revision.Revision(subject, old, old.alone(), dataset))
        if rehearse:
            refused_changes([(subject, dataset)], rehearse)
    return _placed(root, problems.found)


def _placed(root: Path, problems: Iterable[Problem]) -> list[Problem]:
    return [replace(item, where=(root / item.where).as_posix()) for item in with_lines(root, problems)]
