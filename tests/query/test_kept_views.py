"""Views whose rows are kept with the lake: they change how long an answer takes, and never an answer."""

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

import collector
from collector.errors import CollectorError
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.manifest import GRACE
from collector.lake.prune import prune
from collector.query import kept_views as kept
from collector.query.kept_views import FOLDER, KEPT, are_current, keep_views
from collector.query.questions import Questions
from collector.query.sql_files import SqlFile, sql_folder
from collector.query.views import Views, no_files, view_sources

NOW = datetime.now(UTC)
ROWS = "select * from executions_known order by all"


@pytest.fixture(autouse=True)
def few_executions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's executions are enough."""
    monkeypatch.setattr(kept, "LEAST_EXECUTIONS", 1)


@pytest.fixture
def lake(demo_lake: Path, tmp_path: Path) -> Lake:
    """A copy of the demo's lake, at a path that SQL must quote."""
    return Lake.open(Path(shutil.copytree(demo_lake, tmp_path / "it's a [lake]")))


def keep(lake: Lake) -> None:
    with lake.writing("kept views", NOW):
        keep_views(lake)


def read(lake: Lake) -> set[str]:
    """The views that a reader of this manifest finds."""
    return set(kept.kept_views(lake, view_sources()))


def files(lake: Lake) -> list[Path]:
    return sorted((lake.path / FOLDER).iterdir())


def without_kept(lake: Lake, ask: Callable[[], object]) -> object:
    """What is answered while the kept views are elsewhere."""
    folder, away = lake.path / FOLDER, lake.path.with_name("away")
    folder.rename(away)
    try:
        return ask()
    finally:
        away.rename(folder)


def all_answers(lake: Lake) -> dict[str, object]:
    """The answer to each question that needs one of them, with all that is said of it."""
    reader, views = collector.open_lake(lake.path), Views(no_files, None, view_sources())
    asked = {
        name: {parameter.name: "a" for parameter in question.parameters if parameter.required}
        for name, question in Questions(sql_folder()).all.items()
        if any(views.needs(view, question.references) for view in KEPT)
    }
    assert {"in_production", "lead_time", "morning", "rollbacks"} < set(asked)
    return dict(reader.ask_all(asked))


def all_rows(lake: Lake) -> dict[str, object]:
    """The rows of the kept views."""
    reader = collector.open_lake(lake.path)
    return {view: reader.sql(f"select * from {view} order by all").table for view in KEPT}


def test_no_answer_depends_on_them(lake: Lake) -> None:
    """Rows, types and notes of every question are the same, before and after old runs are dropped and months merged."""
    keep(lake)
    assert without_kept(lake, lambda: all_rows(lake)) == all_rows(lake)
    with lake.writing("retention", NOW):
        assert prune(lake, keep_days=2, now=NOW).runs
        assert compact(lake, now=NOW, current_month=True)
    assert read(lake) == set()
    keep(lake)
    assert read(lake) == set(KEPT)
    assert without_kept(lake, lambda: all_answers(lake)) == all_answers(lake)


