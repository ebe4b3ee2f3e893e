"""Movements: the lines of a statement as people read them.

A payout is one line with its parts, as the bank shows it. What was recouped is a line too, and so
is what was sent in this currency of a pool that has another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any, cast

from domain.journal import Journal
from domain.moment import instant
from projections.money.pools import recouping
from projections.money.pools.accounts import pool_named
from projections.money.pools.payees import titles
from projections.money.sending import exchanged_into, returned_among, sent_told
from projections.money.told import ENTRY_KINDS, Movement, StatementLine
from projections.store import View

_SAME = (
    *("position", "recorded_at", "effective_at", "kind", "noun", "payee", "release", "pool"),
    *("agreement", "source", "of_minor", "share", "amount_minor", "is_late", "rules"),
    "through",
)


def movements(
    view: View,
    journal: Journal,
    payees: Collection[str],
    after: int,
    currency: str,
    lines: Sequence[StatementLine],
    reasons: Sequence[str | None],
) -> list[Movement]:
    """One line for each entry, payout, recoupment and exchange, in the order of recording."""
    found = [
        *_booked(view, lines, reasons),
        *_recouped(view, journal, payees, after, currency),
        *_exchanged(view, payees, after, currency),
    ]
    return sorted(found, key=lambda each: each["position"])


def _booked(
    view: View, lines: Sequence[StatementLine], reasons: Sequence[str | None]
) -> Iterator[Movement]:
    payouts = {line["noun"] for line in lines if line["kind"] == "payout"}
    returned = returned_among(view, payouts)
    told = sent_told(view, payouts).items()
    sent = {id: how for id, how in told if how["rate"] is not None or how["withheld"]}
    by_fact = groupby(
        zip(lines, reasons, strict=True),
        key=lambda each: (each[0]["position"], each[0]["noun"], each[0]["kind"]),
    )
    for (_, _, kind), group in by_fact:
        alike = list(group)
        lines = [line for line, _ in alike]
        if kind in ENTRY_KINDS:
            yield from (_movement(line, reason) for line, reason in alike)
        else:
            how = sent.get(lines[0]["noun"]) if kind == "payout" else None
            came_back = kind == "payout" and lines[0]["noun"] in returned
            yield {**_payout(lines), "sent": how, "is_returned": came_back}


def _movement(line: StatementLine, reason: str | None) -> Movement:
    same = {name: cast("Any", line)[name] for name in _SAME}
    return _line(**same, reason=None if line["kind"] == "division" else reason)


def _line(**said: Any) -> Movement:
    """A line that says this and nothing else."""
    more: dict[str, Any] = {"rules": [], "through": [], "parts": []}
    more |= {"amount_minor": 0, "is_late": False, "is_returned": False}
    return cast("Movement", dict.fromkeys(Movement.__annotations__) | more | said)


def _payout(lines: list[StatementLine]) -> Movement:
    movement = _movement(lines[0], None)
    movement["amount_minor"] = sum(line["amount_minor"] for line in lines)
    movement["parts"] = [
        {
            "release": line["release"],
            "pool": line["pool"],
            "agreement": line["agreement"],
            "amount_minor": line["amount_minor"],
        }
        for line in lines
    ]
    if len({(line["pool"]["id"], line["agreement"]) for line in lines}) > 1:
        movement["release"] = movement["pool"] = movement["agreement"] = None
    return movement


def _recouped(
    view: View, journal: Journal, payees: Collection[str], after: int, currency: str
) -> Iterator[Movement]:
    for entry, found in recouping.of_payees(view, journal, payees, after, currency):
        first = entry.first
        opened = pool_named(view, journal, first.pool)
        texts = view.texts({opened.name, first.reason})
        title = titles(view, {first.release}).get(first.release)
        for told in recouping.recouped_told(view, found):
            yield _line(
                position=entry.position,
                recorded_at=instant(first.timestamp),
                effective_at=first.effective_at,
                kind="recoupment",
                noun=entry.id,
                payee=told["payee"]["id"],
                release={"id": first.release, "title": title},
                pool={"id": first.pool, "name": texts.get(opened.name)},
                agreement=first.agreement,
                of_minor=first.amount_minor,
                reason=texts.get(first.reason),
                recouped=told,
            )


def _exchanged(
    view: View, payees: Collection[str], after: int, currency: str
) -> Iterator[Movement]:
    every = exchanged_into(view, payees, currency, after)
    told = sent_told(view, {each.payout for each in every})
    for each in every:
        yield _line(
            position=each.position,
            recorded_at=each.at,
            kind="exchange",
            noun=each.payout,
            payee=each.payee,
            source=each.currency,
            # What was withheld is told where it was earned, in the currency of the pools.
            sent={**told[each.payout], "withheld": [], "withheld_minor": 0},
            is_returned=each.is_returned,
        )
