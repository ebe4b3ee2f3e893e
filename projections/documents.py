"""Search documents: the words by which works, people, projects and challenges are found.

A document is remade whenever a row it comes from changes. It has current texts only, at whatever
position one asks, so an erased text is not found any more. It refers to people by number, so a new
name changes one document only.

One file, because it is one table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain, starmap
from operator import itemgetter
from typing import Any

from domain.challenge import Challenge
from domain.comment import Comment
from domain.credit import NOT_COUNTED
from domain.engine import Engine, Row, Transaction
from domain.engine import Table as Stored
from domain.engine.documents import BETWEEN, FIRST, LAST, Document, Documents
from domain.fact import FACTS, Fact, erasing
from domain.role import wider
from domain.value import LARGEST_POSITION
from domain.words import words_of
from projections.attribution import CONTRIBUTORS, CREDITS
from projections.challenges import CHALLENGES
from projections.lineage import WORKS
from projections.merges import accounts_under, roots_of
from projections.projects import PROJECTS, STEPS
from projections.store import counting, table_name, with_tables
from projections.tables import NEVER, ReadTable

FOLDING = 10
"""A number to increase when documents are to be made differently."""
NAME = "documents"
MOST_TEXTS = 200
"""How many texts of each kind a document has at most."""
MOST_WORDS = 2_000
"""How many words of a text are indexed at most."""
CHUNK = 2_000

WORKS_KINDS = ("contribution", "outside", "release")
KINDS = (*WORKS_KINDS, "person", "project", "challenge")


def person_tag(number: int) -> str:
    """The tag for a person in the document of a work, a project or a challenge."""
    return f"p_{number}"


def called_tag(word: str) -> str:
    """The tag for a word of a person's name, in that person's document."""
    return f"h_{word}"


@lru_cache(4096)
def role_tag(role: str) -> str:
    """The tag for a role."""
    return f"r_{'_'.join(words_of(role))}"


@lru_cache(4096)
def role_tags(role: str) -> tuple[str, ...]:
    """The tags of a credit in a role: of that role and of every wider one.

    So a search for musicians is for one tag, instead of one for each of the many narrower roles.
    """
    return tuple(map(role_tag, wider(role)))


@lru_cache(4096)
def medium_tag(medium: str) -> str:
    """The tag for a medium."""
    return f"m_{'_'.join(words_of(medium))}"


def asks_tag(tag: str) -> str:
    """The tag for a role or a medium that a challenge asks for while it is issued.

    One tag replaces a search by several words, each of which is in a great many documents.
    """
    return f"a_{tag}"


def kind_tag(kind: str) -> str:
    """The tag for the kind of thing a document is about."""
    return f"k_{kind}"


@cache
def erased_by() -> frozenset[str]:
    """The topics of facts that erase texts of documents; comments are in no document."""
    return frozenset(one for one in erasing() if not issubclass(FACTS[one], Comment.Event))


# -- changes -------------------------------------------------------------------------------------


_OF_CREDIT = itemgetter(
    *map(
        CREDITS.places.__getitem__,
        ("work", "contributor", "role", "credited_as", "state", "hidden", "born", "since", "until"),
    )
)


@dataclass
class Changed:
    """The documents that have to be remade, by number."""

    works: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    projects: set[int] = field(default_factory=set)
    challenges: set[int] = field(default_factory=set)
    further: dict[int, set[tuple[str, str | None]]] = field(default_factory=dict)
    """By person: roles and names of credits that only add to their document."""
    texts: set[str] = field(default_factory=set)
    """Commitments of erased texts; the rows that refer to them have not changed."""

    def note_fact(self, happened: Fact) -> None:
        """Note the texts a fact erased: rows that show them do not change."""
        if happened.TOPIC in erased_by():
            self.texts.update(getattr(happened, "erased", "").split())

    def note_rows(
        self, table: ReadTable, rows: Iterable[Sequence[Any]], former: Iterable[Sequence[Any]]
    ) -> None:
        """Note the rows that were written to a table, and those that they replace."""
        at = table.places
        if table is CREDITS:
            self._note_credits(rows)  # one moves to another work only with the row of that
        elif (found := self._by_table().get(table.name)) is not None:
            numbers, columns = found
            for row in chain(rows, former):
                numbers.update(row[at[name]] for name in columns if row[at[name]] is not None)

    def _by_table(self) -> Mapping[str, tuple[set[int], tuple[str, ...]]]:
        return {
            WORKS.name: (self.works, ("number", "node")),
            CONTRIBUTORS.name: (self.people, ("number", "merged_into")),
            PROJECTS.name: (self.projects, ("number",)),
            STEPS.name: (self.projects, ("project",)),
            CHALLENGES.name: (self.challenges, ("number",)),
        }

    def _note_credits(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            work, person, role, credited_as, state, is_hidden, born, since, until = _OF_CREDIT(row)
            self.works.add(work)
            if until != NEVER:
                continue
            counts = state not in NOT_COUNTED and not is_hidden
            if counts and (since == born or credited_as is None):
                self.further.setdefault(person, set()).add((role, credited_as))
            else:
                self.people.add(person)

    def numbers(self) -> set[int]:
        """All documents to be remade as a whole, of any kind."""
        return self.works | self.people | self.projects | self.challenges

    def is_empty(self) -> bool:
        """Whether no document has to be remade."""
        return not any(vars(self).values())


# -- writing -------------------------------------------------------------------------------------


def create(writer: Transaction, generation: int, *, is_indexed: bool) -> None:
    """Create the table of documents of a generation."""
    for statement in writer.engine.DOCUMENTS.create(table_name(NAME, generation)):
        writer.execute(statement)
    if is_indexed:
        create_index(writer, generation)


def create_index(writer: Transaction, generation: int) -> None:
    """Create the index, on an engine that keeps it apart from the table."""
    for statement in writer.engine.DOCUMENTS.index(table_name(NAME, generation)):
        writer.execute(statement)


def write(writer: Transaction, generation: int, changed: Changed) -> None:
    """Remake the documents of what has changed, in the transaction that changed it."""
    if not changed.is_empty():
        _Writing(writer, generation).write(writer, changed)


Making = Callable[[Iterable[tuple[str, list[int]]]], Iterable[list[Row]]]
"""A function that makes rows of documents from pairs of a table's name and numbers in it."""


