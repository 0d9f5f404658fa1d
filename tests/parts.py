"""The parts that several use cases are made with, over any warehouse and with the tests' sealing key."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cloudact.sealing.sealer import ManagedSealer
from cloudact.sealing.uri import Surroundings, open_sealer
from cloudact.tenancy.access.cache import KeyCache
from cloudact.tenancy.access.issuing import KeyIssuer
from cloudact.tenancy.access.key_text import KeyDigests
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.audit.verification import Verifier
from cloudact.tenancy.bootstrap import Bootstrap
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.onboarding import Onboarding
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.warehouse.driver import Warehouse


@dataclass
class Parts:
    """What `wiring` makes once, for tests that make a use case by themselves."""

    catalogs: Declarations
    warehouse: Warehouse
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())

    @cached_property
    def sealer(self) -> ManagedSealer:
        """What seals secrets."""
        return open_sealer(os.environ["CA_SEALING_KEY_URI"], Surroundings(production=False))

    @cached_property
    def platform(self) -> PlatformSecret:
        """The platform's secret."""
        return PlatformSecret(self.catalogs, self.warehouse, self.sealer, self.clock)

    @cached_property
    def trail(self) -> AuditTrail:
        """The audit trail."""
        return AuditTrail(self.catalogs, self.warehouse, self.platform, self.clock, self.new_id)

    @cached_property
    def issuer(self) -> KeyIssuer:
        """What makes keys."""
        return KeyIssuer(KeyDigests(self.platform), self.sealer, KeyCache(0), self.new_id)

    @property
    def bootstrap(self) -> Bootstrap:
        """Use cases on the central dataset."""
        return Bootstrap(self.catalogs, self.warehouse, self.trail)

    @property
    def onboarding(self) -> Onboarding:
        """Use cases that bring organizations into being."""
        return Onboarding(self.catalogs, self.warehouse, self.clock, self.new_id, self.issuer, self.trail)

    @property
    def verifier(self) -> Verifier:
        """The use case that verifies the trail."""
        return Verifier(self.catalogs, self.warehouse, self.platform)
