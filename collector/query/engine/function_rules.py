"""Rules for functions and values that have another name, another form or another meaning in Spark."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from collector.query.engine.nodes import call, id_, is_call, named

UNENDING: Final = {"-infinity": "0001-01-01 00:00:00", "infinity": "9999-12-31 23:59:59"}
# Functions that have another name in Spark.
RENAMED: Final = {"list_position": "array_position", "map_contains": "map_contains_key"}


def unending(node: exp.Expr) -> exp.Expr:
    """Spark has no infinite times; the first and the last that it can write take their place."""
    if isinstance(node, exp.Cast) and node.this.is_string and node.this.name in UNENDING:
        return exp.cast(exp.Literal.string(UNENDING[node.this.name]), node.to)
    return node


def seconds(node: exp.Expr) -> exp.Expr:
    """`epoch(later - earlier)` is a difference in microseconds, divided."""
    if isinstance(node, exp.TimeToUnix) and isinstance(node.this, exp.Sub):
        later, earlier = (call("unix_micros", exp.cast(side, "timestamptz")) for side in node.this.unnest_operands())
        micros = exp.cast(exp.paren(exp.Sub(this=later, expression=earlier)), "double")
        return exp.paren(exp.Div(this=micros, expression=exp.cast(exp.Literal.number(1_000_000), "double")))
    return node


def bounded_by(node: exp.Expr) -> exp.Expr:
    """`max_by(value, key)` passes over values that are NULL, `arg_max_null` does not."""
    if isinstance(node, (exp.ArgMax, exp.ArgMin)):
        known = exp.Case().when(exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null())), node.expression)
        return type(node)(this=node.this, expression=known)
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("arg_min_null", "arg_max_null"):
        value, key = node.expressions
        kind = exp.ArgMin if "min" in node.name.lower() else exp.ArgMax
        return exp.Dot(
            this=kind(this=exp.Struct(expressions=[named("value", value)]), expression=key), expression=id_("value")
        )
    return node


def named_groups(node: exp.Expr) -> exp.Expr:
    """`regexp_extract` with a list of names is a struct of its groups."""
    if isinstance(node, exp.RegexpExtract) and isinstance(node.args.get("group"), exp.Array):
        names = [each.name for each in node.args["group"].expressions]
        groups = [
            named(name, call("regexp_extract", node.this, node.expression, exp.Literal.number(number)))
            for number, name in enumerate(names, start=1)
        ]
        return exp.Struct(expressions=groups)
    return node


def lists(node: exp.Expr) -> exp.Expr:
    """Functions of lists that have other names; a position counts from 1 in both, an index from 0 in Spark."""
    if isinstance(node, exp.ToDays):
        return call("make_dt_interval", node.this)
    if isinstance(node, exp.Anonymous) and node.name.lower() in RENAMED:
        return call(RENAMED[node.name.lower()], *node.expressions)
    if isinstance(node, exp.Length) and isinstance(node.this, exp.ArrayFilter):
        return call("size", node.this)
    if isinstance(node, exp.Bracket) and not isinstance(node.expressions[0], (exp.Slice, exp.Literal)):
        key = node.expressions[0]  # the name of a column holds a position, anything else the key of a map
        return call("element_at", node.this, exp.cast(key, "int") if isinstance(key, exp.Column) else key)
    if isinstance(node, exp.ToMap):
        members = [(exp.Literal.string(each.this.name), each.expression) for each in node.this.expressions]
        return call("map", *(part for member in members for part in member))
    if isinstance(node, (exp.ArrayFilter, exp.Transform)) and len(node.expression.expressions) == 2:
        place = node.expression.expressions[1].name
        for column in [
            each for each in node.expression.this.find_all(exp.Column, exp.Identifier) if each.name == place
        ]:
            if not isinstance(column.parent, exp.Column):
                column.replace(exp.paren(exp.Add(this=column.copy(), expression=exp.Literal.number(1))))
    if isinstance(node, exp.Split) and isinstance(node.expression, exp.Literal):
        return call("split", node.this, exp.Literal.string(re.escape(node.expression.name)))
    if isinstance(node, exp.ArrayAgg) and isinstance(node.this, exp.Order):
        return _in_order(node.this)
    return node


def first_known(node: exp.Expr) -> exp.Expr:
    """`any_value` passes over NULLs; that of Spark does so when told."""
    if isinstance(node, exp.IgnoreNulls) and isinstance(node.this, exp.AnyValue):
        return call("any_value", node.this.this, exp.true())
    return node


def ordered_texts(node: exp.Expr) -> exp.Expr:
    """Spark cannot plan an ordered `string_agg` beside an aggregate of distinct values: a sorted list is joined."""
    if not isinstance(node, exp.Select) or not any(each.find(exp.Distinct) for each in node.selects):
        return node
    for text in [each for each in node.find_all(exp.GroupConcat) if each.find_ancestor(exp.Select) is node]:
        if isinstance(text.this, exp.Order):
            kept = text.parent if isinstance(text.parent, exp.Filter) else None
            joined = call("array_join", _in_order(text.this, kept and kept.expression), text.args["separator"])
            (kept or text).replace(exp.func("nullif", joined, exp.Literal.string("")))
    return node


def json(node: exp.Expr) -> exp.Expr:
    """`json_keys` with a list of paths is a list of the keys at each; `$.a[*]` is the list of what a holds."""
    if isinstance(node, exp.JSONExtract) and (path := node.expression.sql("duckdb").strip("'")).endswith("[*]"):
        found = call("get_json_object", node.this, exp.Literal.string(path.removesuffix("[*]")))
        return call("from_json", found, exp.Literal.string("array<string>"))
    if is_call(node, "to_json") and isinstance(
        value := node.expressions[0], exp.Column
    ):  # text, of which Spark's has none
        listed = call("to_json", exp.Array(expressions=[value.copy()]))
        inner = exp.Sub(this=exp.Length(this=listed.copy()), expression=exp.Literal.number(2))
        return call("substring", listed, exp.Literal.number(2), inner)
    if isinstance(node, exp.JSONKeys) and isinstance(node.expression, exp.Array):
        paths = [each.name for each in node.expression.expressions]
        return exp.Array(expressions=[call("json_object_keys", _at_path(node.this, path)) for path in paths])
    return node


def texts(node: exp.Expr) -> exp.Expr:
    """Text made of other values, matching of a whole text, dates as text, and quantiles."""
    if isinstance(node, exp.Concat):
        node.set("expressions", [each if each.is_string else exp.cast(each, "text") for each in node.expressions])
    if isinstance(node, exp.RegexpReplace) and (text := node.args["replacement"]).is_string:
        node.set("replacement", exp.Literal.string(re.sub(r"\\(\d)", r"$\1", text.name)))
    if isinstance(node, exp.Literal) and node.is_string and node.name == r"\0":  # a replacement: what was matched
        return exp.Literal.string("$0")
    if isinstance(node, exp.RegexpFullMatch):
        whole = exp.func("concat", exp.Literal.string("^(?:"), node.expression, exp.Literal.string(")$"))
        return exp.RegexpLike(this=node.this, expression=whole)
    if isinstance(node, exp.TimeToStr) and "T" in node.args["format"].name:
        return exp.TimeToStr(this=node.this, format=exp.Literal.string(node.args["format"].name.replace("T", "")))
    if isinstance(node, exp.PercentileCont) and node.expression:
        return call("percentile", node.this, node.expression)
    return node


def _in_order(ordered: exp.Order, kept: exp.Expr | None = None) -> exp.Expr:
    """Return the list of a value, sorted by its keys, of the rows for which the condition `kept` is true.

    Distinct values are sorted by themselves.
    """
    is_set = isinstance(ordered.this, exp.Distinct)
    members = [named(f"k{number}", key.this) for number, key in enumerate(ordered.expressions)]
    pairs = exp.Struct(expressions=[*members, named("v", ordered.this)])
    found: exp.Expr = call("collect_set", *ordered.this.expressions) if is_set else call("collect_list", pairs)
    if kept is not None:
        found = exp.Filter(this=found, expression=kept.copy())
    if is_set:
        return call("array_sort", found)
    value = exp.Lambda(this=exp.Dot(this=id_("e"), expression=id_("v")), expressions=[id_("e")])
    return exp.Transform(this=call("array_sort", found), expression=value)


def _at_path(value: exp.Expr, path: str) -> exp.Expr:
    return value.copy() if path == "$" else call("get_json_object", value, exp.Literal.string(path))
