"""Values that cannot be used are refused with the name of the place where they were written."""

from pathlib import Path

import pytest

from collector.errors import SettingsError
from collector.settings import parsers
from collector.settings.declarations import SETTINGS
from tests.settings.loaded import refused

BAD_FLAGS: dict[str, list[object]] = {
    "reserve": ["-1", "1.5", "many", "nan", "1e99"],
    "requests_per_second": ["-0.1", "inf", "fast"],
    "concurrency": ["0", "-3", "2.5"],
    "max_duration": ["3", "-3h", "0s", "3 parsecs", "1h-30m", "h", "9999999999d"],
    "max_requests": ["0", "-5", "1.5", "all"],
    "refresh": ["7", "-7d", "0d", "off", "weekly"],
    "variable_values": ["hide", "redacted"],
    "log_format": ["xml"],
    "log_level": ["loud"],
    "ca_bundle": ["no-such-file.pem"],
    "workspaces": [("!",), ("a", "! ")],
    "lake": ["a\x00b"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_FLAGS.items() for value in values])
def test_unusable_flags(tmp_path: Path, name: str, value: object) -> None:
    """A value that cannot be used is refused by the name of the flag that held it."""
    flag = next(setting.flags[-1] for setting in SETTINGS if setting.key == name)
    said = refused(tmp_path, {name: value})
    assert flag in said or name == "ca_bundle"


@pytest.mark.parametrize(
    ("written", "seconds"), [("26h", 93_600), ("90m", 5_400), ("400d", 34_560_000), ("1h30m", 5_400), (" 1.5H ", 5_400)]
)
def test_durations(written: str, seconds: float) -> None:
    """A duration is a sum of days, hours, minutes and seconds."""
    assert parsers.duration(written, "--max-duration") == seconds


def test_days() -> None:
    """A number of days is a duration of whole days."""
    assert (parsers.days("400d", "--keep"), parsers.days("48h", "--keep")) == (400, 2)
    with pytest.raises(SettingsError, match="whole days"):
        parsers.days("36h", "--keep")


def test_a_duration_that_may_be_zero() -> None:
    """A refresh is a duration, or 0 as text or number."""
    assert [parsers.duration_or_zero(each, "--refresh") for each in ("7d", "0", 0)] == [604_800.0, 0.0, 0.0]
