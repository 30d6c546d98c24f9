-- One row per round, check, organisation, what it is about and financial year: two figures of beds, or of beds and the
-- nurses on them, that should be one.
with

beds as (select * from core.beds_current),
bed_schemes as (select * from core.bed_schemes_current),
claims as (select * from core.bed_scheme_claims_current),
effects as (select * from mart.bed_scheme_effects),
workforce as (select * from core.workforce_current),
rounds as (select * from reference.rounds),
sites as (select * from reference.sites),
sectors as (select * from reference.sectors),

-- 1. the claims of a site and sector's schemes explain the change of its beds since the base year, in every year

-- only beds counted as the plan counts them
available as (
    select beds.*, rounds.base_year, rounds.horizon_year
    from beds
    inner join rounds on beds.round = rounds.round
    inner join sectors
        on beds.sector = sectors.sector
        and beds.bed_definition = sectors.bed_definition
    where beds.available_beds is not null
),

changes as (
    select
        here.round,
        here.organisation_code,
        here.site_code,
        here.sector,
        here.bed_definition,
        here.financial_year,
        here.base_year,
        here.available_beds - base.available_beds as change_beds,
        [here.submission_id] as submission_ids,
        list_sort(
            list_distinct(
                [
                    cell_reference(here.sheet, here.available_cell),
                    cell_reference(base.sheet, base.available_cell)
                ]
            )
        ) as cells,
    from available as here
    left join available as base
        on here.round = base.round
        and here.organisation_code = base.organisation_code
        and here.site_code = base.site_code
        and here.sector = base.sector
        and here.bed_definition = base.bed_definition
        and base.financial_year = base.base_year
),

claimed as (
    select
        claims.round,
        sites.organisation_code,
        claims.from_site_code as site_code,
        claims.from_sector as sector,
        claims.financial_year,
        sum(claims.claimed_beds) as claimed_beds,
        list_sort(list(distinct claims.submission_id)) as submission_ids,
        list(
            if(claims.organisation_code = sites.organisation_code, '', claims.organisation_code || ' ')
            || cell_reference(claims.sheet, claims.cell)
            order by abs(claims.claimed_beds) desc, claims.cell
        ) as cells,
    from claims
    inner join sites on claims.from_site_code = sites.site_code
    group by all
),

-- a site and sector without a scheme is claimed not to change
schemes_beds as (
    select
        coalesce(changes.round, claimed.round) as round,
        'bed_schemes_against_beds' as check_code,
        coalesce(changes.organisation_code, claimed.organisation_code) as organisation_code,
        concat_ws(', ', sites.site_name, coalesce(changes.sector, claimed.sector)) as about,
        map {
            'site_code': coalesce(changes.site_code, claimed.site_code),
            'sector': coalesce(changes.sector, claimed.sector), 'bed_definition': sectors.bed_definition,
            'bed_measure': 'available'
        } as parts,
        coalesce(changes.financial_year, claimed.financial_year) as financial_year,
        list_sort(list_distinct([coalesce(changes.financial_year, claimed.financial_year), rounds.base_year]))
            as financial_years,
        'beds' as unit,
        'claimed for its schemes since ' || rounds.base_year as left_label,
        if(changes.round is null, claimed.claimed_beds, coalesce(claimed.claimed_beds, 0)) as left_value,
        coalesce(changes.organisation_code, claimed.organisation_code) as left_organisation_code,
        ['bed_schemes'] as left_tables,
        claimed.submission_ids as left_submission_ids,
        claimed.cells as left_cells,
        'change of beds available since ' || rounds.base_year as right_label,
        changes.change_beds as right_value,
        coalesce(changes.organisation_code, claimed.organisation_code) as right_organisation_code,
        ['beds'] as right_tables,
        changes.submission_ids as right_submission_ids,
        changes.cells as right_cells,
        null::varchar as reason,
    from changes
    full join claimed
        on changes.round = claimed.round
        and changes.organisation_code = claimed.organisation_code
        and changes.site_code = claimed.site_code
        and changes.sector = claimed.sector
        and changes.financial_year = claimed.financial_year
    inner join rounds on rounds.round = coalesce(changes.round, claimed.round)
    inner join sectors on sectors.sector = coalesce(changes.sector, claimed.sector)
    left join sites on sites.site_code = coalesce(changes.site_code, claimed.site_code)
),

-- 2. what a scheme's shares and nights do to the base year's patients, and the beds claimed for it, by the last year

lines as (
    select
        effects.round,
        effects.sender_code as organisation_code,
        effects.scheme_code,
        effects.financial_year,
        effects.implied_beds,
        claims.claimed_beds,
        claims.submission_id,
        cell_reference(claims.sheet, claims.cell) as claim_cell,
        cell_reference(
            bed_schemes.sheet,
            coalesce(bed_schemes.effect_share_cell, bed_schemes.shortened_nights_cell, bed_schemes.start_date_cell)
        ) as line_cell,
    from effects
    inner join rounds
        on effects.round = rounds.round
        and effects.financial_year = rounds.horizon_year
    left join claims
        on effects.round = claims.round
        and effects.sender_code = claims.organisation_code
        and effects.row_number = claims.row_number
        and effects.financial_year = claims.financial_year
    left join bed_schemes
        on effects.round = bed_schemes.round
        and effects.sender_code = bed_schemes.organisation_code
        and effects.row_number = bed_schemes.row_number
    -- arrivals follow from other lines, and a closure of empty beds has no patients
    where effects.basis in ('effect', 'growth', 'none')
),

