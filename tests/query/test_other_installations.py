"""Where machines share a lake, whoever asks about one run is told of the runs of the others."""

from msgspec.structs import replace

from collector.lake.manifest import Manifest
from collector.query.other_installations import other_installations
from tests.lake.published_runs import run_entry


def manifest(*runs: tuple[int, list[str]]) -> Manifest:
    """A manifest with runs of these days and installations."""
    return Manifest(runs=[replace(run_entry(day), installations=names) for day, names in runs])


def test_the_last_run_of_each_other_installation_is_named() -> None:
    """Also one that began a little later; neither an earlier one nor one of another week."""
    found = manifest((0, ["old"]), (20, ["b"]), (21, ["b", "c"]), (22, ["a"]), (23, ["d"]))
    said = other_installations(found, found.runs[3]) or ""
    assert f"Run {found.runs[3].run_id} read a only" in said
    assert f"b {found.runs[2].run_id}, c {found.runs[2].run_id}, d {found.runs[4].run_id}" in said
    assert "old" not in said
    assert found.runs[1].run_id not in said


def test_many_are_counted() -> None:
    """Eight shards give a line, not a page."""
    found = manifest(*((20, [f"site-{number}"]) for number in range(8)))
    said = other_installations(found, found.runs[0]) or ""
    assert said.count("site-") == 4
    assert "and 4 more" in said


def test_nothing_is_said_where_nothing_is_missing() -> None:
    """Of a run that read all, of one whose installations are not known, and of an empty lake."""
    whole = manifest((20, ["a"]), (21, ["a", "b"]))
    assert other_installations(whole, whole.latest) is None
    unknown = manifest((20, ["a"]), (21, []))
    assert other_installations(unknown, unknown.latest) is None
    assert other_installations(Manifest(), None) is None
