-- One row per element of an execution and reference that its action is configured to write: what it did.
--
-- promotion_executions and promotion_writes are made of it, and explain it. reference_number is NULL where no configuration is
-- known. The configured environment is that of the reference before variables are replaced.
with
elements as (select * from execution_elements),
configured as (
    select
        *,
        coalesce(valid_from, timestamp '-infinity') as after,
        coalesce(valid_to, timestamp 'infinity') as until
    from configured_destinations
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
        coalesce(configured.is_told, false) as is_told,
        configured.source as configured_source,
        configured.source_image as configured_source_image,
        configured.source_tag as configured_source_tag,
        configured.source_has_variable as configured_source_has_variable,
        configured.destination as configured_destination,
        configured.destination_image as configured_destination_image,
        configured.destination_tag as configured_destination_tag,
        configured.destination_has_variable as configured_destination_has_variable,
        configured.reference_number,
        configured.reference as configured_reference,
        configured.tag as configured_tag,
        configured.tag_environment as configured_tag_environment,
        configured.environment as configured_environment,
        configured.stage as configured_stage
    from elements
    left join configured
        on
            elements.installation = configured.installation
            and elements.workspace = configured.workspace
            and elements.project = configured.project
            and elements.pipeline_id = configured.pipeline_id
            and elements.action_id = configured.action_id
            and elements.executed_at > configured.after
            and elements.executed_at <= configured.until
),
-- Most configurations have no variable that an execution tells; only of the others lists are made.
told as (
    select
        *,
        case
            when is_told then [
                configured_source, configured_source_image, configured_source_tag,
                configured_destination, configured_destination_image, configured_destination_tag, configured_reference
            ]
        end as texts,
        -- A value that cannot be a part of a tag was not written as it is, so such a variable is kept: \0 is itself.
        case when is_told and regexp_full_match(branch, '[A-Za-z0-9_.-]+') then branch else '\0' end as told_branch,
        case when is_told and regexp_full_match(tag, '[A-Za-z0-9_.-]+') then tag else '\0' end as told_tag,
        case when is_told and regexp_full_match(to_revision, '[A-Za-z0-9_.-]+') then to_revision else '\0' end
            as told_revision,
        case when is_told and regexp_full_match(comment, '[A-Za-z0-9_.-]+') then comment else '\0' end as told_comment,
        cast(execution_id as varchar) as told_id
    from directed
),
replaced as (
    select
        *,
        list_transform(
            texts,
            lambda written: case
                when contains(written, '$') then regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(
                                regexp_replace(
                                    written,
                                    '\$(BUDDY_(RUN|EXECUTION)_BRANCH\b|\{BUDDY_(RUN|EXECUTION)_BRANCH\})', told_branch, 'g'
                                ),
                                '\$(BUDDY_(RUN|EXECUTION)_TAG\b|\{BUDDY_(RUN|EXECUTION)_TAG\})', told_tag, 'g'
                            ),
                            '\$(BUDDY_(RUN_COMMIT|EXECUTION_REVISION)\b|\{BUDDY_(RUN_COMMIT|EXECUTION_REVISION)\})',
                            told_revision, 'g'
                        ),
                        '\$(BUDDY_(RUN|EXECUTION)_ID\b|\{BUDDY_(RUN|EXECUTION)_ID\})', told_id, 'g'
                    ),
                    '\$(BUDDY_(RUN|EXECUTION)_COMMENT\b|\{BUDDY_(RUN|EXECUTION)_COMMENT\})', told_comment, 'g'
                )
                else written
            end
        ) as results
    from told
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
    replaced.tag as git_tag,
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
        else coalesce(replaced.configured_source_has_variable, false)
    end as source_has_variable,
    case
        when replaced.is_told then coalesce(regexp_matches(replaced.results[4], '\$(\{|[A-Za-z_])'), false)
        else coalesce(replaced.configured_destination_has_variable, false)
    end as destination_has_variable,
    replaced.html_url,
    replaced.is_told,
    replaced.reference_number,
    case when replaced.is_told then replaced.results[7] else replaced.configured_reference end as reference,
    case
        when replaced.is_told
            then nullif(
                regexp_extract(substr(replaced.results[7], length(replaced.results[5]) + 1), '^:([^@]+)', 1), ''
            )
        else replaced.configured_tag
    end as reference_tag,
    replaced.configured_tag_environment,
    replaced.configured_environment,
    replaced.configured_stage
from replaced
left join pipeline_names using (installation, workspace, project, pipeline_id)
