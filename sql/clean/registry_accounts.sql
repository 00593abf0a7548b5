-- One row per integration of which the promotions name one AWS account: that account.
--
-- Buddy may leave the account out of the host of an Amazon ECR registry, because the integration decides it. Where another
-- promotion with the same integration names the account in the host, it is known; where two are named, it is not. Read
-- from last_known_actions, so that it costs the same however many runs are kept.
with
known as materialized (select * from last_known_actions),
ends as (
    select installation, workspace, src_integration as integration, lower(concat_ws(' ', src_registry, src_image)) as address
    from known
    union all
    select installation, workspace, dest_integration as integration, lower(concat_ws(' ', dest_registry, dest_image)) as address
    from known
),
named as (
    select
        installation,
        workspace,
        trim(integration, e' \t\r\n') as integration,
        regexp_extract(address, '(?:^|[^0-9a-z.-])([0-9]{12})\.dkr[.-]ecr', 1) as account
    from ends
    where contains(address, '.dkr')
)
select
    installation,
    workspace,
    integration,
    min(account) as account
from named
where account <> '' and integration <> ''
group by installation, workspace, integration
having count(distinct named.account) = 1
