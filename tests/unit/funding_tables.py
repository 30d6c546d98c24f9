"""A small finance system by hand: the nine tables the funding model reads, of a few lines, for tests to change one.

A function a line gives it with every column; `funding_round` puts lines together and reads them. Money is in pounds.
Ordinary is nothing at all: no growth, no inflation, no schemes, no activity, and three years from 2015/16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import pandas as pd

from assets.finance.gathering import rounds
from assets.finance.inputs import INCOME, FundingRound
from assets.finance.model import Delivery, do_nothing, growth, in_full, savings
from assets.finance.projection import project
from llr_pipeline.assumptions import pick_central
from tests.unit.bed_tables import ROUND, YEARS, assumption

SCOPE_OF = {"RWE": "nhs", "RT5": "nhs", "04C": "nhs", "03W": "nhs", "E06000016": "local_authority"}
ORIGIN = "submission_id round organisation_code is_illustrative"
COLUMNS = {
    "core.income_expenditure_current": f"{ORIGIN} scope flow line category counterparty_code scenario is_recurrent "
    "support_basis price_basis financial_year amount_gbp sheet cell",
    "core.savings_current": f"{ORIGIN} scheme_code category cost_pool is_recurrent financial_year gross_saving_gbp "
    "investment_gbp sheet gross_saving_cell investment_cell",
    "core.savings_schemes_current": f"{ORIGIN} scheme_code category cost_pool is_recurrent row_number scheme_name "
    "owner start_date stated_as confidence_share full_year_effect_gbp full_year_effect_share sheet start_date_cell "
    "confidence_share_cell full_year_effect_cell",
    "core.assumptions_current": "round organisation_code scenario subject parameter applies_to financial_year "
    "low_value central_value high_value",
    "core.scenarios_current": "round organisation_code scenario scheme_code parent_scenario slip_months "
    "delivered_share",
    "mart.funding_base_activity": "round organisation_code point_of_delivery age_band is_illustrative activity "
    "weight_gbp weighted_activity_gbp",
    "reference.expected_returns": "organisation_code template",
}
Amounts = float | Sequence[float | None]
Lines = Sequence[Mapping[str, object]]


def by_year(amounts: Amounts) -> list[float | None]:
    """A number stands for every year."""
    return [amounts] * len(YEARS) if isinstance(amounts, int | float) else list(amounts)


def money(
    category: str,
    amounts: Amounts,
    *,
    at: str = "RWE",
    line: str | None = None,
    other: str = "other",
    recurs: bool = True,
    scenario: str = "do_nothing",
    prices: str = "nominal",
    support: str = "without_support",
    scope: str | None = None,
) -> Lines:
    """A line of income or cost, a row a year; a year without an amount has none."""
    line = line or f"{category} {other}"
    row_number = 5 + sum(map(ord, f"{line}{category}{other}{scenario}{recurs}")) % 900
    return [
        {
            "submission_id": f"{at}-finance", "round": ROUND, "organisation_code": at, "is_illustrative": True,
            "scope": scope or SCOPE_OF[at], "flow": "income" if category in INCOME else "cost", "line": line,
            "category": category, "counterparty_code": other, "scenario": scenario, "is_recurrent": recurs,
            "support_basis": support, "price_basis": prices, "financial_year": year, "amount_gbp": amount,
            "sheet": "Income and expenditure", "cell": f"{'HIJKLM'[n]}{row_number}",
        }
        for n, (year, amount) in enumerate(zip(YEARS, by_year(amounts), strict=False))
        if amount is not None
    ]  # fmt: skip


def flow(buyer: str, seller: str, amounts: Amounts, earned: Amounts | None = None, **more: object) -> Lines:
    """A contract inside the system, both sides; what is earned is what is bought where not given."""
    return [
        *money("healthcare_bought", amounts, at=buyer, other=seller, **more),
        *money("contract_income", amounts if earned is None else earned, at=seller, other=buyer, **more),
    ]


def saving(code: str = "SCH01", gross: Amounts | None = (0, 10, 20), **changes: object) -> dict[str, object]:
    """A scheme's saving from one pool: by default from the pay of RWE, in pounds, from 1 April 2016, certain."""
    about = {
        "at": "RWE", "pool": "pay", "category": "cip", "recurs": True, "start": "2016-04-01", "confidence": 1.0,
        "stated_as": "gbp", "full_year": None, "investment": None, "row_number": None,
    }  # fmt: skip
    assert set(changes) <= {*about}, changes
    return about | changes | {"code": code, "gross": gross}


