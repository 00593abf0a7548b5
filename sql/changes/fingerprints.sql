-- One row per action, side and part: a fingerprint of its compared columns or of its child rows.
--
-- side is 'known' as last known and 'seen' tonight. Fingerprints are compared first, so that wide rows are joined for the
-- few actions that differ and not for all. They are taken of the JSON, where NULL, '' and [] differ, as they do not for
-- hash(). A pipeline's own fields in extra are not the action's.
with
known as (
    select
        * exclude (run_id, run_date, fetched_at, first_seen_run_id, last_seen_run_id)
        replace (
            case
                when extra is not null then nullif(json_merge_patch(extra, '{"pipeline": null}')::VARCHAR, '{}')
            end as extra
        )
    from previous_last_known_actions
),
seen as (
    select
        * exclude (run_id, run_date, fetched_at)
        replace (
            case
                when extra is not null then nullif(json_merge_patch(extra, '{"pipeline": null}')::VARCHAR, '{}')
            end as extra
        )
    from promote_image_actions
)
select
    'known' as side,
    'columns' as part,
    installation, workspace, project, pipeline_id, action_id,
    md5_number(to_json(known)::VARCHAR) as fingerprint
from known
union all
select
    'seen' as side,
    'columns' as part,
    installation, workspace, project, pipeline_id, action_id,
    md5_number(to_json(seen)::VARCHAR) as fingerprint
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
