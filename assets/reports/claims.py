"""The report of claims: every published figure, its own arithmetic, and the figure of the returns beside it."""

from __future__ import annotations

import duckdb

from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Document, Table, number

CREDITS = (f"Published figures: {contracts()['reference.published_figures'].source['title']}.",)
SCOPES = (
    "Three gaps were published: £399 million (NHS, November 2016), £450 million (NHS, autumn 2016) and £450 million "
    "with £70 million of councils. They differ in scope and day: none is subtracted from another."
)
LEDGER = """
select
    printed as "Printed",
    measure as "What",
    replace(scope, '_', ' ') as "Scope",
    coalesce(as_at, '') as "Year",
    replace(document, '_', ' ') as "Document",
    coalesce(arithmetic, '') as "Worked out again",
    if(arithmetic_verdict = 'nothing_to_compare_with', '', replace(arithmetic_verdict, '_', ' ')) as "Arithmetic",
    case
        when warehouse_value is null then ''
        when unit = 'gbp' then in_words(warehouse_value, 'GBP')
        when unit = 'percent' then format('{:,.3f}%', warehouse_value)
        else format('{:,.0f}', warehouse_value)
    end as "Returns",
    replace(verdict, '_', ' ') as "Verdict",
    why as "Why",
from report.claims
where is_to_question = ?
order by position
"""
COUNTS = """
select replace(verdict, '_', ' ') as "Verdict", count(*) as "Figures and documents"
from report.claims
group by verdict
order by count(*) desc, verdict
"""


def claims(connection: duckdb.DuckDBPyConnection) -> Document:
    """Those that do not add up, then all others."""
    every, agreeing, open_, disputed, worked, whole = connection.execute(
        """
        select
            count(*),
            count(*) filter (verdict = 'agrees'),
            count(distinct (measure, scope, as_at)) filter (is_to_question),
            count(distinct (measure, scope, as_at)) filter (verdict = 'documents_differ'),
            count(*) filter (arithmetic_verdict <> 'nothing_to_compare_with'),
            count(*) filter (arithmetic_verdict = 'agrees'),
        from report.claims
        """
    ).fetchone()
    asked, rest = (connection.execute(LEDGER, [is_asked]).df() for is_asked in (True, False))
    summary = (
        f"**Of {number(every)} published figures, counted by document, {agreeing} agree with the returns. To be "
        f"questioned, each counted once: {open_}, of which {disputed} printed differently from document to document.** "
        f"{worked} follow from other published figures, {whole} of them as printed.\n\n{SCOPES}"
    )
    tables = [
        Table("Claims that do not add up", asked, ["Cut off, not rounded; or different from document to document."]),
        Table("Verdicts", connection.execute(COUNTS).df(), [
            "Against the returns; documents differ: no return holds the figure, and one cost in three documents counts "
            "three times here."
        ]),
        Table("All other claims", rest, [
            "Returns: the figure as submitted, of the round that the document speaks of. Where the scope is another "
            "the two stand side by side and are not subtracted."
        ]),
    ]  # fmt: skip
    return Document(
        title="Published figures, and what they come to",
        summary=summary,
        headlines={"claims": every, "claims_agreeing": agreeing, "claims_to_question": open_},
        tables=[table for table in tables if len(table.frame)],
        credits=CREDITS,
    )
