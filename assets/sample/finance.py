"""Income and expenditure, savings and capital of the nine organisations, in GBP 000.

Published, and equalled exactly: the NHS gap of 2020/21 if nothing is done (399.3 m; 450 m in the earlier round) and the
councils' (70 m, kept in the later round, for which none was published); NHS money from outside the system 1.6 bn in
2015/16 -> 1.8 bn in 2020/21, that is allocations and other income, contracts between the nine left out; NHS and council
spend of 2016/17 together 2.121 bn, that is every cost but healthcare bought from one of the nine; 412 m of gross
savings. Illustrative: every line, split and year between. Capital is in `capital.py`.

A contract is one flow: what the commissioner books as bought is what the provider books as income, in both scenarios.
The plan is do nothing less each scheme's saving, plus its investment, in the line that it names. Pay of the plan is the
workforce return's pay cost, so do-nothing pay is that plus the pay schemes. What is left of an organisation's cost,
after pay and pressures, is shared over its other lines. The councils submit no savings. Do-nothing lines are without
support funding, plan lines with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from assets.sample.capital import capital_lines
from assets.sample.rounds import EARLIER, LATER, YEARS, Path, apportion, by_year, compound
from assets.sample.schemes import SCHEMES
from assets.sample.workforce import CONTRACTS, pay_cost
from llr_pipeline.templates import Line

NHS = ("RWE", "RT5", "RX9", "04C", "03W", "04V")
COUNCILS = ("E06000016", "E10000018", "E06000017")
NAMES = {
    "RWE": "University Hospitals of Leicester", "RT5": "Leicestershire Partnership", "RX9": "East Midlands Ambulance",
    "04C": "Leicester City CCG", "03W": "East Leicestershire and Rutland CCG", "04V": "West Leicestershire CCG",
    "E06000016": "Leicester City Council", "E10000018": "Leicestershire County Council",
    "E06000017": "Rutland County Council",
}  # fmt: skip

NHS_GAP = {
    EARLIER: (34_400, 92_000, 182_000, 272_000, 361_000, 450_000),
    LATER: (34_400, 84_000, 163_000, 243_000, 321_000, 399_300),
}
COUNCIL_GAP = (0, 9_000, 24_000, 40_000, 55_000, 70_000)
# 1.6 bn x 1.125^(year / 5) = 1.8 bn in 2020/21: 2.3836% a year
NHS_INCOME = tuple(round(1_600_000 * (1_800 / 1_600) ** (t / 5)) for t in range(len(YEARS)))
JOINT_SPEND_2016_17 = 2_121_000
COUNCIL_COST = (438_000, None, 469_000, 487_500, 506_000, 525_000)  # 2016/17 follows from the joint spend
GAP_SHARE_BEFORE = {"RWE": 34_100, "RT5": 0, "RX9": 300, "04C": 0, "03W": 0, "04V": 0}
GAP_SHARE_AFTER = {"RWE": 196_000, "RT5": 42_000, "RX9": 5_300, "04C": 52_000, "03W": 48_000, "04V": 56_000}
COUNCIL_SHARE = {"E06000016": 0.372, "E10000018": 0.571, "E06000017": 0.057}

# Commissioner buys from provider: GBP 000 in 2015/16, growth a year.
FLOWS: Mapping[tuple[str, str], tuple[int, float]] = {
    ("04C", "RWE"): (183_600, 0.029), ("03W", "RWE"): (157_900, 0.029), ("04V", "RWE"): (183_500, 0.029),
    ("04C", "RT5"): (82_300, 0.028), ("03W", "RT5"): (69_400, 0.028), ("04V", "RT5"): (78_300, 0.028),
    ("04C", "RX9"): (10_600, 0.031), ("03W", "RX9"): (9_100, 0.031), ("04V", "RX9"): (10_300, 0.031),
    ("04C", "E06000016"): (22_000, 0.019), ("03W", "E10000018"): (11_500, 0.019), ("03W", "E06000017"): (2_200, 0.019),
    ("04V", "E10000018"): (16_500, 0.019),
}  # fmt: skip
# Other income from outside the system: line, GBP 000 in 2015/16, growth a year, recurrent.
OTHER_INCOME = {
    "RWE": (
        ("Specialised and other commissioners", 236_000, 0.022, True),
        ("Education, research and other income", 88_000, 0.008, True),
    ),
    "RT5": (("Other commissioners and training", 45_000, 0.012, True),),
    "RX9": (("Training and other income", 600, 0.010, True),),
    "E06000016": (("Contributions from people who use services", 21_500, 0.020, True),),
    "E10000018": (("Contributions from people who use services", 38_000, 0.020, True),),
    "E06000017": (("Contributions from people who use services", 4_100, 0.020, True),),
}
ONE_OFF_INCOME = {"RWE": ("Transition support, not recurrent", (6_000, 2_500, 0, 0, 0, 0))}
ONE_OFF_COST = {"RWE": ("Moving into the emergency department, one-off", (0, 1_400, 1_900, 0, 0, 0))}
ALLOCATION_SHARE = {"04C": 421_000, "03W": 373_000, "04V": 430_400}

# Pressures: line, GBP 000 in 2020/21.
PRESSURE_PATH = (0, 0.18, 0.40, 0.60, 0.80, 1)
EARLIER_PRESSURE = 1.12
FORWARD_VIEW, CARE_RATES = "Five Year Forward View commitments", "Continuing care and nursing care rates"
PRESSURES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "RWE": (("Clinical negligence contributions", 14_000), ("Pensions and national insurance", 19_500),
            ("Seven-day services", 16_000), ("New drugs and devices", 22_000)),
    "RT5": (("Pensions and national insurance", 7_500), ("Mental health access standards", 12_000)),
    "RX9": (("Response time standards", 1_800),),
    "04C": ((FORWARD_VIEW, 22_700), (CARE_RATES, 9_800), ("General practice forward view", 5_200)),
    "03W": ((FORWARD_VIEW, 20_200), (CARE_RATES, 9_600), ("General practice forward view", 4_600)),
    "04V": ((FORWARD_VIEW, 23_100), (CARE_RATES, 10_600), ("General practice forward view", 5_200)),
    "E06000016": (("National living wage in care contracts", 9_600),),
    "E10000018": (("National living wage in care contracts", 14_800),),
    "E06000017": (("National living wage in care contracts", 1_500),),
}  # fmt: skip

# Provider inflation 2016/17-2020/21 by category, as published with the planning guidance.
INFLATION: Mapping[str, Path] = {
    "drugs": (0, 0.045, 0.046, 0.036, 0.041, 0.041), "capital_charges": (0, 0.031, 0.032, 0.032, 0.031, 0.031),
    "other_non_pay": (0, 0.017, 0.018, 0.021, 0.019, 0.020),
}  # fmt: skip
PAY_LINES = {"substantive": "Substantive staff", "bank": "Bank staff", "agency": "Agency staff"}
PAY_SAVING = (0.79, 0.01, 0.20)
RUNNING_COST_PAY = {"04C": 5_400, "03W": 4_900, "04V": 5_600}
RUNNING = "Running costs: pay"
SUPPLIES, PREMISES, DRUGS, CHARGES = "Supplies and services", "Premises and other", "Drugs", "Capital charges"
PRESCRIBING, CONTINUING, OUTSIDE = "Prescribing", "Continuing healthcare", "Hospitals outside the system"
PRIMARY, CARE = "Primary care and other services", "Care bought from other providers"
# Lines that share what is left: line, category, weight in the base year.
OTHER_LINES: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "RWE": ((DRUGS, "drugs", 92), (CHARGES, "capital_charges", 44), (SUPPLIES, "other_non_pay", 128),
            (PREMISES, "other_non_pay", 72)),
    "RT5": ((DRUGS, "drugs", 8), (CHARGES, "capital_charges", 11), (SUPPLIES, "other_non_pay", 34),
            (PREMISES, "other_non_pay", 44)),
    "RX9": ((CHARGES, "capital_charges", 2.1), (SUPPLIES, "other_non_pay", 5.2), (PREMISES, "other_non_pay", 2.9)),
    **dict.fromkeys(("04C", "03W", "04V"), (
        (PRESCRIBING, "drugs", 48), (CONTINUING, "other_non_pay", 24), (OUTSIDE, "other_non_pay", 31),
        (PRIMARY, "other_non_pay", 23))),
    **dict.fromkeys(COUNCILS, ((CHARGES, "capital_charges", 3), (CARE, "other_non_pay", 80),
                               (PREMISES, "other_non_pay", 17))),
}  # fmt: skip


@dataclass(frozen=True)
class Saving:
    """A scheme's saving at one organisation: GBP 000 gross in 2020/21, and the highest yearly investment."""

    scheme: str
    category: str
    line: str
    gross: int
    investment: int = 0
    stated_as: str = "gbp"


