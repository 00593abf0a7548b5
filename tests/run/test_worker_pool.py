"""Laws of workers and sink, with a scripted getter and no sockets: what is fed is in the journal, and nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import pytest

from collector.buddy.placeholders import REDACTED, TOKEN
from collector.buddy.requests import Kind, Request, action_request, workspaces_request
from collector.crawl.classify import Failure
from collector.crawl.fetch_result import FetchResult
from collector.crawl.frontier import Signal
from collector.crawl.journal import FORMAT, Answered, Failed, Header, Journal, Line
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.redaction import Redactor
from collector.crawl.reply import Reply
from collector.errors import NotPublished, Stuck, Unauthorised
from collector.lake.flatten import Row, RunKey
from collector.run import reply_processor as gathering_module
from collector.run import worker_pool as crew_module
from collector.run.reply_processor import ReplyProcessor
from collector.run.worker_pool import Sink, WorkerPool, crawl, journal_line
from collector.settings.declarations import Installation
from collector.settings.secret import Secret
from tests.crawl.model_buddy import AT, ModelBuddy, tree

STAMP = RunKey("20261123T021500Z-7f3a9c", date(2026, 11, 23))
TOKEN_HELD = "t0ken-of-the-test"
Rows = Counter[tuple[str, str]]


def outcome(
    request: Request,
    document: dict[str, Any] | None,
    failure: Failure | None = None,
    *,
    attempts: int = 1,
    refusals: int = 0,
    bytes_received: int = 10,
) -> FetchResult:
    """What the fetcher says of a request."""
    body = None if document is None else msgspec.json.encode(document)
    return FetchResult(request, 200, body, document, failure, attempts, refusals, bytes_received, AT, AT)


class ScriptedGetter:
    """A fetcher that answers from a model, after `before` has been awaited for each request."""

    def __init__(self, buddy: ModelBuddy, before: Callable[[Request], Awaitable[None]] | None = None) -> None:
        self.buddy = buddy
        self.before = before
        self.under_way = self.most_under_way = 0
        self.begun: list[Request] = []

    async def get(self, request: Request) -> FetchResult:
        """Return the settled outcome of one request."""
        self.begun.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            if self.before is not None:
                await self.before(request)
            settled = self.buddy.answer(request)
            if isinstance(settled, Reply):
                return outcome(request, self.buddy.document(request))
            failure = Failure("timeout", settled.http_status, settled.message)
            return outcome(request, None, failure)
        finally:
            self.under_way -= 1


class KeptStaging:
    """Staging that keeps rows: what was appended is written part by part."""

    def __init__(self, part_rows: int = 20_000) -> None:
        self.rows: Rows = Counter()
        self.lots: list[int] = []
        self.written = self.under_way = self.most_under_way = 0
        self.write_s = 0.0
        self.error: Exception | None = None
        self._part_rows = part_rows
        self._waiting: list[int] = []

    def append_all(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Gather rows, by table."""
        self.rows += Counter((table, repr(row)) for table, held in rows.items() for row in held)
        self.lots.append(sum(map(len, rows.values())))
        self._waiting.append(self.lots[-1])

    @property
    def full(self) -> bool:
        """Whether something waits to be written."""
        return sum(self._waiting) >= self._part_rows

    def write_full(self) -> None:
        """Write it."""
        if self.error is not None:
            raise self.error
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        while self._waiting:
            self.written += self._waiting.pop()
        sleep(self.write_s)
        self.under_way -= 1


