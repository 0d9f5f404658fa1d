"""What an organization's key may be used for."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from cloudact.errors import InvalidRequest, Problem


class Scope(StrEnum):
    """One permission of a key, as the column holds it; every route needs exactly one."""

    ORG_READ = "org:read"
    ORG_WRITE = "org:write"
    HIERARCHY_READ = "hierarchy:read"
    HIERARCHY_WRITE = "hierarchy:write"
    PIPELINES_READ = "pipelines:read"
    PIPELINES_WRITE = "pipelines:write"
    PIPELINES_EXECUTE = "pipelines:execute"
    KEYS_MANAGE = "keys:manage"


# A key makes no other keys unless that was asked for: one that leaks could otherwise outlive its revocation.
DEFAULT_SCOPES = (
    Scope.ORG_READ, Scope.ORG_WRITE, Scope.HIERARCHY_READ, Scope.HIERARCHY_WRITE, Scope.PIPELINES_READ,
    Scope.PIPELINES_EXECUTE,
)  # fmt: skip


_BY_NAME = {scope.value: scope for scope in Scope}


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of these names; raises InvalidRequest for none at all, or for a name that is no scope."""
    given = list(names)
    unknown = sorted({name for name in given if name not in _BY_NAME})
    if given and not unknown:
        return frozenset(_BY_NAME[name] for name in given)
    problem = f"no scope is called {', '.join(map(repr, unknown))}" if unknown else "a key needs at least one scope"
    what = f"{problem}; scopes are {', '.join(Scope)}"
    raise InvalidRequest(f"scopes: {what}", problems=[Problem("request", "scopes", what, "")])


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return those of a stored key's scopes that mean something to this version."""
    return frozenset(_BY_NAME[name] for name in names if name in _BY_NAME)


def in_order(scopes: Iterable[Scope]) -> list[str]:
    """Return the names of scopes in the order in which they are declared."""
    held = frozenset(scopes)
    return [scope.value for scope in Scope if scope in held]
