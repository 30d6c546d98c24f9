"""Capital schemes: what each spends by year and source, in GBP 000.

Published, and equalled exactly: 350 m over five years, 250 m of it new external (the earlier round asks for 400 m
external, as the slides do). The emergency department (45.5 m, secured before) is not among the 350 m. Illustrative: the
schemes, their split and their years.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assets.sample.rounds import EARLIER, by_year
from assets.sample.schemes import SCHEMES
from llr_pipeline.templates import Line

# Scheme, source, status, GBP 000 from 2016/17. A building's money ends before it opens. 250 m external, 100 m internal.
EARLIER_EXTERNAL = 1.6  # 400 m: "£400m+" (slides, autumn 2016)
CAPITAL: Mapping[str, tuple[tuple[str, str, str, tuple[int, ...]], ...]] = {
    "RWE": (
        ("REC01", "external", "bid", (6_000, 24_000, 0, 0, 0)),
        ("REC02", "external", "bid", (3_000, 14_000, 28_000, 30_000, 0)),
        ("REC03", "external", "bid", (2_000, 10_000, 22_000, 26_000, 0)),
        ("REC06", "external", "bid", (0, 2_000, 6_000, 15_000, 22_000)),
        ("REC02", "internal", "planned", (2_000, 6_000, 10_000, 12_000, 0)),
        ("REC06", "internal", "planned", (0, 0, 0, 6_000, 14_000)),
        ("BLM01", "internal", "secured", (4_000, 4_000, 4_000, 4_000, 4_000)),
        ("DIG01", "internal", "planned", (2_000, 4_000, 4_000, 2_000, 2_000)),
    ),
    "RT5": (
        ("REC05", "external", "bid", (0, 3_000, 5_000, 0, 0)), ("REC07", "external", "bid", (0, 5_000, 9_000, 0, 0)),
        ("CAM01", "external", "bid", (0, 0, 3_000, 5_000, 0)),
        ("REC07", "internal", "planned", (0, 2_000, 4_000, 0, 0)),
        ("DIG01", "internal", "secured", (1_000, 1_000, 1_000, 1_000, 0)),
    ),
    "04C": (("GPR02", "external", "bid", (500, 1_500, 1_500, 500, 0)),
            ("GPR02", "internal", "planned", (500, 600, 600, 300, 0))),
    "03W": (("GPR02", "external", "bid", (0, 1_500, 1_500, 0, 0)),
            ("GPR02", "internal", "planned", (500, 600, 600, 300, 0))),
    "04V": (("GPR02", "external", "bid", (0, 1_500, 1_500, 0, 0)),
            ("GPR02", "internal", "planned", (500, 600, 600, 300, 0))),
}  # fmt: skip


def capital_lines(organisation_code: str, round_: str) -> Iterator[Line]:
    for code, source, status, amounts in CAPITAL.get(organisation_code, ()):
        scale = EARLIER_EXTERNAL if round_ == EARLIER and source == "external" else 1
        yield Line(
            {
                "scheme_code": code, "scheme": SCHEMES[code].name, "source": source, "status": status,
                "price_basis": "nominal",
            },
            by_year((0.0, *(round(amount * scale, 1) for amount in amounts))),
        )  # fmt: skip
