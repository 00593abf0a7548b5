"""One night, joined up: lock, resume or begin, replay, crawl, check, publish.

Everything that decides the rows is elsewhere and pure; here the pieces meet the clock, the disk and the network. The law:
whatever ends a run early, the manifest is as it was and the journal holds every reply, unless the error says otherwise.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from collector.buddy.requests import Kind
from collector.crawl.body_budget import BodyBudget
from collector.crawl.fetcher import Fetcher, Limits
from collector.crawl.journal import FILE_NAME, FORMAT, Abandoned, Header, Journal, Resumed, read_header
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.redaction import Redactor
from collector.errors import (
    CheckFailed,
    CollectorError,
    Interrupted,
    NotPublished,
    RefusedByBuddy,
    SettingsError,
    Unauthorised,
)
from collector.lake.flatten import RunKey
from collector.lake.lake import Lake
from collector.lake.run_directories import new_run_id
from collector.lake.staging import Staging
from collector.lake.sweep import sweep
from collector.run import progress as events
from collector.run.finalize import CLOCK_TOLERANCE, FinishedCrawl, RunSummary, finalize
from collector.run.reply_processor import ReplyProcessor, abandoned_problem
from collector.run.worker_pool import Sink, WorkerPool, crawl
from collector.settings.declarations import Installation, Settings

# A run older than this is not taken up again: its first replies would be older than a night (design.md, section 6).
OLDEST_RESUMED = timedelta(hours=24)
# The journal of a run whose rows failed a blocking check: kept to be looked at, never taken up again.
REJECTED = "rejected.jsonl"

_NO_TOKEN = (
    "Make a new token with the scopes WORKSPACE and EXECUTION_INFO in Buddy (profile, Security) and put it where the old "
    "one is (BUDDY_TOKEN, its file, or what collector.toml names); `collector doctor` checks it."
)
_CORRECT = {
    "workspace": "Correct --workspace (BUDDY_WORKSPACE), or leave it out to collect all; `collector doctor` lists them.",
    "project": "Correct --project (BUDDY_PROJECT) by the project's address in Buddy, or leave it out to collect all.",
}


@dataclass(frozen=True)
class RunContext:
    """What a run takes from outside: the time, chance, and who watches. `stop` ends the crawl early, drained.

    `limits` say how far each request is pursued; tests are less patient than nights.
    """

    now: Callable[[], datetime]
    rng: random.Random
    observer: events.Observer
    stop: asyncio.Event
    limits: Limits = Limits()  # noqa: RUF009 - a frozen value


async def collect(settings: Settings, world: RunContext) -> RunSummary:
    """Collect and publish one night, resuming an interrupted one.

    Raises SettingsError, LakeError, LakeBusy, RefusedByBuddy, NotPublished, CheckFailed and Interrupted.
    """
    began = world.now()
    lake = Lake.create(settings.lake, expected_files=settings.after_run.files)
    with lake.writing("collect", began):
        try:
            journal, abandoned = await asyncio.to_thread(_open_journal, lake, settings, world)
            with journal:
                run = RunInProgress(settings, world, lake, journal, abandoned)
                return await run.to_the_end()
        except ExceptionGroup as group:
            raise _first(group) from None
        finally:
            # A typing error in a setting should not leave a lake behind that nobody wanted.
            lake.remove_if_empty()


def _open_journal(lake: Lake, settings: Settings, world: RunContext) -> tuple[Journal, tuple[Abandoned, ...]]:
    """Resume the newest run that can be, or begin one; older journals are abandoned."""
    now, fingerprint = world.now(), settings.fingerprint()
    abandoned: list[Abandoned] = []
    waiting, latest = lake.resumable_runs(), lake.manifest.latest
    for run_id in lake.runs.all():
        if (lake.runs.path(run_id) / REJECTED).exists():
            abandoned.append(Abandoned(run_id, "its rows failed a blocking check"))
    for run_id in reversed(waiting):
        path = lake.runs.path(run_id) / FILE_NAME
        superseded = run_id != waiting[-1] or (latest is not None and run_id < latest.run_id)
        why = "a newer run was begun" if superseded else _unfit(read_header(path), now, fingerprint)
        if why is None:
            _sweep(lake, now, run_id)
            journal = Journal.resume(path)
            assert journal is not None
            return journal, journal.header.abandoned
        abandoned.append(Abandoned(run_id, why))
    for each in abandoned:
        world.observer.event(events.RunAbandoned(each.run_id, each.why))
    run_id = new_run_id(now, world.rng, lake.newest_run_id())
    directory = lake.runs.create(run_id)
    header = Header(FORMAT, run_id, now, fingerprint, tuple(abandoned))
    try:
        journal = Journal.create(directory / FILE_NAME, header)
    except SettingsError:
        lake.runs.remove(run_id)
        raise
    # Only now, with the new header on disk, may the journals it speaks of go.
    _sweep(lake, now, run_id)
    return journal, header.abandoned


def _sweep(lake: Lake, now: datetime, run_id: str) -> None:
    """Remove what dead runs left; what cannot be removed is a warning."""
    for why in sweep(lake, now=now, keep_runs={run_id}).failures:
        structlog.get_logger().warning(
            "left_behind", what=why, advice="It harms nothing; remove it by hand, or give this user the right to."
        )


def _unfit(header: Header | None, now: datetime, fingerprint: str) -> str | None:
    """Say why a journal can't be taken up again, None when it can."""
    if header is None:
        return "its journal can't be read"
    if header.started_at - now > CLOCK_TOLERANCE:
        return f"it began at {header.started_at:%Y-%m-%dT%H:%M:%SZ}, which lies in the future: check the clock"
    if now - header.started_at > OLDEST_RESUMED:
        return f"it began at {header.started_at:%Y-%m-%dT%H:%M:%SZ}, more than 24 hours ago"
    if header.fingerprint != fingerprint:
        return "it was begun with other settings"
    return None


