"""Finding works and people: filters, sort orders and facets of their lists.

Every list of works takes the same filters: all works, what a work was made from, and what was made
from it. Each filter is declared once, for every interface.

One file, because filters, orders and facets belong to the same query.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple, Self, TypedDict, TypeVar, cast

from domain import credit as credits
from domain.disclosure import AI_PARTS, NO_AI
from domain.engine import PLANNED_ONCE, Row
from domain.identifier import SCHEMES, WORK
from domain.join import Join
from domain.licensing import terms_of
from domain.remix import NOT_COUNTED
from domain.role import within
from domain.text import folded
from domain.value import Example, Flag, Number, one_of
from domain.values import Role, number_of
from projections import identifiers
from projections.hidden import NOT_HIDDEN
from projections.pages import LIMIT, cut, decode_cursor
from projections.question import Search
from projections.store import View, counting, holds
from projections.told import AiUsed, Facet, KindOfWork, PeopleFacets, WorkFacets

T = TypeVar("T")

REMIX_COUNTS = f"{counting('e', NOT_COUNTED)} AND {holds('e')}"
"""The condition that an edge ``e`` counts in the lineage."""
FURTHER_DOWN = (
    "UNION SELECT e.child FROM down JOIN EACH @remixes e ON e.parent = down.number "
    f"WHERE {REMIX_COUNTS}"
)
"""The step of a recursion that adds to the works in ``down`` what was made from them."""
NODE = f"(SELECT s.node FROM @works s WHERE s.id = :id AND {holds('s')})"
"""The number of the node that the work with the id ``:id`` belongs to."""
CREDIT_COUNTS = f"{counting('c', credits.NOT_COUNTED)} AND {holds('c')}"
"""The condition that a credit ``c`` counts."""

MOST_VALUES = 100
"""How many values of a facet an answer has at most, the most frequent first."""
MOST_FACETED = 10_000
"""Facets count so many works or answers, the latest of those that match."""
MOST_PEOPLE = 2_000
"""Facets of people count so many, each with all their credits."""


class WorkFilters(TypedDict, total=False):
    """What a list of works can be filtered by."""

    q: Annotated[
        Search | None,
        "In the title, the creators, the address or a name on a credit, or the full title of an "
        "outside source it was made from; case and accents do not matter.",
        Example("low tide"),
    ]
    medium: Annotated[
        Search | None, "Of this medium; case and accents do not matter.", Example("audio")
    ]
    licence: Annotated[
        Search | None, "Under this licence, however it is written.", Example("CC-BY-4.0")
    ]
    year: Annotated[
        int | None,
        Number(least=1, most=9999, help="Made in this year, or from then on; as stated."),
        Example(1969),
    ]
    role: Annotated[Role | None, "With a credit in this role, or a narrower one."]
    credit: Annotated[
        Search | None,
        "In a credit: its wording, the name on it or the character.",
        Example("low harmony"),
    ]
    kind: Annotated[KindOfWork | None, "Of this kind."]
    isrc: Annotated[str | None, number_of("isrc")]
    iswc: Annotated[str | None, number_of("iswc")]
    upc: Annotated[str | None, number_of("upc")]
    eidr: Annotated[str | None, number_of("eidr")]
    doi: Annotated[str | None, number_of("doi")]
    iscc: Annotated[str | None, number_of("iscc")]
    mbid: Annotated[str | None, number_of("mbid")]
    ai: Annotated[
        AiUsed | None,
        "Works with this part made by AI, as a credit or remix states; or any, or none.",
    ]
    never_remixed: Annotated[
        bool, Flag(help="Only works still standing from which nothing has been made yet.")
    ]
    suspect_dates: Annotated[
        bool, Flag(help="Only works dated before something they were made from.")
    ]
    without_parts: Annotated[
        bool,
        Flag(
            help="Without the seasons, episodes and other parts of a series that is itself listed."
        ),
    ]


class PeopleFilters(TypedDict, total=False):
    """What a list of people can be filtered by."""

    q: Annotated[
        Search | None,
        "In the name, or in a name they are credited as; case and accents do not matter.",
        Example("ben"),
    ]
    isni: Annotated[str | None, number_of("isni")]
    ipi: Annotated[str | None, number_of("ipi")]
    orcid: Annotated[str | None, number_of("orcid")]
    mbid: Annotated[str | None, number_of("mbid")]
    role: Annotated[Role | None, "With a credit in this role, or a narrower one."]
    medium: Annotated[Search | None, "With a credit on a work of this medium.", Example("audio")]


class Filtered(NamedTuple):
    """The condition of a list in SQL, and the values of its placeholders."""

    where: str
    values: dict[str, Any]


# -- texts ---------------------------------------------------------------------------------------

MOST_TEXTS = 5_000
"""Up to so many texts are read before the rows that hold them; otherwise the text of each row."""


class TextFilter(NamedTuple):
    """The texts that contain what a filter says, for conditions on columns with their digests."""

    filter: str
    values: dict[str, Any]
    """The values of the placeholders in these conditions."""

    @classmethod
    def containing(cls, view: View, filter: str, said: str) -> Self:
        """The texts that contain this, whatever their case and accents."""
        pattern = {filter: contains(said)}
        rows = view.rows(
            f"SELECT n.digest FROM vault n WHERE n.folded LIKE :{filter} ESCAPE '!' LIMIT :most",
            most=MOST_TEXTS + 1,
            **pattern,
        )
        if len(rows) > MOST_TEXTS:
            return cls(filter, pattern)
        return cls(filter, {**pattern, f"{filter}_texts": [digest for (digest,) in rows]})

    def held_by(self, column: str) -> str:
        """The condition that a column holds the digest of one of them."""
        if f"{self.filter}_texts" in self.values:
            return f"{column} IN :{self.filter}_texts"
        return (
            f"({column} IS NOT NULL AND EXISTS (SELECT 1 FROM vault n "
            f"WHERE n.digest = {column} AND n.folded LIKE :{self.filter} ESCAPE '!'))"
        )


# -- works ---------------------------------------------------------------------------------------


def _in_credits(texts: TextFilter, columns: Iterable[str]) -> str:
    """The condition that one of these text columns of a credit on the work matches."""
    matches = " OR ".join(texts.held_by(f"c.{column}") for column in columns)
    return (
        f"w.number IN (SELECT c.work FROM @credits c WHERE ({matches}) "
        f"AND {NOT_HIDDEN} AND {CREDIT_COUNTS})"
    )


_CITING = (
    "w.number IN (SELECT e.child FROM @works s JOIN @remixes e ON e.parent = s.node "
    "WHERE s.title IN (SELECT n.digest FROM vault n WHERE n.folded = :whole) "
    f"AND s.kind = 'outside' AND {REMIX_COUNTS} AND {holds('s')})"
)
"""The condition that a work was made from an outside source with exactly this title."""


def _in_texts(texts: TextFilter, alias: str) -> str:
    """The condition that the address, the creators or the title of a work matches ``q``."""
    return (
        f"({alias}.address LIKE :q ESCAPE '!' OR {texts.held_by(f'{alias}.creators')} "
        f"OR {texts.held_by(f'{alias}.title')} "
        f"AND NOT ({alias}.kind = 'contribution' AND {alias}.state = 'withdrawn'))"
    )


_JOINS = f"FROM @joins j WHERE j.state = '{Join.Declared.STATE}' AND {holds('j')}"


def _in_joined(texts: TextFilter) -> str:
    """The condition that the texts of a work joined with this one match."""
    return (
        "w.number IN (SELECT m.node FROM @works m WHERE m.number IN "
        f"(SELECT j.work {_JOINS} UNION SELECT j.target {_JOINS}) "
        f"AND {_in_texts(texts, 'm')} AND {holds('m')})"
    )


def _in_any_text(texts: TextFilter) -> str:
    """The condition that a text about the work matches ``q``."""
    own, credit = _in_texts(texts, "w"), _in_credits(texts, ["credited_as"])
    return f"({own} OR {credit} OR {_CITING} OR {_in_joined(texts)})"


_BY_TEXT: Mapping[str, Callable[[TextFilter], str]] = {
    "q": _in_any_text,
    "credit": partial(_in_credits, columns=("display", "credited_as", "character")),
}
"""The SQL condition of each filter of works by their texts."""
OF_WORKS = {
    "medium": "w.medium_folded = :medium",
    "licence": "w.licence IN :licence",
    "year": "w.made_year = :year",
    "kind": "w.kind = :kind",
    "role": "EXISTS (SELECT 1 FROM @credits c WHERE c.work = w.number AND c.role IN :role "
    f"AND {CREDIT_COUNTS})",
    **{
        name: identifiers.having("w.number", name)
        for name, one in SCHEMES.items()
        if WORK in one.of
    },
    "ai": "(EXISTS (SELECT 1 FROM @credits c WHERE c.work = w.number AND c.ai LIKE :ai "
    f"AND {CREDIT_COUNTS}) OR EXISTS (SELECT 1 FROM @remixes e WHERE e.child = w.number "
    f"AND e.ai LIKE :ai AND {REMIX_COUNTS}))",
    "never_remixed": "w.state <> 'withdrawn' AND NOT EXISTS "
    f"(SELECT 1 FROM @remixes e WHERE e.parent = w.number AND {REMIX_COUNTS})",
    "suspect_dates": "EXISTS (SELECT 1 FROM @remixes e JOIN @works p ON p.number = e.parent "
    "WHERE e.child = w.number AND w.made_last < p.made_first "
    f"AND {holds('p')} AND {REMIX_COUNTS})",
    "without_parts": "NOT (w.part IS NOT NULL AND EXISTS (SELECT 1 FROM @remixes e "
    "JOIN @works s ON s.number = e.child WHERE e.parent = w.number AND s.part IS NOT NULL "
    f"AND e.kind = 'component' AND {holds('s')} AND {REMIX_COUNTS}))",
}
"""The SQL condition of each other filter of works."""

AI_PATTERNS = {
    "any": "%ly|%",
    NO_AI: f"|{NO_AI}|",
    **{part: f"%|{part} %" for part in AI_PARTS},
}
"""LIKE patterns for disclosures in the read tables, by the value of the filter ``ai``."""


def written_uses(ai: Iterable[str] | None) -> str | None:
    """A disclosure of AI as the read tables hold it: each use between two vertical bars."""
    return None if ai is None else f"|{'|'.join(ai)}|"


def uses_of(written: str | None) -> list[str] | None:
    """The uses in a disclosure of AI from a read table; None if there is no disclosure."""
    return None if written is None else written.strip("|").split("|")


def contains(q: str) -> str:
    """A LIKE pattern (escape character !) for folded texts that contain this one."""
    escaped = folded(q).replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def works_that(view: View, asked: WorkFilters, among: Collection[int] | None = None) -> Filtered:
    """The works that match every filter; with ``among``, only works with these numbers."""
    said = _said(asked)
    texts = [TextFilter.containing(view, name, said[name]) for name in _BY_TEXT if name in said]
    where = ["w.node = w.number", holds("w"), *(_BY_TEXT[one.filter](one) for one in texts)]
    where += [OF_WORKS[name] for name in said if name in OF_WORKS]
    if among is not None:
        said["among"] = list(among)
        where.append("w.number IN :among")
    if "q" in said:
        said["whole"] = folded(said["q"].strip())
    if "licence" in said:
        said["licence"] = _spellings(view, said["licence"])
    return Filtered(" AND ".join(where), _values(said, texts))


def _said(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that are set, with their values."""
    return {name: value for name, value in asked.items() if value not in (None, False)}


