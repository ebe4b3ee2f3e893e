"""Auditing a service from outside: its log is mirrored and replayed, and its answers compared.

A difference may come from what was recorded since the log was mirrored: who may read something is
decided by what is known now. So what differs is asked again, beside a newer mirror, before it is
told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from domain.checkpoint import Trusted
from projections.folding import uncollected
from projections.progress import Progress
from scripts.comparison import Comparison, Different
from scripts.comparison.caller import Caller
from scripts.comparison.enquiries import Enquiry, enquiries, populations
from scripts.comparison.judging import Judging
from scripts.comparison.texts import CommittedTexts, Disclosed, take_texts
from scripts.mirror import mirror
from scripts.remote import Remote
from scripts.replay import CHECKS, fold, put
from scripts.service import Service

Told = Callable[[str], AbstractContextManager[Progress]]
"""A progress bar for a part of the work."""

SECONDS_TO_GROW = 1.5
"""After so long, what was recorded is in the log and signed."""
MOST_AGAIN = 5
"""How often what differs is compared again while the log grows."""


class Audit:
    """A service that is audited, and a replay of its log in a database of its own."""

    def __init__(
        self,
        log: Remote,
        folder: Path,
        replay: Service,
        told: Told,
        *,
        with_texts: bool = True,
    ) -> None:
        self.log, self.caller = log, Caller(log.url, log.api_key)
        self.disclosed = Disclosed(self.caller)
        self.folder, self.keys = folder, log.keys
        self.replay, self.told, self.with_texts = replay, told, with_texts
        self.judging = Judging(replay)
        self.trusted: Trusted | None = None
        self.texts, self.asked = CommittedTexts(), 0

    @property
    def size(self) -> int:
        """The position at which both are asked."""
        return self.replay.journal.facts.head()

    def catch_up(self) -> Trusted:
        """Mirror what the log holds by now, and replay it; NotVerified if it is not as signed."""
        after = self.size
        with self.told("mirroring") as progress:
            trusted = mirror(self.log, self.folder, progress, is_replayed=not after)
            self.trusted = trusted
        size = trusted.checkpoint.size
        with self.told("replaying") as progress, uncollected():
            told = self._judged_too(progress)
            put(self.replay, self.folder, trusted, self.keys, told)
        if not after:
            self.judging.begin(*CHECKS)
        with self.told("texts") as progress, uncollected(), self.caller.kept_open():
            disclosed = self.disclosed if self.with_texts else Disclosed(None)
            self.texts += take_texts(self.replay, disclosed, after, size, progress)
        if not after:
            self.judging.begin("signatures")
        with self.told("folding") as progress:
            fold(self.replay, progress)
        return trusted

    def _judged_too(self, progress: Progress) -> Progress:
        """What is put there is decided again meanwhile; what came first, and not what follows."""

        def told(position: int, size: int) -> None:
            progress(position, size)
            self.judging.judge(position, size)

        return progress if self.size else told

    def broken_rules(self) -> list[str]:
        """What no command could have recorded, or what does not add up, in what came first."""
        broken, begun = list[str](), self.judging.found()
        with self.told("judging") as progress:
            for number, (name, wait) in enumerate(begun, start=1):
                found = wait()
                broken += [] if isinstance(found, str) else [f"{name}: {one}" for one in found]
                progress(number, len(begun))
        return broken

    def first_difference(self, sample: int | None = None, seed: int = 0) -> Different | None:
        """Ask for every answer, or for a sample of them; the first that differs."""
        every = list(populations(self.replay))
        count = sum(len(each.subjects) for each in every)
        with self.told("comparing") as progress:
            comparison = self._comparison()
            chosen = enquiries(every, sample, seed)
            for enquiry in comparison.differing(chosen, progress, min(count, sample or count)):
                self.asked = comparison.asked
                if found := self._still_different(enquiry):
                    return found
        self.asked = comparison.asked
        return None

    def _comparison(self) -> Comparison:
        is_whole = self.with_texts and not self.texts.missing
        return Comparison(self.caller, self.replay, with_texts=is_whole)

    def _still_different(self, enquiry: Enquiry) -> Different | None:
        """How an answer differs from what the log says by now, unless it was overtaken."""
        found = self._comparison().difference(enquiry)
        for _ in range(MOST_AGAIN):
            if found is None:
                break
            size = self.size
            time.sleep(SECONDS_TO_GROW)
            if self.catch_up().checkpoint.size == size:
                break
            found = self._comparison().difference(enquiry)
        return found
