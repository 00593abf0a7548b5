-- One row per compared column whose value in this run differs from the last known one.
--
-- Columns that the last known rows did not have yet are not compared: an older collector wrote them.
with
known as (
    select * from compared_fields where side = 'known'
),
seen as (
    select * from compared_fields where side = 'seen'
),
-- Both lists name the same columns in the same order.
pairs as (
    select
        known.installation,
        known.workspace,
        known.project,
        known.pipeline_id,
        known.action_id,
        unnest(known.fields) as before,
        unnest(seen.fields) as after
    from known
    inner join seen using (installation, workspace, project, pipeline_id, action_id)
)
select
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    before.column_name as column_name,
    before.value as old_value,
    after.value as new_value
from pairs
where
    before.value is distinct from after.value
    and before.column_name in (select column_name from comparable_columns)