def write_all(writer: Transaction, generation: int, making: Making | None = None) -> None:
    """Make all documents, in an empty table."""
    writing = _Writing(writer, generation)
    wanted = ((of.name, some) for _, of in writing.makers() for some in writing.numbers_in(of))
    for rows in starmap(writing.made, wanted) if making is None else making(wanted):
        writer.insert(writing.stored, rows)


def made(engine: Engine, generation: int, table: str, numbers: list[int]) -> list[Row]:
    """The documents of what has these numbers in a table, as rows."""
    return _Writing(engine, generation).made(table, numbers)


def differences(
    asked: Transaction | Engine, generation: int
) -> Iterator[tuple[Document | None, ...]]:
    """Pairs of the document that is stored and the one that should be, where they differ.

    None stands for one that is missing or should not be there.
    """
    writing, seen = _Writing(asked, generation), 0
    for make, table in writing.makers():
        for numbers in writing.numbers_in(table):
            told = {one.rowid: one for one in make(numbers)}
            held = writing.held(numbers)
            seen += len(held)
            misindexed = writing.engine.misindexed(writing.rows, held.values())
            for number in sorted(told.keys() | held.keys()):
                if told.get(number) != held.get(number):
                    yield held.get(number), told.get(number)
                elif number in misindexed:
                    yield OTHERWISE._replace(rowid=number), told[number]
    count = int(writing.rows("SELECT count(*) FROM @documents")[0][0])
    if count != seen:
        yield Document(count - seen, "documents of nothing", "", "", ""), None


def is_indexed(writer: Transaction, generation: int) -> bool:
    """Whether an index that is kept apart from the documents is of their words."""
    return writer.is_indexed(table_name(NAME, generation))


OTHERWISE = Document(0, "found by other words than its own", "", "", "")
"""Stands for a document whose words in the index are not those in its row."""


