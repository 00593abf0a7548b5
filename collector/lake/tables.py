"""The contract of the lake: the twelve tables, column by column (design.md, section 5).

A column that comes from Buddy is taken from the view that declares it (buddy/views.py), so its type, unit and meaning
are written once. `source` is the path in the reply's JSON: flatten reads a column there, and whatever no column names
goes to `extra`. Timestamps are UTC without a zone in the type: DuckDB's zoned type would show them in the reader's zone.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import pyarrow as pa

from collector.buddy.field_spec import BuddyObject, ColumnType, FieldSpec, field_specs
from collector.buddy.schema import (
    NestedPipeline,
    Permissions,
    Principal,
    PromoteImage,
    PromoteImageAction,
    ShortAction,
    ShortPipeline,
    ShortProject,
    ShortWorkspace,
    TriggerCondition,
    Variable,
)

_FINGERPRINT_DIGITS = 16

ARROW: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "strings": pa.list_(pa.string()),
    "ints": pa.list_(pa.int64()),
    "timestamp": pa.timestamp("us"),
    "json": pa.string(),
}
SQL: dict[ColumnType, str] = {
    "string": "VARCHAR",
    "int": "BIGINT",
    "bool": "BOOLEAN",
    "strings": "VARCHAR[]",
    "ints": "BIGINT[]",
    "timestamp": "TIMESTAMP",
    "json": "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Arrow type and DuckDB's name of it, its unit and meaning, and where in the reply it stands."""

    name: str
    arrow: pa.DataType
    sql: str
    unit: str | None
    meaning: str
    json: bool = False
    logical: ColumnType | None = None
    source: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns in the promised order, and the columns that make a row unique in the lake."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """The exact Arrow schema of every file of this table."""
        return pa.schema([pa.field(c.name, c.arrow) for c in self.columns])

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of every file that is written under today's contract."""
        return schema_fingerprint(self.schema)


def schema_fingerprint(schema: pa.Schema) -> str:
    """A short name for the columns of a file: equal when names, types and order are equal."""
    words = "\n".join(f"{field.name} {field.type}" for field in schema)
    # A list's element is called `item` in memory and `element` in Parquet: the same type by another name.
    return sha256(words.replace("<element:", "<item:").encode()).hexdigest()[:_FINGERPRINT_DIGITS]


def own_column(
    name: str, logical: ColumnType, meaning: str, unit: str | None = None, values: tuple[str, ...] = ()
) -> Column:
    """A column that the collector itself fills in."""
    return Column(name, ARROW[logical], SQL[logical], unit, meaning, logical == "json", logical, (), values)


def api_columns(
    view: type[BuddyObject],
    *names: str,
    at: tuple[str, ...] = (),
    prefix: str = "",
    rename: dict[str, str] | None = None,
) -> tuple[Column, ...]:
    """Columns declared by a view: `names` of it (all when none is named), found under `at` in the reply."""
    declared = {d.name: d for d in field_specs(view)}
    return tuple(
        _from_declared(declared[n], (*at, n), prefix + (rename or {}).get(n, n)) for n in (names or tuple(declared))
    )


def _from_declared(declared: FieldSpec, source: tuple[str, ...], name: str) -> Column:
    logical = declared.logical
    return Column(
        name, ARROW[logical], SQL[logical], declared.unit, declared.meaning, logical == "json", logical, source,
        declared.values,
    )  # fmt: skip


RUN = (
    own_column("run_id", "string", "The run (night) that wrote the row; sortable by time"),
    Column("run_date", pa.date32(), "DATE", None, "UTC date on which the run began"),
    own_column("installation", "string", "Buddy installation: us, eu, as, a configured name, or the host"),
)
WORKSPACE = own_column("workspace", "string", "Human-readable id (domain) of the workspace")
PROJECT = own_column("project", "string", "Human-readable id (name) of the project")
PIPELINE = own_column("pipeline_id", "int", "Numeric id of the pipeline")
ACTION = own_column("action_id", "int", "Numeric id of the action")
KEY = (WORKSPACE, PROJECT, PIPELINE, ACTION)
KEY_NAMES = ("workspace", "project", "pipeline_id", "action_id")
LIST_COVERAGE = ("complete", "forbidden", "gone", "failed", "skipped")
ACTION_COVERAGE = ("fetched", "not_promote_image", "forbidden", "gone", "failed", "quarantined", "skipped")
COVERAGE = own_column("coverage", "string", "Whether everything below it was seen", values=LIST_COVERAGE)
EXTRA = own_column("extra", "json", "JSON of every field Buddy sent that has no column; NULL when there is none")

