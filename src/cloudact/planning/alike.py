"""A plan for one dataset as it is for another that is declared alike: the same but for its name and its views."""

from __future__ import annotations

from dataclasses import replace

from cloudact.catalog.model import Dataset, View
from cloudact.planning import changes as c
from cloudact.planning.plan import Plan


def changes_for(plan: Plan, declared: Dataset) -> tuple[c.Change, ...] | None:
    """Return the plan's changes as they are for the dataset that is declared so, or None where it is not alike."""
    found = [_change_for(change, declared) for change in plan.changes]
    changes = tuple(change for change in found if change is not None)
    return changes if len(changes) == len(plan.changes) else None


def _change_for(change: c.Change, declared: Dataset) -> c.Change | None:
    match change:
        case c.CreateDataset(dataset=dataset) | c.SetDatasetMetadata(dataset=dataset):
            return type(change)(declared) if _metadata(dataset) == _metadata(declared) else None
        case c.CreateView(view=view) | c.ReplaceView(view=view):
            own = declared.view(view.name)
            return type(change)(own) if own is not None and _is_alike(view, own) else None
        case _:
            return change


def _metadata(dataset: Dataset) -> tuple[object, ...]:
    return dataset.location, dataset.description, dataset.labels


def _is_alike(one: View, other: View) -> bool:
    """Two views of one template are; those that come from none have to be the same."""
    texts = [view.rendering.text if view.rendering else None for view in (one, other)]
    of_one_template = texts[0] is not None and texts[0] == texts[1]
    return (replace(one, query="") == replace(other, query="")) if of_one_template else one == other