def _compared(said: Mapping[str, Any]) -> dict[str, Any]:
    """The values of filters in the form in which the read tables are compared with them."""
    compared = {
        "medium": folded,
        "year": lambda year: f"{year:04}",
        "role": lambda role: list(within(role)),
        "ai": AI_PATTERNS.__getitem__,
    }
    return {name: compared[name](value) for name, value in said.items() if name in compared}


def _values(said: Mapping[str, Any], texts: Iterable[TextFilter]) -> dict[str, Any]:
    """The values of the placeholders of all filters."""
    values = {**said, **_compared(said)}
    for one in texts:
        values |= one.values
    return values


def _spellings(view: View, licence: str) -> list[str]:
    """All spellings of a licence among the works."""
    name = terms_of(licence).name
    rows = view.rows("SELECT DISTINCT w.licence FROM @works w WHERE w.licence IS NOT NULL")
    return [stated for (stated,) in rows if terms_of(stated).name == name]


# -- people --------------------------------------------------------------------------------------

SAME = (
    "same (person, number) AS (SELECT p.number, p.number FROM @contributors p WHERE {who} "
    f"AND {holds('p')} UNION SELECT same.person, p.number FROM same "
    f"JOIN EACH @contributors p ON p.merged_into = same.number WHERE {holds('p')})"
)
"""In SQL, the accounts of people who meet a condition: their own and all merged into them."""
_DID = {"role": "c.role IN :role", "medium": "w.medium_folded = :medium"}
_DOING = (
    "FROM same JOIN EACH @credits c ON c.contributor = same.number "
    "JOIN @works w ON w.number = c.work "
    f"WHERE {CREDIT_COUNTS} AND {NOT_HIDDEN} AND {holds('w')}"
)


