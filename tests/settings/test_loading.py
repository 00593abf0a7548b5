"""All settings as one frozen value, from four sources in order."""

from pathlib import Path

import pytest

from collector.settings.declarations import Installation, Settings
from tests.settings.loaded import ENVIRON, TOKEN, loaded, one, refused


def test_defaults_are_the_promised_ones(tmp_path: Path) -> None:
    """With only a token, every setting has its documented default."""
    settings = loaded(tmp_path)
    assert settings == Settings(
        installations=(Installation("us", "https://api.buddy.works", one(settings).token),), lake=tmp_path / "lake"
    )
    assert one(settings).token.reveal() == TOKEN
    assert (one(settings).requests_per_second, one(settings).reserve, one(settings).concurrency) == (20.0, 50, 16)


@pytest.mark.parametrize("name", ["BUDDY_API_URL", "BUDDY_API_ENDPOINT", "BUDDY_BASE_URL"])
def test_aliases_of_the_url(tmp_path: Path, name: str) -> None:
    """Each name that Buddy's own tools have for the URL's variable is accepted, and wins over the region."""
    environ = {**ENVIRON, name: " https://Buddy.Example.com:8443/api/ ", "BUDDY_REGION": "EU"}
    installation = one(loaded(tmp_path, {}, environ))
    assert installation.api_url == "https://buddy.example.com:8443/api"
    assert installation.name == "buddy.example.com"


def test_paths_are_relative_to_who_wrote_them(tmp_path: Path) -> None:
    """The file's paths are relative to the file, a flag's to the current directory, `~` is the home."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "c.toml").write_text("lake = 'data'\n", encoding="utf-8")
    config = {"config": "etc/c.toml"}
    assert loaded(tmp_path, config).lake == tmp_path / "etc" / "data"
    assert loaded(tmp_path, {**config, "lake": "here"}).lake == tmp_path / "here"
    assert loaded(tmp_path, {"lake": "~/x"}, {**ENVIRON, "HOME": "/home/jo"}).lake == Path("/home/jo/x")


def test_several_installations(tmp_path: Path) -> None:
    """Each has its own name, address, token, rate and globs; the rest comes from the top of the file."""
    toml = """
reserve = 9
[installations.eu]
region = "EU"
token_env = "T_EU"
workspaces = ["acme"]
[installations.onprem]
api_url = "https://buddy.example.com/api"
token_env = "T_OWN"
reserve = 3
requests_per_second = 0
"""
    settings = loaded(tmp_path, {}, {"T_EU": "token-eu", "T_OWN": "token-own"}, toml)
    eu, own = settings.installations
    assert (eu.name, eu.api_url, eu.token.reveal(), eu.workspaces) == (
        "eu", "https://api.eu.buddy.works", "token-eu", ("acme",),
    )  # fmt: skip
    assert (own.name, own.api_url, own.token.reveal()) == ("onprem", "https://buddy.example.com/api", "token-own")
    assert (eu.reserve, own.reserve, own.requests_per_second) == (9, 3, 0.0)


def test_the_region_of_a_table_wins_over_the_url_at_the_top(tmp_path: Path) -> None:
    """A table inherits the URL at the top of the file, unless it has a region of its own."""
    toml = """
api_url = "https://buddy.example.com/api"
token_env = "T"
[installations.own]
token_env = "T"
[installations.eu]
region = "EU"
token_env = "T"
"""
    urls = [each.api_url for each in loaded(tmp_path, {}, {"T": "token-1"}, toml).installations]
    assert urls == ["https://buddy.example.com/api", "https://api.eu.buddy.works"]


def test_one_url_for_several_installations_is_refused(tmp_path: Path) -> None:
    """A region or URL in the environment beside named installations is refused."""
    toml = "[installations.eu]\nregion = 'EU'\ntoken_env = 'T'\n"
    assert "BUDDY_REGION" in refused(tmp_path, {}, {"T": "token-1", "BUDDY_REGION": "US"}, toml)


def test_the_fingerprint_is_over_what_decides_the_rows(tmp_path: Path) -> None:
    """It depends on globs, addresses, refresh and value handling, and not on token, speed, limits or order of globs."""
    base = loaded(tmp_path, {"workspaces": ("a", "b")})
    same = [
        loaded(tmp_path, {"workspaces": ("b", "a"), "reserve": "1", "concurrency": "2", "lake": "elsewhere"}),
        loaded(tmp_path, {"workspaces": ("a", "b"), "max_requests": "100", "max_duration": "1h"}),
        loaded(tmp_path, {"workspaces": ("a", "b")}, {"BUDDY_TOKEN": "another-token"}),
    ]
    other = [
        loaded(tmp_path, {"workspaces": ("a",)}),
        loaded(tmp_path, {"workspaces": ("a", "b"), "projects": ("p",)}),
        loaded(tmp_path, {"workspaces": ("a", "b"), "variable_values": "keep"}),
        loaded(tmp_path, {"workspaces": ("a", "b"), "refresh": "7d"}),
        loaded(tmp_path, {"workspaces": ("a", "b")}, {**ENVIRON, "BUDDY_REGION": "EU"}),
    ]
    assert {each.fingerprint() for each in same} == {base.fingerprint()}
    assert base.fingerprint() not in {each.fingerprint() for each in other}
