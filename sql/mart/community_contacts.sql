-- One row per round, scenario, organisation and financial year: community contacts that providers plan, those of mental
-- health apart from them and left out.
with

activity as (select * from core.activity_current)

select
    -- keys
    round,
    scenario,
    organisation_code,
    financial_year,
    bool_or(is_illustrative) as is_illustrative,
    bool_or(has_values_kept_back) as has_values_kept_back,
    -- measures
    sum(contacts) as contacts,
from activity
where perspective = 'provider'
    and contacts is not null
    and bed_definition is distinct from 'stp_mental_health'
group by all
