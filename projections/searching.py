"""Search of everything by words, ranked by a rule that a person can check.

Exact names come first, then names that begin with the words, then names that contain them all, then
whatever has them elsewhere; within a rank, the latest first. Both engines give the same order,
because nothing is scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

from domain.engine import PLANNED_ONCE
from domain.engine.documents import FIRST, LAST, All, Document, Phrase, Query, Some, Wanted, Without
from domain.value import Example, known
from domain.words import phrases_of
from projections import challenges, contributors, lineage, projects
from projections.documents import KINDS, WORKS_KINDS, called_tag, kind_tag, person_tag
from projections.merges import accounts_under
from projections.pages import LIMIT, Page, decode_cursor, encode_cursor
from projections.question import After, Limit, question
from projections.store import Deferred, View, holds
from projections.told_finding import MATCHES, Hit, HitCounts, KindCount, KindFound

NAMESAKES = 20
"""A word also stands for people with it in their names: for how many, the latest first."""
MOST_COUNTED = 1_000
FREQUENT = 64
"""If so many of the latest documents match, the latest of all are counted."""
MOST_PHRASES = 12
"""How many of the typed words are looked for."""
FEW = 200
"""Up to so many documents with several words are ranked in Python."""
IN_NAME = 2
"""The rank of names that contain all words, but do not begin with them."""
_BEFORE_ALL = 1 << 62
_FROM_FIRST = (0, _BEFORE_ALL)

Words = Annotated[
    str,
    known(str),
    "Words that must all match; the last may be the start of a word. Case and accents don't "
    "matter.",
    Example("low ti"),
]
Kind = Annotated[KindFound | None, "Of this kind only."]


@question("search", "/hits", cli="search")
def search(
    view: View, *, q: Words, kind: Kind = None, after: After | None = None, limit: Limit = LIMIT
) -> Page[Hit]:
    """Find works, people, projects and challenges by words in titles, prompts, names and roles.

    Ranked by ``match``, then the latest first. Texts are searched as they are now.
    """
    phrases = _phrases(q)
    rank, beyond = decode_cursor(after, int, int) or _FROM_FIRST
    kinds = KINDS if kind is None else (kind,)
    found = _found(view, phrases, kinds, (rank, beyond), limit + 1) if phrases else []
    page = found[:limit]
    more = encode_cursor(*page[-1]) if len(found) > limit else None
    return Page(list(_hits(view, page, phrases)), more)


@question("count_hits", "/hits/facets", cli="search-facets")
def counts(view: View, *, q: Words) -> HitCounts:
    """How many works, people, projects and challenges a search finds, counted up to 1,000 each.

    They are counted as they are now, also as of an earlier position.
    """
    kinds = list[KindCount]()
    if phrases := _phrases(q):
        found = _counted(view, _anywhere(view, phrases))
        for kind in filter(found.get, KINDS):
            count, exact = min(found[kind], MOST_COUNTED), found[kind] <= MOST_COUNTED
            kinds.append({"kind": kind, "count": count, "is_exact": exact})
    return {"kinds": kinds}


def best(view: View, q: str, kinds: Collection[str], limit: int) -> list[int]:
    """The numbers of the things of these kinds that a search for the words finds first."""
    phrases = _phrases(q)
    found = _found(view, phrases, kinds, _FROM_FIRST, limit) if phrases else []
    return [number for _, number in found]


def matching(view: View, wanted: Wanted, limit: int) -> list[int]:
    """The numbers of matching documents, the latest first."""
    return _numbers(_latest(view, wanted, limit))


def _latest(view: View, wanted: Wanted, limit: int, under: int = _BEFORE_ALL) -> Deferred:
    return _asked(view, view.engine.DOCUMENTS.latest(wanted, min(under, _beyond(view)), limit))


def _some(view: View, wanted: Wanted, limit: int, frequent: int) -> list[int] | None:
    """The numbers of matching documents, in no order.

    None if so many of the latest match that the engine finds the latest sooner.
    """
    documents = view.engine.DOCUMENTS
    lately = documents.lately(wanted, _beyond(view), frequent)
    if lately and len(_asked(view, lately)) == frequent:
        return None
    return _numbers(_asked(view, documents.some(wanted, limit)))


def _asked(view: View, query: Query) -> Deferred:
    sql, values = query
    return view.later(PLANNED_ONCE + sql, **values)


def _numbers(found: Deferred) -> list[int]:
    return [number for (number,) in found]


def _beyond(view: View) -> int:
    """The number after those of all documents."""

    def read(_: object) -> dict[str, int]:
        return {"newest": view.rows("SELECT max(d.rowid) FROM @documents d")[0][0] or 0}

    return view.looked_up("documents", ["newest"], read)["newest"] + 1


def entitled(view: View, title: str, limit: int, kinds: Collection[str] = WORKS_KINDS) -> list[int]:
    """The numbers of the latest things of these kinds whose title or name is exactly this."""
    words = [word for one in phrases_of(title) for word in one]
    whole = Phrase((FIRST, *words, LAST), "name")
    of_kind = Some(tuple(Phrase((kind_tag(kind),), "tags") for kind in kinds))
    return matching(view, All((whole, of_kind)), limit) if words else []


def _counted(view: View, wanted: Wanted) -> Mapping[str, int]:
    """How many documents match, by kind; exact up to MOST_COUNTED."""
    counted, left = dict[str, int](), [*KINDS]
    while left:
        found = _some_of_each(view, _of_kinds(wanted, left))
        if found.total() <= MOST_COUNTED:
            return counted | found
        most = max(left, key=found.__getitem__)
        if found[most] <= MOST_COUNTED:
            found = _some_of_each(view, _of_kinds(wanted, [most]))
        counted[most] = found[most]
        left.remove(most)
    return counted


def _some_of_each(view: View, wanted: Wanted) -> Counter[str]:
    """How many documents match, by kind, of MOST_COUNTED + 1."""
    numbers = _some(view, wanted, MOST_COUNTED + 1, FREQUENT)
    if numbers is None:
        numbers = matching(view, wanted, MOST_COUNTED + 1)
    rows = view.rows("SELECT d.tags FROM @documents d WHERE d.rowid IN :numbers", numbers=numbers)
    kinds = {kind_tag(kind): kind for kind in KINDS}
    return Counter(kinds[tag] for (tags,) in rows for tag in tags.split() if tag in kinds)


# -- what was typed ------------------------------------------------------------------------------


def _phrases(q: str) -> list[Phrase]:
    """What was typed, as phrases; the last may be the start of a word unless a space follows it."""
    found = [Phrase(words) for words in phrases_of(q)[:MOST_PHRASES]]
    if found and not q[-1:].isspace():
        found[-1] = Phrase(found[-1].words, is_beginning=True)
    return found


def _ranks(view: View, phrases: Sequence[Phrase]) -> list[Wanted]:
    """For each rank, a condition on documents that excludes those of the ranks before."""
    words = tuple(word for one in phrases for word in one.words)
    whole = Phrase((FIRST, *words, LAST), "name")
    begins = Phrase((FIRST, *words), "name", phrases[-1].is_beginning)
    name = All(tuple(Phrase(one.words, "name", one.is_beginning) for one in phrases))
    anywhere = _anywhere(view, phrases)
    return [whole, Without(begins, whole), Without(name, begins), Without(anywhere, name)]


def _found(
    view: View,
    phrases: Sequence[Phrase],
    kinds: Collection[str],
    place: tuple[int, int],
    most: int,
) -> list[tuple[int, int]]:
    """What is found beyond a place, as rank and number, in order.

    Exact names and names that begin with the words are asked for first: that costs almost nothing.
    """
    ranks, found, begun = _ranks(view, phrases), list[tuple[int, int]](), max(place[0], 0)

    def asked(rank: int, limit: int) -> Deferred:
        under = place[1] if rank == place[0] else _BEFORE_ALL
        return _latest(view, _of_kinds(ranks[rank], kinds), limit, under)

    first = {rank: asked(rank, most) for rank in range(begun, IN_NAME)}
    for rank in range(begun, len(ranks)):
        if rank == max(begun, IN_NAME) and (few := _few(view, phrases, kinds)) is not None:
            beyond = max((rank, -_BEFORE_ALL), (place[0], -place[1]))
            return found + [one for one in few if beyond < (one[0], -one[1])]
        numbers = _numbers(first[rank] if rank in first else asked(rank, most - len(found)))
        found += ((rank, number) for number in numbers)
        if len(found) >= most:
            break
    return found


def _few(
    view: View, phrases: Sequence[Phrase], kinds: Collection[str]
) -> list[tuple[int, int]] | None:
    """Everything that is found, as rank and number, in order; None if that is too much.

    One query finds it, because each rank by itself would cost the engine as much; Python ranks it.
    """
    if len(phrases) < 2:
        return None
    wanted = _of_kinds(_anywhere(view, phrases), kinds)
    numbers = _some(view, wanted, FEW + 1, 1)
    if numbers is None or len(numbers) > FEW:
        return None
    ranked = ((_rank(one.name, phrases), one.rowid) for one in _documents(view, numbers))
    return sorted(ranked, key=lambda one: (one[0], -one[1]))


def _rank(name: str, phrases: Sequence[Phrase]) -> int:
    """The rank of a document with this name, given that every phrase is somewhere in it."""
    words = " ".join(word for one in phrases for word in one.words)
    if name == f"{FIRST} {words} {LAST}":
        return 0
    if _is_in(name, Phrase((FIRST, *words.split()), is_beginning=phrases[-1].is_beginning)):
        return 1
    return 2 if all(_is_in(name, one) for one in phrases) else 3


def _anywhere(view: View, phrases: Sequence[Phrase]) -> Wanted:
    """The condition that each phrase is in a text, or in the name of a person whom it refers to."""
    namesakes = _namesakes(view, phrases)
    parts = [Some((one, *_people(namesakes[one]))) for one in phrases]
    return All(tuple(parts))


def _people(numbers: Iterable[int]) -> Iterator[Wanted]:
    return (Phrase((person_tag(number),), "tags") for number in numbers)


def _namesakes(view: View, phrases: Sequence[Phrase]) -> Mapping[Phrase, list[int]]:
    """By phrase: all accounts of the people whose names contain it."""

    def read(new: list[Phrase]) -> dict[Phrase, list[int]]:
        asked = [_latest(view, _called(one), NAMESAKES) for one in new]
        found = {one: _numbers(numbers) for one, numbers in zip(new, asked, strict=True)}
        # Merges as they are now, whatever the view's position, because documents are of now, too.
        persons = accounts_under(view.now().rows, {one for some in found.values() for one in some})
        return {
            one: sorted(account for account, person in persons.items() if person in some)
            for one, some in found.items()
        }

    return view.looked_up("namesakes", phrases, read)


def _called(phrase: Phrase) -> Wanted:
    """The people whose names contain a phrase, by tags that only their documents have."""
    *words, last = (called_tag(word) for word in phrase.words)
    name = [Phrase(phrase.words, "name", phrase.is_beginning)] if words else []
    tags = (Phrase((word,), "tags") for word in words)
    beginning = Phrase((last,), "tags", phrase.is_beginning)
    return All((*tags, beginning, *name)) if words else beginning


def _of_kinds(wanted: Wanted, kinds: Collection[str]) -> Wanted:
    """What is wanted, of these kinds only."""
    if len(kinds) == len(KINDS):
        return wanted
    return All((wanted, Some(tuple(Phrase((kind_tag(kind),), "tags") for kind in kinds))))


# -- what was found ------------------------------------------------------------------------------


def _hits(view: View, found: Sequence[tuple[int, int]], phrases: Sequence[Phrase]) -> Iterator[Hit]:
    """What was found, except what did not exist yet at the view's position."""
    numbers = [number for _, number in found]
    shown, where = things(view, numbers), _found_in(view, numbers, phrases)
    for rank, number in found:
        if number in shown:
            why = {"match": MATCHES[rank], "found_in": where.get(number, [])}
            yield cast("Hit", shown[number] | why)


