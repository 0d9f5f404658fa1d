"""What BigQuery refuses, as pure functions over resources of its REST API (v2), with the number of the rule.

Every function takes and returns plain dictionaries, never changes its arguments, and raises Refusal. What comes back is
normalized as the service answers it: INTEGER, FLOAT, BOOLEAN and RECORD for types, a mode on every field, text for
64-bit numbers. `current` arguments must be such an answer, and keep their output-only keys.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

Resource = dict[str, Any]

MAX_MATERIALIZED_VIEWS_PER_BASE = 100
MAX_AUTHORIZED = 2_500

_ALIASES = {
    "INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD", "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}  # fmt: skip
_CLUSTERABLE = {
    "BIGNUMERIC", "BOOLEAN", "DATE", "DATETIME", "GEOGRAPHY", "INTEGER", "NUMERIC", "RANGE", "STRING", "TIMESTAMP",
}  # fmt: skip
_TYPES = _CLUSTERABLE | {"BYTES", "FLOAT", "INTERVAL", "JSON", "RECORD", "TIME"}
_WIDENINGS = {"INTEGER": {"NUMERIC", "BIGNUMERIC", "FLOAT"}, "NUMERIC": {"BIGNUMERIC", "FLOAT"}}
_DECIMAL_LIMITS = {"NUMERIC": (9, 29), "BIGNUMERIC": (38, 38)}  # most digits after and before the point
_INT64_DIGITS = 19
_OWNERS = {
    "precision": _DECIMAL_LIMITS, "scale": _DECIMAL_LIMITS, "roundingMode": _DECIMAL_LIMITS,
    "maxLength": ("STRING", "BYTES"), "collation": ("STRING",), "rangeElementType": ("RANGE",),
    "timestampPrecision": ("TIMESTAMP",),
}  # fmt: skip
_TYPE_KEYS = ("type", "precision", "scale", "maxLength", "rangeElementType", "timestampPrecision", "collation")
_RESERVED_PREFIXES = (
    "_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier", "_change_sequence_number",
    "_change_type", "_change_timestamp",
)  # fmt: skip
_FORBIDDEN_IN_COLUMN = re.compile(r"[!\"$()*,./;?@\[\\\]^`{}~\x00-\x1f]")
_STALENESS = re.compile(r"(\d+)-(\d+) (\d+) (\d+):(\d+):(\d+)")
_STALENESS_SECONDS = (31_104_000, 2_592_000, 86_400, 3_600, 60, 1)

_OUTPUT_ONLY = re.compile(r"num[A-Z]\w*|creationTime|etag|id|kind|lastModifiedTime|selfLink|streamingBuffer|type")
_SHARED_KEYS = {"description", "expirationTime", "friendlyName", "labels", "location", "tableReference"}
_LAID_OUT_KEYS = _SHARED_KEYS | {"clustering", "rangePartitioning", "timePartitioning"}
_KEYS_OF = {
    "TABLE": _LAID_OUT_KEYS | {"defaultCollation", "defaultRoundingMode", "requirePartitionFilter", "schema"},
    "VIEW": _SHARED_KEYS | {"view"},
    "MATERIALIZED_VIEW": _LAID_OUT_KEYS | {"materializedView", "maxStaleness"},
}
_DATASET_KEYS = {
    "access", "datasetReference", "defaultCollation", "defaultPartitionExpirationMs", "defaultRoundingMode",
    "defaultTableExpirationMs", "description", "friendlyName", "isCaseInsensitive", "labels", "location",
    "maxTimeTravelHours", "storageBillingModel",
}  # fmt: skip
_FIELD_KEYS = {
    *_TYPE_KEYS, "dataPolicies", "defaultValueExpression", "description", "fields", "mode", "name", "policyTags",
    "roundingMode",
}  # fmt: skip


class Refusal(Exception):
    """BigQuery would answer `status` with this `reason`; `rule` is a rule's number, or the group of its limit."""

    def __init__(self, message: str, *, rule: str, status: int = 400, reason: str = "invalid") -> None:
        super().__init__(f"{message} (rule {rule})")
        self.message = f"{message} (rule {rule})"
        self.rule = rule
        self.status = status
        self.reason = reason


