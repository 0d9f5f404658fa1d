"""The account of a run: causes are counted whoever they name, and what is left is told."""

from __future__ import annotations

import pytest

from cloudact.fleet.progress import Progress, WaveProgress, common_cause


@pytest.mark.parametrize(
    ("cause", "slug", "common"),
    [
        ("acme_prod.plans: the engine says no", "acme", "{org_slug}_prod.plans: the engine says no"),
        ("Organization not found: acme", "acme", "Organization not found: {org_slug}"),
        ("org_10_prod and org_1_prod", "org_1", "org_10_prod and {org_slug}_prod"),
        ("acme_corp_prod.plans", "acme", "acme_corp_prod.plans"),
        ("my_acme_prod.plans", "acme", "my_acme_prod.plans"),
    ],
)
def test_a_cause_is_told_of_anybody(cause: str, slug: str, common: str) -> None:
    assert common_cause(cause, slug) == common


def test_progress_reads_back_what_a_row_keeps() -> None:
    progress = Progress("a run", 2, [WaveProgress(1, "5%", 3, 2, 1), WaveProgress(2, "rest", 7)], 1)
    assert Progress.from_json("a run", progress.as_json()) == progress
    assert (progress.needed, progress.synced, progress.failed) == (10, 2, 1)
    assert Progress.from_json("a run", {}) == Progress("a run", 0, [])
