"""Search and suggestions among many works, with words, roles and people as uneven as in life.

The peer of a search is the engine's own full-text search by hand: titles alone, ranked by bm25 or
ts_rank. That of suggestions counts who had a role most often, without a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from random import Random

from projections import documents, likely, searching, suggesting
from projections.follower import TABLES
from projections.store import table_name, with_tables
from scripts.benchmarks.late import imported
from scripts.benchmarks.measure import (
    Peer,
    Plain,
    Result,
    Size,
    engine_of,
    is_postgres,
    percentile,
    plain,
    scratch,
    seconds,
)
from scripts.bundle import Line
from scripts.generate import id_of
from scripts.service import Service, open_service

WORKS = {"small": 200, "full": 1_000_000}
TIMES = {"small": 5, "full": 300}
WORKS_EACH, WORKS_OF_CHALLENGE = 10, 100
WORDS = 20_000
ROLES = ("writer", "singer", "illustrator", "editor", "cellist", "animator", "drummer", "actor")
MEDIA = ("text", "audio", "image", "video")
AIM = "aim: p99 under 50 ms"
SHOWN = 20

FOUND_BY_HAND = {
    False: "SELECT rowid FROM by_hand WHERE by_hand MATCH ? ORDER BY rank LIMIT 20",
    True: "SELECT n FROM by_hand WHERE words @@ to_tsquery('simple', ?) "
    "ORDER BY ts_rank(words, to_tsquery('simple', ?)) DESC LIMIT 20",
}
MOST_BY_HAND = (
    "SELECT contributor, count(*) FROM @credits WHERE role = ? GROUP BY contributor "
    "ORDER BY 2 DESC LIMIT 20"
)


def search(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds of a search, median and 99th percentile, by what is typed."""
    with _loaded(size, database) as (service, address, random):
        titles = [_title(WORKS[size], number) for number in range(WORKS[size])]
        with plain(address) as by_hand:
            _index_by_hand(by_hand, titles, is_postgres(address))
            for what, typed in TYPED.items():
                asked = [typed(random.choice(titles), random) for _ in range(TIMES[size])]
                ours = [partial(_search, service, q) for q in asked]
                hand = [partial(_by_hand, by_hand, q, is_postgres(address)) for q in asked]
                yield from _results("search", database, size, what, ours, hand)


