"""The table of verdicts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.crawl.classify import Abort, Accept, Failure, Permanent, RateLimited, Retry, classify_response

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}


def errors(message: str) -> bytes:
    """An error body as Buddy writes it."""
    return json.dumps({"errors": [{"message": message}]}).encode()


TABLE = [
    # status, body, list_key, verdict, kind
    (200, b'{"actions": []}', "actions", Accept, None),
    (200, b'{"id": 7}', None, Accept, None),
    (200, b'{"actions": [], "errors": []}', "actions", Accept, None),
    (201, b'{"id": 7}', None, Accept, None),
    (200, b'{"actions": null}', "actions", Retry, "not_understood"),
    (200, b'{"actions": {}}', "actions", Retry, "not_understood"),
    (200, b'{"pipelines": []}', "actions", Retry, "not_understood"),
    (200, b'{"message": "later"}', "actions", Retry, "not_understood"),
    (200, b"[]", "actions", Retry, "not_understood"),
    (200, b"[]", None, Retry, "not_understood"),
    (200, b"null", None, Retry, "not_understood"),
    (200, b"7", "actions", Retry, "not_understood"),
    (200, b"", None, Retry, "not_json"),
    (204, b"", None, Retry, "not_json"),
    (205, b"", None, Retry, "not_json"),
    (200, b'{"actions": [', "actions", Retry, "not_json"),
    (200, b"<html>hello</html>", "actions", Retry, "not_json"),
    (200, b'{"a": "\xff"', None, Retry, "not_json"),
    (200, b'{"a": "\xff", "b": NaN}', None, Retry, "not_json"),
    (200, b"[" * 100_000, None, Retry, "not_json"),
    (200, errors("Rate limit exceeded."), "actions", RateLimited, None),
    (200, errors("API is disabled in this workspace."), "actions", Permanent, "api_disabled"),
    (200, errors("Only active workspace have access to API"), None, Permanent, "frozen"),
    (200, errors("something broke"), None, Retry, "http_error"),
    (301, b"", "actions", Permanent, "redirect_refused"),
    (302, b"<html>", None, Permanent, "redirect_refused"),
    (300, b"", None, Permanent, "redirect_refused"),
    (304, b"", None, Retry, "http_error"),
    *((status, b"", "actions", Retry, "http_error") for status in (0, 100, 101, 199, 600, 999)),
    (400, errors("API is disabled in this workspace."), "actions", Permanent, "api_disabled"),
    (400, errors("bad request"), "actions", Permanent, "http_error"),
    (401, errors("no"), None, Abort, "unauthorised"),
    (401, b"<html>", None, Abort, "unauthorised"),
    (403, errors("API is disabled in this workspace."), "actions", Permanent, "api_disabled"),
    (403, errors("Only active workspace have access to API"), "actions", Permanent, "frozen"),
    (403, errors("cannot receive data"), "actions", Permanent, "forbidden"),
    (403, b"", None, Permanent, "forbidden"),
    (403, errors("Rate limit exceeded."), "actions", RateLimited, None),
    (404, b'{"message": "Not found"}', None, Permanent, "gone"),
    (404, b"", None, Permanent, "gone"),
    (408, b"", None, Retry, "http_error"),
    (418, b"", None, Permanent, "http_error"),
    (429, b"", None, RateLimited, None),
    (429, b"<html>", "actions", RateLimited, None),
    *((status, b"<html>oops", "actions", Retry, "http_error") for status in (500, 502, 503, 504, 599)),
]


@pytest.mark.parametrize(("status", "body", "list_key", "kind_of_verdict", "kind"), TABLE)
def test_the_table_of_verdicts(
    status: int, body: bytes, list_key: str | None, kind_of_verdict: type, kind: str | None
) -> None:
    """What came back decides alone what is done about it, and under which kind it is recorded."""
    said = classify_response(status, HTML if b"<" in body else JSON, body, list_key)
    assert type(said) is kind_of_verdict
    if isinstance(said, Retry | Permanent | Abort):
        assert (said.failure.kind, said.failure.http_status) == (kind, status)
        assert said.failure.message
    if isinstance(said, Accept):
        assert said.document == json.loads(body)


@pytest.mark.parametrize("name", [b"\\ud83d", b"caf\xe9"])
def test_a_text_that_is_none_costs_only_itself(name: bytes) -> None:
    """Half a character in one name leaves the reply what was asked for; what is kept of it any decoder takes."""
    said = classify_response(200, JSON, b'{"actions": [{"id": 1, "name": "x' + name + b'"}, {"id": 2}]}', "actions")
    assert isinstance(said, Accept)
    assert [item["id"] for item in said.document["actions"]] == [1, 2]
    assert said.document["actions"][0]["name"].startswith(("x[no character", "xcaf[no character"))
    assert said.body is not None
    assert json.loads(said.body) == said.document


@given(st.integers(0, 999), st.binary(max_size=200), st.sampled_from([None, "actions"]))
def test_any_reply_has_a_verdict(status: int, body: bytes, list_key: str | None) -> None:
    """No status and no body makes judging raise."""
    classify_response(status, {}, body, list_key)


def test_json_is_left_to_the_redactor_and_never_becomes_raw_text() -> None:
    """The decoded document travels on the failure, and no repr shows it."""
    body = b'{"errors": [{"message": "no"}], "variables": [{"key": "K", "value": "planted"}]}'
    said = classify_response(500, JSON, body, None)
    assert isinstance(said, Retry)
    assert said.failure.raw is None
    assert said.failure.document == json.loads(body)
    assert "planted" not in repr(said)
    accepted = classify_response(200, JSON, b'{"variables": [{"value": "planted"}]}', None)
    assert "planted" not in repr(accepted)


@pytest.mark.parametrize(
    "body",
    [
        b'{"variables": [{"key": "A", "value": "planted',
        b'{"\\u0076alue": "planted',
        b"PASSWORD planted",
        b"<p>planted my-Token",
        b"planted" + b" " * 600 + b"secret",
        '{"value": "planted"}'.encode("utf-16"),
        b"planted \xff\xfe",
    ],
)
def test_text_that_may_hold_a_secret_is_only_described(body: bytes) -> None:
    """Cut JSON, escapes, foreign encodings and telling words: size and content type are kept, the text is not."""
    said = classify_response(200, {"Content-Type": "text/plain; charset=\x1b[2J"}, body, None)
    assert isinstance(said, Retry)
    assert said.failure.kind == "not_json"
    assert said.failure.raw == f"{len(body):,} bytes of text/plain; charset=\ufffd[2J"
    assert "planted" not in said.failure.message


def test_harmless_text_is_kept_to_500_characters() -> None:
    """A proxy's page is worth reading, on one line and bounded."""
    said = classify_response(502, HTML, b"<h1>Bad\nGateway</h1>" + b"." * 5000, None)
    assert isinstance(said, Retry)
    assert said.failure.raw is not None
    assert said.failure.raw.startswith("<h1>Bad Gateway</h1>....")
    assert len(said.failure.raw) == 500


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://evil.example/steal?access=planted", "https://evil.example"),
        ("https://user:planted@evil.example:8443/", "https://evil.example"),
        ("/login?planted", "another path"),
        ("http://[planted", "an address that is no URL"),
        ("", "another path"),
    ],
)
def test_a_redirect_is_told_without_its_path(location: str, told: str) -> None:
    """Only the host of a redirect is shown."""
    said = classify_response(302, {"Location": location}, b"", None)
    assert isinstance(said, Permanent)
    assert told in said.failure.message
    assert "planted" not in said.failure.message


def test_a_failure_shows_no_document() -> None:
    """The repr of a failure is safe to log."""
    assert repr(Failure("gone", 404, "Not found", None, {"x": "planted"})) == (
        "Failure(kind='gone', http_status=404, message='Not found')"
    )


@pytest.mark.parametrize(("levels", "accepted"), [(90, True), (150, False), (900, False), (5000, False)])
def test_a_document_nested_deeper_than_it_could_be_kept_is_not_taken(levels: int, accepted: bool) -> None:
    """A reply so deep that the journal or `extra` could not hold it is asked again like one that is no JSON."""
    body = b'{"id": 1, "a": ' + b"[" * levels + b"]" * levels + b"}"
    judged = classify_response(200, {}, body, None)
    assert isinstance(judged, Accept) is accepted
    assert accepted or (isinstance(judged, Retry) and judged.failure.kind == "not_json")


def test_brackets_in_names_are_not_depth() -> None:
    """Many brackets inside texts, or side by side, do not make a document deep."""
    body = json.dumps({"a": "[{" * 500, "b": [[] for _ in range(500)]}).encode()
    assert isinstance(classify_response(200, {}, body, None), Accept)
