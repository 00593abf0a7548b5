-- One row per action of differing_share and side, 'known' as last known and 'seen' in this run: every compared column as text.
--
-- A test holds the list of columns to the contract.
with
lists as (
    select 'known' as side, * from previous_action_state
    union all by name
    select 'seen' as side, * from children
),
sides as (
    select actions.*, lists.trigger_conditions, lists.variables, lists.permissions
    from compared_actions as actions
    semi join differing_share using (installation, workspace, project, pipeline_id, action_id)
    inner join lists using (side, installation, workspace, project, pipeline_id, action_id)
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
        {'column_name': 'extra', 'value': extra},
        {'column_name': 'trigger_conditions', 'value': trigger_conditions},
        {'column_name': 'variables', 'value': variables},
        {'column_name': 'permissions', 'value': permissions}
    ] as fields
from sides
