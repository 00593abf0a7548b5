-- One row per action, side and part: a fingerprint of its compared columns or of its child rows.
--
-- side is 'known' as last known and 'seen' in this run. Fingerprints are compared first, so that wide rows are joined for the
-- few actions that differ and not for all: equal ones mean equal values, others that the values may differ. They are
-- taken of text in which NULL, '' and [] differ, as they do not for hash().
with
known as (
    select * exclude (side) from compared_actions where side = 'known'
),
seen as (
    select * exclude (side) from compared_actions where side = 'seen'
)
select
    'known' as side,
    'columns' as part,
    installation, workspace, project, pipeline_id, action_id,
    md5_number(known::VARCHAR) as fingerprint
from known
union all
select
    'seen' as side,
    'columns' as part,
    installation, workspace, project, pipeline_id, action_id,
    md5_number(seen::VARCHAR) as fingerprint
from seen
union all
select
    'known' as side,
    'children' as part,
    installation, workspace, project, pipeline_id, action_id,
    md5_number(to_json([trigger_conditions, variables, permissions])::VARCHAR) as fingerprint
from previous_action_state
where removed_run_id is null
union all
select
    'seen' as side,
    'children' as part,
    installation, workspace, project, pipeline_id, action_id,
    md5_number(to_json([trigger_conditions, variables, permissions])::VARCHAR) as fingerprint
from children
