-- What went wrong in the last run, where, and what did Buddy answer?
-- topic: health
-- answer: kind, workspace, project, message, http_status
-- one run
-- $kind VARCHAR = '' in ('unauthorised', 'forbidden', 'gone', 'api_disabled', 'frozen', 'http_error', 'connection', 'timeout', 'too_large', 'redirect_refused', 'not_json', 'not_understood', 'unsettled_listing', 'deadline', 'abandoned_run', 'check', '') : only problems of this kind, such as forbidden or not_understood
-- $severity VARCHAR = '' in ('problem', 'notice', '') : only problems, or only notices
--
-- A notice is worth knowing and hides nothing that was asked for, such as an unknown enum value. In runs of older versions
-- of the collector notices were recorded as problems.
with
troubles as (
    select *, coalesce(severity, 'problem') as known_severity
    from problems
    where run_id in (select run_id from selected_run)
)
select
    known_severity as severity,
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
where ($kind = '' or kind = $kind) and ($severity = '' or known_severity = $severity)
order by
    case known_severity when 'problem' then 0 else 1 end,
    installation,
    kind,
    workspace,
    project,
    pipeline_id,
    action_id,
    json_path,
    message,
    request_path
