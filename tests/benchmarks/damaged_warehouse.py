"""A damaged warehouse of the sample, rebuilt: `python -m tests.benchmarks.damaged_warehouse HOME [damage]`.

HOME is a home in which the sample was run; a copy of it is damaged, run once, and every published table compared. The
damages: `block` (4 KB overwritten in the middle of the file), `cut` (to its half), `empty` (no bytes left).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from llr_pipeline.paths import Home
from tests.pipeline.test_rebuilding import cut, empty, overwrite_a_block
from tests.pipeline.test_run import table_hashes

DAMAGES = {"block": overwrite_a_block, "cut": cut, "empty": empty}


def main(source: str, damage: str = "block") -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder, "home"))
        shutil.copytree(source, home.root)
        before = table_hashes(home.published)
        DAMAGES[damage](home.warehouse)
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "llr_pipeline.cli", "run"],
            env={**os.environ, "LLR_HOME": str(home.root)}, capture_output=True, text=True,
        )  # fmt: skip
        said = [line.strip() for line in ended.stdout.splitlines() if "is damaged" in line]
        after = table_hashes(home.published)
        print(f"{damage}: code {ended.returncode} after {time.monotonic() - began:.0f} s; {said}")
        differ = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        print(f"{len(before)} tables before, {len(after)} after; different: {differ or 'none'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
