"""What `llr run` costs on the sample, and who spends it: `python -m tests.benchmarks.run_sample`.

CPU seconds, user and system, of the run and all its children. The shares come from running the parts alone: importing
the definitions, reading every workbook, and the bed projection, which imports the definitions too.
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
    "bed projection": """
import sys
import duckdb
from assets.beds.projection import project
from llr_pipeline.definitions import defs
step = next(one for one in defs.assets if getattr(one, 'op', None) and one.op.name == 'bed_projection')
with duckdb.connect(sys.argv[2], read_only=True) as connection:
    current = ('core.beds', 'core.bed_schemes', 'core.bed_scheme_claims', 'core.assumptions', 'core.scenarios')
    names = ['.'.join(key.path) for key in step.dependency_keys]
    names = [name + '_current' * (name in current) for name in names]
    made = project({name: connection.execute(f'select * from {name} order by all').df() for name in names})
assert len(made['mart.bed_demand'])
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
            name: measured([sys.executable, "-c", code, returns, str(home / "published" / "llr.duckdb")])[0]
            for name, code in PARTS.items()
        }
    print(f"first run   {first:6.2f} CPU s  {size:5.0f} MB largest process")
    print(f"second run  {second:6.2f} CPU s  {second_size:5.0f} MB largest process")
    print(f"  importing the definitions          {shares['definitions']:6.2f}")
    print(f"  opening and checking 84 workbooks  {shares['reading']:6.2f}")
    print(f"  the bed projection                 {shares['bed projection']:6.2f}  (with the definitions)")


if __name__ == "__main__":
    main()