def test_one_question_reads_them_and_nothing_else(lake: Lake) -> None:
    """An answer about releases needs no file of executions or changes any more, asked alone or by SQL."""
    reader = collector.open_lake(lake.path)
    asked = (
        lambda: reader.ask("in_production").table,
        lambda: reader.ask_plainly("rollbacks", {}).table,
        lambda: reader.sql("select count(*) as n from release_attempts").table,
        lambda: pa.table(reader.stream("select * from executions_known order by all")),
        lambda: reader.ask("failed_releases", image="nothing is called so").notes,
    )
    expected = [ask() for ask in asked]
    keep(lake)
    for table in ("executions", "action_executions", "action_changes"):
        shutil.rmtree(lake.path / "tables" / table)
    assert [ask() for ask in asked] == expected


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def reasons() -> Iterator[tuple[str, Callable[[Lake, pytest.MonkeyPatch], None]]]:
    """Each reason for which the kept views are not read: what happened to them or to the lake."""

    def for_each(change: Callable[[Path], object]) -> Callable[[Lake, pytest.MonkeyPatch], None]:
        def change_all(lake: Lake, _: pytest.MonkeyPatch) -> None:
            for path in files(lake):
                change(path)

        return change_all

    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    def unreadable(path: Path) -> None:
        path.unlink()
        path.symlink_to("/proc/self/mem")  # whose first byte nobody can read, not even root

    def no_folder(lake: Lake, _: pytest.MonkeyPatch) -> None:
        shutil.rmtree(lake.path / FOLDER)
        (lake.path / FOLDER).write_text("no folder")

    def other_manifest(lake: Lake, _: pytest.MonkeyPatch) -> None:
        with lake.writing("test", NOW):
            lake.commit(lake.manifest, NOW)

    def other_version(_: Lake, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(kept, "__version__", "0.0.1")

    yield "missing", for_each(Path.unlink)
    yield "cut", for_each(lambda path: os.truncate(path, path.stat().st_size - 1))
    yield "damaged", for_each(damage)
    yield "unreadable", for_each(unreadable)
    yield "no folder", no_folder
    yield "another version", other_version
    yield "another manifest", other_manifest  # the last, because the manifest stays


def test_what_is_not_as_it_was_written_is_not_read(lake: Lake) -> None:
    """The rows are then computed from the tables, without an error, and nothing is written."""
    reader = collector.open_lake(lake.path)
    expected = reader.sql(ROWS).table
    keep(lake)
    kept_copy = shutil.copytree(lake.path / FOLDER, lake.path.with_name("copy"))
    for name, change in reasons():
        assert read(lake) == set(KEPT)
        with pytest.MonkeyPatch.context() as patch:
            change(lake, patch)
            before = sorted(lake.path.rglob("*"))
            assert read(lake) == set(), name
            assert reader.sql(ROWS).table == expected, name
            assert sorted(lake.path.rglob("*")) == before, name
        remove(lake.path / FOLDER)
        shutil.copytree(kept_copy, lake.path / FOLDER)


def test_another_select_or_run_is_not_answered_by_them(lake: Lake) -> None:
    """An older run, `fresh`, and SQL that was changed since have rows of their own."""
    reader, runs = collector.open_lake(lake.path), lake.manifest.runs
    older = reader.ask("releases", run=runs[-2].run_id).table
    keep(lake)
    assert reader.ask("releases", run=runs[-2].run_id).table == older
    sources = view_sources()
    elements = sources["execution_elements"]
    changed = SqlFile(elements.name, elements.text.replace("'successful'", "'succeeded'"))
    assert kept.kept_views(lake, {**sources, elements.name: changed}) == {}
    shutil.rmtree(lake.path / "tables" / "executions")
    with pytest.raises(CollectorError, match="missing"):
        reader.ask("releases", fresh=True)


def test_files_of_earlier_manifests_stay_for_their_readers(lake: Lake) -> None:
    """A file is removed once the one that replaced it is as old as the grace period; what was left half is, too."""
    keep(lake)
    first = files(lake)
    keep(lake)
    assert files(lake) == first
    (lake.path / FOLDER / "new").mkdir()
    long_ago = NOW.timestamp() - 2 * GRACE.total_seconds()
    for path in first:
        os.utime(path, (long_ago, long_ago))
    reader_of_first = Lake.open(lake.path)
    with lake.writing("prune", NOW):
        prune(lake, keep_days=2, now=NOW)
        keep_views(lake)
    assert set(first) < set(files(lake))
    assert len(files(lake)) == 2 * len(KEPT)
    assert read(reader_of_first) == read(lake) == set(KEPT)
    for path in set(files(lake)) - set(first):
        os.utime(path, (long_ago + 1, long_ago + 1))
    keep(lake)
    assert not set(first).intersection(files(lake))
    assert len(files(lake)) == len(KEPT)


@pytest.mark.parametrize("place", ["full disk", "directory"])
def test_where_they_cannot_be_written_nothing_is_left(lake: Lake, place: str) -> None:
    """The error says why; a reader computes the rows, and the next command that writes keeps them."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with lake.writing("kept views", NOW):
        if place == "directory":
            (lake.path / FOLDER).write_text("in the way")
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limit[1]))
        try:
            with pytest.raises(CollectorError, match=r"\.views"):
                keep_views(lake)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    if place == "directory":
        (lake.path / FOLDER).unlink()
    else:
        assert files(lake) == []
    assert collector.open_lake(lake.path).sql(ROWS).table.num_rows
    keep(lake)
    assert read(lake) == set(KEPT)


def test_few_executions_are_not_worth_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is computed or written then, and what was kept of dropped runs goes."""
    keep(lake)
    monkeypatch.setattr(kept, "LEAST_EXECUTIONS", 1_000_000)
    assert not are_current(lake)
    for _ in range(2):
        keep(lake)
        assert are_current(lake)
        assert not (lake.path / FOLDER).exists()
