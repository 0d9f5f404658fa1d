"""Use cases on an organization's notification channels: made, replaced, deactivated; nothing is sent through one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from cloudact.sealing.sealer import Sealer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.checks import failed, require
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.notifications.channel import Channel, ChannelPage, ChannelType, NewChannel
from cloudact.tenancy.notifications.channel_rows import ChannelRows, channel_of
from cloudact.tenancy.secrets.own_rows import OwnUnits, Record
from cloudact.tenancy.store import NewId
from cloudact.warehouse.driver import Warehouse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Channels:
    """Use cases on channels; no answer holds a secret. Each raises OrganizationNotFound and OnboardingUnfinished."""

    catalogs: Declarations
    warehouse: Warehouse
    sealer: Sealer
    clock: Callable[[], datetime]
    new_id: NewId
    trail: AuditTrail

    def create(self, slug: OrgSlug, new: NewChannel, *, actor: Actor, operation: Operation | None = None) -> Channel:
        """Add a channel; as the default of its type it takes the place of the one before.

        Another attempt at the same `operation` answers the same channel.
        """
        new.check(stored=False)
        now, channel_id = self.clock(), operation.id_for("channel") if operation else self.new_id()
        with self.trail.attempt(actor, _event(Action.CREATE, slug, new.channel_type, None, name=new.name)):
            # An organization that is not there costs no sealed value, nor a request to Cloud KMS.
            self._read(slug, lambda _rows: None)
            row = {
                "channel_id": channel_id,
                "org_slug": str(slug),
                "channel_type": new.channel_type.value,
                "is_active": True,
                **new.columns(),
                **self._sealed(slug, channel_id, new),
                "created_at": now,
                "created_by": actor.name,
            }

            def work(rows: ChannelRows, record: Record) -> Channel:
                made = rows.any_of(channel_id)
                if made is None:
                    record(_event(Action.CREATE, slug, new.channel_type, channel_id, name=new.name))
                    _make_way(rows, new, channel_id, now)
                    rows.insert(row)
                return channel_of(made or row)

            return self._write(slug, actor, work)

    def page(
        self,
        slug: OrgSlug,
        channel_type: ChannelType | None = None,
        *,
        inactive: bool = False,
        limit: int,
        offset: int,
    ) -> ChannelPage:
        """Return one page of the organization's channels; those that are not active if asked to."""
        found, total = self._read(slug, lambda rows: rows.page(channel_type, limit, offset, inactive=inactive))
        return ChannelPage(found, total, limit, offset)

    def show(self, slug: OrgSlug, channel_id: str) -> Channel:
        """Return an active channel; raises ChannelNotFound."""
        return channel_of(self._read(slug, lambda rows: rows.active(channel_id)))

    def replace(self, slug: OrgSlug, channel_id: str, new: NewChannel, *, actor: Actor) -> Channel:
        """Set everything of an active channel but its type; secrets that are not given stay. Raises ChannelNotFound."""
        new.check(stored=True)
        now = self.clock()
        with self.trail.attempt(actor, _event(Action.UPDATE, slug, new.channel_type, channel_id)):
            _require_type(self._read(slug, lambda rows: rows.active(channel_id)), new)
            values = {**new.columns(), **self._sealed(slug, channel_id, new)}

            def work(rows: ChannelRows, record: Record) -> Channel:
                found = rows.active(channel_id)
                changed = sorted(name for name, value in values.items() if _differs(found, name, value))
                record(_event(Action.UPDATE, slug, new.channel_type, channel_id, name=new.name, changed=changed))
                _make_way(rows, new, channel_id, now)
                return channel_of(rows.change(found, values, now))

            return self._write(slug, actor, work)

    def deactivate(self, slug: OrgSlug, channel_id: str, *, actor: Actor) -> Channel:
        """Take a channel out of use for good; its row stays, sealed. Raises ChannelNotFound."""
        now = self.clock()

        def work(rows: ChannelRows, record: Record) -> Channel:
            found = rows.active(channel_id)
            record(_event(Action.DELETE, slug, found["channel_type"], channel_id, name=found["name"]))
            return channel_of(rows.change(found, {"is_active": False, "is_default": False}, now))

        with self.trail.attempt(actor, _event(Action.DELETE, slug, None, channel_id)):
            return self._write(slug, actor, work)

    def _sealed(self, slug: OrgSlug, channel_id: str, new: NewChannel) -> dict[str, object]:
        return {
            column.column: None
            if secret is None
            else column.to_column(self.sealer.seal(secret.encode(), column.context(slug, channel_id)))
            for column, secret in new.secrets().items()
        }

    def _read(self, slug: OrgSlug, work: Callable[[ChannelRows], T]) -> T:
        return self._units.read(slug, lambda session, dataset: work(ChannelRows.of(session, dataset, slug)))

    def _write(self, slug: OrgSlug, actor: Actor, work: Callable[[ChannelRows, Record], T]) -> T:
        return self._units.write(
            slug, actor, lambda session, dataset, record: work(ChannelRows.of(session, dataset, slug), record)
        )

    @property
    def _units(self) -> OwnUnits:
        return OwnUnits(self.catalogs, self.warehouse, self.trail)


def _make_way(rows: ChannelRows, new: NewChannel, channel_id: str, now: datetime) -> None:
    """End the default of before, for a channel that is to be it; after recording, so that it is still that one."""
    others = rows.defaults(new.channel_type) if new.is_default else []
    for row in others:
        if row["channel_id"] != channel_id:
            rows.change(row, {"is_default": False}, now)


def _differs(found: Mapping[str, Any], name: str, value: object) -> bool:
    """A sealed value differs from every other; a list that is empty is NULL in some warehouses."""
    return name not in found or (found[name] or None) != (value or None)


def _require_type(found: Mapping[str, Any], new: NewChannel) -> None:
    if found["channel_type"] != new.channel_type:
        what = f"is {found['channel_type']} for good; make another channel for {new.channel_type}"
        require([failed("channel_type", what)])


def _event(action: Action, slug: OrgSlug, channel_type: str | None, channel_id: str | None, **details: object) -> Event:
    about = {"channel_type": channel_type, **details} if channel_type else details
    return Event(action, ResourceType.NOTIFICATION, channel_id, organization=slug, details=about)
