"""Findings that no workbook shows alone: values out of step with their own line, the earlier return or the peers.

SQL, written once a sheet from its contract, picks out the few lines whose values are far apart; what is out of step in
them is judged by pure functions. What one workbook shows alone is found by `lines.py`; what two subjects say about each
other belongs to the tables built from them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from math import copysign, exp, log
from statistics import fmean, linear_regression, median
from typing import Any

import duckdb

from llr_pipeline.cells import shown
from llr_pipeline.codes import Reference, normalise, read_reference
from llr_pipeline.contracts import Comparison, Sheet, Template, templates
from llr_pipeline.findings import Findings
from llr_pipeline.periods import period_label
from llr_pipeline.warehouse import quoted

# Unit of the column (a pattern), factor, what was likely done where a value is so many times too large, and too small.
CAUSES: Sequence[tuple[str, int, str, str]] = (
    (r"(.+) 000", 1_000, "{0} entered where {0} 000 is asked", "millions of {0} entered where {0} 000 is asked"),
    (r"share\b.*", 100, "per cent entered where a share is asked", "a share divided by 100 again"),
    (r"per ?cent", 100, "the decimal point out of place", "a share entered where per cent is asked"),
    (".*", 10, "a digit too many or a decimal point missing", "a digit missing or a decimal point too many"),
    (".*", 100, "per cent entered where a share is asked", "a share entered where per cent is asked"),
    (".*", 365, "days entered where a day's average is asked", "a day's average entered where days are asked"),
    (".*", 1_000, "single units entered where thousands are asked", "thousands entered where single units are asked"),
    (".*", 1_000_000, "single units entered where millions are asked", "millions entered where single units are asked"),
)
FACTORS = (10, 100, 365, 1_000, 1_000_000)
OPPOSITE = -1  # the factor of a value whose sign alone is wrong
# Chosen on the sample and on random lines: see tests/benchmarks/slips.py.
ABOUT = 1.5  # a ratio is about a factor when it is within this many times of it, either way; so is a sign's magnitude
BAND = 3.0  # a value is out of step only with others that agree with one another within this many times, either way
NEARBY, NEAREST = 5, 3  # how many neighbouring periods must agree, and of how many the median is what is expected
LEAST_OTHERS = LEAST_VALUES = 3  # the periods, and the values of a sheet or section, that a comparison needs
FLOORS = {10: 50.0}  # the larger of the two values must reach this, else FLOOR: ten times a few is no slip
FLOOR = 1.0
UNEVEN = 6.0  # times between a line's largest and smallest value, below which there is nothing to judge
PEERS_APART, PEER_FACTOR, ABOUT_PEERS = 100, 1_000, 3.0  # organisations differ in size: only a thousand times counts,
LEAST_PEERS = 2  # or not much less, and a hundred times from every peer
MANY = 5  # lines with the same slip: beyond, one finding for all
Rows = Callable[..., list[tuple]]


@dataclass(frozen=True)
class Return:
    """An accepted return to compare with."""

    submission_id: str
    file_name: str
    organisation_code: str
    period: str

    def __str__(self) -> str:
        return f"the return for {period_label(self.period)} ({self.file_name})"


@dataclass(frozen=True)
class Value:
    """A value of an uneven line: this return's, or the earlier one's."""

    line_key: int
    is_this: bool
    sheet: str
    row_number: int
    period: str
    value: float
    cell: str
    unit: str | None


@dataclass(frozen=True)
class Slip:
    """A value out of step: with the other periods of its line, or with what the earlier return has."""

    at: Value
    factor: float
    expected: float
    earlier: Return | None = None


def find_slips(
    connection: duckdb.DuckDBPyConnection,
    submission_id: str,
    *,
    reference: Reference | None = None,
) -> Findings:
    """What is wrong with a loaded return beside its own lines, its sender's earlier return and its peers.

    Only accepted returns are compared with: load a batch first, then call this for each, oldest period first, and store
    its findings before the next. Empty for what is no return of a template.
    """
    reference = reference or read_reference()
    findings = Findings(reference)

    def rows(query: str, **parameters: object) -> list[tuple]:
        return connection.execute(query, {"this": submission_id, **parameters}).fetchall()

    query = """
        select submission_id, file_name, organisation_code, period, template from raw.submissions
        where template = (select template from raw.submissions where submission_id = $this)
            and (status = 'accepted' or submission_id = $this)
        order by period desc, arrival_number
        """
    known = {submission_id: (Return(submission_id, *row), name) for submission_id, *row, name in rows(query)}
    this, name = known.pop(submission_id, (None, None))
    if not (template := templates().get(name)):
        return findings
    same = [other for other, _ in known.values() if other.organisation_code == this.organisation_code]
    earlier = [other for other in same if other.period < this.period]
    peers = [other for other, _ in known.values() if other not in same and other.period == this.period]
    slipped = _slipped_sheets(connection, template) if earlier else {}
    for sheet in [sheet for sheet in template.sheets if sheet.period]:
        unit = _unit_sql(sheet, reference)
        before = next((other for other in earlier if sheet not in slipped.get(other.submission_id, ())), None)
        _add_slips(_slips(rows, before, sheet, unit), findings)
        if not before and sheet.totals and len(peers) >= LEAST_PEERS:  # only where lines are added up is the unit one
            _compare_with_peers(rows, [submission_id, *(peer.submission_id for peer in peers)], sheet, unit, findings)
        if earlier:
            _find_copy(rows, earlier[0], sheet, findings)
        for comparison in sheet.comparisons:
            _compare_lines(rows, sheet, comparison, findings)
    return findings


def _slipped_sheets(connection: duckdb.DuckDBPyConnection, template: Template) -> dict[str, set[Sheet]]:
    """The sheets of earlier returns that are not compared with, as slips were found on them.

    So a mistake made twice is found twice, and its correction is not. A sheet with another name counts as every sheet.
    """
    slipped: dict[str, set[Sheet]] = defaultdict(set)
    titles = {normalise(sheet.title): {sheet} for sheet in template.sheets}
    query = "select distinct submission_id, sheet from raw.findings where rule in ('unit_slip', 'sign_flip')"
    for submission_id, title in connection.execute(query).fetchall():
        slipped[submission_id] |= titles.get(normalise(title), set(template.sheets))
    return slipped


def _slips(rows: Rows, earlier: Return | None, sheet: Sheet, unit: str) -> list[Slip]:
    """The slips in the lines of a sheet, by row and period."""
    found = rows(_uneven_sql(sheet, unit, bool(earlier)), earlier=earlier and earlier.submission_id)
    values = sorted((Value(*row) for row in found), key=lambda value: (value.line_key, value.period))
    lines = groupby(values, key=lambda value: value.line_key)
    slips = [slip for _, line in lines for slip in _slips_of_line(list(line), earlier)]
    return sorted(slips, key=lambda slip: (slip.at.row_number, slip.at.period))


def _slips_of_line(line: Sequence[Value], earlier: Return | None) -> list[Slip]:
    """What is out of step with the line's other periods, the earlier return's included; else with that return."""
    received = {value.period: value for value in line if value.is_this}
    known = {value.period: value for value in line if not value.is_this}
    series = [value for _, value in sorted((known | received).items())]
    found = out_of_step([value.value for value in series])
    if slips := [Slip(series[place], *how) for place, *how in found if series[place].is_this]:
        return slips
    both = [(received[period], known[period].value) for period in received if period in known]
    wrong = shift([(value.value, before) for value, before in both])
    return [Slip(value, wrong, b, earlier) for value, b in both if wrong and factor_of(value.value, b) == wrong]


def factor_of(value: float, expected: float) -> float | None:
    """The factor that value / expected is about, OPPOSITE for the sign alone; None where it is none, or both small."""
    ratio, larger = value / expected, max(abs(value), abs(expected))
    if 1 / UNEVEN < abs(ratio) < UNEVEN:
        return OPPOSITE if -ABOUT <= ratio <= -1 / ABOUT and larger >= FLOOR else None
    for factor in FACTORS:
        for times in (factor, 1 / factor):
            if times / ABOUT <= ratio <= times * ABOUT and larger >= FLOORS.get(factor, FLOOR):
                return times
    return None


def out_of_step(values: Sequence[float]) -> Iterator[tuple[int, float, float]]:
    """Of one line's values in the order of their periods, none of them 0: place, factor and what was expected.

    A value is out of step when it is about a factor away from the median of the nearest other periods while the nearby
    ones agree with that median, and in sign. From 100 times on, others may have slipped by the same factor if they are
    outnumbered. Ten times may be growth: there the nearby periods' trend must have expected something else, too.
    """
    for place, value in enumerate(values if len(values) > LEAST_OTHERS else ()):
        nearby = sorted(set(range(len(values))) - {place}, key=lambda other: (abs(other - place), other))[:NEARBY]
        others = [values[other] for other in nearby]
        expected = copysign(exp(median(log(abs(other)) for other in others[:NEAREST])), others[0])
        factor = factor_of(value, expected)
        if factor is None or len({other > 0 for other in others}) > 1:
            continue
        agreeing = sum(1 / BAND <= abs(other / expected) <= BAND for other in others)
        is_ten = 1 / 99 < abs(factor) < 99
        slipped = 0 if is_ten else sum(factor_of(other, expected) == factor for other in others)
        if agreeing + slipped < len(others) or (slipped and slipped + 1 >= agreeing):
            continue
        if is_ten and factor != OPPOSITE:
            slope, start = linear_regression(nearby, [log(abs(other)) for other in others])
            if factor_of(abs(value), exp(start + slope * place)) != factor:
                continue
        yield place, factor, _rounded(expected)


def shift(pairs: Sequence[tuple[float, float]]) -> float | None:
    """The factor that half of a line's values are away from the earlier return's: fewer, and that one may be wrong."""
    factors = Counter(factor_of(value, before) for value, before in pairs)
    factor, count = next((some for some in factors.most_common(2) if some[0]), (None, 0))
    return factor if 2 * count >= len(pairs) else None


@cache
def _uneven_sql(sheet: Sheet, unit: str, has_earlier: bool) -> str:
    """The values, this return's and the earlier one's, of every line with a slip's worth of difference in it."""
    value, key = _value(sheet), f"hash({_readings(sheet.key)})" if has_earlier else "row_number"
    return f"""
        with received as (
            select {key} as line_key, submission_id = $this as is_this, sheet, row_number, "{sheet.period}" as period,
                {value} as value, cell."{sheet.value.name}" as cell, {unit} as unit,
            from raw.{sheet.table}
            where submission_id in ($this, $earlier) and not is_quarantined and {value} != 0
        ),
        uneven as (
            select line_key from received group by line_key
            having bool_or(is_this)
                and (max(abs(value)) > {UNEVEN} * min(abs(value)) or (min(value) < 0 and max(value) > 0))
        )
        select * from received where line_key in (select line_key from uneven)
        """


