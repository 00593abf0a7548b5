-- Which fields and enum values did Buddy send that this collector does not know, and since when?
-- $current BOOLEAN = true : only those that the selected run saw; false for all that were ever seen
with
drift as (select * from schema_drift),
chosen as (select * from selected_run)
select
    drift.drift,
    drift.object,
    drift.name,
    drift.things,
    drift.first_seen_date,
    drift.last_seen_date,
    drift.first_seen_run_id,
    drift.last_seen_run_id
from drift
inner join chosen on drift.first_seen_run_id <= chosen.run_id
where not $current or drift.things > 0
order by drift.drift, drift.object, drift.name
