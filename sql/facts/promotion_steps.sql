-- One row per promote-image action, source reference, destination reference and run: a step from where to where.
--
-- An action has one row unless a tag with commas names several tags; the view promotions has one row per action.
-- The source_ and destination_ columns come from the view environments: reference is the complete normalised reference,
-- image its registry and repository. There are only joins and no aggregates, so that a filter on run_id is applied to
-- the files before the parsing.
with
promoting as (select * from promote_image_actions),
sources as (select * from environments where image_end = 'src'),
destinations as (select * from environments where image_end = 'dest')
select
    promoting.run_id,
    promoting.run_date,
    promoting.installation,
    promoting.workspace,
    promoting.project,
    promoting.pipeline_id,
    promoting.action_id,
    coalesce(promoting.pipeline_name, promoting.pipeline_identifier) as pipeline,
    promoting.name as action,
    sources.reference_number as source_number,
    destinations.reference_number as destination_number,
    sources.reference as source,
    destinations.reference as destination,
    sources.image_name as source_image,
    sources.registry as source_registry,
    sources.repository as source_repository,
    sources.tag as source_tag,
    sources.digest as source_digest,
    sources.tag_environment as source_tag_environment,
    sources.environment as source_environment,
    sources.stage as source_stage,
    sources.has_variable as source_has_variable,
    sources.moving_reason as source_moving_reason,
    sources.defect as source_defect,
    destinations.image_name as destination_image,
    destinations.registry as destination_registry,
    destinations.repository as destination_repository,
    destinations.tag as destination_tag,
    destinations.digest as destination_digest,
    destinations.tag_environment as destination_tag_environment,
    destinations.environment as destination_environment,
    destinations.stage as destination_stage,
    destinations.has_variable as destination_has_variable,
    destinations.moving_reason as destination_moving_reason,
    destinations.defect as destination_defect,
    promoting.same_location,
    sources.registry = destinations.registry as same_registry,
    promoting.disabled,
    promoting.trigger_time,
    promoting.last_execution_status,
    promoting.current_revision,
    promoting.retry_count,
    promoting.retry_interval,
    promoting.insecure_registry,
    promoting.permissions_others,
    promoting.html_url
from promoting
inner join sources
    on
        promoting.run_id = sources.run_id
        and promoting.installation = sources.installation
        and promoting.workspace = sources.workspace
        and promoting.project = sources.project
        and promoting.pipeline_id = sources.pipeline_id
        and promoting.action_id = sources.action_id
inner join destinations
    on
        promoting.run_id = destinations.run_id
        and promoting.installation = destinations.installation
        and promoting.workspace = destinations.workspace
        and promoting.project = destinations.project
        and promoting.pipeline_id = destinations.pipeline_id
        and promoting.action_id = destinations.action_id
