"""Many large replies at once, and the memory of the process."""

import os
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.faults.ledger import Ledger
from tests.faults.process import Program
from tests.faults.published import published

MIB = 1 << 20
# Sixteen lists of 20 MB at once: without a common limit the process needs 1.2 GB.
LISTS, LIST_BYTES, MAX_MEMORY = 16, 20 * MIB, 512 * MIB
ITEM_BYTES = 2000


@pytest.mark.faults
def test_sixteen_large_replies_at_once_fit_into_half_a_gigabyte(tmp_path: Path, ledger: Ledger) -> None:
    """A run whose sixteen workers each receive 20 MB at once is complete and needs at most 512 MB."""
    items = [
        {"id": 10**6 + number, "type": "BUILD", "name": f"action {number}", "commands": "c" * (ITEM_BYTES - 60)}
        for number in range(LIST_BYTES // ITEM_BYTES)
    ]
    large = Fault("wrong_type", kind="actions", json_path="actions", value=items, times=None)
    world = FakeWorld(projects=4, pipelines=LISTS // 4, actions=1, awkward=False)
    with FakeBuddy(world, script=[large]) as fake:
        program = Program(fake, tmp_path / "lake", COLLECTOR_CONCURRENCY=str(LISTS))
        process = program.begin("collect")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        _, err = process.communicate()
    assert process.returncode == 0, err.decode()
    assert len(published(tmp_path / "lake")["actions"]) == LISTS * len(items)
    ledger.note("16 replies of 20 MB at once", process.returncode, injected=LISTS)
    assert usage.ru_maxrss * 1024 < MAX_MEMORY
