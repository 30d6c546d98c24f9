"""What the simulated rounds come to, as the tables that their contracts promise: a function a table.

Percentiles are taken over runs of what is shown, never added up from parts. Beds are not rounded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from assets.beds.bridge import ARRIVALS, Key
from assets.beds.inputs import SUPPLY, Round, SchemeLine
from assets.beds.model import DAY_CASE, HOME
from assets.beds.parameters import Parameters, in_force
from assets.beds.schemes import line_key
from assets.beds.simulation import Result, need_of
from llr_pipeline.assumptions import Name
from llr_pipeline.queueing import demand_quantile, erlang_b, overflow_probability
from llr_pipeline.uncertainty import contributions, percentiles

TOGETHER = "stp_acute_and_community"
CLAIM_ROUNDING = 0.1  # a claim rounded to a tenth may take a hair more beds than there are, or leave a hair
RUN_DECIMALS = 4  # of a census kept run by run, which keeps the table small
Factor = tuple[str, str | None]
"""A factor of the bridge and the scheme that it is of."""
EQUAL = 1e-9  # a need above the beds planned by less is none


def keys_of(inputs: Round, unit: int) -> dict[str, object]:
    """A unit's columns."""
    one = inputs.units[unit]
    return {
        "organisation_code": one.organisation_code, "site_code": one.site_code, "sector": one.sector,
        "bed_definition": one.bed_definition,
    }  # fmt: skip