def people_who(view: View, asked: PeopleFilters) -> Filtered:
    """The people ``p`` who match every filter; the query must join their names as ``v``."""
    said = _said(asked)
    where, texts = [holds("p")], list[TextFilter]()
    if "q" in said:
        texts.append(names := TextFilter.containing(view, "q", said["q"]))
        where.append(
            "(v.folded LIKE :q ESCAPE '!' OR p.number IN (SELECT c.contributor FROM @credits c "
            f"WHERE {names.held_by('c.credited_as')} AND {CREDIT_COUNTS} AND {NOT_HIDDEN}))"
        )
    where += [identifiers.having("p.number", name) for name in said if name in SCHEMES]
    if did := _did(said):
        work = f"JOIN @works w ON w.number = c.work AND {holds('w')} " if "medium" in said else ""
        doing = f"FROM @credits c {work}WHERE {CREDIT_COUNTS} AND {NOT_HIDDEN}{did}"
        # With an offset, PostgreSQL looks the credits of each person up, as most lists find enough
        # soon, and does not collect everybody's first.
        does = f"EXISTS (SELECT 1 {doing} AND c.contributor = EACH {{}}.number LIMIT 1 OFFSET 0)"
        own = f"p.number IN (SELECT c.contributor {doing})" if work else does.format("p")
        # The account that all of a person's are merged into is found, whichever has the credit.
        where.append(
            f"p.state = 'admitted' AND ({own} OR p.number IN ("
            "WITH RECURSIVE acting (number) AS (SELECT m.merged_into FROM @contributors m "
            f"WHERE m.merged_into IS NOT NULL AND {does.format('m')} AND {holds('m')} "
            "UNION SELECT m.merged_into FROM acting JOIN EACH @contributors m "
            f"ON m.number = acting.number AND m.merged_into IS NOT NULL WHERE {holds('m')}) "
            "SELECT number FROM acting))"
        )
    return Filtered(" AND ".join(where), _values(said, texts))


