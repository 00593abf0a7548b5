"""What a run that a limit of its own has ended reached, and how many runs the estate needs at this limit. Pure."""

from collector.crawl.pipeline_readings import ReadingProgress


def limit_reached(limit: str, progress: ReadingProgress, carried: int) -> str:
    """Return the line. `limit` names the limit, `carried` counts the pipelines that are carried."""
    left = progress.known - progress.read - carried
    said = f"{limit} was reached: {progress.read:,} of {progress.known:,} known pipelines were read in this run"
    said += f", {carried:,} are carried" if carried else ""
    said += f", {left:,} are missing from it" if left > 0 else ""
    if not progress.requests:
        return f"{said}. Nothing was left for pipelines after the lists above them: raise the limit"
    runs = max(1, -(-progress.estate // progress.requests))
    return f"{said}. At this limit, all of them are read once in {'a run' if runs == 1 else f'{runs:,} runs'}"
