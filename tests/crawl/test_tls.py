"""TLS: what is trusted, and where it fails, a message that says certificate, what is wrong with it, and what to do."""

import os
import ssl
from pathlib import Path

import pytest

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits
from collector.crawl.classify import Failure
from collector.crawl.connection_errors import classify_error
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.tls import describe_tls_error
from collector.errors import SettingsError
from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.cli.conftest import Program, program
from tests.crawl.fetching import ACTION, ask
from tests.crawl.tls_server import HERE, TRUSTED, context, demanding, outdated, outdated_ciphers, serving
from tests.crawl.wire import TOKEN, installation
from tests.request_builders import workspaces_request

__all__ = ["program"]

ASKED: Request = workspaces_request("test")
ALERT_NO_SUCH_NAME = bytes([21, 3, 3, 0, 2, 2, 112])


async def failure(url: str, bundle: Path | None = None) -> Failure:
    """How asking `url` fails, for good and soon."""
    limits = Limits(attempts=2, retry_initial_s=0.001)
    async with Fetcher(installation(url, ca_bundle=bundle), RateLimiter(), limits=limits) as fetcher:
        result = await fetcher.get(ASKED)
    assert result.failure is not None
    # What a certificate is like does not change within a second.
    verified = "certificate" in result.failure.message.split(";")[0] and result.cost.attempts == 1
    assert verified or result.cost.attempts == 2
    return result.failure


@pytest.mark.parametrize(
    ("certificate", "bundle", "host", "words", "advice"),
    [
        ("localhost", None, "localhost", "self-signed", "--ca-bundle"),
        ("expired", "expired", "localhost", "has expired", "renew it"),
        ("early", "early", "localhost", "not valid yet", "this machine's clock"),
        ("other-name", "other-name", "localhost", "for another host name", "into the API URL"),
        ("other-name", "other-name", "127.0.0.1", "for another address", "into the API URL"),
        ("signed", None, "localhost", "an authority that is not trusted", "--ca-bundle"),
        ("signed", "other-name", "localhost", "an authority that is not trusted", "--ca-bundle"),
        ("signed-chain", None, "localhost", "a private authority", "--ca-bundle"),
    ],
)
async def test_a_certificate_that_cannot_be_believed(
    certificate: str, bundle: str | None, host: str, words: str, advice: str
) -> None:
    """Each reason for which a certificate is refused has its words and its way out, after one attempt."""
    with serving(context(certificate)) as url:
        failed = await failure(url.replace("localhost", host), None if bundle is None else HERE / f"{bundle}.pem")
    assert failed.kind == "connection"
    what, _, to_do = failed.message.partition(";")
    assert "certificate" in what
    assert words in what
    assert advice in to_do


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (outdated(), "outdated versions of TLS"),
        (outdated_ciphers(), "outdated ciphers"),
        (demanding(ssl.TLSVersion.TLSv1_2), "client certificate"),
        (demanding(ssl.TLSVersion.TLSv1_3), "demands a client certificate"),
        (ALERT_NO_SUCH_NAME, "for this host name"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak TLS on this port"),
        (None, "closed during the TLS handshake"),
    ],
    ids=["TLS 1.1", "ciphers", "client certificate 1.2", "client certificate 1.3", "name", "ssh", "closed"],
)
async def test_a_handshake_that_fails(tls: ssl.SSLContext | bytes | None, words: str) -> None:
    """Where no certificate was come to, the message says so, why, and what to check."""
    with serving(tls) as url:
        failed = await failure(url, TRUSTED)
    assert failed.kind == "connection"
    assert words in failed.message
    assert "certificate" in failed.message
    assert ";" in failed.message
    assert TOKEN not in failed.message


async def test_a_plain_port_asked_by_https() -> None:
    """The message for an API without TLS differs from that for a bad certificate."""
    with FakeBuddy(FakeWorld()) as buddy:
        failed = await failure(buddy.url.replace("http:", "https:"))
    assert "does not speak TLS on this port" in failed.message
    assert "certificate" in failed.message


async def test_what_is_well_stays_well() -> None:
    """The server of these tests is trusted and answers, once its certificate is named."""
    with serving(context(), b'{"workspaces": []}') as url:
        async with Fetcher(installation(url, ca_bundle=TRUSTED), RateLimiter()) as fetcher:
            assert (await fetcher.get(ASKED)).document == {"workspaces": []}


def test_every_error_of_tls_has_words() -> None:
    """For every error of OpenSSL the message says certificate and quotes nothing that came over the wire."""
    unknown = ssl.SSLError(1, "[SSL: SOMETHING_NEW] planted")
    unknown.reason = "SOMETHING_NEW"
    verification = ssl.SSLCertVerificationError(1, "planted")
    for error in (unknown, ssl.SSLError(), ssl.SSLEOFError(8, "planted"), verification):
        assert "certificate" in describe_tls_error(error)
        assert "planted" not in classify_error(error, None).failure.message


@pytest.mark.parametrize(
    ("tls", "words"),
    [(context(), "self-signed"), (context("expired"), "certificate"), (outdated(), "outdated versions of TLS")],
    ids=["self-signed", "expired", "TLS 1.1"],
)
def test_doctor_and_collect_say_it(program: Program, tls: ssl.SSLContext, words: str) -> None:
    """Both commands repeat what is wrong with the certificate and what to do; nothing is left behind."""
    with serving(tls) as url:
        environ = {"BUDDY_API_URL": url, "BUDDY_TOKEN": TOKEN}
        doctor = program("doctor", environ=environ)
        collect = program("collect", environ=environ)
    assert doctor.code == 2
    assert words in doctor.out
    assert collect.code == 3
    assert words in collect.err.splitlines()[-1] + collect.err.splitlines()[-2]
    assert "Traceback" not in collect.err
    assert TOKEN not in doctor.out + doctor.err + collect.out + collect.err
    assert os.listdir() == []


async def test_tls_is_verified_and_a_private_authority_can_be_named() -> None:
    """A certificate nobody vouches for is one failed attempt whose message names --ca-bundle, with which it works."""
    with serving(context(), b'{"id": 1}') as url:
        result = await ask(url)
        assert result.failure is not None
        assert result.failure.kind == "connection"
        assert "--ca-bundle" in result.failure.message
        assert result.cost.attempts == 1
        async with Fetcher(installation(url, ca_bundle=TRUSTED), RateLimiter()) as fetcher:
            assert (await fetcher.get(ACTION)).document == {"id": 1}


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_unreadable_ca_bundle_is_a_settings_error(tmp_path: Path, content: str | None) -> None:
    """A bundle that is missing or not PEM is an error of the settings."""
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)
    with pytest.raises(SettingsError, match=r"ca\.pem"):
        async with Fetcher(installation("https://localhost", ca_bundle=bundle), RateLimiter()):
            pass
