"""Beds and bed schemes: available and occupied by site and sector, and what each scheme is claimed to be worth.

Published: the totals of `hospitals.py`. Illustrative: all else. The claims of a site and sector's lines sum to its
change since the base year in every year: a line counts at the site it is from, and a ward that receives patients has a
line of its own (`open`). KH03 general and acute stands for the base year alone, split over the sites by their share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from assets.sample.activity import bed_day_shares, stay_nights
from assets.sample.hospitals import (
    ADULT,
    CHILD,
    COMMUNITY,
    CRITICAL,
    DEFINITION,
    HOME,
    HOME_SITE,
    KH03_2015_16,
    MATERNITY,
    MOVES,
    STROKE,
    Ward,
    beds_of,
    occupied_of,
    specialties_of,
)
from assets.sample.rounds import YEARS, Path, apportion, by_year
from assets.sample.schemes import SCHEMES
from llr_pipeline.templates import Line

# Beds' worth of growth before schemes, as a share of the base year's beds.
GROWTH: Mapping[str, Path] = {
    ADULT: (0, 0.016, 0.033, 0.050, 0.069, 0.088),
    COMMUNITY: (0, 0.012, 0.025, 0.045, 0.070, 0.090),
    STROKE: (0, 0.012, 0.025, 0.045, 0.070, 0.090),
}
# The scheme that takes up what is left between the beds and the other lines, and its mechanism.
BALANCE = {
    ADULT: ("EFF01", "shorten_stay"), CHILD: ("EFF01", "shorten_stay"), MATERNITY: ("EFF06", "shorten_stay"),
    CRITICAL: ("GRO01", "growth"), COMMUNITY: ("INT03", "shorten_stay"), STROKE: ("INT03", "shorten_stay"),
}  # fmt: skip
# A closing ward empties by moving its patients, and this share of its beds had none in them.
EMPTY_SHARE = 0.1


@dataclass(frozen=True)
class Effect:
    """A demand scheme on adult beds: share of a site's beds it is worth in full, the group it reaches and how much."""

    scheme: str
    mechanism: str
    beds_share: float
    cover: float
    point_of_delivery: str | None = None
    specialty: Mapping[str, str] | None = None
    age_band: str | None = None
    to: Ward | None = None


