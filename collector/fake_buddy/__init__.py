"""A second Buddy, independent of the client: a seeded world, a real server, scripted faults.

    with FakeBuddy(World(projects=8), limit=200, window=2.0) as fake:
        fake.script.add(Fault("status", kind="action", nth=3, code=503))
        collect(fake.url, fake.token)
        assert len(fake.arrivals) == fake.expected_minimum() + 1

It shares no code and no constant with the client, so that two equal mistakes cannot cancel.
"""

from .arrivals import Arrival
from .edits import Edit
from .faults import FAULTS, Fault, Script
from .minimum import expected_minimum
from .promotions import SECRET_MARKER
from .server import FakeBuddy
from .world import World

__all__ = [
    "FAULTS",
    "SECRET_MARKER",
    "Arrival",
    "Edit",
    "FakeBuddy",
    "Fault",
    "Script",
    "World",
    "expected_minimum",
]