def new_dataset(resource: Resource) -> None:
    """Check a resource given to datasets.insert."""
    _known_keys(resource, _DATASET_KEYS, "a dataset")
    name = resource.get("datasetReference", {}).get("datasetId", "")
    if not re.fullmatch(r"[A-Za-z0-9_]{1,1024}", name):
        raise Refusal(f"Dataset id {name!r} is not 1 to 1,024 letters, digits and underscores", rule="numbers")
    _check_dataset(resource)


def patched_dataset(current: Resource, patch: Resource) -> Resource:
    """Return the dataset as datasets.patch leaves it: objects are merged, null deletes, lists are replaced."""
    _known_keys(patch, _DATASET_KEYS, "a dataset")
    wanted = _merged(current, _without_output(patch))
    _same_reference(current, wanted, "datasetReference")
    if str(wanted.get("location", "")).casefold() != str(current.get("location", "")).casefold():
        raise Refusal("The location of a dataset is fixed when it is made", rule="numbers")
    _check_dataset(wanted)
    return wanted


def new_table(resource: Resource, *, dataset: Resource) -> Resource:
    """Return the table, view or materialized view that tables.insert makes of `resource` in `dataset`."""
    kind = _kind(resource)
    _known_keys(resource, _KEYS_OF[kind], f"a {kind}")
    reference, parent = resource.get("tableReference", {}), dataset["datasetReference"]
    if (reference.get("projectId"), reference.get("datasetId")) != (parent["projectId"], parent["datasetId"]):
        raise Refusal(f"tableReference {reference} is not in dataset {parent}", rule="numbers")
    _check_table_name(str(reference.get("tableId", "")))
    made = _merged({}, _without_output(resource)) | {"type": kind, "location": dataset.get("location", "US")}
    if "schema" in made:
        made["schema"] = {"fields": [_normal_field(item) for item in made["schema"].get("fields", [])]}
    inherited = dataset.get("defaultPartitionExpirationMs")
    if inherited and "timePartitioning" in made:
        made["timePartitioning"].setdefault("expirationMs", inherited)
    return _checked(made)


def patched(current: Resource, patch: Resource) -> Resource:
    """Return the resource as tables.patch leaves it: objects are merged, null deletes, lists of fields are compared."""
    kind = current["type"]
    if kind not in _KEYS_OF:
        raise Refusal(f"A {kind} is not modelled", rule="numbers", status=501, reason="notImplemented")
    _known_keys(patch, _KEYS_OF[kind], f"a {kind}")
    wanted = _merged(current, _without_output(patch) | {"location": current["location"]})
    _same_reference(current, wanted, "tableReference")
    if "schema" in patch:
        fields = [_normal_field(item) for item in (patch["schema"] or {}).get("fields", [])]
        wanted["schema"] = {"fields": _evolved(_fields(current), fields)}
    checked = _checked(wanted)
    _same_partitioning(current, checked)
    if kind == "MATERIALIZED_VIEW":
        _same_definition(current, checked)
    return checked


def set_data_type(current: Resource, column: str, field: Resource) -> Resource:
    """Return the table after ALTER COLUMN SET DATA TYPE; `field` has the new type's keys, its name does not count."""
    old = _column_for_ddl(current, column)
    new = _normal_field({"mode": old["mode"], **field, "name": old["name"]})
    if new["mode"] != old["mode"]:
        raise Refusal(f"SET DATA TYPE of {column} would change its mode", rule="14", reason="invalidQuery")
    if not _widens(old, new):
        message = f"Column {column} cannot change from {_type_text(old)} to {_type_text(new)}"
        raise Refusal(message, rule="15" if new["type"] == old["type"] else "16", reason="invalidQuery")
    layout = [_partition_field(current) or "", *current.get("clustering", {}).get("fields", [])]
    if column.casefold() in {name.casefold() for name in layout} and _differs(old, new):
        message = f"Column {column} partitions or clusters the table, so its type is fixed"
        raise Refusal(message, rule="15", reason="invalidQuery")
    kept = {key: value for key, value in old.items() if key not in _TYPE_KEYS}
    return _with_column(current, kept | {key: new[key] for key in _TYPE_KEYS if key in new})


def dropped_not_null(current: Resource, column: str) -> Resource:
    """Return the table after ALTER COLUMN DROP NOT NULL."""
    old = _column_for_ddl(current, column)
    if old["mode"] != "REQUIRED":
        raise Refusal(f"Column {column} has no NOT NULL constraint", rule="13", reason="invalidQuery")
    return _with_column(current, old | {"mode": "NULLABLE"})


