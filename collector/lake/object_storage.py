"""The objects below one URL of object storage (S3 and what speaks it, Google Cloud Storage, Azure).

The only module that imports obstore. The texts of the library's errors quote replies of the store, which may hold keys;
only a code is taken from them.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias, TypeVar

import obstore
from obstore import exceptions as failures
from obstore.store import ObjectStore, from_url

from collector.errors import CollectorError, NotPublished, SettingsError
from collector.lake.storage import Loaded, StoredFile, outdated
from collector.settings.aws_profile import profile_options
from collector.settings.lake_place import LakeUrl, endpoint

T = TypeVar("T")
# What identifies the content that a put may replace.
Version: TypeAlias = dict[str, str]

_RETRIES: Any = {
    "max_retries": 6,
    "retry_timeout": dt.timedelta(seconds=60),
    "backoff": {"init_backoff": dt.timedelta(milliseconds=100), "max_backoff": dt.timedelta(seconds=5), "base": 2},
}
# What the library says of a reply that broke off; it does not always ask again.
_BROKEN_OFF, _REPEATS = "request or response body error", 3
# How a store names what is wrong: S3 and Azure in the body of the reply, all of them by its status.
_CODES = (re.compile(r"<Code>(\w+)</Code>"), re.compile(r"status code: (\d{3})"))
_CONDITION_FAILED = (failures.AlreadyExistsError, failures.PreconditionError)
_DENIED = (failures.PermissionDeniedError, failures.UnauthenticatedError, PermissionError)
_NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound"})
# An entity tag that no object has.
_NO_VERSION: Version = {"e_tag": '"00000000000000000000000000000000"', "version": "1"}
USE_ANOTHER_STORE = (
    "Use a store that does, such as S3, MinIO, Google Cloud Storage or Azure. If no other machine writes this lake, "
    "--assume-single-writer publishes all the same."
)


class Objects:
    """The objects of a lake. Paths are relative to its URL.

    Every method raises SettingsError when the store refuses access or has no such bucket, and NotPublished when it does
    not answer as it should, after some retries.
    """

    def __init__(self, place: LakeUrl) -> None:
        self._place = place
        self._store = _connect(place)

    def get(self, path: str) -> Loaded:
        """Return the content and the version of a small object. Raises FileNotFoundError."""

        def loaded() -> Loaded:
            found = obstore.get(self._store, path)
            meta: Any = found.meta
            version = {name: meta[name] for name in ("e_tag", "version") if meta[name] is not None}
            return Loaded(bytes(found.bytes()), version)

        return self._asked(path, loaded)

    def download(self, path: str, target: Path) -> None:
        """Write the content of an object to a file. Raises FileNotFoundError."""

        def downloaded() -> None:
            with target.open("wb") as sink:
                for piece in obstore.get(self._store, path).stream():
                    sink.write(piece)

        self._asked(path, downloaded)

    def put(self, path: str, content: bytes | Path) -> None:
        """Create or replace an object; a large file is sent in several parts."""
        self._asked(path, lambda: obstore.put(self._store, path, content))

    def put_if(self, path: str, content: bytes, seen: Loaded | None) -> None:
        """Create an object, or replace exactly the version that was seen. Raises Outdated when it is another now.

        When the reply to the put is lost, the library asks again and is refused because its first request has won. So
        what is stored decides, not the refusal.
        """
        mode: Any = "create" if seen is None else seen.version
        if self._place.assume_single_writer:
            mode = "overwrite"
        try:
            with self._translating(path):
                obstore.put(self._store, path, content, mode=mode)
        except CollectorError:
            with suppress(FileNotFoundError, CollectorError):
                if self.get(path).content == content:
                    return
            raise

    def copy(self, path: str, new: str) -> None:
        """Copy an object within the store. Raises FileNotFoundError."""
        self._asked(path, lambda: obstore.copy(self._store, path, new))

    def delete(self, path: str) -> None:
        """Remove an object; one that does not exist is no error."""
        with suppress(FileNotFoundError):
            self._asked(path, lambda: obstore.delete(self._store, path))

    def below(self, prefix: str) -> list[StoredFile]:
        """Return every object below a prefix, sorted by path, however many pages the store lists them on."""

        def listed() -> list[StoredFile]:
            pages = obstore.list(self._store, prefix, chunk_size=1000)
            return sorted((_stored(each) for page in pages for each in page), key=lambda file: file.path)

        return self._asked(prefix, listed)

    def names(self) -> list[StoredFile]:
        """Return the objects and the prefixes right below the URL; a prefix is not regular."""
        found = self._asked("", lambda: obstore.list_with_delimiter(self._store))
        prefixes = [StoredFile(prefix.rstrip("/"), False) for prefix in found["common_prefixes"]]
        # Some stores list the prefix itself, as an object without a name.
        return [*prefixes, *(_stored(each) for each in found["objects"] if each["path"])]

    def require_conditions(self) -> None:
        """Raise SettingsError when the store ignores the conditions of a put, so that writers could lose a run.

        Also raises as every method does when an object cannot be written, listed or removed.
        """
        path = f".collector-probe-{token_hex(8)}"
        with self._translating(path):
            obstore.put(self._store, path, b"1")
        try:
            with self._translating(path):
                ignored = all([self._accepts(path, "create"), self._accepts(path, _NO_VERSION)])
        finally:
            self.delete(path)
        if ignored and not self._place.assume_single_writer:
            raise SettingsError(
                f"the object store of {self._place.url} ignores the conditions of a put, so two writers could lose "
                "each other's run",
                USE_ANOTHER_STORE,
            )

    def _accepts(self, path: str, mode: Any) -> bool:
        """Return whether a put whose condition does not hold is done all the same."""
        try:
            obstore.put(self._store, path, b"2", mode=mode)
        except _CONDITION_FAILED:
            return False
        return True

    def _asked(self, path: str, ask: Callable[[], T]) -> T:
        """Return what `ask` gives, which may be done twice: it is repeated when a reply breaks off."""
        with self._translating(path):
            for _ in range(_REPEATS):
                try:
                    return ask()
                except failures.GenericError as error:
                    if _BROKEN_OFF not in str(error):
                        raise
            return ask()

    @contextmanager
    def _translating(self, path: str) -> Iterator[None]:
        """Translate what the library raises in the block; an object that does not exist stays FileNotFoundError."""
        try:
            yield
        except (failures.BaseError, FileNotFoundError, PermissionError, TimeoutError, ConnectionError) as error:
            text = str(error).partition("Debug source")[0]
            codes = [found[1] for pattern in _CODES if (found := pattern.search(text))]
            if isinstance(error, FileNotFoundError) and _NO_BUCKET.isdisjoint(codes):
                raise FileNotFoundError(f"{self._place.url}/{path}") from None
            raise self._error(error, codes, f"{self._place.url}/{path}".rstrip("/")) from None

    def _error(self, error: Exception, codes: Sequence[str], where: str) -> CollectorError:
        reason = f" ({codes[0]})" if codes else ""
        if isinstance(error, _CONDITION_FAILED):
            return outdated(self._place.url)
        if not _NO_BUCKET.isdisjoint(codes):
            return SettingsError(
                f"there is no bucket {self._place.bucket}{reason}", "Create it, or correct the URL of --lake."
            )
        if isinstance(error, _DENIED) or not {"401", "403"}.isdisjoint(codes):
            return SettingsError(
                f"{where} may not be read or written{reason}",
                "Check the credentials in the environment (for S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "AWS_PROFILE, or the role of this machine) and what they may do: get, put, list and delete.",
            )
        if "501" in codes or isinstance(error, failures.NotSupportedError):
            return SettingsError(
                f"the object store of {where} refuses an operation that a lake needs", USE_ANOTHER_STORE
            )
        return NotPublished(
            f"the object store of {where} did not answer as it should{reason}",
            "Check the network, the endpoint and the region, and run the same command again; nothing is lost.",
        )


def _connect(place: LakeUrl) -> ObjectStore:
    """Return the store of a lake, with the credentials that the environment gives."""
    options: Any = {}
    if place.scheme == "s3":
        options = profile_options(os.environ)
        if (named := endpoint()) is not None:
            options["aws_endpoint_url"] = named
    # Keys are never sent: each request is signed with them.
    client: Any = {"allow_http": True, "connect_timeout": "10s", "timeout": "120s"}
    try:
        return from_url(place.url, config=options or None, client_options=client, retry_config=_RETRIES)
    except (failures.BaseError, ValueError):
        raise SettingsError(
            f"{place.url} cannot be opened with the credentials of the environment", "Check them and the endpoint."
        ) from None


def _stored(meta: Any) -> StoredFile:
    return StoredFile(meta["path"], True, meta["last_modified"])
