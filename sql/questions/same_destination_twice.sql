-- Which destinations are written by more than one promotion?
-- topic: security
-- answer: destination, promotions, source_list
-- one run
-- $environment VARCHAR = '' : only destinations of this environment
-- $disabled BOOLEAN = false : also count disabled promotions
-- rule: a destination without a registry, or with a variable, may be another place and is left out.
--
-- A destination without a registry, or with a variable, may be another place and is left out.
with
selected as (select * from selected_steps)
select
    installation,
    destination,
    destination_environment,
    count(*) filter (where source_number = 1) as promotions,
    count(distinct source) as sources,
    string_agg(distinct source, ', ' order by source) as source_list,
    string_agg(
        concat(workspace, '/', project, '/', coalesce(pipeline, cast(pipeline_id as varchar)), '/', action), ', '
        order by workspace, project, pipeline_id, action_id
    ) filter (where source_number = 1) as promoted_by,
    min(html_url) as html_url
from selected
where
    destination is not null
    and destination_registry is not null
    and not destination_has_variable
    and ($environment = '' or destination_environment = $environment)
    and ($disabled or disabled is not true)
group by installation, destination, destination_environment
having count(*) filter (where source_number = 1) > 1
order by promotions desc, installation, destination
