"""The sizes of the benchmarks: full for results, quick for tests."""

from dataclasses import dataclass

from tests.bench.buddy import Shape


@dataclass(frozen=True)
class Limit:
    """A rate limit, the seconds of its window, and the shape of a world that needs several windows."""

    requests: int
    window_s: float
    shape: Shape


@dataclass(frozen=True)
class Nights:
    """The nights in which an estate is collected again and again, its projects, and the pipelines of each."""

    nights: int
    projects: int
    pipelines: int


@dataclass(frozen=True)
class Scale:
    """The number of repetitions, the shapes of the worlds, and the sizes of the lakes."""

    runs: int
    dlt: bool  # not installed for the tests
    shapes: dict[str, Shape]
    nights: Nights
    fast: Shape
    beside_dlt: Shape
    small: Shape
    latencies_s: tuple[float, ...]
    limits: tuple[Limit, ...]
    growth: tuple[Shape, ...]
    lake_runs: int
    actions_per_run: int
    naive_runs: int
    queried_runs: int
    queried_actions: int
    queried_executions: int  # in each run
    queried_years: int  # of such runs
    queried_questions: int | None  # all of them
    replayed_shape: Shape
    remote_runs: int
    installations: tuple[tuple[int, int], ...]  # with the limit on open files


FULL = Scale(
    runs=3,
    dlt=True,
    shapes={
        "few big projects": Shape(projects=2, pipelines=60, actions=10),
        "many small projects": Shape(projects=60, pipelines=2, actions=6),
        "deep": Shape(workspaces=4, projects=5, pipelines=8, actions=8),
    },
    nights=Nights(30, projects=100, pipelines=10),
    fast=Shape(projects=10, pipelines=100, actions=20),
    beside_dlt=Shape(projects=10, pipelines=30, actions=20),
    small=Shape(projects=4, pipelines=20, actions=20),
    latencies_s=(0.025, 0.1),
    limits=(
        Limit(200, 2.0, Shape(projects=4, pipelines=25, actions=20)),
        Limit(1000, 10.0, Shape(projects=9, pipelines=30, actions=20)),
    ),
    growth=tuple(Shape(projects=each, pipelines=100, actions=20) for each in (5, 20, 100)),
    lake_runs=365,
    actions_per_run=20_000,
    naive_runs=30,
    queried_runs=365,
    queried_actions=2_000,
    queried_executions=200,
    queried_years=5,
    queried_questions=None,
    replayed_shape=Shape(projects=91, pipelines=100, actions=20),
    remote_runs=90,
    installations=((100, 1024), (1000, 1024), (1000, 20_000)),
)
QUICK = Scale(
    runs=1,
    dlt=False,
    shapes={"small": Shape(projects=2, pipelines=2, actions=4)},
    nights=Nights(9, projects=4, pipelines=10),
    fast=Shape(),
    beside_dlt=Shape(projects=1, pipelines=2, actions=4),
    small=Shape(projects=1, pipelines=1, actions=4),
    latencies_s=(0.002,),
    limits=(Limit(100, 1.0, Shape(pipelines=5, actions=30)),),
    growth=(Shape(), Shape(projects=6)),
    lake_runs=70,
    actions_per_run=50,
    naive_runs=4,
    queried_runs=3,
    queried_actions=40,
    queried_executions=10,
    queried_years=2,
    queried_questions=2,
    replayed_shape=Shape(),
    remote_runs=3,
    installations=((3, 1024),),
)