def _value(sheet: Sheet) -> str:
    return f'reading."{sheet.value.name}"'


def _readings(names: Iterable[str]) -> str:
    return ", ".join(f'reading."{name}"::varchar' for name in names) or "''"


def _unit_sql(sheet: Sheet, reference: Reference) -> str:
    """SQL for a value's unit: the column's, that of the line's `unit`, or what a code's label has in brackets."""
    if sheet.value.unit:
        return quoted(sheet.value.unit)
    columns = {column.name: column for column in sheet.attributes}
    if "unit" in columns:
        return "reading.unit"
    whens = [
        f'when reading."{column.name}" = {quoted(code)} then {quoted(found[1])}'
        for column in (columns[name] for name in sheet.key if columns[name].list)
        for code, label in reference.labels(column.list).items()
        if (found := re.search(r"\(([^()]+)\)$", label))
    ]
    return f"case {' '.join(whens)} end" if whens else "null::varchar"


def _add_slips(slips: Iterable[Slip], findings: Findings) -> None:
    """One finding a value; one for a line, or for many lines, that slipped by the same factor.

    Ten times is a digit's slip: where many lines do it in one period, they mean it.
    """
    lines = _grouped(slips, lambda slip: (slip.at.row_number, slip.earlier, slip.factor))
    for some in _grouped(lines, lambda s: (s[0].earlier, s[0].factor, s[0].at.unit, len(s) == 1 and s[0].at.period)):
        if len(some) <= MANY:
            for line in some:
                _add_slip(line[0], f"{len(line)} periods of the line" if len(line) > 1 else "", findings)
        elif some[0][0].earlier or some[0][0].factor not in (10, 1 / 10):
            _add_slip(some[0][0], f"{len(some)} lines", findings)


