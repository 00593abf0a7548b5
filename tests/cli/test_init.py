"""`collector init`: a file to start from."""

import os
import tomllib
from pathlib import Path

from collector.cli.init import TEMPLATE
from collector.settings.file import SETTINGS, TOKEN_KEYS
from collector.settings.loading import load
from tests.cli.conftest import Program


def test_writes_a_file_that_works(program: Program, tmp_path: Path) -> None:
    """The file as written is valid, readable by its owner only, and gives the defaults."""
    said = program("init")
    assert said.code == 0
    assert (tmp_path / "collector.toml").stat().st_mode & 0o777 == 0o600
    settings = load({}, {"BUDDY_TOKEN": "token-1234"}, tmp_path)
    assert settings.lake == tmp_path / "lake"
    (installation,) = settings.installations
    assert (installation.name, installation.requests_per_second, installation.reserve) == ("us", 20.0, 50)


def test_refuses_to_overwrite(program: Program, tmp_path: Path) -> None:
    """What is there stays as it is."""
    (tmp_path / "collector.toml").write_text("reserve = 1\n", encoding="utf-8")
    said = program("init")
    assert said.code == 2
    assert "already there" in said.err
    assert (tmp_path / "collector.toml").read_text(encoding="utf-8") == "reserve = 1\n"
    assert program("init", "no/such/dir/c.toml").code == 2


def test_the_commented_lines_are_settings_too() -> None:
    """Every setting is shown once, and each commented-out line works when the comment sign is taken away."""
    one, _, several = TEMPLATE.partition("# Several Buddies")
    lines = [line.removeprefix("# ") for line in one.splitlines() if " = " in line]
    parsed = tomllib.loads("\n".join(lines))  # raises where a key stands twice
    assert {setting.name for setting in SETTINGS} - set(parsed) == {"allow_http"}
    assert set(parsed) <= {setting.name for setting in SETTINGS} | set(TOKEN_KEYS)
    tables = tomllib.loads("\n".join(line.removeprefix("# ") for line in several.splitlines()[1:] if line != "#"))
    assert set(tables["installations"]) == {"us", "eu", "onprem"}
    known = {setting.name for setting in SETTINGS} | set(TOKEN_KEYS)
    assert all(key in known for table in tables["installations"].values() for key in table)


def test_what_is_no_regular_file_is_written_to(program: Program, tmp_path: Path) -> None:
    """A pipe gets the template and a link's missing target is made; a disk without room leaves nothing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert program("init", str(pipe)).code == 0
        assert os.read(reader, 1 << 16).decode() == TEMPLATE
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    (tmp_path / "link.toml").symlink_to("made.toml")
    assert program("init", "link.toml").code == 0
    assert (tmp_path / "link.toml").is_symlink()
    assert (tmp_path / "made.toml").read_text(encoding="utf-8") == TEMPLATE
    said = program("init", "/dev/full")
    assert (said.code, said.out) == (2, "")
    assert "/dev/full cannot be written: No space left on device." in said.err
