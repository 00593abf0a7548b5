"""What a failure of duckdb means: from its text to the error that says what to do. Pure.

The text decides, not the class: an error in the middle of a stream arrives as an OSError whose text begins with the
name that duckdb gives the kind of error.
"""

import re
from collections.abc import Sequence

from collector.errors import CollectorError, NotPublished, QueryError
from collector.lake.storage import missing_file, unreadable_file
from collector.settings.suggestions import did_you_mean

_MISSING_FILE = re.compile(r"No files found|No such file|Could not open file|Cannot open file", re.IGNORECASE)
_DAMAGED_FILE = re.compile(
    r"magic bytes|too small to be a Parquet|thrift|parquet file|TProtocol|Corrupt|ZSTD|Could not read|read error",
    re.IGNORECASE,
)
# A file that duckdb writes: what it spills, and the target of a COPY.
_UNWRITABLE = re.compile(r'Could not write file \\*"(?P<path>[^"\\]+)\\*": (?P<reason>[^"]+)')
_UNKNOWN_TABLE = re.compile(r"Table with name (?P<name>.+?) does not exist", re.DOTALL)


def error_of(text: str, hints: Sequence[str]) -> CollectorError:
    """Return the error for what duckdb says in `text`; one about an unknown table suggests one of `hints`."""
    line = text.partition("\n")[0]
    reason = line.partition(": ")[2] or line
    if found := _UNWRITABLE.search(text):
        return NotPublished(
            f"{found['path']} could not be written: {found['reason'].strip()}",
            "Free space on the disk, then run the same command again.",
        )
    if text.startswith("Permission Error"):
        return QueryError(
            f"SQL can only read this lake: {reason}", "Use the lake's tables; `collector tables` lists them."
        )
    if text.startswith("IO Error") and _MISSING_FILE.search(text):
        return missing_file(reason)
    if text.startswith("IO Error") or _DAMAGED_FILE.search(text):
        return unreadable_file(reason)
    unknown = _UNKNOWN_TABLE.search(text)
    hint = did_you_mean(unknown["name"], hints) if unknown else "Correct the SQL; "
    return QueryError(text, f"{hint}`collector tables` lists every table and column.")


def answer_too_large() -> CollectorError:
    """Return the error of an answer that does not fit into memory."""
    return QueryError(
        "the answer needs more memory than a query may use", "Ask for fewer rows or columns, or aggregate in SQL."
    )


def run_too_large() -> CollectorError:
    """Return the error of a run whose end does not fit into memory."""
    return NotPublished(
        "the end of the run needs more memory than it may use; every reply is kept",
        "This is a fault of the program: report it with the number of actions and the size of the largest one.",
    )
