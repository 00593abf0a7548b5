-- One row per promote-image action, end (src or dest), tag that it names and run: the image reference of that end, parsed.
--
-- The rules are those of the reference grammar of the distribution project (github.com/distribution/reference):
--   reference := name [ ":" tag ] [ "@" digest ]        name := [ domain "/" ] path-component { "/" path-component }
-- The first component is a domain if it contains "." or ":" or is "localhost". On Docker Hub a name without domain
-- means docker.io, and a name of one component is in "library/". More rules are needed because Buddy spreads a
-- reference over several fields:
-- * A domain inside `image` overrides `registry`, which overrides what `docker_registry` implies; the field `tag`
--   overrides a tag inside `image`. If the overridden value differs, registry_conflict or tag_conflict is true.
-- * `registry` may have a scheme, a port, a path (put before the repository) and trailing slashes.
-- * Amazon ECR: the account is part of the host, which is <account>.dkr.ecr.<region>.amazonaws.com, or that of the region's
--   partition. If Buddy knows the account only by the integration, it is that of view registry_accounts; otherwise the
--   integration in braces stands for it, such as {aws-main}.dkr.ecr.…, and registry_account is NULL.
-- * A tag with commas names several tags: one row for each, numbered by reference_number. Otherwise an end has one row.
-- * Port 443 equals no port; user and password before a host are removed.
-- * same_location: a field that is missing on dest is that of src. But if dest names its own registry, only the
--   repository is inherited, whatever the flag says. Tags and digests are never inherited. Without the flag (NULL), a
--   dest that names neither registry nor image means the same place.
-- * Buddy's variables ($NAME, ${NAME}) are kept and never resolved; moving_reason says so.
-- * What is unknown is NULL: a registry that nothing names is not assumed to be Docker Hub.
-- Everything else is computed row by row, so that a filter on run_id is applied before the parsing (365 runs have 1.5
-- million ends, one run has 4,000). Each step adds columns to the row, so `*` below is the row so far. regexp_extract
-- with names, regexp_full_match and try_cast are DuckDB's.
with
configured as (select * from promote_image_actions),
accounts as (select * from registry_accounts),
image_ends (image_end) as (values ('src'), ('dest')),
trimmed as (
    select
        run_id, run_date, installation, workspace, project, pipeline_id, action_id, same_location,
        case
            when src_docker_registry = 'GIT_HUB_CONTAINER_REGISTRY' then 'GITHUB_CONTAINER_REGISTRY'
            else nullif(trim(src_docker_registry, e' \t\r\n'), '')
        end as src_kind,
        nullif(trim(src_registry, e' \t\r\n'), '') as src_registry,
        nullif(trim(src_image, e' \t\r\n'), '') as src_image,
        nullif(trim(src_tag, e' \t\r\n'), '') as src_tag,
        nullif(trim(src_region, e' \t\r\n'), '') as src_region,
        nullif(trim(src_integration, e' \t\r\n'), '') as src_integration,
        case
            when dest_docker_registry = 'GIT_HUB_CONTAINER_REGISTRY' then 'GITHUB_CONTAINER_REGISTRY'
            else nullif(trim(dest_docker_registry, e' \t\r\n'), '')
        end as dest_kind,
        nullif(trim(dest_registry, e' \t\r\n'), '') as dest_registry,
        nullif(trim(dest_image, e' \t\r\n'), '') as dest_image,
        nullif(trim(dest_tag, e' \t\r\n'), '') as dest_tag,
        nullif(trim(dest_region, e' \t\r\n'), '') as dest_region,
        nullif(trim(dest_integration, e' \t\r\n'), '') as dest_integration
    from configured
),
compared as (
    select
        *,
        coalesce(same_location, dest_kind is null and dest_registry is null and dest_image is null) as retag,
        coalesce(dest_kind <> src_kind, false)
        or (dest_registry is not null and dest_registry is distinct from src_registry)
        or (dest_region is not null and dest_region is distinct from src_region) as own_place
    from trimmed
),
ends as (
    select
        run_id, run_date, installation, workspace, project, pipeline_id, action_id, image_end,
        image_end = 'dest' and retag and dest_image is null and src_image is not null as image_inherited,
        image_end = 'dest' and retag and own_place as elsewhere,
        image_end = 'dest' and retag and (
            (dest_image is null and src_image is not null)
            or (not own_place and dest_kind is null and src_kind is not null)
        ) as inherited,
        case
            when image_end = 'src' then src_kind
            when retag and not own_place then coalesce(dest_kind, src_kind)
            else dest_kind
        end as docker_registry,
        case
            when image_end = 'src' then src_registry
            when retag and not own_place then coalesce(dest_registry, src_registry)
            else dest_registry
        end as given_registry,
        case
            when image_end = 'src' then src_region
            when retag and not own_place then coalesce(dest_region, src_region)
            else dest_region
        end as given_region,
        case
            when image_end = 'src' then src_integration
            when retag and not own_place then coalesce(dest_integration, src_integration)
            else dest_integration
        end as integration,
        case
            when image_end = 'src' then src_image
            when retag then coalesce(dest_image, src_image)
            else dest_image
        end as given_image,
        case when image_end = 'src' then src_tag else dest_tag end as given_tags
    from compared
    cross join image_ends
),
listed as (
    select
        *,
        -- ${…} is one unit: a comma inside it separates nothing.
        case
            when given_tags like '%,%' then list_transform(
                regexp_extract_all(given_tags, '(?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[^,])+'),
                lambda each: trim(each, e' \t\r\n')
            )
        end as tag_list
    from ends
),
chosen as (
    select
        *,
        case
            -- A tag of commas alone breaks the grammar.
            when len(list_filter(tag_list, lambda each: each <> '')) > 0
                then list_filter(
                    tag_list, lambda each, place: each <> '' and list_position(tag_list, each) = place
                )
            else [given_tags]
        end as tags
    from listed
),
numbered as (
    select *, unnest(tags) as given_tag, generate_subscripts(tags, 1) as reference_number
    from chosen
),
split as (
    select
        *,
        -- ${…} is one unit: a colon, slash or at sign inside it is no separator. It may be nested three levels deep.
        regexp_extract(
            regexp_replace(given_image, '^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:(?:[^/@]*:)?\[redacted\]@)?', ''),
            '(?s)^((?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|.)*?)'
            || '(?::((?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[^:/@])*))?(?:@(.*))?$',
            ['name', 'tag', 'digest']
        ) as image_parts,
        regexp_extract(
            given_registry,
            '(?s)^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^/@]*@)?((?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[^/])*)/*(.*?)/*$',
            ['host', 'path']
        ) as registry_parts,
        regexp_extract(
            given_tag, '(?s)^:?((?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[^@])*)(?:@(.*))?$', ['tag', 'digest']
        ) as tag_parts
    from numbered
),
named as (
    select
        *,
        nullif(image_parts.name, '') as name,
        case when not image_inherited then nullif(image_parts.tag, '') end as image_tag,
        -- An at sign at the end is an empty digest, not a missing one.
        case
            when not image_inherited and (image_parts.digest <> '' or given_image like '%@') then image_parts.digest
        end as image_digest,
        nullif(registry_parts.host, '') as field_host,
        nullif(registry_parts.path, '') as field_path,
        case when tag_parts.tag not like 'sha256:%' then nullif(tag_parts.tag, '') end as field_tag,
        case
            when tag_parts.tag like 'sha256:%' then tag_parts.tag
            when tag_parts.digest <> '' or given_tag like '%@' then tag_parts.digest
        end as field_digest,
        regexp_extract(image_parts.name, '^((?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|[^/])+)/', 1) as first_component
    from split
),
judged as (
    select
        *,
        regexp_replace(
            first_component, '\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\$[A-Za-z_][A-Za-z0-9_]*', '', 'g'
        ) as first_plain,
        case docker_registry
            when 'DOCKER_HUB' then 'docker.io'
            when 'GITHUB_CONTAINER_REGISTRY' then 'ghcr.io'
            when 'GOOGLE_GCR' then 'gcr.io'
        end as only_host,
        case
            -- Each partition of AWS has its own domain.
            when docker_registry = 'AMAZON_ECR' then 'dkr.ecr.' || given_region || case
                when given_region like 'cn-%' then '.amazonaws.com.cn'
                when given_region like 'eusc-%' then '.amazonaws.eu'
                when given_region like 'us-iso-%' then '.c2s.ic.gov'
                when given_region like 'us-isob-%' then '.sc2s.sgov.gov'
                when given_region like 'us-isof-%' then '.csp.hci.ic.gov'
                when given_region like 'eu-isoe-%' then '.cloud.adc-e.uk'
                else '.amazonaws.com'
            end
            when docker_registry = 'GOOGLE_ARTIFACT_REGISTRY' then given_region || '-docker.pkg.dev'
        end as regional_host
    from named
),
located as (
    select
        *,
        case
            when first_plain like '%.%' or first_plain like '%:%' or first_plain = 'localhost' then first_component
            -- Nothing else names the registry: the first component does, as a variable or, by the grammar, in capitals.
            when field_host is null and only_host is null and regional_host is null and first_component <> ''
                and (first_plain = '' or lower(first_plain) <> first_plain) then first_component
        end as image_domain
    from judged
),
placed as (
    select
        *,
        case when elsewhere and image_inherited then null else image_domain end as own_domain,
        case
            when image_domain is not null then nullif(substr(name, length(image_domain) + 2), '')
            else name
        end as path
    from located
),
hosted as (
    select
        *,
        coalesce(own_domain, field_host, only_host, regional_host) as registry_text,
        -- Docker Hub has several hosts, which are one registry; port 443 equals no port.
        regexp_replace(
            regexp_replace(lower(own_domain), ':443$', ''),
            '^((index|registry-1|registry)\.docker\.io|(registry\.)?hub\.docker\.com)$', 'docker.io'
        ) as own_hub,
        regexp_replace(
            regexp_replace(lower(field_host), ':443$', ''),
            '^((index|registry-1|registry)\.docker\.io|(registry\.)?hub\.docker\.com)$', 'docker.io'
        ) as field_hub,
        case
            when field_path is null or field_path in ('v1', 'v2') or path is null then path
            when own_domain is not null or starts_with(path, field_path || '/') then path
            else field_path || '/' || path
        end as full_path
    from placed
),
addressed as (
    select
        *,
        regexp_extract(
            case when registry_text like '%$%' then registry_text else lower(registry_text) end,
            '^((?:\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\[[^\]]*\]|[^:])*)(?::(.*))?$',
            ['host', 'port']
        ) as address
    from hosted
),
normal as (
    select
        *,
        regexp_replace(
            nullif(address.host, ''), '^((index|registry-1|registry)\.docker\.io|(registry\.)?hub\.docker\.com)$', 'docker.io'
        ) as named_host,
        -- A colon at the end is an empty port, not a missing one.
        case when address.port <> '' or registry_text like '%:' then address.port end as named_port,
        coalesce(field_tag, image_tag) as explicit_tag,
        coalesce(nullif(image_digest, ''), nullif(field_digest, ''), image_digest, field_digest) as digest,
        coalesce(field_tag <> image_tag, false) as tag_conflict,
        coalesce(own_hub <> field_hub, false)
        -- Google's older registry has one host per continent, such as eu.gcr.io.
        or coalesce(coalesce(own_hub, field_hub) <> only_host and docker_registry <> 'GOOGLE_GCR', false) as registry_conflict
    from addressed
),
-- One registry has one name, whether the account is named or only the integration that decides it.
accounted as (
    select
        normal.*,
        case
            when regexp_matches(normal.named_host, '^dkr[.-]ecr')
                then coalesce(
                    accounts.account || '.',
                    '{' || lower(regexp_replace(normal.integration, '[^A-Za-z0-9_.-]', '_', 'g')) || '}.',
                    ''
                ) || normal.named_host
            else normal.named_host
        end as registry_host
    from normal
    left join accounts
        on
            normal.installation = accounts.installation
            and normal.workspace = accounts.workspace
            and normal.integration = accounts.integration
),
ported as (
    select
        *,
        case
            when named_port = '443' and registry_host in ('docker.io', 'ghcr.io', 'gcr.io') then null
            else named_port
        end as port_text
    from accounted
),
finished as (
    select
        *,
        registry_host || coalesce(':' || port_text, '') as registry,
        case
            when registry_host = 'docker.io' and full_path not like '%/%' and full_path not like '%$%'
                then 'library/' || full_path
            else full_path
        end as repository,
        case when full_path is not null and digest is null then coalesce(explicit_tag, 'latest') else explicit_tag end as tag,
        full_path is not null and explicit_tag is null and digest is null as tag_implied
    from ported
),
marked as (
    select
        *,
        coalesce(registry || '/', '') || repository as image_name,
        regexp_matches(concat_ws('/', registry, repository, tag, digest), '\$(\{|[A-Za-z_])') as has_variable,
        -- For the grammar a variable counts as one letter or digit, because its value is not known.
        regexp_replace(
            repository, '\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\$[A-Za-z_][A-Za-z0-9_]*', 'x', 'g'
        ) as plain_repository,
        regexp_replace(
            tag, '\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\$[A-Za-z_][A-Za-z0-9_]*', 'x', 'g'
        ) as plain_tag,
        case when not regexp_matches(digest, '\$(\{|[A-Za-z_])') then digest end as plain_digest,
        regexp_replace(
            registry, '^\{[^}]*\}|\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\$[A-Za-z_][A-Za-z0-9_]*', '0', 'g'
        ) as plain_registry
    from finished
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
    docker_registry,
    integration,
    registry,
    registry_host,
    try_cast(port_text as integer) as registry_port,
    nullif(regexp_extract(registry_host, '^([0-9]{12})\.dkr[.-]ecr', 1), '') as registry_account,
    coalesce(
        nullif(
            regexp_extract(
                registry_host,
                '^(?:(?:[0-9]{12}|\{[^}]*\})\.)?dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.(?:com|com\.cn|eu)|on\.aws'
                || '|on\.amazonwebservices\.(?:com\.cn|eu)|s?c2s\.(?:ic|sgov)\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk)$',
                1
            ), ''
        ),
        nullif(regexp_extract(registry_host, '^([a-z0-9-]+)-docker\.pkg\.dev$', 1), ''),
        given_region
    ) as registry_region,
    repository,
    tag,
    tag_implied,
    digest,
    image_name,
    image_name || coalesce(':' || tag, '') || coalesce('@' || digest, '') as reference,
    inherited,
    tag_conflict,
    registry_conflict,
    has_variable,
    case
        when repository is null then null
        when has_variable then 'a variable decides'
        when digest is not null then null
        when tag_implied then 'no tag, so latest'
        when tag = 'latest' then 'latest'
    end as moving_reason,
    case
        when repository is null then 'no image'
        when registry is null then 'registry not named'
        when registry_conflict then 'two registries named'
        when tag_conflict then 'two tags named'
        when not regexp_full_match(
                plain_registry,
                '([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?'
            ) then 'registry breaks the grammar'
        -- Only the path is counted, as in the grammar's library. docker refuses a name of exactly 64 hexadecimal digits,
        -- which it reads as an image id.
        when length(plain_repository) > 255
            or (
                regexp_full_match(given_image, '[0-9a-f]{64}')
                and tag_implied and registry = 'docker.io' and field_host is null
            )
            or not regexp_full_match(
                plain_repository, '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*'
            ) then 'repository breaks the grammar'
        when not regexp_full_match(plain_tag, '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}') then 'tag breaks the grammar'
        -- The grammar's library accepts only these digests, in lower case.
        when not regexp_full_match(plain_digest, 'sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}')
            then 'digest breaks the grammar'
    end as defect
from marked
