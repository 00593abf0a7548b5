"""Laws of Buddy's dates."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.timestamps import parse_timestamp


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-03-29T08:05:30Z", datetime(2016, 3, 29, 8, 5, 30)),
        ("2016-03-29T08:05:30.3Z", datetime(2016, 3, 29, 8, 5, 30, 300_000)),
        ("2016-03-29T08:05:30.33Z", datetime(2016, 3, 29, 8, 5, 30, 330_000)),
        ("2016-03-29T08:05:30.333Z", datetime(2016, 3, 29, 8, 5, 30, 333_000)),
        ("2016-03-29T08:05:30+0200", datetime(2016, 3, 29, 6, 5, 30)),
        ("2016-03-29T01:05:30+02:00", datetime(2016, 3, 28, 23, 5, 30)),
        ("2016-03-29T08:05:30", datetime(2016, 3, 29, 8, 5, 30)),
    ],
)
def test_every_documented_form_is_read(text: str, moment: datetime) -> None:
    """A fraction of 0 to 3 digits and any offset give the same UTC moment, and no offset means UTC."""
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2016-03-29T25:00:00Z", "2016-02-30T00:00:00Z", "1459238730", "29.03.2016", "2016-03-29T08:05:30ZZ",
     "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"],
)  # fmt: skip
def test_what_is_no_moment_is_none(text: str) -> None:
    """A text that is no ISO 8601 moment, or one outside the calendar once in UTC, is None and never an error."""
    assert parse_timestamp(text) is None


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_the_offset_never_moves_the_moment(moment: datetime, minutes: int) -> None:
    """A moment written in any offset comes back as the same moment in UTC, without a zone."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    parsed = parse_timestamp(aware.isoformat())
    assert parsed is not None
    assert parsed.tzinfo is None
    assert parsed.replace(tzinfo=UTC) == aware
