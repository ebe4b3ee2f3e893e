"""Pending facts, which a draft is about to record, indexed so that it can query them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar, cast

from domain.fact import FACTS, Fact

F = TypeVar("F", bound=Fact)
Stream = list[tuple[int, Fact]]
"""Facts with their positions, in order."""


def is_born(stream: Stream) -> bool:
    """Whether a stream begins with the first fact of its noun."""
    return bool(stream) and stream[0][1].originator_version == 1


class Pending:
    """Facts at their pending positions, indexed by kind, by noun and by values of fields."""

    def __init__(self) -> None:
        self._fresh: Stream = []
        """Added since the last query, and not indexed yet."""
        self._streams: dict[str, Stream] = {}
        self._kinds: dict[str, Stream] = {}
        self._values: dict[tuple[str, str], tuple[int, dict[str, Stream]]] = {}
        """By kind and field: how many facts of the kind are indexed, and the facts by value."""

    def add(self, position: int, happened: Fact) -> None:
        """Add a fact; its position must be after all others."""
        self._fresh.append((position, happened))

    def _sort_in(self) -> None:
        for at in self._fresh:
            self._streams.setdefault(at[1].originator_id, []).append(at)
            self._kinds.setdefault(at[1].TOPIC, []).append(at)
        self._fresh.clear()

    def stream(self, noun: str) -> Stream:
        """The pending facts of a noun."""
        self._sort_in()
        return self._streams.get(noun, [])

    def of(self, kind: type[F]) -> list[tuple[int, F]]:
        """The pending facts of a kind and its subclasses."""
        self._sort_in()
        kinds = [topic for topic in self._kinds if issubclass(FACTS[topic], kind)]
        return cast("list[tuple[int, F]]", _merged([self._kinds[topic] for topic in kinds]))

    def saying(
        self, kinds: tuple[type[F], ...], field: str, values: Collection[str]
    ) -> Iterator[F]:
        """The pending facts of these kinds that have one of these values in a field."""
        self._sort_in()
        found = (self._by_value(kind.TOPIC, field) for kind in kinds if kind.TOPIC in self._kinds)
        streams = [by[value] for by in found for value in values if value in by]
        return cast("Iterator[F]", (happened for _, happened in _merged(streams)))

    def _by_value(self, topic: str, field: str) -> dict[str, Stream]:
        count, found = self._values.get((topic, field), (0, {}))
        every = self._kinds[topic]
        for position, happened in every[count:]:
            found.setdefault(getattr(happened, field), []).append((position, happened))
        self._values[topic, field] = (len(every), found)
        return found


def _merged(streams: list[Stream]) -> Stream:
    """Several streams merged by position."""
    if len(streams) == 1:
        return streams[0]
    return sorted((one for stream in streams for one in stream), key=lambda one: one[0])
