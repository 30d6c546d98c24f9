"""The core tables and the bed-capacity marts: each keeps its contract, and gives the figures worked out by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from assets.beds.projection import project
from llr_pipeline.contracts import contracts, templates
from llr_pipeline.paths import SQL
from llr_pipeline.publications import PUBLICATIONS, publications
from llr_pipeline.returns import raw_schema

CONTRACTS = {name: c for name, c in contracts().items() if c.layer in ("core", "mart")}
CORE = [name for name, c in CONTRACTS.items() if c.layer == "core" and (SQL / "core" / f"{c.table}.sql").exists()]
MARTS = (
    "mart.bed_base_activity",
    "mart.bed_calibration",
    "mart.bed_capacity_trajectories",
    "mart.bed_capacity_totals",
    "mart.bed_first_shortfalls",
    "mart.nhs_bed_years",
    "mart.plan_against_actuals",
    "mart.peer_comparison",
)
PROJECTED = ("mart.bed_demand", "mart.bed_demand_totals")
READ_BY_THE_PROJECTION = (
    "mart.bed_base_activity", "core.beds_current", "core.bed_schemes_current", "core.bed_scheme_claims_current",
    "core.assumptions_current", "core.scenarios_current", "reference.financial_years", "reference.kh03_outturn",
    "reference.quarters", "reference.rounds", "reference.sectors", "reference.sites",
)  # fmt: skip
VALUES = {s.table: s.value.name for t in templates().values() for s in t.sheets if s.value}
CATEGORIES = (
    "allocation", "contract_income", "other_income", "pay", "drugs", "capital_charges", "other_non_pay",
    "healthcare_bought", "pressure",
)  # fmt: skip
RETURNS = [
    # submission, template, organisation, period, data status, status
    ("RWE-activity-old", "activity", "RWE", "2016-11", "returned", "superseded"),
    ("RWE-activity", "activity", "RWE", "2016-11", "illustrative", "accepted"),
    ("RWE-activity-bad", "activity", "RWE", "2016-11", "returned", "refused"),
    ("RT5-activity", "activity", "RT5", "2016-11", "returned", "accepted"),
    ("04C-activity", "activity", "04C", "2016-11", "returned", "accepted"),
    ("RWE-beds", "beds", "RWE", "2016-11", "returned", "accepted"),
    ("RT5-beds", "beds", "RT5", "2016-11", "returned", "accepted"),
    ("RWE-finance", "finance", "RWE", "2016-11", "returned", "accepted"),
    ("council-finance", "finance", "E06000016", "2016-11", "returned", "accepted"),
    ("RWE-workforce", "workforce", "RWE", "2016-11", "returned", "accepted"),
    ("QK1-assumptions", "assumptions", "QK1", "2016-11", "returned", "accepted"),
    ("RWE-april", "monitoring", "RWE", "2017-04", "returned", "accepted"),
    ("RWE-may", "monitoring", "RWE", "2017-05", "returned", "accepted"),
    ("KH03", "nhs_kh03", None, "2020/21 Q1", "published", "accepted"),
    ("sitrep", "nhs_sitrep", None, "2016-12-01 to 2017-03-12", "published", "accepted"),
    ("acute", "nhs_discharges_acute", None, "2022-06", "published", "accepted"),
    ("emergency", "nhs_emergency", None, "2024-04", "published", "accepted"),
    ("absence", "nhs_absence", None, "2024-04", "published", "accepted"),
    ("staff", "nhs_workforce", None, "2017-09", "published", "accepted"),
    ("nationality", "nhs_nationality", None, "2016-09", "published", "accepted"),
    ("people", "nhs_population", None, "2023 to 2024", "published", "accepted"),
]


class RawTables:
    """Rows for the raw tables, put in as the reader would: text, reading and cell of each column."""

    def __init__(self) -> None:
        sheets = [sheet for template in templates().values() for sheet in template.sheets]
        self.schemas = {
            **{sheet.table: raw_schema(sheet) for sheet in sheets},
            **{name: schema for p in publications().values() for name, schema in p.schemas.items()},
            "publications": PUBLICATIONS,
        }
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def line(
        self, submission_id: str, table: str, row_number: int, values: Mapping[str, float | None] | None = None,
        quarantined: tuple[str, ...] = (), **attributes: Any,
    ) -> None:  # fmt: skip
        """A line of a sheet: one raw row, or one for each period of `values`."""
        schema = self.schemas[table]
        names = [f.name for f in schema.field("reading").type]
        period = next((n for n in ("financial_year", "month") if n in schema.names), None)
        for offset, (when, value) in enumerate((values or {None: None}).items()):
            readings = {n: attributes.get(n) for n in names}
            letters = {n: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i] for i, n in enumerate(names)}
            if period:
                readings[VALUES[table]] = value
                letters[VALUES[table]] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[len(names) - 1 + offset]
            cells = {f.name: f"{letters[f.name]}{row_number}" for f in schema.field("cell").type}
            row = {
                "submission_id": submission_id, "sheet": table.capitalize(), "row_number": row_number,
                "reading": readings, "cell": cells, "is_quarantined": when in quarantined,
            }  # fmt: skip
            self.rows[table].append(row | ({period: when} if period else {}))

    def published(self, submission_id: str, table: str, received: str | None, **reading: Any) -> None:
        """A value of a published sheet."""
        schema = self.schemas[table]
        day = reading.get("first_day")
        cells = dict.fromkeys((f.name for f in schema.field("cell").type), "B7")
        row = {
            "submission_id": submission_id, "sheet": "Data", "row_number": 7, "block": "organisations",
            "value": received, "reading": {"last_day": day} | reading, "cell": cells, "is_quarantined": False,
        }  # fmt: skip
        self.rows[table].append(row)

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        for table, columns in self.schemas.items():
            schema = pa.schema([("submission_id", pa.string()), *columns])
            connection.register("received", pa.Table.from_pylist(self.rows[table], schema))
            connection.execute(f"create table raw.{table} as select * from received")


def fill(raw: RawTables) -> None:
    medicine = {
        "site_code": "RWEAA", "point_of_delivery": "non_elective", "specialty_group": "general_medicine",
        "age_band": "65-74", "perspective": "provider", "counterparty_code": "04C", "scenario": "plan",
    }  # fmt: skip
    nothing = medicine | {"scenario": "do_nothing"}
    elders = medicine | {"specialty_group": "geriatric_medicine", "age_band": "85+"}
    # 36,600 bed days of a leap year are 100 beds, 32,850 of an ordinary year 90
    raw.line("RWE-activity", "activity", 5, {"2015/16": 1000, "2016/17": 950}, **medicine, measure="spells")
    raw.line("RWE-activity", "activity", 6, {"2015/16": 36600, "2016/17": 32850}, **medicine, measure="bed_days")
    raw.line("RWE-activity", "activity", 7, {"2015/16": 3660, "2016/17": None}, **elders, measure="bed_days")
    raw.line("RWE-activity", "activity", 8, {"2015/16": 36600, "2016/17": 32850}, **nothing, measure="bed_days")
    raw.line(
        "RWE-activity", "activity", 9, {"2016/17": 200}, measure="attendances",
        **medicine | {"point_of_delivery": "a_and_e", "specialty_group": "emergency_medicine"},
    )  # fmt: skip
    raw.line(
        "RWE-activity", "activity", 10, {"2015/16": 0, "2016/17": 7}, ("2016/17",), measure="contacts",
        **medicine | {"point_of_delivery": "community_contacts", "specialty_group": "community_services"},
    )  # fmt: skip
    raw.line(
        "RWE-activity", "activity", 11, {"2016/17": 7300}, measure="bed_days",
        **nothing | {"site_code": "RT5-HIN", "specialty_group": "community_inpatient"},
    )  # fmt: skip
    raw.line("RWE-activity-old", "activity", 5, {"2016/17": 900}, **medicine, measure="spells")
    raw.line("RWE-activity-bad", "activity", 5, {"2016/17": 9}, **medicine, measure="spells")
    raw.line(
        "RT5-activity", "activity", 5, {"2016/17": 3650}, measure="bed_days",
        **nothing | {"site_code": None, "specialty_group": "mental_health"},
    )  # fmt: skip
    raw.line(
        "04C-activity", "activity", 5, {"2016/17": 99999}, measure="bed_days",
        **medicine | {"site_code": None, "perspective": "commissioner", "counterparty_code": "RWE"},
    )  # fmt: skip

    infirmary = {"site_code": "RWEAA", "sector": "adult_general_acute", "bed_definition": "stp_acute"}
    general = infirmary | {"site_code": "RWEAK"}
    hinckley = {"site_code": "RT5-HIN", "sector": "community", "bed_definition": "stp_community"}
    raw.line("RWE-beds", "beds", 5, {"2015/16": 130, "2016/17": 100}, **infirmary, measure="available")
    raw.line("RWE-beds", "beds", 6, {"2015/16": 117, "2016/17": 99}, **infirmary, measure="occupied")
    raw.line("RWE-beds", "beds", 7, {"2016/17": 0}, **general, measure="available")
    raw.line("RWE-beds", "beds", 8, {"2016/17": 0}, **general, measure="occupied")
    raw.line(
        "RWE-beds", "beds", 9, {"2016/17": 80}, **infirmary | {"bed_definition": "kh03_general_acute"},
        measure="available",
    )  # fmt: skip
    raw.line(
        "RWE-beds", "beds", 10, {"2015/16": 1000}, **infirmary | {"bed_definition": "kh03_general_acute"},
        measure="occupied",
    )  # fmt: skip
    raw.line("RT5-beds", "beds", 5, {"2016/17": 24}, **hinckley, measure="available")
    raw.line("RT5-beds", "beds", 6, {"2016/17": None}, **hinckley, measure="occupied")

    raw.line(
        "RWE-beds", "bed_schemes", 5, {"2015/16": None, "2016/17": -12.5}, scheme_code="B01", scheme="Shorter stays",
        priority="1", mechanism="shorten_stay", from_site_code="RWEAA", from_sector="adult_general_acute",
        shortened_nights=0.5, cover_share=0.8, start_date=date(2016, 7, 1), confidence_share=0.7,
    )  # fmt: skip
    raw.line(
        "RWE-beds", "bed_schemes", 6, {"2015/16": 0, "2016/17": 4}, ("2015/16",), scheme_code="B01",
        scheme="Shorter stays", priority="1", mechanism="open", from_site_code="RWEAA",
        from_sector="adult_general_acute", start_date=date(2016, 7, 1), phase_in_months=6, confidence_share=1,
    )  # fmt: skip

    money = {
        "counterparty_code": "04C", "scenario": "plan", "is_recurrent": True, "support_basis": "without_support",
        "price_basis": "nominal",
    }  # fmt: skip
    years = {"2015/16": 1234.5678, "2016/17": None}
    raw.line("RWE-finance", "income_expenditure", 5, years, line="Acute contract", category="contract_income", **money)
    raw.line("RWE-finance", "income_expenditure", 6, {"2015/16": 1000}, line="Wages", category="pay", **money)
    for row_number, category in enumerate(CATEGORIES, 20):
        raw.line(
            "RWE-finance", "income_expenditure", row_number, {"2020/21": 0}, line="Nothing", category=category, **money
        )  # fmt: skip
    raw.line(
        "council-finance", "income_expenditure", 5, {"2015/16": -0.01}, line="Grant", category="allocation", **money
    )  # fmt: skip

    saving = {
        "scheme_code": "S01", "scheme": "Wards", "category": "cip", "cost_pool": "pay", "owner": "Chief nurse",
        "is_recurrent": True, "start_date": date(2016, 10, 1), "confidence_share": 0.6, "stated_as": "gbp",
    }  # fmt: skip
    raw.line(
        "RWE-finance", "savings", 5, {"2015/16": 0, "2016/17": 10}, **saving | {"start_date": date(2016, 4, 1)},
        measure="investment",
    )  # fmt: skip
    raw.line(
        "RWE-finance", "savings", 6, {"2015/16": None, "2016/17": 250.5}, **saving, full_year_effect=501,
        measure="gross_saving",
    )  # fmt: skip
    raw.line(
        "RWE-finance", "savings", 7, {"2015/16": None, "2016/17": None}, measure="gross_saving", full_year_effect=0.02,
        **saving | {"scheme_code": "S02", "stated_as": "share"},
    )  # fmt: skip
    raw.line(
        "RWE-finance", "capital", 5, {"2016/17": 45500}, scheme_code="C01", scheme="Emergency department",
        source="external", status="planned", price_basis="nominal",
    )  # fmt: skip

    nurses = {"staff_group": "nursing_midwifery_health_visiting", "setting": "acute", "contract": "substantive"}
    raw.line("RWE-workforce", "workforce", 5, {"2015/16": 100.5, "2016/17": 99}, **nurses, measure="wte")
    raw.line("RWE-workforce", "workforce", 6, {"2015/16": 120, "2016/17": None}, **nurses, measure="headcount")
    raw.line("RWE-workforce", "workforce", 7, {"2015/16": 4000.25, "2016/17": None}, **nurses, measure="pay_cost")
    flows = {"staff_group": "ambulance", "setting": "ambulance", "rate_definition": "opening_stock"}
    raw.line("RWE-workforce", "workforce_flows", 5, {"2016/17": 0.101}, **flows, measure="leaver_rate")
    raw.line("RWE-workforce", "workforce_flows", 6, {"2016/17": 12}, **flows, measure="joiners_overseas")
    raw.line("RWE-workforce", "workforce_flows", 7, {"2016/17": 3}, **flows, measure="transfers_out")

    target = {
        "scenario": "all", "subject": "beds", "parameter": "occupancy_target", "applies_to": "all", "unit": "share",
        "source": "Guidance",
    }  # fmt: skip
    raw.line("QK1-assumptions", "assumptions", 5, {"2015/16": 0.85}, **target, estimate="low")
    raw.line("QK1-assumptions", "assumptions", 6, {"2015/16": 0.9, "2016/17": 0.9}, **target, estimate="central")
    raw.line("QK1-assumptions", "assumptions", 7, {"2015/16": 95}, **target | {"unit": "per cent"}, estimate="high")
    raw.line(
        "QK1-assumptions", "assumptions", 8, {"2016/17": 0.8}, **target | {"applies_to": "adult_general_acute"},
        estimate="central",
    )  # fmt: skip
    raw.line(
        "QK1-assumptions", "scenarios", 5, scenario="late", scenario_name="Six months late", parent_scenario="plan",
        scheme_code="all", slip_months=6,
    )  # fmt: skip

    waits = {
        "indicator_code": "I01", "indicator": "Seen in four hours", "aim": "care_quality", "priority": "1",
        "direction": "higher_is_better", "kind": "percentage",
    }  # fmt: skip
    raw.line("RWE-april", "indicators", 5, {"2017-04": 760}, **waits, measure="numerator")
    raw.line("RWE-april", "indicators", 6, {"2017-04": 1000}, **waits, measure="denominator")
    raw.line("RWE-may", "indicators", 5, {"2017-04": 770, "2017-05": 810}, **waits, measure="numerator")
    raw.line("RWE-may", "indicators", 6, {"2017-04": 1000, "2017-05": None}, **waits, measure="denominator")
    raw.line(
        "RWE-may", "indicators", 7, {"2017-04": None, "2017-05": 95}, **waits | {"indicator": "Target"},
        measure="target",
    )  # fmt: skip
    raw.line(
        "RWE-may", "milestones", 5, milestone_code="M01", milestone="Case approved", scheme_code="C01", priority="4",
        is_critical=True, baseline_date=date(2017, 3, 31), forecast_date=date(2017, 6, 30),
    )  # fmt: skip
    raw.line(
        "RWE-may", "control_limits", 5, indicator_code="I01", decision="start_again", first_month=date(2017, 5, 20),
        reason="A second ward opened",
    )  # fmt: skip

    for measure, sector, beds in [("available", "total", 1700.5), ("available", "general_acute", 1530.8),
                                  ("occupied", "general_acute", 1195.2), ("occupied", "maternity", None)]:  # fmt: skip
        raw.line(
            "KH03", "nhs_kh03", 20, organisation_code="RWE", organisation_name="UHL", measure=measure,
            sector=sector, beds=beds,
        )  # fmt: skip
    for measure, beds in (("430 Geriatric Medicine", 1195.2), ("501 Obstetrics", None)):
        raw.published("KH03", "nhs_kh03_specialties", "-", organisation_code="RWE", measure=measure, value=beds)
    raw.rows["publications"].append(
        {
            "submission_id": "KH03", "publication": "nhs_kh03", "period": "2020/21 Q1",
            "published_on": date(2020, 8, 20), "revised_on": None,
        }
    )  # fmt: skip

    leicester = {"organisation_code": "RWE", "organisation_name": "UHL"}
    beds = leicester | {"first_day": date(2016, 12, 1)}
    raw.published("sitrep", "nhs_sitrep", "1642", **beds, measure="ga_beds_open", value=1642)
    raw.published("sitrep", "nhs_sitrep", "5", **beds, measure=None, value=5)
    raw.published("sitrep", "nhs_sitrep", None, **beds, measure="ga_beds_occupied", value=None)
    delays = {"measure": "not_meeting_criteria_to_reside"}
    for day, received, value in ((18, "400", 400), (19, "-", None)):
        when = leicester | {"first_day": date(2022, 6, day)}
        raw.published("acute", "nhs_discharges_acute", received, **when, **delays, value=value)
    june = leicester | {"first_day": date(2022, 6, 1), "last_day": date(2022, 6, 30)}
    raw.published("acute", "nhs_discharges_acute", "12.5", **june, measure="delayed_by.no_plan", value=12.5)
    april = leicester | {"first_day": date(2024, 4, 30)}
    for measure, value in (("attendances.type_1", 21378), ("over_4_hours.type_1", 8850)):
        raw.published("emergency", "nhs_emergency", str(value), **april, measure=measure, value=value)
    for code, attendances, waits in (("RX1", 100, 50), ("R0A", 100, 10)):
        other = april | {"organisation_code": code}
        for measure, value in (("attendances.type_1", attendances), ("over_4_hours.type_1", waits)):
            raw.published("emergency", "nhs_emergency", str(value), **other, measure=measure, value=value)
    for measure, value in (("days_available", 3000), ("days_lost", 150), ("published_pct", 5)):
        raw.published("absence", "nhs_absence", str(value), **april, measure=measure, value=value)
    raw.published("staff", "nhs_workforce", "9.6", **april, staff_group="Midwives", measure="staff_wte", value=9.6)
    raw.line(
        "nationality", "nhs_nationality", 15, organisation_code="RT5", organisation_name="LPT", nationality="eu",
        staff_group="doctors", headcount=17,
    )  # fmt: skip
    for variant, year in (("v0", "2023"), ("v1", "2024")):
        area = {"area_code": "E06000016", "variant": variant, "year": year, "age": "90"}
        raw.published("people", "nhs_population", "70", **area, measure="female", value=70)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    for layer in ("reference", "raw", "core", "mart"):
        connection.execute(f"create schema {layer}")
    connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
    for name, contract in contracts().items():
        if contract.is_list:
            columns = ", ".join(f"{c.name}::{c.type} as {c.name}" for c in contract.columns)
            path = SQL / "reference" / f"{contract.table}.csv"
            connection.execute(
                f"create table {name} as select {columns} from read_csv('{path}', all_varchar = true, header = true)"
            )
    connection.execute(
        "create table raw.submissions (submission_id varchar primary key, template varchar, organisation_code varchar, "
        "period varchar, data_status varchar, status varchar)"
    )
    connection.executemany("insert into raw.submissions values (?, ?, ?, ?, ?, ?)", RETURNS)
    connection.execute("create table raw.sheets (submission_id varchar, table_name varchar, quarantined_count integer)")
    connection.execute("insert into raw.sheets values ('RT5-activity', 'activity', 1)")
    raw = RawTables()
    fill(raw)
    raw.load(connection)
    for name in CORE:
        connection.execute(f"create table {name} as {sql_of(name)}")
        connection.execute(
            f"create view {name}_current as select * from {name} "
            "where submission_id in (select submission_id from raw.submissions where status = 'accepted')"
        )
    connection.execute(f"create table mart.bed_base_activity as {sql_of('mart.bed_base_activity')}")
    made = project({read: connection.execute(f"select * from {read}").df() for read in READ_BY_THE_PROJECTION})
    for name in PROJECTED:
        columns = ", ".join(f"{c.name}::{c.type} as {c.name}" for c in contracts()[name].columns)
        connection.register("made", pa.Table.from_pandas(made[name], preserve_index=False))
        connection.execute(f"create table {name} as select {columns} from made")
    for name in MARTS:
        connection.execute(f"create or replace table {name} as {sql_of(name)}")
    yield connection
    connection.close()


def sql_of(name: str) -> str:
    return (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")


def rows(connection: duckdb.DuckDBPyConnection, select: str) -> list[dict[str, Any]]:
    cursor = connection.execute(select)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def only(connection: duckdb.DuckDBPyConnection, select: str) -> dict[str, Any]:
    found = rows(connection, select)
    assert len(found) == 1
    return found[0]


# -- every table


@pytest.mark.parametrize("name", [*CORE, *MARTS])
def test_sql_reads_as_the_house_writes_it(name: str) -> None:
    sql = sql_of(name)
    assert sql.startswith("-- One row per ")
    assert max(map(len, sql.splitlines())) <= 120
    parsed = json.loads(duckdb.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])
    assert not parsed["error"]
    assert parsed["statements"][0]["node"]["select_list"][0]["class"] != "STAR"


@pytest.mark.parametrize("name", [*CORE, *MARTS])
def test_columns_and_types_are_the_contract_s_in_order(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    found = [(row[0], row[1]) for row in warehouse.execute(f"describe {name}").fetchall()]
    promised = [
        (c.name, warehouse.execute(f"select typeof(null::{c.type})").fetchone()[0]) for c in CONTRACTS[name].columns
    ]
    assert found == promised


@pytest.mark.parametrize("name", [*CORE, *MARTS])
def test_rows_keep_the_contract(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    contract = CONTRACTS[name]
    assert warehouse.execute(f"select count(*) from {name}").fetchone()[0] > 0
    assert rows(warehouse, f"select {', '.join(contract.grain)} from {name} group by all having count(*) > 1") == []
    for column in contract.columns:
        broken = ["false"]
        if column.required:
            broken.append(f"{column.name} is null")
        if column.minimum is not None:
            broken.append(f"{column.name} < {column.minimum}")
        if column.maximum is not None:
            broken.append(f"{column.name} > {column.maximum}")
        if column.values:
            broken.append(f"{column.name} not in {(*column.values, '')}")
        if column.list:
            only = f"where list_name = '{column.list.name}'" if column.list.name else ""
            broken.append(f"{column.name} not in (select {column.list.code} from {column.list.table} {only})")
        assert rows(warehouse, f"select {column.name} from {name} where {' or '.join(broken)}") == [], column.name


@pytest.mark.parametrize("name", [name for name in CORE if CONTRACTS[name].total])
def test_a_total_is_the_sum_of_the_readings_in_base_units(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    total = CONTRACTS[name].total
    received = warehouse.execute(
        f"select sum(reading.{VALUES[total.raw]}) from raw.{total.raw} join raw.submissions using (submission_id) "
        "where not is_quarantined and submissions.status in ('accepted', 'superseded')"
    ).fetchone()[0]
    found = warehouse.execute(f"select {total.expression} from {name}").fetchone()[0]
    assert float(found) == pytest.approx(received * total.scale, abs=0.01)


# -- each table


def test_activity_has_a_column_a_measure_each_with_its_cell(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = only(
        warehouse,
        "select * from core.activity where submission_id = 'RWE-activity' and scenario = 'plan' and "
        "financial_year = '2016/17' "
        "and specialty_group = 'general_medicine'",
    )
    assert (row["spells"], row["bed_days"], row["attendances"], row["contacts"]) == (950, 32850, None, None)
    assert (row["spells_cell"], row["bed_days_cell"], row["contacts_cell"], row["sheet"]) == (
        "J5",
        "J6",
        None,
        "Activity",
    )
    assert (row["round"], row["organisation_code"], row["is_illustrative"]) == ("2016-11", "RWE", True)
    assert (row["sector"], row["bed_definition"]) == ("adult_general_acute", "stp_acute")


def test_activity_without_beds_has_no_sector(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = only(warehouse, "select * from core.activity where attendances is not null")
    assert (row["attendances"], row["sector"], row["bed_definition"]) == (200, None, None)


def test_blank_quarantined_and_refused_rows_are_left_out_and_zero_is_kept(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(warehouse, "select financial_year, contacts from core.activity where contacts is not null") == [
        {"financial_year": "2015/16", "contacts": 0}
    ]
    assert rows(warehouse, "select * from core.activity where age_band = '85+' and financial_year = '2016/17'") == []
    assert rows(warehouse, "select * from core.activity where submission_id = 'RWE-activity-bad'") == []


def test_history_is_kept_and_the_current_view_has_the_latest(warehouse: duckdb.DuckDBPyConnection) -> None:
    select = "select spells from {} where financial_year = '2016/17' and spells is not null order by spells"
    assert rows(warehouse, select.format("core.activity")) == [{"spells": 900}, {"spells": 950}]
    assert rows(warehouse, select.format("core.activity_current")) == [{"spells": 950}]


def test_beds_keep_definitions_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select bed_definition, available_beds, occupied_beds, available_cell, occupied_cell from core.beds "
        "where site_code = 'RWEAA' and financial_year = '2016/17' order by all",
    )
    assert [tuple(row.values()) for row in found] == [
        ("kh03_general_acute", 80, None, "E9", None),
        ("stp_acute", 100, 99, "F5", "F6"),
    ]


def test_bed_schemes_are_lines_and_their_claims_years(warehouse: duckdb.DuckDBPyConnection) -> None:
    lines = rows(
        warehouse,
        "select row_number, mechanism, phase_in_months, shortened_nights, shortened_nights_cell, start_date "
        "from core.bed_schemes "
        "order by row_number",
    )
    assert [tuple(row.values()) for row in lines] == [
        (5, "shorten_stay", 0, 0.5, "M5", date(2016, 7, 1)),
        (6, "open", 6, None, "M6", date(2016, 7, 1)),
    ]
    claims = rows(
        warehouse, "select row_number, financial_year, claimed_beds, cell from core.bed_scheme_claims order by all"
    )
    assert [tuple(row.values()) for row in claims] == [(5, "2016/17", -12.5, "S5"), (6, "2016/17", 4, "S6")]


def test_money_is_pounds_to_the_penny(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select line, flow, scope, amount_gbp::varchar as amount_gbp, cell from core.income_expenditure "
        "where amount_gbp != 0 order by line",
    )
    assert [tuple(row.values()) for row in found] == [
        ("Acute contract", "income", "nhs", "1234567.80", "H5"),
        ("Grant", "income", "local_authority", "-10.00", "H5"),
        ("Wages", "cost", "nhs", "1000000.00", "H6"),
    ]
    capital = only(warehouse, "select amount_gbp::varchar as amount_gbp, source, status, cell from core.capital")
    assert tuple(capital.values()) == ("45500000.00", "external", "planned", "F5")


def test_every_category_flows_as_the_code_list_says(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select distinct code, flow, description from core.income_expenditure "
        "join reference.code_lists on list_name = 'finance_category' and code = category"
    ).fetchall()
    assert len(found) == len(CATEGORIES)
    assert [code for code, flow, description in found if not description.lower().startswith(flow)] == []


def test_savings_schemes_take_the_gross_saving_s_line(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select scheme_code, start_date, full_year_effect_gbp::varchar as gbp, full_year_effect_share as share, "
        "full_year_effect_cell "
        "from core.savings_schemes order by scheme_code",
    )
    assert [tuple(row.values()) for row in found] == [
        ("S01", date(2016, 10, 1), "501000.00", None, "J6"),
        ("S02", date(2016, 10, 1), None, 0.02, "J7"),
    ]


def test_savings_have_gross_and_investment_of_the_year(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select financial_year, gross_saving_gbp::varchar as gross, investment_gbp::varchar as investment, "
        "gross_saving_cell, "
        "investment_cell from core.savings order by financial_year",
    )
    assert [tuple(row.values()) for row in found] == [
        ("2015/16", None, "0.00", None, "L5"),
        ("2016/17", "250500.00", "10000.00", "M6", "M5"),
    ]


def test_workforce_keeps_its_measures_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select wte, headcount, pay_cost_gbp::varchar as pay_cost_gbp, wte_cell, headcount_cell, pay_cost_cell "
        "from core.workforce "
        "order by financial_year",
    )
    assert [tuple(row.values()) for row in found] == [
        (100.5, 120, "4000250.00", "E5", "E6", "E7"),
        (99, None, None, "F5", None, None),
    ]
    flows = only(
        warehouse,
        "select leaver_rate_share, retirement_rate_share, joiners_overseas_wte, transfers_out_wte, transfers_out_cell "
        "from core.workforce_flows",
    )
    assert tuple(flows.values()) == (0.101, None, 12, 3, "E7")


def test_assumptions_have_a_column_an_estimate(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select applies_to, financial_year, unit, has_one_unit, low_value, central_value, high_value, central_cell "
        "from core.assumptions order by all",
    )
    assert [tuple(row.values()) for row in found] == [
        ("adult_general_acute", "2016/17", "share", True, None, 0.8, None, "H8"),
        ("all", "2015/16", "share", False, 0.85, 0.9, 95, "H6"),
        ("all", "2016/17", "share", True, None, 0.9, None, "I6"),
    ]
    change = only(
        warehouse, "select scenario, scheme_code, slip_months, delivered_share, slip_months_cell from core.scenarios"
    )
    assert tuple(change.values()) == ("late", "all", 6, None, "E5")


def test_indicators_keep_each_return_s_restatement(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select return_month, month, indicator_name, numerator, denominator, target, numerator_cell from "
        "core.indicators order by all",
    )
    assert [tuple(row.values()) for row in found] == [
        ("2017-04", "2017-04", "Seen in four hours", 760, 1000, None, "H5"),
        ("2017-05", "2017-04", "Seen in four hours", 770, 1000, None, "H5"),
        ("2017-05", "2017-05", "Seen in four hours", 810, None, 95, "I5"),
    ]
    milestone = only(
        warehouse, "select month, milestone_name, forecast_date, actual_date, forecast_date_cell from core.milestones"
    )
    assert tuple(milestone.values()) == ("2017-05", "Case approved", date(2017, 6, 30), None, "G5")
    limits = only(warehouse, "select return_month, first_month_starts_on, first_month_cell from core.control_limits")
    assert tuple(limits.values()) == ("2017-05", date(2017, 5, 1), "C5")  # any day of the month


def test_nhs_beds_carry_their_own_definition(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select quarter, sector, bed_definition, published_on, revised_on, available_beds, occupied_beds from "
        "core.nhs_beds "
        "order by sector",
    )
    assert [tuple(row.values()) for row in found] == [
        ("2020/21 Q1", "general_acute", "kh03_general_acute", date(2020, 8, 20), None, 1530.8, 1195.2),
        ("2020/21 Q1", "maternity", "kh03_maternity", date(2020, 8, 20), None, None, None),
        ("2020/21 Q1", "total", "kh03_total", date(2020, 8, 20), None, 1700.5, None),
    ]


def test_a_specialty_belongs_to_its_sector(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select quarter, opening, specialty_code, specialty_name, sector, occupied_beds, missing_as "
        "from core.nhs_beds_by_specialty order by specialty_code",
    )
    assert [tuple(row.values()) for row in found] == [
        ("2020/21 Q1", "overnight", "430", "Geriatric Medicine", "general_acute", 1195.2, None),
        ("2020/21 Q1", "overnight", "501", "Obstetrics", "maternity", None, "-"),
    ]


# -- bed capacity


def trajectory(connection: duckdb.DuckDBPyConnection, condition: str) -> list[tuple]:
    """Distinct over the quarters: census, target, needed, planned, headroom, occupancy."""
    found = connection.execute(
        "select distinct mean_census_beds, occupancy_target_share, needed_beds, planned_beds, headroom_beds, "
        "implied_occupancy_share "
        f"from mart.bed_capacity_trajectories where {condition}"
    ).fetchall()
    return [tuple(value if value is None else round(value, 6) for value in row) for row in found]


@pytest.mark.parametrize(
    ("condition", "by_hand"),
    [
        # 36,600 + 3,660 bed days / 366 days = 110; / 0.9 = 122.222; the target of all, where the sector has none
        ("site_code = 'RWEAA' and scenario = 'plan' and financial_year = '2015/16' and method = 'modelled'",
         (110, 0.9, 122.222222, 130, 7.777778, 0.846154)),
        # 32,850 / 365 = 90; / the sector's own 0.8 = 112.5, against the plan's beds
        ("site_code = 'RWEAA' and scenario = 'do_nothing' and financial_year = '2016/17' and method = 'submitted'",
         (90, 0.8, 112.5, 100, -12.5, 0.9)),
        # occupied 99 / 0.8
        ("site_code = 'RWEAA' and scenario = 'plan' and financial_year = '2016/17' and method = 'submitted'",
         (99, 0.8, 123.75, 100, -23.75, 0.99)),
        # a closed site: beds of 0 and no activity
        ("site_code = 'RWEAK' and scenario = 'plan' and method = 'modelled' and financial_year = '2016/17'",
         (None, 0.8, None, 0, None, None)),
        ("site_code = 'RWEAK' and scenario = 'plan' and method = 'submitted'", (0, 0.8, 0, 0, 0, None)),
        # another provider's patients count at the site where they lie: 7,300 / 365 = 20; / 0.9
        ("site_code = 'RT5-HIN' and organisation_code = 'RT5' and scenario = 'do_nothing' and method = 'submitted'",
         (20, 0.9, 22.222222, 24, 1.777778, 0.833333)),
        # beds without activity
        ("site_code = 'RT5-HIN' and scenario = 'plan' and method = 'submitted'", (None, 0.9, None, 24, None, None)),
        # and none in the base year to project
        ("site_code = 'RT5-HIN' and scenario = 'plan' and method = 'modelled' and financial_year = '2016/17'",
         (None, 0.9, None, 24, None, None)),
        # activity without beds
        ("site_code is null and organisation_code = 'RT5' and method = 'submitted'",
         (10, 0.9, 11.111111, None, None, None)),
    ],
)  # fmt: skip
def test_trajectory_by_hand(warehouse: duckdb.DuckDBPyConnection, condition: str, by_hand: tuple) -> None:
    assert trajectory(warehouse, condition) == [by_hand]


def test_trajectories_have_four_quarters_and_no_other_definition(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select quarter, days, is_illustrative from mart.bed_capacity_trajectories "
        "where site_code = 'RWEAA' and scenario = 'plan' and method = 'modelled' and financial_year = '2016/17' "
        "order by quarter",
    )
    assert [tuple(row.values()) for row in found] == [
        ("2016/17 Q1", 91, True), ("2016/17 Q2", 92, True), ("2016/17 Q3", 92, True), ("2016/17 Q4", 90, True),
    ]  # fmt: skip
    assert (
        rows(
            warehouse,
            "from mart.bed_capacity_trajectories where bed_definition like 'kh03%' or organisation_code = '04C'",
        )
        == []
    )


def total(connection: duckdb.DuckDBPyConnection, definition: str, area: str, scenario: str = "do_nothing") -> tuple:
    row = only(
        connection,
        "select needed_beds, needed_beds_rounded, planned_beds, headroom_beds, is_complete, is_illustrative "
        f"from mart.bed_capacity_totals where bed_definition = '{definition}' and area = '{area}' "
        f"and scenario = '{scenario}' and method = 'submitted' and financial_year = '2016/17'",
    )
    return tuple(round(value, 6) if isinstance(value, float) else value for value in row.values())


def test_totals_round_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert total(warehouse, "stp_acute", "system") == (112.5, 113, 100, -12.5, True, True)
    assert total(warehouse, "stp_community", "RT5") == (22.222222, 23, 24, 1.777778, True, True)
    # 112.5 + 22.222 = 134.722: 135 beds, where 113 + 23 would be 136
    assert total(warehouse, "stp_acute_and_community", "system") == (134.722222, 135, 124, -10.722222, True, True)


def test_totals_say_where_a_side_is_missing(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert total(warehouse, "stp_mental_health", "system") == (11.111111, 12, None, None, False, False)
    assert total(warehouse, "stp_community", "system", "plan") == (None, None, 24, None, False, False)
    assert total(warehouse, "stp_acute", "RWE", "plan") == (123.75, 124, 100, -23.75, True, False)


def test_a_line_given_twice_breaks_the_grain_in_the_open(warehouse: duckdb.DuckDBPyConnection) -> None:
    """A duplicate that nobody kept back shows as a broken grain, not as a figure that quietly won."""
    with warehouse.cursor() as connection:
        connection.begin()
        connection.execute("insert into raw.capital select * from raw.capital")
        connection.execute(f"create or replace table core.capital as {sql_of('core.capital')}")
        assert connection.execute("select count(*) from core.capital").fetchone()[0] == 2
        connection.rollback()


def test_the_return_s_kh03_beds_stand_against_those_published(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Published: 1,301.2 occupied in 2015/16. The limits are not among these assumptions: no verdict."""
    found = only(warehouse, "select * exclude (round) from mart.bed_calibration")
    assert tuple(found.values()) == ("RWE", "2015/16", 1000, 1301.2, pytest.approx(1.3012), "not known")


