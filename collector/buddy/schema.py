"""Typed classes of Buddy's objects: the one place where a field of a reply is declared.

Names, units and enum values are Buddy's (buddy-api.md, section 5, and the vendor's page of the Tag Docker Image
action). Only what a request is built from is required: `domain`, a project's `name`, the numeric ids, and an action's
`type`. The columns of a table follow the order of declaration here (lake/tables.py).
"""

from typing import Annotated, Any

from collector.buddy.field_spec import BuddyObject, Int, Name, field

PROMOTE_IMAGE = "PROMOTE_IMAGE"

STATUSES = (
    "INPROGRESS", "ENQUEUED", "TERMINATED", "SUCCESSFUL", "FAILED", "INITIAL", "NOT_EXECUTED", "SKIPPED",
    "TERMINATING", "WAITING_FOR_APPLY", "WAITING_FOR_VARIABLES", "WAITING_FOR_SETTABLE_VARIABLES",
    "WAITING_FOR_VT_SESSION",
)  # fmt: skip
TRIGGER_TIMES = (
    "ON_EVERY_EXECUTION", "ON_SUCCESS", "ON_FAILURE", "ON_BACK_TO_SUCCESS", "ON_WARNING", "ON_WAIT_FOR_APPROVE",
    "ON_TERMINATE",
)  # fmt: skip
RUN_NEXT = ("WAIT_ON_SUCCESS", "IN_SOFT_PARALLEL", "IN_HARD_PARALLEL")
ACCESS_LEVELS = (
    "DENIED", "READ_ONLY", "USE_ONLY", "BLIND", "RUN_ONLY", "READ_WRITE", "MANAGE", "DEFAULT", "ALLOWED", "STAGE",
    "COMMIT",
)  # fmt: skip
DOCKER_REGISTRIES = (
    "DOCKER_HUB", "AMAZON_ECR", "GOOGLE_ARTIFACT_REGISTRY", "GITHUB_CONTAINER_REGISTRY", "GIT_HUB_CONTAINER_REGISTRY",
    "GOOGLE_GCR", "NONE", "OTHER",
)  # fmt: skip
TRIGGER_CONDITIONS = (
    "ON_CHANGE", "ON_CHANGE_AT_PATH", "VAR_IS", "VAR_IS_NOT", "VAR_CONTAINS", "VAR_NOT_CONTAINS", "VAR_LESS_THAN",
    "VAR_LESS_THAN_OR_EQUAL", "VAR_GREATER_THAN", "VAR_GREATER_THAN_OR_EQUAL", "DATETIME", "DAY", "HOUR",
    "SUCCESS_PIPELINE", "TRIGGERING_USER_IS", "TRIGGERING_USER_IS_NOT", "TRIGGERING_USER_IS_IN_GROUP",
    "TRIGGERING_USER_IS_NOT_IN_GROUP", "ACTION_STATUS_IS", "ACTION_STATUS_IS_NOT", "OR",
)  # fmt: skip
VARIABLE_TYPES = (
    "VAR", "FILE", "SSH_KEY", "IOS_KEYCHAIN", "IOS_PROVISION_PROFILES", "SSH_PUBLIC_KEY", "GPG_KEY",
)  # fmt: skip

Text = str | None
Flag = bool | None
Number = Int | None
API_URL = "API endpoint of this object; the collector never follows it"
WEB_URL = "Web address of this object in Buddy"


class ShortWorkspace(BuddyObject, frozen=True, kw_only=True):
    """An item of GET /workspaces (buddy-api.md, 4.1 and 5.6)."""

    domain: Annotated[Name, field("Human-readable id of the workspace, used in addresses")]
    id: Annotated[Number, field("Numeric id of the workspace")] = None
    name: Annotated[Text, field("Display name of the workspace")] = None
    url: Annotated[Text, field(API_URL)] = None
    html_url: Annotated[Text, field(WEB_URL)] = None


class ShortProject(BuddyObject, frozen=True, kw_only=True):
    """An item of GET …/projects (buddy-api.md, 4.4 and 5.6)."""

    name: Annotated[Name, field("Human-readable id of the project, used in addresses")]
    display_name: Annotated[Text, field("Display name of the project")] = None
    status: Annotated[Text, field("Whether the project is active or closed", values=("ACTIVE", "CLOSED"))] = None
    access: Annotated[Text, field("Whether the project is private or public", values=("PRIVATE", "PUBLIC"))] = None
    create_date: Annotated[Text, field("When the project was created (UTC)", column_type="timestamp")] = None
    url: Annotated[Text, field(API_URL)] = None
    html_url: Annotated[Text, field(WEB_URL)] = None


