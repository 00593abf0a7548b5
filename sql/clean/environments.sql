-- One row per promote-image action, end (src or dest), tag and run: the image reference with the environment that it names.
--
-- Edit these rules if your environments have other names. Only whole words count (sequences of letters: `prod` is found
-- in prod-2, eu.prod and acme_prod/app, but not in product). The tag is searched first. If it names no environment, the
-- repository and the registry's host are searched for fewer words, because `live` or `test` is a common word in a name.
-- The first rule that matches decides: compounds (pre-prod) before their parts (prod), then the environment closest to
-- production, so that a doubtful reference counts as production. NULL: no environment is named.
-- Neither variables are searched, because their values are not known, nor an integration that stands for an account.
-- stage orders the environments; production is 4.
-- tag_environment is the result of the tag alone.
with
parsed as (select * from image_references),
worded as (
    select
        *,
        regexp_replace(
            lower(regexp_replace(tag, '\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*', ' ', 'g')), '[^a-z]+', ' ', 'g'
        ) as tag_words
    from parsed
),
tagged as (
    select
        *,
        case
            when regexp_matches(tag_words, '\b(pre ?prod(uction)?|pre ?live)\b') then 'staging'
            when regexp_matches(tag_words, '\bnon ?prod(uction)?\b') then 'test'
            when regexp_matches(tag_words, '\b(prod|production|prd|live|stable)\b') then 'production'
            when regexp_matches(tag_words, '\b(staging|stage|stg|uat|acceptance)\b') then 'staging'
            when regexp_matches(tag_words, '\b(test|testing|qa|ci)\b') then 'test'
            when regexp_matches(tag_words, '\b(dev|develop|development|sandbox)\b') then 'development'
        end as tag_environment
    from worded
),
-- The name decides only where the tag does not: to search all names would take as long as all else.
name_worded as (
    select
        *,
        case
            when tag_environment is null
                then regexp_replace(
                    lower(regexp_replace(image_name, '^\{[^}]*\}|\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*', ' ', 'g')),
                    '[^a-z]+', ' ', 'g'
                )
        end as name_words
    from tagged
),
named as (
    select
        *,
        case
            when regexp_matches(name_words, '\bpre ?prod(uction)?\b') then 'staging'
            when regexp_matches(name_words, '\bnon ?prod(uction)?\b') then 'test'
            when regexp_matches(name_words, '\b(prod|production|prd)\b') then 'production'
            when regexp_matches(name_words, '\b(staging|stage|stg|uat)\b') then 'staging'
            when regexp_matches(name_words, '\bqa\b') then 'test'
            when regexp_matches(name_words, '\b(dev|develop|development)\b') then 'development'
        end as name_environment
    from name_worded
),
decided as (
    select *, coalesce(tag_environment, name_environment) as environment
    from named
),
ordered as (
    select
        *,
        case environment when 'production' then 4 when 'staging' then 3 when 'test' then 2 when 'development' then 1 end as stage
    from decided
)
select
    run_id,
    run_date,
    installation,
    workspace,
    project,
    pipeline_id,
    action_id,
    image_end,
    reference_number,
    reference,
    image_name,
    registry,
    registry_host,
    repository,
    tag,
    digest,
    tag_environment,
    environment,
    stage,
    has_variable,
    moving_reason,
    defect
from ordered