implied_claimed as (
    select
        round,
        'bed_schemes_implied_against_claimed' as check_code,
        organisation_code,
        scheme_code as about,
        map { 'scheme_code': scheme_code } as parts,
        financial_year,
        [financial_year] as financial_years,
        'beds' as unit,
        'implied by its lines' as left_label,
        if(count(implied_beds) = count(*), sum(implied_beds), null) as left_value,
        organisation_code as left_organisation_code,
        ['bed_schemes'] as left_tables,
        list_sort(list(distinct submission_id)) as left_submission_ids,
        list(line_cell order by round(abs(implied_beds), 6) desc, line_cell) as left_cells,
        'claimed for it' as right_label,
        if(count(claimed_beds) = count(*), sum(claimed_beds), null) as right_value,
        organisation_code as right_organisation_code,
        ['bed_schemes'] as right_tables,
        list_sort(list(distinct submission_id)) as right_submission_ids,
        list(claim_cell order by abs(claimed_beds) desc, claim_cell) as right_cells,
        case
            when count(implied_beds) < count(*)
                then 'What a line of the scheme does is not said in shares or nights that reach somebody: '
                    || 'mart.bed_scheme_effects has the line'
        end as reason,
    from lines
    group by all
),

-- 3. acute beds and the nurses on them: they change by the same share

beds_by_year as (
    select
        round,
        organisation_code,
        bed_definition,
        financial_year,
        base_year,
        sum(available_beds) as available_beds,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, available_cell) order by available_beds desc, available_cell) as cells,
    from available
    where bed_definition in ('stp_acute', 'stp_community', 'stp_mental_health')
    group by all
),

nurses as (
    select
        round,
        organisation_code,
        case setting
            when 'acute' then 'stp_acute' when 'community' then 'stp_community' when 'mental_health'
            then 'stp_mental_health'
        end as bed_definition,
        setting,
        financial_year,
        sum(wte) as nurses_wte,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, wte_cell) order by wte desc, wte_cell) as cells,
    from workforce
    where staff_group = 'nursing_midwifery_health_visiting' and wte is not null
        and setting in ('acute', 'community', 'mental_health')
    group by all
),

beds_nurses as (
    select
        here.round,
        'bed_change_against_nursing' as check_code,
        here.organisation_code,
        here.bed_definition as about,
        map {
            'bed_definition': here.bed_definition, 'bed_measure': 'available',
            'staff_group': 'nursing_midwifery_health_visiting', 'setting': now.setting, 'workforce_measure': 'wte'
        } as parts,
        here.financial_year,
        [here.financial_year, here.base_year] as financial_years,
        'WTE' as unit,
        'nursing of ' || here.base_year || ', changed as the beds are' as left_label,
        before.nurses_wte * here.available_beds / nullif(base.available_beds, 0) as left_value,
        here.organisation_code as left_organisation_code,
        ['beds', 'workforce'] as left_tables,
        list_sort(list_distinct(here.submission_ids || before.submission_ids)) as left_submission_ids,
        before.cells || here.cells || base.cells as left_cells,
        'nursing planned' as right_label,
        now.nurses_wte as right_value,
        here.organisation_code as right_organisation_code,
        ['workforce'] as right_tables,
        now.submission_ids as right_submission_ids,
        now.cells as right_cells,
        case
            when here.bed_definition <> 'stp_acute'
                then 'Nurses outside the acute hospitals also see people at home: their number need not follow the beds'
            when base.available_beds = 0 then 'There were no beds in the base year'
        end as reason,
    from beds_by_year as here
    left join beds_by_year as base
        on here.round = base.round
        and here.organisation_code = base.organisation_code
        and here.bed_definition = base.bed_definition
        and here.base_year = base.financial_year
    left join nurses as now
        on here.round = now.round
        and here.organisation_code = now.organisation_code
        and here.bed_definition = now.bed_definition
        and here.financial_year = now.financial_year
    left join nurses as before
        on here.round = before.round
        and here.organisation_code = before.organisation_code
        and here.bed_definition = before.bed_definition
        and here.base_year = before.financial_year
    where here.financial_year <> here.base_year
),

every_check as (
    select * from schemes_beds
    union all by name
    select * from implied_claimed
    union all by name
    select * from beds_nurses
)

select
    -- keys
    round,
    check_code,
    'plan' as scenario,
    organisation_code,
    null::varchar as counterparty_code,
    replace(about, '_', ' ') as about,
    financial_year,
    parts,
    financial_years,
    -- measures, to a millionth: the last bits of a sum of doubles differ from run to run
    unit,
    left_label,
    round(left_value, 6) as left_value,
    right_label,
    round(right_value, 6) as right_value,
    round(left_value - right_value, 6) as difference,
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
from every_check
