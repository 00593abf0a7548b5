"""A fresh lake for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.lake.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake.create(tmp_path / "lake")
