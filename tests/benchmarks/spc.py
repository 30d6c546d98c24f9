"""How long control charts take: `python -m tests.benchmarks.spc [SERIES] [PYTHON]`.

PYTHON is an interpreter that has `abspc` (from the registry), which is timed beside on 100 series:
its limits and its rules, which differ in detail.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import duckdb

from llr_pipeline.spc import latest, xmr

POINTS, SIDE_BY_SIDE = 36, 100
OTHER = """
import time, numpy, pandas
from abspc import calculate_control_limits, detect_special_causes
made = numpy.random.default_rng(1).normal(100, 3, ({series}, {points}))
months = pandas.date_range("2015-04-01", periods={points}, freq="MS")
frames = [pandas.DataFrame(dict(date=months, value=row)) for row in made]
detect_special_causes(calculate_control_limits(frames[0], chart_type="XmR"))
start = time.process_time()
for frame in frames:
    detect_special_causes(calculate_control_limits(frame, chart_type="XmR"))
print(f"abspc: {series} series of {points} points: {{1000 * (time.process_time() - start):,.0f}} CPU ms")
"""


def measure(series: int) -> None:
    """Points and icons of so many series, as tables."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "1600MB"}) as connection:
        connection.execute(
            f"""
            create table series as
            select 'series ' || s as series, date '2015-04-01' + to_months(p::integer) as period,
                100 + 3 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) as value, 105.0 as target,
                'higher_is_better' as direction,
            from range({series}) as every_series(s), range({POINTS}) as every_period(p)
            """
        )
        cpu, wall = time.process_time(), time.perf_counter()
        xmr(connection, "series").create("points")
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        start = time.process_time()
        latest(connection.table("points")).create("latest")
        more = time.process_time() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"xmr: {series:,} series of {POINTS} points: {1000 * cpu:,.0f} CPU ms, {1000 * wall:,.0f} ms; icons "
          f"{1000 * more:,.0f} CPU ms; most memory {most:.2f} GB")  # fmt: skip


if __name__ == "__main__":
    for _ in range(2):  # the first statement of a process loads what the others find loaded
        measure(SIDE_BY_SIDE)
    if len(sys.argv) > 2:
        subprocess.run([sys.argv[2], "-c", OTHER.format(series=SIDE_BY_SIDE, points=POINTS)], check=False)
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
