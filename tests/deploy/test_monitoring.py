"""The dashboard and the alert rules: every metric, label and value in them is one that a run writes."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from collector.after_run.metrics import metrics_text
from collector.report.contents import WITHOUT_GAP
from tests.after_run.run_results import published

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/collector.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"][
    0
]["rules"]
# What Prometheus adds to every sample that it reads, and the names of PromQL itself.
OF_PROMETHEUS = {"instance", "job"}


def written() -> dict[str, set[str]]:
    """Return each metric of a run with its labels."""
    result = published(problems={"gone": 1}, changes={"added": 1})
    families = text_string_to_metric_families(
        metrics_text(result, releases={"production": 1}, unguarded={"certain": 1})
    )
    return {family.name: {label for each in family.samples for label in each.labels} for family in families}


def expressions() -> list[str]:
    """Return every query of the dashboard and of the rules."""
    shown = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    marked = [each["expr"] for each in DASHBOARD["annotations"]["list"]]
    return [*shown, *marked, *(rule["expr"] for rule in RULES)]


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_exists(expression: str) -> None:
    """Each name is a metric that a run writes, and each label that is selected or grouped by belongs to one of them."""
    known = written()
    names = re.findall(r"\bcollector_\w+", expression)
    assert names
    assert set(names) <= set(known)
    labels = set().union(*(known[name] for name in names)) | OF_PROMETHEUS
    used = {label for inside in re.findall(r"\{(.*?)\}", expression) for label in re.findall(r"(\w+)\s*[!=]", inside)}
    grouped = {
        label.strip() for each in re.findall(r"(?:by|ignoring|on) \((.*?)\)", expression) for label in each.split(",")
    }
    assert used | grouped <= labels


def test_every_metric_is_shown() -> None:
    """Each metric that a run writes is on the dashboard or in a rule."""
    assert set(written()) == set(re.findall(r"\bcollector_\w+", " ".join(expressions())))


def test_a_gap_is_what_the_program_calls_a_gap() -> None:
    """The panel of what was not seen leaves out exactly the outcomes that are no gap."""
    (expression,) = (each for each in expressions() if "collector_coverage{" in each)
    (left_out,) = re.findall(r'coverage!~"(.*?)"', expression)
    assert set(left_out.split("|")) == WITHOUT_GAP


def test_the_legends_name_labels() -> None:
    """Each `{{label}}` of a legend or an annotation is a label of the metrics of its query, or Prometheus' value."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            labels = set().union(*(written()[name] for name in re.findall(r"\bcollector_\w+", target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels
    for rule in RULES:
        labels = set().union(*(written()[name] for name in re.findall(r"\bcollector_\w+", rule["expr"])))
        assert set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values()))) <= labels


def test_the_panels_do_not_overlap() -> None:
    """Each panel has its own id and its own place in a grid of 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_rule_is_explained() -> None:
    """Each alert has a severity, a summary, and a description that says what to do."""
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert all(rule["annotations"][key].endswith(".") for key in ("summary", "description"))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is in Debian's package prometheus")
@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_accepts_the_rules(command: tuple[str, ...]) -> None:
    """promtool checks the rules, and their unit tests pass."""
    folder = DEPLOY / "prometheus"
    done = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
