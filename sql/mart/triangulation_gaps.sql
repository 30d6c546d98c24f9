-- One row per return in use, sheet, line and financial year without a value: kept back at intake, or left empty.
with

submissions as (select * from raw.submissions),
activity as (select * from raw.activity),
beds as (select * from raw.beds),
bed_schemes as (select * from raw.bed_schemes),
income_expenditure as (select * from raw.income_expenditure),
savings as (select * from raw.savings),
capital as (select * from raw.capital),
workforce as (select * from raw.workforce),
specialty_groups as (select * from reference.specialty_groups),

accepted as (
    select submission_id, period as round, organisation_code from submissions where status = 'accepted'
),

-- each sheet's parts are what the comparisons name theirs by; a part that could not be read is empty

activity_gaps as (
    select
        'activity' as table_name,
        accepted.*,
        activity.sheet,
        activity.financial_year,
        activity.row_number,
        activity.cell.activity as cell,
        activity.is_quarantined,
        map {
            'scenario': activity.reading.scenario,
            'perspective': activity.reading.perspective,
            'provider_code': if(
                activity.reading.perspective = 'provider', accepted.organisation_code,
                activity.reading.counterparty_code
            ),
            'commissioner_code': if(
                activity.reading.perspective = 'provider', activity.reading.counterparty_code,
                accepted.organisation_code
            ),
            'site_code': activity.reading.site_code,
            'sector': specialty_groups.sector,
            'point_of_delivery': activity.reading.point_of_delivery,
            'specialty_group': activity.reading.specialty_group,
            'age_band': activity.reading.age_band,
            'measure': activity.reading.measure,
            'kind': if(activity.reading.measure = 'bed_days', 'bed_days', 'volume')
        } as parts,
    from activity
    inner join accepted on activity.submission_id = accepted.submission_id
    left join specialty_groups on activity.reading.specialty_group = specialty_groups.specialty_group
    where activity.is_quarantined or activity.reading.activity is null
),

beds_gaps as (
    select
        'beds' as table_name,
        accepted.*,
        beds.sheet,
        beds.financial_year,
        beds.row_number,
        beds.cell.beds as cell,
        beds.is_quarantined,
        map {
            'site_code': beds.reading.site_code,
            'sector': beds.reading.sector,
            'bed_definition': beds.reading.bed_definition,
            'bed_measure': beds.reading.measure
        } as parts,
    from beds
    inner join accepted on beds.submission_id = accepted.submission_id
    where beds.is_quarantined or beds.reading.beds is null
),

bed_schemes_gaps as (
    select
        'bed_schemes' as table_name,
        accepted.*,
        bed_schemes.sheet,
        bed_schemes.financial_year,
        bed_schemes.row_number,
        bed_schemes.cell.claimed_beds as cell,
        bed_schemes.is_quarantined,
        map {
            'scheme_code': bed_schemes.reading.scheme_code,
            'site_code': bed_schemes.reading.from_site_code,
            'sector': bed_schemes.reading.from_sector
        } as parts,
    from bed_schemes
    inner join accepted on bed_schemes.submission_id = accepted.submission_id
    where bed_schemes.is_quarantined or bed_schemes.reading.claimed_beds is null
),

income_expenditure_gaps as (
    select
        'income_expenditure' as table_name,
        accepted.*,
        income_expenditure.sheet,
        income_expenditure.financial_year,
        income_expenditure.row_number,
        income_expenditure.cell.amount as cell,
        income_expenditure.is_quarantined,
        map {
            'scenario': income_expenditure.reading.scenario,
            'category': income_expenditure.reading.category,
            'cost_pool': income_expenditure.reading.category,
            'flow': if(
                income_expenditure.reading.category in ('allocation', 'contract_income', 'other_income'),
                'income', 'cost'
            ),
            'provider_code': case income_expenditure.reading.category
                when 'contract_income' then accepted.organisation_code
                when 'healthcare_bought' then income_expenditure.reading.counterparty_code
                else 'none'
            end,
            'commissioner_code': case income_expenditure.reading.category
                when 'contract_income' then income_expenditure.reading.counterparty_code
                when 'healthcare_bought' then accepted.organisation_code
                else 'none'
            end
        } as parts,
    from income_expenditure
    inner join accepted on income_expenditure.submission_id = accepted.submission_id
    where income_expenditure.is_quarantined or income_expenditure.reading.amount is null
),

savings_gaps as (
    select
        'savings' as table_name,
        accepted.*,
        savings.sheet,
        savings.financial_year,
        savings.row_number,
        savings.cell.amount as cell,
        savings.is_quarantined,
        map { 'scheme_code': savings.reading.scheme_code, 'cost_pool': savings.reading.cost_pool } as parts,
    from savings
    inner join accepted on savings.submission_id = accepted.submission_id
    where savings.is_quarantined or savings.reading.amount is null
),

capital_gaps as (
    select
        'capital' as table_name,
        accepted.*,
        capital.sheet,
        capital.financial_year,
        capital.row_number,
        capital.cell.amount as cell,
        capital.is_quarantined,
        map { 'scheme_code': capital.reading.scheme_code } as parts,
    from capital
    inner join accepted on capital.submission_id = accepted.submission_id
    where capital.is_quarantined or capital.reading.amount is null
),

-- no comparison stands on headcount
workforce_gaps as (
    select
        'workforce' as table_name,
        accepted.*,
        workforce.sheet,
        workforce.financial_year,
        workforce.row_number,
        workforce.cell.workforce as cell,
        workforce.is_quarantined,
        map {
            'staff_group': workforce.reading.staff_group,
            'setting': workforce.reading.setting,
            'contract': workforce.reading.contract,
            'workforce_measure': workforce.reading.measure
        } as parts,
    from workforce
    inner join accepted on workforce.submission_id = accepted.submission_id
    where (workforce.is_quarantined or workforce.reading.workforce is null)
        and workforce.reading.measure is distinct from 'headcount'
),

every_sheet as (
    select * from activity_gaps
    union all by name
    select * from beds_gaps
    union all by name
    select * from bed_schemes_gaps
    union all by name
    select * from income_expenditure_gaps
    union all by name
    select * from savings_gaps
    union all by name
    select * from capital_gaps
    union all by name
    select * from workforce_gaps
)

select
    -- keys
    round,
    organisation_code,
    submission_id,
    table_name,
    row_number,
    financial_year,
    -- what the line says of itself
    parts,
    if(is_quarantined, 'kept back at intake', 'left empty') as why,
    -- where it stands
    sheet,
    cell,
from every_sheet
