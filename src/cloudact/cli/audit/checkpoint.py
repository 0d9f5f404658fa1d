"""The file with the ends of all chains, kept where whoever can write to the warehouse cannot reach it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cloudact.errors import InvalidRequest, OutputRefused
from cloudact.tenancy.audit.verification import CheckpointEntry

_FORMAT = TypeAdapter(dict[str, CheckpointEntry])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a file holds, nothing where there is none yet; raises InvalidRequest for anything else."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", hint="Name a file, or one to make.") from error
    try:
        found: dict[str, Any] = _FORMAT.dump_python(_FORMAT.validate_json(content, strict=True))
    except ValidationError:
        raise InvalidRequest(
            f"{path} is not a checkpoint", hint="Name a file that `cloudact audit verify --checkpoint` wrote."
        ) from None
    return found


def write_checkpoint(path: Path, before: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Replace the file in one step; chains that were not verified this time stay as they were."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(json.dumps({**before, **found}, indent=1, sort_keys=True) + "\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputRefused(f"{path} cannot be written: {error.strerror}", hint="The verification is done.") from error
