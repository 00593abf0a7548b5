"""The internal tables, which are not promised: what the next run must know of the runs before it."""

from collector.lake.shared_columns import FIRST_SEEN, KEY, KEY_NAMES, LAST_SEEN, PIPELINE, PROJECT, RUN, WORKSPACE
from collector.lake.table import Column, Table

# What the next run needs to distinguish `returned` from `added` and to see a changed
# child row, at a cost that does not grow with the runs kept. It never holds values of variables.
ACTION_STATE = Table(
    "action_state",
    "action ever seen, removed ones included",
    (
        *RUN,
        *KEY,
        FIRST_SEEN,
        LAST_SEEN,
        Column("removed_run_id", "string", "Run that found the action removed; NULL while it exists"),
        Column("trigger_conditions", "json", "JSON of its trigger conditions"),
        Column("variables", "json", "JSON of its variables, without values"),
        Column("permissions", "json", "JSON of its permissions"),
        Column("fingerprint", "string", "Fingerprint of all that is compared from run to run"),
    ),
    ("installation", *KEY_NAMES),
)
# How far the executions of a pipeline were read, so that the next run asks only for new or changed ones.
EXECUTION_STATE = Table(
    "execution_state",
    "pipeline whose executions were ever asked for",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        Column("complete_from", "timestamp", "No execution from this moment to the last complete reading is missing"),
        Column("highest_id", "int", "Highest id of an execution in the last complete reading"),
        Column("known", "json", "JSON of the executions read lately, which may still change"),
    ),
    ("installation", "workspace", "project", "pipeline_id"),
)
# When each pipeline was last read and what its entry in the list was then, so that the next run knows
# what to ask first and what it can carry.
PIPELINE_STATE = Table(
    "pipeline_state",
    "pipeline ever seen and not known gone",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        Column("entry_hash", "string", "Hash of its whole entry in the list when it was last read"),
        Column("read_at", "timestamp", "When its list of actions and all below it were last read whole (UTC); NULL: "
               "never, or the last attempt was not whole"),
        Column("source_run_id", "string", "Run that holds its rows as they were last read; NULL where read_at is"),
        Column("asked_at", "timestamp", "When it was last asked to the end, whole or not (UTC)"),
        Column("requests", "int", "Requests that its last reading took, executions included", "requests"),
        Column("executions_from", "timestamp", "executions_from of its last reading (UTC)"),
        Column("read_with", "string", "Fingerprint of the columns and settings that decide what a reading keeps"),
    ),
    ("installation", "workspace", "project", "pipeline_id"),
)  # fmt: skip
STATE_TABLES = (ACTION_STATE, EXECUTION_STATE, PIPELINE_STATE)
