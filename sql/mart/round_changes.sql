-- One row per pair of rounds, subject, organisation, line, measure and financial year that is not the same in both: what it
-- was, what it is, and where each stands.
with

figures as (select * from mart.figures),
submissions as (select * from raw.submissions),
workforce as (select * from core.workforce_current),

-- lines that a sender wrote twice are one
lines as (
    select
        subject,
        period as round,
        organisation_code,
        basis,
        line,
        measure,
        any_value(unit) as unit,
        financial_year,
        sum(value) as value,
        any_value(words) as words,
        any_value(submission_id) as submission_id,
        any_value(cell_reference(sheet, cell) order by abs(value) desc, cell) as cell,
    from figures
    group by subject, period, organisation_code, basis, line, measure, financial_year
),

-- an organisation whose sheet is in use in both rounds; a return that one round lacks is not a change of each line
templates as (
    select *
    from (
        values
            ('activity', 'activity'), ('beds', 'beds'), ('bed_schemes', 'beds'), ('income_expenditure', 'finance'),
            ('savings', 'finance'), ('savings_schemes', 'finance'), ('capital', 'finance'), ('workforce', 'workforce'),
            ('workforce_flows', 'workforce'), ('assumptions', 'assumptions'), ('scenarios', 'assumptions')
    ) as templates(subject, template)
),

in_use as (
    select templates.subject, submissions.organisation_code, submissions.period as round
    from submissions
    inner join templates on submissions.template = templates.template
    where submissions.status = 'accepted'
),

pairs as (
    select
        before.subject,
        before.organisation_code,
        before.round as round_before,
        after.round as round_after,
    from in_use as before
    inner join in_use as after
        on before.subject = after.subject
        and before.organisation_code = after.organisation_code
        and before.round < after.round
),

befores as (
    select pairs.round_before, pairs.round_after, lines.* exclude (round)
    from pairs
    inner join lines
        on pairs.subject = lines.subject
        and pairs.organisation_code = lines.organisation_code
        and pairs.round_before = lines.round
),

afters as (
    select pairs.round_before, pairs.round_after, lines.* exclude (round)
    from pairs
    inner join lines
        on pairs.subject = lines.subject
        and pairs.organisation_code = lines.organisation_code
        and pairs.round_after = lines.round
),

-- the last bit of a sum is no change
differing as (
    select
        coalesce(befores.round_before, afters.round_before) as round_before,
        coalesce(befores.round_after, afters.round_after) as round_after,
        coalesce(befores.subject, afters.subject) as subject,
        coalesce(befores.organisation_code, afters.organisation_code) as organisation_code,
        coalesce(befores.basis, afters.basis) as basis,
        coalesce(befores.line, afters.line) as line,
        coalesce(befores.measure, afters.measure) as measure,
        coalesce(afters.unit, befores.unit) as unit,
        coalesce(befores.financial_year, afters.financial_year) as financial_year,
        case when befores.value is null then 'added' when afters.value is null then 'removed' else 'changed' end as change,
        befores.value as before_value,
        befores.words as before_words,
        afters.value as after_value,
        afters.words as after_words,
        befores.submission_id as before_submission_id,
        befores.cell as before_cell,
        afters.submission_id as after_submission_id,
        afters.cell as after_cell,
    from befores
    full outer join afters
        on befores.round_before = afters.round_before
        and befores.round_after = afters.round_after
        and befores.subject = afters.subject
        and befores.organisation_code = afters.organisation_code
        and befores.basis = afters.basis
        and befores.line = afters.line
        and befores.measure = afters.measure
        and befores.financial_year is not distinct from afters.financial_year
    where befores.value is null
        or afters.value is null
        or abs(befores.value - afters.value) > 1e-9 * greatest(abs(befores.value), abs(afters.value))
),

-- staff who are so few that their number, or their pay, could be somebody's own
few as (
    select round, organisation_code, concat_ws(', ', staff_group, setting) as line, contract as basis, financial_year
    from workforce
    where is_small_number(headcount) or is_small_number(wte)
)

select
    -- keys
    round_before,
    round_after,
    subject,
    organisation_code,
    basis,
    line,
    measure,
    financial_year,
    -- what changed
    (row_number() over (
        partition by round_before, round_after, subject, unit
        order by abs(if(measure = 'start' and change <> 'changed', 0, coalesce(after_value, 0) - coalesce(before_value, 0))) desc,
            organisation_code, basis, line, measure, financial_year
    ))::integer as position,
    change,
    unit,
    -- measures
    if(before_words is null, before_value, null) as before_value,
    if(after_words is null, after_value, null) as after_value,
    before_words,
    after_words,
    if(coalesce(before_words, after_words) is not null and change <> 'changed', null,
        coalesce(after_value, 0) - coalesce(before_value, 0)) as difference,
    -- where each figure came from
    before_submission_id,
    before_cell,
    after_submission_id,
    after_cell,
    exists(
        select 1 from few
        where differing.subject = 'workforce'
            and few.round in (differing.round_before, differing.round_after)
            and few.organisation_code = differing.organisation_code
            and few.line = differing.line
            and few.basis = differing.basis
            and few.financial_year = differing.financial_year
    ) as is_few,
from differing
