"""`/api/v1/admin/datasets`: the declaration of what exists."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloudact.api.auth import administrator_router
from cloudact.api.errors import problem_responses
from cloudact.api.services import ServicesDep

router = administrator_router("/api/v1/admin/datasets", "datasets")

DatasetPath = Annotated[str, Path(description="Any dataset of the warehouse.", examples=["acme_corp_prod"])]
SlugQuery = Annotated[
    str | None,
    Query(description="The organization whose slug is in the dataset's name, when none has it on record."),
]
SkipQuery = Annotated[bool, Query(description="Leave out what no catalog can declare, and say so in `notes`.")]


class DeclarationResponse(BaseModel):
    """The files that declare a live dataset."""

    model_config = ConfigDict(from_attributes=True)

    dataset: str = Field(examples=["acme_corp_prod"])
    org_slug: str | None = Field(description="Whose it is; null for the central dataset and for nobody's.")
    files: dict[str, str] = Field(
        description="Text by path: config.yml, and the schema and view files that it names.",
        examples=[{"config.yml": 'dataset: "{org_slug}_prod"\n...'}],
    )
    notes: list[str] = Field(description="What was left out, what the warehouse keeps undeclared, and what to look at.")


@router.get("/{dataset}/declaration", summary="Declare a dataset as it is", responses=problem_responses(404, 409))
def declaration(
    services: ServicesDep, dataset: DatasetPath, org_slug: SlugQuery = None, *, skip_unsupported: SkipQuery = False
) -> DeclarationResponse:
    """Answer the catalog files that a live dataset would be made from, without changing anything."""
    found = services.pull.declaration(dataset, org_slug=org_slug, skip_unsupported=skip_unsupported)
    return DeclarationResponse.model_validate(found)
