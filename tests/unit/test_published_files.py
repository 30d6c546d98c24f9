"""The real files, as NHS England published them, and the figures that their README gives for them."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from llr_pipeline.findings import Finding
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading

ACUTE = [f"acute_{month}2022" for month in ("april", "may", "june", "july", "august", "september")]
COMMUNITY = [f"community_{month}2023" for month in ("june", "july", "september")]
EMERGENCY = [f"ae_activity_2024-0{month}" for month in range(4, 9)]
ABSENCE = [f"nhs_sickness_absence_2024-0{month}" for month in range(4, 9)]


@cache
def read(path: Path) -> Reading:
    return read_file(path)


@pytest.fixture(scope="session")
def reading(shared: Path):
    """A file of the shared folder, read once, by the beginning of its name."""
    files = sorted((shared / "data" / "nhs").glob("*/*"))
    return lambda name: read(next(path for path in files if path.name.startswith(name)))


def values(reading: Reading) -> pa.Table:
    """What core would use of a file's first table: one row per value."""
    table = next(iter(reading.tables.values()))
    more = ", block, value as received" if "block" in table.column_names else ""
    select = f"select reading.*{more} from published where not is_quarantined"
    with duckdb.connect() as connection:
        connection.register("published", table)
        return connection.execute(select).to_arrow_table()


