"""A temporary outage of the server during the crawl loses nothing, also if the run is interrupted."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from collector.fake_buddy import FakeBuddy, Fault
from collector.run.progress import SecondRound
from tests.faults.conftest import FreshLake, Undisturbed
from tests.faults.ledger import Ledger
from tests.faults.nights import PATIENT, Watcher, night
from tests.faults.published import published

LIMITS = msgspec.structs.replace(PATIENT, round_pauses_s=(0.2, 0.6, 2.0))


def _outage(seconds: float, **how: object) -> Fault:
    return Fault.from_data({"do": "status", "code": 502, "nth": 20, "lasting": seconds, **how})


@pytest.mark.parametrize(
    "how",
    [{}, {"do": "reset_before"}, {"code": 503, "headers": {"Retry-After": "1"}}, {"kind": "pipelines", "nth": 2}],
    ids=["502", "connections reset", "503 with Retry-After", "lists only"],
)
def test_an_outage_leaves_a_run_complete(
    how: dict[str, object], fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """After an outage during the crawl the run is complete, with the rows of an undisturbed run."""
    lake = fresh_lake()
    fake.script.add(_outage(0.5, **how))
    result = night(fake, lake, 2, limits=LIMITS)
    injected = sum(request.fault is not None for request in fake.arrivals)
    ledger.note("outage in mid-crawl", result.exit_code, injected=injected)
    assert result.exit_code == 0
    assert injected >= 1
    assert published(lake).without() == undisturbed.truth.without()


def test_a_run_interrupted_in_a_pause_is_resumed(
    fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Deferred requests are not failures in the journal: the resumed run has the rows of an undisturbed one."""
    lake = fresh_lake()
    fake.script.add(_outage(3600.0))
    stop: list[asyncio.Event] = []

    def in_the_pause(fact: object) -> None:
        if isinstance(fact, SecondRound):
            stop[0].set()

    result = night(fake, lake, 2, limits=LIMITS, watcher=Watcher(in_the_pause), stop=stop.append)
    assert result.exit_code == 130
    fake.script.clear()
    again = night(fake, lake, 2, limits=LIMITS)
    ledger.note("outage in mid-crawl, interrupted and resumed", 130, again.exit_code, runs=2)
    assert again.exit_code == 0
    assert again.summary is not None
    assert again.summary.resumed_count == 1
    assert published(lake).without() == undisturbed.truth.without()


def test_the_deadline_ends_a_pause(fake: FakeBuddy, fresh_lake: FreshLake, tmp_path: Path) -> None:
    """If --max-duration is reached in a pause, deferred requests become problems with their failure."""
    lake = fresh_lake()
    fake.script.add(Fault("status", code=502, kind="action", path="*/actions/1002", times=None))
    limits = msgspec.structs.replace(PATIENT, round_pauses_s=(60.0,))
    result = night(fake, lake, 2, limits=limits, max_duration_s=3.0)
    assert result.exit_code == 1
    (problem,) = published(lake)["problems"]
    assert (problem["kind"], problem["http_status"], problem["action_id"]) == ("http_error", 502, 1002)
