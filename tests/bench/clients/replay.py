"""Replay a journal as a resumed run does: `python -m tests.bench.clients.replay JOURNAL [STAGING]`."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from collector.buddy.decode import decode
from collector.buddy.requests import Kind, Request
from collector.crawl.fetch_result import Answered, RequestCost
from collector.crawl.frontier import Frontier
from collector.crawl.journal import FORMAT, Header, Journal
from collector.crawl.redaction import Redactor
from collector.fake_buddy import FakeWorld
from collector.lake.projection import Row, RunKey
from collector.lake.staging import Staging
from collector.run.reply_processor import ReplyProcessor, selection
from collector.settings.declarations import Installation
from collector.settings.secret import Secret
from tests.bench.buddy import TOKEN, Shape
from tests.bench.clients.output import print_result

BUDDY = Installation("us", "https://api.buddy.works", Secret(TOKEN))
_RUN_KEY = RunKey("20261123T021500Z-7f3a9c", date(2026, 11, 23))
_NOW = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
_REDACTOR = Redactor(TOKEN, keep_values=False)


class DroppedRows(Staging):
    """Staging that drops every row."""

    def __init__(self) -> None:
        """Make no directory."""

    def append_all(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Drop rows."""

    @property
    def full(self) -> bool:
        """Nothing waits to be written."""
        return False

    def write_full(self) -> None:
        """Write nothing."""


def write_journal(path: Path, shape: Shape) -> int:
    """Write the journal of a complete crawl without a network; return the number of replies."""
    world = FakeWorld(
        workspaces=shape.workspaces, projects=shape.projects, pipelines=shape.pipelines, actions=shape.actions
    )
    frontier = Frontier("us", selection(BUDDY))
    replies = 0
    with Journal.create(path, Header(FORMAT, _RUN_KEY.run_id, _NOW, "bench")) as journal:
        while isinstance(request := frontier.next(), Request):
            document, body = redacted_reply(world, request)
            line = Answered(request, _NOW, RequestCost(bytes_received=len(bytes(body))), body)
            journal.append(line)
            frontier.feed(line, decode(request, document))
            replies += 1
    return replies


def redacted_reply(world: FakeWorld, request: Request) -> tuple[dict[str, Any], msgspec.Raw]:
    """Return Buddy's reply, redacted: decoded, and as in a journal."""
    workspace, project, pipeline = request.workspace or "", request.project or "", request.pipeline_id or 0
    if request.kind is Kind.ACTION:
        reply: Any = world.action(workspace, project, pipeline, request.action_id or 0)
    else:
        lists = {
            Kind.WORKSPACES: lambda: world.workspaces_list(),
            Kind.PROJECTS: lambda: world.projects(workspace, sort_by="name"),
            Kind.PIPELINES: lambda: world.pipelines(workspace, project, sort_by="id"),
            Kind.ACTIONS: lambda: world.actions(workspace, project, pipeline),
        }
        items = lists[request.kind]()
        first = (request.page - 1) * request.per_page if request.page else 0
        reply = {request.kind.value: items[first : first + request.per_page] if request.page else items}
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(reply))
    _REDACTOR.redact_document(document)
    return document, msgspec.Raw(msgspec.json.encode(document))


def main() -> None:
    """Replay a journal, and stage the rows if a directory is given."""
    staging = Staging(Path(sys.argv[2])) if len(sys.argv) > 2 else DroppedRows()
    journal = Journal.resume(Path(sys.argv[1]))
    assert journal is not None

    processor = ReplyProcessor(_RUN_KEY, [BUDDY], journal, staging)
    size = journal.path.stat().st_size
    wall, cpu = time.perf_counter(), time.process_time()
    with journal:
        replies = processor.replay(_NOW)
    assert processor.frontiers["us"].finished
    print_result(replies=replies, replay_s=time.perf_counter() - wall, replay_cpu_s=time.process_time() - cpu)
    os.truncate(journal.path, size)  # without the line that says it was resumed


if __name__ == "__main__":
    main()
