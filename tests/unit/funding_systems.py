"""Random finance systems for hypothesis: lines, flows, schemes and assumptions of up to four organisations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st

from assets.finance.model import Delivery
from tests.unit.bed_tables import assumption, scenario
from tests.unit.funding_tables import (
    SCOPE_OF,
    Lines,
    activity,
    flow,
    funding,
    money,
    of_schemes,
    runs,
    saving,
)

RUNS = 50
YEAR_COUNT = 3
OWN = ("pay", "drugs", "capital_charges", "other_non_pay", "allocation", "other_income")
POUNDS = st.integers(0, 10**9).map(lambda pence: pence / 100)
PATHS = st.lists(POUNDS, min_size=YEAR_COUNT, max_size=YEAR_COUNT)
CODES = (*tuple(SCOPE_OF)[:3], "E06000016")


@st.composite
def systems(draw: st.DrawFn) -> dict[str, object]:
    """The arguments of `funding_tables`, at prices of the year."""
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True))
    lines: list[Mapping[str, object]] = []
    for code in codes:
        for category in draw(st.lists(st.sampled_from(OWN), min_size=1, max_size=5, unique=True)):
            lines += money(category, draw(PATHS), at=code)
        if draw(st.booleans()):
            lines += money("pressure", draw(PATHS), at=code)
        if draw(st.booleans()):
            lines += money("pay", draw(PATHS), at=code, recurs=False, line="one-off")
    for buyer in codes:
        for seller in codes:
            if buyer != seller and draw(st.booleans()):
                bought, earned = draw(PATHS), draw(st.one_of(st.none(), PATHS))
                both = flow(buyer, seller, bought, earned, recurs=draw(st.booleans()))
                lines += draw(st.sampled_from([both, both, both[: len(bought)], both[len(bought) :]]))
    return {
        "lines": lines,
        "schemes": [draw(_schemes(f"S{n}", codes)) for n in range(draw(st.integers(0, 4)))],
        "assumptions": draw(_assumptions()),
        "scenarios": [scenario("late", months=draw(st.integers(0, 18)), delivered=0.8)],
        "base_activity": [
            activity(draw(st.integers(1, 1_000)), at=code, age=age) for code in codes for age in ("0-17", "85+")
        ],
    }


@st.composite
def _schemes(draw: st.DrawFn, name: str, codes: list[str]) -> dict[str, object]:
    return saving(
        name, draw(PATHS), at=draw(st.sampled_from(codes)), pool=draw(st.sampled_from(["pay", "drugs"])),
        confidence=draw(st.integers(0, 10)) / 10, investment=draw(st.one_of(st.none(), PATHS)),
        start=f"201{draw(st.integers(5, 7))}-{draw(st.integers(4, 12)):02}-01",
        stated_as=draw(st.sampled_from(["gbp", "gbp", "share"])), full_year=0.1,
    )  # fmt: skip


@st.composite
def _assumptions(draw: st.DrawFn) -> Lines:
    def rate(parameter: str, code: str, least: int, most: int) -> Lines:
        central, spread = draw(st.integers(least, most)) / 1_000, draw(st.integers(0, 20)) / 1_000
        return funding(parameter, code, central, low=central - spread, high=central + spread)

    return [
        *rate("inflation", "all", -20, 60), *rate("inflation", "drugs", -20, 60),
        *rate("marginal_cost_share", "all", 0, 1_000), *rate("allocation_growth", "nhs", -20, 40),
        *rate("allocation_growth", "local_authority", -40, 20),
        *assumption("population_index", "85+", [1, draw(st.integers(90, 110)) / 100, draw(st.integers(80, 120)) / 100]),
        *of_schemes("slip_months", 3.0, low=0.0, high=9.0), *runs(RUNS),
    ]  # fmt: skip


def in_real_prices(system: Mapping[str, object]) -> dict[str, object]:
    """The same system with every line at prices of the base year."""
    rate = next(
        row["central_value"]
        for row in system["assumptions"]
        if (row["parameter"], row["applies_to"]) == ("inflation", "all")
    )
    lines = [
        {**row, "price_basis": "real_2015_16",
         "amount_gbp": row["amount_gbp"] / (1 + rate) ** (int(row["financial_year"][:4]) - 2015)}
        for row in system["lines"]
    ]  # fmt: skip
    return {**system, "lines": lines}


def some_delivery(count: int, run_count: int) -> Delivery:
    """Schemes delivered and late by chance, some of them more than wholly."""
    chance = np.random.default_rng(1)
    return Delivery(chance.uniform(0, 1.5, (count, run_count)), chance.uniform(0, 12, (count, run_count)))
