-- One row per promote-image action that was ever executed and period in which its two ends were configured alike: these ends.
--
-- run_id is the run that found this configuration. It is computed backwards from the last one that is known of each life of
-- the action (added or returned, to removed): from last_known_actions, and after a removal from the run that saw the action
-- last. So the cost grows with the changes and not with the runs. A life that began before the oldest run kept begins
-- with that run. The columns of the ends are those of promote_image_actions, so that image_references can parse them.
with
chosen as (select run_id as chosen_run_id from selected_run),
oldest as (select min(run_id) as oldest_run_id, min_by(run_date, run_id) as oldest_run_date from runs),
executed as materialized (
    select distinct installation, workspace, project, pipeline_id, action_id
    from action_executions
    where run_id <= (select chosen_run_id from chosen)
),
changes as materialized (
    select installation, workspace, project, pipeline_id, action_id, run_id, run_date, change, column_name, old_value,
        previous_run_id
    from action_changes
    where
        change <> 'changed'
        or column_name in (
            'same_location',
            'src_docker_registry', 'src_registry', 'src_image', 'src_tag', 'src_region', 'src_integration',
            'dest_docker_registry', 'dest_registry', 'dest_image', 'dest_tag', 'dest_region', 'dest_integration'
        )
),
present as (
    select * from last_known_actions
    semi join executed using (installation, workspace, project, pipeline_id, action_id)
),
removals as (
    select installation, workspace, project, pipeline_id, action_id, run_id as removed_run_id, previous_run_id as run_id
    from changes
    semi join executed using (installation, workspace, project, pipeline_id, action_id)
    where change = 'removed'
),
-- The last configuration of each life, and the run that ends the life.
known as (
    select
        installation, workspace, project, pipeline_id, action_id, null as removed_run_id, same_location,
        src_docker_registry, src_registry, src_image, src_tag, src_region, src_integration,
        dest_docker_registry, dest_registry, dest_image, dest_tag, dest_region, dest_integration
    from present
    union all
    select
        removals.installation, removals.workspace, removals.project, removals.pipeline_id, removals.action_id,
        removals.removed_run_id, actions.same_location,
        actions.src_docker_registry, actions.src_registry, actions.src_image, actions.src_tag, actions.src_region,
        actions.src_integration,
        actions.dest_docker_registry, actions.dest_registry, actions.dest_image, actions.dest_tag, actions.dest_region,
        actions.dest_integration
    from removals
    inner join promote_image_actions as actions
        on
            removals.run_id = actions.run_id
            and removals.installation = actions.installation
            and removals.workspace = actions.workspace
            and removals.project = actions.project
            and removals.pipeline_id = actions.pipeline_id
            and removals.action_id = actions.action_id
),
lives as (
    select
        known.installation,
        known.workspace,
        known.project,
        known.pipeline_id,
        known.action_id,
        known.removed_run_id,
        coalesce(max(changes.run_id), min(oldest.oldest_run_id)) as life_run_id,
        coalesce(max_by(changes.run_date, changes.run_id), min(oldest.oldest_run_date)) as life_run_date
    from known
    cross join oldest
    left join changes
        on
            known.installation = changes.installation
            and known.workspace = changes.workspace
            and known.project = changes.project
            and known.pipeline_id = changes.pipeline_id
            and known.action_id = changes.action_id
            and changes.change in ('added', 'returned')
            and (known.removed_run_id is null or changes.run_id < known.removed_run_id)
    group by
        known.installation,
        known.workspace,
        known.project,
        known.pipeline_id,
        known.action_id,
        known.removed_run_id
),
edits as (
    select
        lives.installation,
        lives.workspace,
        lives.project,
        lives.pipeline_id,
        lives.action_id,
        lives.removed_run_id,
        lives.life_run_id,
        changes.run_id,
        changes.run_date,
        changes.column_name,
        changes.old_value
    from lives
    inner join changes
        on
            changes.change = 'changed'
            and lives.installation = changes.installation
            and lives.workspace = changes.workspace
            and lives.project = changes.project
            and lives.pipeline_id = changes.pipeline_id
            and lives.action_id = changes.action_id
            and lives.life_run_id < changes.run_id
            and (lives.removed_run_id is null or changes.run_id < lives.removed_run_id)
),
periods as (
    select installation, workspace, project, pipeline_id, action_id, removed_run_id, life_run_id, life_run_id as run_id,
        life_run_date as run_date
    from lives
    union
    select installation, workspace, project, pipeline_id, action_id, removed_run_id, life_run_id, run_id, run_date
    from edits
),
-- What a field held in a period is what the next change of that field replaced.
replaced as (
    select
        periods.installation,
        periods.workspace,
        periods.project,
        periods.pipeline_id,
        periods.action_id,
        periods.run_id,
        edits.column_name,
        arg_min_null(edits.old_value, edits.run_id) as value
    from periods
    inner join edits
        on
            periods.installation = edits.installation
            and periods.workspace = edits.workspace
            and periods.project = edits.project
            and periods.pipeline_id = edits.pipeline_id
            and periods.action_id = edits.action_id
            and periods.life_run_id = edits.life_run_id
            and periods.run_id < edits.run_id
    group by
        periods.installation,
        periods.workspace,
        periods.project,
        periods.pipeline_id,
        periods.action_id,
        periods.run_id,
        edits.column_name
),
earlier as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        run_id,
        map_from_entries(list((column_name, value))) as was
    from replaced
    group by installation, workspace, project, pipeline_id, action_id, run_id
)
select
    periods.run_id,
    periods.run_date,
    periods.installation,
    periods.workspace,
    periods.project,
    periods.pipeline_id,
    periods.action_id,
    case
        when map_contains(earlier.was, 'same_location') then try_cast(earlier.was['same_location'] as boolean)
        else known.same_location
    end as same_location,
    case
        when map_contains(earlier.was, 'src_docker_registry') then earlier.was['src_docker_registry']
        else known.src_docker_registry
    end as src_docker_registry,
    case
        when map_contains(earlier.was, 'src_registry') then earlier.was['src_registry']
        else known.src_registry
    end as src_registry,
    case
        when map_contains(earlier.was, 'src_image') then earlier.was['src_image']
        else known.src_image
    end as src_image,
    case
        when map_contains(earlier.was, 'src_tag') then earlier.was['src_tag']
        else known.src_tag
    end as src_tag,
    case
        when map_contains(earlier.was, 'src_region') then earlier.was['src_region']
        else known.src_region
    end as src_region,
    case
        when map_contains(earlier.was, 'src_integration') then earlier.was['src_integration']
        else known.src_integration
    end as src_integration,
    case
        when map_contains(earlier.was, 'dest_docker_registry') then earlier.was['dest_docker_registry']
        else known.dest_docker_registry
    end as dest_docker_registry,
    case
        when map_contains(earlier.was, 'dest_registry') then earlier.was['dest_registry']
        else known.dest_registry
    end as dest_registry,
    case
        when map_contains(earlier.was, 'dest_image') then earlier.was['dest_image']
        else known.dest_image
    end as dest_image,
    case
        when map_contains(earlier.was, 'dest_tag') then earlier.was['dest_tag']
        else known.dest_tag
    end as dest_tag,
    case
        when map_contains(earlier.was, 'dest_region') then earlier.was['dest_region']
        else known.dest_region
    end as dest_region,
    case
        when map_contains(earlier.was, 'dest_integration') then earlier.was['dest_integration']
        else known.dest_integration
    end as dest_integration
from periods
inner join known
    on
        periods.installation = known.installation
        and periods.workspace = known.workspace
        and periods.project = known.project
        and periods.pipeline_id = known.pipeline_id
        and periods.action_id = known.action_id
        and periods.removed_run_id is not distinct from known.removed_run_id
left join earlier
    on
        periods.installation = earlier.installation
        and periods.workspace = earlier.workspace
        and periods.project = earlier.project
        and periods.pipeline_id = earlier.pipeline_id
        and periods.action_id = earlier.action_id
        and periods.run_id = earlier.run_id
where periods.run_id <= (select chosen_run_id from chosen)
