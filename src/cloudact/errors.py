"""Everything this project raises on purpose, as one tree.

    CloudactError
    ├── ConfigurationError          the process was started with settings that cannot work
    ├── CatalogError                the declared catalog is wrong; carries every problem
    ├── InvalidRequest              the caller asked for something that cannot be meant
    │   └── PipelineInvalid         a pipeline file, or a parameter of its run, is wrong; carries every problem
    ├── Unauthenticated             no key, or a key nobody has
    ├── AccessDenied                a good key for something else
    ├── DestructiveRefused          the request would delete data
    ├── NotReady                    the service cannot answer now; its log says why
    ├── NotBootstrapped             the central dataset is not there
    ├── CentralTableBlocked         a column that nothing writes refuses every row
    ├── OrganizationExists
    ├── OnboardingUnfinished        another call is at it, or was until a moment ago
    ├── OrganizationNotFound
    ├── RunNotFound
    ├── TransientError              a step met something that may work later
    ├── StepCancelled               a step's time is over, or its run was interrupted
    ├── ServiceError                a running service, asked by a command, said no or nothing
    ├── DatasetExists               there is a dataset of that name, but no organization
    ├── DatasetConflict             the dataset exists and differs in ways that need a person
    ├── DatasetNotFound             the warehouse has no dataset of that name
    ├── DatasetNotDeclared          nothing says what a dataset of this name should be
    ├── DatasetNameTaken            a backup cannot be restored under a name that is in use
    ├── BackupNotFound
    ├── BackupIncomplete            a backup that was interrupted holds not all it should
    ├── NotDeclarable               a live dataset has what the catalog has no place for
    ├── OutputRefused               a command cannot write its files where it was told to
    └── WarehouseError
        ├── WarehouseUnavailable    cannot be reached or read: says nothing about what exists
        ├── WarehouseDenied         the service's own credentials lack a permission
        ├── WarehouseBusy           concurrent work kept winning, after every retry
        ├── WarehouseNotFound       a statement names an object that does not exist
        ├── WarehouseRefused        the engine will not do this, now or later
        └── ChangeFailed            one planned change was refused; carries the change

Errors carry a stable `code` and no HTTP: each edge keeps one table from error to status or exit code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

_SHOWN = 10


class CloudactError(Exception):
    """Root of the tree: a message that names the object and what happened, and a hint what to do."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(CloudactError):
    """A setting is missing, malformed or unsafe for the environment."""

    code = "configuration_invalid"


