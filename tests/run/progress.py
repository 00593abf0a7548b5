"""The progress of a run, made by hand."""

from collector.crawl.fetch_result import RequestCost
from collector.crawl.rate_limiter import RateLimiterState
from collector.run.progress import InstallationProgress
from collector.run.run_stats import InstallationStats


def progress_of(
    pace: RateLimiterState,
    found: dict[str, int] | None = None,
    done: dict[str, int] | None = None,
    requests: int = 0,
    coverage: dict[tuple[str, str], int] | None = None,
) -> InstallationProgress:
    """Return the progress of the installation `us`."""
    stats = InstallationStats(
        answered=0,
        cost=RequestCost(attempts=requests),
        retries=0,
        problems={},
        notices=0,
        coverage=coverage or {},
        partial=False,
        workspaces_listed=True,
        first_failure=None,
        found=found or {},
        done=done or {},
    )
    return InstallationProgress("us", stats, pace)
