"""The datasets and tables there are, what they were a moment ago, and the deleted ones that can come back."""

from __future__ import annotations

import base64
import copy
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.bigquery_fake.clock import Calendar, Clock
from tests.bigquery_fake.errors import duplicate, invalid, not_found, precondition_failed
from tests.bigquery_fake.rules import Refusal, new_dataset, new_table, patched, patched_dataset
from tests.bigquery_fake.specs import Resource, Spec, Specs
from tests.bigquery_fake.versions import Stamp, Versioned

TIME_TRAVEL_SECONDS = 7 * 86_400
Fields = list[Resource] | None
Memo = dict[int, Any]


class Table(Versioned[Spec]):
    """A table, view or materialized view; without a value it is deleted."""

    __slots__ = ("bases", "created", "dataset", "materialized", "modified", "name", "streaming")

    def __init__(self, dataset: Dataset, name: str, spec: Spec, stamp: Stamp, created: int) -> None:
        super().__init__(spec, stamp)
        self.dataset = dataset
        self.name = name
        self.created = created
        self.modified = created
        self.streaming = 0  # rows that a test says are in the streaming buffer, of which nothing else sees anything
        self.bases: tuple[Table, ...] = ()  # the tables that a materialized view keeps the results of
        self.materialized: tuple[Table, ...] = ()  # the materialized views over it, deleted ones as well

    @property
    def spec(self) -> Spec:
        """What it is now; for a deleted table, what it was."""
        spec = self.value or self._older[0][0]
        assert spec is not None
        return spec

    @property
    def exists(self) -> bool:
        """Whether it is the table that its name stands for, in a dataset that is there."""
        return self.dataset.value is not None and self.dataset.tables.get(self.name) is self

    @property
    def full_name(self) -> str:
        """The name in error messages: project:dataset.table."""
        return f"{self.dataset.project}:{self.dataset.name}.{self.name}"

    def reference(self) -> dict[str, str]:
        """Return the tableReference."""
        return {"projectId": self.dataset.project, "datasetId": self.dataset.name, "tableId": self.name}


class Dataset(Versioned[Resource]):
    """A dataset with its tables, and the tables deleted from it; without a value it is deleted."""

    def __init__(self, project: str, name: str, resource: Resource, stamp: Stamp, created: int) -> None:
        super().__init__(resource, stamp)
        self.project = project
        self.name = name
        self.created = created
        self.modified = created
        self.restored: float | None = None
        self.tables: dict[str, Table] = {}
        self.gone: list[Table] = []

    @property
    def resource(self) -> Resource:
        """What it is now; for a deleted dataset, what it was."""
        return self.value if self.value is not None else (self._older[0][0] or {})

    @property
    def location(self) -> str:
        """Where it is, such as EU or europe-west1."""
        return str(self.resource["location"])

    @property
    def full_name(self) -> str:
        """The name in error messages: project:dataset."""
        return f"{self.project}:{self.name}"


