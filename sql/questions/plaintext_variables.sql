-- Which variables of promotions have a value that is not encrypted?
-- one run
--
-- The value is not shown, and is in the lake only with --variable-values keep. Variables known to be absent, empty or
-- encrypted are left out.
with
tonight as (select * from variables where run_id in (select run_id from selected_run)),
actions as (select * from promote_image_actions where run_id in (select run_id from selected_run))
select
    tonight.installation,
    tonight.workspace,
    tonight.project,
    coalesce(actions.pipeline_name, actions.pipeline_identifier) as pipeline,
    actions.name as action,
    tonight.key as variable,
    tonight.type,
    tonight.value_state,
    tonight.encrypted,
    tonight.settable,
    tonight.disabled,
    tonight.description,
    actions.html_url,
    tonight.pipeline_id,
    tonight.action_id
from tonight
left join actions
    on
        tonight.installation = actions.installation
        and tonight.workspace = actions.workspace
        and tonight.project = actions.project
        and tonight.pipeline_id = actions.pipeline_id
        and tonight.action_id = actions.action_id
where coalesce(tonight.value_state, 'not known') not in ('absent', 'empty', 'encrypted')
order by
    tonight.installation, tonight.workspace, tonight.project, tonight.pipeline_id, tonight.action_id, tonight.position