def ask(reading: Reading, select: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.register("lines", values(reading))
        return connection.execute(select).fetchall()


def serious(reading: Reading) -> list[Finding]:
    return [finding for finding in reading.findings if finding.severity == "error"]


# -- winter situation reports


def test_leicester_s_beds_in_the_winter_of_2016(reading):
    """1,668.1 open and 1,514.8 occupied (90.8%) on the mean day; 1,642 open on the 1st of December."""
    found = dict(ask(reading("Winter-data-timeseries-2017"), """
        select measure, avg(value) from lines where organisation_code = 'RWE' group by all"""))  # fmt: skip
    opened, occupied = found["ga_beds_open"], found["ga_beds_occupied"]
    assert (round(opened, 1), round(occupied, 1), round(100 * occupied / opened, 1)) == (1668.1, 1514.8, 90.8)
    first = ask(reading("Winter-data-timeseries-2017"), """
        select value from lines
        where organisation_code = 'RWE' and first_day = '2016-12-01' and measure = 'ga_beds_open'""")  # fmt: skip
    assert first == [(1642,)]


@pytest.mark.parametrize(
    ("name", "first", "last", "trusts", "measures"),
    [
        ("Winter-data-timeseries-2017", date(2016, 12, 1), date(2017, 3, 12), 152, 20),
        ("Winter-data-timeseries-2018", date(2017, 11, 20), date(2018, 3, 4), 137, 23),
    ],
)
def test_all_measures_of_all_sheets(reading, name, first, last, trusts, measures):
    winter = reading(name)
    found = ask(winter, """
        select min(first_day), max(last_day), count(distinct organisation_code), count(distinct measure) from lines
    """)  # fmt: skip
    assert found == [(first, last, trusts, measures)]
    assert winter.identity.period == f"{first} to {last}"
    assert serious(winter) == []
    assert ask(winter, "select count(*) from lines where measure is null or first_day is null") == [(0,)]


def test_renamed_measures_are_one_measure(reading):
    """“Total beds avail” of 2016 is “Total Beds Open” of 2017; a trust's two winters are one series."""
    for name in ("Winter-data-timeseries-2017", "Winter-data-timeseries-2018"):
        ((days,),) = ask(reading(name), """
            select count(distinct first_day) from lines
            where organisation_code = 'RWE' and measure = 'ga_beds_open' and value is not null""")  # fmt: skip
        assert days in (102, 105)


def test_the_helper_row_and_england_are_no_organisations(reading):
    winter = reading("Winter-data-timeseries-2017")
    assert ask(winter, "select count(*) from lines where organisation_code in ('-', '') or value is null") == [(9,)]
    helpers = {f.sheet for f in winter.findings if "numbers without an organisation" in f.message}
    assert len(helpers) == 10


def test_more_beds_occupied_than_open_happens_and_is_kept(reading):
    ((count,),) = ask(reading("Winter-data-timeseries-2018"), """
        select count(*) from lines where measure = 'ga_beds_occupied_share' and value > 1""")  # fmt: skip
    assert count > 0


def test_days_named_together_are_one_value_of_several_days(reading):
    found = ask(reading("Winter-data-timeseries-2017"), """
        select distinct first_day, last_day from lines
        where measure = 'opel_level' and first_day <> last_day order by 1""")  # fmt: skip
    assert (date(2016, 12, 31), date(2017, 1, 2)) in found
    assert len(found) == 6


def test_very_hidden_sheets_are_said_and_not_read(reading):
    (said,) = (f for f in reading("Winter-data-timeseries-2018").findings if f.sheet == "Macro1")
    assert said.message == "The hidden sheet “Macro1” is not part of what is read from this publication"


# -- discharge


@pytest.mark.parametrize(("name", "mean"), [("acute_april2022", 396.3), ("acute_june2022", 412.9)])
def test_leicester_s_patients_no_longer_meeting_the_criteria(reading, name, mean):
    ((found,),) = ask(reading(name), """
        select avg(value) from lines
        where organisation_code = 'RWE' and measure = 'not_meeting_criteria_to_reside'""")  # fmt: skip
    assert round(found, 1) == mean


def test_a_day_that_was_not_submitted_is_no_day_without_patients(reading):
    """19 June 2022 has a dash. Read as 0 it would move the month from 412.9 to 399.1 patients a day."""
    found = ask(reading("acute_june2022"), """
        select first_day, received from lines
        where organisation_code = 'RWE' and measure = 'not_meeting_criteria_to_reside'
            and value is null""")  # fmt: skip
    assert found == [(date(2022, 6, 19), "-")]
    ((wrong,),) = ask(reading("acute_june2022"), """
        select avg(coalesce(value, 0)) from lines
        where organisation_code = 'RWE' and measure = 'not_meeting_criteria_to_reside'""")  # fmt: skip
    assert round(wrong, 1) == 399.1


@pytest.mark.parametrize("name", [*ACUTE, *COMMUNITY])
def test_boards_stand_above_organisations_wherever_the_headings_are(reading, name):
    month = reading(name)
    found = dict(ask(month, "select block, count(distinct organisation_code) from lines group by all"))
    assert found["boards"] == 42
    assert found["organisations"] > 100
    assert serious(month) == []
    days = dict(ask(month, "select organisation_code, count(distinct first_day) from lines group by all"))
    assert len(set(days.values())) == 1


@pytest.mark.parametrize("name", ACUTE)
def test_patients_are_those_discharged_and_those_who_remain(reading, name):
    """An independent sum within the file: the first column is the sum of the other two."""
    ((wrong, all_days),) = ask(reading(name), """
        with days as (
            select organisation_code, first_day,
                max(value) filter (where measure = 'not_meeting_criteria_to_reside') as everyone,
                max(value) filter (where measure = 'discharged') as discharged,
                max(value) filter (where measure = 'remaining_in_hospital') as remaining,
            from lines group by all
        )
        select count(*) filter (where everyone <> discharged + remaining), count(everyone) from days""")  # fmt: skip
    assert all_days > 4000
    assert wrong <= all_days * 0.01


@pytest.mark.parametrize(
    ("name", "tied", "trusts"),
    [*zip(ACUTE, (121, 120, 120, 120, 120, 119), [121] * 6, strict=True),
     ("community_june2023", 102, 107), ("community_september2023", 100, 107)],
)  # fmt: skip
def test_destinations_add_up_to_the_month_s_discharges(reading, name, tied, trusts):
    """Two sheets, each the other's oracle: Table 2 by day and Table 4 by destination; few trusts differ."""
    found = ask(reading(name), """
        with months as (
            select organisation_code, sum(value) filter (where measure = 'discharged') as by_day,
                sum(value) filter (where starts_with(measure, 'discharged_to.')) as by_destination,
            from lines where block = 'organisations' group by all
        )
        select count(*) filter (where by_day = by_destination), count(*) from months""")  # fmt: skip
    assert found == [(tied, trusts)]


@pytest.mark.parametrize("name", ACUTE)
def test_longer_stays_are_among_the_shorter(reading, name):
    """Bed days of patients with 21 days and more are no more than those of 14 and more, nor these than those of 7."""
    found = ask(reading(name), """
        with weeks as (
            select organisation_code, first_day,
                max(value) filter (where measure = 'additional_bed_days.over_7_days') as over_7,
                max(value) filter (where measure = 'additional_bed_days.over_14_days') as over_14,
                max(value) filter (where measure = 'additional_bed_days.over_21_days') as over_21,
            from lines where block = 'organisations' group by all
        )
        select count(*) filter (where over_21 > over_14 or over_14 > over_7), count(over_7) > 400 from weeks
    """)  # fmt: skip
    assert found == [(0, True)]


def test_a_sheet_of_16383_columns_is_read_like_any_other(reading):
    assert reading("community_july2023").identity.period == "2023-07"


# -- tables of text


def test_leicester_s_emergency_department_in_april_2024(reading):
    found = dict(ask(reading("ae_activity_2024-04"), """
        select measure, value from lines where organisation_code = 'RWE'"""))  # fmt: skip
    assert (found["attendances.type_1"], found["over_4_hours.type_1"]) == (21378, 8850)


@pytest.mark.parametrize("name", EMERGENCY)
def test_the_total_row_is_recognised_and_adds_up(reading, shared, name):
    month = reading(name)
    assert [f.rule for f in month.findings] == ["row_not_read"]
    path = next((shared / "data" / "nhs").glob(f"*/{name}*"))
    with path.open(encoding="utf-8", newline="") as file:
        *organisations, total = csv.reader(file)
    assert total[1].strip().casefold() == "total"
    ((found,),) = ask(month, "select sum(value) from lines")
    assert found == sum(map(float, total[4:]))
    assert len(organisations) - 1 == ask(month, "select count(distinct organisation_code) from lines")[0][0]


@pytest.mark.parametrize(("code", "staff", "rate"), [("RWE", 16855.2, 4.45), ("RT5", 5908.2, 5.19)])
def test_absence_in_april_2024(reading, code, staff, rate):
    found = dict(ask(reading("nhs_sickness_absence_2024-04"), f"""
        select measure, value from lines where organisation_code = '{code}'"""))  # fmt: skip
    assert round(found["days_available"] / 30, 1) == staff
    assert round(100 * found["days_lost"] / found["days_available"], 2) == rate == found["published_pct"]


@pytest.mark.parametrize("name", ABSENCE)
def test_every_published_rate_is_that_of_its_days(reading, name):
    """The publisher's own column is the oracle: rounded to two decimals, for all organisations."""
    month = reading(name)
    rows = ask(month, "select organisation_code, measure, value from lines")
    by_code: dict[str, dict[str, float]] = {}
    for code, measure, value in rows:
        by_code.setdefault(code, {})[measure] = value
    assert len(by_code) == 285
    rates = {code: 100 * m["days_lost"] / m["days_available"] - m["published_pct"] for code, m in by_code.items()}
    assert [code for code, difference in rates.items() if abs(difference) > 0.00501] == []
    assert (month.findings, len(month.tables)) == ([], 2)


def test_staff_groups_of_both_trusts(reading, shared):
    path = next((shared / "data" / "nhs" / "workforce").glob("*.csv"))
    with path.open(encoding="utf-8", newline="") as file:
        printed = Counter((row["Organisation code"], float(row["FTE"])) for row in csv.DictReader(file))
    found = Counter(ask(reading("llr_staff_group"), "select organisation_code, value from lines"))
    assert (found, sum(found.values())) == (printed, 44)


def test_the_population_keeps_estimates_and_projections_apart(shared, tmp_path):
    """Two areas of the file: v0 ends in 2023 and the projections begin in 2024; the sums are DuckDB's own."""
    parquet = next((shared / "data" / "nhs" / "population").glob("*.parquet"))
    where = f"from '{parquet}' where area_code in ('E06000016', 'E06000017') and variant in ('v0', 'v1')"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select * {where}) to '{tmp_path / 'people.parquet'}'")
        expected = connection.execute(f"""
            select variant, min(year), max(year), sum(females + males) {where} group by all order by 1""").fetchall()
    people = read_file(tmp_path / "people.parquet")
    assert people.identity.period == "2000 to 2043"
    found = ask(people, """
        select variant, min(year)::int, max(year)::int, sum(value) from lines group by all order by 1""")  # fmt: skip
    assert found == expected
    assert [(variant, first, last) for variant, first, last, _ in found] == [("v0", 2000, 2023), ("v1", 2024, 2043)]