def _did(said: Mapping[str, Any]) -> str:
    return "".join(f" AND {condition}" for name, condition in _DID.items() if name in said)


def doing(asked: PeopleFilters) -> Filtered:
    """Credits ``c`` on works ``w`` of the people in ``same``, with the role and medium asked."""
    said = {name: value for name, value in _said(asked).items() if name in _DID}
    return Filtered(f"{_DOING}{_did(said)}", _compared(said))


# -- sorting -------------------------------------------------------------------------------------


class Order(NamedTuple):
    """A sort order of a list; equal rows are sorted by number, the order of recording."""

    key: str
    """In SQL, never null; empty to sort by number alone."""
    type: type
    is_falling: bool
    help: str
    joined: str = ""
    """The joins that the key needs, in SQL."""

    @property
    def label(self) -> str:
        """The help as a short choice: “latest made” for “the latest made first”."""
        return re.sub("^(those with the|in the|the|by) | first$", "", self.help)


SORTED_BY = 100
"""So many characters of a title or a name decide its place: a cursor holds them, and goes into an
address."""


def beginning(text: str) -> str:
    """What a title or a name is sorted by, in SQL."""
    return f"substr(coalesce({text}, ''), 1, {SORTED_BY})"


WORK_ORDERS = {
    "recorded": Order("", int, True, "the latest recorded first"),
    "made": Order("coalesce(w.made_first, w.made_last, '')", str, True, "the latest made first"),
    "title": Order(
        beginning("v.folded, w.address"),
        str,
        False,
        "by title",
        "LEFT JOIN vault v ON v.digest = w.title "
        "AND NOT (w.kind = 'contribution' AND w.state = 'withdrawn')",
    ),
    "remixed": Order(
        "(SELECT count(DISTINCT e.child) FROM @remixes e "
        f"WHERE e.parent = EACH w.number AND {REMIX_COUNTS})",
        int,
        True,
        "the most remixed first",
    ),
}
RELATIVE_ORDERS = {
    "generation": Order("", int, False, "the nearest generation first"),
    **WORK_ORDERS,
}
PEOPLE_ORDERS = {
    "admitted": Order("", int, False, "in the order of admission"),
    "name": Order(beginning("v.folded"), str, False, "by name"),
    "credits": Order(
        "(WITH RECURSIVE of (number) AS (SELECT p.number UNION SELECT m.number FROM of "
        f"JOIN EACH @contributors m ON m.merged_into = of.number WHERE {holds('m')}) "
        "SELECT count(*) FROM of JOIN EACH @credits c ON c.contributor = of.number "
        f"WHERE {CREDIT_COUNTS} AND {NOT_HIDDEN})",
        int,
        True,
        "the most credited first",
    ),
}