def _grouped(some: Iterable[Any], key: Callable[[Any], Hashable]) -> list[list[Any]]:
    groups: dict[Hashable, list[Any]] = defaultdict(list)
    for one in some:
        groups[key(one)].append(one)
    return list(groups.values())


def _add_slip(slip: Slip, others: str, findings: Findings) -> None:
    at, is_flip = slip.at, slip.factor == OPPOSITE
    source = f"{slip.earlier} has" if slip.earlier else "the other periods of its line suggest"
    times = "has the opposite sign to" if is_flip else f"is about {_times(slip.factor)}"
    message = f"{period_label(at.period)}: {shown(at.value)} {times} the {shown(slip.expected)} that {source}"
    message += f", and so it is in {others}" if others else ""
    message += "" if is_flip else f": it looks like {cause(at.unit, slip.factor)}"
    where = {"sheet": at.sheet, "cell": at.cell, "line": at.row_number, "period": at.period, "value": shown(at.value)}
    findings.add("sign_flip" if is_flip else "unit_slip", message, **where)


def cause(unit: str | None, factor: float) -> str:
    """What was likely done where a value in this unit is this many times too large (below 1: too small)."""
    for pattern, times, large, small in CAUSES:
        if factor in (times, 1 / times) and (fits := re.fullmatch(pattern, unit or "")):
            return (large if factor > 1 else small).format(*fits.groups())
    raise LookupError(f"CAUSES has no line for {factor:g} times")


