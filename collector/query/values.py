"""Converts Arrow's values to Python's, and structs to an Arrow table.

A moment that Python lacks (infinite dates, years before 1 and after 9999, nanoseconds) becomes text: ISO 8601 where
that can express it, otherwise as DuckDB writes and reads it (`infinity`, `10000-01-01`, `0044-03-15 (BC)`).
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa

_kinds: Final = pa.types
_DAY_S: Final = 86_400
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAYS_OF_400_YEARS: Final = 146_097
_INFINITE_DAY: Final = 2**31 - 1
_INFINITE_MOMENT: Final = 2**63 - 1


def values_of(column: pa.Array) -> list[Any]:
    """Return the values of a column, with text for moments that Python cannot represent."""
    if not _is_converted_wrongly(column.type):
        with suppress(OverflowError, ValueError):  # a date or a timestamp that Python lacks
            return list(column.to_pylist())
    return [_value(scalar) for scalar in column]


def _is_converted_wrongly(kind: pa.DataType) -> bool:
    """Return whether Arrow would convert such values to wrong ones, or would need pandas, without raising an error."""
    if _kinds.is_time(kind) or (_kinds.is_timestamp(kind) and kind.unit == "ns"):
        return True
    return any(_is_converted_wrongly(kind.field(i).type) for i in range(kind.num_fields))


def _value(scalar: Any) -> Any:
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if _kinds.is_date32(kind):
        return _infinite(scalar.value, _INFINITE_DAY) or _date(scalar.value)
    if _kinds.is_timestamp(kind):
        return _infinite(scalar.value, _INFINITE_MOMENT) or _timestamp(scalar.value, kind.unit)
    if _kinds.is_time(kind):
        return _time(scalar.value, kind.unit)
    if _kinds.is_map(kind):
        return [tuple(_value(each) for each in entry.values()) for entry in scalar.values]
    if _kinds.is_list(kind) or _kinds.is_large_list(kind) or _kinds.is_fixed_size_list(kind):
        return [_value(each) for each in scalar.values]
    if _kinds.is_struct(kind):
        return {name: _value(each) for name, each in scalar.items()}
    return _value(scalar.value) if _kinds.is_union(kind) else scalar.as_py()


def _infinite(value: int, end: int) -> str | None:
    return {end: "infinity", -end: "-infinity"}.get(value)


def _timestamp(value: int, unit: str) -> str:
    days, rest = divmod(value, _DAY_S * _PER_SECOND[unit])
    return f"{_date(days)}T{_time(rest, unit)}Z"


def _time(value: int, unit: str) -> str:
    seconds, rest = divmod(value, _PER_SECOND[unit])
    fraction = rest * (_PER_SECOND["ns"] // _PER_SECOND[unit])
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}.{fraction:09}".removesuffix("000") if fraction else clock


def _date(days: int) -> str:
    """Return the day so many days after 1970-01-01 in the Gregorian calendar, which repeats every 400 years."""
    cycle, day = divmod(days + _EPOCH - 1, _DAYS_OF_400_YEARS)
    found = date.fromordinal(day + 1)
    year = found.year + 400 * cycle
    return f"{year:04}-{found:%m-%d}" if year > 0 else f"{1 - year:04}-{found:%m-%d} (BC)"


def table_of(rows: Sequence[msgspec.Struct]) -> pa.Table:
    """Return structs of one class as a table, whose columns are their fields; an empty table where there are none."""
    if not rows:
        return pa.table({})
    values = [msgspec.to_builtins(row, builtin_types=(date, datetime)) for row in rows]
    return pa.Table.from_pylist(values, pa.schema(_fields(type(rows[0]))))


def _fields(struct: type[msgspec.Struct]) -> list[pa.Field]:
    return [pa.field(name, _arrow_type(kind)) for name, kind in get_type_hints(struct).items()]


def _arrow_type(kind: Any) -> pa.DataType:
    if isinstance(kind, UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    if get_origin(kind) is list:
        return pa.list_(_arrow_type(*get_args(kind)))
    if issubclass(kind, msgspec.Struct):
        return pa.struct(_fields(kind))
    plain = {str: pa.string(), int: pa.int64(), float: pa.float64(), date: pa.date32(), datetime: pa.timestamp("us")}
    return plain[kind]