def demand(result: Result, planned: np.ndarray) -> pd.DataFrame:
    """`mart.bed_demand`: a row a unit and quarter. `planned` (unit, quarter): beds the plan has there, by scenario."""
    inputs = result.inputs
    year = inputs.calendar.year
    assumed = {
        name: np.array([inputs.assumptions.central("beds", name, unit.sector) for unit in inputs.units])[:, year]
        for name in ("dispersion", "ward_beds", "cannot_overflow")
    }
    census, dispersion = result.central_census, np.nan_to_num(assumed["dispersion"], nan=1.0)
    is_known = inputs.has_patients[:, None]
    beds = np.maximum(np.nan_to_num(planned), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_ward = np.where(planned > 0, census * assumed["ward_beds"] / planned, np.nan)
    blocked = np.where(
        assumed["cannot_overflow"] > 0, erlang_b(census, np.floor(beds)), np.nan
    )  # fmt: skip
    found = percentiles(result.need, axis=2)
    short = np.where(np.isnan(planned), np.nan, (result.need > planned[:, :, None] + EQUAL).mean(axis=2))
    short[np.isnan(result.target[:, year])] = np.nan
    columns = {
        "mean_census_beds": np.where(is_known, census, np.nan),
        "occupancy_target_share": result.target[:, year],
        "needed_beds": np.where(is_known, result.central_need, np.nan),
        "needed_beds_mean_runs": result.need.mean(axis=2),
        "needed_beds_p10_runs": found.p10,
        "needed_beds_p50_runs": found.p50,
        "needed_beds_p90_runs": found.p90,
        "beds_p90_daily": np.where(is_known, demand_quantile(census, 0.9, dispersion), np.nan),
        "planned_beds": planned,
        "shortfall_probability": short,
        "dispersion": dispersion,
        "overflow_probability": np.where(np.isnan(planned), np.nan, overflow_probability(census, beds, dispersion)),
        "ward_overflow_probability": overflow_probability(per_ward, np.nan_to_num(assumed["ward_beds"]), 1.0),
        "blocked_share": np.where(np.isnan(planned), np.nan, blocked),
    }
    frame = _units_by(inputs, inputs.quarters, "quarter")
    frame = frame.assign(round=inputs.round, scenario=result.scenario, runs=result.census.shape[2])
    frame["financial_year"] = [inputs.years[year[q]] for _ in inputs.units for q in range(len(inputs.quarters))]
    frame["days"] = [int(day) for _ in inputs.units for day in inputs.calendar.days]
    sources = ["default" if np.isnan(row).any() else "assumed" for row in assumed["dispersion"]]
    frame["dispersion_source"] = np.repeat(sources, len(inputs.quarters))
    frame["is_illustrative"] = np.repeat(inputs.is_illustrative, len(inputs.quarters))
    frame["has_values_kept_back"] = np.repeat(inputs.has_values_kept_back, len(inputs.quarters))
    frame = frame.assign(**{name: np.asarray(values, dtype=float).ravel() for name, values in columns.items()})
    unknown = np.repeat(~inputs.has_patients, len(inputs.quarters))
    frame.loc[unknown, [name for name in columns if name.endswith("_probability") or "_runs" in name]] = np.nan
    return frame


def _units_by(inputs: Round, periods: Sequence[str], name: str) -> pd.DataFrame:
    return pd.DataFrame([{**keys_of(inputs, n), name: one} for n in range(len(inputs.units)) for one in periods])


def planned_by_quarter(inputs: Round, scenario: str, central: Parameters) -> np.ndarray:
    """Beds planned by quarter: (unit, quarter).

    A return's beds are a year's average. What a building's scheme claims comes and goes with the building: within the
    year when it opens or closes, and as late as the scenario makes it. Beds that are to go because fewer patients are
    expected go when the plan says, whether or not the patients are fewer. Where a building's scheme is not done at all,
    the plan's beds stay what they are: that is what they are set against.
    """
    year = inputs.calendar.year
    planned = inputs.planned[:, year].copy()
    is_done = {code: change.delivered > 0 for code, change in inputs.scenarios[scenario].items()}
    on_time = in_force(inputs, "plan", central)[:, :, 0]
    in_scenario = in_force(inputs, scenario, central)[:, :, 0]
    weight = inputs.calendar.weight
    for line in inputs.lines:
        timing = inputs.timings[line.timing]
        if not timing.has_building:
            continue
        share = (in_scenario if is_done[timing.scheme_code] else on_time)[line.timing]
        mean = np.bincount(year, weight * on_time[line.timing])[year]
        full = np.divide(line.claimed[year], mean, out=np.zeros(len(year)), where=mean > 0)
        planned[line.unit] += np.where(mean > 0, full * share - line.claimed[year], 0)
    return np.where(np.abs(planned) < CLAIM_ROUNDING, 0, planned)


def areas(inputs: Round) -> Iterator[tuple[str, str, np.ndarray]]:
    """Area, definition, units: each organisation and the system by definition; the plan's two counts together."""
    for definition in sorted({unit.bed_definition for unit in inputs.units}):
        of_definition = [n for n, unit in enumerate(inputs.units) if unit.bed_definition == definition]
        for organisation in sorted({inputs.units[n].organisation_code for n in of_definition}):
            own = [n for n in of_definition if inputs.units[n].organisation_code == organisation]
            yield organisation, definition, np.array(own)
        yield "system", definition, np.array(of_definition)
    both = [n for n, unit in enumerate(inputs.units) if unit.bed_definition in ("stp_acute", "stp_community")]
    if len({inputs.units[n].bed_definition for n in both}) == 2:
        yield "system", TOGETHER, np.array(both)


def by_year(inputs: Round, quarterly: np.ndarray) -> np.ndarray:
    """Means over the days of each year: (unit, year, ...)."""
    weighted = quarterly * inputs.calendar.weight.reshape(1, -1, *(1,) * (quarterly.ndim - 2))
    return weighted.reshape(len(quarterly), len(inputs.years), -1, *quarterly.shape[2:]).sum(axis=2)


def census_runs(result: Result) -> pd.DataFrame:
    """`mart.bed_census_runs`: the mean census of a year by organisation and sector, central and in each run."""
    inputs = result.inputs
    one, many = by_year(inputs, result.central_census), by_year(inputs, result.census)
    units: dict[tuple[str, str], list[int]] = {}
    for n in np.flatnonzero(inputs.has_patients):
        units.setdefault((inputs.units[n].organisation_code, inputs.units[n].sector), []).append(n)
    parts = [
        pd.DataFrame({
            "round": inputs.round, "scenario": result.scenario, "organisation_code": organisation, "sector": sector,
            "financial_year": inputs.years, "mean_census_beds": one[which].sum(axis=0),
            "mean_census_beds_runs": list(many[which].sum(axis=0).round(RUN_DECIMALS)), "runs": many.shape[2],
        })
        for (organisation, sector), which in sorted(units.items())
    ]  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()


def demand_totals(result: Result, planned: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`mart.bed_demand_totals` and `mart.bed_demand_quarter_totals`: needs over runs by area, definition and period.

    Units without patients add none; one without a target leaves no total.
    """
    inputs = result.inputs
    need = np.where(inputs.has_patients[:, None, None], result.need, 0)
    one = np.where(inputs.has_patients[:, None], result.central_need, 0)
    return (
        _totals(result, *(by_year(inputs, some) for some in (one, need, planned)), "financial_year", inputs.years),
        _totals(result, one, need, planned, "quarter", inputs.quarters),
    )


def _totals(
    result: Result, one: np.ndarray, need: np.ndarray, beds: np.ndarray, name: str, periods: Sequence[str]
) -> pd.DataFrame:
    inputs = result.inputs
    parts = []
    for area, definition, which in areas(inputs):
        total, plan = need[which].sum(axis=0), beds[which].sum(axis=0)
        found = percentiles(total, axis=1)
        short = (total > plan[:, None] + EQUAL).mean(axis=1)
        parts.append(
            pd.DataFrame({
                "round": inputs.round, "scenario": result.scenario, "bed_definition": definition, "area": area,
                name: periods, "needed_beds": one[which].sum(axis=0), "planned_beds": plan,
                "needed_beds_mean_runs": total.mean(axis=1),
                "needed_beds_p10_runs": found.p10, "needed_beds_p50_runs": found.p50, "needed_beds_p90_runs": found.p90,
                "shortfall_probability": np.where(np.isnan(plan) | np.isnan(total.sum(axis=1)), np.nan, short),
                "runs": total.shape[1],
            })
        )  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()


def _merged(inputs: Round, bars: Mapping[Key, np.ndarray]) -> dict[Factor, np.ndarray]:
    """Bars by factor and scheme code: the lines of a scheme with one factor together."""
    codes = [inputs.timings[line.timing].scheme_code for line in inputs.effective]
    result: dict[Factor, np.ndarray] = {}
    for (factor, line), bar in bars.items():
        key = factor, None if line < 0 else codes[line]
        result[key] = result[key] + bar if key in result else bar
    return result


def bridges(result: Result) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`mart.bed_bridges` by unit and `mart.bed_bridge_totals` by area: every pair of years, factor and scheme.

    A pair's bars are the sums of the bars of its years, run by run. Bars that are 0 throughout are left out.
    """
    inputs = result.inputs
    central, drawn = _merged(inputs, result.central_bars), _merged(inputs, result.bars)
    named = list(areas(inputs))

    def summed(bars: Mapping[Factor, np.ndarray]) -> dict[Factor, np.ndarray]:
        return {key: np.array([bar[which].sum(axis=0) for *_, which in named]) for key, bar in bars.items()}

    units = [keys_of(inputs, n) for n in range(len(inputs.units))]
    totals = [{"area": area, "bed_definition": definition} for area, definition, _ in named]
    keys = {"round": inputs.round, "scenario": result.scenario}
    return (
        _bridge(inputs, central, drawn, units).assign(**keys),
        _bridge(inputs, summed(central), summed(drawn), totals).assign(**keys),
    )


def _bridge(
    inputs: Round, central: Mapping[Factor, np.ndarray], drawn: Mapping[Factor, np.ndarray], labels: Sequence[Mapping]
) -> pd.DataFrame:
    """A row for each bar (label, year) that is not 0 throughout, and pair of years."""
    first, last = np.array(list(combinations(range(len(inputs.years)), 2)), dtype=int).reshape(-1, 2).T
    parts: dict[str, list[np.ndarray]] = defaultdict(list)
    for number, (key, bar) in enumerate(central.items()):
        some = np.array([bool(np.any(bar[n]) or np.any(drawn[key][n])) for n in range(len(bar))])
        which = np.flatnonzero(some & ~np.isnan(bar).any(axis=1))
        if not (which.size and first.size):  # one year alone has no pair
            continue
        ends, ends_drawn = _ends(bar[which]), _ends(drawn[key][which])
        spans = ends_drawn[:, last] - ends_drawn[:, first]
        found = percentiles(spans, axis=2)
        parts["label"].append(np.repeat(which, len(first)))
        parts["pair"].append(np.tile(np.arange(len(first)), len(which)))
        parts["key"].append(np.full(len(which) * len(first), number))
        parts["change_beds"].append((ends[:, last] - ends[:, first]).ravel())
        parts["change_beds_mean_runs"].append(spans.mean(axis=2).ravel())
        parts["change_beds_p10_runs"].append(found.p10.ravel())
        parts["change_beds_p90_runs"].append(found.p90.ravel())
    if not parts:
        return pd.DataFrame()
    columns = {name: np.concatenate(some) for name, some in parts.items()}
    label, pair, key = (columns.pop(name) for name in ("label", "pair", "key"))
    factors, codes, years = (np.array(some, dtype=object) for some in (*zip(*central, strict=True), inputs.years))
    return pd.DataFrame(
        {name: np.array([one[name] for one in labels], dtype=object)[label] for name in labels[0]}
        | {"from_year": years[first[pair]], "to_year": years[last[pair]]}
        | {"factor": factors[key], "scheme_code": codes[key]}
        | columns
    )


def _ends(bar: np.ndarray) -> np.ndarray:
    """What a bar comes to at the end of each year, from nothing at the end of the first."""
    return np.concatenate([np.zeros((len(bar), 1, *bar.shape[2:])), np.cumsum(bar, axis=1)], axis=1)


def transfers(result: Result, contacts: np.ndarray) -> pd.DataFrame:
    """`mart.bed_transfer_ledger`: what schemes move, by quarter, with central parameters: a row a line."""
    inputs = result.inputs
    lines = inputs.effective
    share = inputs.calendar.weight * inputs.calendar.season
    parts = []
    for moved in result.central.moved:
        line, spells = lines[moved.line], moved.spells[:, :, 0].sum(axis=0) * share
        if not spells.any():
            continue
        to = line.effect.to
        kind = {HOME: "home", DAY_CASE: "day_case"}.get(to, "beds" if to >= 0 else "unallocated")
        left, arriving = (beds[:, :, 0].sum(axis=0) for beds in (moved.left_beds, moved.arriving_beds))
        here, there = keys_of(inputs, line.unit), keys_of(inputs, to) if to >= 0 else {}
        parts.append(
            pd.DataFrame({
                "round": inputs.round, "scenario": result.scenario, "scheme_code": line.row["scheme_code"],
                "sender_code": line.row["organisation_code"], "row_number": line.row["row_number"],
                "from_site_code": here["site_code"], "from_sector": here["sector"], "destination": kind,
                "to_site_code": there.get("site_code"), "to_sector": there.get("sector"), "quarter": inputs.quarters,
                "moved_spells": spells,
                "arrived_spells": spells if kind != "unallocated" else np.zeros(len(spells)),
                "unallocated_spells": spells if kind == "unallocated" else np.zeros(len(spells)),
                "home_contacts": spells * (contacts[inputs.calendar.year, 0] if kind == "home" else 0),
                "left_beds": left, "arriving_beds": arriving,
                "released_beds": np.where(kind == "unallocated", 0, left - arriving),
                "unallocated_beds": np.where(kind == "unallocated", left, 0),
            })
        )  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()


def since_base_year(result: Result) -> Mapping[Key, np.ndarray]:
    """The central bars from the base year to each year: (unit, year)."""
    return {key: _ends(bar) for key, bar in result.central_bars.items()}


def scheme_effects(result: Result) -> pd.DataFrame:
    """`mart.bed_scheme_effects`: beds that each line of the plan implies beside the beds claimed for it, by year."""
    inputs = result.inputs
    since_base = since_base_year(result)
    place = {line_key(line.row): n for n, line in enumerate(inputs.effective)}
    grown = sum(since_base[name, -1] for name in ("population", "health_status", "non_demographic_growth"))
    is_shared = {
        n for n in range(len(inputs.units))
        if sum(line.row["mechanism"] == "growth" and line.unit == n for line in inputs.lines) > 1
    }  # fmt: skip
    parts = []
    for line in inputs.lines:
        mechanism = line.row["mechanism"]
        if mechanism == "growth":
            implied = grown[line.unit] if line.unit not in is_shared else np.full(len(inputs.years), np.nan)
        elif mechanism == "open":
            implied = _arrivals(inputs, since_base, line)
        elif line.effect:
            implied = since_base[line.effect.step, place[line_key(line.row)]][line.unit]
        else:
            implied = np.full(len(inputs.years), np.nan)
        keys = {name: line.row[name] for name in ("scheme_code", "mechanism", "row_number")}
        parts.append(
            pd.DataFrame({
                "round": inputs.round, "sender_code": line.row["organisation_code"], **keys,
                **keys_of(inputs, line.unit), "financial_year": inputs.years, "claimed_beds": line.claimed,
                "implied_beds": implied, "basis": _basis(mechanism, line),
            })
        )  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()


def _arrivals(inputs: Round, since_base: Mapping[Key, np.ndarray], line: SchemeLine) -> np.ndarray:
    """Beds for the patients whom the scheme of an opening brings to its unit."""
    code, total = line.row["scheme_code"], np.zeros(len(inputs.years))
    lines = inputs.effective
    for (factor, number), bar in since_base.items():
        if factor == ARRIVALS and lines[number].row["scheme_code"] == code:
            total = total + bar[line.unit]
    return total


def _basis(mechanism: str, line: SchemeLine) -> str:
    if mechanism == "open":
        return "arrivals"
    if mechanism in SUPPLY:
        return "supply"
    return "growth" if mechanism == "growth" else "effect" if line.effect else "none"


def _shares(values: Mapping[str, np.ndarray], total: np.ndarray) -> dict[str, np.ndarray]:
    """Of the variance of a total; not known where the runs are too few, or parameters were drawn as one."""
    try:
        found = contributions(values, total)
    except ValueError:
        return dict.fromkeys(("variance_share", "joint_variance_share", "other_variance_share"), np.nan)
    return {
        "variance_share": found.shares, "joint_variance_share": found.joint_share,
        "other_variance_share": found.residual_share,
    }  # fmt: skip


def assumption_effects(
    result: Result, in_turn: Parameters, values: Mapping[Name, np.ndarray], clamped: Mapping[Name, float]
) -> pd.DataFrame:
    """`mart.bed_assumption_effects`: what each uncertain parameter does to the beds needed in the last year.

    Alone, at its P10 and at its P90 with all else central (`in_turn`, of `one_at_a_time`); and its share of the
    variance over the runs.
    """
    inputs, names = result.inputs, list(values)
    if not names:
        return pd.DataFrame()
    alone = by_year(inputs, need_of(inputs, result.scenario, in_turn))[:, -1]
    central, need = by_year(inputs, result.central_need)[:, -1], by_year(inputs, result.need)[:, -1]
    for some in (alone, central, need):
        some[~inputs.has_patients] = 0
    tenth, ninetieth = np.percentile(list(values.values()), [10, 90], axis=1)
    parts = []
    for area, definition, which in areas(inputs):
        change = (alone[which] - central[which, None]).sum(axis=0).reshape(-1, 2)
        total = need[which].sum(axis=0)
        if np.isnan(total).any():
            continue
        shares = _shares({" ".join(name): values[name] for name in names}, total)
        parts.append(
            pd.DataFrame({
                "round": inputs.round, "scenario": result.scenario, "area": area, "bed_definition": definition,
                "financial_year": inputs.years[-1],
                "parameter": [parameter for parameter, _ in names], "applies_to": [code for _, code in names],
                "p10_value": tenth, "p90_value": ninetieth,
                "p10_effect_beds": change[:, 0], "p90_effect_beds": change[:, 1], **shares,
                "clamped_share": [clamped.get(name, 0.0) for name in names],
            })
        )  # fmt: skip
    return pd.concat(parts) if parts else pd.DataFrame()
