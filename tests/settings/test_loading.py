"""Settings: four sources in order, one frozen value, and a paragraph for everything that cannot be used."""

import copy
import dataclasses
import pickle
import string
from collections.abc import Mapping
from pathlib import Path
from subprocess import CalledProcessError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import SettingsError
from collector.settings.file import SETTINGS
from collector.settings.loading import Installation, Secret, Settings, exact_names, load, selects

TOKEN = "tok-3f9c1d77aa"
ENVIRON = {"BUDDY_TOKEN": TOKEN}


def loaded(
    cwd: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str | None = None,
) -> Settings:
    if toml is not None:
        (cwd / "collector.toml").write_text(toml, encoding="utf-8")
    return load(flags or {}, ENVIRON if environ is None else environ, cwd)


def one(settings: Settings) -> Installation:
    (installation,) = settings.installations
    return installation


def refused(
    cwd: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str | None = None,
) -> str:
    """The one paragraph that a person gets: it has advice, and no token in it."""
    with pytest.raises(SettingsError) as caught:
        loaded(cwd, flags, environ, toml)
    error = caught.value
    assert error.exit_code == 2
    assert error.advice.strip()
    whole = f"{error} {error.advice}"
    assert TOKEN not in whole
    assert "\n" not in whole
    return whole


# --- where a value comes from


def test_defaults_are_the_promised_ones(tmp_path: Path) -> None:
    """With nothing but a token, every setting has the default that is documented."""
    settings = loaded(tmp_path)
    assert settings == Settings(
        installations=(Installation("us", "https://api.buddy.works", one(settings).token),), lake=tmp_path / "lake"
    )
    assert one(settings).token.reveal() == TOKEN
    assert (one(settings).requests_per_second, one(settings).reserve, one(settings).concurrency) == (20.0, 50, 16)


LEVELS: dict[str, tuple[object, str, str, str, tuple[object, ...]]] = {
    "requests_per_second": ("7", "COLLECTOR_REQUESTS_PER_SECOND", "6", "requests_per_second = 5", (7.0, 6.0, 5.0)),
    "reserve": ("7", "COLLECTOR_RESERVE", "6", "reserve = 5", (7, 6, 5)),
    "concurrency": ("7", "COLLECTOR_CONCURRENCY", "6", "concurrency = 5", (7, 6, 5)),
    "workspaces": (("a",), "BUDDY_WORKSPACE", "b,!c", "workspaces = ['d']", (("a",), ("b", "!c"), ("d",))),
    "projects": (("a",), "BUDDY_PROJECT", "b", "projects = ['d']", (("a",), ("b",), ("d",))),
}


@pytest.mark.parametrize("name", LEVELS)
def test_flags_beat_environment_beats_file(tmp_path: Path, name: str) -> None:
    """Flags > environment > collector.toml, for every setting alike."""
    flag, variable, value, line, expected = LEVELS[name]
    assert getattr(one(loaded(tmp_path, {name: flag}, {**ENVIRON, variable: value}, line)), name) == expected[0]
    assert getattr(one(loaded(tmp_path, {}, {**ENVIRON, variable: value})), name) == expected[1]
    assert getattr(one(loaded(tmp_path, {}, {**ENVIRON, variable: "  "})), name) == expected[2]


@pytest.mark.parametrize("name", ["BUDDY_API_URL", "BUDDY_API_ENDPOINT", "BUDDY_BASE_URL"])
def test_aliases_of_the_url(tmp_path: Path, name: str) -> None:
    """Buddy's own tools disagree on the name of the URL's variable; all three are understood, and win over
    the region.
    """
    environ = {**ENVIRON, name: " https://Buddy.Example.com:8443/api/ ", "BUDDY_REGION": "EU"}
    installation = one(loaded(tmp_path, {}, environ))
    assert installation.api_url == "https://buddy.example.com:8443/api"
    assert installation.name == "buddy.example.com"


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
    """Rows of one installation do not change their name with the way it was written."""
    assert one(loaded(tmp_path, {}, {**ENVIRON, "BUDDY_API_URL": "https://api.eu.buddy.works/"})).name == "eu"


