-- One row per published figure and document: its own arithmetic done again, and the warehouse's figure of the same measure,
-- scope, definition and round beside it.
with

published_figures as (select * from reference.published_figures),
rounds as (select * from reference.rounds),
bed_totals as (select * from mart.bed_capacity_totals),
funding_totals as (select * from mart.funding_gap_totals),
capital_totals as (select * from mart.capital_totals),
workforce_totals as (select * from mart.workforce_totals),

-- what a figure follows from: other figures that were published
recipes as (
    select *
    from (
        values
            ('acute_beds_reduction', 'less', 'acute_beds_before', 'acute_beds_after'),
            ('acute_beds_reduction_pct', 'percent_of', 'acute_beds_reduction', 'acute_beds_before'),
            ('community_beds_reduction', 'less', 'community_beds_before', 'community_beds_after'),
            ('community_beds_reduction_pct', 'percent_of', 'community_beds_reduction', 'community_beds_before'),
            ('total_beds_before', 'and', 'acute_beds_before', 'community_beds_before'),
            ('total_beds_after', 'and', 'acute_beds_after', 'community_beds_after'),
            ('total_beds_reduction', 'less', 'total_beds_before', 'total_beds_after'),
            ('total_beds_reduction_pct', 'percent_of', 'total_beds_reduction', 'total_beds_before'),
            ('community_hospitals_with_wards_after', 'less', 'community_hospitals_with_wards_before',
                'community_hospitals_losing_wards'),
            ('community_staff_after', 'rise_from', 'community_staff_after', 'community_staff_before'),
            ('nhs_funding_gap', 'a_head', 'nhs_funding_gap', 'population')
    ) as recipes(figure_code, operation, left_code, right_code)
),

-- figures of the warehouse that a claim is near to and not of: another scope
nearest as (
    select *
    from (
        values
            ('capital_cases_in_preparation', 'capital_total', 'another list of schemes, two years on'),
            ('gp_premises_secured', 'capital_secured', 'one project, beside all that the plan calls secured'),
            ('eating_disorder_ward_secured', 'capital_secured', 'one project, beside all that the plan calls secured'),
            ('glenfield_wards_secured', 'capital_secured', 'one project, beside all that the plan calls secured')
    ) as nearest(figure_code, headline_code, reason)
),

-- a figure printed in several documents is the first one's
first_printed as (
    select figure_code, arg_min(value::double, (published_on, document)) as value
    from published_figures
    group by all
),

-- a document speaks of the last plan published by its day; one before all plans, of the first round
claims as (
    select
        published_figures.* exclude (value, printed_precision),
        published_figures.value::double as value,
        published_figures.printed_precision::double as step,
        coalesce(
            max(rounds.round) filter (where rounds.published_on <= published_figures.published_on), min(rounds.round)
        ) as round,
        replace(published_figures.figure_code, '_earlier', '') as headline_code,
    from published_figures
    cross join rounds
    group by all
),

-- the returns' own figures, at both ends of the plan: the same rows that the reports show
bed_ends as (
    select
        bed_totals.round,
        bed_totals.bed_definition,
        any_value(planned_beds) filter (where financial_year = base_year) as before_beds,
        any_value(planned_beds) filter (where financial_year = horizon_year) as after_beds,
    from bed_totals
    inner join rounds on bed_totals.round = rounds.round
    where area = 'system' and scenario = 'plan' and method = 'submitted'
        and (bed_definition <> 'stp_acute_and_community' or is_complete)
    group by all
),

funding_ends as (
    select
        funding_totals.round,
        area as scope,
        any_value(do_nothing_gap_gbp) filter (where financial_year = horizon_year) as gap_gbp,
        any_value(income_gbp) filter (where financial_year = base_year) as before_gbp,
        any_value(income_gbp) filter (where financial_year = horizon_year) as after_gbp,
        any_value(cost_gbp) filter (where financial_year = '2016/17') as spend_gbp,
    from funding_totals
    inner join rounds on funding_totals.round = rounds.round
    where price_basis = 'nominal' and scenario = 'do_nothing' and method = 'submitted'
    group by all
),

