"""CPU and memory of the bed model on one large acute trust: `python -m tests.benchmarks.bed_model`.

260,000 synthetic spells as counts per single year of age, sex, specialty, point of delivery and nights, 60 schemes, the
base year and the horizon year by quarter, census and bridge. Cells without nights are left out unless a move to beds of
another sector reaches them. CPU milliseconds a run are the least of three; peak memory is the whole process's.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from time import process_time

import numpy as np

from assets.beds.model import DAY_CASE, HOME, SHORTEN, Calendar, Cells, Growth, Line, parts
from assets.beds.simulation import PART_CELLS, block_runs, simulate_block
from llr_pipeline.uncertainty import stream

SEED, SPELLS, SPECIALTIES, AGES, SCHEMES, RUNS, REPEATS = 2016, 260_000, 25, 90, 60, 256, 3
ELECTIVE, EMERGENCY, MATERNITY = range(3)
LONGEST = 60
LIMIT_MS, LIMIT_MB = 80, 1_000
MECHANISMS = ("avoid_admission", "day_case", SHORTEN, "move_setting", SHORTEN, "move_home")
SEASON = np.array([0.97, 0.96, 1.02, 1.05])
CALENDAR = Calendar(
    year=np.repeat([0, 1], 4),
    days=np.array([91.0, 92, 92, 90] * 2),
    days_in_year=np.full(8, 365.0),
    season=np.tile(SEASON / np.average(SEASON, weights=[91, 92, 92, 90]), 2),
)  # fmt: skip
TARGET = np.full((2, 2), 0.92)
"""Units: the trust's acute beds, and the community beds that patients move to."""


@dataclass(frozen=True)
class Trust:
    """A cell an element: what the schemes choose by, and the counts."""

    age: np.ndarray
    specialty: np.ndarray
    point_of_delivery: np.ndarray
    nights: np.ndarray
    spells: np.ndarray

    def only(self, which: np.ndarray) -> Trust:
        return Trust(*(values[which] for values in vars(self).values()))


def trust(spells: int) -> Trust:
    """Spells drawn one by one and counted: ages, shares without a night and stays differ by point of delivery."""
    random = np.random.default_rng(SEED)
    pod = random.choice(3, spells, p=[0.47, 0.47, 0.06])
    old = np.where(pod == ELECTIVE, random.normal(60, 17, spells), random.gamma(3.2, 18, spells))
    old = np.where((pod == EMERGENCY) & (random.random(spells) < 0.2), random.exponential(6, spells), old)
    age = np.clip(np.where(pod == MATERNITY, random.normal(30, 5, spells), old), 0, AGES - 1).astype(int)
    sex = np.where(pod == MATERNITY, 1, random.integers(0, 2, spells))
    popularity = 1 / np.arange(2, SPECIALTIES + 2)
    specialty = np.where(pod == MATERNITY, 0, random.choice(SPECIALTIES, spells, p=popularity / popularity.sum()))
    zero = np.array([0.84, 0.32, 0.25])[pod]
    long = random.lognormal(np.log(np.array([1.8, 2.6, 1.6])[pod] + age / 40), 0.9)
    nights = np.where(random.random(spells) < zero, 0, np.clip(long, 1, LONGEST)).astype(int)
    found, counted = np.unique([pod, specialty, age, sex, nights], axis=1, return_counts=True)
    return Trust(found[2], found[1], found[0], found[4], counted.astype(float))


def lines_on(cells: Trust, schemes: int) -> list[Line]:
    """The same schemes for whatever cells: each on one point of delivery, some specialties and ages."""
    lines = []
    for scheme in range(schemes):
        random = np.random.default_rng([SEED, scheme])
        step = MECHANISMS[scheme % len(MECHANISMS)]
        pod = ELECTIVE if step == "day_case" else random.choice([ELECTIVE, EMERGENCY], p=[0.25, 0.75])
        reached = np.isin(cells.specialty, random.choice(SPECIALTIES, random.integers(1, 5), replace=False))
        reached &= (cells.point_of_delivery == pod) & (cells.age >= random.choice([0, 18, 65, 75]))
        if step == "day_case":
            reached &= (cells.nights > 0) & (cells.nights <= 2)
        if step == SHORTEN:
            reached &= cells.nights > 0
        which, cover, size = np.flatnonzero(reached), random.uniform(0.3, 0.9), random.uniform(0.02, 0.2)
        if step == SHORTEN:
            taken = np.minimum(random.choice([0.5, 1, 2]) / cells.nights[which], 1)
            lines.append(Line(scheme, SHORTEN, which, taken * cover))
        elif step == "move_setting":
            lines.append(Line(scheme, step, which, size * cover, to=1, to_sector=1))
        else:
            to = {"avoid_admission": -2, "day_case": DAY_CASE, "move_home": HOME}[step]
            lines.append(Line(scheme, step.replace("move_home", "move_setting"), which, size * cover, to=to))
    return lines


