"""Tables -> what the funding model of each round needs. Nothing is computed here but shares and places in lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assets.finance.inputs import (
    BOUGHT,
    COSTS,
    EARNED,
    PRESSURE,
    SCOPES,
    SYSTEM,
    Area,
    Basis,
    Cell,
    Doubt,
    FundingRound,
    MixedBasis,
    Saving,
    one_basis,
)  # fmt: skip
from llr_pipeline.assumptions import Assumptions, read_assumptions
from llr_pipeline.computed import rows
from llr_pipeline.scenarios import scenarios

Row = Mapping[str, Any]
Path = np.ndarray
MODELLED = ("funding", "schemes", "simulation")
LEAST = {"inflation": -1, "allocation_growth": -1, "marginal_cost_share": 0}
"""Rates and shares of the model, and the least that each can be; 1 is the most."""


def rounds(tables: Mapping[str, pd.DataFrame]) -> list[FundingRound]:
    """Every round for which a finance return was accepted, the earliest first."""
    returned = {*tables["core.income_expenditure_current"]["round"]}
    found = sorted(rows(tables["reference.rounds"]), key=lambda row: row["round"])
    return [_round(about, tables) for about in found if about["round"] in returned]


def _round(about: Row, tables: Mapping[str, pd.DataFrame]) -> FundingRound:
    code, doubts = about["round"], []
    years = tuple(
        row["financial_year"]
        for row in sorted(rows(tables["reference.financial_years"]), key=lambda row: row["financial_year"])
        if about["base_year"] <= row["financial_year"] <= about["horizon_year"]
    )
    given = rows(tables["core.assumptions_current"], round=code)
    assumptions = read_assumptions(given, years)
    returned = rows(tables["core.income_expenditure_current"], round=code)
    lines = [row for row in returned if row["scenario"] == "do_nothing" and row["financial_year"] in years]
    doubts += _silent(returned, lines)
    bases = _bases(lines, doubts)
    lines = [row for row in lines if row["organisation_code"] in bases]
    lines = list(_at_prices_of_the_year(lines, years, assumptions))
    organisations = tuple(sorted(bases))
    cells = tuple(_cells(lines, years))
    pools = _pools(lines, years)
    savings = tuple(
        saving
        for saving in _savings(
            rows(tables["core.savings_current"], round=code),
            rows(tables["core.savings_schemes_current"], round=code),
            years,
            pools,
        )
        if saving.organisation_code in bases
    )
    ages, points_of_delivery, activity = _activity(
        rows(tables["mart.funding_base_activity"], round=code), organisations
    )
    # an area is added only from organisations that state their money alike
    areas = []
    for area in _areas(organisations, {code: basis.scope for code, basis in bases.items()}):
        try:
            one_basis(bases[one] for one in area.organisations)
            areas.append(area)
        except MixedBasis as mixed:
            doubts.append(Doubt("mixed_basis", None, area.name, f"No total is given: {mixed}"))
    owed = {row["organisation_code"] for row in rows(tables["reference.expected_returns"], template="activity")}
    doubts += _missing(assumptions, cells)
    doubts += _out_of_range(assumptions)
    doubts += [
        Doubt(
            "no_activity", one, one, f"{one} has returned no activity of the base year: its costs grow without demand"
        )
        for one, of_base_year in zip(organisations, activity, strict=True)
        if one in owed and not of_base_year.any()
    ]
    doubts += _not_used(given)
    return FundingRound(
        round=code,
        years=years,
        starts=tuple(pd.Timestamp(int(year[:4]), 4, 1).date() for year in years),
        organisations=organisations,
        scope={one: bases[one].scope for one in organisations},
        support_basis={one: bases[one].support_basis for one in organisations},
        cells=cells,
        savings=savings,
        areas=tuple(areas),
        ages=ages,
        points_of_delivery=points_of_delivery,
        activity=activity,
        scenarios=scenarios(
            rows(tables["core.scenarios_current"], round=code),
            {saving.scheme_code for saving in savings},
            lambda about, message: doubts.append(Doubt("scenario_unclear", None, about, message)),
        ),
        assumptions=assumptions,
        is_illustrative={
            one: any(row["is_illustrative"] for row in lines if row["organisation_code"] == one)
            for one in organisations
        },
        doubts=tuple(doubts),
    )


def _bases(lines: Sequence[Row], doubts: list[Doubt]) -> dict[str, Basis]:
    """The basis of each organisation's money; one that mixes two is left out, and named with both cells."""
    found: dict[str, dict[tuple, Basis]] = defaultdict(dict)
    for row in lines:
        basis = row["scope"], row["price_basis"], row["support_basis"]
        stated_by = f"{row['organisation_code']} ({row['sheet']}!{row['cell']})"
        found[row["organisation_code"]].setdefault(basis, Basis(*basis, stated_by))
    result = {}
    for code, stated in found.items():
        try:
            result[code] = one_basis(stated.values())
        except MixedBasis as mixed:
            doubts.append(Doubt("mixed_basis", code, code, f"Left out of the model and of every total: {mixed}"))
    return result


