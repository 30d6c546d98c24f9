-- One row per period and organisation: how many returns were expected and what became of them, and how many files were
-- refused; one row more, without period and organisation, counts refused files that cannot be placed.
with

return_completeness as (select * from mart.return_completeness),
submissions as (select * from raw.submissions),
findings as (select * from raw.findings),
finding_rules as (select * from reference.finding_rules),
organisations as (select * from reference.organisations),

by_organisation as (
    select
        frequency,
        period,
        organisation_code,
        count(*) filter (where is_expected) as expected_count,
        count(*) filter (where is_expected and status in ('returned', 'returned late')) as returned_count,
        count(*) filter (where is_expected and status = 'returned late') as late_count,
        count(*) filter (where is_expected and status = 'refused only') as refused_only_count,
        count(*) filter (where is_expected and status = 'missing') as missing_count,
        count(*) filter (where is_expected and status = 'awaited') as awaited_count,
        count(*) filter (where not is_expected) as not_expected_count,
        sum(superseded_count) as superseded_file_count,
        sum(refused_count) as refused_file_count,
        sum(refusal_reason_count) as refusal_reason_count,
        coalesce(bool_or(is_illustrative), false) as is_illustrative,
    from return_completeness
    group by all
),

reasons as (
    select findings.submission_id, count(*) as reason_count
    from findings
    inner join finding_rules on findings.rule = finding_rules.rule
    where finding_rules.is_refusal
    group by all
),

-- every refused file of the register counts once, here or above
unplaced as (
    select
        count(*) as refused_file_count,
        coalesce(sum(reasons.reason_count), 0) as refusal_reason_count,
    from submissions
    left join reasons on submissions.submission_id = reasons.submission_id
    where submissions.status = 'refused'
        and (
            submissions.organisation_code is null
            or submissions.template is null
            or submissions.period is null
        )
    having count(*) > 0
),

together as (
    select * from by_organisation
    union all by name
    select
        refused_file_count,
        refusal_reason_count,
        0 as expected_count,
        0 as returned_count,
        0 as late_count,
        0 as refused_only_count,
        0 as missing_count,
        0 as awaited_count,
        0 as not_expected_count,
        0 as superseded_file_count,
        false as is_illustrative,
    from unplaced
)

select
    -- keys
    together.frequency,
    together.period,
    together.organisation_code,
    organisations.organisation_name,
    together.is_illustrative,
    -- returns
    together.expected_count::integer as expected_count,
    together.returned_count::integer as returned_count,
    together.late_count::integer as late_count,
    together.refused_only_count::integer as refused_only_count,
    together.missing_count::integer as missing_count,
    together.awaited_count::integer as awaited_count,
    together.not_expected_count::integer as not_expected_count,
    -- files
    together.superseded_file_count::integer as superseded_file_count,
    together.refused_file_count::integer as refused_file_count,
    together.refusal_reason_count::integer as refusal_reason_count,
from together
left join organisations on together.organisation_code = organisations.organisation_code
order by together.frequency desc, together.period, together.organisation_code
