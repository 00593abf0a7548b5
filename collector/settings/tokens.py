"""The token of an installation: from a variable, a file or a command. No message quotes any part of it."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collector.errors import SettingsError
from collector.settings import parsers
from collector.settings.declarations import TOKEN_KEYS
from collector.settings.secret import Secret
from collector.settings.sources import Sources
from collector.settings.token_command import TIME_LIMIT_S, OutputTooLong, run_token_command

# Visible ASCII, which includes all that the credentials of an Authorization header may hold (RFC 6750).
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


class TokenUnavailable(SettingsError):
    """The source of a token gives none now; the other installations can be collected."""


def token_of_environment(sources: Sources) -> Secret | None:
    """Return the token of BUDDY_TOKEN, else of the file that BUDDY_TOKEN_FILE names; None when neither is set."""
    if written := sources.environ.get("BUDDY_TOKEN", "").strip():
        return _checked(written, "BUDDY_TOKEN")
    if name := sources.environ.get("BUDDY_TOKEN_FILE", "").strip():
        return _of_file(sources.absolute(Path(name), sources.cwd), "BUDDY_TOKEN_FILE")
    return None


def token_of_table(sources: Sources, table: Mapping[str, object], place: str) -> Secret:
    """Return the token of the one source that a table of collector.toml names."""
    keys = [key for key in TOKEN_KEYS if key in table]
    if len(keys) != 1:
        raise SettingsError(
            f"{place} names {len(keys)} sources of its token.", f"Give it exactly one of {', '.join(TOKEN_KEYS)}."
        )
    where = f"`{keys[0]}` of {place}"
    written = parsers.text(table[keys[0]], where)
    if keys[0] == "token_file":
        return _of_file(sources.absolute(Path(written), sources.file.path.parent), where)
    if keys[0] == "token_command":
        return _of_command(written, where)
    if not sources.environ.get(written, "").strip():
        raise TokenUnavailable(
            f"{where} names {written}, which is not set in the environment.", f"Set {written} to a token."
        )
    return _checked(sources.environ[written], written)


def _of_file(path: Path, where: str) -> Secret:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TokenUnavailable(
            f"{where} names {path}, which cannot be read: {reason}.", "Name a file that holds the token."
        ) from None
    return _checked(content, f"{path} ({where})")


def _of_command(command: str, where: str) -> Secret:
    """Return the token that the command prints. Its error messages are not repeated: they may hold the token."""
    try:
        return _checked(run_token_command(command), f"the output of {where}")
    except subprocess.CalledProcessError as error:
        reason = f"exited with code {error.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"did not end within {TIME_LIMIT_S:.0f} seconds and was stopped"
    except OutputTooLong:
        reason = "printed far more than a token and was stopped"
    except OSError:
        reason = "could not be started"
    raise TokenUnavailable(
        f"The command in {where} {reason}.",
        "Run it by hand in the same environment; it must print only the token and ask nothing.",
    )


def _checked(value: str, where: str) -> Secret:
    token = value.strip()
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"The token in {where} is blank, or holds spaces, line breaks or characters that no Buddy token has.",
            "Copy it again from Buddy: your profile, Security, Personal access tokens.",
        )
    return Secret(token)
