"""Which interrupted run is continued: one of another format, age or settings is abandoned, and the problem says why."""

from datetime import UTC, datetime, timedelta

import pytest

from collector.crawl.journal import FORMAT, Header
from collector.run.resume import why_not_resumable

AT = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (Header(FORMAT, "r", AT, "f"), None),
        (Header(FORMAT, "r", AT - timedelta(hours=24), "f"), None),
        (None, "can't be read"),
        (Header(FORMAT - 1, "r", AT, "f"), f"format {FORMAT - 1}"),
        (Header(FORMAT + 1, "r", AT, "f"), f"reads format {FORMAT} only"),
        (Header(FORMAT, "r", AT - timedelta(hours=24, seconds=1), "f"), "more than 24 hours ago"),
        (Header(FORMAT, "r", AT + timedelta(hours=2), "f"), "in the future"),
        (Header(FORMAT, "r", AT, "g"), "with other settings"),
    ],
)
def test_why_a_run_is_not_resumed(header: Header | None, why: str | None) -> None:
    """A journal of this format, these settings and the last 24 hours is resumed; any other one has a reason."""
    reason = why_not_resumable(header, AT, "f")
    assert (reason is None) == (why is None)
    assert (why or "") in (reason or "")
