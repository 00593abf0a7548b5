-- One row per element of an execution whose action is a promote-image action: when, by whom, and from where to where.
--
-- The newest state as of the selected run; times, people and status are explained in execution_elements. source and
-- destination are what the action was configured to do in the newest run that began before the execution: the complete
-- reference, or several with `, ` between them where the tag names several. config_known says how well that is known:
-- before; only after (no run before saw the action, so the oldest run that saw it decides); never.
-- A variable is replaced where the execution itself tells its value ($BUDDY_RUN_BRANCH, $BUDDY_RUN_TAG, $BUDDY_RUN_COMMIT,
-- $BUDDY_RUN_ID, $BUDDY_RUN_COMMENT, their older names $BUDDY_EXECUTION_…, $BUDDY_EXECUTION_REVISION, also as ${NAME}) and
-- kept otherwise. resolved lists the columns in which one was replaced; configured_source and configured_destination are
-- the texts before that. source_has_variable and destination_has_variable are
-- true where a variable is left: what was really read or written is then not known.
with
elements as (select * from execution_elements),
nights as (select run_id, min(started_at) as started_at from runs group by run_id),
parsed as (select * from executed_references),
ends as (
    select
        run_id,
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        string_agg(reference, ', ' order by reference_number) filter (where image_end = 'src') as source,
        any_value(image_name) filter (where image_end = 'src') as source_image,
        string_agg(tag, ',' order by reference_number) filter (where image_end = 'src') as source_tag,
        string_agg(reference, ', ' order by reference_number) filter (where image_end = 'dest') as destination,
        any_value(image_name) filter (where image_end = 'dest') as destination_image,
        string_agg(tag, ',' order by reference_number) filter (where image_end = 'dest') as destination_tag,
        bool_or(has_variable) as has_variable,
        coalesce(bool_or(regexp_matches(reference, '\$\{?BUDDY_(RUN|EXECUTION)_')), false) as is_told
    from parsed
    group by run_id, installation, workspace, project, pipeline_id, action_id
),
-- The first configuration is also that of all executions before it.
configured as (
    select
        ends.*,
        nights.started_at as known_from,
        case
            when ends.run_id = min(ends.run_id) over action then timestamp '-infinity'
            else nights.started_at
        end as valid_from,
        coalesce(lead(nights.started_at) over (action order by ends.run_id), timestamp 'infinity') as valid_to
    from ends
    inner join nights on ends.run_id = nights.run_id
    window action as (partition by ends.installation, ends.workspace, ends.project, ends.pipeline_id, ends.action_id)
),
directed as (
    select
        elements.*,
        configured.run_id as configuration_run_id,
        case
            when configured.run_id is null then 'never'
            when elements.executed_at > configured.known_from then 'before'
            else 'only after'
        end as config_known,
        configured.source as configured_source,
        configured.destination as configured_destination,
        configured.source_image as configured_source_image,
        configured.source_tag as configured_source_tag,
        configured.destination_image as configured_destination_image,
        configured.destination_tag as configured_destination_tag,
        coalesce(configured.has_variable, false) as has_variable,
        coalesce(configured.is_told, false) as is_told
    from elements
    left join configured
        on
            elements.installation = configured.installation
            and elements.workspace = configured.workspace
            and elements.project = configured.project
            and elements.pipeline_id = configured.pipeline_id
            and elements.action_id = configured.action_id
            and elements.executed_at > configured.valid_from
            and elements.executed_at <= configured.valid_to
),
-- A value that cannot be a part of a tag was not written as it is, so such a variable is kept.
told as (
    select
        *,
        case when is_told and regexp_full_match(branch, '[A-Za-z0-9_.-]+') then branch end as told_branch,
        case when is_told and regexp_full_match(tag, '[A-Za-z0-9_.-]+') then tag end as told_tag,
        case when is_told and regexp_full_match(to_revision, '[A-Za-z0-9_.-]+') then to_revision end as told_revision,
        case when is_told and regexp_full_match(comment, '[A-Za-z0-9_.-]+') then comment end as told_comment,
        cast(execution_id as varchar) as told_id
    from directed
),
-- Most configurations have no variable that an execution tells; only of the others lists are made.
valued as (
    select
        *,
        case
            when is_told then [
                configured_source, configured_source_image, configured_source_tag,
                configured_destination, configured_destination_image, configured_destination_tag
            ]
        end as texts,
        case
            when is_told then map {
                'BUDDY_RUN_BRANCH': told_branch, 'BUDDY_EXECUTION_BRANCH': told_branch,
                'BUDDY_RUN_TAG': told_tag, 'BUDDY_EXECUTION_TAG': told_tag,
                'BUDDY_RUN_COMMIT': told_revision, 'BUDDY_EXECUTION_REVISION': told_revision,
                'BUDDY_RUN_ID': told_id, 'BUDDY_EXECUTION_ID': told_id,
                'BUDDY_RUN_COMMENT': told_comment, 'BUDDY_EXECUTION_COMMENT': told_comment
            }
        end as variables
    from told
),
replaced as (
    select
        *,
        case
            when is_told then list_transform(
                texts,
                -- Variables, and the texts between them.
                lambda written: array_to_string(
                    list_transform(
                        regexp_extract_all(
                            written, '\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$[A-Za-z_][A-Za-z0-9_]*|[^$]+|\$'
                        ),
                        lambda part: case
                            when part like '$%' then coalesce(variables[trim(part, '${}')], part)
                            else part
                        end
                    ), ''
                )
            )
        end as results
    from valued
),
pipeline_names as (
    select installation, workspace, project, pipeline_id, coalesce(name, identifier) as pipeline
    from pipelines
    where run_id in (select run_id from selected_run)
)
select
    replaced.run_id,
    replaced.run_date,
    replaced.installation,
    replaced.workspace,
    replaced.project,
    replaced.pipeline_id,
    replaced.execution_id,
    replaced.position,
    replaced.action_execution_id,
    replaced.action_id,
    pipeline_names.pipeline,
    replaced.action_name as action,
    replaced.status,
    replaced.element_status,
    replaced.execution_status,
    replaced.triggered_on,
    replaced.occurred_at,
    replaced.executed_at,
    replaced.started_at,
    replaced.finished_at,
    replaced.duration_seconds,
    replaced.creator_id,
    replaced.creator_name,
    replaced.approver_id,
    replaced.approver_name,
    replaced.branch,
    replaced.tag,
    replaced.pull_request,
    replaced.from_revision,
    replaced.to_revision,
    replaced.comment,
    replaced.error_message,
    replaced.config_known,
    replaced.configuration_run_id,
    replaced.configured_source,
    replaced.configured_destination,
    case when replaced.is_told then replaced.results[1] else replaced.configured_source end as source,
    case when replaced.is_told then replaced.results[2] else replaced.configured_source_image end as source_image,
    case when replaced.is_told then replaced.results[3] else replaced.configured_source_tag end as source_tag,
    case when replaced.is_told then replaced.results[4] else replaced.configured_destination end as destination,
    case when replaced.is_told then replaced.results[5] else replaced.configured_destination_image end
        as destination_image,
    case when replaced.is_told then replaced.results[6] else replaced.configured_destination_tag end
        as destination_tag,
    case
        when replaced.is_told then list_filter(
            ['source', 'source_image', 'source_tag', 'destination', 'destination_image', 'destination_tag'],
            lambda name, place: replaced.results[place] <> replaced.texts[place]
        )
        else []
    end as resolved,
    case
        when replaced.is_told then coalesce(regexp_matches(replaced.results[1], '\$(\{|[A-Za-z_])'), false)
        when replaced.has_variable then coalesce(regexp_matches(replaced.configured_source, '\$(\{|[A-Za-z_])'), false)
        else false
    end as source_has_variable,
    case
        when replaced.is_told then coalesce(regexp_matches(replaced.results[4], '\$(\{|[A-Za-z_])'), false)
        when replaced.has_variable
            then coalesce(regexp_matches(replaced.configured_destination, '\$(\{|[A-Za-z_])'), false)
        else false
    end as destination_has_variable,
    replaced.html_url
from replaced
left join pipeline_names using (installation, workspace, project, pipeline_id)
