"""Runs that are counted: in the unit that records them, and not begun where they cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from cloudact.errors import CloudactError, NotBootstrapped, OrganizationNotActive, WarehouseUnavailable
from cloudact.pipeline.definition import Trigger
from cloudact.pipeline.executor import Executor
from cloudact.pipeline.records import RUNS
from cloudact.pipeline.report import RunReport
from cloudact.warehouse.driver import Session
from tests.pipeline.steps import World, step, steps

ONE = steps(step("one"))


@dataclass
class Book:
    """Who was counted, and what each of the two may be refused with."""

    entries: list[tuple[str, ...]] = field(default_factory=list)
    begins: Exception | None = None
    ends: Exception | None = None

    def began(self, _session: Session, organization: str, run_id: str, _at: datetime) -> bool:
        """Count a beginning."""
        if self.begins:
            raise self.begins
        self.entries.append(("began", organization, run_id))
        return True

    def ended(self, _session: Session, organization: str, run_id: str, state: str, _at: datetime) -> None:
        """Count an end."""
        if self.ends:
            raise self.ends
        self.entries.append(("ended", organization, run_id, state))


def run(world: World, book: Book, organization: str = "acme_corp") -> RunReport:
    executor: Executor = replace(world.executor, records=replace(world.executor.records, accounting=book))
    return executor.run(world.load(ONE), Trigger(organization))


def test_a_run_is_counted_at_both_ends(world: World) -> None:
    book = Book()
    report = run(world, book)
    assert book.entries == [
        ("began", "acme_corp", report.run_id),
        ("ended", "acme_corp", report.run_id, "COMPLETED"),
    ]


def test_a_run_of_the_platform_is_not_counted(world: World) -> None:
    book = Book()
    assert run(world, book, "system").recorded
    assert book.entries == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (OrganizationNotActive, ("acme_corp", "SUSPENDED")),
        (WarehouseUnavailable, ("it does not answer",)),
        (NotBootstrapped, ("organizations", "org_usage_quotas")),
    ],
)
def test_what_cannot_be_counted_does_not_begin(world: World, kind: type[CloudactError], words: tuple[str, ...]) -> None:
    with pytest.raises(kind):
        run(world, Book(begins=kind(*words)))
    assert (world.processor.ran, world.rows(RUNS)) == ([], [])


def test_without_a_central_dataset_there_is_nothing_to_count_against(bare: World) -> None:
    book = Book(begins=NotBootstrapped("organizations"))
    report = run(bare, book)
    assert (report.state, report.recorded, bare.processor.ran) == ("COMPLETED", False, ["one"])
    assert book.entries == []


def test_what_has_run_is_recorded_whether_or_not_its_end_can_be_counted(world: World) -> None:
    report = run(world, Book(ends=NotBootstrapped("organizations", "org_usage_quotas")))
    assert report.recorded
    assert [row["status"] for row in world.rows(RUNS)] == ["COMPLETED"]