class Night:
    """One crawl with everything it needs, and what came of it."""

    def __init__(self, directory: Path, getters: Mapping[str, ScriptedGetter], *, concurrency: int = 4) -> None:
        installations = [Installation(name, "https://api", Secret(TOKEN_HELD)) for name in getters]
        self.gathering = ReplyProcessor(STAMP, installations)
        self.path = directory / "journal.jsonl"
        self.journal = Journal.create(self.path, Header(FORMAT, STAMP.run_id, AT, "f"))
        self.staging = KeptStaging()
        self.stop = asyncio.Event()
        self.told = 0
        self.crews = [
            WorkerPool(
                self.gathering.frontiers[name],
                getter,
                RateLimiter(),
                Redactor(TOKEN_HELD, keep_values=False),
                concurrency,
            )
            for name, getter in getters.items()
        ]

    @property
    def rows(self) -> Rows:
        """The rows that went to staging."""
        return self.staging.rows

    async def crawl(self, most_s: float | None = None) -> bool:
        """Crawl, bounded in time so that a deadlock is a failure."""

        def tell() -> None:
            self.told += 1

        async with asyncio.timeout(20):
            sink = Sink(self.journal, self.gathering, self.staging)
            with self.journal:
                return await crawl(self.crews, sink, stop=self.stop, told=tell, most_s=most_s)

    def journalled(self) -> list[Line]:
        """What the journal holds, from the first line behind the header."""
        lines: list[Line] = []

        def keep(line: Line) -> bool:
            lines.append(line)
            return True

        journal = Journal.resume(self.path)
        assert journal is not None
        with journal:
            journal.replay(keep)
        return lines

    def replayed(self) -> Rows:
        """The rows that the journal alone gives."""
        again = ReplyProcessor(
            STAMP, [Installation(name, "https://api", Secret("")) for name in self.gathering.frontiers]
        )
        assert all(again.replay(line) for line in self.journalled())
        return Counter((table, repr(row)) for table, rows in again.take_rows().items() for row in rows)


@pytest.mark.parametrize("concurrency", [1, 3, 16])
async def test_a_whole_crawl_is_journalled_and_staged(tmp_path: Path, concurrency: int) -> None:
    """A crawl that ends by itself has asked everything once and staged exactly the rows its journal gives."""
    getter = ScriptedGetter(ModelBuddy(tree(2, 3, 2, 3)))
    night = Night(tmp_path, {"us": getter}, concurrency=concurrency)
    assert await night.crawl()
    assert len(getter.begun) == len(set(getter.begun)) == len(night.journalled()) == 1 + 2 + 6 + 12 + 24
    assert night.rows == night.replayed()
    assert night.gathering.frontiers["us"].finished
    assert getter.most_under_way == concurrency
    assert night.told == 0


async def test_installations_are_crawled_side_by_side(tmp_path: Path) -> None:
    """Each installation has its own workers and frontier, and the journal holds the lines of both."""
    both = asyncio.Barrier(2)

    async def meet(request: Request) -> None:
        if request.kind is Kind.WORKSPACES:
            await both.wait()

    getters = {name: ScriptedGetter(ModelBuddy(tree(1, 2)), meet) for name in ("us", "eu")}
    night = Night(tmp_path, getters)
    assert await night.crawl()
    assert Counter(line.request.installation for line in night.journalled() if isinstance(line, Answered)) == {
        "us": len(getters["us"].begun), "eu": len(getters["eu"].begun),
    }  # fmt: skip
    assert night.rows == night.replayed()


