-- One row per release into production, and when its revision was released to staging before.
--
-- A release to staging belongs to it if it has the same Git revision and wrote the image that production reads or writes;
-- staged_at is the first of them. NULL: none is known, or the revision is not.
with
released as materialized (select * from releases where environment in ('production', 'staging')),
production as (select * from released where environment = 'production'),
-- The first release of a revision to staging comes before a release to production if any of them does.
staged as materialized (
    select installation, image, revision, min(released_at) as first_staged_at
    from released
    where environment = 'staging'
    group by installation, image, revision
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
    least(
        case when of_image.first_staged_at <= production.released_at then of_image.first_staged_at end,
        case when of_source.first_staged_at <= production.released_at then of_source.first_staged_at end
    ) as staged_at,
    production.image,
    production.source,
    production.reference,
    production.revision,
    production.creator_name,
    production.approver_name,
    production.config_known,
    production.html_url
from production
left join staged as of_image
    on
        production.installation = of_image.installation
        and production.revision = of_image.revision
        and production.image = of_image.image
left join staged as of_source
    on
        production.installation = of_source.installation
        and production.revision = of_source.revision
        and production.source_image = of_source.image
