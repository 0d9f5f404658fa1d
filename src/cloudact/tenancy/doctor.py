"""Whether everything is in place for the service to work: what is declared, the warehouse, the central dataset."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog
from cloudact.errors import CloudactError, NotBootstrapped
from cloudact.sealing.sealer import ManagedSealer
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.tenancy.sync import counted
from cloudact.warehouse.driver import Examination, Warehouse


class DiagnosisStatus(StrEnum):
    """Whether every examination passed."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every examination in the order in which to mend what failed, and their sum."""

    status: DiagnosisStatus
    examinations: list[Examination]
    message: str


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examines without changing anything."""

    catalogs: Declarations
    warehouse: Warehouse
    sealer: ManagedSealer
    platform: PlatformSecret

    def diagnose(self) -> Diagnosis:
        """Return what was found; what goes wrong on the way is a finding, and no error."""
        catalog, declared = self._declared()
        key = self._sealing_key()
        found = [declared, *self.warehouse.examine()]
        blocked = not all(item.passed for item in found)
        found.insert(1, key)
        if catalog and not blocked:
            found.append(self._central_dataset(catalog.central_dataset()))
            if key.passed and found[-1].passed:
                found.append(self._platform_secret())
        return _diagnosis(found, " The central dataset was not looked at." if catalog and blocked else "")

    def _declared(self) -> tuple[Catalog | None, Examination]:
        try:
            catalog, plans = self.catalogs.load(), self.catalogs.plans()
        except CloudactError as error:
            return None, Examination("catalog", passed=False, message=error.message, fix=error.hint)
        central, own = len(catalog.central.tables), len(catalog.organization.tables)
        message = f"{self.catalogs.root} declares {central} central tables, {own} for each organization, " + counted(
            len(plans), "plan"
        )
        return catalog, Examination("catalog", passed=True, message=message)

    def _sealing_key(self) -> Examination:
        try:
            return Examination("sealing_key", passed=True, message=self.sealer.check())
        except CloudactError as error:
            return Examination("sealing_key", passed=False, message=error.message, fix=error.hint)

    def _platform_secret(self) -> Examination:
        """Where the key is another warehouse's, it works, and opens nothing here."""
        try:
            stored = self.platform.stored()
            strange = self.platform.strange_keys() if stored else 0
        except CloudactError as error:
            return Examination("platform_secret", passed=False, message=error.message, fix=error.hint)
        if strange:
            message = f"{counted(strange, 'active API key')} cannot be recognized: another platform's secret made them"
            fix = "Restore that secret as docs/key-handling.md says, or make other keys with `cloudact key create`."
            return Examination("platform_secret", passed=False, message=message, fix=fix)
        message = "opens with the sealing key" if stored else "is made when it is first needed"
        return Examination("platform_secret", passed=True, message=f"the platform's secret {message}")

    def _central_dataset(self, declared: Dataset) -> Examination:
        name = declared.name
        try:
            live = self.warehouse.run(lambda session: session.inspect(name, among=()))
            if live is None:
                raise NotBootstrapped(name)
        except CloudactError as error:
            return Examination("central_dataset", passed=False, message=error.message, fix=error.hint)
        # A location that is not on record is no other location: the next sync records it.
        if live.location and live.location.casefold() != declared.location.casefold():
            message = f"{name} is in {live.location}, declared in {declared.location}"
            fix = "Declare the location it has, in CA_WAREHOUSE_URL or its config.yml; a dataset cannot be moved."
            return Examination("central_dataset", passed=False, message=message, fix=fix)
        where = f" in {live.location}" if live.location else ""
        return Examination("central_dataset", passed=True, message=f"{name} exists{where}")


def _diagnosis(found: list[Examination], remark: str) -> Diagnosis:
    failed = sum(not item.passed for item in found)
    if not failed:
        return Diagnosis(DiagnosisStatus.HEALTHY, found, "Everything is in place.")
    message = f"{counted(failed, 'examination')} of {len(found)} failed.{remark}"
    return Diagnosis(DiagnosisStatus.UNHEALTHY, found, message)
