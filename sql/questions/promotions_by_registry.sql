-- How many promotions go from which registry to which?
-- topic: releases
-- answer: source_registry, destination_registry, promotions, images, to_production
-- one run
with
selected as (select * from selected_promotions)
select
    installation,
    coalesce(source_registry, 'not named') as source_registry,
    coalesce(destination_registry, 'not named') as destination_registry,
    count(*) as promotions,
    count(distinct destination_image) as images,
    count(*) filter (where destination_environment = 'production') as to_production,
    count(*) filter (where disabled is true) as disabled,
    count(*) filter (where last_execution_status = 'FAILED') as failed
from selected
group by installation, coalesce(source_registry, 'not named'), coalesce(destination_registry, 'not named')
order by promotions desc, installation, source_registry, destination_registry
