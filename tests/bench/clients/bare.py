"""The bare loop: the same requests by workers that only GET and parse JSON, and store nothing.

`python -m tests.bench.clients.bare --url U --token T --concurrency 16 [--rate 100]`. With `--rate` it is a fixed-rate
client: requests start evenly at that rate, and a refused one is sent again a second later.
"""

import argparse
import asyncio
import time
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from tests.bench.clients.output import print_result

_PER_PAGE = 50
_CHILDREN = {"workspaces": "domain", "projects": "name", "pipelines": "id"}
_BELOW = {"workspaces": "projects", "projects": "pipelines", "pipelines": "actions"}


class Walk:
    """The waiting requests, newest first: path, kind and page."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str, int]] = [("/workspaces", "workspaces", 0)]
        self.in_flight = 0

    def add_from(self, document: dict[str, list[dict[str, object]]], path: str, kind: str, page: int) -> None:
        """Add the requests that follow from a reply."""
        if kind == "action":
            return
        items = document[kind]
        if kind == "actions":
            promotions = (item["id"] for item in items if item["type"] == "PROMOTE_IMAGE")
            self.waiting.extend((f"{path}/{number}", "action", 0) for number in promotions)
            return
        if page and len(items) == _PER_PAGE:
            self.waiting.append((path, kind, page + 1))
        below = _BELOW[kind]
        names = (quote(str(item[_CHILDREN[kind]]), safe="") for item in items)
        self.waiting.extend((f"{path}/{name}/{below}", below, int(below != "actions")) for name in names)


class Pacer:
    """Spaces requests evenly."""

    def __init__(self, per_second: float) -> None:
        self._every_s = 1 / per_second if per_second else 0.0
        self._next_at = 0.0

    async def wait(self) -> None:
        """Wait for the start of the next request."""
        if self._every_s:
            now = time.monotonic()
            self._next_at = max(now, self._next_at + self._every_s)
            await asyncio.sleep(self._next_at - now)


async def worker(session: aiohttp.ClientSession, base: str, walk: Walk, pacer: Pacer) -> int:
    """Send requests until none is left; return the number of replies."""
    replies = 0
    while walk.waiting or walk.in_flight:
        if not walk.waiting:
            await asyncio.sleep(0.001)
            continue
        path, kind, page = walk.waiting.pop()
        walk.in_flight += 1
        await pacer.wait()
        target = f"{base}{path}?page={page}&per_page={_PER_PAGE}" if page else base + path
        async with session.get(URL(target, encoded=True)) as response:
            body = await response.read()
        walk.in_flight -= 1
        if response.status == 429:
            await asyncio.sleep(1.0)
            walk.waiting.append((path, kind, page))
            continue
        walk.add_from(msgspec.json.decode(body), path, kind, page)
        replies += 1
    return replies


async def crawl(base: str, token: str, concurrency: int, rate: float) -> None:
    """Crawl everything and print the result."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    headers = {"Authorization": f"Bearer {token}"}
    walk, pacer = Walk(), Pacer(rate)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        wall, cpu = time.perf_counter(), time.process_time()
        replies = await asyncio.gather(*(worker(session, base, walk, pacer) for _ in range(concurrency)))
        print_result(replies=sum(replies), crawl_s=time.perf_counter() - wall, crawl_cpu_s=time.process_time() - cpu)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(crawl(options.url, options.token, options.concurrency, options.rate))
