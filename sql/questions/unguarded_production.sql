-- Which promotions reach production without any guard?
-- one run
-- $environment VARCHAR = 'production' : the environment to guard
-- $trust_wait_trigger BOOLEAN = false : count the trigger time ON_WAIT_FOR_APPROVE as an approval
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
tonight as (select * from selected_promotions),
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
        tonight.installation,
        tonight.workspace,
        tonight.project,
        tonight.pipeline,
        tonight.action,
        case
            when tonight.destination_environment is null then 'unguarded where a variable decides'
            else 'unguarded'
        end as finding,
        tonight.source,
        tonight.destination,
        tonight.trigger_time,
        tonight.permissions_others,
        tonight.html_url,
        tonight.pipeline_id,
        tonight.action_id
    from tonight
    left join lines
        on
            tonight.installation = lines.installation
            and tonight.workspace = lines.workspace
            and tonight.project = lines.project
            and tonight.pipeline_id = lines.pipeline_id
    left join waits
        on
            tonight.installation = waits.installation
            and tonight.workspace = waits.workspace
            and tonight.project = waits.project
            and tonight.pipeline_id = waits.pipeline_id
            and tonight.action_id = waits.action_id
    left join conditions
        on
            tonight.installation = conditions.installation
            and tonight.workspace = conditions.workspace
            and tonight.project = conditions.project
            and tonight.pipeline_id = conditions.pipeline_id
            and tonight.action_id = conditions.action_id
    left join levels on tonight.permissions_others = levels.access_level
    where
        (
            tonight.destination_environment = $environment
            or (tonight.destination_environment is null and tonight.destination_has_variable)
        )
        and tonight.disabled is not true
        and lines.disabled is not true
        and waits.action_id is null
        and not (
            $trust_wait_trigger
            and coalesce(tonight.trigger_time, 'not known') = 'ON_WAIT_FOR_APPROVE'
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
    where coalesce(listed.coverage, 'not known') not in ('fetched', 'gone') and listed.disabled is not true
),
findings as (
    select * from unguarded
    union all
    select * from unseen
)
select
    finding,
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
    case finding when 'unguarded' then 1 when 'unguarded where a variable decides' then 2 else 3 end,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