class _Writing:
    """Makes documents from the read tables of a generation and the vault."""

    def __init__(self, asked: Transaction | Engine, generation: int) -> None:
        self.query_all, self.generation = asked.query_all, generation
        self.engine = (asked if isinstance(asked, Engine) else asked.engine).DOCUMENTS
        self.name = table_name(NAME, generation)
        self.stored = _stored(self.name, self.engine)

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """The rows of a query on this generation's tables at the latest position."""
        return self.all_rows(sql, **values)[0]

    def all_rows(self, *queries: str, **values: Any) -> list[list[Row]]:
        """The rows of each of several queries with the same values."""
        values["as_of"] = LARGEST_POSITION
        return self.query_all([(with_tables(sql, self.generation), values) for sql in queries])

    def made(self, table: str, numbers: list[int]) -> list[Row]:
        """The documents of what has these numbers in a table, as rows."""
        make = next(make for make, of in self.makers() if of.name == table)
        return [*map(self.engine.row, make(numbers))]

    def makers(self) -> Iterator[tuple[Any, ReadTable]]:
        """Each function that makes documents, with the table whose numbers it takes."""
        yield self.works, WORKS
        yield self.people, CONTRIBUTORS
        yield self.projects, PROJECTS
        yield self.challenges, CHALLENGES

    def numbers_in(self, table: ReadTable) -> Iterator[list[int]]:
        """The numbers of all current rows of a table, at most CHUNK at a time."""
        beyond = 0
        while found := self.rows(
            f"SELECT t.number FROM @{table.name} t WHERE t.number > :beyond AND t.until = {NEVER} "
            "ORDER BY t.number LIMIT :chunk",
            beyond=beyond,
            chunk=CHUNK,
        ):
            yield [number for (number,) in found]
            (beyond,) = found[-1]

    def write(self, writer: Transaction, changed: Changed) -> None:
        """Replace the documents that differ after these changes."""
        if changed.texts:
            self._find_texts(changed)
        further = {n: said for n, said in changed.further.items() if n not in changed.people}
        before = self.held(changed.numbers() | further.keys())
        after = self._with_further(further, before)
        if found := changed.people | (further.keys() - before.keys()):
            found |= self._roots(found)
            before |= self.held(found - changed.people) if found != changed.people else {}
            changed.people = found
        for (make, _), numbers in zip(
            self.makers(),
            (changed.works, changed.people, changed.projects, changed.challenges),
            strict=True,
        ):
            if numbers:
                after |= {one.rowid: one for one in make(numbers)}
        gone = [number for number, one in before.items() if after.get(number) != one]
        if gone:
            writer.execute_many(f"DELETE FROM {self.name} WHERE rowid IN :gone", [{"gone": gone}])
        new = (one for number, one in after.items() if before.get(number) != one)
        writer.insert(self.stored, [*map(self.engine.row, new)])

    def held(self, numbers: Iterable[int]) -> dict[int, Document]:
        """The stored documents with these numbers."""
        sql = f"SELECT {', '.join(Document._fields)} FROM @documents WHERE rowid IN :numbers"
        found = map(self.engine.read, self.rows(sql, numbers=list(numbers)))
        return {one.rowid: one for one in found}

    def _with_further(
        self, further: Mapping[int, set[tuple[str, str | None]]], held: Mapping[int, Document]
    ) -> dict[int, Document]:
        """Stored documents with roles and names added, without reading all the credits."""
        texts = self.texts({name for said in further.values() for _, name in said})
        documents = {}
        for number in further.keys() & held.keys():
            one = held[number]
            roles = {role for role, _ in further[number]}
            names = {texts.get(name) for _, name in further[number]}
            documents[number] = Document(
                number,
                one.name,
                _listed({*one.texts.split(f" {BETWEEN} "), *map(_spelled, names)}),
                _listed({*one.terms.split(f" {BETWEEN} "), *map(_spelled, roles)}),
                one.tags,
            )
        return documents

    def _roots(self, numbers: Collection[int]) -> set[int]:
        """The accounts that these belong to after all merges."""
        roots = roots_of(self.rows, numbers)
        return {roots.get(number, number) for number in numbers}

    def _find_texts(self, changed: Changed) -> None:
        """Note all that shows one of ``changed.texts``; this reads whole tables, and is rare."""
        for numbers, of, table, columns in (
            (changed.works, "node", WORKS, ("title", "creators")),
            (changed.works, "work", CREDITS, ("display", "credited_as", "character")),
            (changed.people, "contributor", CREDITS, ("credited_as",)),
            (changed.people, "number", CONTRIBUTORS, ("name",)),
            (changed.projects, "number", PROJECTS, ("title", "goal", "kind_name")),
            (changed.projects, "project", STEPS, ("title", "text")),
            (changed.challenges, "number", CHALLENGES, ("title", "prompt")),
        ):
            matches = " OR ".join(f"t.{column} IN :texts" for column in columns)
            numbers.update(
                number
                for (number,) in self.rows(
                    f"SELECT DISTINCT t.{of} FROM @{table.name} t WHERE ({matches}) "
                    f"AND t.until = {NEVER}",
                    texts=sorted(changed.texts),
                )
            )

    def texts(self, digests: Iterable[str | None]) -> dict[str | None, str]:
        """The texts that are not erased, by their commitments."""
        wanted = sorted({digest for digest in digests if digest})
        if not wanted:
            return {}
        sql = "SELECT digest, value FROM vault WHERE digest IN :wanted"
        return dict(self.rows(sql, wanted=wanted))

    # -- the document of each kind ---------------------------------------------------------------

    def works(self, numbers: Collection[int]) -> Iterator[Document]:
        """Of works, joined ones as one: titles, creators, addresses, media, credits and roles."""
        rows, credits = self.all_rows(
            "SELECT w.node, w.number, w.kind, w.state, w.title, w.creators, w.address, w.medium "
            f"FROM @works w WHERE w.node IN :numbers AND w.until = {NEVER}",
            "SELECT c.work, c.contributor, c.role, c.display, c.credited_as, c.character, c.hidden "
            f"FROM @credits c WHERE c.work IN :numbers AND c.until = {NEVER} "
            f"AND {counting('c', NOT_COUNTED)}",
            numbers=list(numbers),
        )
        of_credits = {row[0]: list[Row]() for row in rows}
        for row in credits:
            of_credits.setdefault(row[0], []).append(row)
        texts = self.texts(
            [*(text for row in rows for text in row[4:6])]
            + [text for row in credits for text in row[3:6]]
        )
        joined: dict[int, list[Row]] = {}
        for row in rows:
            joined.setdefault(row[0], []).append(row)
        for number, same in joined.items():
            own = next((row for row in same if row[1] == number), None)
            if own is not None:
                yield _of_work(own, same, of_credits[number], texts)

    def people(self, numbers: Collection[int]) -> Iterator[Document]:
        """Of people: name, names they are credited as, and roles; none for a merged account."""
        rows = self.rows(
            "SELECT p.number, p.name FROM @contributors p WHERE p.number IN :numbers "
            f"AND p.merged_into IS NULL AND p.until = {NEVER}",
            numbers=list(numbers),
        )
        persons = accounts_under(self.rows, [row[0] for row in rows])
        said = self.rows(
            "SELECT DISTINCT c.contributor, c.role, c.credited_as FROM @credits c "
            f"WHERE c.contributor IN :accounts AND c.until = {NEVER} AND c.hidden IS NULL "
            f"AND {counting('c', NOT_COUNTED)}",
            accounts=list(persons),
        )
        texts = self.texts({row[1] for row in rows} | {row[2] for row in said})
        roles: dict[int, set[str]] = {}
        names: dict[int, set[str | None]] = {}
        for account, role, name in said:
            roles.setdefault(persons[account], set()).add(role)
            names.setdefault(persons[account], set()).add(texts.get(name))
        for number, name in rows:
            if name in texts:
                yield Document(
                    number,
                    _named(texts[name]),
                    _listed(map(_spelled, names.get(number, ()))),
                    _listed(map(_spelled, roles.get(number, ()))),
                    _tags({kind_tag("person"), *map(called_tag, _spelled(texts[name]).split())}),
                )

    def projects(self, numbers: Collection[int]) -> Iterator[Document]:
        """Of projects: title, goal, kind, steps and leaders."""
        rows = self.rows(
            "SELECT p.number, p.title, p.goal, p.kind, p.kind_name, p.leaders FROM @projects p "
            f"WHERE p.number IN :numbers AND p.until = {NEVER}",
            numbers=list(numbers),
        )
        steps = self.rows(
            "SELECT t.project, t.title, t.text FROM @steps t WHERE t.project IN :numbers "
            f"AND t.until = {NEVER}",
            numbers=list(numbers),
        )
        texts = self.texts(
            [*(text for row in rows for text in (row[1], row[2], row[4]))]
            + [text for row in steps for text in row[1:]]
        )
        leaders = self._numbered({id for row in rows for id in row[5].split()})
        for number, title, goal, kind, kind_name, led in rows:
            of_steps = (text for row in steps if row[0] == number for text in row[1:])
            said = (goal, kind_name, *of_steps)
            tags = (person_tag(leaders[id]) for id in led.split() if id in leaders)
            yield Document(
                number,
                _named(texts.get(title)),
                _listed(_spelled(texts.get(one)) for one in said),
                _listed([_spelled(kind)]),
                _tags({kind_tag("project"), *tags}),
            )

    def challenges(self, numbers: Collection[int]) -> Iterator[Document]:
        """Of challenges: title, prompt, roles, media and issuer."""
        rows = self.rows(
            "SELECT c.number, c.title, c.prompt, c.roles, c.media, c.actor, c.state "
            "FROM @challenges c "
            f"WHERE c.number IN :numbers AND c.until = {NEVER}",
            numbers=list(numbers),
        )
        texts = self.texts([text for row in rows for text in row[1:3]])
        issuers = self._numbered({row[5] for row in rows})
        for number, title, prompt, roles, media, actor, state in rows:
            asked, wanted = json.loads(roles or "[]"), json.loads(media or "[]")
            is_issued = state == Challenge.Issued.STATE
            tags = (*map(role_tag, asked), *map(medium_tag, wanted)) if is_issued else ()
            own = {kind_tag("challenge")}
            own |= {person_tag(issuers[actor])} if actor in issuers else set()
            yield Document(
                number,
                _named(texts.get(title)),
                _listed([_spelled(texts.get(prompt))]),
                _listed(map(_spelled, (*asked, *wanted))),
                _tags({*own, *map(asks_tag, tags)}),
            )

    def _numbered(self, ids: Collection[str]) -> dict[str, int]:
        sql = f"SELECT p.id, p.number FROM @contributors p WHERE p.id IN :ids AND p.until = {NEVER}"
        return dict(self.rows(sql, ids=sorted(ids)))


