"""Comparing a service with its log: what it answers, and what the facts in its log say.

The rule: each question is answered twice at one position, by the service over HTTP and by a replay
of its log, and every difference is found, whatever part of the answer it is in.

Of texts that were not disclosed it is only compared that there is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from domain.printable import escaped
from domain.refusal import Refusal
from domain.seal import TEXTS
from projections import lineage
from projections.progress import Progress
from projections.question import Asking
from projections.store import View
from scripts.comparison.caller import Caller, refused
from scripts.comparison.enquiries import Enquiry
from scripts.service import Service

AT_ONCE = 4
"""How many answers are fetched at the same moment."""
WINDOW = 64

NAMED = frozenset(
    {*TEXTS, "over_title", "formerly", "source", "category", "contributors", "says", "detail"}
)
"""What holds a text in an answer, or a list of some; a code of the same name stands for none."""
LONGEST_SHOWN = 300


class Different(NamedTuple):
    """An answer that is not the one that follows from the facts."""

    question: str
    subject: str
    """Where it was asked."""
    where: str
    """The place within the answer; empty for all of it."""
    replay: Any
    """What the facts say there."""
    service: Any
    """What the service says there."""

    def __str__(self) -> str:
        place = f", {self.where}" if self.where else ""
        said = f"the log says {_shown(self.replay)}, the service {_shown(self.service)}"
        return f"{self.question}, {self.subject}{place}: {said}"


def _shown(value: Any) -> str:
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= LONGEST_SHOWN else f"{told[:LONGEST_SHOWN]}…"


class Comparison:
    """A service, and a replay of its log, that are asked the same."""

    def __init__(self, caller: Caller, replay: Service, *, with_texts: bool) -> None:
        self.caller, self.replay, self.with_texts = caller, replay, with_texts
        self.holder = caller.holder()
        """Who asks, so that both answer the same reader."""
        self.asked = 0

    def differing(
        self, enquiries: Iterator[Enquiry], progress: Progress, of: int
    ) -> Iterator[Enquiry]:
        """What is answered otherwise, on any page of a list."""
        waiting: list[Enquiry] = []
        with (
            self.caller.kept_open(),
            self.replay.store.view() as view,
            ThreadPoolExecutor(AT_ONCE) as threads,
        ):
            while window := [*waiting, *islice(enquiries, WINDOW)]:
                waiting = []
                paths = [one.path(view.as_of) for one in window]
                for enquiry, said in zip(window, threads.map(self.caller.said, paths), strict=True):
                    self.asked += 1
                    own = self._answer(view, enquiry)
                    if next(self._differences(own, said), None):
                        yield enquiry
                    elif after := json.loads(own).get("next") if b'"next":"' in own else None:
                        waiting.append(enquiry.after(after))
                progress(self.asked, max(of, self.asked))

    def difference(self, enquiry: Enquiry) -> Different | None:
        """Where an answer first differs, if it does."""
        with self.replay.store.view() as view:
            said = self.caller.said(enquiry.path(view.as_of))
            own = self._answer(view, enquiry)
        for where, one, other in self._differences(own, said):
            return Different(enquiry.question.name, enquiry.subject, where, one, other)
        return None

    def _answer(self, now: View, enquiry: Enquiry) -> bytes:
        """What the facts say, as it is sent."""
        try:
            view = lineage.as_published(now, enquiry.said["id"]) if enquiry.as_published else now
            by = self.holder
            asking = Asking(enquiry.question, view, self.replay.journal, enquiry.said, by)
            said = _as_sent(asking)
            while shorter := asking.shorter(len(said)):
                asking, said = shorter, _as_sent(shorter)
        except Refusal as refusal:
            return refused(refusal.code)
        return said

    def _differences(self, own: bytes, said: bytes) -> Iterator[tuple[str, Any, Any]]:
        if not (self.with_texts and own == said):
            try:
                yield from self._differing(json.loads(own), json.loads(said), "")
            except (ValueError, RecursionError):
                yield "", own.decode(), said.decode("utf-8", "replace")

    def _differing(self, own: Any, said: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
        match own, said:
            case dict(), dict():
                for name in sorted({*own, *said}):
                    if self.with_texts or not _is_text(name, own.get(name), said.get(name)):
                        place = f"{where}.{name}" if where else name
                        yield from self._differing(own.get(name), said.get(name), place)
            case list(), list() if len(own) == len(said):
                for number, (one, other) in enumerate(zip(own, said, strict=True)):
                    yield from self._differing(one, other, f"{where}[{number}]")
            case _ if own != said or type(own) is not type(said):
                yield where, own, said


def _as_sent(asking: Asking) -> bytes:
    """An answer as it is sent over HTTP, by whose length its lists are cut."""
    told = json.dumps(asking.told, ensure_ascii=False, separators=(",", ":"))
    return f"{escaped(told)}\n".encode()


def _is_text(name: str, *values: Any) -> bool:
    """Whether it is a text, a list of some, or missing."""
    return name in NAMED and all(
        one is None
        or isinstance(one, str)
        or (isinstance(one, list) and all(isinstance(each, str) for each in one))
        for one in values
    )
