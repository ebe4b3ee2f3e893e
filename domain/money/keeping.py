"""Keeping: how lists are split over facts, who is named in the books, what repeats or is late."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from domain.contributor import Contributor
from domain.fact import Fact, New
from domain.identity import part_id
from domain.join import Join
from domain.known import B, Known
from domain.moment import is_in_future
from domain.money.books import NOTHING_ABOVE, Above, Books
from domain.money.entry import Entry, Line, must_add_up
from domain.money.naming import PAYER
from domain.money.payee import Payee, people_among
from domain.money.pool import Pool, texts_in
from domain.money.proposal import Assets, Content, Proposal, payees_of
from domain.money.revenue import paper_of
from domain.money.through import Divides, divided, divides_of
from domain.paging import asset_pages, pages
from domain.past import Past
from domain.permission import OPERATOR
from domain.refusal import EarnedInFuture
from domain.remix import Remix
from domain.text import searched

T = TypeVar("T")

_LISTS = ("costs", "flow_before", "flow", "reserved")


def entry_facts(
    past: Past, kind: type[Fact], id: str, lines: Sequence[Line], **content: Any
) -> Iterator[New]:
    """An entry, in as many facts as its lines need."""
    must_add_up(content["amount_minor"], list(lines))
    if not content.get("reserved"):
        content.pop("reserved", None)
    lists: dict[str, Sequence[Any]] = {"lines": [line.written() for line in lines]}
    lists |= {name: content[name] for name in _LISTS if name in content}
    first, *more = (
        {name: [item for each, item in page if each == name] for name in lists}
        for page in pages([(name, item) for name, items in lists.items() for item in items])
    )
    yield kind.born(id, **content | first)
    kept = {name: content[name] for name in ("pool", "release", "proposal", "currency")}
    for page in more:
        yield Entry.Continued.born(id, **kept, **page)
    past.watch_money(content["release"], *(line.payee for line in lines))


def side_of(past: Past, payee: str) -> dict[str, str]:
    """The contributor that a payee is: after merges, by a name, or by a claim to a work."""
    person = past.books().person(payee)
    return {"contributor": person} if Payee.parse(person).is_contributor else {}


def first_of_document(
    past: Past,
    kind: type[B],
    pool: str,
    amount_minor: int,
    document: str | None,
) -> str | None:
    """The first with the same amount and document, of the pool or else of another; it is warned of.

    What many have in common, such as the amount of a subscription, is compared with the latest.
    """
    if document is None:
        return None
    currency = past.get(Pool, pool).opened.currency
    alike = past.known.of_document(kind, paper_of(currency, amount_minor))
    same = of_same_document(past, alike, document)
    first = next((each for each in same if each.pool == pool), next(iter(same), None))
    if first is None:
        return None
    is_here = first.pool == pool
    code = "document_repeated" if is_here else "document_elsewhere"
    past.warn(code, first=first.originator_id)
    return first.originator_id if is_here else None


def of_same_document(past: Past, booked: Mapping[str, T], document: str) -> list[T]:
    """Of what was booked, by the commitment to its document: what has this one."""
    texts, wanted = past.texts(booked), searched(document)
    return [each for digest, each in booked.items() if searched(texts.get(digest, "")) == wanted]


def standing(past: Past, assets: Assets) -> Divides | None:
    """How each group with a share in these assets divides it: as its people said last.

    A group is its account with all that were merged into it, whichever of them has the share.
    """
    payees = dict.fromkeys(who for asset in assets for who, _ in asset["shares"])
    books, groups = past.books(), [who for who in payees if Payee.parse(who).is_contributor]
    books.fetch((books.merged, groups), of=[(books.merging, each) for each in groups])
    person = {group: books.person(group) for group in groups}
    accounts = {each for one in person.values() for each in books.payees_of(one)}
    said = past.known.saying((Contributor.Divided,), "group", sorted(accounts))
    latest = {books.person(one.group): one.among for one in cast("list[Any]", said)}
    past.watch_all(Contributor.Merged.TOPIC)
    past.watch_all(Contributor.Separated.TOPIC)
    past.watch(Contributor.Divided.TOPIC, *accounts)
    return [
        [group, [[each["contributor"], each["part"]] for each in latest[person[group]]]]
        for group in sorted(groups)
        if latest.get(person[group])
    ] or None


def stage_facts(
    kind: type[Fact],
    id: str,
    proposed: Content,
    *,
    divides: Divides | None = None,
    notified: Collection[str] = (),
    **content: Any,
) -> Iterator[New]:
    """What is proposed, in as many facts as its assets need, and how groups divide theirs."""

    def of(page: Assets) -> dict[str, Any]:
        """Whom of those with a share the facts of a page name."""
        own = divides_of(page, divides)
        return {"assets": page, "notifies": _among(divided(page, own), notified), "divides": own}

    first, *more = asset_pages(proposed.assets)
    yield kind.born(id, **proposed._asdict() | of(first), **content)
    kept = {name: content[name] for name in ("pool", "release")}
    for page in more:
        yield Proposal.Continued.born(id, **of(page), **kept)


def _among(assets: Assets, people: Collection[str]) -> list[str] | None:
    """Those of these people who have a share in some assets."""
    return [one for one in people_among(payees_of(assets)) if one in people] or None


def must_know(past: Past, payees: Iterable[str]) -> None:
    """Refuse unknown contributors and works; an outside name may be anything."""
    named = list(map(Payee.parse, dict.fromkeys(payees)))
    past.prefetch({payee.id for payee in named if payee.is_contributor or payee.is_work})
    for payee in named:
        if payee.is_work:
            past.work(payee.id)
        elif payee.is_contributor or payee.is_misspelt:
            past.contributor(payee.id)


def payee_in(past: Past, pool: str, said: str) -> str:
    """Who a text stands for in a pool: somebody outside may have been named with an expense."""
    return said if is_own_name(past, pool, said) else named_in(past, pool, PAYER, said) or said


def units_of(past: Past, pool: str, lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """By payee of a pool: the sum of what the lines give, each with who is meant."""
    units: dict[str, int] = {}
    for said, amount in lines:
        payee = payee_in(past, pool, said)
        units[payee] = units.get(payee, 0) + amount
    return units


def is_own_name(past: Past, pool: str, said: str) -> bool:
    """Whether a text is the payee itself: an id, or a name that the books of the pool have."""
    books = past.books()
    known = books.pools[pool]
    if Payee.parse(said).kind != "other" or said == OPERATOR or said in known.names:
        return True
    agreed = (payee for each in known.agreements for payee in books.agreements[each].pieces)
    has_account = any(of in known.agreements for (_, of), _ in books.accounts.under(said))
    return has_account or said in {*texts_in(known.opened.terms), *agreed}


def named_in(past: Past, pool: str, kind: str, name: str) -> str | None:
    """The id of the source or payer of a pool that was given this name before, if any."""
    names = {id: text for id, text in past.books().pools[pool].names.items() if id.startswith(kind)}
    texts = past.texts(names.values())
    return next((id for id, digest in names.items() if texts.get(digest) == name), None)


def dated(past: Past, at: str) -> str:
    """The date of what is booked: not in the future; it is warned of what comes late."""
    if is_in_future(at, past.now):
        raise EarnedInFuture(_day(at))
    warn_if_late(past, at)
    return at


def _day(at: str) -> str:
    """A moment as people say it: the day, where it is the beginning of one."""
    return at.removesuffix("T00:00:00.000000Z")


def warn_if_late(past: Past, at: str) -> None:
    """Warn of what is dated into a period that is closed."""
    if at < (until := past.books().closed_until):
        past.warn("period_closed", until=_day(until))


def above_in_question(past: Past, books: Books) -> Above:
    """What works were made from, where it matters; a further edge meanwhile is noticed."""
    if not books.looks_above:
        return NOTHING_ABOVE
    for born in (Remix.Declared, Remix.Accepted, Join.Declared, Join.Accepted, Join.Undone):
        past.watch_all(born.TOPIC)
    return _WhenAsked(past.known)


class _WhenAsked(dict[str, set[str]]):
    """By work: everything it was made from, looked up when somebody asks."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def __contains__(self, work: object) -> bool:
        return True

    def __missing__(self, work: str) -> set[str]:
        found = self[work] = self._known.works_above(work)
        return found

    def get(self, work: str, default: Any = None) -> Any:
        """As with brackets: every work was made from something, if only from itself."""
        return self[work]


def division_id(revenue: str) -> str:
    """The id of the division of a revenue."""
    return part_id(revenue, "division", 0)


def share_id(proposal: str, payee: str) -> str:
    """The id of what was offered to a payee by a proposal."""
    return part_id(proposal, f"share/{payee}", 0)
