"""The contract of the lake: its tables, column by column (design.md, section 5).

A column that comes from Buddy is made from the field's declaration (buddy/schema.py): name, type, unit, meaning and
order are written only there, so a new field is a new column without a change here. `source` is the path in the reply's
JSON: flatten reads a column there, and what no column reads goes to `extra`. Timestamps are UTC without a zone in the
type, because DuckDB would show its zoned type in the reader's time zone.
"""

from dataclasses import replace

from collector.buddy import schema
from collector.lake.execution_tables import ACTION_EXECUTIONS, EXECUTIONS
from collector.lake.shared_columns import (
    ACTION_COVERAGE,
    COVERAGE,
    EXECUTIONS_COVERAGE,
    EXTRA,
    FETCHED_AT,
    FIRST_SEEN,
    KEY,
    KEY_NAMES,
    LAST_SEEN,
    PIPELINE,
    PIPELINE_COVERAGE,
    POSITION,
    PROJECT,
    RUN,
    WORKSPACE,
)
from collector.lake.state_tables import STATE_TABLES
from collector.lake.table import Column, Table, api_columns

RUNS = Table(
    "runs",
    "run and installation",
    (
        *RUN,
        Column("status", "string", "complete, or partial when something selected was not seen",
               values=("complete", "partial")),
        Column("started_at", "timestamp", "When the run began (UTC)"),
        Column("finished_at", "timestamp", "When the run was published (UTC)"),
        Column("resumed_count", "int", "How often the run was resumed after an interruption"),
        Column("collector_version", "string", "Version of the collector"),
        Column("schema_fingerprint", "string", "Fingerprint of all table schemas"),
        Column("api_url", "string", "Base URL of the API"),
        Column("requests", "int", "HTTP requests sent, retries and refused ones included", "requests"),
        Column("retries", "int", "Requests sent again after a failure", "requests"),
        Column("refusals", "int", "Requests refused by Buddy's rate limit (429)", "requests"),
        Column("bytes_received", "int", "Bytes of reply bodies as received, before decompression", "bytes"),
        Column("paced_seconds", "float", "Time that workers waited for the collector's own rate limit", "s"),
        Column("paused_seconds", "float", "Time that the run was paused for Buddy's rate limit", "s"),
        Column("problems", "int", "Rows of this run in problems that are no notices", "rows"),
        Column("filters", "json", "JSON of the workspace and project globs of the run"),
        Column("notices", "int", "Rows of this run in problems that are notices", "rows"),
    ),
    ("run_id", "installation"),
)  # fmt: skip
WORKSPACES = Table(
    "workspaces",
    "workspace seen",
    (*RUN, *api_columns(schema.ShortWorkspace, rename={"domain": "workspace", "id": "workspace_id"}), COVERAGE, EXTRA),
    ("run_id", "installation", "workspace"),
)
PROJECTS = Table(
    "projects",
    "project seen",
    (*RUN, WORKSPACE, *api_columns(schema.ShortProject, rename={"name": "project"}), COVERAGE, EXTRA),
    ("run_id", "installation", "workspace", "project"),
    parent="workspaces",
)
PIPELINES = Table(
    "pipelines",
    "pipeline seen",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        *api_columns(schema.ShortPipeline, last="html_url", rename={"id": "pipeline_id"}),
        Column(
            "coverage",
            "string",
            "Whether everything below was seen; carried: its entry had not changed, so what is below is as last read",
            values=PIPELINE_COVERAGE,
            required=True,
        ),
        EXTRA,
        *api_columns(schema.ShortPipeline, after="html_url"),
        Column(
            "executions_coverage",
            "string",
            "Whether the executions that a promotion needs were all read; carried: not asked for in this run",
            values=EXECUTIONS_COVERAGE,
        ),
        Column(
            "executions_from",
            "timestamp",
            "No execution that began at or after this moment (UTC) is missing; NULL when nothing is certain",
        ),
    ),
    ("run_id", "installation", "workspace", "project", "pipeline_id"),
    parent="projects",
)
ACTIONS = Table(
    "actions",
    "action of any type in a list",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        *api_columns(schema.ShortAction, last="id", rename={"id": "action_id"}),
        POSITION,
        *api_columns(schema.ShortAction, after="id"),
        Column("coverage", "string", "What became of the action in this run", values=ACTION_COVERAGE, required=True),
        EXTRA,
    ),
    ("run_id", "installation", *KEY_NAMES),
    parent="pipelines",
)
_PROMOTE_COLUMNS = (
    *api_columns(schema.PromoteImageAction, without=("id",)),
    *api_columns(schema.Permissions, at=("permissions",), prefix="permissions_"),
    *api_columns(schema.NestedPipeline, at=("pipeline",), prefix="pipeline_", without=("id",)),
    *api_columns(schema.PromoteImage, at=("src",), prefix="src_"),
    *api_columns(schema.PromoteImage, at=("dest",), prefix="dest_"),
    FETCHED_AT,
    EXTRA,
)
PROMOTE_IMAGE_ACTIONS = Table(
    "promote_image_actions",
    "promote-image action",
    (*RUN, *KEY, *_PROMOTE_COLUMNS),
    ("run_id", "installation", *KEY_NAMES),
    parent="actions",
)
TRIGGER_CONDITIONS = Table(
    "trigger_conditions",
    "condition of an action",
    (*RUN, *KEY, POSITION, *api_columns(schema.TriggerCondition, without=("zone_id",)), EXTRA),
    ("run_id", "installation", *KEY_NAMES, "position"),
    parent="promote_image_actions",
)
VARIABLES = Table(
    "variables",
    "variable of an action",
    (
        *RUN,
        *KEY,
        POSITION,
        *api_columns(schema.Variable, last="description", rename={"id": "variable_id"}),
        Column("value_state", "string", "What the value was, or what was done with it",
               values=("absent", "empty", "encrypted", "redacted", "kept")),
        *api_columns(schema.Variable, after="description"),
        EXTRA,
    ),
    ("run_id", "installation", *KEY_NAMES, "position"),
    parent="promote_image_actions",
)  # fmt: skip
PERMISSIONS = Table(
    "permissions",
    "user or group right on an action",
    (
        *RUN,
        *KEY,
        Column("principal_type", "string", "user or group", values=("user", "group"), required=True),
        *api_columns(schema.Principal, rename={"id": "principal_id"}),
    ),
    ("run_id", "installation", *KEY_NAMES, "principal_type", "principal_id"),
    parent="promote_image_actions",
)
PRINCIPALS = Table(
    "principals",
    "user or group of a workspace, where names were asked for (collect --names)",
    (
        *RUN,
        WORKSPACE,
        Column("principal_type", "string", "user or group", values=("user", "group"), required=True),
        *api_columns(schema.NamedPrincipal, rename={"id": "principal_id"}),
        EXTRA,
    ),
    ("run_id", "installation", "workspace", "principal_type", "principal_id"),
    parent="workspaces",
)
PROBLEM_KINDS = (
    "unauthorised", "forbidden", "gone", "api_disabled", "frozen", "http_error", "connection", "timeout", "too_large",
    "redirect_refused", "not_json", "not_understood", "unsettled_listing", "deadline", "abandoned_run", "check",
)  # fmt: skip
PROBLEMS = Table(
    "problems",
    "thing that went wrong",
    (
        *RUN,
        Column("kind", "string", "What went wrong", values=PROBLEM_KINDS, required=True),
        # A problem may concern the whole run, so no part of the key is required.
        *(replace(column, required=False) for column in KEY),
        Column("request_path", "string", "Path and query of the request"),
        Column("http_status", "int", "Status of the last reply, if there was one"),
        Column("message", "string", "Description of what happened"),
        Column("json_path", "string", "Place in the reply that was not understood"),
        Column("attempts", "int", "Requests sent before giving up", "requests"),
        Column("first_seen_at", "timestamp", "First attempt (UTC)"),
        Column("last_seen_at", "timestamp", "Last attempt (UTC)"),
        Column("raw", "string", "Redacted text of what was not understood"),
        Column("severity", "string", "problem, or notice: worth knowing, and hides nothing that was asked for",
               values=("problem", "notice")),
    ),
    ("run_id", "installation", *KEY_NAMES, "kind", "json_path", "message"),
    unique=False,
)  # fmt: skip
ACTION_CHANGES = Table(
    "action_changes",
    "changed field of an action, or an action that came or went",
    (
        *RUN,
        *KEY,
        Column("change", "string", "What happened", values=("added", "changed", "removed", "returned")),
        Column("aspect", "string", "Whether the configuration changed, or only the last execution",
               values=("configuration", "execution")),
        Column("column_name", "string", "Column of promote_image_actions, or the child table, that changed"),
        Column("old_value", "string", "Last known value; lists and objects as JSON"),
        Column("new_value", "string", "Value now; lists and objects as JSON"),
        Column("previous_run_id", "string", "Run in which the action was last seen"),
    ),
    ("run_id", "installation", *KEY_NAMES, "change", "column_name"),
)  # fmt: skip
LAST_KNOWN_ACTIONS = Table(
    "last_known_actions",
    "action ever seen and not known removed",
    (*RUN, *KEY, *_PROMOTE_COLUMNS, FIRST_SEEN, LAST_SEEN),
    ("installation", *KEY_NAMES),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        RUNS, WORKSPACES, PROJECTS, PIPELINES, ACTIONS, PROMOTE_IMAGE_ACTIONS, TRIGGER_CONDITIONS, VARIABLES,
        PERMISSIONS, PRINCIPALS, PROBLEMS, ACTION_CHANGES, LAST_KNOWN_ACTIONS, EXECUTIONS, ACTION_EXECUTIONS,
    )
}  # fmt: skip

ALL: dict[str, Table] = TABLES | {table.name: table for table in STATE_TABLES}
# Tables that hold the state after the last run: each run replaces their file.
SNAPSHOTS = frozenset({LAST_KNOWN_ACTIONS.name, *(table.name for table in STATE_TABLES)})
# The columns of promote_image_actions that are compared from run to run: what Buddy sent, and so neither the place of
# an action, which is its identity, nor what the collector adds.
COMPARED_COLUMNS = [column.name for column in PROMOTE_IMAGE_ACTIONS.columns if column.source or column is EXTRA]
# The tables whose rows belong to an action; they are compared like columns of it.
CHILD_TABLES = [table.name for table in TABLES.values() if table.parent == PROMOTE_IMAGE_ACTIONS.name]