async def test_nothing_is_fed_before_it_is_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever a line is taken in, the file on disk already holds it, whole."""
    night = Night(tmp_path, {"us": ScriptedGetter(ModelBuddy(tree(1, 3, 2, 3)))})
    taken = 0
    take = night.gathering.take

    def checked(line: Any, document: Any) -> None:
        nonlocal taken
        taken += 1
        on_disk = night.path.read_bytes().splitlines(keepends=True)
        assert len(on_disk) > taken
        assert msgspec.json.encode(line.request) in on_disk[taken]
        assert on_disk[-1].endswith(b"\n")
        take(line, document)

    monkeypatch.setattr(night.gathering, "take", checked)
    assert await night.crawl()
    assert taken == len(night.journalled()) > 20


async def test_stopping_drains_what_is_under_way(tmp_path: Path) -> None:
    """Once told to stop, no request is begun, those under way are journalled, and the rows are staged."""
    gate = asyncio.Event()

    async def wait(request: Request) -> None:
        if request.kind is Kind.ACTION:
            night.stop.set()
            asyncio.get_running_loop().call_later(0.05, gate.set)
            await gate.wait()

    getter = ScriptedGetter(ModelBuddy(tree(1, 4, 2, 3)), wait)
    night = Night(tmp_path, {"us": getter})
    assert not await night.crawl()
    assert night.told == 1
    journalled = [line.request for line in night.journalled() if isinstance(line, Answered)]
    assert Counter(journalled) == Counter(getter.begun)
    assert len(journalled) < 30
    assert Kind.ACTION in {request.kind for request in journalled}
    assert night.rows == night.replayed()
    assert night.gathering.frontiers["us"].waiting > 0


async def test_a_request_that_outlasts_the_drain_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that doesn't come home in time is cancelled, and its request waits for the next run."""
    monkeypatch.setattr(crew_module, "DRAIN_S", 0.05)

    async def hang(request: Request) -> None:
        if request.kind is Kind.PROJECTS:
            night.stop.set()
            await asyncio.sleep(3600)

    getter = ScriptedGetter(ModelBuddy(tree(1, 4)), hang)
    night = Night(tmp_path, {"us": getter})
    assert not await night.crawl()
    frontier = night.gathering.frontiers["us"]
    assert frontier.next() == getter.begun[-1]
    assert frontier.next() is Signal.WAIT
    assert [line.request.kind for line in night.journalled() if isinstance(line, Answered)] == [Kind.WORKSPACES]


async def test_the_time_limit_ends_a_crawl(tmp_path: Path) -> None:
    """When the time is up the crawl is drained like one that was stopped, without `stop` being set."""

    async def slowly(request: Request) -> None:
        await asyncio.sleep(0.02)

    night = Night(tmp_path, {"us": ScriptedGetter(ModelBuddy(tree(1, 30, 3, 3)), slowly)})
    assert not await night.crawl(most_s=0.1)
    assert (night.told, night.stop.is_set()) == (1, False)
    assert night.rows == night.replayed()
    assert 1 < len(night.journalled()) < 60
    assert not night.gathering.frontiers["us"].finished


async def test_a_time_limit_that_is_not_reached_changes_nothing(tmp_path: Path) -> None:
    """A crawl that ends within its time is whole."""
    night = Night(tmp_path, {"us": ScriptedGetter(ModelBuddy(tree(1, 2)))})
    assert await night.crawl(most_s=15)
    assert night.gathering.frontiers["us"].finished


def causes(error: BaseException) -> list[BaseException]:
    """The errors inside a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in causes(inner)]
    return [error]


async def test_staging_that_fails_ends_the_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What staging raises is what the crawl raises, with every worker stopped and the journal sound."""
    monkeypatch.setattr(gathering_module, "ROWS_PER_LOT", 5)
    getter = ScriptedGetter(ModelBuddy(tree(1, 20, 3, 3)))
    night = Night(tmp_path, {"us": getter})
    night.staging = KeptStaging(part_rows=1)
    night.staging.error = NotPublished("The disk is full")
    with pytest.raises(ExceptionGroup) as caught:
        await night.crawl()
    assert [str(cause) for cause in causes(caught.value)] == ["The disk is full"]
    assert getter.under_way == 0
    assert len(night.journalled()) < 200


async def test_a_journal_that_fails_ends_the_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the journal can't be written nothing more is fed, and the crawl raises what the journal raised."""
    getter = ScriptedGetter(ModelBuddy(tree(1, 20, 3, 3)))
    night = Night(tmp_path, {"us": getter})
    append, lines = night.journal.append, 0

    def failing(batch: Sequence[Line]) -> None:
        nonlocal lines
        if lines + len(batch) > 10:
            raise NotPublished("The journal could not be written")
        lines += len(batch)
        append(batch)

    monkeypatch.setattr(night.journal, "append", failing)
    with pytest.raises(ExceptionGroup) as caught:
        await night.crawl()
    assert [type(cause) for cause in causes(caught.value)] == [NotPublished]
    assert night.gathering.answered == lines == len(night.journalled())
    assert getter.under_way == 0