def suggest(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds of a suggestion, median and 99th percentile."""
    works = WORKS[size]
    with _loaded(size, database) as (service, address, random), plain(address) as by_hand:
        sql = with_tables(MOST_BY_HAND, service.store.current().number)
        hand = [partial(by_hand.execute, sql, (random.choice(ROLES),)) for _ in range(TIMES[size])]
        for what, ask, count in (
            ("people for a challenge", _people, works // WORKS_OF_CHALLENGE),
            ("challenges for a person", _challenges, works // WORKS_EACH),
            ("likely sources", _sources, works),
        ):
            asked = [random.randrange(count) for _ in range(TIMES[size])]
            ours = [partial(ask, service, number) for number in asked]
            yield from _results("suggest", database, size, what, ours, hand)


def _results(
    name: str,
    database: str,
    size: Size,
    what: str,
    ours: Sequence[Callable[[], object]],
    hand: Sequence[Callable[[], object]],
) -> Iterator[Result]:
    """Both in turn, so that other load on the machine affects them equally."""
    took = [(1000 * seconds(one), 1000 * seconds(two)) for one, two in zip(ours, hand, strict=True)]
    mine, peers = zip(*took, strict=True)
    for percent in (50, 99):
        yield Result(
            name,
            engine_of(database),
            f"{what}, {WORKS[size]:,} works, p{percent}",
            percentile(mine, percent),
            "ms",
            (Peer("the engine by hand", percentile(peers, percent)),),
            AIM,
        )


# -- what is asked -------------------------------------------------------------------------------


def _search(service: Service, q: str) -> None:
    with service.store.view() as view:
        searching.search(view, q=q, limit=SHOWN)


def _people(service: Service, number: int) -> None:
    with service.store.view() as view:
        suggesting.people_for(view, _challenge(number), limit=SHOWN)


def _challenges(service: Service, number: int) -> None:
    with service.store.view() as view:
        suggesting.challenges_for(view, service.journal, id_of("person", number), limit=SHOWN)


def _sources(service: Service, number: int) -> None:
    with service.store.view() as view:
        likely.likely_sources(view, id_of("work", number), limit=SHOWN)


def _begun(title: str, random: Random) -> str:
    """Two words of a title, of which the second is not typed to its end."""
    one, other = random.sample(title.split(), 2)
    return f"{one} {other[:3]}"


TYPED: dict[str, Callable[[str, Random], str]] = {
    "a whole title": lambda title, _: title,
    "two words, the last begun": _begun,
    "one word": lambda title, random: random.choice(title.split()),
    "one letter": lambda title, _: title[0],
}
"""What is typed, of the title of some work."""


def _by_hand(by_hand: Plain, q: str, is_on_postgres: bool) -> None:
    *words, last = q.split()
    if is_on_postgres:
        asked = " & ".join([*words, f"{last}:*"])
        by_hand.execute(FOUND_BY_HAND[True], (asked, asked))
    else:
        by_hand.execute(FOUND_BY_HAND[False], (" ".join([*words, f"{last}*"]),))


def _index_by_hand(by_hand: Plain, titles: Sequence[str], is_on_postgres: bool) -> None:
    if is_on_postgres:
        by_hand.execute("CREATE TABLE by_hand (n BIGINT, title TEXT)")
        with by_hand.transaction():
            by_hand.load("by_hand", enumerate(titles))
        words = "tsvector GENERATED ALWAYS AS (to_tsvector('simple', title)) STORED"
        by_hand.execute(f"ALTER TABLE by_hand ADD COLUMN words {words}")
        by_hand.execute("CREATE INDEX by_hand_words ON by_hand USING gin (words)")
        by_hand.execute("ANALYZE by_hand")
    else:
        by_hand.execute("CREATE VIRTUAL TABLE by_hand USING fts5(title)")
        with by_hand.transaction():
            by_hand.load("by_hand", [(title,) for title in titles])


@contextmanager
def _loaded(size: Size, database: str) -> Iterator[tuple[Service, str, Random]]:
    """A service with everything in it, and chance."""
    works = WORKS[size]
    with scratch(database) as address, open_service(address) as service:
        imported(service, lines(works))
        service.follower.catch_up()
        generation = service.store.current().number
        names = (*(table.name for table in TABLES), documents.NAME)
        service.engine.analyze(table_name(name, generation) for name in names)
        yield service, address, Random(works)


# -- what there is -------------------------------------------------------------------------------


def _title(works: int, number: int) -> str:
    """Three to five words, of which some are in very many titles and most in few."""
    random = Random(works * 7 + number)
    return " ".join(random.choices(_VOCABULARY, cum_weights=_WEIGHTS, k=random.randrange(3, 6)))


def _word(number: int) -> str:
    """A word like those of no language, another for each number."""
    syllables = ("ka", "lo", "mi", "ra", "tu", "ne", "so", "vi", "da", "pe", "hu", "zo", "fa")
    word = ""
    while number or len(word) < 4:
        number, at = divmod(number, len(syllables))
        word += syllables[at]
    return word


_VOCABULARY = [_word(number) for number in range(WORDS)]
_WEIGHTS = list(accumulate(1 / (rank + 10) for rank in range(WORDS)))
"""Zipf's law, flattened at its top."""


def lines(works: int) -> Iterator[Line]:
    """People, each with a few roles, who post works, remix them, and issue challenges."""
    random, people = Random(works), works // WORKS_EACH
    for number in range(people):
        name = f"{_VOCABULARY[number % 500]} {_VOCABULARY[number * 7 % WORDS]}"
        yield {"type": "contributor", "id": id_of("person", number), "name": name}
    for number in range(works // WORKS_OF_CHALLENGE):
        by, role = id_of("person", random.randrange(people)), random.choice(ROLES)
        title = {"title": _title(works, number), "prompt": _title(works, number + 1)}
        asks = {"roles": [role], "media": [random.choice(MEDIA)]}
        yield {"type": "challenge", "id": _challenge(number), "by": by, **title, **asks}
    for number in range(works):
        yield _work(works, number, random)


def _challenge(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def _work(works: int, number: int, random: Random) -> Line:
    people = works // WORKS_EACH
    poster = int(people * random.random() ** 2)  # some post very much
    near = [min(people - 1, max(0, poster + random.randrange(-5, 6))) for _ in range(2)]
    roles = [ROLES[(one + place) % len(ROLES)] for place, one in enumerate(near)]
    authors = [
        {"contributor": id_of("person", one), "role": role}
        for one, role in zip(near, roles, strict=True)
    ]
    made_of = {random.randrange(number) for _ in range(number % 3)} if number else set()
    answers = [_challenge(number // WORKS_OF_CHALLENGE)] if number % 7 == 0 else []
    return {
        "type": "contribution",
        "id": id_of("work", number),
        "title": _title(works, number),
        "medium": MEDIA[number % len(MEDIA)],
        "by": id_of("person", poster),
        "authors": authors,
        "sources": [{"work": id_of("work", one), "kind": "sample"} for one in sorted(made_of)],
        **({"challenges": answers} if answers else {}),
    }
