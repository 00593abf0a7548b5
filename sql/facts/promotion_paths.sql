-- One row per path of promotions that ends in production, in the selected run.
--
-- A path begins at a reference of development, or at one that no promotion writes, and follows edges from a destination
-- to the promotions that read the same reference. It never visits a reference twice, so cycles end, and has at most 12
-- steps. An edge with a variable may end a path and is not followed, because equal text may mean different images.
-- Of the paths between the same two references that agree in passes_staging, enabled and certain, the shortest is listed
-- and followed, of equally short ones the first by name: some hundred promotions of few images have millions of paths.
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
-- USING KEY is DuckDB's: a key that was reached is not reached again, and recurring.walks are all that were.
walks using key (installation, first_reference, last_reference, passes_staging, enabled, certain) as (
    select
        edges.run_id,
        edges.run_date,
        edges.installation,
        edges.source as first_reference,
        edges.destination as last_reference,
        edges.image,
        edges.destination_environment as last_environment,
        coalesce('staging' in (edges.source_environment, edges.destination_environment), false) as passes_staging,
        edges.enabled,
        edges.certain,
        1 as steps,
        array[edges.source, edges.destination] as path_references,
        array[edges.source_environment, edges.destination_environment] as environments,
        array[edges.actions] as step_actions
    from edges
    left join written on edges.installation = written.installation and edges.source = written.destination
    where edges.source_environment = 'development' or written.destination is null
    union
    select
        longer.run_id,
        longer.run_date,
        longer.installation,
        longer.first_reference,
        longer.last_reference,
        longer.image,
        longer.last_environment,
        longer.passes_staging,
        longer.enabled,
        longer.certain,
        longer.steps,
        array_append(longer.path_references, longer.last_reference) as path_references,
        array_append(longer.environments, longer.last_environment) as environments,
        array_append(longer.step_actions, longer.actions) as step_actions
    from (
        select
            walks.run_id,
            walks.run_date,
            walks.installation,
            walks.first_reference,
            edges.destination as last_reference,
            edges.image,
            edges.destination_environment as last_environment,
            walks.passes_staging or coalesce(edges.destination_environment = 'staging', false) as passes_staging,
            walks.enabled and edges.enabled as enabled,
            walks.certain and edges.certain as certain,
            walks.steps + 1 as steps,
            walks.path_references,
            walks.environments,
            walks.step_actions,
            edges.actions
        from walks
        inner join edges on walks.installation = edges.installation and walks.last_reference = edges.source
        where
            walks.certain
            and walks.steps < 12
            and not array_contains(walks.path_references, edges.destination)
    ) as longer
    anti join recurring.walks as reached
        using (installation, first_reference, last_reference, passes_staging, enabled, certain)
    qualify row_number() over (
        partition by installation, first_reference, last_reference, passes_staging, enabled, certain
        order by longer.path_references
    ) = 1
)
select
    run_id,
    run_date,
    installation,
    image,
    first_reference,
    last_reference,
    steps,
    passes_staging,
    enabled,
    certain,
    environments,
    path_references,
    step_actions
from walks
where last_environment = 'production'
