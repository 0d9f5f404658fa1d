"""Errors of datasets and of their backups."""

from __future__ import annotations

from collections.abc import Sequence

from cloudact.errors.root import CloudactError, listed


class DatasetExists(CloudactError):
    """A dataset with the name of a new organization's exists, with rows that may belong to somebody."""

    code = "dataset_exists"

    def __init__(self, dataset: str) -> None:
        super().__init__(
            f"Dataset {dataset} exists already, without an organization.",
            hint="To make it this organization's, with every row in it, set adopt_existing_dataset: true.",
        )


class DatasetConflict(CloudactError):
    """A dataset of that name exists and cannot become what is declared; `conflicts` says where."""

    code = "dataset_conflict"

    def __init__(self, dataset: str, conflicts: Sequence[str]) -> None:
        listed = "\n".join(f"  {conflict}" for conflict in conflicts)
        super().__init__(
            f"Dataset {dataset} exists and conflicts with the catalog:\n{listed}",
            hint="Resolve each conflict as it says, then repeat the call; nothing was changed.",
        )
        self.conflicts = tuple(conflicts)


class DatasetNotFound(CloudactError):
    """The warehouse has no dataset of this name."""

    code = "dataset_not_found"

    def __init__(self, dataset: str) -> None:
        super().__init__(
            f"Dataset not found: {dataset}", hint="Check its spelling, and that CA_WAREHOUSE_URL names its warehouse."
        )


class DatasetNotDeclared(CloudactError):
    """Neither the catalog, nor an organization, nor a pipeline template declares a dataset of this name."""

    code = "dataset_not_declared"

    def __init__(self, dataset: str, known: Sequence[str]) -> None:
        super().__init__(
            f"Nothing declares a dataset {dataset}",
            hint=f"Only what is declared can be made anew. Declared: {listed(known)}.",
        )


class DatasetNameTaken(CloudactError):
    """A backup is restored under a name of its own, and this one is in use."""

    code = "dataset_name_taken"

    def __init__(self, dataset: str) -> None:
        super().__init__(
            f"Dataset {dataset} exists already, and a backup is only restored beside what exists",
            hint="Choose a name that no dataset has; nothing was changed.",
        )


class BackupNotFound(CloudactError):
    """The warehouse has no backup of this name."""

    code = "backup_not_found"

    def __init__(self, backup: str, known: Sequence[str]) -> None:
        super().__init__(f"Backup not found: {backup}", hint=f"Backups that can be restored: {listed(known)}.")


class BackupIncomplete(CloudactError):
    """The backup was interrupted while it was made, so that it need not hold everything."""

    code = "backup_incomplete"

    def __init__(self, backup: str) -> None:
        super().__init__(
            f"Backup {backup} was not finished, and is used for nothing",
            hint="Restore another one, or make one with `cloudact backup create`; nothing was changed.",
        )
