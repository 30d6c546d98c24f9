-- One row per round and disagreement: comparisons that differ, years and scenarios together, with the year in which
-- they differ most; and what has become of it in the round after.
with

checks as (select * from mart.triangulation_checks),
summary as (select * from mart.triangulation_summary),
submissions as (select * from raw.submissions),

rounds as (
    select round, lag(round) over (order by round) as round_before from (select distinct round from summary) as given
),

differing as (
    select
        *,
        -- a difference of days has a tolerance of 0: one of the unit stands for it
        departure / greatest(tolerance, if(tolerance_unit in ('share', 'times'), 1e-9, 1)) as tolerances,
    from checks
    where verdict = 'differs'
),

-- years and scenarios of the same disagreement are one
disagreements as (
    select
        round,
        check_code,
        organisation_code,
        counterparty_code,
        about,
        array_to_string(list_sort(list(distinct scenario)), ', ') as scenarios,
        array_to_string(list_sort(list(distinct financial_year)), ', ') as financial_years,
        count(*)::integer as comparison_count,
        max(tolerances) as tolerances,
        arg_max(differing, (tolerances, financial_year, scenario)) as worst,
    from differing
    group by all
),

-- the same two figures in the round after
later as (
    select
        rounds.round,
        checks.check_code,
        checks.organisation_code,
        checks.counterparty_code,
        checks.about,
        bool_or(checks.verdict = 'differs') as is_there_still,
        bool_and(checks.verdict = 'agrees') as is_mended,
    from checks
    inner join rounds as next on checks.round = next.round
    inner join rounds on next.round_before = rounds.round
    group by all
),

standings as (
    select
        disagreements.*,
        before.round is not null as is_of_the_round_before,
        case
            when rounds_after.round is null then 'open'
            when later.is_there_still then 'still there in ' || rounds_after.round
            when later.is_mended then 'mended in ' || rounds_after.round
            else 'not compared in ' || rounds_after.round
        end as standing,
    from disagreements
    inner join rounds on disagreements.round = rounds.round
    left join rounds as rounds_after on rounds_after.round_before = disagreements.round
    left join disagreements as before
        on rounds.round_before = before.round
        and disagreements.check_code = before.check_code
        and disagreements.organisation_code = before.organisation_code
        and disagreements.counterparty_code is not distinct from before.counterparty_code
        and disagreements.about = before.about
    left join later
        on disagreements.round = later.round
        and disagreements.check_code = later.check_code
        and disagreements.organisation_code = later.organisation_code
        and disagreements.counterparty_code is not distinct from later.counterparty_code
        and disagreements.about = later.about
),

file_names as (
    select
        standings.round,
        standings.check_code,
        standings.organisation_code,
        standings.counterparty_code,
        standings.about,
        string_agg(distinct submissions.file_name, ', ' order by submissions.file_name) filter (
            where list_contains(standings.worst.left_submission_ids, submissions.submission_id)
        ) as left_files,
        string_agg(distinct submissions.file_name, ', ' order by submissions.file_name) filter (
            where list_contains(standings.worst.right_submission_ids, submissions.submission_id)
        ) as right_files,
    from standings
    inner join submissions
        on list_contains(
            standings.worst.left_submission_ids || standings.worst.right_submission_ids, submissions.submission_id
        )
    group by all
)

select
    -- keys
    standings.round,
    (row_number() over (partition by standings.round order by standings.tolerances desc, standings.about))::integer
        as position,
    -- what differs
    standings.check_code,
    summary.check_name,
    standings.organisation_code,
    standings.counterparty_code,
    standings.about,
    standings.scenarios,
    standings.financial_years,
    standings.comparison_count,
    standings.standing,
    standings.is_of_the_round_before,
    -- the year in which it is largest
    standings.worst.financial_year as financial_year,
    standings.worst.unit as unit,
    standings.worst.is_few as is_few,
    standings.worst.left_label as left_label,
    if(standings.worst.is_few, null, standings.worst.left_value) as left_value,
    standings.worst.right_label as right_label,
    if(standings.worst.is_few, null, standings.worst.right_value) as right_value,
    if(standings.worst.is_few, null, standings.worst.difference) as difference,
    if(
        standings.worst.is_few, not_shown(), in_words(abs(standings.worst.difference), standings.worst.unit)
    ) as difference_in_words,
    if(standings.worst.is_few, null, standings.tolerances) as tolerances,
    if(standings.worst.is_few, not_shown(), standings.worst.why) as why,
    -- where to open the workbooks
    file_names.left_files,
    standings.worst.left_cells as left_cells,
    standings.worst.left_cell_count as left_cell_count,
    file_names.right_files,
    standings.worst.right_cells as right_cells,
    standings.worst.right_cell_count as right_cell_count,
from standings
inner join summary
    on standings.round = summary.round
    and standings.check_code = summary.check_code
left join file_names
    on standings.round = file_names.round
    and standings.check_code = file_names.check_code
    and standings.organisation_code = file_names.organisation_code
    and standings.counterparty_code is not distinct from file_names.counterparty_code
    and standings.about = file_names.about
