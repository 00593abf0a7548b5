"""The findings of the report: questions each of whose rows deserves a look.

The order is that of the page, the most severe first. Columns are named as in the question; those that say where a row
is (workspace to action, and the link) are always shown first and not named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["high", "medium", "low"]

SEVERITIES: Final[Mapping[Severity, str]] = {
    "high": "can put the wrong image into production, or expose a secret",
    "medium": "does not work, or does something else than its name says",
    "low": "worth knowing and cleaning up",
}


@dataclass(frozen=True)
class ReportFinding:
    """One kind of finding: the question that lists it, its title, and why it matters."""

    question: str
    severity: Severity
    title: str
    why: str
    columns: tuple[str, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)


FINDINGS: Final = (
    ReportFinding(
        "unguarded_production",
        "high",
        "Unguarded production",
        "No approval, no condition and no permission keeps anybody from running these promotions. "
        "Promotions that this run could not read are listed too: nothing is known about their guards.",
        ("finding", "source", "destination", "permissions_others"),
    ),
    ReportFinding(
        "bypasses_staging",
        "high",
        "Into production without staging",
        "The source neither names staging nor is reached from it by other promotions.",
        ("source", "destination", "comes_from", "since_date", "or_earlier"),
    ),
    ReportFinding(
        "insecure_registries",
        "high",
        "Registries without valid TLS",
        "Anybody between Buddy and the registry can read the credentials and replace the image.",
        ("finding", "source", "destination"),
    ),
    ReportFinding(
        "unencrypted_secret_names",
        "high",
        "Secrets that are not encrypted",
        "These variables have the name of a secret, or are a key, and are not known to be encrypted.",
        ("variable", "type", "value_state"),
    ),
    ReportFinding(
        "failing_promotions",
        "medium",
        "Failing",
        "The last execution failed; nights is the number of nights in a row that Buddy has shown this.",
        ("last_execution_status", "nights", "since_date", "destination"),
    ),
    ReportFinding(
        "stuck_promotions",
        "medium",
        "Running or waiting for too long",
        "Buddy shows the same unfinished state in one run after another.",
        ("last_execution_status", "nights", "since_date", "destination"),
    ),
    ReportFinding(
        "moving_tags",
        "medium",
        "Tags that move",
        "The image behind such a tag can change until the promotion runs, so an untested one may be promoted.",
        ("source", "source_moves", "destination", "destination_moves"),
    ),
    ReportFinding(
        "same_destination_twice",
        "medium",
        "One destination, several promotions",
        "The last promotion to run wins, whatever it promoted.",
        ("destination", "promotions", "sources", "promoted_by"),
    ),
    ReportFinding(
        "revision_drift",
        "medium",
        "Staging and production on different revisions",
        "What runs in production is not what was last promoted to staging.",
        ("finding", "image", "staging_revision", "production_revision"),
    ),
    ReportFinding(
        "plaintext_variables",
        "medium",
        "Variables in plain text",
        "Everybody who may see the pipeline may read them. The values are not in this report.",
        ("variable", "type", "value_state"),
    ),
    ReportFinding(
        "missing_permissions",
        "low",
        "Production promotions without their own permissions",
        "Who may run them is decided by the pipeline alone.",
        ("permissions_others", "destination"),
        {"environment": "production"},
    ),
    ReportFinding(
        "disabled_promotions",
        "low",
        "Disabled",
        "They, their pipeline or their project are disabled.",
        ("finding", "destination", "last_execution_status"),
    ),
    ReportFinding("never_run", "low", "Never run", "It is unknown whether they work.", ("finding", "destination")),
    ReportFinding(
        "retry_hot_spots",
        "low",
        "Many retries",
        "Many retries can hide a failure; worst_wait is the number of seconds that they can add to an execution.",
        ("retry_count", "worst_wait", "failed_nights", "destination"),
    ),
    ReportFinding(
        "unknown_fields",
        "low",
        "Fields that this collector does not know",
        "Nothing is lost: their values are in the column extra. A newer collector may have columns for them.",
        ("drift", "object", "name", "first_seen_date", "things"),
    ),
)
