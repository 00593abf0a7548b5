-- One row per unknown field or enum value that Buddy sent in the selected run, with the first run that had it.
--
-- name is the field's path in the reply (pipeline.labels), or the column with the value after "=". things is the number
-- of rows that have it, first_seen the first run that had it. The view drift_tonight defines what is known.
-- What the lake's first run had was first seen then. Only for the rest, the runs between are searched, and only in the
-- tables that have it. The extra JSON is the same in many runs, so there are few distinct texts; values are grouped
-- before they are unpivoted, because a year has a million rows and few values. json_keys, to_json, unpivot and group by
-- all are DuckDB's.
with
selected as materialized (select * from drift_tonight),
first_run as (select run_id as first_run_id, run_date as first_date from runs order by run_id limit 1),
field_gates as (select distinct object from selected where drift = 'field' and not on_first_night),
value_gates as (select distinct object from selected where drift = 'value' and not on_first_night),
texts as (
    select table_name as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from extras
    where table_name in (select object from field_gates)
    group by all
),
first_runs as (
    select
        selected.drift,
        selected.object,
        selected.place,
        selected.inside,
        selected.word,
        min(texts.run_id) as run_id,
        min_by(texts.run_date, texts.run_id) as run_date
    from texts
    inner join selected
        on
            selected.drift = 'field'
            and texts.object = selected.object
            -- A cheap condition that is true whenever the next one is; the next one checks the right place.
            and contains(texts.extra, concat(to_json(selected.word), ':'))
            and list_contains(
                json_keys(texts.extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions'])[selected.place],
                selected.word
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
    selected.object,
    selected.drift,
    selected.inside || case when selected.drift = 'value' then ' = ' else '' end || selected.word as name,
    selected.things,
    case when selected.on_first_night then first_run.first_run_id else first_runs.run_id end as first_seen_run_id,
    case when selected.on_first_night then first_run.first_date else first_runs.run_date end as first_seen_date
from selected
left join first_run on selected.on_first_night
left join first_runs
    on
        selected.drift = first_runs.drift
        and selected.object = first_runs.object
        and selected.place = first_runs.place
        and selected.inside = first_runs.inside
        and selected.word = first_runs.word
