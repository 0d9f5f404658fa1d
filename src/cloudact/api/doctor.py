"""`/api/v1/admin/doctor`: whether everything is in place."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cloudact.api.auth import administrator_router
from cloudact.api.services import ServicesDep
from cloudact.tenancy.doctor import DiagnosisStatus

router = administrator_router("/api/v1/admin/doctor", "doctor")


class ExaminationResponse(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["permissions"])
    passed: bool
    message: str = Field(description="What was found.", examples=["missing: bigquery.jobs.create"])
    fix: str = Field(description="What to do about it; empty when it passed.")


class DiagnosisResponse(BaseModel):
    """Everything that was looked at, in the order in which to mend what failed."""

    model_config = ConfigDict(from_attributes=True)

    status: DiagnosisStatus = Field(description="HEALTHY when every examination passed.")
    examinations: list[ExaminationResponse]
    message: str = Field(examples=["Everything is in place."])


@router.get("", summary="Examine whether everything is in place")
def diagnose(services: ServicesDep) -> DiagnosisResponse:
    """Look at the declared files, the warehouse and the central dataset, without changing anything."""
    return DiagnosisResponse.model_validate(services.doctor.diagnose())
