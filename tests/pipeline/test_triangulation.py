"""Triangulation of the sample: what was planted is found at its cells, and no more; what is missing never differs."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook

from assets import triangulation
from assets.reports.triangulation import NOTHING_NAMED
from assets.reports.triangulation import triangulation as document_of
from assets.sample.planted import PLANTS, Plant
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import contracts, templates
from llr_pipeline.documents import rows_of
from llr_pipeline.paths import SQL, Home
from llr_pipeline.reports import write_document

EARLIER, LATER = "2016-10", "2016-11"
BUILT = (
    *(f"mart.triangulation_{family}" for family in (
        "gaps", "activity", "beds", "workforce", "productivity", "finance", "parts", "units", "checks", "summary",
    )), "report.triangulation",
)  # fmt: skip
CHECKS = [row["code"] for row in read_reference().rows("code_lists") if row["list_name"] == "triangulation_check"]
UNCOMPARED = "other_income"
"""A line from outside the system, which no other return speaks of: nothing can be set beside it."""


def build(connection: duckdb.DuckDBPyConnection) -> None:
    for name in BUILT:
        select = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
        connection.execute(f"create or replace table {name} as {select}")


def only(connection: duckdb.DuckDBPyConnection, check: str, year: str, round_: str = LATER, **parts: str) -> dict:
    """The one comparison of a check, a year and these parts."""
    (found,) = [
        row
        for row in rows_of(
            connection,
            "select * from mart.triangulation_checks where round = ? and check_code = ? and financial_year = ?",
            [round_, check, year],
        )
        if all(row.get(name, row["parts"].get(name)) == value for name, value in parts.items())
    ]
    return found


# what was planted


def cells_of(connection: duckdb.DuckDBPyConnection, plant: Plant) -> set[str]:
    """Where the planted values stand, as a spreadsheet's Go To takes them."""
    (sheet,) = [sheet for template in templates().values() for sheet in template.sheets if sheet.table == plant.table]
    keys = " and ".join(f"reading.{name} = ?" for name in plant.keys)
    years = "" if plant.column else f"and financial_year in {(*plant.years, '')}"
    return {
        cell
        for (cell,) in connection.execute(
            f"select distinct cell_reference(sheet, cell.{plant.column or sheet.value.name}) "
            f"from raw.{plant.table} inner join raw.submissions using (submission_id) "
            f"where period = ? and organisation_code = ? and {keys} {years}",
            [EARLIER, plant.organisation_code, *plant.keys.values()],
        ).fetchall()
    }


def of_disagreements(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, set[tuple[str, str]]]]:
    """Of all that differs in the earlier round: the check, and the sender and cell of each figure it stands on."""
    return [
        (
            row["check_code"],
            {(row["left_organisation_code"], cell) for cell in row["left_cells"]}
            | {(row["right_organisation_code"], cell) for cell in row["right_cells"] or []},
        )
        for row in rows_of(
            connection, "select * from mart.triangulation_checks where verdict = 'differs' and round = ?", [EARLIER]
        )
    ]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.kind}-{plant.organisation_code}")
def test_what_was_planted_is_found_by_the_check_of_its_kind_at_its_cells(published, plant: Plant):
    found = {
        cell
        for check, cells in of_disagreements(published)
        if check == {"unit_slip": "unit_jump"}.get(plant.kind, plant.kind)
        for organisation, cell in cells
        if organisation == plant.organisation_code
    }
    planted = cells_of(published, plant)
    assert planted
    if plant.keys.get("category") == UNCOMPARED:
        assert not planted & found  # the other side of a contract's line, whose own cells are found
    else:
        assert planted <= found


