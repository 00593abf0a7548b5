"""Arrow's values as Python's, also where Python has none: infinite dates, years before 1 and after 9999, nanoseconds.

Such a moment becomes text: ISO 8601 as far as that goes, and beyond it the way that DuckDB writes and reads it (`infinity`,
`10000-01-01`, `0044-03-15 (BC)`).
"""

from typing import Any, Final

import pyarrow as pa

_kinds: Final = pa.types
_DAY_S: Final = 86_400
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_INFINITE_DAY: Final = 2**31 - 1
_INFINITE_MOMENT: Final = 2**63 - 1


def values_of(column: pa.Array) -> list[Any]:
    """The values of a column, moments that Python cannot hold as text."""
    if not _needs_care(column.type):
        try:
            return list(column.to_pylist())
        except (OverflowError, ValueError):
            pass  # a date or a timestamp that Python does not have
    return [_value(scalar) for scalar in column]


def _needs_care(kind: pa.DataType) -> bool:
    """Whether Arrow would turn such values into wrong ones, or ask for pandas, without raising an error."""
    if _kinds.is_time(kind) or (_kinds.is_timestamp(kind) and kind.unit == "ns"):
        return True
    return any(_needs_care(kind.field(i).type) for i in range(kind.num_fields))


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
    if not fraction:
        return clock
    return f"{clock}.{fraction:09}" if fraction % 1000 else f"{clock}.{fraction // 1000:06}"


def _date(days: int) -> str:
    """The day so many days after 1970-01-01 in the Gregorian calendar, which is the same every 400 years."""
    cycle, day = divmod(days + 719_468, 146_097)  # 0000-03-01 begins a cycle, and each of its years ends with February
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    year += 400 * cycle + (month >= 10)
    month += -9 if month >= 10 else 3
    return f"{year:04}-{month:02}-{day:02}" if year > 0 else f"{1 - year:04}-{month:02}-{day:02} (BC)"
