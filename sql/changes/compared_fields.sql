-- One row per differing action and side, 'known' as last known and 'seen' tonight: every compared column as text.
--
-- The place of an action is its identity, when it was fetched and by which run are ours, and a pipeline's own fields are
-- the pipeline's: none of these is a change of the action. A test holds this list to the contract's columns.
-- differing_share is differing, so many of them at a time that their wide rows fit into memory.
with
known as (
    select 'known' as side, actions.*, state.trigger_conditions, state.variables, state.permissions
    from previous_last_known_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join previous_action_state as state
        using (installation, workspace, project, pipeline_id, action_id)
),
seen as (
    select 'seen' as side, actions.*, children.trigger_conditions, children.variables, children.permissions
    from promote_image_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join children using (installation, workspace, project, pipeline_id, action_id)
),
sides as (
    select * from known
    union all by name
    select * from seen
)
select
    side,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    [
        {'column_name': 'type', 'value': type},
        {'column_name': 'url', 'value': url},
        {'column_name': 'html_url', 'value': html_url},
        {'column_name': 'name', 'value': name},
        {'column_name': 'current_revision', 'value': current_revision},
        {'column_name': 'trigger_time', 'value': trigger_time},
        {'column_name': 'run_next', 'value': run_next},
        {'column_name': 'run_only_on_first_failure', 'value': run_only_on_first_failure::VARCHAR},
        {'column_name': 'disabled', 'value': disabled::VARCHAR},
        {'column_name': 'timeout', 'value': timeout::VARCHAR},
        {'column_name': 'ignore_errors', 'value': ignore_errors::VARCHAR},
        {'column_name': 'retry_count', 'value': retry_count::VARCHAR},
        {'column_name': 'retry_interval', 'value': retry_interval::VARCHAR},
        {'column_name': 'last_execution_status', 'value': last_execution_status},
        {'column_name': 'loop', 'value': to_json(loop)::VARCHAR},
        {'column_name': 'same_location', 'value': same_location::VARCHAR},
        {'column_name': 'insecure_registry', 'value': insecure_registry::VARCHAR},
        {'column_name': 'permissions_others', 'value': permissions_others},
        {'column_name': 'pipeline_name', 'value': pipeline_name},
        {'column_name': 'pipeline_identifier', 'value': pipeline_identifier},
        {'column_name': 'pipeline_url', 'value': pipeline_url},
        {'column_name': 'pipeline_html_url', 'value': pipeline_html_url},
        {'column_name': 'src_docker_registry', 'value': src_docker_registry},
        {'column_name': 'src_registry', 'value': src_registry},
        {'column_name': 'src_image', 'value': src_image},
        {'column_name': 'src_tag', 'value': src_tag},
        {'column_name': 'src_region', 'value': src_region},
        {'column_name': 'src_integration', 'value': src_integration},
        {'column_name': 'src_username', 'value': src_username},
        {'column_name': 'dest_docker_registry', 'value': dest_docker_registry},
        {'column_name': 'dest_registry', 'value': dest_registry},
        {'column_name': 'dest_image', 'value': dest_image},
        {'column_name': 'dest_tag', 'value': dest_tag},
        {'column_name': 'dest_region', 'value': dest_region},
        {'column_name': 'dest_integration', 'value': dest_integration},
        {'column_name': 'dest_username', 'value': dest_username},
        {
            'column_name': 'extra',
            'value': case
                when extra is not null then nullif(json_merge_patch(extra, '{"pipeline": null}')::VARCHAR, '{}')
            end
        },
        {'column_name': 'trigger_conditions', 'value': trigger_conditions},
        {'column_name': 'variables', 'value': variables},
        {'column_name': 'permissions', 'value': permissions}
    ] as fields
from sides
