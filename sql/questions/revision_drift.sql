-- Which images are in staging and in production with different Git revisions?
-- topic: releases
-- answer: finding, staging, staging_revision, production, production_revision
-- one run
-- rule: production belongs to staging if it reads the image that staging writes, or both write the same image.
--
-- A promotion to staging and one to production belong together if production is read from the image that staging
-- writes, or both write the same image (registry and repository, any tag). The revision is that of the action's last
-- successful execution; an action without one has not promoted yet. Disabled promotions count, because their effect
-- remains.
with
selected as materialized (select * from selected_steps where source_number = 1),
pairs as (
    select
        staging.installation,
        production.destination_image as image,
        staging.destination as staging,
        staging.current_revision as staging_revision,
        production.destination as production,
        production.current_revision as production_revision,
        staging.workspace as staging_workspace,
        staging.project as staging_project,
        staging.pipeline_id as staging_pipeline_id,
        staging.action_id as staging_action_id,
        production.workspace,
        production.project,
        production.pipeline_id,
        production.action_id,
        staging.html_url as staging_html_url,
        production.html_url,
        staging.destination_has_variable or production.source_has_variable or production.destination_has_variable
            as has_variable
    from selected as staging
    inner join selected as production
        on
            staging.installation = production.installation
            and staging.destination_image in (production.source_image, production.destination_image)
    where staging.destination_environment = 'staging' and production.destination_environment = 'production'
)
select
    installation,
    workspace,
    project,
    image,
    case
        when production_revision is null then 'nothing promoted to production yet'
        when staging_revision is null then 'nothing promoted to staging yet'
        else 'different revisions'
    end as finding,
    case when has_variable then 'depends on a variable' else 'certain' end as certainty,
    staging,
    staging_revision,
    production,
    production_revision,
    staging_html_url,
    html_url,
    pipeline_id,
    action_id
from pairs
where staging_revision is distinct from production_revision
order by
    installation,
    image,
    workspace,
    project,
    pipeline_id,
    action_id,
    staging_workspace,
    staging_project,
    staging_pipeline_id,
    staging_action_id
