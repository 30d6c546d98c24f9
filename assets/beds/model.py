"""The bed model: spells and nights of the base year, grown, thinned by schemes and moved between settings.

Pure arithmetic on numpy arrays, in spells, nights and beds; where the arrays come from is in `inputs.py`, what is drawn
at random in `parameters.py`. The method is that of docs/methods.md. The last axis is the run, the
one before it a quarter or a year; the first is a cell, a unit or a code.

A patient meets the schemes in this order, so that nobody is counted twice: the admission is avoided; else the stay
becomes a day case; else it moves to another setting; else to another site. Within a step effects multiply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import numpy as np

HOME, NOWHERE, DAY_CASE = -1, -2, -3
"""Where a moved spell goes when it goes to no unit: home, nowhere that the line names, or to a day case."""
STEPS = ("avoid_admission", "day_case", "move_setting", "move_site")
SHORTEN = "shorten_stay"
ALMOST_ALL = 1 - 1e-15  # the logarithm of what is left stays finite where everything is removed


@dataclass(frozen=True)
class Cells:
    """The base year: one element a cell, sorted by unit. `nights` is the mean stay; spells may be a count or a mean."""

    unit: np.ndarray
    age: np.ndarray
    point_of_delivery: np.ndarray
    spells: np.ndarray
    nights: np.ndarray


@dataclass(frozen=True)
class Calendar:
    """The quarters: which year each is in (counted from the base year), its days, its year's days, its season."""

    year: np.ndarray
    days: np.ndarray
    days_in_year: np.ndarray
    season: np.ndarray

    @property
    def years(self) -> int:
        return int(self.year[-1]) + 1

    @property
    def weight(self) -> np.ndarray:
        """Share of its year's days."""
        return self.days / self.days_in_year


@dataclass(frozen=True)
class Line:
    """One effect of a scheme on some cells.

    `share` is the share of their spells avoided or moved, or the share of a stay's nights taken off (an element a cell)
    when the scheme works in full. `to` is the unit, or HOME, NOWHERE, DAY_CASE. `to_sector` says whose stay a moved
    patient has; None: the stay that the patient had.
    """

    scheme: int
    step: str
    cells: np.ndarray
    share: float | np.ndarray
    to: int = NOWHERE
    to_sector: int | None = None


@dataclass(frozen=True)
class Growth:
    """Factors on the base year's spells, the base year's own being 1: (age, year, run), (point of delivery, ...)."""

    population: np.ndarray
    health_status: np.ndarray
    non_demographic: np.ndarray


@dataclass(frozen=True)
class Moved:
    """Spells that one line moves, at a yearly rate, and the beds they lie in: those they leave, those they come to."""

    line: int
    cells: np.ndarray
    spells: np.ndarray
    left_beds: np.ndarray
    arriving_beds: np.ndarray


@dataclass(frozen=True)
class Flows:
    """What becomes of the cells: spells kept (a year), their nights, `bed_days` (kept x nights), what was moved out.

    `factors`: of each line, the share that it takes: (cell of the line, or 1 where all have the same; quarter, run).
    """

    kept: np.ndarray
    nights: np.ndarray
    bed_days: np.ndarray
    moved: tuple[Moved, ...]
    factors: Mapping[int, np.ndarray] = field(repr=False)


def parts(cells: Cells, lines: Sequence[Line], size: int) -> list[tuple[Cells, list[Line]]]:
    """At most so many cells at a time, and the lines on them: what the model gives for the parts adds up.

    Every part has all lines, some on no cell: a line's number is the same in each.
    """
    result = []
    for first in range(0, len(cells.unit), size):
        own = Cells(*(getattr(cells, one.name)[first : first + size] for one in fields(Cells)))
        on = []
        for line in lines:
            which = (line.cells >= first) & (line.cells < first + size)
            share = line.share[which] if np.ndim(line.share) else line.share
            on.append(replace(line, cells=line.cells[which] - first, share=share))
        result.append((own, on))
    return result


