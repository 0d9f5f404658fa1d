"""What labels of an organization may be: what BigQuery allows, in ASCII, and no name that means its profile already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MAX_LABELS = 64
# Fields of a profile by the names under which selectors know them.
PROFILE_FIELDS: Mapping[str, str] = {
    "status": "status",
    "location": "dataset_location",
    "country": "default_country",
    "currency": "default_currency",
    "language": "default_language",
    "timezone": "default_timezone",
}
KEY_RULE = "a key is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter"
VALUE_RULE = "a value is at most 63 of a-z, 0-9, _ and -"
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def is_key(text: str) -> bool:
    """Tell whether a label could have this key, were it not taken."""
    return _KEY.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """Tell whether a label could have this value."""
    return _VALUE.fullmatch(text) is not None


def label_problems(labels: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with each of these labels."""
    if len(labels) > MAX_LABELS:
        yield f"has {len(labels)} labels; at most {MAX_LABELS} are allowed"
        return
    for key, value in labels.items():
        if key in PROFILE_FIELDS:
            yield (
                f"{key!r} cannot be the key of a label: it means the profile's {PROFILE_FIELDS[key]}, as "
                f"{', '.join(PROFILE_FIELDS)} mean fields of it; any other key can be, and {KEY_RULE}"
            )
        elif not is_key(key):
            yield f"{key!r} cannot be the key of a label; {KEY_RULE}"
        if not is_value(value):
            yield f"{value!r} cannot be the value of the label {key!r}; {VALUE_RULE}"
