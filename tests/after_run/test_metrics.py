"""The metrics file, read by Prometheus' own parser."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.after_run.metrics import metrics_text
from collector.after_run.run_result import RunResult
from collector.lake.tables import PROBLEM_KINDS
from tests.after_run.run_results import BEGAN, ENDED, not_published, part, published

Samples = dict[tuple[str, tuple[str, ...]], float]


def read(text: str) -> Samples:
    """Every sample by name and label values; each family is documented and typed, and comes once."""
    families = list(text_string_to_metric_families(text))
    assert all(family.documentation and family.type == "gauge" for family in families)
    assert len({family.name for family in families}) == len(families)
    samples = [sample for family in families for sample in family.samples]
    found = {(each.name, tuple(each.labels.values())): each.value for each in samples}
    assert len(found) == len(samples)
    return found


def test_a_published_run() -> None:
    """Success, status, rows, problems, coverage, executions, releases, cost, waiting, duration, bytes are written."""
    samples = read(
        metrics_text(
            published(problems={"gone": 2}, notices=4), "", {"production": 3}, {"certain": 15, "not known": 25}
        )
    )
    assert samples["collector_last_success_timestamp_seconds", ()] == ENDED.timestamp()
    assert samples["collector_last_run_status", ("complete",)] == 1
    assert samples["collector_last_run_status", ("not_published",)] == 0
    assert samples["collector_last_run_duration_seconds", ()] == 300
    assert samples["collector_rows", ("promote_image_actions",)] == 12
    assert samples["collector_problems", ("gone",)] == 2
    assert samples["collector_notices", ()] == 4
    assert samples["collector_unguarded_promotions", ("certain",)] == 15
    assert samples["collector_unguarded_promotions", ("not known",)] == 25
    assert {labels[0] for name, labels in samples if name == "collector_problems"} == set(PROBLEM_KINDS)
    assert samples["collector_coverage", ("fetched", "actions")] == 12
    assert samples["collector_executions", ("us",)] == 7
    assert samples["collector_releases", ("production",)] == 3
    assert samples["collector_requests", ("us",)] == 100
    assert samples["collector_refusals", ("us",)] == 1
    assert samples["collector_waiting_seconds", ("us",)] == 3.5
    assert samples["collector_lake_bytes", ()] == 5000


def test_carried_promotions() -> None:
    """How many promotions were carried, and how old the oldest was when the run began; 0 where none was."""
    eu = part("eu", carried=9, oldest_read_at=BEGAN - timedelta(days=2))
    samples = read(metrics_text(published(installations=(part(), eu))))
    assert [samples["collector_carried", (name,)] for name in ("us", "eu")] == [0, 9]
    assert [samples["collector_carried_age_seconds", (name,)] for name in ("us", "eu")] == [0, 172_800]


def test_a_failed_run_keeps_the_last_success() -> None:
    """A run that published nothing says so; the last success is the lake's, or the old file's where there is none."""
    samples = read(metrics_text(not_published(), metrics_text(published())))
    assert samples["collector_last_success_timestamp_seconds", ()] == ENDED.timestamp()
    assert samples["collector_last_run_status", ("not_published",)] == 1
    assert samples["collector_last_run_exit_code", ()] == 3
    assert not any(name == "collector_rows" for name, _ in samples)


@pytest.mark.parametrize("before", ["", "collector_last_success_timestamp_seconds x\n", "\x00\xff"])
def test_without_any_success(before: str) -> None:
    """Where no run ever succeeded, the metric is absent, so that an alert can test for it."""
    assert ("collector_last_success_timestamp_seconds", ()) not in read(metrics_text(not_published(), before))


def test_labels_cannot_break_out() -> None:
    """Quotes, backslashes and line ends in a label are escaped."""
    name = 'a"b\\c\nd'
    assert read(metrics_text(published(installations=(part(name),))))["collector_requests", (name,)] == 100


def test_times_are_exact() -> None:
    """Times are Unix seconds as Prometheus wants them."""
    assert (
        read(metrics_text(RunResult(0, BEGAN, ENDED)))["collector_last_run_timestamp_seconds", ()] == ENDED.timestamp()
    )
