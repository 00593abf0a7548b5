"""A proxy that is set and not used is named where no connection is made; its address is never shown."""

from pathlib import Path

import pytest

from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.settings.loading import load
from collector.settings.urls import ignored_proxy
from tests.cli.conftest import Program, program
from tests.crawl.wire import installation
from tests.request_builders import workspaces_request

__all__ = ["program"]

PROXY = "http://someone:pa55word@proxy.example:3128"
URL = "https://buddy.example.com:8443/api"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"https_proxy": PROXY}, "https_proxy"),
        ({"ALL_PROXY": PROXY}, "ALL_PROXY"),
        ({"all_proxy": PROXY, "HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": " "}, None),
        ({"HTTP_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "localhost, .Example.com"}, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "buddy.example.com"}, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "buddy.example.com:8443"}, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "y.example.com,,example.org"}, "HTTPS_PROXY"),
    ],
)
def test_the_variable_that_other_programs_would_obey(environ: dict[str, str], named: str | None) -> None:
    """It is that of the URL's scheme, in lower or upper case, unless NO_PROXY covers the host."""
    assert ignored_proxy(URL, environ) == named


def test_each_installation_by_its_own_url(tmp_path: Path) -> None:
    """Settings hold the name of the variable and nothing of its value."""
    settings = load({}, {"BUDDY_TOKEN": "token-1234", "HTTPS_PROXY": PROXY}, tmp_path)
    assert [each.ignored_proxy for each in settings.installations] == ["HTTPS_PROXY"]
    assert "pa55word" not in repr(settings)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://name.invalid"], ids=["nobody listens", "no such name"])
def test_doctor_and_collect_name_it(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    """Where no connection is made, both say that a proxy is set and not used, and show nothing of its address."""
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "collector.toml").write_text("allow_http = true\n", encoding="utf-8")
    environ = {"BUDDY_API_URL": url, "BUDDY_TOKEN": "token-1234"}
    said = program("doctor", environ=environ)
    assert said.code == 2
    assert "PROXY" not in said.out
    environ["HTTP_PROXY"] = PROXY
    for command, code in (("doctor", 2), ("collect", 3)):
        said = program(command, environ=environ)
        assert said.code == code
        text = " ".join((said.out + said.err).split())
        assert "HTTP_PROXY is set, but the collector does not use proxies" in text
        assert "pa55word" not in text
        assert "proxy.example" not in text


async def test_it_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment changes nothing where a connection is made."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with FakeBuddy(FakeWorld()) as buddy:
        async with Fetcher(installation(buddy.url, token=buddy.token), RateLimiter()) as fetcher:
            assert (await fetcher.get(workspaces_request("test"))).failure is None
