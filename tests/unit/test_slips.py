"""Slips: each kind is found at its cell with its likely cause; what merely grows, shrinks or moves is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sample.planted import PLANTS
from assets.sample.rounds import EARLIER
from assets.sample.writer import lines_for, returns
from llr_pipeline.codes import Reference, read_reference
from llr_pipeline.contracts import Sheet, templates
from llr_pipeline.findings import Findings
from llr_pipeline.raw_tables import FINDINGS, create_tables
from llr_pipeline.returns import ARROW_TYPES, raw_schema
from llr_pipeline.slips import (
    ABOUT,
    CAUSES,
    FACTORS,
    FLOOR,
    FLOORS,
    MANY,
    OPPOSITE,
    cause,
    factor_of,
    find_slips,
    out_of_step,
    shift,
)
from llr_pipeline.warehouse import SETTINGS, prepare
from llr_pipeline.workbooks import column_letter

YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
BOTH_WAYS = [times for factor in FACTORS for times in (factor, 1 / factor)]
POST = {"staff_group": "clinical_support", "setting": "acute", "contract": "bank"}
SITE = {"site_code": "RWEAA", "sector": "adult_general_acute", "bed_definition": "stp_acute"}
MONEY = {"category": "pay", "counterparty_code": "outside", "scenario": "plan", "support_basis": "without"}
RATE = {"staff_group": "clinical_support", "setting": "acute", "rate_definition": "opening"}
INDICATOR = {"aim": "health", "priority": "prevention", "direction": "higher", "kind": "count", "measure": "numerator"}
RULES = {
    "unit_slip": "warning",
    "sign_flip": "warning",
    "stale_copy": "warning",
    "unchanged": "note",
    "above_its_bound": "warning",
}
SMOOTH = (100.0, 104.0, 101.0, 108.0, 112.0, 115.0)

Lines = Sequence[tuple[Mapping[str, Any], Sequence[float | None] | Mapping[str, float | None]]]


@pytest.fixture(scope="module")
def reference() -> Reference:
    """The reference tables, with the rules of this module where they are not there yet."""
    reference = read_reference()
    rules = reference.rows("finding_rules")
    known = {row["rule"] for row in rules}
    more = tuple({**rules[-1], "rule": rule, "severity": RULES[rule]} for rule in RULES if rule not in known)
    return Reference({**reference.tables, "finding_rules": (*rules, *more)})


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={**SETTINGS, "threads": 1}) as connection:
        prepare(connection)
        create_tables(connection)
        yield connection


@pytest.fixture
def raw(warehouse: duckdb.DuckDBPyConnection, reference: Reference) -> Iterator[Raw]:
    """Empty raw tables to put returns into."""
    warehouse.begin()
    yield Raw(warehouse, reference)
    warehouse.rollback()


class Raw:
    """Puts returns into the raw tables as intake does, and asks for what is wrong with them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, reference: Reference) -> None:
        self.connection, self.reference, self.count = connection, reference, 0

    def put(
        self,
        template: str,
        tables: Mapping[str, Lines],
        *,
        organisation: str = "RWE",
        period: str = "2016-11",
        quarantined: Sequence[int] = (),
    ) -> str:
        """Put in an accepted return. The first line is in row 7, the first period beside the last attribute."""
        self.count += 1
        submission_id = f"return-{self.count}"
        self.connection.execute(
            """
            insert into raw.submissions by name
            select $id as submission_id, $number as arrival_number, $id || '.xlsx' as file_name, $id as sha256,
                1 as size_bytes, 1 as modified_ns, now()::timestamp as received_at, $template as template,
                $organisation as organisation_code, $period as period, 'accepted' as status, 0 as value_count,
                0 as error_count, 0 as warning_count, 0 as note_count, 'reader' as reader
            """,
            {"id": submission_id, "number": self.count, "template": template, "organisation": organisation}
            | {"period": period},
        )
        sheets = {sheet.table: sheet for sheet in templates()[template].sheets}
        for table, lines in ((table, lines) for table, lines in tables.items() if lines):
            arriving = raw_table(sheets[table], lines, quarantined)
            self.connection.register("arriving", arriving)
            self.connection.execute(
                f"insert into raw.{table} by name select ? as submission_id, * from arriving", [submission_id]
            )
            self.connection.unregister("arriving")
        return submission_id

    def found(self, submission_id: str) -> Findings:
        return find_slips(self.connection, submission_id, reference=self.reference)

    def keep(self, submission_id: str, findings: Findings) -> None:
        """Store findings, as intake does."""
        rows = [{"finding_number": n, "file_name": "f", **f.as_dict()} for n, f in enumerate(findings, 1)]
        if rows:
            self.connection.register("arriving", pa.Table.from_pylist(rows, FINDINGS))
            self.connection.execute(
                "insert into raw.findings by name select ? as submission_id, * from arriving", [submission_id]
            )
            self.connection.unregister("arriving")


