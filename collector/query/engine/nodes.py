"""Small pieces of syntax trees that the rules build."""

from __future__ import annotations

from sqlglot import exp


def id_(name: str) -> exp.Identifier:
    """A name."""
    return exp.to_identifier(name)


def named(name: str, value: exp.Expr) -> exp.PropertyEQ:
    """A member of a struct."""
    return exp.PropertyEQ(this=id_(name), expression=value.copy())


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of a function of Spark's by its name there."""
    return exp.Anonymous(this=name, expressions=[each.copy() for each in arguments])


def is_call(node: exp.Expr, name: str) -> bool:
    """Return whether this is a call of a function that sqlglot does not know."""
    return isinstance(node, exp.Anonymous) and node.name.lower() == name
