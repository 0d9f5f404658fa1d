"""What a caller lets a plan do. A policy chooses among safe changes; it cannot make an unsafe one possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from cloudact.planning import changes as c


@dataclass(frozen=True, slots=True)
class Policy:
    """Which kinds of change to apply; the names are those of the request fields.

    Missing views come with missing tables; `recreate_views` also replaces those whose definition is stale.
    """

    sync_missing_tables: bool = True
    sync_missing_columns: bool = True
    recreate_views: bool = False

    def allows(self, change: c.Change) -> bool:
        """Tell whether this policy applies the change."""
        match change:
            case c.CreateDataset() | c.CreateTable():
                return self.sync_missing_tables
            case c.CreateView():
                return self.sync_missing_tables or self.recreate_views
            case c.AddColumn() | c.RelaxMode() | c.WidenType():
                return self.sync_missing_columns
            case c.SetColumnMetadata() | c.SetTableMetadata() | c.SetDatasetMetadata():
                return self.sync_missing_columns
            case c.ReplaceView():
                return self.recreate_views
            case _:
                assert_never(change)


BOOTSTRAP = Policy(sync_missing_tables=True, sync_missing_columns=False)
EVERYTHING = Policy(recreate_views=True)
