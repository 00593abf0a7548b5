-- One row per pipeline of the selected run: whether its executions were read, and from which moment on none is missing.
--
-- Before known_from nothing is known, and NULL means that nothing is certain. Executions that were read by runs dropped
-- since (prune) are gone, too: known_from is then not before the oldest run kept.
with
lines as (select * from pipelines where run_id in (select run_id from selected_run)),
kept as (
    select installation, min(run_id) as oldest_run_id, min_by(started_at, run_id) as oldest_started_at
    from runs
    group by installation
),
seen as (
    select installation, min(first_seen_run_id) as first_seen_run_id
    from last_known_actions
    group by installation
)
select
    lines.run_id,
    lines.installation,
    lines.workspace,
    lines.project,
    lines.pipeline_id,
    coalesce(lines.name, lines.identifier) as pipeline,
    coalesce(lines.executions_coverage, 'not_asked') as executions_coverage,
    case
        when seen.first_seen_run_id < kept.oldest_run_id and lines.executions_from < kept.oldest_started_at
            then kept.oldest_started_at
        else lines.executions_from
    end as known_from
from lines
left join kept on lines.installation = kept.installation
left join seen on lines.installation = seen.installation
