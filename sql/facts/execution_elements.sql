-- One row per element of an execution whose action is a promote-image action, in its newest state as of the selected run.
--
-- An execution is read again until it has ended, and after a retry; the newest run that read it decides, for its elements
-- too. An execution that no run could read has no element here (executions.coverage).
-- status is what counts: successful, failed, terminated, skipped, waiting, running, `not run`, or `not known` for an ended
-- element whose status is unknown. An element that has not ended in an execution that has ended was not run.
-- action_execution_id is opaque text and may be NULL; execution_id and position identify the element within its pipeline.
-- occurred_at is the time of the promotion: the end of the element, otherwise its beginning, otherwise that of the
-- execution. executed_at is the beginning of the execution, and of the element where that is not known.
-- approver_id is that of the element, otherwise of the last approval in the execution before the element began; its name is
-- known where this person ever started an execution.
with
chosen as (select run_id as chosen_run_id from selected_run),
fetched as (
    select *
    from executions
    where coverage = 'fetched' and run_id <= (select chosen_run_id from chosen)
),
-- Few executions are read more than once, so the rows that a newer one replaces are few.
read_again as (
    select installation, workspace, project, pipeline_id, execution_id, max(run_id) as newest_run_id
    from fetched
    group by installation, workspace, project, pipeline_id, execution_id
    having count(*) > 1
),
current as (
    select
        fetched.*,
        coalesce(
            fetched.status in ('SUCCESSFUL', 'FAILED', 'TERMINATED', 'SKIPPED', 'NOT_EXECUTED')
            or (
                fetched.finish_date is not null
                and fetched.status not in ('INPROGRESS', 'ENQUEUED', 'INITIAL', 'TERMINATING')
                and not starts_with(fetched.status, 'WAITING_FOR_')
            ),
            fetched.finish_date is not null
        ) as has_ended,
        -- Most executions have no approval, and JSON takes long to parse.
        case
            when contains(fetched.extra, '"approver_id"') then list_transform(
                json_extract(fetched.extra, '$.action_executions[*]'),
                lambda element: {
                    'approved_at': coalesce(
                        try_cast(json_extract_string(element, '$.approval_date') as timestamp), timestamp '-infinity'
                    ),
                    'approver_id': try_cast(json_extract_string(element, '$.approver_id') as bigint)
                }
            )
        end as approvals
    from fetched
    anti join read_again
        on
            fetched.installation = read_again.installation
            and fetched.workspace = read_again.workspace
            and fetched.project = read_again.project
            and fetched.pipeline_id = read_again.pipeline_id
            and fetched.execution_id = read_again.execution_id
            and fetched.run_id < read_again.newest_run_id
),
people as (
    select installation, creator_id as person_id, max_by(creator_name, run_id) as person
    from fetched
    group by installation, creator_id
),
described as (
    select
        current.run_id,
        current.run_date,
        current.installation,
        current.workspace,
        current.project,
        current.pipeline_id,
        current.execution_id,
        elements.position,
        elements.action_execution_id,
        elements.action_id,
        elements.action_name,
        case elements.status
            when 'SUCCESSFUL' then 'successful'
            when 'FAILED' then 'failed'
            when 'TERMINATED' then 'terminated'
            when 'SKIPPED' then 'skipped'
            when 'NOT_EXECUTED' then 'not run'
            else case
                when
                    elements.finish_date is not null
                    and elements.status not in ('INPROGRESS', 'ENQUEUED', 'INITIAL', 'TERMINATING')
                    and not starts_with(elements.status, 'WAITING_FOR_')
                    then 'not known'
                when current.has_ended then 'not run'
                when elements.status in ('INPROGRESS', 'TERMINATING') then 'running'
                else 'waiting'
            end
        end as status,
        elements.status as element_status,
        current.status as execution_status,
        current.triggered_on,
        coalesce(elements.finish_date, elements.start_date, current.finish_date, current.start_date) as occurred_at,
        coalesce(current.start_date, elements.start_date, elements.finish_date, current.finish_date) as executed_at,
        elements.start_date as started_at,
        elements.finish_date as finished_at,
        current.creator_id,
        current.creator_name,
        coalesce(
            try_cast(json_extract_string(elements.extra, '$.approver_id') as bigint),
            list_max(
                list_filter(
                    current.approvals,
                    lambda approval: approval.approver_id is not null
                    and coalesce(approval.approved_at <= elements.start_date, true)
                )
            ).approver_id
        ) as approver_id,
        current.branch,
        current.tag,
        current.pull_request,
        current.from_revision,
        current.to_revision,
        current.comment,
        elements.error_message,
        current.html_url
    from current
    inner join action_executions as elements using (run_id, installation, workspace, project, pipeline_id, execution_id)
)
select
    described.run_id,
    described.run_date,
    described.installation,
    described.workspace,
    described.project,
    described.pipeline_id,
    described.execution_id,
    described.position,
    described.action_execution_id,
    described.action_id,
    described.action_name,
    described.status,
    described.element_status,
    described.execution_status,
    described.triggered_on,
    described.occurred_at,
    described.executed_at,
    described.started_at,
    described.finished_at,
    epoch(described.finished_at - described.started_at) as duration_seconds,
    described.creator_id,
    described.creator_name,
    described.approver_id,
    people.person as approver_name,
    described.branch,
    described.tag,
    described.pull_request,
    described.from_revision,
    described.to_revision,
    described.comment,
    described.error_message,
    described.html_url
from described
left join people on described.installation = people.installation and described.approver_id = people.person_id