@pytest.mark.parametrize("name", ["llr_kh03_quarterly", "llr_demand_growth"])
def test_a_table_made_from_publications_is_refused_and_told_what_to_send(reading, name):
    (finding,) = reading(name).findings
    assert (finding.rule, finding.severity) == ("not_a_publication", "error")
    assert "worked out from published files is not taken in" in finding.remedy


# -- two files with the same figures


def test_both_kh03_files_have_the_same_quarter(reading, shared):
    """Every sector of both trusts in April to June 2020: the workbook, and the series derived from KH03 files."""
    sectors = {"learning_disabilities": "learning_disability", "general_and_acute": "general_acute"}
    path = next((shared / "data" / "nhs" / "kh03").glob("*.csv"))
    with path.open(encoding="utf-8", newline="") as file:
        series = {
            (row["org_code"], sectors.get(row["specialty_group"], row["specialty_group"])): row
            for row in csv.DictReader(file) if row["quarter"] == "2020-21 Q1"
        }  # fmt: skip
    rows = ask(reading("2021-Q1-Beds"), """
        select organisation_code, sector, measure, beds from lines
        where organisation_code in ('RWE', 'RT5') and sector <> 'total' and beds is not null""")  # fmt: skip
    assert len(rows) == 8
    compared = 0
    for code, sector, measure, beds in rows:
        if (row := series.get((code, sector))) and row[f"{measure}_total"]:
            assert beds == pytest.approx(float(row[f"{measure}_total"]), abs=0.006)
            compared += 1
    assert compared == 4  # general and acute, and maternity, of RWE: the series leaves out what has no beds
