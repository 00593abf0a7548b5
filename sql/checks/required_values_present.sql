-- No row lacks its run, a part of its key, its coverage, or another required value.
-- blocking
select distinct
    concat(table_name, '.', missing_column, ' is missing') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from staged_rows
where missing_column is not null
order by message, installation, workspace, project, pipeline_id, action_id
