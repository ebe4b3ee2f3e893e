"""Tables of documents, found by their words: FTS5 of SQLite, tsvector of PostgreSQL.

The words come from ``domain.words`` and nothing is left to the engines to take apart, so that both
find the same. A document has a number, ``rowid``, and four columns of words with spaces between.

One file, because both have to say the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple

COLUMNS = ("name", "texts", "terms", "tags")
FIRST, LAST, BETWEEN = "_a", "_z", "_"
"""What stands before and after the words of a name, and between texts: no words themselves."""


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

Ask = Callable[..., Sequence[tuple[Any, ...]]]
"""A query, by its text and named values."""


class Documents(ABC):
    """How an engine keeps documents and finds them."""

    WRITTEN: tuple[str, ...] = Document._fields
    """The columns that are written."""
    COUNTED: str
    """A query of how many documents are found by ``:wanted``, of at most ``:most``."""

    @abstractmethod
    def create(self, name: str) -> Iterator[str]:
        """The statements that create a table of documents."""

    @abstractmethod
    def row(self, document: Document) -> tuple[Any, ...]:
        """The row of a document, in the order of the columns that are written."""

    @abstractmethod
    def told(self, wanted: Wanted) -> str:
        """What is looked for, in the language of the engine."""

    @abstractmethod
    def latest(
        self, ask: Ask, wanted: Wanted, under: int, limit: int, *, is_rare: bool = False
    ) -> list[int]:
        """The numbers below one that match, the greatest first; few do if it is rare."""


class Fts5(Documents):
    """FTS5: the table itself is the index."""

    COUNTED = (
        "SELECT count(*) FROM (SELECT 1 FROM @documents d WHERE d.@documents MATCH :wanted "
        "LIMIT :most) AS found"
    )
    LATEST = (
        "SELECT d.rowid FROM @documents d WHERE d.@documents MATCH :wanted AND d.rowid < :under "
        "ORDER BY d.rowid DESC LIMIT :limit"
    )

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

    def latest(
        self, ask: Ask, wanted: Wanted, under: int, limit: int, *, is_rare: bool = False
    ) -> list[int]:
        rows = ask(self.LATEST, wanted=self.told(wanted), under=under, limit=limit)
        return [number for (number,) in rows]


class Tsvector(Documents):
    """A column of words with their places, and a GIN index.

    A word of each column is another word of the vector, and so is a whole name and its first word:
    the index then finds what a phrase in one column needs, and the rows need not be read for it.

    The planner would have to guess how many rows match, and reads the table whole where it guesses
    wrong. So the latest are looked through first, which finds enough of what is frequent; what is
    rarer is found by the index.
    """

    WRITTEN = (*Document._fields, "words")
    BEFORE: ClassVar = {"name": "n_", "texts": "t_", "terms": "o_", "tags": ""}
    """What stands before a word of each column."""
    OF_NAME: ClassVar = {"first": "f_", "whole": "w_"}
    LAST_PLACE = 16_383
    """Words beyond it have this place."""
    LONGEST = 1_000
    """A longer name is known by its digest: a word of a vector has at most 2,046 bytes."""
    LOOKED_THROUGH = 1_000
    _MATCH = "d.words @@ CAST(:wanted AS tsquery)"
    COUNTED = (
        f"SELECT count(*) FROM (SELECT 1 FROM @documents d WHERE {_MATCH} LIMIT :most) AS found"
    )
    _AMONG_LATEST = (
        "SELECT d.rowid FROM (SELECT d.rowid, d.words FROM @documents d WHERE d.rowid < :under "
        f"ORDER BY d.rowid DESC LIMIT :window) AS d WHERE {_MATCH} LIMIT :limit"
    )
    _BY_INDEX = (
        f"SELECT d.rowid FROM (SELECT d.rowid FROM @documents d WHERE {_MATCH} OFFSET 0) AS d "
        "WHERE d.rowid < :under ORDER BY d.rowid DESC LIMIT :limit"
    )

    def create(self, name: str) -> Iterator[str]:
        columns = ", ".join(f'{column} TEXT COLLATE "C"' for column in COLUMNS)
        yield f"CREATE TABLE {name} (rowid BIGINT PRIMARY KEY, {columns}, words tsvector)"
        yield f"CREATE INDEX {name}_words ON {name} USING gin (words) WITH (fastupdate = off)"

    def row(self, document: Document) -> tuple[Any, ...]:
        told, place = list[str](), 1
        for column, before in self.BEFORE.items():
            for word in getattr(document, column).split():
                if word not in (FIRST, LAST, BETWEEN):
                    told.append(f"'{before}{word}':{min(place, self.LAST_PLACE)}")
                place += 1
            place += 1  # so that no phrase goes on in the next column
        if name := [word for word in document.name.split() if word not in (FIRST, LAST)]:
            told.append(f"'{self.OF_NAME['first']}{name[0]}':2")
            told.append(f"'{self._whole(name)}'")
        return (*document, " ".join(told))

    def _whole(self, name: Sequence[str]) -> str:
        spelled = "_".join(name)
        if len(spelled.encode()) > self.LONGEST:
            spelled = sha256(spelled.encode()).hexdigest()
        return f"{self.OF_NAME['whole']}{spelled}"

    def told(self, wanted: Wanted) -> str:
        match wanted:
            case Phrase(column=""):
                texts = (column for column, before in self.BEFORE.items() if before)
                return self.told(Some(tuple(replace(wanted, column=one) for one in texts)))
            case Phrase():
                return self._phrase(wanted)
            case All(parts):
                return f"({' & '.join(map(self.told, parts))})"
            case Some(parts):
                return f"({' | '.join(map(self.told, parts))})"
            case Without(one, other):
                return f"({self.told(one)} & !{self.told(other)})"

    def _phrase(self, phrase: Phrase) -> str:
        words = [word for word in phrase.words if word not in (FIRST, LAST)]
        spelled = [f"{self.BEFORE[phrase.column]}{word}" for word in words]
        if phrase.words[-1] == LAST:
            spelled = [self._whole(words)]
        elif phrase.words[0] == FIRST:
            spelled[0] = f"{self.OF_NAME['first']}{words[0]}"
        quoted = [f"'{word}'" for word in spelled]
        return f"({' <-> '.join(quoted)}{':*' if phrase.is_beginning else ''})"

    def latest(
        self, ask: Ask, wanted: Wanted, under: int, limit: int, *, is_rare: bool = False
    ) -> list[int]:
        said = {"wanted": self.told(wanted), "under": under, "limit": limit}
        window = 0 if is_rare else self.LOOKED_THROUGH
        rows = ask(self._AMONG_LATEST, window=window, **said) if window else ()
        if len(rows) < limit:
            rows = ask(self._BY_INDEX, **said)
        return [number for (number,) in rows]
