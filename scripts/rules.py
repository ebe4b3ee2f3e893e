"""The audit of the rules: the command behind each fact is decided again, as of just before it.

The rule: a fact is accepted only if its actor could have sent a command for it then, which found
everything that it names, was not refused and would have stated the same. What only follows from
others is computed again elsewhere: amounts, divisions and balances in the check of the money.

Limits per person and what an import may leave out are not decided again: no fact says whether the
operator vouched for it. One file, because each check is of a fact and the command behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, cast

from domain.clock import Clock, stamp_of
from domain.command import Command
from domain.contribution import Contribution
from domain.contributor import Contributor
from domain.credit import Credit
from domain.draft import Draft
from domain.engine import Engine
from domain.fact import FACTS, Fact
from domain.journal import Journal
from domain.moment import instant
from domain.money.keeping import must_know, standing
from domain.money.payee import people_among
from domain.money.pool import Pool
from domain.money.proposal import Proposal, payees_of
from domain.money.proposing import CommentOnProposal, about_in
from domain.money.through import divides_of
from domain.nouns import NAMED
from domain.outside import Outside
from domain.permission import OPERATOR
from domain.project import Project
from domain.refusal import (
    AlreadyAnswered,
    BadSigningKey,
    CannotJoin,
    CommentsOpen,
    ContributorForgotten,
    IdTaken,
    LastLeader,
    LineageCycle,
    MergeCycle,
    NotPermitted,
    NotYet,
    Refusal,
    SelfRemix,
    TooLate,
    Unknown,
    UnknownGrounds,
    UnknownKind,
    UnknownRole,
    WindowOpen,
    WrongState,
)
from domain.remix import Remix
from domain.stated import ENVELOPE
from domain.stored import Placed
from domain.value import Payee, Ref
from domain.work import Work
from projections.damage import DAMAGED
from projections.progress import Progress
from scripts.before import Before, Deciding, Earlier, Ledger
from scripts.commanded import NEVER_LAXER, PossibleCommand, asked_for, brought_by, is_agreed_at_once
from scripts.difference import Differences, at, at_one_moment, pages
from scripts.repeated import REPEATING, repeated_otherwise
from scripts.service import Service

BROKEN = (
    *(
        AlreadyAnswered,
        BadSigningKey,
        CannotJoin,
        ContributorForgotten,
        IdTaken,
        LastLeader,
        LineageCycle,
        MergeCycle,
    ),
    *(NotPermitted, NotYet, SelfRemix, TooLate, Unknown, UnknownGrounds, UnknownKind),
    *(UnknownRole, WrongState, CommentsOpen, WindowOpen),
)
"""The refusals of rules that every version enforced; others may have become stricter since."""
NAMED_FORGOTTEN = frozenset(
    {"role.granted", "membership.offered", "work.right_stated", "contributor.divided"}
)
"""The facts in which earlier versions could newly name somebody who was forgotten."""
ONCE_REPEATED = Credit.Shown, Contributor.StoppedAsking
"""The facts that earlier versions recorded also where they changed nothing."""
CLOCKS_APART = timedelta(days=1)
OWNERS = "owners"
"""The field with which time began to be kept: since the first fact that says whose texts it holds,
time never runs backwards."""
GAINED: Mapping[str, tuple[str, ...]] = {OWNERS: ()} | {
    name: tuple(topic for topic, kind in FACTS.items() if name in kind.__dataclass_fields__)
    for name in ("by_origin",)
}
"""Fields that facts have gained, with the topics, or none for all: who recorded what is older than
the first fact that says one did not know it, nor whatever else came with it."""


@at_one_moment
def rules(service: Service, progress: Progress) -> Differences:
    """Check every fact by deciding its command again: permission, names and time."""
    journal = service.journal
    said_from = {name: first_said(journal, name) for name in GAINED}
    parts = service, progress, 0, journal.facts.head(), said_from
    return (yield from rules_between(*parts, is_last=True))


def rules_between(
    service: Service,
    progress: Progress,
    after: int,
    upto: int,
    said_from: Mapping[str, int],
    *,
    is_last: bool,
) -> Differences:
    """Check the facts between two positions; with ``is_last``, also what should have followed.

    ``said_from`` is the position of the first fact that says each field in GAINED.
    """
    journal, judge = service.journal, Judge()
    judge.go_on(journal, after, said={name for name, first in said_from.items() if first <= after})
    for page in pages(islice(journal.read(after), upto - after), progress, upto):
        yield from (at(*found) for found in judge.broken(service.engine, page))
    if is_last:
        yield from (at(upto, why) for why in judge.unfinished(journal.clock()))
    return f"{judge.decided} facts decided again, as things stood before them"


def first_said(journal: Journal, field: str, after: int = 0) -> int:
    """The position of the first fact after ``after`` that says a field in GAINED.

    It is past the end of the journal if none does.
    """
    head = journal.facts.head()
    for placed in journal.read(after, topics=GAINED[field]):
        if getattr(placed.fact(), field) is not None:
            return placed.position
    return head + 1


class Judge:
    """Decides every command again, page by page."""

    def __init__(self) -> None:
        self.decided, self._ledger = 0, Ledger()
        self._said: set[str] = set()
        """The fields in GAINED that some fact has said."""
        self._latest = ""
        """The time of the latest fact."""
        self._before: Fact | None = None
        self._led: Fact | None = None
        """The latest fact that does not only follow from another one."""
        self._leading: Fact | None = None
        """The latest fact that is allowed only with the piece that follows it."""

    def go_on(self, journal: Journal, after: int, *, said: Collection[str] = ()) -> None:
        """Start after a position, up to which some of the fields in GAINED were said."""
        self._before, self._led, self._latest = None, None, ""
        self._said.update(said)
        if self._ledger.position > after:
            self._ledger = Ledger()
        for last in journal.facts.at([after]):
            self._before = last.fact()
            self._said |= _gained_in(self._before)
            self._untimely(last)
            self._led = _led_to(journal, last)

    def broken(self, engine: Engine, page: Sequence[Placed]) -> Iterator[tuple[int, str]]:
        """(position, reason): facts, perhaps not stored yet, that no command could record."""
        before = Before(engine, page[0].position, page)
        earlier = Earlier(before, self._ledger)
        for placed in before.page:
            happened = placed.fact()
            self._said |= _gained_in(happened)
            if why := self._untimely(placed) or self._left_out(happened):
                yield placed.position, why
            try:
                if why := self._unfounded(earlier, placed, happened):
                    yield placed.position, why
            except DAMAGED as error:
                yield placed.position, f"this {placed.topic} follows from nothing ({error!r})"
            self._before = happened
            earlier.add(placed)

    def _unfounded(self, earlier: Earlier, placed: Placed, happened: Fact) -> str:
        """Why no command, and no consequence of one, can have led to a fact; empty if one can."""
        is_brought = self._is_brought(earlier, happened)
        asked = asked_for(happened, self._before, is_brought=is_brought)
        if asked is not None or not is_brought:
            self._led = happened
        if why := _repeats(earlier, placed, happened):
            return why
        if asked is not None:
            self.decided += 1
            return self._refused(earlier, placed, happened, asked)
        is_known = happened.actor == OPERATOR or earlier.facts.noun(happened.actor) is not None
        is_founded = is_brought or (is_known and _leads(happened))
        return "" if is_founded else f"{placed.topic} follows from nothing that was done then"

    def _is_brought(self, earlier: Earlier, happened: Fact) -> bool:
        """Whether a fact may follow from others by its actor at the same moment."""
        if isinstance(happened, Work.Described):  # of what was posted with its description
            told = earlier.facts.told(happened.originator_id)
            return bool(told) and _by_at(told[0][1]) == _by_at(happened)
        led = self._led
        is_of_it = led is not None and _by_at(led) == _by_at(happened)
        return is_of_it and happened.TOPIC in brought_by(cast("Fact", led).TOPIC)

    def _left_out(self, happened: Fact | None) -> str:
        """What should have followed the fact before; empty if nothing is missing."""
        match before := self._before:
            case Project.Launched():
                is_there = getattr(happened, "project", None) == before.originator_id
            case Proposal.Posted() if is_agreed_at_once(before):
                is_there = getattr(happened, "originator_id", None) == before.originator_id
            case Remix.Retired(replaced_by=str(id)):
                is_there = getattr(happened, "originator_id", None) == id
            case Outside.Cited() if before == self._led:
                is_there = happened is not None
            case Work.Described() if before is self._leading:
                is_there = isinstance(happened, Work.Described | Contribution.Submitted)
            case _:
                return ""
        is_there &= happened is not None and _by_at(happened) == _by_at(before)
        return "" if is_there else f"what belongs to the {before.TOPIC} before it is left out"

    def unfinished(self, now: datetime) -> Iterator[str]:
        """Faults at the end of the facts: a missing consequence, or times in the future."""
        if why := self._left_out(None):
            yield why
        if self._is_ahead_of(now, self._latest):
            yield f"the latest fact is of {self._latest}, which has not come yet"

    def first(self, journal: Journal, page: Sequence[Placed]) -> tuple[int, str] | None:
        """The first fault in a page of facts that is to be appended to a journal, if any."""
        if not page:
            return None
        self.go_on(journal, page[0].position - 1)  # start anew, because an append may be retried
        for found in self.broken(journal.engine, page):
            return found
        now = journal.clock()
        for placed in page:
            if self._is_ahead_of(now, stamp := stamp_of(placed.state)):
                return placed.position, f"it is of {stamp}, which has not come yet"
        return None

    def _refused(
        self, earlier: Earlier, placed: Placed, happened: Fact, asked: PossibleCommand
    ) -> str:
        """Why the command behind a fact is refused; empty if it is not."""
        draft = Deciding(earlier, happened.timestamp)
        draft.is_claim = getattr(happened, "waits_for", None) is not None
        try:
            if asked.is_whole:
                draft.carry_out(asked.command, happened.actor)
                if otherwise := self._otherwise(draft, happened, asked.command):
                    return f"{placed.topic} {otherwise}"
            else:
                _must_be_permitted(draft, asked.command, happened.actor)
                _must_hold_what_is_assigned(draft, happened)
                _must_have_waited(draft, happened)
                _must_divide_as_said(draft, happened)
        except BROKEN as refusal:
            if not self._may_after_all(draft, happened, refusal):
                return f"{placed.topic} could not happen: {refusal}"
        except Refusal as refusal:
            if placed.topic.partition(".")[0] in NEVER_LAXER:
                return f"{placed.topic} could not happen: {refusal}"
        return ""  # any other refusal is of a rule that has become stricter since

    def _may_after_all(self, draft: Draft, happened: Fact, refusal: Refusal) -> bool:
        """Whether something else allows a fact whose command is refused."""
        if isinstance(refusal, ContributorForgotten) and happened.TOPIC in NAMED_FORGOTTEN:
            return refusal.details["id"] != happened.actor
        if isinstance(refusal, WrongState):
            return isinstance(happened, ONCE_REPEATED)
        if not isinstance(refusal, NotPermitted):
            return False
        match happened:
            case Work.Described(originator_id=id, reason=None):
                # Who posts a piece may say what a source elsewhere is, if it has no title yet.
                self._leading, work = happened, draft.work(id)
                return isinstance(work, Outside) and work.title is None
            case Remix.Declared(parent=id) if OWNERS not in self._said:
                work = draft.work(id)  # in version 0.1, to have cited it was enough
                return isinstance(work, Outside) and work.poster == happened.actor
        return False

    def _otherwise(self, draft: Draft, happened: Fact, command: Command) -> str:
        """How a fact differs from what its command would record; empty if it does not.

        Facts of version 0.1 lack what was added since. Of a claim nothing is compared: decided by
        somebody who is vouched for, it waits for nobody.
        """
        if getattr(happened, "waits_for", None) or isinstance(happened, Credit.Claimed):
            return ""
        topic, id = happened.TOPIC, happened.originator_id
        same = (one for one in draft.facts if (one.TOPIC, one.originator_id) == (topic, id))
        if (own := next(same, None)) is None:
            return "" if not draft.facts else "is not what comes of its command"
        for name in _told_by(cast("Any", type(happened)), cast("Any", type(command))):
            value, again = getattr(happened, name), getattr(own, name)
            is_old = value is None and (name if name in GAINED else OWNERS) not in self._said
            if value != again and not is_old and not self._was_overtaken(happened, value, again):
                return f"says another “{name}” than its command would have"
        return ""

    def _untimely(self, placed: Placed) -> str:
        """Why a fact can't have been recorded at its time; empty if it can."""
        stamp, before = stamp_of(placed.state), self._latest
        self._latest = stamp
        if OWNERS in self._said and stamp < before and placed.topic != Clock.Accepted.TOPIC:
            return f"time runs backwards: it is of {stamp}, and the one before of {before}"
        return ""

    def _is_ahead_of(self, now: datetime, stamp: str) -> bool:
        """Whether a fact with this stamp can't have been recorded by now."""
        return OWNERS in self._said and stamp > instant(now + CLOCKS_APART)

    def _was_overtaken(self, happened: Fact, value: object, again: object) -> bool:
        """Whether a fact names as its moment one shortly before the time it bears.

        It took over the time of the fact before it, which was recorded after it was decided.
        """
        if self._before is None or self._before.timestamp != happened.timestamp:
            return False
        moment, earliest = instant(happened.timestamp), instant(happened.timestamp - CLOCKS_APART)
        return again == moment and isinstance(value, str) and earliest < value < moment


