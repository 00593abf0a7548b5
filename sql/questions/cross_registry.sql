-- Which promotions copy an image from one registry to another?
-- topic: security
-- answer: finding, workspace, project, action, source, destination
-- one run
-- rule: a registry that is not named may be another one: such promotions are listed as not known.
--
-- A registry that is not named may be another one: such promotions are listed with the finding "not known".
with
selected as (select * from selected_promotions)
select
    installation,
    workspace,
    project,
    pipeline,
    action,
    case when same_registry is null then 'not known' else 'another registry' end as finding,
    case
        when same_registry is null then 'not known'
        when source_registry like '%$%' or destination_registry like '%$%' then 'depends on a variable'
        else 'certain'
    end as certainty,
    source_registry,
    destination_registry,
    source,
    destination,
    destination_environment,
    -- Buddy's flag says that the place is the same, but the fields differ.
    coalesce(same_location and not same_registry, false) as contradicts_same_location,
    html_url,
    pipeline_id,
    action_id
from selected
where same_registry is not true
order by finding, installation, workspace, project, pipeline_id, action_id
