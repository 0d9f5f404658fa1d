"""What commands ask for, wherever it is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from cloudact.cli.access.calls import KeyCalls
from cloudact.cli.accounts.calls import AccountCalls
from cloudact.cli.audit.calls import AuditCalls
from cloudact.cli.fleet.calls import FleetCalls
from cloudact.cli.hierarchy.calls import HierarchyCalls
from cloudact.cli.notifications.calls import ChannelCalls
from cloudact.cli.secrets.calls import SecretCalls
from cloudact.processors.files import names_a_file

Answer = dict[str, Any]


class Target(Protocol):
    """Every operation of the service, with answers as the service's JSON."""

    @property
    def keys(self) -> KeyCalls:
        """Operations on organizations' keys."""

    @property
    def audit(self) -> AuditCalls:
        """Operations on the audit trail."""

    @property
    def channels(self) -> ChannelCalls:
        """Operations on notification channels."""

    @property
    def secrets(self) -> SecretCalls:
        """Operations on the sealing key and on credentials."""

    @property
    def accounts(self) -> AccountCalls:
        """Operations on subscriptions, quotas, the life cycle, locales and labels."""

    @property
    def hierarchy(self) -> HierarchyCalls:
        """Operations on hierarchies."""

    @property
    def fleet(self) -> FleetCalls:
        """Operations on all organizations at once."""

    def doctor(self) -> Answer:
        """GET /api/v1/admin/doctor."""

    def bootstrap_run(self, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/admin/bootstrap."""

    def bootstrap_status(self) -> Answer:
        """GET /api/v1/admin/bootstrap/status."""

    def bootstrap_sync(self, flags: Mapping[str, bool]) -> Answer:
        """POST /api/v1/admin/bootstrap/sync."""

    def org_dryrun(self, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/organizations/dryrun."""

    def org_onboard(self, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/organizations/onboard."""

    def org_status(self, slug: str) -> Answer:
        """GET /api/v1/organizations/{org_slug}/status."""

    def org_sync(self, slug: str, flags: Mapping[str, bool]) -> Answer:
        """POST /api/v1/organizations/{org_slug}/sync."""

    def org_list(self, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/organizations."""

    def declaration(self, dataset: str, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/admin/datasets/{dataset}/declaration."""

    def pipeline_run(self, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/admin/pipelines/run; `pipeline` is an id, or a path as the command's user sees it."""

    def pipelines_available(self) -> Answer:
        """GET /api/v1/admin/pipelines."""

    def pipeline_runs(self, query: Mapping[str, Any]) -> Answer:
        """GET /api/v1/admin/pipelines/runs."""

    def pipeline_show(self, run_id: str) -> Answer:
        """GET /api/v1/admin/pipelines/runs/{run_id}."""

    def recreate(self, dataset: str, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/admin/datasets/{dataset}/recreate."""

    def backup_list(self, dataset: str | None) -> Answer:
        """GET /api/v1/admin/backups."""

    def backup_create(self, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/admin/backups."""

    def backup_restore(self, backup: str, name: str) -> Answer:
        """POST /api/v1/admin/backups/{backup}/restore."""


def is_pipeline_file(pipeline: str) -> bool:
    """Tell whether a pipeline is told by its file, and not by its id."""
    return names_a_file(pipeline) or Path(pipeline).is_file()
