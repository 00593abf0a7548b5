-- Which variables have the name of a secret, or are a key, and are not known to be encrypted?
-- topic: security
-- answer: workspace, project, action, variable, type, value_state
-- one run
-- $words VARCHAR = 'pass|passw|passwd|password|passphrase|pwd|secret|token|key|apikey|credential|credentials|auth|pat|private' : words in the name of a secret
-- rule: a word of the name is in the parameter words, or the type is a key; empty variables count, because they will get a value.
--
-- Words are the parts of a name between _, -, . and changes from lower to upper case. Unlike plaintext_variables this
-- also lists variables that are empty now, because they will get a value. SSH_KEY and GPG_KEY are secrets by their
-- type.
with
selected as (select * from variables where run_id in (select run_id from selected_run)),
worded as (
    select
        selected.*,
        lower(regexp_replace(regexp_replace(key, '([a-z0-9])([A-Z])', '\1 \2', 'g'), '[^A-Za-z]+', ' ', 'g')) as key_words
    from selected
),
promoting as (select * from promote_image_actions where run_id in (select run_id from selected_run))
select
    worded.installation,
    worded.workspace,
    worded.project,
    coalesce(promoting.pipeline_name, promoting.pipeline_identifier) as pipeline,
    promoting.name as action,
    worded.key as variable,
    worded.type,
    worded.value_state,
    case when worded.encrypted is null and worded.value_state is null then 'not known' else 'certain' end as certainty,
    worded.encrypted,
    worded.disabled,
    promoting.html_url,
    worded.pipeline_id,
    worded.action_id
from worded
left join promoting
    on
        worded.installation = promoting.installation
        and worded.workspace = promoting.workspace
        and worded.project = promoting.project
        and worded.pipeline_id = promoting.pipeline_id
        and worded.action_id = promoting.action_id
where
    worded.encrypted is not true
    and coalesce(worded.value_state, 'not known') <> 'encrypted'
    and (
        regexp_matches(worded.key_words, '(^| )(' || $words || ')s?( |$)')
        or worded.type in ('SSH_KEY', 'GPG_KEY', 'IOS_KEYCHAIN')
    )
    and coalesce(worded.type, 'VAR') <> 'SSH_PUBLIC_KEY'
order by worded.installation, worded.workspace, worded.project, worded.pipeline_id, worded.action_id, worded.position