class RunInProgress:
    """A run in progress. `snapshot` may be called from elsewhere at any time."""

    def __init__(
        self, settings: Settings, world: RunContext, lake: Lake, journal: Journal, abandoned: tuple[Abandoned, ...]
    ) -> None:
        header = journal.header
        self.run_id = header.run_id
        self._settings = settings
        self._world = world
        self._lake = lake
        self._journal = journal
        self._abandoned = abandoned
        self._stage = "replay"
        self._stamp = RunKey(header.run_id, header.started_at.date())
        self._gathering = ReplyProcessor(self._stamp, settings.installations)
        self._staging = Staging(lake.runs.staging(header.run_id))
        self._bodies = BodyBudget()
        self._paces = {
            each.name: RateLimiter(each.requests_per_second, each.reserve) for each in settings.installations
        }

    async def to_the_end(self) -> RunSummary:
        """Replay, crawl, check and publish."""
        self._world.observer.watch(self)
        await self._replay()
        self._stage = "crawl"
        await self._crawl()
        self._require_something_seen()
        self._world.observer.event(events.CrawlEnded(self.run_id, self._gathering.answered))
        self._stage = "closing"
        directory = self._lake.runs.path(self.run_id)
        night = FinishedCrawl(
            self._settings,
            self._lake,
            directory,
            self._stamp,
            self._journal.header,
            self._gathering,
            self._staging,
            self._clock_skew(),
        )
        try:
            return await asyncio.to_thread(finalize, night, self._world.now)
        except CollectorError as error:
            if isinstance(error, CheckFailed):
                self._journal.path.rename(self._journal.path.with_name(REJECTED))
            raise

    def _clock_skew(self) -> float | None:
        """Return by how many seconds Buddy's clock is ahead of this machine's, by the installation that differs least."""
        seen = [pace.state.skew_seconds for pace in self._paces.values()]
        return min((skew for skew in seen if skew is not None), key=abs, default=None)

    def snapshot(self) -> events.RunSnapshot:
        """Return where the run stands now."""
        return events.RunSnapshot(
            self.run_id, self._stage, tuple(self._progress(each) for each in self._settings.installations)
        )

    def _progress(self, installation: Installation) -> events.InstallationProgress:
        name = installation.name
        frontier = self._gathering.frontiers[name]
        return events.InstallationProgress(
            name=name,
            found={kind.value: count for kind, count in frontier.found.items() if kind is not Kind.TOKEN},
            done={kind.value: count for kind, count in frontier.done.items() if kind is not Kind.TOKEN},
            waiting=frontier.waiting,
            requests=self._gathering.tallies[name].requests,
            pace=self._paces[name].state,
        )

    async def _replay(self) -> None:
        first = self._settings.installations[0].name
        now = self._world.now()
        for each in self._abandoned:
            self._gathering.note(abandoned_problem(first, each.run_id, each.why, self._journal.header.started_at))
        replayed = await asyncio.to_thread(self._journal.replay, self._replay_line)
        if replayed:
            self._journal.append([Resumed(now)])
            self._gathering.resumed_count += 1
        await asyncio.to_thread(self._stage_rows)
        self._world.observer.event(
            events.RunBegan(self.run_id, self._journal.header.started_at, self._gathering.resumed_count, replayed)
        )

    def _replay_line(self, line: object) -> bool:
        taken = self._gathering.replay(line)  # type: ignore[arg-type]  # the journal hands out nothing else
        if self._gathering.lot:
            self._stage_rows()
        return taken

    def _stage_rows(self) -> None:
        self._staging.append_all(self._gathering.take_rows())
        self._staging.write_full()

    async def _crawl(self) -> None:
        async with AsyncExitStack() as stack:
            crews = await self._crews(stack)
            sink = Sink(self._journal, self._gathering, self._staging)
            whole = await crawl(
                crews, sink, stop=self._world.stop, told=self._tell_draining, most_s=self._settings.max_duration_s
            )
        if not whole and self._world.stop.is_set():
            raise Interrupted(
                "The run was interrupted; every reply so far is kept.", "Run `collector collect` again: it continues."
            )
        self._go_on_without([crew for crew in crews if crew.ended_by is not None], len(crews))
        if not whole:
            for name in self._gathering.frontiers:
                self._gathering.stop(name, "deadline", "The time limit (--max-duration) was reached")

    async def _crews(self, stack: AsyncExitStack) -> list[WorkerPool]:
        """Return a crew for each installation that can be asked; raises SettingsError when none can."""
        crews: list[WorkerPool] = []
        shut: list[tuple[Installation, SettingsError]] = []
        for each in self._settings.installations:
            try:
                crews.append(await self._crew(stack, each))
            except SettingsError as error:
                shut.append((each, error))
        if not crews:
            if not self._gathering.answered:
                self._forget()
            raise shut[0][1]
        for each, why in shut:
            self._stop_one(each.name, "connection" if each.token_error is None else "unauthorised", str(why))
        return crews

    def _go_on_without(self, ended: list[WorkerPool], of: int) -> None:
        """Record the installations whose crawl ended early; raises when that is all of them."""
        errors = [error for crew in ended if (error := crew.ended_by) is not None]
        if ended and len(ended) == of:
            refused = next((error for error in errors if isinstance(error, Unauthorised)), None)
            raise errors[0] if refused is None else self._unauthorised(refused)
        for crew, error in zip(ended, errors, strict=True):
            kind = "unauthorised" if isinstance(error, Unauthorised) else "http_error"
            self._stop_one(crew.frontier.installation, kind, str(error))

    def _stop_one(self, installation: str, problem_kind: str, why: str) -> None:
        self._world.observer.event(events.InstallationSkipped(installation, why))
        self._gathering.stop(installation, problem_kind, why.rstrip("."))

    async def _crew(self, stack: AsyncExitStack, installation: Installation) -> WorkerPool:
        if installation.token_error is not None:
            raise installation.token_error
        pace = self._paces[installation.name]
        fetcher = Fetcher(
            installation,
            pace,
            limits=self._world.limits,
            rng=self._world.rng,
            now=self._world.now,
            on_event=self._world.observer.event,
            bodies=self._bodies,
        )
        await stack.enter_async_context(fetcher)
        redactor = Redactor(installation.token.reveal(), keep_values=self._settings.variable_values == "keep")
        frontier = self._gathering.frontiers[installation.name]
        return WorkerPool(
            frontier,
            fetcher,
            pace,
            redactor,
            installation.concurrency,
            limits=self._world.limits,
            rng=self._world.rng,
            tell=self._world.observer.event,
        )

    def _tell_draining(self) -> None:
        why = "a signal" if self._world.stop.is_set() else "the time limit"
        self._world.observer.event(events.Draining(why))

    def _unauthorised(self, error: Unauthorised) -> CollectorError:
        if self._gathering.answered:
            return NotPublished(
                "Buddy refused the token (401) in the middle of the run; every reply so far is kept.",
                f"{_NO_TOKEN} Then run `collector collect` again: it continues.",
            )
        self._forget()
        return error

    def _require_something_seen(self) -> None:
        """Raise unless there is something to publish; a run that saw nothing leaves nothing to resume."""
        if self._gathering.answered:
            self._require_selected()
            return
        self._forget()
        tallies = self._gathering.tallies.values()
        kinds = {kind for tally in tallies for kind in tally.problems}
        names = ", ".join(name for each in self._settings.installations for name in each.workspaces)
        if kinds and kinds <= {"gone"}:
            raise SettingsError(
                f"Buddy knows no such workspace: {names}.",
                "Check --workspace (BUDDY_WORKSPACE) against the address of the workspace in Buddy, "
                "or leave it out to collect all that the token sees.",
            )
        if kinds and kinds <= {"forbidden", "api_disabled", "frozen", "unauthorised", "gone"}:
            raise RefusedByBuddy(
                f"Buddy refused every request ({', '.join(sorted(kinds))}); there is nothing to publish.", _NO_TOKEN
            )
        why = "; ".join(dict.fromkeys(each.first_failure for each in tallies if each.first_failure))
        raise NotPublished(
            f"Nothing was collected ({', '.join(sorted(kinds)) or 'the time limit'}); the last published run stands."
            + (f" What failed first: {why}." if why else ""),
            "Check BUDDY_API_URL and the network (`collector doctor`), then run `collector collect` again.",
        )

    def _require_selected(self) -> None:
        """Raise when no installation has anything that is wanted: an empty run would only hide a typing error."""
        unmatched = [self._unmatched(each) for each in self._settings.installations]
        found = dict.fromkeys(each for each in unmatched if each is not None)
        if None in unmatched:
            return
        self._forget()
        raise SettingsError(
            " ".join(f"No {kind} that the token sees matches {globs}." for kind, globs in found),
            " ".join(dict.fromkeys(_CORRECT[kind] for kind, _ in found)),
        )

    def _unmatched(self, installation: Installation) -> tuple[str, str] | None:
        """The kind of thing (`workspace` or `project`) of which an installation has none that its globs want, and the globs.

        None where something is wanted, or where a list was not read whole, so that nothing is known.
        """
        if self._gathering.missed(installation.name):
            return None
        coverage = self._gathering.tallies[installation.name].coverage
        kinds = (
            ("workspace", Kind.WORKSPACES, installation.workspaces),
            ("project", Kind.PROJECTS, installation.projects),
        )
        for kind, listed_by, globs in kinds:
            seen = {each for (of, each), count in coverage.items() if of == listed_by.value and count}
            # Where nothing is listed, a pattern that names something is in error; a mere exclude is not.
            if globs and (seen == {"skipped"} or (not seen and any(glob[0] != "!" for glob in globs))):
                return kind, ", ".join(globs)
        return None

    def _forget(self) -> None:
        """Leave nothing of a run that saw nothing."""
        self._lake.runs.remove(self.run_id)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """Return the error that ended a task group: ours if there is one, for it holds advice."""
    flat: list[Exception] = []
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop(0)
        if isinstance(error, BaseExceptionGroup):
            waiting.extend(error.exceptions)
        elif isinstance(error, Exception):
            flat.append(error)
    return next((error for error in flat if isinstance(error, CollectorError)), flat[0])
