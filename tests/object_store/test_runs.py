"""Runs into one bucket: published, raced, interrupted, refused; and read from there like a lake on a disk."""

import datetime as dt
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import collector
from collector.cli.main import run as command
from collector.errors import LakeBusy, NotPublished, SettingsError
from collector.fake_buddy import FakeBuddy
from collector.lake.compact import compact
from collector.lake.inventory import PUBLISHED_WITHIN
from collector.lake.lake import Lake
from collector.lake.remote_storage import RemoteStorage
from collector.lake.sweep import sweep
from collector.lake.verify import verify
from collector.preflight.lake_checks import check_lake
from collector.query.questions import Questions
from collector.query.reader import open_lake
from collector.query.sql_files import sql_folder
from collector.settings.lake_place import LakePlace, LakeUrl
from tests.object_store.collecting import WORLD, collect_run, collecting_process, machine
from tests.object_store.proxy import FaultProxy, Passed
from tests.object_store.server import ACCESS_KEY, BUCKET, OPEN_BUCKET, SECRET_KEY, ObjectStoreServer

MANIFEST_PUT = "PUT .*/manifest.json$"


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def copied(lake: Path, place: LakeUrl) -> LakeUrl:
    """Copy a lake from this disk into the bucket, as any tool that copies files would."""
    storage = RemoteStorage(place)
    files = [*lake.glob("tables/**/*.parquet"), lake / "manifest.json"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: storage.objects.put(path.relative_to(lake).as_posix(), path), files))
    return place


