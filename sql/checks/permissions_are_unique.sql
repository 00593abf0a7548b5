-- No user or group has two rights on one action.
-- warning
--
-- Buddy says what the rights are, and may say it twice: worth a look, not worth a night.
select
    concat(principal_type, ' ', principal_id, ' has ', count(*), ' rights') as message,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id
from permissions
group by installation, workspace, project, pipeline_id, action_id, principal_type, principal_id
having count(*) > 1
order by installation, workspace, project, pipeline_id, action_id, principal_type, principal_id
