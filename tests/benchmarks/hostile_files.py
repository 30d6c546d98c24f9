"""Every hostile file at its full size, in one intake with a good return: `python -m tests.benchmarks.hostile_files`.

Prints what became of each, how long the slowest took and the parent's peak memory; then each file alone that could
make the parent grow, since in one intake only the largest shows; then how long those take to mark that are slow.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

from llr_pipeline.findings import Finding
from llr_pipeline.paths import Home
from llr_pipeline.returned import Marker, annotate
from tests.pipeline.hostile import FILES, GOOD, outcome_of, place_all, take_in

SECONDS = 60.0
MEGABYTES_AT_MOST = 400
GROWING = (
    "cell_of_ten_million_characters", "long_text_in_many_cells", "wrong_cells_by_the_hundred_thousand",
    "one_sheet_under_5000_names",
)  # fmt: skip
SLOW = (
    "styled_columns", "shared_strings_by_the_million", "merged_ranges_by_the_hundred_thousand",
    "one_sheet_under_5000_names",
)  # fmt: skip
TOO_MUCH = Finding("out_of_range", "error", "It is too much", sheet="Beds", cell="E6", remedy="Check it.")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder, "home")).create()
        placed = list(place_all(home.inbox, is_full=True))
        outcome = take_in(home, seconds=SECONDS, is_sent_back=True)
        count = refused = read = left = wrong = 0
        for file, names in placed:
            for name in names:
                became = outcome_of(name, outcome, home.inbox)
                _, _, message = outcome.files.get(name, ("", "", ""))
                is_right = became in file.outcomes and file.words in message
                count, wrong = count + 1, wrong + (not is_right)
                read, left = read + (became == "read"), left + (became == "left")
                refused += became not in ("read", "left", "gone")
                mark = " " if is_right else "!"
                print(
                    f"{mark} {outcome.took.get(name, 0):6.1f} s  {became:18} {file.name}: {name[:50]!r} {message[:90]}"
                )
        slowest = max(outcome.took, key=outcome.took.__getitem__)
        print(f"good return: {outcome.files[GOOD][0]}")
        print(
            f"{len(placed)} kinds, {count} files: {refused} refused, {read} read, {left} left, {wrong} not as expected"
        )
        print(f"wall {outcome.wall:.0f} s, slowest {outcome.took[slowest]:.1f} s ({slowest}), limit {SECONDS:.0f} s")
        print(f"parent's peak {outcome.megabytes:.0f} MB, limit {MEGABYTES_AT_MOST} MB")
        for file in FILES:
            if file.name in GROWING:
                home = Home(Path(folder, file.name)).create()
                file.place(home.inbox, True)
                alone = take_in(home, seconds=SECONDS)
                print(f"  alone: {file.name} {alone.wall:.0f} s, parent's peak {alone.megabytes:.0f} MB")
        with closing(Marker()) as marker:
            for file in FILES:
                if file.name in SLOW:
                    inbox = Home(Path(folder, f"slow_{file.name}")).create().inbox
                    file.place(inbox, True)
                    (path,) = inbox.iterdir()
                    start = time.monotonic()
                    back = annotate(path, [TOO_MUCH], path.with_name("back.xlsx"), about={}, marker=marker)
                    print(f"  marked: {file.name} {time.monotonic() - start:.0f} s {back.why_not}")


if __name__ == "__main__":
    main()
