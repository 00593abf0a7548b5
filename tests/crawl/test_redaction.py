"""Laws of redaction: no planted secret survives, nothing else changes, and the fast path misses nothing."""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.placeholders import ENCRYPTED, REDACTED, TOKEN
from collector.crawl.redaction import Redactor

TOKEN_HELD = "a1b2c3d4-SECRET/T0KEN"
REDACT, KEEP = Redactor(TOKEN_HELD, keep_values=False), Redactor(TOKEN_HELD, keep_values=True)
MODERATE = settings(max_examples=150, deadline=None)

NAMES = st.sampled_from(
    ["password", "Password", "PASSPHRASE", "passphrase", "variables", "Variables", "outputted_variables", "value",
     "key",
     "encrypted", "tag", "src", f"x{TOKEN_HELD}", "é", "registry_password", "defaults", "public_value", "token_type",
     "https://bot:s3cret@host"]
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers(-9, 9)
    | st.sampled_from(["", "plain", "secure!abc.def", REDACTED, ENCRYPTED, f"see {TOKEN_HELD}!", TOKEN_HELD * 2,
                       "https://bot:s3cret@host/app", "bot:s3cret@host", "https%3A%2F%2Fbot%3As3cret%40host"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=15
)
DOCUMENTS = st.dictionaries(NAMES, JSON, max_size=4)


def redacted(redactor: Redactor, document: Any) -> Any:
    """A redacted copy."""
    copied = copy.deepcopy(document)
    redactor.redact_document(copied)
    return copied


@pytest.mark.parametrize("name", ["password", "passphrase", "Password", "PASSPHRASE", "passWord"])
@pytest.mark.parametrize("value", ["s3cret", 1234, True, ["s3cret"], {"a": "s3cret"}])
@pytest.mark.parametrize("redactor", [REDACT, KEEP])
def test_passwords_and_passphrases_never_survive(name: str, value: Any, redactor: Redactor) -> None:
    """A password or passphrase is redacted at any depth, in any casing, whatever its value, kept values or not."""
    document = {"src": [{"deep": {name: value, "image": "a"}}]}
    assert redacted(redactor, document) == {"src": [{"deep": {name: REDACTED, "image": "a"}}]}


@pytest.mark.parametrize(
    "name",
    ["registry_password", "registryPassword", "PASSWORD_HASH", "custom_repo_pass", "customRepoPass", "db-passwd", "pwd",
     "secret", "client_secret", "secret_key", "webhookSecretKey", "token", "access_token", "refreshToken", "tokens",
     "private_key", "PrivateKey", "api_key", "apikey", "aws_access_key", "credential", "credentials", "Authorization",
     "passphrase_2", "passcode"],
)  # fmt: skip
def test_whatever_is_named_like_a_secret_is_one(name: str) -> None:
    """A member whose name says that it holds a secret is redacted, in a reply that is passed over quickly too."""
    document = {"a": [{name: "s3cret", "tag": "v1"}]}
    assert REDACT.redact(json.dumps(document).encode(), document)
    assert document == {"a": [{name: REDACTED, "tag": "v1"}]}


@pytest.mark.parametrize("redactor", [REDACT, KEEP])
def test_the_output_of_an_action_never_survives(redactor: Redactor) -> None:
    """The log of an element of an execution is redacted, kept values or not; set variables are treated as variables."""
    element = {"log": ["+ login -p s3cret"], "outputted_variables": [{"key": "TAG", "value": "s3cret"}]}
    value = "s3cret" if redactor is KEEP else REDACTED
    assert redacted(redactor, {"action_executions": [element]}) == {
        "action_executions": [{"log": REDACTED, "outputted_variables": [{"key": "TAG", "value": value}]}]
    }


@pytest.mark.parametrize(
    "name",
    ["token_type", "secret_name", "tokenType", "password_expires_at", "credential_id", "access_token_url", "bypass",
     "compass", "passed", "key", "public_key", "trigger_variable_key", "key_fingerprint", "insecure_registry",
     "username"],
)  # fmt: skip
def test_a_name_that_only_describes_a_secret_is_none(name: str) -> None:
    """A member that says of which kind a secret is, or that only sounds like one, stays."""
    assert redacted(REDACT, {"a": {name: "plain"}}) == {"a": {name: "plain"}}


@pytest.mark.parametrize(
    ("variable", "shown", "kept"),
    [
        ({"defaults": "a,b"}, REDACTED, "a,b"),
        ({"defaults": ["a"]}, REDACTED, REDACTED),
        ({"defaults": "a", "encrypted": True}, ENCRYPTED, ENCRYPTED),
        ({"defaults": "secure!a.b"}, ENCRYPTED, ENCRYPTED),
        ({"defaults": ""}, "", ""),
        ({"public_value": "ssh-rsa AAAA"}, "ssh-rsa AAAA", "ssh-rsa AAAA"),
        ({"public_value": "ssh-rsa AAAA", "encrypted": True}, ENCRYPTED, ENCRYPTED),
        ({"public_value": "secure!a.b"}, ENCRYPTED, ENCRYPTED),
    ],
)
def test_other_members_of_a_variable_that_hold_a_value(variable: Any, shown: Any, kept: Any) -> None:
    """`defaults` is redacted like `value`; `public_value`, which is public, only where the variable is encrypted."""
    (name,) = {"defaults", "public_value"} & set(variable)
    assert redacted(REDACT, {"variables": [variable]}) == {"variables": [{**variable, name: shown}]}
    assert redacted(KEEP, {"variables": [variable]}) == {"variables": [{**variable, name: kept}]}


def test_what_belongs_to_a_ciphertext_is_encrypted_too() -> None:
    """Where the value is ciphertext but the flag is missing, its defaults and public half are redacted as encrypted."""
    variable = {"value": "secure!a.b", "defaults": "s3cret", "public_value": "s3cret"}
    assert redacted(KEEP, {"variables": [variable]}) == {"variables": [dict.fromkeys(variable, ENCRYPTED)]}


@pytest.mark.parametrize(
    "where", ["registry", "image", "url", "html_url", "name", "description", "https_repository", "x"]
)
@pytest.mark.parametrize("redactor", [REDACT, KEEP])
def test_a_password_in_an_address_never_survives(where: str, redactor: Redactor) -> None:
    """The password in an address is redacted in every text, in lists and in names too; user and host are kept."""
    document = {"src": {where: "https://bot:s3cret@reg.example.test", "l": ["bot:s3cret@host"], "bot:s3cret@h": 1}}
    assert redactor.redact(json.dumps(document).encode(), document)
    assert document == {
        "src": {
            where: f"https://bot:{REDACTED}@reg.example.test",
            "l": [f"bot:{REDACTED}@host"],
            f"bot:{REDACTED}@h": 1,
        }
    }


@pytest.mark.parametrize("name", ["variables", "Variables", "passed_variables", "outputted_variables"])
@pytest.mark.parametrize(
    ("variable", "shown", "kept"),
    [
        ({"value": "plain"}, REDACTED, "plain"),
        ({"value": "plain", "encrypted": False}, REDACTED, "plain"),
        ({"value": "c", "encrypted": True}, ENCRYPTED, ENCRYPTED),
        ({"value": "secure!a.b", "encrypted": False}, ENCRYPTED, ENCRYPTED),
        ({"value": "secure!a.b"}, ENCRYPTED, ENCRYPTED),
        ({"value": 7}, REDACTED, REDACTED),
        ({"value": {"a": "b"}}, REDACTED, REDACTED),
        ({"value": ""}, "", ""),
        ({"value": None}, None, None),
    ],
)
def test_only_a_plain_value_is_kept_and_only_if_asked(name: str, variable: Any, shown: Any, kept: Any) -> None:
    """A placeholder says what kind of value it replaces; `keep` keeps unencrypted texts and nothing else."""
    document = {"a": {name: [{"key": "K", **variable}]}}
    assert redacted(REDACT, document) == {"a": {name: [{"key": "K", **variable, "value": shown}]}}
    assert redacted(KEEP, document) == {"a": {name: [{"key": "K", **variable, "value": kept}]}}


@pytest.mark.parametrize(
    "variables",
    [
        {"A": "s3cret"},
        {"A": {"value": "s3cret"}},
        ["A=s3cret"],
        {"key": "A", "value": "s3cret"},
        {"value": "secure!s3cret"},
        "A=s3cret",
    ],
)
@pytest.mark.parametrize("name", ["variables", "passed_variables", "outputtedVariables"])
def test_variables_in_a_shape_of_their_own_are_redacted(variables: Any, name: str) -> None:
    """Variables that aren't the documented list hold no value in the end either."""
    assert "s3cret" not in json.dumps(redacted(REDACT, {name: copy.deepcopy(variables)}))


def test_names_of_variables_are_no_values() -> None:
    """A list of texts that is only called like variables is data and stays."""
    document = {"settable_variables": ["A", "B"], "manage_variables_by_yaml": True, "value": "v", "n_variables": 3}
    assert redacted(REDACT, document) == document


def test_the_token_goes_wherever_it_turns_up() -> None:
    """The token is replaced in texts, lists and even in the names of members, with the rest of them kept."""
    document = {f"x{TOKEN_HELD}": f"y{TOKEN_HELD}", "l": [TOKEN_HELD, [f"{TOKEN_HELD}{TOKEN_HELD}"]], "n": "m"}
    assert redacted(KEEP, document) == {f"x{TOKEN}": f"y{TOKEN}", "l": [TOKEN, [TOKEN + TOKEN]], "n": "m"}
    assert KEEP.redact_text(f"a {TOKEN_HELD} b") == f"a {TOKEN} b"
    assert TOKEN_HELD not in repr(KEEP)


def test_a_kept_value_never_keeps_the_token() -> None:
    """The token is taken out of a value that is kept otherwise."""
    assert redacted(KEEP, {"variables": [{"value": f"Bearer {TOKEN_HELD}"}]}) == {
        "variables": [{"value": f"Bearer {TOKEN}"}]
    }


def test_without_a_token_nothing_is_taken_for_one() -> None:
    """An empty token is found nowhere."""
    assert redacted(Redactor("", keep_values=False), {"a": ["b"]}) == {"a": ["b"]}


def test_strictly_takes_any_value_for_a_secret() -> None:
    """In a document that isn't what was asked for, every member named `value` is redacted, at any depth."""
    document = {"value": 1, "a": [{"value": "x", "key": "k"}], "b": {"value": {"c": 1}}, "d": {"value": ""}}
    assert KEEP.redact_document(document, strictly=True)
    assert document == {
        "value": REDACTED, "a": [{"value": REDACTED, "key": "k"}], "b": {"value": REDACTED}, "d": {"value": ""},
    }  # fmt: skip


@MODERATE
@given(DOCUMENTS, st.booleans(), st.booleans())
def test_redacting_twice_is_redacting_once(document: Any, keep: bool, strictly: bool) -> None:
    """What has been redacted stays as it is, and is reported as unchanged."""
    redactor = KEEP if keep else REDACT
    first = copy.deepcopy(document)
    changed = redactor.redact_document(first, strictly=strictly)
    assert changed == (first != document)
    second = copy.deepcopy(first)
    assert not redactor.redact_document(second, strictly=strictly)
    assert second == first
    assert TOKEN_HELD not in json.dumps(first)


@MODERATE
@given(DOCUMENTS)
def test_nothing_else_changes(document: Any) -> None:
    """The shape of a document is kept, and a scalar is replaced only by a placeholder or by itself
    without the token.
    """

    def compare(before: Any, after: Any) -> None:
        if after in (REDACTED, ENCRYPTED):
            return
        if isinstance(before, dict):
            named = {REDACT.redact_text(name): value for name, value in before.items()}
            assert set(after) == set(named)
            for name, value in named.items():
                compare(value, after[name])
        elif isinstance(before, list):
            assert len(after) == len(before)
            for one, other in zip(before, after, strict=True):
                compare(one, other)
        else:
            assert after == (REDACT.redact_text(before) if isinstance(before, str) else before)

    compare(document, redacted(REDACT, document))


HARMLESS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "value", "tag", "é"]), inner),
    max_leaves=12,
)