def raw_table(sheet: Sheet, lines: Lines, quarantined: Sequence[int]) -> pa.Table:
    """The lines as the reader makes them, the first in row 7; of the cells only the values'."""
    held = [values if isinstance(values, Mapping) else dict(zip(YEARS, values, strict=True)) for _, values in lines]
    spread = pa.array([n for n, values in enumerate(held) for _ in values], pa.int32())
    letters = [column_letter(len(sheet.attributes) + place) for place in range(12)]
    known = [
        pa.array([attributes.get(c.name) for attributes, _ in lines], ARROW_TYPES[c.type]) for c in sheet.attributes
    ]
    readings = [*(column.take(spread) for column in known), pa.array([v for values in held for v in values.values()])]
    readings[-1] = readings[-1].cast(pa.float64())
    texts = [*(column.cast(pa.string()).take(spread) for column in known), readings[-1].cast(pa.string())]
    cells = [pa.nulls(len(spread), pa.string()) for _ in sheet.attributes]
    cells.append(pa.array([f"{letter}{n}" for n, values in enumerate(held, 7) for letter in letters[: len(values)]]))
    schema = raw_schema(sheet)
    columns = [
        pa.repeat(sheet.title, len(spread)),
        pa.array(range(7, 7 + len(lines)), pa.int32()).take(spread),
        pa.array([period for values in held for period in values]),
        *texts,
        pa.StructArray.from_arrays(readings, fields=list(schema.field("reading").type)),
        pa.StructArray.from_arrays(cells, fields=list(schema.field("cell").type)),
        pa.array([n in quarantined for n in range(7, 7 + len(lines))]).take(spread),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def one(findings: Findings):
    assert len(findings) == 1, [finding.message for finding in findings]
    return findings[0]


def pay(values: Sequence[float], **attributes: Any) -> tuple[dict[str, Any], Sequence[float]]:
    return {**POST, "measure": "pay_cost", **attributes}, values


def money(values: Sequence[float], line: str = "Pay", **attributes: Any) -> tuple[dict[str, Any], Sequence[float]]:
    return {**MONEY, "line": line, **attributes}, values


def but(values: Sequence[float], place: int, value: float) -> tuple[float, ...]:
    return (*values[:place], value, *values[place + 1 :])


# -- out of step with the line's own periods --


@pytest.mark.parametrize(
    ("template", "table", "attributes", "usual", "wrong", "words"),
    [
        ("workforce", "workforce", {**POST, "measure": "pay_cost"}, 78, 78_000, "GBP entered where GBP 000 is asked"),
        ("workforce", "workforce", {**POST, "measure": "wte"}, 78, 78_000, "single units entered where thousands are"),
        ("finance", "income_expenditure", {**MONEY, "line": "Pay"}, 7_800, 7.8, "millions of GBP entered where GBP"),
        ("finance", "income_expenditure", {**MONEY, "line": "Pay"}, 7_800, 78_000, "a digit too many"),
        ("finance", "income_expenditure", {**MONEY, "line": "Pay"}, 7_800, 780, "a digit missing"),
        ("finance", "income_expenditure", {**MONEY, "line": "Pay"}, 7_800, 7.8e9, "where millions are asked"),
        ("beds", "beds", {**SITE, "measure": "occupied"}, 410, 150_000, "days entered where a day's average is asked"),
        ("workforce", "workforce_flows", {**RATE, "measure": "leaver_rate"}, 0.1, 10.1, "per cent entered where a"),
    ],
)  # fmt: skip
def test_a_value_in_another_unit_is_found_at_its_cell_with_its_cause(
    raw: Raw, template: str, table: str, attributes: dict, usual: float, wrong: float, words: str
) -> None:
    lines = [
        ({**attributes, sheet_key(template, table): "other"}, [usual] * 6),
        (attributes, but([usual] * 6, 2, wrong)),
    ]
    submission_id = raw.put(template, {table: lines})
    finding = one(raw.found(submission_id))
    sheet = next(sheet for sheet in templates()[template].sheets if sheet.table == table)
    assert (finding.rule, finding.severity, finding.sheet) == ("unit_slip", "warning", sheet.title)
    assert (finding.cell, finding.line, finding.period) == (
        f"{column_letter(len(sheet.attributes) + 2)}8",
        8,
        "2017/18",
    )
    assert words in finding.message
    assert finding.value_received == f"{wrong:,.10g}" or float(finding.value_received.replace(",", "")) == wrong


def sheet_key(template: str, table: str) -> str:
    """The first column of a sheet's key."""
    return next(sheet for sheet in templates()[template].sheets if sheet.table == table).key[0]


@pytest.mark.parametrize(
    "values",
    [
        (0.02, 0.02, 0.2, 0.02, 0.02, 0.02),  # small, ten times
        (0.002, 0.002, 0.2, 0.002, 0.002, 0.002),  # small, a hundred times
        (3, 4, 30, 3, 4, 3),  # ten times a few
        (100, 100, 0, 100, 100, 100),  # zero is zero
        (0, 0, 0, 500, 5_000, 500),  # too few to say
        (0, 184, 818, 1_472, 2_127, 2_700),  # a scheme that builds up
        (0, 0, 2_000, 6_000, 15_000, 22_000),
        (0, 3_000, 14_000, 28_000, 30_000, 0),
        (10, 100, 1_000, 10_000, 100_000, 1_000_000),
        (100, 100, 100, 400, 400, 400),  # a step that is no factor
        (100, 100, 10_000, 10_000, 100, 10_000),  # which half would be wrong?
        (5, -5, 5, -5, 5, -5),
        (900, 600, 300, -100, -300, -600),  # goes through zero
        (9_000, 5_000, 700, -5_000, -9_000, -13_000),
        (5_000, 4_000, 3_000, 2_000, 1_000, -150),
    ],
)
def test_what_is_small_or_grows_or_moves_is_left_alone(raw: Raw, values: Sequence[float]) -> None:
    assert raw.found(raw.put("finance", {"income_expenditure": [money(values)]})) == []


def test_two_periods_of_one_line_are_one_finding(raw: Raw) -> None:
    values = but(but(SMOOTH, 1, 104_000.0), 2, 101_000.0)
    finding = one(raw.found(raw.put("finance", {"income_expenditure": [money(values)]})))
    assert "so it is in 2 periods of the line" in finding.message
    assert finding.period == "2016/17"


def test_a_column_in_another_unit_is_one_finding(raw: Raw) -> None:
    lines = [money(but(SMOOTH, 3, 108_000.0), f"Line {n}") for n in range(MANY + 1)]
    finding = one(raw.found(raw.put("finance", {"income_expenditure": lines})))
    assert "so it is in 6 lines" in finding.message
    assert (finding.line, finding.period) == (7, "2018/19")


def test_ten_times_in_many_lines_of_a_period_is_meant(raw: Raw) -> None:
    lines = [money(but(SMOOTH, 5, 1_150.0), f"Line {n}") for n in range(MANY + 1)]
    assert raw.found(raw.put("finance", {"income_expenditure": lines})) == []
    assert len(raw.found(raw.put("finance", {"income_expenditure": lines[:MANY]}, organisation="RT5"))) == MANY


def test_rows_kept_out_are_not_judged(raw: Raw) -> None:
    lines = [money(but(SMOOTH, 2, 101_000.0))]
    assert raw.found(raw.put("finance", {"income_expenditure": lines}, quarantined=[7])) == []


def test_what_is_no_return_has_no_slips(raw: Raw) -> None:
    raw.connection.execute("update raw.submissions set template = 'nhs_kh03'")
    assert raw.found("no such return") == []


def test_the_earlier_months_lengthen_the_line(raw: Raw) -> None:
    months = [f"2017-{n:02}" for n in range(4, 13)]
    line = {**INDICATOR, "indicator_code": "I01"}
    raw.put("monitoring", {"indicators": [(line, dict.fromkeys(months, 500.0))]}, period="2017-12")
    april = raw.put("monitoring", {"indicators": [(line, {"2018-04": 50_500.0})]}, period="2018-04")
    finding = one(raw.found(april))
    assert (finding.rule, finding.period) == ("unit_slip", "2018-04")
    assert "about 100 times the 500" in finding.message


# -- beside the earlier return --


def test_a_whole_line_is_held_against_the_earlier_return(raw: Raw) -> None:
    raw.put("workforce", {"workforce": [pay(SMOOTH), pay(SMOOTH, setting="community")]}, period="2016-10")
    slipped = [pay(SMOOTH, setting="community"), pay([value * 1_000 for value in SMOOTH])]
    finding = one(raw.found(raw.put("workforce", {"workforce": slipped})))
    assert (finding.rule, finding.line, finding.cell) == ("unit_slip", 8, "E8")
    assert "GBP entered where GBP 000 is asked" in finding.message
    assert "the return for Oct 2016 (return-1.xlsx) has" in finding.message
    assert "6 periods of the line" in finding.message


def test_a_single_value_wrong_in_the_earlier_return_is_not_held_against_this_one(raw: Raw) -> None:
    raw.put("workforce", {"workforce": [pay(but(SMOOTH, 2, 101_000.0))]}, period="2016-10")
    assert raw.found(raw.put("workforce", {"workforce": [pay([value + 1 for value in SMOOTH])]})) == []


def test_a_mistake_made_twice_is_found_twice_and_its_correction_is_not(raw: Raw) -> None:
    wrong = [value * 1_000 for value in SMOOTH]
    kept = []
    for month, values in (("07", SMOOTH), ("08", wrong), ("09", wrong), ("10", [value + 1 for value in SMOOTH])):
        submission_id = raw.put("workforce", {"workforce": [pay(values)]}, period=f"2016-{month}")
        findings = raw.found(submission_id)
        raw.keep(submission_id, findings)
        kept.append([finding.rule for finding in findings if finding.severity == "warning"])
    assert kept == [[], ["unit_slip"], ["unit_slip"], []]


def test_only_accepted_returns_of_the_same_sender_and_template_count_as_earlier(raw: Raw) -> None:
    first = raw.put("workforce", {"workforce": [pay(SMOOTH)]}, period="2016-10")
    raw.put("workforce", {"workforce": [pay(SMOOTH)]}, period="2016-10", organisation="RT5")
    raw.connection.execute("update raw.submissions set status = 'superseded' where submission_id = ?", [first])
    assert raw.found(raw.put("workforce", {"workforce": [pay([value * 1_000 for value in SMOOTH])]})) == []


# -- beside the peers --


def test_a_section_a_thousand_times_the_peers_is_found(raw: Raw) -> None:
    for organisation, size in (("RT5", 40.0), ("RX9", 2.0)):
        raw.put("workforce", {"workforce": [pay([size] * 6)]}, organisation=organisation)
    submission_id = raw.put("workforce", {"workforce": [pay([9_000.0] * 6, setting="community"), pay([12_000.0] * 6)]})
    finding = one(raw.found(submission_id))
    assert (finding.rule, finding.cell, finding.line) == ("unit_slip", "E7", 7)
    assert "of 2 other organisations: it looks like GBP entered where GBP 000 is asked" in finding.message


def test_organisations_differ_in_size(raw: Raw) -> None:
    for organisation, size in (("RT5", 40.0), ("RX9", 10.0)):
        raw.put("workforce", {"workforce": [pay([size] * 6)]}, organisation=organisation)
    assert raw.found(raw.put("workforce", {"workforce": [pay([4_000.0] * 6)]})) == []


def test_one_peer_is_not_enough(raw: Raw) -> None:
    raw.put("workforce", {"workforce": [pay([40.0] * 6)]}, organisation="RT5")
    assert raw.found(raw.put("workforce", {"workforce": [pay([40_000.0] * 6)]})) == []


# -- signs --


def test_a_sign_unlike_its_line_is_found(raw: Raw) -> None:
    finding = one(raw.found(raw.put("finance", {"income_expenditure": [money(but(SMOOTH, 4, -112.0))]})))
    assert (finding.rule, finding.cell, finding.value_received) == ("sign_flip", "L7", "-112")
    assert "opposite sign" in finding.message


def test_a_line_with_the_other_sign_than_last_time_is_found(raw: Raw) -> None:
    raw.put("finance", {"income_expenditure": [money(SMOOTH)]}, period="2016-10")
    submission_id = raw.put("finance", {"income_expenditure": [money([-value for value in SMOOTH])]})
    finding = one(raw.found(submission_id))
    assert (finding.rule, finding.line) == ("sign_flip", 7)
    assert "6 periods of the line" in finding.message


# -- copies --


def test_last_month_pasted_as_this_month_is_found(raw: Raw) -> None:
    codes = ["I01", "I02", "I03"]
    may = {code: {"2017-04": 10.0 + n, "2017-05": 20.0 + n} for n, code in enumerate(codes)}
    stale = {code: {**values, "2017-06": values["2017-05"]} for code, values in may.items()}
    fresh = {code: {**values, "2017-06": values["2017-05"] + 1} for code, values in may.items()}
    put = [
        raw.put("monitoring", {"indicators": [({**INDICATOR, "indicator_code": c}, v) for c, v in some]}, period=period)
        for some, period in ((may.items(), "2017-05"), (stale.items(), "2017-06"), (fresh.items(), "2017-06"))
    ]
    finding = one(raw.found(put[1]))
    assert (finding.rule, finding.severity, finding.period) == ("stale_copy", "warning", "2017-06")
    assert finding.message == (
        "The 3 values of Jun 2017 are those of May 2017 in the return for May 2017 (return-1.xlsx)"
    )
    assert raw.found(put[2]) == []


def test_a_plan_that_has_not_changed_is_a_note(raw: Raw) -> None:
    scheme = {"scheme_code": "S1", "source": "internal", "status": "secured"}
    raw.put("finance", {"income_expenditure": [money(SMOOTH)], "capital": [(scheme, SMOOTH)]}, period="2016-10")
    again = {"income_expenditure": [money(but(SMOOTH, 0, 99.0))], "capital": [(scheme, SMOOTH)]}
    finding = one(raw.found(raw.put("finance", again)))
    assert (finding.rule, finding.severity, finding.sheet) == ("unchanged", "note", "Capital")
    assert finding.message == "The sheet's 6 values are those of the return for Oct 2016 (return-1.xlsx)"


# -- lines that bound others --


def test_a_line_above_the_one_that_bounds_it_is_found_where_it_is_furthest_above(raw: Raw) -> None:
    available = ({**SITE, "measure": "available"}, [100, 100, 100, 100, 100, 100])
    occupied = ({**SITE, "measure": "occupied"}, [90, 101, 100, 104, 99, None])
    elsewhere = ({**SITE, "site_code": "RWEGH", "measure": "occupied"}, [500] * 6)
    submission_id = raw.put("beds", {"beds": [available, occupied, elsewhere]})
    finding = one(raw.found(submission_id))
    assert (finding.rule, finding.cell, finding.period) == ("above_its_bound", "H8", "2018/19")
    assert finding.message == (
        "2018/19: more are occupied than available: 104 against 100, H7; the furthest of 2 periods of the line"
    )


def test_rounding_may_put_a_line_above_its_bound(raw: Raw) -> None:
    lines = [({**POST, "measure": "wte"}, [0.4] * 6), ({**POST, "measure": "headcount"}, [0.0] * 6)]
    assert raw.found(raw.put("workforce", {"workforce": lines})) == []


# -- the sample --


def test_in_the_sample_only_the_planted_slip_is_found(raw: Raw) -> None:
    """The later round and the months are clean; of what is planted in the earlier one, the unit is ours to find."""
    put = {}
    for key in returns():
        tables = lines_for(key.template, key.organisation_code, key.period)
        sheets = {sheet.table for sheet in templates()[key.template].sheets if sheet.period}
        lines = {t: [(line.attributes, line.values) for line in some] for t, some in tables.items() if t in sheets}
        put[key] = raw.put(key.template, lines, organisation=key.organisation_code, period=key.period)
    found = []
    for key, submission_id in put.items():
        findings = raw.found(submission_id)
        raw.keep(submission_id, findings)
        found += [(key, finding) for finding in findings if finding.severity != "note"]
    planted = next(plant for plant in PLANTS if plant.kind == "unit_slip")
    ((key, finding),) = found
    assert (key.template, key.organisation_code, key.period) == (planted.template, planted.organisation_code, EARLIER)
    assert (finding.rule, finding.sheet, (finding.period,)) == ("unit_slip", planted.sheet, planted.years)
    assert "GBP entered where GBP 000 is asked" in finding.message


# -- the judgements themselves --


def test_every_factor_has_a_cause_for_every_unit() -> None:
    for unit in (None, "", "beds", "GBP 000", "share", "share a year", "percent", "GBP in 2015/16"):
        for factor in BOTH_WAYS:
            assert cause(unit, factor)
    assert {factor for _, factor, *_ in CAUSES} == set(FACTORS)


@pytest.mark.parametrize(
    ("value", "expected", "factor"),
    [
        (1_000, 100, 10), (100, 1_000, 1 / 10), (36_525, 100, 365), (-100_000, -100, 1_000), (1e8, 100, 1_000_000),
        (100, -110, OPPOSITE), (100, 100, None), (500, 100, None), (3_000, 100, None), (40, 4, None),
        (0.05, 0.0005, None),
        (-100, 1_000, None), (-100, 300, None),
    ],
)  # fmt: skip
def test_a_ratio_is_about_a_factor_or_about_none(value: float, expected: float, factor: float | None) -> None:
    assert factor_of(value, expected) == factor


def test_factors_do_not_overlap() -> None:
    for smaller, larger in pairwise(FACTORS):
        assert smaller * ABOUT < larger / ABOUT


def test_half_of_a_line_must_have_moved() -> None:
    assert shift([(1_000, 1), (1_000, 1), (1, 1), (2, 2)]) == 1_000
    assert shift([(1_000, 1), (1, 1), (1, 1), (2, 2)]) is None
    assert shift([(-5, 5)]) == OPPOSITE
    assert shift([]) is None


noise = st.floats(0.97, 1.03)


@st.composite
def smooth_series(draw: st.DrawFn, least: float = 0.01, sign: bool = True) -> list[float]:
    """A line of 4 to 12 periods: growth of -10% to +15% a period, 3% of noise either way."""
    start, growth, count = draw(st.floats(least, 1e7)), draw(st.floats(0.90, 1.15)), draw(st.integers(4, 12))
    start *= draw(st.sampled_from([1, -1])) if sign else 1
    return [start * growth**n * draw(noise) for n in range(count)]


@settings(max_examples=250, deadline=None)
@given(smooth_series())
def test_a_smooth_line_is_never_out_of_step(series: list[float]) -> None:
    assert list(out_of_step(series)) == []


@settings(max_examples=250, deadline=None)
@given(smooth_series(least=FLOORS[10] * 4), st.sampled_from([*BOTH_WAYS, OPPOSITE]), st.data())
def test_a_slip_in_any_period_of_a_smooth_line_is_always_found(
    series: list[float], factor: float, data: st.DataObject
) -> None:
    """Growth of -10% over 12 periods brings the least start, 4 times the floor, down to 1.2 times of it."""
    place = data.draw(st.integers(0, len(series) - 1))
    series[place] *= factor
    assert [(where, what) for where, what, _ in out_of_step(series)] == [(place, factor)]


@settings(max_examples=100, deadline=None)
@given(smooth_series(least=FLOOR, sign=False), st.sampled_from([100, 365, 1_000, 1_000_000]), st.data())
def test_from_a_hundred_times_on_a_slip_is_found_down_to_the_floor(
    series: list[float], factor: float, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(series) - 1))
    series[place] *= factor
    assert (place, factor) in [(where, what) for where, what, _ in out_of_step(series)]


