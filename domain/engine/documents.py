"""Tables of documents, found by their words: FTS5 of SQLite, tsvector of PostgreSQL.

The words come from ``domain.words`` and nothing is left to the engines to take apart, so that both
find the same. A document has a number, ``rowid``, and four columns of words with spaces between.

One file, because both have to say the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

COLUMNS = ("name", "texts", "terms", "tags")


class Document(NamedTuple):
    """What is known by a number, in words."""

    rowid: int
    name: str
    texts: str
    terms: str
    tags: str


# -- what is looked for --------------------------------------------------------------------------


@dataclass(frozen=True)
class Phrase:
    """These words, one after the other, of which the last may be the beginning of one."""

    words: tuple[str, ...]
    column: str = ""
    """The only column in which it counts."""
    is_beginning: bool = False


@dataclass(frozen=True)
class All:
    """Every part of it."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True)
class Some:
    """At least one part of it."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True)
class Without:
    """What is found by the first and not by the second."""

    wanted: Wanted
    unwanted: Wanted


Wanted = Phrase | All | Some | Without

# -- the engines ---------------------------------------------------------------------------------


class Documents(ABC):
    """How an engine keeps documents and finds them."""

    WRITTEN: tuple[str, ...] = Document._fields
    """The columns that are written."""
    MATCHES: str
    """The condition that a document ``d`` of ``@documents`` is found by ``:wanted``."""

    @abstractmethod
    def create(self, name: str) -> Iterator[str]:
        """The statements that create a table of documents."""

    @abstractmethod
    def row(self, document: Document) -> tuple[Any, ...]:
        """The row of a document, in the order of the columns that are written."""

    @abstractmethod
    def told(self, wanted: Wanted) -> str:
        """What is looked for, in the language of the engine."""


class Fts5(Documents):
    """FTS5: the table itself is the index."""

    MATCHES = "d.@documents MATCH :wanted"

    def create(self, name: str) -> Iterator[str]:
        # Every character beyond ASCII is part of a word, so only spaces separate.
        yield (
            f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(COLUMNS)}, prefix='1 2 3', "
            "tokenize=\"ascii tokenchars '_'\")"
        )

    def row(self, document: Document) -> tuple[Any, ...]:
        return document

    def told(self, wanted: Wanted) -> str:
        match wanted:
            case Phrase(words, column, is_beginning):
                within = f"{column} : " if column else ""
                return f'{within}"{" ".join(words)}"{" *" if is_beginning else ""}'
            case All(parts):
                return f"({' AND '.join(map(self.told, parts))})"
            case Some(parts):
                return f"({' OR '.join(map(self.told, parts))})"
            case Without(one, other):
                return f"({self.told(one)} NOT {self.told(other)})"


class Tsvector(Documents):
    """A column of words with their places, the columns as its weights, and a GIN index."""

    WRITTEN = (*Document._fields, "words")
    MATCHES = "d.words @@ CAST(:wanted AS tsquery)"
    WEIGHTS: ClassVar = dict(zip(COLUMNS, "ABCD", strict=True))
    LAST_PLACE = 16_383
    """Words beyond it have this place."""

    def create(self, name: str) -> Iterator[str]:
        columns = ", ".join(f'{column} TEXT COLLATE "C"' for column in COLUMNS)
        yield f"CREATE TABLE {name} (rowid BIGINT PRIMARY KEY, {columns}, words tsvector)"
        yield f"CREATE INDEX {name}_words ON {name} USING gin (words) WITH (fastupdate = off)"

    def row(self, document: Document) -> tuple[Any, ...]:
        told, place = list[str](), 1
        for column, weight in self.WEIGHTS.items():
            for word in getattr(document, column).split():
                told.append(f"'{word}':{min(place, self.LAST_PLACE)}{weight}")
                place += 1
            place += 1  # so that no phrase goes on in the next column
        return (*document, " ".join(told))

    def told(self, wanted: Wanted) -> str:
        match wanted:
            case Phrase(words, column, is_beginning):
                weight = self.WEIGHTS.get(column, "")
                ends = f"{'*' if is_beginning else ''}{weight}"
                spelled = [f"'{word}'{f':{weight}' if weight else ''}" for word in words]
                spelled[-1] = f"'{words[-1]}'{f':{ends}' if ends else ''}"
                return f"({' <-> '.join(spelled)})"
            case All(parts):
                return f"({' & '.join(map(self.told, parts))})"
            case Some(parts):
                return f"({' | '.join(map(self.told, parts))})"
            case Without(one, other):
                return f"({self.told(one)} & !{self.told(other)})"
