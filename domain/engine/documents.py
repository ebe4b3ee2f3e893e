"""Tables of documents, found by their words: FTS5 of SQLite, tsvector of PostgreSQL.

The words come from ``domain.words`` and nothing is left to the engines to take apart, so that both
find the same. A document has a number, ``rowid``, and four columns of words with spaces between.

One file, because both have to say the same.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple

COLUMNS = ("name", "texts", "terms", "tags")
FIRST, LAST, BETWEEN = "_a", "_z", "_"
"""What stands before and after the words of a name, and between texts: no words themselves."""


COLLECTED_BYTES = 32 << 20
"""How much of an index FTS5 collects in memory, within one transaction, before it writes a part."""


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
    """How an engine keeps documents and finds them.

    A word of each column is another word for the index, and so are a whole name and its first word:
    what is wanted in one column is then found by the index alone, however frequent it is in others.
    A name that begins with several words is one whose whole, which is one word, begins with them.
    """

    COLUMNS: ClassVar = {"rowid": "BIGINT", **dict.fromkeys(COLUMNS, "TEXT")}
    """The columns that are written, with their types."""
    MARKS: ClassVar = {"name": "n_", "texts": "t_", "terms": "o_", "tags": ""}
    """What stands before a word of each column."""
    OF_WHOLE, OF_FIRST = "w_", "f_"
    LONGEST = 400
    """Of a longer name so many characters stand before its digest: no engine takes any length."""
    COUNTED: str
    """A query of how many documents are found by ``:wanted``, of at most ``:most``."""
    TAGGED: str
    """A query of the tags of such documents."""

    @abstractmethod
    def create(self, name: str) -> Iterator[str]:
        """The statements that create a table of documents."""

    def index(self, name: str) -> Iterator[str]:
        """The statements that create its index, which is sooner done once the table is full."""
        return iter(())

    @abstractmethod
    def latest(
        self, ask: Ask, wanted: Wanted, under: int, limit: int, *, is_rare: bool = False
    ) -> list[int]:
        """The numbers below one that match, the greatest first; few do if it is rare."""

    def is_frequent(self, ask: Ask, wanted: Wanted) -> bool:
        """Whether so much matches that looking for all of it would take long."""
        return False

    def row(self, document: Document) -> tuple[Any, ...]:
        """The row of a document, in the order of the columns that are written."""
        number, name, texts, terms, tags = document
        return (
            number,
            self._named(name.split()[1:-1]),
            self._marked(texts, "texts"),
            self._marked(terms, "terms"),
            tags,
        )

    def read(self, row: Sequence[Any]) -> Document:
        """The document of such a row; a name that is not written so is told as it stands."""
        number, name, texts, terms, tags = row
        words = _plain(name.rpartition(f" {BETWEEN} ")[2])
        spelled = f"{FIRST} {words} {LAST}" if words else ""
        is_so = self._named(words.split()) == name
        return Document(number, spelled if is_so else name, _plain(texts), _plain(terms), tags)

    def misindexed(self, ask: Ask, documents: Iterable[Document]) -> set[int]:
        """The numbers of those that are found by other words than their own."""
        return set()

    def _named(self, words: Sequence[str]) -> str:
        """A name: as a whole, its first word, and its words."""
        if not words:
            return ""
        marked = [self.MARKS["name"] + word for word in words]
        return " ".join([self._whole(words), self.OF_FIRST + words[0], BETWEEN, *marked])

    def _whole(self, words: Sequence[str]) -> str:
        spelled = "_".join([*words, ""])
        begun = spelled[: self.LONGEST]
        digest = "" if begun == spelled else sha256(spelled.encode()).hexdigest()
        return self.OF_WHOLE + begun + digest

    def _of_name(self, phrase: Phrase) -> str:
        """The names that are, or begin with, these words."""
        _, *words = phrase.words
        if words[-1] == LAST:
            return self.phrase([self._whole(words[:-1])], is_beginning=False)
        if len(words) == 1:
            return self.phrase([self.OF_FIRST + words[0]], phrase.is_beginning)
        begun = "_".join(words if phrase.is_beginning else [*words, ""])
        return self.phrase([self.OF_WHOLE + begun[: self.LONGEST]], is_beginning=True)

    def _marked(self, texts: str, column: str) -> str:
        if not texts:
            return ""
        mark = self.MARKS[column]
        marked = mark + texts.replace(" ", f" {mark}")
        return marked.replace(f" {mark}{BETWEEN} ", f" {BETWEEN} ")

    def told(self, wanted: Wanted) -> str:
        """What is looked for, in the language of the engine."""
        match wanted:
            case Phrase(column=""):
                texts = (column for column, mark in self.MARKS.items() if mark)
                return self.told(Some(tuple(replace(wanted, column=one) for one in texts)))
            case Phrase(words=(first, *_)) if first == FIRST:
                return self._of_name(wanted)
            case Phrase(words, column, is_beginning):
                return self.phrase([self.MARKS[column] + word for word in words], is_beginning)
            case All(parts):
                return f"({self.AND.join(map(self.told, parts))})"
            case Some(parts):
                return f"({self.OR.join(map(self.told, parts))})"
            case Without(one, other):
                return f"({self.told(one)}{self.NOT}{self.told(other)})"

    AND: str
    OR: str
    NOT: str

    @abstractmethod
    def phrase(self, words: Sequence[str], is_beginning: bool) -> str:
        """These words, one after the other, of which the last may be the beginning of one."""


def _plain(marked: str) -> str:
    """Words without their marks."""
    return " ".join(one if one == BETWEEN else one[2:] for one in marked.split())


class Fts5(Documents):
    """FTS5: the table itself is the index."""

    AND, OR, NOT = " AND ", " OR ", " NOT "
    COUNTED = (
        "SELECT count(*) FROM (SELECT 1 FROM @documents d WHERE d.@documents MATCH :wanted "
        "LIMIT :most) AS found"
    )
    TAGGED = "SELECT d.tags FROM @documents d WHERE d.@documents MATCH :wanted LIMIT :most"
    _LATEST = (
        "SELECT d.rowid FROM @documents d WHERE d.@documents MATCH :wanted AND d.rowid < :under "
        "ORDER BY d.rowid DESC LIMIT :limit"
    )

    def create(self, name: str) -> Iterator[str]:
        # Every character beyond ASCII is part of a word, so only spaces separate. The beginnings
        # that have an index of their own are those of one to three letters, after the mark.
        yield (
            f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(COLUMNS)}, prefix='3 4 5', "
            "tokenize=\"ascii tokenchars '_'\")"
        )
        # Of a rebuild, which is one transaction, many small parts would be merged time and again.
        yield f"INSERT INTO {name} ({name}, rank) VALUES ('hashsize', {COLLECTED_BYTES})"

    def phrase(self, words: Sequence[str], is_beginning: bool) -> str:
        return f'"{" ".join(words)}"{" *" if is_beginning else ""}'

    def latest(
        self, ask: Ask, wanted: Wanted, under: int, limit: int, *, is_rare: bool = False
    ) -> list[int]:
        rows = ask(self._LATEST, wanted=self.told(wanted), under=under, limit=limit)
        return [number for (number,) in rows]


class Tsvector(Documents):
    """A column of words with their places, and a GIN index.

    The planner would have to guess how many rows match, and reads the table whole where it guesses
    wrong. So the latest are looked through first, as many as should have enough of what is
    frequent; what is rarer is found by the index, which fetches all that match.
    """

    COLUMNS: ClassVar = {**Documents.COLUMNS, "words": "TSVECTOR"}
    AND, OR, NOT = " & ", " | ", " & !"
    MARKED, BEGUN = frozenset("ntofh"), (3, 4, 5)
    """Of words with these marks, the beginnings of one to three letters are words themselves.

    The index would collect all that begins so, however little of it has the other words.
    """
    LOOKED_THROUGH, FREQUENT = 1_000, 1
    """So many of the latest are looked through; what so many of them match is frequent."""
    MOST_TIMES = 8
    """So many times as many are looked through, if these should have enough."""
    AFTER_ALL = 1 << 62
    _MATCH = "d.words @@ CAST(:wanted AS tsquery)"
    COUNTED = (
        f"SELECT count(*) FROM (SELECT 1 FROM @documents d WHERE {_MATCH} LIMIT :most) AS found"
    )
    TAGGED = f"SELECT d.tags FROM @documents d WHERE {_MATCH} LIMIT :most"
    _AMONG_LATEST = (
        "SELECT d.rowid FROM (SELECT d.rowid, d.words FROM @documents d WHERE d.rowid < :under "
        f"ORDER BY d.rowid DESC LIMIT :window) AS d WHERE {_MATCH} LIMIT :limit"
    )
    _BY_INDEX = (
        f"SELECT d.rowid FROM (SELECT d.rowid FROM @documents d WHERE {_MATCH} OFFSET 0) AS d "
        "WHERE d.rowid < :under ORDER BY d.rowid DESC LIMIT :limit"
    )

    _OTHERWISE = (
        "SELECT d.rowid FROM @documents d JOIN json_each_text(CAST(:told AS json)) AS t "
        "ON d.rowid = CAST(t.key AS bigint) "
        "WHERE d.words IS DISTINCT FROM CAST(t.value AS tsvector)"
    )

    def is_frequent(self, ask: Ask, wanted: Wanted) -> bool:
        latest = {"under": self.AFTER_ALL, "window": self.LOOKED_THROUGH, "limit": self.FREQUENT}
        return len(ask(self._AMONG_LATEST, wanted=self.told(wanted), **latest)) == self.FREQUENT

    def create(self, name: str) -> Iterator[str]:
        columns = ", ".join(f'{column} TEXT COLLATE "C"' for column in COLUMNS)
        yield f"CREATE TABLE {name} (rowid BIGINT PRIMARY KEY, {columns}, words tsvector)"

    def index(self, name: str) -> Iterator[str]:
        # New words wait in a list of 64 kB and enter together, at a quarter of the cost. A search
        # looks through that list as well, so that it has to stay short.
        few = "fastupdate = on, gin_pending_list_limit = 64"
        yield f"CREATE INDEX {name}_words ON {name} USING gin (words) WITH ({few})"

    def row(self, document: Document) -> tuple[Any, ...]:
        row = super().row(document)
        # Between columns, so that no phrase goes on in the next one; a place has 14 bits there.
        words = f" {BETWEEN} ".join(row[1:]).split()
        told = [f"'{word}':{at}" for at, word in enumerate(words, 1) if word != BETWEEN]
        begun = {word[:end] for word in words if word[0] in self.MARKED for end in self.BEGUN}
        told += [f"'*{one}'" for one in begun]
        return (*row, " ".join(told))

    def misindexed(self, ask: Ask, documents: Iterable[Document]) -> set[int]:
        told = json.dumps({one.rowid: self.row(one)[-1] for one in documents})
        return {number for (number,) in ask(self._OTHERWISE, told=told)}

    def phrase(self, words: Sequence[str], is_beginning: bool) -> str:
        is_short = len(words) == 1 and len(words[0]) <= self.BEGUN[-1]
        if is_beginning and is_short and words[0][0] in self.MARKED:
            return f"('*{words[0]}')"
        quoted = [f"'{word}'" for word in words]
        return f"({' <-> '.join(quoted)}{':*' if is_beginning else ''})"

    def latest(
        self, ask: Ask, wanted: Wanted, under: int, limit: int, *, is_rare: bool = False
    ) -> list[int]:
        said = {"wanted": self.told(wanted), "under": under, "limit": limit}
        window = 0 if is_rare else self.LOOKED_THROUGH
        rows = ask(self._AMONG_LATEST, window=window, **said) if window else ()
        if rows and len(rows) < limit and (times := 2 * limit // len(rows)) <= self.MOST_TIMES:
            rows = ask(self._AMONG_LATEST, window=times * window, **said)
        if len(rows) < limit:
            rows = ask(self._BY_INDEX, **said)
        return [number for (number,) in rows]
