-- One row per installation that a run of the lake collected.
select distinct installation as value
from runs