Reverse = Annotated[bool, Flag(help="In the opposite order.")]


def sort_of(orders: Mapping[str, Order], usual: str) -> Any:
    """The value type of a parameter that chooses one of these orders."""
    each = "; ".join(f"{name}: {order.help}" for name, order in orders.items())
    return one_of(orders, f"{each[0].upper()}{each[1:]}. Default {usual}.")


SortOfWorks = Annotated[str, sort_of(WORK_ORDERS, "recorded")]
SortOfPeople = Annotated[str, sort_of(PEOPLE_ORDERS, "admitted")]


def in_order(
    view: View,
    columns: str,
    source: str,
    order: Order,
    after: str | None = None,
    limit: int = LIMIT,
    *,
    reverse: bool = False,
    **values: Any,
) -> tuple[Sequence[Row], str | None]:
    """A page of rows and the cursor of the next; the first of the columns must be ``number``."""
    names, types = ["number"], list[type]((int,))
    if order.key:
        columns, names = f"{columns}, {order.key} AS place", ["place", *names]
        types = [order.type, int]
    than, way = ("<", "DESC") if order.is_falling != reverse else (">", "ASC")
    sql = f"SELECT * FROM (SELECT {columns} FROM {source}) AS listed"
    if (place := decode_cursor(after, *types)) is not None:
        values |= {f"at_{name}": at for name, at in zip(names, place, strict=True)}
        sql += f" WHERE ({', '.join(names)}) {than} ({', '.join(f':at_{name}' for name in names)})"
    by = ", ".join(f"{name} {way}" for name in names)
    found = view.rows(f"{sql} ORDER BY {by} LIMIT :limit", limit=limit + 1, **values)
    if not order.key:
        return cut(found, limit, lambda row: (row[0],))
    page, more = cut(found, limit, lambda row: (row[-1], row[0]))
    return [row[:-1] for row in page], more


