"""Scripts: which arrivals a rule hits, in what order rules decide, and what is no rule at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.fake_buddy import FAULTS, FakeBuddy, FakeWorld, Fault, Script
from collector.fake_buddy.routes import KINDS, parse_target
from tests.fake_buddy.asking import ask, get, path_of

PROJECTS = path_of("acme", kind="projects")
PIPELINES = path_of("acme", "web-shop", kind="pipelines")


def hits(fault: Fault, *targets: str) -> list[bool]:
    """Return which of the requests a rule hits."""
    script = Script([fault])
    return [script.hit(parse_target(target, ""), target) is not None for target in targets]


def test_nth_and_times() -> None:
    """A rule hits the nth matching request and the next ones, `times` in all."""
    four = [PROJECTS] * 4
    assert hits(Fault("hang"), *four) == [True, False, False, False]
    assert hits(Fault("hang", nth=2, times=2), *four) == [False, True, True, False]
    assert hits(Fault("hang", nth=3, times=None), *four) == [False, False, True, True]


def test_lasting_is_in_seconds() -> None:
    """With `lasting` a rule hits the nth matching request and all within that many seconds after it."""
    moments = iter((5.0, 14.0, 15.1, 90.0))  # the clock is first read when the rule hits
    script = Script([Fault("status", nth=2, lasting=10.0)], clock=lambda: next(moments))
    hit = [script.hit(parse_target(PROJECTS, ""), PROJECTS) is not None for _ in range(5)]
    assert hit == [False, True, True, False, False]


def test_only_what_matches_counts() -> None:
    """Kind, path and page must all match; other requests are not counted."""
    assert hits(Fault("hang", kind="pipelines"), PROJECTS, PIPELINES) == [False, True]
    assert hits(Fault("hang", page=2), PROJECTS, f"{PROJECTS}?page=1", f"{PROJECTS}?page=2") == [False, False, True]
    assert hits(Fault("hang", kind="projects", page=1), PIPELINES, PROJECTS) == [False, True]


def test_paths_match_raw_or_decoded() -> None:
    """A glob is matched against the raw and the decoded path; `re:` starts a regular expression."""
    awkward = path_of("acme", "données/équipe A", kind="pipelines")
    assert hits(Fault("hang", path="*/données/équipe A/*"), awkward) == [True]
    assert hits(Fault("hang", path="*donn%C3%A9es*"), awkward) == [True]
    assert hits(Fault("hang", path="re:/projects$"), PIPELINES, PROJECTS) == [False, True]


def test_each_url_is_counted_separately() -> None:
    """With `per_url` the first request of each URL is hit and the second is not."""
    rule = Fault("hang", per_url=True)
    assert hits(rule, PROJECTS, PIPELINES, PROJECTS, f"{PROJECTS}?page=2") == [True, True, False, True]


def test_the_first_rule_that_hits_decides() -> None:
    """The first rule that hits decides; later rules still count the request."""
    script = [Fault("status", code=500), Fault("status", code=404, times=2)]
    with FakeBuddy(FakeWorld(), script=script) as fake:
        assert [reply.status for reply in ask(fake, *["/workspaces"] * 3)] == [500, 404, 200]


def test_refused_and_unauthorised_requests_are_not_counted() -> None:
    """A 401 and a refusal by the rate limit do not use up a rule."""
    with FakeBuddy(FakeWorld(), limit=1, window=3600.0, script=[Fault("status", nth=2, code=418)]) as fake:
        assert ask(fake, "/workspaces", token="wrong")[0].status == 401
        assert [reply.status for reply in ask(fake, "/workspaces", "/workspaces")] == [200, 429]
        fake.neighbour(-1)
        assert get(fake, "/workspaces").status == 418


def test_rules_can_change_while_the_server_runs() -> None:
    """A rule added to a running server hits the next request; a cleared script hits none."""
    with FakeBuddy(FakeWorld()) as fake:
        fake.script.add(Fault("status", code=500, times=None))
        assert get(fake, "/workspaces").status == 500
        fake.script.clear()
        assert get(fake, "/workspaces").status == 200


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"do": "explode"}, "do must be one of"),
        ({"do": "hang", "kind": "colours"}, "kind must be one of"),
        ({"do": "limited", "reset": "never"}, "reset must be one of"),
        ({"do": "mutate", "when": "during"}, "when must be one of"),
        ({"do": "hang", "nth": 0}, "count from 1"),
        ({"do": "hang", "times": 0}, "count from 1"),
        ({"do": "hang", "colour": "red"}, "has no colour"),
        ({"do": "wrong_type", "json_path": "a..b"}, "not a JSON path"),
        ({"do": "wrong_type"}, "must name a value"),
    ],
)
def test_an_invalid_rule_is_an_error(data: dict[str, Any], message: str) -> None:
    """An invalid rule raises ValueError when it is created, not when it hits."""
    with pytest.raises(ValueError, match=message):
        Fault.from_data(data)


def scripts() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Generate scripts as plain data."""
    fault = st.fixed_dictionaries(
        {"do": st.sampled_from(sorted(FAULTS)), "json_path": st.just("id")},
        optional={
            "kind": st.sampled_from(KINDS),
            "page": st.integers(1, 3),
            "nth": st.integers(1, 5),
            "times": st.none() | st.integers(1, 3),
            "per_url": st.booleans(),
            "value": st.none() | st.integers() | st.text(max_size=3),
            "code": st.sampled_from((400, 401, 403, 404, 429, 500, 503)),
            "reset": st.sampled_from(("good", "absent", "past", "absurd", "skewed")),
        },
    )
    return st.lists(fault, max_size=8)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is slow
@given(script=scripts(), targets=st.lists(st.sampled_from((PROJECTS, PIPELINES, f"{PROJECTS}?page=2")), max_size=20))
def test_a_script_is_deterministic(script: list[dict[str, Any]], targets: list[str]) -> None:
    """The same script and the same requests give the same hits, for any script."""
    copies = [Script(Fault.from_data(data) for data in script) for _ in range(2)]
    first, second = ([script.hit(parse_target(target, ""), target) for target in targets] for script in copies)
    assert first == second
