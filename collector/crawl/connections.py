"""How many connections a run may hold, all installations together, by the limit on open files. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionShare:
    """The connections of a run: `total` of all installations together, at most `each` of one.

    `in_turns` says that there are more installations than connections: then each request waits for one of `total`
    places, and closes its connection at its end.
    """

    total: int
    each: int
    in_turns: bool


def share_connections(installations: int, open_files: int) -> ConnectionShare:
    """Share out half of the files that the process may have open, at least one connection each.

    The other half is for the lake, for name look-ups, for connecting over IPv4 and IPv6 at once, and for connections
    that are being closed.
    """
    total = max(1, open_files // 2)
    return ConnectionShare(total, max(1, total // installations), total < installations)
