-- How many promotions, changes, failures, problems and requests did each run have?
-- topic: cost
-- answer: run_date, status, promotions, failing, added, changed, removed, requests
-- oldest first
-- one run and partial runs but for action_changes, actions, last_known_actions, promote_image_actions, runs
-- $nights INTEGER = 400 : this many runs up to the selected one
--
-- Oldest first. changed counts promotions with a changed configuration, changed_fields their fields, ran those with a new
-- status or revision (view run_changes); known is the number of promotions that exist as far as is known.
-- not_seen is the number of items that a partial run could not see; the other columns count what it saw.
-- carried is the number of promotions that an earlier run read, and oldest_read_at the moment at which the oldest was read.
with
totals as (select * from night_totals),
chosen as (select * from selected_run),
recent as (
    select totals.*
    from totals
    inner join chosen on totals.run_id <= chosen.run_id
    order by totals.run_id desc
    limit $nights
)
select
    run_id,
    run_date,
    started_at,
    status,
    promotions,
    known,
    failing,
    added,
    changed,
    changed_fields,
    removed,
    returned,
    ran,
    not_seen,
    problems,
    notices,
    requests,
    retries,
    refusals,
    duration_seconds,
    carried,
    oldest_read_at
from recent
order by run_id
