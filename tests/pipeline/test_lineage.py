"""From a figure back to its cells: what the macros of sql/lineage.sql give adds up to the mart's figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from llr_pipeline.paths import Home

FIGURES = {  # the macro's arguments, and what each of its columns' cells add up to, from the mart
    "bed_sources(round, scenario, method, area, bed_definition, financial_year)": (
        "select planned_beds, mean_census_beds, * from mart.bed_capacity_totals where method = 'submitted'",
        ["planned_beds", "mean_census_beds"],
    ),
    "funding_sources(round, scenario, method, area, financial_year)": (
        "select * from mart.funding_gap_totals where method = 'submitted' and price_basis = 'nominal' "
        "and round = '2016-11'",
        ["do_nothing_gap_gbp", "gross_saving_gbp", "investment_gbp"],
    ),
    "savings_sources(round, scenario, organisation_code, scheme_code, category, cost_pool, financial_year)": (
        "select * from mart.savings_schemes",
        ["returned_saving_gbp", "investment_gbp"],
    ),
    "delivered_sources(round, organisation_code, scheme_code, financial_year)": (
        "select * from mart.savings_delivered",
        ["delivered_gbp", "planned_gbp"],
    ),
    "capital_sources(round, price_basis, source)": (
        "select * from mart.capital_totals",
        ["needed_gbp", "secured_gbp", "bid_gbp", "planned_gbp"],
    ),
    "staff_sources(round, scenario, area, financial_year)": (
        "select * from mart.workforce_totals",
        ["planned_substantive_wte", "planned_bank_wte", "planned_agency_wte"],
    ),
    "indicator_sources(organisation_code, indicator_code, period)": (
        "select * from mart.indicator_values where frequency = 'month' and numerator is not null",
        ["numerator", "denominator", "target"],
    ),
}


@pytest.mark.parametrize("macro", FIGURES)
def test_the_cells_add_up_to_the_figure(published, macro: str):
    """Fifteen rows of each mart, whichever a hash takes."""
    rows, columns = FIGURES[macro]
    name, keys = macro.removesuffix(")").split("(")
    taken = published.execute(f"select {keys}, {', '.join(columns)} from ({rows}) as r order by hash({keys}) limit 15")
    many = len(keys.split(", "))
    for row in taken.fetchall():
        places = ", ".join("?" * many)
        found = published.execute(
            f"select adds_to, sum(adds), count(*) = count(received) from {name}({places}) "
            "where adds_to is not null group by all",
            row[:many],
        ).fetchall()
        added: Mapping[str, float] = {adds_to: float(total) for adds_to, total, _ in found}
        assert all(has_text for _, _, has_text in found), f"{name}{row[:many]}: a cell without what stood in it"
        for column, figure in zip(columns, row[many:], strict=True):
            assert added.get(column, 0) == pytest.approx(float(figure or 0), abs=1e-6), f"{name}{row[:many]} {column}"


def test_the_funding_gap_is_eighty_two_cells_of_which_each_is_in_thousands(published):
    """399.3 million: the figure published in November 2016."""
    total, cells, thousands = published.execute(
        """
        select sum(adds), count(*), sum(if(measure = 'income', -1, 1) * received::decimal(18, 3))
        from funding_sources('2016-11', 'do_nothing', 'submitted', 'nhs', '2020/21')
        """
    ).fetchone()
    assert (float(total), cells, float(thousands)) == (399_300_000, 82, 399_300)


def test_every_figure_beside_a_published_one_has_its_cells(published):
    """Percentages have the beds of their reduction; spending is a sum of all lines, and has none."""
    claims = published.execute(
        "select figure_code, document, warehouse_value from mart.claims_ledger "
        "where warehouse_table is not null and not contains(figure_code, '_pct') and not contains(figure_code, 'spend')"
    ).fetchall()
    assert len(claims) > 20
    for figure, document, value in claims:
        (total,) = published.execute("select sum(adds) from claim_sources(?, ?)", [figure, document]).fetchone()
        assert total == pytest.approx(value), (figure, document)


def test_a_milestones_days_stand_in_its_workbook(published):
    month, organisation, milestone, forecast = published.execute(
        "select month, organisation_code, milestone_code, forecast_date from mart.milestone_rag "
        "where forecast_date is not null order by all limit 1"
    ).fetchone()
    found = dict(
        published.execute(
            "select adds_to, words from milestone_sources(?, ?, ?)", [organisation, milestone, month]
        ).fetchall()
    )
    assert found["forecast_date"] == str(forecast)


def test_a_modelled_figure_names_what_the_model_stands_on(published):
    subjects = published.execute(
        "select distinct subject "
        "from bed_sources('2016-11', 'plan', 'modelled', 'RWE', 'stp_acute', '2020/21') order by all"
    ).fetchall()
    assert [subject for (subject,) in subjects] == ["activity", "assumptions", "bed_schemes", "beds", "scenarios"]


def test_what_a_plan_states_adds_up_in_a_modelled_gap_too(published):
    """Investment in every year; the gap itself where nothing has grown yet, a flow once for each of its two sides."""
    rows = published.execute(
        "select round, scenario, method, area, financial_year, investment_gbp, "
        "if(financial_year = base_year, do_nothing_gap_gbp, 0) "
        "from mart.funding_gap_totals inner join reference.rounds using (round) "
        "where method = 'modelled' and price_basis = 'nominal' and scenario in ('plan', 'do_nothing') "
        "order by hash(area, financial_year, scenario) limit 40"
    ).fetchall()
    for *keys, investment, gap in rows:
        added = dict(
            published.execute(
                "select adds_to, sum(adds) from funding_sources(?, ?, ?, ?, ?) where adds_to is not null group by all",
                keys,
            ).fetchall()
        )
        assert (added.get("investment_gbp", 0), added.get("do_nothing_gap_gbp", 0)) == (investment, gap), keys
    assert {gap != 0 for *_, gap in rows} == {investment != 0 for *_, investment, _ in rows} == {True, False}


def test_activity_is_traced_by_site_and_year(published):
    (added,) = published.execute(
        "select sum(adds) from activity_sources('2016-11', 'plan', 'RWEAA', '2020/21') where adds_to = 'bed_days'"
    ).fetchone()
    (planned,) = published.execute(
        "select sum(bed_days) from core.activity_current where round = '2016-11' and scenario = 'plan' "
        "and perspective = 'provider' and site_code = 'RWEAA' and financial_year = '2020/21'"
    ).fetchone()
    assert added == planned > 0


def test_the_archived_file_is_the_one_that_was_read(published, sample_home: Home):
    (name,) = published.execute(
        "select distinct archived_as from figure_sources() where file_name = '2016-11_RWE_beds.xlsx'"
    ).fetchone()
    digest = hashlib.sha256((sample_home.root / name).read_bytes()).hexdigest()
    assert (sample_home.root / name).stem == digest


def test_a_lines_history_goes_round_by_round(published):
    rounds = published.execute(
        "select period, value, change from figure_history('RWE', 'beds', 'RWEAA, adult_general_acute') "
        "where basis = 'stp_acute' and measure = 'available' and financial_year = '2020/21'"
    ).fetchall()
    assert rounds == [("2016-10", 784, None), ("2016-11", 797, 13)]


def test_a_disagreement_carries_the_cells_of_both_sides(published):
    """Without a cell are 0, which nobody states, and the sum of the lines above a total."""
    without = published.execute(
        """
        with sides as (
            select check_code, left_label as label, left_value as value, left_cell_count as cells,
                left_submission_ids as files from mart.triangulation_checks
            union all
            select check_code, right_label, right_value, right_cell_count, right_submission_ids
            from mart.triangulation_checks
        )
        select distinct check_code, label
        from sides
        where value <> 0 and (coalesce(cells, 0) = 0 or coalesce(len(files), 0) = 0)
        """
    ).fetchall()
    assert without == [("parts_against_wholes", "sum of the lines above it")]


def test_no_cell_is_counted_twice(published):
    twice = published.execute(
        "select submission_id, sheet, cell from cells_received() where cell is not null "
        "group by all having count(*) > 1"
    ).fetchall()
    assert not twice
