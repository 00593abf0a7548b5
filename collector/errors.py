"""Every error of the program, by what the person who meets it does next.

CollectorError
├── SettingsError        2    correct a setting, then run again
├── UsageError           2    correct the command, then run again
├── LakeError            2    the lake is missing, damaged or of a newer format: name another, or restore it
├── QueryError           2    correct the question or the SQL
├── NotPublished         3    nothing was published and nothing is lost: run `collect` again, it resumes
│   └── Stuck            3    Buddy stopped answering: the same, once it answers again
├── RefusedByBuddy       4    Buddy refuses this token, and there is nothing to publish
│   └── Unauthorised     4    the token is wrong, expired or revoked: make a new one
├── LakeBusy             5    wait for the other run
├── CheckFailed          6    look at the offending rows; the previous run stays published
└── Interrupted        130    run `collect` again, it resumes

`message` says what happened and `advice` what to do, each in one or a few plain sentences. Neither contains a token or
the value of a variable: both are shown in terminals, logs and e-mails.
"""

from typing import ClassVar

__all__ = [
    "CheckFailed",
    "CollectorError",
    "Interrupted",
    "LakeBusy",
    "LakeError",
    "NotPublished",
    "QueryError",
    "RefusedByBuddy",
    "SettingsError",
    "Stuck",
    "Unauthorised",
    "UsageError",
]


class CollectorError(Exception):
    """An expected failure: `str()` is what happened, `advice` what to do, `exit_code` the program's exit code."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, advice: str = "") -> None:
        # Both are given to Exception, so that the error can be pickled.
        super().__init__(message, advice)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return self.message


class SettingsError(CollectorError):
    """A flag, an environment variable or a line of collector.toml cannot be used as it is."""


class UsageError(CollectorError):
    """The command asks for something that the program or the lake does not have."""


class LakeError(CollectorError):
    """The lake is missing, damaged, unwritable or written by a newer version."""


class QueryError(CollectorError):
    """A question, a parameter or SQL is wrong."""


class NotPublished(CollectorError):
    """The run ended unpublished; its journal is kept and the next `collect` resumes it."""

    exit_code = 3


class Stuck(NotPublished):
    """Buddy sends no usable reply any more."""


class RefusedByBuddy(CollectorError):
    """Buddy refuses the token or its scopes, so there is nothing to publish."""

    exit_code = 4


class Unauthorised(RefusedByBuddy):
    """Buddy replied 401: the token is wrong, expired or revoked."""


class LakeBusy(CollectorError):
    """Another process holds the lake."""

    exit_code = 5


class CheckFailed(CollectorError):
    """A blocking check found offending rows; nothing was published."""

    exit_code = 6


class Interrupted(CollectorError):
    """SIGINT or SIGTERM arrived and the run was drained; the next `collect` resumes it."""

    exit_code = 130
