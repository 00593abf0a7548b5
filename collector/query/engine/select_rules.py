"""Rules for selects: clauses, joins and windows that Spark writes otherwise or does not have.

A rule takes one node of a syntax tree and returns it, changed, or another in its place.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from collector.lake.tables import TABLES
from collector.query.engine.nodes import call, id_, is_call

# The types of the contract's columns, as DuckDB writes them.
_COLUMN_TYPES: Final = {column.name: column.sql for table in TABLES.values() for column in table.columns}


def not_materialised(node: exp.Expr) -> exp.Expr:
    """Spark decides itself which part of a query it keeps."""
    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    return node


def grouped_by_all(node: exp.Expr) -> exp.Expr:
    """`group by all` names the columns that are no aggregates."""
    if isinstance(node, exp.Select) and (group := node.args.get("group")) and group.args.get("all"):
        keys = [each.unalias() for each in node.selects if not each.find(exp.AggFunc, exp.Anonymous)]
        # A number would be the position of a column.
        keys = [key.copy() for key in keys if not isinstance(key, exp.Literal)]
        node.set("group", exp.Group(expressions=keys))
    return node


def pairs_in_a_query(node: exp.Expr) -> exp.Expr:
    """`(a, b) in (select (x, y) …)` compares with the columns of the query."""
    query = node.args.get("query") if isinstance(node, exp.In) else None
    select = query.this if isinstance(query, exp.Subquery) else query
    if isinstance(select, exp.Select) and isinstance(select.selects[0], exp.Tuple):
        select.set("expressions", select.selects[0].expressions)
    return node


def joined_using(node: exp.Expr) -> exp.Expr:
    """`using (k)` is a condition, and k alone is that of the first relation, or of either where both are kept whole."""
    joins = [join for join in node.args.get("joins") or () if join.args.get("using")]
    if not isinstance(node, exp.Select) or not joins:
        return node
    first = node.args["from_"].this.alias_or_name
    meant = {}
    for join in joins:
        names = [each.name for each in join.args["using"]]
        sides = {name: (exp.column(name, first), exp.column(name, join.alias_or_name)) for name in names}
        join.set("on", exp.and_(*(exp.EQ(this=left, expression=right) for left, right in sides.values())))
        join.set("using", None)
        for name, both in sides.items():
            meant[name] = exp.alias_(exp.func("coalesce", *both), name) if join.side == "FULL" else both[0]
    for column in list(node.find_all(exp.Column)):
        if column.name in meant and not column.table and column.find_ancestor(exp.Select) is node:
            column.replace(meant[column.name].copy() if column.parent is node else meant[column.name].unalias().copy())
    return node


def asked_in_a_column(node: exp.Expr) -> exp.Expr:
    """Outside a condition, `x in (select …)` looks into the list of what the query gives."""
    if isinstance(node, exp.In) and node.args.get("query"):
        place = node.find_ancestor(exp.Where, exp.Having, exp.Join, exp.Select)
        query = node.args["query"].unnest()
        if (isinstance(place, exp.Select) or (place and isinstance(place.parent, exp.Filter))) and len(
            query.selects
        ) == 1:
            listed = query.copy().select(call("collect_set", query.selects[0].unalias()), append=False)
            return call("array_contains", exp.Subquery(this=listed), node.this)
    return node


def named_windows(node: exp.Expr) -> exp.Expr:
    """A window that begins with another, by its name, is written out."""
    if isinstance(node, exp.Select) and (named := {each.name: each for each in node.args.get("windows") or ()}):
        for window in node.find_all(exp.Window):
            if window.alias in named:
                window.set("partition_by", [each.copy() for each in named[window.alias].args["partition_by"]])
                for part in ("order", "spec"):
                    window.set(part, window.args.get(part) or named[window.alias].args.get(part))
                window.set("alias", None)
        node.set("windows", None)
    return node


def numbered_list(node: exp.Expr) -> exp.Expr:
    """`unnest(x) as a, generate_subscripts(x, 1) as b` is one view of positions and values."""
    if not isinstance(node, exp.Select):
        return node
    numbers = [each for each in node.selects if is_call(each.unalias(), "generate_subscripts")]
    if not numbers:
        return node
    (value,) = [each for each in node.selects if isinstance(each.unalias(), exp.Explode)]
    others = [each for each in node.selects if each not in (value, *numbers)]
    counted = exp.alias_(exp.Add(this=exp.column("place"), expression=exp.Literal.number(1)), numbers[0].alias)
    node.set("expressions", [*others, exp.column(value.alias), counted])
    columns = exp.TableAlias(this=id_("listed_values"), columns=[id_("place"), id_(value.alias)])
    exploded = call("posexplode", value.unalias().this)
    node.append("laterals", exp.Lateral(this=exploded, view=True, alias=columns))
    return node


def typed_nulls(node: exp.Expr) -> exp.Expr:
    """A NULL in a select has the type of the column of that name in the contract, or else it is text."""
    if isinstance(node, exp.SetOperation):
        names = node.named_selects
        for side in (node.left, node.right):
            selects = side.selects if isinstance(side, exp.Select) else []
            for name, each in zip(names, selects, strict=True) if selects else ():
                if isinstance(each, exp.Null):
                    each.replace(exp.alias_(exp.null(), name))
    if isinstance(node, exp.Alias) and isinstance(node.this, exp.Null):
        node.set("this", exp.cast(exp.null(), _COLUMN_TYPES.get(node.alias, "text")))
    return node