def _gained_in(happened: Fact) -> set[str]:
    return {name for name in GAINED if getattr(happened, name, None) is not None}


def _repeats(earlier: Earlier, placed: Placed, happened: Fact) -> str:
    """The fault in fields that a fact repeats from others; empty if there is none."""
    if placed.topic.partition(".")[0] not in REPEATING:
        return ""
    try:
        name = repeated_otherwise(Deciding(earlier, happened.timestamp), happened)
    except Unknown as refusal:
        return f"{placed.topic} could not happen: {refusal}"
    return name and f"{placed.topic} says another “{name}” than what it follows"


@cache
def _told_by(kind: type[Fact], command: type[Command]) -> tuple[str, ...]:
    """The fields of a fact that its command computes instead of stating them."""
    stated = {one.name for one in command.fields() if one.name != "leaders"}
    stated |= ENVELOPE | _ALONE | {*kind.SEALED}
    return tuple(one.name for one in fields(kind) if one.name not in stated)


_ALONE = frozenset(
    {"originator_version", "deadline", "erased", "places", "replaced_by", "waits_for", "notifies"}
)
"""The fields that can't be reproduced by deciding a command alone: they depend on erased texts,
former settings, other commands of the append, or on who vouched."""


def _by_at(happened: Fact) -> tuple[str, datetime]:
    return happened.actor, happened.timestamp


