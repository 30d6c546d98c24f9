-- One row per organisation, financial year and bed definition: KH03 beds, the mean of the year's quarters.
with

nhs_beds as (select * from core.nhs_beds_current),
outturn as (select * from reference.kh03_outturn),
quarters as (select * from reference.quarters),

from_files as (
    select
        nhs_beds.organisation_code,
        quarters.financial_year,
        nhs_beds.bed_definition,
        avg(nhs_beds.available_beds) as available_beds,
        avg(nhs_beds.occupied_beds) as occupied_beds,
        least(count(nhs_beds.available_beds), count(nhs_beds.occupied_beds)) as quarters_found,
        'core.nhs_beds' as found_in,
    from nhs_beds
    inner join quarters using (quarter)
    group by all
),

either as (
    select * from from_files
    union all
    select organisation_code, financial_year, 'kh03_general_acute', available_beds, occupied_beds, 4,
        'reference.kh03_outturn',
    from outturn
),

-- four quarters of files before the series that is kept, and that before an incomplete year
best as (
    select *
    from either
    qualify row_number() over (
        partition by organisation_code, financial_year, bed_definition
        order by quarters_found desc, found_in
    ) = 1
)

select
    -- keys
    organisation_code,
    financial_year,
    bed_definition,
    -- measures
    available_beds,
    occupied_beds,
    quarters_found,
    -- where it came from
    found_in,
from best