PAY = "Pay"  # spread over the three pay lines
INVESTMENT_PATH = (0, 0.45, 1, 0.85, 0.55, 0.30)
# 210.5 + 36.0 + 2.5 + 163.0 = 412.0 m gross in 2020/21
SAVINGS: Mapping[str, tuple[Saving, ...]] = {
    "RWE": (
        Saving("EFF03", "cip", PAY, 74_000, 4_000), Saving("EFF01", "cip", PAY, 22_000, 1_500),
        Saving("EFF02", "cip", PAY, 5_000), Saving("EFF06", "cip", PAY, 2_500),
        Saving("INT01", "new_models_of_care", PAY, 18_000, 5_000), Saving("BKO01", "back_office", PAY, 6_000, 600),
        Saving("UEC01", "new_models_of_care", PAY, 10_000, 3_500),
        Saving("INT02", "new_models_of_care", PAY, 8_000, 2_500),
        Saving("EFF04", "cip", SUPPLIES, 38_000, 1_000, "share"), Saving("EFF05", "cip", DRUGS, 9_000, 0, "share"),
        Saving("REC02", "estates", PREMISES, 12_000, 4_000), Saving("REC02", "estates", CHARGES, 6_000),
    ),
    "RT5": (
        Saving("EFF03", "cip", PAY, 20_000, 1_200), Saving("INT03", "new_models_of_care", PAY, 1_500),
        Saving("EFF04", "cip", SUPPLIES, 9_000, 0, "share"), Saving("BKO01", "back_office", PREMISES, 3_000),
        Saving("REC04", "estates", PREMISES, 1_500), Saving("REC05", "estates", PREMISES, 1_000),
    ),
    "RX9": (Saving("UEC02", "cip", PAY, 2_000, 200), Saving("BKO01", "back_office", PREMISES, 500)),
    **{
        code: (
            Saving("QIP01", "qipp", PRESCRIBING, prescribing, 0, "share"),
            Saving("QIP02", "qipp", CONTINUING, continuing, 400), Saving("QIP03", "qipp", OUTSIDE, outside),
            Saving("GPR01", "new_models_of_care", PRIMARY, primary, 1_000),
            Saving("BKO01", "back_office", RUNNING, 1_000), Saving("STF01", "support_funding", FORWARD_VIEW, support),
        )
        for code, prescribing, continuing, outside, primary, support in (
            ("04C", 10_100, 9_900, 8_400, 3_100, 22_700), ("03W", 9_100, 9_300, 7_900, 2_700, 20_200),
            ("04V", 10_800, 10_800, 8_700, 3_200, 23_100),
        )
    },
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line of income or cost before it is written."""

    line: str
    category: str
    amounts: Path
    counterparty: str = "other"
    recurrent: bool = True


INCOME = ("allocation", "contract_income", "other_income")


def lines(organisation_code: str, round_: str) -> dict[str, list[Line]]:
    """The three sheets of the finance return."""
    accounts = [
        Line(
            {
                "line": row.line, "category": row.category, "counterparty_code": row.counterparty,
                "scenario": scenario, "is_recurrent": row.recurrent, "price_basis": "nominal",
                "support_basis": "with_support" if scenario == "plan" else "without_support",
            },
            by_year(row.amounts),
        )
        for scenario, rows in (
            ("do_nothing", do_nothing(organisation_code, round_)), ("plan", planned(organisation_code, round_)),
        )
        for row in rows
    ]  # fmt: skip
    return {
        "income_expenditure": accounts,
        "savings": list(_saving_lines(organisation_code, round_)),
        "capital": list(capital_lines(organisation_code, round_)),
    }


def gross(saving: Saving) -> Path:
    """Gross saving by year: the scheme's phase-in, scaled to its 2020/21."""
    phase = SCHEMES[saving.scheme].phase
    return tuple(float(round(saving.gross * share / phase[-1])) for share in phase)


def investment(saving: Saving) -> Path:
    """Investment by year."""
    return tuple(float(round(saving.investment * share)) for share in INVESTMENT_PATH)


def _net(organisation_code: str, line: str) -> np.ndarray:
    """Saving less investment by year of the schemes on a line."""
    some = [saving for saving in SAVINGS.get(organisation_code, ()) if saving.line == line]
    return sum((np.array(gross(s)) - investment(s) for s in some), np.zeros(len(YEARS)))


def flow(buyer: str, provider: str) -> Path:
    """What a commissioner buys from a provider, by year."""
    amount, growth = FLOWS[buyer, provider]
    return tuple(float(round(amount * (1 + growth) ** t)) for t in range(len(YEARS)))


def gap(organisation_code: str, round_: str) -> Path:
    """The organisation's part of its scope's do-nothing gap."""
    if organisation_code in COUNCILS:
        parts = [apportion(total, list(COUNCIL_SHARE.values())) for total in COUNCIL_GAP]
        return tuple(part[COUNCILS.index(organisation_code)] for part in parts)
    made = []
    for total in NHS_GAP[round_]:
        share = (total - NHS_GAP[round_][0]) / (NHS_GAP[round_][-1] - NHS_GAP[round_][0])
        weights = [GAP_SHARE_BEFORE[o] * (1 - share) + GAP_SHARE_AFTER[o] * share for o in NHS]
        made.append(apportion(total, weights)[NHS.index(organisation_code)])
    return tuple(made)


@cache
def do_nothing(organisation_code: str, round_: str) -> tuple[Row, ...]:
    """Income, then pay, pressures and the rest of the cost that its gap asks for."""
    income = _income(organisation_code, round_)
    pay = _pay(organisation_code, round_)
    bought = [
        Row(f"Contract with {NAMES[p]}", "healthcare_bought", flow(b, p), p) for b, p in FLOWS if b == organisation_code
    ]
    scale = EARLIER_PRESSURE if round_ == EARLIER else 1
    pressures = [
        Row(line, "pressure", tuple(float(round(amount * scale * share)) for share in PRESSURE_PATH))
        for line, amount in PRESSURES[organisation_code]
    ]
    one_off = [
        Row(line, "other_non_pay", amounts, recurrent=False)
        for owner, (line, amounts) in ONE_OFF_COST.items()
        if owner == organisation_code
    ]
    known = [*pay, *bought, *pressures, *one_off]
    total = np.sum([row.amounts for row in income], axis=0) + gap(organisation_code, round_)
    left = total - np.sum([row.amounts for row in known], axis=0)
    return (*income, *pay, *_other_costs(organisation_code, left), *bought, *pressures, *one_off)


@cache
def planned(organisation_code: str, round_: str) -> tuple[Row, ...]:
    """Do nothing less the schemes, line by line."""
    pay = {PAY_LINES[contract]: path for contract, path in _plan_pay(organisation_code, round_).items()}
    rows = []
    for row in do_nothing(organisation_code, round_):
        if row.category == "pay" and row.line in pay:
            rows.append(replace(row, amounts=pay[row.line]))
        else:
            amounts = np.array(row.amounts) - _net(organisation_code, row.line)
            rows.append(replace(row, amounts=tuple(amounts.tolist())))
    return tuple(rows)


def _income(organisation_code: str, round_: str) -> list[Row]:
    sold = [
        Row(f"Contract with {NAMES[b]}", "contract_income", flow(b, p), b) for b, p in FLOWS if p == organisation_code
    ]
    other = _other_income(organisation_code)
    if organisation_code in ALLOCATION_SHARE:
        elsewhere = np.sum([row.amounts for o in NHS for row in _other_income(o)], axis=0)
        parts = [
            apportion(total - other, list(ALLOCATION_SHARE.values()))[list(ALLOCATION_SHARE).index(organisation_code)]
            for total, other in zip(NHS_INCOME, elsewhere, strict=True)
        ]
        return [Row("Commissioning allocation", "allocation", tuple(parts))]
    if organisation_code in COUNCILS:
        place = COUNCILS.index(organisation_code)
        cost = [apportion(total, list(COUNCIL_SHARE.values()))[place] for total in council_cost(round_)]
        budget = np.array(cost) - gap(organisation_code, round_) - np.sum([r.amounts for r in (*sold, *other)], axis=0)
        return [Row("Council budget and public health grant", "allocation", tuple(budget.tolist())), *sold, *other]
    return [*sold, *other]


def _other_income(organisation_code: str) -> list[Row]:
    rows = [
        Row(line, "other_income", tuple(float(round(amount * (1 + growth) ** t)) for t in range(len(YEARS))))
        for line, amount, growth, _ in OTHER_INCOME.get(organisation_code, ())
    ]
    if one_off := ONE_OFF_INCOME.get(organisation_code):
        rows.append(Row(one_off[0], "other_income", one_off[1], recurrent=False))
    return rows


def council_cost(round_: str) -> Path:
    """The councils' cost: in 2016/17 what the joint spend leaves after the NHS's own."""
    # NHS cost, without what it buys from NHS providers, is its outside income and its gap; it pays the councils too
    nhs = NHS_INCOME[1] + NHS_GAP[round_][1]
    to_councils = sum(flow(*pair)[1] for pair in FLOWS if pair[1] in COUNCILS)
    return tuple(JOINT_SPEND_2016_17 - nhs + to_councils if cost is None else cost for cost in COUNCIL_COST)


def _plan_pay(organisation_code: str, round_: str) -> dict[str, Path]:
    """The workforce return's pay cost by contract; nothing for an organisation that sends none."""
    if organisation_code in RUNNING_COST_PAY:
        return {}
    costs = pay_cost(organisation_code, round_)
    return {
        contract: tuple(np.sum([path for post, path in costs.items() if post[2] == contract], axis=0).tolist())
        for contract in CONTRACTS
    }


def _pay(organisation_code: str, round_: str) -> list[Row]:
    """Do-nothing pay."""
    if base := RUNNING_COST_PAY.get(organisation_code):
        return [Row(RUNNING, "pay", tuple(float(round(base * 1.015**t)) for t in range(len(YEARS))))]
    nets = [apportion(net, PAY_SAVING) for net in _net(organisation_code, PAY)]
    return [
        Row(PAY_LINES[contract], "pay", tuple(plan + net[i] for plan, net in zip(path, nets, strict=True)))
        for i, (contract, path) in enumerate(_plan_pay(organisation_code, round_).items())
    ]


def _other_costs(organisation_code: str, left: np.ndarray) -> Iterator[Row]:
    """What is left of the cost over the other lines, by base-year weight and published inflation."""
    about = OTHER_LINES[organisation_code]
    indices = [compound(INFLATION[category]) for _, category, _ in about]
    years = [
        apportion(float(total), [weight * index[t] for (*_, weight), index in zip(about, indices, strict=True)])
        for t, total in enumerate(left)
    ]
    for i, (line, category, _) in enumerate(about):
        yield Row(line, category, tuple(year[i] for year in years))


def _saving_lines(organisation_code: str, round_: str) -> Iterator[Line]:
    rows = do_nothing(organisation_code, round_)
    for saving in SAVINGS.get(organisation_code, ()):
        scheme = SCHEMES[saving.scheme]
        pool = "pay" if saving.line == PAY else next(row.category for row in rows if row.line == saving.line)
        full_year = saving.gross / scheme.phase[-1]
        if saving.stated_as == "share":
            full_year = round(full_year / sum(row.amounts[-1] for row in rows if row.category == pool), 4)
        attributes = {
            "scheme_code": scheme.code, "scheme": scheme.name, "category": saving.category, "owner": scheme.owner,
            "cost_pool": pool, "start_date": scheme.start, "confidence_share": scheme.confidence,
            "stated_as": saving.stated_as, "full_year_effect": round(full_year, 4 if full_year < 1 else 0),
        }  # fmt: skip
        yield Line({**attributes, "is_recurrent": True, "measure": "gross_saving"}, by_year(gross(saving)))
        if saving.investment:
            yield Line({**attributes, "is_recurrent": False, "measure": "investment"}, by_year(investment(saving)))
