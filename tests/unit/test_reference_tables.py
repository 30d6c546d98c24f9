"""The reference tables hold what their contracts promise, and their own sums are right."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from llr_pipeline.contracts import Contract, ContractError, read_contract
from llr_pipeline.paths import SQL

FOLDER = SQL / "reference"
TABLES = sorted(path.stem for path in FOLDER.glob("*.csv"))
NUMBERS = ("integer", "bigint", "smallint", "double", "decimal")


def contract_of(table: str) -> Contract:
    return read_contract(FOLDER / f"{table}.toml")


def load(table: str) -> duckdb.DuckDBPyConnection:
    """A connection with `received` (text as written) and `typed` (the contract's types)."""
    connection = duckdb.connect()
    connection.execute(
        "create table received as from read_csv(?, all_varchar = true, header = true, delim = ',', quote = '\"')",
        [str(FOLDER / f"{table}.csv")],
    )
    columns = ", ".join(f'cast("{c.name}" as {c.type}) as "{c.name}"' for c in contract_of(table).columns)
    connection.execute(f"create table typed as select {columns} from received")
    return connection


def rows(table: str) -> list[dict]:
    cursor = load(table).execute("select * from typed")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def count(connection: duckdb.DuckDBPyConnection, condition: str, table: str = "typed") -> int:
    return connection.execute(f"select count(*) from {table} where {condition}").fetchone()[0]


def allowed_codes(listed) -> set[str]:
    found = rows(listed.table.removeprefix("reference."))
    return {row[listed.code] for row in found if listed.name is None or row["list_name"] == listed.name}


def figures() -> dict[tuple[str, str], dict]:
    return {(row["figure_code"], row["document"]): row for row in rows("published_figures")}


def printed(figure_code: str, document: str = "press_release") -> Decimal:
    return figures()[figure_code, document]["value"]


# every table, whoever wrote it


def test_every_csv_has_a_contract():
    assert TABLES
    assert all((FOLDER / f"{table}.toml").exists() for table in TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_contract_says_what_a_row_is(table):
    contract = contract_of(table)
    assert contract.description.startswith("One row per ")
    assert contract.group == "reference"
    assert contract.grain


@pytest.mark.parametrize("table", TABLES)
def test_header_is_the_contract(table):
    header = (FOLDER / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == [column.name for column in contract_of(table).columns]


@pytest.mark.parametrize("table", TABLES)
def test_no_value_is_lost_in_its_type(table):
    connection = load(table)
    for column in contract_of(table).columns:
        name = f'"{column.name}"'
        compared = "double" if column.type.lower().startswith(NUMBERS) else "varchar"
        changed = f"cast({name} as {compared}) <> cast(cast({name} as {column.type}) as {compared})"
        assert count(connection, changed, "received") == 0, column.name


@pytest.mark.parametrize("table", TABLES)
def test_grain_is_unique_and_complete(table):
    connection = load(table)
    key = ", ".join(f'"{name}"' for name in contract_of(table).grain)
    repeated = connection.execute(f"select {key} from typed group by all having count(*) > 1").fetchall()
    assert repeated == []
    assert all(count(connection, f'"{name}" is null') == 0 for name in contract_of(table).grain)


@pytest.mark.parametrize("table", TABLES)
def test_columns_keep_their_limits(table):
    connection = load(table)
    for column in contract_of(table).columns:
        name = f'"{column.name}"'
        assert not (column.required and count(connection, f"{name} is null")), column.name
        assert column.minimum is None or count(connection, f"{name} < {column.minimum}") == 0, column.name
        assert column.maximum is None or count(connection, f"{name} > {column.maximum}") == 0, column.name
        if column.values or column.list:
            found = {row[0] for row in connection.execute(f"select distinct {name} from typed").fetchall()} - {None}
            assert found <= (set(column.values) or allowed_codes(column.list)), column.name


# organisations, sites and returns


@pytest.mark.parametrize("table", ["organisation_roles", "sites", "expected_returns"])
def test_organisations_exist(table):
    known = {row["organisation_code"] for row in rows("organisations")}
    assert {row["organisation_code"] for row in rows(table)} <= known


def test_every_organisation_has_a_role():
    assert {r["organisation_code"] for r in rows("organisation_roles")} == {
        r["organisation_code"] for r in rows("organisations")
    }


def test_returns_are_owed_in_a_role_that_is_held_in_every_round():
    roles = {(r["organisation_code"], r["role"]): (r["starts_on"], r["ends_on"]) for r in rows("organisation_roles")}
    for owed in rows("expected_returns"):
        starts_on, ends_on = roles[owed["organisation_code"], owed["role"]]
        for planning_round in rows("rounds"):
            assert starts_on <= planning_round["due_on"]
            assert ends_on is None or planning_round["due_on"] <= ends_on


def test_a_round_is_23_returns_and_one_set_of_assumptions():
    owed = [row["template"] for row in rows("expected_returns") if row["frequency"] == "round"]
    assert len([template for template in owed if template != "assumptions"]) == 23
    assert owed.count("assumptions") == 1


def test_three_organisations_owe_monitoring_each_month():
    monthly = [row for row in rows("expected_returns") if row["frequency"] == "month"]
    assert {(row["organisation_code"], row["template"]) for row in monthly} == {
        ("RWE", "monitoring"), ("RT5", "monitoring"), ("QK1", "monitoring"),
    }  # fmt: skip


def test_local_site_codes_do_not_look_like_nhs_codes():
    for site in rows("sites"):
        assert site["site_code"].startswith(site["organisation_code"])
        assert ("-" in site["site_code"]) == (site["code_kind"] == "local")


def test_eight_community_hospitals_had_wards():
    hospitals = [row for row in rows("sites") if row["site_kind"] == "community_hospital"]
    assert len(hospitals) == printed("community_hospitals_with_wards_before", "slides") == 8


# days


def test_days_are_those_between_the_dates():
    for row in rows("financial_years") + rows("quarters"):
        assert row["days"] == (row["ends_on"] - row["starts_on"]).days + 1


def test_quarters_make_the_year():
    quarters = rows("quarters")
    for year in rows("financial_years"):
        own = [q for q in quarters if q["financial_year"] == year["financial_year"]]
        assert [q["quarter_number"] for q in own] == [1, 2, 3, 4]
        assert sum(q["days"] for q in own) == year["days"]
        assert (own[0]["starts_on"], own[-1]["ends_on"]) == (year["starts_on"], year["ends_on"])
    assert len(quarters) == 4 * len(rows("financial_years"))


def test_leap_years():
    days = {row["financial_year"]: row["days"] for row in rows("financial_years")}
    assert days["2015/16"] == 366
    assert {year for year, n in days.items() if n == 366} == {"2011/12", "2015/16", "2019/20", "2023/24", "2027/28"}


# line codes


def test_one_line_code_changes_its_meaning():
    meanings = {(row["planning_year"], row["line_code"]): row["meaning"] for row in rows("line_codes")}
    assert meanings["2016/17", "E.M.10a"].startswith("Ordinary")
    assert meanings["2024/25", "E.M.10a"].startswith("Day case")


# the ledger of published figures


@pytest.mark.parametrize(("kind", "share"), [("acute", "12.526"), ("community", "16.309"), ("total", "12.931")])
def test_bed_figures_add_up(kind, share):
    before, after = printed(f"{kind}_beds_before"), printed(f"{kind}_beds_after")
    reduction = printed(f"{kind}_beds_reduction")
    assert before - after == reduction
    assert round(100 * reduction / before, 3) == Decimal(share)


def test_acute_and_community_beds_make_the_total():
    for part in ("before", "after", "reduction"):
        assert printed(f"acute_beds_{part}") + printed(f"community_beds_{part}") == printed(f"total_beds_{part}")


def test_printed_shares_are_rounded_except_the_acute_one_which_is_cut_short():
    assert round(Decimal(100 * 38) / 233) == printed("community_beds_reduction_pct")
    assert round(Decimal(100 * 281) / 2173) == printed("total_beds_reduction_pct")
    assert round(Decimal(100 * 281) / 2173, 1) == printed("total_beds_reduction_pct", "briefing")
    assert round(Decimal(100 * 243) / 1940) == 13
    assert printed("acute_beds_reduction_pct") == 12


def test_community_staff_add_up():
    before, after = printed("community_staff_before", "briefing"), printed("community_staff_after", "briefing")
    assert before + 234 == after == 2505
    assert round(100 * (after - before) / before, 3) == Decimal("10.304")


def test_community_hospitals_add_up():
    before = printed("community_hospitals_with_wards_before", "slides")
    losing = printed("community_hospitals_losing_wards", "briefing")
    assert before - losing == printed("community_hospitals_with_wards_after", "slides")


def test_a_figure_says_the_same_wherever_it_is_printed():
    by_code: dict[str, list[dict]] = {}
    for row in rows("published_figures"):
        by_code.setdefault(row["figure_code"], []).append(row)
    for same in by_code.values():
        values = [row["value"] for row in same]
        assert max(values) - min(values) <= max(row["printed_precision"] for row in same) / 2
        assert len({(row["measure"], row["scope"], row["unit"], row["bed_definition"]) for row in same}) == 1


def test_values_are_whole_steps_of_what_was_printed():
    for row in rows("published_figures"):
        assert row["value"] % row["printed_precision"] == 0, row["figure_code"]


def test_bed_figures_alone_say_how_beds_were_counted():
    for row in rows("published_figures"):
        assert (row["subject"] == "beds") == (row["bed_definition"] is not None), row["figure_code"]


def test_funding_gaps_of_different_scope_stay_apart():
    gaps = {row["scope"]: row for row in rows("published_figures") if "funding_gap_earlier" in row["figure_code"]}
    assert gaps["nhs"]["value"] == 450_000_000
    assert gaps["local_authority"]["value"] == 70_000_000
    assert not any(row["value"] == 520_000_000 for row in rows("published_figures"))


def test_tables_with_the_same_columns_name_one_that_has_them(tmp_path):
    (tmp_path / "mart").mkdir()
    own = 'description = "One row per thing."\ngrain = ["thing"]\n[columns.thing]\ndescription = "The thing"\n'
    (tmp_path / "mart" / "things.toml").write_text(own, encoding="utf-8")
    others = 'description = "One row per other thing."\ngrain = ["thing"]\ncolumns_of = "mart.{}"\n'
    path = tmp_path / "mart" / "others.toml"
    path.write_text(others.format("things"), encoding="utf-8")
    assert read_contract(path).columns == read_contract(path.with_name("things.toml")).columns
    path.write_text(others.format("nothing"), encoding="utf-8")
    with pytest.raises(ContractError, match=r"there is no mart\.nothing"):
        read_contract(path)
    path.write_text(others.format("things") + '[columns.own]\ndescription = "Its own"\n', encoding="utf-8")
    with pytest.raises(ContractError, match=r"columns of its own and of mart\.things"):
        read_contract(path)
