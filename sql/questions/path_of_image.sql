-- By which steps does an image reach production?
-- topic: releases
-- answer: image, steps, passes_staging, enabled, certain, path
-- one run
-- $image VARCHAR : part of any reference on the path, such as acme/checkout
-- rule: of paths between the same references with the same passes_staging, enabled and certain, the shortest is shown.
--
-- enabled is false if a step has no enabled promotion; certain is false if a variable decides a step.
with
paths as (select * from promotion_paths)
select
    installation,
    image,
    steps,
    passes_staging,
    enabled,
    certain,
    array_to_string(path_references, ' -> ') as path,
    array_to_string(step_actions, ' -> ') as promotions
from paths
where position(lower($image) in lower(array_to_string(path_references, ' '))) > 0
order by installation, image, steps, path