RUNS = Table(
    "runs",
    "run",
    (
        *RUN,
        own_column("status", "string", "complete, or partial when something selected was not seen", None,
              ("complete", "partial")),
        own_column("started_at", "timestamp", "When the run began (UTC)"),
        own_column("finished_at", "timestamp", "When the run was published (UTC)"),
        own_column("resumed_count", "int", "How often the run was taken up again after an interruption"),
        own_column("collector_version", "string", "Version of this program"),
        own_column("schema_fingerprint", "string", "Fingerprint of all table schemas"),
        own_column("api_url", "string", "Base URL of the API"),
        own_column("requests", "int", "HTTP requests sent, retries and refusals included", "requests"),
        own_column("retries", "int", "Requests sent again after a failure", "requests"),
        own_column("refusals", "int", "Requests Buddy refused for its rate limit", "requests"),
        own_column("bytes_received", "int", "Bytes of reply bodies after decompression", "bytes"),
        Column("paced_seconds", pa.float64(), "DOUBLE", "s", "Time workers waited for our own ceiling"),
        Column("paused_seconds", pa.float64(), "DOUBLE", "s", "Time the crawl waited for Buddy's rate limit"),
        own_column("problems", "int", "Rows of this run in problems", "rows"),
        own_column("filters", "json", "JSON of the workspace and project globs the run was asked for"),
    ),
    ("run_id", "installation"),
)  # fmt: skip
WORKSPACES = Table(
    "workspaces",
    "workspace seen",
    (
        *RUN,
        *api_columns(ShortWorkspace, "domain", "id", rename={"domain": "workspace", "id": "workspace_id"}),
        *api_columns(ShortWorkspace, "name", "url", "html_url"),
        COVERAGE,
        EXTRA,
    ),
    ("run_id", "installation", "workspace"),
)
PROJECTS = Table(
    "projects",
    "project seen",
    (
        *RUN,
        WORKSPACE,
        *api_columns(ShortProject, "name", rename={"name": "project"}),
        *api_columns(ShortProject, "display_name", "status", "access", "create_date", "url", "html_url"),
        COVERAGE,
        EXTRA,
    ),
    ("run_id", "installation", "workspace", "project"),
)
_PIPELINE_FIRST = (
    "identifier", "name", "refs", "events", "loop", "tags", "priority", "disabled", "disabled_reason",
    "last_execution_status", "last_execution_revision", "create_date", "definition_source", "git_config_ref", "paused",
    "target_site_url", "url", "html_url",
)  # fmt: skip
_PIPELINE_REST = tuple(d.name for d in field_specs(ShortPipeline) if d.name not in {"id", *_PIPELINE_FIRST})
PIPELINES = Table(
    "pipelines",
    "pipeline seen",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        *api_columns(ShortPipeline, "id", rename={"id": "pipeline_id"}),
        *api_columns(ShortPipeline, *_PIPELINE_FIRST),
        COVERAGE,
        EXTRA,
        *api_columns(ShortPipeline, *_PIPELINE_REST),
    ),
    ("run_id", "installation", "workspace", "project", "pipeline_id"),
)
POSITION = own_column("position", "int", "Place in Buddy's list, the first is 1")
ACTIONS = Table(
    "actions",
    "action of any type in a list",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        *api_columns(ShortAction, "id", rename={"id": "action_id"}),
        POSITION,
        *api_columns(ShortAction, "name", "type", "trigger_time", "disabled", "last_execution_status"),
        own_column("coverage", "string", "What became of the action in this run", values=ACTION_COVERAGE),
        EXTRA,
    ),
    ("run_id", "installation", *KEY_NAMES),
)
_PROMOTE_COLUMNS = (
    *api_columns(PromoteImageAction, "type", "url", "html_url", "name", "current_revision", "trigger_time", "run_next",
           "run_only_on_first_failure", "disabled", "timeout", "ignore_errors", "retry_count", "retry_interval",
           "last_execution_status", "loop", "same_location", "insecure_registry"),
    *api_columns(Permissions, "others", at=("permissions",), prefix="permissions_"),
    *api_columns(NestedPipeline, "name", "identifier", "url", "html_url", at=("pipeline",), prefix="pipeline_"),
    *api_columns(PromoteImage, at=("src",), prefix="src_"),
    *api_columns(PromoteImage, at=("dest",), prefix="dest_"),
    own_column("fetched_at", "timestamp", "When Buddy's reply arrived (UTC)"),
    EXTRA,
)  # fmt: skip
PROMOTE_IMAGE_ACTIONS = Table(
    "promote_image_actions",
    "promote-image action",
    (*RUN, *KEY, *_PROMOTE_COLUMNS),
    ("run_id", "installation", *KEY_NAMES),
)
TRIGGER_CONDITIONS = Table(
    "trigger_conditions",
    "condition of an action",
    (*RUN, *KEY, POSITION, *(c for c in api_columns(TriggerCondition) if c.name != "zone_id"), EXTRA),
    ("run_id", "installation", *KEY_NAMES, "position"),
)
VALUE_STATES = ("absent", "empty", "encrypted", "redacted", "kept")
VARIABLES = Table(
    "variables",
    "variable of an action",
    (
        *RUN,
        *KEY,
        POSITION,
        *api_columns(Variable, "id", rename={"id": "variable_id"}),
        *api_columns(Variable, "key", "type", "encrypted", "settable", "run_only_settable", "description"),
        own_column("value_state", "string", "What was done with the value", values=VALUE_STATES),
        *api_columns(Variable, "value", "file_path", "file_place", "file_chmod", "init_path", "disabled"),
        EXTRA,
    ),
    ("run_id", "installation", *KEY_NAMES, "position"),
)
PERMISSIONS = Table(
    "permissions",
    "user or group right on an action",
    (
        *RUN,
        *KEY,
        own_column("principal_type", "string", "user or group", values=("user", "group")),
        *api_columns(Principal, "id", rename={"id": "principal_id"}),
        *api_columns(Principal, "access_level"),
    ),
    ("run_id", "installation", *KEY_NAMES, "principal_type", "principal_id"),
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
        own_column("kind", "string", "What went wrong", values=PROBLEM_KINDS),
        *KEY,
        own_column("request_path", "string", "Path and query that were asked"),
        own_column("http_status", "int", "Status of the last reply, if there was one"),
        own_column("message", "string", "What happened, in words"),
        own_column("json_path", "string", "Place in the reply that could not be understood"),
        own_column("attempts", "int", "Requests sent before giving up", "requests"),
        own_column("first_seen_at", "timestamp", "First attempt (UTC)"),
        own_column("last_seen_at", "timestamp", "Last attempt (UTC)"),
        own_column("raw", "string", "Redacted text of what could not be understood"),
    ),
    # A problem has no key of its own; these columns only give the file its order.
    ("run_id", "installation", "workspace", "project", "pipeline_id", "action_id", "kind", "json_path", "message"),
)
ACTION_CHANGES = Table(
    "action_changes",
    "changed field of an action, or an action that came or went",
    (
        *RUN,
        *KEY,
        own_column("change", "string", "What happened", values=("added", "changed", "removed", "returned")),
        own_column("aspect", "string", "Whether the set-up or only its running changed", None,
              ("configuration", "execution")),
        own_column("column_name", "string", "Column of promote_image_actions, or the child table, that changed"),
        own_column("old_value", "string", "Value as last known; lists and objects as JSON"),
        own_column("new_value", "string", "Value now; lists and objects as JSON"),
        own_column("previous_run_id", "string", "Run in which the action was last seen"),
    ),
    ("run_id", "installation", *KEY_NAMES, "change", "column_name"),
)  # fmt: skip
FIRST_SEEN = own_column("first_seen_run_id", "string", "Run that saw the action first")
LAST_SEEN = own_column("last_seen_run_id", "string", "Run that saw the action last")
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
        PERMISSIONS, PROBLEMS, ACTION_CHANGES, LAST_KNOWN_ACTIONS,
    )
}  # fmt: skip

# Not one of the twelve, and no reader's business: what the next night needs to tell `returned` from `added` and to see
# a changed child row, at a cost that doesn't grow with the nights kept. Values of variables are never in it.
ACTION_STATE = Table(
    "action_state",
    "action ever seen, removed ones included",
    (
        *RUN,
        *KEY,
        FIRST_SEEN,
        LAST_SEEN,
        own_column("removed_run_id", "string", "Run that found the action removed; NULL while it lives"),
        own_column("trigger_conditions", "json", "JSON of its trigger conditions"),
        own_column("variables", "json", "JSON of its variables, without values"),
        own_column("permissions", "json", "JSON of its permissions"),
    ),
    ("installation", *KEY_NAMES),
)
ALL: dict[str, Table] = {**TABLES, ACTION_STATE.name: ACTION_STATE}
# One row per action, as of the last run: the new file stands for everything the old one said.
SNAPSHOTS = frozenset({LAST_KNOWN_ACTIONS.name, ACTION_STATE.name})
