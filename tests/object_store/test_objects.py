"""The storage of a lake in object storage, against a real server: what a write, a swap, a listing and a failure do."""

import hashlib
import os
from typing import Any

import pytest

from collector.errors import CollectorError, LakeError, NotPublished, SettingsError
from collector.lake.lake import Lake
from collector.lake.local_files import sha256_of
from collector.lake.manifest import EARLIER, FileEntry
from collector.lake.remote_storage import RemoteStorage
from collector.lake.storage import FilesGone, Outdated
from collector.settings.lake_place import LakeUrl
from tests.object_store.proxy import FaultProxy
from tests.object_store.server import SECRET_KEY, ObjectStoreServer


@pytest.fixture
def storage(place: LakeUrl) -> RemoteStorage:
    """An empty storage."""
    return RemoteStorage(place)


def entry_of(path: str, content: bytes) -> FileEntry:
    """Return the entry of a file that holds `content`."""
    digest = hashlib.sha256(content).hexdigest()
    return FileEntry(path=path, rows=1, bytes=len(content), sha256=digest, schema="", runs=[], run_month="2026-11")


def written(storage: RemoteStorage, path: str, content: bytes) -> FileEntry:
    """Write and upload a file."""
    with storage.output(path) as sink:
        sink.write(content)
    storage.sync(path)
    return entry_of(path, content)


def test_a_file_is_uploaded_whole_and_its_copy_is_kept(storage: RemoteStorage, proxy: FaultProxy) -> None:
    """A large file goes up in several parts, arrives as it was, and is not fetched by the machine that wrote it."""
    content = os.urandom(11 << 20)
    entry = written(storage, "tables/a/big ü.parquet", content)
    assert len([each for each in proxy.take() if each.method == "PUT" and "partNumber=" in each.path]) == 3
    [copy] = storage.copies([entry])
    assert copy.read_bytes() == content
    assert proxy.take() == []
    copy.unlink()
    assert sha256_of(storage.copies([entry])[0]) == entry.sha256
    assert [(each.method, each.bytes) for each in proxy.take()] == [("GET", len(content))]
    with storage.fetched(entry.path) as fetched:
        assert fetched.read_bytes() == content
    assert not fetched.exists()


def test_a_copy_that_is_not_the_file_is_refused(storage: RemoteStorage) -> None:
    """What was stored under the name of another file is damage; a file that is not there is gone; neither is kept."""
    written(storage, "tables/a", b"content")
    with pytest.raises(LakeError, match="damaged"):
        storage.copies([entry_of("tables/a", b"another")])
    with pytest.raises(FilesGone, match="tables/b"):
        storage.copies([entry_of("tables/b", b"missing")])
    assert [path.stem for path in storage.readable.iterdir()] == [entry_of("", b"content").sha256]


def test_the_manifest_is_swapped_by_one_writer_only(storage: RemoteStorage) -> None:
    """Who has seen the stored version replaces it, and the ones before are kept in order; anybody else is refused."""
    storage.swap("m", b"1", None, EARLIER)
    with pytest.raises(Outdated):
        storage.swap("m", b"other", None, EARLIER)
    first = storage.load("m")
    for number in (2, 3, 4):
        storage.swap("m", str(number).encode(), storage.load("m"), EARLIER)
    with pytest.raises(Outdated) as refused:
        storage.swap("m", b"late", first, EARLIER)
    assert refused.value.exit_code == 5
    assert [storage.read(name) for name in ("m", *EARLIER)] == [b"4", b"3", b"2", b"1"]
    assert [storage.create("claim", content) for content in (b"a", b"b", b"a")] == [True, False, True]


@pytest.mark.parametrize("effects", [["lose"], ["503", "lose", "503"], ["reset", "lose"]], ids=lambda e: "-".join(e))
def test_a_swap_whose_reply_was_lost_has_won(storage: RemoteStorage, proxy: FaultProxy, effects: list[str]) -> None:
    """The store carries out a put and its reply is lost: the refusal of the second attempt is not believed."""
    storage.swap("m", b"1", None, EARLIER)
    proxy.script("PUT .*/m$", *effects)
    storage.swap("m", b"2", storage.load("m"), EARLIER)
    assert storage.read("m") == b"2"
    assert [each.status for each in proxy.take() if each.method == "PUT" and each.path.endswith("/m")][-1] == 412


def test_a_listing_has_every_page(storage: RemoteStorage, proxy: FaultProxy) -> None:
    """More objects than a store lists on one page are all found, in order, and nothing of the neighbour's prefix."""
    names = [f"tables/t/{number:04d}" for number in range(1_020)]
    storage._all(lambda name: storage.objects.put(name, b"x"), [*names, "tables2/x"])
    proxy.take()
    assert [file.path for file in storage.files("tables")] == names
    assert len(proxy.take()) == 2
    assert [file.path for file in storage.names()] == ["tables", "tables2"]
    storage.delete(names[0])
    storage.delete(names[0])
    assert len(storage.files("tables")) == len(names) - 1
    assert storage.files("nowhere") == []


def refused(place: Any) -> CollectorError:
    """Return the error with which a lake at `place` is refused; it shows no key."""
    with pytest.raises(CollectorError) as caught:
        Lake.create(place)
    for text in (str(caught.value), caught.value.advice):
        assert SECRET_KEY not in text
        assert "StringToSign" not in text
    return caught.value


def test_what_the_store_refuses_has_advice(
    place: LakeUrl, proxy: FaultProxy, object_store: ObjectStoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing bucket, wrong keys, and a store that cannot be reached are told apart; none shows a key."""
    error = refused(LakeUrl("s3://no-such-bucket/lake", place.work_dir))
    assert isinstance(error, SettingsError)
    assert "no-such-bucket" in str(error)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "SignatureDoesNotMatch" in str(refused(place))
    monkeypatch.setattr("collector.lake.object_storage._RETRIES", {"max_retries": 0})
    proxy.script("GET", "503", "reset")
    for code in ("SlowDown", ""):
        error = refused(place)
        assert isinstance(error, NotPublished)
        assert code in str(error)
    for name, value in object_store.environment(proxy.url, read_only=True).items():
        monkeypatch.setenv(name, value)
    lake = Lake.create(place)  # may be read
    with pytest.raises(SettingsError, match="may not be read or written"):
        lake.storage.require_conditions()