def stored(engine: Engine, generation: int) -> Stored:
    """The table of documents of a generation."""
    return _stored(table_name(NAME, generation), engine.DOCUMENTS)


@lru_cache(8)
def _stored(name: str, engine: Documents) -> Stored:
    return Stored(name, engine.COLUMNS, (("rowid",),))


def _of_work(
    own: Row, same: list[Row], credits: list[Row], texts: Mapping[str | None, str]
) -> Document:
    """The document of a work, with the texts of all works joined into it."""

    def title(row: Row) -> str | None:
        is_gone = row[2] == "contribution" and row[3] == "withdrawn"
        return None if is_gone else texts.get(row[4])

    said = [title(row) for row in same if row is not own]
    for row in same:
        said += texts.get(row[5]), row[6]
    terms, tags = {_term(own[7])}, {kind_tag(own[2])}
    for _, contributor, role, display, credited_as, character, is_hidden in credits:
        terms.add(_term(role))
        tags.update(role_tags(role))
        if not is_hidden:
            said += texts.get(display), texts.get(character), texts.get(credited_as)
            tags.add(person_tag(contributor))
    if own[7]:
        tags.add(medium_tag(own[7]))
    shown = map(_spelled, filter(None, said))
    return Document(own[1], _named(title(own)), _listed(shown), _listed(terms), _tags(tags))


def _spelled(text: str | None) -> str:
    """The words of a text, separated by spaces."""
    return " ".join(words_of(text)[:MOST_WORDS]) if text else ""


_term = lru_cache(4096)(_spelled)
"""``_spelled`` for a role or a medium, cached because there are few."""


def _named(text: str | None) -> str:
    """The words of a name between marks for its first and last."""
    spelled = _spelled(text)
    return f"{FIRST} {spelled} {LAST}" if spelled else ""


def _listed(spelled: Iterable[str]) -> str:
    """Texts as words, each text once, with a mark between two."""
    found = {*spelled}
    found.discard("")
    return f" {BETWEEN} ".join(sorted(found)[:MOST_TEXTS]) if found else ""


def _tags(tags: Iterable[str]) -> str:
    return " ".join(sorted(tags))
