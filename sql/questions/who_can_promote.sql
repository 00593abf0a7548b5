-- Which users and groups, and whether everybody else, may run the promotions to an environment?
-- one run
-- $environment VARCHAR = 'production' : environment of the destination; empty: every promotion
--
-- principal_id is Buddy's id of the user or group. may_run is NULL if Buddy does not document it for that level, if the
-- level is that of the pipeline (DEFAULT), or if there is no right.
with
tonight as (select * from selected_promotions),
rights as materialized (select * from permissions where run_id in (select run_id from selected_run)),
levels as (select * from access_levels),
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
    from tonight
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
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    holders.principal_type,
    holders.principal_id,
    holders.access_level,
    levels.may_run,
    tonight.destination,
    tonight.destination_environment,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
inner join holders
    on
        tonight.installation = holders.installation
        and tonight.workspace = holders.workspace
        and tonight.project = holders.project
        and tonight.pipeline_id = holders.pipeline_id
        and tonight.action_id = holders.action_id
left join levels on holders.access_level = levels.access_level
where ($environment = '' or tonight.destination_environment = $environment) and levels.may_run is not false
order by
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline_id,
    tonight.action_id,
    case holders.principal_type when 'others' then 0 when 'group' then 1 else 2 end,
    holders.principal_id
