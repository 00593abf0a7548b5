-- One row per image reference that a promotion of the selected run names or a known execution wrote.
with
configured as (select reference from selected_references),
written as (select reference from written_environments),
named as (
    select reference from configured
    union
    select reference from written
)
select reference as value
from named
where reference is not null
