"""What a processor may call: the use cases, over a warehouse that ends with the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cloudact.pipeline.cancellable import CancellableWarehouse
from cloudact.pipeline.processor import StepContext
from cloudact.tenancy.access.issuing import KeyIssuer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.bootstrap import Bootstrap
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.onboarding import Onboarding
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.recreation.recreations import Recreations
from cloudact.tenancy.store import NewId
from cloudact.tenancy.templates.dataset import Templates
from cloudact.warehouse.driver import Warehouse


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases of one step, and the warehouse itself for a processor that reads or writes rows."""

    bootstrap: Bootstrap
    organizations: Organizations
    onboarding: Onboarding
    templates: Templates
    recreations: Recreations
    warehouse: Warehouse
    trail: AuditTrail
    actor: Actor


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What every processor is made with."""

    catalogs: Declarations
    templates_dir: Path
    warehouse: Warehouse
    clock: Callable[[], datetime]
    new_id: NewId
    issuer: KeyIssuer
    recreation_allowed: bool
    trail: AuditTrail

    def within(self, context: StepContext) -> UseCases:
        """Return the use cases for a step; once it is cancelled they change nothing more."""
        warehouse = CancellableWarehouse(self.warehouse, context.cancellation)
        trail = self.trail.over(warehouse)
        return UseCases(
            bootstrap=Bootstrap(self.catalogs, warehouse, trail),
            organizations=Organizations(self.catalogs, warehouse, self.clock, self.new_id, trail),
            onboarding=Onboarding(self.catalogs, warehouse, self.clock, self.new_id, self.issuer, trail),
            templates=Templates(self.templates_dir, warehouse),
            recreations=Recreations(
                self.catalogs, self.templates_dir, warehouse, self.clock, self.recreation_allowed, trail
            ),
            warehouse=warehouse,
            trail=trail,
            actor=Actor.system(f"pipeline {context.pipeline_id}"),
        )
