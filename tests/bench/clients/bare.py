"""The physical limit: the same tree of requests by workers that only GET and parse JSON, and keep nothing.

`python -m tests.bench.clients.bare --url U --token T --concurrency 16 [--rate 100]`. With `--rate` it is the usual
fixed-rate client: requests begin evenly at that rate, and one that is refused is sent again a second later.
"""

import argparse
import asyncio
import time
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from tests.bench.clients.ending import say

_PER_PAGE = 50
_CHILDREN = {"workspaces": "domain", "projects": "name", "pipelines": "id"}
_BELOW = {"workspaces": "projects", "projects": "pipelines", "pipelines": "actions"}


class Walk:
    """What is still to be asked, newest first: a path, the name of the list there, and its page."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str, int]] = [("/workspaces", "workspaces", 0)]
        self.under_way = 0

    def take(self, document: dict[str, list[dict[str, object]]], path: str, kind: str, page: int) -> None:
        """Add what a reply leads to."""
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


class Beat:
    """Evenly spaced turns."""

    def __init__(self, per_second: float) -> None:
        self._every_s = 1 / per_second if per_second else 0.0
        self._next_at = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        if self._every_s:
            now = time.monotonic()
            self._next_at = max(now, self._next_at + self._every_s)
            await asyncio.sleep(self._next_at - now)


async def worker(session: aiohttp.ClientSession, base: str, walk: Walk, beat: Beat) -> int:
    """Ask until nothing is left; returns the replies."""
    replies = 0
    while walk.waiting or walk.under_way:
        if not walk.waiting:
            await asyncio.sleep(0.001)
            continue
        path, kind, page = walk.waiting.pop()
        walk.under_way += 1
        await beat.turn()
        target = f"{base}{path}?page={page}&per_page={_PER_PAGE}" if page else base + path
        async with session.get(URL(target, encoded=True)) as response:
            body = await response.read()
        walk.under_way -= 1
        if response.status == 429:
            await asyncio.sleep(1.0)
            walk.waiting.append((path, kind, page))
            continue
        walk.take(msgspec.json.decode(body), path, kind, page)
        replies += 1
    return replies


async def crawl(base: str, token: str, concurrency: int, rate: float) -> None:
    """Walk the whole tree."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    headers = {"Authorization": f"Bearer {token}"}
    walk, beat = Walk(), Beat(rate)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        wall, cpu = time.perf_counter(), time.process_time()
        replies = await asyncio.gather(*(worker(session, base, walk, beat) for _ in range(concurrency)))
        say(replies=sum(replies), crawl_s=time.perf_counter() - wall, crawl_cpu_s=time.process_time() - cpu)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(crawl(given.url, given.token, given.concurrency, given.rate))
