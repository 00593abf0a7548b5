-- Which promotions allow a registry without valid TLS, or name one with plain http?
-- topic: security
-- answer: finding, workspace, project, action, source, destination
-- one run
-- rule: insecure_registry is set, or an address begins with http://.
with
selected as (select * from selected_promotions),
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
    selected.installation,
    selected.workspace,
    selected.project,
    selected.pipeline,
    selected.action,
    case
        when selected.insecure_registry and (plain.source_is_plain or plain.destination_is_plain)
            then 'insecure registries allowed, http:// in the address'
        when selected.insecure_registry then 'insecure registries allowed'
        else 'http:// in the address'
    end as finding,
    selected.source_registry,
    selected.destination_registry,
    selected.source,
    selected.destination,
    selected.destination_environment,
    selected.disabled,
    selected.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
inner join plain
    on
        selected.installation = plain.installation
        and selected.workspace = plain.workspace
        and selected.project = plain.project
        and selected.pipeline_id = plain.pipeline_id
        and selected.action_id = plain.action_id
where selected.insecure_registry or plain.source_is_plain or plain.destination_is_plain
order by selected.installation, selected.workspace, selected.project, selected.pipeline_id, selected.action_id
