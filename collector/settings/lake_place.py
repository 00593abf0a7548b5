"""Where a lake is: a directory on this machine, or a URL of object storage.

What a run needs while it is in progress is local in any case. For a lake in object storage it is in a work directory,
in a folder of its own for each URL and endpoint, so that two lakes never share a journal.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from collector.errors import SettingsError
from collector.settings.escape import is_utf8, quote

# How each kind of object storage is called in a URL.
SCHEMES: Final = ("s3", "gs", "az")
_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):/")
_FULL_URL: Final = re.compile(
    r"(?P<scheme>s3|gs|az)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<prefix>(?:/[^?#\\]*)?)"
)
# The endpoint of a store that speaks S3, in the order in which the AWS tools look.
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
GIGABYTE: Final = 10**9


@dataclass(frozen=True)
class LakeUrl:
    """A lake in object storage. `cache_bytes` bounds the local copies of its files."""

    url: str  # without a slash at its end
    work_dir: Path
    cache_bytes: int = 10 * GIGABYTE
    assume_single_writer: bool = False

    def __str__(self) -> str:
        return self.url

    @property
    def scheme(self) -> str:
        """One of `SCHEMES`."""
        return self.url.partition(":")[0]

    @property
    def bucket(self) -> str:
        """The bucket, or the container where the store calls it so."""
        return self.url.partition("://")[2].partition("/")[0]

    @property
    def work_root(self) -> Path:
        """The directory of this lake below the work directory."""
        readable = re.sub(r"[^A-Za-z0-9]+", "-", self.url)[:60].strip("-")
        return self.work_dir / f"{readable}-{hashlib.sha256(f'{endpoint()} {self.url}'.encode()).hexdigest()[:8]}"


LakePlace: TypeAlias = Path | LakeUrl


def endpoint() -> str | None:
    """Return the endpoint that the environment names for S3; None for that of AWS."""
    return next((value for name in _ENDPOINTS if (value := os.environ.get(name, "").strip())), None)


def default_work_dir(environ: Mapping[str, str]) -> Path:
    """Return the work directory where none is named: in the state directory of this user."""
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "collector", "lakes").absolute()


def lake_place(value: object, where: str) -> LakePlace:
    """Return the path of a directory, or the URL of a lake in object storage.

    Raises SettingsError for any other URL, without showing it: it may hold a password.
    """
    written = value.strip() if isinstance(value, str) else ""
    if not written or "\x00" in written:
        raise SettingsError(f"{where} is {quote(value)}, but it must be text.", "Write a text that is not empty.")
    if not is_utf8(written):
        raise SettingsError(f"{where} is {quote(value)}, which is not UTF-8.", "Rename the directory.")
    scheme = _URL.match(written)
    if scheme is None:
        return Path(written)
    found = _FULL_URL.fullmatch(written)
    if found is None:
        raise SettingsError(
            f"{where} is a URL ({scheme['scheme']}://…) that names no lake.",
            "Name a directory, or object storage as s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX. "
            "Keys and endpoints do not belong in it: they are taken from the environment.",
        )
    parts = [part for part in found["prefix"].split("/") if part]
    if {".", ".."} & set(parts):
        raise SettingsError(f"{where} holds a part '.' or '..'.", "Write the prefix without them.")
    url = "/".join((f"{found['scheme']}://{found['bucket']}", *parts))
    return LakeUrl(url, Path(os.environ.get("COLLECTOR_WORK_DIR") or default_work_dir(os.environ)).absolute())
