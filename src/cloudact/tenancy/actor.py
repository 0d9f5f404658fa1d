"""Who is behind a request, whatever it came in by: what the audit trail records and idempotency keys belong to."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Protocol

from cloudact.tenancy.names import OrgSlug

ADMINISTRATOR = "administrator"
PLATFORM = "system"
ANONYMOUS = "anonymous"


class Caller(Protocol):
    """Whose key a request was made with; `access.Caller` is one."""

    @property
    def organization(self) -> OrgSlug | None:
        """The organization whose key it is; None for the administrator."""

    @property
    def key_id(self) -> str | None:
        """The key, as `org_api_key_id` names it; None for the administrator's."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One caller in one request; without a `caller` it is whoever `named` says, such as a person at a terminal."""

    caller: Caller | None = None
    request_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    named: str = ANONYMOUS

    @property
    def name(self) -> str:
        """Who it is, in a word: `administrator`, an organization's slug, or what it was named."""
        if self.caller is None:
            return self.named
        return self.caller.organization or ADMINISTRATOR

    @property
    def organization(self) -> OrgSlug | None:
        """The organization that acts; None for anybody else."""
        return self.caller.organization if self.caller else None

    @property
    def key_id(self) -> str | None:
        """The organization's key that was used; None for anybody else."""
        return self.caller.key_id if self.caller else None

    @staticmethod
    def local(user: str | None = None) -> Actor:
        """Return the person who runs a command in this process, as the operating system knows them."""
        return Actor(named=user or _user())

    @staticmethod
    def system(name: str = PLATFORM) -> Actor:
        """Return what acts by itself, such as `pipeline system_bootstrap`."""
        return Actor(named=name)


# For scripts that call a use case themselves; a test finds a call of the service that leaves out who acts.
UNATTENDED = Actor.system()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
