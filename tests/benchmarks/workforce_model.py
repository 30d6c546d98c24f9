"""CPU of the workforce step on the sample and on larger systems: `python -m tests.benchmarks.workforce_model`.

The sample's own tables are read from a home in which the pipeline has run: `LLR_HOME`, or `data/`. Larger systems are
the sample's organisations, or its staff groups, again under other codes; the curve should be a straight line or
flatter. CPU seconds are the least of three, all rounds and scenarios, all tables.
"""

from __future__ import annotations

from time import process_time

import duckdb
import pandas as pd

from assets.workforce.projection import project
from assets.workforce.tables import TABLES
from llr_pipeline.paths import current_home

REPEATS, LIMIT_SECONDS = 3, 2.0
TIMES = (1, 2, 4, 8)
MOST_OVER_LINEAR = 1.5
STAFF = ("core.workforce_current", "core.workforce_flows_current")
OF_ORGANISATIONS = (*STAFF, "mart.bed_census_runs", "mart.community_contacts")


def tables() -> dict[str, pd.DataFrame]:
    """What the step reads, from the published file."""
    step = next(one for one in TABLES if one.op.name == "workforce_projection")
    deps = [".".join(key.path) for key in step.dependency_keys]
    with duckdb.connect(str(current_home().published), read_only=True) as connection:
        return {
            name: connection.execute(f"select * from {name} order by all").df()
            for table in deps
            for name in [f"{table}_current" if table.startswith("core.") else table]
        }


def larger(of: dict[str, pd.DataFrame], times: int, *, column: str) -> dict[str, pd.DataFrame]:
    """So many times the organisations, or the staff groups."""
    copied = OF_ORGANISATIONS if column == "organisation_code" else STAFF

    def copies(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(
            [frame] + [frame.assign(**{column: frame[column] + f" {n}"}) for n in range(1, times)], ignore_index=True
        )

    return {name: copies(frame) if name in copied else frame for name, frame in of.items()}


def cpu_seconds(of: dict[str, pd.DataFrame]) -> float:
    taken = []
    for _ in range(REPEATS):
        started = process_time()
        project(of)
        taken.append(process_time() - started)
    return min(taken)


def main() -> None:
    sample = tables()
    whole = cpu_seconds(sample)
    is_linear = True
    for column in ("organisation_code", "staff_group"):
        print(f"{column:>18} {'posts':>6} {'CPU s':>7} {'ms a post':>10}")
        first = None
        for times in TIMES:
            system = larger(sample, times, column=column)
            posts = len(system[STAFF[0]][["round", "organisation_code", "staff_group", "setting"]].drop_duplicates())
            taken = cpu_seconds(system)
            each = taken / posts * 1_000
            first = first or each
            is_linear &= each <= MOST_OVER_LINEAR * first
            print(f"{times:>17}x {posts:6} {taken:7.2f} {each:10.2f}  {'#' * round(taken * 10)}", flush=True)
    print(f"{whole:.2f} CPU s on the sample (limit {LIMIT_SECONDS:g}); {'linear' if is_linear else 'NOT linear'}")
    if whole > LIMIT_SECONDS or not is_linear:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
