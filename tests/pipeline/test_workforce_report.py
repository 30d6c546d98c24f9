"""The workforce report: published figures on the sample, words for what a plan by hand comes to, page and charts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from assets.reports.workforce import workforce
from llr_pipeline.checks import check_contract
from llr_pipeline.contracts import contracts
from llr_pipeline.paths import SQL, Home
from llr_pipeline.reports import write_document
from llr_pipeline.tables import load_reference
from llr_pipeline.warehouse import prepare
from tests.unit.workforce_tables import (
    COMPLETE,
    NURSES,
    SUPPORT,
    THERAPY,
    assumption,
    census,
    contacts,
    flows,
    projected,
    staff,
)  # fmt: skip

READ = (
    "core.assumptions", "mart.redundancy_test", "mart.redundancy_totals", "mart.workforce_doubts",
    "mart.workforce_projections", "mart.workforce_totals",
)  # fmt: skip
EQUAL, DOCTORS = "equals the published figure", "medical_dental"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        prepare(connection)
        load_reference(connection, run_id="test")
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, made: Mapping[str, pd.DataFrame], *, round_: str = "2016-11") -> None:
    """The tables that the report reads, and the report's own."""
    for name in READ:
        columns = ", ".join(f"{column.name} {column.type}" for column in contracts()[name].columns)
        connection.execute(f"create or replace table {name} ({columns})")
        frame = made.get(name, pd.DataFrame())
        if not frame.empty:
            connection.register("frame", frame.assign(round=round_))
            connection.execute(f"insert into {name} by name select * from frame")
    connection.execute("create or replace view core.assumptions_current as select * from core.assumptions")
    select = (SQL / "report" / "workforce.sql").read_text(encoding="utf-8")
    connection.execute(f"create or replace table report.workforce as {select}")


def plan(path: list[float], *, community: bool = True) -> dict[str, pd.DataFrame]:
    """Acute nurses of RWE on this path, and 200 community therapists of RT5 whose contacts grow by a tenth."""
    place = {"group": THERAPY, "setting": "community", "organisation": "RT5"}
    lines = [
        *(line for line in COMPLETE if line["parameter"] != "replacement_share"),
        *assumption("replacement_share", "all", 0.5, low=0.35, high=0.65),
    ]
    more, gone = ((*staff(200.0, **place),), (*flows(join=20.2, **place),)) if community else ((), ())
    return projected(
        (*staff(path), *more), (*flows(join=80.0), *gone), assumptions=lines, beds=census(27.6),
        community=contacts(9_500.0, [9_500, *[10_450] * 5]),
    )  # fmt: skip


def straight(end: float) -> list[float]:
    return np.linspace(1_000, end, 6).tolist()


def test_on_the_sample_three_figures_equal_those_published(published):
    found = published.execute(
        "select headline_code, figure, verdict from report.workforce where round = '2016-11' "
        "and published_figure is not null order by position"
    ).fetchall()
    assert found == [
        ("hospital_jobs_reduction", pytest.approx(1500), EQUAL),
        ("community_staff_before", pytest.approx(2271), EQUAL),
        ("community_staff_after", pytest.approx(2505), EQUAL),
    ]
    earlier = published.execute(
        "select headline_code from report.workforce where round = '2016-10' and published_figure is not null"
    ).fetchall()
    assert earlier == []


def test_on_the_sample_turnover_gives_the_fall_as_an_independent_sum_has_it(published):
    """Group by group from the core tables: S0 (1 - product of (1 - (l + r) / 2)), and all bank and agency staff."""
    frame = published.execute(
        """
        with stock as (
            select staff_group,
                sum(wte) filter (where contract = 'substantive' and financial_year = '2015/16') as stock,
                sum(wte) filter (where contract <> 'substantive' and financial_year = '2015/16') as temporary,
                sum(wte) filter (where financial_year = '2015/16')
                    - sum(wte) filter (where financial_year = '2020/21') as fall,
            from core.workforce_current where round = '2016-11' and setting = 'acute' group by all
        ),
        kept as (
            select staff_group, product(1 - (leaver_rate_share + retirement_rate_share) / 2) as kept
            from core.workforce_flows_current
            where round = '2016-11' and setting = 'acute' and financial_year > '2015/16' group by all
        )
        select sum(stock * (1 - kept)) as turnover, sum(temporary) as temporary, sum(fall) as fall
        from stock inner join kept using (staff_group)
        """
    ).df()
    row = published.execute(
        "select * from mart.redundancy_totals where round = '2016-11' and area = 'acute' and area_kind = 'setting'"
    ).df().iloc[0]  # fmt: skip
    assert row["turnover_fall_central_wte"] == pytest.approx(frame["turnover"][0])
    assert row["planned_fall_wte"] == pytest.approx(frame["fall"][0]) == pytest.approx(1500)
    assert row["largest_fall_central_wte"] == pytest.approx(frame["turnover"][0] + frame["temporary"][0])
    assert row["verdict"] == "feasible"


