"""The tables of executions: what ran, when, by whom and from which revision.

Their columns come from buddy/executions.py, as those of the other tables come from buddy/schema.py.
"""

from collector.buddy import executions
from collector.lake.shared_columns import EXECUTION_COVERAGE, EXTRA, FETCHED_AT, PIPELINE, PROJECT, RUN, WORKSPACE
from collector.lake.table import Column, Table, api_columns

EXECUTIONS = Table(
    "executions",
    "execution (run of a pipeline) that was new or had changed since it was last read",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        *api_columns(executions.ShortExecution, last="finish_date", rename={"id": "execution_id"}),
        *api_columns(executions.Member, at=("creator",), prefix="creator_"),
        *api_columns(executions.GitRef, at=("branch",), rename={"name": "branch"}),
        *api_columns(executions.GitRef, at=("tag",), rename={"name": "tag"}),
        *api_columns(executions.PullRequest, at=("pull_request",), rename={"number": "pull_request"}),
        *api_columns(executions.Revision, at=("from_revision",), rename={"revision": "from_revision"}),
        *api_columns(executions.Revision, at=("to_revision",), rename={"revision": "to_revision"}),
        *api_columns(executions.ShortExecution, after="to_revision"),
        Column("coverage", "string", "Whether the execution itself was read", values=EXECUTION_COVERAGE, required=True),
        FETCHED_AT,
        EXTRA,
    ),
    ("run_id", "installation", "workspace", "project", "pipeline_id", "execution_id"),
    parent="pipelines",
)
ACTION_EXECUTIONS = Table(
    "action_executions",
    "element of an execution whose action is a promote-image action",
    (
        *RUN,
        WORKSPACE,
        PROJECT,
        PIPELINE,
        Column("execution_id", "int", "Number of the execution, counted per pipeline", required=True),
        *api_columns(executions.ActionExecution, last="action_execution_id"),
        Column("position", "int", "Position among all elements of the execution; the first is 1", required=True),
        *api_columns(executions.ExecutedAction, at=("action",), prefix="action_"),
        *api_columns(executions.ActionExecution, after="action"),
        EXTRA,
    ),
    ("run_id", "installation", "workspace", "project", "pipeline_id", "execution_id", "position"),
    parent="executions",
)
