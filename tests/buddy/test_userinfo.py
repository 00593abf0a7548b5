"""Passwords in addresses: each spelling is found, what looks alike is kept, and no text takes long."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.buddy.error_messages import MAX_CHARACTERS, one_line
from collector.buddy.userinfo import may_hold_password, redact_passwords

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://bot:S3CRET@reg.example.test", "https://bot:[redacted]@reg.example.test"),
        ("bot:S3CRET@host", "bot:[redacted]@host"),
        ("//bot:S3CRET@host", "//bot:[redacted]@host"),
        ("https://:S3CRET@host", "https://:[redacted]@host"),
        ("https://bot:1234@host", "https://bot:[redacted]@host"),
        ("https://bot@corp.example:S3CRET@host", "https://bot@corp.example:[redacted]@host"),
        ("https://bot:S3@CRET@host/x@y", "https://bot:[redacted]@host/x@y"),
        ("https://bot:S3/CRET@host", "https://bot:[redacted]@host"),
        ("https://bot:S3:CRET@host", "https://bot:[redacted]@host"),
        ("https://bot:S3%40CRET@host", "https://bot:[redacted]@host"),
        ("https://bot:S3CRET@[2001:db8::1]:5000/app", "https://bot:[redacted]@[2001:db8::1]:5000/app"),
        ("https://bot:${PW:-S3CRET}@host", "https://bot:[redacted]@host"),
        ("$USER:S3CRET@host", "$USER:[redacted]@host"),
        ("AWS:eyS3/CRET+==@1.dkr.ecr.eu-west-1.amazonaws.com", "AWS:[redacted]@1.dkr.ecr.eu-west-1.amazonaws.com"),
        ("https%3A%2F%2Fbot%3AS3CRET%40host", "https%3A%2F%2Fbot%3A[redacted]%40host"),
        ("https%253a%252f%252fbot%253aS3CRET%2540host", "https%253a%252f%252fbot%253a[redacted]%2540host"),
        ("/login?to=bot%3AS3CRET%40host", "/login?to=bot%3A[redacted]%40host"),
        ("https://a:S3CRET@h1,b:S3CRET@h2", "https://a:[redacted]@h1,b:[redacted]@h2"),
        ('see <a href="https://bot:S3CRET@h/">a@b</a>', 'see <a href="https://bot:[redacted]@h/">a@b</a>'),
        ("git+ssh://git:S3CRET@host/a.git@v1", "git+ssh://git:[redacted]@host/a.git@v1"),
        (f"https://bot:S3CRET@host:5000/a:v1@{DIGEST}", f"https://bot:[redacted]@host:5000/a:v1@{DIGEST}"),
        ("https://ghp_S3CRET@github.com/acme/app", "https://[redacted]@github.com/acme/app"),
        ("mailto:a@b.example bot:S3CRET@host", "mailto:a@b.example bot:[redacted]@host"),
    ],
)
def test_a_password_is_replaced(text: str, kept: str) -> None:
    """A password between a user and a host is replaced, and nothing else of the text."""
    assert redact_passwords(text) == kept
    assert redact_passwords(kept) == kept
    assert may_hold_password(json.dumps({"a": text}).encode())


@pytest.mark.parametrize(
    "text",
    [
        f"acme/app@{DIGEST}", f"nginx:1.27@{DIGEST}", f"localhost:5000/app:v1@{DIGEST}", "app:v1@sha512:$DIGEST",
        f"https://host:5000/acme/app@{DIGEST}", "app:v1@blake2b:" + "a" * 64, "user@host", "a@b.example, c@d.example",
        "Author: bob@corp.example", "mailto:bob@corp.example", "at 12:30@noon", "12:30:59@x", "https://user@host",
        "host:5000/x@y", "https://[2001:db8::1]:5000/app@x", "https://$REGISTRY:$PORT/app@x", "https://$USER:$PASS@host",
        "https://bot:${PASS}@host", "acme/app:${VERSION:-a/b@c}", "${VERSION:-a@c}", "git@github.com:acme/app.git@main",
        "npm:react@18.2.0", "npm:@scope/pkg@1.0", "actions/checkout@v4", "https://host/a:b@c", "acme/app:v1@", "@",
        ":@",
        '{"image":"nginx:1.27","by":"bob@corp.example"}', "https://example.com/@bob", "https://bot:@host", "100%40",
    ],
)  # fmt: skip
def test_what_looks_alike_is_kept(text: str) -> None:
    """Digests, ports, versions, times, mail addresses, variables and paths are no passwords."""
    assert redact_passwords(text) == text


PIECES = [
    "https://", "//", "bot", ":", "@", "%40", "%3A", "%2F", "%25", "/", "S3", "host", ".", "5000", "$A", "${A}",
    "${A:-",
    "}", "[", "]", "sha256:", "12:30", "mailto", ",", "<", "?", "ghp_x", "[redacted]", '"',
]  # fmt: skip
PARTS = st.lists(st.sampled_from([*PIECES, " "]), max_size=14).map("".join)


@settings(max_examples=1500, deadline=None)
@example("//ghp_x@")
@example("//ghp_x@sha256:")
@given(PARTS)
def test_replacing_twice_is_replacing_once(text: str) -> None:
    """What was replaced is left alone, and a text in which something is replaced is never passed over unseen."""
    once = redact_passwords(text)
    assert redact_passwords(once) == once
    body = json.dumps([text]).encode()
    assert once == text or b"\\" in body or may_hold_password(body)


@settings(max_examples=500, deadline=None)
@given(
    st.text(st.characters(exclude_characters='<>"', exclude_categories=("Z", "C")), min_size=1, max_size=12),
    st.sampled_from(["host", "reg.example.test:5000/acme/app"]),
)
def test_no_password_is_too_odd(password: str, host: str) -> None:
    """Any text without blanks between `user:` and `@host` of a URL is removed."""
    assert f"S3{password}CRET" not in redact_passwords(f"https://bot:S3{password}CRET@{host}")


@pytest.mark.parametrize(
    "text",
    ["a:" * 200_000 + "@", "://a:" * 80_000 + "@", "a@" * 200_000, "://a:@" * 80_000, "a:b@" * 100_000,
     "a" * 400_000 + "@",
     "a.a" * 130_000 + "@", "@" + "a." * 200_000, "a:1/" * 100_000 + "@x", "${" * 200_000 + ":@",
     "%25" * 130_000 + "40"],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    """Half a megabyte made to be slow takes no longer than its length explains."""
    begun = time.process_time()
    redact_passwords(text)
    assert time.process_time() - begun < 3


def test_a_cut_leaves_no_half_of_a_password() -> None:
    """A message that is cut in the middle of an address holds no beginning of its password."""
    for before in range(MAX_CHARACTERS - 60, MAX_CHARACTERS * 4 + 10, 7):
        assert "S3" not in one_line("x" * before + " https://bot:S3CRETS3CRET@host and more " + "y" * 900)
