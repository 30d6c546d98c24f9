"""Why beds needed change from year to year: the model's factors as bars, cell by cell and quarter by quarter.

Each quarter is set against the same quarter of the year before, in log-mean Divisia bars (`llr_pipeline/bridges.py` has
the method and its sources). Patients who go to another site of the sector, and those who arrive from elsewhere, are
added as bars of their own: a move within an area cancels there. A year's bars sum to its change exactly, in every run.
Counts drawn at random are chance, not a reason: they are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from assets.beds.model import Calendar, Cells, Flows, Growth, Line, by_group, places_of

Key = tuple[str, int]
"""A factor, and the number of the line that it belongs to; -1 for none."""
ARRIVALS, RELOCATION = "arrivals", "move_site"
TINY = 1e-300  # change / log1p(change) is 1 there, and 0 / 0 where nothing changes


def bars(
    cells: Cells,
    calendar: Calendar,
    lines: Sequence[Line],
    found: Flows,
    *,
    growth: Growth,
    target: np.ndarray,
    units: int,
) -> Mapping[Key, np.ndarray]:
    """Change in beds needed by factor: (unit, step, run), a step being from a year to the next.

    `target` (unit, year) is the occupancy that beds are needed at; NaN where there is none, and so are its bars.
    """
    years, shape = calendar.years, (units, calendar.years - 1, found.kept.shape[-1])
    weight = calendar.weight * calendar.season / calendar.days_in_year
    per_target = (1 / target)[:, calendar.year]
    bed_days, relocated = found.bed_days, [m for m in found.moved if lines[m.line].step == RELOCATION]
    if relocated:
        spells = found.kept.copy()
        for moved in relocated:
            spells[moved.cells] += moved.spells
        bed_days = spells * found.nights
    before, after = _steps(bed_days * (weight * per_target[cells.unit])[:, :, None], years)
    size = _log_mean(before, after)
    jumping = np.flatnonzero(~(bed_days.min(axis=(1, 2)) > 0))
    both = (before[jumping] > 0) & (after[jumping] > 0)
    size[jumping] = np.where(both, size[jumping], 0.0)
    by_year = size.sum(axis=2)
    result: dict[Key, np.ndarray] = {}

    def add(factor: str, index: np.ndarray, codes: np.ndarray) -> None:
        """A factor's bars from its index (code, year, run), each cell having a code."""
        logs = _log_change(index[:, :-1], index[:, 1:])
        result[factor, -1] = by_group(by_year * logs[codes], cells.unit, units)

    add("population", growth.population, cells.age)
    add("health_status", growth.health_status, cells.age)
    add("non_demographic_growth", growth.non_demographic, cells.point_of_delivery)
    calendar_logs = _log_change(*_steps(weight[None, :, None], years))
    result["calendar", -1] = (by_group(size, cells.unit, units) * calendar_logs).sum(axis=2)
    target_logs = _log_change(1 / target[:, :-1, None], 1 / target[:, 1:, None])
    result["occupancy_target", -1] = by_group(by_year, cells.unit, units) * target_logs
    for number, line in enumerate(lines):
        result[line.step, number] = bar = np.zeros(shape)
        if line.step == RELOCATION or not len(line.cells) or not found.factors[number].any():
            continue
        logs = _log_change(*_steps(1 - found.factors[number], years))
        for unit, which in places_of(cells.unit[line.cells]):
            reached = size[line.cells[which]]
            if len(logs) == 1:
                bar[unit] = (reached.sum(axis=0) * logs[0]).sum(axis=1)
            else:
                reached *= logs[which]
                bar[unit] = reached.sum(axis=0).sum(axis=1)
    if len(jumping):
        jumps = np.where(both, 0.0, after[jumping] - before[jumping])
        _add_jumps(result, cells, lines, found, growth=growth, jumps=jumps, jumping=jumping, units=units)

    def by_step(beds: np.ndarray, unit: int) -> np.ndarray:
        """Change of a unit's beds needed for moved patients: (step, run)."""
        needed = beds.sum(axis=0) * (calendar.weight * per_target[unit])[:, None]
        return np.diff(needed.reshape(years, len(needed) // years, -1).sum(axis=1), axis=0)

    for moved in found.moved:
        line = lines[moved.line]
        if line.to >= 0:
            result.setdefault((ARRIVALS, moved.line), np.zeros(shape))[line.to] += by_step(moved.arriving_beds, line.to)
    for moved in relocated:
        for unit, which in places_of(cells.unit[moved.cells]):
            result[RELOCATION, moved.line][unit] -= by_step(moved.left_beds[which], unit)
    for bar in result.values():
        bar[np.isnan(target[:, :-1] + target[:, 1:])] = np.nan
    return result


def _steps(values: np.ndarray, years: int) -> tuple[np.ndarray, np.ndarray]:
    """The quarters of each year but the last, and of each but the first: (cell, step, quarter of the year, run)."""
    by_year = values.reshape(len(values), years, values.shape[1] // years, values.shape[-1])
    return by_year[:, :-1], by_year[:, 1:]


def _log_mean(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """As `bridges.log_mean`, for positive numbers: several times as fast. Not a number for others."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = after / before
        change -= 1
        change[change == 0] = TINY
        result = np.log1p(change)
        if not change.min(initial=0) > -0.5:  # 1 + change has lost digits
            far = change <= -0.5
            result[far] = np.log(after[far] / before[far])
        np.divide(change, result, out=result)
        result *= before
    return result


def _log_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Logarithm of after / before; 0 where either is 0: those are jumps."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result = after / before
        np.log(result, out=result)
    result[~np.isfinite(result)] = 0.0
    return result


def _add_jumps(
    result: dict[Key, np.ndarray],
    cells: Cells,
    lines: Sequence[Line],
    found: Flows,
    *,
    growth: Growth,
    jumps: np.ndarray,
    jumping: np.ndarray,
    units: int,
) -> None:
    """Where a cell's beds end at 0 or begin from it, the whole change is the factors' that took all, in equal parts.

    `jumping`: the cells that `jumps` (as _steps) are of. What no factor explains is the population's.
    """
    place = np.full(len(cells.unit), -1)
    place[jumping] = np.arange(len(jumping))
    sharers = np.zeros(jumps.shape)
    zero: dict[Key, tuple[np.ndarray, np.ndarray]] = {}  # of a factor: the places that it may take all of, and where
    for factor, index, codes in (
        ("population", growth.population, cells.age),
        ("health_status", growth.health_status, cells.age),
        ("non_demographic_growth", growth.non_demographic, cells.point_of_delivery),
    ):
        if not index.all():
            is_zero = (index == 0)[codes[jumping]]
            zero[factor, -1] = np.arange(len(jumping)), (is_zero[:, :-1] != is_zero[:, 1:])[:, :, None]
    for number, line in enumerate(lines):
        if line.step == RELOCATION:
            continue
        which = np.flatnonzero(place[line.cells] >= 0)
        factor = found.factors[number]
        if len(which) and not factor.max() < 1:
            left, now = _steps(1 - (factor[which] if len(factor) > 1 else factor), jumps.shape[1] + 1)
            zero[line.step, number] = place[line.cells[which]], (left == 0) != (now == 0)
    for where, at in zero.values():
        sharers[where] += at
    for key, (where, at) in zero.items():
        part = np.where(at, jumps[where] / np.maximum(sharers[where], 1), 0.0).sum(axis=2)
        result[key] += by_group(part, cells.unit[jumping[where]], units)
    rest = np.where(sharers > 0, 0.0, jumps).sum(axis=2)
    result["population", -1] += by_group(rest, cells.unit[jumping], units)
