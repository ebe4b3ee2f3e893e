"""Tables of documents and their full-text search: FTS5 in SQLite, tsvector in PostgreSQL.

Both have to find the same documents, so ``domain.words`` splits texts into words and the engines
never do. A document has a number, ``rowid``, and four columns of words separated by spaces.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple

FIRST, LAST, BETWEEN = "_a", "_z", "_"
"""Marks before and after the words of a name, and between texts; no word looks like them."""
COLLECTED_BYTES = 32 << 20
"""How much of an index FTS5 collects in memory in a transaction before it writes a segment."""


class Document(NamedTuple):
    """A numbered document, as words separated by spaces."""

    rowid: int
    name: str
    texts: str
    terms: str
    tags: str


WORDS = Document._fields[1:]
"""The columns of words."""


# -- what is looked for --------------------------------------------------------------------------


@dataclass(frozen=True)
class Phrase:
    """Consecutive words, the last of which may be the beginning of a word."""

    words: tuple[str, ...]
    column: str = ""
    """The only column in which it counts; empty for all columns but tags."""
    is_beginning: bool = False


@dataclass(frozen=True)
class All:
    """Found by every part."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True)
class Some:
    """Found by at least one part."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True)
class Without:
    """Found by the first and not by the second."""

    wanted: Wanted
    unwanted: Wanted


Wanted = Phrase | All | Some | Without

# -- the engines ---------------------------------------------------------------------------------

Ask = Callable[..., Sequence[tuple[Any, ...]]]
"""Runs a query, given its SQL and named values; returns the rows."""
Query = tuple[str, dict[str, Any]]
"""SQL with its named values."""


class Documents(ABC):
    """How an engine stores documents and finds them.

    The index knows a word under another mark in each column, and also a whole name, and its first
    word, as words of their own. So the index alone finds a word in one column, however frequent it
    is in others, and a name that begins with several words by the beginning of its whole.
    """

    COLUMNS: ClassVar = {"rowid": "BIGINT", **dict.fromkeys(WORDS, "TEXT")}
    """The columns of a row, with their types."""
    MARKS: ClassVar = {"name": "n_", "texts": "t_", "terms": "o_", "tags": ""}
    """The prefix of words, by column."""
    OF_WHOLE, OF_FIRST = "w_", "f_"
    LONGEST = 400
    """How many characters of a longer name precede its digest, since engines limit words."""

    @abstractmethod
    def create(self, name: str) -> Iterator[str]:
        """The statements that create a table of documents."""

    def index(self, name: str) -> Iterator[str]:
        """The statements that create its index, which is faster once the table is filled."""
        return iter(())

    @abstractmethod
    def latest(self, wanted: Wanted, under: int, limit: int) -> Query:
        """The query for the greatest matching numbers below ``under``, at most the next one."""

    def lately(self, wanted: Wanted, under: int, limit: int) -> Query | None:
        """The same, but it looks at so few of the latest that it never takes long.

        None if the engine finds any matches as soon as the latest.
        """
        return None

    @abstractmethod
    def some(self, wanted: Wanted, limit: int) -> Query:
        """The query for any matching numbers: costs less than ``latest`` if few match."""

    def row(self, document: Document) -> tuple[Any, ...]:
        """The row of a document, in the order of COLUMNS."""
        number, name, texts, terms, tags = document
        return (
            number,
            self._named(name.split()[1:-1]),
            self._marked(texts, "texts"),
            self._marked(terms, "terms"),
            tags,
        )

    def read(self, row: Sequence[Any]) -> Document:
        """The document of a row; what ``row`` would not write so is returned in quotation marks."""
        number, *columns = row
        name, texts, terms, tags = (c if isinstance(c, str) else f"“{c!r}”" for c in columns)
        words = _plain(name.rpartition(f" {BETWEEN} ")[2])
        spelled = f"{FIRST} {words} {LAST}" if words else ""
        is_so = self._named(words.split()) == name
        return Document(
            number,
            spelled if is_so else f"“{name}”",
            self._unmarked(texts, "texts"),
            self._unmarked(terms, "terms"),
            tags,
        )

    def misindexed(self, ask: Ask, documents: Iterable[Document]) -> set[int]:
        """The numbers of those documents whose index entries are not those of their words."""
        return set()

    def _named(self, words: Sequence[str]) -> str:
        """The words of a name for the index: the whole, the first word, then each word."""
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
        """The search for names that are, or begin with, these words."""
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

    def _unmarked(self, marked: str, column: str) -> str:
        texts = _plain(marked)
        return texts if self._marked(texts, column) == marked else f"“{marked}”"

    def told(self, wanted: Wanted) -> str:
        """The search in the engine's query language."""
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
        """The search for these consecutive words; the last may be the beginning of a word."""


