"""What happened: to somebody, their works and their money, in sentences, the latest first.

Whatever they are notified of, and besides: that a piece of theirs was used, that they were
credited, and what became of either. What they may not read is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from domain.credit import Credit
from domain.fact import Fact
from domain.journal import Journal
from domain.permission import OWN, READS, permit
from domain.stored import Placed
from domain.values import ContributorId, one_of
from projections import attribution
from projections.feed import is_public
from projections.grants import roles_of
from projections.history import tell
from projections.money.readers import Reader
from projections.notices import HAPPENED, TOLD, values_of
from projections.question import LIMIT, After, Limit, question
from projections.store import Page, View, cut, decode_cursor
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
    ),
    "shares": ("proposal.", "share."),
    "money": ("payout.", "hold."),
    "projects": ("project.", "step.", "placement.", "challenge.", "answer.", "membership."),
}
"""What can be asked for alone, and how the topics of each begin."""
Kind = Annotated[str, one_of(tuple(KINDS))]

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
    "JOIN @works w ON w.number = a.own_work AND NOT w.poster IN :named WHERE c.actor IN :named"
)


@question("list_happenings", "/contributors/{id}/happenings", cli="happenings", may=OWN | READS)
def of_contributor(
    view: View,
    journal: Journal,
    id: ContributorId,
    *,
    actor: str,
    kind: Annotated[Kind | None, "Only these."] = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[FactTold]:
    """What happened to this person, their works and their money, the latest first.

    A piece of theirs was used or featured, a challenge of theirs was answered, they were credited,
    a credit was changed or disputed, shares were proposed or agreed, a payout was sent or came
    back. Only the person, auditors and the operator may ask.
    """
    accounts = attribution.accounts(view, id)
    named = {told["id"] for told in attribution.persons(view, accounts).values()}
    sides = {"contributor": actor if actor in named else id, **roles_of(journal, actor)}
    permit(actor, "read what happened", OWN | READS, sides)
    reader, begins = Reader(view, journal, actor), KINDS[kind] if kind else ("",)
    (below,) = decode_cursor(after, int) or [view.as_of + 1]
    found: list[Placed] = []
    while len(found) <= limit:
        rows = view.rows(
            f"SELECT position FROM ({_HAPPENED}) AS told "
            "WHERE position < :below AND position <= :as_of ORDER BY position DESC LIMIT :most",
            **values_of(accounts, named, "", HAPPENED),
            below=below,
            most=SCANNED,
        )
        facts = sorted(journal.facts.at([at for (at,) in rows]), key=lambda one: -one.position)
        wanted = (one for one in facts if one.topic.startswith(begins))
        found += [one for one in wanted if _may_know(reader, one.fact(), is_own=actor in named)]
        if len(rows) < SCANNED:
            break
        below = rows[-1][0]
    page, more = cut(found, limit, lambda one: (one.position,))
    told = sorted(tell(journal, page), key=lambda one: -one["position"])
    return Page(told, more)


def _may_know(reader: Reader, happened: Fact, *, is_own: bool) -> bool:
    """Whether somebody may know of it: a credit may be hidden, or not agreed to yet.

    Anyone notified of something about money is concerned by it, and so may read it.
    """
    if not is_own and not is_public(happened):
        return False
    return not isinstance(happened, Credit.Event) or reader.sees(happened)