def _leads(happened: Fact) -> bool:
    """Whether a fact precedes the fact it belongs to, or only the operator may state it."""
    return isinstance(happened, Outside.Cited | Proposal.Posted) or (
        isinstance(happened, Clock.Accepted) and happened.actor == OPERATOR
    )


def _led_to(journal: Journal, last: Placed) -> Fact | None:
    """The latest fact of the moment of ``last``, up to it, that does not only follow."""
    position, happened = last.position, last.fact()
    while asked_for(happened, None, is_brought=True) is None and position > 1:
        (before,) = journal.facts.at([position := position - 1])
        if before.fact().timestamp != happened.timestamp:
            break
        happened = before.fact()
    return happened


def _must_be_permitted(draft: Draft, command: Command, by: str) -> None:
    draft.actor = by
    for one in command.fields():
        id = getattr(command, one.name)
        match one.value:
            case Ref(noun=noun, is_part=False) if noun in NAMED and id is not None:
                draft.named(noun, id)
            case Payee() if id is not None and isinstance(command, CommentOnProposal):
                about_in(draft, draft.get(Proposal, command.proposal), id)
            case Payee() if isinstance(id, str):
                must_know(draft, [id])
    if by != OPERATOR:
        draft.contributor(by)
        draft.permit(
            command.words(), command.allowed(draft), command.sides(draft), command.areas(draft)
        )


