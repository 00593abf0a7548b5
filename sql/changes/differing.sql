-- One row per action seen before and tonight that may differ from its last known row in a compared column.
--
-- Fingerprints are compared first, so that wide rows are joined for the few actions that differ and not for all. Two
-- rows that differ have the same one in 1 of 2^64 cases. A pipeline's own fields in extra are not the action's.
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
),
known_children as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        hash(trigger_conditions, variables, permissions) as children_fingerprint
    from previous_action_state
    where removed_run_id is null
),
seen_children as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        hash(trigger_conditions, variables, permissions) as children_fingerprint
    from children
),
known_fingerprints as (
    select installation, workspace, project, pipeline_id, action_id, hash(known) as fingerprint
    from known
),
seen_fingerprints as (
    select installation, workspace, project, pipeline_id, action_id, hash(seen) as fingerprint
    from seen
),
compared as (
    select
        known_fingerprints.installation,
        known_fingerprints.workspace,
        known_fingerprints.project,
        known_fingerprints.pipeline_id,
        known_fingerprints.action_id
    from known_fingerprints
    inner join seen_fingerprints using (installation, workspace, project, pipeline_id, action_id)
    where known_fingerprints.fingerprint <> seen_fingerprints.fingerprint
),
compared_children as (
    select
        known_children.installation,
        known_children.workspace,
        known_children.project,
        known_children.pipeline_id,
        known_children.action_id
    from known_children
    inner join seen_children using (installation, workspace, project, pipeline_id, action_id)
    where known_children.children_fingerprint <> seen_children.children_fingerprint
)
select * from compared
union
select * from compared_children
