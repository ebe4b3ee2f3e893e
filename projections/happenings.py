"""Happenings: what happened to a person, their works, their money and what they follow.

Latest first. They are everything the person is notified of and, besides, uses of their pieces, new
credits, and later changes of either. Left out are their own acts, and facts they may not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from domain.fact import Fact
from domain.journal import Journal
from domain.permission import OWN, READS
from domain.stored import Placed
from domain.value import LARGEST_POSITION, Flag, Number, one_of
from domain.values import ContributorId
from projections import projects
from projections.feed import is_public
from projections.following import Followed, must_be_own
from projections.history import tell
from projections.money.readers import Reader
from projections.notices import HAPPENED, TOLD, values_of
from projections.pages import LIMIT, Page, cut, decode_cursor
from projections.question import After, Limit, question
from projections.store import View
from projections.told import FactTold

SCANNED = 250
"""How many facts are read at a time."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "used": ("remix.declared", "remix.accepted", "remix.retired", "remix.struck", "join."),
    "credits": (
        *("credit.granted", "credit.claimed", "credit.accepted", "credit.declined"),
        *("credit.revoked", "credit.corrected", "role."),
    ),
    "disputes": (
        *("credit.disputed", "credit.answered", "credit.settled"),
        *("remix.disputed", "remix.answered", "remix.settled", "identifier."),
        *("membership.disputed", "membership.answered", "membership.settled"),
    ),
    "shares": ("proposal.", "share."),
    "money": ("payout.", "hold."),
    "projects": ("project.", "step.", "placement.", "challenge.", "answer.", "membership."),
    "comments": ("comment.",),
}
"""The kinds that can be asked for alone, with the beginnings of their topics."""
KindOfHappening = Annotated[str, one_of(tuple(KINDS))]

_COMMENTED = (
    # Others commented on what they posted, are credited on, issued or lead; or replied to them.
    "UNION SELECT m.born FROM @works w JOIN @comments m ON m.kind = 'work' AND m.about = w.node "
    "AND NOT m.actor IN :named WHERE w.poster IN :named "
    "UNION SELECT m.born FROM @credits c JOIN @comments m ON m.kind = 'work' AND m.about = c.work "
    "AND c.since <= m.born AND c.until > m.born AND NOT m.actor IN :named "
    "WHERE c.contributor IN :accounts AND NOT (c.state IN :gone) "
    "UNION SELECT m.born FROM @challenges c JOIN @comments m ON m.kind = 'challenge' "
    "AND m.about = c.number AND NOT m.actor IN :named WHERE c.actor IN :named "
    "UNION SELECT m.born FROM @comments m WHERE m.kind = 'project' AND m.about IN :led "
    "AND NOT m.actor IN :named "
    "UNION SELECT m.born FROM @comments o JOIN @comments m ON m.reply_to = o.id "
    "AND NOT m.actor IN :named WHERE o.actor IN :named"
)
_HAPPENED = (
    f"{TOLD} "
    # Somebody made something from what they posted or are credited on.
    "UNION SELECT e.born FROM @works w JOIN @remixes e ON e.parent = w.number "
    "WHERE w.poster IN :named AND e.since = e.born AND e.state = 'declared' "
    "AND NOT e.actor IN :named "
    "UNION SELECT e.born FROM @credits c JOIN @remixes e ON e.parent = c.work "
    "AND c.since <= e.born AND c.until > e.born "
    "WHERE c.contributor IN :accounts AND NOT (c.state IN :gone) AND e.since = e.born "
    "AND e.state = 'declared' AND NOT e.actor IN :named "
    # They were credited by others; or others claim a credit on what they posted.
    "UNION SELECT c.born FROM @credits c WHERE c.contributor IN :accounts "
    "AND c.since = c.born AND NOT c.actor IN :named "
    "UNION SELECT c.born FROM @works w JOIN @credits c ON c.work = w.number "
    "AND c.since = c.born AND NOT c.actor IN :named AND coalesce(c.waits_for, '') <> 'contributor' "
    "AND c.state IN ('claimed', 'pending') WHERE w.poster IN :named "
    "UNION SELECT e.born FROM @works w JOIN @remixes e ON e.child = w.number "
    "AND e.since = e.born AND e.state = 'pending' WHERE w.poster IN :named "
    # Others answered a challenge that they issued.
    "UNION SELECT a.born FROM @challenges c JOIN @answers a ON a.challenge = c.number "
    "JOIN @works w ON w.number = a.own_work AND NOT w.poster IN :named WHERE c.actor IN :named "
    f"{_COMMENTED}"
)


