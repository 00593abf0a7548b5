-- One row per environment that a promotion of the selected run or a known execution names.
with
configured as (select environment from selected_environments),
written as (select environment from written_environments),
named as (
    select environment from configured
    union
    select environment from written
)
select environment as value
from named
where environment is not null
