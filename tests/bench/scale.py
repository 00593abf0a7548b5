"""How large the benchmarks are: full for figures, quick to prove that they work."""

from dataclasses import dataclass

from tests.bench.buddy import Shape


@dataclass(frozen=True)
class Limit:
    """A rate limit, the seconds of its window, and the shape of a world that takes some windows."""

    requests: int
    window_s: float
    shape: Shape


@dataclass(frozen=True)
class Scale:
    """Runs of each contender, shapes of the worlds, lengths of the lakes."""

    runs: int
    dlt: bool  # the tests run where it isn't installed
    shapes: dict[str, Shape]
    fast: Shape
    beside_dlt: Shape
    small: Shape
    latencies_s: tuple[float, ...]
    limits: tuple[Limit, ...]
    growth: tuple[Shape, ...]
    nights: int
    actions_a_night: int
    naive_nights: int
    nights_asked: int
    actions_asked: int
    questions_asked: int | None  # all of them
    replies_replayed: Shape


FULL = Scale(
    runs=5,
    dlt=True,
    shapes={
        "few big projects": Shape(projects=2, pipelines=60, actions=10),
        "many small projects": Shape(projects=60, pipelines=2, actions=6),
        "deep": Shape(workspaces=4, projects=5, pipelines=8, actions=8),
    },
    fast=Shape(projects=10, pipelines=100, actions=20),
    beside_dlt=Shape(projects=10, pipelines=30, actions=20),
    small=Shape(projects=4, pipelines=20, actions=20),
    latencies_s=(0.025, 0.1),
    limits=(
        Limit(200, 2.0, Shape(projects=4, pipelines=25, actions=20)),
        Limit(1000, 10.0, Shape(projects=9, pipelines=30, actions=20)),
    ),
    growth=tuple(Shape(projects=each, pipelines=100, actions=20) for each in (5, 20, 100)),
    nights=365,
    actions_a_night=20_000,
    naive_nights=30,
    nights_asked=365,
    actions_asked=2_000,
    questions_asked=None,
    replies_replayed=Shape(projects=91, pipelines=100, actions=20),
)
QUICK = Scale(
    runs=1,
    dlt=False,
    shapes={"small": Shape(projects=2, pipelines=2, actions=4)},
    fast=Shape(),
    beside_dlt=Shape(projects=1, pipelines=2, actions=4),
    small=Shape(projects=1, pipelines=1, actions=4),
    latencies_s=(0.002,),
    limits=(Limit(100, 1.0, Shape(pipelines=5, actions=30)),),
    growth=(Shape(), Shape(projects=6)),
    nights=70,
    actions_a_night=50,
    naive_nights=4,
    nights_asked=3,
    actions_asked=40,
    questions_asked=2,
    replies_replayed=Shape(),
)
