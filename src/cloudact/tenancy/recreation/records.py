"""How a backup, or what was restored from one, is told from other datasets: by name, labels and description.

Labels say what it is and whether it is complete. A label holds few characters, so the description has the rest: a
sentence for people, and a line of JSON that is read back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloudact.catalog.model import Dataset, Labels, labels_from

MARK = "__backup_"
_TIME = "%Y%m%d%H%M%S"
_COMPLETE = ("complete", "true")
_BACKUP = ("scope", "backup")
# Of a dataset's description on BigQuery, and of a label's value.
_MAX_DESCRIPTION = 16_384
_MAX_LABEL = 63


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record of a backup; `rows` by table are known when it is complete."""

    backup_of: str
    created_at: datetime
    created_by: str
    reason: str
    rows: Mapping[str, int] = field(default_factory=dict)


def backup_name(dataset: str, at: datetime, number: int) -> str:
    """Return the name of a backup made at that time, the `number`th within the second, from 1."""
    return f"{dataset}{MARK}{at.astimezone(UTC):{_TIME}}{f'_{number}' if number > 1 else ''}"


def backup_dataset(name: str, record: Record, location: str, *, complete: bool) -> Dataset:
    """Return what a backup is declared to be, without its tables."""
    labels = {"managed_by": "cloudact", "backup_of": _label(record.backup_of), **dict([_BACKUP])}
    why = f": {record.reason}" if record.reason else ""
    state = "" if complete else " It is complete when its label `complete` says so."
    made_at = record.created_at.astimezone(UTC).isoformat(timespec="seconds")
    sentence = f"Backup of {record.backup_of}, made at {made_at} by {record.created_by}{why}.{state}"
    return _dataset(name, labels, sentence, _to_json(record), location, complete=complete)


def restored_dataset(name: str, backup: str, location: str, by: str, *, complete: bool) -> Dataset:
    """Return what a dataset restored from a backup is declared to be, without its tables."""
    labels = {"managed_by": "cloudact", "scope": "restored", "restored_from": _label(backup)}
    record = {"restored_from": backup, "restored_by": by}
    return _dataset(name, labels, f"Restored from {backup} by {by}.", record, location, complete=complete)


def is_backup(dataset: Dataset) -> bool:
    """Tell whether a dataset is a backup, complete or not."""
    return _BACKUP in dataset.labels and MARK in dataset.name


def is_complete(dataset: Dataset) -> bool:
    """Tell whether everything was copied and verified."""
    return _COMPLETE in dataset.labels


def is_restored_from(dataset: Dataset, backup: str) -> bool:
    """Tell whether a dataset was made to restore this very backup."""
    labelled = ("restored_from", _label(backup)) in dataset.labels
    return labelled and _json_of(dataset).get("restored_from", backup) == backup


def record_of(backup: Dataset) -> Record:
    """Return what is on record of a backup; where somebody took the description away, what its name tells."""
    raw = _json_of(backup)
    rows = raw.get("rows")
    name, _, time = backup.name.rpartition(MARK)
    return Record(
        backup_of=str(raw.get("backup_of", name)),
        created_at=_time(str(raw.get("created_at", ""))) or _time(time[:14]) or datetime.fromtimestamp(0, UTC),
        created_by=str(raw.get("created_by", "")),
        reason=str(raw.get("reason", "")),
        rows={str(table): int(count) for table, count in rows.items()} if isinstance(rows, dict) else {},
    )


def _dataset(
    name: str, labels: Mapping[str, str], sentence: str, record: Mapping[str, object], location: str, *, complete: bool
) -> Dataset:
    every: Labels = labels_from({**labels, **(dict([_COMPLETE]) if complete else {})})
    description = f"{sentence}\n{json.dumps(record, sort_keys=True)}"
    if len(description) > _MAX_DESCRIPTION:
        description = f"{sentence}\n{json.dumps({**record, 'rows': {}}, sort_keys=True)}"
    return Dataset(name, location=location, description=description, labels=every)


def _to_json(record: Record) -> dict[str, object]:
    return {
        "backup_of": record.backup_of,
        "created_at": record.created_at.astimezone(UTC).isoformat(),
        "created_by": record.created_by,
        "reason": record.reason,
        "rows": dict(record.rows),
    }


def _json_of(dataset: Dataset) -> dict[str, object]:
    try:
        found = json.loads(dataset.description.rpartition("\n")[2])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _time(text: str) -> datetime | None:
    try:
        found = datetime.strptime(f"{text}+0000", f"{_TIME}%z") if text.isdigit() else datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _label(text: str) -> str:
    """Return what a label can hold of a text: lower-case letters, digits, underscores and dashes."""
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())[:_MAX_LABEL]
