-- From which image reference to which does each promotion go, and does a variable decide either end?
-- topic: releases
-- answer: source, destination, disabled, last_execution_status
-- one run
--
-- The steps of the promotion map: one row per promotion that names both ends, and for each reference of
-- a tag with commas. If an end contains a variable, equal text
-- may mean different images, so do not follow a path through it.
with
selected as (select * from selected_steps)
select
    installation,
    source,
    source_image,
    source_environment,
    source_has_variable,
    destination,
    destination_image,
    destination_environment,
    destination_has_variable,
    workspace,
    project,
    pipeline,
    action,
    disabled,
    last_execution_status,
    html_url,
    pipeline_id,
    action_id
from selected
where source is not null and destination is not null
order by installation, source_image, source, destination, workspace, project, pipeline_id, action_id
