"""How often a slip is found, and how often a line without one is taken for one: `python -m tests.benchmarks.slips`.

Random lines of six periods: growth of -10% to +15% a period, noise, and in some a step, a ramp or counts of a few. By
factor and noise: the share of planted slips found, at the right place with the right factor; and of lines without a
slip the share with a finding. The thresholds in `llr_pipeline/slips.py` were chosen on these tables and the sample.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llr_pipeline.slips import FACTORS, OPPOSITE, out_of_step, shift

LINES, PERIODS, SEED = 1_000, 6, 20_161_121
NOISES = (0.0, 0.02, 0.05, 0.10, 0.20, 0.40)
Random = np.random.Generator


def smooth(random: Random, noise: float, periods: int = PERIODS) -> list[float]:
    """A line from 500 to 500,000 that grows by -10% to +15% a period, with this much noise (a standard deviation)."""
    start, growth = np.exp(random.uniform(np.log(500), np.log(500_000))), random.uniform(0.90, 1.15)
    return list(start * growth ** np.arange(periods) * np.exp(random.normal(0, noise, periods)))


def stepped(random: Random, noise: float) -> list[float]:
    """A line that rises or falls 2 to 20 times at one moment, as when a service moves."""
    times = np.exp(random.uniform(np.log(2), np.log(20))) ** random.choice([1, -1])
    moment = random.integers(1, PERIODS)
    return [value * (times if n >= moment else 1) for n, value in enumerate(smooth(random, noise))]


def ramped(random: Random, noise: float) -> list[float]:
    """A scheme that builds up along an S from 0, rounded: what comes before its start is 0 and left out."""
    moment, pace, full = (
        random.uniform(0, 4),
        random.uniform(0.5, 3),
        np.exp(random.uniform(np.log(500), np.log(50_000))),
    )
    path = full / (1 + np.exp(-pace * (np.arange(PERIODS) - moment))) * np.exp(random.normal(0, noise, PERIODS))
    return [value for value in np.round(path) if value]


def counted(random: Random, _noise: float) -> list[float]:
    """Counts of a few, 1 to 20 on average."""
    counts = random.poisson(np.exp(random.uniform(0, np.log(20))), PERIODS)
    return [float(count) for count in counts if count]


def crossing(random: Random, noise: float) -> list[float]:
    """A line that goes in a straight way from a gain to a loss, or the reverse."""
    start, end = random.uniform(100, 10_000) * random.choice([1, -1]), random.uniform(100, 10_000)
    path = np.linspace(start, -np.sign(start) * end, PERIODS)
    return [value for value in path + random.normal(0, noise * abs(start), PERIODS) if value]


def false_alarms(make: Callable[[Random, float], list[float]], noise: float) -> float:
    random = np.random.default_rng(SEED)
    return sum(bool(list(out_of_step(make(random, noise)))) for _ in range(LINES)) / LINES


def found(factor: float, noise: float, periods: int = PERIODS) -> float:
    """The share of slips by this factor in a random period that are found there, and nothing else in the line."""
    random = np.random.default_rng(SEED)
    count = 0
    for _ in range(LINES):
        line, place = smooth(random, noise, periods), random.integers(periods)
        line[place] *= factor
        count += [(where, what) for where, what, _ in out_of_step(line)] == [(place, factor)]
    return count / LINES


def found_by_shift(factor: float, noise: float) -> float:
    """The share of whole lines by this factor away from an earlier return with this much noise between the two."""
    random = np.random.default_rng(SEED)
    pairs = ([(v * factor * np.exp(random.normal(0, noise)), v) for v in smooth(random, noise)] for _ in range(LINES))
    return sum(shift(some) == factor for some in pairs) / LINES


def main() -> None:
    every = [times for factor in FACTORS for times in (factor, 1 / factor)] + [OPPOSITE]
    width = max(map(len, map(name, every)))
    print(f"{LINES:,} random lines a figure, {PERIODS} periods; noise: standard deviation of the logarithm\n")
    for title, measure in (
        ("Slips of one value found, %", found),
        ("Slips of one value found in lines of 4 periods, %", lambda factor, noise: found(factor, noise, 4)),
        ("Whole lines found beside the earlier return, %", found_by_shift),
    ):
        print(f"{title}\n{'noise':>{width}} {''.join(f'{noise:8.0%}' for noise in NOISES)}")
        for factor in every:
            print(f"{name(factor):>{width}} {''.join(f'{100 * measure(factor, noise):8.1f}' for noise in NOISES)}")
        print()
    print(f"Lines without a slip that are taken for one, %\n{'noise':>{width}} {''.join(f'{n:8.0%}' for n in NOISES)}")
    for make in (smooth, stepped, ramped, counted, crossing):
        rates = (100 * false_alarms(make, noise) for noise in NOISES)
        print(f"{make.__name__:>{width}} {''.join(f'{rate:8.2f}' for rate in rates)}")


def name(factor: float) -> str:
    if factor == OPPOSITE:
        return "opposite sign"
    return f"{factor:,.0f} times" if factor > 1 else f"1/{1 / factor:,.0f}"


if __name__ == "__main__":
    main()
