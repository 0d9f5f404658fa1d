"""Organizations that need the same, brought in step in one unit of work, by one plan and the statements for all.

Only where a unit is a transaction: either all of them are in step after it, or none has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from cloudact.planning.policy import Policy
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.store import PROVISIONING, NewId, Store, declared_dataset
from cloudact.tenancy.sync import Applied, SyncResult, changes_made, plan_for, report
from cloudact.warehouse.driver import Session

# Is called at the end of a unit, with what it did to each.
Finish = Callable[[Session, Mapping[str, SyncResult]], None]
# How many organizations a unit is for: what it does once takes as long as sixteen of them.
UNIT = 200


@dataclass(frozen=True, slots=True)
class Together:
    """What every unit of one run has in common."""

    catalogs: Declarations
    trail: AuditTrail
    actor: Actor
    policy: Policy
    clock: Callable[[], datetime]
    new_id: NewId

    @staticmethod
    def of(organizations: Organizations, policy: Policy, actor: Actor) -> Together:
        """Return the units that do what a sync of each of these organizations does."""
        given = organizations
        return Together(given.catalogs, given.trail, actor, policy, given.clock, given.new_id)

    def sync(self, slugs: Sequence[str], finish: Finish) -> dict[str, SyncResult]:
        """Bring in step those that need what the first of them needs, and tell what was done to each.

        Whoever is left out has not been changed, and is to be synced alone. Raises what the warehouse met, and what
        `finish` raises, and then nobody has been changed.
        """

        def work(session: Session) -> dict[str, SyncResult]:
            results = self._sync(session, slugs)
            if results:
                finish(session, results)
            return results

        return self.trail.run(work)

    def _sync(self, session: Session, slugs: Sequence[str]) -> dict[str, SyncResult]:
        catalog = self.catalogs.load()
        store = Store(session, catalog.central_name, self.clock(), self.new_id)
        profiles = store.profiles_of(slugs)
        settled = [slug for slug in slugs if slug in profiles and profiles[slug].status != PROVISIONING]
        if not settled:
            return {}
        declared = {slug: declared_dataset(catalog, OrgSlug(slug), profiles[slug]) for slug in settled}
        plan = plan_for(session, declared[settled[0]], self.policy)
        if plan.actual is None or plan.conflicts or not plan.changes:
            return {}
        # What is declared depends on where it is, as views do that cannot be read from there.
        alike = [slug for slug in settled if declared[slug].location == declared[settled[0]].location]
        left = session.apply_alike(plan, [declared[slug] for slug in alike])
        done = [slug for slug in alike if declared[slug].name not in left]
        for slug in done:
            if catalog.organization.authorize_views and not catalog.unreadable_views(declared[slug].location):
                session.authorize(declared[slug].name, catalog.central_name)
        details = {**asdict(self.policy), **changes_made(plan.changes), "refused": []}
        events = [Event(Action.SYNC, ResourceType.ORGANIZATION, slug, OrgSlug(slug), details) for slug in done]
        if events:
            self.trail.record(session, self.actor, *events)
        return {slug: report(Applied(replace(plan, dataset=declared[slug].name), plan.changes)) for slug in done}
