"""The protocol every warehouse implements; tests/contract is its definition in full.

This module knows no engine. A driver raises only the errors of `cloudact.errors`: WarehouseUnavailable when nothing can
be said, WarehouseBusy when concurrent work won, WarehouseRefused or ChangeFailed when the engine says no for good.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cloudact.catalog.model import Dataset, Table, Type
from cloudact.catalog.template import Engine
from cloudact.errors import Problem
from cloudact.planning.changes import Change
from cloudact.planning.plan import Plan
from cloudact.warehouse.fingerprints import Fingerprint, Fingerprints, Naming

T = TypeVar("T")
Row = Mapping[str, object]


class JsonText(str):
    """Text for a JSON column that says so itself, which spares a driver from asking what the column is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """One change about to be applied: the `number`th, from 1, of `total` changes to a dataset."""

    dataset: str
    change: Change
    number: int
    total: int


Observer = Callable[[Progress], None]


def ignore(_progress: Progress) -> None:
    """Observe nothing."""


@dataclass(frozen=True, slots=True)
class Equals:
    """The column has this value; None means that it has none."""

    column: str
    value: object


@dataclass(frozen=True, slots=True)
class Contains:
    """At least one of the text columns holds `text`, ignoring case."""

    columns: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column has one of these values, none of which is None."""

    column: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """The column has a value that is not less than `at_least` and less than `below`, each where it is given."""

    column: str
    at_least: object = None
    below: object = None


Condition = Equals | Contains | OneOf | Within


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing that a warehouse needs to work: whether it is so, what was found, and what to do where it is not."""

    name: str
    passed: bool
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything there is to know of a live dataset, whoever made it.

    The query of each view is GoogleSQL in which every table is `dataset.table`. `unsupported` are parts left out
    because this model cannot express them; `notes` tell what else the engine keeps that has no place in it.
    """

    dataset: Dataset
    unsupported: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableName:
    """Which table of which dataset."""

    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.table}"


@dataclass(frozen=True, slots=True)
class Digest:
    """What the rows of a table come to, whatever their order; only digests of one warehouse can be compared."""

    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a result in the order of `order_by` columns: `limit` rows after `offset`.

    All columns ascend, or all descend; where a column has no value depends on the engine.
    """

    order_by: tuple[str, ...]
    limit: int
    offset: int = 0
    descending: bool = False


