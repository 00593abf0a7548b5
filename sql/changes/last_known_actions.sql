-- One row per action ever seen and not known removed: as it was last seen, under the run that saw it.
select * exclude (
    trigger_conditions,
    variables,
    permissions,
    fingerprint,
    removed_run_id,
    is_seen,
    change,
    previous_run_id,
    may_differ,
    state_run_id,
    state_run_date
)
from known_actions
where removed_run_id is null and run_id is not null