def test_everything_that_differs_leads_back_to_what_was_planted(published):
    """By kind: one disagreement may differ in several years, both scenarios, and in checks of the same figures."""
    planted = {(plant.organisation_code, cell) for plant in PLANTS for cell in cells_of(published, plant)}
    found = of_disagreements(published)
    assert all(cells & planted for _, cells in found)
    assert Counter(check for check, _ in found) == {
        "provider_commissioner_activity": 5, "activity_against_occupied_beds": 2, "bed_schemes_against_beds": 1,
        "contract_income_against_bought": 6, "savings_against_finance": 2, "capital_against_opening": 1,
        # the slip to pounds, and the year after it; pay of 14% more, and the year after it
        "wte_change_against_pay_cost": 4,
        # both of them in the finance return's pay lines too
        "pay_cost_against_finance": 2,
        # a line against its year before, and pay of a WTE against other organisations'
        "unit_jump": 2,
        # a full year below a single one: as planted, and of the scheme whose savings were raised
        "parts_against_wholes": 2,
    }  # fmt: skip


def test_the_clean_round_differs_in_nothing_and_every_check_compares(published):
    found = rows_of(published, "select * from mart.triangulation_summary where round = ?", [LATER])
    assert {row["check_code"] for row in found} == set(CHECKS)
    assert all(row["differ_count"] == 0 < row["agree_count"] for row in found)


def test_intake_finds_the_slip_of_one_workbook_and_triangulation_all_that_two_returns_show(published):
    (slip,) = [plant for plant in PLANTS if plant.kind == "unit_slip"]
    at_intake = published.execute(
        "select cell_reference(findings.sheet, cell) "
        "from raw.findings inner join raw.submissions using (submission_id) "
        "where submissions.period = ? and rule in ('unit_slip', 'total_differs')",
        [EARLIER],
    ).fetchall()
    assert [{cell} for (cell,) in at_intake] == [cells_of(published, slip)]


# figures by hand


def test_figures_are_those_of_the_workbooks(published):
    contract = only(
        published, "contract_income_against_bought", "2018/19", EARLIER, scenario="plan", organisation_code="RWE",
        counterparty_code="04V",
    )  # fmt: skip
    assert (contract["left_value"], contract["right_value"]) == (203_132_000, 199_932_000)
    assert (contract["difference"], contract["tolerance"], contract["tolerance_unit"]) == (3_200_000, 50_000, "GBP")
    occupied = only(
        published, "activity_against_occupied_beds", "2017/18", EARLIER, site_code="RWEAE",
        sector="adult_general_acute", bed_definition="stp_acute",
    )  # fmt: skip
    assert occupied["right_value"] == 413.5
    assert occupied["difference"] == pytest.approx(-19.5, abs=0.01)  # 394.0, to the bed day, less 413.5
    assert occupied["departure"] == pytest.approx(19.5 / 413.5, abs=1e-4)
    schemes = only(
        published, "bed_schemes_against_beds", "2020/21", EARLIER, site_code="RWEAA", sector="adult_general_acute"
    )
    assert (schemes["right_value"], round(schemes["left_value"], 6)) == (784 - 770, 784 - 770 + 24)
    nurses = only(published, "bed_change_against_nursing", "2020/21", about="stp acute")
    assert nurses["left_value"] == pytest.approx((3_990 + 190 + 330) * 1_697 / 1_940)  # 3,945.1
    assert nurses["right_value"] == pytest.approx(3_640 + 200 + 100)
    opening = only(published, "capital_against_opening", "2020/21", EARLIER, scheme_code="REC07")
    assert opening["left_value"] == 366 + 1  # 1 April 2020 is a leap year's 366 days after 1 April 2019, which is day 1
    assert opening["why"] == (
        "£900k is spent in 2020/21, a year that begins 366 days after its beds open, 1 April 2019; "
        "the tolerance is 0 days"
    )
    jump = only(published, "unit_jump", "2017/18", EARLIER, about="clinical support, ambulance, bank, pay cost")
    assert (jump["left_value"], jump["right_value"]) == (78_000_000, 76_000)
    assert "About 1,000 times: single units for thousands" in jump["why"]