def _plain(marked: str) -> str:
    """Words without their marks."""
    return " ".join(one if one == BETWEEN else one[2:] for one in marked.split())


class Fts5(Documents):
    """FTS5: the table itself is the index."""

    AND, OR, NOT = " AND ", " OR ", " NOT "
    _LATEST = (
        "SELECT d.rowid FROM @documents d WHERE d.@documents MATCH :wanted AND d.rowid < :under "
        "ORDER BY d.rowid DESC LIMIT :limit"
    )
    _SOME = "SELECT d.rowid FROM @documents d WHERE d.@documents MATCH :wanted LIMIT :limit"

    BEGUN = (3, 4, 5)
    """The lengths of prefixes with an index of their own: one to three letters after the mark."""

    def create(self, name: str) -> Iterator[str]:
        # Every character beyond ASCII is part of a word, so only spaces separate.
        prefixes = " ".join(map(str, self.BEGUN))
        yield (
            f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(WORDS)}, prefix='{prefixes}', "
            "tokenize=\"ascii tokenchars '_'\")"
        )
        # A rebuild is one transaction; small segments would be merged over and over again.
        yield f"INSERT INTO {name} ({name}, rank) VALUES ('hashsize', {COLLECTED_BYTES})"

    def phrase(self, words: Sequence[str], is_beginning: bool) -> str:
        return f'"{" ".join(words)}"{" *" if is_beginning else ""}'

    def latest(self, wanted: Wanted, under: int, limit: int) -> Query:
        return self._LATEST, {"wanted": self.told(wanted), "under": under, "limit": limit}

    def some(self, wanted: Wanted, limit: int) -> Query:
        return self._SOME, {"wanted": self.told(wanted), "limit": limit}


CALLED, MANY = "h_", "h+"
"""The mark of tags of which the first three of each document are indexed in the order of documents,
and the word of documents that have more of them."""
_CALLED_BY = tuple(
    (f"split_part(tags, ' ', {place})", f"left(split_part(tags, ' ', {place}), 2) = '{CALLED}'")
    for place in (1, 2, 3)
)
"""For each of the first three tags: the tag, and whether it has this mark."""


