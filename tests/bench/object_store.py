"""10. Object storage: the requests and bytes that every question costs on a lake in a bucket."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from collector.lake.remote_storage import RemoteStorage
from collector.query.questions import Question, Questions
from collector.query.reader import open_lake
from collector.query.sql_files import sql_folder
from collector.settings.lake_place import LakeUrl
from tests.bench.generated_runs import GeneratedRun
from tests.bench.questions import arguments, build, first_promotion, merged_copy
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale
from tests.object_store.proxy import FaultProxy, proxied
from tests.object_store.server import BUCKET, running

LATENCY_S = 0.02
_TEXT = """\
The lake of section 9 with {runs} runs, in a bucket of SeaweedFS behind {latency:.0f} ms of latency. Each question is
asked with an empty cache and then again in the same process, first on the files as they were published, then on a copy
whose months were merged. A request is a GET; besides those of files there is one of the manifest."""
# A question about one run must not read others.
_ONE_RUN = "cross_registry"


@dataclass(frozen=True)
class Cost:
    """What a question has cost: seconds, GET requests and megabytes, with an empty cache and again."""

    cold_s: float
    requests: int
    mb: float
    warm_s: float
    warm_requests: int


def bench(scale: Scale) -> Section:
    """Put the lake into a bucket, ask every question, and ask a merged copy."""
    with TemporaryDirectory(prefix="bench-objects-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        last = build(folder / "lake", scale.remote_runs, scale.queried_actions, scale.queried_executions)
        merged_copy(folder / "lake", folder / "merged")
        questions = list(Questions(sql_folder()).all.values())[: scale.queried_questions]
        with (
            running(folder / "store") as store,
            proxied(store.s3_port) as proxy,
            patch.dict(os.environ, store.environment(proxy.url)),
        ):
            before, after = (
                _costs(folder, each, proxy, questions, last) for each in (folder / "lake", folder / "merged")
            )
    columns = ("question", "requests", "MB", "s", "again, requests", "again, s", "merged, requests", "merged, MB")
    rows = [
        (f"`{name}`", str(cost.requests), f"{cost.mb:.2f}", f"{cost.cold_s:.2f}", str(cost.warm_requests),
         f"{cost.warm_s:.2f}", str(after[name].requests), f"{after[name].mb:.2f}")
        for name, cost in before.items()
    ]  # fmt: skip
    again = max(cost.warm_requests for cost in before.values())
    goals = [Goal("files fetched again by the same question", "0", str(again - 1), again == 1)]
    if _ONE_RUN in before:
        found = before[_ONE_RUN].requests - 1
        goals.append(Goal("files for a question about one run", "≤ 14", str(found), found <= 14))
    text = _TEXT.format(runs=scale.remote_runs, latency=LATENCY_S * 1000)
    return Section("10. Object storage", text, [Table(columns, rows)], goals)


def _costs(
    folder: Path, lake: Path, proxy: FaultProxy, questions: list[Question], last: GeneratedRun
) -> dict[str, Cost]:
    """Upload a lake and return what each question costs."""
    url = f"s3://{BUCKET}/{lake.name}"
    storage = RemoteStorage(LakeUrl(url, folder / "upload"))
    with ThreadPoolExecutor(8) as pool:
        files = [*lake.glob("tables/**/*.parquet"), lake / "manifest.json"]
        list(pool.map(lambda path: storage.objects.put(path.relative_to(lake).as_posix(), path), files))
    proxy.latency_s = LATENCY_S
    costs = {each.name: _cost(LakeUrl(url, folder / lake.name / each.name), proxy, each, last) for each in questions}
    proxy.latency_s = 0.0
    return costs


def _cost(place: LakeUrl, proxy: FaultProxy, question: Question, last: GeneratedRun) -> Cost:
    reader, parameters = open_lake(place), arguments(question, first_promotion(last))
    proxy.take()
    began = time.perf_counter()
    reader.ask_with(question.name, parameters)
    cold_s, cold = time.perf_counter() - began, proxy.take()
    began = time.perf_counter()
    reader.ask_with(question.name, parameters)
    warm_s, warm = time.perf_counter() - began, proxy.take()
    return Cost(cold_s, len(cold), sum(each.bytes for each in cold) / 1e6, warm_s, len(warm))