def test_on_the_sample_parts_add_up_and_nothing_is_in_doubt(published):
    assert published.execute("select * from mart.workforce_doubts").fetchall() == []
    off = published.execute(
        """
        select max(abs(opening_stock_wte + joiners_wte + transfers_in_wte - leavers_wte - retirements_wte
            - transfers_out_wte - closing_stock_wte))
        from mart.workforce_projections where financial_year > '2015/16'
        """
    ).fetchone()
    assert off[0] < 1e-9
    moved = published.execute(
        "select sum(transfers_in_wte), sum(transfers_out_wte) from mart.workforce_projections "
        "where round = '2016-11' and scenario = 'plan'"
    ).fetchone()
    assert moved == pytest.approx((144, 144))


def test_on_the_sample_the_flows_lead_to_the_staff_returned(published):
    """What is projected from the base year by flows is what the sender planned, to the rounding of its flows."""
    (off,) = published.execute(
        "select max(abs(closing_stock_wte - planned_substantive_wte)) from mart.workforce_projections "
        "where round = '2016-11' and scenario = 'plan'"
    ).fetchone()
    assert off < 0.26  # five years of 0.05


def test_a_late_or_partial_plan_needs_more_hospital_staff(published):
    needed = dict(
        published.execute(
            "select scenario, demand_wte from mart.workforce_totals where round = '2016-11' and area = 'acute' "
            "and area_kind = 'setting' and financial_year = '2020/21'"
        ).fetchall()
    )
    assert needed["plan"] < needed["plan_six_months_late"] < needed["plan_eighty_percent"] < needed["do_nothing"]


def test_the_runs_are_those_of_the_beds(published):
    """Care hours of the acute wards, added up from the list of runs, give the percentiles of the nurses' demand."""
    found = published.execute(
        """
        with hours as (
            select census.financial_year,
                unnest(range(len(mean_census_beds_runs))) as run,
                unnest(mean_census_beds_runs)::double * central_value as hours,
            from mart.bed_census_runs as census
            inner join core.assumptions_current as assumptions
                on census.round = assumptions.round and census.sector = assumptions.applies_to
                and census.financial_year = assumptions.financial_year
                and assumptions.parameter = 'care_hours_per_patient_day'
            where census.round = '2016-11' and census.scenario = 'plan' and census.organisation_code = 'RWE'
        ),
        by_run as (select financial_year, run, sum(hours) as hours from hours group by all)
        select quantile_cont(after.hours / before.hours, 0.1), quantile_cont(after.hours / before.hours, 0.9)
        from by_run as after inner join by_run as before using (run)
        where after.financial_year = '2020/21' and before.financial_year = '2015/16'
        """
    ).fetchone()
    row = published.execute(
        "select demand_wte_p10_runs, demand_wte_p90_runs from mart.workforce_projections where round = '2016-11' "
        "and scenario = 'plan' and financial_year = '2020/21' and setting = 'acute' and staff_group = ?", [NURSES]
    ).fetchone()  # fmt: skip
    assert row == pytest.approx([4510 * growth for growth in found])


def test_the_verdict_is_said_first_and_comes_from_the_figures(connection):
    """1,000 at 10.1%: 228 can go with half replaced, 288 with 35%, 165 with 65%; break-even at 56.8%."""
    fill(connection, plan(straight(800)))
    first, community, needed, last = workforce(connection).summary.split("\n\n")
    assert first == (
        "**The 2016-11 plan has 200 fewer whole-time equivalents in acute hospitals by 2020/21 (1,000 to 800): "
        "turnover can do that without redundancy only if few enough are replaced.** With 50% of those who go replaced "
        "it could lose up to 228 (165 at 65%, 288 at 35%), bank and agency included. It needs redundancies only if "
        "more than 56.8% are replaced; the plan's own joiners replace 82.3%. Of 1 staff groups, 1 do not pass on "
        "their own."
    )
    assert community.startswith("Community staff go from 200 to 200 (as many): 101 are to join and 0 to come from")
    assert "2020/21 needs 1,000 hospital staff (800 planned) and 220 community staff (200 planned)." in needed
    assert last.startswith(
        "0 of 3 figures equal those published. Fewer acute hospital staff by 2020/21: 200, published"
    )
    assert last.endswith("Doubts, listed below: 1.")
    for name in ("report.workforce", *READ[1:]):
        assert check_contract(connection, contracts()[name]).passed, name


