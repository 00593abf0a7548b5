"""Given and expected rows as Markdown tables, one file per SQL file: tests/sql_cases/FOLDER/NAME.md.

    # What the case proves, as one sentence.
    run: r2                        the selected run; by default the latest of the given rows
    with: image = acme/checkout    parameters of a question, one per line
    where: image_end = 'src'       of a view, only these rows
    ## given promote_image_actions
    | action_id | src_image | dest_tag |
    |---|---|---|
    | 1 | shop:1.2 | production |
    ## expect
    | action_id | destination |
    |---|---|
    | 1 | … |

An empty cell is NULL, '' is the empty string, a list is JSON, text in backticks keeps its blanks and \\n is a line end
in it, \\| is a bar.
Columns that a given row leaves out are NULL, except for a default key (DEFAULTS); the date of run r2 is 2 November
2026. An expectation names the columns that it checks; rows are compared in order where the SQL gives one, and
`## expect nothing` expects none.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector.lake.tables import ALL

CASES = Path(__file__).parent.parent / "sql_cases"
Row = dict[str, Any]
DEFAULTS: Row = {
    "run_id": "r1",
    "installation": "us",
    "workspace": "acme",
    "project": "shop",
    "pipeline_id": 1,
    "action_id": 1,
}
_TEXT = pa.string()
# What checks see beside the tables of the lake and the views of the contract.
CHECK_RELATIONS: dict[str, pa.Schema] = {
    "this_run": pa.schema([("run_id", _TEXT), ("run_date", pa.date32())]),
    "previous_counts": pa.schema([("installation", _TEXT), ("run_id", _TEXT), ("actions", pa.int64())]),
    "previous_last_known_actions": ALL["last_known_actions"].schema,
    "staged_columns": pa.schema([("table_name", _TEXT), ("column_name", _TEXT)]),
}
SCHEMAS: dict[str, pa.Schema] = {**{name: table.schema for name, table in ALL.items()}, **CHECK_RELATIONS}


@dataclass
class Case:
    """One sentence with the rows that prove it. `given` holds typed rows, `expected` cells as they are written."""

    file: Path
    title: str
    run: str | None = None
    where: str = "true"
    parameters: dict[str, str] = field(default_factory=dict)
    given: dict[str, list[Row]] = field(default_factory=dict)
    expected: list[dict[str, str | None]] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """The folder of sql/ that holds its SQL file."""
        return self.file.parent.name

    @property
    def name(self) -> str:
        """Return the name of the SQL file."""
        return self.file.stem

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Yield every relation with its given rows."""
        for name, schema in SCHEMAS.items():
            yield name, pa.Table.from_pylist(self.given.get(name, []), schema=schema)

    def latest_run(self) -> Row | None:
        """Return run_id and run_date of the selected run."""
        runs = {row["run_id"] for name in ALL for row in self.given.get(name, ()) if row.get("run_id")}
        chosen = self.run or max(runs, default=None)
        return {"run_id": chosen, "run_date": _date_of(chosen)} if chosen else None


def read_cases(folder: str | None = None) -> list[Case]:
    """Return every case, or those of one folder."""
    return [case for path in sorted(CASES.glob(f"{folder or '*'}/*.md")) for case in parse(path)]


def parse(path: Path) -> Iterator[Case]:
    """Yield the cases of one file. Raises ValueError for a line that cannot be read."""
    case: Case | None = None
    into = ""
    header: list[str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("# "):
            if case:
                yield case
            case, into, header = Case(path, line[2:].strip()), "", None
        elif case is None or not line.strip():
            continue
        elif line.startswith("run: "):
            case.run = line[5:].strip()
        elif line.startswith("where: "):
            case.where = line[7:].strip()
        elif line.startswith("with: "):
            name, _, value = line[6:].partition("=")
            case.parameters[name.strip()] = value.strip()
        elif line.startswith("## "):
            into, header = line[3:].strip().removeprefix("given "), None
            if into not in SCHEMAS and into not in ("expect", "expect nothing"):
                raise ValueError(f"{path.name}:{number}: no relation {into}")
        elif line.startswith("|"):
            cells = _cells(line)
            if header is None:
                header = [str(cell) for cell in cells]
            elif not re.fullmatch(r"[|\s:-]+", line):
                _add(case, into, dict(zip(header, cells, strict=True)))
        else:
            raise ValueError(f"{path.name}:{number}: {line}")
    if case:
        yield case


def shown(value: Any) -> str | None:
    """Return a value of a result as it is written in a cell."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _cells(line: str) -> list[str | None]:
    texts = [text.strip().replace("\\|", "|") for text in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
    return [None if text == "" else "" if text == "''" else _unquoted(text) for text in texts]


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == "`"
    return text[1:-1].replace("\\n", "\n") if quoted else text


def _add(case: Case, into: str, cells: Mapping[str, str | None]) -> None:
    if into == "expect":
        case.expected.append(dict(cells))
        return
    schema = SCHEMAS[into]
    unknown = [name for name in cells if name not in schema.names]
    if unknown:
        raise ValueError(f"{case.file.name}: {into} has no column {', '.join(unknown)}")
    row = {
        name: value
        for name, value in DEFAULTS.items()
        if name in schema.names and (into in ALL or into.startswith("previous_l"))
    }
    row |= {name: _typed(text, schema.field(name).type) for name, text in cells.items()}
    if "run_date" in schema.names and "run_date" not in cells:
        row["run_date"] = _date_of(row["run_id"]) if row["run_id"] else None
    case.given.setdefault(into, []).append(row)


def _date_of(run: str) -> date:
    return date(2026, 11, int(run.removeprefix("r")))


def _typed(text: str | None, kind: pa.DataType) -> Any:
    if text is None:
        return None
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[text]
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_list(kind):
        return json.loads(text)
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(text)
    return text
