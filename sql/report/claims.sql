-- One row per published figure and document, those that do not add up first.
with

claims_ledger as (select * from mart.claims_ledger),

ranked as (
    select
        *,
        list_position(
            ['differs', 'documents_differ', 'agrees_when_truncated', 'different_scope', 'nothing_to_compare_with', 'agrees'],
            case
                when 'differs' in (arithmetic_verdict, verdict) then 'differs'
                when verdict = 'documents_differ' then verdict
                when arithmetic_verdict = 'agrees_when_truncated' then arithmetic_verdict
                else verdict
            end
        ) as place,
    from claims_ledger
)

select
    -- keys
    (row_number() over (order by place, subject, figure_code, published_on, document))::integer as position,
    figure_code,
    document,
    -- what was claimed
    measure,
    scope,
    as_at,
    printed,
    published_on,
    -- what it comes to
    arithmetic,
    arithmetic_verdict,
    round,
    warehouse_value,
    unit,
    verdict,
    place <= 3 as is_to_question,
    why,
from ranked
order by position
