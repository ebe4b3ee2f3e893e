"""Sales that a shop states again; if with other amounts, after the first were reversed.

The id of a revenue follows from what kinds of sale it has, so its amounts are compared here.
"""

from __future__ import annotations

from dataclasses import replace

from domain.draft import Draft
from domain.identity import part_id
from domain.lines import Line
from domain.money.currency import money
from domain.money.dividing import RecordRevenue
from domain.money.entry import Entry
from domain.money.revenue import Revenue

SALES = "sales:"
"""How the ids of such revenue begin."""
REVERSED = (
    "These sales were recorded before and reversed since; importing them again does not undo that. "
    "If they did come in, record them as revenue of the same date."
)
AGAIN = "reverse it and import this again"
DIFFERENCE = (
    "record the difference as revenue of the same date, since nothing is left to be reversed"
)


def is_of_shop(line: Line) -> bool:
    """Whether a line is from the statement of a shop."""
    return str(line.get("id", "")).startswith(SALES)


def restated(draft: Draft, line: Line, command: RecordRevenue) -> RecordRevenue:
    """The command for a line, under another id if other sales under its own were all reversed."""
    if not is_of_shop(line):
        return command
    first, number = command, 0
    while _was_reversed(draft, command) and not is_alike(draft, command):
        number += 1
        command = replace(first, id=part_id(str(first.id), "restated", number))
    return command


def remarks(draft: Draft, line: Line, command: RecordRevenue) -> list[str]:
    """What to say of sales that were recorded before: whether all of them were reversed since."""
    return [REVERSED] if is_of_shop(line) and _was_reversed(draft, command) else []


def is_alike(draft: Draft, command: RecordRevenue) -> bool:
    """Whether the revenue recorded under the command's id has the same amounts."""
    recorded = draft.get(Revenue, str(command.id)).recorded
    stated, items, _ = command.amounts(recorded.currency)
    written = [one.written() for one in items]
    return (stated, written) == (recorded.amount_minor, recorded.sold or [])


def otherwise(draft: Draft, id: str) -> str:
    """Why a line is refused whose id has other sales."""
    recorded = draft.get(Revenue, id).recorded
    amount = money(recorded.amount_minor, recorded.currency)
    can_be_reversed = draft.books().revenues[id].left_minor > 0
    return (
        f"These sales are already recorded with a different amount, {amount} in all ({id}). "
        f"If that was wrong, {AGAIN if can_be_reversed else DIFFERENCE}."
    )


def _was_reversed(draft: Draft, command: RecordRevenue) -> bool:
    """Whether nothing is left of a revenue because it was reversed.

    What only negative revenue has taken back, such as the returns of the same statement, was sold.
    """
    id = str(command.id)
    if not draft.stream(id):
        return False
    books = draft.books()
    known = books.revenues[id]
    if known.recorded.amount_minor <= 0 or known.left_minor:
        return False
    entries = books.divisions[known.division].reversals if known.division else ()
    facts = (fact for each in (id, *entries) for _, fact in draft.stream(each))
    return any(
        isinstance(fact, Revenue.Reversed | Entry.Reversed) and fact.against is None
        for fact in facts
    )
