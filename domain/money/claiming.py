"""Shares that wait for the maker of a work go to the person whose claim to it was accepted.

Each is offered to them as a share of its own, which they accept, decline or waive.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from domain.fact import New
from domain.money.agreement import Agreement
from domain.money.keeping import share_id
from domain.money.payee import Payee
from domain.money.share import Share
from domain.past import Past


def offered_for(past: Past, work: str, contributor: str) -> Iterator[New]:
    """Offers a person every share that waits for the maker of a work.

    The first whose claim is accepted gets them; adding others takes a new agreement.
    """
    books, works = past.books(), sorted(past.known.same([work]))
    past.watch_money(*works)
    for payee in [str(Payee("work", each)) for each in works]:
        if Payee.parse(books.person(payee)).is_work:
            for agreement in books.agreements_with(payee):
                yield claimed(past, agreement, payee, contributor)


def claimed(past: Past, agreement: Agreement, payee: str, contributor: str) -> New:
    """The share of a work, offered to the person who claimed it."""
    past.watch_money(agreement.release)
    return Share.Claimed.born(
        share_id(agreement.proposal, payee),
        proposal=agreement.proposal,
        pool=agreement.pool,
        release=agreement.release,
        payee=payee,
        contributor=contributor,
        share=str(agreement.shares.get(payee, Fraction())),
    )


def maker_of(past: Past, payee: str) -> str | None:
    """The person who claimed the work of a payee, or is credited on it, if anyone."""
    if not Payee.parse(known := past.books().person(payee)).is_work:
        return known
    found = past.known.credits([Payee.parse(payee).id])
    people = [each.contributor for each in found if each.counts and each.kind == "direct"]
    return past.person(people[0]) if people else None
