"""An observer that foretells the night: once for each installation, as soon as Buddy has told its budget.

It stands before the real observer and passes everything on.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from collector.crawl import events
from collector.night.forecast import Cost, Forecast, Purse, forecast
from collector.settings import Installation, Settings

# How often the run is looked at until the first reply of each installation has come home, and for how long.
_LOOK_S = 0.25
_LOOKS = 240

Tell = Callable[[str, Forecast], None]


class Announcing:
    """Passes facts on to `observer`, and calls `tell` with the installation's name and its forecast."""

    def __init__(
        self,
        observer: events.Observer,
        settings: Settings,
        costs: Mapping[str, Cost],
        tell: Tell,
        now: Callable[[], datetime],
    ) -> None:
        self._observer = observer
        self._settings = settings
        self._waiting = {each.name: each for each in settings.installations if each.name in costs}
        self._costs = costs
        self._tell = tell
        self._now = now
        self._progress: events.Progress | None = None
        self._looks = 0

    def watch(self, progress: events.Progress) -> None:
        """Keep the run to look at."""
        self._progress = progress
        self._observer.watch(progress)

    def event(self, fact: object) -> None:
        """Pass a fact on; when the run begins, begin to look."""
        self._observer.event(fact)
        # A resumed night has a part of its cost behind it, which nobody counted.
        if isinstance(fact, events.Began) and not fact.resumed_count:
            self._look()

    def _look(self) -> None:
        assert self._progress is not None
        self._looks += 1
        for seen in self._progress.snapshot().installations:
            installation = self._waiting.get(seen.name)
            if installation is not None and (seen.pace.remaining is not None or any(seen.done.values())):
                del self._waiting[seen.name]
                self._tell(seen.name, self._forecast(installation, seen))
        if self._waiting and self._looks < _LOOKS:
            asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _forecast(self, installation: Installation, seen: events.Installation) -> Forecast:
        purse = Purse(seen.pace.remaining, seen.pace.reset_at, seen.pace.limit)
        cost = self._costs[installation.name]
        left = self._settings.max_duration_s
        return forecast(cost, purse, reserve=installation.reserve, now=self._now(), max_duration_s=left)
