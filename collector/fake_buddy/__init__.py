"""A second Buddy, independent of the client: a seeded world, a real server, scripted faults.

    with FakeBuddy(FakeWorld(projects=8), limit=200, window=2.0) as fake:
        fake.script.add(Fault("status", kind="action", nth=3, code=503))
        collect(fake.url, fake.token)
        assert len(fake.arrivals) == fake.expected_minimum() + 1

Executions are dated by the world: night 1 is served at `FakeWorld(first_night=…)`, each other night 24 hours later, and
the executions of a night began in the 24 hours before its moment.

It shares no code and no constant with the client, so that equal mistakes on both sides cannot cancel out.
"""

from .edits import Edit
from .faults import FAULTS, Fault, Script
from .minimum_requests import expected_minimum
from .promotions import SECRET_MARKER
from .request_log import LoggedRequest
from .server import FakeBuddy
from .world import FakeWorld

__all__ = [
    "FAULTS",
    "SECRET_MARKER",
    "LoggedRequest",
    "Edit",
    "FakeBuddy",
    "Fault",
    "Script",
    "FakeWorld",
    "expected_minimum",
]