def _must_hold_what_is_assigned(draft: Draft, happened: Fact) -> None:
    """Refuse to assign a share of an agreement that names somebody, but not the actor."""
    if not isinstance(happened, Proposal.Finalised) or happened.replaces is None:
        return
    earlier = draft.get(Proposal, happened.replaces)
    books = draft.books()
    payees = {books.person(each) for each in payees_of(earlier.versions[-1].content.assets)}
    if people_among(payees) and books.person(draft.actor) not in payees:
        draft.permit("assign a share of others", frozenset(), {})


def _must_have_waited(draft: Draft, happened: Fact) -> None:
    """Refuse an agreement before everybody had the time to comment, or an answer."""
    if isinstance(happened, Proposal.Finalised):
        noun = draft.get(Proposal, happened.originator_id)
        hours = draft.get(Pool, noun.pool).opened.review_hours
        if instant(happened.timestamp) < (final_from := noun.final_from(hours)):
            raise WindowOpen(final_from)
        if waiting := tuple(each.id for each in noun.comments.values() if each.is_open):
            raise CommentsOpen(waiting)


def _must_divide_as_said(draft: Draft, happened: Fact) -> None:
    """Refuse a proposal in which a group divides otherwise than it said."""
    if not isinstance(happened, Proposal.Proposing) or not happened.divides:
        return
    if happened.divides != divides_of(happened.assets, standing(draft, happened.assets)):
        draft.permit("divide the shares of a group otherwise", frozenset(), {})
