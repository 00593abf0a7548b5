"""The findings of the report: questions whose every row is something to look at.

The order is that of the page: gravest first. Columns are named as the question gives them; those that say
where a row is (workspace to action, and the link) are shown first without being named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["high", "medium", "low"]

SEVERITIES: Final[Mapping[Severity, str]] = {
    "high": "can put the wrong image into production, or give a secret away",
    "medium": "does not work, or does not do what its name says",
    "low": "worth knowing, and tidying up",
}


@dataclass(frozen=True)
class ReportFinding:
    """One kind of finding: the question that lists it, its title, and why anybody should care."""

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
        "Production with nothing in the way",
        "No approval stands before these promotions, no condition, and no right that keeps anybody from running them. "
        "Promotions that this night could not read are listed too: nothing is known about their guards.",
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
        "Whoever stands between Buddy and the registry can read the credentials and exchange the image.",
        ("finding", "source", "destination"),
    ),
    ReportFinding(
        "unencrypted_secret_names",
        "high",
        "Secrets that are not encrypted",
        "These variables are called like a secret, or are a key, and are not known to be encrypted.",
        ("variable", "type", "value_state"),
    ),
    ReportFinding(
        "failing_promotions",
        "medium",
        "Failing",
        "The last run failed; nights says for how many nights in a row Buddy has shown that.",
        ("last_execution_status", "nights", "since_date", "destination"),
    ),
    ReportFinding(
        "stuck_promotions",
        "medium",
        "Running or waiting for nights",
        "Shown in the same unfinished state night after night.",
        ("last_execution_status", "nights", "since_date", "destination"),
    ),
    ReportFinding(
        "moving_tags",
        "medium",
        "Tags that move",
        "What such a tag means is decided when the promotion runs, so what was tested need not be what is promoted.",
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
        "Whoever may see the pipeline may read them. The values themselves are not in this report.",
        ("variable", "type", "value_state"),
    ),
    ReportFinding(
        "missing_permissions",
        "low",
        "Production promotions without permissions of their own",
        "Who may run them is decided by the pipeline alone.",
        ("permissions_others", "destination"),
        {"environment": "production"},
    ),
    ReportFinding(
        "disabled_promotions",
        "low",
        "Switched off",
        "They, their pipeline or their project cannot run.",
        ("finding", "destination", "last_execution_status"),
    ),
    ReportFinding("never_run", "low", "Never run", "Nobody knows yet whether they work.", ("finding", "destination")),
    ReportFinding(
        "retry_hot_spots",
        "low",
        "Leaning on retries",
        "Many retries hide a failure, and worst_wait is the seconds that they can add to a run.",
        ("retry_count", "worst_wait", "failed_nights", "destination"),
    ),
    ReportFinding(
        "unknown_fields",
        "low",
        "Sent by Buddy and not known to this collector",
        "Nothing is lost: the values are in the column extra. A newer collector may have columns for them.",
        ("drift", "object", "name", "first_seen_date", "things"),
    ),
)
