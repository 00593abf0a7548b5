-- Which image does each promotion take from where to where?
-- topic: releases
-- answer: workspace, project, action, source, destination, disabled, last_execution_status
-- one run
-- $image VARCHAR = '' : part of the image's name on either end; empty: every image
-- $environment VARCHAR = '' : only promotions to this environment (production, staging, test, development)
with
selected as (select * from selected_promotions)
select
    installation,
    workspace,
    project,
    pipeline,
    action,
    source,
    destination,
    source_environment,
    destination_environment,
    disabled,
    last_execution_status,
    html_url,
    pipeline_id,
    action_id
from selected
where
    ($image = '' or position(lower($image) in lower(concat_ws(' ', source_image, destination_image))) > 0)
    and ($environment = '' or destination_environment = $environment)
order by installation, workspace, project, pipeline_id, action_id
