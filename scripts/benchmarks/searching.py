"""Search and suggestions among many works, with words, roles and people as uneven as in life.

The peer of a search is the engine's own full-text search by hand: titles alone, ranked by bm25 or
ts_rank. That of suggestions counts who had a role most often, without a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import repeat
from random import Random
from typing import Any

from projections import contributors, likely, listing, searching, suggesting
from projections.store import with_tables
from scripts.benchmarks.by_hand import Plain, is_postgres, plain
from scripts.benchmarks.measure import PeerAsks, Result, Size, Worked, compared, seen
from scripts.benchmarks.society import (
    ROLES,
    VOCABULARY,
    WORKS_EACH,
    WORKS_OF_CHALLENGE,
    challenge_id,
    filled,
    title_of,
)
from scripts.generate import id_of

WORKS = {"small": 200, "full": 1_000_000}
TIMES = {"small": 5, "full": 300}
SHOWN = 20
PERSON, WORK = partial(id_of, "person"), partial(id_of, "work")
BUSIEST, COMMONEST = 20, 5
"""How many of those who did most are asked about, and of the words that are in most titles."""

FOUND_BY_HAND = {
    False: "SELECT rowid FROM by_hand WHERE by_hand MATCH ? ORDER BY rank LIMIT 20",
    True: "SELECT n FROM by_hand WHERE words @@ to_tsquery('simple', ?) "
    "ORDER BY ts_rank(words, to_tsquery('simple', ?)) DESC LIMIT 20",
}
COUNTED_BY_HAND = {
    False: "SELECT count(*) FROM (SELECT 1 FROM by_hand WHERE by_hand MATCH ? LIMIT 1001)",
    True: "SELECT count(*) FROM (SELECT 1 FROM by_hand WHERE words @@ to_tsquery('simple', ?) "
    "LIMIT 1001) AS found",
}
COUNTED_ALL = "SELECT medium, count(*) FROM @works GROUP BY medium"
FACETED: tuple[tuple[str, Callable[..., Any], dict[str, Any]], ...] = (
    ("the facets of all works", listing.facets, {}),
    ("the facets of all people", contributors.people_facets, {}),
    ("the facets of the musicians", contributors.people_facets, {"role": "musician"}),
)
MOST_BY_HAND = (
    "SELECT contributor, count(*) FROM @credits WHERE role = ? GROUP BY contributor "
    "ORDER BY 2 DESC LIMIT 20"
)


def search(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds of a search and of counting by kind what it finds, by what is typed.

    Then those of the facets by which lists are narrowed.
    """
    works, random = WORKS[size], Random(WORKS[size])
    service, address = filled(works, database)
    with plain(address) as by_hand:
        _index_by_hand(by_hand, works, is_postgres(address))
        worked = Worked(by_hand)
        for what, typed in TYPED.items():
            titles = (title_of(works, random.randrange(works)) for _ in range(TIMES[size]))
            asked = [typed(title, random) for title in titles]
            for said, ask, sql in (
                ("", partial(searching.search, limit=SHOWN), FOUND_BY_HAND),
                (", counted", searching.counts, COUNTED_BY_HAND),
            ):
                hand = (partial(_by_hand, by_hand, sql, q, is_postgres(address)) for q in asked)
                ours = [partial(seen, service, ask, q=q) for q in asked]
                peer = PeerAsks("hand-written full-text SQL", hand)
                yield from compared(worked, f"{what}{said}, {works:,} works", ours, peer)
        all_of_them = with_tables(COUNTED_ALL, service.store.current().number)
        for what, facets, filters in FACETED:
            each = [partial(seen, service, facets, **filters)] * (TIMES[size] // 3)
            peer = PeerAsks(
                "all of them by medium, in SQL", repeat(partial(by_hand.execute, all_of_them))
            )
            yield from compared(worked, f"{what}, {works:,} works", each, peer)


def suggest(size: Size, database: str) -> Iterator[Result]:
    """Milliseconds of a suggestion."""
    works, random = WORKS[size], Random(WORKS[size])
    service, address = filled(works, database)
    sql = with_tables(MOST_BY_HAND, service.store.current().number)
    with plain(address) as by_hand:
        worked = Worked(by_hand)
        asking = works // WORKS_OF_CHALLENGE
        challenges = partial(suggesting.challenges_for, journal=service.journal)
        for what, ask, id, count in (
            ("people for a challenge", suggesting.people_for, challenge_id, asking),
            ("challenges for a person", challenges, PERSON, works // WORKS_EACH),
            ("challenges for one of the busiest people", challenges, PERSON, BUSIEST),
            ("likely sources", likely.likely_sources, WORK, works),
        ):
            ids = (id(random.randrange(count)) for _ in range(TIMES[size]))
            ours = [partial(seen, service, ask, id=one, limit=SHOWN) for one in ids]
            hand = (partial(by_hand.execute, sql, (role,)) for role in ROLES * TIMES[size])
            peer = PeerAsks("the most frequent in a role, in hand-written SQL", hand)
            yield from compared(worked, f"{what}, {works:,} works", ours, peer)


# -- what is asked -------------------------------------------------------------------------------


def _begun(title: str, random: Random) -> str:
    """Two words of a title, of which the second is not typed to its end."""
    one, other = random.sample(title.split(), 2)
    return f"{one} {other[:3]}"


TYPED: dict[str, Callable[[str, Random], str]] = {
    "a full title": lambda title, _: title,
    "two words, the last incomplete": _begun,
    "one word": lambda title, random: random.choice(title.split()),
    "two of the commonest words": lambda _, random: " ".join(
        random.sample(VOCABULARY[:COMMONEST], 2)
    ),
    "a role": lambda _, random: random.choice(ROLES),
    "one letter": lambda title, _: title[0],
}
"""What is typed, of the title of some work."""


def _by_hand(by_hand: Plain, sql: Mapping[bool, str], q: str, is_on_postgres: bool) -> None:
    *words, last = q.split()
    asked = " & ".join([*words, f"{last}:*"]) if is_on_postgres else " ".join([*words, f"{last}*"])
    said = sql[is_on_postgres]
    by_hand.execute(said, (asked,) * said.count("?"))


def _index_by_hand(by_hand: Plain, works: int, is_on_postgres: bool) -> None:
    titles = (title_of(works, number) for number in range(works))
    by_hand.execute("DROP TABLE IF EXISTS by_hand")
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
            by_hand.load("by_hand", ((title,) for title in titles))
