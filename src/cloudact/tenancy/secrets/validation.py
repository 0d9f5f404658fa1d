"""Checks of credentials with their providers, which installed packages bring along."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from cloudact.errors import ConfigurationError

GROUP = "cloudact.credential_validators"


class ValidationStatus(StrEnum):
    """What the latest check with the provider said, in the words of the column."""

    PENDING = "PENDING"
    VALID = "VALID"
    INVALID = "INVALID"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Subject:
    """A credential to be checked, opened."""

    org_slug: str
    provider: str
    credential_name: str
    credential_type: str
    secret: str = field(repr=False)
    metadata: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the provider said; `message` is its answer in words, where the credential is not VALID."""

    status: ValidationStatus
    message: str = ""


Validator = Callable[[Subject], Verdict]


def load_validators() -> dict[str, Validator]:
    """Return the installed validators by provider; raises ConfigurationError naming one that cannot be used.

    A package adds one with an entry point of the group `cloudact.credential_validators`: its name is the provider's
    code in capitals, its object takes a `Subject` and returns a `Verdict`. It bounds its own time.
    """
    return _loaded(_installed(tuple(sys.path)))


@cache
def _installed(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Look through every installed package, once for where this process imports from, since it takes milliseconds."""
    return tuple(entry_points(group=GROUP))


def _loaded(found: Iterable[EntryPoint]) -> dict[str, Validator]:
    validators: dict[str, Validator] = {}
    for entry in found:
        if entry.name in validators:
            raise _unusable(entry, "its provider has another validator", "Uninstall one of the two packages.")
        try:
            validator = entry.load()
        except Exception as error:
            # Whatever a stranger's module raises, the message has to name the package.
            cause = f"{type(error).__name__}: {error}"
            raise _unusable(entry, cause, "Mend the package that declares it, or uninstall it.") from error
        if not callable(validator):
            raise _unusable(entry, "it cannot be called", "docs/key-handling.md says what a validator is.")
        validators[entry.name] = validator
    return validators


def _unusable(entry: EntryPoint, what: str, fix: str) -> ConfigurationError:
    package = entry.dist.name if entry.dist else "an installed package"
    return ConfigurationError(
        f"credential validator {entry.name} of {package} ({entry.value}) cannot be used: {what}", hint=fix
    )
