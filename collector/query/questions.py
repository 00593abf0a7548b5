"""Questions: sql/questions/NAME.sql, its sentence and its parameters.

A parameter is a line of the header, `-- $name TYPE = default : what it means`; without `= default` it must be
given. Values are bound by duckdb under their names and never become part of the SQL.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from collector.errors import QueryError
from collector.query.sql_files import SqlFile, read_folder

_LINE = re.compile(
    r"\$(?P<name>\w+)\s+(?P<type>[A-Z]+(?:\[\])?)(?:\s*=\s*(?P<default>'(?:[^']|'')*'|\S*))?\s+:\s+(?P<meaning>.+)"
)
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_EXAMPLES = {
    "BIGINT": "a whole number",
    "INTEGER": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "DATE": "a date, like 2026-11-23",
    "TIMESTAMP": "a UTC time, like 2026-11-23T02:15:00",
    "VARCHAR": "text",
    "VARCHAR[]": "texts separated by commas",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: `default` is None both for NULL and where one is required."""

    name: str
    type: str
    default: object
    required: bool
    description: str

    def coerce(self, value: object) -> object:
        """`value` as this parameter's type: text is read, a value of the right type passes, None is NULL.

        Raises QueryError that says what is expected.
        """
        try:
            return _coerced(value, self.type)
        except (ValueError, TypeError) as error:
            raise QueryError(
                f"the parameter {self.name} is {_EXAMPLES[self.type]}, and {value!r} is not",
                advice=f"{self.name}: {self.description}",
            ) from error


@dataclass(frozen=True)
class Question:
    """One question: its name, its sentence, its SQL."""

    name: str
    source: SqlFile

    @property
    def description(self) -> str:
        """The question as one sentence."""
        return self.source.description

    @property
    def sql(self) -> str:
        """The select, with its header."""
        return self.source.text.rstrip(";")

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters in the order of the header. Raises QueryError when a header line cannot be read."""
        lines = (line for line in self.source.header if line.startswith("$"))
        return tuple(_parameter(self.name, line) for line in lines)

    def bind(self, given: Mapping[str, object]) -> dict[str, object]:
        """A value for every parameter, from `given` or the defaults.

        Raises QueryError for a name there is not, a value of the wrong type, or one that is missing.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise QueryError(
                    f"{self.name} has no parameter {name!r}", advice=_suggestion(name, known, "It takes none.")
                )
        for parameter in self.parameters:
            if parameter.required and parameter.name not in given:
                raise QueryError(
                    f"{self.name} needs the parameter {parameter.name}",
                    advice=f"Give it as --param {parameter.name}=… ({parameter.description}).",
                )
        return {n: p.coerce(given[n]) if n in given else p.default for n, p in known.items()}


class Questions:
    """All questions of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        sources = read_folder(folder / "questions")
        self.all = {name: Question(name, source) for name, source in sources.items()}

    def __getitem__(self, name: str) -> Question:
        """The question of that name. Raises QueryError that names the nearest."""
        if name not in self.all:
            raise QueryError(
                f"there is no question {name!r}",
                advice=_suggestion(name, self.all, "There are none.") + " `collector ask` lists all.",
            )
        return self.all[name]


def _suggestion(name: str, known: Iterable[str], none: str) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]}?"
    return f"It takes {', '.join(names)}." if names and len(names) <= 8 else "" if names else none


def _parameter(question: str, line: str) -> Parameter:
    found = _LINE.fullmatch(line)
    if found is None or found["type"] not in _EXAMPLES:
        raise QueryError(f"the header of the question {question} cannot be read: {line}")
    default = found["default"]
    parameter = Parameter(found["name"], found["type"], None, default is None, found["meaning"])
    if default is None or default.lower() == "null":
        return parameter
    text = default[1:-1].replace("''", "'") if default.startswith("'") else default
    value = parameter.coerce(text)
    return Parameter(parameter.name, parameter.type, value, False, parameter.description)


def _coerced(value: object, kind: str) -> object:
    if value is None:
        return None
    if kind == "VARCHAR[]":
        return [p for part in value.split(",") if (p := part.strip())] if isinstance(value, str) else _texts(value)
    if isinstance(value, str):
        return _read(value if kind == "VARCHAR" else value.strip(), kind)
    expected: dict[str, tuple[type, ...]] = {
        "BIGINT": (int,), "INTEGER": (int,), "DOUBLE": (int, float), "BOOLEAN": (bool,), "DATE": (date,),
        "TIMESTAMP": (datetime,),
    }  # fmt: skip
    # bool is an int and datetime a date: neither is meant where the other is asked for.
    confused = (isinstance(value, bool) and kind != "BOOLEAN") or (isinstance(value, datetime) and kind != "TIMESTAMP")
    if confused or not isinstance(value, expected.get(kind, ())):
        raise TypeError(kind)
    return _naive(value) if isinstance(value, datetime) else value


def _read(text: str, kind: str) -> object:
    if kind in ("BIGINT", "INTEGER"):
        return int(text)
    if kind == "DOUBLE":
        return float(text)
    if kind == "DATE":
        return date.fromisoformat(text)
    if kind == "TIMESTAMP":
        return _naive(datetime.fromisoformat(text))
    if kind == "BOOLEAN":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError(text)
    return text


def _naive(moment: datetime) -> datetime:
    """The moment as the lake writes it: UTC, without a zone. One without a zone is UTC already."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _texts(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError("VARCHAR[]")
    return list(value)
