"""Laws of the workers, with a scripted fetcher and no sockets: what is fed is in the journal, and nothing is lost."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.buddy.requests import Kind, Request
from collector.crawl.fetch_result import Answered
from collector.crawl.journal import Line
from collector.errors import NotPublished, Stuck, Unauthorised
from collector.run import reply_processor as processor_module
from collector.run import worker_pool as pool_module
from tests.crawl.model_buddy import ModelBuddy, tree
from tests.run.kept_staging import KeptStaging
from tests.run.scripted_crawl import Run, ScriptedFetcher


@pytest.mark.parametrize("concurrency", [1, 3, 16])
async def test_a_whole_crawl_is_journalled_and_staged(tmp_path: Path, concurrency: int) -> None:
    """A crawl that ends by itself has asked everything once and staged exactly the rows its journal gives."""
    fetcher = ScriptedFetcher(ModelBuddy(tree(2, 3, 2, 3)))
    run = Run(tmp_path, {"us": fetcher}, concurrency=concurrency)
    assert await run.crawl()
    assert len(fetcher.begun) == len(set(fetcher.begun)) == len(run.journalled()) == 1 + 2 + 6 + 12 + 24
    assert run.rows == run.replayed()
    assert run.processor.frontiers["us"].finished
    assert fetcher.most_in_flight == concurrency
    assert run.drains == 0


async def test_installations_are_crawled_side_by_side(tmp_path: Path) -> None:
    """Each installation has its own workers and frontier, and the journal holds the lines of both."""
    both = asyncio.Barrier(2)

    async def meet(request: Request) -> None:
        if request.kind is Kind.WORKSPACES:
            await both.wait()

    fetchers = {name: ScriptedFetcher(ModelBuddy(tree(1, 2)), meet) for name in ("us", "eu")}
    run = Run(tmp_path, fetchers)
    assert await run.crawl()
    assert Counter(line.request.installation for line in run.journalled() if isinstance(line, Answered)) == {
        "us": len(fetchers["us"].begun), "eu": len(fetchers["eu"].begun),
    }  # fmt: skip
    assert run.rows == run.replayed()


async def test_nothing_is_fed_before_it_is_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever a line is taken in, the file on disk already holds it, whole."""
    run = Run(tmp_path, {"us": ScriptedFetcher(ModelBuddy(tree(1, 3, 2, 3)))})
    frontier, fed = run.processor.frontiers["us"], 0
    feed = frontier.feed

    def checked(reply: Answered, content: Any) -> Any:
        nonlocal fed
        fed += 1
        on_disk = run.path.read_bytes().splitlines(keepends=True)
        assert len(on_disk) > fed
        assert msgspec.json.encode(reply.request) in on_disk[fed]
        assert on_disk[-1].endswith(b"\n")
        return feed(reply, content)

    monkeypatch.setattr(frontier, "feed", checked)
    assert await run.crawl()
    assert fed == len(run.journalled()) > 20


async def test_stopping_drains_what_is_under_way(tmp_path: Path) -> None:
    """Once stopped, no request is sent, those in flight are journalled, and the rows are staged."""
    gate = asyncio.Event()

    async def wait(request: Request) -> None:
        if request.kind is Kind.ACTION:
            run.stop.set()
            asyncio.get_running_loop().call_later(0.05, gate.set)
            await gate.wait()

    fetcher = ScriptedFetcher(ModelBuddy(tree(1, 4, 2, 3)), wait)
    run = Run(tmp_path, {"us": fetcher})
    assert not await run.crawl()
    assert run.drains == 1
    journalled = [line.request for line in run.journalled() if isinstance(line, Answered)]
    assert Counter(journalled) == Counter(fetcher.begun)
    assert len(journalled) < 30
    assert Kind.ACTION in {request.kind for request in journalled}
    assert run.rows == run.replayed()
    assert run.processor.frontiers["us"].queue.waiting > 0


async def test_a_request_that_outlasts_the_drain_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that doesn't come home in time is cancelled, and its request waits for the next run."""
    monkeypatch.setattr(pool_module, "DRAIN_S", 0.05)

    async def hang(request: Request) -> None:
        if request.kind is Kind.PROJECTS:
            run.stop.set()
            await asyncio.sleep(3600)

    fetcher = ScriptedFetcher(ModelBuddy(tree(1, 4)), hang)
    run = Run(tmp_path, {"us": fetcher})
    assert not await run.crawl()
    frontier = run.processor.frontiers["us"]
    assert frontier.next() == fetcher.begun[-1]
    assert frontier.next() is None
    assert not frontier.finished
    assert [line.request.kind for line in run.journalled() if isinstance(line, Answered)] == [Kind.WORKSPACES]


async def test_the_time_limit_ends_a_crawl(tmp_path: Path) -> None:
    """When the time is up the crawl is drained like one that was stopped, without `stop` being set."""

    async def slowly(request: Request) -> None:
        await asyncio.sleep(0.02)

    run = Run(tmp_path, {"us": ScriptedFetcher(ModelBuddy(tree(1, 30, 3, 3)), slowly)})
    assert not await run.crawl(time_limit_s=0.1)
    assert (run.drains, run.stop.is_set()) == (1, False)
    assert run.rows == run.replayed()
    assert 1 < len(run.journalled()) < 60
    assert not run.processor.frontiers["us"].finished


