"""Questions: sql/questions/NAME.sql, its sentence and its parameters.

A parameter is a line of the header, `-- $name TYPE = default in (values) : meaning`; without `= default` it is
required, and `in (values)` is the closed set of texts that it accepts. `-- rule: …` explains a rule that decides which
rows are shown. duckdb binds the values by name, so they never become part of the SQL.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from collector.errors import QueryError
from collector.query.sql_files import SqlFile, read_folder
from collector.settings.escape import is_utf8
from collector.settings.parsers import FLAGS
from collector.settings.suggestions import did_you_mean

_LINE = re.compile(
    r"\$(?P<name>\w+)\s+(?P<type>[A-Z]+(?:\[\])?)(?:\s*=\s*(?P<default>'(?:[^']|'')*'|\S*))?"
    r"(?:\s+in\s+\((?P<choices>'[^')]*'(?:,\s*'[^')]*')*)\))?\s+:\s+(?P<meaning>.+)"
)
# What questions are about, in the order in which they are listed.
TOPICS = ("releases", "change", "health", "security", "cost")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# What a parameter accepts, and how an error names it.
_TYPES: dict[str, tuple[Any, str]] = {
    "BIGINT": (int, "a whole number"),
    "INTEGER": (int, "a whole number"),
    "DOUBLE": (float, "a number"),
    "BOOLEAN": (bool, "true or false"),
    "DATE": (date, "a date, like 2026-11-23"),
    "TIMESTAMP": (datetime, "a UTC time, like 2026-11-23T02:15:00 or 2026-11-23"),
    "VARCHAR": (str, "text"),
    "VARCHAR[]": (list[str], "texts separated by commas"),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a question; `default` is None both for NULL and for a required one."""

    name: str
    type: str
    default: object
    required: bool
    description: str
    choices: tuple[str, ...] | None = None  # the closed set of texts that it accepts; None: it is open

    @property
    def default_text(self) -> str:
        """The default as `--param` takes it."""
        if self.default is None:
            return ""
        if isinstance(self.default, list):
            return ",".join(self.default)
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)

    def coerce(self, value: object) -> object:
        """Return `value` as this parameter's type: text is parsed, a value of the right type stays, None is NULL.

        Raises QueryError that says what is expected.
        """
        kind, expected = _TYPES[self.type]
        if isinstance(value, str) and not is_utf8(value):
            raise QueryError(f"the parameter {self.name} is not UTF-8: {value!r}", advice=f"It must be {expected}.")
        written = value.strip() if isinstance(value, str) and kind is not str else value
        if isinstance(written, str) and self.type == "BOOLEAN":
            written = FLAGS.get(written.lower(), written)
        if isinstance(written, str) and self.type == "TIMESTAMP" and _DAY.fullmatch(written):
            written = f"{written}T00:00:00"  # a date is its beginning
        if isinstance(written, str) and self.type == "VARCHAR[]":
            written = [text.strip() for text in written.split(",") if text.strip()]
        if isinstance(written, str) and self.type == "TIMESTAMP":
            with suppress(ValueError):
                written = datetime.fromisoformat(written)  # also a date alone: the moment at which it begins
        if self.choices and isinstance(written, str) and written not in self.choices:
            near = did_you_mean(written.lower(), self.choices).strip()
            known = ", ".join(choice or "empty" for choice in self.choices)
            raise QueryError(
                f"the parameter {self.name} has no value {value!r}", advice=f"{near} It takes {known}.".strip()
            )
        try:
            return msgspec.convert(written, kind | None, strict=not isinstance(written, str))
        except msgspec.ValidationError as error:
            advice = f"{self.name}: {self.description}"
            raise QueryError(f"the parameter {self.name} must be {expected}, not {value!r}", advice=advice) from error


class Question(SqlFile):
    """A file of sql/questions."""

    @property
    def topic(self) -> str:
        """What the question is about: one of TOPICS."""
        return self.metadata("topic")

    @property
    def answer(self) -> tuple[str, ...]:
        """The columns that are the answer, the largest thing first; others give the place and details."""
        return tuple(self.metadata("answer").split(", "))

    @property
    def is_oldest_first(self) -> bool:
        """Whether the last rows are the newest: of a long answer a terminal shows these."""
        return "oldest first" in self.header

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the order of the header. Raises QueryError when a header line cannot be parsed."""
        return tuple(_parameter(self.name, line) for line in self.header if line.startswith("$"))

    @property
    def rule(self) -> str | None:
        """The rule that decides which rows are shown, as one sentence; None: the question itself says it."""
        return next((line.removeprefix("rule: ") for line in self.header if line.startswith("rule: ")), None)

    def described(self) -> dict[str, Any]:
        """Return name, description and parameters as JSON has them."""
        parameters = [
            {**asdict(each), "default": None if each.default is None else str(each.default)} for each in self.parameters
        ]
        return {
            "name": self.name,
            "topic": self.topic,
            "description": self.description,
            "answer": list(self.answer),
            "rule": self.rule,
            "parameters": parameters,
        }

    def defaults(self) -> dict[str, object]:
        """Return the default of every parameter, None for a required one."""
        return {each.name: each.default for each in self.parameters}

    def bind(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return a value for every parameter, from `given` or the defaults.

        Raises QueryError for an unknown name, a value of the wrong type, or a required parameter that is not given.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                advice = did_you_mean(name, known).strip() or f"It takes {', '.join(known) or 'none'}."
                raise QueryError(f"{self.name} has no parameter {name!r}", advice=advice)
        for parameter in self.parameters:
            if parameter.required and parameter.name not in given:
                advice = f"Give it as --param {parameter.name}=… ({parameter.description})."
                raise QueryError(f"{self.name} needs the parameter {parameter.name}", advice=advice)
        return self.defaults() | {name: known[name].coerce(value) for name, value in given.items()}


class Questions:
    """All questions of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        files = read_folder(folder / "questions").values()
        self.all = {file.name: Question(file.name, file.text) for file in files}

    def __getitem__(self, name: str) -> Question:
        """Return the question of that name. Raises QueryError that suggests the nearest."""
        if name not in self.all:
            advice = f"{did_you_mean(name, self.all)}`collector ask` lists all questions."
            raise QueryError(f"there is no question {name!r}", advice=advice)
        return self.all[name]


def _parameter(question: str, line: str) -> Parameter:
    found = _LINE.fullmatch(line)
    if found is None or found["type"] not in _TYPES:
        raise QueryError(f"the header of the question {question} cannot be parsed: {line}")
    default = found["default"]
    choices = tuple(re.findall(r"'([^']*)'", found["choices"])) if found["choices"] else None
    parameter = Parameter(found["name"], found["type"], None, default is None, found["meaning"], choices)
    if default is None or default.lower() == "null":
        return parameter
    text = default[1:-1].replace("''", "'") if default.startswith("'") else default
    return replace(parameter, default=parameter.coerce(text))
