"""URLs and regions."""

from pathlib import Path

import pytest

from tests.settings.loaded import ENVIRON, loaded, one, refused


@pytest.mark.parametrize(
    ("written", "name", "host"),
    [
        ("US", "us", "api.buddy.works"),
        (" eu ", "eu", "api.eu.buddy.works"),
        ("AS", "as", "api.asia.buddy.works"),
        ("ap", "as", "api.asia.buddy.works"),
        ("", "us", "api.buddy.works"),
    ],
)
def test_regions(tmp_path: Path, written: str, name: str, host: str) -> None:
    """A region is trimmed, whatever its case; AP is the older name of AS; blank is unset."""
    installation = one(loaded(tmp_path, {}, {**ENVIRON, "BUDDY_REGION": written}))
    assert (installation.name, installation.api_url) == (name, f"https://{host}")


def test_a_region_written_as_a_url_is_still_that_region(tmp_path: Path) -> None:
    """An installation has the same name whether its region or its URL was written."""
    assert one(loaded(tmp_path, {}, {**ENVIRON, "BUDDY_API_URL": "https://api.eu.buddy.works/"})).name == "eu"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("api.buddy.works", "https://"),
        ("localhost:8080", "https://"),
        ("ftp://api.buddy.works", "https://"),
        ("https://", "names no host"),
        ("https:///api", "names no host"),
        ("https://host:port", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://jo:pa55word@ho\u2100st", "not a URL"),
        ("https://jo:pa55word@host/api", "user name"),
        ("https://pa55word@host/api", "user name"),
        ("https://host/api?access_token=pa55word", "'?'"),
        ("https://host/api#x", "'#'"),
        ("https://ho st/", "spaces"),
        ("http://buddy.example.com/api", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
    ],
)
def test_unusable_urls(tmp_path: Path, url: str, words: str) -> None:
    """A URL that cannot be used is refused and not quoted, because it may hold a password."""
    said = refused(tmp_path, {}, {**ENVIRON, "BUDDY_API_URL": url})
    assert words in said
    assert "BUDDY_API_URL" in said
    assert "pa55word" not in said


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]:8080/api", "http://localhost", "http://127.9.9.9"]
)
def test_plain_http_is_for_this_machine(tmp_path: Path, url: str) -> None:
    """Loopback needs no encryption; any other host needs --allow-http."""
    assert one(loaded(tmp_path, {}, {**ENVIRON, "BUDDY_API_URL": url})).api_url == url
    other = {**ENVIRON, "BUDDY_API_URL": "http://buddy.example.com"}
    assert one(loaded(tmp_path, {"allow_http": True}, other)).api_url == "http://buddy.example.com"
