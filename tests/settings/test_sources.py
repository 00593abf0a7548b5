"""collector.toml."""

from pathlib import Path

import pytest

from tests.settings.loaded import ENVIRON, TOKEN, loaded, one, refused


def test_the_config_file_is_found_by_flag_variable_and_name(tmp_path: Path) -> None:
    """`--config` wins over COLLECTOR_CONFIG, which wins over ./collector.toml."""
    for name, reserve in (("flag.toml", 1), ("variable.toml", 2), ("collector.toml", 3)):
        (tmp_path / name).write_text(f"reserve = {reserve}\n", encoding="utf-8")
    environ = {**ENVIRON, "COLLECTOR_CONFIG": "variable.toml"}
    assert one(loaded(tmp_path, {"config": "flag.toml"}, environ)).reserve == 1
    assert one(loaded(tmp_path, {}, environ)).reserve == 2
    assert one(loaded(tmp_path)).reserve == 3


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("reserv = 5", "Did you mean 'reserve'?"),
        ("lake = ", "not valid TOML"),
        ("lake = 5", "lake"),
        ("keep_raw = 'perhaps'", "keep_raw"),
        ("workspaces = 'a b'\nprojects = [1]", "projects"),
        ("reserve = true", "reserve"),
        ("region = 'mars'", "US, EU or AS"),
        (f"token = '{TOKEN}'", "token_file"),
        ("installations = 5", "[installations.NAME]"),
        ("[installations.'a b']", "letters"),
        ("[installations.eu]\nlake = 'x'\ntoken_env = 'T'", "[installations.eu] in "),
        ("[installations.eu]\nregion = 'EU'\ntoken_env = 'NOT_SET'", "NOT_SET"),
        ("[installations.eu]\nregion = 'EU'\ntoken_env = 'A'\ntoken_file = 'b'", "exactly one"),
    ],
)
def test_unusable_files(tmp_path: Path, toml: str, words: str) -> None:
    """Every mistake in collector.toml is reported with its key."""
    assert words in refused(tmp_path, {}, ENVIRON if "installations" not in toml else {}, toml)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing, undecodable or misplaced file is reported with its path."""
    assert "no such file" in refused(tmp_path, {"config": "x.toml"})
    assert "COLLECTOR_CONFIG" in refused(tmp_path, {}, {**ENVIRON, "COLLECTOR_CONFIG": "x.toml"})
    assert "/nope" in refused(tmp_path, {}, {"BUDDY_TOKEN_FILE": "/nope"})
    (tmp_path / "collector.toml").write_bytes(b"lake = '\xff'\n")
    assert "UTF-8" in refused(tmp_path)
