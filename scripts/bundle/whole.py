"""Whole facts: exported with their texts, and restored at their positions.

The one rule: a restored fact is byte for byte the exported one, and a journal has no gaps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeGuard, cast

from eventsourcing.persistence import IntegrityError, StoredEvent

from domain.fact import FACTS, Fact, erasing
from domain.identity import is_id
from domain.journal import Journal
from domain.lines import BadLine, Line, NotRestored
from domain.nouns import BORN, may_stand_at
from domain.past import PENDING
from domain.quota import vouched
from domain.request import Request
from domain.seal import Disclosure, digest_of, owner_in
from domain.stored import Placed

NOTHING: Mapping[int, str] = {}


class Restoration:
    """The restoration of whole facts at their positions.

    A journal has no gaps, so after a refused fact no later one is restored.
    """

    def __init__(
        self,
        journal: Journal,
        lines: list[Line],
        *,
        broken: bool,
        refusing: Mapping[int, str] = NOTHING,
    ) -> None:
        self.journal, self.broken, self.refusing = journal, broken, refusing
        # Read first: whatever others record from now on is then noticed by the changed head.
        self.head = journal.facts.head()
        self.next = self.head + 1
        positions = [line.get("position") for line in lines]
        self.there = {
            placed.position: placed[:5]
            for placed in journal.facts.at([p for p in positions if _is_position(p)])
        }
        ids = {line["id"] for line in lines if isinstance(line.get("id"), str)}
        self.streams: dict[str, list[Placed]] = {}
        for placed in journal.facts.streams({id for id in ids if is_id(id)}):
            self.streams.setdefault(placed.originator_id, []).append(placed)
        self.placed: list[Placed] = []
        self.texts: list[Disclosure] = []
        self.erased: set[str] = set()
        self.requests: list[Request] = []

    def put(self, line: Line) -> bool:
        """Add a fact; False if it is already there, NotRestored if it can't be restored."""
        placed, texts, asked = _whole_fact(line)
        if self.there.get(placed.position) == placed[:5]:
            return False
        stream = self.streams.setdefault(placed.originator_id, [])
        if placed.position < self.next:
            raise NotRestored(f"position {placed.position} holds another fact")
        if self.broken or placed.position > self.next:
            raise NotRestored("a fact before it is missing")
        if placed.originator_version != len(stream) + 1:
            raise NotRestored(f"it is not the next fact about {placed.originator_id}")
        if why := self.refusing.get(placed.position):
            raise NotRestored(why)
        stream.append(placed)
        self.next += 1
        self.requests += [one._replace(position=len(self.placed)) for one in asked]
        self.placed.append(placed)
        self.texts += texts
        if placed.topic in erasing():
            # Texts erased here may have been restored from an older export.
            facts = [(one.position, one.fact()) for one in stream]
            noun = BORN[type(facts[0][1])].told_by(facts)
            self.erased.update(facts[-1][1].erases(noun))
        return True

    def commit(self) -> None:
        """Record the facts; IntegrityError if others were faster."""
        if self.broken and self.journal.facts.head() != self.head:
            raise IntegrityError  # the refused fact may be there by now
        if self.placed:
            self.journal.append_stored(
                [StoredEvent(*placed[1:5]) for placed in self.placed],
                positions=[placed.position for placed in self.placed],
                disclosures=[text for text in self.texts if text.digest not in self.erased],
                erased=self.erased,
                requests=self.requests,
                spent=[vouched(len(self.placed))],
            )


