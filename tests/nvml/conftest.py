"""The fake driver as fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fake import FakeDriver, build_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is, as drivers have it today."""
    return build_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def driver(library: Path, tmp_path: Path) -> FakeDriver:
    """Eight GPUs that nobody uses."""
    return FakeDriver(library, tmp_path / "gpus")