def _known_keys(resource: Resource, known: Iterable[str], what: str) -> None:
    if unknown := sorted(key for key in set(resource) - set(known) if not _OUTPUT_ONLY.fullmatch(key)):
        raise Refusal(f"Unknown name {', '.join(unknown)} in {what}", rule="numbers")


def _without_output(resource: Resource) -> Resource:
    return {key: value for key, value in resource.items() if not _OUTPUT_ONLY.fullmatch(key)}


def _merged(current: Resource, patch: Resource) -> Resource:
    """Merge as a REST PATCH does, leaving out what the patch sets to null."""
    merged = {key: value for key, value in current.items() if patch.get(key, value) is not None}
    for key, value in patch.items():
        if isinstance(value, dict):
            merged[key] = _merged(merged.get(key, {}), value)
        elif value is not None:
            merged[key] = value
    return merged


def _same_reference(current: Resource, wanted: Resource, key: str) -> None:
    if wanted[key] != current[key]:
        raise Refusal(f"A patch cannot change {key}", rule="numbers")


def _check_dataset(resource: Resource) -> None:
    _check_text(resource)
    hours = resource.get("maxTimeTravelHours")
    if hours is not None and (_number(hours, "maxTimeTravelHours") % 24 or not 48 <= int(hours) <= 168):
        raise Refusal(f"maxTimeTravelHours {hours} is not a number of days from 48 to 168 hours", rule="31")
    expiration = resource.get("defaultTableExpirationMs")
    if expiration is not None and _number(expiration, "defaultTableExpirationMs") < 3_600_000:
        raise Refusal("defaultTableExpirationMs is less than an hour", rule="numbers")
    granted = [entry for entry in resource.get("access", []) if {"view", "dataset", "routine"} & set(entry)]
    if len(granted) > MAX_AUTHORIZED:
        raise Refusal(f"{len(granted)} authorized resources; {MAX_AUTHORIZED} are the limit", rule="23")


def _check_text(resource: Resource) -> None:
    if len(resource.get("description", "")) > 16_384:
        raise Refusal("The description is longer than 16,384 characters", rule="numbers")
    labels = resource.get("labels", {})
    if len(labels) > 64:
        raise Refusal(f"{len(labels)} labels; 64 are the limit", rule="numbers")
    for key, value in labels.items():
        well_formed = (re.fullmatch(r"[\w-]{0,63}", text) and text == text.lower() for text in (key, value))
        if not (key[:1].isalpha() and all(well_formed)):
            message = f"Label {key!r}: {value!r} is not lower case, at most 63 characters, its key after a letter"
            raise Refusal(message, rule="numbers")


def _number(value: object, what: str) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise Refusal(f"{what} is {value!r}, not a whole number", rule="numbers")
    return int(str(value))


def _kind(resource: Resource) -> str:
    if resource.get("view"):
        return "VIEW"
    return "MATERIALIZED_VIEW" if resource.get("materializedView") else "TABLE"


def _check_table_name(name: str) -> None:
    categories = {unicodedata.category(character) for character in name}
    if not name or any(item[0] not in "LMN" and item not in {"Pc", "Pd", "Zs"} for item in categories):
        raise Refusal(f"Table id {name!r} holds more than letters, marks, digits, dashes and spaces", rule="numbers")
    if len(name.encode()) > 1_024:
        raise Refusal("A table id has at most 1,024 bytes", rule="numbers")


def _checked(resource: Resource) -> Resource:
    """Return the whole resource with its numbers as text, after every check that needs no earlier state."""
    made = dict(resource)
    _check_text(made)
    if "expirationTime" in made:
        made["expirationTime"] = str(_number(made["expirationTime"], "expirationTime"))
    fields = _fields(made)
    if made["type"] == "TABLE":
        _check_columns(fields)
        _check_partitioning(made, fields)
    elif made["type"] == "VIEW":
        made["view"] = _checked_view(made["view"])
    else:
        made["materializedView"] = _checked_materialized_view(made)
    for key in ("timePartitioning", "rangePartitioning"):
        if key in made:
            made[key] = _partitioning_as_answered(made, key)
    _check_clustering(made, fields if made["type"] == "TABLE" else None)
    return made


