-- One row per promote-image action, end (src or dest) and run: its image reference with the environment that it names.
--
-- These are the rules to edit when your environments have other names. Only whole words count (runs of letters: `prod` is
-- found in prod-2, eu.prod and acme_prod/app, not in product). The tag is asked first; when it names no environment, the
-- repository and the registry's host are, with fewer words, because `live` or `test` is a common word in a name.
-- The first line that fits decides: compounds (pre-prod) before the word in them (prod), and then the environment nearest
-- to production, so that a doubtful reference is rather called production than not. NULL: it names none.
-- Variables are no words, since what they will hold is not known. stage orders the environments, production being 4;
-- tag_environment is what the tag alone says.
with
parsed as (select * from image_references),
worded as (
    select
        *,
        regexp_replace(
            lower(regexp_replace(tag, '\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*', ' ', 'g')), '[^a-z]+', ' ', 'g'
        ) as tag_words,
        regexp_replace(
            lower(regexp_replace(image_name, '\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*', ' ', 'g')), '[^a-z]+', ' ', 'g'
        ) as name_words
    from parsed
),
named as (
    select
        *,
        case
            when regexp_matches(tag_words, '\b(pre ?prod(uction)?|pre ?live)\b') then 'staging'
            when regexp_matches(tag_words, '\bnon ?prod(uction)?\b') then 'test'
            when regexp_matches(tag_words, '\b(prod|production|prd|live|stable)\b') then 'production'
            when regexp_matches(tag_words, '\b(staging|stage|stg|uat|acceptance)\b') then 'staging'
            when regexp_matches(tag_words, '\b(test|testing|qa|ci)\b') then 'test'
            when regexp_matches(tag_words, '\b(dev|develop|development|sandbox)\b') then 'development'
        end as tag_environment,
        case
            when regexp_matches(name_words, '\bpre ?prod(uction)?\b') then 'staging'
            when regexp_matches(name_words, '\bnon ?prod(uction)?\b') then 'test'
            when regexp_matches(name_words, '\b(prod|production|prd)\b') then 'production'
            when regexp_matches(name_words, '\b(staging|stage|stg|uat)\b') then 'staging'
            when regexp_matches(name_words, '\bqa\b') then 'test'
            when regexp_matches(name_words, '\b(dev|develop|development)\b') then 'development'
        end as name_environment
    from worded
),
decided as (
    select *, coalesce(tag_environment, name_environment) as environment
    from named
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
    reference,
    image_name,
    registry,
    registry_host,
    repository,
    tag,
    digest,
    tag_environment,
    environment,
    case environment when 'production' then 4 when 'staging' then 3 when 'test' then 2 when 'development' then 1 end as stage,
    has_variable,
    moving_reason,
    defect
from decided
