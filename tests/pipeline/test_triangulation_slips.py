"""Slips at random in a clean round: those of a unit are found wherever they stand, those within tolerance are not."""

from __future__ import annotations

import pytest

from tests.pipeline.triangulation_slips import COMPARED, clean_round, differing, some_slips, well_within

OF_UNITS = (10.0, 100.0, 365.0, 1_000.0, 0.1, 0.001)
LEAST = 5.0
"""Ten times less than five is a difference of 4.5: smaller ones are rounding (least_difference)."""


@pytest.fixture(scope="module")
def clean(sample_home):
    """What the community and the ambulance trust plan, and what their commissioners plan with them."""
    both = "organisation_code in ('RT5', 'RX9')"
    return clean_round(sample_home.published, only=both, activity="scenario = 'plan'")


def test_slips_of_a_unit_are_found_in_every_compared_column(clean):
    slips = [
        slip
        for number, times in enumerate(OF_UNITS)
        for slip in some_slips(clean, each=1, seed=number, times=times, least=LEAST)
    ]
    assert len(slips) == len(OF_UNITS) * (len(COMPARED) - 1)  # the two have no attendances
    found = differing(clean, slips)
    missed = [slip for slip, checks in zip(slips, found, strict=True) if not checks]
    assert not missed


def test_slips_well_within_tolerance_are_no_differences(clean):
    slips = [well_within(slip) for slip in some_slips(clean, each=2, seed=2016)]
    alarms = [(slip, checks) for slip, checks in zip(slips, differing(clean, slips), strict=True) if checks]
    assert not alarms
