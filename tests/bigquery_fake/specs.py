"""What a table, view or materialized view is, kept once however many of them are alike."""

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

Resource = dict[str, Any]


class Spec:
    """A normalized resource less its name; never changed after it is made, and shared by tables that are alike."""

    __slots__ = ("resource", "serial", "shape")

    def __init__(self, resource: Resource, serial: int, shape: int) -> None:
        self.resource = resource
        self.serial = serial
        self.shape = shape  # the number of its columns, partitioning and clustering, which many specs have in common

    def __deepcopy__(self, memo: object) -> Spec:
        """Return itself, as nothing changes it."""
        return self

    @property
    def kind(self) -> str:
        """TABLE, VIEW or MATERIALIZED_VIEW."""
        return str(self.resource["type"])

    @property
    def fields(self) -> list[Resource]:
        """The columns, as the REST API describes them."""
        fields: list[Resource] = self.resource.get("schema", {}).get("fields", [])
        return fields

    @property
    def clustering(self) -> list[str]:
        """The clustering columns, in order."""
        names: list[str] = self.resource.get("clustering", {}).get("fields", [])
        return names

    @property
    def partitioned(self) -> bool:
        """Whether the table has partitions."""
        return bool({"timePartitioning", "rangePartitioning"} & set(self.resource))

    @property
    def partition_column(self) -> str | None:
        """The column that decides the partition; None without partitions, or when they are by load time."""
        layout = self.resource.get("timePartitioning") or self.resource.get("rangePartitioning") or {}
        name: str | None = layout.get("field")
        return name

    @property
    def query(self) -> str:
        """The query of a view or materialized view."""
        return str((self.resource.get("view") or self.resource["materializedView"])["query"])

    def column(self, name: str) -> Resource | None:
        """Return the top-level column with this name, ignoring case."""
        return next((field for field in self.fields if field["name"].casefold() == name.casefold()), None)


class Specs:
    """Makes specs, and returns the one there is for an equal resource."""

    def __init__(self) -> None:
        self._by_text: dict[str, Spec] = {}
        self._shapes: dict[str, int] = {}
        self._serials = itertools.count(1)
        self._lock = threading.Lock()

    def spec(self, resource: Resource) -> Spec:
        """Return the spec of a normalized resource, whatever table it names."""
        kept = {key: value for key, value in resource.items() if key != "tableReference"}
        text = json.dumps(kept, sort_keys=True)
        shape = json.dumps([kept.get(key) for key in ("schema", "timePartitioning", "rangePartitioning", "clustering")])
        with self._lock:
            if text not in self._by_text:
                number = self._shapes.setdefault(shape, len(self._shapes) + 1)
                self._by_text[text] = Spec(kept, next(self._serials), number)
            return self._by_text[text]