def _at_prices_of_the_year(lines: Sequence[Row], years: Sequence[str], given: Assumptions) -> Iterator[Row]:
    """Real amounts at the prices of each year, by the overall inflation."""
    rates = np.nan_to_num(given.central("funding", "inflation", "all", default=0.0))
    deflator = np.cumprod(np.concatenate([[1.0], 1 + rates[1:]]))
    for row in lines:
        factor = 1.0 if row["price_basis"] == "nominal" else deflator[years.index(row["financial_year"])]
        yield {**row, "amount": float(row["amount_gbp"]) * factor}


def _paths(lines: Sequence[Row], years: Sequence[str], *names: str) -> dict[tuple, Path]:
    """Sums by year of the rows with the same values under these names; NaN where a line lacks the year.

    A line that has some years and lacks another makes the year's sum unknown.
    """
    by_line: dict[tuple, Path] = {}
    for row in lines:
        key = tuple(row[name] for name in names)
        path = by_line.setdefault((key, row["line"], row["is_recurrent"]), np.full(len(years), np.nan))
        path[years.index(row["financial_year"])] = np.nansum([path[years.index(row["financial_year"])], row["amount"]])
    found: dict[tuple, Path] = {}
    for (key, *_), path in by_line.items():
        found[key] = found[key] + path if key in found else path
    return found


def _cells(lines: Sequence[Row], years: Sequence[str]) -> Iterator[Cell]:
    """Costs first, so that an income can say which cost it mirrors."""
    flows = [row for row in lines if row["category"] in (BOUGHT, EARNED)]
    others = [row for row in lines if row["category"] not in (BOUGHT, EARNED)]
    pressures = [row for row in others if row["category"] == PRESSURE or not row["is_recurrent"]]
    rest = [row for row in others if row["category"] != PRESSURE and row["is_recurrent"]]

    def side(category: str) -> str:
        return "cost" if category in COSTS else "income"

    names = ("organisation_code", "category")
    made = [
        *(Cell(code, side(category), category, True, path[0])
          for (code, category), path in sorted(_paths(rest, years, *names).items())),
        *(Cell(code, side(category), category, recurs, path[0], levels=path)
          for (code, category, recurs), path in sorted(_paths(pressures, years, *names, "is_recurrent").items())),
    ]  # fmt: skip
    yield from made
    found = sorted(_paths(flows, years, *names, "counterparty_code", "is_recurrent").items())
    bought = {(code, other, recurs): path for (code, category, other, recurs), path in found if category == BOUGHT}
    earned = {(other, code, recurs): path for (code, category, other, recurs), path in found if category == EARNED}
    # a contract with oneself is no flow between two
    place = {
        key: n for n, key in enumerate(bought, start=len(made)) if key in earned and key[0] != key[1]
    }  # fmt: skip
    for key, path in bought.items():
        buyer, seller, recurs = key
        yield Cell(
            buyer, "cost", BOUGHT, recurs, path[0], levels=None if recurs else path, counterparty=seller,
            is_matched=key in place,
        )  # fmt: skip
    for key, path in earned.items():
        buyer, seller, recurs = key
        yield Cell(
            seller, "income", EARNED, recurs, path[0], levels=None if recurs else path, counterparty=buyer,
            mirrors=place.get(key), is_matched=key in place,
        )  # fmt: skip


def _pools(lines: Sequence[Row], years: Sequence[str]) -> dict[tuple[str, str], Path]:
    """Cost as returned of an organisation's category, if nothing is done."""
    found: dict[tuple[str, str], Path] = {}
    for row in lines:
        path = found.setdefault((row["organisation_code"], row["category"]), np.zeros(len(years)))
        path[years.index(row["financial_year"])] += row["amount"]
    return found


