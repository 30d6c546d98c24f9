"""Completeness: who has returned what for each round and month, and the report of it.

Nothing is filled in here, and nobody is chased. Why a file was refused is said by the reader (`raw.findings`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from llr_pipeline.checks import Seen
from llr_pipeline.contracts import templates
from llr_pipeline.documents import Document, Table, number, rows_of
from llr_pipeline.periods import financial_year_of, month_label
from llr_pipeline.reports import report
from llr_pipeline.tables import table

Row = Mapping[str, Any]
COUNTS = ("expected", "returned", "late", "missing", "refused_only", "awaited")
ROUNDS_NAMED, YEARS_NAMED, RETURNS_NAMED = 3, 3, 6
"""How many of each the summary names; the tables have them all."""
PERIODS_TOLD, RETURNS_TOLD = 3, 3
"""How many of each a warning names."""
LIVE_MONTHS = 12
"""For how long after its last month a system is asked where the next ones are; history loaded years later is not."""
NOT_OWED, NO_BREAK = number(None), "\N{NO-BREAK SPACE}"
ILLUSTRATIVE = (
    "returns in use are illustrative. They are the sample's: no organisation prepared or sent them, and the dates on "
    "their covers are made up."
)
KEYS = {
    "returned": "yes: in use, prepared by the due day",
    "returned late": "late 3 d: in use, prepared three days after it",
    "missing": "MISSING: nothing came, and the due day has passed",
    "refused only": "REFUSED: what came was refused, see below",
    "awaited": "awaited: nothing came, and no file has arrived since the due day",
    "not expected": "UNASKED: in use, though not owed",
}


def completeness(connection: duckdb.DuckDBPyConnection) -> Document:
    """Every round and month: what was expected, what is in use, what is late, missing or refused."""
    returns = rows_of(
        connection,
        """
        select returns.*
        from mart.return_completeness as returns
        inner join reference.organisations as organisations
            on returns.organisation_code = organisations.organisation_code
        order by
            list_position(
                ['acute', 'community_and_mental_health', 'ambulance', 'commissioner', 'local_authority', 'system'],
                organisations.organisation_kind
            ),
            organisations.organisation_name, returns.template, returns.period
        """,
    )
    spans = _spans(rows_of(connection, "select * from report.completeness where period is not null"))
    refused = _refused_files(connection)
    figures = {name: sum(counts[name] for counts in spans.values()) for name in COUNTS}
    summary = [_in_a_sentence(figures), _span_by_span(spans)]
    summary += [_named("Missing", "missing", returns), _named("Sent and refused", "refused only", returns)]
    summary += [_named("Late", "returned late", returns)]
    return Document(
        title="Who has returned what",
        summary="\n\n".join(filter(None, summary)),
        headlines={**figures, "refused_files": len(refused)},
        tables=[_in_figures(spans), *_by_round(returns), *_by_month(returns), *_refused(refused)],
        notes=_illustrative(returns),
    )


def _illustrative(returns: Sequence[Row]) -> list[str]:
    in_use = [row["is_illustrative"] for row in returns if row["submission_id"]]
    return [f"{'All' if all(in_use) else 'Some'} {ILLUSTRATIVE}"] if any(in_use) else []


def _spans(lines: Sequence[Row]) -> dict[str, Counter]:
    """The counts of each round and of each financial year's months, by name, the latest first, rounds before months."""
    found: dict[tuple[str, str], Counter] = {}
    for line in lines:
        name = line["period"] if line["frequency"] == "round" else financial_year_of(line["period"])
        counts = found.setdefault((line["frequency"], name), Counter())
        counts.update({count: line[f"{count}_count"] for count in (*COUNTS, "not_expected")})
        counts["refused_files"] += line["refused_file_count"]
    said = {"round": "Round {}", "month": "{} months"}
    return {said[frequency].format(name): found[frequency, name] for frequency, name in sorted(found, reverse=True)}


