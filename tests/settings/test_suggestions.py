"""Misspelt names."""

from collector.settings.suggestions import did_you_mean


def test_the_nearest_known_name_is_suggested() -> None:
    """The nearest name is named, and nothing is said when none is near."""
    assert did_you_mean("reserv", ["region", "reserve", "lake"]) == "Did you mean 'reserve'? "
    assert did_you_mean("xyz", ["region", "reserve"]) == ""