def _times(factor: float) -> str:
    return f"{factor:,.0f} times" if factor > 1 else f"1/{1 / factor:,.0f} of"


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")  # a mean of logarithms is no figure that anybody entered


def _compare_with_peers(rows: Rows, these: Sequence[str], sheet: Sheet, unit: str, findings: Findings) -> None:
    """A finding for each section whose usual value, a geometric mean, is a thousand times away from other returns'."""
    codes, usable = _readings(sheet.sections), f"not is_quarantined and {_value(sheet)} != 0"
    query = f"""
        select submission_id = $this, exp(avg(ln(abs({_value(sheet)})))), min(row_number), {codes}
        from raw.{sheet.table} where submission_id in (select unnest($these::varchar[])) and {usable}
        group by submission_id, {codes} having count(*) >= {LEAST_VALUES}
        order by min(row_number), submission_id
        """
    means, slips = rows(query, these=these), []
    for _, ours, line, *section in [row for row in means if row[0]]:
        theirs = sorted(mean for is_this, mean, _, *other in means if not is_this and other == section)
        if len(theirs) < LEAST_PEERS or max(ours, *theirs) < FLOOR:
            continue
        usual = exp(fmean(map(log, theirs)))
        times, nearest = max(ours / usual, usual / ours), max(ours / theirs[-1], theirs[0] / ours)
        if times < PEER_FACTOR / ABOUT_PEERS or nearest < PEERS_APART:
            continue
        about = ["sheet", f'cell."{sheet.value.name}"', unit, *(sheet.sections or ["sheet"])]
        first = f'submission_id = $this and row_number = $line and {usable} order by "{sheet.period}" limit 1'
        query = f"select {', '.join(about)} from raw.{sheet.table} where {first}"
        name, cell, asked, *labels = rows(query, line=line)[0]
        is_more, factor = ours > usual, PEER_FACTOR if times < PEER_FACTOR**1.5 else PEER_FACTOR**2
        rough = _times(float(f"{times:.1g}") ** (1 if is_more else -1))
        message = f"{' - '.join(labels)}: the usual value, {shown(_rounded(ours))}, is about {rough} the "
        message += f"{shown(_rounded(usual))} of {len(theirs)} other organisations: it looks like "
        message += cause(asked, factor if is_more else 1 / factor)
        slips.append((message, {"sheet": name, "cell": cell, "line": line}))
    more = f", and so it is in {len(slips)} sections" if len(slips) > MANY else ""
    for message, where in slips[:1] if more else slips:
        findings.add("unit_slip", message + more, **where)


