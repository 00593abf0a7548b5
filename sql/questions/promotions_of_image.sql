-- Which promotions read or write an image?
-- topic: releases
-- answer: image_is, workspace, project, action, source, destination, last_execution_status
-- one run
-- $image VARCHAR : part of the image's name, such as acme/checkout
with
selected as (select * from selected_promotions)
select
    installation,
    workspace,
    project,
    pipeline,
    action,
    case
        when position(lower($image) in lower(source_image)) > 0 and position(lower($image) in lower(destination_image)) > 0
            then 'source and destination'
        when position(lower($image) in lower(source_image)) > 0 then 'source'
        else 'destination'
    end as image_is,
    source,
    destination,
    source_environment,
    destination_environment,
    disabled,
    last_execution_status,
    current_revision,
    html_url,
    pipeline_id,
    action_id
from selected
where
    position(lower($image) in lower(source_image)) > 0
    or position(lower($image) in lower(destination_image)) > 0
order by
    coalesce(source_stage, 0), coalesce(destination_stage, 0), installation, workspace, project, pipeline_id, action_id
