-- One row per access level that Buddy documents: whether it allows running an action.
--
-- may_run is NULL if the documents do not say, or if the level refers to another one (DEFAULT: as in the pipeline).
select
    access_level,
    may_run
from (
    values
        ('DENIED', false),
        ('READ_ONLY', false),
        ('USE_ONLY', true),
        ('RUN_ONLY', true),
        ('READ_WRITE', true),
        ('MANAGE', true),
        ('ALLOWED', true),
        ('DEFAULT', null),
        ('BLIND', null),
        ('STAGE', null),
        ('COMMIT', null)
) as levels (access_level, may_run)
