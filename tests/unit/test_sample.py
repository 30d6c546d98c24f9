"""The sample system: published totals exactly, a later round that agrees, an earlier one with known disagreements."""

import csv
from collections import defaultdict
from datetime import date
from itertools import pairwise
from math import fsum

import pytest

from assets.sample.planted import PLANTS, plant
from assets.sample.rounds import DAYS, EARLIER, LATER, STARTS, YEARS, apportion, phase
from assets.sample.writer import PLANTED, lines_for, prepared_on, returns, write_sample
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates

BASE, END = YEARS[0], YEARS[-1]
NHS = ("RWE", "RT5", "RX9", "04C", "03W", "04V")
PROVIDERS, COMMISSIONERS, COUNCILS = NHS[:3], NHS[3:], ("E06000016", "E10000018", "E06000017")
INCOME = ("allocation", "contract_income", "other_income")


def lines(table, template, organisations, round_=LATER, planted=True, **wanted):
    """The lines of these organisations' returns whose attributes are as wanted; a tuple means any of these."""
    for organisation in (organisations,) if isinstance(organisations, str) else organisations:
        for line in lines_for(template, organisation, round_, planted=planted)[table]:
            if all(line.attributes[k] in (v if isinstance(v, tuple) else (v,)) for k, v in wanted.items()):
                yield line


def total(some):
    """Sum by year."""
    some = list(some)
    return [round(fsum(line.values[year] or 0 for line in some), 3) for year in YEARS]


def by_key(some, *names):
    """Sum by year for each combination of attributes."""
    groups = defaultdict(list)
    for line in some:
        groups[tuple(line.attributes[name] for name in names)].append(line)
    return {key: total(group) for key, group in groups.items()}


def minus(a, b):
    return [round(x - y, 3) for x, y in zip(a, b, strict=True)]


def money(organisations, round_, categories=None, scenario="do_nothing"):
    some = list(lines("income_expenditure", "finance", organisations, round_, scenario=scenario))
    return total(x for x in some if categories is None or x.attributes["category"] in categories)


def spent(organisations, round_, scenario="do_nothing"):
    return minus(money(organisations, round_, None, scenario), money(organisations, round_, INCOME, scenario))


def gap(organisations, round_, scenario="do_nothing"):
    return minus(spent(organisations, round_, scenario), money(organisations, round_, INCOME, scenario))


# -- the arithmetic underneath


def test_apportion_is_exact_and_in_steps():
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(-10, [1, 1, 1]) == [-4, -3, -3]
    assert apportion(1.0, [2, 1], 0.1) == [0.7, 0.3]
    assert fsum(apportion(1494.1, [770, 395, 445, 98, 14], 0.1)) == pytest.approx(1494.1, abs=1e-9)


def test_phase_is_the_mean_share_of_the_year():
    assert phase(date(2016, 4, 1), 0) == (0, 1, 1, 1, 1, 1)
    # a line from 1 October 2018 on, at once: 182 of 365 days
    assert phase(date(2018, 10, 1), 0)[3] == pytest.approx(182 / 365)
    # a straight line over 24 months is a quarter done on average in its first year
    assert phase(date(2016, 4, 1), 24)[1:4] == pytest.approx((0.25, 0.75, 1), abs=0.002)


# -- published totals


def test_beds_are_as_published():
    acute = list(lines("beds", "beds", "RWE", bed_definition="stp_acute", measure="available"))
    assert (total(acute)[0], total(acute)[-1]) == (1940, 1697)
    assert all(a >= b for a, b in pairwise(total(acute)))
    assert total(x for x in acute if x.attributes["site_code"] == "RWEAK")[-1] == 0
    community = list(lines("beds", "beds", "RT5", bed_definition="stp_community", measure="available"))
    assert (total(community)[0], total(community)[-1]) == (233, 195)
    sites = by_key(community, "site_code")
    assert len(sites) == 8
    assert sites["RT5-LUT",][-1] == sites["RT5-OAK",][-1] == 0
    assert sites["RT5-HIN",][-1] == sites["RT5-HIN",][0] / 2
    assert total(lines("beds", "beds", "RWE", bed_definition="kh03_general_acute", measure="available"))[0] == 1494.1
    assert total(lines("beds", "beds", "RWE", bed_definition="kh03_general_acute", measure="occupied"))[0] == 1301.2


def test_money_is_as_published():
    assert gap(NHS, LATER)[-1] == 399_300
    assert (gap(NHS, EARLIER)[-1], gap(COUNCILS, EARLIER)[-1]) == (450_000, 70_000)
    outside = money(NHS, LATER, ("allocation", "other_income"))
    assert (outside[0], outside[-1]) == (1_600_000, 1_800_000)
    everyone = (*NHS, *COUNCILS)
    bought = money(everyone, LATER, ("healthcare_bought",))
    assert minus(spent(everyone, LATER), bought)[1] == 2_121_000
    assert total(lines("savings", "finance", everyone, measure="gross_saving"))[-1] == 412_000
    assert sum(total(lines("capital", "finance", everyone))) == 350_000
    assert sum(total(lines("capital", "finance", everyone, source="external"))) == 250_000
    assert sum(total(lines("capital", "finance", everyone, EARLIER, source="external"))) == 400_000


