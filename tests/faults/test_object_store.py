"""Publishing into object storage: each request of a run fails, is lost, or is the last that the process sends."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from collector.errors import CollectorError
from collector.fake_buddy import FakeBuddy
from collector.lake.lake import Lake
from collector.lake.verify import verify
from collector.query.reader import open_lake
from collector.settings.lake_place import LakeUrl
from tests.faults.ledger import Ledger
from tests.object_store.collecting import WORLD, collect_run, collecting_process
from tests.object_store.conftest import object_store, proxy  # noqa: F401 - fixtures
from tests.object_store.proxy import FaultProxy
from tests.object_store.server import BUCKET

pytestmark = pytest.mark.faults

# What happens to one request: the store fails or hangs up, or does what it was asked and its answer is lost.
EFFECTS = ("503", "reset", "lose")


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def new_place(tmp_path: Path) -> LakeUrl:
    """Return the URL of a lake that does not exist yet, with a work directory of its own."""
    name = uuid4().hex[:12]
    return LakeUrl(f"s3://{BUCKET}/{name}", tmp_path / name)


def published_once(place: LakeUrl, runs: int = 1) -> int:
    """Assert that the lake is whole and holds so many runs; return the number of promotions that are missing."""
    lake = Lake.open(place)
    assert len(lake.manifest.runs) == runs
    assert verify(lake) == []
    lake.require_consistent()
    [row] = open_lake(place).sql("select count(*) as n from promote_image_actions").table.to_pylist()
    found: int = row["n"]
    return runs * PROMOTIONS - found


PROMOTIONS = sum(
    bool(WORLD.item(action)["type"] == "PROMOTE_IMAGE")
    for workspace in WORLD.paths(())
    for project in WORLD.paths(workspace)
    for pipeline in WORLD.paths(project)
    for action in WORLD.paths(pipeline)
)


@pytest.fixture
def requests(buddy: FakeBuddy, proxy: FaultProxy, tmp_path: Path) -> int:  # noqa: F811
    """Return how many requests a first run sends to the store."""
    place = new_place(tmp_path)
    collect_run(buddy, place)
    assert published_once(place) == 0
    seen = proxy.take()
    return len(seen) - len([each for each in seen if each.method == "GET" and each.path.endswith(".parquet")])


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_request_that_fails_once(
    effect: str,
    requests: int,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    ledger: Ledger,
) -> None:
    """Whichever request fails, hangs up or loses its reply, the same collect publishes the run, once and whole."""
    for number in range(requests):
        place = new_place(tmp_path)
        proxy.script("", *["pass"] * number, effect)
        collect_run(buddy, place, seed=number)
        proxy.rules.clear()
        ledger.note(f"object store: {effect}, then well again", 0, lost=published_once(place))


def test_a_store_that_goes_away(
    requests: int,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
) -> None:
    """From some request on the store fails: the run ends with a documented exit code and the next one publishes it."""
    monkeypatch.setattr("collector.lake.object_storage._RETRIES", {"max_retries": 0})
    for number in range(requests):
        place = new_place(tmp_path)
        proxy.script("", *["pass"] * number, *["503"] * 100)
        code = 0
        try:
            collect_run(buddy, place, seed=number)
        except CollectorError as error:
            code = error.exit_code
        assert code in (0, 3)
        proxy.rules.clear()
        if code:
            collect_run(buddy, place, seed=number + 1)
        ledger.note("object store: gone from some request on", code, runs=2, lost=published_once(place))


def test_a_process_that_is_killed(
    requests: int,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    ledger: Ledger,
) -> None:
    """SIGKILL at any request to the store: the next collect publishes the run once, or it was published already."""
    for number in range(requests):
        place, reached = new_place(tmp_path), threading.Event()
        left = [number + 1]

        def count(request: str, left: list[int] = left, reached: threading.Event = reached) -> None:
            left[0] -= 1
            if left[0] == 0:
                reached.set()

        proxy.before = count
        proxy.script("", *["pass"] * number, *["hang"] * 20)
        with collecting_process(buddy, place) as process:
            assert reached.wait(60)
            process.send_signal(signal.SIGKILL)
        proxy.rules.clear()
        proxy.before = lambda request: None
        already = number and _runs(place)
        collect_run(buddy, place, name="127.0.0.1", seed=number)
        ledger.note("object store: killed at a request", 0, runs=2, lost=published_once(place, runs=1 + int(already)))


def _runs(place: LakeUrl) -> int:
    try:
        return len(Lake.open(place, published=False).manifest.runs)
    except CollectorError:
        return 0