def things(view: View, numbers: Sequence[int]) -> dict[int, Any]:
    """The things with these numbers, of any kind, by number."""
    told: dict[int, Any] = {}

    def left() -> list[int]:
        return [number for number in numbers if number not in told]

    for number, work in lineage.references(view, numbers).items():
        name = work["title"] or work["uri"]
        told[number] = _hit(work["kind"], {**work, "title": name}, work["medium"])
    if some := left():
        people = contributors.persons(view, some)
        states = _states(view, people)
        for number, one in people.items():
            told[number] = _hit("person", {**one, "title": one["name"], "state": states[number]})
    if some := left():
        for number, project in projects.references(view, some).items():
            told[number] = _hit("project", project)
    if some := left():
        for number, challenge in challenges.references(view, some).items():
            told[number] = _hit("challenge", challenge)
    return told


def _hit(kind: str, thing: Mapping[str, Any], medium: str | None = None) -> dict[str, Any]:
    said = {"kind": kind, "id": thing["id"], "name": thing["title"], "state": thing["state"]}
    return {**said, "medium": medium}


def _states(view: View, people: Collection[int]) -> dict[int, str]:
    if not people:
        return {}
    rows = view.rows(
        "SELECT p.number, p.state FROM @contributors p WHERE p.number IN :numbers "
        f"AND {holds('p')}",
        numbers=list(people),
    )
    return dict(rows)


def _found_in(
    view: View, numbers: Sequence[int], phrases: Sequence[Phrase]
) -> dict[int, list[str]]:
    """The parts of each document that contain at least one phrase, by its number."""
    namesakes = _namesakes(view, phrases).values()
    people = {person_tag(number) for some in namesakes for number in some}
    found = {}
    for number, name, texts, terms, tags in _documents(view, numbers):
        parts = (("name", name), ("text", texts), ("term", terms))
        found[number] = [part for part, text in parts if any(_is_in(text, p) for p in phrases)]
        if people & set(tags.split()):
            found[number].append("person")
    return found


def _documents(view: View, numbers: Sequence[int]) -> Iterator[Document]:
    """The documents with these numbers."""
    rows = view.rows(
        f"SELECT {', '.join(f'd.{column}' for column in Document._fields)} FROM @documents d "
        "WHERE d.rowid IN :numbers",
        numbers=list(numbers),
    )
    return map(view.engine.DOCUMENTS.read, rows)


def _is_in(text: str, phrase: Phrase) -> bool:
    return f" {' '.join(phrase.words)}{'' if phrase.is_beginning else ' '}" in f" {text} "