@MODERATE
@given(st.dictionaries(st.sampled_from(["src", "value", "encrypted"]), HARMLESS), st.booleans())
def test_what_is_no_secret_stays(document: Any, keep: bool) -> None:
    """A document without the token and without the names of the list is left exactly as it is."""
    before = copy.deepcopy(document)
    assert not (KEEP if keep else REDACT).redact_document(document)
    assert document == before


def escaped(text: str, draw: Any) -> str:
    """`text` as a JSON string in which some characters are escaped, in any way JSON allows."""
    out = []
    for char in text:
        plain = json.dumps(char, ensure_ascii=False)[1:-1]
        ways = [plain, plain, "".join(f"\\u{unit:04x}" for unit in _units(char)), *(["\\/"] if char == "/" else [])]
        out.append(draw(st.sampled_from(ways)))
    return '"' + "".join(out) + '"'


def _units(char: str) -> list[int]:
    data = char.encode("utf-16-be")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def written(value: Any, draw: Any) -> str:
    """A JSON value as text, with odd escapes and spaces."""
    space = draw(st.sampled_from(["", " ", "\n"]))
    if isinstance(value, dict):
        return "{" + ",".join(f"{escaped(n, draw)}{space}:{written(v, draw)}" for n, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + f"{space},".join(written(v, draw) for v in value) + "]"
    return escaped(value, draw) if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("token", [TOKEN_HELD, 'odd"to\\ken', "tok/en"])
@settings(max_examples=70, deadline=None)
@given(st.data())
def test_the_short_cut_misses_nothing(token: str, data: st.DataObject) -> None:
    """However a reply is escaped, looking at its bytes first gives what the careful walk gives."""
    document = data.draw(DOCUMENTS | st.dictionaries(st.sampled_from(["a", token]), st.sampled_from(["b", token])))
    body = written(document, data.draw).encode()
    quick, careful = msgspec.json.decode(body), msgspec.json.decode(body)
    assert quick == document
    redactor = Redactor(token, keep_values=data.draw(st.booleans()))
    changed = redactor.redact_document(careful)
    assert redactor.redact(body, quick) is changed
    assert quick == careful


@pytest.mark.parametrize(
    "body",
    [b'{"pass\\u0077ord":"s3cret"}', b'{"\\u0050ASSPHRASE":"s3cret"}', b'{"v\\u0061riables":[{"value":"s3cret"}]}',
     b'{"a":"a1b2c3d4-SECRET\\/T0KEN"}', b'{"a":"\\u0061\\u0031b2c3d4-SECRET/T0KEN"}',
     b'{"variables" : [ {"v\\u0061lue":"s3cret"} ] }'],
)  # fmt: skip
def test_an_escape_hides_nothing(body: bytes) -> None:
    """A name or a token that is spelt with escapes is found all the same."""
    document = msgspec.json.decode(body)
    assert REDACT.redact(body, document)
    assert not {"s3cret", TOKEN_HELD} & set(json.dumps(document).replace('"', " ").split())


@pytest.mark.parametrize(
    "document",
    [{name: "s3cret"} for name in ("password", "PassWord", "passphrase", "PASSPHRASE", "registry_password", "apiKey")]
    + [{"a": f"{before}s3cret{after}"} for before, after in
       (("https://bot:", "@h"), ("bot:", "@h"), ("bot%3A", "%40h"), ("a@b https://bot:", "@h"), ("//:", "@h"))]
    + [{name: [{"value": "s3cret"}]} for name in ("variables", "Variables", "passed_VARIABLES")]
    + [{"a": [f"x{TOKEN_HELD}"]}],
)  # fmt: skip
def test_each_secret_alone_is_seen_in_a_plain_body(document: Any) -> None:
    """A reply without any escape, and with a single secret in it, isn't passed over."""
    body = json.dumps(document).encode()
    assert b"\\" not in body
    assert REDACT.redact(body, document)
    assert not any(secret in json.dumps(document) for secret in ("s3cret", TOKEN_HELD))


def test_a_reply_of_very_many_names_hides_no_secret() -> None:
    """However many different names come before it, a password is one."""
    document: dict[str, Any] = {f"name{n}": n for n in range(10_000)}
    document["password"] = document["n"] = "s3cret"
    redactor = Redactor(TOKEN_HELD, keep_values=False)
    for _ in range(2):
        document["password"] = "s3cret"
        assert redactor.redact_document(document)
        assert (document["password"], document["n"]) == (REDACTED, "s3cret")


def test_a_reply_without_secrets_is_left_as_it_came() -> None:
    """A reply with nothing to redact is unchanged, so that its very bytes may be kept."""
    body = b'{"projects":[{"name":"web","url":"https://api"}],"variables":[{"key":"A","value":""}]}'
    document = msgspec.json.decode(body)
    assert not REDACT.redact(body, document)
    assert document == json.loads(body)
