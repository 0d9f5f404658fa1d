"""The JSON Schema of `exports/*.yml`, from the model that the loader reads it with."""

from __future__ import annotations

from cloudact.catalog.exports import ExportFile
from cloudact.catalog.json_schema.dialect import Meanings, Schema, model_schema

_MEANINGS: Meanings = {
    ExportFile: {
        "title": "The export's name as its provider writes it.",
        "table": "The table of the organization's dataset that it is loaded into.",
        "columns": "Export column to table column; without a value, the table column of the same name.",
        "maps": "Prefix of export columns to the JSON column that holds them, each under the rest of its name.",
        "others": "The JSON column that holds every export column without another home, under its whole name.",
    }
}


def exports_schema() -> Schema:
    """Return the JSON Schema of a file of `exports`."""
    return model_schema(ExportFile, "exports/{format}.yml: where the columns of a billing export land", _MEANINGS)