def flows(
    cells: Cells,
    calendar: Calendar,
    lines: Sequence[Line],
    *,
    growth: Growth,
    in_force: np.ndarray,
    stays: np.ndarray,
) -> Flows:
    """Spells, nights and moves of every cell in every quarter and run.

    `in_force` (scheme, quarter, run): share of a scheme's full effect, 0 to 1. `stays` (sector, year, run): nights
    of those who come to a sector from another.
    """
    kept = np.empty((len(cells.unit), *in_force.shape[1:]))
    _by_quarter(kept, calendar)[:] = (cells.spells[:, None, None] * grown(cells, growth))[:, :, None]
    nights = np.empty_like(kept)
    nights[:] = cells.nights[:, None, None]
    factors: dict[int, np.ndarray] = {}
    for number, line in enumerate(lines):
        factors[number] = np.reshape(line.share, (-1, 1, 1)) * in_force[line.scheme]
        if line.step == SHORTEN and factors[number].any():
            nights[line.cells] *= 1 - factors[number]
    per_bed = (calendar.season / calendar.days_in_year)[:, None]
    moves = []
    for number, spells in [move for step in STEPS for move in _take(step, lines, factors, kept)]:
        line = lines[number]
        left = nights[line.cells] * per_bed
        left *= spells
        arriving = left if line.to >= 0 else np.broadcast_to(0.0, left.shape)
        if line.to >= 0 and line.to_sector is not None:
            arriving = spells * (stays[line.to_sector][calendar.year] * per_bed)
        moves.append(Moved(number, line.cells, spells, left, arriving))
    return Flows(kept, nights, kept * nights, tuple(moves), factors)


def grown(cells: Cells, growth: Growth) -> np.ndarray:
    """Factor on each cell's base-year spells: (cell, year, run)."""
    return (growth.population * growth.health_status)[cells.age] * growth.non_demographic[cells.point_of_delivery]


def _take(
    step: str, lines: Sequence[Line], factors: Mapping[int, np.ndarray], kept: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Take what a step's lines remove out of `kept`; yields (line, its cells' spells) of those that go somewhere.

    Where several lines of a step reach a cell, each is given the part of what they remove together that its logarithm
    is of theirs: the parts do not depend on the lines' order and sum to the whole.
    """
    numbers = [n for n, line in enumerate(lines) if line.step == step and len(line.cells)]
    if step == "avoid_admission":
        for n in numbers:
            if factors[n].any():
                kept[lines[n].cells] *= 1 - factors[n]
        return
    reached = np.zeros(len(kept), dtype=int)
    for n in numbers:
        reached[lines[n].cells] += 1
    before = {n: kept[lines[n].cells] for n in numbers}
    for n in numbers:
        if factors[n].any():
            kept[lines[n].cells] *= 1 - factors[n]
    place = np.cumsum(reached > 1) - 1  # of a cell among those that several lines reach
    logs = np.zeros(((reached > 1).sum(), *kept.shape[1:]))
    shared = {n: np.flatnonzero(reached[lines[n].cells] > 1) for n in numbers}
    own = {n: np.log1p(-np.minimum(factors[n], ALMOST_ALL)) for n in numbers if len(shared[n])}
    for n in own:
        own[n] = own[n][shared[n]] if len(own[n]) > 1 else own[n]
        logs[place[lines[n].cells[shared[n]]]] += own[n]
    for n in numbers:
        removed = before[n] * factors[n]
        if n in own:
            which = lines[n].cells[shared[n]]
            all_ = logs[place[which]]
            part = np.divide(own[n], all_, out=np.zeros_like(all_), where=all_ < 0)
            removed[shared[n]] = (before[n][shared[n]] - kept[which]) * part
        yield n, removed


def census(
    cells: Cells,
    calendar: Calendar,
    lines: Sequence[Line],
    found: Flows,
    *,
    units: int,
    chance: Mapping[int, np.ndarray] | None = None,
) -> np.ndarray:
    """Mean midnight census [beds] of every unit: (unit, quarter, run).

    `chance` (cell, year, run) multiplies what is kept (under -1) and what a line moves (under its number).
    """

    result = np.zeros((units, *found.kept.shape[1:]))
    for unit, which in places_of(cells.unit):
        result[unit] = _drawn_sum(found.bed_days[which], None if chance is None else chance[-1][which], calendar)
    result *= (calendar.season / calendar.days_in_year)[:, None]
    for moved in found.moved:
        if (to := lines[moved.line].to) >= 0:
            result[to] += _drawn_sum(moved.arriving_beds, None if chance is None else chance[moved.line], calendar)
    return result


def _drawn_sum(values: np.ndarray, chance: np.ndarray | None, calendar: Calendar) -> np.ndarray:
    """Sum over cells of values x chance: (quarter, run)."""
    if chance is None:
        return values.sum(axis=0)
    return (_by_quarter(values, calendar) * chance[:, :, None]).sum(axis=0).reshape(values.shape[1:])


def by_group(values: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Sums over the first axis by group, of which the numbers rise; zeros where a group has no element."""
    result = np.zeros((count, *values.shape[1:]))
    for group, which in places_of(groups):
        values[which].sum(axis=0, out=result[group])
    return result


