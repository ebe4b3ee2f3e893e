"""A draft: the facts of commands that were carried out but are not recorded yet.

A command adds all of its facts to the draft or none, and a draft is recorded whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from domain.command import Command
from domain.condition import Condition, Spent
from domain.contributor import Contributor
from domain.fact import Fact, New
from domain.grant import grant_id
from domain.heads import Basis
from domain.identity import new_id
from domain.installation import Rules
from domain.join import Join
from domain.money.books import Books
from domain.money.folding import TOPICS
from domain.neighbours import Neighbours
from domain.note import VerifierKey
from domain.nouns import NAMED, may_stand_at
from domain.past import PENDING, Past
from domain.permission import OPERATOR, open_to
from domain.queries import Facts
from domain.quota import must_be_within, vouched
from domain.refusal import (
    BadSignature,
    ContributorForgotten,
    IdTaken,
    NotPermitted,
    Refusal,
    Unknown,
    Wrong,
)
from domain.remix import Remix
from domain.repetition import Repetitions, at
from domain.request import Request, key_digest
from domain.seal import Disclosure
from domain.sheet import Sheet
from domain.signature import Signing, must_fit
from domain.tree import NotVerified
from domain.value import Ref, Value
from domain.warning import Warned
from domain.wrong import point_at, wrong_in


class Acknowledgement(NamedTuple):
    """The answer to a command: the id of its noun, and the position of its last fact."""

    id: str
    position: int
    """In a draft that is not recorded yet, PENDING plus the index of the fact in the draft."""
    warnings: tuple[Warned, ...] = ()
    """The warnings about this command; the answer to a repetition has none."""

    def told(self) -> dict[str, Any]:
        """The answer as JSON."""
        warnings = [one._asdict() for one in self.warnings]
        return {"id": self.id, "position": self.position, "warnings": warnings}

    def recorded(self, positions: Sequence[int]) -> Acknowledgement:
        """The answer after the facts of its draft were recorded at these positions."""
        return self._replace(position=at(self.position, positions))


def read_first(command: Command, by: str) -> Iterator[str]:
    """The ids of the streams that any command reads: of the actor, and of all ids it names."""
    yield from read_of(by)
    yield from (id for _, id in command.ids())


def read_of(actor: str) -> Iterator[str]:
    """The ids of the streams that are read for every command of an actor."""
    if actor != OPERATOR:
        yield actor
        yield grant_id(actor, "auditor")


class Draft(Past):
    """Commands carried out one after the other, to be recorded together."""

    SHEET: ClassVar[type[Sheet]] = Sheet

    def __init__(
        self,
        stored: Facts,
        rules: Rules,
        now: datetime,
        *,
        once: Mapping[str, int] | None = None,
        near: Neighbours | None = None,
        signing: Signing | None = None,
        is_vouched_for: bool = False,
        basis: Basis | None = None,
    ) -> None:
        super().__init__(stored, rules, now, near, basis)
        now = self.now
        self.is_vouched_for = is_vouched_for
        self.repetitions = known = Repetitions(stored, self.position, once)
        self.requests, self.further_keys = known.requests, known.further_keys
        self.signing, self.is_signed = signing, signing is not None
        """The signed message, if the actor signed; the draft then has a single command."""
        self._spent: list[Spent] = []
        self._sheet = self.SHEET("", now)

    @property
    def condition(self) -> Condition:
        """The condition under which the draft may be recorded."""
        for born in COUNTING if self.edges_watched else ():
            self.watch(born.TOPIC, *self.edges_watched)
        for topic in TOPICS if self.money_watched else ():
            self.watch(topic, *self.money_watched)
        return Condition(self.point, self.watched, self.emptied, self._spent, self.until)

    @property
    def decided(self) -> Books | None:
        """The books including this draft, if a command asked for them; otherwise None."""
        return self._books

    def kept(self) -> list[Disclosure]:
        """The texts to store: without those this draft erased, and those of a person it forgot."""
        return [
            text
            for text in self.disclosures.values()
            if text.digest not in self.erased and text.owner not in self.emptied
        ]

    # -- a command -------------------------------------------------------------------------

    def carry_out(
        self,
        command: Command,
        by: str = OPERATOR,
        *,
        key: str | None = None,
        is_new_key: bool = False,
    ) -> Acknowledgement:
        """Add the facts that a command decides on, or find that it was carried out before.

        Checks that what it names exists, then the permission, then its values, then decides; raises
        the first refusal. A command under an idempotency key is carried out once, and repetitions
        get the same answer. With ``is_new_key`` the key was just generated, so it is not looked up.
        """
        try:
            return self._carried_out(command, by, key, is_new_key=is_new_key)
        except Refusal as refusal:
            if refusal.status != NotPermitted.status:  # which is about who asks
                own = command.own()
                point_at(refusal, own, own)
            raise

    def _carried_out(
        self, command: Command, by: str, key: str | None, *, is_new_key: bool
    ) -> Acknowledgement:
        self.actor, self._sheet = by, self.SHEET(by, self.now, self.signing)
        self.warnings = []
        self.prefetch([*read_of(by)])
        key = None if key is None else key_digest(by, key)
        stated, problem = self._read(command)
        stated = stated and stated.settled(self)
        target = self._target(stated or command)
        if stated is not None and (known := self._known(stated, target, key, is_new_key)):
            return known
        try:
            self._must_be_able(command)
            if problem is not None:
                raise problem
        except Refusal as refusal:
            if refusal is problem or isinstance(refusal, Unknown):
                refusal.wrong = self._wrong(command)
            raise
        assert stated is not None
        if stated.MAKES and target is None and (same := stated.same(self)):
            return Acknowledgement(same.id, same.position)
        self.id = target or self._fresh_id()
        if stated.MAKES and self.stream(self.id):
            raise IdTaken(self.id)
        try:
            for new in stated.decide(self):
                self.write(new)
            return self._take(stated, key)
        except Refusal:
            # The books may contain facts that were decided before the refusal.
            self._books = None
            raise

    def _known(
        self, command: Command, target: str | None, key: str | None, is_new_key: bool
    ) -> Acknowledgement | None:
        """The answer to an earlier request that was the same, if there was one."""
        found = self.repetitions.original(self, command, target, key, is_new_key=is_new_key)
        return None if found is None else Acknowledgement(found.id, found.position)

    def _target(self, command: Command) -> str | None:
        """The id under which repetitions are recognised; None if it is still to be generated."""
        chosen = command.target(self.actor)
        if chosen is None and self.signing is not None:
            raise BadSignature("the signed request must name the id of what it creates")
        return new_id(chosen) if command.MAKES and chosen is not None else chosen

    def _fresh_id(self) -> str:
        """A random id; being new, it has neither facts nor requests to read."""
        id = new_id(None)
        self._streams[id] = []
        self.repetitions.has_none(id)
        return id

    def _read(self, command: Command) -> tuple[Command | None, Refusal | None]:
        try:
            return command.read(self.now), None
        except Refusal as problem:
            return None, problem

    def _wrong(self, command: Command) -> tuple[Wrong, ...]:
        """Every value of a command that is refused, and every id that is unknown."""

        def check(value: Value, said: Any) -> None:
            if isinstance(value, Ref) and value.noun in NAMED:
                self.named(value.noun, said)
            value.read(said, self.now)

        return tuple(wrong_in(type(command), vars(command), check))

    def _must_be_able(self, command: Command) -> None:
        """Refuse an actor who may not send this command, and ids of nouns that do not exist."""
        if self.signing is not None:
            self._must_have_signed(self.signing)
        if not command.MAY and self.actor != OPERATOR:
            raise NotPermitted(self.actor, command.words(), open_to(()))
        for one, id in command.ids():
            value = one.value
            if isinstance(value, Ref) and not value.is_part and value.noun in NAMED:
                self.get(NAMED[value.noun], id)
        sides = command.sides(self)
        only_reads = self.actor != OPERATOR and self.has_role(self.actor, "auditor")
        if only_reads and not isinstance(command.noun(self), Contributor):
            raise NotPermitted(self.actor, command.words(), "An auditor may not write.")
        areas = command.areas(self)
        self.permit(command.words(), command.allowed(self), sides, areas)
        self.counts = self.is_vouched_for or self.stands(command.AT_ONCE, sides, areas)

    # -- writing down ----------------------------------------------------------------------

    def write(self, new: New) -> None:
        """Add one fact to the current command's sheet, and fold it into the books."""
        if not may_stand_at(new.kind, 2):
            # It can only be the first fact of its id, which the append checks: nothing to read.
            self._streams.setdefault(new.id, [])
        happened = self._sheet.write(new, len(self.stream(new.id)))
        if self._books is not None:
            added = len(self.facts) + len(self._sheet.facts)
            self._books.fold(self.position + added, happened)

    def _take(self, command: Command, key: str | None) -> Acknowledgement:
        """Add all facts and texts of the sheet to the draft, and apply them to the nouns."""
        sheet = self._sheet
        self._must_be_known(sheet)
        if self.is_limited:
            self._spent += must_be_within(self, sheet.facts)
        if self.signing is not None:
            self._must_say_what_was_signed(self.signing, sheet)
        for position, happened in enumerate(sheet.facts, PENDING + len(self.facts)):
            id = happened.originator_id
            self._pending.add(position, happened)
            self.near.add(happened)
            if (noun := self._nouns.get(id)) is not None:
                self.erased.update(happened.erases(noun))
                noun.happen(position, happened)
            self.stream(id).append((position, happened))
        self.facts += sheet.facts
        self.disclosures.update({text.digest: text for text in sheet.disclosures})
        return self._remember(command, key)

    def _remember(self, command: Command, key: str | None) -> Acknowledgement:
        """Store the request, so that a repetition is recognised."""
        by_text = {text.value: text.digest for text in self._sheet.disclosures}
        texts = tuple([by_text.get(text, "") for text in command.texts()])
        last = len(self.facts) - 1
        digest = command.digest(self.actor)
        self.repetitions.add(Request(self.id, last, digest, texts, self.id, key))
        return Acknowledgement(self.id, PENDING + last, tuple(self.warnings))

    def _added(self) -> list[Fact]:
        return [*self.facts, *self._sheet.facts]

    @property
    def decided_now(self) -> Sequence[Fact]:
        return self._sheet.facts

    def _must_be_known(self, sheet: Sheet) -> None:
        """Refuse a forgotten person as actor, as owner of a text, or as newly involved."""
        persons = {self.actor, *[text.owner for text in sheet.disclosures]}
        for happened in sheet.facts:
            persons.update(happened.involves())
        persons.discard(OPERATOR)
        if not persons:
            return
        persons.difference_update(
            [one.originator_id for one in sheet.facts if one.originator_version == 1]
        )
        for person in persons:
            if self.contributor(person).state == Contributor.Forgotten.STATE:
                raise ContributorForgotten(person)
        # Someone forgotten concurrently is forgotten wholly before this draft, or wholly after.
        self.watch(Contributor.Forgotten.TOPIC, *persons)

    # -- quotas ----------------------------------------------------------------------------

    def spent(self) -> list[tuple[int, str, str]]:
        """What counts toward quotas: the index of the fact in the draft, its actor and the quota.

        If the operator vouches for the draft, one mark says that none of it counts.
        """
        if self.is_vouched_for:
            return [vouched(len(self.facts))]
        return [
            (place, one.actor, one.spends)
            for place, one in enumerate(self.facts)
            if one.spends and one.actor != OPERATOR
        ]

    # -- signatures ------------------------------------------------------------------------

    def _must_have_signed(self, signing: Signing) -> None:
        if signing.actor == OPERATOR:
            raise BadSignature("only contributors have keys to sign with")
        keys = [VerifierKey.parse(key) for key in self.contributor(signing.actor).keys]
        try:
            signing = signing.verified(keys)
        except NotVerified as problem:
            raise BadSignature(str(problem)) from None
        self.signing = signing
        self._sheet = self.SHEET(self.actor, self.now, signing)

    def _must_say_what_was_signed(self, signing: Signing, sheet: Sheet) -> None:
        """Refuse facts that differ from the signed message, and a message used before."""
        if self.texts([signing.disclosure().digest]):
            raise BadSignature("it has already been used; sign again with another nonce")
        for one in sheet.facts:
            try:
                content = {name: value for name, value in vars(one).items() if value is not None}
                id = str(content.pop("originator_id"))
                version = content.pop("originator_version")
                must_fit(signing.message, content, one.TOPIC, id, version)
            except NotVerified as problem:
                raise BadSignature(str(problem)) from None


COUNTING = (Remix.Declared, Remix.Accepted, Join.Declared, Join.Accepted)
"""The facts by which an edge or a join comes to count."""
