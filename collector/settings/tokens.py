"""The token of an installation: from a variable, a file or a command. No exception holds any part of it."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast

from collector.errors import SettingsError
from collector.settings import parsers
from collector.settings.secret import Secret
from collector.settings.sources import TOKEN_KEYS, Sources

# A password manager may ask for a touch or a fingerprint; nobody answers after a minute.
_TIME_LIMIT_S: Final = 60.0
# Tokens have tens to hundreds of characters; the longest that a header can hold are a few thousand.
_OUTPUT_LIMIT: Final = 64 * 1024
# Visible ASCII, which includes all that the credentials of an Authorization header may hold (RFC 6750).
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


# The scope that reads pipelines, and with them actions and executions; Buddy renamed it in August 2026.
READING_SCOPES: Final = ("PIPELINE_READ", "EXECUTION_INFO")
READING_SCOPE: Final = f"{READING_SCOPES[0]} ({READING_SCOPES[1]} before August 2026)"
SCOPES_TO_GIVE: Final = f"the scopes WORKSPACE and {READING_SCOPE}"


class TokenUnavailable(SettingsError):
    """There is no source of a token, or it gives none now; other installations can be collected."""


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
        advice = f"Give it exactly one of {', '.join(TOKEN_KEYS)}."
        raise SettingsError(f"{place} names {len(keys)} sources of its token.", advice)
    where = f"`{keys[0]}` of {place}"
    written = parsers.text(table[keys[0]], where)
    if keys[0] == "token_file":
        return _of_file(sources.absolute(Path(written), sources.file.path.parent), where)
    if keys[0] == "token_command":
        return _of_command(written, where)
    if not sources.environ.get(written, "").strip():
        advice = f"Set {written} to a token."
        raise TokenUnavailable(f"{where} names {written}, which is not set in the environment.", advice)
    return _checked(sources.environ[written], written)


def _of_file(path: Path, where: str) -> Secret:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        advice = "Name a file that holds the token."
        raise TokenUnavailable(f"{where} names {path}, which cannot be read: {reason}.", advice) from None
    return _checked(content, f"{path} ({where})")


def _of_command(command: str, where: str) -> Secret:
    """Return the token that the command prints."""
    try:
        return _checked(run_token_command(command), f"the output of {where}")
    except subprocess.CalledProcessError as error:
        reason = f"exited with code {error.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"did not end within {_TIME_LIMIT_S:.0f} seconds, or printed far more than a token, and was stopped"
    except OSError:
        reason = "could not be started"
    advice = "Run it by hand in the same environment; it must print only the token and ask nothing."
    raise TokenUnavailable(f"The command in {where} {reason}.", advice)


def run_token_command(command: str, *, time_limit_s: float = _TIME_LIMIT_S) -> str:
    """Return what the command printed to stdout, and leave no process behind.

    The command has its own session and so its own process group. When it has ended or takes too long, the whole group
    is killed: a helper that it started in the background neither delays the token nor outlives the command. Its stderr
    is discarded, because a password manager may repeat there what it was asked for. A command that prints more than a
    pipe holds takes too long, because nothing is read before it has ended.

    Raises CalledProcessError when it failed, TimeoutExpired when it took too long, and OSError when it could not be
    started.
    """
    # The user's own command line from their own file, run as they would type it: hence the shell.
    with subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(time_limit_s)
        finally:
            # Also after KeyboardInterrupt: the terminal sends Ctrl-C only to the group of this program.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, command)
        pipe = cast(IO[bytes], process.stdout).fileno()
        os.set_blocking(pipe, False)  # another process may hold it open
        with suppress(BlockingIOError):
            # No token holds the character that stands for what is not UTF-8.
            return os.read(pipe, _OUTPUT_LIMIT).decode("utf-8", "replace")
        return ""


def _checked(value: str, where: str) -> Secret:
    token = value.strip()
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"The token in {where} is blank, or holds spaces, line breaks or characters that no Buddy token has.",
            "Copy it again from Buddy: your profile, Security, Personal access tokens.",
        )
    return Secret(token)
