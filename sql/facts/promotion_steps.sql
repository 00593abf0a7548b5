-- One row per promote-image action, source reference, destination reference and run: a step from where to where.
--
-- An action has one row unless a tag with commas names several tags; the view promotions has one row per action.
-- The source_ and destination_ columns come from the view environments: reference is the complete normalised reference,
-- image its registry and repository. There are only joins and no aggregates, so that a filter on run_id is applied to
-- the files before the parsing.
with
actions as (select * from promote_image_actions),
sources as (select * from environments where image_end = 'src'),
destinations as (select * from environments where image_end = 'dest')
select
    actions.run_id,
    actions.run_date,
    actions.installation,
    actions.workspace,
    actions.project,
    actions.pipeline_id,
    actions.action_id,
    coalesce(actions.pipeline_name, actions.pipeline_identifier) as pipeline,
    actions.name as action,
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
    actions.same_location,
    sources.registry = destinations.registry as same_registry,
    actions.disabled,
    actions.trigger_time,
    actions.last_execution_status,
    actions.current_revision,
    actions.retry_count,
    actions.retry_interval,
    actions.insecure_registry,
    actions.permissions_others,
    actions.html_url
from actions
inner join sources
    on
        actions.run_id = sources.run_id
        and actions.installation = sources.installation
        and actions.workspace = sources.workspace
        and actions.project = sources.project
        and actions.pipeline_id = sources.pipeline_id
        and actions.action_id = sources.action_id
inner join destinations
    on
        actions.run_id = destinations.run_id
        and actions.installation = destinations.installation
        and actions.workspace = destinations.workspace
        and actions.project = destinations.project
        and actions.pipeline_id = destinations.pipeline_id
        and actions.action_id = destinations.action_id
