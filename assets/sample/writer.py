"""Writes the sample system: 84 returns as workbooks, and a list of what was planted in them.

Two rounds of 24 planning returns, and twelve months from three organisations. Everything in them is marked
illustrative. What the returns hold is said by the modules beside this one; how a workbook looks, by its template.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from assets.sample import activity, assumptions, beds, finance, monitoring, workforce
from assets.sample.planted import plant
from assets.sample.rounds import EARLIER, LATER, ROUNDS, Key
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.templates import Cover, Line, write_workbook

PREPARED_BY = {
    "activity": "Head of planning", "beds": "Head of operational planning", "finance": "Deputy director of finance",
    "workforce": "Head of workforce planning", "assumptions": "System planning team",
    "monitoring": "Programme management office",
}  # fmt: skip
# First day on which a round's returns were prepared; the others follow within a few days, before the round is due.
FIRST_PREPARED = {EARLIER: date(2016, 10, 14), LATER: date(2016, 11, 7)}
PLANTED = "planted_disagreements.csv"

_LINES: dict[str, Callable[[str, str], dict[str, list[Line]]]] = {
    "activity": activity.lines, "beds": beds.lines, "finance": finance.lines, "workforce": workforce.lines,
    "assumptions": lambda organisation_code, round_: assumptions.lines(), "monitoring": monitoring.lines,
}  # fmt: skip


def lines_for(template: str, organisation_code: str, period: str, *, planted: bool = True) -> dict[str, list[Line]]:
    """The lines of a return by raw table; in the earlier round with what is planted in it."""
    clean = _LINES[template](organisation_code, period)
    return plant(template, organisation_code, period, clean)[0] if planted else clean


def returns() -> tuple[Key, ...]:
    """Every return of the sample, in the order in which it is written."""
    owed = read_reference().rows("expected_returns")
    periods = {"round": ROUNDS, "month": monitoring.MONTHS}
    keys = [
        Key(row["template"], row["organisation_code"], period) for row in owed for period in periods[row["frequency"]]
    ]
    return tuple(sorted(keys, key=lambda key: key.period))


def write_sample(folder: Path, *, progress: Callable[[int, int, str], None] | None = None) -> list[Path]:
    """Write `folder/returns/*.xlsx` and `folder/planted_disagreements.csv`; answer the workbooks, oldest period first.

    The same bytes every time. `progress` is told how many are written, of how many, and the name of the last.
    """
    reference, known, keys = read_reference(), templates(), returns()
    (folder / "returns").mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    planted: list[dict[str, object]] = []
    for number, key in enumerate(keys, 1):
        path = folder / "returns" / f"{key.period}_{key.organisation_code}_{key.template}.xlsx"
        clean = lines_for(key.template, key.organisation_code, key.period, planted=False)
        tables, rows = plant(key.template, key.organisation_code, key.period, clean)
        planted += rows
        cover = Cover(
            key.organisation_code, key.period, PREPARED_BY[key.template], prepared_on(key), data_status="illustrative"
        )
        write_workbook(path, known[key.template], cover, reference, tables)
        paths.append(path)
        if progress:
            progress(number, len(keys), path.name)
    with (folder / PLANTED).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(planted[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(planted)
    return paths


def prepared_on(key: Key) -> date:
    """The day on a return's cover: a few days before the round is due; the eighth of the following month."""
    if key.template == "monitoring":
        year, month = map(int, key.period.split("-"))
        return date(year + month // 12, month % 12 + 1, 8)
    order = list(PREPARED_BY).index(key.template)
    return FIRST_PREPARED[key.period] + timedelta(days=order)
