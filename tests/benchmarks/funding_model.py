"""CPU of the funding model: `python -m tests.benchmarks.funding_model`.

Runs the sample once into a home of its own, then projects its tables with 10,000 runs, the import of scipy left out;
and the curve: one round and scenario by number of runs, and by number of schemes (the sample's, under new codes). CPU
seconds are the least of three. The linear algebra has one thread: several wait on each other, and waiting counts.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time

import duckdb

from assets.finance.gathering import rounds
from assets.finance.inputs import FundingRound
from assets.finance.model import do_nothing, drawn, growth, savings
from assets.finance.projection import project
from assets.finance.results import gaps
from llr_pipeline.assumptions import Drawn, _delivered
from llr_pipeline.definitions import defs

RUNS, LIMIT_S, REPEATS = 10_000, 3.0, 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        llr = [sys.executable, "-m", "llr_pipeline.cli", "run", "--sample"]
        subprocess.run(llr, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LLR_HOME": folder})
        tables = read(Path(folder, "published", "llr.duckdb"))
    seconds = least(lambda: project(tables))
    print(f"both rounds, every scenario, {RUNS:,} runs: {seconds:.2f} CPU s (at most {LIMIT_S:g})")
    inputs = rounds(tables)[-1]
    print("\nruns      CPU ms   CPU ms / 1,000 runs")
    for runs in (1_000, 2_000, 5_000, 10_000, 20_000, 40_000):
        taken = least(lambda runs=runs: one_scenario(inputs, runs))
        print(f"{runs:>6,} {1000 * taken:>9.0f} {1e6 * taken / runs:>12.1f}")
    print("\nschemes   CPU ms   CPU ms / scheme")
    for times in (1, 2, 4, 8, 16):
        many = repeated(inputs, times)
        taken = least(lambda many=many: one_scenario(many, 2_000))
        print(f"{len(many.savings):>7} {1000 * taken:>9.0f} {1000 * taken / len(many.savings):>12.2f}")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def read(published: Path) -> dict:
    """What the step reads."""
    step = next(one for one in defs.assets if getattr(one, "op", None) and one.op.name == "funding_projection")
    names = [".".join(key.path) for key in step.dependency_keys]
    names = [f"{name}_current" if name.startswith("core.") else name for name in names]
    with duckdb.connect(str(published), read_only=True) as connection:
        return {name: connection.execute(f"select * from {name} order by all").df() for name in names}


def one_scenario(inputs: FundingRound, runs: int) -> None:
    made = Drawn(inputs.assumptions, runs, 2016)
    many = do_nothing(inputs, growth(inputs, made.pick))
    gaps(inputs, many)
    savings(inputs, "plan", many, drawn(inputs, made.delivered, made.slip_months, runs))


def repeated(inputs: FundingRound, times: int) -> FundingRound:
    """The same savings so many times, each under a code of its own and of a size that its pool can bear."""
    copies = tuple(
        replace(saving, scheme_code=f"{saving.scheme_code}-{n}", gross=saving.gross / times)
        for n in range(times)
        for saving in inputs.savings
    )
    changes = {
        name: {saving.scheme_code: change[saving.scheme_code.rsplit("-", 1)[0]] for saving in copies}
        for name, change in inputs.scenarios.items()
    }
    return replace(inputs, savings=copies, scenarios=changes)


def least(call: Callable) -> float:
    found = []
    for _ in range(REPEATS):
        _delivered.cache_clear()
        start = process_time()
        call()
        found.append(process_time() - start)
    return min(found)


if __name__ == "__main__":
    main()
