-- One row per project that the selected run saw, with how much there was in its lists.
--
-- action_list_lengths holds the number of actions of each of its pipelines, each number once.
with
lists as (
    select installation, workspace, project, pipeline_id, count(*) as length
    from actions
    where run_id in (select run_id from selected_run)
    group by all
),
lengths as (
    select installation, workspace, project, list_sort(list_distinct(list(length))) as action_list_lengths
    from lists
    group by all
),
held_pipelines as (
    select installation, workspace, project, count(*) as pipelines
    from pipelines
    where run_id in (select run_id from selected_run)
    group by all
),
held_promotions as (
    select installation, workspace, project, count(*) as promotions
    from promote_image_actions
    where run_id in (select run_id from selected_run)
    group by all
)
select
    installation,
    workspace,
    project,
    projects.coverage,
    coalesce(held_pipelines.pipelines, 0) as pipelines,
    coalesce(held_promotions.promotions, 0) as promotions,
    coalesce(lengths.action_list_lengths, []) as action_list_lengths
from projects
left join held_pipelines using (installation, workspace, project)
left join held_promotions using (installation, workspace, project)
left join lengths using (installation, workspace, project)
where projects.run_id in (select run_id from selected_run)