async def test_a_time_limit_that_is_not_reached_changes_nothing(tmp_path: Path) -> None:
    """A crawl that ends within its time is complete."""
    run = Run(tmp_path, {"us": ScriptedFetcher(ModelBuddy(tree(1, 2)))})
    assert await run.crawl(time_limit_s=15)
    assert run.processor.frontiers["us"].finished


def causes(error: BaseException) -> list[BaseException]:
    """The errors inside a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in causes(inner)]
    return [error]


async def test_staging_that_fails_ends_the_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What staging raises is what the crawl raises, with every worker stopped and the journal sound."""
    monkeypatch.setattr(processor_module, "BATCH_ROWS", 5)
    fetcher = ScriptedFetcher(ModelBuddy(tree(1, 20, 3, 3)))
    staging = KeptStaging(part_rows=1)
    run = Run(tmp_path, {"us": fetcher}, staging=staging)
    staging.error = NotPublished("The disk is full")
    with pytest.raises(ExceptionGroup) as caught:
        await run.crawl()
    assert {str(cause) for cause in causes(caught.value)} == {"The disk is full"}
    assert fetcher.in_flight == 0
    assert len(run.journalled()) < 200


async def test_a_journal_that_fails_ends_the_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the journal can't be written nothing more is fed, and the crawl raises what the journal raised."""
    fetcher = ScriptedFetcher(ModelBuddy(tree(1, 20, 3, 3)))
    run = Run(tmp_path, {"us": fetcher})
    append, lines = run.journal.append, 0

    def failing(*batch: Line) -> None:
        nonlocal lines
        if lines >= 10:
            raise NotPublished("The journal could not be written")
        lines += len(batch)
        append(*batch)

    monkeypatch.setattr(run.journal, "append", failing)
    with pytest.raises(ExceptionGroup) as caught:
        await run.crawl()
    assert {type(cause) for cause in causes(caught.value)} == {NotPublished}
    assert run.processor.snapshot().answered == lines == len(run.journalled())
    assert fetcher.in_flight == 0


async def test_a_fetcher_that_is_stuck_ends_its_pool(tmp_path: Path) -> None:
    """Stuck is remembered by its pool, for the others go on; the request it was about is put back."""

    async def stuck(request: Request) -> None:
        if request.kind is Kind.ACTIONS:
            raise Stuck("Buddy answers nothing")

    fetcher = ScriptedFetcher(ModelBuddy(tree(1, 1)), stuck)
    run = Run(tmp_path, {"us": fetcher}, concurrency=1)
    assert await run.crawl()
    assert isinstance(run.pools[0].ended_by, Stuck)
    assert run.processor.frontiers["us"].next() == fetcher.begun[-1]


async def test_an_unforeseen_error_is_not_swallowed(tmp_path: Path) -> None:
    """Any other error of a fetcher ends the whole crawl, which raises it; its request is put back."""

    async def fail(request: Request) -> None:
        if request.kind is Kind.ACTIONS:
            raise LookupError("unforeseen")

    fetcher = ScriptedFetcher(ModelBuddy(tree(1, 1)), fail)
    run = Run(tmp_path, {"us": fetcher}, concurrency=1)
    with pytest.raises(ExceptionGroup) as caught:
        await run.crawl()
    assert [type(cause) for cause in causes(caught.value)] == [LookupError]
    assert run.processor.frontiers["us"].next() == fetcher.begun[-1]


async def test_a_refused_token_ends_only_its_own_installation(tmp_path: Path) -> None:
    """401 is remembered by its pool, whose requests are put back; the other installation is crawled to the end."""

    async def refused(request: Request) -> None:
        if request.kind is Kind.PIPELINES:
            raise Unauthorised("401")

    us, eu = ScriptedFetcher(ModelBuddy(tree(1, 3)), refused), ScriptedFetcher(ModelBuddy(tree(1, 3)))
    run = Run(tmp_path, {"us": us, "eu": eu})
    assert await run.crawl()
    assert isinstance(run.pools[0].ended_by, Unauthorised)
    assert run.pools[1].ended_by is None
    assert run.processor.frontiers["eu"].finished
    frontier = run.processor.frontiers["us"]
    assert {step.project for step in (frontier.next() for _ in range(3)) if isinstance(step, Request)} == {
        "p0000", "p0001", "p0002",
    }  # fmt: skip
    assert run.rows == run.replayed()


async def test_rows_are_staged_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go to staging while the crawl is under way, in batches, and none is left behind."""
    monkeypatch.setattr(processor_module, "BATCH_ROWS", 10)
    run = Run(tmp_path, {"us": ScriptedFetcher(ModelBuddy(tree(1, 10, 2, 3)))})
    assert await run.crawl()
    assert len(run.staging.batches) > 4
    assert max(run.staging.batches) < 100
    assert run.rows == run.replayed()


async def test_one_part_is_written_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are written during the crawl, never two at once; at its end no write runs, and what is not full waits."""
    monkeypatch.setattr(processor_module, "BATCH_ROWS", 10)
    staging = KeptStaging(part_rows=40)
    staging.write_s = 0.002
    run = Run(tmp_path, {"us": ScriptedFetcher(ModelBuddy(tree(1, 10, 2, 3)))}, staging=staging)
    assert await run.crawl()
    assert (staging.most_under_way, staging.under_way) == (1, 0)
    assert sum(staging.kept.values()) - 40 < staging.written <= sum(staging.kept.values())
    assert run.rows == run.replayed()
