-- One row per pair of rounds that follow one another, subject and unit, and place: the ten largest changes of each.
with

round_changes as (select * from mart.round_changes),
rounds as (select * from reference.rounds),

-- a round and the one before it
pairs as (
    select round as round_after, lag(round) over (order by round) as round_before from rounds
),

-- small figures keep their decimals
words as (
    select
        round_changes.*,
        list_transform(
            [before_value, after_value, difference],
            lambda figure: if(
                abs(figure) < 10 and unit not in ('GBP', 'share', 'beds', 'WTE'),
                printf('%g ', figure) || unit,
                in_words(figure, unit)
            )
        ) as in_words,
    from round_changes
    inner join pairs
        on round_changes.round_before = pairs.round_before
        and round_changes.round_after = pairs.round_after
    where round_changes.position <= 10
)

select
    -- keys
    round_before,
    round_after,
    subject,
    unit,
    position,
    -- what changed
    organisation_code,
    line,
    basis,
    measure,
    financial_year,
    change,
    -- measures
    if(is_few, null, before_value) as before_value,
    if(is_few, null, after_value) as after_value,
    if(is_few, null, difference) as difference,
    if(is_few, not_shown(), coalesce(before_words, in_words[1], 'not there')) as before_in_words,
    if(is_few, not_shown(), coalesce(after_words, in_words[2], 'not there')) as after_in_words,
    if(is_few, 'not shown', coalesce(in_words[3], change)) as difference_in_words,
    -- where each figure came from
    before_cell,
    after_cell,
from words
order by round_after, subject, unit, position