def _refused_files(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every refused file, the latest first: why, how many findings refused it, and whether the return came since."""
    return rows_of(
        connection,
        """
        with

        reasons as (
            select submission_id, rules.title, count(*) as reason_count
            from raw.findings as findings
            inner join reference.finding_rules as rules on findings.rule = rules.rule
            where rules.is_refusal
            group by all
        ),

        reasons_of_file as (
            select
                submission_id,
                sum(reason_count)::integer as reason_count,
                string_agg(title || if(reason_count > 1, ' (' || reason_count || ')', ''), '; ' order by title) as why,
            from reasons
            group by all
        )

        select
            files.file_name, files.organisation_code, files.template, files.period, files.received_at,
            coalesce(reasons_of_file.reason_count, 0) as reason_count, reasons_of_file.why,
            returns.submission_id is not null as is_returned,
        from raw.submissions as files
        left join reasons_of_file on files.submission_id = reasons_of_file.submission_id
        left join mart.return_completeness as returns
            on files.organisation_code = returns.organisation_code
            and files.template = returns.template
            and files.period = returns.period
        where files.status = 'refused'
        order by files.arrival_number desc
        """,
    )


def _in_a_sentence(figures: Mapping[str, int]) -> str:
    if not figures["returned"]:
        return f"**Nothing has been returned yet: {number(figures['expected'])} returns are expected.**"
    parts = [
        f"{number(figures[name])} {words}"
        for name, words in {
            "late": "late",
            "missing": "missing",
            "refused_only": "sent and refused",
            "awaited": "awaited",
        }.items()
        if figures[name]
    ]
    rest = f": {', '.join(parts)}" if parts else ", all in time"
    return f"**{number(figures['returned'])} of {number(figures['expected'])} expected returns are in use{rest}.**"


def _span_by_span(spans: Mapping[str, Counter]) -> str:
    rounds = [name for name in spans if name.startswith("Round")]
    years = [name for name in spans if name not in rounds]
    return "\n".join(
        f"- {name}: {number(spans[name]['returned'])} of {number(spans[name]['expected'])} returned"
        for name in (*rounds[:ROUNDS_NAMED], *years[:YEARS_NAMED])
    )


def _named(words: str, status: str, returns: Sequence[Row]) -> str:
    """The returns of this status, the latest period first; after a few, how many more."""
    found = sorted((row for row in returns if row["status"] == status), key=lambda row: row["period"], reverse=True)
    return f"{words}: {_some(_names(found), RETURNS_NAMED)}." if found else ""


def _names(returns: Sequence[Row]) -> list[str]:
    return [f"{row['organisation_code']} {row['template']} {row['period']}" for row in returns]


def _some(said: Sequence[str], most: int) -> str:
    """The first of these, and how many more there are."""
    return "; ".join([*said[:most], *([f"and {number(len(said) - most)} more"] if len(said) > most else [])])


def every_return_due_is_in_use(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Each return that is expected, and due before today, is in use. Those that came late are, and are told beside."""
    due = rows_of(
        connection,
        """
        select organisation_code, template, period, status, submission_id
        from mart.return_completeness
        where is_expected and due_on < current_date
        order by period desc, organisation_code, template
        """,
    )
    missing = [row for row in due if row["submission_id"] is None]
    refused = [row for row in missing if row["status"] == "refused only"]
    late = [row for row in due if row["status"] == "returned late"]
    silent = _silent_months(connection)
    are_missing = "are missing" + (f", {number(len(refused))} of them refused" if refused else "")
    told = [f"Nobody has returned anything for {_some(silent, PERIODS_TOLD)}, which fell due"] if silent else []
    told += [
        f"{number(len(found))} of {number(len(due))} returns due {words} ({_by_period(found)}): "
        f"{_some(_names(found), RETURNS_TOLD)}; see report.completeness"
        for words, found in ((are_missing, missing), ("came late", late))
        if found
    ]
    return Seen(
        passed=not missing and not silent,
        sentences=told,
        counts={"due": len(due), "missing": len(missing), "refused_only": len(refused), "late": len(late)},
    )


def _silent_months(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Months that fell due after the last that anybody returned, the latest first: the tables know no clock."""
    rows = connection.execute(
        """
        with

        last as (
            select (max(period) || '-01')::date as day
            from mart.return_completeness
            where frequency = 'month' and is_expected
        ),

        months as (
            select unnest(generate_series(day + interval 1 month, current_date, interval 1 month))::date as day
            from last
            where day > current_date - to_months(?)
        )

        select strftime(day, '%Y-%m')
        from months
        where (day + interval 1 month)::date + 11 < current_date
        order by day desc
        """,
        [LIVE_MONTHS],
    ).fetchall()
    return [month for (month,) in rows]


def _by_period(returns: Sequence[Row]) -> str:
    counts = Counter(row["period"] for row in returns)
    return _some([f"{number(count)} for {period}" for period, count in counts.items()], PERIODS_TOLD)


def _in_figures(spans: Mapping[str, Counter]) -> Table:
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    columns = {
        "Expected": "expected",
        "Returned": "returned",
        "Of these late": "late",
        "Missing": "missing",
        "Refused": "refused_only",
        "Awaited": "awaited",
        "Not owed": "not_expected",
    }
    lines = [
        {"Period": name} | {title: counts[key] for title, key in columns.items()} for name, counts in spans.items()
    ]
    return Table(
        title="In figures",
        frame=pd.DataFrame(lines, columns=["Period", *columns]),
        notes=[
            "Returns, not files. Expected = returned + missing + refused + awaited. Refused: each file was refused. "
            "Late goes by the date on the cover of the return in use, not by the day on which it arrived."
        ],
    )


def _by_round(returns: Sequence[Row]) -> list[Table]:
    """A table for each round, the latest first: organisations down, templates across."""
    tables = []
    for round_ in sorted({row["period"] for row in returns if row["frequency"] == "round"}, reverse=True):
        rows = [row for row in returns if (row["frequency"], row["period"]) == ("round", round_)]
        headings = {name: name.capitalize() for name in sorted({row["template"] for row in rows})}
        due = f"Due on {_day(rows[0]['due_on'])}."
        tables.append(_matrix(f"Round {round_}", rows, across="template", headings=headings, due=due))
    return tables


def _by_month(returns: Sequence[Row]) -> list[Table]:
    """A table for each monthly template and financial year, the latest first: organisations down, months across."""
    monthly = [row for row in returns if row["frequency"] == "month"]
    tables = []
    for year, template in sorted({_year_and_template(row) for row in monthly}, reverse=True):
        rows = [row for row in monthly if _year_and_template(row) == (year, template)]
        headings = {month: month_label(month) for month in sorted({row["period"] for row in rows})}
        title = templates()[template].title if template in templates() else template
        due = "Due on the 12th of the month that follows."
        tables.append(_matrix(f"{title}, {year}", rows, across="period", headings=headings, due=due))
    return tables


def _year_and_template(row: Row) -> tuple[str, str]:
    return financial_year_of(row["period"]), row["template"]


def _matrix(title: str, rows: Sequence[Row], *, across: str, headings: Mapping[str, str], due: str) -> Table:
    """Organisations down: a mark in words for each return, and how many of those owed are in use."""
    import pandas as pd

    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        line = lines.setdefault(row["organisation_name"], dict.fromkeys(headings.values(), NOT_OWED))
        line[headings[row[across]]] = _mark(row)
    for name, line in lines.items():
        owed = [row for row in rows if row["organisation_name"] == name and row["is_expected"]]
        in_use = sum(row["submission_id"] is not None for row in owed)
        line[f"In{NO_BREAK}use"] = f"{in_use} of {len(owed)}".replace(" ", NO_BREAK) if owed else NOT_OWED
    keys = [words for status, words in KEYS.items() if status in {row["status"] for row in rows}]
    if any(row["submission_id"] and row["versions_received"] > 1 for row in rows):
        keys.append("2 versions: the one in use replaced another")
    if any(row["withdrawn_count"] and not row["submission_id"] for row in rows):
        keys.append("withdrawn: it was in use and was taken back")
    if any(NOT_OWED in line.values() for line in lines.values()):
        keys.append(f"{NOT_OWED}: not owed")
    return Table(
        title=title,
        frame=pd.DataFrame([{"Organisation": name} | line for name, line in lines.items()]),
        notes=[f"{due} {'; '.join(keys)}."],
    )


def _mark(row: Row) -> str:
    """What became of a return, in words: colour alone would not reach everyone."""
    mark = {
        "returned": "yes",
        "returned late": f"late{NO_BREAK}{row['days_late']}{NO_BREAK}d",
        "missing": "MISSING",
        "refused only": "REFUSED",
        "awaited": "awaited",
        "not expected": "UNASKED",
    }[row["status"]]
    if row["withdrawn_count"] and not row["submission_id"]:
        mark += ", withdrawn"
    if row["submission_id"] and row["versions_received"] > 1:
        mark += f", {row['versions_received']}{NO_BREAK}versions"
    return mark


def _refused(files: Sequence[Row]) -> list[Table]:
    if not files:
        return []
    import pandas as pd

    lines = [
        {
            "File": row["file_name"],
            "Organisation": row["organisation_code"] or "not known",
            "Template": row["template"] or "not known",
            "Period": row["period"] or "not known",
            "Arrived": _day(row["received_at"].date()),
            "Reasons": row["reason_count"],
            "Why": row["why"] or "not recorded",
            "In use now": "another version" if row["is_returned"] else "no",
        }
        for row in files
    ]
    return [
        Table(
            title="Files that were refused",
            frame=pd.DataFrame(lines),
            notes=[
                "Reasons: findings that refuse a file. raw.findings has each with its sheet, its cell and the remedy."
            ],
        )
    ]


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


TABLES = [
    table("mart.return_completeness", warns=[every_return_due_is_in_use]),
    report("report.completeness", completeness, asks="Who has returned what?"),
]
