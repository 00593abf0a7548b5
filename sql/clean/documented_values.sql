-- One row per table, column and enum value that Buddy documents for it.
--
-- What schema_drift compares with. A test keeps these values equal to those declared in collector/buddy/views.py.
with
listed (table_name, column_name, documented) as (
    values
        ('projects', 'status', 'ACTIVE CLOSED'),
        ('projects', 'access', 'PRIVATE PUBLIC'),
        ('pipelines', 'priority', 'LOW NORMAL HIGH'),
        (
            'pipelines', 'last_execution_status',
            'INPROGRESS ENQUEUED TERMINATED SUCCESSFUL FAILED INITIAL NOT_EXECUTED SKIPPED TERMINATING '
            || 'WAITING_FOR_APPLY WAITING_FOR_VARIABLES WAITING_FOR_SETTABLE_VARIABLES '
            || 'WAITING_FOR_VT_SESSION'
        ),
        ('pipelines', 'definition_source', 'LOCAL REMOTE'),
        ('pipelines', 'git_config_ref', 'NONE DYNAMIC FIXED'),
        ('pipelines', 'git_changeset_base', 'LATEST_RUN LATEST_RUN_MATCHING_REF PULL_REQUEST'),
        ('pipelines', 'filesystem_changeset_base', 'DATE_MODIFIED CONTENTS'),
        ('pipelines', 'cpu', 'X64 ARM X86'),
        (
            'actions', 'trigger_time',
            'ON_EVERY_EXECUTION ON_SUCCESS ON_FAILURE ON_BACK_TO_SUCCESS ON_WARNING ON_WAIT_FOR_APPROVE '
            || 'ON_TERMINATE'
        ),
        (
            'actions', 'last_execution_status',
            'INPROGRESS ENQUEUED TERMINATED SUCCESSFUL FAILED INITIAL NOT_EXECUTED SKIPPED TERMINATING '
            || 'WAITING_FOR_APPLY WAITING_FOR_VARIABLES WAITING_FOR_SETTABLE_VARIABLES '
            || 'WAITING_FOR_VT_SESSION'
        ),
        (
            'promote_image_actions', 'trigger_time',
            'ON_EVERY_EXECUTION ON_SUCCESS ON_FAILURE ON_BACK_TO_SUCCESS ON_WARNING ON_WAIT_FOR_APPROVE '
            || 'ON_TERMINATE'
        ),
        ('promote_image_actions', 'run_next', 'WAIT_ON_SUCCESS IN_SOFT_PARALLEL IN_HARD_PARALLEL'),
        (
            'promote_image_actions', 'last_execution_status',
            'INPROGRESS ENQUEUED TERMINATED SUCCESSFUL FAILED INITIAL NOT_EXECUTED SKIPPED TERMINATING '
            || 'WAITING_FOR_APPLY WAITING_FOR_VARIABLES WAITING_FOR_SETTABLE_VARIABLES '
            || 'WAITING_FOR_VT_SESSION'
        ),
        (
            'promote_image_actions', 'permissions_others',
            'DENIED READ_ONLY USE_ONLY BLIND RUN_ONLY READ_WRITE MANAGE DEFAULT ALLOWED STAGE COMMIT'
        ),
        (
            'promote_image_actions', 'src_docker_registry',
            'DOCKER_HUB AMAZON_ECR GOOGLE_ARTIFACT_REGISTRY GITHUB_CONTAINER_REGISTRY '
            || 'GIT_HUB_CONTAINER_REGISTRY GOOGLE_GCR NONE OTHER'
        ),
        (
            'promote_image_actions', 'dest_docker_registry',
            'DOCKER_HUB AMAZON_ECR GOOGLE_ARTIFACT_REGISTRY GITHUB_CONTAINER_REGISTRY '
            || 'GIT_HUB_CONTAINER_REGISTRY GOOGLE_GCR NONE OTHER'
        ),
        (
            'trigger_conditions', 'trigger_condition',
            'ON_CHANGE ON_CHANGE_AT_PATH VAR_IS VAR_IS_NOT VAR_CONTAINS VAR_NOT_CONTAINS VAR_LESS_THAN '
            || 'VAR_LESS_THAN_OR_EQUAL VAR_GREATER_THAN VAR_GREATER_THAN_OR_EQUAL DATETIME DAY HOUR '
            || 'SUCCESS_PIPELINE TRIGGERING_USER_IS TRIGGERING_USER_IS_NOT TRIGGERING_USER_IS_IN_GROUP '
            || 'TRIGGERING_USER_IS_NOT_IN_GROUP ACTION_STATUS_IS ACTION_STATUS_IS_NOT OR'
        ),
        ('trigger_conditions', 'trigger_status', 'SUCCESSFUL SKIPPED SUPRESSED FAILED'),
        ('variables', 'type', 'VAR FILE SSH_KEY IOS_KEYCHAIN IOS_PROVISION_PROFILES SSH_PUBLIC_KEY GPG_KEY'),
        ('variables', 'file_place', 'NONE CONTAINER'),
        (
            'permissions', 'access_level',
            'DENIED READ_ONLY USE_ONLY BLIND RUN_ONLY READ_WRITE MANAGE DEFAULT ALLOWED STAGE COMMIT'
        )
)
select
    table_name,
    column_name,
    unnest(string_split(documented, ' ')) as value
from listed