@pytest.mark.parametrize("round_", [EARLIER, LATER])
def test_staff_are_as_published(round_):
    community = total(lines("workforce", "workforce", "RT5", round_, setting="community", measure="wte"))
    acute = total(lines("workforce", "workforce", "RWE", round_, setting="acute", measure="wte"))
    assert (community[0], community[-1], acute[-1] - acute[0]) == (2271, 2505, -1500)


# -- the later round agrees with itself


def test_provider_and_commissioner_agree_line_by_line():
    names = ("point_of_delivery", "specialty_group", "age_band", "scenario", "measure")
    provided = {
        (provider, *key): values
        for provider in PROVIDERS
        for key, values in by_key(
            lines("activity", "activity", provider, counterparty_code=COMMISSIONERS), "counterparty_code", *names
        ).items()
    }
    commissioned = {
        (key[0], commissioner, *key[1:]): values
        for commissioner in COMMISSIONERS
        for key, values in by_key(lines("activity", "activity", commissioner), "counterparty_code", *names).items()
    }
    assert provided == commissioned


def test_bed_days_are_occupied_beds_and_scenarios_share_a_base_year():
    sectors = {row["specialty_group"]: row["sector"] for row in read_reference().rows("specialty_groups")}
    for provider in ("RWE", "RT5"):
        days = defaultdict(lambda: [0.0] * len(YEARS))
        for line in lines("activity", "activity", provider, measure="bed_days", scenario="plan"):
            key = line.attributes["site_code"], sectors[line.attributes["specialty_group"]]
            days[key] = [a + b for a, b in zip(days[key], line.values.values(), strict=True)]
        definitions = ("stp_acute", "stp_community", "stp_mental_health")
        occupied = by_key(
            lines("beds", "beds", provider, measure="occupied", bed_definition=definitions), "site_code", "sector"
        )
        assert days.keys() == occupied.keys()
        for key, beds in occupied.items():
            assert days[key] == [round(b * d) for b, d in zip(beds, DAYS, strict=True)]
        names = ("site_code", "point_of_delivery", "specialty_group", "age_band", "counterparty_code", "measure")
        idle = by_key(lines("activity", "activity", provider, scenario="do_nothing"), *names)
        plan = by_key(lines("activity", "activity", provider, scenario="plan"), *names)
        assert idle.keys() == plan.keys()
        assert all(idle[key][0] == plan[key][0] for key in idle)


def test_claims_of_bed_schemes_are_the_change_of_every_ward_in_every_year():
    for provider, change in (("RWE", -243), ("RT5", -38)):
        claims = by_key(lines("bed_schemes", "beds", provider), "from_site_code", "from_sector")
        definitions = ("stp_acute", "stp_community")
        beds = by_key(
            lines("beds", "beds", provider, measure="available", bed_definition=definitions), "site_code", "sector"
        )
        assert {key: minus(values, values[:1] * len(YEARS)) for key, values in beds.items()} == claims
        assert total(lines("bed_schemes", "beds", provider))[-1] == change


def test_contract_income_is_healthcare_bought():
    sold, bought = {}, {}
    for organisation in (*NHS, *COUNCILS):
        flows = ("contract_income", "healthcare_bought")
        for line in lines("income_expenditure", "finance", organisation, category=flows):
            other, scenario = line.attributes["counterparty_code"], line.attributes["scenario"]
            if line.attributes["category"] == "contract_income":
                sold[other, organisation, scenario] = line.values
            else:
                bought[organisation, other, scenario] = line.values
    assert sold == bought


def test_the_plan_is_do_nothing_less_net_savings_by_pool():
    for organisation in (*NHS, *COUNCILS):
        schemes = by_key(lines("savings", "finance", organisation), "cost_pool", "measure")
        for pool in ("pay", "drugs", "capital_charges", "other_non_pay", "healthcare_bought", "pressure"):
            saved = minus(schemes.get((pool, "gross_saving"), [0] * 6), schemes.get((pool, "investment"), [0] * 6))
            idle, plan = (money(organisation, LATER, (pool,), scenario) for scenario in ("do_nothing", "plan"))
            assert minus(idle, plan) == saved, (organisation, pool)
            assert all(value >= 0 for value in plan)


def test_pay_is_the_workforce_returns_pay_cost():
    for organisation in (*PROVIDERS, *COUNCILS):
        assert money(organisation, LATER, ("pay",), "plan") == total(
            lines("workforce", "workforce", organisation, measure="pay_cost")
        )


def test_flows_lead_from_one_years_staff_to_the_next():
    for organisation in PROVIDERS:
        stock = by_key(
            lines("workforce", "workforce", organisation, measure="wte", contract="substantive"),
            "staff_group", "setting",
        )  # fmt: skip
        flows = by_key(lines("workforce_flows", "workforce", organisation), "staff_group", "setting", "measure")
        for (group, setting), staff in stock.items():
            mine = {key[2]: values for key, values in flows.items() if key[:2] == (group, setting)}
            inward = [sum(v[t] for m, v in mine.items() if m.startswith(("joiners", "transfers_in"))) for t in range(6)]
            for t in range(1, 6):
                kept = staff[t - 1] * (1 - mine["leaver_rate"][t] - mine["retirement_rate"][t])
                out = mine.get("transfers_out", [0] * 6)[t]
                assert kept + inward[t] - out == pytest.approx(staff[t], abs=0.051)
                assert all(values[t] >= 0 for values in mine.values())


