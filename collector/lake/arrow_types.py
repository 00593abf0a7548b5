"""Which of duckdb's types Arrow would carry as something else, and as what they are sent instead: as text.

A bit string would arrive as bytes, a time with a zone without it, the largest integers with another value, and an interval
as what neither Python nor Parquet has. Inside lists, structs, maps and unions it is the same.
"""

from collections.abc import Sequence
from typing import Any, Final

_AS_TEXT: Final = frozenset({"bignum", "bit", "geometry", "interval", "time with time zone", "uhugeint", "variant"})


def exact_columns(names: Sequence[str], types: Sequence[Any]) -> str | None:
    """The select list that sends columns of these duckdb types without a change of value; None when `*` does."""
    sent = [_sent(kind) for kind in types]
    if not any(sent):
        return None
    return ", ".join(
        (f"#{place}::{kind}" if kind else f"#{place}") + f" as {_quoted(name)}"
        for place, (name, kind) in enumerate(zip(names, sent, strict=True), start=1)
    )


def _sent(kind: Any) -> str | None:
    """The type that `kind` is cast to; None when Arrow carries it as it is."""
    if kind.id in _AS_TEXT:
        return "VARCHAR"
    if kind.id not in {"list", "array", "struct", "tuple", "map", "union"}:
        return None
    # Of an array the second is its size; a union begins with its tag, which has no name.
    inner = [(name, each) for name, each in kind.children if name != "size" or kind.id != "array"]
    inner = [each for each in inner if each[0] or kind.id != "union"]
    sent = [_sent(each) for _, each in inner]
    if not any(sent):
        return None
    kinds = [other or str(each) for other, (_, each) in zip(sent, inner, strict=True)]
    if kind.id == "list":
        return f"{kinds[0]}[]"
    if kind.id == "array":
        return f"{kinds[0]}[{dict(kind.children)['size']}]"
    if kind.id not in {"map", "tuple"}:
        kinds = [f"{_quoted(name)} {each}" for each, (name, _) in zip(kinds, inner, strict=True)]
    return f"{kind.id}({', '.join(kinds)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