@settings(max_examples=15, deadline=None)
@given(st.lists(smooth_series(least=200).filter(lambda series: len(series) >= 6), min_size=2, max_size=6), st.data())
def test_the_warehouse_finds_what_the_judgement_finds(
    warehouse: duckdb.DuckDBPyConnection, reference: Reference, lines: list[list[float]], data: st.DataObject
) -> None:
    """One slip among several smooth lines: that one finding, at its cell; the same twice."""
    series = [line[:6] for line in lines]
    line, place = data.draw(st.integers(0, len(series) - 1)), data.draw(st.integers(0, 5))
    series[line][place] *= data.draw(st.sampled_from(BOTH_WAYS))
    warehouse.begin()
    try:
        raw = Raw(warehouse, reference)
        rows = [money(values, f"Line {n}") for n, values in enumerate(series)]
        submission_id = raw.put("finance", {"income_expenditure": rows})
        finding = one(raw.found(submission_id))
        assert (finding.cell, finding.period) == (f"{column_letter(7 + place)}{7 + line}", YEARS[place])
        assert raw.found(submission_id) == [finding]
    finally:
        warehouse.rollback()


def test_the_rules_are_those_that_are_tested(reference: Reference) -> None:
    """The severities in sql/reference/finding_rules.csv are those that these tests were written for."""
    known = {row["rule"]: row["severity"] for row in reference.rows("finding_rules")}
    assert {rule: known[rule] for rule in RULES} == RULES