def places_of(groups: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Each group, of which the numbers rise, and its place."""
    ends = [*np.flatnonzero(np.diff(groups)) + 1, len(groups)] if len(groups) else []
    for start, end in pairwise([0, *ends]):
        yield int(groups[start]), slice(start, end)


def counts(
    cells: Cells, calendar: Calendar, lines: Sequence[Line], found: Flows, generators: Sequence[np.random.Generator]
) -> Mapping[int, np.ndarray]:
    """What chance makes of the yearly counts, one generator a run: drawn / expected, (cell, year, run).

    A year's spells of a cell are Poisson: those kept under -1, those that a line moves to beds under its number. Where
    stays are shortened, each night of those kept stays with the probability that it does: binomial, on whole nights;
    what is left of one counts in part. The base year is known. Quarters of a year share its draw.
    """
    moves = [moved for moved in found.moved if lines[moved.line].to >= 0]
    mean = _by_run(np.concatenate([_by_year(spells, calendar) for spells in (found.kept, *(m.spells for m in moves))]))
    is_shortened = np.zeros(len(cells.unit), dtype=bool)
    for line in lines:
        is_shortened[line.cells] |= line.step == SHORTEN
    shortened = np.flatnonzero(is_shortened)
    full = cells.nights[shortened, None]
    nights, most = _by_run(_by_year(found.bed_days, calendar)[shortened]), mean[:, shortened] * full
    stays = np.clip(np.divide(nights, most, out=np.ones_like(most), where=most > 0), 0, 1)
    drawn = np.empty(mean.shape)
    for run, generator in enumerate(generators):
        drawn[run] = generator.poisson(mean[run])
        of_stays = drawn[run, shortened] * full
        whole = np.floor(of_stays)
        left = generator.binomial(whole.astype(np.int64), stays[run])
        drawn[run, shortened] = left + (of_stays - whole) * stays[run]
    mean[:, shortened] = nights
    ratio = np.ones((mean.shape[1], calendar.years, len(mean)))
    ratio[:, 1:] = np.moveaxis(np.divide(drawn, mean, out=np.ones_like(mean), where=mean > 0), 0, -1)
    ends = np.cumsum([len(cells.unit), *(len(moved.cells) for moved in moves)])
    return dict(zip([-1, *(moved.line for moved in moves)], np.split(ratio, ends[:-1]), strict=True))


def _by_run(values: np.ndarray) -> np.ndarray:
    """(cell, year, run) -> (run, cell, year) without the base year, each run's numbers side by side."""
    return np.ascontiguousarray(np.moveaxis(values[:, 1:], -1, 0))


def _by_quarter(values: np.ndarray, calendar: Calendar) -> np.ndarray:
    """The quarters under their years: (cell, year, quarter of the year, run)."""
    return values.reshape(len(values), calendar.years, values.shape[1] // calendar.years, values.shape[-1])


def _by_year(rates: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Yearly totals of quarterly rates a year: (cell, year, run)."""
    weights = (calendar.weight * calendar.season).reshape(calendar.years, -1)
    by_quarter = _by_quarter(rates, calendar)
    total, part = np.zeros(by_quarter[:, :, 0].shape), np.empty(by_quarter[:, :, 0].shape)
    for quarter in range(weights.shape[1]):
        total += np.multiply(by_quarter[:, :, quarter], weights[:, quarter, None], out=part)
    return total
