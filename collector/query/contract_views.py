"""The contract as views: SQL joins them instead of naming tables, keys, columns and enum values a second time.

Each view is made from lake/tables.py. Views about the contract hold constants; views about rows have one select per
table.
"""

from collections.abc import Callable, Iterable, Sequence

from collector.lake.shared_columns import COVERAGE_OUTCOMES, EXTRA, KEY
from collector.lake.sql_text import identifier, literal
from collector.lake.table import Column, Table
from collector.lake.tables import CHILD_TABLES, COMPARED_COLUMNS, PROMOTE_IMAGE_ACTIONS, SNAPSHOTS, TABLES
from collector.query.sql_files import SqlFile

# The place of a row in Buddy; tables above the action lack the last columns.
_PLACE = (Column("installation", "string", ""), *KEY)
# A pipeline's own fields in the extra of an action are the pipeline's, and no change of the action. They are cut out as
# text where they stand once, word for word: json_merge_patch() takes 100 MB for any 2,000 actions.
_EXTRA = """case
when {row}.pipeline is null then {row}.extra
when length({row}.extra) - length(replace({row}.extra, {row}.pipeline, '')) = length({row}.pipeline) then nullif(
replace(replace(replace({row}.extra, {row}.pipeline || ',', ''), ',' || {row}.pipeline, ''), {row}.pipeline, ''), '{{}}'
)
else nullif(json_merge_patch({row}.extra, '{{"pipeline": null}}')::VARCHAR, '{{}}')
end"""
_Constant = str | bool | tuple[str, ...]
_UNION = "\nunion all\n"


def contract_views() -> dict[str, SqlFile]:
    """Return the views of every lake: what is declared, and the enum values and extra JSON of all tables."""
    return _views(
        declared_columns=_constants(
            "One row per table and column of the contract.",
            ("table_name", "column_name"),
            ((table.name, table.column_names) for table in TABLES.values()),
        ),
        declared_values=_constants(
            "One row per table, column and enum value that Buddy (from_buddy) or the collector itself declares for it.",
            ("table_name", "column_name", "value", "from_buddy"),
            ((t.name, c.name, c.values, bool(c.source)) for t in TABLES.values() for c in t.columns if c.values),
        ),
        coverage_outcomes=_constants(
            "One row per coverage: seen leaves nothing unknown, missed makes a run partial, skipped depends on time.",
            ("coverage", "outcome"),
            COVERAGE_OUTCOMES.items(),
        ),
        enum_values=_per_table(
            "One row per run, installation, table, column and enum value that Buddy sent: in how many rows it stands.",
            _enum_values,
            (table for table in TABLES.values() if table.name not in SNAPSHOTS and _enum_columns(table)),
        ),
        extras=_per_table(
            "One row per row of any table whose reply held fields without a column: those fields as JSON.",
            lambda table: (
                f"select {literal(table.name)} as table_name, run_id, run_date, extra from {table.name} "
                "where extra is not null"
            ),
            (table for table in TABLES.values() if table.name not in SNAPSHOTS and EXTRA in table.columns),
        ),
    )


def check_views() -> dict[str, SqlFile]:
    """Return the views that checks of a staged run join: those of every lake, and the rows that may be offenders."""
    staged = [table for table in TABLES.values() if table.name not in SNAPSHOTS]
    return contract_views() | _views(
        staged_rows=_staged_rows(staged),
        repeated_keys=_per_table(
            "One row per key that stands in more than one row of its table.",
            _repeated_keys,
            (table for table in TABLES.values() if table.unique),
        ),
        orphans=_per_table(
            "One row per place in a table without a row in its parent table.",
            _orphans,
            (table for table in staged if table.parent),
        ),
    )


def change_views() -> dict[str, SqlFile]:
    """Return the view that sql/changes reads: as text, what is compared of an action."""
    compared = [column for column in PROMOTE_IMAGE_ACTIONS.columns if column.name in COMPARED_COLUMNS]
    place = ", ".join(column.name for column in _PLACE)
    columns = [(column.name, _text(column, "known"), _text(column, "seen")) for column in compared]
    # NULL where the state was lost: nothing is known that could have changed.
    children = [(name, f"coalesce(known.{name}, seen.{name})", f"seen.{name}") for name in CHILD_TABLES]
    values = ", ".join(
        f"{{'column_name': {literal(name)}, 'old_value': {old_value}, 'new_value': {new_value}}}"
        for name, old_value, new_value in (*columns, *children)
    )
    fields = (
        "-- One row per action of pairs and compared column or child table: its last known value and the one now.\n"
        f"select {place}, previous_run_id, unnest([{values}]) as field from pairs"
    )
    return _views(compared_fields=fields)


