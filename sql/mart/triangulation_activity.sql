-- One row per round, check, scenario, organisation, counterparty, what it is about and financial year: two figures of
-- activity that should be one.
with

activity as (select * from core.activity_current),
beds as (select * from core.beds_current),
sites as (select * from reference.sites),
financial_years as (select * from reference.financial_years),

-- 1. what a provider plans for a commissioner, and what that commissioner plans with the provider

measures as (
    select
        round,
        submission_id,
        scenario,
        perspective,
        if(perspective = 'provider', organisation_code, counterparty_code) as provider_code,
        if(perspective = 'provider', counterparty_code, organisation_code) as commissioner_code,
        point_of_delivery,
        specialty_group,
        age_band,
        financial_year,
        sheet,
        unnest(
            [
                {'measure': 'spells', 'figure': spells, 'cell': spells_cell},
                {'measure': 'bed_days', 'figure': bed_days, 'cell': bed_days_cell},
                {'measure': 'attendances', 'figure': attendances, 'cell': attendances_cell},
                {'measure': 'contacts', 'figure': contacts, 'cell': contacts_cell}
            ],
            recursive := true
        ),
    from activity
    where counterparty_code <> 'other'
),

-- a provider has a line a site, a commissioner one for all
both_plans as (
    select
        round,
        scenario,
        provider_code,
        commissioner_code,
        point_of_delivery,
        specialty_group,
        age_band,
        measure,
        financial_year,
        sum(figure) filter (where perspective = 'provider') as provided,
        sum(figure) filter (where perspective = 'commissioner') as bought,
        list_sort(list(distinct submission_id) filter (where perspective = 'provider'))
            as provider_submission_ids,
        list_sort(list(distinct submission_id) filter (where perspective = 'commissioner'))
            as commissioner_submission_ids,
        list({'less': -figure, 'cell': cell_reference(sheet, cell)}) filter (where perspective = 'provider')
            as provider_figures,
        list({'less': -figure, 'cell': cell_reference(sheet, cell)}) filter (where perspective = 'commissioner')
            as commissioner_figures,
    from measures
    where figure is not null
    group by all
),

provider_commissioner as (
    select
        round,
        'provider_commissioner_activity' as check_code,
        scenario,
        provider_code as organisation_code,
        commissioner_code as counterparty_code,
        concat_ws(', ', point_of_delivery, specialty_group, age_band, measure) as about,
        map {
            'scenario': scenario, 'provider_code': provider_code, 'commissioner_code': commissioner_code,
            'point_of_delivery': point_of_delivery, 'specialty_group': specialty_group, 'age_band': age_band,
            'measure': measure
        } as parts,
        financial_year,
        [financial_year] as financial_years,
        replace(measure, '_', ' ') as unit,
        'planned by the provider' as left_label,
        provided as left_value,
        provider_code as left_organisation_code,
        ['activity'] as left_tables,
        provider_submission_ids as left_submission_ids,
        largest_first(provider_figures) as left_cells,
        'planned by the commissioner' as right_label,
        bought as right_value,
        commissioner_code as right_organisation_code,
        ['activity'] as right_tables,
        commissioner_submission_ids as right_submission_ids,
        largest_first(commissioner_figures) as right_cells,
        null::varchar as reason,
    from both_plans
),

-- 2. nights planned over the days of the year, and the beds occupied that the beds return plans

nights as (
    select
        activity.round,
        coalesce(sites.organisation_code, activity.organisation_code) as organisation_code,
        activity.site_code,
        activity.sector,
        activity.bed_definition,
        activity.financial_year,
        mean_census(sum(activity.bed_days), any_value(financial_years.days)) as census_beds,
        list_sort(list(distinct activity.submission_id)) as submission_ids,
        -- a return of another organisation than the site's is named before its cells
        list(
            if(activity.organisation_code = sites.organisation_code, '', activity.organisation_code || ' ')
            || cell_reference(activity.sheet, activity.bed_days_cell)
            order by activity.bed_days desc, activity.bed_days_cell
        ) as cells,
    from activity
    inner join financial_years on activity.financial_year = financial_years.financial_year
    left join sites on activity.site_code = sites.site_code
    where activity.perspective = 'provider' and activity.scenario = 'plan' and activity.bed_days is not null
    group by all
),

