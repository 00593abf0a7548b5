"""What is kept back of a rate window, so that the rest is ours. Pure.

The least is the reserve, and never less than a few requests with which a late reset can be probed without being
refused. Others may spend from the same window while a request is on its way, so as much as they recently took in that
time is kept back as well, where the least does not cover it.
"""

# Probes after a reset that was rounded down to the second come to four at most (backoff.after_late_reset).
_PROBES_KEPT = 4
# The part of a window that may be spent on them where the reserve is smaller: 2 %.
_PROBES_SHARE = 50
# How fast the use by others is forgotten, per reply: by half within 140, so that it lasts from window to window.
_DECAY = 0.995
# A tenth of a window that is smaller than the reserve is used: keeping back all of it would stop the crawl for ever.
_SQUEEZED_SHARE = 10


class WindowShare:
    """Our share of the rate windows of one server, of each of which `reserve` requests are left to others.

    `size` is the requests of a whole window, where that is known. `squeezed`: the whole window is no larger than the
    reserve, and a tenth of it is used all the same. `least_kept` is kept back whatever others take.
    """

    def __init__(self, reserve: int) -> None:
        self.size: int | None = None
        self.squeezed = False
        self.least_kept = reserve
        self._reserve = reserve
        self._expected: dict[float, int] = {}  # by time of sending: the remaining of its reply if nobody else sends
        self._used_by_others = 0.0  # what others took during one round trip: a maximum that decays

    @property
    def kept(self) -> float:
        """The requests of this window that are not for us: the least, or what others take if that is more."""
        return max(self.least_kept, self._used_by_others)

    def open(self, limit: int | None, remaining: int, *, renewed: bool) -> None:
        """Begin a window by its first reply. `renewed`: that shows (nearly) the whole budget."""
        # Buddy's own samples have "Limit: 1, Remaining: 999", so a limit counts only if it can hold the remaining.
        size = limit if limit is not None and limit > remaining else None
        if size is None and renewed:
            size = remaining + 1
        self.size = size
        self.least_kept = max(self._reserve, min(_PROBES_KEPT, (size or remaining) // _PROBES_SHARE))
        self.squeezed = size is not None and size <= self.least_kept
        if size is not None and self.squeezed:
            self.least_kept = size - max(1, size // _SQUEEZED_SHARE)

    def expect(self, sent: float, remaining: int) -> None:
        """Note the `remaining` that the reply to a request has if nobody else sends one meanwhile."""
        self._expected[sent] = remaining

    def expected(self, sent: float) -> int | None:
        """Return, once, what was noted for a request that has ended; None for one sent while no window was open."""
        return self._expected.pop(sent, None)

    def learn(self, used_by_others: int) -> None:
        """Take in how many requests of the window others used during one round trip."""
        self._used_by_others = max(self._used_by_others * _DECAY, used_by_others)
