"""`collector init`: a file to start from."""

import os
from pathlib import Path

from collector.settings.loading import load
from collector.settings.template import template
from tests.cli.conftest import Program


def test_writes_a_file_that_works(program: Program, tmp_path: Path) -> None:
    """The file as written is valid, readable by its owner only, and gives the defaults."""
    said = program("init")
    assert said.code == 0
    assert (tmp_path / "collector.toml").stat().st_mode & 0o777 == 0o600
    settings = load({}, {"BUDDY_TOKEN": "token-1234"}, tmp_path)
    assert settings.lake == tmp_path / "lake"
    (installation,) = settings.installations
    assert (installation.name, installation.requests_per_second, installation.reserve) == ("us", 20, 50)


def test_refuses_to_overwrite(program: Program, tmp_path: Path) -> None:
    """What is there stays as it is."""
    (tmp_path / "collector.toml").write_text("reserve = 1\n", encoding="utf-8")
    said = program("init")
    assert said.code == 2
    assert "exists already" in said.err
    assert (tmp_path / "collector.toml").read_text(encoding="utf-8") == "reserve = 1\n"
    assert program("init", "no/such/dir/c.toml").code == 2


def test_what_is_no_regular_file_is_written_to(program: Program, tmp_path: Path) -> None:
    """A pipe gets the template and a link's missing target is made; a disk without room leaves nothing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert program("init", str(pipe)).code == 0
        assert os.read(reader, 1 << 16).decode() == template()
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    (tmp_path / "link.toml").symlink_to("made.toml")
    assert program("init", "link.toml").code == 0
    assert (tmp_path / "link.toml").is_symlink()
    assert (tmp_path / "made.toml").read_text(encoding="utf-8") == template()
    said = program("init", "/dev/full")
    assert (said.code, said.out) == (2, "")
    assert "/dev/full cannot be written: No space left on device." in said.err
