"""Storms: scripts of faults that Hypothesis draws, against one law for all of them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.faults.law import falsely_changed, judged
from tests.faults.ledger import Ledger
from tests.faults.nights import CONCURRENCY, QUICK, night
from tests.faults.published import Published, key_of, published, runs_of

# Three readings of every list, three attempts at each page in each of two rounds.
MOST_TIMES_AS_MANY = 18


@dataclass(frozen=True)
class Calm:
    """A lake with one night, and the second as it is without a storm."""

    lake: Path
    truth: Published
    requests: int


def _weather() -> FakeWorld:
    """Two workspaces, awkward, with a project that has more pipelines than a page."""
    world = FakeWorld(workspaces=2, projects=3, pipelines=2, actions=3)
    pipeline = world.pipelines("acme", "checkout-api")[0]
    for number in range(19):
        world = world.add("acme", "checkout-api", item={**pipeline, "id": 9000 + number})
    return world


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """The Buddy that the storms come over."""
    with FakeBuddy(_weather(), max_per_page=20) as serving:
        yield serving


@pytest.fixture(scope="module")
def calm(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """The nights without a storm."""
    directory = tmp_path_factory.mktemp("calm")
    assert night(fake, directory / "one", 1).exit_code == 0
    shutil.copytree(directory / "one", directory / "two")
    fake.forget_arrivals()
    assert night(fake, directory / "two", 2).exit_code == 0
    return Calm(directory / "one", published(directory / "two"), len(fake.arrivals))


KINDS = ("workspaces", "projects", "pipelines", "actions", "action")
_SHAPES: list[Any] = [None, [], 7, "x", {}, {"pipelines": 7}]
_FAULTS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"do": st.just("status"), "code": st.sampled_from([400, 403, 404, 408, 500, 502, 503, 504])}),
    st.fixed_dictionaries({"do": st.sampled_from([
        "reset_before", "reset_during", "truncate", "gzip", "broken_gzip", "html", "empty_body", "errors_in_200", "hang",
        "redirect", "api_disabled", "frozen", "ignore_page", "repeat_page", "vanish",
    ])}),
    st.fixed_dictionaries({"do": st.just("wrong_shape"), "value": st.sampled_from(_SHAPES)}),
    st.fixed_dictionaries({"do": st.just("trickle"), "seconds": st.just(0.05)}),
    st.fixed_dictionaries({"do": st.just("clamp"), "n": st.just(20)}),
    st.fixed_dictionaries({"do": st.just("bomb"), "n": st.just(1 << 22)}),
    st.fixed_dictionaries({"do": st.just("delay"), "seconds": st.sampled_from([0.01, 0.1])}),
)  # fmt: skip


@st.composite
def _storm(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A script as data: some faults, each on some kind of request, from some arrival on, so many times."""
    return [
        {
            **draw(_FAULTS),
            "kind": draw(st.sampled_from(KINDS)),
            "nth": draw(st.integers(1, 12)),
            "times": draw(st.sampled_from([1, 1, 2, 3, 5, None])),
            "per_url": draw(st.booleans()),
        }
        for _ in range(draw(st.integers(1, 6)))
    ]


def _weathered(script: list[dict[str, Any]], fake: FakeBuddy, calm: Calm, lake: Path, ledger: Ledger) -> None:
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(calm.lake, lake)
    fake.script.clear()
    fake.forget_arrivals()
    fake.script.add(*(Fault.from_data(fault) for fault in script))
    result = night(fake, lake, 2, limits=QUICK)
    arrivals = fake.arrivals
    fake.script.clear()
    injected = sum(arrival.fault is not None for arrival in arrivals)
    assert len(arrivals) <= MOST_TIMES_AS_MANY * calm.requests + CONCURRENCY * QUICK.attempts
    if result.summary is None:
        # Nothing was seen of any workspace; the last night stands.
        ledger.note("storms of drawn faults", result.exit_code, injected=injected)
        assert result.exit_code in (2, 3, 4)
        assert len(runs_of(lake)) == 1
    else:
        seen = published(lake)
        judgement = judged(calm.truth, seen)
        changes = falsely_changed(seen, gone=True)
        ledger.note("storms of drawn faults", result.exit_code, injected=injected,
                    lost=len(judgement.lost), false=len(judgement.false) + len(changes))  # fmt: skip
        assert judgement.broken == []
        assert changes == []
    removed = {key_of(row) for row in published(lake)["action_changes"] if row["change"] == "removed"}
    assert night(fake, lake, 3, seed=77).exit_code == 0
    after = published(lake)
    assert judged(calm.truth, after).broken == []
    assert {(row["change"], key_of(row)) for row in after["action_changes"]} == {("returned", key) for key in removed}


_SETTINGS = hypothesis(
    deadline=None,
    derandomize=True,
    database=None,
    # A smaller storm is not a clearer one, and each costs two nights.
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@hypothesis(_SETTINGS, max_examples=4)
@given(script=_storm())
def test_a_storm_loses_nothing_unsaid(
    script: list[dict[str, Any]], fake: FakeBuddy, calm: Calm, tmp_path: Path, ledger: Ledger
) -> None:
    """Whatever goes wrong together: what is published is true, what is missing is told, the night after is whole."""
    _weathered(script, fake, calm, tmp_path / "lake", ledger)


@pytest.mark.faults
@hypothesis(_SETTINGS, max_examples=250)
@given(script=_storm())
def test_hundreds_of_storms(
    script: list[dict[str, Any]], fake: FakeBuddy, calm: Calm, tmp_path: Path, ledger: Ledger
) -> None:
    """The same, hundreds of times."""
    _weathered(script, fake, calm, tmp_path / "lake", ledger)