class Session(Protocol):
    """One unit of work.

    Where the engine has transactions it is one: everything in it happens, or nothing. Where it has none, changes to
    datasets happen at once and stay, rows are written together when the unit ends, and only `insert_if_absent` is
    decided within it; so each unit must be such that running it again after any interruption finishes it.
    """

    def inspect(
        self,
        dataset: str,
        among: Collection[str] | None = None,
        expected: Dataset | None = None,
        seen: Dataset | None = None,
    ) -> Dataset | None:
        """Return the committed live dataset, or None when there is none.

        With `among`, tables outside these names and those made by this project may be left out, which spares a driver
        from listing everything; without it the answer is complete. With `expected`, a driver whose catalog may lag
        behind asks again about what differs from it, and looks where it says that the dataset is. Such a driver takes
        `seen`, what `fingerprints` has just said of the dataset, for what its catalog says.
        """

    def inspect_many(self, datasets: Collection[str], location: str) -> dict[str, Dataset]:
        """Return those of these datasets that are in this location, at a cost that hardly grows with their number.

        What differs from what is expected has to be confirmed with `inspect`: the engine's catalog may lag behind.
        """

    def fingerprints(
        self, locations: Collection[str], naming: Naming, known: Collection[Fingerprint] = ()
    ) -> Fingerprints:
        """Return what each dataset comes to that `naming` means and that these locations have, by name.

        One query for each location, or one where everything is in one place; nothing is remembered of an earlier one.
        See `warehouse/fingerprints.py` for what equal ones say. The engine's catalog may lag behind. Datasets whose
        fingerprint is `known` do not come in full.
        """

    def survey(self, dataset: str) -> Survey | None:
        """Return everything about a live dataset, or None when there is none; it costs a look at each table.

        Unlike `inspect`, it also tells what no other part of a declaration depends on, and it reads datasets that were
        made in another way.
        """

    def authorizes(self, reader: str, source: str) -> bool:
        """Tell whether `authorize` was done for these two; False where it needs no permission."""

    def check(self, plan: Plan) -> None:
        """Raise WarehouseRefused for a limit of the engine that the plan would run into; nothing is changed."""

    def apply(self, plan: Plan) -> tuple[Change, ...]:
        """Apply the changes of the plan; raises ChangeFailed with one that is refused.

        Returns the plan's changes, and those that earlier attempts of this unit made to the dataset and that stay.

        Raises WarehouseBusy when the dataset is no longer as the plan's `actual`, so that the caller plans anew.
        """

    def apply_alike(self, plan: Plan, declared: Sequence[Dataset]) -> tuple[str, ...]:
        """Apply a plan to each of these datasets, which are declared as the plan's own but for name and views' values.

        The plan was made of what this unit has read of its dataset, unless it is one for a dataset that is not there;
        that dataset itself is changed only when it is among them. What is no longer, or never was, in need of just
        these changes is left as it is; the names of those are returned, to be planned for one by one. Raises as
        `apply` does; what the error says of the dataset is whose change it was.
        """

    def authorize(self, reader: str, source: str) -> None:
        """Let the views of dataset `reader` read dataset `source` whoever asks them, where that needs permission.

        Raises WarehouseRefused when the source cannot authorize another dataset.
        """

    def insert(self, dataset: str, table: str, rows: Sequence[Row]) -> None:
        """Append rows; columns left out are NULL or take their default."""

    def insert_if_absent(self, dataset: str, table: str, row: Row, key: Sequence[str]) -> bool:
        """Insert the row unless one with equal `key` columns exists; of simultaneous callers exactly one inserts."""

    def ensure(self, dataset: str, table: str, row: Row, key: Sequence[str]) -> None:
        """Insert the row unless one with equal `key` columns exists.

        Units that may do so for one key at the same time have to update a common row as well, before it.
        """

    def insert_each_if_absent(
        self, dataset: str, table: str, new_rows: Sequence[Row], key: Sequence[str]
    ) -> tuple[bool, ...]:
        """Do for each row, no two of which have one key, what `insert_if_absent` does; answers are in their order."""

    def compare_and_set(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> bool:
        """Update rows at once and tell whether any met all conditions; of simultaneous callers exactly one gets True.

        The values have to be such that the conditions no longer hold.
        """

    def expect(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> None:
        """Set the given columns in the one row that meets all conditions, together with what else the unit writes.

        When not exactly one row meets them as the unit's rows are written, none of these is, WarehouseBusy is raised,
        and the unit is run again: so it may rely on what it read of that row. The values have to be such that the
        conditions no longer hold.
        """

    def expect_each(self, dataset: str, table: str, pairs: Sequence[tuple[Row, Sequence[Equals]]]) -> None:
        """Do for each pair of values and conditions, no two of which mean one row, what `expect` does."""

    def update(self, dataset: str, table: str, values: Row, where: Sequence[Condition]) -> None:
        """Set the given columns in every row that meets all conditions; at least one condition is needed."""

    def select(
        self,
        dataset: str,
        table: str,
        columns: Sequence[str],
        where: Sequence[Condition] = (),
        page: Page | None = None,
    ) -> list[dict[str, object]]:
        """Return rows that meet all conditions, as column name to value."""

    def count(self, dataset: str, table: str, where: Sequence[Condition] = ()) -> int:
        """Return the number of rows that meet all conditions."""

    def copy_table(self, source: TableName, target: TableName) -> None:
        """Make `target` a table with the columns, layout, metadata and every row of `source`; its dataset has to exist.

        Safe to repeat: a target that is such a copy already stays. Raises WarehouseRefused when the target is anything
        else, and WarehouseNotFound without a source. Where the engine has transactions, a plan for the target's dataset
        is applied earlier in the unit, or in another one.
        """

    def digest(self, table: TableName, types: Mapping[str, Type] | None = None) -> Digest:
        """Return what all rows of a table come to; rows that are equal count as often as they are there.

        The columns in `types` are cast first, so that a table can be compared with its rebuilt form: names count, their
        case and the order of columns do not. A column that is NULL or an empty list counts as much as none, JSON that
        differs only in white space is equal, and lists and records are taken as they are. Raises WarehouseRefused for
        a value that has no such type.
        """

    def check_replacement(self, dataset: str, table: Table, *, keep_rows: bool) -> None:
        """Raise what `replace_table`, or without rows `empty_table`, would refuse for; nothing is changed.

        Of a copy nothing is said here, because there may be none yet.
        """

    def replace_table(self, dataset: str, table: Table) -> tuple[str, ...]:
        """Make an existing table as it is declared, in one step, with every row of it.

        Returns the materialized views that are invalid after it, as `dataset.view`, see `renew_views`. Where the
        engine has no transactions, a row that is written while this runs may be lost: writers have to have stopped.
        A unit does not write rows to the table before it, in which case WarehouseBusy is raised.

        Raises WarehouseRefused and changes nothing when a row would not be kept exactly: a column that is not declared,
        a value that a cast would change, NULL in a REQUIRED column. See warehouse/rebuild.py for what can be cast.
        """

    def empty_table(self, dataset: str, table: Table, copy: TableName) -> tuple[str, ...]:
        """Make an existing table as it is declared, in one step, without a row; the answer is that of `replace_table`.

        Only while `copy`, which an earlier unit made, is an exact copy of it, as of `copy_table`: otherwise raises
        WarehouseRefused, or WarehouseBusy when rows were written since, and changes nothing. This and `remove_table`
        are all that takes rows away. Where the engine has no transactions, writers have to have stopped.
        """

    def remove_table(self, name: TableName, copy: TableName) -> None:
        """Take a table away, under the condition and with the errors of `empty_table`."""

    def renew_views(self, dataset: str, tables: Collection[str]) -> tuple[str, ...]:
        """Make the materialized views anew, of any dataset, that are invalid because one of these tables was replaced.

        Returns their names, as `dataset.view`; raises WarehouseRefused for one that the table has no columns for.
        """

    def find_datasets(self, containing: str) -> dict[str, str]:
        """Return the datasets that have this text in their name, each with its location where the engine has any."""


class Warehouse(Protocol):
    """An engine that holds datasets, safe to use from many threads at once; `engine` is what a catalog has to know."""

    @property
    def engine(self) -> Engine:
        """What a catalog has to know of this warehouse."""

    def run(self, work: Callable[[Session], T]) -> T:
        """Do `work` as one unit and return what it returns.

        When concurrent work wins, `work` is called again, so it must have no effect outside its session; what an
        `insert_if_absent` answered, it answers again. WarehouseBusy is raised when it never wins.
        """

    def ping(self) -> None:
        """Return when the warehouse answers; raises WarehouseUnavailable otherwise."""

    def examine(self) -> list[Examination]:
        """Return everything the warehouse needs to work, each looked at without changing anything; never raises."""

    def how_to_restore(self, dataset: str) -> str:
        """Return how a person gets a deleted dataset back with its rows, or nothing where the engine cannot."""

    def close(self) -> None:
        """Release what the driver holds; it may be used again afterwards."""

    def leave(self) -> None:
        """Do what `close` does to what lasts, for a process that ends now; memory is left to the operating system."""
