-- One row per action seen before and in this run that may differ from its last known row in a compared column.
--
-- Fingerprints are compared first, so that wide rows are joined for the few actions that differ and not for all: equal ones
-- mean equal values, others that the values may differ. One that an older collector did not write is equal to none.
select
    seen_actions.installation,
    seen_actions.workspace,
    seen_actions.project,
    seen_actions.pipeline_id,
    seen_actions.action_id,
    state.last_seen_run_id as previous_run_id
from seen_actions
inner join previous_action_state as state using (installation, workspace, project, pipeline_id, action_id)
where state.removed_run_id is null and state.fingerprint is distinct from seen_actions.fingerprint
