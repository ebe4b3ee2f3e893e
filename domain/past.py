"""The past: everything a command may read while it decides.

What was read is watched: the draft is recorded on the condition that nobody has changed it
meanwhile; otherwise the commands decide again.

One file, because it is one class.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from domain.contributor import Contributor
from domain.fact import Fact, New, Noun
from domain.grant import GRANTABLE, SCOPED, Grant, grant_id
from domain.heads import Basis
from domain.installation import Rules
from domain.join import Join
from domain.kept import Rows
from domain.known import Known
from domain.moment import instant
from domain.money.books import Books
from domain.neighbours import Neighbours
from domain.nouns import BORN, NAMED
from domain.pending import Pending, Stream
from domain.permission import OPERATOR, open_to, stands
from domain.queries import Facts
from domain.refusal import NotPermitted
from domain.release import Release
from domain.seal import TEXTS, Disclosure, Owned, Said
from domain.stored import Placed, facts_in
from domain.text import searched
from domain.warning import NAMESAKE, Warned, warned
from domain.work import Work

N = TypeVar("N", bound=Noun)

_fact = lru_cache(1_024)(Placed.fact)  # the facts of actors are read again and again

PENDING = 1 << 62
"""Positions of facts that are not recorded yet start here, after every recorded one."""

MOST_NAMESAKES = 20
"""A warning lists at most this many people with the same name."""


class Past:
    """What the journal holds, and what earlier commands of the same draft have added."""

    actor: str
    """Who sent the current command."""
    id: str
    """The id of the noun that the current command creates or changes."""
    is_vouched_for = False
    """Whether the operator vouches for all statements, as in an import."""
    is_signed = False
    """Whether the actor signed the current command, so that its content can't be changed."""
    counts: bool
    """Whether the statement of the current command counts at once; otherwise it is pending."""

    def __init__(
        self,
        stored: Facts,
        rules: Rules,
        now: datetime,
        near: Neighbours | None = None,
        basis: Basis | None = None,
    ) -> None:
        self.stored, self._rules = stored, rules
        self.basis = basis
        """What it rests on, if that was read in one query or is remembered."""
        known = basis or Basis.of_none(stored.latest())
        self.point = known.point
        """The end of the journal: what is recorded later is not read."""
        self.position, self.latest = self.point.position, self.point.moment
        self.now = max(now, self.latest or now)
        """The time of the clock, but never earlier than the latest fact."""
        self.until = ""
        """The last moment at which the commands so far are possible; empty: any."""
        self.facts: list[Fact] = []
        """The facts that the commands so far have added."""
        self._pending = Pending()
        """The same facts, at their pending positions."""
        self.watched: dict[str, set[str] | None] = {}
        """By topic of facts: the subjects watched; None: all of them."""
        self.edges_watched: set[str] = set()
        """The works watched for every topic about edges and joins."""
        self.money_watched: set[str] = set()
        """The subjects watched for every topic about money."""
        self.disclosures: dict[str, Disclosure] = {}
        """The texts of the added facts, by their commitments."""
        self.erased: set[str] = set()
        """The commitments whose texts the added facts erase."""
        self.emptied: set[str] = set()
        """The owners of whom no text may be left."""
        self.warnings: list[Warned] = []
        """The warnings about the current command, which does not refuse it."""
        self.near = near or Neighbours(stored)
        """The edges around works, recorded or added; an import reuses it for its next append."""
        self.near.begin(self.position)
        self.near.nodes.update((id, id) for id in known.asked if id not in known.joined)
        self.known = Known(stored, self.position, self._pending, self.near.nodes, self.near.members)
        """The graph of works and people, including what was added so far."""
        self._streams: dict[str, Stream] = {id: [] for id in known.asked}
        for placed in map(Placed._make, sorted(known.streams)):
            self._streams[placed.originator_id].append((placed.position, _fact(placed)))
        self._nouns: dict[str, Noun] = {}
        self._books: Books | None = None

    @property
    def evidence_for_claims(self) -> Collection[str]:
        """A claim needs evidence of one of these kinds; empty: it needs none."""
        return self._rules.claim_evidence if self.is_limited else ()

    @property
    def refuses_licences(self) -> bool:
        """Whether a remix that violates a licence is refused; an import only warns."""
        return self._rules.refuses_licences and not self.is_vouched_for

    @property
    def rate_days(self) -> int | None:
        """The maximum age of an exchange rate in days; None: unlimited, as in an import."""
        return None if self.is_vouched_for else self._rules.rate_days

    @property
    def comment_minutes(self) -> int | None:
        """For how many minutes a comment may be edited; None: unlimited, as in an import."""
        return None if self.is_vouched_for else self._rules.comment_minutes

    def told_by_mail(self, people: Collection[str]) -> set[str]:
        """Those of these people who want notifications by mail, stated at any of their accounts."""
        accounts = {id: {id, self.person(id)} for id in people}
        by_mail = set(self._rules.told_by_mail({one for ids in accounts.values() for one in ids}))
        return {id for id, ids in accounts.items() if ids & by_mail}

    # -- nouns -----------------------------------------------------------------------------

    def prefetch(self, ids: Collection[str]) -> None:
        """Read many streams at once."""
        missing = [id for id in ids if id not in self._streams]
        for id in missing:
            self._streams[id] = []
        found = self._recorded(missing) if missing else []
        for placed, happened in zip(found, facts_in(found), strict=True):
            self._streams[placed.originator_id].append((placed.position, happened))

    def _recorded(self, ids: Collection[str]) -> list[Placed]:
        """The streams of these nouns up to the position at which this past was read."""
        found = self.stored.streams(ids)
        return [placed for placed in found if placed.position <= self.position]

    def licensed(self, works: Collection[str]) -> set[str]:
        """Those of these works that have a licence."""
        stated = b'"licence":'
        return self._having(
            works,
            lambda fact: stated in fact.state,
            lambda work: work.licence,
            self.near.unlicensed,
        )

    def published(self, works: Collection[str]) -> set[str]:
        """Those of these works that are published releases."""
        topic, state = Release.Published.TOPIC, Release.Published.STATE
        return self._having(
            works,
            lambda fact: fact.topic == topic,
            lambda work: work.state == state,
            self.near.unpublished,
        )

    def _having(
        self,
        works: Collection[str],
        may_give: Callable[[Placed], bool],
        has: Callable[[Work], object],
        known_without: set[str],
    ) -> set[str]:
        """Those of these works that have something, which only some facts ``may_give`` them.

        ``known_without`` caches works known not to have it, and is updated.
        """
        if known_without.issuperset(works):
            return set()
        unknown = {id for id in works if id not in known_without}
        having = {id for id in self.among(unknown, may_give) if has(self.work(id))}
        known_without.update(unknown - having)
        return having

    def among(self, works: Collection[str], is_wanted: Callable[[Placed], bool]) -> set[str]:
        """Those of these works that have such a fact, and those whose streams are read already.

        The streams of all others are not decoded.
        """
        unread = [id for id in works if id not in self._streams]
        found = {placed.originator_id for placed in self._recorded(unread) if is_wanted(placed)}
        self.prefetch(found)
        return {*found, *(id for id in works if self._streams.get(id))}

    def stream(self, id: str) -> Stream:
        """The facts of a noun, with their positions; empty if the id is unknown."""
        if id not in self._streams:
            self.prefetch([id])
        return self._streams[id]

    def get(self, kind: type[N], id: str) -> N:
        """The noun with this id; raises ``kind.UNKNOWN`` if there is none of this kind."""
        if id not in self._nouns:
            stream = self.stream(id)
            if not stream:
                raise kind.UNKNOWN(id)
            self._nouns[id] = BORN[type(stream[0][1])].told_by(stream)
        noun = self._nouns[id]
        if not isinstance(noun, kind):
            raise kind.UNKNOWN(id)
        return noun

    def named(self, noun: str, id: str) -> Noun:
        """The noun with this id, its kind given by name (``Noun.NAME``)."""
        return self.get(NAMED[noun], id)

    def work(self, id: str) -> Work:
        return self.get(Work, id)

    def contributor(self, id: str) -> Contributor:
        return self.get(Contributor, id)

    # -- people ----------------------------------------------------------------------------

    def person(self, id: str) -> str:
        """The account that stands for a contributor's person after all merges.

        The operator stands for itself.
        """
        while id != OPERATOR and (into := self.contributor(id).merged_into):
            id = into
        return id

    @property
    def is_limited(self) -> bool:
        """Whether quotas and rules of evidence apply: not to the operator, nor in an import."""
        return self.actor != OPERATOR and not self.is_vouched_for

    def asks_first(self, contributor: str) -> bool:
        """Whether a person wants to be asked before others credit them."""
        person = self.person(contributor)
        self.watch(Contributor.AskedFirst.TOPIC, person)
        return self.contributor(person).asks_first

    def warn_of_namesakes(self, name: str, contributor: str) -> None:
        """Warn of other people who have this name now; an import, with its many names, does not."""
        if self.is_vouched_for:
            return
        found = (
            self.person(owner)
            for owner, digest in self.stored.named(name, MOST_NAMESAKES)
            if owner != contributor and self._is_called(owner, digest)
        )
        if ids := sorted(set(found) - {contributor}):
            self.warn(NAMESAKE, ids=", ".join(ids))

    def called(self, name: str) -> set[str]:
        """The people who have this name now, ignoring case and accents."""
        found = self._named(name)
        return {self.person(owner) for owner, digest in found if self._is_called(owner, digest)}

    def _named(self, name: str) -> list[tuple[str, str]]:
        """The owners of texts equal to this name, recorded or pending, with the commitments."""
        wanted, every = searched(name), self.disclosures.values()
        pending = (one for one in every if one.name == "name" and searched(one.value) == wanted)
        recorded = self.stored.named(name, MOST_NAMESAKES)
        return [*recorded, *((one.owner, one.digest) for one in pending)]

    def _is_called(self, owner: str, digest: str) -> bool:
        """Whether the owner of a name is a contributor whose current name this is."""
        named = (Contributor.Admitted, Contributor.Renamed)
        names = [fact.name for _, fact in self.stream(owner) if isinstance(fact, named)]
        return names[-1:] == [digest]

    def is_actor(self, contributor: str) -> bool:
        """Whether a contributor is the person who sent the current command."""
        return self.person(self.actor) == self.person(contributor)

    def accounts(self, contributor: str) -> list[str]:
        """Every account of a contributor's person after all merges; merges are watched."""
        self.watch_all(Contributor.Merged.TOPIC)
        self.watch_all(Contributor.Separated.TOPIC)
        return self.known.accounts(self.person(contributor))

    def permit(
        self,
        what: str,
        allowed: frozenset[str],
        sides: Mapping[str, str],
        areas: Collection[str] = (),
    ) -> None:
        """Refuse (``NotPermitted``) an actor without any of the allowed relations (see ``stands``).

        ``what`` are the words of the command.
        """
        if not self.stands(allowed, sides, areas):
            raise NotPermitted(self.person(self.actor), what, open_to(allowed))

    def stands(
        self, allowed: frozenset[str], sides: Mapping[str, str], areas: Collection[str] = ()
    ) -> bool:
        """Whether the actor is the operator, on an allowed side, or has an allowed role.

        ``sides`` gives who is in which relation. A producer needs the role for one of ``areas``. A
        moderator may not use the role where they are on a side themself.
        """
        person = self.person(self.actor)
        if person == OPERATOR:
            return True
        known = {name: self.person(id) for name, id in sides.items()}
        if stands(person, allowed, known):
            return True
        usable = allowed & GRANTABLE.keys()
        if person in known.values():
            usable -= {"moderator"}
        return bool(self._roles(person, usable, areas))

    def _roles(self, person: str, roles: Collection[str], areas: Collection[str]) -> list[str]:
        """Which of these roles the person has, in any of their accounts."""
        accounts = self.accounts(person) if roles else []
        return [
            role
            for role in roles
            for area in (areas if role in SCOPED else (None,))
            if any(self.has_role(account, role, area) for account in accounts)
        ]

    def has_role(self, account: str, role: str, area: str | None = None) -> bool:
        """Whether an account has a role; the end of roles of this account is watched."""
        self.watch(Grant.Ended.TOPIC, account)
        id = grant_id(account, role, area)
        return bool(self.stream(id)) and self.get(Grant, id).holds

    def text(self, owner: str, name: str, value: str | None) -> Said | None:
        """A text to be sealed for an owner, under the name of a text in TEXTS; None for None."""
        return None if value is None else Said(owner, name, value)

    def texts_in(self, owner: str, said: object) -> dict[str, Said]:
        """All texts in a record of a command, to be sealed for this owner."""
        return {
            name: Said(owner, name, text)
            for name, text in vars(said).items()
            if text is not None and name in TEXTS
        }

    def owner_of(self, digest: str) -> str:
        """The owner of a text, recorded or pending; if it was erased, the actor."""
        found = self.disclosures.get(digest) or next(iter(self.stored.disclosures([digest])), None)
        return found.owner if found else self.actor

    # -- works -----------------------------------------------------------------------------

    def known_at(self, position: int) -> Known:
        """The graph of works and people as recorded at a position."""
        return Known(self.stored, position)

    def node(self, work: str) -> str:
        """The node of a work after all joins; joins of this work are watched."""
        for topic in (Join.Declared.TOPIC, Join.Accepted.TOPIC, Join.Undone.TOPIC):
            self.watch(topic, work)
        return self.known.node(work)

    @contextmanager
    def as_joined(self, node: str, moved: Collection[str]) -> Iterator[None]:
        """Within this context, the graph is as if these works had joined the node."""
        before = self.known
        self.known = before.as_joined(node, moved)
        try:
            yield
        finally:
            self.known = before

    def prefetch_edges(self, works: Collection[str]) -> None:
        """Read the edges and joins of many works at once."""
        self.prefetch(works)
        self.known.nodes(works)
        there = [work for work in works if self._streams[work]]
        self.near.look_up(there)
        self.near.look_up_none([work for work in works if not self._streams[work]])
        # The streams are here, so this fills the caches without a query.
        read = [id for id in there if issubclass(BORN[type(self._streams[id][0][1])], Work)]
        self.licensed(read)
        self.published(read)

    def watch_edges(self, *works: str) -> None:
        """Watch for edges and joins of these works that come to count."""
        self.edges_watched.update(works)

    def rates(self, *works: str, as_one: str | None = None, without: str = "") -> list[str | None]:
        """The rates of the edges that count from these works, together, to their parents.

        ``as_one`` treats the works as one node, and ``without`` leaves out one remix.
        """
        # Watched, because two edges declared at the same moment could exceed the cap together.
        known = self.known
        self.watch_edges(*known.same(works))
        return [edge.rate for edge in known.edges(works, as_one=as_one, without=without)]

    def imagine(self, kind: type[N], first: New) -> N:
        """The noun that a first fact would create, without adding the fact."""
        happened = first.kind(
            originator_id=first.id,
            originator_version=1,
            timestamp=self.now,
            actor=self.actor,
            **first.content,
        )
        return kind.told_by([(PENDING, happened)])

    # -- money -----------------------------------------------------------------------------

    def books(self) -> Books:
        """The books, including all facts added so far, also by the current command.

        Those are folded at the positions they get if nobody else records anything meanwhile.
        """
        if self._books is None:
            self._books = self._opened_books()
            for number, happened in enumerate(self._added(), start=self.position + 1):
                self._books.fold(number, happened)
        return self._books

    def _opened_books(self) -> Books:
        return Books(Rows(self.stored.engine.query))

    def _added(self) -> list[Fact]:
        return self.facts

    @property
    def decided_now(self) -> Sequence[Fact]:
        """The facts that the current command has decided on so far; ``get`` does not know them."""
        return ()

    def watch_money(self, *subjects: str) -> None:
        """Watch for any fact about the money of these subjects."""
        self.money_watched.update(subjects)

    def warn(self, code: str, **values: object) -> None:
        """Add a warning about the current command, with the values its sentence names."""
        self.warnings.append(warned(code, **values))

    # -- the condition ---------------------------------------------------------------------

    def is_over(self, last: str) -> bool:
        """Whether a moment has passed; if not, decide again if it has once this is recorded."""
        if instant(self.now) > last:
            return True
        self.until = min(self.until or last, last)
        return False

    def watch(self, topic: str, *subjects: str) -> None:
        """Decide again if a fact of this topic about one of these is recorded meanwhile."""
        known = self.watched.setdefault(topic, set())
        if known is not None:
            known.update(subjects)

    def watch_all(self, topic: str) -> None:
        """Decide again if any fact of this topic is recorded meanwhile."""
        self.watched[topic] = None

    # -- texts -----------------------------------------------------------------------------

    def texts(self, digests: Iterable[str]) -> dict[str, str]:
        """By commitment: the text, recorded or pending; erased ones are missing."""
        wanted, pending = set(digests), self.disclosures
        found = self.stored.texts([*(wanted - pending.keys())])
        own = (wanted & pending.keys()) - self.erased
        return {**found, **{one: pending[one].value for one in own}}

    def owned(self, owners: Collection[str]) -> list[Owned]:
        """Every text of these owners, recorded or pending, that is not erased."""
        every = self.disclosures.values()
        pending = [Owned(one.owner, one.digest, one.name) for one in every if one.owner in owners]
        recorded = self.stored.owned(owners)
        return [one for one in (*recorded, *pending) if one.digest not in self.erased]
