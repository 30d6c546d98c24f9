-- One row per round and organisation: beds occupied under the KH03 definition in the base year, as returned and as
-- published.
with

beds as (select * from core.beds_current),
assumptions as (select * from core.assumptions_current),
outturn as (select * from reference.kh03_outturn),
rounds as (select * from reference.rounds),

returned as (
    select
        beds.round,
        beds.organisation_code,
        beds.financial_year,
        sum(beds.occupied_beds) as returned_beds,
    from beds
    inner join rounds
        on beds.round = rounds.round
        and beds.financial_year = rounds.base_year
    where beds.bed_definition = 'kh03_general_acute'
    group by all
    having sum(beds.occupied_beds) is not null
),

limits as (
    select
        round,
        financial_year,
        max(central_value) filter (where parameter = 'calibration_lower') as lower_ratio,
        max(central_value) filter (where parameter = 'calibration_upper') as upper_ratio,
    from assumptions
    where subject = 'beds' and scenario = 'all'
    group by all
)

select
    -- keys
    returned.round,
    returned.organisation_code,
    returned.financial_year,
    -- measures
    returned.returned_beds,
    outturn.occupied_beds as outturn_beds,
    outturn.occupied_beds / nullif(returned.returned_beds, 0) as calibration,
    case
        when calibration is null or limits.lower_ratio is null or limits.upper_ratio is null then 'not known'
        when calibration between limits.lower_ratio and limits.upper_ratio then 'agrees'
        else 'differs'
    end as verdict,
from returned
inner join outturn using (organisation_code, financial_year)
left join limits
    on returned.round = limits.round
    and returned.financial_year = limits.financial_year