def rows(place: LakePlace, sql: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = open_lake(place).sql(sql).table.to_pylist()
    return found


def fetched(passed: list[Passed]) -> list[str]:
    """Return the files of tables that were fetched."""
    assert {each.method for each in passed} <= {"GET"}
    return [each.path.partition("/tables/")[2] for each in passed if "/tables/" in each.path]


def same_answers(local: Path, place: LakeUrl, names: list[str]) -> None:
    """Assert that questions have the same answers from the disk and from the bucket."""
    here, there = open_lake(local), open_lake(place)
    for name in names:
        assert there.ask(name).table.equals(here.ask(name).table), name


def test_a_question_fetches_what_it_needs_once(demo_lake: Path, place: LakeUrl, proxy: FaultProxy) -> None:
    """A question about the last night fetches files of that night alone, and the same question again fetches none."""
    copied(demo_lake, place)
    manifest = Lake.open(demo_lake).manifest
    assert manifest.latest is not None
    proxy.take()
    same_answers(demo_lake, place, ["cross_registry", "unguarded_production"])
    first = fetched(proxy.take())
    assert first
    assert all(manifest.latest.run_id in path for path in first)
    assert len(set(first)) == len(first)
    same_answers(demo_lake, place, ["cross_registry", "unguarded_production"])
    assert [each.path.rpartition("/")[2] for each in proxy.take()] == ["manifest.json"] * 2
    same_answers(demo_lake, place, ["morning", "failing_promotions", "nights"])


@pytest.mark.faults
def test_every_question_has_the_same_answer(demo_lake: Path, place: LakeUrl, tmp_path: Path) -> None:
    """Every question is answered from the bucket as from the disk, before and after the files are merged."""
    local = tmp_path / "local"
    shutil.copytree(demo_lake, local)
    copied(local, place)
    names = [
        name
        for name, question in Questions(sql_folder()).all.items()
        if not any(each.required for each in question.parameters)
    ]
    same_answers(local, place, names)
    for each in (local, place):
        lake = Lake.open(each)
        with lake.writing("compact", dt.datetime.now(dt.UTC)):
            assert compact(lake, now=dt.datetime.now(dt.UTC), current_month=True)
    same_answers(local, place, names)


def test_commands_work_on_a_bucket(
    demo_lake: Path, place: LakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status, ask, sql, verify, compact, prune, rebuild and notebooks take a URL; no key is shown or stored."""
    copied(demo_lake, place)
    monkeypatch.setenv("COLLECTOR_LAKE", place.url)
    monkeypatch.setenv("COLLECTOR_WORK_DIR", str(place.work_dir))
    for words, code in (
        (["status"], 0), (["ask", "nights"], 0), (["sql", "select count(*) as n from promotions"], 0), (["verify"], 0),
        (["compact", "--current-month"], 0), (["verify"], 0),
    ):  # fmt: skip
        assert command(words) == code, words
    said = capsys.readouterr()
    assert place.url in said.out
    assert collector.open_lake(place.url).sql("select 1 as x").table.to_pylist() == [{"x": 1}]
    lake = Lake.open(place)
    before = rows(place, "select * from promote_image_actions order by all")
    lake.storage.delete("manifest.json")
    assert command(["status"]) == 2
    assert command(["verify", "--rebuild-manifest"]) == 0
    assert rows(place, "select * from promote_image_actions order by all") == before
    monkeypatch.setenv("COLLECTOR_WORK_DIR", str(tmp_path / "another machine"))
    # The newest run is of this day or, before 02:15 UTC, of the day before.
    days = (dt.datetime.now(dt.UTC).date() - lake.manifest.runs[-1].run_date).days + 1
    assert command(["prune", "--keep", f"{days}d"]) == 0
    assert len(Lake.open(place).manifest.runs) == 2
    said = capsys.readouterr()
    stored = RemoteStorage(place).read("manifest.json").decode()
    for text in (said.out, said.err, stored):
        assert SECRET_KEY not in text
        assert ACCESS_KEY not in text
        assert str(tmp_path) not in stored


@pytest.mark.faults
def test_writers_at_once_lose_nothing(buddy: FakeBuddy, place: LakeUrl) -> None:
    """Eight machines collect into one bucket at the same time: all runs are published, every file is intact,
    and the state that the next run compares with knows the actions of all of them.
    """
    names = [f"site-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        summaries = list(pool.map(lambda name: collect_run(buddy, machine(place, name), name, seed=hash(name)), names))
    lake = Lake.open(place)
    assert sorted(run.run_id for run in lake.manifest.runs) == sorted(each.run_id for each in summaries)
    assert lake.manifest.sequence == 8
    assert verify(lake) == []
    lake.require_consistent()
    counted = rows(place, "select installation, count(*) as n from last_known_actions group by all order by all")
    assert [row["installation"] for row in counted] == names
    assert (
        rows(place, "select installation, count(*) as n from promote_image_actions group by all order by all")
        == counted
    )
    latest = lake.manifest.runs[-1]
    others = {name for name in names if name not in latest.installations}
    assert lake.manifest.of_other_installations(latest).keys() == others
    assert len(others) == 7
    reader = open_lake(place)
    [note] = reader.ask("promotions_by_registry").notes
    assert latest.run_id in note
    assert any(run.run_id in note for run in lake.manifest.runs[:-1])
    assert reader.sql("select count(*) from runs").notes == ()
    assert (
        reader.sql(
            "select installation, count(*) as n from promotions semi join (select installation, max(run_id) as run_id "
            "from runs group by installation) using (installation, run_id) group by all order by all"
        ).table.to_pylist()
        == counted
    )


def publishing_first(proxy: FaultProxy, buddy: FakeBuddy, place: LakeUrl) -> None:
    """Let another machine publish a run just before the next manifest is swapped."""

    def publish_first(request: str) -> None:
        if request.endswith("/manifest.json") and request.startswith("PUT"):
            proxy.before = lambda request: None
            thread = threading.Thread(target=collect_run, args=(buddy, machine(place, "other"), "eu", 2))
            thread.start()
            thread.join()

    proxy.before = publish_first


def test_who_loses_the_race_says_so_and_goes_on_later(
    buddy: FakeBuddy, place: LakeUrl, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine publishes first each time: exit code 5, nothing of either is lost, and the next collect publishes
    the same run without asking Buddy again.
    """
    publishing_first(proxy, buddy, place)
    monkeypatch.setattr("collector.lake.lost_race.ATTEMPTS", 1)
    with pytest.raises(LakeBusy) as lost:
        collect_run(buddy, place, "us", 1)
    assert lost.value.exit_code == 5
    lake = Lake.open(place)
    [other], [run_id] = lake.manifest.runs, lake.resumable_runs()
    asked = len(buddy.requests())
    assert collect_run(buddy, place, "us", 3).run_id == run_id
    assert {run.run_id for run in Lake.open(place).manifest.runs} == {other.run_id, run_id}
    assert len(buddy.requests()) == asked
    assert verify(Lake.open(place)) == []


@pytest.mark.faults
def test_who_loses_the_race_computes_the_run_anew(buddy: FakeBuddy, place: LakeUrl, proxy: FaultProxy) -> None:
    """With more attempts the run is published at once, compared with what the other machine has published."""
    collect_run(buddy, place, "us", 1)
    publishing_first(proxy, buddy, place)
    collect_run(buddy, place, "us", 4)
    lake = Lake.open(place)
    assert len(lake.manifest.runs) == 3
    assert verify(lake) == []
    states = rows(
        place, "select installation, count(distinct run_id) as n from action_changes group by all order by all"
    )
    assert states == [{"installation": "eu", "n": 1}, {"installation": "us", "n": 1}]


@pytest.mark.faults
def test_a_run_killed_between_upload_and_swap_is_published_by_the_next(
    buddy: FakeBuddy, place: LakeUrl, proxy: FaultProxy
) -> None:
    """SIGKILL when every file is uploaded and the manifest is not: nobody sees the run; the next collect publishes it
    once. What the dead attempt has uploaded is left alone while it may be another machine's, and swept later.
    """
    reached = threading.Event()
    proxy.before = lambda request: reached.set() if "manifest.json" in request and request.startswith("PUT") else None
    proxy.script(MANIFEST_PUT, "hang")
    with collecting_process(buddy, place) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
    proxy.before = lambda request: None
    storage = RemoteStorage(place)
    uploaded = {file.path for file in storage.files("tables")}
    assert uploaded
    with collecting_process(buddy, place) as process:
        assert process.wait(60) == 0, process.stderr and process.stderr.read()
    lake = Lake.open(place)
    assert len(lake.manifest.runs) == 1
    assert verify(lake) == []
    now = dt.datetime.now(dt.UTC)
    for at, left in ((now, uploaded), (now + PUBLISHED_WITHIN + dt.timedelta(hours=1), set())):
        with lake.writing("collect", now):
            assert sweep(lake, now=at, keep_runs=[]) == []
        assert {file.path for file in storage.files("tables")} - lake.manifest.live_paths() == left
    assert storage.files("runs") == []


def test_a_store_that_fails_costs_no_run(
    buddy: FakeBuddy, place: LakeUrl, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that stays away while a run is published costs no run: exit code 3, and the next collect publishes it."""
    monkeypatch.setattr("collector.lake.object_storage._RETRIES", {"max_retries": 0})
    proxy.script("PUT .*/tables/", "503")
    with pytest.raises(NotPublished) as failed:
        collect_run(buddy, place, seed=1)
    assert failed.value.exit_code == 3
    assert Lake.open(place, published=False).manifest.runs == []
    asked = len(buddy.requests())
    collect_run(buddy, place, seed=2)
    assert len(buddy.requests()) == asked
    lake = Lake.open(place)
    assert len(lake.manifest.runs) == 1
    assert verify(lake) == []


def test_a_store_without_conditions_is_refused(
    buddy: FakeBuddy, place: LakeUrl, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor and the first run find it out before anything is asked of Buddy; --assume-single-writer goes on."""
    assert {result.level for result in check_lake(place)} == {"ok"}
    # Signatures cover the conditions, so a proxy can drop them only from requests without one.
    place = replace(place, url=place.url.replace(BUCKET, OPEN_BUCKET, 1))
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    proxy.ignores_conditions = True
    [found] = check_lake(place)
    assert found.level == "error"
    assert "--assume-single-writer" in found.advice
    with pytest.raises(SettingsError, match="ignores the conditions"):
        collect_run(buddy, place)
    assert not buddy.requests()
    assert RemoteStorage(place).names() == []
    alone = replace(place, assume_single_writer=True)
    assert [result.level for result in check_lake(alone)][:2] == ["warning", "ok"]
    collect_run(buddy, alone, seed=1)
    assert len(Lake.open(place).manifest.runs) == 1


def test_a_key_that_may_only_read_reads(
    buddy: FakeBuddy,
    place: LakeUrl,
    proxy: FaultProxy,
    object_store: ObjectStoreServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Questions need no right to write; a run is refused before Buddy is asked, with exit code 2 and advice."""
    collect_run(buddy, place)
    for name, value in object_store.environment(proxy.url, read_only=True).items():
        monkeypatch.setenv(name, value)
    assert rows(machine(place, "reader"), "select count(*) as n from runs") == [{"n": 1}]
    asked = len(buddy.requests())
    with pytest.raises(SettingsError, match="may not be read or written") as refused:
        collect_run(buddy, place, seed=1)
    assert refused.value.exit_code == 2
    assert len(buddy.requests()) == asked
