"""`collector verify`: compare every file of the lake with the manifest."""

import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.cli import options
from collector.cli.failures import keep_exit_code
from collector.cli.output import write_facts


def verify(
    rebuild_manifest: Annotated[
        bool,
        typer.Option(
            "--rebuild-manifest",
            help="Rebuild a manifest.json that is lost, damaged or older than the files, "
            "and say which runs are complete.",
        ),
    ] = False,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Read every file of the lake and compare it with the manifest; name the damaged runs."""
    if rebuild_manifest:
        return _rebuild(lake, config, form)
    opened = options.open_lake(lake, config)
    options.settle_catalog(opened)
    from collector.lake.verify import verify as verify_files

    findings = verify_files(opened)
    files = len(opened.manifest.live_paths())
    damaged = sorted({run for finding in findings for run in finding.runs})
    result = f"{len(findings)} findings, damaged runs: {', '.join(damaged)}" if findings else "all intact"
    lines = [f"{finding.path}: {finding.message} (runs {', '.join(finding.runs)})" for finding in findings]
    with keep_exit_code():
        write_facts(findings, [*lines, f"{files:,} files verified, {result}."], form)
    if findings:
        sys.stderr.write("Restore the files named above from a copy of the lake, at the same paths.\n")
    # Files that the manifest does not name are not damaged, but no command may write beside them.
    opened.require_consistent()
    return 2 if findings else 0


def _rebuild(lake: str | None, config: str | None, form: options.FactFormat) -> int:
    from collector.lake.lake import Lake
    from collector.lake.rebuild import is_needed, rebuild

    opened = Lake.without_manifest(options.lake_path(lake, config))
    now = datetime.now(UTC)
    with opened.locked("verify --rebuild-manifest", now):
        done = rebuild(opened, now=now) if is_needed(opened) else None
        if done is not None:
            options.settle_changed(opened, now)
    if done is None:
        write_facts((), ["manifest.json names every file that exists; it was not changed."], form)
        return 0
    lines = [f"manifest.json was rebuilt: {len(done.runs):,} runs in {done.files:,} files."]
    for run in done.runs:
        state = "complete" if run.whole else f"incomplete: rows are missing in {', '.join(run.missing)}"
        lines.append(f"{run.run_id}  {state}")
    for table, count in sorted(Counter(path.split("/")[1] for path in done.superseded).items()):
        lines.append(f"{table}: {count:,} older files are not named; files written later hold their rows")
    lines += [f"{run_id}: not published, `collector collect` continues it" for run_id in done.unfinished]
    is_whole = all(run.whole for run in done.runs)
    if not is_whole:
        lines.append(
            "Incomplete runs count as partial. If a copy of the lake has their files, put these at the same paths, and "
            "run this again."
        )
    write_facts(done.runs, lines, form)
    return 0 if is_whole else 2
