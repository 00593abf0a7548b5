"""`--proxy env`: requests go through the proxy of the environment, and the token to the configured host only."""

import base64
from pathlib import Path

import pytest

from collector.crawl.backoff import Limits
from collector.crawl.fetch_result import FetchResult
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.errors import SettingsError
from collector.settings.loading import load
from tests.crawl.connect_proxy import proxy
from tests.crawl.tls_server import TRUSTED, context, serving
from tests.crawl.wire import TOKEN, wire
from tests.request_builders import workspaces_request

LISTED = b'{"workspaces": []}'
LIMITS = Limits(attempts=1, retry_initial_s=0.001)


async def ask(url: str, tmp_path: Path, **environ: str) -> FetchResult:
    """Load the settings as the program does, and ask once."""
    given = {"BUDDY_TOKEN": TOKEN, "BUDDY_API_URL": url, "COLLECTOR_CA_BUNDLE": str(TRUSTED), **environ}
    (installation,) = load({}, given, tmp_path).installations
    async with Fetcher(installation, RateLimiter(), limits=LIMITS) as fetcher:
        return await fetcher.get(workspaces_request("test"))


async def test_a_tunnel_to_the_configured_host(tmp_path: Path) -> None:
    """The proxy is asked for a tunnel to the host, with its own password, and never sees the token."""
    with serving(context(), LISTED) as url:
        async with proxy() as through:
            named = f"http://us%40er:p%C3%A4ss@{through.address}"
            result = await ask(url, tmp_path, HTTPS_PROXY=named, COLLECTOR_PROXY="env")
            assert result.failure is None
            assert result.body == LISTED
    (head,) = through.heads
    assert head.startswith(f"CONNECT {url.removeprefix('https://')} HTTP/1.1\r\n")
    password = base64.b64encode("us@er:päss".encode()).decode()
    assert f"Proxy-Authorization: Basic {password}\r\n" in head
    assert TOKEN not in head
    assert "\r\nAuthorization:" not in head


@pytest.mark.parametrize(
    "environ",
    [{}, {"COLLECTOR_PROXY": "off"}, {"COLLECTOR_PROXY": "env", "NO_PROXY": "example.org,localhost"}],
    ids=str,
)
async def test_no_proxy(tmp_path: Path, environ: dict[str, str]) -> None:
    """Without the setting, with `off`, and where NO_PROXY covers the host, the connection is direct."""
    with serving(context(), LISTED) as url:
        async with proxy() as through:
            result = await ask(url, tmp_path, HTTPS_PROXY=f"http://{through.address}", **environ)
            assert result.failure is None
            assert through.heads == []


async def test_plain_http_is_never_sent_to_a_proxy(tmp_path: Path) -> None:
    """A proxy could read the token of a plain request, so the connection is direct."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LISTED), LISTED)
    async with wire(reply) as served, proxy() as through:
        address = f"http://{through.address}"
        result = await ask(served.url, tmp_path, HTTP_PROXY=address, ALL_PROXY=address, COLLECTOR_PROXY="env")
        assert result.failure is None
        assert len(served.requests) == 1
        assert through.heads == []


async def test_a_proxy_that_refuses(tmp_path: Path) -> None:
    """The failure names the proxy and its status; it holds neither the proxy's password nor the token."""
    with serving(context(), LISTED) as url:
        async with proxy("407 Proxy Authentication Required") as through:
            result = await ask(url, tmp_path, HTTPS_PROXY=f"u:pa55word@{through.address}", COLLECTOR_PROXY="env")
    assert result.failure is not None
    assert result.failure.kind == "connection"
    assert result.failure.message == "the proxy did not connect to the server (it answered HTTP 407)"


async def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    """The failure says that it is the proxy that could not be reached."""
    result = await ask("https://localhost:1", tmp_path, HTTPS_PROXY="http://127.0.0.1:9", COLLECTOR_PROXY="env")
    assert result.failure is not None
    assert result.failure.message.startswith("the proxy could not be reached")


async def test_the_certificate_is_verified_inside_the_tunnel(tmp_path: Path) -> None:
    """A proxy that leads elsewhere is found out by the certificate, before the token is sent."""
    with serving(context("other-name"), LISTED) as url:
        async with proxy() as through:
            result = await ask(url, tmp_path, HTTPS_PROXY=f"http://{through.address}", COLLECTOR_PROXY="env")
    assert result.failure is not None
    assert "certificate" in result.failure.message
    assert len(through.heads) == 1


@pytest.mark.parametrize("value", ["socks5://user:pa55word@127.0.0.1:1080", "http://", "http://a b:1", "http://h:port"])
def test_what_is_no_http_proxy(tmp_path: Path, value: str) -> None:
    """It is an error of the settings that names the variable and not its value; without `env` it is no error."""
    given = {"BUDDY_TOKEN": TOKEN, "HTTPS_PROXY": value}
    assert load({}, given, tmp_path).installations[0].proxy_url is None
    with pytest.raises(SettingsError, match="HTTPS_PROXY is not the URL of an HTTP proxy") as caught:
        load({}, {**given, "COLLECTOR_PROXY": "env"}, tmp_path)
    assert "pa55word" not in str(caught.value) + caught.value.advice
