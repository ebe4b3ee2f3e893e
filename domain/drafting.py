"""Drafting: what every command is made of, from looking things up to writing them down.

The one rule: a command adds all of its facts to the draft or none, and a draft is recorded whole
or not at all.

A repeated birth (the same id, the same content) is answered with its first position, as is a
change that just happened; other content under the same id is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import Fact, Noun, says_the_same
from domain.identity import new_id
from domain.note import VerifierKey
from domain.nouns import BORN
from domain.outside import Outside
from domain.permission import OPERATOR, permit
from domain.recorders import Condition
from domain.refusal import (
    BadSignature,
    ContributorForgotten,
    IdTaken,
    Refusal,
    UnknownContributor,
    UnknownWork,
    WrongState,
)
from domain.seal import Disclosure
from domain.sheet import Receipt, Sheet
from domain.signature import Signing, check_signature, must_fit
from domain.tree import NotVerified
from domain.work import Work

if TYPE_CHECKING:
    from domain.journal import Journal

N = TypeVar("N", bound=Noun)

PENDING = 1 << 62
"""Positions of facts that are not recorded yet start here: after every recorded one."""

_NEVER_COMPARED = frozenset(
    {
        *("timestamp", "originator_version", "made", "erased", "statement", "signature"),
        *("deadline", "disputer", "stands_as", "was"),
    }
)
# What follows from what was stated ("made_at", "answer_by", an outcome), the clock and the past;
# and what is said twice is signed anew.


class Drafting:
    """Commands carried out on what the journal says, not yet recorded."""

    def __init__(
        self,
        journal: Journal,
        *,
        once: MutableMapping[str, int] | None = None,
        signing: Signing | None = None,
    ) -> None:
        self.journal = journal
        self.signing = signing
        """What the actor signed, if they did: the draft is then of one command."""
        self.once = once
        """How far an import has come in the history of each noun: what is on record after that
        is not recorded again. Without it, only a repetition of the latest change is harmless."""
        self.after = journal.facts.head()
        self.is_overtaken = False
        """Whether a command has seen what is newer than that: then a refusal of it may be wrong."""
        self.now = journal.clock()
        self.facts: list[Fact] = []
        self.disclosures: list[Disclosure] = []
        self.erased: set[str] = set()
        self.emptied: set[str] = set()
        """Owners of whom no text may be left."""
        self.receipts: list[Receipt] = []
        self.watched: dict[str, set[str] | None] = {}
        self._streams: dict[str, list[tuple[int, Fact]]] = {}
        self._nouns: dict[str, Noun] = {}

    def commit(self) -> None:
        """Record everything; IntegrityError when others were faster, and nothing is recorded."""
        if not self.facts:
            return
        positions = self.journal.append(
            self.facts,
            [text for text in self.disclosures if text.digest not in self.erased],
            self.erased,
            Condition(self.after, self.watched, self.emptied),
        )
        for receipt in self.receipts:
            if receipt.position >= PENDING:
                receipt.position = positions[receipt.position - PENDING]

    def prefetch(self, ids: Collection[str]) -> None:
        """Read many streams at once, for a batch of commands about them."""
        missing = [id for id in ids if id not in self._streams]
        for id in missing:
            self._streams[id] = []
        for placed in self.journal.facts.streams(missing):
            self._streams[placed.originator_id].append((placed.position, placed.fact()))

    # -- looking up ------------------------------------------------------------------------

    def _stream(self, id: str) -> list[tuple[int, Fact]]:
        if id not in self._streams:
            self.prefetch([id])
        return self._streams[id]

    def _get(self, kind: type[N], id: str, unknown: Callable[[str], Refusal]) -> N:
        """The noun with this id, if it is of the kind."""
        if id not in self._nouns:
            stream = self._stream(id)
            if not stream:
                raise unknown(id)
            self._nouns[id] = BORN[type(stream[0][1])].told_by(stream)
        noun = self._nouns[id]
        if not isinstance(noun, kind):
            raise unknown(id)
        return noun

    def _work(self, id: str) -> Work:
        return self._get(Work, id, UnknownWork)

    def _contributor(self, id: str) -> Contributor:
        return self._get(Contributor, id, UnknownContributor)

    def _person(self, id: str) -> str:
        """Who a contributor is after all merges; the operator is nobody else."""
        while id != OPERATOR and (into := self._contributor(id).merged_into):
            id = into
        return id

    def _watch(self, topic: str, *subjects: str) -> None:
        known = self.watched.setdefault(topic, set())
        if known is not None:
            known.update(subjects)

    # -- who may, and who has signed -------------------------------------------------------

    def _sheet(self, actor: str) -> Sheet:
        if self.signing is not None:
            assert self.signing.actor == actor
            self._must_have_signed(self.signing)
        return Sheet(actor, self.now, self.signing)

    def _must_have_signed(self, signing: Signing) -> None:
        if signing.actor == OPERATOR:
            raise BadSignature("only contributors have keys to sign with")
        keys = [VerifierKey.parse(key) for key in self._contributor(signing.actor).keys]
        try:
            digest = signing.disclosure().digest
            check_signature(signing.actor, digest, signing.signature, keys)
        except NotVerified as problem:
            raise BadSignature(str(problem)) from None

    def _must_be_signed(self, sheet: Sheet, signing: Signing) -> None:
        """Refuse facts that say something else than was signed, or a statement used before."""
        digest = signing.disclosure().digest
        if self.journal.facts.texts([digest]):
            raise BadSignature("it was used before; sign again with another nonce")
        for happened in sheet.facts:
            try:
                version = happened.originator_version
                must_fit(signing.statement, vars(happened), version, happened.actor)
            except NotVerified as problem:
                raise BadSignature(str(problem)) from None

    def _permit(self, actor: str, verb: str, **relations: str) -> None:
        """Ask for permission as the person an account belongs to after all merges."""
        if actor != OPERATOR:
            persons = {name: self._person(id) for name, id in relations.items()}
            permit(self._person(actor), verb, **persons)

    def _permitted(self, actor: str, verb: str, **relations: str) -> Sheet:
        self._permit(actor, verb, **relations)
        return self._sheet(actor)

    def _new_id(self, id: str | None) -> str:
        """The id of what a command brings into being."""
        if id is None and self.signing is not None:
            raise BadSignature("what is signed names the id of what it brings into being")
        return new_id(id)

    # -- writing down ----------------------------------------------------------------------

    def _born(
        self,
        id: str,
        sheet: Sheet,
        *,
        given: bool,
        absent: Callable[[], list[str]] = list,
        check: Callable[[], None] = lambda: None,
    ) -> Receipt:
        """Record a birth, or answer the same one again if the client repeats itself."""
        if given and self._stream(id):
            return self._again(id, sheet, absent())
        check()
        return self._write(id, sheet)

    def _again(self, id: str, sheet: Sheet, absent: Sequence[str]) -> Receipt:
        position = 0
        self.prefetch([*(new.originator_id for new in sheet.facts), *absent])
        for new in sheet.facts:
            if isinstance(new, Outside.Cited):
                continue
            stream = self._stream(new.originator_id)
            place = new.originator_version - 1
            if len(stream) > place and self._same(sheet, new, stream[place][1]):
                position = max(position, stream[place][0])
            elif not isinstance(new, Credit.Accepted):
                # A credit may have become one's own, and so accepted at once, by a merge since.
                raise IdTaken(id)
        if any(self._stream(other) for other in absent):
            raise IdTaken(id)
        return self._receipt(id, position)

    def _same(self, sheet: Sheet, new: Fact, old: Fact) -> bool:
        ours = {d.digest: d.value for d in (*sheet.disclosures, *self.disclosures)}
        if isinstance(new, Credit.Birth) and isinstance(old, Credit.Birth):
            new = type(old)(**vars(new))  # granted or claimed: that, too, may follow from a merge

        def text_of(digest: str) -> str | None:
            return ours.get(digest) or self.journal.facts.texts([digest]).get(digest)

        return says_the_same(new, old, text_of, _NEVER_COMPARED)

    def _move(
        self,
        noun: Noun,
        sheet: Sheet,
        kind: type[Fact],
        content: Mapping[str, object],
        check: Callable[[], None] = lambda: None,
    ) -> Receipt:
        """Record a change of a noun, unless it just happened or its state does not allow it."""
        sheet.add(kind, noun.id, version=noun.version + 1, **content)
        past = noun.facts[-1:] if self.once is None else noun.facts[self.once.get(noun.id, 0) :]
        for position, happened in past:
            if self._same(sheet, sheet.facts[0], happened):
                self._come_to(noun.id, happened.originator_version)
                return self._receipt(noun.id, position)
        if kind.FROM and noun.state not in kind.FROM:
            raise WrongState(noun.NAME, noun.id, noun.state, kind.FROM)
        check()
        self._come_to(noun.id, noun.version + 1)
        return self._write(noun.id, sheet)

    def _come_to(self, id: str, version: int) -> None:
        if self.once is not None:
            self.once[id] = version

    def _write(self, id: str, sheet: Sheet) -> Receipt:
        self._must_be_known(sheet)
        if self.signing is not None:
            self._must_be_signed(sheet, self.signing)
        for happened in sheet.facts:
            position = PENDING + len(self.facts)
            self.facts.append(happened)
            stream = self._streams.setdefault(happened.originator_id, [])
            if noun := self._nouns.get(happened.originator_id):
                noun.happen(position, happened)
            stream.append((position, happened))
        self.disclosures += sheet.disclosures
        return self._receipt(id, PENDING + len(self.facts) - 1)

    def _must_be_known(self, sheet: Sheet) -> None:
        """Refuse whom a new fact brings up if they were forgotten: who acts, owns, is credited."""
        persons = {sheet.actor, *(text.owner for text in sheet.disclosures)}
        for happened in sheet.facts:
            match happened:
                case Credit.Birth(contributor=person) | Contributor.Merged(into=person):
                    persons.add(person)
        born = {one.originator_id for one in sheet.facts if one.originator_version == 1}
        for person in persons - born - {OPERATOR}:
            if self._contributor(person).state == Contributor.Forgotten.STATE:
                raise ContributorForgotten(person)
            # To be forgotten at the same moment comes wholly before or wholly after.
            self._watch(Contributor.Forgotten.TOPIC, person)

    def _receipt(self, id: str, position: int) -> Receipt:
        receipt = Receipt(id, position)
        self.receipts.append(receipt)
        return receipt
