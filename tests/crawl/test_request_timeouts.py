"""Laws of the watch over requests under way, on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from collector.crawl.request_timeouts import Silent, UnderWay, Watch
from tests.crawl.virtual_time import VirtualLoop, run_virtually

Clock = Callable[[], float]
TOTAL_S, SILENT_S = 60.0, 30.0
LOOK_S = 1.0


def watched(monkeypatch: pytest.MonkeyPatch, make: Callable[[Watch, Clock], Coroutine[Any, Any, None]]) -> float:
    """Run `make` with a watch on a virtual loop; return the virtual seconds it took."""

    async def main(clock: Clock) -> None:
        with Watch(TOTAL_S, SILENT_S) as watch:
            await make(watch, clock)

    return run_virtually(monkeypatch, main)


async def ended_by(work: Callable[[UnderWay], Awaitable[None]], watch: Watch) -> type[BaseException] | None:
    """Do the work under the watch; return the class of what left the block, and see that nothing stays of our cancelling."""
    try:
        with watch.over() as under_way:
            await work(under_way)
    except BaseException as error:
        ended: type[BaseException] | None = type(error)
    else:
        ended = None
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(3 * LOOK_S)
    return ended


async def for_ever(_: UnderWay) -> None:
    """Say nothing, and never come back."""
    await asyncio.Event().wait()


async def dripping(under_way: UnderWay) -> None:
    """Say something every twenty seconds, and never come back."""
    while True:
        await asyncio.sleep(20)
        under_way.heard()


@pytest.mark.parametrize(
    ("work", "error", "limit_s"), [(for_ever, Silent, SILENT_S), (dripping, TimeoutError, TOTAL_S)]
)
def test_what_is_late_is_ended(
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[UnderWay], Awaitable[None]],
    error: type[TimeoutError],
    limit_s: float,
) -> None:
    """Silence ends after its limit; whoever goes on saying something ends after that of the whole; at most one look late."""

    async def main(watch: Watch, clock: Clock) -> None:
        began = clock()
        assert await ended_by(work, watch) is error
        assert limit_s < clock() - began - 3 * LOOK_S <= limit_s + LOOK_S

    watched(monkeypatch, main)


def test_what_ends_in_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that comes home, or fails by itself, ends as it would have; looks that come later do not touch its task."""

    async def fails(_: UnderWay) -> None:
        raise ConnectionResetError

    async def main(watch: Watch, clock: Clock) -> None:
        assert await ended_by(lambda _: asyncio.sleep(SILENT_S), watch) is None
        assert await ended_by(fails, watch) is ConnectionResetError
        await asyncio.sleep(2 * TOTAL_S)

    watched(monkeypatch, main)


def test_many_requests_are_each_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is late ends alone: those beside it, begun earlier or later, go on."""

    async def main(watch: Watch, clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            early = group.create_task(ended_by(dripping, watch))
            await asyncio.sleep(10)
            late = group.create_task(ended_by(for_ever, watch))
            await asyncio.sleep(20)
            young = group.create_task(ended_by(lambda _: asyncio.sleep(25), watch))
        assert [early.result(), late.result(), young.result()] == [TimeoutError, Silent, None]

    watched(monkeypatch, main)


def test_who_else_cancels_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is cancelled from outside, before its time or in the moment of it, is cancelled and not late."""

    async def asked(watch: Watch) -> None:
        with watch.over():
            await asyncio.Event().wait()

    async def main(watch: Watch, clock: Clock) -> None:
        for ends_at in (5.0, SILENT_S + LOOK_S):
            task = asyncio.create_task(asked(watch))
            asyncio.get_running_loop().call_later(ends_at, task.cancel)
            await asyncio.wait([task])
            assert task.cancelled()

    watched(monkeypatch, main)


def test_a_loop_that_was_held_up_counts_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the loop stood still for longer than the limits, replies that came meanwhile are still read."""

    async def main(watch: Watch, clock: Clock) -> None:
        came = asyncio.Event()

        async def comes(_: UnderWay) -> None:
            await came.wait()

        task = asyncio.create_task(ended_by(comes, watch))
        await asyncio.sleep(5)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.instant.now += 2 * TOTAL_S
        await asyncio.sleep(2 * LOOK_S)
        came.set()
        assert await task is None

    watched(monkeypatch, main)


def test_nothing_looks_on_when_the_watch_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch leaves no timer behind: with nothing else to do, the loop has nothing to wait for."""

    async def main(clock: Clock) -> None:
        with Watch(TOTAL_S, SILENT_S):
            await asyncio.sleep(5)
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="no timer is set"):
        run_virtually(monkeypatch, main)
