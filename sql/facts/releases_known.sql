-- One row per installation of which executions are known: from when on those of all pipelines are.
--
-- Pipelines of which the executions could not be read do not count (view executions_known). Before known_from, releases may
-- be missing.
with
known as (select * from executions_known where executions_coverage in ('complete', 'carried'))
select
    installation,
    max(known_from) as known_from
from known
group by installation
