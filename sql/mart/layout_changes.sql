-- One row per published file in use and change of its layout since the file of the publication's period before.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
findings as (select * from raw.findings),
nhs_absence as (select * from raw.nhs_absence),
nhs_discharges_acute as (select * from raw.nhs_discharges_acute),
nhs_discharges_community as (select * from raw.nhs_discharges_community),
nhs_emergency as (select * from raw.nhs_emergency),
nhs_kh03 as (select * from raw.nhs_kh03),
nhs_population as (select * from raw.nhs_population),
nhs_sitrep as (select * from raw.nhs_sitrep),
nhs_workforce as (select * from raw.nhs_workforce),

files as (
    select
        submissions.submission_id,
        submissions.file_name,
        publications.publication,
        publications.period,
        lag(submissions.submission_id) over in_order as previous_id,
        lag(submissions.file_name) over in_order as previous_file,
    from submissions
    inner join publications using (submission_id)
    where submissions.status = 'accepted'
    window in_order as (partition by publications.publication order by publications.period)
),

-- every heading of every file, with what it is read as
headings as (
    select submission_id, sheet, block, heading, reading.measure as measure, min(lpad(cell.heading, 10, ' ')) as cell,
        min(row_number) as first_row,
    from nhs_absence
    group by all
    union all
    select submission_id, sheet, block, heading, reading.measure, min(lpad(cell.heading, 10, ' ')), min(row_number),
    from nhs_discharges_acute
    group by all
    union all
    select submission_id, sheet, block, heading, reading.measure, min(lpad(cell.heading, 10, ' ')), min(row_number),
    from nhs_discharges_community
    group by all
    union all
    select submission_id, sheet, block, heading, reading.measure, min(lpad(cell.heading, 10, ' ')), min(row_number),
    from nhs_emergency
    group by all
    union all
    select submission_id, sheet, block, heading, reading.measure, min(lpad(cell.heading, 10, ' ')), min(row_number),
    from nhs_population
    group by all
    union all
    select submission_id, sheet, block, heading, reading.measure, min(lpad(cell.heading, 10, ' ')), min(row_number),
    from nhs_sitrep
    group by all
    union all
    select submission_id, sheet, block, heading, reading.measure, min(lpad(cell.heading, 10, ' ')), min(row_number),
    from nhs_workforce
    group by all
    union all
    select submission_id, sheet, null, concat(bed_group, ': ', sector), concat_ws('.', reading.measure, reading.sector),
        null, min(row_number),
    from nhs_kh03
    group by all
),

-- case and spaces make no other heading
measures as (
    select
        submission_id,
        measure,
        min(sheet) as sheet,
        min(cell) as cell,
        list_sort(list_distinct(list(lower(trim(heading))))) as headings,
        string_agg(distinct heading, ' and ' order by heading) as written,
    from headings
    where measure is not null
    group by all
),

measures_before as (
    select files.submission_id, measures.measure, measures.sheet, measures.headings, measures.written,
    from files
    inner join measures on files.previous_id = measures.submission_id
),

measures_now as (
    select measures.*
    from measures
    inner join files on measures.submission_id = files.submission_id and files.previous_id is not null
),

blocks as (
    select submission_id, lower(trim(sheet)) as sheet_name, block, min(sheet) as sheet, min(first_row) as first_row,
    from headings
    group by all
),

unknown as (
    select submission_id, sheet, heading, min(cell) as cell,
    from headings
    where measure is null and heading is not null
    group by all
),

-- what the reader said, but for the headings that raw has
said as (
    select
        findings.submission_id,
        case findings.rule
            when 'layout_not_known' then 'layout_unknown'
            when 'missing_column' then 'layout_unknown'
            when 'unknown_column' then 'column_not_read'
            else findings.rule
        end as change,
        findings.sheet,
        findings.cell,
        findings.message,
    from findings
    anti join unknown
        on findings.submission_id = unknown.submission_id
        and findings.sheet = unknown.sheet
        and findings.value_received = unknown.heading
    where findings.rule in (
        'layout_not_known', 'missing_column', 'unknown_column', 'sheet_not_read', 'row_without_code', 'period_differs'
    )
),

changes as (
    select
        submission_id,
        case
            when measures_before.measure is null then 'measure_new'
            when measures_now.measure is null then 'measure_absent'
            else 'heading_renamed'
        end as change,
        coalesce(measures_now.sheet, measures_before.sheet) as sheet,
        measures_now.cell,
        measure as subject,
        measures_before.written as before,
        measures_now.written as after,
    from measures_now
    full join measures_before using (submission_id, measure)
    where measures_now.headings is distinct from measures_before.headings
    union all
    select distinct measures_now.submission_id, 'sheet_renamed', measures_now.sheet, null, measures_now.sheet,
        measures_before.sheet, measures_now.sheet,
    from measures_now
    inner join measures_before using (submission_id, measure)
    where lower(trim(measures_now.sheet)) <> lower(trim(measures_before.sheet))
    union all
    select files.submission_id, 'rows_moved', now.sheet, null, now.block, concat('line ', before.first_row),
        concat('line ', now.first_row),
    from files
    inner join blocks as now on files.submission_id = now.submission_id
    inner join blocks as before
        on files.previous_id = before.submission_id
        and now.sheet_name = before.sheet_name
        and now.block is not distinct from before.block
    where now.first_row <> before.first_row
    union all
    select files.submission_id, 'heading_unknown', unknown.sheet, unknown.cell, unknown.heading, null, unknown.heading,
    from files
    inner join unknown on files.submission_id = unknown.submission_id
    left join unknown as before
        on files.previous_id = before.submission_id
        and lower(trim(unknown.heading)) = lower(trim(before.heading))
    where before.heading is null
    union all
    select files.submission_id, said.change, said.sheet, said.cell, said.message, null,
        if(said.change = 'sheet_not_read', said.sheet, said.message),
    from files
    inner join said on files.submission_id = said.submission_id
    left join said as before
        on files.previous_id = before.submission_id
        and said.change = before.change
        and (said.message = before.message or (said.change = 'row_without_code' and said.sheet = before.sheet))
    where before.message is null
)

select
    -- keys
    changes.submission_id,
    changes.change,
    coalesce(changes.sheet, '') as sheet,
    coalesce(changes.subject, '') as subject,
    -- where
    files.publication,
    files.period,
    files.file_name,
    files.previous_file,
    trim(min(changes.cell)) as cell,
    -- what
    min(changes.before) as before,
    min(changes.after) as after,
    concat('sql/raw/', files.publication, '.toml') as contract,
from changes
inner join files on changes.submission_id = files.submission_id
group by all
