"""Every fault in every return that can have it: `python -m tests.benchmarks.fault_corpus`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from llr_pipeline.reading import read_file
from tests.pipeline.faults import Tally, faults, findings_of, judge, write_clean


def main() -> None:
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        cleans = write_clean(Path(folder))
        noise = [f for clean in cleans for f in read_file(clean.path).findings]
        every = list(faults(cleans))
        for fault in every:
            try:
                judge(fault, findings_of(fault, Path(folder, "altered.xlsx")), tally)
            except Exception as error:
                tally.tried += 1
                tally.missed.append(f"{fault.name}: raised {type(error).__name__}: {error}")
    for kind in ("mislocated", "missed", "false_alarms"):
        print(*(f"{kind}: {text}" for text in getattr(tally, kind)), sep="\n")
    print(f"{len(cleans)} clean returns with {len(noise)} findings; {len({f.kind for f in every})} kinds of fault")
    print(tally)


if __name__ == "__main__":
    main()
