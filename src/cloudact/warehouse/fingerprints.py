"""What whole datasets come to, computed in the engine: thousands are compared at the cost of one look at all.

Two fingerprints of one warehouse are equal only when `inspect` of both gives the same dataset but for its name, and for
what its views say because of the name and of the value they were rendered with. So one diff serves a whole group.

The other way round, datasets that this project left the same have the same fingerprint. One that a hand changed in a
way that `inspect` does not show (a CHECK constraint, another default in the place of one on record) may be set apart,
which costs a look more and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudact.catalog.model import Dataset


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digest of a dataset, 128 bits as hexadecimal digits, and where it is, which a profile says of each."""

    digest: str
    location: str


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What one look at many datasets tells: the fingerprint of each, and some of them in full, both by name.

    In full come two datasets of a fingerprint, or its only one, where that saves looks at them one by one.
    """

    of: dict[str, Fingerprint]
    in_full: Mapping[str, Dataset] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Naming:
    """Which datasets are meant, and which value of the placeholder the views of each are rendered with.

    A dataset's value is what its name has between `before` and `after`; `others` are meant beside these, by name.
    """

    before: str
    after: str
    others: Mapping[str, str] = field(default_factory=dict)

    def value_of(self, dataset: str) -> str | None:
        """Return the value of a dataset, None for one that is not meant."""
        if dataset in self.others:
            return self.others[dataset]
        between = dataset.removeprefix(self.before).removesuffix(self.after)
        return between if between and dataset == f"{self.before}{between}{self.after}" else None