EFFECTS = (
    Effect("UEC01", "avoid_admission", 0.035, 0.50, "non_elective"),
    Effect("INT01", "avoid_admission", 0.025, 0.70, "non_elective", age_band="75-84"),
    Effect("INT01", "avoid_admission", 0.025, 0.70, "non_elective", age_band="85+"),
    Effect("GPR01", "avoid_admission", 0.008, 0.40, "non_elective", age_band="18-64"),
    Effect(
        "INT02", "move_setting", 0.025, 0.50, "non_elective", to=(HOME_SITE, HOME),
        specialty={"RWEAA": "geriatric_medicine", "RWEAK": "geriatric_medicine", "RWEAE": "cardio_respiratory"},
    ),
    Effect("EFF02", "day_case", 0.012, 0.60, "elective_ordinary"),
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A line of the Bed schemes sheet before it is written."""

    scheme: str
    mechanism: str
    ward: Ward
    beds: Path
    point_of_delivery: str | None = None
    specialty: str | None = None
    age_band: str | None = None
    to: Ward | None = None
    effect_share: float | None = None
    shortened_nights: float | None = None
    cover_share: float | None = None


def lines(organisation_code: str, round_: str) -> dict[str, list[Line]]:
    """Both sheets of the beds return."""
    return {"beds": _bed_lines(organisation_code, round_), "bed_schemes": _scheme_lines(organisation_code, round_)}


def _bed_lines(organisation_code: str, round_: str) -> list[Line]:
    available, occupied = beds_of(organisation_code, round_), occupied_of(organisation_code, round_)
    result = [
        _bed_line(ward, DEFINITION[ward[1]], measure, beds[ward])
        for measure, beds in (("available", available), ("occupied", occupied))
        for ward in beds
    ]
    if organisation_code == "RWE":
        wards = [ward for ward in available if ward[1] in (ADULT, CHILD)]
        kh03 = zip(("available", "occupied"), (available, occupied), KH03_2015_16, strict=True)
        for measure, beds, total in kh03:
            for ward, part in zip(wards, apportion(total, [beds[w][0] for w in wards], 0.1), strict=True):
                result.append(_bed_line(ward, "kh03_general_acute", measure, (part, *[None] * (len(YEARS) - 1))))
    return result


def _bed_line(ward: Ward, definition: str, measure: str, beds: tuple[float | None, ...]) -> Line:
    return Line(
        {"site_code": ward[0], "sector": ward[1], "bed_definition": definition, "measure": measure}, by_year(beds)
    )


def _scheme_lines(organisation_code: str, round_: str) -> list[Line]:
    result = []
    for claim in claims(organisation_code, round_):
        scheme, to = SCHEMES[claim.scheme], claim.to or (None, None)
        attributes = {
            "scheme_code": scheme.code, "scheme": scheme.name, "priority": scheme.priority,
            "mechanism": claim.mechanism, "from_site_code": claim.ward[0], "from_sector": claim.ward[1],
            "from_point_of_delivery": claim.point_of_delivery, "from_specialty_group": claim.specialty,
            "from_age_band": claim.age_band, "to_site_code": to[0], "to_sector": to[1],
            "effect_share": claim.effect_share, "shortened_nights": claim.shortened_nights,
            "cover_share": claim.cover_share, "start_date": scheme.start, "phase_in_months": scheme.months_to_full,
            "confidence_share": scheme.confidence,
        }  # fmt: skip
        result.append(Line(attributes, by_year(claim.beds)))
    return result


@cache
def claims(organisation_code: str, round_: str) -> tuple[Claim, ...]:
    """Every line of the Bed schemes sheet; those of a site and sector sum to its change in every year."""
    return tuple(claim for ward in beds_of(organisation_code, round_) for claim in _ward_claims(ward, round_))


def _ward_claims(ward: Ward, round_: str) -> Iterator[Claim]:
    site, sector = ward
    available = beds_of(site[:3], round_)[ward]
    if sector not in BALANCE:
        return
    made = [*_closing_claims(ward), *_opening_claims(ward)]
    gone, come = (_sum(c.beds for c in made if c.mechanism in some) for some in (("move_setting", "close"), ("open",)))
    extra = _sum(c.beds for c in made if c.scheme == "REC07")
    # beds' worth of base-year patients who are here in each year
    patients = tuple(available[0] + g + c - e for g, c, e in zip(gone, come, extra, strict=True))
    if sector in GROWTH:
        made.append(Claim("GRO01", "growth", ward, _tenths(patients, GROWTH[sector])))
    if sector == ADULT:
        made += [_effect_claim(effect, ward, patients) for effect in EFFECTS]
    change = tuple(beds - available[0] for beds in available)
    left = tuple(round(a - b, 1) + 0.0 for a, b in zip(change, _sum(c.beds for c in made), strict=True))
    if any(left):
        scheme, mechanism = BALANCE[sector]
        nights = None
        if mechanism == "shorten_stay":
            full = max(-value / people for value, people in zip(left, patients, strict=True) if people)
            nights = round(full * stay_nights(ward), 2)
        made.append(Claim(scheme, mechanism, ward, left, shortened_nights=nights, cover_share=nights and 1.0))
    yield from made


def _closing_claims(ward: Ward) -> Iterator[Claim]:
    """Patients moved out, specialty by specialty, and the empty beds closed behind them."""
    for scheme in {move[0]: None for key, move in MOVES.items() if key[:2] == ward}:
        going, moved = [0.0] * len(YEARS), [0.0] * len(YEARS)
        for (site, sector, specialty), (code, to, gone) in MOVES.items():
            if (site, sector) != ward or code != scheme:
                continue
            beds = specialties_of(ward)[specialty]
            claim = tuple(0.0 - round(beds * share * (1 - EMPTY_SHARE), 1) for share in gone)
            going = [total + beds * share for total, share in zip(going, gone, strict=True)]
            moved = [total - beds for total, beds in zip(moved, claim, strict=True)]
            yield Claim(scheme, "move_setting", ward, claim, specialty=specialty, to=to,
                        effect_share=max(gone), cover_share=1.0)  # fmt: skip
        empty = tuple(0.0 - round(all_ - some, 1) for all_, some in zip(going, moved, strict=True))
        yield Claim(scheme, "close", ward, empty)


def _opening_claims(ward: Ward) -> Iterator[Claim]:
    """Beds opened for patients who come from another site, and the extension of three community hospitals."""
    for scheme in {move[0]: None for move in MOVES.values() if move[1] == ward}:
        come = [0.0] * len(YEARS)
        for (site, sector, specialty), (code, to, gone) in MOVES.items():
            if to == ward and code == scheme:
                beds = specialties_of((site, sector))[specialty]
                come = [total + beds * share for total, share in zip(come, gone, strict=True)]
        yield Claim(scheme, "open", ward, tuple(come))
    if ward in (("RT5-LOU", COMMUNITY), ("RT5-COA", COMMUNITY), ("RT5-MAR", COMMUNITY)):
        yield Claim("REC07", "open", ward, tuple(3 * share for share in SCHEMES["REC07"].phase))


def _effect_claim(effect: Effect, ward: Ward, patients: Path) -> Claim:
    """A demand scheme: what it claims, and the share of its group's spells that this takes."""
    specialty = effect.specialty and effect.specialty[ward[0]]
    phase = SCHEMES[effect.scheme].phase
    reached = bed_day_shares(ward, effect.point_of_delivery, specialty, effect.age_band) * (1 + GROWTH[ADULT][-1])
    return Claim(
        effect.scheme, effect.mechanism, ward, _tenths(patients, tuple(-effect.beds_share * share for share in phase)),
        point_of_delivery=effect.point_of_delivery, specialty=specialty, age_band=effect.age_band, to=effect.to,
        effect_share=round(effect.beds_share / (reached * effect.cover), 3), cover_share=effect.cover,
    )  # fmt: skip


def _tenths(beds: Path, shares: Path) -> Path:
    return tuple(round(b * share, 1) + 0.0 for b, share in zip(beds, shares, strict=True))


def _sum(paths: Iterator[Path]) -> Path:
    totals = [0.0] * len(YEARS)
    for path in paths:
        totals = [a + b for a, b in zip(totals, path, strict=True)]
    return tuple(totals)
