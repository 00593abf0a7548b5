-- Which promotions reach production without any guard?
-- topic: security
-- answer: finding, workspace, project, action, source, destination, trigger_time
-- one run
-- $environment VARCHAR = 'production' : the environment to guard
-- $trust_wait_trigger BOOLEAN = false : count the trigger time ON_WAIT_FOR_APPROVE as an approval
-- rule: ON_WAIT_FOR_APPROVE is no approval (unless trust_wait_trigger): Buddy runs the action before a human approves.
--
-- A promotion is unguarded if its destination names the environment (view environments), or a variable decides the
-- destination and nothing names another environment; neither the promotion nor its pipeline is known to be disabled;
-- and
-- * no approval precedes it: no enabled "Wait for approval" action earlier in the pipeline (view approvals). The
--   trigger time ON_WAIT_FOR_APPROVE is not an approval (Buddy documents it as "run while the pipeline waits for a
--   human", which is before the approval; set trust_wait_trigger to true if you use it as one);
-- * it has no trigger condition;
-- * running it is not restricted: the right of all others is not one that is known to forbid running (view
--   access_levels).
-- Unknown values do not guard: a missing or unknown value counts as open, and promotions that the run could not read
-- are listed after the others.
with
selected as (select * from selected_promotions),
-- A tag with commas names several references; each counts.
reaching as materialized (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        coalesce(bool_or(destination_environment = $environment), false) as surely
    from selected_steps
    where
        destination_environment = $environment
        or (destination_environment is null and destination_has_variable)
    group by installation, workspace, project, pipeline_id, action_id
),
listed as materialized (
    select * from actions where type = 'PROMOTE_IMAGE' and run_id in (select run_id from selected_run)
),
lines as materialized (select * from pipelines where run_id in (select run_id from selected_run)),
waits as materialized (
    select distinct installation, workspace, project, pipeline_id, action_id
    from approvals
    where run_id in (select run_id from selected_run)
),
conditions as materialized (
    select distinct installation, workspace, project, pipeline_id, action_id
    from trigger_conditions
    where run_id in (select run_id from selected_run)
),
levels as (select * from access_levels),
unguarded as (
    select
        selected.installation,
        selected.workspace,
        selected.project,
        selected.pipeline,
        selected.action,
        case when reaching.surely then 'unguarded' else 'unguarded where a variable decides' end as finding,
        case when reaching.surely then 'certain' else 'depends on a variable' end as certainty,
        selected.source,
        selected.destination,
        selected.trigger_time,
        selected.permissions_others,
        selected.html_url,
        selected.pipeline_id,
        selected.action_id
    from selected
    inner join reaching
        on
            selected.installation = reaching.installation
            and selected.workspace = reaching.workspace
            and selected.project = reaching.project
            and selected.pipeline_id = reaching.pipeline_id
            and selected.action_id = reaching.action_id
    left join lines
        on
            selected.installation = lines.installation
            and selected.workspace = lines.workspace
            and selected.project = lines.project
            and selected.pipeline_id = lines.pipeline_id
    left join waits
        on
            selected.installation = waits.installation
            and selected.workspace = waits.workspace
            and selected.project = waits.project
            and selected.pipeline_id = waits.pipeline_id
            and selected.action_id = waits.action_id
    left join conditions
        on
            selected.installation = conditions.installation
            and selected.workspace = conditions.workspace
            and selected.project = conditions.project
            and selected.pipeline_id = conditions.pipeline_id
            and selected.action_id = conditions.action_id
    left join levels on selected.permissions_others = levels.access_level
    where
        selected.disabled is not true
        and lines.disabled is not true
        and waits.action_id is null
        and not (
            $trust_wait_trigger
            and coalesce(selected.trigger_time, 'not known') = 'ON_WAIT_FOR_APPROVE'
        )
        and conditions.action_id is null
        and coalesce(levels.may_run, true)
),
unseen as (
    select
        listed.installation,
        listed.workspace,
        listed.project,
        lines.name as pipeline,
        listed.name as action,
        'not seen: ' || coalesce(listed.coverage, 'not known') as finding,
        'not known' as certainty,
        null as source,
        null as destination,
        listed.trigger_time,
        null as permissions_others,
        lines.html_url,
        listed.pipeline_id,
        listed.action_id
    from listed
    left join lines
        on
            listed.installation = lines.installation
            and listed.workspace = lines.workspace
            and listed.project = lines.project
            and listed.pipeline_id = lines.pipeline_id
    where coalesce(listed.coverage, 'not known') not in ('fetched', 'carried', 'gone') and listed.disabled is not true
),
findings as (
    select * from unguarded
    union all
    select * from unseen
)
select
    finding,
    certainty,
    installation,
    workspace,
    project,
    pipeline,
    action,
    source,
    destination,
    trigger_time,
    permissions_others,
    html_url,
    pipeline_id,
    action_id
from findings
order by
    case certainty when 'certain' then 1 when 'depends on a variable' then 2 else 3 end,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
