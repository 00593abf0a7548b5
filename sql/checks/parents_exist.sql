-- Every row has its parent: a row of the table above it, in the same run.
-- blocking
select
    concat(table_name, ': no row in ', parent_table, ' for it') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from orphans
order by message, installation, workspace, project, pipeline_id, action_id