def test_of_quarters_alike_the_first_is_the_worst(warehouse: duckdb.DuckDBPyConnection) -> None:
    """As submitted the quarters of a year are alike: 12.5 too few in each of 2016/17, nothing done."""
    found = only(
        warehouse,
        "select first_quarter, quarter_count, most_short_beds, worst_quarter from mart.bed_first_shortfalls "
        "where site_code = 'RWEAA' and scenario = 'do_nothing' and method = 'submitted'",
    )
    assert tuple(found.values()) == ("2016/17 Q1", 4, pytest.approx(12.5), "2016/17 Q1")


# -- published statistics


def test_a_value_that_is_missing_says_what_stood_there(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute("select date, value, missing_as from core.nhs_discharges order by date").fetchall()
    assert found == [(date(2022, 6, 18), 400, None), (date(2022, 6, 19), None, "-")]
    found = warehouse.execute("select measure, value, missing_as from core.nhs_sitrep order by measure").fetchall()
    assert found == [("ga_beds_occupied", None, "blank"), ("ga_beds_open", 1642, None)]


def test_a_reason_of_delay_is_of_its_month_and_not_of_a_day(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select first_date, last_date, measure, category, value from core.nhs_discharge_breakdowns"
    ).fetchall()
    assert found == [(date(2022, 6, 1), date(2022, 6, 30), "delayed_by", "no_plan", 12.5)]


def test_absence_is_worked_out_anew(warehouse: duckdb.DuckDBPyConnection) -> None:
    """3,000 days available in the 30 days of April are 100 whole-time equivalents; 150 lost are 5%."""
    select = "select month, implied_wte, absence_share, published_share from core.nhs_absence"
    assert warehouse.execute(select).fetchall() == [("2024-04", 100, 0.05, 0.05)]


def test_a_measure_and_its_type_are_two_columns(warehouse: duckdb.DuckDBPyConnection) -> None:
    select = (
        "select month, measure, type, value from core.nhs_emergency where organisation_code = 'RWE' order by measure"
    )
    found = warehouse.execute(select).fetchall()
    assert found == [("2024-04", "attendances", "type_1", 21378), ("2024-04", "over_4_hours", "type_1", 8850)]


def test_a_headcount_is_of_the_month_that_the_title_names(warehouse: duckdb.DuckDBPyConnection) -> None:
    select = "select month, organisation_code, staff_group, nationality, headcount from core.nhs_nationality"
    assert warehouse.execute(select).fetchall() == [("2016-09", "RT5", "doctors", "eu", 17)]


def test_estimates_and_projections_are_told_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute("select year, basis from core.population order by year").fetchall()
    assert found == [(2023, "estimate"), (2024, "projection")]


def test_a_plan_is_compared_with_the_published_figure_of_its_definition(warehouse: duckdb.DuckDBPyConnection) -> None:
    """KH03 of 2015/16 has 1,301.2 general and acute beds occupied; the return has 1,000 under the same definition."""
    row = only(
        warehouse,
        "select * from mart.plan_against_actuals where organisation_code = 'RWE' and financial_year = '2015/16' "
        "and measure = 'occupied_beds' and planned_definition = actual_definition",
    )
    assert (row["planned_value"], row["actual_value"], row["verdict"]) == (1000, 1301.2, "compared")
    assert row["difference"] == pytest.approx(301.2)
    assert (row["reason"], row["actual_source"]) == (None, "reference.kh03_outturn")


def test_figures_of_two_definitions_are_not_subtracted(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        "select verdict, difference, reason from mart.plan_against_actuals where planned_definition = 'stp_acute' "
        "and organisation_code = 'RWE'",
    )
    assert len(found) == 6  # two years: available, occupied, and the share
    assert {(row["verdict"], row["difference"]) for row in found} == {("definitions differ", None)}
    assert all("plan's own count" in row["reason"] for row in found)


def test_a_comparison_without_a_difference_says_why(warehouse: duckdb.DuckDBPyConnection) -> None:
    wrong = "(difference is null) <> (reason is not null) or (verdict = 'compared') <> (difference is not null)"
    assert rows(warehouse, f"select * from mart.plan_against_actuals where {wrong}") == []


def test_a_trust_s_place_among_its_peers(warehouse: duckdb.DuckDBPyConnection) -> None:
    """8,850 of 21,378 is 41.4%, between 10% and 50%: second of three, who cannot be in quarters."""
    row = only(warehouse, "select * from mart.peer_comparison where measure = 'over_4_hours'")
    assert (row["organisation_code"], row["rank"], row["peers"], row["quartile"]) == ("RWE", 2, 3, None)
    assert row["value_share"] == row["median_share"] == pytest.approx(8850 / 21378)


def test_a_day_that_was_not_submitted_is_in_neither_part_of_a_share(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Nobody's remaining patients are in, so that there is no delay to compare: not one of 0."""
    assert rows(warehouse, "select * from mart.peer_comparison where measure = 'discharge_delay'") == []
