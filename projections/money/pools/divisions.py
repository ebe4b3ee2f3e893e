"""A division, a reversal or a correction, line by line.

For every line, carried before + due − amount = carried after.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.journal import Journal
from domain.moment import instant
from domain.money.entry import Entry
from domain.money.reserve import read_reserved
from domain.readers import MONEY
from domain.values import EntryId
from projections.money.payees import payees_told
from projections.money.pools.recouping import of_entry, recouped_told
from projections.money.pools.ruling import of_entry as of_entry_rules
from projections.money.pools.ruling import rules_told
from projections.money.pools.told import Cost, DivisionTold, FlowThrough, ReservedLine
from projections.money.readers import Reader
from projections.money.rows import ENTRIES
from projections.money.told import PayeeRef
from projections.nouns import noun_at
from projections.question import question
from projections.store import View, told_of, told_rows


@question(
    "show_division",
    "/entries/{id}",
    may=MONEY,
    parts=("costs", "flow", "recouped", "rules", "reserved", "lines"),
)
def division(view: View, journal: Journal, id: EntryId, *, actor: str) -> DivisionTold:
    """A division, a reversal or a correction, with every line.

    For the payees of its pool, those who run its proposals, accountants and auditors.
    """
    entry = noun_at(view, journal, Entry, id)
    first = entry.first
    Reader(view, journal, actor).must("this entry", MONEY, first.pool)
    document = document_of(first)
    texts = view.texts({first.reason, document})
    told = payees_told(view, (line.payee for line in entry.lines))
    return told_of(
        DivisionTold,
        first,
        id=id,
        kind=ENTRIES[type(first)],
        revenue=getattr(first, "revenue", None),
        recorded_at=instant(first.timestamp),
        reason=texts[first.reason],
        document=texts[document],
        costs=told_rows(Cost, entry.shown("costs")),
        flow=told_rows(FlowThrough, entry.shown("flow")),
        recouped=recouped_told(view, of_entry(view, journal, entry)),
        rules=rules_told(view, of_entry_rules(view, journal, entry)),
        lines=[
            {
                "payee": told[line.payee],
                "amount_minor": line.amount_minor,
                "due": str(line.due),
                "share": str(line.due / first.amount_minor) if first.amount_minor else None,
                "carry_before": str(line.before),
                "carry_after": str(line.after),
            }
            for line in entry.lines
        ],
        reserved=reserved_told(entry, told),
        position=entry.position,
    )


def reserved_told(entry: Entry, told: Mapping[str, PayeeRef]) -> list[ReservedLine]:
    """What of an entry is held back for returns, or freed, for these payees."""
    return [
        {"payee": told[row.payee], "until": row.until or None, "amount_minor": row.units}
        for row in read_reserved(entry.reserved)
        if row.units and row.payee in told
    ]


def document_of(first: Entry.First) -> str | None:
    """The commitment to the proof of an adjustment, an opening balance or an assignment."""
    return getattr(first, "document", None) or getattr(first, "evidence", None)
