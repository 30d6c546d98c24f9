-- One row per round and check: how many comparisons were made, what came of them, and the largest difference.
with

checks as (select * from mart.triangulation_checks),
code_lists as (select * from reference.code_lists),
submissions as (select * from raw.submissions),
rounds as (select * from reference.rounds),

-- every check in every round that has a return, so that one without a comparison shows
every_check as (
    select distinct rounds.round, code_lists.code as check_code, code_lists.label as check_name, code_lists.position
    from rounds
    inner join submissions
        on rounds.round = submissions.period
        and submissions.status = 'accepted'
    cross join code_lists
    where code_lists.list_name = 'triangulation_check'
),

counted as (
    select
        round,
        check_code,
        count(*) filter (where verdict <> 'cannot_be_compared') as compared_count,
        count(*) filter (where verdict = 'agrees') as agree_count,
        count(*) filter (where verdict = 'differs') as differ_count,
        count(*) filter (where verdict = 'cannot_be_compared') as not_compared_count,
        arg_max(
            {
                'difference': difference, 'unit': unit,
                'about': concat_ws(', ', organisation_code, about, financial_year)
            },
            (abs(difference), organisation_code, about, financial_year, scenario)
        ) filter (where verdict = 'differs') as largest,
    from checks
    group by all
)

select
    -- keys
    every_check.round,
    every_check.check_code,
    every_check.check_name,
    every_check.position::integer as position,
    -- measures
    coalesce(counted.compared_count, 0)::integer as compared_count,
    coalesce(counted.agree_count, 0)::integer as agree_count,
    coalesce(counted.differ_count, 0)::integer as differ_count,
    coalesce(counted.not_compared_count, 0)::integer as not_compared_count,
    counted.largest.difference as largest_difference,
    counted.largest.unit as largest_unit,
    counted.largest.about as largest_about,
from every_check
left join counted
    on every_check.round = counted.round
    and every_check.check_code = counted.check_code
