"""The arithmetic of staff: vectors by hand, and rules that hold for whatever numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.workforce.model import break_even, care_hours_wte, fill, kept_share, largest_falls, roll_forward

RATE = st.floats(0, 0.5)
STAFF = st.floats(0, 20_000)
FEW = settings(max_examples=60, deadline=None)


def test_stock_and_flow_by_hand():
    """S 1,000, l 10.1%, J 120: 1,000 x 0.899 + 120; (1,000 x 0.9495 + 120) / 1.0505."""
    for is_average, closing in ((False, 1019.0), (True, 1018.0866)):
        found = roll_forward(1000.0, leaver_rate=0.101, retirement_rate=0.0, net_in=120.0, is_average=is_average)
        assert found.closing == pytest.approx(closing, abs=1e-4)
    # of the average of 1,000 and 1,018.0866: 0.101 x 1,009.0433
    assert found.leavers == pytest.approx(101.9134, abs=1e-4)


def test_retirement_has_the_base_of_the_leaver_rate():
    """1,000, 10% leave and 2% retire, 50 join: 100, 20 and 930; or (1,000 x 0.94 + 50) / 1.06 = 933.9623."""
    found = roll_forward(1000.0, leaver_rate=0.1, retirement_rate=0.02, net_in=50.0, is_average=False)
    assert (found.leavers, found.retirements, found.closing) == pytest.approx((100, 20, 930))
    found = roll_forward(1000.0, leaver_rate=0.1, retirement_rate=0.02, net_in=50.0, is_average=True)
    assert found.closing == pytest.approx(933.9623, abs=1e-4)
    assert found.retirements == pytest.approx(0.02 * (1000 + 933.9623) / 2, abs=1e-4)


@FEW
@given(STAFF, RATE, RATE, st.floats(-2_000, 5_000), st.booleans())
def test_flows_conserve_staff(opening, leave, retire, net_in, is_average):
    found = roll_forward(opening, leaver_rate=leave, retirement_rate=retire, net_in=net_in, is_average=is_average)
    assert opening + net_in - found.leavers - found.retirements == pytest.approx(found.closing, abs=1e-9)


@FEW
@given(STAFF, RATE, st.integers(1, 8))
def test_the_definitions_agree_where_staff_stay_as_many(opening, rate, years):
    """With everybody replaced, the start of a year is its average."""
    stock = opening
    for _ in range(years):
        stock = roll_forward(stock, leaver_rate=rate, retirement_rate=0, net_in=opening * rate, is_average=True).closing
    assert stock == pytest.approx(opening)


def test_what_turnover_leaves_by_hand():
    """1,000 staff, 10.1%, five years; nobody, half and all replaced: 1,000 x 0.899 ** 5, x 0.9495 ** 5, all."""
    for replaced, left in ((0.0, 587.22), (0.5, 771.75), (1.0, 1000.0)):
        fall = largest_falls([1000.0], np.full((1, 5), 0.101), np.full((1, 5), replaced), np.array([False]))
        assert 1000 - fall[0, -1] == pytest.approx(left, abs=0.005)


def test_yearly_rates_multiply():
    """10%, then 20%, nobody replaced: 100, then 1,000 - 1,000 x 0.9 x 0.8 = 280; of the average: 0.95 / 1.05."""
    fall = largest_falls([1000.0], np.array([[0.1, 0.2]]), np.zeros((1, 2)), np.array([False]))
    assert fall[0].tolist() == pytest.approx([100, 280])
    assert kept_share(0.1, 0.0, True) == pytest.approx(0.95 / 1.05)


@FEW
@given(STAFF, st.lists(RATE, min_size=1, max_size=6), st.floats(0, 1), st.booleans())
def test_the_test_is_the_projection_with_joiners_for_those_replaced(stock, rates, replaced, is_average):
    """Another way to the same number: roll forward, year by year, with the leavers who are not replaced."""
    at = stock
    for rate in rates:
        net = rate * (1 - replaced)
        at = roll_forward(at, leaver_rate=net, retirement_rate=0, net_in=0, is_average=is_average).closing
    size = (1, len(rates))
    fall = largest_falls([stock], np.array([rates]), np.full(size, replaced), np.array([is_average]))
    assert fall[0, -1] == pytest.approx(stock - at, abs=1e-7)


@FEW
@given(st.floats(100, 5_000), st.floats(0.01, 0.3), st.floats(0.05, 0.95))
def test_break_even_is_where_turnover_just_gives_the_fall(stock, rate, replaced):
    def fall(share: float) -> float:
        return stock * (1 - (1 - rate * (1 - share)) ** 5)

    assert break_even(fall, fall(replaced)) == pytest.approx(replaced, abs=1e-9)


def test_break_even_at_its_ends():
    assert break_even(lambda share: 10.0 * (1 - share), 0.0) == 1.0
    assert np.isnan(break_even(lambda share: 10.0 * (1 - share), 11.0))
    assert np.isnan(break_even(lambda share: float("nan"), 1.0))


def test_care_hours_by_hand():
    """30 beds 92% full are 27.6 patients and 10,074 patient days; 8 hours each, 21% headroom: 52.172 WTE."""
    assert pytest.approx(10_074) == 30 * 0.92 * 365
    wte = care_hours_wte(8.0, 30 * 0.92, contracted_hours=37.5, headroom_share=0.21)
    assert wte == pytest.approx(52.172, abs=5e-4)
    assert wte == pytest.approx(8 * 10_074 / (37.5 * 52.143 * (1 - 0.21)), rel=1e-5)


def test_a_gap_is_filled_by_bank_then_agency_up_to_their_caps():
    """100 needed, 85 in post: 6 bank, 5 agency, 4 nobody. 97 in post: 3 bank. 104: a surplus of 4."""
    found = fill([100.0] * 3, [85.0, 97.0, 104.0], bank_cap=0.06, agency_cap=0.05)
    assert found.gap.tolist() == pytest.approx([15, 3, -4])
    assert np.transpose([found.bank, found.agency, found.unfilled]).ravel() == pytest.approx(
        [6, 5, 4, 3, 0, 0, 0, 0, 0]
    )


@FEW
@given(STAFF, STAFF, st.floats(0, 0.3), st.floats(0, 0.3))
def test_fills_never_pass_their_caps_nor_the_gap(demand, stock, bank_cap, agency_cap):
    found = fill(demand, stock, bank_cap=bank_cap, agency_cap=agency_cap)
    parts = found.bank, found.agency, found.unfilled
    assert found.gap == demand - stock
    assert min(parts) >= 0
    assert found.bank <= bank_cap * demand + 1e-9
    assert found.agency <= agency_cap * demand + 1e-9
    assert sum(parts) == pytest.approx(max(found.gap, 0), abs=1e-9)
