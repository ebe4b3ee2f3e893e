"""The journal: every fact in one total order, and the only way to write.

When ``record`` returns, everything is stored permanently; when it refuses, nothing is stored.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, count, pairwise
from threading import Condition as Signal
from threading import Lock
from typing import Any, NamedTuple, TypeVar, cast

from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError, Mapper, StoredEvent

from domain.clock import CLOCK, Clock, must_be_credible, stamp_of
from domain.command import Command
from domain.draft import Acknowledgement, Draft, read_first
from domain.engine import DatabaseUnavailable, Engine
from domain.fact import Fact, FactMapper, utc_now
from domain.installation import Rules
from domain.kept import Rows
from domain.moment import instant
from domain.money.books import Books, keep
from domain.money.folding import changes_books
from domain.permission import OPERATOR
from domain.recorders import JournalRecorder
from domain.refusal import Busy, ClockUnreliable, Refusal, TooLarge
from domain.signature import Signing
from domain.stored import Placed
from domain.together import Together

T = TypeVar("T")
Answers = list[Acknowledgement | None]
"""The answers to commands that were sent together; None for one that is left to its thread."""

LARGEST_FACT_BYTES = 65_000
"""A leaf of the log holds 65,535 bytes: a fact, its place, and its links."""
LONGEST_LINK_BYTES = 120

TURNS_PAGE = 200_000
"""How many facts one query examines for time that ran backwards."""
ATTEMPTS = 12
"""How often an append is attempted, at least, while concurrent writers conflict with it."""
MOST_DECIDED = 16
"""The most brief commands that share a draft."""
MOST_PARTS = 20
"""How many parts, such as authors and sources, a brief command has at most: 500 sources take 30
milliseconds."""
PATIENCE_SECONDS = 10
"""How long attempts go on, at least: many writers that move the same money succeed in turn."""


def attempts() -> Iterator[int]:
    """The numbers of attempts from 0, with random pauses in between that tend to grow."""
    began = time.monotonic()
    for number in count():
        if number >= ATTEMPTS and time.monotonic() > began + PATIENCE_SECONDS:
            return
        if number:
            time.sleep(random.uniform(0, 0.002 * 2 ** min(number, 7)))
        yield number


class Sent(NamedTuple):
    """A command as a thread sends it, with its actor and idempotency key."""

    command: Command
    by: str
    key: str | None
    is_new_key: bool

    @property
    def is_brief(self) -> bool:
        """Whether it is decided quickly, so that others can wait for it."""
        lists = (one for one in vars(self.command).values() if isinstance(one, tuple | list))
        return self.command.IS_BRIEF and sum(map(len, lists)) <= MOST_PARTS

    def carried_out(self, draft: Draft) -> Acknowledgement:
        """Its answer on a draft; raises its refusal."""
        return draft.carry_out(self.command, self.by, key=self.key, is_new_key=self.is_new_key)

    def tried(self, draft: Draft) -> Acknowledgement | None:
        """Its answer, if it adds anything to the draft."""
        before = len(draft.facts)
        with suppress(Refusal):
            told = self.carried_out(draft)
            return told if len(draft.facts) > before else None
        return None


def _about(sent: Iterable[Sent]) -> set[str]:
    """The ids of the streams that are read in advance for these commands."""
    return {id for one in sent for id in read_first(one.command, one.by)}


class Journal(Application[str]):
    """Every fact of Stemma, and the only way to add one."""

    name = "stemma"

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = utc_now,
        log_name: str = "",
        rules: Rules | None = None,
    ) -> None:
        self.engine = engine
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.popo"})  # none of it is used
        self.clock = clock
        self.log_name = log_name
        """The name of the log, for which actors sign; empty if there is none."""
        self.rules = rules or Rules()
        self.written = Signal()
        self.last_written = 0
        """The latest position this process has written, guarded by ``written``."""
        self.together = Together(
            self._record_all, MOST_DECIDED, alone=lambda one: self._recorded([one])
        )
        self._turning = Lock()
        self._turns: list[tuple[int, str]] = []
        self._turned = 0

    def construct_recorder(self) -> JournalRecorder:
        """The library's recorder, on the engine."""
        return JournalRecorder(self.engine)

    def construct_mapper(self) -> Mapper[str]:
        """Facts are stored as compact JSON of their own fields."""
        return FactMapper(self.construct_transcoder())

    @property
    def facts(self) -> JournalRecorder:
        """The facts as stored."""
        return cast("JournalRecorder", self.recorder)

    def record(
        self,
        *commands: Command,
        by: str = OPERATOR,
        signing: Signing | None = None,
        key: str | None = None,
        is_new_key: bool = False,
    ) -> Acknowledgement:
        """Carry out commands in one append, and return the answer to the last.

        A single command may be signed by its actor and have an idempotency key, which may have
        been made up for it. All commands are decided on one snapshot, and again on a later one if
        others write meanwhile. If one is refused, its refusal is raised and nothing is recorded.
        Brief commands that threads send at the same time are decided and recorded together.
        """
        sent = [Sent(command, by, key, is_new_key) for command in commands]
        if len(sent) == 1 and sent[0].is_brief and signing is None:
            return self.together.ask(sent[0])
        return self._recorded(sent, signing)

    def _record_all(
        self, first: Sent, close: Callable[[], Sequence[Sent]]
    ) -> Answers | Callable[[], Answers]:
        """The answers to commands that are decided on one draft and recorded in one append.

        None for one that is left to its thread: of several, one that adds nothing to the draft,
        because only on its own is it certain that it is refused or was carried out before; and all
        of them if others write what they rely on. While a single one is recorded, others may be
        decided; after several, it is better to wait, as their threads may be about to send more.
        """
        sent = close()

        def carry_out(draft: Draft) -> Answers:
            if len(sent) == 1:
                return [first.carried_out(draft)]
            told = [one.tried(draft) for one in sent]
            draft.further_keys.clear()  # of repetitions
            return told

        def recorded() -> Answers:
            with suppress(IntegrityError):
                positions = self.commit(draft)
                return [one and one.recorded(positions) for one in told]
            return nobody

        nobody: Answers = [None] * len(sent)
        with suppress(IntegrityError):
            told, draft = self._decided(carry_out, _about(sent), {}, is_first=True)
            return recorded if len(sent) == 1 else recorded()
        return nobody

    def _recorded(self, sent: Sequence[Sent], signing: Signing | None = None) -> Acknowledgement:
        def carry_out(draft: Draft) -> list[Acknowledgement]:
            return [one.carried_out(draft) for one in sent]

        receipts, positions = self.decided(carry_out, signing=signing, about=_about(sent))
        told = tuple(chain.from_iterable(one.warnings for one in receipts))
        return receipts[-1]._replace(warnings=told).recorded(positions)

    def decided(
        self,
        decide: Callable[[Draft], T],
        *,
        about: Collection[str] = (),
        rehearsed: tuple[T, Draft] | None = None,
        **terms: Any,
    ) -> tuple[T, Sequence[int]]:
        """Decide on a draft and record it in one append; the result and the positions.

        It is decided again if others write meanwhile, even if ``rehearsed``; in the end, Busy. What
        has an id in ``about`` is read in advance, together. The ``terms`` are those of a draft.
        """
        for number in attempts():
            try:
                told, draft = rehearsed or self._decided(decide, about, terms, is_first=not number)
                return told, self.commit(draft)
            except IntegrityError:
                rehearsed = None
        raise Busy

    def _decided(
        self,
        decide: Callable[[Draft], T],
        about: Collection[str],
        terms: Mapping[str, Any],
        *,
        is_first: bool,
    ) -> tuple[T, Draft]:
        """The result of ``decide``, and the draft.

        The first attempt goes by what is remembered, and stands if it leads to an append, which
        checks that it still holds. Otherwise everything is read."""
        with suppress(Refusal, IntegrityError), self.engine.snapshot():
            if is_first and (basis := self.facts.remembered(about)):
                draft = self.draft(basis=basis, **terms)
                told = decide(draft)
                if draft.facts:
                    return told, draft
        with self.engine.snapshot():
            draft = self.draft(basis=self.facts.basis_ahead(about), **terms)
            return decide(draft), draft

    def draft(self, **terms: Any) -> Draft:
        """An empty draft, for several commands in one append."""
        return Draft(self.facts, self.rules, self.clock(), **terms)

    def commit(self, draft: Draft) -> Sequence[int]:
        """Record a draft and return its positions; IntegrityError if others were faster."""
        if draft.further_keys:
            with suppress(DatabaseUnavailable):  # where nothing is written, it is answered as well
                self.facts.name_further(draft.further_keys)
        if not draft.facts:
            return ()
        must_be_credible(draft.now, draft.latest, behind=timedelta.max)
        positions = self.append_stored(
            list(map(self.mapper.to_stored_event, draft.facts)),
            facts=draft.facts,
            disclosures=draft.kept(),
            erased=draft.erased,
            condition=draft.condition,
            requests=draft.requests,
            spent=draft.spent(),
            decided=draft.decided,
            basis=draft.basis,
        )
        draft.near.recorded(positions)
        return positions

    def append_stored(
        self,
        stored: Sequence[StoredEvent],
        *,
        facts: Sequence[Fact] | None = None,
        decided: Books | None = None,
        **terms: Any,
    ) -> Sequence[int]:
        """Record facts in the form in which they are stored (see domain.append)."""
        if facts is None:
            facts = [cast("Fact", self.mapper.to_domain_event(one)) for one in stored]
        about = [happened.subjects() for happened in facts]
        for one, subjects in zip(stored, about, strict=True):
            if len(one.state) + LONGEST_LINK_BYTES * len(subjects) > LARGEST_FACT_BYTES:
                raise TooLarge(LARGEST_FACT_BYTES)
        positions = self.facts.insert_events(
            stored,
            facts=facts,
            about=about,
            found=[happened.found_by() for happened in facts],
            keeping=partial(keep, decided) if any(map(changes_books, facts)) else None,
            **terms,
        )
        with self.written:
            self.last_written = max(self.last_written, *positions)
            self.written.notify_all()
        return positions

    def has_lost(self, written: int, end: int) -> None:
        """Note that the journal ends before ``written``, the latest position of this process.

        A failover has lost it, so nobody needs to wait for it any more.
        """
        with self.written:
            if self.last_written == written:
                self.last_written = end

    @contextmanager
    def supposing(self, about: Collection[str]) -> Iterator[Callable[..., Draft]]:
        """Makes drafts on one snapshot; what has an id in ``about`` is read once for all."""
        with self.engine.snapshot():
            yield partial(self.draft, basis=self.facts.basis(about))

    def rehearse(
        self, *commands: Command, by: str = OPERATOR
    ) -> tuple[Acknowledgement, Sequence[Fact]]:
        """The answer to the last command, and the facts that would be recorded; raises refusals."""
        with self.supposing({id for one in commands for id in read_first(one, by)}) as supposed:
            draft = supposed()
            answers = [draft.carry_out(command, by) for command in commands]
        return answers[-1], draft.facts

    def books(self) -> Books:
        """The current books."""
        return Books(Rows(self.engine.query))

    def read(
        self, after: int = 0, page: int = 5000, topics: Collection[str] = ()
    ) -> Iterator[Placed]:
        """Every fact after a position, as stored and in order; of all topics if none are given."""
        while placed := self.facts.after(after, page, topics):
            yield from placed
            after = placed[-1].position

    # -- time ------------------------------------------------------------------------------

    def must_have_credible_clock(self) -> None:
        """Raise ClockUnreliable if the clock contradicts the latest fact."""
        must_be_credible(self.clock(), self.facts.latest().moment)

    def clock_problem(self) -> str:
        """What is wrong with the clock, in a sentence; empty if nothing is."""
        try:
            self.must_have_credible_clock()
        except ClockUnreliable as problem:
            return str(problem)
        return ""

    def accept_clock(self) -> int:
        """Record that time goes on from what the clock now shows; the position of that fact."""
        for _ in attempts():
            latest = self.facts.latest().moment
            now = self.clock()
            happened = Clock.Accepted(
                originator_id=CLOCK,
                originator_version=len(self.facts.streams([CLOCK])) + 1,
                timestamp=now,
                actor=OPERATOR,
                before=instant(latest or now),
            )
            try:
                stored = self.mapper.to_stored_event(happened)
                return self.append_stored([stored], facts=[happened])[0]
            except IntegrityError:
                continue
        raise Busy

    def position_at(self, moment: datetime) -> int:
        """The last position recorded up to a moment; 0 if there is none.

        Where time once ran backwards, it is the last one that is stamped up to the moment.
        """
        asked, head = instant(moment), self.facts.head()
        starts = [*self.turns(head), (head + 1, "")]

        def stamped(position: int) -> str:
            return stamp_of(self.facts.at([position])[0].state)

        for (start, stamp), (end, _) in reversed([*pairwise(starts)]):
            if stamp <= asked:
                return start - 1 + bisect_right(range(start, end), asked, key=stamped)
        return 0

    def turns(self, upto: int) -> list[tuple[int, str]]:
        """Where a stretch begins in which time does not run backwards, and the time then.

        The first is the first fact; nothing is read twice.
        """
        with self._turning:
            if not self._turns and (first := self.facts.at([1])):
                self._turns.append((1, stamp_of(first[0].state)))
                self._turned = 1
            while self._turns and self._turned < upto:
                until = min(upto, self._turned + TURNS_PAGE)
                self._turns += self.facts.turns(self._turned, until)
                self._turned = until
            return list(self._turns)
