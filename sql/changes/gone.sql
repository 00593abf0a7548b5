-- One row per action that lived and is known to be gone in this run.
--
-- Only these say so: its own GET answered 404; the complete listing of its pipeline has it not, or as an action of
-- another type; its pipeline, project or workspace is missing from a complete listing of the level above. A parent that
-- failed, was forbidden or skipped says nothing, and neither does an action that was listed and could not be read.
with
living as (
    select installation, workspace, project, pipeline_id, action_id, last_seen_run_id
    from previous_action_state
    where removed_run_id is null
),
unseen as (
    select *
    from living
    anti join promote_image_actions using (installation, workspace, project, pipeline_id, action_id)
)
select
    unseen.installation,
    unseen.workspace,
    unseen.project,
    unseen.pipeline_id,
    unseen.action_id,
    unseen.last_seen_run_id
from unseen
left join actions using (installation, workspace, project, pipeline_id, action_id)
left join pipelines using (installation, workspace, project, pipeline_id)
left join projects using (installation, workspace, project)
left join workspaces using (installation, workspace)
left join listed_installations using (installation)
where
    actions.coverage = 'gone'
    or (pipelines.coverage = 'complete' and coalesce(actions.coverage, 'not_promote_image') = 'not_promote_image')
    or (pipelines.coverage is null and projects.coverage = 'complete')
    or (projects.coverage is null and workspaces.coverage = 'complete')
    or (workspaces.coverage is null and listed_installations.installation is not null)
