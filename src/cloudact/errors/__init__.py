"""Everything this project raises on purpose, as one tree.

    CloudactError
    ├── ConfigurationError          the process was started with settings that cannot work
    ├── CatalogError                the declared catalog is wrong; carries every problem
    ├── InvalidRequest              the caller asked for something that cannot be meant
    │   └── PipelineInvalid         a pipeline file, or a parameter of its run, is wrong; carries every problem
    ├── IdempotencyKeyInUse         another call works on the same request
    ├── IdempotencyKeyReused        the key stands for another request
    ├── RateLimited                 a key or an address sends too many requests
    ├── Unauthenticated             no key, or a key nobody has
    ├── AccessDenied                a good key for something else
    ├── DestructiveRefused          the request would delete data
    ├── NotReady                    the service cannot answer now; its log says why
    ├── NotBootstrapped             the central dataset is not there
    ├── CentralTableBlocked         a column that nothing writes refuses every row
    ├── OrganizationExists
    ├── OnboardingUnfinished        another call is at it, or was until a moment ago
    ├── OrganizationNotFound
    ├── EntityNotFound
    ├── EntityExists
    ├── EntityHasChildren           an entity of a hierarchy is not removed while others are below it
    ├── LevelsInUse                 levels are not redefined while entities would no longer fit
    ├── VersionStale                what the caller has read was changed since
    ├── VersionRequired             a change does not say which version it is of
    ├── LimitReached                the plan allows no more of something that is kept
    ├── RunRefused
    │   ├── OrganizationNotActive
    │   ├── SubscriptionEnded
    │   ├── SubscriptionNotFound
    │   └── QuotaExceeded           the plan's runs are used up for now
    ├── RunNotFound
    ├── FleetBusy                   another run brings the fleet in step
    ├── FleetPlanNotFound
    ├── FleetPlanStale              the catalog or the fleet moved since the plan was made
    ├── FleetRunNotFound
    ├── FleetRunNotOpen             what has ended cannot be aborted
    ├── TransientError              a step met something that may work later
    ├── StepCancelled               a step's time is over, or its run was interrupted
    ├── CredentialNotFound
    ├── ChannelNotFound             the organization has no active notification channel of this id
    ├── KeyNotFound                 the organization has no API key of this id
    ├── KeyNotActive                an API key that no longer works is not rotated
    ├── PlatformSecretLost          keys of organizations need a secret that is not there any more
    ├── StoredValueDamaged          a value of the central dataset was written by others, and cannot be meant
    ├── SealBroken                  a sealed value does not open with the keys at hand
    ├── SealingUnavailable          the sealing key cannot be used: says nothing about the values it sealed
    │   └── SealingDenied           the service's own credentials may not use it
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

from cloudact.errors.access import AccessDenied, KeyNotActive, KeyNotFound, Unauthenticated
from cloudact.errors.accounts import (
    LimitReached,
    OrganizationNotActive,
    QuotaExceeded,
    RunRefused,
    SubscriptionEnded,
    SubscriptionNotFound,
)
from cloudact.errors.datasets import (
    BackupIncomplete,
    BackupNotFound,
    DatasetConflict,
    DatasetExists,
    DatasetNameTaken,
    DatasetNotDeclared,
    DatasetNotFound,
)
from cloudact.errors.declarations import CatalogError, ConfigurationError, NotDeclarable, OutputRefused
from cloudact.errors.hierarchy import (
    EntityExists,
    EntityHasChildren,
    EntityNotFound,
    LevelsInUse,
    VersionRequired,
    VersionStale,
)
from cloudact.errors.organizations import (
    CentralTableBlocked,
    NotBootstrapped,
    OnboardingUnfinished,
    OrganizationExists,
    OrganizationNotFound,
    StoredValueDamaged,
)
from cloudact.errors.requests import (
    DestructiveRefused,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidRequest,
    NotReady,
    PipelineInvalid,
    RateLimited,
    ServiceError,
)
from cloudact.errors.root import CloudactError, Problem, listed
from cloudact.errors.runs import (
    FleetBusy,
    FleetPlanNotFound,
    FleetPlanStale,
    FleetRunNotFound,
    FleetRunNotOpen,
    RunNotFound,
    StepCancelled,
    TransientError,
)
from cloudact.errors.secrets import (
    ChannelNotFound,
    CredentialNotFound,
    PlatformSecretLost,
    SealBroken,
    SealingDenied,
    SealingUnavailable,
)
from cloudact.errors.warehouse import (
    ChangeFailed,
    WarehouseBusy,
    WarehouseDenied,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)

__all__ = [
    "AccessDenied",
    "BackupIncomplete",
    "BackupNotFound",
    "CatalogError",
    "CentralTableBlocked",
    "ChangeFailed",
    "ChannelNotFound",
    "CloudactError",
    "ConfigurationError",
    "CredentialNotFound",
    "DatasetConflict",
    "DatasetExists",
    "DatasetNameTaken",
    "DatasetNotDeclared",
    "DatasetNotFound",
    "DestructiveRefused",
    "EntityExists",
    "EntityHasChildren",
    "EntityNotFound",
    "FleetBusy",
    "FleetPlanNotFound",
    "FleetPlanStale",
    "FleetRunNotFound",
    "FleetRunNotOpen",
    "IdempotencyKeyInUse",
    "IdempotencyKeyReused",
    "InvalidRequest",
    "KeyNotActive",
    "KeyNotFound",
    "LevelsInUse",
    "LimitReached",
    "NotBootstrapped",
    "NotDeclarable",
    "NotReady",
    "OnboardingUnfinished",
    "OrganizationExists",
    "OrganizationNotActive",
    "OrganizationNotFound",
    "OutputRefused",
    "PipelineInvalid",
    "PlatformSecretLost",
    "Problem",
    "QuotaExceeded",
    "RateLimited",
    "RunNotFound",
    "RunRefused",
    "SealBroken",
    "SealingDenied",
    "SealingUnavailable",
    "ServiceError",
    "StepCancelled",
    "StoredValueDamaged",
    "SubscriptionEnded",
    "SubscriptionNotFound",
    "TransientError",
    "Unauthenticated",
    "VersionRequired",
    "VersionStale",
    "WarehouseBusy",
    "WarehouseDenied",
    "WarehouseError",
    "WarehouseNotFound",
    "WarehouseRefused",
    "WarehouseUnavailable",
    "listed",
]
