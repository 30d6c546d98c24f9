"""Figures that stand twice in what was published, in two files or in two ways in one: whole tables held against each
other. Neither side is a sum of ours. The other such pairs are in `test_published_files.py`: KH03's workbook and series,
rates of absence and their days, A&E's own total row, patients ready to leave and what became of them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.paths import SQL
from llr_pipeline.reading import read_file
from tests.unit.test_published_files import ask, read

COUNTY = "E10000018"
OTHERS = ("E06000016", "E06000017")  # Leicester, Rutland


@pytest.fixture(scope="module")
def nhs(shared: Path) -> Path:
    return shared / "data" / "nhs"


def test_the_kept_series_of_beds_is_the_mean_of_the_four_quarters(nhs: Path):
    """Ten years of general and acute beds, available and occupied: reference.kh03_outturn and the quarterly series."""
    series = next((nhs / "kh03").glob("*.csv"))
    with (SQL / "reference" / "kh03_outturn.csv").open(encoding="utf-8", newline="") as file:
        kept = {
            row["financial_year"]: (float(row["available_beds"]), float(row["occupied_beds"]))
            for row in csv.DictReader(file)
        }
    means = duckdb.execute(
        f"""
        select replace(left(quarter, 7), '-', '/'), avg(available_total), avg(occupied_total)
        from read_csv('{series}')
        where org_code = 'RWE' and specialty_group = 'general_and_acute'
        group by 1
        having count(*) = 4
        """
    ).fetchall()
    found = {year: (available, occupied) for year, available, occupied in means if year in kept}
    assert len(found) == len(kept) == 10
    for year, beds in kept.items():
        assert beds == pytest.approx(found[year], abs=0.051), year


def test_every_trust_s_total_of_beds_is_that_of_its_sectors(nhs: Path):
    """KH03's own total column beside its four sectors, available and occupied, for all trusts of April to June 2020."""
    rows = ask(
        read(next((nhs / "kh03").glob("*.xlsx"))),
        """
        select organisation_code, measure, max(beds) filter (where sector = 'total') as total,
            sum(beds) filter (where sector <> 'total') as parts,
        from lines group by all having total is not null""",
    )
    assert len({code for code, *_ in rows}) > 150
    assert [row for row in rows if abs(row[2] - (row[3] or 0)) > 0.005] == []


def test_every_trust_s_open_beds_are_its_core_and_escalation_beds(nhs: Path):
    """Three columns of the winter of 2016/17, by trust and day. Where they differ no split is stated: 0 and 0."""
    days = ask(
        read(next((nhs / "sitrep").glob("*2017*.xlsx"))),
        """
        with days as (
            select organisation_code, first_day,
                max(value) filter (where measure = 'ga_beds_open') as opened,
                max(value) filter (where measure = 'ga_core_beds_open') as core,
                max(value) filter (where measure = 'ga_escalation_beds_open') as escalation,
            from lines group by all
        )
        select count(*), count(*) filter (where opened <> core + escalation),
            count(*) filter (where opened <> core + escalation and core + escalation > 0)
        from days where opened is not null""",
    )
    assert days == [(152 * 102, 82, 0)]


def test_the_districts_are_the_county_within_rounding(nhs: Path, tmp_path: Path):
    """Seven districts against Leicestershire, by year, age and sex: each is rounded, so that the eight may be 4 apart.

    And the county, Leicester and Rutland against the system, which may be 2 apart.
    """
    parquet = next((nhs / "population").glob("*.parquet"))
    where = "variant = 'v1' and year in (2024, 2033, 2043) and area_code not like 'E92%'"
    duckdb.execute(f"copy (select * from '{parquet}' where {where}) to '{tmp_path / 'people.csv'}' (header)")
    people = read_file(tmp_path / "people.csv")
    within = ask(
        people,
        f"""
        with areas as (
            select year, age, measure,
                sum(value) filter (where area_code = '{COUNTY}') as county,
                sum(value) filter (where area_code like 'E07%') as districts,
                sum(value) filter (where area_code in {OTHERS}) as others,
                sum(value) filter (where area_code not like 'E07%' and area_code <> '{COUNTY}'
                    and area_code not in {OTHERS}) as system,
            from lines group by all
        )
        select count(*), max(abs(districts - county)) <= 4, max(abs(county + others - system)) <= 2 from areas""",
    )
    assert within == [(3 * 101 * 2, True, True)]
