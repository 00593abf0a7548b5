"""The contract of the lake, compared with a second copy written from the design."""

import duckdb
import pyarrow as pa
import pytest

from collector.lake.state_tables import ACTION_STATE
from collector.lake.table import schema_fingerprint
from collector.lake.tables import ALL, TABLES

RUN = "run_id run_date installation"
KEY = "workspace project pipeline_id action_id"
ENDS = " ".join(
    end + name
    for end in ("src_", "dest_")
    for name in ("docker_registry", "registry", "image", "tag", "region", "integration", "username")
)
PROMOTION = (
    "type url html_url name current_revision trigger_time run_next run_only_on_first_failure disabled timeout "
    "ignore_errors retry_count retry_interval last_execution_status loop same_location insecure_registry "
    "permissions_others pipeline_name pipeline_identifier pipeline_url pipeline_html_url "
    f"{ENDS} fetched_at extra"
)
DESIGN = {
    "runs": "status started_at finished_at resumed_count collector_version schema_fingerprint api_url requests "
    "retries refusals bytes_received paced_seconds paused_seconds problems filters notices",
    "workspaces": "workspace workspace_id name url html_url coverage extra",
    "projects": "workspace project display_name status access create_date url html_url coverage extra",
    "pipelines": "workspace project pipeline_id identifier name refs events loop tags priority disabled "
    "disabled_reason last_execution_status last_execution_revision create_date definition_source git_config_ref "
    "paused target_site_url url html_url coverage extra",
    "actions": f"{KEY} position name type trigger_time disabled last_execution_status coverage extra",
    "promote_image_actions": f"{KEY} {PROMOTION}",
    "trigger_conditions": f"{KEY} position trigger_condition trigger_condition_paths trigger_variable_key "
    "trigger_variable_value trigger_hours trigger_days timezone trigger_project_name trigger_pipeline_name "
    "trigger_user trigger_group trigger_action_name trigger_status extra",
    "variables": f"{KEY} position variable_id key type encrypted settable run_only_settable description value_state "
    "value file_path file_place file_chmod init_path disabled extra",
    "permissions": f"{KEY} principal_type principal_id access_level",
    "principals": "workspace principal_type principal_id name extra",
    "problems": f"kind {KEY} request_path http_status message json_path attempts first_seen_at last_seen_at raw "
    "severity",
    "action_changes": f"{KEY} change aspect column_name old_value new_value previous_run_id",
    "last_known_actions": f"{KEY} {PROMOTION} first_seen_run_id last_seen_run_id",
    "executions": "workspace project pipeline_id execution_id status triggered_on start_date finish_date creator_id "
    "creator_name branch tag pull_request from_revision to_revision comment priority refresh html_url coverage "
    "fetched_at extra",
    "action_executions": "workspace project pipeline_id execution_id action_execution_id position action_id "
    "action_name action_type status progress start_date finish_date error_message outputted_variables extra",
}
# ShortPipelineView's other documented fields (buddy-api.md, 5.4), whose columns follow those the design names.
OTHER_PIPELINE_FIELDS = {
    "always_from_scratch", "auto_clear_cache", "clone_depth", "concurrent_pipeline_runs", "cpu",
    "description_required", "do_not_create_commit_status", "execution_message_template",
    "fail_on_prepare_env_warning", "fetch_all_refs", "filesystem_changeset_base", "folder",
    "git_changeset_base", "git_config", "ignore_fail_on_project_status", "no_skip_to_most_recent",
    "pause_on_repeated_failures", "remote_parameters", "remote_path", "remote_project_name", "remote_ref",
    "resources", "stale", "terminate_stale_runs", "waiting_for_push",
}  # fmt: skip
# At the end of `pipelines`.
COLUMNS_OF_EXECUTIONS = ["executions_coverage", "executions_from"]
INTERNAL = ["action_state", "execution_state", "pipeline_state"]
ARRAYS = {"refs", "tags", "loop", "trigger_condition_paths"}
JSON_COLUMNS = {"extra", "events", "remote_parameters", "git_config", "filters", "outputted_variables"}
COLUMNS = [(table.name, column) for table in ALL.values() for column in table.columns]


def test_the_tables_in_the_designs_order() -> None:
    """The lake has the tables of the design, in its order, and three internal ones."""
    assert list(TABLES) == list(DESIGN)
    assert list(ALL) == [*DESIGN, *INTERNAL]


