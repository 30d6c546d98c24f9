"""Tables of a report that a SELECT gives as they stand, each with its title and a note on how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from llr_pipeline.documents import Table


def tables_of(
    connection: duckdb.DuckDBPyConnection,
    selects: Iterable[tuple[str, str, str]],
    *,
    round_: str = "",
    horizon_year: str = "",
) -> Sequence[Table]:
    """Those of (title, select, note) that have a row. A SELECT may ask for `$round` and for the last `$year`."""
    made = []
    for title, select, note in selects:
        values = {name: value for name, value in (("round", round_), ("year", horizon_year)) if f"${name}" in select}
        frame = connection.execute(select, values).df()
        if len(frame):
            made.append(Table(title=title, frame=frame.astype(object).where(frame.notna(), None), notes=[note]))
    return made
