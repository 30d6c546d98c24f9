-- One row per round, scenario, method, organisation, site, sector and bed definition with a shortfall: its beginning.
with

trajectories as (select * from mart.bed_capacity_trajectories)

select
    -- keys
    round,
    scenario,
    method,
    organisation_code,
    site_code,
    sector,
    bed_definition,
    -- measures
    min(quarter) filter (where headroom_beds < -1e-6) as first_quarter,
    min(quarter) filter (where shortfall_probability > 0.5) as first_likely_quarter,
    count(*) filter (where headroom_beds < -1e-6) as quarter_count,
    max(-headroom_beds) as most_short_beds,
    arg_min(quarter, (headroom_beds, quarter)) filter (where headroom_beds is not null) as worst_quarter,
from trajectories
group by all
having count(*) filter (where headroom_beds < -1e-6 or shortfall_probability > 0.5) > 0
