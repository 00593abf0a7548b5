"""Steps that need each other, done in threads."""

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.query.steps import do_steps


@given(st.lists(st.sets(st.integers(0, 7)), max_size=8), st.integers(1, 3))
def test_a_step_follows_those_that_it_needs(drawn: list[set[int]], at_once: int) -> None:
    """Every step is done once, after all that it needs, and never more at once than allowed."""
    needs = {str(step): [str(other) for other in others if other < step] for step, others in enumerate(drawn)}
    lock, running, most, done = threading.Lock(), [0], [0], list[str]()

    def step(name: str) -> None:
        with lock:
            assert set(needs[name]) <= set(done)
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            done.append(name)
            running[0] -= 1

    do_steps({name: partial(step, name) for name in needs}, needs, at_once)
    assert sorted(done) == sorted(needs)
    assert most[0] <= at_once


def test_the_first_that_can_be_begun_is() -> None:
    """One at a time, the order is that in which they are given, but for what a step needs."""
    done: list[str] = []
    steps = {name: partial(done.append, name) for name in ("last", "first", "next")}
    do_steps(steps, {"last": ["next"], "first": [], "next": []}, 1)
    assert done == ["first", "next", "last"]


def test_a_failure_ends_it() -> None:
    """What a step raises is raised, and no step is begun after it."""
    begun: list[str] = []

    def fail() -> None:
        begun.append("failing")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        do_steps({"failing": fail, "other": partial(begun.append, "other")}, {"failing": [], "other": []}, 1)
    assert begun == ["failing"]