def _is_position(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value < PENDING


def _whole_fact(line: Line) -> tuple[Placed, list[Disclosure], list[Request]]:
    try:
        placed = Placed(
            line["position"], line["id"], line["version"], line["topic"], line["state"].encode()
        )
        texts = [Disclosure(*text) for text in line.get("texts", [])]
        asked = [_request(*one) for one in line.get("asked", [])]
        content = content_of(placed)
        fits = all(
            text.digest in content.values()
            and text.digest == digest_of(text.salt, text.name, text.value)
            and owner_in(content, text.digest) in {None, text.owner}
            for text in texts
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadLine("not a fact as “stemma export” writes it") from None
    if not fits:
        raise NotRestored("a text is not the one the fact commits to")
    return placed, texts, asked


def placed_in(line: Line) -> Placed:
    """The fact in a line; BadLine or NotRestored if the line holds none."""
    return _whole_fact(line)[0]


def _request(
    target: str,
    digest: str,
    texts: list[str],
    id: str,
    key: str | None = None,
    *further: str,
) -> Request:
    """A request, as exported beside the last fact it led to."""
    are_texts = all(isinstance(one, str) for one in (digest, *texts, key or "", *further))
    if not (is_id(target) and is_id(id) and are_texts):
        raise ValueError(target)
    return Request(target, 0, digest, tuple(texts), id, key, further)


def content_of(placed: Placed) -> dict[str, Any]:
    """The content of a stored fact; ValueError if no fact of its kind can have it."""
    kind = FACTS.get(placed.topic)
    if kind is None:
        raise BadLine(f"there is no kind of fact “{placed.topic}”")
    content: dict[str, Any] = json.loads(placed.state)
    datetime.fromisoformat(content["timestamp"])
    types, needed = _form_of(cast("Any", kind))
    if (
        not _is_position(placed.position)
        or not _is_position(placed.originator_version)
        or not is_id(placed.originator_id)
        or not may_stand_at(kind, placed.originator_version)
        or not needed <= content.keys() <= types.keys()
        or not all(
            type(value) is types[name] and _is_plain(value) for name, value in content.items()
        )
    ):
        raise ValueError(placed)
    return content


@cache
def _form_of(kind: type[Fact]) -> tuple[dict[str, type], set[str]]:
    """The types of a fact's fields as stored, and the names of those that are required."""
    own = [one for one in fields(kind) if one.name not in _PLACE]
    named = {"str": str, "int": int, "bool": bool, "dict": dict, "datetime": str}
    types = {
        one.name: named.get(str(one.type).partition("[")[0].partition(" ")[0], list) for one in own
    }
    return types, {one.name for one in own if one.default is MISSING}


def _is_plain(value: object) -> bool:
    match value:
        case str():
            return "\0" not in value
        case float():
            return False
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(map(_is_plain, (*value, *value.values())))
    return True


_PLACE = frozenset({"originator_id", "originator_version"})


def export_lines(journal: Journal, after: int = 0) -> Iterator[Line]:
    """The lines of an export: each fact as stored, with its texts unless they were erased."""
    for _, line in exported(journal, after):
        yield line


def exported(journal: Journal, after: int, page: int = 2000) -> Iterator[tuple[Placed, Line]]:
    """Each fact after a position, with its line in an export."""
    while placed := journal.facts.next(after, page):
        sealed = [(one, commitments(one)) for one in placed]
        known = {
            disclosure.digest: disclosure
            for disclosure in journal.facts.disclosures(
                [digest for _, digests in sealed for digest in digests]
            )
        }
        asked: dict[int, list[Request]] = {}
        for request in journal.facts.requests_between(after, placed[-1].position):
            asked.setdefault(request.position, []).append(request)
        for one, digests in sealed:
            texts = [list(known[digest]) for digest in digests if digest in known]
            yield one, _line_of(one, texts, asked.get(one.position, []))
        after = placed[-1].position


def _line_of(placed: Placed, texts: list[list[str]], asked: list[Request]) -> Line:
    requests = [[one.target, one.digest, list(one.texts), one.id, *_keys_of(one)] for one in asked]
    return {
        "type": "fact",
        "position": placed.position,
        "id": placed.originator_id,
        "version": placed.originator_version,
        "topic": placed.topic,
        "state": placed.state.decode(),
        **({"texts": texts} if texts else {}),
        **({"asked": requests} if requests else {}),
    }


def _keys_of(request: Request) -> list[str | None]:
    """The idempotency keys of a request and of its repetitions; empty if there are none."""
    return [request.key, *request.further] if request.key or request.further else []


def commitments(placed: Placed, content: Mapping[str, Any] | None = None) -> list[str]:
    """The digests of the texts that a fact commits to, and of the message its actor signed."""
    content = placed.content() if content is None else content
    kind = FACTS.get(placed.topic) or type(placed.fact())  # which raises: there is no such kind
    names = (*kind.SEALED, "message")
    return [content[name] for name in names if name in content]
