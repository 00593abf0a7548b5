"""A reply processor with a journal and staging of its own, fed by hand from a Buddy that is a plain value."""

import itertools
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from collector.buddy.requests import Request
from collector.crawl.fetch_result import Failed, FetchResult, RequestCost
from collector.crawl.journal import FORMAT, Header, Journal, Line, parse
from collector.lake.projection import RunKey
from collector.run.reply_processor import ReplyProcessor
from collector.settings.declarations import Installation
from collector.settings.secret import Secret
from tests.crawl.model_buddy import AT, ModelBuddy
from tests.run.kept_staging import KeptStaging, Rows

RUN = RunKey("20261123T021500Z-7f3a9c", date(2026, 11, 23))
HEADER = Header(FORMAT, RUN.run_id, AT, "f")
TOKEN_HELD = "t0ken-of-the-test"
SCRATCH = TemporaryDirectory()
NUMBERS = itertools.count()


class Run:
    """A processor, with a journal that holds `lines` and the staging that it fills."""

    def __init__(self, *names: str, lines: Sequence[Line] = (), keep_values: bool = False, **globs: Any) -> None:
        self.path = Path(SCRATCH.name) / f"{next(NUMBERS)}.jsonl"
        self.journal = Journal.create(self.path, HEADER)
        for line in lines:
            self.journal.append(line)
        self.staging = KeptStaging()
        installations = [installation(name, **globs) for name in names or ("us",)]
        self.processor = ReplyProcessor(RUN, installations, self.journal, self.staging, keep_values=keep_values)
        self.frontier = next(iter(self.processor.frontiers.values()))

    def __del__(self) -> None:
        self.journal.close()

    @property
    def lines(self) -> list[Line]:
        """The lines of the journal after its header."""
        lines = [parse(raw) for raw in self.path.read_bytes().splitlines(keepends=True)[1:]]
        return [line for line in lines if line is not None]

    @property
    def rows(self) -> Rows:
        """All rows so far."""
        self.staging.append_all(self.processor.drain())
        return self.staging.kept

    def stats(self, name: str = "us") -> dict[str, Any]:
        """What the crawl of one installation has cost and found."""
        return msgspec.structs.asdict(self.processor.snapshot().installations[name])

    @property
    def partial(self) -> bool:
        """Whether anything selected was not seen."""
        return self.processor.snapshot().partial

    def crawl(self, buddy: ModelBuddy, most: int = 10**6) -> "Run":
        """Crawl on until the end, or for so many requests."""
        for frontier in self.processor.frontiers.values():
            while most > 0 and isinstance(request := frontier.next(), Request):
                self.processor.accept(fetched(buddy, request))
                most -= 1
        return self

    def replay(self) -> int:
        """Replay the journal."""
        return self.processor.replay(AT)


def installation(name: str = "us", **globs: Any) -> Installation:
    """An installation with these globs."""
    return Installation(name, "https://api", Secret(TOKEN_HELD), **globs)


def fetched(buddy: ModelBuddy, request: Request) -> FetchResult:
    """What the fetcher returns for a request; every request costs something different."""
    cost = RequestCost(1 + len(request.path) % 3, len(request.path) % 2, 10, 0.25, 0.5)
    entry = buddy.answer(request)
    if isinstance(entry, Failed):
        return FetchResult(request, entry.failure.http_status, None, None, entry.failure, cost, AT, AT)
    return accepted(request, bytes(entry.body), cost)


def accepted(request: Request, body: bytes, cost: RequestCost = RequestCost()) -> FetchResult:  # noqa: B008 - frozen
    """The result of a request that was answered with this body."""
    return FetchResult(request, 200, body, msgspec.json.decode(body), None, cost, AT, AT)