def _normal_field(raw: Resource) -> Resource:
    name = str(raw.get("name", ""))
    _known_keys(raw, _FIELD_KEYS, f"column {name}")
    given = str(raw.get("type", "")).upper()
    field = {key: value for key, value in raw.items() if value is not None and (key, value) != ("fields", [])} | {
        "type": _ALIASES.get(given, given),
        "mode": str(raw.get("mode") or "NULLABLE").upper(),
    }
    if field["type"] not in _TYPES or field["mode"] not in {"NULLABLE", "REQUIRED", "REPEATED"}:
        raise Refusal(f"Column {name} is {raw.get('mode')!r} {raw.get('type')!r}", rule="numbers")
    if ("fields" in field) != (field["type"] == "RECORD"):
        raise Refusal(f"Column {name} is {field['type']}: a RECORD has fields, and nothing else has", rule="numbers")
    for key in ("precision", "scale", "maxLength", "timestampPrecision"):
        if key in field:
            field[key] = str(_number(field[key], f"{key} of column {name}"))
    if "fields" in field:
        field["fields"] = [_normal_field(item) for item in field["fields"]]
    _check_type_parameters(field)
    return field


def _check_type_parameters(field: Resource) -> None:
    name, kind = field["name"], field["type"]
    for key, kinds in _OWNERS.items():
        if key in field and kind not in kinds:
            raise Refusal(f"Column {name} is {kind} and has {key}", rule="numbers")
    if "scale" in field and "precision" not in field:
        raise Refusal(f"Column {name} has a scale without a precision", rule="numbers")
    if "precision" in field:
        precision, scale = int(field["precision"]), int(field.get("scale", 0))
        after, before = _DECIMAL_LIMITS[kind]
        if not (0 <= scale <= after and max(1, scale) <= precision <= scale + before):
            raise Refusal(f"Column {name} cannot be {kind}({precision}, {scale})", rule="numbers")
    if int(field.get("maxLength", 1)) < 1 or field.get("timestampPrecision", "6") not in {"6", "12"}:
        raise Refusal(f"Column {name} has a maxLength or timestampPrecision out of range", rule="numbers")
    if kind == "RANGE" and field.get("rangeElementType", {}).get("type") not in {"DATE", "DATETIME", "TIMESTAMP"}:
        raise Refusal(f"Column {name} is a RANGE of no DATE, DATETIME or TIMESTAMP", rule="numbers")


def _walk(fields: list[Resource], depth: int = 0) -> Iterator[tuple[int, Resource]]:
    """Yield every field with the number of RECORDs around it."""
    for field in fields:
        yield depth, field
        yield from _walk(field.get("fields", []), depth + 1)


def _check_columns(fields: list[Resource]) -> None:
    _check_duplicates([field["name"] for field in fields])
    count = 0
    for depth, field in _walk(fields):
        count, name = count + 1, field["name"]
        if not 1 <= len(name) <= 300 or _FORBIDDEN_IN_COLUMN.search(name):
            raise Refusal(
                f"Column name {name[:80]!r} has no or over 300 characters, or one not allowed", rule="numbers"
            )
        if name.casefold().startswith(_RESERVED_PREFIXES):
            raise Refusal(f"Column name {name} begins with a reserved prefix", rule="numbers")
        _check_duplicates([item["name"] for item in field.get("fields", [])])
        if depth >= 15 and field["type"] == "RECORD":
            raise Refusal(f"RECORD {name} is nested more than 15 deep", rule="numbers")
        if len(field.get("description", "")) > 1_024:
            raise Refusal(f"Column {name} has a description over 1,024 characters", rule="numbers")
        if depth and "defaultValueExpression" in field:
            raise Refusal(f"Field {name} inside a RECORD has a default value", rule="numbers")
    if count > 10_000:
        raise Refusal(f"{count} columns, nested ones counted; 10,000 are the limit", rule="numbers")


def _check_duplicates(names: list[str]) -> None:
    counts = Counter(name.casefold() for name in names)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise Refusal(f"Column {', '.join(twice)} is there twice, case does not count", rule="numbers")


def _fields(resource: Resource) -> list[Resource]:
    return list(resource.get("schema", {}).get("fields", []))


def _named(fields: list[Resource], name: str) -> Resource | None:
    return next((field for field in fields if field["name"].casefold() == name.casefold()), None)