class ShortPipeline(BuddyObject, frozen=True, kw_only=True):
    """An item of GET …/pipelines (buddy-api.md, 5.4)."""

    id: Annotated[Int, field("Numeric id of the pipeline")]
    identifier: Annotated[Text, field("Human-readable id of the pipeline")] = None
    name: Annotated[Text, field("Name of the pipeline")] = None
    refs: Annotated[list[str] | None, field("Git refs the pipeline runs on")] = None
    events: Annotated[Any, field("Events that start the pipeline: a list of PipelineEventView")] = None
    loop: Annotated[list[str] | None, field("Values for each of which the pipeline runs once")] = None
    tags: Annotated[list[str] | None, field("Tags of the pipeline")] = None
    priority: Annotated[Text, field("Priority of the pipeline in the queue", values=("LOW", "NORMAL", "HIGH"))] = None
    disabled: Annotated[Flag, field("True when the pipeline is disabled and cannot run")] = None
    disabled_reason: Annotated[Text, field("Why the pipeline is disabled")] = None
    last_execution_status: Annotated[Text, field("Status of the pipeline's last execution", values=STATUSES)] = None
    last_execution_revision: Annotated[Text, field("Git revision of the pipeline's last execution")] = None
    create_date: Annotated[Text, field("When the pipeline was created (UTC)", column_type="timestamp")] = None
    definition_source: Annotated[Text, field("Defined in Buddy or in a YAML file", values=("LOCAL", "REMOTE"))] = None
    git_config_ref: Annotated[Text, field("Git ref of the YAML definition", values=("NONE", "DYNAMIC", "FIXED"))] = None
    paused: Annotated[Flag, field("True when the pipeline is paused")] = None
    target_site_url: Annotated[Text, field("Address of the site the pipeline deploys to")] = None
    url: Annotated[Text, field(API_URL)] = None
    html_url: Annotated[Text, field(WEB_URL)] = None
    execution_message_template: Annotated[Text, field("Template of the message of an execution")] = None
    always_from_scratch: Annotated[Flag, field("True when each execution deploys all files again")] = None
    ignore_fail_on_project_status: Annotated[Flag, field("True when failures do not affect the project's status")] = (
        None
    )
    no_skip_to_most_recent: Annotated[Flag, field("True when every queued execution runs, not only the last")] = None
    terminate_stale_runs: Annotated[Flag, field("True when a newer execution terminates an older one")] = None
    auto_clear_cache: Annotated[Flag, field("True when the cache is cleared before each execution")] = None
    pause_on_repeated_failures: Annotated[Number, field("Failures that pause a schedule", unit="runs")] = None
    fetch_all_refs: Annotated[Flag, field("True when all git refs are fetched")] = None
    fail_on_prepare_env_warning: Annotated[Flag, field("True when a warning during preparation is a failure")] = None
    concurrent_pipeline_runs: Annotated[Flag, field("True when executions may run at the same time")] = None
    clone_depth: Annotated[Number, field("Depth of the git clone; NULL means the full history", unit="commits")] = None
    do_not_create_commit_status: Annotated[Flag, field("True when no commit status is sent to the git host")] = None
    stale: Annotated[Flag, field("True when Buddy reports the pipeline as stale")] = None
    waiting_for_push: Annotated[Flag, field("True when the pipeline waits for its first push")] = None
    resources: Annotated[Text, field("Size of the machine the pipeline runs on")] = None
    remote_path: Annotated[Text, field("Path of the remote YAML definition")] = None
    remote_ref: Annotated[Text, field("Git ref of the remote YAML definition")] = None
    remote_project_name: Annotated[Text, field("Project that holds the remote YAML definition")] = None
    remote_parameters: Annotated[Any, field("Parameters of the remote definition: a list of {key, value}")] = None
    git_config: Annotated[Any, field("Fixed place of the YAML definition: {path, branch, project}")] = None
    git_changeset_base: Annotated[
        Text, field("What changes are compared with", values=("LATEST_RUN", "LATEST_RUN_MATCHING_REF", "PULL_REQUEST"))
    ] = None
    filesystem_changeset_base: Annotated[
        Text, field("How changed files are detected", values=("DATE_MODIFIED", "CONTENTS"))
    ] = None
    cpu: Annotated[Text, field("Processor of the machine", values=("X64", "ARM", "X86"))] = None
    description_required: Annotated[Flag, field("True when an execution needs a description")] = None
    folder: Annotated[Text, field("Folder of the pipeline")] = None


