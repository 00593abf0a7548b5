-- Which variables of promotions have a value that is not encrypted?
-- topic: security
-- answer: workspace, project, action, variable, type, value_state
-- one run
-- rule: all but those whose value is known to be absent, empty or encrypted.
--
-- The value is not shown, and is in the lake only with --variable-values keep. Variables known to be absent, empty or
-- encrypted are left out.
with
selected as (select * from variables where run_id in (select run_id from selected_run)),
promoting as (select * from promote_image_actions where run_id in (select run_id from selected_run))
select
    selected.installation,
    selected.workspace,
    selected.project,
    coalesce(promoting.pipeline_name, promoting.pipeline_identifier) as pipeline,
    promoting.name as action,
    selected.key as variable,
    selected.type,
    selected.value_state,
    case when selected.value_state is null then 'not known' else 'certain' end as certainty,
    selected.encrypted,
    selected.settable,
    selected.disabled,
    selected.description,
    promoting.html_url,
    selected.pipeline_id,
    selected.action_id
from selected
left join promoting
    on
        selected.installation = promoting.installation
        and selected.workspace = promoting.workspace
        and selected.project = promoting.project
        and selected.pipeline_id = promoting.pipeline_id
        and selected.action_id = promoting.action_id
where coalesce(selected.value_state, 'not known') not in ('absent', 'empty', 'encrypted')
order by
    selected.installation, selected.workspace, selected.project, selected.pipeline_id, selected.action_id, selected.position