def _check_partitioning(resource: Resource, fields: list[Resource]) -> None:
    by_time, by_range = resource.get("timePartitioning"), resource.get("rangePartitioning")
    if by_time and by_range:
        raise Refusal("A table is partitioned by time or by range, not both", rule="partitioning")
    if resource.get("requirePartitionFilter") and not (by_time or by_range):
        raise Refusal("requirePartitionFilter is for partitioned tables", rule="partitioning")
    name = _partition_field(resource)
    if name is None:
        return
    column = _named(fields, name)
    allowed = {"DATE", "DATETIME", "TIMESTAMP"} if by_time else {"INTEGER"}
    if column is None or column["type"] not in allowed or column["mode"] == "REPEATED":
        message = f"Partition column {name} is not a top-level, single column of type {', '.join(sorted(allowed))}"
        raise Refusal(message, rule="partitioning")
    if by_time and by_time.get("type") == "HOUR" and column["type"] == "DATE":
        raise Refusal(f"Partition column {name} is a DATE, which has no hours", rule="partitioning")


def _partition_field(resource: Resource) -> str | None:
    layout = resource.get("timePartitioning") or resource.get("rangePartitioning") or {}
    name: str | None = layout.get("field")
    return name


def _partitioning_as_answered(resource: Resource, key: str) -> Resource:
    """Check what needs no column, and return the layout with its numbers as text."""
    layout = dict(resource[key])
    if key == "timePartitioning":
        _known_keys(layout, {"type", "field", "expirationMs"}, key)
        if layout.get("type") not in {"HOUR", "DAY", "MONTH", "YEAR"}:
            raise Refusal(f"timePartitioning has the type {layout.get('type')!r}", rule="partitioning")
        if "expirationMs" in layout:
            layout["expirationMs"] = str(_number(layout["expirationMs"], "expirationMs"))
        return layout
    _known_keys(layout, {"field", "range"}, key)
    bounds = {name: _number(layout.get("range", {}).get(name), name) for name in ("start", "end", "interval")}
    if "field" not in layout or bounds["interval"] < 1 or bounds["end"] <= bounds["start"]:
        raise Refusal(f"rangePartitioning {layout} makes no ranges", rule="partitioning")
    if (bounds["end"] - bounds["start"]) / bounds["interval"] > 10_000:
        raise Refusal("rangePartitioning makes more than 10,000 partitions", rule="partitioning")
    return layout | {"range": {name: str(value) for name, value in bounds.items()}}


def _check_clustering(resource: Resource, fields: list[Resource] | None) -> None:
    """Check the clustering columns; without `fields` (a query makes them) only how many there are."""
    if "clustering" not in resource:
        return
    names = resource["clustering"].get("fields", [])
    if not 1 <= len(names) <= 4 or len({name.casefold() for name in names}) < len(names):
        raise Refusal(f"{len(names)} clustering columns {names}; 1 to 4 different ones are allowed", rule="clustering")
    for name in names if fields is not None else ():
        column = _named(fields or [], name)
        if column is None or column["mode"] == "REPEATED" or column["type"] not in _CLUSTERABLE:
            message = f"Clustering column {name} is not a top-level, single column of a type that can be sorted"
            raise Refusal(message, rule="clustering")


def _checked_view(view: Resource) -> Resource:
    _known_keys(view, {"query", "useLegacySql"}, "view")
    if not view.get("query") or len(view["query"]) > 256 * 1024:
        raise Refusal("A view needs a query of at most 256 K characters", rule="24")
    if view.get("useLegacySql") is not False:
        raise Refusal("Without useLegacySql: false a view's query is legacy SQL", rule="24")
    return view


def _checked_materialized_view(resource: Resource) -> Resource:
    view: Resource = {"enableRefresh": True, "refreshIntervalMs": "1800000", **resource["materializedView"]}
    known = {"query", "enableRefresh", "refreshIntervalMs", "allowNonIncrementalDefinition", "lastRefreshTime"}
    _known_keys(view, known, "materializedView")
    if not view.get("query"):
        raise Refusal("A materialized view needs a query", rule="21")
    interval = _number(view["refreshIntervalMs"], "refreshIntervalMs")
    if not 60_000 <= interval <= 604_800_000:
        raise Refusal(f"refreshIntervalMs {interval} is not between 1 minute and 7 days", rule="20")
    if "maxStaleness" in resource:
        parts = _STALENESS.fullmatch(str(resource["maxStaleness"]))
        amounts = zip(parts.groups() if parts else (), _STALENESS_SECONDS, strict=bool(parts))
        if not 1_800 <= sum(int(number) * unit for number, unit in amounts) <= 259_200:
            message = f"maxStaleness {resource['maxStaleness']!r} is no interval between 30 minutes and 3 days"
            raise Refusal(message, rule="20")
    return view | {"refreshIntervalMs": str(interval)}


