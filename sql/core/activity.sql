-- One row per return, site, point of delivery, specialty group, age band, scenario, perspective, counterparty and
-- financial year: spells, bed days, attendances and contacts.
with

submissions as (select * from raw.submissions),
sheets as (select * from raw.sheets),
activity as (select * from raw.activity),
specialty_groups as (select * from reference.specialty_groups),
sectors as (select * from reference.sectors),

lines as (
    select
        submission_id,
        sheet,
        financial_year,
        reading.site_code as site_code,
        reading.point_of_delivery as point_of_delivery,
        reading.specialty_group as specialty_group,
        reading.age_band as age_band,
        reading.scenario as scenario,
        reading.perspective as perspective,
        reading.counterparty_code as counterparty_code,
        reading.measure as measure,
        reading.activity as activity,
        cell.activity as cell,
    from activity
    where not is_quarantined and reading.activity is not null
),

-- a line a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        financial_year,
        site_code,
        point_of_delivery,
        specialty_group,
        age_band,
        scenario,
        perspective,
        counterparty_code,
        max(activity) filter (where measure = 'spells') as spells,
        max(activity) filter (where measure = 'bed_days') as bed_days,
        max(activity) filter (where measure = 'attendances') as attendances,
        max(activity) filter (where measure = 'contacts') as contacts,
        max(cell) filter (where measure = 'spells') as spells_cell,
        max(cell) filter (where measure = 'bed_days') as bed_days_cell,
        max(cell) filter (where measure = 'attendances') as attendances_cell,
        max(cell) filter (where measure = 'contacts') as contacts_cell,
    from lines
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    coalesce(sheets.quarantined_count, 0) > 0 as has_values_kept_back,
    measured.site_code,
    measured.point_of_delivery,
    measured.specialty_group,
    measured.age_band,
    measured.scenario,
    measured.perspective,
    measured.counterparty_code,
    measured.financial_year,
    -- what the specialty group says of beds
    specialty_groups.sector,
    sectors.bed_definition,
    -- measures
    measured.spells,
    measured.bed_days,
    measured.attendances,
    measured.contacts,
    -- where each figure came from
    measured.sheet,
    measured.spells_cell,
    measured.bed_days_cell,
    measured.attendances_cell,
    measured.contacts_cell,
from measured
inner join submissions
    on measured.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join specialty_groups on measured.specialty_group = specialty_groups.specialty_group
left join sectors on specialty_groups.sector = sectors.sector
left join sheets
    on measured.submission_id = sheets.submission_id
    and sheets.table_name = 'activity'
