"""The Delta logs follow the manifest, through crashes, compaction, pruning and sweeping."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import LakeError
from collector.lake import delta, delta_log
from collector.lake.compact import compact
from collector.lake.delta_log import DeltaState, FileStatistics, next_commit
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry
from collector.lake.prune import prune
from collector.lake.sweep import sweep
from collector.lake.tables import RUNS, SNAPSHOTS, TABLES
from tests.lake.published_runs import NOW, SOON, Died, MortalStorage, files_under, publish_run, run_entry

TABLE = TABLES["promote_image_actions"]


def follow(lake: Lake, *, wanted: bool = True) -> bool:
    """Bring the logs up to date as a command that writes does."""
    with lake.writing("test", NOW):
        return delta.follow(lake, NOW, wanted=wanted)


def named(lake: Lake) -> dict[str, set[str]]:
    """The files that each log names, as the manifest writes paths."""
    states = {name: delta.read_state(lake.storage, name) for name in TABLES}
    return {name: {f"tables/{name}/{path}" for path in state.adds} for name, state in states.items()}


def live(lake: Lake) -> dict[str, set[str]]:
    """The files that the manifest names."""
    return {name: {entry.path for entry in lake.manifest.tables.get(name, [])} for name in TABLES}


def commits(lake: Lake, table: str) -> list[list[dict[str, dict[str, object]]]]:
    """The commits of a log, oldest first."""
    files = sorted((lake.path / "tables" / table / "_delta_log").glob("*.json"))
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


def entry(path: str, runs: list[str]) -> FileEntry:
    """A live file of the table."""
    return FileEntry(
        path=f"tables/{TABLE.name}/{path}", rows=1, bytes=1, sha256="0" * 64, schema="", runs=runs, run_month="2026-11"
    )


FILES = st.sets(st.integers(0, 30), max_size=8)


@given(st.lists(FILES, min_size=1, max_size=6))
@settings(deadline=None)
def test_after_each_commit_the_log_names_the_files_of_the_manifest(manifests: list[set[int]]) -> None:
    """From any state to any other; a commit that would say nothing is not made."""
    state = DeltaState()
    for sequence, numbers in enumerate(manifests):
        entries = [entry(f"run_month=2026-11/{n} ü.parquet", [run_entry(n).run_id]) for n in sorted(numbers)]
        found = {each.path: FileStatistics(1, {}, {}) for each in entries}
        commit = next_commit(state, TABLE, entries, found, sequence=sequence, run_id=None, at_ms=sequence)
        before = set(state.adds)
        if commit is not None:
            state.apply(state.version + 1, map(json.loads, commit.lines().splitlines()))
        assert set(state.adds) == {delta_log.relative_path(TABLE.name, each) for each in entries}
        assert (commit is None) == (sequence > 0 and before == set(state.adds))
        restored = DeltaState()
        restored.apply(state.version, delta_log.checkpoint(state, sequence, 0).to_pylist())
        assert restored.adds.keys() == state.adds.keys()


def test_a_run_adds_one_commit_with_its_id_and_the_sequence(lake: Lake) -> None:
    """Each commit names its run and the sequence of the manifest; tables without news get none."""
    for day in (0, 1):
        publish_run(lake, day)
        assert follow(lake)
    assert not follow(Lake.create(lake.path.parent / "other"), wanted=False)
    info, *_ = commits(lake, "actions")[1]
    assert info["commitInfo"]["run_id"] == run_entry(1).run_id
    assert info["commitInfo"]["manifest_sequence"] == lake.manifest.sequence
    assert {"appId": delta_log.APPLICATION, "version": 2, "lastUpdated": NOW.timestamp() * 1000} in [
        action.get("txn") for action in commits(lake, "actions")[1]
    ]
    assert len(commits(lake, "workspaces")) == 1, "it has no rows"
    added = [action["add"] for action in commits(lake, "actions")[1] if "add" in action]
    stats = json.loads(str(added[0]["stats"]))
    assert stats["numRecords"] == 7
    assert stats["minValues"]["run_id"] == stats["maxValues"]["run_id"] == run_entry(1).run_id
    assert (stats["minValues"]["action_id"], stats["maxValues"]["action_id"]) == (0, 6)


def test_logs_follow_publishing_compaction_pruning_and_sweeping(half_followed: Path) -> None:
    """Beyond a checkpoint too, the logs name the live files, and no step removes a file of a log."""
    lake = Lake.open(half_followed)
    follow(lake)
    assert (lake.path / "tables/actions/_delta_log/00000000000000000010.checkpoint.parquet").is_file()
    logs = {path for path in files_under(lake.path) if "_delta_log" in path}
    for change in (
        lambda: compact(lake, now=SOON, current_month=True),
        lambda: prune(lake, keep_days=15, now=SOON),  # in the middle of a compacted file
        lambda: sweep(lake, now=NOW, keep_runs=()),
    ):
        with lake.writing("test", NOW):
            change()
            delta.follow(lake, NOW)
        assert named(lake) == live(lake)
        assert logs <= files_under(lake.path)


def test_compaction_changes_no_data_and_pruning_does(lake: Lake) -> None:
    """A compaction moves rows (dataChange is false, for readers of changes); a pruned file was deleted."""
    for day in range(3):
        publish_run(lake, day, now=SOON)
    follow(lake)
    with lake.writing("compact", NOW):
        compact(lake, now=NOW, current_month=True)
        delta.follow(lake, NOW)
        prune(lake, keep_days=0, now=SOON)
        delta.follow(lake, NOW)
    first, compacted, pruned = commits(lake, "actions")

    def changes(actions: list[dict[str, dict[str, object]]], kind: str) -> set[object]:
        return {action[kind]["dataChange"] for action in actions if kind in action}

    assert changes(first, "add") == {True}
    assert changes(compacted, "add") == changes(compacted, "remove") == {False}
    assert changes(pruned, "remove") == {True}


def test_versions_lead_to_the_rows_as_of_each_run(lake: Lake) -> None:
    """Every run has a version of each table that keeps every run; of a snapshot only a run whose file is live."""
    for day in range(3):
        publish_run(lake, day, now=SOON)
        follow(lake)

    def versions() -> list[dict[str, int]]:
        return [run["tables"] for run in json.loads((lake.path / delta.VERSIONS).read_text())["runs"]]

    assert [run["actions"] for run in versions()] == [0, 1, 2]
    assert ["last_known_actions" in run for run in versions()] == [False, False, True]
    with lake.writing("compact", NOW):
        compact(lake, now=NOW, current_month=True)
        delta.follow(lake, NOW)
    assert [run["actions"] for run in versions()] == [3, 3, 3]
    assert [run["workspaces"] for run in versions()] == [0, 0, 0]
    (lake.path / delta.VERSIONS).write_text("{broken")
    publish_run(lake, 3)
    follow(lake, wanted=False)
    assert [run["actions"] for run in versions()] == [4, 4, 4, 4]


def test_a_damaged_file_leaves_the_logs_as_they_were(lake: Lake) -> None:
    """What the footer of a file says is not guessed."""
    publish_run(lake, 0)
    lake.files("actions")[0][0].write_bytes(b"no footer")
    with pytest.raises(LakeError, match="cannot be read"):
        follow(lake)


def deaths(path: Path, steps: range) -> int:
    """Let `follow` die at each of these steps on a copy, then do what the next command does; return the last step."""
    step = 0
    for step in steps:
        shutil.rmtree(path.with_name("copy"), ignore_errors=True)
        storage = MortalStorage(Path(shutil.copytree(path, path.with_name("copy"))), step)
        dying = Lake(storage, Lake.open(path).manifest)
        try:
            with dying.locked("test", NOW):
                delta.follow(dying, NOW, wanted=True)
        except Died:
            pass
        survivor = Lake.open(storage.root)
        seen, published = named(survivor), live(survivor)
        if seen[RUNS.name] == published[RUNS.name]:
            assert seen == published, "a run is seen in `runs` before its rows are"
        follow(survivor)
        assert named(survivor) == published
        if storage.steps < step:
            return step
    return step


@pytest.fixture
def half_followed(lake: Lake) -> Path:
    """A lake whose logs name ten runs of eleven: the next commit of each log is followed by a checkpoint."""
    for day in range(11):
        publish_run(lake, day, count=2, now=SOON)
        if day < 10:
            follow(lake)
    return lake.path


def test_the_next_command_does_what_a_crash_left_undone(half_followed: Path) -> None:
    """Wherever the process dies, `runs` shows the new run last, and the next command completes the logs."""
    deaths(half_followed, range(1, 60, 11))


@pytest.mark.faults
def test_every_death_is_repaired(half_followed: Path) -> None:
    """The same at every step."""
    assert deaths(half_followed, range(1, 400)) < 399


def test_a_table_of_an_older_contract_gets_the_new_columns(lake: Lake) -> None:
    """When the contract has grown, the next commit declares the columns of today, and the table stays the same one."""
    publish_run(lake, 0)
    follow(lake)
    state = delta.read_state(lake.storage, TABLE.name)
    assert state.metadata is not None
    state.metadata["schemaString"] = "{}"
    commit = next_commit(
        state, TABLE, lake.manifest.tables[TABLE.name], {}, sequence=9, run_id=None, at_ms=round(NOW.timestamp())
    )
    assert commit is not None
    assert not commit.removes
    (metadata,) = [action["metaData"] for action in commit.actions if "metaData" in action]
    assert metadata["schemaString"] == delta_log.schema_string(TABLE)
    assert metadata["id"] == state.metadata["id"]


def test_every_column_type_has_a_name_in_delta() -> None:
    """A column of a new type cannot be forgotten, and snapshots of the collector itself stay its own."""
    for table in TABLES.values():
        assert len(json.loads(delta_log.schema_string(table))["fields"]) == len(table.columns)
    assert SNAPSHOTS & TABLES.keys() == {"last_known_actions"}
