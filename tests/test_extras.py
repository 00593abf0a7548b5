"""A part of the installation that is missing: the message says which extra to install."""

import sys

import pytest

from collector import open_lake
from collector.errors import UsageError
from collector.extras import needs_extra
from tests.cli.conftest import Program, on_demo, program

__all__ = ["on_demo", "program"]


def test_a_report_without_its_extra(on_demo: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """`collector report` without jinja2 exits 2 and names the extra `report`."""
    for name in [name for name in sys.modules if name.startswith("collector.report")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = on_demo("report")
    assert result.code == 2
    assert result.out == ""
    assert "'promote-image-collector[report]'" in result.err


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_without_its_extra(demo_lake: str, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """`Answer.to_pandas()` without pandas, and `to_polars()` without polars, name the extra to install."""
    answer = open_lake(demo_lake).ask("promotions_by_registry")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=f"{library} is not installed; it belongs to the extra `{library}`"):
        getattr(answer, f"to_{library}")()


def test_any_other_missing_module_is_a_bug() -> None:
    """A missing module that is no optional part stays what it is."""
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), needs_extra("report"):
        import no_such_module  # type: ignore[import-not-found] # noqa: F401
