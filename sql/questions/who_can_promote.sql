-- Which users and groups, and whether everybody else, may run the promotions to an environment?
-- topic: security
-- answer: workspace, project, action, principal, access_level, may_run
-- one run but for executions
-- $environment VARCHAR = 'production' : environment of the destination; empty: every promotion
-- rule: who is known to have no right to run is left out; an undocumented level may allow it.
--
-- principal is the name of the user or group where it is known: from the lists of `collect --names`, or because the user
-- started an execution; otherwise it is the number, which is principal_id. may_run is NULL if
-- Buddy does not document it for that level, if the level is that of the pipeline (DEFAULT), or if there is no right.
with
selected as materialized (select * from selected_promotions),
rights as materialized (select * from permissions where run_id in (select run_id from selected_run)),
levels as (select * from access_levels),
listed as (select * from principals where run_id in (select run_id from selected_run)),
people as (
    select installation, creator_id as principal_id, max_by(creator_name, run_id) as name
    from executions
    where creator_id is not null and run_id <= (select run_id from selected_run)
    group by installation, creator_id
),
holders as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        'others' as principal_type,
        null as principal_id,
        permissions_others as access_level
    from selected
    union all
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        principal_type,
        principal_id,
        access_level
    from rights
)
select
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline,
    selected.action,
    holders.principal_type,
    case
        when holders.principal_type = 'others' then 'all others'
        else coalesce(listed.name, people.name, concat(holders.principal_type, ' ', holders.principal_id))
    end as principal,
    holders.principal_id,
    holders.access_level,
    levels.may_run,
    selected.destination,
    selected.destination_environment,
    selected.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
inner join holders
    on
        selected.installation = holders.installation
        and selected.workspace = holders.workspace
        and selected.project = holders.project
        and selected.pipeline_id = holders.pipeline_id
        and selected.action_id = holders.action_id
left join listed
    on
        holders.installation = listed.installation
        and holders.workspace = listed.workspace
        and holders.principal_type = listed.principal_type
        and holders.principal_id = listed.principal_id
left join people
    on
        holders.principal_type = 'user'
        and holders.installation = people.installation
        and holders.principal_id = people.principal_id
left join levels on holders.access_level = levels.access_level
where ($environment = '' or selected.destination_environment = $environment) and levels.may_run is not false
order by
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline_id,
    selected.action_id,
    case holders.principal_type when 'others' then 0 when 'group' then 1 else 2 end,
    holders.principal_id
