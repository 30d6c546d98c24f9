-- One row per pair of rounds that follow one another, subject and unit, and place: the ten largest changes of each.
with

round_changes as (select * from mart.round_changes),
rounds as (select * from reference.rounds),

-- a round and the one before it
pairs as (
    select round as round_after, lag(round) over (order by round) as round_before from rounds
)

select
    -- keys
    round_changes.round_before,
    round_changes.round_after,
    round_changes.subject,
    round_changes.unit,
    round_changes.position,
    -- what changed
    round_changes.organisation_code,
    round_changes.line,
    round_changes.basis,
    round_changes.measure,
    round_changes.financial_year,
    round_changes.change,
    -- measures
    round_changes.before_value,
    round_changes.after_value,
    round_changes.before_words,
    round_changes.after_words,
    round_changes.difference,
    round_changes.before_cell,
    round_changes.after_cell,
from round_changes
inner join pairs
    on round_changes.round_before = pairs.round_before
    and round_changes.round_after = pairs.round_after
where round_changes.position <= 10
order by round_changes.round_after, round_changes.subject, round_changes.unit, round_changes.position