def _find_copy(rows: Rows, earlier: Return, sheet: Sheet, findings: Findings) -> None:
    """The last period holds what the earlier return has for an earlier one: a slip. All is as it was there: a note."""
    query = f"""
        select submission_id = $this as is_this, "{sheet.period}", min(sheet),
            count(*) filter (where {_value(sheet)} != 0), sum(hash(reading)),
        from raw.{sheet.table} where submission_id in ($this, $earlier) group by is_this, "{sheet.period}"
        """
    found = rows(query, earlier=earlier.submission_id)
    ours, theirs = ({row[1]: row[3:] for row in found if row[0] is is_this} for is_this in (True, False))
    last, earlier_last = (max((period for period in held if held[period][0]), default="") for held in (ours, theirs))
    if last != earlier_last:
        ours, theirs = {last: ours.get(last)}, {last: theirs.get(earlier_last)}
    if not last or ours != theirs or (count := sum(held[0] for held in ours.values())) < LEAST_VALUES:
        return
    name = next(row[2] for row in found if row[0])
    if last == earlier_last:
        findings.add("unchanged", f"The sheet's {count:,} values are those of {earlier}", sheet=name)
    else:
        message = f"The {count:,} values of {period_label(last)} are those of {period_label(earlier_last)} in {earlier}"
        findings.add("stale_copy", message, sheet=name, period=last)


def _compare_lines(rows: Rows, sheet: Sheet, comparison: Comparison, findings: Findings) -> None:
    """A finding for each line above the one that bounds it, at the period in which it is furthest above."""
    rest = _readings(name for name in sheet.key if name != comparison.column)
    some = f"""
        select sheet, row_number, hash({rest}) as line_key, "{sheet.period}" as period, {_value(sheet)} as value,
            cell."{sheet.value.name}" as cell,
        from raw.{sheet.table}
        where submission_id = $this and not is_quarantined and reading."{comparison.column}" = """
    query = f"""
        with a as ({some}{quoted(comparison.left)}), b as ({some}{quoted(comparison.right)})
        select a.sheet, a.row_number, a.period, a.cell, a.value, b.value, b.cell, count(*) over line
        from a join b using (line_key, period) where a.value > b.value + {comparison.slack}
        window line as (partition by a.row_number)
        qualify row_number() over (line order by a.value - b.value desc, a.period) = 1
        order by a.row_number
        """
    for name, line, period, cell, left, right, right_cell, count in rows(query):
        message = f"{period_label(period)}: {comparison.message}: {shown(left)} against {shown(right)}, {right_cell}"
        message += f"; the furthest of {count} periods of the line" if count > 1 else ""
        where = {"sheet": name, "cell": cell, "line": line, "period": period, "value": shown(left)}
        findings.add("above_its_bound", message, **where)
