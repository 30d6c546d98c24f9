-- One row per pair of rounds, subject, basis, measure and unit: how many figures are not the same in both, and what they
-- come to together.
with

round_changes as (select * from mart.round_changes),

groups as (
    select
        *,
        max(abs(difference)) over (
            partition by round_before, round_after, subject, basis, measure, unit
        ) as largest_difference,
    from round_changes
)

select
    -- keys
    round_before,
    round_after,
    subject,
    basis,
    measure,
    unit,
    -- measures
    (count(*) filter (where change = 'changed'))::integer as changed_count,
    (count(*) filter (where change = 'added'))::integer as added_count,
    (count(*) filter (where change = 'removed'))::integer as removed_count,
    count(distinct organisation_code)::integer as organisation_count,
    any_value(largest_difference) as largest_difference,
    coalesce(bool_or(is_few) filter (where abs(difference) = largest_difference), false) as is_few,
from groups
group by round_before, round_after, subject, basis, measure, unit
