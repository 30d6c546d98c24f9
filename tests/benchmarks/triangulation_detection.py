"""How many slips triangulation finds, by their size and the column, and how often it cries wolf.

`python -m tests.benchmarks.triangulation_detection PUBLISHED [EACH]`: PUBLISHED is the published file of a home in
which the pipeline has run on the sample; EACH (default 8) is how many values of each compared column slip by each size.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from tests.pipeline.triangulation_slips import COMPARED, SQL, TABLES, clean_round, differing, some_slips, well_within

WITHIN = 0.0  # stands for a change well within the tightest tolerance of the column
SIZES = (WITHIN, 1.01, 1.02, 1.05, 1.2, 2.0, 0.1, 10.0, 0.01, 100.0, 365.0, 0.001, 1_000.0)
LEAST = 5.0
AT_ONCE = 24


def main() -> None:
    connection = clean_round(Path(sys.argv[1]))
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    (clean,) = differing(connection, some_slips(connection, each=1, seed=0)[:1])
    print(f"the clean round itself: {len(clean)} checks differ")
    _cpu(connection)
    print(f"found, of {each} values of at least {LEAST:g} of each column (an amount: £{LEAST:g} and more)")
    print(f"{'slip':>8} " + " ".join(f"{column[:9]:>9}" for _, column in COMPARED) + "   checks that found it")
    for number, size in enumerate(SIZES):
        slips = some_slips(connection, each=each, seed=100 + number, times=size or 1.0, least=LEAST)
        slips = slips if size else [well_within(slip) for slip in slips]
        found = [
            checks for at in range(0, len(slips), AT_ONCE) for checks in differing(connection, slips[at : at + AT_ONCE])
        ]
        counts = {key: [0, 0] for key in COMPARED}
        for slip, checks in zip(slips, found, strict=True):
            counts[slip.table, slip.column][0] += bool(checks)
            counts[slip.table, slip.column][1] += 1
            if not checks and (size >= 10 or 0 < size <= 0.1):
                print(f"  missed: {slip}")
        cells = [f"{hit}/{tried}" for hit, tried in counts.values()]
        by_check = Counter(check for checks in found for check in checks)
        total = sum(map(bool, found))
        print(
            f"{size or 'within':>8} "
            + " ".join(f"{cell:>9}" for cell in cells)
            + f"   {total}/{len(found)}; {dict(by_check)}"
        )


def _cpu(connection) -> None:
    """Processor time of every SELECT on one clean round."""
    total = 0.0
    for name in TABLES:
        select = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
        began = time.process_time()
        connection.execute(f"create or replace table {name} as {select}")
        took = time.process_time() - began
        total += took
        print(f"{took:6.2f} CPU s  {name}")
    print(f"{total:6.2f} CPU s  together, one round")


if __name__ == "__main__":
    main()