def _saving_rows(one: Mapping[str, object], row: int) -> tuple[list[dict[str, object]], dict[str, object]]:
    """The rows of `core.savings_current` and `core.savings_schemes_current`."""
    key = {
        "submission_id": f"{one['at']}-finance", "round": ROUND, "organisation_code": one["at"],
        "is_illustrative": True, "scheme_code": one["code"], "category": one["category"], "cost_pool": one["pool"],
        "is_recurrent": one["recurs"], "sheet": "Savings",
    }  # fmt: skip
    sides = [[None] * len(YEARS) if one[side] is None else by_year(one[side]) for side in ("gross", "investment")]
    amounts = [
        {
            **key, "financial_year": year, "gross_saving_gbp": gross, "investment_gbp": investment,
            "gross_saving_cell": None if gross is None else f"{'LMNOPQ'[n]}{row}",
            "investment_cell": None if investment is None else f"{'LMNOPQ'[n]}{row + 1}",
        }
        for n, (year, gross, investment) in enumerate(zip(YEARS, *sides, strict=False))
        if gross is not None or investment is not None
    ]  # fmt: skip
    is_share = one["stated_as"] == "share"
    about = {
        **key, "row_number": row, "scheme_name": f"Scheme {one['code']}", "owner": "Director of finance",
        "start_date": one["start"], "stated_as": one["stated_as"], "confidence_share": one["confidence"],
        "full_year_effect_gbp": None if is_share else one["full_year"],
        "full_year_effect_share": one["full_year"] if is_share else None, "start_date_cell": f"H{row}",
        "confidence_share_cell": f"I{row}", "full_year_effect_cell": f"K{row}",
    }  # fmt: skip
    return amounts, about


def activity(
    weighted: float = 1_000.0, *, at: str = "RWE", pod: str = "non_elective", age: str = "65-74"
) -> dict[str, object]:
    """Activity of the base year, in pounds at its weight."""
    return {
        "round": ROUND, "organisation_code": at, "point_of_delivery": pod, "age_band": age, "is_illustrative": True,
        "activity": weighted, "weight_gbp": 1.0, "weighted_activity_gbp": weighted,
    }  # fmt: skip


def funding(parameter: str, code: str, central: Amounts | None, **more: object) -> Lines:
    """An assumption of the funding model."""
    return assumption(parameter, code, central, subject="funding", **more)


def of_schemes(parameter: str, central: float, **more: object) -> Lines:
    """An assumption on every scheme."""
    return assumption(parameter, "all", central, subject="schemes", **more)


def runs(number: int, seed: int = 1) -> Lines:
    """How often the model is run, and the seed."""
    return [
        *assumption("runs", "funding", number, subject="simulation"),
        *assumption("seed", "all", seed, subject="simulation"),
    ]


def funding_tables(
    lines: Lines,
    *,
    schemes: Lines = (),
    assumptions: Lines = (),
    scenarios: Lines = (),
    base_activity: Lines = (),
    expected: Sequence[str] = (),
    last_year: str = "2017/18",
) -> dict[str, pd.DataFrame]:
    """The nine tables. `expected`: organisations that owe an activity return. Ten runs unless assumptions say."""
    numbers = count(5, 2)
    made = [_saving_rows(one, one["row_number"] or next(numbers)) for one in schemes]
    found = {
        "core.income_expenditure_current": lines,
        "core.savings_current": [row for amounts, _ in made for row in amounts],
        "core.savings_schemes_current": [about for _, about in made],
        "core.assumptions_current": assumptions if _says_runs(assumptions) else [*assumptions, *runs(10)],
        "core.scenarios_current": scenarios, "mart.funding_base_activity": base_activity,
        "reference.expected_returns": [{"organisation_code": one, "template": "activity"} for one in expected],
    }  # fmt: skip
    tables = {name: pd.DataFrame(list(rows), columns=COLUMNS[name].split()) for name, rows in found.items()}
    names = [f"{year}/{(year + 1) % 100:02}" for year in range(2010, 2025)]
    return tables | {
        "reference.rounds": pd.DataFrame([{"round": ROUND, "base_year": "2015/16", "horizon_year": last_year}]),
        "reference.financial_years": pd.DataFrame({"financial_year": names}),
    }


def _says_runs(assumptions: Lines) -> bool:
    return any(row["parameter"] == "runs" for row in assumptions)


def funding_round(lines: Lines, **more: object) -> FundingRound:
    """The round that these lines make; the arguments are those of `funding_tables`."""
    (one,) = rounds(funding_tables(lines, **more))
    return one


def projected(lines: Lines, **more: object) -> dict[str, pd.DataFrame]:
    """Every table that the model makes of these lines."""
    return dict(project(funding_tables(lines, **more)))


def of(frame: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """The rows of a frame where columns equal these values, in order."""
    for name, value in equal.items():
        frame = frame[frame[name] == value]
    return frame.reset_index(drop=True)


def untouched(inputs: FundingRound) -> np.ndarray:
    """Every cell by year if nothing is done, central: (cell, year)."""
    return do_nothing(inputs, growth(inputs, pick_central))[:, :, 0]


def path(inputs: FundingRound, category: str, at: str = "RWE", **equal: object) -> list[float]:
    """The central path of the one cell of this organisation and category."""
    (found,) = [
        values
        for cell, values in zip(inputs.cells, untouched(inputs), strict=True)
        if (cell.category, cell.organisation_code) == (category, at)
        and all(getattr(cell, name) == value for name, value in equal.items())
    ]
    return found.tolist()


def taken(
    inputs: FundingRound, scenario: str = "plan", delivery: Delivery | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What schemes take, what they say and what is invested in one run: (saving, year); in full where not said."""
    values = untouched(inputs)[:, :, None]
    took, said, investment = savings(inputs, scenario, values, delivery or in_full(inputs))
    return took[:, :, 0], said[:, :, 0], investment