def test_a_fall_that_turnover_cannot_give_is_said_so(connection):
    fill(connection, plan(straight(500)))
    said = workforce(connection).summary
    assert "turnover cannot do that without redundancy.**" in said
    assert "The planned path runs ahead of turnover in 2016/17." in said


def test_half_a_system_is_said_to_be_half(connection):
    fill(connection, plan(straight(900), community=False))
    document = workforce(connection)
    assert "The plan's community staff were not returned" in document.summary
    assert document.headlines["community_gap"] is None
    assert any(note.startswith("Some staff, rates or patients are not known") for note in document.notes)


def test_an_empty_warehouse_still_has_a_report(connection):
    fill(connection, {})
    assert workforce(connection).summary == "No workforce return has been accepted yet."


def test_the_page_of_the_sample_stands_alone(published, tmp_path):
    made = workforce(published)
    assert made.summary.startswith(
        "**The 2016-11 plan has 1,500 fewer whole-time equivalents in acute hospitals by 2020/21 (13,680 to 12,180): "
        "turnover can do that without redundancy.**"
    )
    # 1,484 + 144 - 1,353 = 275 with contracts; 275 - 41 of bank and agency = 234
    assert (
        "from 2,271 to 2,505 (234 more): 1,484 are to join and 144 to come from hospitals, while 1,353 leave or "
        "retire, with 41 fewer of bank and agency."
    ) in made.summary
    assert "3 of 3 figures equal those published. No return and no assumption leaves a doubt." in made.summary
    assert len(made.summary) < 1000
    assert [chart.name for chart in made.charts] == ["staff_by_year", "why_acute_staff_change"]
    assert "Waterfall from 12,663 substantive staff in 2015/16 to 11,559 in 2020/21: Leavers" in made.charts[1].alt
    text = write_document(Home(tmp_path), "run1", "workforce", made).read_text(encoding="utf-8")
    assert re.findall(r"<h3[^>]*>(.*?)</h3>", text) == [shown.title for shown in (*made.charts, *made.tables)]
    assert made.tables[0].title == "Can turnover do it?"
    assert re.findall(r'(?:src|href)="(?!#)(.*?)"', text) == ["../../latest/index.html", "workforce.xlsx"]
    assert text.count("<svg") == 2


def test_one_to_four_people_are_in_no_document(connection, tmp_path):
    """Three therapists, and two bank nurses: neither count is told, nor what would give it away.

    A group of none is told: with it alone left out, the setting's total less the others would be the therapists.
    """
    none = {"group": DOCTORS, "setting": "acute", "row": 13}
    therapy = {"group": THERAPY, "setting": "acute", "row": 9}
    made = projected(
        (
            *staff([63.0, 62.0, 60.0, 58.0, 56.0, 52.0]), *staff(2.25, "bank", row=7),
            *staff([3.4, 3.3, 3.2, 3.1, 3.1, 3.1], **therapy),
            *staff([81.0, 80.0, 79.0, 78.0, 77.0, 76.0], group=SUPPORT, row=11),
            *staff(0.0, **none),
        ),
        (
            *flows(join=0.0, **none), *flows(join=4.0), *flows(join=0.1, **therapy),
            *flows(join=6.0, group=SUPPORT, row=11),
        ),
        assumptions=COMPLETE,
    )  # fmt: skip
    fill(connection, made)
    document = workforce(connection)
    tables = {table.title: table.frame for table in document.tables}
    needed = tables["Staff needed and staff in post under the plan, last year"].set_index("Who")
    kept_back = needed["Follows"] == "not shown: 1 to 4 people"
    shown = [who.split(" (")[0] for who in needed.index[~kept_back]]
    assert shown == ["Acute hospital, medical and dental", "Acute hospital, clinical support"]
    assert kept_back.sum() == 2  # the fewest of the others too
    assert needed[needed["Follows"].str.startswith("not shown")].drop(columns="Follows").isna().all(axis=None)
    words = tables["The test in words"].set_index("Who")["In words"]
    assert [sentence.startswith("Not shown") for sentence in words] == [False, False, True]  # nurses
    assert tables["Can turnover do it?"]["Bank and agency"].tolist() == ["1 to 4"]
    page = write_document(Home(tmp_path), "run1", "workforce", document)
    book = load_workbook(page.with_name("workforce.xlsx"))
    cells = [str(cell) for sheet in book for row in sheet.values for cell in row if cell is not None]
    shown = " ".join([document.summary, page.read_text(encoding="utf-8"), *cells])
    assert not re.search(r"\b(3\.[1-4]|2\.25|2\.3) WTE|bank and agency [1-4](?! to 4)", shown)
