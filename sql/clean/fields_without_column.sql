-- One row per object and field that Buddy documents, or that the collector adds, and that has no column of its own.
--
-- schema_drift does not report these as unknown. ends are src and dest of a promotion, rights its permissions. The
-- members of a list beside its items are actions_list, pipelines_list, projects_list and workspaces_list.
with
listed (object, documented) as (
    values
        ('workspaces', 'owner_id frozen create_date default_pipeline_resource sso_enabled public_pipelines_disabled'),
        ('workspaces', 'projects_list workspaces_list'),
        ('projects', 'created_by http_repository ssh_repository default_branch integration external_project_id'),
        ('projects', 'git_lab_project_id fetch_submodules fetch_submodules_env_key allow_pull_requests'),
        ('projects', 'update_default_branch_from_external without_repository pipelines_list'),
        ('pipelines', 'id project creator permissions trigger_conditions worker manage_variables_by_yaml'),
        ('pipelines', 'manage_permissions_by_yaml actions actions_list'),
        ('promote_image_actions', 'id trigger_conditions variables permissions pipeline src dest status revision'),
        ('ends', 'docker_registry registry image tag region integration username password'),
        ('rights', 'others'),
        ('variables', 'defaults binary public_value key_fingerprint checksum password passphrase key_identifier'),
        ('variables', 'note agent_note file_name url')
)
select
    object,
    unnest(string_split(documented, ' ')) as field
from listed
