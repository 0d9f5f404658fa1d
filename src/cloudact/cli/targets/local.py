"""Commands that are carried out in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from cloudact.cli.access.calls import LocalKeyCalls
from cloudact.cli.accounts.calls import LocalAccountCalls
from cloudact.cli.audit.calls import LocalAuditCalls
from cloudact.cli.fleet.calls import LocalFleetCalls
from cloudact.cli.hierarchy.calls import LocalHierarchyCalls
from cloudact.cli.notifications.calls import LocalChannelCalls
from cloudact.cli.secrets.calls import LocalSecretCalls
from cloudact.cli.targets.target import Answer, is_pipeline_file
from cloudact.pipeline.cancellation import Cancellation, cancelled_by_signals
from cloudact.planning.policy import Policy
from cloudact.processors.pipelines import RunRequest, answer_of, listing_of
from cloudact.processors.runs import RunFilter
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.recreation.force import Force, bootstrap
from cloudact.tenancy.recreation.results import Recreation
from cloudact.tenancy.store import ProfileFilter
from cloudact.wiring import Services


class LocalTarget:
    """Carries commands out in this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.keys = LocalKeyCalls(services)
        self.audit = LocalAuditCalls(services)
        self.secrets = LocalSecretCalls(services)
        self.channels = LocalChannelCalls(services)
        self.hierarchy = LocalHierarchyCalls(services)
        self.accounts = LocalAccountCalls(services)
        self.fleet = LocalFleetCalls(services)

    def doctor(self) -> Answer:
        """See `Target`."""
        return _plain(self._services.doctor.diagnose())

    def bootstrap_run(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        force = Force(
            *(fields[name] for name in ("force_recreate_dataset", "force_recreate_tables", "confirm_dataset"))
        )
        return _plain(bootstrap(self._services.bootstrap, self._services.recreations, force, actor=Actor.local()))

    def bootstrap_status(self) -> Answer:
        """See `Target`."""
        return _plain(self._services.bootstrap.status())

    def bootstrap_sync(self, flags: Mapping[str, bool]) -> Answer:
        """See `Target`."""
        return _plain(self._services.bootstrap.sync(Policy(**flags), actor=Actor.local()))

    def org_dryrun(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return _plain(self._services.onboarding.dry_run(_request(fields)))

    def org_onboard(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return _plain(self._services.onboarding.onboard(_request(fields), actor=Actor.local()))

    def org_status(self, slug: str) -> Answer:
        """See `Target`."""
        return _plain(self._services.organizations.status(OrgSlug(slug)))

    def org_sync(self, slug: str, flags: Mapping[str, bool]) -> Answer:
        """See `Target`."""
        return _plain(self._services.organizations.sync(OrgSlug(slug), Policy(**flags), actor=Actor.local()))

    def org_list(self, query: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        wanted = {name: query.get(name) for name in ("status", "subscription_plan", "search")}
        how = {name: query[name] for name in ("limit", "offset", "with_sync_status")}
        return _plain(self._services.organizations.page(ProfileFilter(**wanted), **how))

    def declaration(self, dataset: str, query: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return _plain(self._services.pull.declaration(dataset, **query))

    def pipeline_run(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`; Ctrl-C and SIGTERM end the run, and leave a record of it."""
        name = fields["pipeline"]
        path = Path(name) if is_pipeline_file(name) else self._services.pipelines.named(name)
        request = RunRequest(path, fields["tenant_id"], fields["variables"], fields["dry_run"], actor=Actor.local())
        cancellation = Cancellation()
        with cancelled_by_signals(cancellation):
            return _plain(answer_of(self._services.pipelines.run(request, cancellation)))

    def pipelines_available(self) -> Answer:
        """See `Target`."""
        return listing_of(self._services.pipelines.listed())

    def pipeline_runs(self, query: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        wanted = RunFilter(**{name: query[name] for name in ("org_slug", "pipeline_id", "status")})
        return _plain(self._services.runs.page(wanted, limit=query["limit"], offset=query["offset"]))

    def pipeline_show(self, run_id: str) -> Answer:
        """See `Target`."""
        return _plain(self._services.runs.show(run_id))

    def recreate(self, dataset: str, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        recreations = self._services.recreations
        recreation = Recreation(fields["mode"], tuple(fields["tables"]), fields["confirm"], fields["reason"])
        desired = recreations.declared(dataset)
        if fields["dry_run"]:
            return _plain(recreations.plan(desired, recreation))
        return _plain(recreations.run(desired, recreation, actor=Actor.local()))

    def backup_list(self, dataset: str | None) -> Answer:
        """See `Target`."""
        return _plain({"backups": self._services.backups.list(dataset)})

    def backup_create(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        made = self._services.backups.create(
            fields["dataset"], fields["tables"], reason=fields["reason"], actor=Actor.local()
        )
        return _plain(made)

    def backup_restore(self, backup: str, name: str) -> Answer:
        """See `Target`."""
        return _plain(self._services.backups.restore(backup, name, actor=Actor.local()))


def _request(fields: Mapping[str, Any]) -> OnboardingRequest:
    return OnboardingRequest(**fields, given=frozenset(fields))


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
