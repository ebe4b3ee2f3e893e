"""Warnings about what is recorded although it looks wrong, shown to who recorded it.

A warning stops nothing, and its code never changes.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.refusal import LicenceConflict

ASKED_FIRST, NAMESAKE, OLDER = "asked_first", "name_repeated", "older_than_source"
WITHDRAWN, PLACE_TAKEN = "source_withdrawn", "place_taken"
WARNINGS = {
    "period_closed": "The books are closed until {until}: this is late, and will be shown as late.",
    "no_exchange_rate": (
        "There is no rate from {currency} to {into}: a payout in {into} is sent in {currency}."
    ),
    "rate_ahead": (
        "The rate is used from {since}, which is in the future; until then, an earlier one is used."
    ),
    "amended_already": (
        "The terms from {since} on were amended before: these replace them completely."
    ),
    "agreed_later": (
        "Under the agreement in force from {since}, {payee} has this share again: unless that is "
        "intended, assign it there too."
    ),
    "agreement_ends": (
        "From {since} on, another agreement is in force instead of this one: unless that is "
        "intended, agree on these shares from then, too."
    ),
    "assignment_ended": (
        "{payee} had a share by assignment until {since}, and has none under this agreement: "
        "unless that is intended, assign it again from then."
    ),
    "payee_alike": (
        "“{payee}” differs from “{other}” only in case, accents or encoding: they are paid as two "
        "payees. If they are one, use one spelling."
    ),
    "sold_alike": (
        "The {dimension} “{value}” differs from “{other}” in the terms only in case, accents or "
        "encoding, so no rule for that applies. If they are one, reverse this and use one spelling."
    ),
    "payee_unknown": (
        "Nobody is called “{payee}” in any terms or agreement, so this is about a new name. If a "
        "contributor is meant, state their id; on the command line and in bundles, @ and their "
        "word will do."
    ),
    "payee_forgotten": (
        "{payee} was forgotten, so nobody is left to be paid: what they are owed is held until it "
        "is assigned."
    ),
    "document_repeated": "The same document and amount are already recorded: {first}.",
    "booking_repeated": "The same booking, also without a document, is already recorded: {first}.",
    "reversal_repeated": "The same amount was already reversed for the same reason: {first}.",
    "document_elsewhere": (
        "The same document and amount are already recorded in another pool: {first}."
    ),
    LicenceConflict.code: LicenceConflict.says,
    ASKED_FIRST: (
        "{contributor} has asked to be asked first: until they accept it, nobody else sees this "
        "credit."
    ),
    NAMESAKE: (
        "Someone with this name is already registered: {ids}. If it is the same person, merge them."
    ),
    OLDER: (
        "The work {child} is dated {child_made_at}, before {parent}, from which it was made "
        "({parent_made_at}): one of the dates is wrong."
    ),
    WITHDRAWN: (
        "The work {parent}, from which {child} is made, was withdrawn: check that this is meant."
    ),
    PLACE_TAKEN: (
        "At place {place} of the release stands {work}, too: replace that one as well, unless both "
        "are meant to."
    ),
}
"""Every warning by its code."""


class Warned(NamedTuple):
    """One warning about what was recorded."""

    code: str
    detail: str


def warned(code: str, **said: object) -> Warned:
    """A warning with the values that its sentence names."""
    return Warned(code, WARNINGS[code].format(**said))
