"""The schemes: one code through beds, savings, capital and milestones.

Published: the five priorities, the two acute sites, the closing wards at Lutterworth and Oakham, Hinckley halved.
Illustrative: every code, name, start, phase-in and confidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assets.sample.rounds import Path, phase


@dataclass(frozen=True)
class Scheme:
    """A scheme: full effect is reached in a straight line, `months_to_full` after the start."""

    code: str
    name: str
    priority: str
    start: date
    months_to_full: int
    confidence: float
    owner: str

    @property
    def phase(self) -> Path:
        return phase(self.start, self.months_to_full)


SCHEMES = {
    scheme.code: scheme
    for scheme in (
        Scheme("GRO01", "Growth in demand", "1", date(2016, 4, 1), 60, 1.0, "Head of planning"),
        Scheme("UEC01", "Urgent care outside hospital", "1", date(2016, 7, 1), 51, 0.65, "Urgent care lead"),
        Scheme("UEC02", "Ambulance conveyance", "1", date(2016, 4, 1), 48, 0.60, "Operations lead"),
        Scheme("INT01", "Integrated locality teams", "2", date(2016, 7, 1), 51, 0.55, "Community services lead"),
        Scheme("INT02", "Care at home instead of a ward", "2", date(2016, 7, 1), 51, 0.60, "Chief nurse"),
        Scheme("INT03", "Home first from community wards", "2", date(2016, 4, 1), 60, 0.65, "Community services lead"),
        Scheme("GPR01", "Same-day access in general practice", "3", date(2016, 7, 1), 51, 0.50, "Primary care lead"),
        Scheme("GPR02", "General practice premises", "3", date(2017, 4, 1), 36, 0.80, "Primary care lead"),
        Scheme("REC01", "Intensive care and surgery to Glenfield", "4", date(2018, 10, 1), 0, 0.75, "Estates lead"),
        Scheme("REC02", "Acute services from three sites to two", "4", date(2020, 4, 1), 0, 0.60, "Estates lead"),
        Scheme("REC03", "Women's and children's hospital", "4", date(2020, 4, 1), 0, 0.60, "Estates lead"),
        Scheme("REC04", "Wards at Lutterworth and Oakham", "4", date(2019, 4, 1), 0, 0.60, "Community services lead"),
        Scheme("REC05", "Wards at Hinckley", "4", date(2019, 10, 1), 0, 0.60, "Community services lead"),
        Scheme("REC06", "Planned care treatment centre", "4", date(2021, 4, 1), 0, 0.50, "Estates lead"),
        Scheme("REC07", "Extension of three community hospitals", "4", date(2019, 4, 1), 0, 0.70, "Estates lead"),
        Scheme("CAM01", "Children's eating disorder ward", "4", date(2020, 4, 1), 0, 0.75, "Mental health lead"),
        Scheme("EFF01", "Shorter stays", "5", date(2016, 4, 1), 60, 0.60, "Chief operating officer"),
        Scheme("EFF02", "Day case instead of a stay", "5", date(2016, 4, 1), 54, 0.70, "Medical director"),
        Scheme("EFF03", "Staff productivity and less agency", "5", date(2016, 4, 1), 54, 0.65, "Workforce lead"),
        Scheme("EFF04", "Procurement", "5", date(2016, 4, 1), 48, 0.80, "Finance lead"),
        Scheme("EFF05", "Hospital medicines", "5", date(2016, 4, 1), 42, 0.80, "Chief pharmacist"),
        Scheme("EFF06", "Maternity pathways", "5", date(2017, 4, 1), 42, 0.60, "Chief nurse"),
        Scheme("QIP01", "Prescribing in general practice", "5", date(2016, 4, 1), 48, 0.75, "Chief pharmacist"),
        Scheme("QIP02", "Continuing healthcare", "5", date(2016, 4, 1), 54, 0.70, "Chief nurse"),
        Scheme("QIP03", "Planned care outside the system", "5", date(2016, 4, 1), 54, 0.60, "Contracting lead"),
        Scheme("BKO01", "Shared back office", "5", date(2017, 4, 1), 36, 0.75, "Finance lead"),
        Scheme("STF01", "Sustainability and transformation fund", "5", date(2017, 4, 1), 42, 0.85, "Finance lead"),
        Scheme("DIG01", "Shared digital record", "5", date(2017, 4, 1), 48, 0.70, "Chief information officer"),
        Scheme("BLM01", "Backlog maintenance and equipment", "5", date(2016, 4, 1), 60, 0.90, "Estates lead"),
    )
}