def that_matter(cells: Trust, lines: list[Line]) -> Trust:
    """Without the cells that have no night, unless those moved out of them have nights elsewhere."""
    arrives = np.zeros(len(cells.nights), dtype=bool)
    for line in lines:
        arrives[line.cells] |= line.to >= 0 and line.to_sector is not None
    return cells.only((cells.nights > 0) | arrives)


def cpu_ms(cells: Trust, *, schemes: int, runs: int) -> float:
    """CPU milliseconds a run, census and bridge, the least of some repeats."""
    random = np.random.default_rng(SEED)
    lines = lines_on(cells, schemes)
    zero = np.zeros(len(cells.nights), dtype=int)
    model = Cells(zero, cells.age, cells.point_of_delivery, cells.spells, cells.nights.astype(float))
    ages = np.arange(AGES)[:, None]
    index = np.ones((3, AGES, 2, runs))
    index[0, :, 1] = 1 + ages / 150 + random.normal(0, 0.02, runs)
    index[1, :, 1] = 1 - ages / 2_000 + random.normal(0, 0.01, runs)
    rates = np.ones((3, 2, runs))
    rates[:, 1] = random.normal([[1.06], [0.99], [1.0]], 0.02, (3, runs))
    force = np.zeros((schemes, 8, runs))
    force[:, 4:] = random.beta(9, 3, (schemes, 1, runs)) * np.linspace(0.7, 1, 4)[:, None]
    stays = np.broadcast_to(random.normal(18, 1, runs), (2, 2, runs))
    best = np.inf
    for _ in range(REPEATS):
        started = process_time()
        pieces = parts(model, lines, PART_CELLS)
        size = block_runs(len(zero), 8)
        for first in range(0, runs, size):
            block = slice(first, min(first + size, runs))
            streams = [stream(SEED, "benchmark", str(run)) for run in range(block.start, block.stop)]
            growth = Growth(index[0][..., block], index[1][..., block], rates[..., block])
            simulate_block(pieces, CALENDAR, growth, stays[..., block], force[..., block], TARGET, streams)
        best = min(best, (process_time() - started) / runs * 1_000)
    return best


def main() -> None:
    everything = trust(SPELLS)
    cells = that_matter(everything, lines_on(everything, SCHEMES))
    count = len(cells.nights)
    print(f"{SPELLS:,} spells in {len(everything.nights):,} cells, of which {count:,} matter")
    print(f"{'cells':>8} {'runs':>5} {'schemes':>8} {'CPU ms a run':>13} {'a 1,000 cells':>14}")
    order = np.random.default_rng(SEED).permutation(count)
    some = [(n, RUNS, SCHEMES) for n in (10_000, 30_000) if n < count] + [(count, RUNS, SCHEMES)]
    some += [(count, runs, SCHEMES) for runs in (16, 64)] + [(count, RUNS, schemes) for schemes in (15, 30)]
    taken = {}
    for n, runs, schemes in some:
        taken[n, runs, schemes] = ms = cpu_ms(cells.only(np.sort(order[:n])), schemes=schemes, runs=runs)
        print(f"{n:8,} {runs:5} {schemes:8} {ms:13.1f} {ms / n * 1000:14.3f}  {'#' * round(ms)}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = taken[count, RUNS, SCHEMES]
    print(f"{whole:.1f} CPU ms a run (limit {LIMIT_MS}), peak memory {peak:,.0f} MB (limit {LIMIT_MB:,})")
    if whole > LIMIT_MS or peak > LIMIT_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
