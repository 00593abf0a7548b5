-- One row per action ever seen, removed ones included: when it was seen, when it went, its child rows and fingerprint as last
-- seen.
select
    state_run_id as run_id,
    state_run_date as run_date,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    first_seen_run_id,
    last_seen_run_id,
    removed_run_id,
    trigger_conditions,
    variables,
    permissions,
    fingerprint
from known_actions
where trigger_conditions is not null
