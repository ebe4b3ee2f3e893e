"""Repetitions: what a draft knows of requests, so that the same one gets the same answer again.

A request is recognised by its idempotency key, or by its target: the id of the noun that it creates
or changes (domain.request). Another one that would create a noun under a used id is refused.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from domain.command import Command
from domain.past import PENDING, Past
from domain.queries import Facts
from domain.refusal import IdempotencyKeyReused, IdTaken
from domain.request import Request


class Repetitions:
    """The requests of a draft, and the earlier ones with the same targets."""

    def __init__(self, stored: Facts, upto: int, once: Mapping[str, int] | None) -> None:
        self._stored, self._upto = stored, upto
        self._once = None if once is None else ChainMap({}, cast("dict[str, int]", once))
        """By target: the position up to which an import has already seen its requests; only later
        requests are compared. None outside imports: only the latest request is compared."""
        self._asked: dict[str, list[Request]] = {}
        self.requests: list[Request] = []
        """Those of the draft, each with the index of its last fact as its position."""
        self.further_keys: dict[str, int] = {}
        """Idempotency keys of repetitions recognised by target: key → position of the original."""

    def prefetch(self, targets: Collection[str]) -> None:
        """Read the requests of many targets at once."""
        if missing := [target for target in targets if target not in self._asked]:
            self._asked.update((target, []) for target in missing)
            for request in self._stored.requests(missing):
                if request.position <= self._upto:  # later ones are not in this past
                    self._asked[request.target].append(request)

    def know(self, read: Repetitions) -> None:
        """Know the requests that another draft on the same snapshot, still empty, has read."""
        self._asked.update((target, [*requests]) for target, requests in read._asked.items())

    def about(self, target: str) -> list[Request]:
        """The requests with a target, in order, also those of the draft."""
        self.prefetch([target])
        return self._asked[target]

    def has_none(self, target: str) -> None:
        """Note that no request has this target yet: its id is random."""
        self._asked[target] = []

    def original(
        self, past: Past, command: Command, target: str | None, key: str | None, *, is_new_key: bool
    ) -> Request | None:
        """The earlier request that was the same, if there was one; a new key is not looked up."""
        if key is not None and not is_new_key and (request := self._under(key)):
            if not _is_same(past, command, request):
                raise IdempotencyKeyReused(request.position)
            return request
        if target is None:
            return None
        asked = self.about(target)
        for request in self._compared(command, target, asked):
            if _is_same(past, command, request) and command.is_done(past):
                self._come_to(target, request.position)
                if key is not None and request.position < PENDING:
                    self.further_keys[key] = request.position
                return request
        if command.MAKES and asked:
            raise IdTaken(target)
        return None

    def _under(self, key: str) -> Request | None:
        pending = (
            one._replace(position=PENDING + one.position) for one in self.requests if one.key == key
        )
        return next(pending, None) or self._stored.request_under(key)

    def _compared(
        self, command: Command, target: str, asked: Sequence[Request]
    ) -> Sequence[Request]:
        if command.MAKES:
            return asked[:1]
        if self._once is None:
            return asked[-1:]
        return [one for one in asked if one.position > self._once.get(target, 0)]

    def add(self, request: Request) -> None:
        """Add a request that was carried out; its position is the index of its last fact."""
        self.requests.append(request)
        position = PENDING + request.position
        self._asked[request.target].append(request._replace(position=position))
        self._come_to(request.target, position)

    def reached(self, positions: Sequence[int]) -> dict[str, int]:
        """What to add to ``once``, after the draft's facts were recorded at these positions."""
        come_to = {} if self._once is None else self._once.maps[0]
        return {target: at(position, positions) for target, position in come_to.items()}

    def _come_to(self, target: str, position: int) -> None:
        if self._once is not None:
            self._once[target] = position


def at(position: int, positions: Sequence[int]) -> int:
    """The final position for one that may be pending, given those of the draft's facts."""
    return position if position < PENDING else positions[position - PENDING]


def _is_same(past: Past, command: Command, request: Request) -> bool:
    """Whether a request was the same; a text that was erased since counts as the same."""
    if command.digest(past.actor) != request.digest:
        return False
    kept = past.texts(request.texts)
    return all(
        digest not in kept or kept[digest] == text
        for digest, text in zip(request.texts, command.texts(), strict=True)
    )
