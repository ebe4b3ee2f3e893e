"""A draft: commands carried out on what the journal says, not yet recorded.

The one rule: a command adds all of its facts to the draft or none, and a draft is recorded whole
or not at all.

Every command takes the actor (the operator or a contributor's id) and its particulars by name,
and answers a receipt whose position is filled in when the draft is committed. A repeated birth
(the same id, the same content) is answered with its first position; another content is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from domain.contribution import Contribution
from domain.contributor import Contributor, ground_named
from domain.credit import NOT_COUNTED, Credit, credit_kind
from domain.dispute import OUTCOMES, Disputable, deadline_of, known_grounds
from domain.fact import Fact, Noun, says_the_same
from domain.moment import instant, start_of, start_of_past
from domain.money.consent import Consent
from domain.money.entry import Entry
from domain.money.hold import Hold
from domain.money.payout import Batch, Payout
from domain.money.pool import Pool
from domain.money.proposal import Proposal
from domain.money.revenue import Expense, Revenue
from domain.note import VerifierKey
from domain.outside import Outside, normal_uri, outside_id
from domain.permission import OPERATOR, permit
from domain.recorders import Condition
from domain.refusal import (
    BadId,
    BadOutcome,
    BadSignature,
    BadSigningKey,
    BadText,
    ContributorForgotten,
    IdTaken,
    MergeCircle,
    NoComponents,
    NoSource,
    NotPermitted,
    Refusal,
    TextTooLong,
    UnknownContribution,
    UnknownContributor,
    UnknownCredit,
    UnknownRelease,
    UnknownRemix,
    UnknownWork,
    WrongState,
)
from domain.release import Release
from domain.remix import Remix, exact_rate, follow_edges, must_be_within_cap, remix_kind
from domain.role import role_named
from domain.seal import Disclosure, seal
from domain.signature import Signing, check_signature, must_be_key_of, must_fit
from domain.tree import NotVerified
from domain.work import Work, must_be_older

if TYPE_CHECKING:
    from domain.journal import Journal

N = TypeVar("N", bound=Noun)

NOUNS: tuple[type[Noun], ...] = (
    *(Contributor, Contribution, Outside, Release, Remix, Credit),
    *(Pool, Proposal, Consent, Revenue, Expense, Entry, Batch, Payout, Hold),
)
BORN = {birth: noun for noun in NOUNS for birth in noun.BIRTHS}
PENDING = 1 << 62
"""Positions of facts that are not recorded yet start here: after every recorded one."""

LIMITS = {
    "name": 200,
    "title": 500,
    "display": 100,
    "medium": 40,
    "licence": 200,
    "reason": 5000,
    "evidence": 5000,
    "note": 5000,
    "text": 5000,
    "document": 500,
    "source": 200,
    "category": 200,
    "payer": 200,
    "about": 200,
    "reference": 200,
}
"""How long each text may be, in characters."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_NEVER_COMPARED = frozenset(
    {
        *("timestamp", "originator_version", "made", "erased", "statement", "signature"),
        *("deadline", "disputer", "stands_as", "was"),
    }
)
# What follows from what was stated ("made_at", "answer_by", an outcome), the clock and the past;
# and what is said twice is signed anew.
ERASED_IN_ONE_FACT = 1000
"""How many commitments one fact names as erased: a leaf of the log holds less than 64 KiB."""


@dataclass
class Receipt:
    """What a command answers: which noun, and the position at which it is recorded."""

    id: str
    position: int


