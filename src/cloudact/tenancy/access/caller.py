"""Whose key a request was made with, and what that allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.names import OrgSlug


class CallerKind(StrEnum):
    """Who may call: the administrator, or an organization."""

    ADMINISTRATOR = "administrator"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose key was found good; an organization, its key and its scopes, or the administrator."""

    kind: CallerKind
    organization: OrgSlug | None = None
    key_id: str | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def is_administrator(self) -> bool:
        """Whether this is the administrator, who may do everything."""
        return self.kind is CallerKind.ADMINISTRATOR

    def may(self, scope: Scope, organization: str) -> bool:
        """Tell whether the caller may do what needs this scope, with this organization."""
        return self.is_administrator or (self.organization == organization and scope in self.scopes)

    def lacks(self, scopes: Iterable[Scope]) -> frozenset[Scope]:
        """Return which of these scopes the caller has not got, and so cannot give to a key either."""
        return frozenset() if self.is_administrator else frozenset(scopes) - self.scopes


ADMINISTRATOR = Caller(CallerKind.ADMINISTRATOR)
