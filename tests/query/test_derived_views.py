"""The views that apply an SQL file to other rows."""

from pathlib import Path

import pytest

from collector.lake.database import Database
from collector.lake.sql_text import base_view
from collector.lake.tables import TABLES
from collector.query.derived_views import derived_views
from collector.query.sql_files import SqlFile
from collector.query.views import view_sources
from tests.query.staged_runs import write

ACTION = {
    "run_id": "r1", "installation": "us", "workspace": "acme", "project": "shop", "pipeline_id": 1, "action_id": 1,
    "src_docker_registry": "DOCKER_HUB", "src_image": "acme/app:staging",
    "dest_docker_registry": "DOCKER_HUB", "dest_image": "acme/app", "dest_tag": "1.2,live",
}  # fmt: skip


def test_the_rules_are_those_of_the_file(tmp_path: Path) -> None:
    """Over the same rows, a derived view gives the rows of its file; environments keep every column they are given."""
    path = write(tmp_path / "actions.parquet", "promote_image_actions", [ACTION])
    sources = view_sources()
    with Database([tmp_path], tmp_path / "spill", threads=1) as database:
        actions = base_view(TABLES["promote_image_actions"], [[path]])
        database.define("promote_image_actions", actions)
        database.define("executed_configurations", "select * from promote_image_actions")
        database.define("last_known_actions", base_view(TABLES["last_known_actions"], []))
        for name in ("registry_accounts", "image_references", "environments", "executed_references"):
            database.define(name, sources[name].sql)
        database.define("told_references", "select *, 7 as execution_id from image_references")
        database.define("told_environments", sources["told_environments"].sql)
        assert database.rows("from executed_references") == database.rows("from image_references")
        columns = "action_id, image_end, reference, tag_environment, environment, stage"
        found = database.rows(f"select {columns} from told_environments")
        assert found == database.rows(f"select {columns} from environments")
        assert [row["environment"] for row in found] == ["staging", None, "production"]
        assert database.rows("select distinct execution_id from told_environments") == [{"execution_id": 7}]


def test_a_file_that_reads_its_relation_elsewhere_is_an_error() -> None:
    """A file whose text no longer reads the relation in the expected place is not passed over in silence."""
    changed = SqlFile("image_references", "-- One row per x.\nselect * from actions join promote_image_actions")
    with pytest.raises(AssertionError, match="promote_image_actions"):
        derived_views({**view_sources(), "image_references": changed})
