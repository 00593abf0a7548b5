-- What did the last run see, and what is missing and why?
-- topic: health
-- answer: level, coverage, things, workspace, project, name, why
-- one run
--
-- For each level one row per coverage with the number of items; then one row for each item that was not completely
-- seen, with the problem. A gap with the coverage skipped and without a problem was filtered out on purpose. Of carried
-- actions, why says when the oldest was read.
with
counts as (
    select installation, level, coverage, cast(sum(things) as bigint) as things
    from run_coverage
    where run_id in (select run_id from selected_run) and level <> 'installation'
    group by installation, level, coverage
),
carried as (select * from carried_promotions where run_id in (select run_id from selected_run)),
seen_workspaces as materialized (select * from workspaces where run_id in (select run_id from selected_run)),
seen_projects as materialized (select * from projects where run_id in (select run_id from selected_run)),
seen_pipelines as materialized (select * from pipelines where run_id in (select run_id from selected_run)),
seen_actions as materialized (select * from actions where run_id in (select run_id from selected_run)),
troubles as materialized (select * from problems where run_id in (select run_id from selected_run)),
things as (
    select
        installation, 1 as depth, 'workspace' as level, coverage, workspace,
        null as project, null as pipeline_id, null as action_id, name, html_url
    from seen_workspaces
    union all
    select installation, 2 as depth, 'project' as level, coverage, workspace, project, null, null, display_name, html_url
    from seen_projects
    union all
    select installation, 3 as depth, 'pipeline' as level, coverage, workspace, project, pipeline_id, null, name, html_url
    from seen_pipelines
    union all
    select
        seen_actions.installation, 4 as depth, 'action' as level, seen_actions.coverage, seen_actions.workspace,
        seen_actions.project, seen_actions.pipeline_id, seen_actions.action_id, seen_actions.name, seen_pipelines.html_url
    from seen_actions
    left join seen_pipelines
        on
            seen_actions.installation = seen_pipelines.installation
            and seen_actions.workspace = seen_pipelines.workspace
            and seen_actions.project = seen_pipelines.project
            and seen_actions.pipeline_id = seen_pipelines.pipeline_id
    union all
    -- The executions of a pipeline whose actions were not seen are part of that gap.
    select
        installation, 5 as depth, 'execution list' as level, executions_coverage, workspace, project, pipeline_id, null,
        name, html_url
    from seen_pipelines
    where executions_coverage is not null and (coverage in ('complete', 'carried') or executions_coverage <> coverage)
),
reasons as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        string_agg(distinct concat_ws(' ', kind, http_status, message), '; ') as why
    from troubles
    where kind not in ('check', 'abandoned_run')
    group by installation, workspace, project, pipeline_id, action_id
),
lines as (
    select
        counts.installation,
        0 as gap,
        list_position(['workspace', 'project', 'pipeline', 'action', 'execution list'], counts.level) as depth,
        counts.level,
        counts.coverage,
        counts.things,
        null as workspace,
        null as project,
        null as pipeline_id,
        null as action_id,
        null as name,
        'oldest read ' || strftime(carried.oldest_read_at, '%Y-%m-%d %H:%M') || ', ' || round(carried.age_seconds / 86400, 1)
        || ' days before the run' as why,
        null as html_url
    from counts
    left join carried
        on counts.installation = carried.installation and counts.level = 'action' and counts.coverage = 'carried'
    union all
    select
        things.installation,
        1 as gap,
        things.depth,
        things.level,
        things.coverage,
        1 as things,
        things.workspace,
        things.project,
        things.pipeline_id,
        things.action_id,
        things.name,
        reasons.why,
        things.html_url
    from things
    left join reasons
        on
            things.installation = reasons.installation
            and things.workspace = reasons.workspace
            and things.project is not distinct from reasons.project
            and things.pipeline_id is not distinct from reasons.pipeline_id
            and things.action_id is not distinct from reasons.action_id
    where
        coalesce(things.coverage, 'not known') not in (
            'complete', 'fetched', 'carried', 'not_promote_image', 'not_asked', 'not_needed'
        )
        -- Carried although it was known to have changed.
        or (things.level = 'pipeline' and things.coverage = 'carried' and reasons.why is not null)
    union all
    -- Failures before any item was listed: the list of workspaces, or the complete installation.
    select
        reasons.installation,
        1 as gap,
        0 as depth,
        'installation' as level,
        'failed' as coverage,
        1 as things,
        null,
        null,
        null,
        null,
        null,
        reasons.why,
        null
    from reasons
    where reasons.workspace is null
)
select
    installation,
    level,
    coverage,
    things,
    workspace,
    project,
    pipeline_id,
    action_id,
    name,
    why,
    html_url
from lines
order by gap, depth, installation, coverage, workspace, project, pipeline_id, action_id
