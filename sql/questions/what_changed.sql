-- What changed in the promotions last night?
-- topic: change
-- answer: workspace, project, action, change, column_name, difference
-- one run but for promote_image_actions
-- $aspect VARCHAR = 'configuration' in ('configuration', 'execution', '') : configuration, execution (statuses and revisions), or empty for both
with
changes as (select * from selected_changes_in_words),
promoting as (select * from promote_image_actions),
-- A removed action has no row in this run; its name is that of the run that saw it last.
placed as (
    select
        changes.installation,
        changes.workspace,
        changes.project,
        changes.pipeline_id,
        changes.action_id,
        changes.change,
        changes.aspect,
        changes.column_name,
        changes.old_value,
        changes.new_value,
        changes.difference,
        changes.previous_run_id,
        case when changes.change = 'removed' then changes.previous_run_id else changes.run_id end as seen_run_id
    from changes
    where $aspect = '' or changes.aspect = $aspect
)
select
    placed.change,
    placed.installation,
    placed.workspace,
    placed.project,
    coalesce(promoting.pipeline_name, promoting.pipeline_identifier) as pipeline,
    promoting.name as action,
    placed.column_name,
    placed.old_value,
    placed.new_value,
    placed.difference,
    placed.aspect,
    promoting.html_url,
    placed.pipeline_id,
    placed.action_id,
    placed.previous_run_id
from placed
left join promoting
    on
        placed.seen_run_id = promoting.run_id
        and placed.installation = promoting.installation
        and placed.workspace = promoting.workspace
        and placed.project = promoting.project
        and placed.pipeline_id = promoting.pipeline_id
        and placed.action_id = promoting.action_id
order by
    placed.aspect,
    placed.change,
    placed.installation,
    placed.workspace,
    placed.project,
    placed.pipeline_id,
    placed.action_id,
    placed.column_name
