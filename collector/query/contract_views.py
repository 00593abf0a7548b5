"""The contract as views: SQL joins them instead of naming tables, keys, columns and enum values a second time.

Each view is made from lake/tables.py. Views about the contract hold constants; views about rows have one select per
table.
"""

from collections.abc import Callable, Iterable, Sequence

from collector.lake.shared_columns import COVERAGE_OUTCOMES, EXTRA, KEY, RUN
from collector.lake.sql_text import identifier, literal
from collector.lake.table import Column, Table
from collector.lake.tables import PROMOTE_IMAGE_ACTIONS, SNAPSHOTS, TABLES
from collector.query.sql_files import SqlFile

# The place of a row in Buddy; tables above the action lack the last columns.
_PLACE = (Column("installation", "string", ""), *KEY)
# The columns of promote_image_actions that are compared from run to run: what Buddy sent, and so neither the place of
# an action, which is its identity, nor what the collector adds.
COMPARED_COLUMNS = [column.name for column in PROMOTE_IMAGE_ACTIONS.columns if column.source or column is EXTRA]
# The tables whose rows belong to an action; they are compared like columns of it.
CHILD_TABLES = [table.name for table in TABLES.values() if table.parent == PROMOTE_IMAGE_ACTIONS.name]


def contract_views() -> dict[str, SqlFile]:
    """Return the views of every lake: what is declared, and the enum values and extra JSON of all tables."""
    declared = [(table, column) for table in TABLES.values() for column in table.columns]
    return _views(
        declared_columns=_constants(
            "One row per table and column of the contract.",
            ("table_name", "column_name"),
            ((table.name, column.name) for table, column in declared),
        ),
        declared_values=_constants(
            "One row per table, column and enum value that Buddy (from_buddy) or the collector itself declares for it.",
            ("table_name", "column_name", "value", "from_buddy"),
            ((t.name, c.name, value, bool(c.source)) for t, c in declared for value in c.values),
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
        staged_rows=_per_table(
            "One row per staged row of any table: its run, place, coverage and first required column that is NULL.",
            _staged_rows,
            staged,
        ),
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
    """Return the views that sql/changes reads: compared columns of an action as texts, child rows as structs."""
    texts = [_text(column) for column in PROMOTE_IMAGE_ACTIONS.columns if column.name in COMPARED_COLUMNS]
    texts += [_text(Column(name, "json", "")) for name in CHILD_TABLES]
    place = ", ".join(column.name for column in _PLACE)
    fields = (
        "-- One row per differing action and side: its compared columns and child tables as text.\n"
        f"select side, {place}, [{', '.join(texts)}] as fields from compared_sides"
    )
    members = {f"{name}_of_action": _members(TABLES[name], place) for name in CHILD_TABLES}
    return _views(compared_fields=fields, **members)


def _text(column: Column) -> str:
    """Return a struct of the column's name and its value as text; lists are JSON."""
    name = identifier(column.name)
    value = f"to_json({name})" if column.column_type in ("strings", "ints") else name
    return f"{{'column_name': {literal(column.name)}, 'value': {value}::VARCHAR}}"


def _members(table: Table, place: str) -> str:
    """Return the select of one row per action: its rows of a child table as a list of structs.

    Values of variables are left out, and whether they were kept or redacted is our setting and not Buddy's change.
    """
    columns = {c.name: identifier(c.name) for c in table.columns if c not in (*RUN, *KEY) and c.name != "value"}
    if "value_state" in columns:
        columns["value_state"] = "case when value_state = 'kept' then 'redacted' else value_state end"
    members = ", ".join(f"{identifier(name)} := {value}" for name, value in columns.items())
    return (
        f"-- One row per action with rows in {table.name}: these rows as a list.\n"
        f"select {place}, list(struct_pack({members})) as members from {table.name} group by all"
    )


def _views(**texts: str) -> dict[str, SqlFile]:
    return {name: SqlFile(name, text) for name, text in texts.items()}


def _constants(grain: str, columns: Sequence[str], rows: Iterable[Sequence[str | bool]]) -> str:
    values = ",\n".join(
        f"({', '.join(literal(v) if isinstance(v, str) else str(v).lower() for v in row)})" for row in rows
    )
    return f"-- {grain}\nselect * from (values\n{values}\n) as declared ({', '.join(columns)})"


def _per_table(grain: str, select: Callable[[Table], str], tables: Iterable[Table]) -> str:
    return f"-- {grain}\n" + "\nunion all\n".join(map(select, tables))


def _enum_columns(table: Table) -> list[str]:
    return [identifier(column.name) for column in table.columns if column.source and column.values]


def _enum_values(table: Table) -> str:
    columns = ", ".join(_enum_columns(table))
    return f"""\
select {literal(table.name)} as table_name, run_id, run_date, installation, column_name, value, row_count
from (select run_id, run_date, installation, {columns}, count(*) as row_count from {table.name} group by all)
unpivot (value for column_name in ({columns})) where value is not null"""


def _staged_rows(table: Table) -> str:
    has_coverage = "coverage" in table.column_names
    # Of a row that was quarantined only its key is believed.
    trusted = " and coverage <> 'quarantined'" if has_coverage else ""
    certain = (*table.key, "coverage")
    missing = " ".join(
        f"when {identifier(c.name)} is null{'' if c.name in certain else trusted} then {literal(c.name)}"
        for c in table.columns
        if c.required
    )
    coverage = "coverage" if has_coverage else "null::VARCHAR as coverage"
    return (
        f"select {literal(table.name)} as table_name, run_id, run_date, {_place(table)}, {coverage}, "
        f"case {missing} end as missing_column from {table.name}"
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