def test_cost_per_wte_is_finance_pay_over_staff_and_pay_inflation(published):
    """University Hospitals of Leicester, 2016/17: 3.3% pay inflation on the year before's pay of a WTE."""
    pay, wte = (
        [
            value
            for (value,) in published.execute(
                f"select sum({column}) from core.{table}_current where round = ? and organisation_code = 'RWE' "
                f"and financial_year in ('2015/16', '2016/17') and {where} group by financial_year order by 1",
                [LATER],
            ).fetchall()
        ]
        for table, column, where in (
            ("income_expenditure", "amount_gbp", "category = 'pay' and scenario = 'plan'"),
            ("workforce", "wte", "true"),
        )
    )  # fmt: skip
    found = only(published, "cost_per_wte", "2016/17", organisation_code="RWE")
    before, now = min(pay), max(pay)
    assert found["right_value"] == pytest.approx(float(before) / max(wte) * 1.033)
    assert found["left_value"] == pytest.approx(float(now) / min(wte))


# what is missing


MISSING = (
    # a return that was refused
    "update raw.submissions set status = 'refused' where period = '2016-11' and organisation_code = '04C' "
    "and template = 'activity'",
    "update mart.return_completeness set submission_id = null, status = 'refused only' where period = '2016-11' "
    "and organisation_code = '04C' and template = 'activity'",
    # a cell left empty
    "update raw.beds set reading = struct_update(reading, beds := null::double) where financial_year = '2018/19' and "
    "reading.site_code = 'RWEAE' and reading.sector = 'adult_general_acute' and reading.measure = 'occupied' "
    "and reading.bed_definition = 'stp_acute'",
    "update core.beds set occupied_beds = null where financial_year = '2018/19' and site_code = 'RWEAE' "
    "and sector = 'adult_general_acute' and bed_definition = 'stp_acute'",
    # a part of a sum kept back, and one whose site could not be read
    "update raw.activity set is_quarantined = true where financial_year = '2017/18' and row_number = "
    "(select min(row_number) from raw.activity where reading.site_code = 'RT5-LOU' and reading.measure = 'bed_days' "
    "and reading.scenario = 'plan') and reading.site_code = 'RT5-LOU'",
    "update core.activity set bed_days = null from raw.activity as received where "
    "core.activity.submission_id = received.submission_id and received.is_quarantined "
    "and received.cell.activity = core.activity.bed_days_cell",
    # pay kept back
    "update raw.workforce set is_quarantined = true where financial_year = '2017/18' and reading.measure = 'pay_cost' "
    "and reading.staff_group = 'ambulance' and reading.contract = 'substantive'",
    "update core.workforce set pay_cost_gbp = null where financial_year = '2017/18' and staff_group = 'ambulance' "
    "and contract = 'substantive'",
    # other prices on one side
    "update core.income_expenditure set price_basis = 'real_2015_16' where financial_year = '2019/20' and "
    "organisation_code = '03W' and counterparty_code = 'RT5' and scenario = 'plan'",
    # assumptions that lack a tolerance, and pay inflation
    "delete from core.assumptions where subject = 'triangulation' and applies_to = 'cost_per_weighted_activity' "
    "and financial_year = '2018/19'",
    "delete from core.assumptions where parameter = 'inflation' and applies_to = 'pay' and financial_year = '2019/20'",
)


