"""Errors as exit codes: one table, and one way to print them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import Console

from cloudact import errors

OUT_OF_SYNC = 2
PARTLY_DONE = 6
RUN_FAILED = 7
INTERRUPTED = 130  # as a shell has it for what Ctrl-C ended
EXIT_CODE: Mapping[type[errors.CloudactError], int] = {
    errors.CloudactError: 1,
    errors.ConfigurationError: 3,
    errors.CatalogError: 3,
    errors.InvalidRequest: 3,
    errors.DestructiveRefused: 3,
    errors.Unauthenticated: 4,
    errors.AccessDenied: 4,
    errors.NotReady: 6,
    errors.NotBootstrapped: 5,
    errors.CentralTableBlocked: 5,
    errors.OrganizationExists: 5,
    errors.OnboardingUnfinished: 5,
    errors.OrganizationNotFound: 5,
    errors.DatasetExists: 5,
    errors.DatasetConflict: 5,
    errors.DatasetNotFound: 5,
    errors.RunNotFound: 5,
    errors.FleetBusy: 5,
    errors.FleetPlanNotFound: 5,
    errors.FleetPlanStale: 5,
    errors.FleetRunNotFound: 5,
    errors.FleetRunNotOpen: 5,
    errors.DatasetNotDeclared: 5,
    errors.DatasetNameTaken: 5,
    errors.BackupNotFound: 5,
    errors.BackupIncomplete: 5,
    errors.NotDeclarable: 5,
    errors.OutputRefused: 3,
    errors.IdempotencyKeyInUse: 5,
    errors.IdempotencyKeyReused: 3,
    errors.RateLimited: 5,
    errors.CredentialNotFound: 5,
    errors.ChannelNotFound: 5,
    errors.KeyNotFound: 5,
    errors.KeyNotActive: 5,
    errors.StoredValueDamaged: 6,
    errors.SealBroken: 6,
    errors.PlatformSecretLost: 6,
    errors.SealingUnavailable: 6,
    errors.SealingDenied: 6,
    errors.ServiceError: 6,
    errors.WarehouseError: 6,
    errors.WarehouseUnavailable: 6,
    errors.WarehouseDenied: 6,
    errors.WarehouseBusy: 6,
    errors.WarehouseNotFound: 6,
    errors.WarehouseRefused: 6,
    errors.ChangeFailed: 6,
    errors.EntityNotFound: 5,
    errors.EntityExists: 5,
    errors.EntityHasChildren: 5,
    errors.LevelsInUse: 5,
    errors.VersionStale: 5,
    errors.VersionRequired: 3,
    errors.RunRefused: 5,
    errors.OrganizationNotActive: 5,
    errors.SubscriptionEnded: 5,
    errors.SubscriptionNotFound: 5,
    errors.QuotaExceeded: 5,
    errors.LimitReached: 5,
    errors.PipelineInvalid: 3,
    errors.TransientError: 6,
    errors.StepCancelled: INTERRUPTED,
}


@contextmanager
def reported(*, as_json: bool) -> Iterator[None]:
    """Print any of our errors on standard error, and end the process with its exit code."""
    try:
        yield
    except errors.CloudactError as error:
        _print(error, as_json=as_json)
        raise typer.Exit(next(EXIT_CODE[kind] for kind in type(error).__mro__ if kind in EXIT_CODE)) from error


def _print(error: errors.CloudactError, *, as_json: bool) -> None:
    code = (error.remote_code if isinstance(error, errors.ServiceError) else "") or error.code
    if as_json:
        found: Iterable[errors.Problem] = getattr(error, "problems", ())
        problems = [{"field": item.place, "message": item.message, "code": item.code} for item in found]
        answer = {"code": code, "detail": error.message, "hint": error.hint, "errors": problems}
        typer.echo(json.dumps(answer), err=True)
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    console.print("[bold red]Error:[/] ", end="")
    console.print(error.message, markup=False)
    if error.hint:
        console.print(error.hint, style="dim", markup=False)
