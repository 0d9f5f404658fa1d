"""Results of use cases as the details of a step."""

from __future__ import annotations

from pydantic_core import to_jsonable_python

from cloudact.pipeline.processor import JSON


def details_of(result: object) -> dict[str, JSON]:
    """Return a use case's result as JSON, field by field."""
    details: dict[str, JSON] = to_jsonable_python(result)
    return details
