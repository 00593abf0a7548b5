-- Which unknown fields and enum values did Buddy send in the last run, and since when?
-- topic: health
-- answer: drift, object, name, things, first_seen_date
-- first run and selected run
with
drift as (select * from schema_drift)
select
    drift,
    object,
    name,
    things,
    first_seen_date,
    first_seen_run_id
from drift
order by drift, object, name
