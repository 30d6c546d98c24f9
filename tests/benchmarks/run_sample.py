"""What `llr run` costs on the sample, and who spends it: `python -m tests.benchmarks.run_sample`.

CPU seconds, user and system, of the run and all its children. The shares come from running the parts alone: importing
the definitions, reading every workbook, and loading, building and publishing without Dagster; the rest is Dagster's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = {
    "definitions": "import llr_pipeline.definitions",
    "reading": """
import sys
from pathlib import Path
from llr_pipeline.reading import read_all
assert all(not reading.is_refused for _, reading in read_all(sorted(Path(sys.argv[1]).glob('*.xlsx'))))
""",
    "without Dagster": """
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from llr_pipeline import intake
from llr_pipeline.checks import run_checks
from llr_pipeline.contracts import contracts
from llr_pipeline.paths import Home
from llr_pipeline.publishing import publish
from llr_pipeline.tables import build_table, load_reference, reads, select_of
from llr_pipeline.warehouse import opened
home = Home(Path(sys.argv[2])).create()
for path in Path(sys.argv[1]).glob('*.xlsx'): path.rename(home.inbox / path.name)
with opened(home) as connection:
    load_reference(connection, run_id='benchmark')
    intake.take_in(connection, home, run_id='benchmark')
    built = {name: c for name, c in contracts().items() if c.layer in ('core', 'mart', 'report')}
    for name in TopologicalSorter({name: reads(select_of(c)) for name, c in built.items()}).static_order():
        if name in built:
            build_table(connection, built[name], run_id='benchmark')
            assert all(result.passed for result in run_checks(connection, built[name]))
    publish(connection, home.published)
""",
}


def measured(command: list[str], **environment: str) -> tuple[float, float]:
    """CPU seconds of a command with its children, and the largest resident size of any of them in MB."""
    script = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    cpu, megabytes = done.stdout.split()
    return float(cpu), float(megabytes)


def main() -> None:
    llr = [sys.executable, "-m", "llr_pipeline.cli"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        (home / "inbox").mkdir(parents=True)
        subprocess.run([*llr, "sample", folder + "/one"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*llr, "sample", folder + "/two"], check=True, stdout=subprocess.DEVNULL)
        for path in Path(folder, "one", "returns").iterdir():
            path.rename(home / "inbox" / path.name)
        first, size = measured([*llr, "run"], LLR_HOME=str(home))
        second, second_size = measured([*llr, "run"], LLR_HOME=str(home))
        returns = folder + "/two/returns"
        shares = {
            name: measured([sys.executable, "-c", code, returns, folder + "/plain"])[0] for name, code in PARTS.items()
        }
    print(f"first run   {first:6.2f} CPU s  {size:5.0f} MB largest process")
    print(f"second run  {second:6.2f} CPU s  {second_size:5.0f} MB largest process")
    print(f"  importing the definitions          {shares['definitions']:6.2f}")
    print(f"  opening and checking 84 workbooks  {shares['reading']:6.2f}")
    print(f"  all but Dagster and the report     {shares['without Dagster']:6.2f}  (opening included)")
    print(f"  Dagster and the report's page      {first - shares['without Dagster']:6.2f}  (the rest)")


if __name__ == "__main__":
    main()
