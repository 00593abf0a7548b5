"""DuckDB's SQL in Spark's, and what of a recursion another engine can compute.

sqlglot parses and writes both dialects. The rules beside this file are for what it writes wrongly or leaves as it is;
each stands for a construct that the files of sql/ use. What neither knows is refused, never passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.transforms import eliminate_qualify

from collector.errors import QueryError
from collector.query.engine import function_rules as of_functions
from collector.query.engine import select_rules as of_selects

Rule = Callable[[exp.Expr], exp.Expr]

RULES: Final[tuple[Rule, ...]] = (
    of_selects.not_materialised,
    of_selects.grouped_by_all,
    of_selects.pairs_in_a_query,
    of_selects.joined_using,
    of_selects.asked_in_a_column,
    of_selects.named_windows,
    of_functions.unending,
    of_functions.seconds,
    of_functions.bounded_by,
    of_functions.named_groups,
    of_functions.first_known,
    of_functions.ordered_texts,
    of_functions.lists,
    of_functions.json,
    of_selects.numbered_list,
    of_selects.typed_nulls,
    of_functions.texts,
    eliminate_qualify,
)
# Functions that sqlglot does not know, and that Spark has under the same name or a rule translates.
_KNOWN: Final = frozenset(of_functions.RENAMED) | {"generate_subscripts", "arg_min_null", "arg_max_null", "to_json"}
# A replacement whose special characters are groups alone, none before a letter or digit that could belong to it.
_REPLACEMENT: Final = re.compile(r"(?:[^\\$]|\\\d(?!\w))*")


@dataclass(frozen=True)
class Recursion:
    """A select with a recursion: its common table expressions that another engine computes, by name, and the rest.

    `rest` is DuckDB's SQL, which reads the rows of each of `inputs` from a relation that `relation_of` named.
    """

    inputs: dict[str, str]
    rest: str


@cache
def translate(name: str, sql: str) -> str:
    """Return one DuckDB select in Spark's SQL; a parameter `$x` is `:x` there.

    Raises QueryError, which calls the select `name`, for what has no translation.
    """
    return _written(name, _parsed(name, sql))


@cache
def is_recursive(name: str, sql: str) -> bool:
    """Return whether a select refers to itself."""
    return bool(_recursive(_parsed(name, sql)))


def split_recursion(name: str, sql: str, kept: Collection[str], relation_of: Callable[[str], str]) -> Recursion:
    """Return what another engine computes of a select that is recursive, or reads relations that are `kept` here.

    Each common table expression that needs neither is an input, in Spark's SQL; so is each other relation.
    """
    tree = _parsed(name, sql)
    here = set(kept) | _recursive(tree)
    inputs: dict[str, str] = {}
    before: list[exp.CTE] = []
    for cte in tree.ctes:
        if here.isdisjoint(_relations(cte.this)):
            query = exp.select("*").from_(cte.alias)
            query.set("with_", exp.With(expressions=[each.copy() for each in (*before, cte)]))
            inputs[cte.alias] = _written(name, query)
            before.append(cte.copy())
        else:
            here.add(cte.alias)
    for cte in tree.ctes:
        if cte.alias in inputs:
            cte.set("this", exp.select("*").from_(exp.to_identifier(relation_of(cte.alias), quoted=True)))
    own = {cte.alias for cte in tree.ctes} | set(kept)
    fetched = {relation_of(alias) for alias in inputs}
    for table in tree.find_all(exp.Table):
        if table.name not in own | fetched:
            inputs[table.name] = f"select * from {table.name}"
            table.set("this", exp.to_identifier(relation_of(table.name), quoted=True))
    return Recursion(inputs, tree.sql(dialect="duckdb"))


def _parsed(name: str, sql: str) -> exp.Query:
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError as error:
        raise _refused(name, f"its SQL cannot be parsed for another engine ({str(error).splitlines()[0]})") from error
    if not isinstance(tree, exp.Query):
        raise _refused(name, "it is no select")
    return tree


def _written(name: str, tree: exp.Expr) -> str:
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower() not in _KNOWN:
            raise _refused(name, f"it calls {call.name}, for which there is no translation")
    if any(not pivot.args.get("unpivot") for pivot in tree.find_all(exp.Pivot)):
        raise _refused(name, "it uses PIVOT, for which there is no translation")
    if any(star.args.get("replace") or star.args.get("except_") for star in tree.find_all(exp.Star)):
        raise _refused(name, "it uses * replace or * exclude, which engines do not have in common")
    if any(not _REPLACEMENT.fullmatch(each.args["replacement"].name) for each in tree.find_all(exp.RegexpReplace)):
        raise _refused(name, "a replacement in regexp_replace has a character that engines read differently")
    for rule in RULES:
        tree = tree.transform(rule)
    try:
        return tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise _refused(name, str(error).splitlines()[0]) from error


def _refused(name: str, why: str) -> QueryError:
    return QueryError(
        f"{name} cannot be answered by another engine: {why}",
        advice="Nothing was started. Without --engine, DuckDB answers it on this machine.",
    )


def _recursive(tree: exp.Query) -> set[str]:
    """Return the common table expressions that refer to themselves."""
    return {cte.alias for cte in tree.ctes if cte.alias in _relations(cte.this)}


def _relations(tree: exp.Expr) -> set[str]:
    return {table.name for table in tree.find_all(exp.Table)}
