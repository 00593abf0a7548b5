-- One row per release into production, and when its revision was released to staging before.
--
-- A release to staging belongs to it if it has the same Git revision and wrote the image that production reads or writes;
-- staged_at is the first of them. NULL: none is known, or the revision is not.
with
released as materialized (select * from releases where environment in ('production', 'staging')),
production as (select * from released where environment = 'production'),
staging as (select * from released where environment = 'staging'),
staged as (
    select
        production.installation,
        production.workspace,
        production.project,
        production.pipeline_id,
        production.execution_id,
        production.position,
        production.reference,
        min(staging.released_at) as staged_at
    from production
    inner join staging
        on
            production.installation = staging.installation
            and production.revision = staging.revision
            and staging.image in (production.image, production.source_image)
            and staging.released_at <= production.released_at
    group by
        production.installation,
        production.workspace,
        production.project,
        production.pipeline_id,
        production.execution_id,
        production.position,
        production.reference
)
select
    production.installation,
    production.workspace,
    production.project,
    production.pipeline_id,
    production.execution_id,
    production.position,
    production.action_id,
    production.pipeline,
    production.action,
    production.released_at,
    staged.staged_at,
    production.image,
    production.source,
    production.reference,
    production.revision,
    production.creator_name,
    production.approver_name,
    production.config_known,
    production.html_url
from production
left join staged
    on
        production.installation = staged.installation
        and production.workspace = staged.workspace
        and production.project = staged.project
        and production.pipeline_id = staged.pipeline_id
        and production.execution_id = staged.execution_id
        and production.position = staged.position
        and production.reference = staged.reference
