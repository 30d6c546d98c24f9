"""Pounds in the reports' words. Other numbers are written by `llr_pipeline.documents.number`."""

from __future__ import annotations

from llr_pipeline.documents import MINUS, number

MILLION = 1_000_000


def millions(value: float | None, *, decimals: int = 1) -> str:
    """Pounds as people read them: £399.3m; with a minus where money is left over; a dash where there is none."""
    if value is None:
        return number(None)
    text = number(abs(value) / MILLION, decimals=decimals)
    return f"{MINUS}£{text}m" if value < 0 and text.strip("0.") else f"£{text}m"