staff_ends as (
    select
        workforce_totals.round,
        area as setting,
        any_value(planned_wte) filter (where financial_year = base_year) as before_wte,
        any_value(planned_wte) filter (where financial_year = horizon_year) as after_wte,
    from workforce_totals
    inner join rounds on workforce_totals.round = rounds.round
    where area_kind = 'setting' and scenario = 'plan'
    group by all
),

capital_ends as (
    select
        round,
        sum(needed_gbp) as total_gbp,
        sum(needed_gbp) filter (where source = 'external') as external_gbp,
        sum(secured_gbp) as secured_gbp,
    from capital_totals
    where price_basis = 'nominal'
    group by round
),

warehouse as (
    select
        'mart.bed_capacity_totals' as warehouse_table,
        round,
        bed_definition as definition,
        case bed_definition when 'stp_acute' then 'acute' when 'stp_community' then 'community' else 'total' end
        || '_beds_' || unnest(['before', 'after', 'reduction', 'reduction_pct']) as headline_code,
        unnest(
            [before_beds, after_beds, before_beds - after_beds, 100 * (before_beds - after_beds) / nullif(before_beds, 0)]
        ) as figure,
    from bed_ends
    where bed_definition in ('stp_acute', 'stp_community', 'stp_acute_and_community')
    union all by name
    select
        'mart.funding_gap_totals' as warehouse_table,
        round,
        scope as definition,
        unnest(
            [
                scope || '_funding_gap', scope || '_spend_before', scope || '_spend_after',
                if(scope = 'system', 'health_and_social_care_spend', null)
            ]
        ) as headline_code,
        unnest([gap_gbp::double, before_gbp::double, after_gbp::double, spend_gbp::double]) as figure,
    from funding_ends
    union all by name
    select
        'mart.workforce_totals' as warehouse_table,
        round,
        setting as definition,
        unnest(
            [
                setting || '_staff_before', setting || '_staff_after',
                if(setting = 'acute', 'hospital_jobs_reduction', null)
            ]
        ) as headline_code,
        unnest([before_wte, after_wte, before_wte - after_wte]) as figure,
    from staff_ends
    union all by name
    select
        'mart.capital_totals' as warehouse_table,
        round,
        'nhs' as definition,
        unnest(['capital_total', 'capital_external', 'capital_secured']) as headline_code,
        unnest([total_gbp::double, external_gbp::double, secured_gbp::double]) as figure,
    from capital_ends
),

-- councils and NHS together are the system
compared as (
    select
        claims.*,
        warehouse.warehouse_table,
        warehouse.figure as warehouse_value,
    from claims
    left join warehouse
        on claims.round = warehouse.round
        and claims.headline_code = warehouse.headline_code
        and coalesce(claims.bed_definition, if(claims.scope = 'nhs_and_social_care', 'system', claims.scope))
        = warehouse.definition
),

-- the same measure and scope, another number in another document
elsewhere as (
    select
        claims.figure_code,
        claims.document,
        string_agg(
            distinct others.printed || ' (' || replace(others.document, '_', ' ') || ', '
            || strftime(others.published_on, '%B %Y') || ')',
            '; ' order by others.printed || ' (' || replace(others.document, '_', ' ') || ', '
            || strftime(others.published_on, '%B %Y') || ')'
        ) as printed_elsewhere,
    from claims
    inner join claims as others
        on claims.measure = others.measure
        and claims.scope = others.scope
        and claims.unit = others.unit
        and claims.as_at is not distinct from others.as_at
        and claims.bed_definition is not distinct from others.bed_definition
    where abs(claims.value - others.value) > greatest(claims.step, others.step) / 2 + 1e-9
    group by all
),

