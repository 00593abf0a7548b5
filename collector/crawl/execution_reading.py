"""The executions of one pipeline being read: its list, newest first, then a GET for each that is new or has changed.

Pure. The list is not read twice as others are: an execution that begins meanwhile moves the others back, so a page can
repeat executions but not hide one. Which executions need a GET is decided when the list has been read, because only
then is it certain that the pipeline was not made again (its ids would begin again).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from collector.buddy.decode import Item
from collector.buddy.executions import has_ended
from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, Kind, Request
from collector.crawl.execution_history import began_at, digest, ids_to_read, known_after, reads_further_back
from collector.crawl.pagination import may_be_cut_off, next_page
from collector.crawl.records import ExecutionHistory, KnownExecution, ListedItem, ReadExecution, ReadHistory

# Coverages of single executions that leave the executions of the pipeline incomplete, the worst first.
_INCOMPLETE = ("forbidden", "failed", "skipped")


class ExecutionReading:
    """The state of one pipeline's executions; `pipeline` is the pipeline's record, which waits for the end of this.

    `answered` is True once a page of the list was read; `repeats` is True when a page held only what a full page
    before it held, so that what would follow is not known.
    """

    def __init__(self, pipeline: ListedItem, history: ExecutionHistory, since: datetime, now: datetime) -> None:
        self.pipeline = pipeline
        self.answered = self.repeats = False
        self._full = False
        self._history = history
        self._since = since
        self._now = now
        self._entries: dict[int, Item] = {}
        self._unreadable = self._reached_end = False
        self._falling = True
        self._list_coverage: str | None = None
        self._to_read: set[int] = set()
        self._read: list[KnownExecution] = []
        self._coverages: set[str] = set()

    @property
    def ended(self) -> bool:
        """True when the list and all single executions are settled."""
        return self._list_coverage is not None and not self._to_read

    def first_request(self) -> Request:
        """Return the request of the first page."""
        return replace(self._request(Kind.EXECUTIONS), page=1, per_page=PER_PAGE)

    def read_page(self, request: Request, items: Sequence[Item]) -> tuple[list[Item], Request | None]:
        """Take in one page of the list; return its new items, and the request of the next page if there is one."""
        self.answered = True
        new_items = [item for item in items if item.key not in self._entries]
        for item in new_items:
            if isinstance(item.key, int):
                self._falling &= not self._entries or item.key < next(reversed(self._entries))
                self._entries[item.key] = item
            else:
                self._unreadable = True
        if request.page == 1:
            self._full = may_be_cut_off(request, len(items))
        self.repeats = self._full and not new_items and len(items) >= DOCUMENTED_PER_PAGE
        self._reached_end = len(items) < DOCUMENTED_PER_PAGE or not new_items
        if self._reached_end or self._reaches_known(new_items):
            return new_items, None
        return new_items, next_page(request, len(items))

    def end_list(self, coverage: str) -> list[Request]:
        """End the list, read or not, and return the requests of single executions."""
        self._list_coverage = "failed" if coverage == "complete" and self._unreadable else coverage
        if coverage == "complete" and self._was_made_again():
            self._history = ExecutionHistory()
        if not self.answered:
            return []
        numbers = ids_to_read(self._documents(), self._history, self._since, self._now)
        self._to_read = set(numbers)
        # The queue hands out the newest request first, so the newest execution comes last.
        return [replace(self._request(Kind.EXECUTION), execution_id=number) for number in reversed(numbers)]

    def settle(self, read: ReadExecution) -> None:
        """Note what became of one execution."""
        self._to_read.discard(read.execution_id)
        self._coverages.add(read.coverage)
        entry = self._entries.get(read.execution_id)
        # What is gone is never requested again; what failed is, however it may have ended.
        ended = read.coverage == "gone" or (read.coverage == "fetched" and has_ended(read.document))
        entry_digest = None if entry is None else digest(entry.document)
        self._read.append(KnownExecution(read.execution_id, began_at(read.document), ended, entry_digest))

    def without_reply(self, number: int, coverage: str) -> ReadExecution:
        """Return the record of an execution without a reply of its own: its list entry, as far as there is one."""
        entry = self._entries.get(number)
        document = entry.document if entry is not None and entry.violation is None else {}
        return ReadExecution(self.pipeline.key, number, document, coverage)

    def stop(self, coverage: str) -> list[ReadExecution]:
        """End the reading now: what is open gets this coverage."""
        self._list_coverage = self._list_coverage or coverage
        records = [self.without_reply(number, coverage) for number in sorted(self._to_read)]
        for record in records:
            self.settle(record)
        return records

    def close(self) -> tuple[ListedItem, ReadHistory]:
        """Return the record of the pipeline with the coverage of its executions, and what the next run must know."""
        coverage = self._list_coverage
        assert coverage is not None, "a reading is closed after its end"
        if coverage == "complete":
            coverage = next((each for each in _INCOMPLETE if each in self._coverages), "complete")
        history = self._history_after()
        complete_from = history.complete_from if coverage == "complete" else None
        pipeline = replace(self.pipeline, executions_coverage=coverage, executions_from=complete_from)
        return pipeline, ReadHistory(self.pipeline.key, history)

    def _history_after(self) -> ExecutionHistory:
        before = self._history
        known = known_after(before, self._documents(), self._read, self._now)
        if self._list_coverage != "complete":
            return replace(before, known=known)
        complete_from = min(before.complete_from or self._since, self._since)
        if not (self._falling or self._reached_end):
            # The order of this list tells nothing about executions before the window.
            complete_from = self._since
        return ExecutionHistory(complete_from, max(self._entries, default=None), known)

    def _reaches_known(self, new_items: Sequence[Item]) -> bool:
        """Return whether the list has reached what is known, or the beginning of the window."""
        began = [began_at(item.document) for item in new_items]
        if not self._falling:
            return all(moment is not None and moment < self._since for moment in began)
        highest_id = self._history.highest_id
        if highest_id is not None and not reads_further_back(self._history, self._since):
            return min(self._entries, default=highest_id + 1) <= highest_id
        return began[-1] is not None and began[-1] < self._since

    def _was_made_again(self) -> bool:
        """Return whether the ids of the pipeline began again."""
        highest_id = self._history.highest_id
        # An entry without an id may be that of the highest.
        is_certain = (self._falling or self._reached_end) and not self._unreadable
        return highest_id is not None and is_certain and max(self._entries, default=0) < highest_id

    def _documents(self) -> dict[int, dict[str, Any]]:
        """Return the list entries by id."""
        return {number: item.document for number, item in self._entries.items()}

    def _request(self, kind: Kind) -> Request:
        key = self.pipeline.key
        return Request(key.installation, kind, key.workspace, key.project, key.pipeline_id)
