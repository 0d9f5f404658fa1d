"""A small catalog on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalog.declared import CatalogDirectory


@pytest.fixture
def catalog(tmp_path: Path) -> CatalogDirectory:
    """A good catalog with one central table, and one table and one view for each organization."""
    return CatalogDirectory(tmp_path)
