-- One row per configuration of an executed promotion and reference that it writes: what it reads, and when it was in force.
-- one run but for action_changes, action_executions, last_known_actions, promote_image_actions, runs
--
-- The configurations are those of executed_configurations, each in force for executions after valid_from and not after
-- valid_to, where these are not NULL. The first one is also that of all executions before it; known_from is the beginning
-- of the run that found it.
-- Everything that the texts alone decide is decided here, once for all executions. is_told is true where an execution
-- tells the value of a variable (promotion_executions).
with
nights as (select run_id, min(started_at) as started_at from runs group by run_id),
parsed as materialized (select * from executed_environments),
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
        coalesce(bool_or(regexp_matches(reference, '\$\{?BUDDY_(RUN|EXECUTION)_')), false) as is_told
    from parsed
    group by run_id, installation, workspace, project, pipeline_id, action_id
),
configured as (
    select
        ends.*,
        nights.started_at as known_from,
        case when ends.run_id <> min(ends.run_id) over action then nights.started_at end as valid_from,
        lead(nights.started_at) over (action order by ends.run_id) as valid_to
    from ends
    inner join nights on ends.run_id = nights.run_id
    window action as (partition by ends.installation, ends.workspace, ends.project, ends.pipeline_id, ends.action_id)
)
select
    configured.run_id,
    configured.installation,
    configured.workspace,
    configured.project,
    configured.pipeline_id,
    configured.action_id,
    configured.known_from,
    configured.valid_from,
    configured.valid_to,
    configured.is_told,
    configured.source,
    configured.source_image,
    configured.source_tag,
    coalesce(regexp_matches(configured.source, '\$(\{|[A-Za-z_])'), false) as source_has_variable,
    configured.destination,
    configured.destination_image,
    configured.destination_tag,
    coalesce(regexp_matches(configured.destination, '\$(\{|[A-Za-z_])'), false) as destination_has_variable,
    parsed.reference_number,
    parsed.reference,
    nullif(regexp_extract(substr(parsed.reference, length(parsed.image_name) + 1), '^:([^@]+)', 1), '') as tag,
    parsed.tag_environment,
    parsed.environment,
    parsed.stage
from configured
inner join parsed
    on
        configured.run_id = parsed.run_id
        and configured.installation = parsed.installation
        and configured.workspace = parsed.workspace
        and configured.project = parsed.project
        and configured.pipeline_id = parsed.pipeline_id
        and configured.action_id = parsed.action_id
where parsed.image_end = 'dest' and (parsed.reference is not null or parsed.reference_number = 1)
