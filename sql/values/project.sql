-- One row per project that a run of the lake has listed.
select distinct project as value
from projects