async def test_a_getter_that_is_stuck_ends_its_crew(tmp_path: Path) -> None:
    """Stuck is remembered by its crew, for the others go on; the request it was about is put back."""

    async def stuck(request: Request) -> None:
        if request.kind is Kind.ACTIONS:
            raise Stuck("Buddy answers nothing")

    getter = ScriptedGetter(ModelBuddy(tree(1, 1)), stuck)
    night = Night(tmp_path, {"us": getter}, concurrency=1)
    assert await night.crawl()
    assert isinstance(night.crews[0].stuck, Stuck)
    assert night.gathering.frontiers["us"].next() == getter.begun[-1]


async def test_an_error_nobody_foresaw_is_not_swallowed(tmp_path: Path) -> None:
    """What else a getter raises ends the whole crawl and is what the crawl raises; its request is put back."""

    async def fail(request: Request) -> None:
        if request.kind is Kind.ACTIONS:
            raise LookupError("unforeseen")

    getter = ScriptedGetter(ModelBuddy(tree(1, 1)), fail)
    night = Night(tmp_path, {"us": getter}, concurrency=1)
    with pytest.raises(ExceptionGroup) as caught:
        await night.crawl()
    assert [type(cause) for cause in causes(caught.value)] == [LookupError]
    assert night.gathering.frontiers["us"].next() == getter.begun[-1]


async def test_a_refused_token_ends_only_its_own_installation(tmp_path: Path) -> None:
    """401 is remembered by its crew, whose requests are put back; the other installation is crawled to the end."""

    async def refused(request: Request) -> None:
        if request.kind is Kind.PIPELINES:
            raise Unauthorised("401")

    us, eu = ScriptedGetter(ModelBuddy(tree(1, 3)), refused), ScriptedGetter(ModelBuddy(tree(1, 3)))
    night = Night(tmp_path, {"us": us, "eu": eu})
    assert await night.crawl()
    assert isinstance(night.crews[0].unauthorised, Unauthorised)
    assert night.crews[1].unauthorised is None
    assert night.gathering.frontiers["eu"].finished
    frontier = night.gathering.frontiers["us"]
    assert {step.project for step in (frontier.next() for _ in range(3)) if isinstance(step, Request)} == {
        "p0000", "p0001", "p0002",
    }  # fmt: skip
    assert night.rows == night.replayed()


async def test_rows_are_staged_in_lots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows go to staging while the crawl is under way, in lots, and none is left behind."""
    monkeypatch.setattr(gathering_module, "ROWS_PER_LOT", 10)
    night = Night(tmp_path, {"us": ScriptedGetter(ModelBuddy(tree(1, 10, 2, 3)))})
    assert await night.crawl()
    assert len(night.staging.lots) > 4
    assert max(night.staging.lots) < 100
    assert night.rows == night.replayed()


async def test_one_part_is_written_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are written beside the crawl, never two at once; at its end none is under way, and what is not full waits."""
    monkeypatch.setattr(gathering_module, "ROWS_PER_LOT", 10)
    night = Night(tmp_path, {"us": ScriptedGetter(ModelBuddy(tree(1, 10, 2, 3)))})
    night.staging = staging = KeptStaging(part_rows=40)
    staging.write_s = 0.002
    assert await night.crawl()
    assert (staging.most_under_way, staging.under_way) == (1, 0)
    assert sum(staging.rows.values()) - 40 < staging.written <= sum(staging.rows.values())
    assert night.rows == night.replayed()


# -- journal lines --------------------------------------------------------------------------------------------------

ACTION = action_request("us", "w0", "p0000", 1, 2)