def _same_partitioning(current: Resource, wanted: Resource) -> None:
    def layout(resource: Resource) -> tuple[Resource, Resource]:
        return resource.get("timePartitioning", {}) | {"expirationMs": None}, resource.get("rangePartitioning", {})

    if layout(current) != layout(wanted):
        raise Refusal("The partitioning of a table is fixed when it is made", rule="19")


def _same_definition(current: Resource, wanted: Resource) -> None:
    before, after = current["materializedView"], wanted["materializedView"]
    fixed = [key for key in ("query", "allowNonIncrementalDefinition") if before.get(key) != after.get(key)]
    if fixed or current.get("clustering") != wanted.get("clustering"):
        message = f"The {', '.join(fixed) or 'clustering'} of a materialized view is fixed when it is made"
        raise Refusal(message, rule="21")


def _evolved(current: list[Resource], wanted: list[Resource], path: str = "") -> list[Resource]:
    """Return the fields a patch leaves: those that were there in their order, then the added ones (rule 10)."""
    _check_duplicates([field["name"] for field in wanted])
    added = {field["name"].casefold(): field for field in wanted}
    kept = []
    for old in current:
        where = f"{path}{old['name']}"
        new = added.pop(old["name"].casefold(), None)
        if new is None:
            raise Refusal(f"The schema leaves out column {where}", rule="17")
        if _differs(old, new):
            message = f"The schema changes column {where} from {_type_text(old)} to {_type_text(new)}"
            raise Refusal(message, rule="15")
        if old["mode"] != new["mode"] and (old["mode"], new["mode"]) != ("REQUIRED", "NULLABLE"):
            raise Refusal(f"The schema changes column {where} from {old['mode']} to {new['mode']}", rule="14")
        nested = {"fields": _evolved(old["fields"], new["fields"], f"{where}.")} if "fields" in old else {}
        kept.append(new | {"name": old["name"]} | nested)
    if required := [field["name"] for field in added.values() if field["mode"] == "REQUIRED"]:
        raise Refusal(f"The schema adds column {path}{required[0]} as REQUIRED", rule="12")
    return [*kept, *added.values()]


def _differs(old: Resource, new: Resource) -> bool:
    """Whether two fields differ in type or its parameters; a scale of 0 is the same as none."""
    return any((old.get(key) or "0") != (new.get(key) or "0") for key in _TYPE_KEYS)


def _type_text(field: Resource) -> str:
    parameters = [str(field[key]) for key in _TYPE_KEYS[1:] if key in field]
    return f"{field['type']}({', '.join(parameters)})" if parameters else str(field["type"])


def _column_for_ddl(current: Resource, name: str) -> Resource:
    if current["type"] != "TABLE":
        raise Refusal(f"ALTER TABLE on a {current['type']}", rule="15", reason="invalidQuery")
    column = _named(_fields(current), name)
    if column is None:
        raise Refusal(f"Column not found: {name}", rule="15", reason="invalidQuery")
    return column


def _with_column(current: Resource, column: Resource) -> Resource:
    fields = [column if field["name"] == column["name"] else field for field in current["schema"]["fields"]]
    return {**current, "schema": {"fields": fields}}


def _widens(old: Resource, new: Resource) -> bool:
    """Whether every value of the old type is one of the new (rule 15); the same type counts."""
    if not _differs(old, new):
        return True
    if old["type"] == "RECORD" or old["mode"] == "REPEATED" or old.get("collation") != new.get("collation"):
        return False
    if old["type"] != new["type"] and new["type"] not in _WIDENINGS.get(old["type"], ()):
        return False
    if "precision" in new:
        after, before = _digits(old)
        wider_after, wider_before = _digits(new)
        return wider_after >= after and wider_before >= before
    if "maxLength" in new:
        return "maxLength" in old and int(new["maxLength"]) >= int(old["maxLength"])
    return True


def _digits(field: Resource) -> tuple[int, int]:
    """Return the most digits after and before the point."""
    if "precision" in field:
        scale = int(field.get("scale", 0))
        return scale, int(field["precision"]) - scale
    return _DECIMAL_LIMITS.get(field["type"], (0, _INT64_DIGITS))
