-- What went wrong in the last run, where, and what did Buddy answer?
-- topic: health
-- answer: kind, workspace, project, message, http_status
-- one run
-- $kind VARCHAR = '' : only problems of this kind, such as forbidden or not_understood
with
troubles as (select * from problems where run_id in (select run_id from selected_run))
select
    installation,
    kind,
    workspace,
    project,
    pipeline_id,
    action_id,
    http_status,
    message,
    json_path,
    attempts,
    request_path,
    first_seen_at,
    last_seen_at
from troubles
where $kind = '' or kind = $kind
order by installation, kind, workspace, project, pipeline_id, action_id, json_path, message, request_path
