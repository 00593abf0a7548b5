-- One row per path of promotions that ends in production, in the selected run.
--
-- A path begins at a reference of development, or at one that no promotion writes, and follows edges from a destination
-- to the promotions that read the same reference. It never visits a reference twice, so cycles end, and has at most 12
-- steps. An edge with a variable may end a path and is not followed, because equal text may mean different images.
-- A path is within one installation and the selected run; a recursion over all runs could not use a filter.
-- passes_staging considers every reference of the path. step_actions lists, step by step, the promotions that take it.
with recursive
edges as materialized (
    select
        run_id,
        run_date,
        installation,
        source,
        destination,
        destination_image as image,
        source_environment,
        destination_environment,
        certain,
        enabled_promotions > 0 as enabled,
        array_to_string(actions, ' + ') as actions
    from promotion_edges
    where source <> destination
),
written as (select distinct installation, destination from edges),
walks as (
    select
        edges.run_id,
        edges.run_date,
        edges.installation,
        edges.source as first_reference,
        edges.destination as last_reference,
        edges.image,
        edges.destination_environment as last_environment,
        edges.certain,
        edges.enabled,
        1 as steps,
        array[edges.source, edges.destination] as path_references,
        array[edges.source_environment, edges.destination_environment] as environments,
        array[edges.actions] as step_actions
    from edges
    left join written on edges.installation = written.installation and edges.source = written.destination
    where edges.source_environment = 'development' or written.destination is null
    union all
    select
        walks.run_id,
        walks.run_date,
        walks.installation,
        walks.first_reference,
        edges.destination,
        edges.image,
        edges.destination_environment,
        walks.certain and edges.certain,
        walks.enabled and edges.enabled,
        walks.steps + 1,
        array_append(walks.path_references, edges.destination),
        array_append(walks.environments, edges.destination_environment),
        array_append(walks.step_actions, edges.actions)
    from walks
    inner join edges on walks.installation = edges.installation and walks.last_reference = edges.source
    where
        walks.certain
        and walks.steps < 12
        and not array_contains(walks.path_references, edges.destination)
)
select
    run_id,
    run_date,
    installation,
    image,
    first_reference,
    last_reference,
    steps,
    array_contains(environments, 'staging') as passes_staging,
    enabled,
    certain,
    environments,
    path_references,
    step_actions
from walks
where last_environment = 'production'
