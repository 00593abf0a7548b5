"""What several parts of the tests share: the demo's lake, collected once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake that `collector demo` makes; read it, never write it."""
    from collector.cli.main import run

    path = tmp_path_factory.mktemp("demo") / "demo-lake"
    assert run(["demo", "--lake", str(path)]) == 0
    return path
