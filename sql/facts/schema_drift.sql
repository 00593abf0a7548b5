-- One row per unknown field or enum value that Buddy sent in the selected run, with the first run that had it.
--
-- name is the field's path in the reply (pipeline.labels), or the column with the value after "=". things is the number
-- of rows that have it, first_seen the first run that had it. The view drift_in_run defines what is known.
-- What the lake's first run had was first seen then. Only for the rest, the runs between are searched, and only in the
-- tables that have it. The extra JSON is the same in many runs, so there are few distinct texts; they are grouped
-- before they are parsed. json_keys, to_json and group by all are DuckDB's.
with
in_run as materialized (select * from drift_in_run),
first_run as (select run_id as first_run_id, run_date as first_date from runs order by run_id limit 1),
field_gates as (select distinct object from in_run where drift = 'field' and not on_first_run),
value_gates as (select distinct object from in_run where drift = 'value' and not on_first_run),
texts as (
    select table_name as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from extras
    where table_name in (select object from field_gates)
    group by all
),
first_runs as (
    select
        in_run.drift,
        in_run.object,
        in_run.place,
        in_run.inside,
        in_run.word,
        min(texts.run_id) as run_id,
        min_by(texts.run_date, texts.run_id) as run_date
    from texts
    inner join in_run
        on
            in_run.drift = 'field'
            and texts.object = in_run.object
            -- A cheap condition that is true whenever the next one is; the next one checks the right place.
            and contains(texts.extra, concat(to_json(in_run.word), ':'))
            and list_contains(
                json_keys(texts.extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions'])[in_run.place],
                in_run.word
            )
    group by all
    union all
    select
        'value' as drift,
        table_name as object,
        0 as place,
        column_name as inside,
        value as word,
        min(run_id) as run_id,
        min_by(run_date, run_id) as run_date
    from enum_values
    where table_name in (select object from value_gates)
    group by all
)
select
    in_run.object,
    in_run.drift,
    in_run.inside || case when in_run.drift = 'value' then ' = ' else '' end || in_run.word as name,
    in_run.things,
    case when in_run.on_first_run then first_run.first_run_id else first_runs.run_id end as first_seen_run_id,
    case when in_run.on_first_run then first_run.first_date else first_runs.run_date end as first_seen_date
from in_run
left join first_run on in_run.on_first_run
left join first_runs
    on
        in_run.drift = first_runs.drift
        and in_run.object = first_runs.object
        and in_run.place = first_runs.place
        and in_run.inside = first_runs.inside
        and in_run.word = first_runs.word
