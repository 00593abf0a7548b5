"""What several parts of the tests share: the demo's lake, collected once, and nights without a catalog."""

from pathlib import Path

import pytest

from tests.shared import made_once


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake that `collector demo` makes; read it, never write it."""
    import structlog

    from collector.cli.main import run

    def make(folder: Path) -> Path:
        path = folder / "demo-lake"
        assert run(["demo", "--lake", str(path)]) == 0
        structlog.reset_defaults()  # the demo writes errors only, and the next test may look for a warning
        return path

    return made_once(tmp_path_factory, "demo", make)


@pytest.fixture
def no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights in this process make no catalog, a good part of so small a night's time; for tests that never read it."""
    monkeypatch.setattr("collector.query.catalog.build", lambda lake: None)
    monkeypatch.setattr("collector.query.catalog.prepare", lambda lake: None)
