-- Which promotions read from or write to a tag that can move to another image?
-- topic: security
-- answer: workspace, project, action, source, source_moves, destination, destination_moves
-- one run
-- $channels BOOLEAN = false : also tags that name an environment (staging, production), which move on purpose
-- rule: a tag moves if it is latest, is missing (which means latest), or contains a variable; a digest never moves.
--
-- A tag moves if it is latest, is missing (which means latest), or contains a Buddy variable. A digest never moves.
with
selected as (select * from selected_promotions),
ends as (
    select
        selected.*,
        case
            when source_moving_reason is not null then source_moving_reason
            when $channels and source_digest is null and source_tag_environment is not null then 'names an environment'
        end as source_moves,
        case
            when destination_moving_reason is not null then destination_moving_reason
            when $channels and destination_digest is null and destination_tag_environment is not null
                then 'names an environment'
        end as destination_moves
    from selected
)
select
    installation,
    workspace,
    project,
    pipeline,
    action,
    source,
    case
        when coalesce(source_moves, 'a variable decides') = 'a variable decides'
            and coalesce(destination_moves, 'a variable decides') = 'a variable decides'
            then 'depends on a variable'
        else 'certain'
    end as certainty,
    source_moves,
    destination,
    destination_moves,
    destination_environment,
    disabled,
    html_url,
    pipeline_id,
    action_id
from ends
where source_moves is not null or destination_moves is not null
order by installation, workspace, project, pipeline_id, action_id
