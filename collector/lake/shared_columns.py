"""The columns that several tables share, and the values of the coverage columns."""

from collector.lake.table import Column

RUN = (
    Column("run_id", "string", "Id of the run that wrote the row; ids sort by the start of the run", required=True),
    Column("run_date", "date", "UTC date on which the run began", required=True),
    Column("installation", "string", "Buddy installation: us, eu, as, a configured name, or the host", required=True),
)
WORKSPACE = Column("workspace", "string", "Human-readable id (domain) of the workspace", required=True)
PROJECT = Column("project", "string", "Human-readable id (name) of the project", required=True)
PIPELINE = Column("pipeline_id", "int", "Numeric id of the pipeline", required=True)
ACTION = Column("action_id", "int", "Numeric id of the action", required=True)
KEY = (WORKSPACE, PROJECT, PIPELINE, ACTION)
KEY_NAMES = tuple(column.name for column in KEY)
POSITION = Column("position", "int", "Position in Buddy's list; the first is 1", required=True)
FETCHED_AT = Column("fetched_at", "timestamp", "When Buddy's reply arrived (UTC)")
EXTRA = Column("extra", "json", "JSON of all fields Buddy sent that have no column; NULL when there are none")

# What each coverage says of completeness. "seen": nothing is unknown. "missed": something is unknown, so the run is
# partial. "skipped": not requested; the run is partial only if its time was up. "carried" is seen: what was last read
# is not older than --refresh allows.
COVERAGE_OUTCOMES = {
    "complete": "seen", "fetched": "seen", "not_promote_image": "seen", "gone": "seen", "forbidden": "missed",
    "failed": "missed", "quarantined": "missed", "skipped": "skipped", "not_asked": "seen", "not_needed": "seen",
    "carried": "seen",
}  # fmt: skip
LIST_COVERAGE = ("complete", "forbidden", "gone", "failed", "skipped")
PIPELINE_COVERAGE = ("complete", "carried", "forbidden", "gone", "failed", "skipped")
EXECUTIONS_COVERAGE = ("complete", "carried", "not_asked", "not_needed", "forbidden", "gone", "failed", "skipped")
EXECUTION_COVERAGE = ("fetched", "forbidden", "gone", "failed", "skipped")
ACTION_COVERAGE = ("fetched", "carried", "not_promote_image", "forbidden", "gone", "failed", "quarantined", "skipped")
COVERAGE = Column("coverage", "string", "Whether everything below was seen", values=LIST_COVERAGE, required=True)
FIRST_SEEN = Column("first_seen_run_id", "string", "First run that saw the action")
LAST_SEEN = Column("last_seen_run_id", "string", "Last run that saw the action")