def _savings(
    amounts: Sequence[Row], about: Sequence[Row], years: Sequence[str], pools: Mapping[tuple[str, str], Path]
) -> Iterator[Saving]:
    """A saving for each organisation, scheme, category and pool; the line with a gross saving speaks for it."""
    names = ("organisation_code", "scheme_code", "category", "cost_pool")
    gross, recurrent, investment = ({}, {}, {})
    for row in amounts:
        key = tuple(row[name] for name in names)
        if row["financial_year"] not in years:
            continue
        year = years.index(row["financial_year"])
        for found, column, counts in (
            (gross, "gross_saving_gbp", True), (recurrent, "gross_saving_gbp", row["is_recurrent"]),
            (investment, "investment_gbp", True),
        ):  # fmt: skip
            path = found.setdefault(key, np.zeros(len(years)))
            path[year] += float(row[column] or 0) * counts
    with_saving = {
        (*(row[name] for name in names), row["is_recurrent"]) for row in amounts if row["gross_saving_gbp"] is not None
    }

    def comes_after(row: Row) -> tuple[bool, int]:
        return (*(row[name] for name in names), row["is_recurrent"]) not in with_saving, row["row_number"]

    speaking: dict[tuple, Row] = {}
    for row in sorted(about, key=comes_after):
        speaking.setdefault(tuple(row[name] for name in names), row)
    for key, row in sorted(speaking.items()):
        paths = [found.get(key, np.zeros(len(years))) for found in (gross, recurrent, investment)]
        whole = pools.get((key[0], key[3]), np.zeros(len(years)))
        is_share = row["stated_as"] == "share"
        stated = row["full_year_effect_share"] if is_share else row["full_year_effect_gbp"]
        yield Saving(
            *key,
            start=pd.Timestamp(row["start_date"]).date(),
            confidence=float(row["confidence_share"]),
            gross=paths[0],
            recurrent=paths[1],
            investment=paths[2],
            full_year=np.nan if stated is None else float(stated) * (whole[-1] if is_share else 1.0),
            shares=np.divide(paths[0], whole, out=np.zeros(len(years)), where=whole > 0) if is_share else None,
        )


def _activity(found: Sequence[Row], organisations: Sequence[str]) -> tuple[tuple, tuple, np.ndarray]:
    ages = tuple(sorted({row["age_band"] for row in found}))
    points_of_delivery = tuple(sorted({row["point_of_delivery"] for row in found}))
    activity = np.zeros((len(organisations), len(points_of_delivery), len(ages)))
    for row in found:
        if row["organisation_code"] in organisations and row["weighted_activity_gbp"] is not None:
            place = (
                organisations.index(row["organisation_code"]),
                points_of_delivery.index(row["point_of_delivery"]),
                ages.index(row["age_band"]),
            )
            activity[place] += float(row["weighted_activity_gbp"])
    return ages, points_of_delivery, activity


def _areas(organisations: Sequence[str], scope: Mapping[str, str]) -> Iterator[Area]:
    for code in organisations:
        yield Area(code, scope[code], (code,))
    for one in SCOPES:
        inside = tuple(code for code in organisations if scope[code] == one)
        if inside:
            yield Area(one, one, inside)
    if organisations:
        yield Area(SYSTEM, SYSTEM, tuple(organisations))


def _missing(given: Assumptions, cells: Sequence[Cell]) -> Iterator[Doubt]:
    """What the model needs and no assumption gives."""
    categories = sorted({cell.category for cell in cells if cell.side == "cost" and cell.levels is None})
    for parameter, codes in (("inflation", categories), ("marginal_cost_share", categories)):
        for code in codes:
            found = given.get("funding", parameter, code)
            if found is None or np.isnan(given.central("funding", parameter, code)[1:]).any():
                message = (
                    f"No assumption {parameter} for {code} in every year of the plan: none is taken where it lacks"
                )
                yield Doubt("no_assumption", None, f"{parameter}, {code}", message)
    for code in SCOPES:
        if given.get("funding", "allocation_growth", code) is None:
            message = f"No assumption allocation_growth for {code}: income is taken as it was in the base year"
            yield Doubt("no_assumption", None, f"allocation_growth, {code}", message)


def _silent(returned: Sequence[Row], lines: Sequence[Row]) -> Iterator[Doubt]:
    """Organisations that say nothing of doing nothing, from which the model starts."""
    for code in sorted({row["organisation_code"] for row in returned} - {row["organisation_code"] for row in lines}):
        message = f"{code} has returned no line of the plan's years if nothing is done: the model leaves it out"
        yield Doubt("do_nothing_missing", code, code, message)


def _out_of_range(given: Assumptions) -> Iterator[Doubt]:
    """Rates and shares entered as percentages, such as 40 for 40%."""
    for (subject, parameter, code), values in sorted(given.values.items()):
        if subject == "funding" and parameter in LEAST:
            central = values["central"]
            wrong = central[(central < LEAST[parameter]) | (central > 1)]
            if len(wrong):
                message = (
                    f"The assumption {parameter} for {code} is {wrong[0]:g}: {LEAST[parameter]} to 1 is meant, such as "
                    "0.04 for 4%. It is used as it stands, and no cost falls below 0"
                )
                yield Doubt("share_out_of_range", None, f"{parameter}, {code}", message)


def _not_used(given: Sequence[Row]) -> Iterator[Doubt]:
    """Assumptions of the model's subjects for one scenario alone."""
    for row in given:
        if row["scenario"] != "all" and row["subject"] in MODELLED:
            about = f"{row['parameter']}, {row['applies_to']}, {row['scenario']}, {row['financial_year']}"
            message = f"An assumption for the scenario {row['scenario']} alone is not used: scenarios change schemes"
            yield Doubt("not_used", None, about, message)
