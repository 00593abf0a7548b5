"""What several parts of the tests share: the demo's lake, collected once, and nights without a catalog."""

import fcntl
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake that `collector demo` makes; read it, never write it. Whichever worker needs it first makes it for all."""
    from collector.cli.main import run

    # Each worker of xdist has a directory of its own below the one of the whole run.
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    path, made = shared / "demo-lake", shared / "demo-lake.made"
    with (shared / "demo-lake.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            assert run(["demo", "--lake", str(path)]) == 0
            made.touch()
    return path


@pytest.fixture
def no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights in this process make no catalog, which is a third of so small a night's time; for tests that never read it."""
    monkeypatch.setattr("collector.query.catalog.ensure", lambda lake: None)
