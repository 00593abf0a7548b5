"""Whether a crawl has seen anything worth publishing, and what to say when it has not."""

from collector.buddy.requests import Kind
from collector.errors import CollectorError, NotPublished, RefusedByBuddy, SettingsError
from collector.run.run_stats import InstallationStats, RunStats
from collector.settings.declarations import Installation, Settings
from collector.settings.tokens import SCOPES_TO_GIVE

NEW_TOKEN_ADVICE = (
    f"Make a new token with {SCOPES_TO_GIVE} in Buddy (profile, Security) and put it where the "
    "old one is (BUDDY_TOKEN, its file, or what collector.toml names); `collector doctor` checks it."
)
_GLOB_ADVICE = {
    "workspace": "Correct --workspace (BUDDY_WORKSPACE), or leave it out to collect all; "
    "`collector doctor` lists them.",
    "project": "Correct --project (BUDDY_PROJECT) by the project's address in Buddy, or leave it out to collect all.",
}


def why_nothing_to_publish(stats: RunStats, settings: Settings) -> CollectorError | None:
    """Return the error of a run that has nothing to publish, None for every other run."""
    if stats.answered:
        return _nothing_selected(stats, settings)
    each = stats.installations.values()
    kinds = {kind for one in each for kind in one.problems}
    names = ", ".join(name for installation in settings.installations for name in installation.workspaces)
    if kinds and kinds <= {"gone"}:
        return SettingsError(
            f"Buddy knows no such workspace: {names}.",
            "Check --workspace (BUDDY_WORKSPACE) against the address of the workspace in Buddy, "
            "or leave it out to collect all that the token sees.",
        )
    if kinds and kinds <= {"forbidden", "api_disabled", "frozen", "unauthorised", "gone"}:
        return RefusedByBuddy(
            f"Buddy refused every request ({', '.join(sorted(kinds))}); there is nothing to publish.", NEW_TOKEN_ADVICE
        )
    first_failures = "; ".join(dict.fromkeys(one.first_failure for one in each if one.first_failure))
    return NotPublished(
        f"Nothing was collected ({', '.join(sorted(kinds)) or 'the time limit'}); the last published run is unchanged."
        + (f" The first failure: {first_failures}." if first_failures else ""),
        "Check BUDDY_API_URL and the network (`collector doctor`), then run `collector collect` again.",
    )


def _nothing_selected(stats: RunStats, settings: Settings) -> CollectorError | None:
    """Return the error when nothing is selected in any installation: an empty run would only hide a typing error."""
    unmatched = [_unmatched(each, stats.installations[each.name]) for each in settings.installations]
    if None in unmatched:
        return None
    found = dict.fromkeys(each for each in unmatched if each is not None)
    return SettingsError(
        " ".join(f"No {kind} that the token sees matches {globs}." for kind, globs in found),
        " ".join(dict.fromkeys(_GLOB_ADVICE[kind] for kind, _ in found)),
    )


def _unmatched(installation: Installation, stats: InstallationStats) -> tuple[str, str] | None:
    """Return `workspace` or `project`, of which an installation has none that its globs select, and the globs.

    None where something is selected, or where a list was not read to its end, so that nothing is known.
    """
    if stats.partial:
        return None
    kinds = (("workspace", Kind.WORKSPACES, installation.workspaces), ("project", Kind.PROJECTS, installation.projects))
    for kind, listed_by, globs in kinds:
        coverages = {coverage for (of, coverage), count in stats.coverage.items() if of == listed_by.value and count}
        # Where nothing is listed, a pattern that names something is an error; a mere exclude is not.
        if globs and (coverages == {"skipped"} or (not coverages and any(glob[0] != "!" for glob in globs))):
            return kind, ", ".join(globs)
    return None
