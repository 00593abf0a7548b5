"""The findings of the report, by question: each row of its answer deserves a look.

The order is that of the page, the most severe first. Columns are named as in the question; those that say where a row
is (workspace to action, and the link) are always shown first and not named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SEVERITIES: Final[Mapping[str, str]] = {
    "high": "can put the wrong image into production, or expose a secret",
    "medium": "does not work, or does something else than its name says",
    "low": "worth knowing and cleaning up",
}


@dataclass(frozen=True)
class ReportFinding:
    """One kind of finding: how severe it is, its title, why it matters, and the columns that are shown.

    A `recent` one is about releases of the last weeks (releases.DAYS).
    """

    severity: str
    title: str
    why: str
    columns: tuple[str, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)
    recent: bool = False


FINDINGS: Final[Mapping[str, ReportFinding]] = {
    "unguarded_production": ReportFinding(
        "high",
        "Unguarded production",
        "No approval, no condition and no permission keeps anybody from running these promotions. "
        "Promotions that this run could not read are listed too: nothing is known about their guards.",
        ("finding", "source", "destination", "permissions_others"),
    ),
    "bypasses_staging": ReportFinding(
        "high",
        "Into production without staging",
        "The source neither names staging nor is reached from it by other promotions.",
        ("source", "destination", "comes_from", "since_date", "or_earlier"),
    ),
    "released_without_staging": ReportFinding(
        "high",
        "Released without staging",
        "This revision was not released to staging before, as far as the executions are known.",
        ("released_at", "finding", "destination", "revision", "released_by", "approved_by"),
        recent=True,
    ),
    "insecure_registries": ReportFinding(
        "high",
        "Registries without valid TLS",
        "Anybody between Buddy and the registry can read the credentials and replace the image.",
        ("finding", "source", "destination"),
    ),
    "unencrypted_secret_names": ReportFinding(
        "high",
        "Secrets that are not encrypted",
        "These variables have the name of a secret, or are a key, and are not known to be encrypted.",
        ("variable", "type", "value_state"),
    ),
    "failing_promotions": ReportFinding(
        "medium",
        "Failing",
        "The last execution failed; nights is the number of nights in a row that Buddy has shown this.",
        ("last_execution_status", "nights", "since_date", "or_earlier", "destination"),
    ),
    "failed_releases": ReportFinding(
        "medium",
        "Failed releases",
        "These promotions into production failed or were terminated. "
        "recovered at is the next release into the same destination.",
        ("failed_at", "status", "destination", "revision", "error_message", "recovered_at", "started_by"),
        recent=True,
    ),
    "rollbacks": ReportFinding(
        "medium",
        "Rollbacks",
        "The destination went back to a revision that it had held before.",
        ("released_at", "destination", "revision", "undone_revision", "hours_live", "rolled_back_by"),
        {"environment": ""},
        recent=True,
    ),
    "stuck_promotions": ReportFinding(
        "medium",
        "Running or waiting for too long",
        "Buddy shows the same unfinished state in one run after another.",
        ("last_execution_status", "nights", "since_date", "or_earlier", "destination"),
    ),
    "moving_tags": ReportFinding(
        "medium",
        "Tags that move",
        "The image behind such a tag can change until the promotion runs, so an untested one may be promoted.",
        ("source", "source_moves", "destination", "destination_moves"),
    ),
    "same_destination_twice": ReportFinding(
        "medium",
        "One destination, several promotions",
        "The last promotion to run wins, whatever it promoted.",
        ("destination", "promotions", "sources", "promoted_by"),
    ),
    "revision_drift": ReportFinding(
        "medium",
        "Staging and production on different revisions",
        "What runs in production is not what was last promoted to staging.",
        ("finding", "image", "staging_revision", "production_revision"),
    ),
    "plaintext_variables": ReportFinding(
        "medium",
        "Variables in plain text",
        "Everybody who may see the pipeline may read them. The values are not in this report.",
        ("variable", "type", "value_state"),
    ),
    "missing_permissions": ReportFinding(
        "low",
        "Production promotions without their own permissions",
        "Who may run them is decided by the pipeline alone.",
        ("permissions_others", "destination"),
        {"environment": "production"},
    ),
    "disabled_promotions": ReportFinding(
        "low",
        "Disabled",
        "They, their pipeline or their project are disabled.",
        ("finding", "destination", "last_execution_status"),
    ),
    "never_run": ReportFinding("low", "Never run", "It is unknown whether they work.", ("finding", "destination")),
    "retry_hot_spots": ReportFinding(
        "low",
        "Many retries",
        "Many retries can hide a failure; worst_wait is the number of seconds that they can add to an execution.",
        ("retry_count", "worst_wait", "failed_nights", "destination"),
    ),
    "unknown_fields": ReportFinding(
        "low",
        "Fields that this collector does not know",
        "Nothing is lost: their values are in the column extra. A newer collector may have columns for them.",
        ("drift", "object", "name", "first_seen_date", "things"),
    ),
}
