"""Why a change of a hierarchy is refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cloudact.errors.root import CloudactError, listed


class EntityNotFound(CloudactError):
    """The organization has no current entity of this id."""

    code = "entity_not_found"

    def __init__(self, entity_id: str) -> None:
        super().__init__(
            f"Entity not found: {entity_id}",
            hint="List entities with GET .../hierarchy/entities or `cloudact hierarchy list`; "
            "one that was removed still has its history.",
        )


class EntityExists(CloudactError):
    """The id is taken by a current entity."""

    code = "entity_exists"

    def __init__(self, entity_id: str) -> None:
        super().__init__(
            f"Entity exists already: {entity_id}", hint="Choose another entity_id, or change this one with PATCH."
        )


class EntityHasChildren(CloudactError):
    """An entity that others are below is not removed."""

    code = "entity_has_children"

    def __init__(self, entity_id: str, children: Sequence[str]) -> None:
        super().__init__(
            f"Entity {entity_id} has children: {listed(children)}",
            hint="Move or remove them first; nothing was changed.",
        )


class LevelsInUse(CloudactError):
    """Levels are not redefined while entities would no longer fit."""

    code = "levels_in_use"

    def __init__(self, misfits: Sequence[str]) -> None:
        super().__init__(
            f"Entities do not fit these levels: {listed(misfits)}",
            hint="Keep the level of each where it is, or remove them first; levels can be added below. "
            "Nothing was changed.",
        )


class VersionStale(CloudactError):
    """What the caller has read is no longer current; `current` is the number that is."""

    code = "version_stale"

    def __init__(self, what: str, given: Collection[int], current: int) -> None:
        expected = " or ".join(map(str, sorted(given))) or "the one given"
        super().__init__(
            f"{what} is at version {current}, not {expected}",
            hint=f'Read it again, and repeat the change with If-Match: "{current}" if it still holds; '
            "on the command line that is --version, and --revision of an import.",
        )
        self.current = current


class VersionRequired(CloudactError):
    """A change does not say which version it is of."""

    code = "version_required"

    def __init__(self) -> None:
        super().__init__(
            "The change does not say which version it is of",
            hint="Send the version that was read as If-Match or in the body; If-Match: * changes whatever is there.",
        )