class Catalog:
    """Every dataset of every project. Methods are safe to call from many threads; `lock` makes several one step."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.specs = Specs()
        self.calendar = Calendar(clock)
        self._clock = clock
        self._writes = 0
        self._datasets: dict[str, dict[str, Dataset]] = {}
        self._deleted: dict[str, dict[str, list[Dataset]]] = {}

    @property
    def writes(self) -> int:
        """How many writes there were, which changes with every one."""
        return self._writes

    def now(self) -> Stamp:
        """Return a horizon from which everything written so far is seen."""
        return Stamp(self._writes, self._clock.now())

    def horizon(self, lag: float, frozen: int | None) -> Stamp:
        """Return what a reader sees who is `lag` seconds behind, or who sees no write after the number `frozen`."""
        return Stamp(sys.maxsize if frozen is None else frozen, self._clock.now() - lag)

    def datasets(self, project: str) -> list[Dataset]:
        """Return the datasets of a project by name."""
        with self.lock:
            return [dataset for _, dataset in sorted(self._datasets.get(project, {}).items())]

    def deleted(self, project: str) -> list[Dataset]:
        """Return the deleted datasets of a project that can still be read by time travel."""
        with self.lock:
            oldest = self._clock.now() - TIME_TRAVEL_SECONDS
            groups = self._deleted.get(project, {}).values()
            return [dataset for group in groups for dataset in group if dataset.stamp.at > oldest]

    def dataset(self, project: str, name: str) -> Dataset:
        """Return a dataset; raises 404 when there is none."""
        found = self._datasets.get(project, {}).get(name)
        if found is None:
            raise not_found(f"Dataset {project}:{name}")
        return found

    def find_dataset(self, project: str, name: str) -> Dataset | None:
        """Return a dataset, or None."""
        return self._datasets.get(project, {}).get(name)

    def table(self, project: str, dataset: str, name: str) -> Table:
        """Return a table; raises 404 when it or its dataset is not there."""
        found = self.dataset(project, dataset).tables.get(name)
        if found is None:
            raise not_found(f"Table {project}:{dataset}.{name}")
        return found

    def tables(self, project: str) -> Iterator[Table]:
        """Yield every table of a project."""
        for dataset in self.datasets(project):
            yield from list(dataset.tables.values())

    def create_dataset(self, project: str, resource: Resource) -> Dataset:
        """Make a dataset; a deleted one of the same name cannot come back any more (rule 32)."""
        with self.lock:
            new_dataset(resource)
            name = resource["datasetReference"]["datasetId"]
            if self.find_dataset(project, name):
                raise duplicate(f"Dataset {project}:{name}")
            if resource.get("isCaseInsensitive"):
                raise Refusal("A case-insensitive dataset is not modelled", rule="numbers", status=501)
            made = {"location": "US", **resource, "datasetReference": {"projectId": project, "datasetId": name}}
            made.setdefault("access", _default_access())
            dataset = Dataset(project, name, _numbers_as_text(made), self._stamp(), self.calendar.millis())
            self._datasets.setdefault(project, {})[name] = dataset
            return dataset

    def patch_dataset(self, dataset: Dataset, patch: Resource, if_match: str | None = None) -> None:
        """Change a dataset as datasets.patch does; raises 412 for a stale etag."""
        with self.lock:
            _match(dataset, if_match)
            merged = patched_dataset(dataset.resource, patch)
            dataset.write(_numbers_as_text(merged), self._stamp())
            dataset.modified = self.calendar.millis()

    def delete_dataset(self, project: str, name: str, *, contents: bool) -> None:
        """Delete a dataset; raises 400 resourceInUse when it has tables and `contents` does not say to delete them."""
        with self.lock:
            dataset = self.dataset(project, name)
            if dataset.tables and not contents:
                message = f"Dataset {dataset.full_name} is still in use"
                raise Refusal(message, rule="40", status=400, reason="resourceInUse")
            if dataset.restored is not None and self._clock.now() < dataset.restored + TIME_TRAVEL_SECONDS:
                raise invalid(f"Dataset {dataset.full_name} was undeleted less than 7 days ago (rule 32)")
            del self._datasets[project][name]
            dataset.write(None, self._stamp())
            self._deleted.setdefault(project, {}).setdefault(name, []).append(dataset)

    def undelete_dataset(self, project: str, name: str) -> Dataset:
        """Bring the dataset back that was deleted last, unless one of its name was made since (rule 32)."""
        with self.lock:
            if self.find_dataset(project, name):
                raise duplicate(f"Dataset {project}:{name}")
            past = [item for item in self.deleted(project) if item.name == name]
            if not past:
                raise not_found(f"Dataset {project}:{name} has no deleted version that can be restored")
            dataset = past[-1]
            self._deleted[project][name].remove(dataset)
            dataset.write(dataset.resource, self._stamp())
            dataset.restored = self._clock.now()
            self._datasets[project][name] = dataset
            return dataset

    def create_table(self, project: str, resource: Resource, columns: Fields = None) -> Table:
        """Make a table, or a view whose query gives `columns`; raises 409 when there is something of its name."""
        reference = resource["tableReference"]
        with self.lock:
            dataset = self.dataset(project, reference["datasetId"])
            made = new_table(resource, dataset=dataset.resource)
            name = reference["tableId"]
            if name in dataset.tables:
                raise duplicate(f"Table {project}:{dataset.name}.{name}")
            if columns is not None:
                made["schema"] = {"fields": columns}
            created = self.calendar.millis()
            lifetime = dataset.resource.get("defaultTableExpirationMs")
            if lifetime and made["type"] == "TABLE":
                made.setdefault("expirationTime", str(created + int(lifetime)))
            dataset.tables[name] = Table(dataset, name, self.specs.spec(made), self._stamp(), created)
            return dataset.tables[name]

    def patch_table(self, table: Table, patch: Resource, if_match: str | None = None, columns: Fields = None) -> None:
        """Change a table as tables.patch does, a view with the columns of its new query; raises 412 for an old etag."""
        with self.lock:
            _match(table, if_match)
            made = patched(with_name(table), patch)
            self.replace_table(table, made if columns is None else made | {"schema": {"fields": columns}})

    def replace_table(self, table: Table, resource: Resource) -> None:
        """Make a table what a normalized resource says."""
        with self.lock:
            self._alive(table)
            table.write(self.specs.spec(resource), self._stamp())
            table.modified = self.calendar.millis()

    @staticmethod
    def _alive(table: Table) -> None:
        if not table.exists:
            raise not_found(f"Table {table.full_name}")

    def delete_table(self, table: Table) -> None:
        """Delete a table."""
        with self.lock:
            dataset = table.dataset
            self._alive(table)
            del dataset.tables[table.name]
            table.write(None, self._stamp())
            dataset.gone.append(table)

    def seed(self, project: str, datasets: Iterable[Resource], tables: Mapping[str, Sequence[Resource]]) -> None:
        """Fill the catalog past all limits and lag: datasets as for datasets.insert, and the tables of each by its id.

        Resources are as for tables.insert. A fleet shares them: one normalized copy is kept of those that are alike.
        """
        normalized: dict[tuple[int, str], tuple[Resource, Spec]] = {}  # with the resource, so that its id stays its own
        with self.lock:
            for resource in datasets:
                dataset = self.create_dataset(project, resource)
                dataset.stamp = Stamp(0, float("-inf"))
                for item in tables.get(dataset.name, ()):
                    name = item["tableReference"]["tableId"]
                    key = (id(item), dataset.location)
                    if key not in normalized:
                        reference = {"projectId": project, "datasetId": dataset.name, "tableId": name}
                        made = new_table(item | {"tableReference": reference}, dataset=dataset.resource)
                        normalized[key] = (item, self.specs.spec(made))
                    dataset.tables[name] = Table(dataset, name, normalized[key][1], dataset.stamp, dataset.created)

    def become(self, other: Catalog, memo: Memo) -> None:
        """Have copies of all that another catalog has, noted in deepcopy's `memo`; this one is new."""
        assert not self._writes
        with other.lock:
            self._datasets, self._deleted = copy.deepcopy((other._datasets, other._deleted), memo)
            self._writes, self.specs = other._writes, other.specs

    def _stamp(self) -> Stamp:
        self._writes += 1
        return Stamp(self._writes, self._clock.now())


def etag_of(entry: Table | Dataset) -> str:
    """Return the etag, which changes with every write."""
    return base64.b64encode(f"{entry.created:x}.{entry.stamp.number:x}".encode()).decode()


def with_name(table: Table) -> Resource:
    """Return the normalized resource of a table, as the rules take it."""
    return {**table.spec.resource, "tableReference": table.reference()}


def _match(entry: Table | Dataset, if_match: str | None) -> None:
    if if_match not in {None, "*", etag_of(entry)}:
        raise precondition_failed()


def _numbers_as_text(resource: Resource) -> Resource:
    numbers = ("defaultTableExpirationMs", "defaultPartitionExpirationMs", "maxTimeTravelHours")
    return resource | {key: str(resource[key]) for key in numbers if key in resource}


def _default_access() -> list[Resource]:
    groups = (("WRITER", "projectWriters"), ("OWNER", "projectOwners"), ("READER", "projectReaders"))
    return [{"role": role, "specialGroup": group} for role, group in groups]
