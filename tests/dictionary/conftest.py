"""The dictionary of a small catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.dictionary.entries import Dictionary
from tests.dictionary.small_catalog import loaded, write_files


@pytest.fixture
def dictionary(tmp_path: Path) -> Dictionary:
    """The dictionary of two tables, three views, a central table, an export and a template's two tables."""
    write_files(tmp_path)
    return loaded(tmp_path)