def _listed(names: Sequence[str]) -> str:
    """Return the first of these names in a sentence, and how many more there are."""
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "none"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a catalog or a request: where, what, and how to mend it.

    `code` is stable, and of a catalog only; it classifies the rest, so it makes no difference between problems.
    """

    where: str
    field: str
    what: str
    fix: str
    line: int = 0
    code: str = dataclasses.field(default="", compare=False)

    @property
    def place(self) -> str:
        """The field of a request, or a file with its line and the object in it."""
        if self.where == "request":
            return self.field
        return ":".join(str(part) for part in (self.where, self.line, self.field) if part)

    @property
    def message(self) -> str:
        """What happened, and what to do about it where there is anything."""
        return f"{self.what} ({self.fix})" if self.fix else self.what

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        subject = f"{self.field}: " if self.field else ""
        return f"{place}: {subject}{self.message}"


class CatalogError(CloudactError):
    """The declared catalog cannot be used; `problems` lists everything found, not the first thing."""

    code = "catalog_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        head = f"the catalog has {count} problem{'s' if count != 1 else ''}; nothing was changed"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))
        self.hint = "Mend the files named above; `cloudact catalog lint` checks them without a warehouse."
        if all(problem.code == "CA001" and problem.where.endswith(".yml") for problem in self.problems):
            self.hint = "Is CA_CONFIG_DIR the catalog's directory? `cloudact init` makes a new one."


class InvalidRequest(CloudactError):
    """The request itself cannot be carried out as written; `problems` names each field."""

    code = "invalid_request"

    def __init__(self, message: str, *, problems: Sequence[Problem] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class PipelineInvalid(InvalidRequest):
    """A pipeline file, or the parameters of its run, cannot be used; `problems` lists everything found."""

    code = "pipeline_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        found = tuple(sorted(set(problems)))
        head = f"the pipeline has {len(found)} problem{'s' if len(found) != 1 else ''}; nothing was run"
        text = "\n".join([head, *(f"  {problem}" for problem in found)])
        super().__init__(text, problems=found, hint="Mend what is named above, then run the pipeline again.")


class Unauthenticated(CloudactError):
    """No key was given, or one that opens nothing."""

    code = "unauthenticated"


class AccessDenied(CloudactError):
    """The key is good, but not for this organization or operation."""

    code = "access_denied"


class DestructiveRefused(CloudactError):
    """The request would delete data, which no ordinary operation does."""

    code = "destructive_refused"


class NotReady(CloudactError):
    """The service cannot serve requests now, for a reason that only its operator should read."""

    code = "not_ready"


class NotBootstrapped(CloudactError):
    """The central dataset, or a table or column of it that is needed, does not exist."""

    code = "not_bootstrapped"

    def __init__(self, dataset: str, missing: str = "") -> None:
        if missing:
            message = f"{dataset}.{missing} does not exist"
            hint = (
                "Create it with POST /api/v1/admin/bootstrap/sync, or `cloudact bootstrap sync`; "
                "if the catalog no longer declares it, declare it again first."
            )
        else:
            message = f"{dataset[:1].upper()}{dataset[1:]} dataset does not exist"
            hint = "Run bootstrap first: POST /api/v1/admin/bootstrap, or `cloudact bootstrap run`."
        super().__init__(message, hint=hint)
        self.missing = missing


class CentralTableBlocked(CloudactError):
    """A central table has a REQUIRED column without a default that the service does not write."""

    code = "central_table_blocked"

    def __init__(self, dataset: str, column: str) -> None:
        super().__init__(
            f"{dataset}.{column} is REQUIRED, and the service does not write it",
            hint="POST /api/v1/admin/bootstrap/sync relaxes it when it is not declared; "
            "otherwise declare it NULLABLE, or with a default.",
        )


class OrganizationExists(CloudactError):
    """The slug is taken."""

    code = "organization_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization already exists: {slug}",
            hint="To resync it and issue a new key, onboard with regenerate_api_key_if_exists: true.",
        )


class OnboardingUnfinished(CloudactError):
    """Another call is onboarding this organization, or stopped a moment ago."""

    code = "onboarding_unfinished"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization {slug} is being onboarded by another call",
            hint="If that call has ended, repeat this one five minutes later and it finishes the onboarding; "
            f"POST /api/v1/organizations/{slug}/sync finishes it at once, without a new API key.",
        )


class OrganizationNotFound(CloudactError):
    """No profile has this slug."""

    code = "organization_not_found"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization not found: {slug}",
            hint="List organizations with GET /api/v1/organizations, or create this one with "
            "POST /api/v1/organizations/onboard.",
        )


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
            hint=f"Only what is declared can be made anew. Declared: {_listed(known)}.",
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
        super().__init__(f"Backup not found: {backup}", hint=f"Backups that can be restored: {_listed(known)}.")


class BackupIncomplete(CloudactError):
    """The backup was interrupted while it was made, so that it need not hold everything."""

    code = "backup_incomplete"

    def __init__(self, backup: str) -> None:
        super().__init__(
            f"Backup {backup} was not finished, and is used for nothing",
            hint="Restore another one, or make one with `cloudact backup create`; nothing was changed.",
        )


class NotDeclarable(CloudactError):
    """A live dataset has parts that no catalog can declare; `problems` names each."""

    code = "not_declarable"

    def __init__(self, dataset: str, problems: Sequence[Problem]) -> None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"Dataset {dataset} has what the catalog has no place for:\n{listed}",
            hint="Change each as it says, or leave out whatever can be left out, with --skip-unsupported or "
            "skip_unsupported=true; the warehouse keeps it.",
        )
        self.problems = tuple(problems)


class OutputRefused(CloudactError):
    """Files cannot be written where they were asked for; nothing was written."""

    code = "output_refused"


class RunNotFound(CloudactError):
    """No pipeline run has this id."""

    code = "run_not_found"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Pipeline run not found: {run_id}",
            hint="List runs with GET /api/v1/admin/pipelines/runs, or `cloudact pipeline list`.",
        )


class TransientError(CloudactError):
    """Something outside the warehouse did not work now and may work later, so that a step with `retry` tries again."""

    code = "transient_error"


class StepCancelled(CloudactError):
    """The step, or the run that it is part of, was cancelled; whoever catches it has to end as soon as possible."""

    code = "step_cancelled"


class ServiceError(CloudactError):
    """A running service refused a command or did not answer; `remote_code` and `problems` are the service's own."""

    code = "service_error"

    def __init__(
        self, message: str, *, hint: str = "", remote_code: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.remote_code = remote_code
        self.problems = tuple(problems)


class WarehouseError(CloudactError):
    """The warehouse did not do what was asked."""

    code = "warehouse_error"


class WarehouseUnavailable(WarehouseError):
    """The warehouse cannot be reached or read, which says nothing about what exists in it."""

    code = "warehouse_unavailable"


class WarehouseDenied(WarehouseError):
    """The credentials that the service itself uses may not do this, which says nothing about what exists."""

    code = "warehouse_denied"


class WarehouseBusy(WarehouseError):
    """Concurrent work on the same objects won every time; repeating the call goes on from what there is."""

    code = "warehouse_busy"


class WarehouseNotFound(WarehouseError):
    """A statement names a dataset, table or column that does not exist."""

    code = "warehouse_not_found"


class WarehouseRefused(WarehouseError):
    """The engine refuses the statement for good; trying again does not help."""

    code = "warehouse_refused"


class ChangeFailed(WarehouseError):
    """One planned change was refused by the engine; `change` is that change, `cause` the engine's refusal.

    `applied` are changes that were made and stay, none where a unit of work is a transaction; `others` are further
    changes that were refused at the same time.
    """

    code = "change_failed"

    def __init__(self, change: Any, target: str, cause: CloudactError) -> None:
        super().__init__(f"{target}: could not {change}: {cause.message}", hint=cause.hint)
        # A planning.changes.Change; this module is below the one that defines it.
        self.change = change
        self.target = target
        self.cause = cause
        self.applied: tuple[Any, ...] = ()
        self.others: tuple[ChangeFailed, ...] = ()