worked as (
    select
        compared.*,
        elsewhere.printed_elsewhere,
        nearest.reason as nearest_reason,
        others.figure as nearest_value,
        others.warehouse_table as nearest_table,
        recipes.operation,
        case recipes.operation
            when 'less' then lefts.value - rights.value
            when 'and' then lefts.value + rights.value
            when 'percent_of' then 100 * lefts.value / nullif(rights.value, 0)
        end as recomputed_value,
        case recipes.operation
            when 'less'
                then format('{:,.0f} - {:,.0f} = {:,.0f}', lefts.value, rights.value, lefts.value - rights.value)
            when 'and'
                then format('{:,.0f} + {:,.0f} = {:,.0f}', lefts.value, rights.value, lefts.value + rights.value)
            when 'percent_of'
                then format('{:,.0f} / {:,.0f} = {:.3f}%', lefts.value, rights.value, 100 * lefts.value / rights.value)
            when 'rise_from'
                then format(
                    '{:,.0f} + {:,.0f} = {:,.0f}, +{:.3f}%',
                    rights.value, lefts.value - rights.value, lefts.value, 100 * (lefts.value / rights.value - 1)
                )
            when 'a_head'
                then format(
                    '£{:.1f}m / {:,.0f} people = £{:.2f} a head', coalesce(compared.warehouse_value, lefts.value) / 1e6,
                    rights.value, coalesce(compared.warehouse_value, lefts.value) / rights.value
                )
        end as arithmetic,
    from compared
    left join elsewhere
        on compared.figure_code = elsewhere.figure_code
        and compared.document = elsewhere.document
    left join nearest on compared.figure_code = nearest.figure_code
    left join warehouse as others
        on compared.round = others.round
        and nearest.headline_code = others.headline_code
    left join recipes on compared.figure_code = recipes.figure_code
    left join first_printed as lefts on recipes.left_code = lefts.figure_code
    left join first_printed as rights on recipes.right_code = rights.figure_code
),

-- rounded as it was printed, or cut off there
judged as (
    select
        *,
        case
            when recomputed_value is null then 'nothing_to_compare_with'
            when abs(recomputed_value - value) <= step / 2 + 1e-9 then 'agrees'
            when abs(floor(recomputed_value / step + 1e-9) * step - value) < 1e-9 then 'agrees_when_truncated'
            else 'differs'
        end as arithmetic_verdict,
        case
            when warehouse_value is not null and abs(warehouse_value - value) <= step / 2 + 1e-9 then 'agrees'
            when warehouse_value is not null and abs(floor(warehouse_value / step + 1e-9) * step - value) < 1e-9
                then 'agrees_when_truncated'
            when warehouse_value is not null then 'differs'
            when nearest_value is not null then 'different_scope'
            when printed_elsewhere is not null then 'documents_differ'
            else 'nothing_to_compare_with'
        end as verdict,
    from worked
)

select
    -- keys
    figure_code,
    document,
    -- what was claimed
    published_on,
    measure,
    subject,
    scope,
    bed_definition,
    as_at,
    value,
    unit,
    printed,
    step as printed_precision,
    is_approximate,
    printed_elsewhere,
    -- its own arithmetic
    arithmetic,
    recomputed_value,
    arithmetic_verdict,
    -- the warehouse's figure
    round,
    coalesce(warehouse_table, nearest_table) as warehouse_table,
    coalesce(warehouse_value, nearest_value) as warehouse_value,
    warehouse_value - value as difference,
    verdict,
    case verdict
        when 'agrees' then 'The ' || round || ' returns come to the figure as it was printed'
        when 'agrees_when_truncated'
            then 'The ' || round || ' returns come to ' || format('{:,.3f}', warehouse_value)
            || ': cut off at the last printed digit, not rounded'
        when 'different_scope' then 'Not compared: ' || nearest_reason
        when 'differs' then 'The ' || round || ' returns come to ' || format('{:,.0f}', warehouse_value)
        when 'documents_differ' then 'No return holds it, and documents differ: elsewhere ' || printed_elsewhere
        else 'No return holds a figure of this measure and scope'
    end
    || if(verdict not in ('differs', 'documents_differ') and printed_elsewhere is not null, '. Elsewhere ' || printed_elsewhere, '') as why,
from judged