def test_paths_are_relative_to_who_wrote_them(tmp_path: Path) -> None:
    """The file's paths are relative to the file, a flag's to the current directory, `~` is the home."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "c.toml").write_text("lake = 'data'\n", encoding="utf-8")
    config = {"config": "etc/c.toml"}
    assert loaded(tmp_path, config).lake == tmp_path / "etc" / "data"
    assert loaded(tmp_path, {**config, "lake": "here"}).lake == tmp_path / "here"
    assert loaded(tmp_path, {"lake": "~/x"}, {**ENVIRON, "HOME": "/home/jo"}).lake == Path("/home/jo/x")


def test_the_config_file_is_found_by_flag_variable_and_name(tmp_path: Path) -> None:
    """`--config` wins over COLLECTOR_CONFIG, which wins over ./collector.toml."""
    for name, reserve in (("flag.toml", 1), ("variable.toml", 2), ("collector.toml", 3)):
        (tmp_path / name).write_text(f"reserve = {reserve}\n", encoding="utf-8")
    environ = {**ENVIRON, "COLLECTOR_CONFIG": "variable.toml"}
    assert one(loaded(tmp_path, {"config": "flag.toml"}, environ)).reserve == 1
    assert one(loaded(tmp_path, {}, environ)).reserve == 2
    assert one(loaded(tmp_path)).reserve == 3


def test_commands_that_only_read_need_no_token(tmp_path: Path) -> None:
    """Without `needs_token`, no token is looked for and no command of a password manager is run."""
    toml = "lake = 'l'\ntoken_command = 'false'\n"
    (tmp_path / "collector.toml").write_text(toml, encoding="utf-8")
    settings = load({}, {}, tmp_path, needs_token=False, run_command=lambda _: pytest.fail("was run"))
    assert settings == Settings((), tmp_path / "l")


# --- tokens


def test_token_sources(tmp_path: Path) -> None:
    """A token comes from a variable, a file or a command, and is trimmed."""
    (tmp_path / "t").write_text(f"{TOKEN}\n", encoding="utf-8")
    assert one(loaded(tmp_path, {}, {"BUDDY_TOKEN_FILE": "t"})).token.reveal() == TOKEN
    assert one(loaded(tmp_path, {}, {}, "token_file = 't'")).token.reveal() == TOKEN
    assert one(loaded(tmp_path, {}, {"MINE": TOKEN}, "token_env = 'MINE'")).token.reveal() == TOKEN
    assert one(loaded(tmp_path, {}, {}, f"token_command = 'echo {TOKEN}'")).token.reveal() == TOKEN


def test_what_a_failing_token_command_says_is_not_repeated(tmp_path: Path) -> None:
    """A password manager may print what it was asked for: only its exit code is told."""

    def failing(command: str) -> str:
        raise CalledProcessError(3, command, output=TOKEN, stderr=TOKEN)

    (tmp_path / "collector.toml").write_text("token_command = 'vault'\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="code 3") as caught:
        load({}, {}, tmp_path, run_command=failing)
    assert caught.value.__suppress_context__


def test_several_installations(tmp_path: Path) -> None:
    """Each has its own name, address, token, pace and globs; what it does not say comes from the top of the
    file.
    """
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


def test_the_token_of_the_environment_is_given_to_no_named_installation(tmp_path: Path) -> None:
    """BUDDY_TOKEN belongs to one Buddy: with named installations it is never sent to whichever asks."""
    said = refused(tmp_path, {}, ENVIRON, "[installations.eu]\nregion = 'EU'\n")
    assert "token_env" in said


@given(st.text(alphabet=string.digits, min_size=8, max_size=60))
def test_a_secret_is_in_no_text(value: str) -> None:
    """However a Secret, or what holds one, is turned into text, the token is not in it."""
    secret = Secret(value)
    installation = Installation("us", "https://api.buddy.works", secret)
    settings = Settings((installation,), Path("lake"))
    for text in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        repr(settings),
        f"{installation}",
    ):
        assert value not in text
    assert not hasattr(secret, "__dict__")
    for escape in (pickle.dumps, copy.copy, copy.deepcopy, lambda each: dataclasses.asdict(settings) and each):
        with pytest.raises(TypeError, match="Secret"):
            escape(secret)


def test_a_secret_cannot_be_guessed_by_comparing() -> None:
    """Equality is identity, so nothing tells whether two secrets hold the same."""
    assert Secret("abc-def-123") != Secret("abc-def-123")
    assert not Secret("")


# --- bad input

BAD_FLAGS: dict[str, list[object]] = {
    "reserve": ["-1", "1.5", "many", "nan", "1e99"],
    "requests_per_second": ["-0.1", "inf", "fast"],
    "concurrency": ["0", "-3", "2.5"],
    "max_duration": ["3", "-3h", "0s", "3 parsecs", "1h-30m", "h", "9999999999d"],
    "variable_values": ["hide", "redacted"],
    "log_format": ["xml"],
    "log_level": ["loud"],
    "ca_bundle": ["no-such-file.pem"],
    "workspaces": [("!",), ("a", "! ")],
    "lake": ["a\x00b"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_FLAGS.items() for value in values])
def test_unusable_flags(tmp_path: Path, name: str, value: object) -> None:
    """A value that cannot be used is refused by the name of the flag that held it."""
    flag = next(setting.flags[-1] for setting in SETTINGS if setting.name == name)
    said = refused(tmp_path, {name: value})
    assert flag in said or name == "ca_bundle"


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
    """A URL that cannot be used is refused, and never quoted: it may carry a password."""
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


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "naïve", "tab\there", "bell\x07"])
def test_a_token_that_no_header_can_carry(tmp_path: Path, token: str) -> None:
    """Such a token is refused without being shown."""
    assert token not in refused(tmp_path, {}, {"BUDDY_TOKEN": token})


def test_no_token(tmp_path: Path) -> None:
    """Without a token the paragraph says how to get one, with which scopes, and that the demo needs none."""
    said = refused(tmp_path, {}, {"BUDDY_TOKEN": "  "})
    for word in ("BUDDY_TOKEN", "WORKSPACE", "EXECUTION_INFO", "collector demo"):
        assert word in said


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
        ("[installations.eu]\nlake = 'x'\ntoken_env = 'T'", "unknown key 'lake' under [installations.eu]"),
        ("[installations.eu]\nregion = 'EU'\ntoken_env = 'NOT_SET'", "NOT_SET"),
        ("[installations.eu]\nregion = 'EU'\ntoken_env = 'A'\ntoken_file = 'b'", "exactly one"),
    ],
)
def test_unusable_files(tmp_path: Path, toml: str, words: str) -> None:
    """Every mistake in collector.toml is told by its key."""
    assert words in refused(tmp_path, {}, ENVIRON if "installations" not in toml else {}, toml)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing, undecodable or misplaced file is told by its path."""
    assert "no such file" in refused(tmp_path, {"config": "x.toml"})
    assert "COLLECTOR_CONFIG" in refused(tmp_path, {}, {**ENVIRON, "COLLECTOR_CONFIG": "x.toml"})
    assert "/nope" in refused(tmp_path, {}, {"BUDDY_TOKEN_FILE": "/nope"})
    (tmp_path / "collector.toml").write_bytes(b"lake = '\xff'\n")
    assert "UTF-8" in refused(tmp_path)


