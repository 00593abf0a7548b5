-- Which fields and enum values did Buddy send that this collector does not know, and since when?
-- $current BOOLEAN = true : only those that the selected run still saw; false for all that were ever seen
with
drift as (select * from schema_drift),
chosen as (select * from selected_run)
select
    drift.drift,
    drift.object,
    drift.name,
    drift.first_seen_date,
    drift.last_seen_date,
    drift.nights,
    drift.last_things as things,
    drift.first_seen_run_id
from drift
cross join chosen
where drift.first_seen_run_id <= chosen.run_id and (not $current or drift.last_seen_run_id >= chosen.run_id)
order by drift.drift, drift.object, drift.name
