-- One row per unknown field or enum value that Buddy sent in the selected run, with the first run that had it.
--
-- name is the field's path in the reply (pipeline.labels), or the column with the value after "=". things is the number
-- of rows that have it, first_seen the first run that had it. The view drift_tonight defines what is known.
-- What the lake's first run had was first seen then. Only for the rest, the runs between are searched, and only in the
-- tables that have it. The extra JSON is the same in many runs, so there are few distinct texts; values are grouped
-- before they are unpivoted, because a year has a million rows and few values. json_keys, to_json, unpivot and group by
-- all are DuckDB's.
with
tonight as materialized (select * from drift_tonight),
first_run as (select run_id as first_run_id, run_date as first_date from runs order by run_id limit 1),
field_gates as (select distinct object from tonight where drift = 'field' and not on_first_night),
value_gates as (select distinct object from tonight where drift = 'value' and not on_first_night),
texts as (
    select table_name as object, extra, min(run_id) as run_id, min_by(run_date, run_id) as run_date
    from extras
    where table_name in (select object from field_gates)
    group by all
),
first_runs as (
    select
        tonight.drift,
        tonight.object,
        tonight.place,
        tonight.inside,
        tonight.word,
        min(texts.run_id) as run_id,
        min_by(texts.run_date, texts.run_id) as run_date
    from texts
    inner join tonight
        on
            tonight.drift = 'field'
            and texts.object = tonight.object
            -- A cheap condition that is true whenever the next one is; the next one checks the right place.
            and contains(texts.extra, concat(to_json(tonight.word), ':'))
            and list_contains(
                json_keys(texts.extra, ['$', '$.pipeline', '$.src', '$.dest', '$.permissions'])[tonight.place],
                tonight.word
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
    tonight.object,
    tonight.drift,
    tonight.inside || case when tonight.drift = 'value' then ' = ' else '' end || tonight.word as name,
    tonight.things,
    case when tonight.on_first_night then first_run.first_run_id else first_runs.run_id end as first_seen_run_id,
    case when tonight.on_first_night then first_run.first_date else first_runs.run_date end as first_seen_date
from tonight
left join first_run on tonight.on_first_night
left join first_runs
    on
        tonight.drift = first_runs.drift
        and tonight.object = first_runs.object
        and tonight.place = first_runs.place
        and tonight.inside = first_runs.inside
        and tonight.word = first_runs.word
