"""Publishing into object storage: each request of a run fails, is lost, or is the last that the process sends."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import sleep
from uuid import uuid4

import pytest

from collector.errors import CollectorError, NotPublished, SettingsError
from collector.fake_buddy import FakeBuddy
from collector.lake.lake import Lake
from collector.lake.remote_storage import RemoteStorage
from collector.lake.verify import verify
from collector.query.reader import open_lake
from collector.settings.lake_place import LakeUrl
from tests.faults.ledger import Ledger
from tests.object_store.collecting import WORLD, collect_run, collecting_process, machine
from tests.object_store.conftest import object_store, proxy  # noqa: F401 - fixtures
from tests.object_store.proxy import FaultProxy
from tests.object_store.server import BUCKET, OPEN_BUCKET

pytestmark = pytest.mark.faults

# What happens to one request, as the ledger calls it.
EFFECTS = {
    "500": "500", "503": "503", "slow": "slow reply", "reset": "connection closed before the request arrived",
    "cut": "connection cut in the upload or the reply", "lose": "done, and the reply lost",
}  # fmt: skip
# What every reply is from some request on.
ENDS = {"503": "store gone", "403": "access denied", "404": "bucket gone"}


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
    ledger.note(f"object store: {EFFECTS[effect]}, once", 0, lost=published_once(place), target=target)


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_store_that_goes_away(
    target: str,
    status: str,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
) -> None:
    """From some request on the store fails, refuses or has no such bucket: the run ends with a documented exit code,
    and the next one publishes it beside the earlier one, which is as it was.
    """
    monkeypatch.setattr("collector.lake.object_storage._RETRIES", {"max_retries": 0})
    place, code = new_place(tmp_path), 0
    earlier = target != "probe the conditions"  # only the first run asks that
    if earlier:
        collect_run(buddy, place)
    proxy.before = lambda request: proxy.script("", *[status] * 1_000) if re.search(TARGETS[target], request) else None
    try:
        collect_run(buddy, place, seed=1)
    except CollectorError as error:
        code = error.exit_code
    assert proxy.rules, "no such request was sent"
    assert code == (0 if target == "write the catalog" else 3 if status == "503" else 2)
    proxy.before = lambda request: None
    proxy.rules.clear()
    if code:
        collect_run(buddy, place, seed=2)
    lost = published_once(place, 1 + earlier)
    ledger.note(
        f"object store: {ENDS[status]} from some request on", code, 0, runs=2 + earlier, lost=lost, target=target
    )


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


# An upload in parts: the request that begins it, one of the parts, and the one that ends it.
PARTS = {"begin": "POST .*uploads", "part": "PUT .*partNumber=2", "end": "POST .*uploadId="}


@pytest.mark.parametrize("effect", [name for name in EFFECTS if name != "slow"])
@pytest.mark.parametrize("part", PARTS)
def test_an_upload_in_parts(
    part: str,
    effect: str,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
) -> None:
    """A request that fails once is repeated; where every one fails, nothing is visible under the file's name."""
    content = os.urandom(11 << 20)
    place, source = new_place(tmp_path), tmp_path / "large"
    source.write_bytes(content)
    storage = RemoteStorage(place)
    proxy.script(PARTS[part], effect)
    storage.objects.put("tables/a/large.parquet", source)
    assert not proxy.rules[0].effects, "no such request was sent"
    assert storage.read("tables/a/large.parquet") == content
    monkeypatch.setattr("collector.lake.object_storage._RETRIES", {"max_retries": 0})
    storage = RemoteStorage(place)
    proxy.script(PARTS[part], *["503"] * 10)
    with pytest.raises(NotPublished):
        storage.objects.put("tables/a/aborted.parquet", source)
    assert [file.path for file in storage.files("tables")] == ["tables/a/large.parquet"]
    ledger.note("object store: upload in parts, fails once, then always", 3, injected=2, runs=0)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_page_of_a_list(
    effect: str,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    ledger: Ledger,
) -> None:
    """Whatever happens once to the second page of a list, no object is missing or there twice."""
    storage = RemoteStorage(new_place(tmp_path))
    names = [f"tables/t/{number:04d}" for number in range(1_005)]
    storage._all(lambda name: storage.objects.put(name, b"x"), names)
    proxy.script("GET .*continuation-token=", effect)
    assert [file.path for file in storage.files("tables")] == names
    assert not proxy.rules[0].effects, "no such request was sent"
    ledger.note("object store: second page of a list fails once", runs=0)


def test_a_store_that_ignores_conditions(
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ledger: Ledger,
) -> None:
    """It is refused before Buddy is asked; with --assume-single-writer the run is published."""
    place = new_place(tmp_path)
    place = replace(place, url=place.url.replace(BUCKET, OPEN_BUCKET, 1))
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    proxy.ignores_conditions = True
    with pytest.raises(SettingsError, match="ignores the conditions") as refused:
        collect_run(buddy, place)
    assert not buddy.requests()
    alone = replace(place, assume_single_writer=True)
    collect_run(buddy, alone, seed=1)
    ledger.note("object store: ignores conditions", refused.value.exit_code, 0, runs=2, lost=published_once(alone))


@pytest.mark.parametrize("lose", [False, True], ids=["all replies arrive", "the replies to swaps are lost"])
def test_two_writers(
    lose: bool,
    buddy: FakeBuddy,
    proxy: FaultProxy,  # noqa: F811
    tmp_path: Path,
    ledger: Ledger,
) -> None:
    """Two machines publish run after run at the same time, also where no reply to a swap arrives: none is lost."""
    place = new_place(tmp_path)
    if lose:
        proxy.script("PUT .*/manifest.json$", *["lose"] * 100)

    def collect_three(name: str) -> None:
        for number in range(3):
            collect_run(buddy, machine(place, name), name, seed=hash((name, number)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(collect_three, ("us", "eu")))
    ledger.note("object store: two writers at once", *[0] * 6, runs=6, lost=published_once(place, 6))


def _runs(place: LakeUrl) -> int:
    try:
        return len(Lake.open(place, published=False).manifest.runs)
    except CollectorError:
        return 0
