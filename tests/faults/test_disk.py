"""Full disks, read-only lakes, damaged or lost files: a documented exit code, advice, and no false claim."""

import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from collector.fake_buddy import FakeBuddy
from tests.faults.company import company
from tests.faults.ledger import Ledger
from tests.faults.process import (
    Program,
    ended,
    journal_bytes,
    live_files,
    run_directory,
    unnamed_files,
    until,
    without_rights,
)
from tests.faults.published import published, runs_of
from tests.faults.runs import run_collect
from tests.sampling import some

FULL = {
    "journal": lambda lake: journal_bytes(lake) > 2_000,
    "staging": lambda lake: _in_run(lake, "staging/*"),
    "changes": lambda lake: _in_run(lake, "spill"),
    "publish": lambda lake: unnamed_files(lake) >= 4,
}


def _in_run(lake: Path, pattern: str) -> bool:
    directory = run_directory(lake)
    return directory is not None and any(directory.glob(pattern))


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """Serve a small world, slowly enough to watch the run."""
    with FakeBuddy(company(later=0), latency=0.01) as serving:
        yield serving


@pytest.fixture(scope="module")
def one_run(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake with one old run."""
    lake = tmp_path_factory.mktemp("disk") / "lake"
    assert run_collect(fake, lake, -3000, name="127.0.0.1").exit_code == 0
    return lake


@pytest.mark.parametrize("where", some(FULL, 3))
def test_a_full_disk_loses_no_rows(where: str, fake: FakeBuddy, one_run: Path, tmp_path: Path, ledger: Ledger) -> None:
    """When no file can grow, the run exits 3 with advice; with space again, it is resumed and complete."""
    lake = Path(shutil.copytree(one_run, tmp_path / "lake"))
    before = (lake / "manifest.json").read_bytes()
    program = Program(fake, lake)
    process = program.begin("collect")
    assert until(process, lambda: FULL[where](lake)), ended(process).err
    # A limit on file sizes (EFBIG) acts like a full disk, and needs neither root nor a mount.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    first = ended(process)
    assert first.code == 3, first.err
    assert first.err.count("collector: ") == 1
    assert "Traceback" not in first.err
    assert "again" in first.err.splitlines()[-1]
    assert (lake / "manifest.json").read_bytes() == before
    run = run_directory(lake)
    assert run is not None
    second = program.run("collect")
    assert second.code == 0, second.err
    runs = runs_of(lake)
    assert runs[1:] == [run.name]
    assert published(lake).without(moments=True, runs=runs)["promote_image_actions"] == [
        {**row, "run_id": "run 2"}
        for row in published(lake, runs[0]).without(moments=True, runs=runs)["promote_image_actions"]
    ]
    assert published(lake)["action_changes"] == []
    ledger.note(f"disk full: {where}", first.code, second.code, runs=2)


def _tree(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


def test_a_read_only_lake_exits_2(fake: FakeBuddy, one_run: Path, tmp_path: Path, ledger: Ledger) -> None:
    """Without write permission, `collect` exits 2 with a message, sends no request and changes no file."""
    lake = Path(shutil.copytree(one_run, tmp_path / "lake"))
    before = _tree(lake)
    fake.forget_arrivals()
    try:
        for path in [lake, *lake.rglob("*")]:
            path.chmod(0o550 if path.is_dir() else 0o440)
        done = Program(fake, lake).run("collect", preexec=without_rights)
    finally:
        for path in [lake, *lake.rglob("*")]:
            path.chmod(0o750 if path.is_dir() else 0o640)
    assert done.code == 2, done.err
    assert str(lake) in done.err
    assert "right" in done.err
    assert _tree(lake) == before
    assert fake.arrivals == []
    ledger.note("read-only lake", done.code)


def _newer(manifest: bytes) -> bytes:
    document = msgspec.json.decode(manifest)
    document["format"] += 1
    return msgspec.json.encode(document)


MANIFESTS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "not JSON": lambda content: b"\x00" * len(content),
    "another JSON": lambda content: b"[]",
    "from a newer version": _newer,
}


@pytest.mark.parametrize("damage", MANIFESTS)
def test_an_unusable_manifest_exits_2(
    damage: str, fake: FakeBuddy, one_run: Path, tmp_path: Path, ledger: Ledger
) -> None:
    """With a damaged or newer manifest, `collect` exits 2 with advice, sends no request and changes no file."""
    lake = Path(shutil.copytree(one_run, tmp_path / "lake"))
    path = lake / "manifest.json"
    path.write_bytes(MANIFESTS[damage](path.read_bytes()))
    before = _tree(lake)
    fake.forget_arrivals()
    result = run_collect(fake, lake, -2999, name="127.0.0.1")
    assert result.exit_code == 2
    assert result.error is not None
    assert result.error.advice
    assert _tree(lake) == before
    assert fake.arrivals == []
    ledger.note(f"manifest {'newer' if 'newer' in damage else 'damaged'}", result.exit_code)


@pytest.mark.parametrize("table", some(["last_known_actions", "action_state", "promote_image_actions"], 0, 1))
def test_a_missing_file_is_not_a_removal(
    table: str, fake: FakeBuddy, one_run: Path, tmp_path: Path, ledger: Ledger
) -> None:
    """If a needed file is missing or damaged, the run names it and publishes nothing; with the file it is resumed."""
    lake = Path(shutil.copytree(one_run, tmp_path / "lake"))
    lost = next(lake / path for path in live_files(lake) if path.startswith(f"tables/{table}/"))
    content = lost.read_bytes()
    lost.unlink()
    before = (lake / "manifest.json").read_bytes()
    for found in (None, b"damaged"):
        lost.parent.mkdir(parents=True, exist_ok=True)  # the sweep removes empty directories
        if found is not None:
            lost.write_bytes(found)
        result = run_collect(fake, lake, -2999, name="127.0.0.1")
        ledger.note(f"file {'missing from' if found is None else 'damaged in'} the lake", result.exit_code)
        assert result.exit_code in (2, 3)
        assert result.error is not None
        assert lost.name in str(result.error)
        assert result.error.advice
        assert (lake / "manifest.json").read_bytes() == before
    lost.write_bytes(content)
    again = run_collect(fake, lake, -2999, name="127.0.0.1")
    assert again.exit_code == 0
    assert published(lake)["action_changes"] == []
