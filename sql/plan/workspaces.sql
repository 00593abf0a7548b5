-- One row per workspace that the selected run saw.
select
    installation,
    workspace,
    coverage
from workspaces
where run_id in (select run_id from selected_run)
