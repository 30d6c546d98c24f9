"""The tables of the report on what happened: comparisons, what is compared with what, peers, changes of layout."""

from __future__ import annotations

BESIDE = """
    with

    -- a group of 1 to 4 people is not told, nor the total that would give it away
    planned as (
        select
            *,
            measure = 'staff_wte' and (
                is_small_number(planned_value)
                or (
                    planned_definition = 'substantive'
                    and bool_or(measure = 'staff_wte' and is_small_number(planned_value))
                        over (partition by round, organisation_code, financial_year)
                )
            ) as is_kept_back,
        from mart.plan_against_actuals
    ),

    comparisons as (
        select
            *,
            case measure
                when 'available_beds' then ': available'
                when 'occupied_beds' then ': occupied'
                when 'occupancy_share' then ': occupancy, %'
                else ''
            end as of_it,
            if(measure = 'occupancy_share', 100, 1) as shown_as,
        from planned
        where actual_value is not null and round = (select max(round) from mart.plan_against_actuals)
    )

    select
        organisation_code as "Organisation",
        financial_year as "Year",
        planned_name || of_it as "Planned",
        if(is_kept_back, null, round(shown_as * planned_value, 1)) as "Plan",
        actual_name as "Published as",
        round(shown_as * actual_value, 1) as "Published",
        if(is_kept_back, null, round(shown_as * difference, 1) + 0) as "Difference",
        case
            when is_kept_back then not_shown()
            when verdict = 'year incomplete' and periods_needed = 1 then 'not of 31 March'
            when verdict = 'year incomplete' then concat(periods_found, ' of ', periods_needed, ' periods are in')
            else verdict
        end as "Verdict",
    from comparisons
    order by verdict, organisation_code, subject, "Planned", "Published as", financial_year
"""
ACTUALS = (
    (
        "The plan beside what was published",
        BESIDE,
        "Difference = published - planned, only where both count the same thing and the whole year is in. Beds are the "
        "year's mean, staff whole-time equivalents at 31 March. A plan of 1 to 4 staff is not shown.",
    ),
    (
        "What is compared with what",
        """
        select
            planned_name as "Planned",
            actual_name as "Published",
            if(bool_and(is_same), 'yes', 'no') as "Subtracted",
            coalesce(any_value(reason), 'Both count the same') as "Why",
        from reference.definition_pairs
        group by all
        order by min(position)
        """,
        "reference.definition_pairs has them; a pair that is not there is not compared.",
    ),
    (
        "Among peers, latest period of each",
        """
        select
            replace(measure, '_', ' ') as "Measure",
            organisation_code as "Organisation",
            peer_group as "Among",
            period as "Period",
            round(100 * value_share, 1) as "Value, %",
            round(100 * median_share, 1) as "Median, %",
            rank as "Rank",
            peers as "Of",
            quartile as "Quartile",
        from mart.peer_comparison
        qualify row_number() over (partition by measure, peer_group, organisation_code order by period desc) = 1
        order by all
        """,
        "Rank 1 is the lowest value; higher is worse in every measure. Fewer than four have no quartile.",
    ),
    (
        "What was new in the layout of published files",
        """
        with

        worded as (
            select
                changes.file_name, changes.publication, changes.period, changes.subject, changes.cell,
                kinds.name, kinds.position,
                trim(changes.sheet) as sheet,
                case
                    when changes.after is null then coalesce(changes.before, changes.subject)
                    when changes.before is null then changes.after
                    else concat(changes.before, ' is now ', changes.after)
                end as words,
                concat(kinds.done, '. ', replace(kinds.remedy, 'the contract', changes.contract)) as to_do,
            from mart.layout_changes as changes
            inner join reference.layout_changes as kinds using (change)
            where changes.previous_file is not null or changes.change <> 'sheet_not_read'
        )

        select
            file_name as "File",
            name as "What changed",
            concat(sheet, ' ' || min(cell), ': ', string_agg(words, '; ' order by subject)) as "Where, and how",
            to_do as "Done, and to do",
        from worded
        group by file_name, publication, period, sheet, name, position, to_do
        order by publication desc, period desc, file_name, position, sheet
        limit 60
        """,
        "Each file beside that of its publication's period before. At most 60 lines; mart.layout_changes has all.",
    ),
)
