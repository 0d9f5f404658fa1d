"""A pydantic model as a JSON Schema that accepts whatever the model accepts, in patterns that editors can run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

Schema = dict[str, Any]
# What a value of each key means, by model: editors show it.
Meanings = Mapping[type[BaseModel], Mapping[str, str]]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# In a model `\w` means every script, in an editor ASCII; so these name the ASCII characters that are none, capital
# letters included, and how many characters a label may have.
_PORTABLE = {
    r"^[\w-]*$": r"^[^\x00-,./:-\^`{-\x7f]{0,63}$",
    r"^[^\W\d_][\w-]*$": r"^[^\x00-`{-\x7f][^\x00-,./:-\^`{-\x7f]{0,62}$",
}


def text_of(schema: Schema) -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def any_case(*words: str) -> str:
    """Return a pattern for these words whatever their case; JSON Schema has no flag for that."""
    spelled = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word) for word in words)
    return f"^(?:{'|'.join(spelled)})$"


def model_schema(model: type[BaseModel], title: str, meanings: Meanings) -> Schema:
    """Return the schema of a file that is read as this model."""
    made = model.model_json_schema(schema_generator=_AsLaxAsTheModel)
    for described, texts in meanings.items():
        node = made if described is model else made["$defs"][described.__name__]
        for key, text in texts.items():
            node["properties"][key]["description"] = text
    return {"$schema": DRAFT, **made, "title": title}


class _AsLaxAsTheModel(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """A title that only repeats the key tells nobody anything."""
        return False

    def bool_schema(self, schema: core_schema.BoolSchema) -> Schema:  # noqa: ARG002 - pydantic's signature
        """The models read truth values from text and numbers as well."""
        words = any_case("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0")
        return {"type": ["boolean", "string", "number"], "pattern": words, "minimum": 0, "maximum": 1}

    def str_schema(self, schema: core_schema.StringSchema) -> Schema:
        """White space around a text is stripped before the text is judged."""
        made = super().str_schema(schema)
        if "pattern" in made:
            pattern = str(made["pattern"])
            made["pattern"] = rf"^\s*(?:{_PORTABLE.get(pattern, pattern)[1:-1]})\s*$"
        if longest := made.pop("maxLength", None):
            made["anyOf"] = [{"maxLength": longest}, {"pattern": r"^\s|\s$"}]
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        """One list of types reads better in an editor's message than a choice of two schemas."""
        inner = self.generate_inner(schema["schema"])
        if "type" not in inner or "enum" in inner:
            return {"anyOf": [inner, {"type": "null"}]}
        types = inner["type"] if isinstance(inner["type"], list) else [inner["type"]]
        return {**inner, "type": [*types, "null"]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """Editors write the default after a key that they complete, and nobody wants a null there."""
        made = super().default_schema(schema)
        return {key: value for key, value in made.items() if key != "default" or value is not None}
