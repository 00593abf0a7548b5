"""Buddy's dates as UTC values (buddy-api.md, section 4: `yyyy-MM-dd'T'HH:mm:ssZ`, fraction of 0 to 3 digits)."""

from datetime import UTC, datetime


def parse_timestamp(text: str) -> datetime | None:
    """Return the moment as a naive UTC datetime (the lake's convention), or None if it isn't ISO 8601.

    A date without an offset is read as UTC, which is what Buddy documents for all of its dates.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