def _text(column: Column, row: str) -> str:
    """Return what is compared of a column of `row`, as text; lists are JSON."""
    value = f"{row}.{identifier(column.name)}"
    if column is EXTRA:
        return _EXTRA.format(row=row)
    return f"{f'to_json({value})' if column.column_type in ('strings', 'ints') else value}::VARCHAR"


def _views(**texts: str) -> dict[str, SqlFile]:
    return {name: SqlFile(name, text) for name, text in texts.items()}


def _constants(grain: str, columns: Sequence[str], rows: Iterable[Sequence[_Constant]]) -> str:
    """Return the select of these rows; where a column is tuples of texts, of one row for each text."""
    first, *_ = rows = list(rows)
    # Lists are planned in half the time of as many rows.
    selected = (f"unnest({c}) as {c}" if isinstance(v, tuple) else c for c, v in zip(columns, first, strict=True))
    values = ",\n".join(f"({', '.join(map(_constant, row))})" for row in rows)
    return f"-- {grain}\nselect {', '.join(selected)} from (values\n{values}\n) as declared ({', '.join(columns)})"


def _constant(value: _Constant) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    return literal(value) if isinstance(value, str) else str(value).lower()


def _per_table(grain: str, select: Callable[[Table], str], tables: Iterable[Table]) -> str:
    return f"-- {grain}\n" + _UNION.join(map(select, tables))


def _enum_columns(table: Table) -> list[str]:
    return [identifier(column.name) for column in table.columns if column.source and column.values]


def _enum_values(table: Table) -> str:
    columns = ", ".join(_enum_columns(table))
    return f"""\
select {literal(table.name)} as table_name, run_id, run_date, installation, column_name, value, row_count
from (select run_id, run_date, installation, {columns}, count(*) as row_count from {table.name} group by all)
unpivot (value for column_name in ({columns})) where value is not null"""


def _staged_rows(tables: Iterable[Table]) -> str:
    place = ", ".join(f"case when is_faulty then {c.name} end as {c.name}" for c in KEY)
    return f"""\
-- One row per kind of staged row: how many rows of a table have this run, coverage and first required column that is
-- NULL. Of rows with such a column, or with a coverage that the contract does not have, one per place.
select table_name, run_id, run_date, installation, {place}, coverage, missing_column, count(*) as row_count
from (
{_UNION.join(map(_staged_rows_of, tables))}
)
group by all"""


def _staged_rows_of(table: Table) -> str:
    coverages = [value for column in table.columns if column.name == "coverage" for value in column.values]
    # Of a row that was quarantined only its key is used.
    trusted = " and coverage <> 'quarantined'" if coverages else ""
    certain = (*table.key, "coverage")
    missing = " ".join(
        f"when {identifier(c.name)} is null{'' if c.name in certain else trusted} then {literal(c.name)}"
        for c in table.columns
        if c.required
    )
    unknown = f" or coverage not in ({', '.join(map(literal, coverages))})" if coverages else ""
    return (
        f"select {literal(table.name)} as table_name, run_id, run_date, {_place(table)}, "
        f"{'coverage' if coverages else 'null::VARCHAR as coverage'}, case {missing} end as missing_column, "
        f"missing_column is not null{unknown} as is_faulty from {table.name}"
    )


def _repeated_keys(table: Table) -> str:
    return (
        f"select {literal(table.name)} as table_name, {_place(table)}, count(*) as copies from {table.name} "
        f"group by {', '.join(map(identifier, table.key))} having count(*) > 1"
    )


def _orphans(table: Table) -> str:
    parent = TABLES[table.parent or ""]
    key = ", ".join(name for name in parent.key if name != "run_id")
    return (
        f"select distinct {literal(table.name)} as table_name, {literal(parent.name)} as parent_table, {_place(table)} "
        f"from {table.name} anti join {parent.name} using ({key})"
    )


def _place(table: Table) -> str:
    return ", ".join(c.name if c.name in table.key else f"null::{c.sql} as {c.name}" for c in _PLACE)
