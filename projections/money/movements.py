"""The movements of a statement: its lines as people read them.

A payout is one line with its parts, as the bank shows it. A recoupment is a line, too, and so
is what was sent in this currency but earned in another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any, cast

from domain.journal import Journal
from domain.moment import instant
from projections.money.payees import titles
from projections.money.pools import recouping
from projections.money.pools.accounts import pool_named
from projections.money.sending import EXCHANGED_INTO, returned_among, sent_told
from projections.money.told import ENTRY_KINDS, Movement, Part, StatementLine
from projections.store import View


def movements(
    view: View,
    journal: Journal,
    payees: Collection[str],
    after: int,
    currency: str,
    lines: Sequence[StatementLine],
) -> list[Movement]:
    """One line for each entry, payout, recoupment and exchange, in the order of recording."""
    found = [
        *_booked(view, lines),
        *_recouped(view, journal, payees, after, currency),
        *_exchanged(view, payees, after, currency),
    ]
    return sorted(found, key=lambda each: each["position"])


def _booked(view: View, lines: Sequence[StatementLine]) -> Iterator[Movement]:
    payouts = {line["noun"] for line in lines if line["kind"] == "payout"}
    returned = returned_among(view, payouts)
    told = sent_told(view, payouts).items()
    sent = {id: how for id, how in told if how["rate"] is not None or how["withheld"]}
    by_fact = groupby(lines, key=lambda each: (each["position"], each["noun"], each["kind"]))
    for (_, noun, kind), alike in by_fact:
        if kind in ENTRY_KINDS:
            yield from map(_movement, alike)
        else:
            how = sent.get(noun) if kind == "payout" else None
            came_back = kind == "payout" and noun in returned
            yield {**_payout([*alike]), "sent": how, "is_returned": came_back}


def _movement(line: StatementLine) -> Movement:
    said = {name: value for name, value in line.items() if name in Movement.__annotations__}
    return _line(**said)


def _line(**said: Any) -> Movement:
    """A line with these fields; all others are empty."""
    more: dict[str, Any] = {"rules": [], "through": [], "parts": []}
    more |= {"amount_minor": 0, "is_late": False, "is_returned": False}
    return cast("Movement", dict.fromkeys(Movement.__annotations__) | more | said)


def _payout(lines: list[StatementLine]) -> Movement:
    movement = _movement(lines[0])
    movement["amount_minor"] = sum(line["amount_minor"] for line in lines)
    movement["parts"] = [
        cast("Part", {name: cast("Any", line)[name] for name in Part.__annotations__})
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
    every = view.rows(
        "SELECT y.born, y.issued_at, y.id, y.payee, y.currency, y.state "
        f"FROM {EXCHANGED_INTO} AND y.born > :after",
        payees=list(payees),
        currency=currency,
        after=after,
    )
    told = sent_told(view, {id for _, _, id, *_ in every})
    for position, at, id, payee, source, state in every:
        yield _line(
            position=position,
            recorded_at=at,
            kind="exchange",
            noun=id,
            payee=payee,
            source=source,
            # What was withheld is shown in the currency of the pools, where it was earned.
            sent={**told[id], "withheld": [], "withheld_minor": 0},
            is_returned=state in {"returned", "claimed"},
        )