_OWN = f"SELECT position, 1 AS own, 0 AS subject FROM ({_HAPPENED}) AS h"


class HappeningTold(FactTold):
    """Something that happened to somebody, or to what they follow."""

    follows: Annotated[str | None, "The id of what they follow, if it did not happen to them."]


@question("list_happenings", "/contributors/{id}/happenings", cli="happenings", may=OWN | READS)
def of_contributor(
    view: View,
    journal: Journal,
    id: ContributorId,
    *,
    actor: str,
    kind: Annotated[KindOfHappening | None, "Only these."] = None,
    own: Annotated[bool, Flag(help="Leave out what only happened to what they follow.")] = False,
    since: Annotated[
        int | None,
        Number(
            most=LARGEST_POSITION, help="Only what was recorded after this position.", example=44
        ),
    ] = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[HappeningTold]:
    """What happened to this person, their works, their money and what they follow, latest first.

    A piece of theirs was used or featured, a challenge of theirs was answered, they were credited,
    a credit was changed or disputed, shares were proposed or agreed, a payout was sent or came
    back, someone mentioned them, replied to them or commented on something of theirs. What they
    did themselves is left out. Only the person, auditors and the operator may ask.
    """
    accounts, named = must_be_own(view, journal, id, actor, "read what happened")
    reader, begins = Reader(view, journal, actor), KINDS[kind] if kind else ("",)
    there = Followed(view, [] if own else accounts)
    said = {**values_of(accounts, named, "", HAPPENED), **there.values}
    said |= {"led": projects.led_by(view, named), "most": SCANNED}
    (below,) = decode_cursor(after, int) or [view.as_of + 1]
    found, marks = list[Placed](), dict[int, str | None]()
    while len(found) <= limit:
        rows = view.rows(
            "SELECT position, max(own), string_agg(CAST(subject AS TEXT), ',') "
            f"FROM ({_OWN}{there.sql}) AS told "
            "WHERE position < :below AND position > :since AND position <= :as_of "
            "GROUP BY position ORDER BY position DESC LIMIT :most",
            **said,
            below=below,
            since=since or 0,
        )
        marks |= {at: None if is_own else there.id_of(some, at) for at, is_own, some in rows}
        facts = sorted(journal.facts.at([at for at, *_ in rows]), key=lambda one: -one.position)
        for one in facts:
            happened, mark = one.fact(), marks[one.position]
            if mark is None:
                knows = _may_know(reader, happened, is_own=actor in named)
            else:
                knows = bool(mark) and there.may_hear(reader, happened)
            if knows and happened.actor not in named and one.topic.startswith(begins):
                found.append(one)
        if len(rows) < SCANNED:
            break
        below = rows[-1][0]
    page, more = cut(found, limit, lambda one: (one.position,))
    told = sorted(tell(journal, page), key=lambda one: -one["position"])
    return Page([{**one, "follows": marks[one["position"]]} for one in told], more)


def _may_know(reader: Reader, happened: Fact, *, is_own: bool) -> bool:
    """Whether a reader may know of a fact: a credit may be hidden, or not be agreed to yet.

    A person who is notified about money is a party to it, and so may read it.
    """
    if not is_own and not is_public(happened):
        return False
    return reader.knows(happened)
