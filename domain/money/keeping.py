"""What commands about money share: splitting lists over facts, names of payees, and warnings."""

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
from domain.money.doubt import DOUBTING
from domain.money.entry import LISTS, OF_DIVISIONS, Entry, Line, must_add_up
from domain.money.held import Held
from domain.money.naming import PAYER
from domain.money.outsider import Outsider
from domain.money.payee import Payee, people_among
from domain.money.policy.rules import BySold, conditions_in
from domain.money.policy.sold import DIMENSIONS, Item
from domain.money.pool import Pool, texts_in
from domain.money.proposal import Assets, Content, Proposal, payees_of
from domain.money.revenue import Booked, occasion_of, paper_of
from domain.money.share import Share
from domain.money.terms import named_in as named_in_terms
from domain.money.terms import policies_in
from domain.money.through import Divides, divided, divides_of
from domain.paging import asset_pages, pages
from domain.past import Past
from domain.permission import OPERATOR
from domain.refusal import BadAmount, ContributorForgotten, EarnedInFuture
from domain.remix import Remix
from domain.text import searched

T = TypeVar("T")


def entry_facts(
    past: Past, kind: type[Fact], id: str, lines: Sequence[Line], **content: Any
) -> Iterator[New]:
    """The facts of an entry: as many as its lists need."""
    must_add_up(content["amount_minor"], list(lines))
    if not content.get("reserved"):
        content.pop("reserved", None)
    # Whose countries the lines have comes before the lines.
    lists: dict[str, Sequence[Any]]
    lists = {name: content[name] for name in OF_DIVISIONS if name in content}
    lists["lines"] = [line.written() for line in lines]
    lists |= {name: content[name] for name in LISTS if name in content}
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
    """The relation ``contributor`` to a payee: after merges, identification, or a work's claim."""
    person = past.books().person(payee)
    return {"contributor": person} if Payee.parse(person).is_contributor else {}


