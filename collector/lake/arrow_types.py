"""The duckdb types that Arrow cannot represent exactly; their values are cast to text.

Arrow would turn a bit string into bytes, drop the zone of a time, change the largest integers, and make of an interval
a type that neither Python nor Parquet has; also inside lists, structs, maps and unions.
"""

from collections.abc import Sequence
from typing import Any, Final

_AS_TEXT: Final = frozenset({"bignum", "bit", "geometry", "interval", "time with time zone", "uhugeint", "variant"})


def exact_columns(names: Sequence[str], types: Sequence[Any]) -> str | None:
    """Return the select list that keeps the values of columns of these duckdb types; None when `*` keeps them."""
    casts = [_cast(kind) for kind in types]
    if not any(casts):
        return None
    return ", ".join(
        (f"#{number}::{cast}" if cast else f"#{number}") + f" as {_quoted(name)}"
        for number, (name, cast) in enumerate(zip(names, casts, strict=True), start=1)
    )


def _cast(kind: Any) -> str | None:
    """Return the type that `kind` is cast to; None when Arrow keeps its values."""
    if kind.id in _AS_TEXT:
        return "VARCHAR"
    if kind.id not in {"list", "array", "struct", "tuple", "map", "union"}:
        return None
    # The second child of an array is its size; the first of a union is its tag, which has no name.
    inner = [(name, each) for name, each in kind.children if name != "size" or kind.id != "array"]
    inner = [each for each in inner if each[0] or kind.id != "union"]
    casts = [_cast(each) for _, each in inner]
    if not any(casts):
        return None
    kinds = [other or str(each) for other, (_, each) in zip(casts, inner, strict=True)]
    if kind.id == "list":
        return f"{kinds[0]}[]"
    if kind.id == "array":
        return f"{kinds[0]}[{dict(kind.children)['size']}]"
    if kind.id not in {"map", "tuple"}:
        kinds = [f"{_quoted(name)} {each}" for each, (name, _) in zip(kinds, inner, strict=True)]
    return f"{kind.id}({', '.join(kinds)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