def test_one_url_for_several_installations_is_no_answer(tmp_path: Path) -> None:
    """BUDDY_API_URL beside named installations is refused rather than guessed at."""
    toml = "[installations.eu]\nregion = 'EU'\ntoken_env = 'T'\n"
    assert "BUDDY_REGION" in refused(tmp_path, {}, {"T": "token-1", "BUDDY_REGION": "US"}, toml)


# --- what follows from settings


def test_the_fingerprint_is_over_what_decides_the_rows(tmp_path: Path) -> None:
    """Other globs, addresses or value handling make another run; another token, speed or order of globs does
    not.
    """
    base = loaded(tmp_path, {"workspaces": ("a", "b")})
    same = [
        loaded(tmp_path, {"workspaces": ("b", "a"), "reserve": "1", "concurrency": "2", "lake": "elsewhere"}),
        loaded(tmp_path, {"workspaces": ("a", "b")}, {"BUDDY_TOKEN": "another-token"}),
    ]
    other = [
        loaded(tmp_path, {"workspaces": ("a",)}),
        loaded(tmp_path, {"workspaces": ("a", "b"), "projects": ("p",)}),
        loaded(tmp_path, {"workspaces": ("a", "b"), "variable_values": "keep"}),
        loaded(tmp_path, {"workspaces": ("a", "b")}, {**ENVIRON, "BUDDY_REGION": "EU"}),
    ]
    assert {each.fingerprint() for each in same} == {base.fingerprint()}
    assert base.fingerprint() not in {each.fingerprint() for each in other}


@pytest.mark.parametrize(
    ("globs", "name", "wanted"),
    [
        ((), "anything", True),
        (("acme",), "acme", True),
        (("acme",), "Acme", False),
        (("acme-*",), "acme-eu", True),
        (("!acme",), "acme", False),
        (("!acme",), "other", True),
        (("!a*", "ab"), "ab", False),
        (("team/*",), "team/x/y", True),
    ],
)
def test_selecting(globs: tuple[str, ...], name: str, wanted: bool) -> None:
    """A name is collected when a pattern says so and no exclude does; only excludes select all others."""
    assert selects(globs, name) is wanted


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        ((), None),
        (("a", "b"), ("a", "b")),
        (("a", "!b*"), ("a",)),
        (("a", "b", "!b"), ("a",)),
        (("!b",), None),
        (("a*",), None),
        (("a?",), None),
        (("[ab]",), None),
    ],
)
def test_exact_names(globs: tuple[str, ...], names: tuple[str, ...] | None) -> None:
    """Names without wildcards need no list; anything else does."""
    assert exact_names(globs) == names


@given(st.lists(st.text(alphabet="ab*!", min_size=1, max_size=4).filter(lambda glob: glob.strip("!")), max_size=4))
def test_exact_names_are_selected(globs: list[str]) -> None:
    """Whatever is written, the names asked for without a list are ones that are selected."""
    for name in exact_names(tuple(globs)) or ():
        assert selects(tuple(globs), name)


def test_durations(tmp_path: Path) -> None:
    """A length of time is a sum of days, hours, minutes and seconds."""
    for written, seconds in {"26h": 93_600, "90m": 5_400, "400d": 34_560_000, "1h30m": 5_400, " 1.5H ": 5_400}.items():
        assert loaded(tmp_path, {"max_duration": written}).max_duration_s == seconds