# -- facets --------------------------------------------------------------------------------------


_FACETS = ("medium", "licence", "year", "kind")


def facets_of_works(view: View, found: Filtered) -> WorkFacets:
    """The number of these works in total and by medium, licence, year, role and kind."""
    counts = [
        f"SELECT '{name}', min({name}), count(*) FROM found GROUP BY {by}"
        for name, by in {**{name: name for name in _FACETS}, "medium": "medium_folded"}.items()
    ]
    rows = view.rows(
        f"{PLANNED_ONCE}WITH found AS MATERIALIZED (SELECT w.number, w.medium, w.medium_folded, "
        "w.licence, w.kind, nullif(ltrim(w.made_year, '0'), '') AS year FROM @works w "
        f"WHERE {found.where} ORDER BY w.number DESC LIMIT :most) "
        f"{' UNION ALL '.join(counts)} "
        "UNION ALL SELECT 'role', c.role, count(DISTINCT c.work) FROM found f "
        f"JOIN @credits c ON c.work = f.number WHERE {CREDIT_COUNTS} GROUP BY c.role "
        "UNION ALL SELECT 'total', NULL, count(*) FROM found",
        **found.values,
        most=MOST_FACETED,
    )
    return facets_told(WorkFacets, rows, MOST_FACETED, licence=_merged)


def facets_of_people(view: View, found: Filtered) -> PeopleFacets:
    """The number of these people in total and by role and medium of their credits."""
    counted = f"SELECT '{{0}}', min({{1}}), count(DISTINCT same.person) {_DOING} GROUP BY {{2}}"
    same = SAME.format(who="p.merged_into IS NULL AND p.number IN (SELECT number FROM found)")
    rows = view.rows(
        "WITH RECURSIVE found AS MATERIALIZED (SELECT p.number FROM @contributors p "
        f"LEFT JOIN vault v ON v.digest = p.name WHERE {found.where} "
        f"ORDER BY p.number DESC LIMIT :most), {same} "
        f"{counted.format('role', 'c.role', 'c.role')} "
        f"UNION ALL {counted.format('medium', 'w.medium', 'w.medium_folded')} "
        "UNION ALL SELECT 'total', NULL, count(*) FROM found",
        **found.values,
        most=MOST_PEOPLE,
    )
    return facets_told(PeopleFacets, rows, MOST_PEOPLE)


Counts = Mapping[str | None, int]
"""The number of items by value of a facet."""


def facets_told(
    kind: type[T], rows: Sequence[Row], most: int, **merged: Callable[[Counts], Counts]
) -> T:
    """Facets as answered, from rows of (facet, value, count) with the total as a facet of its own.

    ``most`` says how many items are counted at most; ``merged`` has, by facet, a function that
    merges values which count as one.
    """
    names = (name for name in kind.__annotations__ if name != "is_exact")
    facets: dict[str, dict[str | None, int]] = {name: {} for name in names}
    for facet, value, count in rows:
        facets[facet][value] = count
    (total,) = facets.pop("total").values()
    told = {name: _told(merged.get(name, dict)(counts)) for name, counts in facets.items()}
    return cast("T", {"total": total, "is_exact": total < most, **told})


def _merged(licences: Counts) -> Counts:
    """Counts of licences by name, with all spellings of a name added up."""
    merged = Counter[str | None]()
    for stated, count in licences.items():
        merged[stated and terms_of(stated).name] += count
    return merged


def _told(counts: Counts) -> Facet:
    """The values of a facet as answered, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0] or ""))
    return {
        "values": [{"value": value, "count": count} for value, count in ranked[:MOST_VALUES]],
        "left_out": max(0, len(ranked) - MOST_VALUES),
    }
