-- One row per action ever seen, removed ones included: when it was seen, when it went, its child rows and fingerprint as last
-- seen.
select
    this_run.run_id,
    this_run.run_date,
    known.installation,
    known.workspace,
    known.project,
    known.pipeline_id,
    known.action_id,
    known.first_seen_run_id,
    known.last_seen_run_id,
    known.removed_run_id,
    known.trigger_conditions,
    known.variables,
    known.permissions,
    known.fingerprint
from known_actions as known
cross join this_run
where known.has_state
