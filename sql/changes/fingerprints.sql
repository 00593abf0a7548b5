-- One row per action, side and part: a fingerprint of its compared columns or of its child rows.
--
-- side is 'known' as last known and 'seen' tonight. Fingerprints are compared first, so that wide rows are joined for the
-- few actions that differ and not for all: equal ones mean equal values, others that the values may differ. They are
-- taken of text in which NULL, '' and [] differ, as they do not for hash().
--
-- A pipeline's own fields in extra are not the action's, and are cut out where they stand there word for word and once.
-- json_merge_patch() would say it more simply, and takes 100 MB for any 2,000 actions.
with
known_with_pipeline as (
    select
        * exclude (run_id, run_date, fetched_at, first_seen_run_id, last_seen_run_id),
        '"pipeline":' || json_extract(extra, '$.pipeline')::VARCHAR as pipeline
    from previous_last_known_actions
),
seen_with_pipeline as (
    select
        * exclude (run_id, run_date, fetched_at),
        '"pipeline":' || json_extract(extra, '$.pipeline')::VARCHAR as pipeline
    from promote_image_actions
),
known as (
    select
        * exclude (pipeline)
        replace (
            case length(extra) - length(replace(extra, pipeline, ''))
                when length(pipeline) then replace(extra, pipeline, '')
                else extra
            end as extra
        )
    from known_with_pipeline
),
seen as (
    select
        * exclude (pipeline)
        replace (
            case length(extra) - length(replace(extra, pipeline, ''))
                when length(pipeline) then replace(extra, pipeline, '')
                else extra
            end as extra
        )
    from seen_with_pipeline
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