class ShortAction(BuddyObject, frozen=True, kw_only=True):
    """An item of GET …/actions, of any type (buddy-api.md, 4.7 and 4.8)."""

    id: Annotated[Int, field("Numeric id of the action")]
    name: Annotated[Text, field("Name of the action")] = None
    type: Annotated[Name, field("Type of the action")]
    trigger_time: Annotated[Text, field("When the action is executed", values=TRIGGER_TIMES)] = None
    disabled: Annotated[Flag, field("True when the action is disabled")] = None
    last_execution_status: Annotated[Text, field("Status of the action's last execution", values=STATUSES)] = None


class PromoteImage(BuddyObject, frozen=True, kw_only=True):
    """One end of a promotion, PromoteImageView (buddy-api.md, 5.1)."""

    docker_registry: Annotated[Text, field("Kind of registry", values=DOCKER_REGISTRIES)] = None
    registry: Annotated[Text, field("Address of the registry, where the kind does not imply it")] = None
    image: Annotated[Text, field("Image as written in Buddy; may contain the tag and $VARIABLES")] = None
    tag: Annotated[Text, field("Tag as written in Buddy; may contain $VARIABLES")] = None
    region: Annotated[Text, field("Region of an Amazon ECR registry")] = None
    integration: Annotated[
        str | dict[str, Any] | None,
        field("Integration used to sign in: its id, or the hash_id, identifier or name of an object"),
    ] = None
    username: Annotated[Text, field("User name used to sign in where there is no integration")] = None


class TriggerCondition(BuddyObject, frozen=True, kw_only=True):
    """A condition under which an action runs; the list is ANDed, OR separates (buddy-api.md, 5.2)."""

    trigger_condition: Annotated[Text, field("Kind of condition", values=TRIGGER_CONDITIONS)] = None
    trigger_condition_paths: Annotated[list[str] | None, field("Paths in which something must have changed")] = None
    trigger_variable_key: Annotated[Text, field("Variable that is compared")] = None
    trigger_variable_value: Annotated[Text, field("Value the variable is compared with")] = None
    trigger_hours: Annotated[list[Int] | None, field("Hours of the day", unit="hour 1-24")] = None
    trigger_days: Annotated[list[Int] | None, field("Days of the week, Monday is 1", unit="day 1-7")] = None
    timezone: Annotated[Text, field("Time zone of hours and days; named zone_id before January 2025")] = None
    zone_id: Annotated[Text, field("Name of timezone before January 2025")] = None
    trigger_project_name: Annotated[Text, field("Project of the pipeline that must have succeeded")] = None
    trigger_pipeline_name: Annotated[Text, field("Pipeline that must have succeeded")] = None
    trigger_user: Annotated[Text, field("E-mail address of the user who must have started the execution")] = None
    trigger_group: Annotated[Text, field("Group of the user who must have started the execution")] = None
    trigger_action_name: Annotated[Text, field("Action whose status is checked")] = None
    trigger_status: Annotated[
        Text, field("Status the action must have", values=("SUCCESSFUL", "SKIPPED", "SUPRESSED", "FAILED"))
    ] = None


class Variable(BuddyObject, frozen=True, kw_only=True):
    """An environment variable of an action, EnvironmentVariableView (buddy-api.md, 5.3)."""

    id: Annotated[Number, field("Numeric id of the variable")] = None
    key: Annotated[Text, field("Name of the variable")] = None
    type: Annotated[Text, field("Kind of variable", values=VARIABLE_TYPES)] = None
    encrypted: Annotated[Flag, field("True when Buddy stores the value encrypted")] = None
    settable: Annotated[Flag, field("True when actions may set the variable")] = None
    run_only_settable: Annotated[Flag, field("True when it may be set only when an execution starts")] = None
    description: Annotated[Text, field("Description of the variable")] = None
    value: Annotated[Text, field("Value; kept only with variable_values = keep and only if not encrypted")] = None
    file_path: Annotated[Text, field("Path of the file variable")] = None
    file_place: Annotated[Text, field("Where the file is put", values=("NONE", "CONTAINER"))] = None
    file_chmod: Annotated[Text, field("Access mode of the file")] = None
    init_path: Annotated[Text, field("Original path of the uploaded file")] = None
    disabled: Annotated[Flag, field("True when the variable is disabled")] = None