@pytest.mark.parametrize("name", DESIGN)
def test_the_columns_are_the_designs(name: str) -> None:
    """Each table has exactly the columns of the design, in its order, after the three that every table begins with."""
    promised = [*RUN.split(), *DESIGN[name].split()]
    found = list(TABLES[name].column_names)
    assert found[: len(promised)] == promised
    others = {*OTHER_PIPELINE_FIELDS, *COLUMNS_OF_EXECUTIONS} if name == "pipelines" else set()
    assert set(found[len(promised) :]) == others
    assert name != "pipelines" or found[-2:] == COLUMNS_OF_EXECUTIONS
    assert len(found) == len(set(found))


def test_the_internal_table_is_as_agreed() -> None:
    """action_state holds what distinguishes `returned` from `added`, and no value of a variable."""
    children = "trigger_conditions variables permissions"
    assert " ".join(ACTION_STATE.column_names) == (
        f"{RUN} {KEY} first_seen_run_id last_seen_run_id removed_run_id {children} fingerprint"
    )


def test_every_column_is_documented() -> None:
    """Every column has a meaning, and every duration a unit."""
    assert [(table, c.name) for table, c in COLUMNS if len(c.meaning) <= 3] == []
    durations = {"timeout", "retry_interval", "paced_seconds", "paused_seconds"}
    assert {c.unit for _, c in COLUMNS if c.name in durations} == {"s"}
    assert durations <= {c.name for _, c in COLUMNS}


def test_duckdb_reads_the_arrow_types_as_the_dictionary_says() -> None:
    """The declared SQL type of every column is the one DuckDB gives to its Arrow type."""
    connection = duckdb.connect()
    for table in ALL.values():
        empty = table.schema.empty_table()
        connection.register("held", empty)
        described = connection.sql("describe held").fetchall()
        connection.unregister("held")
        assert [(name, kind) for name, kind, *_ in described] == [(c.name, c.sql) for c in table.columns]
    connection.close()


def test_the_promised_types_are_held() -> None:
    """Ids and numbers are BIGINT, lists of texts VARCHAR[], JSON is text, and timestamps have no zone."""
    for table, column in COLUMNS:
        name = column.name
        if name.endswith("_id") and not name.endswith("run_id") and name != "action_execution_id":
            assert column.arrow == pa.int64(), (table, name)
        if name in ARRAYS:
            assert (column.arrow, column.sql) == (pa.list_(pa.string()), "VARCHAR[]"), (table, name)
        if name.endswith("_at") or (name.endswith("_date") and name != "run_date"):
            assert (column.arrow, column.sql) == (pa.timestamp("us"), "TIMESTAMP"), (table, name)
        is_json = column.column_type == "json"
        assert is_json == (name in JSON_COLUMNS or (table in INTERNAL and is_json))
        if is_json:
            assert column.sql == "VARCHAR"
    run = TABLES["runs"].columns[:3]
    assert [c.sql for c in run] == ["VARCHAR", "DATE", "VARCHAR"]
    assert all(table.columns[:3] == run for table in ALL.values())


def test_the_key_makes_rows_unique_by_columns_that_exist() -> None:
    """The key of a table names its own columns, and begins with the run except where a row outlives its run."""
    for table in ALL.values():
        assert set(table.key) <= set(table.column_names)
        outlives = table.name in {"last_known_actions", *INTERNAL}
        assert table.key[0] == ("installation" if outlives else "run_id")
        assert all(column.required for column in table.columns if column.name in (*RUN.split(), "coverage"))


def test_every_row_below_a_workspace_has_a_parent() -> None:
    """The parent of a table holds the first columns of its key; runs, problems and changes have none."""
    parents = {table.name: table.parent for table in ALL.values() if table.parent}
    assert len(parents) == 10
    for name, parent in parents.items():
        assert set(ALL[parent].key) <= set(ALL[name].key)


@pytest.mark.parametrize("name", ALL)
def test_names_of_types_are_those_of_arrow(name: str) -> None:
    """The fingerprint of a table, which is made without Arrow, is that of its files."""
    table = ALL[name]
    assert [column.arrow_name for column in table.columns] == [str(kind) for kind in table.schema.types]
    assert table.fingerprint == schema_fingerprint(table.schema)
