"""The system's assumptions and scenarios: every estimate and policy choice that the methods name, with its source.

Published values carry their source; the others say `Illustrative` and why they have the size they have. A rate of
change has no value in the base year. Low and high are P10 and P90.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assets.sample.activity import GROWTH
from assets.sample.finance import INFLATION
from assets.sample.hospitals import AGES, OCCUPANCY, POPULATION
from assets.sample.rounds import DAYS, YEARS, by_year
from assets.sample.workforce import LEAVERS, PAY_INFLATION, PREMIUM, RETIREMENT, UNIT_COST
from llr_pipeline.templates import Line

NHP = "New Hospital Programme demand model, variant 2: published 80% interval; not applied to length of stay"
GUIDANCE = "NHS Improvement and NHS England planning guidance, provider inflation 2016/17-2020/21"
OWN = "Illustrative: no published value for this system"
BAGUST = "Bagust and others, BMJ 1999: 85% mean occupancy"
MAXIMUM = "Planning guidance: 92% general and acute occupancy at most"
TOLERANCE = "Illustrative: NHS England publishes no tolerance"
RAG = "NHS England South East, RAG rules against plan"
Row = tuple[str, str, str, str, Sequence[float], str]
"""Subject, parameter, applies to, unit, (central) or (low, central, high), source."""

NON_DEMOGRAPHIC = {
    "non_elective": (-0.0045, GROWTH["non_elective"], 0.0017), "elective_ordinary": (0.0053, 0.0062, 0.0071),
    "day_case": (0.0053, 0.0062, 0.0071), "maternity": (0.0,), "a_and_e": (0.0121, 0.0131, 0.0141),
    "outpatient_first": (0.0228, 0.0249, 0.0270), "outpatient_follow_up": (0.0228, 0.0249, 0.0270),
}  # fmt: skip
# Published overall and the weights of its parts; the parts give 0.05-0.09 points less, within the tolerance.
OVERALL_INFLATION = (None, 0.031, 0.023, 0.020, 0.020, 0.029)
WEIGHTS = {"pay": 0.6544, "drugs": 0.0817, "capital_charges": 0.0476, "other_non_pay": 0.2163}
SEASON = (0.985, 0.955, 1.005)  # April to December; January to March makes the year's mean 1 by days
QUARTER_DAYS = (91, 92, 92)

CONSTANTS: tuple[Row, ...] = (
    *(("activity", "non_demographic_growth", pod, "share a year", v, NHP) for pod, v in NON_DEMOGRAPHIC.items()),
    ("activity", "non_demographic_growth", "community_contacts", "share a year", (0.005, 0.010, 0.015), OWN),
    *(
        ("activity", "activity_weight", pod, "GBP", (value,), OWN + "; size of a 2015/16 reference cost")
        for pod, value in (
            ("a_and_e", 132), ("non_elective", 1_610), ("elective_ordinary", 3_680), ("day_case", 730),
            ("maternity", 2_450), ("outpatient_first", 165), ("outpatient_follow_up", 105), ("community_contacts", 58),
        )
    ),
    *(
        ("beds", "occupancy_target", sector, "share", (0.92 if sector == "adult_general_acute" else 0.85,),
         MAXIMUM if sector == "adult_general_acute" else BAGUST)
        for sector in OCCUPANCY
    ),
    *(
        ("beds", "dispersion", sector, "variance / mean", (low, value, high), OWN + "; 1 is Poisson")
        for sector, low, value, high in (
            ("adult_general_acute", 1.2, 1.6, 2.2), ("child_general_acute", 1.3, 1.8, 2.5),
            ("critical_care", 1.0, 1.1, 1.3), ("maternity", 1.0, 1.2, 1.5), ("community", 0.8, 1.0, 1.2),
            ("stroke_rehab", 0.8, 1.0, 1.2), ("mental_health", 0.8, 1.0, 1.2), ("learning_disability", 0.8, 1.0, 1.2),
        )
    ),
    ("beds", "destination_stay", "community", "nights", (14, 18, 22), OWN),
    ("beds", "destination_stay", "stroke_rehab", "nights", (20, 25, 30), OWN),
    ("beds", "contacts_per_moved_spell", "home", "contacts", (8, 12, 18), OWN),
    ("beds", "ward_beds", "all", "beds", (28,), OWN + "; a common ward size"),
    ("beds", "cannot_overflow", "critical_care", "1 is yes", (1,), OWN + "; who finds no bed there is turned away"),
    *(("simulation", "runs", model, "runs", (runs,), OWN + "; simulated runs")
      for model, runs in (("beds", 1_000), ("funding", 10_000), ("workforce", 1_000))),
    ("simulation", "seed", "all", "number", (2016,), OWN + "; one for all models: the same schemes are late in each"),
    ("beds", "calibration_lower", "all", "ratio", (0.9,), OWN),
    ("beds", "calibration_upper", "all", "ratio", (1.1,), OWN),
    *(("funding", "category_weight", c, "share", (w,), GUIDANCE) for c, w in WEIGHTS.items()),
    ("funding", "inflation_tolerance", "all", "share", (0.001,), "0.1 points; the published overall exceeds its parts"),
    ("funding", "efficiency_requirement", "all", "share a year", (0.02,),
     "Planning guidance: 2% efficiency asked of providers a year; enters as schemes and not as a term of the model"),
    ("funding", "allocation_growth", "nhs", "share a year", (0.018, 0.023836, 0.028),
     "(1.8 bn / 1.6 bn)^(1/5) - 1 = 2.3836% (slides, autumn 2016); range illustrative"),
    ("funding", "allocation_growth", "local_authority", "share a year", (0.000, 0.006, 0.012), OWN),
    *(
        ("funding", "marginal_cost_share", category, "share", (low, value, high), OWN)
        for category, low, value, high in (
            ("pay", 0.4, 0.6, 0.8), ("drugs", 0.7, 0.9, 1.0), ("capital_charges", 0.0, 0.0, 0.1),
            ("other_non_pay", 0.3, 0.5, 0.7), ("healthcare_bought", 0.3, 0.5, 0.7), ("pressure", 0.0, 0.0, 0.0),
        )
    ),
    ("schemes", "delivery_correlation", "all", "correlation", (0.3,), OWN + "; between any two schemes"),
    ("schemes", "delivery_kappa", "all", "beta parameter", (12,), OWN + "; spread of the delivered share"),
    ("schemes", "slip_months", "all", "months", (0, 3, 9), OWN),
    *(
        ("funding", "confidence_share", status, "share", (value,), OWN + "; no weights by maturity were published")
        for status, value in (("secured", 0.95), ("bid", 0.5), ("planned", 0.65))
    ),
    *(
        ("workforce", "care_hours_per_patient_day", sector, "hours", (value,), OWN)
        for sector, value in (
            ("adult_general_acute", 7.4), ("child_general_acute", 10.8), ("critical_care", 26.0), ("maternity", 13.5),
            ("community", 6.1), ("stroke_rehab", 7.0), ("mental_health", 8.8), ("learning_disability", 14.5),
        )
    ),
    ("workforce", "headroom_share", "all", "share", (0.21,), OWN + "; leave, sickness and training"),
    ("workforce", "contracted_hours", "all", "hours a week", (37.5,), "Agenda for Change"),
    ("workforce", "replacement_share", "all", "share", (0.35, 0.5, 0.65), OWN + "; share of leavers replaced"),
    *(
        ("workforce", "premium_share", contract, "share of pay", (round(PREMIUM[contract] - 1, 2),), OWN)
        for contract in ("bank", "agency")
    ),
    ("workforce", "cap_share", "bank", "share of demand", (0.06,), OWN),
    ("workforce", "cap_share", "agency", "share of demand", (0.05,), OWN),
    *(
        ("workforce", "pay_cost_per_wte", group, "GBP in 2015/16", (round(cost * 1000),), OWN)
        for group, cost in UNIT_COST.items()
    ),
    *(("workforce", "retirement_rate", group, "share a year", (rate,), OWN) for group, rate in RETIREMENT.items()),
    *(
        ("triangulation", "tolerance", check, unit, (value,), TOLERANCE)
        for check, unit, value in (
            ("provider_commissioner_activity", "share", 0.01), ("activity_against_occupied_beds", "share", 0.01),
            ("bed_change_against_nursing", "share", 0.05), ("wte_change_against_pay_cost", "share", 0.03),
            ("cost_per_wte", "share", 0.06), ("cost_per_weighted_activity", "share", 0.08),
            ("activity_per_wte", "share", 0.08), ("bed_schemes_against_beds", "beds", 0.5),
            ("bed_schemes_implied_against_claimed", "share", 0.25), ("savings_against_finance", "GBP 000", 50),
            ("contract_income_against_bought", "GBP 000", 50), ("pay_cost_against_finance", "GBP 000", 50),
            ("capital_against_opening", "days", 0), ("parts_against_wholes", "share", 0.001),
            ("unit_jump", "times", 4),
        )
    ),
    *(
        ("triangulation", "least_difference", check, unit, (value,), OWN + "; a smaller difference is rounding")
        for check, unit, value in (
            ("provider_commissioner_activity", "activity", 1), ("activity_against_occupied_beds", "beds", 0.1),
            ("wte_change_against_pay_cost", "GBP 000", 2), ("unit_jump", "of what is counted", 4),
        )
    ),
    ("monitoring", "amber_tolerance", "all", "share", (0.05,), RAG),
    ("monitoring", "on_target_tolerance", "all", "share", (0.01,), RAG),
    ("monitoring", "milestone_amber_days", "all", "days", (30,), OWN),
    ("monitoring", "spc_minimum_points", "all", "points", (12,), "NHS Making Data Count"),
)  # fmt: skip
# The lowest and the highest of the published years stand for P10 and P90.
PUBLISHED_LEAVERS = {"nursing_midwifery_health_visiting": (0.090, 0.101), "medical_dental": (0.063, 0.067)}
RATES = ("non_demographic_growth", "allocation_growth", "efficiency_requirement")


def lines() -> dict[str, list[Line]]:
    """Both sheets of the assumptions return; the same in both rounds."""
    return {"assumptions": list(_assumption_lines()), "scenarios": list(_scenario_lines())}


def _assumption_lines() -> Iterator[Line]:
    for subject, parameter, applies_to, unit, values, source in CONSTANTS:
        estimates = ("central",) if len(values) == 1 else ("low", "central", "high")
        for estimate, value in zip(estimates, values, strict=True):
            path = (None if parameter in RATES else value, *[value] * (len(YEARS) - 1))
            yield _line(subject, parameter, applies_to, unit, path, source, estimate)
    for age, index in POPULATION.items():
        source = "ONS mid-year estimates for the system, mid-2015 to mid-2020, rounded; mid-2015 = 1"
        yield _line("activity", "population_index", age, "index", index, source)
    for age in AGES:
        source = OWN + "; 1 is no change since the base year, the range widens in a straight line to 2% either way"
        for estimate, end in (("low", -0.02), ("central", 0.0), ("high", 0.02)):
            path = [None, *(round(1 + end * t / (len(YEARS) - 1), 4) for t in range(1, len(YEARS)))]
            yield _line("activity", "health_status_factor", age, "factor", path, source, estimate)
    for estimate, end in (("low", 800), ("central", 950), ("high", 1_100)):
        source = OWN + "; the base year's staff show its own, the range widens in a straight line"
        path = [950 if end == 950 else None, *(950 + (end - 950) * t / (len(YEARS) - 1) for t in range(1, len(YEARS)))]
        yield _line("workforce", "contacts_per_wte", "community", "contacts a year", path, source, estimate)
    for quarter in range(4):
        path = [_season(quarter, days) for days in DAYS]
        yield _line("beds", "season", f"Q{quarter + 1}", "factor", path, OWN + "; averages 1 over the year's days")
    yield _line("funding", "inflation", "all", "share a year", OVERALL_INFLATION, GUIDANCE)
    for category, rates in {"pay": PAY_INFLATION, **INFLATION}.items():
        yield _line("funding", "inflation", category, "share a year", (None, *rates[1:]), GUIDANCE)
    for group, rates in LEAVERS.items():
        source = OWN + ", retirement left out"
        if group.startswith(("nursing", "medical")):
            source = "NHS Digital: nurses 10.1, 9.0, 9.9%, doctors 6.3-6.7%, without retirement; then illustrative"
        yield _line("workforce", "leaver_rate", group, "share a year", rates, source)
        for estimate, rate in zip(("low", "high"), PUBLISHED_LEAVERS.get(group, ()), strict=False):
            path = (None, *[rate] * (len(YEARS) - 1))
            yield _line("workforce", "leaver_rate", group, "share a year", path, source, estimate)
    agency = (0.074, 0.058, 0.046, None, None, None)
    yield _line("workforce", "agency_pay_share", "all", "share of pay", agency, "NHS Improvement: agency share of pay")


def _season(quarter: int, days: int) -> float:
    if quarter < 3:
        return SEASON[quarter]
    rest = days - sum(QUARTER_DAYS)
    return round((days - sum(f * d for f, d in zip(SEASON, QUARTER_DAYS, strict=True))) / rest, 8)


def _line(
    subject: str, parameter: str, applies_to: str, unit: str, path: Sequence[float | None], source: str,
    estimate: str = "central",
) -> Line:  # fmt: skip
    attributes = {
        "scenario": "all", "subject": subject, "parameter": parameter, "applies_to": applies_to, "unit": unit,
        "estimate": estimate, "source": source,
    }  # fmt: skip
    return Line(attributes, by_year(path))


def _scenario_lines() -> Iterator[Line]:
    for scenario, name, parent, slip, delivered in (
        ("do_nothing", "Nothing new is done", "do_nothing", 0, 0.0),
        ("plan", "The plan as submitted", "plan", 0, 1.0),
        ("plan_six_months_late", "The plan, every scheme six months late", "plan", 6, 1.0),
        ("plan_eighty_percent", "The plan, four fifths delivered", "plan", 0, 0.8),
    ):
        yield Line(
            {
                "scenario": scenario, "scenario_name": name, "parent_scenario": parent, "scheme_code": "all",
                "slip_months": slip, "delivered_share": delivered,
            }
        )  # fmt: skip
