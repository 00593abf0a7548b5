-- One row per action and side, 'known' as last known and 'seen' in this run, without what is no change of the action.
--
-- When an action was fetched and by which run are ours, and a pipeline's own fields in extra are the pipeline's. They are cut
-- out as text where they stand once, word for word: json_merge_patch() takes 100 MB for any 2,000 actions.
with
actions as (
    select 'known' as side, * exclude (run_id, run_date, fetched_at, first_seen_run_id, last_seen_run_id)
    from previous_last_known_actions
    union all by name
    select 'seen' as side, * exclude (run_id, run_date, fetched_at)
    from promote_image_actions
),
with_pipeline as (
    select *, '"pipeline":' || json_extract(extra, '$.pipeline')::VARCHAR as pipeline
    from actions
)
select
    * exclude (pipeline)
    replace (
        case
            when pipeline is null then extra
            when length(extra) - length(replace(extra, pipeline, '')) = length(pipeline) then
                nullif(replace(replace(replace(extra, pipeline || ',', ''), ',' || pipeline, ''), pipeline, ''), '{}')
            else nullif(json_merge_patch(extra, '{"pipeline": null}')::VARCHAR, '{}')
        end as extra
    )
from with_pipeline