def first_of_document(
    past: Past,
    kind: type[B],
    pool: str,
    amount_minor: int,
    document: str | None,
) -> str | None:
    """The first booking of the pool with the same amount and document; None if there is none.

    Warns of such a booking in the pool, or else in another one. If very many have the same amount,
    such as the price of a subscription, only the latest are compared.
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


def warn_if_same(past: Past, booked: New) -> None:
    """Warn of a booking that is the same in everything, if neither has a document.

    For those without an id of their own, by which the same request would be recognised.
    """
    kind, said = cast("type[Booked]", booked.kind), booked.content
    if said["document"] is not None:
        return
    occasion = occasion_of(said["pool"], said["effective_at"], said["amount_minor"])
    alike = past.known.without_document(kind, occasion)
    texts = past.texts({getattr(each, name) for each in alike for name in kind.SEALED} - {None})
    for each in alike:
        told = {name: getattr(each, name) for name in said}
        if said == told | {name: texts.get(told[name]) for name in kind.SEALED if name in said}:
            past.warn("booking_repeated", first=each.originator_id)
            return


def warn_if_repeated(past: Past, alike: Mapping[str | None, str], reason: str) -> None:
    """Warn if as much was already reversed for the same reason; ``alike`` are ids by reason."""
    known = {digest: id for digest, id in alike.items() if digest is not None}
    for first in of_same_document(past, known, reason)[:1]:
        past.warn("reversal_repeated", first=first)


def of_same_document(past: Past, booked: Mapping[str, T], document: str) -> list[T]:
    """The bookings of this document, among bookings by the commitments to theirs."""
    texts, wanted = past.texts(booked), searched(document)
    return [each for digest, each in booked.items() if searched(texts.get(digest, "")) == wanted]


def standing(past: Past, assets: Assets) -> Divides | None:
    """How each group with a share in these assets divides it: by its latest standing division.

    A group's accounts are one after merges, whichever of them has the share.
    """
    payees = dict.fromkeys(who for asset in assets for who, _ in asset["shares"])
    books, groups = past.books(), [who for who in payees if Payee.parse(who).is_contributor]
    books.fetch((books.merged, groups), of=[(books.merging, each) for each in groups])
    person = {group: books.person(group) for group in groups}
    accounts = {each for one in person.values() for each in books.payees_of(one)}
    said = past.known.saying((Contributor.Divided,), "group", sorted(accounts))
    latest = {books.person(one.group): one.among for one in said}
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
    """The facts of a stage of a proposal: as many as its assets need.

    ``divides`` states how groups divide their shares; of ``notified``, each fact names those with a
    share in it.
    """

    def of(page: Assets) -> dict[str, Any]:
        """The fields of a fact that depend on its page of assets."""
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


def must_know(past: Past, payees: Iterable[str], pool: str | None = None) -> None:
    """Refuse payees that are unknown contributors or works; the name of an outsider may be any.

    One that is nearly another, here or in the pool that it is for, is warned of.
    """
    named = list(map(Payee.parse, dict.fromkeys(payees)))
    _warn_of_alike(past, [one.id for one in named if one.kind == "other"], pool)
    past.prefetch({payee.id for payee in named if payee.is_contributor or payee.is_work})
    for payee in named:
        if payee.is_work:
            past.work(payee.id)
        elif payee.is_contributor or payee.is_misspelt:
            past.contributor(payee.id)


def must_not_be_forgotten(past: Past, payees: Iterable[str]) -> None:
    """Refuse payees who were forgotten, also at this moment: nobody is left to be paid."""
    for payee in payees:
        if is_forgotten(past, payee):
            raise ContributorForgotten(payee)
        past.watch(Contributor.Forgotten.TOPIC, payee)


def is_forgotten(past: Past, payee: str) -> bool:
    """Whether nobody is left to be paid, because the payee was forgotten."""
    books = past.books()
    return books.person(payee) in books.forgotten


def watch_accounts(past: Past) -> None:
    """Decide again if it is changed meanwhile whose the accounts of payees are."""
    for kind in (
        *(Contributor.Merged, Contributor.Separated, Outsider.Identified, Share.Claimed),
        *(Join.Declared, Join.Accepted, Join.Undone),
    ):
        past.watch_all(kind.TOPIC)


def watch_questions(past: Past) -> None:
    """Decide again if what is in question changes meanwhile, which may hold what others have."""
    watch_accounts(past)
    for kind in DOUBTING:
        past.watch_all(kind.TOPIC)


def warn_of_nobody(past: Past, payees: Iterable[str]) -> None:
    """Warn of names under which nobody is paid, and of people who were forgotten."""
    for name in () if past.is_vouched_for else payees:
        if is_forgotten(past, name):
            past.warn("payee_forgotten", payee=name)
        is_name = Payee.parse(name).kind == "other" and name != OPERATOR
        if is_name and not past.books().is_named(name) and not _is_payer(past, name):
            past.warn("payee_unknown", payee=name)


def _is_payer(past: Past, name: str) -> bool:
    """Whether it is the id of somebody outside who paid an expense, repaid or not."""
    return name.startswith(PAYER) and bool(past.stream(name.removeprefix(PAYER)))


def _warn_of_alike(past: Past, names: Collection[str], pool: str | None) -> None:
    """Warn of names that only case, accents or the form of Unicode tell from others."""
    if past.is_vouched_for or not names:
        return
    known = dict.fromkeys(() if pool is None else _named_in(past, pool))
    first: dict[str, str] = {}
    for name in (*known, *names):
        other = first.setdefault(searched(name), name)
        if name not in known and name != other:
            past.warn("payee_alike", payee=name, other=other)


def warn_of_alike_sales(past: Past, pool: Pool, items: Iterable[Item]) -> None:
    """Warn of sales that only case, accents or the form of Unicode keep from a rule."""
    versions: list[Pool.Opened | Pool.Amended] = [pool.opened, *pool.amended]
    stated = dict.fromkeys(
        condition
        for each in versions
        for policy in policies_in(each.terms, BySold.TYPE)
        for condition in conditions_in(policy)
    )
    alike = {(name, searched(value)): value for name, value in stated}
    sold = dict.fromkeys(
        (name, value)
        for item in items
        for name, value in zip(DIMENSIONS, item.kind, strict=True)
        if value is not None
    )
    for name, value in sold:
        other = alike.get((name, searched(value)))
        if other is not None and (name, value) not in stated:
            past.warn("sold_alike", dimension=name, value=value, other=other)


def _named_in(past: Past, pool: str) -> Iterator[str]:
    """Everyone who is named in the terms and the agreements of a pool."""
    noun, books = past.get(Pool, pool), past.books()
    versions: list[Pool.Opened | Pool.Amended] = [noun.opened, *noun.amended]
    for each in versions:
        yield from named_in_terms(each)
    for agreement in books.pools[pool].agreements:
        yield from books.agreements[agreement].shares


def payee_in(past: Past, pool: str, text: str) -> str:
    """The payee that a text means in a pool: itself, or the id of a payer with this name."""
    return text if is_own_name(past, pool, text) else named_in(past, pool, PAYER, text) or text


def units_of(past: Past, pool: str, lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """By payee of a pool: the sum of the units in ``(text for the payee, units)``."""
    units: dict[str, int] = {}
    for text, amount in lines:
        payee = payee_in(past, pool, text)
        units[payee] = units.get(payee, 0) + amount
    must_fit(past, past.books().opened[pool].opened.currency, sum(map(abs, units.values())))
    return units


def is_own_name(past: Past, pool: str, text: str) -> bool:
    """Whether a text is itself a payee of the pool: an id, or a name in its terms or agreements."""
    books = past.books()
    known = books.pools[pool]
    if Payee.parse(text).kind != "other" or text == OPERATOR or text in known.names:
        return True
    agreed = (payee for each in known.agreements for payee in books.agreements[each].pieces)
    has_account = any(of in known.agreements for (_, of), _ in books.accounts.under(text))
    terms = (named for each in books.opened[pool].versions for named in texts_in(each.terms))
    return has_account or text in {*terms, *agreed}


def named_in(past: Past, pool: str, kind: str, name: str) -> str | None:
    """The id of the source or payer (by prefix ``kind``) that has this name in a pool, if any."""
    names = {id: text for id, text in past.books().pools[pool].names.items() if id.startswith(kind)}
    texts = past.texts(names.values())
    return next((id for id, digest in names.items() if texts.get(digest) == name), None)


def dated(past: Past, at: str) -> str:
    """The date of a booking; refuses one in the future, and warns of one in a closed period."""
    if is_in_future(at, past.now):
        raise EarnedInFuture(_day(at))
    warn_if_late(past, at)
    return at


MOST_BOOKED = 4 * 10**18
"""The most units booked in a currency, so that no sum of them exceeds 64 bits."""


def must_fit(past: Past, currency: str, amount_minor: int) -> None:
    """Refuse (``BadAmount``) more than ``MOST_BOOKED`` units in all."""
    booked = past.books().booked.get(currency, 0)
    if booked + amount_minor > MOST_BOOKED:
        most = f"all that is ever booked in {currency}, or exchanged into it, may come to"
        raise BadAmount(amount_minor, f"{most} {MOST_BOOKED:,}, and {booked:,} are")


def _day(at: str) -> str:
    """A moment as people write it: only the day, if it is midnight."""
    return at.removesuffix("T00:00:00.000000Z")


def warn_if_late(past: Past, at: str) -> None:
    """Warn of a date in a closed period."""
    if at < (until := past.books().closed_until):
        past.warn("period_closed", until=_day(until))


def above_in_question(past: Past, books: Books) -> Above:
    """By work: its ancestors, looked up when asked for; empty if nothing is in question.

    Edges and joins are watched.
    """
    if not books.looks_above:
        return NOTHING_ABOVE
    for born in (Remix.Declared, Remix.Accepted, Join.Declared, Join.Accepted, Join.Undone):
        past.watch_all(born.TOPIC)
    return _WhenAsked(past.known)


class _WhenAsked(dict[str, set[str]]):
    """By work: its ancestors and itself, looked up when asked for."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def __contains__(self, work: object) -> bool:
        return True

    def __missing__(self, work: str) -> set[str]:
        found = self[work] = self._known.works_above(work)
        return found

    def get(self, work: str, default: Any = None) -> Any:
        """The same as with brackets: every work has an entry, at least with itself."""
        return self[work]


def held_now(past: Past, payee: str, agreement: str) -> Held:
    """Whether and why what a payee is owed under an agreement is on hold now."""
    books, above = past.books(), above_in_question(past, past.books())
    watch_questions(past)
    past.watch_money(payee)
    return books.held(payee, agreement, books.questions(above), above)


def division_id(revenue: str) -> str:
    """The id of the division of a revenue."""
    return part_id(revenue, "division", 0)


def share_id(proposal: str, payee: str) -> str:
    """The id of a payee's share in a proposal."""
    return part_id(proposal, f"share/{payee}", 0)
