"""The CronJob: what it runs, when it tries again, and what it may do; its script is run with every exit code."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.cli.failures import EXIT_CODES
from collector.settings.declarations import SETTINGS

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "deploy/kubernetes/collector.yaml"
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))
CRON = next(each for each in DOCUMENTS if each["kind"] == "CronJob")["spec"]
JOB = CRON["jobTemplate"]["spec"]
POD = JOB["template"]["spec"]
(CONTAINER,) = POD["containers"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_schemas_of_kubernetes() -> None:
    """Where kubernetes-validate is installed, it accepts every document, strictly."""
    validator = pytest.importorskip("kubernetes_validate")
    for each in DOCUMENTS:
        validator.validate(each, validator.latest_version(), strict=True)


def test_one_run_at_a_time() -> None:
    """A run never overlaps another, and starts at the time of the other examples."""
    assert CRON["concurrencyPolicy"] == "Forbid"
    assert (CRON["schedule"], CRON["timeZone"]) == ("15 2 * * *", "Etc/UTC")


def test_only_a_resumable_run_is_tried_again() -> None:
    """Of the program's exit codes, 3 alone is not in the rule that fails the job; the pod itself never restarts."""
    assert POD["restartPolicy"] == "Never"
    ignored, failed = JOB["podFailurePolicy"]["rules"]
    assert ignored["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert failed["action"] == "FailJob"
    assert failed["onExitCodes"]["operator"] == "NotIn"
    assert failed["onExitCodes"]["containerName"] == CONTAINER["name"]
    assert set(failed["onExitCodes"]["values"]) & set(EXIT_CODES) == {3}


def test_the_user_of_the_image_owns_the_volume() -> None:
    """The pod runs as the image's user, not as root, with a read-only root, and what it writes to is mounted."""
    (user,) = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    security = POD["securityContext"]
    assert {security["runAsUser"], security["runAsGroup"], security["fsGroup"]} == {int(user)}
    assert security["runAsNonRoot"]
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    mounts = {each["mountPath"]: each["name"] for each in CONTAINER["volumeMounts"]}
    assert {"/lake", "/tmp"} < set(mounts)
    assert set(mounts.values()) == {each["name"] for each in POD["volumes"]}


def test_the_settings_exist() -> None:
    """Each variable is one that the program reads, and the token comes from the mounted secret."""
    values = {each["name"]: each["value"] for each in CONTAINER["env"]}
    known = {"BUDDY_TOKEN_FILE", *(name for each in SETTINGS for name in each.variables)}
    assert set(values) <= known
    assert values["BUDDY_TOKEN_FILE"] == "/run/secrets/buddy/token"
    assert values["COLLECTOR_LAKE"] == "/lake"


def start(folder: Path, body: str) -> "subprocess.Popen[bytes]":
    """Start the container's script with a program `collector` of which only the body is given."""
    program = folder / "collector"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.Popen([*CONTAINER["command"], *CONTAINER["args"]], env=environ, cwd=folder)


@pytest.mark.parametrize("code", EXIT_CODES)
def test_the_exit_code(tmp_path: Path, code: int) -> None:
    """The script's exit code is that of the run, but a partial run, which is published, is a success."""
    assert start(tmp_path, f'[ "$*" = "collect --log-format json" ] && exit {code}').wait(10) == (
        code if code != 1 else 0
    )


def test_a_signal_reaches_the_run(tmp_path: Path) -> None:
    """SIGTERM is passed on, and the script ends with the run, with the run's exit code."""
    script = start(tmp_path, "trap 'touch stopped; exit 130' TERM; touch started; while :; do sleep 0.05; done")
    ends_at = time.monotonic() + 10
    while not (tmp_path / "started").exists() and time.monotonic() < ends_at:
        time.sleep(0.02)
    script.send_signal(signal.SIGTERM)
    assert script.wait(10) == 130
    assert (tmp_path / "stopped").exists()
