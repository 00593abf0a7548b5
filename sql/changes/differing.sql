-- One row per action seen before and in this run that may differ from its last known row in a compared column.
with
known as (
    select * from fingerprints where side = 'known'
),
seen as (
    select * from fingerprints where side = 'seen'
)
select distinct
    known.installation,
    known.workspace,
    known.project,
    known.pipeline_id,
    known.action_id,
    state.last_seen_run_id as previous_run_id
from known
inner join seen using (part, installation, workspace, project, pipeline_id, action_id)
inner join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)
where known.fingerprint <> seen.fingerprint
