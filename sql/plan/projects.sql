-- One row per project that the selected run saw.
select
    installation,
    workspace,
    project,
    coverage
from projects
where run_id in (select run_id from selected_run)
