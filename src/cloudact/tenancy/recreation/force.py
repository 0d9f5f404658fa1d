"""The flags `force_recreate_dataset` and `force_recreate_tables`: what they ask for, and bootstrap with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cloudact.errors import DatasetNotFound, DestructiveRefused
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.bootstrap import Bootstrap, BootstrapResult
from cloudact.tenancy.recreation.recreations import Recreations
from cloudact.tenancy.recreation.results import Mode, Recreated, Recreation
from cloudact.tenancy.sync import SyncOutcome

_BOOTSTRAP_HINT = (
    'To go on, confirm with the name of the dataset: "confirm_dataset": "{dataset}" in the request, or --confirm '
    "{dataset} for the command; a backup is made first. To keep every row, use bootstrap/sync or `cloudact recreate "
    "{dataset} --with-data`."
)


@dataclass(frozen=True, slots=True)
class Force:
    """The flags as they were given, and the name of the dataset that confirms them."""

    dataset: bool = False
    tables: bool = False
    confirm: str | None = None

    @property
    def recreation(self) -> Recreation | None:
        """What the flags ask to be done: the greater of the two, or None without a flag."""
        flags = {"force_recreate_dataset": self.dataset, "force_recreate_tables": self.tables}
        named = [name for name, value in flags.items() if value]
        mode = Mode.DATASET if self.dataset else Mode.TABLES
        return Recreation(mode, confirm=self.confirm, reason=" and ".join(named)) if named else None

    def confirmed(self, dataset: str, *, allowed: bool, hint: str) -> Recreation | None:
        """Return what the flags ask to be done to this dataset, or None without a flag.

        Raises DestructiveRefused with this hint unless the dataset is confirmed by its name; not where recreation is
        not allowed, because no confirmation helps there.
        """
        recreation = self.recreation
        if recreation and allowed and self.confirm != dataset:
            given = f"confirm_dataset is {self.confirm!r}" if self.confirm else "confirm_dataset is missing"
            raise DestructiveRefused(
                f"{recreation.reason}: refused, because the tables of {dataset} would be emptied and {given}",
                hint=hint,
            )
        return recreation


def unless_absent(recreate: Callable[[], Recreated]) -> Recreated | None:
    """Return what was recreated; None when there is no such dataset, so that there is nothing to make anew."""
    try:
        return recreate()
    except DatasetNotFound:
        return None


def bootstrap(usual: Bootstrap, recreations: Recreations, force: Force, *, actor: Actor) -> BootstrapResult:
    """Bootstrap; with a force flag the central dataset is made anew before, as far as there is one."""
    desired = usual.catalogs.load().central_dataset()
    recreation = force.confirmed(
        desired.name, allowed=recreations.allowed, hint=_BOOTSTRAP_HINT.format(dataset=desired.name)
    )
    if recreation is None:
        return usual.run(actor=actor)
    recreated = unless_absent(lambda: recreations.run(desired, recreation, actor=actor))
    result = replace(usual.run(actor=actor), recreated=recreated)
    if recreated is None or not recreated.failed:
        return result
    return replace(result, status=SyncOutcome.PARTIAL, message=f"{recreated.message} {result.message}")
