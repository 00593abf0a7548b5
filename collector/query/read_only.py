"""The guard of SQL that a user gives: one statement, which only reads.

Since duckdb 2.0 a COPY, INSERT, UPDATE or DELETE may stand in a WITH clause of what duckdb calls a SELECT. So the
*plan* is examined, which duckdb makes after it has expanded every macro and `query()`: no operator in it may write or
run text as SQL.

Rules for whoever edits this file: refuse what is not understood; never decide by searching the text for words.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from collector.errors import QueryError
from collector.lake.database import Database
from collector.settings.escape import is_utf8

_EXPLAIN = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\s+(?:analyze\s+)?(?:\([^()]*\)\s*)?(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
# Prefixes of plan operators and table functions that write, change the session, read the memory of this process, or run
# text as SQL.
_FORBIDDEN_OPERATORS = (
    "ALTER", "ARROW_SCAN", "ATTACH", "BATCH_", "CHECKPOINT", "COPY", "CREATE", "DELETE", "DEREGISTER",
    "DESTROY", "DETACH", "DISABLE", "DROP", "ENABLE", "EXECUTE", "EXPORT", "FORCE", "INSERT", "JSON_EXECUTE",
    "LOAD", "MERGE_INTO", "PANDAS", "PREPARE", "PYTHON", "REGISTER", "SET", "TRANSACTION", "TRUNCATE",
    "UPDATE", "VACUUM",
)  # fmt: skip


def require_read_only(database: Database, sql: str, parameters: Mapping[str, object] | None = None) -> None:
    """Raise QueryError unless `sql` is one statement that only reads."""
    if not is_utf8(sql):
        raise QueryError("the SQL holds bytes that are not UTF-8", advice="Write it, or save its file, in UTF-8.")
    statements = database.statements(sql)
    if len(statements) != 1:
        message = f"{len(statements)} statements were given where one is expected" if sql.strip() else "there is no SQL"
        raise QueryError(message, advice="Give exactly one SELECT.")
    [(kind, text)] = statements
    if kind == "EXPLAIN" and (found := _EXPLAIN.fullmatch(text)):
        require_read_only(database, found["rest"], parameters)
        return
    if kind == "MULTI":
        raise QueryError(
            "this statement would first create a type for its list of columns, and SQL can only read a lake",
            advice="Name the values of a PIVOT: pivot t on column in ('a', 'b') using count(*).",
        )
    if kind != "SELECT":
        raise _not_reading(kind)
    [plan] = database.rows(f"explain (format json) {text}", parameters)
    for operator in _operators(json.loads(plan["explain_value"])):
        if operator.upper().startswith(_FORBIDDEN_OPERATORS):
            raise _not_reading(operator)


def _operators(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the names of all operators and table functions of a plan."""
    for node in nodes:
        yield str(node["name"]).strip()
        function = (node.get("extra_info") or {}).get("Function")
        if isinstance(function, str):
            yield function
        yield from _operators(node.get("children", []))


def _not_reading(operation: str) -> QueryError:
    return QueryError(
        f"{operation.strip().upper().replace('_', ' ')} is refused: SQL can only read a lake",
        advice="Use a SELECT (or WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN).",
    )
