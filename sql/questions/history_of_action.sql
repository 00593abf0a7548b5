-- What has happened to an action since it was first seen?
-- topic: change
-- answer: run_date, change, column_name, difference
-- $action_id BIGINT : id of the action
-- $project VARCHAR = '' : its project; empty: any
-- $installation VARCHAR = '' : its installation; empty: any
with
changes as (select * from changes_in_words where action_id = $action_id),
chosen as (select * from selected_run)
select
    changes.run_date,
    changes.change,
    changes.column_name,
    changes.old_value,
    changes.new_value,
    changes.difference,
    changes.aspect,
    changes.installation,
    changes.workspace,
    changes.project,
    changes.pipeline_id,
    changes.action_id,
    changes.run_id,
    changes.previous_run_id
from changes
inner join chosen on changes.run_id <= chosen.run_id
where
    ($project = '' or changes.project = $project)
    and ($installation = '' or changes.installation = $installation)
order by
    changes.installation,
    changes.workspace,
    changes.project,
    changes.pipeline_id,
    changes.run_id,
    case when changes.change = 'changed' then 1 else 0 end,
    changes.column_name
