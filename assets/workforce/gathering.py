"""Tables -> what the workforce model of each round needs. Nothing is computed here but places in lists and shares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from assets.workforce.assumed import assumptions_used
from assets.workforce.inputs import (
    CONTRACTS,
    SOURCES,
    SUBSTANTIVE,
    WARD_SETTINGS,
    Census,
    Doubt,
    Post,
    Returned,
    Round,
    Row,
)
from assets.workforce.rates import rates_used
from llr_pipeline.assumptions import runs_and_seed
from llr_pipeline.computed import rows
from llr_pipeline.scenarios import scenarios

FLOWS = (
    "leaver_rate",
    "retirement_rate",
    *(f"joiners_{source}" for source in SOURCES),
    "transfers_in",
    "transfers_out",
)
COLUMNS = {name: f"{name}_{'share' if name.endswith('rate') else 'wte'}" for name in FLOWS}
ANY = "any scheme"


def rounds(tables: Mapping[str, pd.DataFrame]) -> list[Round]:
    """Every round for which staff were returned, the earliest first."""
    returned = set(tables["core.workforce_current"]["round"])
    return [_round(about, tables) for about in rows(tables["reference.rounds"]) if about["round"] in returned]


def _round(about: Row, tables: Mapping[str, pd.DataFrame]) -> Round:
    code, doubts = about["round"], []
    all_years = sorted(row["financial_year"] for row in rows(tables["reference.financial_years"]))
    years = tuple(year for year in all_years if about["base_year"] <= year <= about["horizon_year"])
    assumptions = assumptions_used(rows(tables["core.assumptions_current"], round=code), years, doubts)
    staff = [row for row in rows(tables["core.workforce_current"], round=code) if row["financial_year"] in years]
    flows = [row for row in rows(tables["core.workforce_flows_current"], round=code) if row["financial_year"] in years]
    posts = tuple(sorted({_post(row) for row in staff if row["wte"] is not None}))
    definition, flows = _one_definition(posts, flows, doubts)
    returned = _returned(posts, years, staff, flows)
    used = rates_used(posts, years, returned, assumptions, doubts)
    nothing_done = _scenarios(rows(tables["core.scenarios_current"], round=code), doubts)
    runs, seed = runs_and_seed(assumptions, "workforce")
    census = rows(tables["mart.bed_census_runs"], round=code)
    simulated = min((row["runs"] for row in census), default=runs)
    if simulated < runs:
        message = f"{runs:,} runs are asked for and the beds have {simulated:,}: the first {simulated:,} are used"
        doubts.append(Doubt("runs_differ", "simulation runs", message, figure=runs, against=simulated, unit="runs"))
        runs = simulated
    illustrative = {_post(row) for row in staff if row["is_illustrative"]}
    return Round(
        round=code,
        years=years,
        posts=posts,
        is_illustrative=np.array([post in illustrative for post in posts], dtype=bool),
        rate_definition=tuple(definition[post] for post in posts),
        rate_source=used.source,
        returned=returned,
        leaver_rate=used.leaver,
        retirement_rate=used.retirement,
        scenarios=nothing_done,
        wards=_wards(census, rows(tables["reference.sectors"]), years, runs),
        contacts=_contacts(code, tables, years, nothing_done),
        assumptions=assumptions,
        runs=runs,
        seed=seed,
        doubts=tuple(doubts),
    )


def _post(row: Row) -> Post:
    return Post(row["organisation_code"], row["staff_group"], row["setting"])


def _one_definition(
    posts: Sequence[Post], flows: Sequence[Row], doubts: list[Doubt]
) -> tuple[dict[Post, str], list[Row]]:
    """Each post's rate definition, and its lines; of two, the one with more rates is used."""
    counted: dict[Post, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in flows:
        counted[_post(row)][row["rate_definition"]] += sum(row[COLUMNS[n]] is not None for n in FLOWS[:2])
    result = dict.fromkeys(posts, "opening_stock")
    for post, found in counted.items():
        chosen = min(found, key=lambda name: (-found[name], name != "opening_stock"))
        result[post] = chosen
        cells = cells_of(row[f"{n}_cell"] and place(row, n) for row in flows if _post(row) == post for n in FLOWS[:2])
        if post not in posts:
            message = "Flows are returned, and no staff: they are not used"
            doubts.append(Doubt("flows_without_staff", "flows", message, post, cells=cells))
        elif len(found) > 1:
            message = (
                f"Flows are returned under two definitions of the rates: those of {chosen.replace('_', ' ')} are used"
            )
            doubts.append(Doubt("two_rate_definitions", "rates", message, post, cells=cells))
    return result, [row for row in flows if row["rate_definition"] == result[_post(row)]]


def place(row: Row, name: str) -> str:
    """Where a figure stands: `RWE Flows!F20`."""
    return f"{row['organisation_code']} {row['sheet']}!{row[f'{name}_cell']}"


def cells_of(found: Iterator[str | None]) -> str | None:
    """Cells as one text, each once."""
    return ", ".join(dict.fromkeys(cell for cell in found if cell)) or None


def _returned(posts: Sequence[Post], years: Sequence[str], staff: Sequence[Row], flows: Sequence[Row]) -> Returned:
    number = {post: n for n, post in enumerate(posts)}
    size = len(posts), len(years)
    wte, headcount = (np.full((size[0], len(CONTRACTS), size[1]), np.nan) for _ in range(2))
    found = {name: np.full(size, np.nan) for name in FLOWS}
    cells = {name: np.full(size, None, dtype=object) for name in (*CONTRACTS, *FLOWS)}
    for row in staff:
        if _post(row) in number:
            n, t, c = number[_post(row)], years.index(row["financial_year"]), CONTRACTS.index(row["contract"])
            wte[n, c, t], headcount[n, c, t] = (_number(row[name]) for name in ("wte", "headcount"))
            if row["wte_cell"]:
                cells[row["contract"]][n, t] = place(row, "wte")
    for row in flows:
        if _post(row) in number:
            n, t = number[_post(row)], years.index(row["financial_year"])
            for name in FLOWS:
                found[name][n, t] = _number(row[COLUMNS[name]])
                if row[f"{name}_cell"]:
                    cells[name][n, t] = place(row, name)
    for values in (wte, headcount):
        no_line = np.isnan(values).all(axis=2)
        no_line[:, SUBSTANTIVE] = False
        values[no_line] = 0  # no line of bank or agency staff: none
    joiners = np.stack([found[f"joiners_{source}"] for source in SOURCES], axis=1)
    nobody = (wte[:, SUBSTANTIVE] == 0).all(axis=1)
    some = ~np.isnan(joiners).all(axis=1) | nobody[:, None]
    joiners = np.where(np.isnan(joiners) & some[:, None], 0, joiners)  # a source left out beside others: none
    return Returned(
        wte, headcount, found["leaver_rate"], found["retirement_rate"], joiners,
        np.nan_to_num(found["transfers_in"]), np.nan_to_num(found["transfers_out"]), cells,
    )  # fmt: skip


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _scenarios(found: Sequence[Row], doubts: list[Doubt]) -> dict[str, bool]:
    """Whether nothing of the plan is done in a scenario. One whose parents are unclear is named by the beds."""
    changes = scenarios(found, {ANY}, lambda about, why: doubts.append(Doubt("scenario_unclear", about, why)))
    return {name: change[ANY].delivered == 0 for name, change in changes.items()}


def _wards(
    census: Sequence[Row], sectors: Sequence[Row], years: Sequence[str], runs: int
) -> dict[tuple[str, str, str], tuple[Census, ...]]:
    setting = {definition: name for name, definition in WARD_SETTINGS.items()}
    where = {row["sector"]: setting.get(row["bed_definition"]) for row in sectors}
    by_sector: dict[tuple[str, str, str], dict[str, Row]] = defaultdict(dict)
    for row in census:
        by_sector[row["scenario"], row["organisation_code"], row["sector"]][row["financial_year"]] = row
    result: dict[tuple[str, str, str], tuple[Census, ...]] = defaultdict(tuple)
    for (scenario, organisation, sector), path in sorted(by_sector.items()):
        if where[sector] is not None and set(path) >= set(years):
            central = np.array([path[year]["mean_census_beds"] for year in years], dtype=float)
            many = np.array([path[year]["mean_census_beds_runs"][:runs] for year in years], dtype=float)
            result[scenario, organisation, where[sector]] += (Census(sector, central, many),)
    return dict(result)


def _contacts(
    code: str, tables: Mapping[str, pd.DataFrame], years: Sequence[str], nothing_done: Mapping[str, bool]
) -> dict[tuple[str, str], np.ndarray]:
    """Contacts are returned for doing nothing and for the plan. Any other scenario has as much of the difference as it
    moves of the contacts at home that the plan's schemes move.
    """
    year_of = {row["quarter"]: row["financial_year"] for row in rows(tables["reference.quarters"])}
    moved: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(years)))
    for row in rows(tables["mart.bed_transfer_ledger"], round=code):
        if year_of[row["quarter"]] in years:
            moved[row["scenario"]][years.index(year_of[row["quarter"]])] += row["home_contacts"] or 0
    returned: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.full(len(years), np.nan))
    for row in rows(tables["mart.community_contacts"], round=code):
        if row["financial_year"] in years:
            path = returned[row["scenario"], row["organisation_code"]]
            path[years.index(row["financial_year"])] = _number(row["contacts"])
    result = {}
    for organisation in sorted({organisation for _, organisation in returned}):
        nothing, plan = (returned[name, organisation] for name in ("do_nothing", "plan"))
        for scenario, is_nothing in nothing_done.items():
            share = np.divide(moved[scenario], moved["plan"], out=np.ones(len(years)), where=moved["plan"] > 0)
            between = np.where(share == 1, plan, nothing + share * (plan - nothing))
            result[scenario, organisation] = nothing if is_nothing else between
    return result
