-- No two rows of a table have the same key.
-- blocking
select
    concat(table_name, ': ', copies, ' rows with the same key') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from repeated_keys
order by table_name, installation, workspace, project, pipeline_id, action_id
