"""The world of the tests of faults: small, but with a second page for every kind of list.

Two workspaces; `acme` has more projects than fit on a page of 20, its `checkout-api` more pipelines, and one of those
more actions, the last of which is a promotion. Items of the second page are mostly empty, so that a run needs fewer
than a hundred requests.

Every run reads one execution, which waits for an approval, and the list of one pipeline to its end, because its order
is not that of the ids.
"""

from collector.fake_buddy import FakeWorld

# The server's maximum page size: the first page of a long list is full, the second is not.
PER_PAGE = 20
_LATER = 19

PROJECT = ("acme", "checkout-api")
PIPELINE = ("acme", "checkout-api", 101)
ACTION = ("acme", "checkout-api", 101, 1002)
LONG_PIPELINE = ("acme", "checkout-api", 102)
WAITING = 22
DISORDERED = ("globex-eu", "web-shop", 110)
LATER_PROJECT = ("acme", "zz-project-18")
LATER_PIPELINE = ("acme", "checkout-api", 1018)


def company(*, later: int = _LATER) -> FakeWorld:
    """Return the world; with `later=0` every list fits on one page."""
    world = FakeWorld(workspaces=2, projects=2, pipelines=2, actions=3, awkward=False)
    project = world.projects("acme")[0]
    pipeline = world.pipelines(*PROJECT)[0]
    for number in range(later):
        name = f"zz-project-{number:02d}"
        world = world.add("acme", item={**project, "name": name, "display_name": name})
        world = world.add(*PROJECT, item={**pipeline, "id": 1000 + number, "name": f"Later {number}"})
    promotion, other, *_ = world.actions(*LONG_PIPELINE)
    detailed = {
        name: value for name, value in world.action(*LONG_PIPELINE, promotion["id"]).items() if name != "pipeline"
    }
    for number in range(1, later):
        last = number == later - 1
        world = world.add(*LONG_PIPELINE, item={**(detailed if last else other), "id": 2000 + number})
    waiting = world.run(*PIPELINE, from_night=1, status="WAITING_FOR_APPLY", finish_date=None)
    return waiting.disorder(*DISORDERED)