class Principal(BuddyObject, frozen=True, kw_only=True):
    """A user or a group and its right (buddy-api.md, 5.5)."""

    id: Annotated[Int, field("Numeric id of the user or group")]
    access_level: Annotated[Text, field("Access level on the action", values=ACCESS_LEVELS)] = None


class NamedPrincipal(BuddyObject, frozen=True, kw_only=True):
    """A member or a group of a workspace, MemberView and its counterpart for groups (buddy-api.md, 5.6)."""

    id: Annotated[Int, field("Numeric id of the user or group")]
    name: Annotated[Text, field("Name of the user or group")] = None


class Permissions(BuddyObject, frozen=True, kw_only=True):
    """Who may do what with an action, PermissionsView (buddy-api.md, 5.5)."""

    others: Annotated[Text, field("Access level of all users who are not listed", values=ACCESS_LEVELS)] = None
    users: Annotated[list[Principal] | None, field("Access levels of users")] = None
    groups: Annotated[list[Principal] | None, field("Access levels of groups")] = None


class NestedPipeline(BuddyObject, frozen=True, kw_only=True):
    """The pipeline inside an action: only the fields that the action's row has; the rest of it is `extra`."""

    id: Annotated[Number, field("Numeric id of the pipeline")] = None
    name: Annotated[Text, field("Name of the pipeline, as given in the action")] = None
    identifier: Annotated[Text, field("Human-readable id of the pipeline, as given in the action")] = None
    url: Annotated[Text, field("API endpoint of the pipeline; the collector never follows it")] = None
    html_url: Annotated[Text, field("Web address of the pipeline in Buddy")] = None


class PromoteImageAction(BuddyObject, frozen=True, kw_only=True):
    """A Tag Docker Image action (the vendor's page, "Response")."""

    id: Annotated[Number, field("Numeric id of the action")] = None
    type: Annotated[Text, field("Type of the action: PROMOTE_IMAGE")] = None
    url: Annotated[Text, field(API_URL)] = None
    html_url: Annotated[Text, field(WEB_URL)] = None
    name: Annotated[Text, field("Name of the action")] = None
    current_revision: Annotated[Text, field("Git revision of the action's last successful execution")] = None
    trigger_time: Annotated[Text, field("When the action is executed", values=TRIGGER_TIMES)] = None
    trigger_conditions: Annotated[list[TriggerCondition] | None, field("Conditions that must hold")] = None
    run_next: Annotated[Text, field("Whether the action runs in parallel with the next one", values=RUN_NEXT)] = None
    run_only_on_first_failure: Annotated[Flag, field("With ON_FAILURE: only on the first failure")] = None
    variables: Annotated[list[Variable] | None, field("Variables of the action")] = None
    disabled: Annotated[Flag, field("True when the action is disabled")] = None
    timeout: Annotated[Number, field("Time limit of the action", unit="s")] = None
    ignore_errors: Annotated[Flag, field("True when the execution continues after a failure, with a warning")] = None
    retry_count: Annotated[Number, field("Number of retries if the action fails", unit="retries")] = None
    retry_interval: Annotated[Number, field("Delay between retries", unit="s")] = None
    last_execution_status: Annotated[Text, field("Status of the action's last execution", values=STATUSES)] = None
    pipeline: Annotated[NestedPipeline | None, field("Pipeline of the action")] = None
    permissions: Annotated[Permissions | None, field("Access permissions")] = None
    loop: Annotated[list[str] | None, field("Commands that are executed in a loop")] = None
    same_location: Annotated[Flag, field("True when the image stays in its registry and only gets another tag")] = None
    src: Annotated[PromoteImage | None, field("Image that is promoted")] = None
    dest: Annotated[PromoteImage | None, field("Destination of the promotion")] = None
    insecure_registry: Annotated[Flag, field("True when registries without valid TLS are allowed")] = None
