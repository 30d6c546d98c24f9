"""How many staff are needed: by care hours on wards, by contacts in the community, else as the plan has them.

The base year's staff, of all contracts, are taken to be as many as its patients need; later years follow the growth of
what the group's work is counted in. Values are (post, year, run), with one run where central.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assets.workforce.inputs import (
    CARE_HOURS,
    CONTACT_GROUPS,
    CONTACT_SETTING,
    CONTACTS,
    PLAN,
    WARD_GROUPS,
    WARD_SETTINGS,
    Doubt,
    Post,
    Round,
)
from assets.workforce.model import care_hours_wte
from llr_pipeline.assumptions import Pick

COMMUNITY_GROWTH = "non_demographic_growth", "community_contacts"


@dataclass(frozen=True)
class Demand:
    """Staff needed (post, year, run), what that follows, and the workload's own staff (post, year), which are those of
    all of its groups together.
    """

    wte: np.ndarray
    basis: tuple[str, ...]
    care_hours_wte: np.ndarray
    contacts_wte: np.ndarray


def basis_of(inputs: Round, post: Post) -> str:
    """What a post's demand follows. Where nothing is known of its organisation's patients or contacts: the plan."""
    work = work_of(post)
    has_wards = any(key[1:] == (post.organisation_code, post.setting) for key in inputs.wards)
    has_contacts = any(organisation == post.organisation_code for _, organisation in inputs.contacts)
    return work if {CARE_HOURS: has_wards, CONTACTS: has_contacts}.get(work) else PLAN


def work_of(post: Post) -> str:
    """What a post's work is counted in."""
    if post.staff_group in WARD_GROUPS and post.setting in WARD_SETTINGS:
        return CARE_HOURS
    return CONTACTS if post.staff_group in CONTACT_GROUPS and post.setting == CONTACT_SETTING else PLAN


def no_driver(inputs: Round) -> Iterator[Doubt]:
    """Posts whose demand should follow patients or contacts, of which there are none."""
    for post in inputs.posts:
        work = work_of(post)
        if work == basis_of(inputs, post):
            continue
        if work == CARE_HOURS:
            message = "No patients in beds are known of the organisation: the planned staff stand for the demand"
            yield Doubt("no_ward_patients", "demand", message, post)
        else:
            message = "No contacts are returned by the organisation: the planned staff stand for the demand"
            yield Doubt("no_contacts", "demand", message, post)


def demand(inputs: Round, scenario: str, pick: Pick, *, is_central: bool) -> Demand:
    """What the scenario's patients and contacts need. Where nothing of the plan is done, what follows the plan stays as
    it is in the base year.
    """
    size = len(inputs.posts), len(inputs.years)
    found = []
    care, contacts = np.full(size, np.nan), np.full(size, np.nan)
    basis = tuple(basis_of(inputs, post) for post in inputs.posts)
    for n, post in enumerate(inputs.posts):
        planned = inputs.planned[n]
        if basis[n] == CARE_HOURS:
            needed = ward_wte(inputs, scenario, post, pick, is_central=is_central)
            care[n] = needed[:, 0]
            found.append(planned[0] * _growth(needed))
        elif basis[n] == CONTACTS:
            needed = contact_wte(inputs, scenario, post, pick)
            contacts[n] = needed[:, 0]
            found.append(planned[0] * _growth(needed))
        else:
            path = np.full(size[1], planned[0]) if inputs.scenarios[scenario] else planned
            found.append(path[:, None])
    runs = max((path.shape[1] for path in found), default=1)
    wte = np.array([np.broadcast_to(path, (size[1], runs)) for path in found]).reshape(*size, runs)
    return Demand(wte, basis, care, contacts)


def _growth(needed: np.ndarray) -> np.ndarray:
    """1 in the base year; not known from nothing."""
    return np.divide(needed, needed[:1], out=np.full_like(needed, np.nan), where=needed[:1] > 0)


def ward_wte(inputs: Round, scenario: str, post: Post, pick: Pick, *, is_central: bool) -> np.ndarray:
    """Staff of the ward groups together who give the care hours of the post's organisation and setting: (year, run)."""

    def assumed(name: str, code: str) -> np.ndarray:
        return inputs.assumptions.picked(pick, "workforce", (name, code), missing=np.nan)

    total = 0.0
    for census in inputs.wards.get((scenario, post.organisation_code, post.setting), ()):
        total = total + care_hours_wte(
            assumed("care_hours_per_patient_day", census.sector),
            census.central[:, None] if is_central else census.runs,
            contracted_hours=assumed("contracted_hours", "all"),
            headroom_share=assumed("headroom_share", "all"),
        )
    return total if np.ndim(total) else np.full((len(inputs.years), 1), np.nan)


def contact_wte(inputs: Round, scenario: str, post: Post, pick: Pick) -> np.ndarray:
    """Staff of the contact groups together for the organisation's contacts: (year, run).

    Contacts are those returned; a run's differ by as much as its growth of community contacts does from the central.
    """
    per_wte = inputs.assumptions.picked(pick, "workforce", ("contacts_per_wte", CONTACT_SETTING), missing=np.nan)
    parameter, code = COMMUNITY_GROWTH
    growth = inputs.assumptions.compounded(pick, "activity", parameter, [code])[0]
    central = inputs.assumptions.compounded(lambda _, given: given.central[:, None], "activity", parameter, [code])[0]
    path = inputs.contacts.get((scenario, post.organisation_code), np.full(len(inputs.years), np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(per_wte > 0, path[:, None] * growth / central / per_wte, np.nan)
