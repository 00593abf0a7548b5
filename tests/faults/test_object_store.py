"""Publishing into object storage: each request of a run fails, is lost, or is the last that the process sends."""

import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from time import sleep
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


# The requests of a run, one of each kind; tables are uploaded several at once.
TARGETS = {
    "read the manifest": "GET .*/manifest.json$",
    "list": "GET .*list-type=2",
    "probe the conditions": "PUT .*collector-probe",
    "claim the run": "PUT .*/journal.claim$",
    "upload a table": "PUT .*/tables/problems/|PUT .*/tables/actions/",
    "upload the runs": "PUT .*/tables/runs/",
    "swap the manifest": "PUT .*/manifest.json$",
    "write the catalog": "PUT .*/catalog.duckdb$",
}


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_request_that_fails_once(
    target: str,
    effect: str,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    ledger: Ledger,
) -> None:
    """Whichever request fails, hangs up or loses its reply, the same collect publishes the run, once and whole."""
    place = new_place(tmp_path)
    proxy.script(TARGETS[target], effect)
    collect_run(buddy, place)
    assert not proxy.rules[0].effects, "no such request was sent"
    ledger.note(f"object store: {effect}, then well again", 0, lost=published_once(place), target=target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_store_that_goes_away(
    target: str,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
) -> None:
    """From some request on the store fails: the run ends with a documented exit code and the next one publishes it."""
    monkeypatch.setattr("collector.lake.object_storage._RETRIES", {"max_retries": 0})
    place, code = new_place(tmp_path), 0
    proxy.before = lambda request: proxy.script("", *["503"] * 1_000) if re.search(TARGETS[target], request) else None
    try:
        collect_run(buddy, place)
    except CollectorError as error:
        code = error.exit_code
    assert code == (0 if target == "write the catalog" else 3)
    proxy.before = lambda request: None
    proxy.rules.clear()
    if code:
        collect_run(buddy, place, seed=1)
    ledger.note("object store: gone from some request on", code, runs=2, lost=published_once(place), target=target)


@pytest.mark.parametrize("delivered", [False, True], ids=["undelivered", "delivered"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_process_that_is_killed(
    target: str,
    delivered: bool,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    ledger: Ledger,
) -> None:
    """SIGKILL at any request to the store, which gets it or not: the run is published once, at the latest by the next
    collect, whose own run follows where it was published already.
    """
    place, reached = new_place(tmp_path), threading.Event()
    proxy.before = lambda request: reached.set() if re.search(TARGETS[target], request) else None
    proxy.script(TARGETS[target], "slow" if delivered else "hang")
    with collecting_process(buddy, place) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
    proxy.rules.clear()
    proxy.before = lambda request: None
    sleep(2.5 * delivered)
    already = _runs(place)
    assert already == (target == "write the catalog" or (delivered and target == "swap the manifest"))
    collect_run(buddy, place, name="127.0.0.1", seed=1)
    ledger.note("object store: killed at a request", 0, runs=2, lost=published_once(place, 1 + already), target=target)


def _runs(place: LakeUrl) -> int:
    try:
        return len(Lake.open(place, published=False).manifest.runs)
    except CollectorError:
        return 0
