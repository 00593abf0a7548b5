"""Loads all settings as one frozen value: flags > environment > collector.toml > defaults.

The result depends on the arguments and on the files that they name. Each table [installations.NAME] names its own
source of a token: BUDDY_TOKEN is given to none of them, because a token of one Buddy must never be sent to another.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from collector.errors import SettingsError
from collector.settings.declarations import API_URL, REGION, AfterRun, Installation, Settings
from collector.settings.escape import quote
from collector.settings.lake_place import GIGABYTE, LakeUrl
from collector.settings.secret import Secret
from collector.settings.sources import TOKEN_KEYS, Sources, find_config_file
from collector.settings.suggestions import did_you_mean
from collector.settings.tokens import SCOPES_TO_GIVE, TokenUnavailable, token_of_environment, token_of_table
from collector.settings.urls import REGIONS, api_url, ignored_proxy, name_of, proxy_url, require_encryption


def load(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, *, needs_token: bool = True) -> Settings:
    """Return the settings. `flags` has what was given on the command line, by the key of the setting, and `config`.

    `installation` in it names those of the file that are wanted; the tokens of others are not read.

    Raises SettingsError with advice for anything that cannot be used.
    """
    sources = Sources(flags, environ, cwd, find_config_file(flags.get("config"), environ, cwd))
    return Settings(
        installations=_installations(sources) if needs_token else (),
        after_run=AfterRun(**sources.values(AfterRun)),
        **_with_whole_url(sources.values(Settings)),
    )


def _with_whole_url(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with those that belong to a lake in object storage in its place."""
    lake = values["lake"]
    if not isinstance(lake, LakeUrl):
        return values
    place = replace(
        lake,
        work_dir=values["work_dir"] or lake.work_dir,
        cache_bytes=int(values["cache_gb"] * GIGABYTE),
        assume_single_writer=values["assume_single_writer"],
    )
    return {**values, "lake": place}


def _installations(sources: Sources) -> tuple[Installation, ...]:
    tables = _selected(sources)
    if not tables:
        return (_installation(sources, {}, token=_only_token(sources)),)
    for name in (*API_URL.variables, *REGION.variables):
        if sources.environ.get(name, "").strip():
            advice = f"Unset {name}, or name another file with --config."
            raise SettingsError(f"{name} is set, and {sources.file.path} names its installations itself.", advice)
    found = tuple(_of_table(sources, name, table) for name, table in tables.items())
    errors = [error for each in found if (error := each.token_error) is not None]
    if len(errors) == len(found):
        raise errors[0]
    return found


def _selected(sources: Sources) -> Mapping[str, Mapping[str, object]]:
    """Return the installations of the file that --installation names, or all of them."""
    known, wanted = sources.file.installations, sources.flags.get("installation")
    if not isinstance(wanted, list) or not wanted:
        return known
    for name in wanted:
        if name not in known:
            advice = f"{did_you_mean(name, known)}{sources.file.path} names: {', '.join(known) or 'none'}."
            raise SettingsError(f"--installation is {quote(name)}, and there is no such installation.", advice)
    return {name: table for name, table in known.items() if name in wanted}


def _only_token(sources: Sources) -> Secret:
    """Return the token where the file names no installations."""
    if (token := token_of_environment(sources)) is not None:
        return token
    if not any(key in sources.file.top for key in TOKEN_KEYS):
        raise TokenUnavailable(
            "There is no token: BUDDY_TOKEN is not set.",
            f"Make a personal access token in Buddy (your profile, Security) with {SCOPES_TO_GIVE}, and set "
            "BUDDY_TOKEN, or BUDDY_TOKEN_FILE to a file that holds it. "
            "`collector demo` needs none.",
        )
    return token_of_table(sources, sources.file.top, sources.file.path.name)


def _of_table(sources: Sources, name: str, table: Mapping[str, object]) -> Installation:
    """Return one of several installations. If there is no token for it now, the others can still be collected."""
    try:
        token, error = token_of_table(sources, table, f"[installations.{name}]"), None
    except TokenUnavailable as why:
        token, error = Secret(""), why
    return _installation(sources, table, name=name, token=token, token_error=error)


def _installation(sources: Sources, table: Mapping[str, object], name: str = "", **more: Any) -> Installation:
    values = sources.values(Installation, table)
    url = _api_url(sources, table, allow_http=values["allow_http"])
    ca_bundle = values["ca_bundle"]
    if ca_bundle is not None and not ca_bundle.is_file():
        advice = "Name a PEM file that holds the certificates to trust."
        raise SettingsError(f"The CA bundle {ca_bundle} is not a file.", advice)
    proxy, ignored = None, ignored_proxy(url, sources.environ)
    # Plain http would show the token to the proxy; by https it sees the host's name and encrypted bytes.
    if ignored and values["proxy"] == "env" and url.startswith("https:"):
        proxy, ignored = proxy_url(sources.environ[ignored], ignored), None
    return Installation(
        name=name or name_of(url), api_url=url, proxy_url=proxy, ignored_proxy=ignored, **more, **values
    )


def _api_url(sources: Sources, table: Mapping[str, object], *, allow_http: bool) -> str:
    """Return the URL that is written, else the region's. The region of a table wins over the URL at the file's top."""
    region = sources.value(REGION, table)  # parsed even where a URL wins: a misspelt region is an error in any case
    written = sources.written(API_URL, table)
    if written is None or ("region" in table and "api_url" not in table):
        return REGIONS[region]
    value, where, _ = written
    url = api_url(value, where)
    if not allow_http:
        advice = "Use https (with --ca-bundle for a private certificate), or allow it with --allow-http."
        require_encryption(url, where, "the token", advice)
    return url
