-- One row per organisation, template and period: a return that was asked for, or came unasked, and what became of it.
with

submissions as (select * from raw.submissions),
findings as (select * from raw.findings),
finding_rules as (select * from reference.finding_rules),
expected_returns as (select * from reference.expected_returns),
organisation_roles as (select * from reference.organisation_roles),
organisations as (select * from reference.organisations),
rounds as (select * from reference.rounds),

-- no clock, so that a second run gives the same table: a due day has passed if a file of any kind arrived after it
newest as (select max(received_at)::date as arrived_on from submissions),

-- a refused file counts where its cover says whose it is, of what and for when; a date after the file came is a slip of
-- the pen and says nothing of when it was written
returns as (
    select
        submissions.*,
        if(prepared_on <= received_at::date, prepared_on, null) as written_on,
    from submissions
    where status in ('accepted', 'superseded', 'refused', 'withdrawn')
        and organisation_code is not null
        and template is not null
        and period is not null
),

frequencies as (
    select template, any_value(frequency) as frequency
    from expected_returns
    group by all
),

-- months run from the first accepted to the last accepted, and on while they fall due before the newest return was
-- written; not to the day of arrival, so that history loaded years later has no missing years behind it
month_range as (
    select
        min((returns.period || '-01')::date) filter (where frequencies.frequency = 'month') as first_day,
        max((returns.period || '-01')::date) filter (
            where frequencies.frequency = 'month'
                and (returns.period || '-01')::date <= coalesce(returns.written_on, returns.received_at::date)
        ) as last_accepted_day,
        max(returns.written_on) as written_until,
    from returns
    left join frequencies on returns.template = frequencies.template
    where returns.status = 'accepted'
),

months as (
    select
        unnest(generate_series(first_day, greatest(last_accepted_day, written_until), interval 1 month))::date as day,
        last_accepted_day,
        written_until,
    from month_range
),

-- a round's due day is in reference.rounds; for months none was published, and the 12th of the next stands for it
periods as (
    select 'round' as frequency, round as period
    from rounds
    union all
    select 'month' as frequency, strftime(day, '%Y-%m') as period
    from months
    where day <= last_accepted_day or (day + interval 1 month)::date + 11 < written_until
),

-- what is asked for, and what came whether or not it was asked for
keys as (
    select expected_returns.organisation_code, expected_returns.template, periods.frequency, periods.period
    from expected_returns
    inner join periods on expected_returns.frequency = periods.frequency
    union
    select
        returns.organisation_code,
        returns.template,
        coalesce(frequencies.frequency, if(returns.period in (select round from rounds), 'round', 'month'))
            as frequency,
        returns.period,
    from returns
    left join frequencies on returns.template = frequencies.template
    where returns.status <> 'withdrawn'
),

-- nothing is owed outside the role's dates; the period's first day decides, as it does when a return is read
owed as (
    select
        keys.*,
        coalesce(rounds.due_on, ((keys.period || '-01')::date + interval 1 month)::date + 11) as due_on,
        organisation_roles.role is not null as is_expected,
    from keys
    left join rounds on keys.frequency = 'round' and keys.period = rounds.round
    left join expected_returns
        on keys.organisation_code = expected_returns.organisation_code
        and keys.template = expected_returns.template
        and keys.frequency = expected_returns.frequency
    left join organisation_roles
        on keys.organisation_code = organisation_roles.organisation_code
        and expected_returns.role = organisation_roles.role
        and (keys.period || '-01')::date between organisation_roles.starts_on
            and coalesce(organisation_roles.ends_on, '9999-12-31'::date)
),

refusals as (
    select findings.submission_id, count(*) as reason_count
    from findings
    inner join finding_rules on findings.rule = finding_rules.rule
    where finding_rules.is_refusal
    group by all
),

-- one return of a key is accepted; the older ones are superseded; one taken back is neither
arrived as (
    select
        returns.organisation_code,
        returns.template,
        returns.period,
        min(returns.prepared_on) filter (where returns.status in ('accepted', 'superseded')) as first_prepared_on,
        count(*) filter (where returns.status in ('accepted', 'superseded'))::integer as versions_received,
        count(*) filter (where returns.status = 'superseded')::integer as superseded_count,
        count(*) filter (where returns.status = 'withdrawn')::integer as withdrawn_count,
        count(*) filter (where returns.status = 'refused')::integer as refused_count,
        (coalesce(sum(refusals.reason_count) filter (where returns.status = 'refused'), 0))::integer
            as refusal_reason_count,
    from returns
    left join refusals on returns.submission_id = refusals.submission_id
    group by all
),

accepted as (select * from returns where status = 'accepted')

select
    -- keys
    owed.organisation_code,
    organisations.organisation_name,
    owed.template,
    owed.frequency,
    owed.period,
    -- what became of it
    owed.due_on,
    owed.is_expected,
    case
        when accepted.submission_id is not null and not owed.is_expected then 'not expected'
        when accepted.prepared_on > owed.due_on then 'returned late'
        when accepted.submission_id is not null then 'returned'
        when arrived.refused_count > 0 then 'refused only'
        when owed.due_on < newest.arrived_on then 'missing'
        else 'awaited'
    end as status,
    -- the return in use
    accepted.submission_id,
    accepted.prepared_on,
    arrived.first_prepared_on,
    accepted.data_status = 'illustrative' as is_illustrative,
    accepted.value_count,
    accepted.error_count,
    accepted.warning_count,
    accepted.note_count,
    -- greatest() passes over an empty value
    (case when accepted.prepared_on is not null then greatest(accepted.prepared_on - owed.due_on, 0) end)::integer
        as days_late,
    -- all that came
    coalesce(arrived.versions_received, 0) as versions_received,
    coalesce(arrived.superseded_count, 0) as superseded_count,
    coalesce(arrived.withdrawn_count, 0) as withdrawn_count,
    coalesce(arrived.refused_count, 0) as refused_count,
    coalesce(arrived.refusal_reason_count, 0) as refusal_reason_count,
from owed
cross join newest
left join organisations on owed.organisation_code = organisations.organisation_code
left join arrived
    on owed.organisation_code = arrived.organisation_code
    and owed.template = arrived.template
    and owed.period = arrived.period
left join accepted
    on owed.organisation_code = accepted.organisation_code
    and owed.template = accepted.template
    and owed.period = accepted.period
where owed.is_expected or accepted.submission_id is not null or arrived.refused_count > 0
order by owed.frequency desc, owed.period, owed.organisation_code, owed.template
