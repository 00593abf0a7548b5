"""The fake Buddy as a process of its own, with a warm cache, and the programs that crawl it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

from tests.bench.measure import Measured, python

TOKEN = "bench-token-0123456789"
CONCURRENCY = 16


@dataclass(frozen=True)
class Shape:
    """The size of a world; counts are per parent, and half of the actions are promotions."""

    workspaces: int = 1
    projects: int = 3
    pipelines: int = 4
    actions: int = 20

    @property
    def promotions(self) -> int:
        """Return the number of promote-image actions."""
        return self.workspaces * self.projects * self.pipelines * self.actions // 2

    @property
    def arguments(self) -> list[str]:
        """Return the options of the fake; plain names, because dlt does not percent-encode awkward ones."""
        counts = {
            "workspaces": self.workspaces, "projects": self.projects, "pipelines": self.pipelines,
            "actions": self.actions,
        }  # fmt: skip
        return ["--plain", *(text for name, count in counts.items() for text in (f"--{name}", str(count)))]


@dataclass
class Buddy:
    """A fake Buddy that serves a world of one shape: `with Buddy(shape, latency_s) as buddy`.

    A first crawl fills its cache of replies.
    """

    shape: Shape
    latency_s: float = 0.0
    warm: bool = True
    url: str = ""
    _process: subprocess.Popen[str] | None = None
    _directories: list[Path] = field(default_factory=list)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "collector.fake_buddy", "--bodies-kept", "400000", "--token", TOKEN]
        if self.latency_s:
            command += ["--latency", str(self.latency_s)]
        self._process = subprocess.Popen([*command, *self.shape.arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if self.warm:
            self.bare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.communicate()
        for directory in self._directories:
            rmtree(directory, ignore_errors=True)

    def stats(self, *, minimum: bool = False) -> dict[str, Any]:
        """Return the counts of the server and its CPU time."""
        with urlopen(f"{self.url}/-/stats{'?minimum=1' if minimum else ''}") as reply:
            counts: dict[str, Any] = json.load(reply)
            return counts

    def served(self, program: Callable[[], Measured]) -> tuple[Measured, int, float]:
        """Run a program; also return the number of requests and the CPU seconds of the server."""
        urlopen(Request(f"{self.url}/-/forget", method="POST")).close()
        before = self.stats()
        measured = program()
        after = self.stats()
        return measured, after["requests"], after["cpu_seconds"] - before["cpu_seconds"]

    # Programs

    def bare(self) -> Measured:
        """Run the bare loop."""
        return self._run("bare", "--concurrency", str(CONCURRENCY))

    def ours(self, lake: Path | None = None, executions: str = "off") -> Measured:
        """Run the collector into a new lake, without its own ceiling of requests per second.

        Without executions it requests what the bare loop and dlt request.
        """
        lake = lake or self._new_directory() / "lake"
        return self._run("ours", "--lake", str(lake), "--executions", executions)

    def ours_with_executions(self) -> Measured:
        """Run the collector into a new lake, with the executions of a first run."""
        return self.ours(executions="7d")

    def ours_many(self, installations: int, open_files: int) -> Measured:
        """Run the collector as many installations, all of them this Buddy, under a limit on open files."""
        lake = str(self._new_directory() / "lake")
        many = ("--installations", str(installations), "--open-files", str(open_files))
        return self._run("ours", "--lake", lake, *many)

    def dlt(self) -> Measured:
        """Run dlt with its defaults."""
        return self._run("dlt_rest_api", "--directory", str(self._new_directory()))

    def dlt_parallel(self) -> Measured:
        """Run dlt with as many concurrent requests as the collector."""
        return self._run("dlt_rest_api", "--directory", str(self._new_directory()), "--workers", str(CONCURRENCY))

    def _run(self, client: str, *arguments: str) -> Measured:
        return python("-m", f"tests.bench.clients.{client}", "--url", self.url, "--token", TOKEN, *arguments)

    def _new_directory(self) -> Path:
        while self._directories:
            rmtree(self._directories.pop(), ignore_errors=True)
        self._directories.append(Path(mkdtemp(prefix="bench-")))
        return self._directories[-1]
