-- Every action listed has one coverage that tells the truth: fetched ones have their row, and no others do.
-- blocking
with
listed as (
    select installation, workspace, project, pipeline_id, action_id, type, coverage
    from actions
),
read as (
    select installation, workspace, project, pipeline_id, action_id
    from promote_image_actions
),
paired as (
    select
        coalesce(listed.installation, read.installation) as installation,
        coalesce(listed.workspace, read.workspace) as workspace,
        coalesce(listed.project, read.project) as project,
        coalesce(listed.pipeline_id, read.pipeline_id) as pipeline_id,
        coalesce(listed.action_id, read.action_id) as action_id,
        case
            when listed.installation is null then 'promote_image_actions has a row for an action that was not listed'
            when listed.coverage = 'fetched' and read.installation is null
                then 'coverage is fetched, and promote_image_actions has no row'
            when listed.coverage not in ('fetched', 'quarantined') and read.installation is not null
                then concat('coverage is ', listed.coverage, ', and promote_image_actions has a row')
            when listed.coverage not in (
                'fetched', 'not_promote_image', 'forbidden', 'gone', 'failed', 'quarantined', 'skipped'
            ) then concat('coverage ', listed.coverage, ' is not one of the contract')
        end as message
    from listed
    full outer join read
        on
            listed.installation = read.installation
            and listed.workspace = read.workspace
            and listed.project = read.project
            and listed.pipeline_id = read.pipeline_id
            and listed.action_id = read.action_id
),
parents as (
    select installation, workspace, null as project, null as pipeline_id, coverage from workspaces
    union all
    select installation, workspace, project, null as pipeline_id, coverage from projects
    union all
    select installation, workspace, project, pipeline_id, coverage from pipelines
),
findings as (
    select message, installation, workspace, project, pipeline_id, action_id
    from paired
    where message is not null
    union all
    select
        concat('coverage ', coverage, ' is not one of the contract') as message,
        installation,
        workspace,
        project,
        pipeline_id,
        null as action_id
    from parents
    where coverage not in ('complete', 'forbidden', 'gone', 'failed', 'skipped')
)
select
    message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from findings
order by message, installation, workspace, project, pipeline_id, action_id