@dataclass
class Sheet:
    """The facts and texts of one command while it is being carried out."""

    actor: str
    now: datetime
    signing: Signing | None = None
    facts: list[Fact] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signed = {}
        if self.signing is not None:
            statement = self.signing.disclosure()
            self.disclosures.append(statement)
            self.signed = {"statement": statement.digest, "signature": self.signing.signature}

    def add(self, happened: type[Fact], id: str, /, *, version: int = 1, **content: Any) -> None:
        """Write down one fact."""
        self.facts.append(
            happened(
                originator_id=id,
                originator_version=version,
                timestamp=self.now,
                actor=self.actor,
                **self.signed,
                **content,
            )
        )

    def seal(self, owner: str, name: str, value: str | None) -> str | None:
        """Commit to an optional text of an owner."""
        return None if value is None else self.seal_text(owner, name, value)

    def seal_text(self, owner: str, name: str, value: str) -> str:
        """Commit to a text of an owner, after checking it."""
        salt = self.signing.salt(name, value) if self.signing else None
        disclosure = seal(owner, name, plain_text(name, value), salt)
        self.disclosures.append(disclosure)
        return disclosure.digest


class Draft:
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

    # -- contributors ----------------------------------------------------------------------

    def admit_contributor(self, *, actor: str, name: str, id: str | None = None) -> Receipt:
        """Somebody can be credited from now on."""
        sheet, new = self._sheet(actor), new_id(id)
        permit(actor, "admit a contributor")
        sheet.add(Contributor.Admitted, new, name=sheet.seal_text(new, "name", name))
        return self._born(new, sheet, given=id is not None)

    def merge_contributor(
        self, *, actor: str, id: str, into: str, reason: str | None = None
    ) -> Receipt:
        """Say that two contributors are the same person."""
        sheet = self._sheet(actor)
        permit(actor, "merge")
        contributor, target = self._contributor(id), self._contributor(into)
        if contributor.id == target.id:
            raise MergeCircle(id, into)
        sealed = sheet.seal(actor, "reason", reason)
        # Two merges at the same moment could close a circle: watch every one.
        self.watched["contributor.merged"] = None
        return self._move(
            contributor,
            sheet,
            Contributor.Merged,
            {"into": target.id, "reason": sealed},
            lambda: self._must_not_circle(contributor, target),
        )

    def _must_not_circle(self, contributor: Contributor, target: Contributor) -> None:
        if self._person(target.id) == contributor.id:
            raise MergeCircle(contributor.id, target.id)

    def forget_contributor(self, *, actor: str, id: str, ground: str) -> Receipt:
        """Erase every text of a person, in all of their accounts; ids, edges and credits stay.

        The name is gone from every answer, also as known before, and so are the titles and all
        else they wrote. Their keys are void from now on, and nobody can be credited as them.
        """
        asked = self._contributor(id)
        sheet = self._permitted(actor, "forget", contributor=asked.id)
        said = {"ground": ground_named(ground)}
        accounts = {account.id: account for account in self._accounts(asked)}
        owned = self._owned(accounts)
        if not any(owned.values()) and {one.state for one in accounts.values()} == {"forgotten"}:
            return self._move(asked, sheet, Contributor.Forgotten, {**said, "erased": ""})
        for owner, digests in owned.items():
            for first in range(0, len(digests) or 1, ERASED_IN_ONE_FACT):
                sheet.add(
                    Contributor.Forgotten,
                    owner,
                    version=accounts[owner].version + 1 + first // ERASED_IN_ONE_FACT,
                    erased=" ".join(digests[first : first + ERASED_IN_ONE_FACT]),
                    **said,
                )
        receipt = self._write(asked.id, sheet)
        self.erased.update(digest for digests in owned.values() for digest in digests)
        # What they write at this moment is erased and named as well, or this is done again.
        self.emptied.update(accounts)
        for account in accounts.values():
            self._come_to(account.id, account.version)
        return receipt

    def _accounts(self, asked: Contributor) -> list[Contributor]:
        """Every account of a person after all merges, the one that was asked for last."""
        # An account that is merged into one of them at this moment is the person's, too.
        self.watched["contributor.merged"] = None
        topics = (Contributor.Merged.TOPIC,)
        recorded = [placed.fact() for placed in self.journal.read(topics=topics)]
        merged: dict[str, list[str]] = {}
        for happened in (*recorded, *self.facts):
            if isinstance(happened, Contributor.Merged):
                merged.setdefault(happened.into, []).append(happened.originator_id)
        found, waiting = [asked], [self._person(asked.id)]
        while waiting:
            id = waiting.pop()
            waiting += merged.get(id, ())
            if id != asked.id:
                found.append(self._contributor(id))
        return found[::-1]

    def _owned(self, owners: Collection[str]) -> dict[str, list[str]]:
        """The commitments to all that these owners have in the vault, or are about to."""
        owned: dict[str, list[str]] = {owner: [] for owner in owners}
        for owner, digest in self.journal.facts.owned(owners):
            owned[owner].append(digest)
        for text in self.disclosures:
            if text.owner in owned and text.digest not in self.erased:
                owned[text.owner].append(text.digest)
        return owned

    def register_key(self, *, actor: str, id: str, key: str) -> Receipt:
        """Let a contributor sign what they post, with the key of which this is the public half."""
        contributor = self._contributor(id)
        sheet = self._permitted(actor, "register a key", contributor=contributor.id)
        return self._move(
            contributor,
            sheet,
            Contributor.KeyRegistered,
            {"key": key},
            lambda: _must_be_new(key, contributor),
        )

    def revoke_key(self, *, actor: str, id: str, key: str, reason: str | None = None) -> Receipt:
        """Let a key sign no longer; what it has signed before stands."""
        contributor = self._contributor(id)
        sheet = self._permitted(actor, "revoke a key", contributor=contributor.id)

        def must_be_registered() -> None:
            if key not in contributor.keys:
                raise BadSigningKey(f"it is no key with which {contributor.id} signs")

        return self._move(
            contributor,
            sheet,
            Contributor.KeyRevoked,
            {"key": key, "reason": sheet.seal(actor, "reason", reason)},
            must_be_registered,
        )

    # -- contributions ---------------------------------------------------------------------

    def submit_contribution(
        self,
        *,
        actor: str,
        title: str,
        medium: str,
        authors: Sequence[Mapping[str, Any]],
        sources: Sequence[Mapping[str, Any]] = (),
        made_at: str | None = None,
        licence: str | None = None,
        sha256: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Post a piece with its authors and sources, in one append."""
        sheet, new = self._sheet(actor), new_id(id)
        self._permit(actor, "submit")
        owner = actor if actor != OPERATOR or not authors else str(authors[0]["contributor"])
        parents = [self._source(sheet, source) for source in sources]
        made = self._made(made_at, parents)
        sheet.add(
            Contribution.Submitted,
            new,
            title=sheet.seal_text(owner, "title", title),
            medium=plain_text("medium", medium),
            made_at=made_at,
            made=made,
            licence=None if licence is None else plain_text("licence", licence),
            sha256=None if sha256 is None else hex_digest(sha256),
        )
        for number, author in enumerate(authors):
            self._credit(sheet, part_id(new, "author", number), new, actor, **author)
        for number, (source, parent) in enumerate(zip(sources, parents, strict=True)):
            sheet.add(
                Remix.Declared,
                part_id(new, "source", number),
                child=new,
                parent=parent.id,
                kind=remix_kind(source["kind"]),
                rate=exact_rate(source.get("rate")),
                evidence=sheet.seal(owner, "note", source.get("note")),
            )
        return self._born(
            new,
            sheet,
            given=id is not None,
            absent=lambda: [
                part_id(new, "author", len(authors)),
                part_id(new, "source", len(sources)),
            ],
            check=lambda: self._must_follow(new, made_at, made, parents, sheet),
        )

    def withdraw_contribution(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Take a piece back: its title goes from every answer and from the vault."""
        contribution = self._get(Contribution, id, UnknownContribution)
        sheet = self._permitted(actor, "withdraw", poster=contribution.poster)
        sealed = sheet.seal_text(actor, "reason", reason)
        receipt = self._move(contribution, sheet, Contribution.Withdrawn, {"reason": sealed})
        self.erased.add(contribution.title)
        return receipt

    # -- works -----------------------------------------------------------------------------

    def redate_work(self, *, actor: str, id: str, made_at: str, reason: str) -> Receipt:
        """Correct a making date, within what the work was made from and what was made from it."""
        work = self._work(id)
        sheet = self._permitted(actor, "redate", poster=work.poster)
        made = start_of_past(made_at, self.now)
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(
            work,
            sheet,
            Work.Redated,
            {"made_at": made_at, "made": made, "reason": sealed},
            lambda: self._must_fit(work, made_at, made),
        )

    def _must_fit(self, work: Work, made_at: str, made: str) -> None:
        edges = self._edges(work.id)
        moved = _moved(work, made_at, made)
        self.prefetch({end for edge in edges.values() for end in edge})
        for child, parent in edges.values():
            if child == work.id:
                must_be_older(self._work(parent), moved)
            else:
                must_be_older(moved, self._work(child))
            self._watch("work.redated", child, parent)
        # A new edge here, or a neighbour redated at the same moment, could close a circle.
        self._watch("remix.declared", work.id)
        self._watch("work.redated", work.id)

    def _edges(self, work: str) -> dict[str, tuple[str, str]]:
        """The edges at a work that count, those of this draft as well."""
        edges = self.journal.edges_at(work, self.after)
        for pending in self.facts:
            follow_edges(edges, work, pending)
        return edges

    def claim_work(
        self,
        *,
        actor: str,
        id: str,
        contributor: str,
        role: str,
        evidence: str | None = None,
        credit: str | None = None,
    ) -> Receipt:
        """Say that one made a work, such as a source outside; answers the new credit."""
        work, person = self._work(id), self._contributor(contributor)
        sheet = self._permitted(actor, "claim", contributor=person.id)
        new = new_id(credit)
        sheet.add(
            Credit.Claimed,
            new,
            work=work.id,
            contributor=person.id,
            role=role_named(role),
            kind="direct",
            evidence=sheet.seal(person.id, "evidence", evidence),
        )
        return self._born(new, sheet, given=credit is not None)

    # -- remixes ---------------------------------------------------------------------------

    def declare_remix(
        self,
        *,
        actor: str,
        child: str,
        kind: str,
        parent: str | None = None,
        uri: str | None = None,
        rate: str | None = None,
        evidence: str | None = None,
        effective_at: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Say later that a work was made from an older one, here or outside."""
        new, made = new_id(id), self._work(child)
        sheet = self._sheet(actor)
        source = self._source(sheet, {"work": parent, "uri": uri})
        if source.id != made.id:
            self._permit(actor, "declare", poster=made.poster, poster_of_the_parent=source.poster)
        sheet.add(
            Remix.Declared,
            new,
            child=made.id,
            parent=source.id,
            kind=remix_kind(kind),
            rate=exact_rate(rate),
            evidence=sheet.seal(actor, "evidence", evidence),
            effective_at=None if effective_at is None else start_of(effective_at),
        )

        def check() -> None:
            self._must_be_older(source, made)
            if rate is not None:
                must_be_within_cap(made.id, [rate, *self._rates(made.id)])

        return self._born(new, sheet, given=id is not None, check=check)

    def _rates(self, child: str) -> list[str | None]:
        """The rates of the edges that count from a work to what it is made from."""
        edges = self._edges(child)
        remixes = [id for id, ends in edges.items() if ends[0] == child]
        self.prefetch(remixes)
        # Two edges that are declared at the same moment could pass the cap together.
        self._watch("remix.declared", child)
        return [self._get(Remix, id, UnknownRemix).rate for id in remixes]

    def dispute_remix(
        self,
        *,
        actor: str,
        id: str,
        grounds: str,
        reason: str,
        evidence: str | None = None,
        answer_by: str | None = None,
    ) -> Receipt:
        """Say that an edge is false; the other side is told and may answer."""
        remix = self._get(Remix, id, UnknownRemix)
        return self._dispute(remix, Remix.Disputed, actor, grounds, reason, evidence, answer_by)

    def answer_remix(
        self, *, actor: str, id: str, reason: str, evidence: str | None = None
    ) -> Receipt:
        """Answer the dispute about an edge, as the other side."""
        remix = self._get(Remix, id, UnknownRemix)
        return self._answer(remix, Remix.Answered, actor, reason, evidence)

    def settle_remix(
        self, *, actor: str, id: str, outcome: str, reason: str, replaced_by: str | None = None
    ) -> Receipt:
        """End the dispute about an edge: upheld, dismissed, corrected, withdrawn or expired."""
        remix = self._get(Remix, id, UnknownRemix)
        other = None if replaced_by is None else self._get(Remix, replaced_by, UnknownRemix)
        return self._settle(remix, Remix.Settled, actor, outcome, reason, other)

    def strike_remix(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Decide that an edge is false: it stays on record and stops counting."""
        remix = self._get(Remix, id, UnknownRemix)
        sheet = self._permitted(actor, "strike")
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(remix, sheet, Remix.Struck, {**remix.ends, "reason": sealed})

    # -- credits ---------------------------------------------------------------------------

    def open_credit(
        self,
        *,
        actor: str,
        work: str,
        contributor: str,
        role: str,
        kind: str = "direct",
        display: str | None = None,
        evidence: str | None = None,
        effective_at: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Credit a person: granted by somebody else, claimed by the person themself."""
        new, on = new_id(id), self._work(work)
        sheet = self._sheet(actor)
        person = self._contributor(contributor)
        if self._person(actor) == self._person(person.id):
            self._permit(actor, "claim", contributor=person.id)
        else:
            self._permit(actor, "grant", poster=on.poster)
        self._credit(
            sheet,
            new,
            on.id,
            on.poster if isinstance(on, Contribution | Release) else OPERATOR,
            contributor=person.id,
            role=role,
            kind=kind,
            display=display,
            evidence=evidence,
            effective_at=None if effective_at is None else start_of(effective_at),
        )
        return self._born(new, sheet, given=id is not None)

    def accept_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Agree to a credit: the person to what was granted, the poster to what was claimed."""
        return self._decide_credit(actor, id, "accept", Credit.Accepted, reason)

    def decline_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Do not agree to a credit."""
        return self._decide_credit(actor, id, "decline", Credit.Declined, reason)

    def dispute_credit(
        self,
        *,
        actor: str,
        id: str,
        grounds: str,
        reason: str,
        evidence: str | None = None,
        answer_by: str | None = None,
    ) -> Receipt:
        """Say that a credit is wrong; the other side is told and may answer."""
        credit = self._get(Credit, id, UnknownCredit)
        return self._dispute(credit, Credit.Disputed, actor, grounds, reason, evidence, answer_by)

    def answer_credit(
        self, *, actor: str, id: str, reason: str, evidence: str | None = None
    ) -> Receipt:
        """Answer the dispute about a credit, as the other side."""
        credit = self._get(Credit, id, UnknownCredit)
        return self._answer(credit, Credit.Answered, actor, reason, evidence)

    def settle_credit(
        self, *, actor: str, id: str, outcome: str, reason: str, replaced_by: str | None = None
    ) -> Receipt:
        """End the dispute about a credit: upheld, dismissed, corrected, withdrawn or expired."""
        credit = self._get(Credit, id, UnknownCredit)
        other = None if replaced_by is None else self._get(Credit, replaced_by, UnknownCredit)
        return self._settle(credit, Credit.Settled, actor, outcome, reason, other)

    def revoke_credit(self, *, actor: str, id: str, reason: str | None = None) -> Receipt:
        """Take a credit back: it stays on record and stops counting."""
        return self._decide_credit(actor, id, "revoke", Credit.Revoked, reason)

    def _decide_credit(
        self, actor: str, id: str, verb: str, kind: type[Fact], reason: str | None
    ) -> Receipt:
        credit = self._get(Credit, id, UnknownCredit)
        sheet = self._permitted(actor, verb, **self._sides(credit))
        sealed = sheet.seal(actor, "reason", reason)
        return self._move(credit, sheet, kind, {**credit.line, "reason": sealed})

    def _credit(
        self,
        sheet: Sheet,
        id: str,
        work: str,
        poster: str,
        *,
        contributor: str,
        role: str,
        kind: str = "direct",
        display: str | None = None,
        evidence: str | None = None,
        effective_at: str | None = None,
    ) -> None:
        """Open a credit; a poster who credits themself has nobody left to ask."""
        person, actor = self._contributor(contributor), sheet.actor
        own = self._person(actor) == self._person(person.id)
        sheet.add(
            Credit.Claimed if own else Credit.Granted,
            id,
            work=work,
            contributor=person.id,
            role=role_named(role),
            kind=credit_kind(kind),
            display=sheet.seal(person.id, "display", display),
            evidence=sheet.seal(actor, "evidence", evidence),
            effective_at=effective_at,
        )
        if own and self._person(poster) == self._person(actor):
            sheet.add(Credit.Accepted, id, version=2, work=work, contributor=person.id)

    # -- disputes --------------------------------------------------------------------------

    def _dispute(
        self,
        noun: Disputable,
        kind: type[Fact],
        actor: str,
        grounds: str,
        reason: str,
        evidence: str | None,
        answer_by: str | None,
    ) -> Receipt:
        sheet = self._permitted(actor, "dispute")
        content = {
            "grounds": known_grounds(grounds),
            "reason": sheet.seal_text(actor, "reason", reason),
            "deadline": deadline_of(answer_by, self.now),
            "answer_by": answer_by,
            "evidence": sheet.seal(actor, "evidence", evidence),
        }
        return self._move(noun, sheet, kind, {**_named(noun), **content})

    def _answer(
        self,
        noun: Disputable,
        kind: type[Fact],
        actor: str,
        reason: str,
        evidence: str | None,
    ) -> Receipt:
        sides = self._sides(noun)
        if isinstance(noun, Remix) and self._is_author(actor, noun.child, noun.parent):
            sides["author"] = actor
        sheet, dispute = self._permitted(actor, "answer", **sides), noun.dispute
        content = {
            "disputer": dispute.opened_by if dispute else OPERATOR,
            "reason": sheet.seal_text(actor, "reason", reason),
            "evidence": sheet.seal(actor, "evidence", evidence),
        }

        def check() -> None:
            assert dispute is not None
            # Asked now, not before: a merge since must not refuse what is only said again.
            if actor != OPERATOR and self._person(actor) == self._person(dispute.opened_by):
                raise NotPermitted(actor, "answer")
            noun.must_be_answerable(self.now)

        return self._move(noun, sheet, kind, {**_named(noun), **content}, check)

    def _settle(
        self,
        noun: Disputable,
        kind: type[Fact],
        actor: str,
        outcome: str,
        reason: str,
        other: Disputable | None,
    ) -> Receipt:
        if outcome not in OUTCOMES:
            raise BadOutcome(outcome, f"it ends {', '.join(OUTCOMES)}")
        if other is not None and (outcome != "corrected" or other.id == noun.id):
            raise BadOutcome(outcome, "only a correction names another one, that replaces this one")
        dispute = noun.dispute
        sheet = self._sheet(actor)
        if outcome != "withdrawn":
            # Whoever may undo it may also agree that the dispute about it is right.
            verb = {"upheld": noun.UNDO, "expired": "let expire"}.get(outcome, "settle")
            self._permit(actor, verb, **self._sides(noun))
        is_gone = outcome == "upheld" or other is not None
        content = {
            "disputer": dispute.opened_by if dispute else OPERATOR,
            "outcome": outcome,
            "stands_as": noun.GONE if is_gone or not dispute else dispute.before,
            "reason": sheet.seal_text(actor, "reason", reason),
            "replaced_by": None if other is None else other.id,
        }

        def check() -> None:
            assert dispute is not None
            if outcome == "withdrawn":
                # Asked now, not before: what is only said again may be about an earlier dispute.
                self._permit(actor, "withdraw the dispute about", disputer=dispute.opened_by)
            if outcome == "expired":
                noun.must_have_expired(self.now)

        return self._move(noun, sheet, kind, {**_named(noun), **content}, check)

    def _sides(self, noun: Disputable) -> dict[str, str]:
        """Who stands in which relation to an edge or a credit."""
        if isinstance(noun, Remix):
            child, parent = self._work(noun.child), self._work(noun.parent)
            posters = {"poster": child.poster, "poster_of_the_parent": parent.poster}
            return {**posters, "opener": noun.poster}
        assert isinstance(noun, Credit)
        on = self._work(noun.work)
        claimed = isinstance(noun.facts[0][1], Credit.Claimed)
        # A claim on a source outside is for the operator to judge: nobody here posted it.
        judge = OPERATOR if isinstance(on, Outside) else on.poster
        return {
            "poster": judge,
            "contributor": noun.contributor,
            "addressee": judge if claimed else noun.contributor,
            "opener": noun.poster,
        }

    def _is_author(self, actor: str, *works: str) -> bool:
        """Whether one of these works was posted with a credit of theirs that counts."""
        for work in works:
            number = 0
            while self._stream(id := part_id(work, "author", number)):
                credit, number = self._get(Credit, id, UnknownCredit), number + 1
                own = actor != OPERATOR and self._person(actor) == self._person(credit.contributor)
                if own and credit.state not in NOT_COUNTED:
                    return True
        return False

    # -- releases --------------------------------------------------------------------------

    def assemble_release(
        self,
        *,
        actor: str,
        title: str,
        components: Sequence[Mapping[str, Any]],
        made_at: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Put a finished work together from its components, in one append."""
        sheet, new = self._sheet(actor), new_id(id)
        self._permit(actor, "assemble")
        parents = [self._work(component["work"]) for component in components]
        if not parents or len({parent.id for parent in parents}) < len(parents):
            raise NoComponents
        made = self._made(made_at, parents)
        sheet.add(
            Release.Assembled,
            new,
            title=sheet.seal_text(actor, "title", title),
            made_at=made_at,
            made=made,
        )
        for number, (component, parent) in enumerate(zip(components, parents, strict=True)):
            sheet.add(
                Remix.Declared,
                part_id(new, "component", number),
                child=new,
                parent=parent.id,
                kind="component",
                rate=exact_rate(component.get("rate")),
            )
        return self._born(
            new,
            sheet,
            given=id is not None,
            absent=lambda: [part_id(new, "component", len(components))],
            check=lambda: self._must_follow(new, made_at, made, parents, sheet),
        )

    def publish_release(self, *, actor: str, id: str) -> Receipt:
        """Bring a finished work out: its lineage is frozen at this position."""
        release = self._get(Release, id, UnknownRelease)
        sheet = self._permitted(actor, "publish", poster=release.poster)
        return self._move(release, sheet, Release.Published, {})

    def withdraw_release(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Offer a finished work no longer."""
        release = self._get(Release, id, UnknownRelease)
        sheet = self._permitted(actor, "withdraw", poster=release.poster)
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(release, sheet, Release.Withdrawn, {"reason": sealed})

    # -- what commands are made of ---------------------------------------------------------

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

    def _source(self, sheet: Sheet, source: Mapping[str, Any]) -> Work:
        """The parent a source names; an outside source is written down when it is new."""
        work, uri = source.get("work"), source.get("uri")
        if (work is None) == (uri is None):
            raise NoSource
        if work is not None:
            return self._work(work)
        normal = normal_uri(str(uri))
        id = outside_id(normal)
        if self._stream(id):
            return self._work(id)
        for known in sheet.facts:
            if known.originator_id == id:
                return Outside.told_by([(PENDING, known)])
        sheet.add(Outside.Cited, id, uri=normal)
        return Outside.told_by([(PENDING, sheet.facts[-1])])

    def _made(self, made_at: str | None, parents: Iterable[Work]) -> str:
        """When a new work was made: as stated, else now, and never before its parents.

        Two machines' clocks may disagree; what is made from a recorded piece was made after it.
        """
        if made_at is not None:
            return start_of_past(made_at, self.now)
        return max([instant(self.now), *(parent.made for parent in parents)])

    def _must_follow(
        self, id: str, made_at: str | None, made: str, parents: Iterable[Work], sheet: Sheet
    ) -> None:
        """Refuse a new work that is not younger than all it is made from, or owes too much."""
        must_be_within_cap(id, (one.rate for one in sheet.facts if isinstance(one, Remix.Declared)))
        newborn = Work.__new__(Work)
        newborn.id, newborn.made_at, newborn.made = id, made_at, made
        newborn.position = PENDING + len(self.facts) + PENDING
        for parent in parents:
            self._must_be_older(parent, newborn)

    def _must_be_older(self, parent: Work, child: Work) -> None:
        must_be_older(parent, child)
        # A redating at the same moment could turn the order around.
        self._watch("work.redated", parent.id, child.id)

    def _watch(self, topic: str, *subjects: str) -> None:
        known = self.watched.setdefault(topic, set())
        if known is not None:
            known.update(subjects)

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
        if self.signing is not None and not given:
            raise BadSignature("what is signed names the id of what it brings into being")
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


def _must_be_new(key: str, contributor: Contributor) -> None:
    """Refuse what is no key of the contributor; a key that was revoked does not come back."""
    try:
        must_be_key_of(contributor.id, key)
    except NotVerified as problem:
        raise BadSigningKey(str(problem)) from None
    if any(getattr(happened, "key", None) == key for _, happened in contributor.facts):
        raise BadSigningKey("it was registered before")


def _named(noun: Disputable) -> dict[str, str]:
    """What every fact about an edge or a credit names."""
    assert isinstance(noun, Remix | Credit)
    return noun.ends if isinstance(noun, Remix) else noun.line


def _moved(work: Work, made_at: str, made: str) -> Work:
    """The same work at another making date."""
    moved = Work.__new__(Work)
    moved.id, moved.made_at, moved.made, moved.position = work.id, made_at, made, work.position
    return moved


def new_id(id: str | None) -> str:
    """The id a client chose, in its usual form, or a random one."""
    if id is None:
        return str(uuid4())
    if _UUID.match(id):
        return id
    try:
        return str(UUID(id))
    except ValueError:
        raise BadId(id) from None


def _sha1(data: bytes) -> bytes:
    return sha1(data, usedforsecurity=False).digest()


def part_id(whole: str, part: str, number: int) -> str:
    """The id of something recorded along with a whole, so that a repetition finds it again.

    It is the UUID of version 5 (RFC 9562, section 5.5), made here because an import makes many.
    """
    digest = bytearray(_sha1(bytes.fromhex(whole.replace("-", "")) + f"{part}/{number}".encode()))
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest[:16].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def plain_text(field: str, value: str) -> str:
    """A text that can be kept: not empty, not too long, without NUL or lone surrogates."""
    if not value.strip():
        raise BadText(field, "an empty text says nothing")
    if len(value) > LIMITS[field]:
        raise TextTooLong(field, LIMITS[field])
    if "\0" in value:
        raise BadText(field, "the character NUL can't be kept")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadText(field, "half of a surrogate pair can't be kept") from None
    return value


def hex_digest(sha256: str) -> str:
    """A SHA-256 digest as 64 hexadecimal digits in lower case."""
    if not _SHA256.match(sha256.lower()):
        raise BadText("sha256", "not 64 hexadecimal digits")
    return sha256.lower()
