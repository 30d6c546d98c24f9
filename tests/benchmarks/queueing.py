"""CPU seconds for a million figures of each kind: `python -m tests.benchmarks.queueing`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from time import process_time

import numpy as np

from llr_pipeline.bridges import divisia_bars
from llr_pipeline.queueing import demand_quantile, dispersion, erlang_b, overflow_probability
from llr_pipeline.uncertainty import contributions, draw, normal_from_interval, percentiles

FIGURES, SEED = 1_000_000, 20_161_121


def import_seconds(module: str) -> float:
    """CPU seconds to import a module in a fresh interpreter that has numpy."""
    code = f"import numpy, time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def cases() -> dict[str, Callable[[], object]]:
    random = np.random.default_rng(SEED)
    small, large = random.uniform(0.1, 50, FIGURES), random.uniform(50, 2_000, FIGURES)
    spread = random.uniform(0.5, 3, FIGURES)
    factors = random.lognormal(0, 0.2, (6, FIGURES))
    draws = {f"p{n}": draw(f"p{n}", normal_from_interval(0, 1), 1_000, seed=SEED).values for n in range(40)}
    outcomes = random.normal(size=(1_000, 1_000))
    return {
        "erlang_b, 1 to 60 servers": lambda: erlang_b(small, np.ceil(small / 0.85)),
        "erlang_b, 60 to 2,350 servers": lambda: erlang_b(large, np.ceil(large / 0.85)),
        "overflow_probability, D = 1": lambda: overflow_probability(large, large / 0.92),
        "overflow_probability, D = 0.5 to 3": lambda: overflow_probability(large, large / 0.92, spread),
        "demand_quantile, means under 50, D = 1": lambda: demand_quantile(small, 0.9),
        "demand_quantile, means to 2,000, D = 1": lambda: demand_quantile(large, 0.9),
        "demand_quantile, means to 2,000, D = 0.5 to 3": lambda: demand_quantile(large, 0.9, spread),
        "divisia_bars, 6 factors": lambda: divisia_bars(large, factors),
        "percentiles, 1,000 runs of 1,000": lambda: percentiles(outcomes),
        "contributions, 40 parameters, 1,000 runs of 1,000": lambda: contributions(draws, outcomes),
        "dispersion, one series of ten years": lambda: dispersion(random.poisson(300, 3_650)),
    }


def main() -> None:
    for module in ("scipy.special", "scipy.stats"):
        print(f"import {module:<45} {import_seconds(module):6.2f}")
    for name, figures in cases().items():
        started = process_time()
        figures()
        print(f"{name:<52} {process_time() - started:6.2f}")


if __name__ == "__main__":
    main()