def idle_crew(pace: RateLimiter | None = None) -> WorkerPool:
    """A crew that asks nothing."""
    gathering = ReplyProcessor(STAMP, [Installation("us", "https://api", Secret(TOKEN_HELD))])
    redactor = Redactor(TOKEN_HELD, keep_values=False)
    return WorkerPool(gathering.frontiers["us"], ScriptedGetter(ModelBuddy({})), pace or RateLimiter(), redactor, 1)


def test_a_reply_without_secrets_is_journalled_byte_by_byte() -> None:
    """The body of a harmless reply is kept exactly as it was sent."""
    body = b'{ "id" : 2, "x":1.50 }'
    given = msgspec.structs.replace(outcome(ACTION, {}), body=body, document=msgspec.json.decode(body))
    line, document = journal_line(idle_crew(), given)
    assert isinstance(line, Answered)
    assert (bytes(line.body), document, line.at) == (body, {"id": 2, "x": 1.5}, AT)


def test_a_secret_never_reaches_the_journal() -> None:
    """A reply with secrets is journalled, and fed, without them."""
    held = {"id": 2, "variables": [{"key": "A", "value": "s3cret"}], "src": {"password": "s3cret"}, "n": TOKEN_HELD}
    line, document = journal_line(idle_crew(), outcome(ACTION, held))
    assert isinstance(line, Answered)
    assert msgspec.json.decode(line.body) == document
    assert document == {
        "id": 2, "variables": [{"key": "A", "value": REDACTED}], "src": {"password": REDACTED}, "n": TOKEN,
    }  # fmt: skip


def test_a_failure_is_journalled_without_secrets() -> None:
    """What came in place of an answer is kept as a short text without values, passwords and the token."""
    document = {"errors": [{"message": TOKEN_HELD}], "value": "s3cret", "passphrase": "s3cret"}
    failure = Failure("forbidden", 403, f"no {TOKEN_HELD}", None, document)
    late = msgspec.structs.replace(outcome(ACTION, None, failure), last_seen_at=AT + timedelta(seconds=9))
    line, fed = journal_line(idle_crew(), late)
    assert isinstance(line, Failed)
    assert (line.kind, line.http_status, line.message, fed) == ("forbidden", 403, f"no {TOKEN}", None)
    assert (line.first_seen_at, line.last_seen_at) == (AT, AT + timedelta(seconds=9))
    assert line.raw is not None
    assert msgspec.json.decode(line.raw) == {
        "errors": [{"message": TOKEN}], "value": REDACTED, "passphrase": REDACTED,
    }  # fmt: skip


def test_the_raw_text_of_a_failure_is_bounded_and_without_the_token() -> None:
    """Text that was no JSON is kept without the token, and a long document only at its beginning."""
    line, _ = journal_line(idle_crew(), outcome(ACTION, None, Failure("not_json", 502, "m", f"<p>{TOKEN_HELD}</p>")))
    assert isinstance(line, Failed)
    assert line.raw == f"<p>{TOKEN}</p>"
    line, _ = journal_line(idle_crew(), outcome(ACTION, None, Failure("http_error", 500, "m", None, ["x" * 20_000])))
    assert isinstance(line, Failed)
    assert line.raw is not None
    assert len(line.raw) == 10_000


def test_waiting_is_charged_once() -> None:
    """The costs of a crew's outcomes add up to what its pace has waited."""
    pace = RateLimiter()
    crew = idle_crew(pace)
    pace.paced_seconds, pace.paused_seconds = 1.5, 4.0
    first = crew.cost(outcome(workspaces_request("us"), {}, attempts=3, refusals=2))
    pace.paced_seconds = 2.0
    second = crew.cost(outcome(ACTION, {}))
    assert (first.attempts, first.refusals, first.paced_seconds, first.paused_seconds) == (3, 2, 1.5, 4.0)
    assert (second.attempts, second.refusals, second.paced_seconds, second.paused_seconds) == (1, 0, 0.5, 0.0)