@pytest.fixture(scope="module")
def missing(sample_home, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample with something of every kind missing from its clean round."""
    path = Path(tmp_path_factory.mktemp("missing"), "llr.duckdb")
    shutil.copyfile(sample_home.published, path)
    with duckdb.connect(str(path)) as connection:
        for change in MISSING:
            connection.execute(change)
        build(connection)
        yield connection


def test_what_is_missing_never_differs(missing):
    assert rows_of(missing, "select * from report.triangulation where round = ?", [LATER]) == []
    lost = "select sum(not_compared_count) from mart.triangulation_summary where round = ?"
    assert missing.execute(lost, [LATER]).fetchone() > (1_000,)


def test_a_return_that_is_not_in_use_is_named_on_every_line_and_once_for_all(missing):
    rows = rows_of(
        missing,
        "select distinct verdict, why, left_value is null as is_empty from mart.triangulation_checks "
        "where round = ? and check_code = 'provider_commissioner_activity' and counterparty_code = '04C'",
        [LATER],
    )
    assert {(row["verdict"], row["why"]) for row in rows} == {
        ("cannot_be_compared", "04C: the activity return is refused only")
    }
    absent = rows_of(
        missing,
        "select check_code, why from mart.triangulation_checks where round = ? and scenario = 'all' order by all",
        [LATER],
    )
    assert {row["why"] for row in absent} == {"04C: the activity return is refused only"}
    assert "provider_commissioner_activity" in {row["check_code"] for row in absent}


@pytest.mark.parametrize(
    ("check", "year", "parts", "why"),
    [
        ("activity_against_occupied_beds", "2018/19",
         {"site_code": "RWEAE", "sector": "adult_general_acute"}, "RWE: Beds!H20 was left empty"),
        ("activity_against_occupied_beds", "2017/18", {"site_code": "RT5-LOU"}, "was kept back at intake"),
        ("pay_cost_against_finance", "2017/18", {"organisation_code": "RX9"}, "was kept back at intake"),
        ("contract_income_against_bought", "2019/20",
         {"organisation_code": "RT5", "counterparty_code": "03W", "scenario": "plan"}, "different prices"),
        ("cost_per_weighted_activity", "2018/19", {"organisation_code": "RX9"}, "no tolerance of this check"),
        ("cost_per_wte", "2019/20", {"organisation_code": "RX9"}, "no pay inflation for 2019/20"),
        ("activity_against_occupied_beds", "2015/16",
         {"site_code": "RWEAK", "bed_definition": "kh03_general_acute"}, "Beds counted as kh03 general acute"),
        ("bed_change_against_nursing", "2020/21", {"about": "stp community"}, "also see people at home"),
        ("pay_cost_against_finance", "2017/18", {"organisation_code": "04V"}, "owes no workforce return"),
    ],
)  # fmt: skip
def test_why_a_pair_cannot_be_compared(missing, check: str, year: str, parts: dict[str, str], why: str):
    found = only(missing, check, year, **parts)
    assert (found["verdict"], found["difference"]) == ("cannot_be_compared", None)
    assert why in found["why"]


def test_what_is_not_missing_is_still_compared(missing):
    assert only(missing, "activity_against_occupied_beds", "2018/19", site_code="RT5-LOU")["verdict"] == "agrees"
    assert only(missing, "pay_cost_against_finance", "2018/19", organisation_code="RX9")["verdict"] == "agrees"


# what is told


@pytest.fixture(scope="module")
def earlier(sample_home, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample as it was before its later round came."""
    path = Path(tmp_path_factory.mktemp("earlier"), "llr.duckdb")
    shutil.copyfile(sample_home.published, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update raw.submissions set status = 'withdrawn' where period = ?", [LATER])
        build(connection)
        yield connection


@pytest.fixture(scope="module")
def few(sample_home, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample with the pay of the two bank staff of an ambulance group entered thrice in one year."""
    path = Path(tmp_path_factory.mktemp("few"), "llr.duckdb")
    shutil.copyfile(sample_home.published, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from core.workforce where round < ?", [LATER])
        connection.execute(
            "update core.workforce set wte = 3.25, headcount = 4, pay_cost_gbp = if(financial_year = '2018/19', 3, 1) "
            "* 234567 where organisation_code = 'RX9' and staff_group = 'clinical_support' and contract = 'bank'"
        )
        build(connection)
        yield connection


WARNS = [
    one
    for name, one in vars(triangulation).items()
    if callable(one) and one.__module__ == triangulation.__name__ and not name.startswith("_")
]


def test_every_check_has_a_warning_and_it_passes_where_plans_agree(published):
    assert len(WARNS) == len(CHECKS)
    for warn in WARNS:
        seen = warn(published)
        assert seen.passed
        assert seen.counts["compared"] > 0


def test_a_warning_tells_how_many_differ_and_the_worst(earlier):
    told = {warn.__name__: warn(earlier) for warn in WARNS}
    assert sum(not seen.passed for seen in told.values()) == 10
    seen = told["contracts_are_the_same_on_both_sides"]
    assert (seen.counts["differ"], seen.counts["compared"], len(seen.sentences)) == (6, 156, 3)
    assert seen.sentences[0] == (
        "6 of 156 comparisons differ; see mart.triangulation_checks, contract_income_against_bought. RWE and 04V, "
        "contract, 2018/19: contract income of the provider £203.13m; healthcare bought by the commissioner £199.93m. "
        "A difference of £3.20m; the tolerance is £50k"
    )


def test_the_report_of_the_clean_round_says_what_was_mended(published):
    document = document_of(published)
    assert document.summary.split("\n\n")[:2] == [
        "**The activity, beds, finance and workforce plans of 2016-11 agree: of 17,761 comparisons in 15 checks none "
        "differs.**",
        "What disagreed in 2016-10 (15 places) is mended.",
    ]
    assert document.headlines["comparisons_differing"] == 0
    assert [table.title for table in document.tables] == [
        "The checks of 2016-11",
        "What cannot be compared, and why",
        "What became of the disagreements of 2016-10",
        "Tolerances",
    ]
    assert list(document.tables[0].frame["Verdict"]) == ["agrees"] * len(CHECKS)


def test_the_report_names_the_largest_first_and_both_workbooks(earlier):
    document = document_of(earlier)
    assert document.summary.startswith("**The plans of 2016-10 disagree in 15 places: 27 of 17,762 comparisons in 15")
    assert (
        "- Workforce pay and finance pay lines. East Midlands Ambulance Service NHS Trust, all pay, 2017/18: "
        "£77.92m apart"
    ) in document.summary
    assert len(document.summary) < 1_000
    (table,) = [table for table in document.tables if table.title.startswith("Where the plans")]
    (contract,) = [row for row in table.frame.to_dict("records") if row["What disagrees"].startswith("Contract")]
    assert contract["Left: open"] == "2016-10_RWE_finance.xlsx: 'Income and expenditure'!M40"
    assert contract["Right: open"] == "2016-10_04V_finance.xlsx: 'Income and expenditure'!M45"
    assert "2018/19, 2019/20, 2020/21" in contract["What disagrees"]


def test_figures_of_one_to_four_people_are_in_no_document_and_no_warning(few, tmp_path):
    """3.25 WTE are paid £703,701 where £236,000 or so is due: the checks find it, and say where and not how much."""
    found = few.execute(
        "select distinct check_code from mart.triangulation_checks where is_few and verdict = 'differs' order by all"
    ).fetchall()
    assert [check for (check,) in found] == ["unit_jump", "wte_change_against_pay_cost"]
    document = document_of(few)
    assert ", clinical support, ambulance, bank, " in document.summary
    (table,) = [table for table in document.tables if table.title.startswith("Where the plans")]
    told = {row["In words"] for row in table.frame.to_dict("records") if "clinical support" in row["What disagrees"]}
    assert told == {"Not shown: 1 to 4 people"}
    page = write_document(Home(tmp_path), "run1", "triangulation", document)
    book = load_workbook(page.with_name("triangulation.xlsx"))
    told = " ".join(
        [document.summary, page.read_text(encoding="utf-8")]
        + [str(cell) for sheet in book for row in sheet.values for cell in row]
        + [sentence for warn in WARNS for sentence in warn(few).sentences]
        + [str(row) for row in few.execute("from report.triangulation where is_few").fetchall()]
    )
    assert not re.search(r"703[,.]?7|704k|£0.70m|234[,.]?5|235k|3\.25|3\.3 WTE", told)


def test_an_empty_warehouse_has_tables_and_a_report(connection):
    for name, contract in contracts().items():
        if contract.layer == "core" or name in ("mart.bed_scheme_effects", "mart.return_completeness"):
            columns = ", ".join(f"{column.name} {column.type}" for column in contract.columns)
            connection.execute(f"create or replace table {name} ({columns})")
            if contract.layer == "core":
                connection.execute(f"create or replace view {name}_current as select * from {name}")
    build(connection)
    assert document_of(connection).summary == NOTHING_NAMED
