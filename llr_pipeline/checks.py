"""Contract -> asset check results, each from one SQL round: what the columns promise, what the workbooks add up to.

These block what stands on the table. A `Warn` is a function of the subject that looks at what the rows say: it is
told to whoever runs the pipeline, and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import duckdb

from llr_pipeline.contracts import Column, Contract
from llr_pipeline.warehouse import identifier, quoted

CONTRACT_CHECK = "keeps_its_contract"
TOTAL_CHECK = "equals_the_totals_in_the_workbooks"


@dataclass(frozen=True)
class Seen:
    """What a warning check saw: sentences for whoever runs the pipeline, and counts, plotted over the runs."""

    passed: bool
    sentences: Sequence[str]
    counts: Mapping[str, int]


Warn = Callable[[duckdb.DuckDBPyConnection], Seen]
"""A check that warns: its name, a sentence that is true when it passes, is the check's, and so is its docstring."""


def check_specs(contract: Contract) -> list[dg.AssetCheckSpec]:
    """The checks that a contract asks for. Both block what stands on the table."""
    key = dg.AssetKey([contract.layer, contract.table])
    specs = [
        dg.AssetCheckSpec(
            CONTRACT_CHECK,
            asset=key,
            blocking=True,
            description="Columns and types as promised; the key is unique; required values are there; values are in "
            "range and on their lists.",
        )
    ]
    if contract.total:
        specs.append(
            dg.AssetCheckSpec(
                TOTAL_CHECK,
                asset=key,
                blocking=True,
                description="For each return, the table adds up to what the reader summed on the sheet, and to the "
                "totals written there.",
            )
        )
    return specs


def run_checks(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[dg.AssetCheckResult]:
    """Every check of the contract, run now."""
    results = [check_contract(connection, contract)]
    if contract.total:
        results.append(check_total(connection, contract))
    return results


def checks_before(contract: Contract, run_id: str) -> list[dg.AssetCheckResult]:
    """The checks of a table that the run built and that has stayed as it was since, with all that its checks read."""
    return [
        _result(
            spec.name,
            contract,
            {"as_in_run": run_id, "why": "neither the table nor what it stands on has changed"},
            True,
        )
        for spec in check_specs(contract)
    ]


def checks_read(contract: Contract) -> set[str]:
    """The tables beside its own that a contract's checks read."""
    lists = {column.list.table for column in contract.columns if column.list}
    return lists | ({"raw.sheets", "raw.totals"} if contract.total else set())


def warn_spec(contract: Contract, warn: Warn) -> dg.AssetCheckSpec:
    """The check of a function that warns."""
    key = dg.AssetKey([contract.layer, contract.table])
    return dg.AssetCheckSpec(warn.__name__, asset=key, description=warn.__doc__)


def look(connection: duckdb.DuckDBPyConnection, warn: Warn) -> Seen:
    """What the check sees. One that fails is told as a warning too: it must not stop a run."""
    try:
        return warn(connection)
    except Exception as error:
        return Seen(False, [f"{warn.__name__} could not be looked at: {error}"], {})


def warn_result(contract: Contract, warn: Warn, seen: Seen) -> dg.AssetCheckResult:
    """What the check saw, as Dagster shows it."""
    said = {"found": dg.MetadataValue.md("\n\n".join(seen.sentences))} if seen.sentences else {}
    return dg.AssetCheckResult(
        check_name=warn.__name__,
        asset_key=dg.AssetKey([contract.layer, contract.table]),
        passed=seen.passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**seen.counts, **said},
    )


