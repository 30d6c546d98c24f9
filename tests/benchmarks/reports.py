"""What each report costs: `python -m tests.benchmarks.reports <home>`, a home in which the pipeline has run.

CPU seconds to make its document and to write it, and the size of its page. The first line is what importing costs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from assets.completeness import completeness
from assets.reports import tables
from llr_pipeline.paths import Home
from llr_pipeline.reports import write_document

BUILDS = {
    "actuals": tables._actuals, "bed_capacity": tables._bed_capacity, "changes": tables._changes,
    "claims": tables._claims, "completeness": completeness, "funding_gap": tables._funding_gap,
    "stp_monitoring": tables._stp_monitoring, "triangulation": tables._triangulation, "workforce": tables._workforce,
}  # fmt: skip


def main(home: Home) -> None:
    before = time.process_time()
    import altair  # noqa: F401
    import pandas  # noqa: F401
    import vl_convert

    empty = {"data": {"values": [{}]}, "mark": "point"}
    vl_convert.vegalite_to_svg(empty)  # the first drawing starts its engine
    every = time.process_time() - before
    print(f"{'imports':16} {every:5.2f} CPU s")
    with duckdb.connect(str(home.published), read_only=True) as connection, tempfile.TemporaryDirectory() as folder:
        for name, build in BUILDS.items():
            before = time.process_time()
            page = write_document(Home(Path(folder)), "run", name, build(connection))
            spent = time.process_time() - before
            every += spent
            print(f"{name:16} {spent:5.2f} CPU s {page.stat().st_size:9,} bytes")
    print(f"{'all':16} {every:5.2f} CPU s")


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])))