def test_capital_ends_before_its_wards_open():
    opens = {x.attributes["scheme_code"]: x.attributes["start_date"] for o in ("RWE", "RT5")
             for x in lines("bed_schemes", "beds", o, mechanism="open")}  # fmt: skip
    checked = 0
    for line in lines("capital", "finance", NHS):
        if opening := opens.get(line.attributes["scheme_code"]):
            last = max(i for i, year in enumerate(YEARS) if line.values[year])
            assert date(STARTS[last].year + 1, 3, 31) < opening
            checked += 1
    assert checked == 6


def test_no_line_jumps_by_what_a_unit_slip_would_be():
    for key in returns():
        if key.period != LATER or key.template == "assumptions":
            continue
        for some in lines_for(key.template, key.organisation_code, key.period).values():
            for line in some:
                for a, b in pairwise(v for v in line.values.values() if v):
                    assert not any(abs(max(a / b, b / a) / slip - 1) < 0.08 for slip in (10, 100, 365, 1000)), line


# -- what is planted, and the whole


def test_what_is_planted_is_listed_and_leaves_the_later_round_alone():
    assert {about.kind for about in PLANTS} == {
        "provider_commissioner_activity", "activity_against_occupied_beds", "contract_income_against_bought",
        "bed_schemes_against_beds", "savings_against_finance", "wte_change_against_pay_cost", "unit_slip",
        "parts_against_wholes", "capital_against_opening",
    }  # fmt: skip
    changed, listed = 0, 0
    for key in returns():
        about = key.template, key.organisation_code, key.period
        clean, planted = lines_for(*about, planted=False), lines_for(*about)
        if key.period != EARLIER:
            assert clean == planted
            continue
        listed += len(plant(*about, clean)[1])
        for table, some in clean.items():
            for a, b in zip(some, planted[table], strict=True):
                changed += sum(a.values[name] != b.values[name] for name in a.values)
                changed += sum(a.attributes[name] != b.attributes[name] for name in a.attributes)
    assert changed == listed == 26


def test_every_line_fits_its_contract():
    reference, known = read_reference(), templates()
    cells = 0
    for key in returns():
        made = lines_for(key.template, key.organisation_code, key.period)
        for sheet in known[key.template].sheets:
            periods = reference.periods(sheet.period, key.period) if sheet.period else ()
            lists = {
                column.name: reference.labels(column.list, key.organisation_code)
                for column in sheet.attributes
                if column.list and column.type != "boolean"
            }
            some = made[sheet.table]
            assert len({tuple(line.attributes.get(name) for name in sheet.key) for line in some}) == len(some), key
            for line in some:
                assert set(line.values) <= set(periods)
                assert line.attributes.keys() == {c.name for c in sheet.attributes}
                for column in sheet.attributes:
                    value = line.attributes[column.name]
                    assert type(value) in (str, float, int, bool, date, type(None)), (key, column.name, type(value))
                    assert not column.required or value not in (None, ""), (key, column.name)
                    assert value is None or column.name not in lists or value in lists[column.name], (key, column.name)
                    if column.minimum is not None and value is not None:
                        assert value >= column.minimum
                    if column.maximum is not None and value is not None:
                        assert value <= column.maximum
                if sheet.value and sheet.value.minimum is not None:
                    assert all(v is None or v >= sheet.value.minimum for v in line.values.values()), (key, line)
                cells += sum(v is not None for v in line.values.values())
    assert len(returns()) == 84
    assert 60_000 < cells < 150_000


def test_covers_are_dated_before_the_round_is_due():
    due = {row["round"]: date.fromisoformat(row["due_on"]) for row in read_reference().rows("rounds")}
    for key in returns():
        day = prepared_on(key)
        assert day <= due[key.period] if key.period in due else day.day == 8 and f"{day:%Y-%m}" > key.period


def test_the_sample_is_written_the_same_twice(tmp_path, monkeypatch):
    few = [k for k in returns() if k.template != "activity" and k.period in (EARLIER, "2017-06")]
    monkeypatch.setattr("assets.sample.writer.returns", lambda: tuple(few))
    told = []
    first = write_sample(tmp_path / "a", progress=lambda *about: told.append(about))
    second = write_sample(tmp_path / "b")
    assert [p.name for p in first] == [p.name for p in second]
    # XlsxWriter adds to the options it is given, so that a process's first workbook may have another style sheet
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first[1:], second[1:], strict=True))
    assert told[-1] == (len(few), len(few), first[-1].name)
    assert "2016-10_RWE_beds.xlsx" in {p.name for p in first}
    with (tmp_path / "a" / PLANTED).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["round"] for row in rows} == {EARLIER}
    assert all(row["clean_value"] != row["planted_value"] for row in rows)