occupied as (
    select
        round,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        financial_year,
        occupied_beds,
        [submission_id] as submission_ids,
        [cell_reference(sheet, occupied_cell)] as cells,
    from beds
    where occupied_beds is not null
),

-- beds counted otherwise than the activity's sector is meet their census too, to be named and not compared
met as (
    select
        coalesce(nights.round, occupied.round) as round,
        coalesce(nights.organisation_code, occupied.organisation_code) as organisation_code,
        coalesce(nights.site_code, occupied.site_code) as site_code,
        coalesce(nights.sector, occupied.sector) as sector,
        coalesce(occupied.bed_definition, nights.bed_definition) as bed_definition,
        coalesce(nights.financial_year, occupied.financial_year) as financial_year,
        nights.census_beds,
        nights.submission_ids as activity_submission_ids,
        nights.cells as activity_cells,
        occupied.occupied_beds,
        occupied.submission_ids as beds_submission_ids,
        occupied.cells as beds_cells,
        case
            when nights.bed_definition <> occupied.bed_definition
                then 'Beds counted as ' || replace(occupied.bed_definition, '_', ' ') || ' are not those that activity '
                    || 'fills, which are counted as ' || replace(nights.bed_definition, '_', ' ')
        end as reason,
    from nights
    full join occupied
        on nights.round = occupied.round
        and nights.organisation_code = occupied.organisation_code
        and nights.site_code is not distinct from occupied.site_code
        and nights.sector = occupied.sector
        and nights.financial_year = occupied.financial_year
),

activity_occupied as (
    select
        met.round,
        'activity_against_occupied_beds' as check_code,
        'plan' as scenario,
        met.organisation_code,
        null::varchar as counterparty_code,
        concat_ws(', ', coalesce(sites.site_name, 'no site'), met.sector, met.bed_definition) as about,
        map {
            'scenario': 'plan', 'perspective': 'provider', 'site_code': met.site_code, 'sector': met.sector,
            'bed_definition': met.bed_definition, 'measure': 'bed_days', 'bed_measure': 'occupied'
        } as parts,
        met.financial_year,
        [met.financial_year] as financial_years,
        'beds' as unit,
        'spells times their stay, a day' as left_label,
        met.census_beds as left_value,
        met.organisation_code as left_organisation_code,
        ['activity'] as left_tables,
        met.activity_submission_ids as left_submission_ids,
        met.activity_cells as left_cells,
        'beds occupied' as right_label,
        met.occupied_beds as right_value,
        met.organisation_code as right_organisation_code,
        ['beds'] as right_tables,
        met.beds_submission_ids as right_submission_ids,
        met.beds_cells as right_cells,
        met.reason,
    from met
    left join sites on met.site_code = sites.site_code
),

both_checks as (
    select * from provider_commissioner
    union all by name
    select * from activity_occupied
)

select
    -- keys
    round,
    check_code,
    scenario,
    organisation_code,
    counterparty_code,
    replace(about, '_', ' ') as about,
    financial_year,
    parts,
    financial_years,
    -- measures
    unit,
    left_label,
    left_value,
    right_label,
    right_value,
    left_value - right_value as difference,
    reason,
    null::varchar as hint,
    -- where each figure came from
    left_organisation_code,
    left_tables,
    left_submission_ids,
    first_cells(left_cells) as left_cells,
    len(left_cells)::integer as left_cell_count,
    right_organisation_code,
    right_tables,
    right_submission_ids,
    first_cells(right_cells) as right_cells,
    len(right_cells)::integer as right_cell_count,
from both_checks
