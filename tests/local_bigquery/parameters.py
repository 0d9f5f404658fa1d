"""Query parameters that the emulator would change without a word."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tests.bigquery_fake.rules import Resource
from tests.local_bigquery.answers import not_modelled

_DIGITS_KEPT = 18


def check_parameters(parameters: list[Resource]) -> None:
    """Refuse a BIGNUMERIC with more digits after the point than the emulator keeps of the 38; it would round."""
    for parameter in parameters:
        for text in _exact_numbers(parameter["parameterType"], parameter.get("parameterValue") or {}):
            exponent = Decimal(text).normalize().as_tuple().exponent
            if isinstance(exponent, int) and -exponent > _DIGITS_KEPT:
                raise not_modelled(f"local-bigquery would round {text} to {_DIGITS_KEPT} digits after the point")


def _exact_numbers(kind: Resource, value: Resource) -> Iterator[str]:
    match kind["type"]:
        case "BIGNUMERIC" if value.get("value") is not None:
            yield value["value"]
        case "ARRAY":
            for item in value.get("arrayValues") or []:
                yield from _exact_numbers(kind["arrayType"], item)
        case "STRUCT":
            values = value.get("structValues") or {}
            for field in kind.get("structTypes") or []:
                yield from _exact_numbers(field["type"], values.get(field["name"]) or {})
