"""Where the token of an installation comes from."""

from pathlib import Path

import pytest

from collector.settings.declarations import Settings
from collector.settings.loading import load
from tests.settings.loaded import ENVIRON, TOKEN, loaded, one, refused


def test_token_sources(tmp_path: Path) -> None:
    """A token comes from a variable, a file or a command, and is trimmed."""
    (tmp_path / "t").write_text(f"{TOKEN}\n", encoding="utf-8")
    assert one(loaded(tmp_path, {}, {"BUDDY_TOKEN_FILE": "t"})).token.reveal() == TOKEN
    assert one(loaded(tmp_path, {}, {}, "token_file = 't'")).token.reveal() == TOKEN
    assert one(loaded(tmp_path, {}, {"MINE": TOKEN}, "token_env = 'MINE'")).token.reveal() == TOKEN
    assert one(loaded(tmp_path, {}, {}, f"token_command = 'echo {TOKEN}'")).token.reveal() == TOKEN


def test_commands_that_only_read_need_no_token(tmp_path: Path) -> None:
    """Without `needs_token`, no token is looked for and no command of a password manager is run."""
    toml = f"lake = 'l'\ntoken_command = 'touch {tmp_path}/was-run'\n"
    (tmp_path / "collector.toml").write_text(toml, encoding="utf-8")
    assert load({}, {}, tmp_path, needs_token=False) == Settings((), tmp_path / "l")
    assert not (tmp_path / "was-run").exists()


def test_the_token_of_the_environment_is_given_to_no_named_installation(tmp_path: Path) -> None:
    """BUDDY_TOKEN belongs to one Buddy: with named installations it is given to none of them."""
    said = refused(tmp_path, {}, ENVIRON, "[installations.eu]\nregion = 'EU'\n")
    assert "token_env" in said


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "naïve", "tab\there", "bell\x07"])
def test_a_token_that_no_header_can_carry(tmp_path: Path, token: str) -> None:
    """Such a token is refused without being shown."""
    assert token not in refused(tmp_path, {}, {"BUDDY_TOKEN": token})


def test_no_token(tmp_path: Path) -> None:
    """Without a token the message says how to get one, with which scopes, and that the demo needs none."""
    said = refused(tmp_path, {}, {"BUDDY_TOKEN": "  "})
    for word in ("BUDDY_TOKEN", "WORKSPACE", "EXECUTION_INFO", "collector demo"):
        assert word in said