class Tsvector(Documents):
    """A column of words with their places, and a GIN index.

    The index finds all documents with a word, however many, and in no order. So each document also
    has the spans of numbers that it is in as words. One statement looks for the latest in a short
    span at first, then in ever longer ones before it, and ends when it has enough. In a span, the
    index reads the rarest of the words or the span, and only what matches there is fetched. Of
    words that begin alike, though, it collects all documents before anything else; if there are
    such, the statement looks at the latest documents themselves first, without the index.
    """

    COLUMNS: ClassVar = {**Documents.COLUMNS, "words": "TSVECTOR"}
    AND, OR, NOT = " & ", " | ", " & !"
    MARKED, BEGUN = frozenset("ntofh"), (3, 4, 5)
    """Words with these marks also have prefixes of one to three letters as words in the index.

    Otherwise a search for a short prefix would collect every word that begins with it, even if few
    of the documents have the other words wanted.
    """
    SPANS = (10, 14, 18, 22)
    """The binary logarithms of how many numbers there are in a span of each length."""
    LOOKED_AT, FOR_EACH = 1_024, 16
    """How many numbers are looked at without the index: at least so many, and so many for each
    document wanted."""
    WIDER = 16
    """By what factor each step in spans goes further back: that by which spans are longer."""
    _MATCH = "d.words @@ CAST(:wanted AS tsquery)"
    # No index serves a condition that IS TRUE.
    _LATELY = (
        f"SELECT d.rowid FROM @documents d WHERE ({_MATCH}) IS TRUE AND d.rowid >= :since "
        "AND d.rowid < :under ORDER BY d.rowid DESC LIMIT :limit"
    )
    # The function returns the steps in their order, and a lateral query can only be run for each.
    _BY_STEPS = (
        "SELECT found.rowid FROM json_to_recordset(CAST(:steps AS json)) "
        "AS s (spans text, under bigint), LATERAL (SELECT d.rowid FROM (SELECT d.rowid "
        "FROM @documents d WHERE d.words @@ COALESCE(CAST(:wanted AS tsquery) && "
        "CAST(s.spans AS tsquery), CAST(:wanted AS tsquery)) OFFSET 0) AS d "
        "WHERE d.rowid < s.under ORDER BY d.rowid DESC LIMIT :limit) AS found LIMIT :limit"
    )
    # Otherwise every row might be read if many matches were expected.
    _SOME = (
        f"WITH found AS MATERIALIZED (SELECT d.rowid FROM @documents d WHERE {_MATCH}) "
        "SELECT rowid FROM found LIMIT :limit"
    )
    # What comes second is only run if the first has not found enough.
    _LATEST = f"SELECT found.rowid FROM (({_LATELY}) UNION ALL ({_BY_STEPS})) AS found LIMIT :limit"
    _CALLED = " UNION ".join(
        (
            *(
                f"(SELECT d.rowid FROM @documents d WHERE {tag} = :tag AND {is_called} "
                "AND d.rowid < :under ORDER BY d.rowid DESC LIMIT :limit)"
                for tag, is_called in _CALLED_BY
            ),
            f"(SELECT d.rowid FROM @documents d WHERE {_MATCH} AND d.rowid < :under) "
            "ORDER BY rowid DESC LIMIT :limit",
        )
    )
    _OTHERWISE = (
        "SELECT d.rowid FROM @documents d JOIN json_each_text(CAST(:told AS json)) AS t "
        "ON d.rowid = CAST(t.key AS bigint) "
        "WHERE d.words IS DISTINCT FROM CAST(t.value AS tsvector)"
    )

    def create(self, name: str) -> Iterator[str]:
        columns = ", ".join(f'{column} TEXT COLLATE "C"' for column in WORDS)
        yield f"CREATE TABLE {name} (rowid BIGINT PRIMARY KEY, {columns}, words tsvector)"

    def index(self, name: str) -> Iterator[str]:
        # New words wait in a list of 64 kB and are added together, at a quarter of the cost. Every
        # search scans that list, too, so it has to stay short.
        few = "fastupdate = on, gin_pending_list_limit = 64"
        yield f"CREATE INDEX {name}_words ON {name} USING gin (words) WITH ({few})"
        for place, (tag, is_called) in enumerate(_CALLED_BY):
            yield f"CREATE INDEX {name}_{place} ON {name} (({tag}), rowid) WHERE {is_called}"

    def row(self, document: Document) -> tuple[Any, ...]:
        row = super().row(document)
        # BETWEEN takes a place, so that no phrase crosses columns. Places have 14 bits.
        words = f" {BETWEEN} ".join(row[1:]).split()
        told = [f"'{word}':{at}" for at, word in enumerate(words, 1) if word != BETWEEN]
        begun = {word[:end] for word in words if word[0] in self.MARKED for end in self.BEGUN}
        told += [f"'*{one}'" for one in begun]
        told += [f"'#{length}_{document.rowid >> length}'" for length in self.SPANS]
        if document.tags.count(f" {CALLED}") >= len(_CALLED_BY):
            told.append(f"'{MANY}'")
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

    def latest(self, wanted: Wanted, under: int, limit: int) -> Query:
        match wanted:
            case Phrase((tag,), "tags", False) if tag.startswith(CALLED):
                both = self.told(All((wanted, Phrase((MANY,), "tags"))))
                return self._CALLED, {"tag": tag, "wanted": both, "under": under, "limit": limit}
        values = {"wanted": self.told(wanted), "limit": limit}
        if not _is_begun(wanted):
            return self._BY_STEPS, {**values, "steps": self._steps(under, self.LOOKED_AT)}
        since = under - max(self.LOOKED_AT, self.FOR_EACH * limit)
        steps = self._steps(since, self.LOOKED_AT * self.WIDER)
        return self._LATEST, {**values, "since": since, "under": under, "steps": steps}

    def lately(self, wanted: Wanted, under: int, limit: int) -> Query:
        values = {"wanted": self.told(wanted), "limit": limit}
        return self._LATELY, {**values, "since": under - self.LOOKED_AT, "under": under}

    def some(self, wanted: Wanted, limit: int) -> Query:
        return self._SOME, {"wanted": self.told(wanted), "limit": limit}

    def _steps(self, under: int, count: int) -> str:
        """Spans of numbers below ``under``, first of so many, each where the one before ended."""
        steps = list[dict[str, Any]]()
        while under > count:
            length = max(one for one in self.SPANS if count >> one)
            first = under - count >> length
            spans = range(first, (under - 1 >> length) + 1)
            found = self.OR.join(f"'#{length}_{one}'" for one in spans)
            steps.append({"spans": found, "under": under})
            under = first << length
            count *= self.WIDER
        if under > 0:
            steps.append({"under": under})
        return json.dumps(steps)


def _is_begun(wanted: Wanted) -> bool:
    """Whether only the beginning of some word is given, other than at the start of a name."""
    match wanted:
        case Phrase(words):
            return wanted.is_beginning and words[0] != FIRST
        case All(parts) | Some(parts):
            return any(map(_is_begun, parts))
        case Without(one, other):
            return _is_begun(one) or _is_begun(other)
