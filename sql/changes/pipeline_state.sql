-- One row per pipeline ever seen and not known gone: when it was last read, and which run holds its rows.
--
-- A reading that was not whole makes an earlier one worthless as a source: some of its rows may have been seen again since.
with
read as (select * from read_pipeline_state),
carried as (
    select installation, workspace, project, pipeline_id
    from pipelines
    where coverage = 'carried'
),
-- What is gone is known as for actions (see gone): a parent that was not seen whole says nothing.
unread as (
    select
        this_run.run_id,
        this_run.run_date,
        state.* exclude (run_id, run_date) replace (
            case when carried.installation is not null then this_run.run_id else state.source_run_id end as source_run_id
        )
    from previous_pipeline_state as state
    cross join this_run
    anti join read_pipeline_state using (installation, workspace, project, pipeline_id)
    left join carried using (installation, workspace, project, pipeline_id)
    left join pipelines using (installation, workspace, project, pipeline_id)
    left join projects using (installation, workspace, project)
    left join workspaces using (installation, workspace)
    left join listed_installations using (installation)
    where not (
        coalesce(pipelines.coverage = 'gone', false)
        or (pipelines.coverage is null and coalesce(projects.coverage = 'complete', false))
        or (projects.coverage is null and coalesce(workspaces.coverage = 'complete', false))
        or (workspaces.coverage is null and listed_installations.installation is not null)
    )
)
select * from read
union all
select * from unread
