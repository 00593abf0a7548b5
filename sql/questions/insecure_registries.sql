-- Which promotions allow a registry without valid TLS, or name one with plain http?
-- one run
with
tonight as (select * from selected_promotions),
given as (select * from promote_image_actions where run_id in (select run_id from selected_run)),
plain as (
    select
        installation,
        workspace,
        project,
        pipeline_id,
        action_id,
        coalesce(lower(trim(src_registry)) like 'http://%', false)
        or coalesce(lower(trim(src_image)) like 'http://%', false) as source_is_plain,
        coalesce(lower(trim(dest_registry)) like 'http://%', false)
        or coalesce(lower(trim(dest_image)) like 'http://%', false) as destination_is_plain
    from given
)
select
    tonight.installation,
    tonight.workspace,
    tonight.project,
    tonight.pipeline,
    tonight.action,
    case
        when tonight.insecure_registry and (plain.source_is_plain or plain.destination_is_plain)
            then 'insecure registries allowed, http:// in the address'
        when tonight.insecure_registry then 'insecure registries allowed'
        else 'http:// in the address'
    end as finding,
    tonight.source_registry,
    tonight.destination_registry,
    tonight.source,
    tonight.destination,
    tonight.destination_environment,
    tonight.disabled,
    tonight.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
inner join plain
    on
        tonight.installation = plain.installation
        and tonight.workspace = plain.workspace
        and tonight.project = plain.project
        and tonight.pipeline_id = plain.pipeline_id
        and tonight.action_id = plain.action_id
where tonight.insecure_registry or plain.source_is_plain or plain.destination_is_plain
order by tonight.installation, tonight.workspace, tonight.project, tonight.pipeline_id, tonight.action_id
