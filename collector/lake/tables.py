"""The contract of the lake: the twelve tables, column by column (design.md, section 5).

A column that comes from Buddy is taken from the view that declares it (buddy/views.py), so its type, unit and meaning
are written once. `source` is the path in the reply's JSON: flatten reads a column there, and whatever no column names
goes to `extra`. Timestamps are UTC without a zone in the type: DuckDB's zoned type would show them in the reader's zone.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import pyarrow as pa

from collector.buddy.fields import Declared, Logical, View, declared_fields
from collector.buddy.views import (
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

ARROW: dict[Logical, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "strings": pa.list_(pa.string()),
    "ints": pa.list_(pa.int64()),
    "timestamp": pa.timestamp("us"),
    "json": pa.string(),
}
SQL: dict[Logical, str] = {
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
    logical: Logical | None = None
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


def given(
    name: str, logical: Logical, meaning: str, unit: str | None = None, values: tuple[str, ...] = ()
) -> Column:
    """A column that the collector itself fills in."""
    return Column(name, ARROW[logical], SQL[logical], unit, meaning, logical == "json", logical, (), values)


def taken(
    view: type[View],
    *names: str,
    at: tuple[str, ...] = (),
    prefix: str = "",
    rename: dict[str, str] | None = None,
) -> tuple[Column, ...]:
    """Columns declared by a view: `names` of it (all when none is named), found under `at` in the reply."""
    declared = {d.name: d for d in declared_fields(view)}
    return tuple(
        _from_declared(declared[n], (*at, n), prefix + (rename or {}).get(n, n))
        for n in (names or tuple(declared))
    )


def _from_declared(declared: Declared, source: tuple[str, ...], name: str) -> Column:
    logical = declared.logical
    return Column(
        name, ARROW[logical], SQL[logical], declared.unit, declared.meaning, logical == "json", logical, source,
        declared.values,
    )  # fmt: skip


RUN = (
    given("run_id", "string", "The run (night) that wrote the row; sortable by time"),
    Column("run_date", pa.date32(), "DATE", None, "UTC date on which the run began"),
    given("installation", "string", "Buddy installation: us, eu, as, a configured name, or the host"),
)
WORKSPACE = given("workspace", "string", "Human-readable id (domain) of the workspace")
PROJECT = given("project", "string", "Human-readable id (name) of the project")
PIPELINE = given("pipeline_id", "int", "Numeric id of the pipeline")
ACTION = given("action_id", "int", "Numeric id of the action")
KEY = (WORKSPACE, PROJECT, PIPELINE, ACTION)
KEY_NAMES = ("workspace", "project", "pipeline_id", "action_id")
LIST_COVERAGE = ("complete", "forbidden", "gone", "failed", "skipped")
ACTION_COVERAGE = ("fetched", "not_promote_image", "forbidden", "gone", "failed", "quarantined", "skipped")
COVERAGE = given("coverage", "string", "Whether everything below it was seen", values=LIST_COVERAGE)
EXTRA = given("extra", "json", "JSON of every field Buddy sent that has no column; NULL when there is none")

RUNS = Table(
    "runs",
    "run",
    (
        *RUN,
        given("status", "string", "complete, or partial when something selected was not seen", None,
              ("complete", "partial")),
        given("started_at", "timestamp", "When the run began (UTC)"),
        given("finished_at", "timestamp", "When the run was published (UTC)"),
        given("resumed_count", "int", "How often the run was taken up again after an interruption"),
        given("collector_version", "string", "Version of this program"),
        given("schema_fingerprint", "string", "Fingerprint of all table schemas"),
        given("api_url", "string", "Base URL of the API"),
        given("requests", "int", "HTTP requests sent, retries and refusals included", "requests"),
        given("retries", "int", "Requests sent again after a failure", "requests"),
        given("refusals", "int", "Requests Buddy refused for its rate limit", "requests"),
        given("bytes_received", "int", "Bytes of reply bodies after decompression", "bytes"),
        Column("paced_seconds", pa.float64(), "DOUBLE", "s", "Time workers waited for our own ceiling"),
        Column("paused_seconds", pa.float64(), "DOUBLE", "s", "Time the crawl waited for Buddy's rate limit"),
        given("problems", "int", "Rows of this run in problems", "rows"),
        given("filters", "json", "JSON of the workspace and project globs the run was asked for"),
    ),
    ("run_id", "installation"),
)  # fmt: skip
WORKSPACES = Table(
    "workspaces",
    "workspace seen",
    (
        *RUN,
        *taken(ShortWorkspace, "domain", "id", rename={"domain": "workspace", "id": "workspace_id"}),
        *taken(ShortWorkspace, "name", "url", "html_url"),
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
        *taken(ShortProject, "name", rename={"name": "project"}),
        *taken(ShortProject, "display_name", "status", "access", "create_date", "url", "html_url"),
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
_PIPELINE_REST = tuple(
    d.name for d in declared_fields(ShortPipeline) if d.name not in {"id", *_PIPELINE_FIRST}
)
PIPELINES = Table(
    "pipelines",
    "pipeline seen",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        *taken(ShortPipeline, "id", rename={"id": "pipeline_id"}),
        *taken(ShortPipeline, *_PIPELINE_FIRST),
        COVERAGE,
        EXTRA,
        *taken(ShortPipeline, *_PIPELINE_REST),
    ),
    ("run_id", "installation", "workspace", "project", "pipeline_id"),
)
POSITION = given("position", "int", "Place in Buddy's list, the first is 1")
ACTIONS = Table(
    "actions",
    "action of any type in a list",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        *taken(ShortAction, "id", rename={"id": "action_id"}),
        POSITION,
        *taken(ShortAction, "name", "type", "trigger_time", "disabled", "last_execution_status"),
        given("coverage", "string", "What became of the action in this run", values=ACTION_COVERAGE),
        EXTRA,
    ),
    ("run_id", "installation", *KEY_NAMES),
)
_PROMOTE_COLUMNS = (
    *taken(PromoteImageAction, "type", "url", "html_url", "name", "current_revision", "trigger_time", "run_next",
           "run_only_on_first_failure", "disabled", "timeout", "ignore_errors", "retry_count", "retry_interval",
           "last_execution_status", "loop", "same_location", "insecure_registry"),
    *taken(Permissions, "others", at=("permissions",), prefix="permissions_"),
    *taken(NestedPipeline, "name", "identifier", "url", "html_url", at=("pipeline",), prefix="pipeline_"),
    *taken(PromoteImage, at=("src",), prefix="src_"),
    *taken(PromoteImage, at=("dest",), prefix="dest_"),
    given("fetched_at", "timestamp", "When Buddy's reply arrived (UTC)"),
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
    (*RUN, *KEY, POSITION, *(c for c in taken(TriggerCondition) if c.name != "zone_id"), EXTRA),
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
        *taken(Variable, "id", rename={"id": "variable_id"}),
        *taken(Variable, "key", "type", "encrypted", "settable", "run_only_settable", "description"),
        given("value_state", "string", "What was done with the value", values=VALUE_STATES),
        *taken(Variable, "value", "file_path", "file_place", "file_chmod", "init_path", "disabled"),
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
        given("principal_type", "string", "user or group", values=("user", "group")),
        *taken(Principal, "id", rename={"id": "principal_id"}),
        *taken(Principal, "access_level"),
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
        given("kind", "string", "What went wrong", values=PROBLEM_KINDS),
        *KEY,
        given("request_path", "string", "Path and query that were asked"),
        given("http_status", "int", "Status of the last reply, if there was one"),
        given("message", "string", "What happened, in words"),
        given("json_path", "string", "Place in the reply that could not be understood"),
        given("attempts", "int", "Requests sent before giving up", "requests"),
        given("first_seen_at", "timestamp", "First attempt (UTC)"),
        given("last_seen_at", "timestamp", "Last attempt (UTC)"),
        given("raw", "string", "Redacted text of what could not be understood"),
    ),
    # A problem has no key of its own; these columns only give the file its order.
    (
        "run_id",
        "installation",
        "workspace",
        "project",
        "pipeline_id",
        "action_id",
        "kind",
        "json_path",
        "message",
    ),
)
ACTION_CHANGES = Table(
    "action_changes",
    "changed field of an action, or an action that came or went",
    (
        *RUN,
        *KEY,
        given("change", "string", "What happened", values=("added", "changed", "removed", "returned")),
        given("aspect", "string", "Whether the set-up or only its running changed", None,
              ("configuration", "execution")),
        given("column_name", "string", "Column of promote_image_actions, or the child table, that changed"),
        given("old_value", "string", "Value as last known; lists and objects as JSON"),
        given("new_value", "string", "Value now; lists and objects as JSON"),
        given("previous_run_id", "string", "Run in which the action was last seen"),
    ),
    ("run_id", "installation", *KEY_NAMES, "change", "column_name"),
)  # fmt: skip
FIRST_SEEN = given("first_seen_run_id", "string", "Run that saw the action first")
LAST_SEEN = given("last_seen_run_id", "string", "Run that saw the action last")
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
        given("removed_run_id", "string", "Run that found the action removed; NULL while it lives"),
        given("trigger_conditions", "json", "JSON of its trigger conditions"),
        given("variables", "json", "JSON of its variables, without values"),
        given("permissions", "json", "JSON of its permissions"),
    ),
    ("installation", *KEY_NAMES),
)
ALL: dict[str, Table] = {**TABLES, ACTION_STATE.name: ACTION_STATE}
# One row per action, as of the last run: the new file stands for everything the old one said.
SNAPSHOTS = frozenset({LAST_KNOWN_ACTIONS.name, ACTION_STATE.name})