def check_contract(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dg.AssetCheckResult:
    """Whether the table keeps its contract; metadata gives the number of rows that break each promise."""
    found = [(name, kind.lower()) for name, kind, *_ in connection.execute(f"describe {contract.name}").fetchall()]
    promised = [(column.name, column.type) for column in contract.columns]
    if found != promised:
        wrong = [f"{name} {kind}" for name, kind in found if (name, kind) not in promised]
        missing = [f"{name} {kind}" for name, kind in promised if (name, kind) not in found]
        return _result(
            CONTRACT_CHECK,
            contract,
            {"columns_not_promised": ", ".join(wrong) or "-", "columns_missing": ", ".join(missing) or "-"},
            False,
        )
    breaches = (
        {"same_key_twice": f"count(*) - count(distinct row({', '.join(contract.grain)}))"} if contract.grain else {}
    )
    for column in contract.columns:
        breaches |= {f"{column.name} {what}": f"count(*) filter (where {test})" for what, test in _tests(column)}
    measures = ", ".join(f"{expression} as {identifier(name)}" for name, expression in breaches.items())
    counts = connection.execute(f"select {measures} from {contract.name}").fetchone() if breaches else ()
    broken = {name: count for name, count in zip(breaches, counts, strict=True) if count}
    return _result(CONTRACT_CHECK, contract, {"promises": len(breaches), **broken}, not broken)


def _tests(column: Column) -> list[tuple[str, str]]:
    """What breaks a column's promises: name and SQL condition."""
    name, tests = identifier(column.name), []
    if column.required:
        tests.append(("is empty", f"{name} is null"))
    if column.minimum is not None:
        tests.append((f"is below {column.minimum:g}", f"{name} < {column.minimum}"))
    if column.maximum is not None:
        tests.append((f"is above {column.maximum:g}", f"{name} > {column.maximum}"))
    if column.values:
        tests.append(("is not allowed", f"{name} not in ({', '.join(map(quoted, column.values))})"))
    if column.list:
        only = f" where list_name = {quoted(column.list.name)}" if column.list.name else ""
        tests.append(
            ("is not on its list", f"{name} not in (select {column.list.code} from {column.list.table}{only})")
        )
    return tests


def check_total(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dg.AssetCheckResult:
    """Whether each return's rows add up to what its sheet holds, and to the totals written in it.

    Two figures stand against ours: the sum of the values used, which the reader made when it read the sheet; and the
    sum of the stated totals, as the sender's program made them, where they cover every line, none is kept back and
    none is known not to add up (that is a finding).
    """
    total = contract.total
    assert total is not None
    returns, stated, differing, largest = connection.execute(
        f"""
        with

        ours as (
            select submission_id, count(*) as row_count, {total.expression} as total from {contract.name} group by all
        ),

        sheets as (
            select submission_id, quarantined_count, value_sum * {total.scale} as total
            from raw.sheets
            inner join raw.submissions using (submission_id)
            where table_name = {quoted(total.raw)} and status in ('accepted', 'superseded')
        ),

        stated as (
            select
                submission_id, sum(value) * {total.scale} as total, sum(parts_sum) * {total.scale} as parts,
                bool_or(abs(value - parts_sum) > 1e-6 * abs(value) + 0.5) as is_known_to_differ,
            from raw.totals
            where table_name = {quoted(total.raw)}
            group by all
        ),

        compared as (
            select
                coalesce(ours.total, 0)::double as built,
                0.01 * coalesce(row_count, 0) + 1e-9 * abs(sheets.total) as tolerance,
                abs(built - sheets.total) as difference,
                coalesce(
                    quarantined_count = 0 and not is_known_to_differ and abs(parts - sheets.total) <= tolerance, false
                ) as has_totals,
                abs(built - stated.total) as difference_from_stated,
            from sheets
            left join ours using (submission_id)
            left join stated using (submission_id)
        )

        select
            count(*),
            count(*) filter (where has_totals),
            count(*) filter (where difference > tolerance or (has_totals and difference_from_stated > tolerance)),
            max(difference),
        from compared
        """
    ).fetchone()
    counts = {"returns": returns, "returns_with_totals": stated, "returns_differing": differing}
    return _result(TOTAL_CHECK, contract, {**counts, "largest_difference": float(largest or 0)}, differing == 0)


def _result(name: str, contract: Contract, metadata: dict, passed: bool) -> dg.AssetCheckResult:
    key = dg.AssetKey([contract.layer, contract.table])
    return dg.AssetCheckResult(check_name=name, asset_key=key, passed=passed, metadata=metadata)
