"""The past: what a command may read while it decides.

What it has read is remembered as the condition of recording: if anyone has changed that meanwhile,
the command decides again. One file, because it is one class.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from domain.clock import moment_of
from domain.contributor import Contributor
from domain.fact import Fact, New, Noun
from domain.grant import GRANTABLE, SCOPED, Grant, grant_id
from domain.heads import Begun
from domain.installation import Rules
from domain.join import Join
from domain.kept import Rows
from domain.known import Known
from domain.money.books import Books
from domain.neighbours import Neighbours
from domain.nouns import BORN, NAMED
from domain.pending import Pending, Stream
from domain.permission import OPERATOR, open_to, stands
from domain.recorders import JournalRecorder
from domain.refusal import NotPermitted
from domain.release import Release
from domain.remix import Remix
from domain.seal import TEXTS, Disclosure, Owned, Said
from domain.stored import Placed, facts_in
from domain.text import searched
from domain.warning import NAMESAKE, Warned, warned
from domain.work import Work

N = TypeVar("N", bound=Noun)

_fact = lru_cache(1_024)(Placed.fact)  # who acts is looked at again and again

PENDING = 1 << 62
"""Positions of facts that are not recorded yet start here, after every recorded one."""

MOST_NAMESAKES = 20
"""Of so many with the same name somebody is warned at most."""


class Past:
    """What the journal holds, and what earlier commands of the same draft have added."""

    actor: str
    """Who sent the current command."""
    id: str
    """The id of what the current command brings into being or changes."""
    is_vouched_for = False
    """Whether the operator vouches for what everybody says, as in an import."""
    is_signed = False
    """Whether the actor signed the current command, so that it can't be said otherwise."""
    counts: bool
    """Whether what the current command says counts at once; otherwise it is pending."""

    def __init__(
        self,
        stored: JournalRecorder,
        rules: Rules,
        now: datetime,
        near: Neighbours | None = None,
        begun: Begun | None = None,
    ) -> None:
        self.stored, self._rules = stored, rules
        self.begun = begun
        """What was there of the ids of the first command, if they were read at once."""
        known = begun and (begun.position, moment_of(begun.stamp))
        self.position, self.latest = known or stored.latest()
        """The position up to which the journal is read, and the time of the fact there."""
        self.now = max(now, self.latest or now)
        """The time of the clock, but never earlier than the latest fact."""
        self.facts: list[Fact] = []
        """What the commands so far have added."""
        self._pending = Pending()
        """The same, at their positions for now."""
        self.watched: dict[str, set[str] | None] = {}
        self.money_watched: set[str] = set()
        """Those whose money is watched, whatever happens to it."""
        self.disclosures: dict[str, Disclosure] = {}
        """The texts of what was added, by their commitments."""
        self.erased: set[str] = set()
        """The commitments whose texts it erases."""
        self.emptied: set[str] = set()
        """Owners who may have no text left."""
        self.warnings: list[Warned] = []
        """What looks wrong about the current command, and is recorded nevertheless."""
        self.near = near or Neighbours(stored)
        """Where edges lead, recorded or added so far; an import keeps it for its next append."""
        self.near.begin(self.position)
        apart = {id: id for id in begun.asked if id not in begun.joined} if begun else {}
        self._joined: tuple[dict[str, str], dict[str, set[str]]] = (apart, {})
        """What was learned of which works are one; forgotten when the draft joins some."""
        self._streams: dict[str, Stream] = {id: [] for id in (begun.asked if begun else ())}
        for placed in map(Placed._make, sorted(begun.streams) if begun else ()):
            self._streams[placed.originator_id].append((placed.position, _fact(placed)))
        self._nouns: dict[str, Noun] = {}
        self._books: Books | None = None

    @property
    def evidence_for_claims(self) -> Collection[str]:
        """The kinds of evidence of which a claim needs one; empty if it needs none."""
        return self._rules.claim_evidence if self.is_limited else ()

    @property
    def refuses_licences(self) -> bool:
        """Whether a remix that a licence does not allow is refused; an import only warns."""
        return self._rules.refuses_licences and not self.is_vouched_for

    @property
    def rate_days(self) -> int | None:
        """How old an exchange rate may be, if there is a limit; an import has none."""
        return None if self.is_vouched_for else self._rules.rate_days

    @property
    def comment_minutes(self) -> int | None:
        """For how long a comment may be edited, if there is a limit; an import has none."""
        return None if self.is_vouched_for else self._rules.comment_minutes

    def told_by_mail(self, people: Collection[str]) -> set[str]:
        """Those of these people who are notified by mail, at whichever account they say so."""
        account = {id: {id, self.person(id)} for id in people}
        told = set(self._rules.told_by_mail({one for ids in account.values() for one in ids}))
        return {id for id, ids in account.items() if ids & told}

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
        """The streams of these nouns, without what was recorded since this is decided."""
        found = self.stored.streams(ids)
        return [placed for placed in found if placed.position <= self.position]

    def licensed(self, works: Collection[str]) -> set[str]:
        """Those of these works that have a licence on record."""
        stated = b'"licence":'
        near = self.near.unlicensed
        return self._noted(near, works, lambda one: stated in one.state, lambda one: one.licence)

    def published(self, works: Collection[str]) -> set[str]:
        """Those of these works that are releases which are out."""
        topic, state, near = Release.Published.TOPIC, Release.Published.STATE, self.near.unpublished
        return self._noted(
            near, works, lambda one: one.topic == topic, lambda one: one.state == state
        )

    def _noted(
        self,
        without: set[str],
        works: Collection[str],
        may_be: Callable[[Placed], bool],
        is_noted: Callable[[Work], object],
    ) -> set[str]:
        """Those of these works of which something is on record; ``without`` are known not to be."""
        if without.issuperset(works):
            return set()
        fresh = {id for id in works if id not in without}
        there = filter(self.stream, self.among(fresh, may_be))  # not one that is cited just now
        read = map(self.work, there)
        noted = {one.id for one in read if is_noted(one)}
        without.update(fresh - noted)
        return noted

    def among(self, works: Collection[str], is_meant: Callable[[Placed], bool]) -> set[str]:
        """Those of these works that have such a fact, or were read before; only they are read."""
        unread = [id for id in works if id not in self._streams]
        stored = self._recorded(unread)
        found = {placed.originator_id for placed in stored if is_meant(placed)}
        self.prefetch(found)
        return {*found, *(id for id in works if self._streams.get(id))}

    def stream(self, id: str) -> Stream:
        """Every fact of a noun, with its position; empty if there is none."""
        if id not in self._streams:
            self.prefetch([id])
        return self._streams[id]

    def get(self, kind: type[N], id: str) -> N:
        """The noun with this id, if it is of the kind."""
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
        """The same, by what the kind is called."""
        return self.get(NAMED[noun], id)

    def work(self, id: str) -> Work:
        return self.get(Work, id)

    def contributor(self, id: str) -> Contributor:
        return self.get(Contributor, id)

    # -- people ----------------------------------------------------------------------------

    def person(self, id: str) -> str:
        """The person a contributor is after all merges; the operator is itself."""
        while id != OPERATOR and (into := self.contributor(id).merged_into):
            id = into
        return id

    @property
    def is_limited(self) -> bool:
        """Whether there are limits to what the actor may say, as for everybody but the operator."""
        return self.actor != OPERATOR and not self.is_vouched_for

    def asks_first(self, contributor: str) -> bool:
        """Whether a person wants to be asked before others credit them."""
        person = self.person(contributor)
        self.watch(Contributor.AskedFirst.TOPIC, person)
        return self.contributor(person).asks_first

    def warn_of_namesakes(self, name: str, contributor: str) -> None:
        """Warn of others who have this name now; an import, which brings many, looks for none."""
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
        """Who has a name now, whatever its case and accents."""
        found = self._named(name)
        return {self.person(owner) for owner, digest in found if self._is_called(owner, digest)}

    def _named(self, name: str) -> list[tuple[str, str]]:
        """Whose texts are this name, recorded or about to be, each with its commitment."""
        wanted, every = searched(name), self.disclosures.values()
        pending = (one for one in every if one.name == "name" and searched(one.value) == wanted)
        recorded = self.stored.named(name, MOST_NAMESAKES)
        return [*recorded, *((one.owner, one.digest) for one in pending)]

    def _is_called(self, owner: str, digest: str) -> bool:
        """Whether it is the name that a contributor has now: a pool has a name as well."""
        named = (Contributor.Admitted, Contributor.Renamed)
        names = [fact.name for _, fact in self.stream(owner) if isinstance(fact, named)]
        return names[-1:] == [digest]

    def is_actor(self, contributor: str) -> bool:
        """Whether a contributor is the person who sent the current command."""
        return self.person(self.actor) == self.person(contributor)

    def accounts(self, contributor: str) -> list[str]:
        """Every account of a person after all merges; another merge meanwhile is noticed."""
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
        """Refuse someone whom none of these relations allows it."""
        if not self.stands(allowed, sides, areas):
            raise NotPermitted(self.person(self.actor), what, open_to(allowed))

    def stands(
        self, allowed: frozenset[str], sides: Mapping[str, str], areas: Collection[str] = ()
    ) -> bool:
        """Whether who asks is the operator, on an allowed side or in an allowed role.

        A producer has the role for one of these ``areas``. A moderator does not decide about what
        they are a side of.
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
        """Whether an account has a role; its end at the same moment is noticed."""
        self.watch(Grant.Ended.TOPIC, account)
        id = grant_id(account, role, area)
        return bool(self.stream(id)) and self.get(Grant, id).holds

    def text(self, owner: str, name: str, value: str | None) -> Said | None:
        """An optional text of another owner, or under another name than its field's."""
        return None if value is None else Said(owner, name, value)

    def texts_in(self, owner: str, said: object) -> dict[str, Said]:
        """All texts in a record of a command, as texts of another owner."""
        texts = ((name, text) for name, text in vars(said).items() if name in TEXTS)
        return {name: Said(owner, name, text) for name, text in texts if text is not None}

    def owner_of(self, digest: str) -> str:
        """Whose text it is, recorded or about to be; of one that was erased, who acts."""
        found = self.disclosures.get(digest) or next(iter(self.stored.disclosures([digest])), None)
        return found.owner if found else self.actor

    # -- works -----------------------------------------------------------------------------

    @property
    def known(self) -> Known:
        """What is known by now, with what was added so far."""
        return Known(self.stored, self.position, self._pending, *self._joined)

    def known_at(self, position: int) -> Known:
        """What was known at a position."""
        return Known(self.stored, position)

    def edges_at(self, work: str) -> list[tuple[str, str]]:
        """The child and the parent, as nodes, of every edge that counts at a work."""
        return [(edge.child, edge.parent) for edge in self.known.edges([work], ("child", "parent"))]

    def node(self, work: str) -> str:
        """The node that a work is after all joins; a join meanwhile is noticed."""
        for topic in (Join.Declared.TOPIC, Join.Accepted.TOPIC, Join.Undone.TOPIC):
            self.watch(topic, work)
        return self.known.node(work)

    @contextmanager
    def as_joined(self, node: str, moved: Collection[str]) -> Iterator[None]:
        """As if these works were that node already."""
        self.known.same([node, *moved])
        before = nodes, members = self._joined
        same = {*members.get(node, ()), node, *moved}
        self._joined = {**nodes, **dict.fromkeys(moved, node)}, {**members, node: same}
        try:
            yield
        finally:
            self._joined = before

    def prefetch_edges(self, works: Collection[str]) -> None:
        """Learn of many works at once where their edges lead, and which are one."""
        self.prefetch(works)
        self.known.nodes(works)
        there = [work for work in works if self._streams[work]]
        self.near.look_up(there)
        self.near.look_up_none([work for work in works if not self._streams[work]])
        # Of what was read, this is known without a query.
        read = [id for id in there if issubclass(BORN[type(self._streams[id][0][1])], Work)]
        self.licensed(read)
        self.published(read)

    def watch_edges(self, *works: str) -> None:
        """Decide again if an edge or a join of one of these works comes to count meanwhile."""
        for born in (Remix.Declared, Remix.Accepted, Join.Declared, Join.Accepted):
            self.watch(born.TOPIC, *works)

    def rates(self, *works: str, as_one: str | None = None, without: str = "") -> list[str | None]:
        """The rates of the edges that count, from a work, or several as one, to the parents."""
        # Two edges that are declared at the same moment could pass the cap together.
        known = self.known
        self.watch_edges(*known.same(works))
        return [edge.rate for edge in known.edges(works, as_one=as_one, without=without)]

    def imagine(self, kind: type[N], first: New) -> N:
        """The noun that an unrecorded fact would bring into being."""
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
        """The books, including what was added so far, by the current command as well.

        What was added is folded at the positions that it gets if nobody else records anything.
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

    def watch_money(self, *subjects: str) -> None:
        """Decide again if anything about the money of these subjects changes meanwhile."""
        self.money_watched.update(subjects)

    def warn(self, code: str, **said: object) -> None:
        """Note something that looks wrong about the current command."""
        self.warnings.append(warned(code, **said))

    # -- the condition ---------------------------------------------------------------------

    def watch(self, topic: str, *subjects: str) -> None:
        """Decide again if such a fact about one of these is recorded meanwhile."""
        known = self.watched.setdefault(topic, set())
        if known is not None:
            known.update(subjects)

    def watch_all(self, topic: str) -> None:
        """Decide again if any such fact is recorded meanwhile."""
        self.watched[topic] = None

    # -- texts -----------------------------------------------------------------------------

    def texts(self, digests: Iterable[str]) -> dict[str, str]:
        """The texts behind commitments, recorded or about to be, as far as they are not erased."""
        wanted, pending = set(digests), self.disclosures
        found = self.stored.texts([*(wanted - pending.keys())])
        own = (wanted & pending.keys()) - self.erased
        return {**found, **{one: pending[one].value for one in own}}

    def owned(self, owners: Collection[str]) -> list[Owned]:
        """Every text of these owners, recorded or about to be."""
        every = self.disclosures.values()
        pending = [Owned(one.owner, one.digest, one.name) for one in every if one.owner in owners]
        recorded = self.stored.owned(owners)
        return [one for one in (*recorded, *pending) if one.digest not in self.erased]
