"""Clearance: what stands in the way of a release, whom to ask, and which command clears it.

Each kind of obstacle is declared once. The list is for use before publishing; it refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Annotated, NamedTuple, TypedDict, Unpack

from domain.cached import cached_property
from domain.claim import PENDING, POSTER
from domain.credit import Credit
from domain.identifier import Identifier
from domain.journal import Journal
from domain.licensing import RULES
from domain.money.proposal import Proposal
from domain.money.share import Share
from domain.permission import ANYONE, OPERATOR
from domain.readers import AGREEMENT
from domain.refusal import UnknownWork
from domain.remix import Remix
from domain.value import Example, one_of
from domain.values import ReleaseId
from projections import contributors, identifiers, licences, lineage
from projections.ancestry import ancestry
from projections.finding import CREDIT_COUNTS
from projections.hidden import NOT_HIDDEN
from projections.money.agreements import passed_under
from projections.money.pools.proposals import used_but_uncited
from projections.money.readers import Reader
from projections.nouns import noun_at
from projections.pages import Page, sliced
from projections.question import Paged, question
from projections.sentences import called
from projections.store import View, holds
from projections.told import Count, PersonRef, WorkRef

Row = tuple[int, int, str | None, int | None, str | None]
"""One obstacle: its place among its kind; the work; the id of what it is about, if not the work;
the number of the person to ask, if not the poster; and details."""
_THE_OPERATOR = 0
"""A number that no person has, for asking the operator."""


class Kind(NamedTuple):
    """A kind of obstacle: its description, the command that clears it, and how it is found."""

    says: str
    command: str
    find: str | Callable[[Scope], Iterable[Row]]
    """A function, or SQL with any of ``:works`` (numbers of all works in the release), ``:near``
    (of those directly in it), ``:root`` (its own number) and ``:pools`` (ids of its pools)."""


class Scope:
    """A release with everything in it that an actor may read."""

    def __init__(self, view: View, journal: Journal, id: str, actor: str) -> None:
        self.view, self.journal, self.id = view, journal, id
        self.root = lineage.root_of(view, id)
        self.tree = ancestry(view, self.root).tree
        self._reader = Reader(view, journal, actor)

    @cached_property
    def pools(self) -> list[str]:
        """The pools of the release whose agreements the actor may read."""
        rows = self.view.rows(
            "SELECT o.id FROM @pools o WHERE o.release = :root AND o.position <= :as_of",
            root=self.root,
        )
        return [pool for (pool,) in rows if self._reader.may(AGREEMENT, pool)]

    @cached_property
    def found(self) -> dict[str, list[Row]]:
        """The obstacles of each kind."""
        return {name: self.of(name) for name in KINDS}

    def of(self, name: str) -> list[Row]:
        """The obstacles of one kind."""
        kind = KINDS[name]
        if callable(kind.find):
            return list(kind.find(self))
        near = [work for work, generation in self.tree.generation.items() if generation <= 1]
        given = {
            "works": list(self.tree.generation),
            "near": near,
            "root": self.root,
            "pools": self.pools,
        }
        asked = {name: value for name, value in given.items() if f":{name}" in kind.find}
        return sorted(self.view.rows(kind.find, **asked))


# -- how they are found ----------------------------------------------------------------------------


def _in_conflict(scope: Scope) -> Iterator[Row]:
    """The rules of licences that the release breaks, or would break if it is sold."""
    conflicts = licences.Licensed(scope.view, scope.root).conflicts
    parents = lineage.references(scope.view, {one.parent for one in conflicts})
    for place, one in enumerate(conflicts):
        parent, says = parents[one.parent], RULES[one.code].says
        yield place, one.child, one.remix, None, f"{says} ({called(parent)})"


def _without_share(scope: Scope, *, is_final: bool) -> Iterator[Row]:
    """The works and people that the latest proposal of a pool leaves out, while it is open or once
    it is final; then it is the pool that needs another proposal."""
    rows = scope.view.rows(
        "SELECT a.pool, a.id, a.state FROM @proposals a WHERE a.pool IN :pools "
        f"AND a.state <> '{Proposal.Withdrawn.STATE}' AND {holds('a')} ORDER BY a.born",
        pools=scope.pools,
    )
    place = 0
    latest = {pool: (id, state) for pool, id, state in rows}
    for pool, (id, state) in latest.items():
        if is_final != (state == Proposal.Finalised.STATE):
            continue
        noun = noun_at(scope.view, scope.journal, Proposal, id)
        passed = passed_under(scope.view, scope.journal, id)
        for missing in used_but_uncited(scope.view, scope.id, noun.current.assets, passed):
            place += 1
            about = pool if is_final else id
            yield place, scope.root, about, None, called(missing)


_POSTER = "CAST(NULL AS BIGINT)"
_NO_DETAIL = "CAST(NULL AS TEXT)"
_CREDITED_PERSON = f"CASE WHEN {NOT_HIDDEN} THEN c.contributor ELSE -c.born END"


def _credits(condition: str, ask: str = _CREDITED_PERSON) -> str:
    return (
        f"SELECT c.born, c.work, c.id, {ask}, {_NO_DETAIL} FROM @credits c "
        f"WHERE c.work IN :works AND {condition} AND {holds('c')}"
    )


def _remixes(state: str, ask: object = _POSTER) -> str:
    return (
        f"SELECT e.born, e.child, e.id, {ask}, {_NO_DETAIL} FROM @remixes e "
        f"WHERE e.child IN :works AND e.state = '{state}' AND {holds('e')}"
    )


def _works(condition: str, scope: str = "works") -> str:
    return (
        f"SELECT w.born, w.number, CAST(NULL AS TEXT), {_POSTER}, {_NO_DETAIL} "
        f"FROM @works w WHERE w.number IN :{scope} AND {condition} AND {holds('w')}"
    )


_CLAIMED = (
    f"(c.state = '{PENDING}' AND c.waits_for = '{POSTER}' OR c.state = '{Credit.Claimed.STATE}')"
)
_UNANSWERED = f"{_credits(_CLAIMED, _POSTER)} UNION ALL " + _credits(
    f"c.state = '{Credit.Granted.STATE}'"
)
"""Credits claimed on another's work, or granted to a person who has not accepted them yet."""
_JOINS = (
    f"SELECT j.born, j.asked, j.id, {_POSTER}, {_NO_DETAIL} FROM @joins j "
    "WHERE (j.work IN :works OR j.target IN :works) AND j.asked IS NOT NULL "
    f"AND j.state = '{PENDING}' AND {holds('j')}"
)
_SHARES = (
    f"SELECT s.since, CAST(:root AS BIGINT), s.proposal, p.number, {_NO_DETAIL} "
    "FROM @shares s JOIN @proposals a ON a.id = s.proposal "
    "LEFT JOIN @contributors p ON p.id = coalesce(s.contributor, s.payee) "
    f"AND {holds('p')} WHERE a.pool IN :pools AND s.state = '{Share.Offered.STATE}' "
    f"AND {holds('s')} AND {holds('a')}"
)
_NUMBERED = f"SELECT i.subject FROM @identifiers i WHERE {identifiers.COUNTS}"
_DISPUTED_NUMBERS = (
    f"SELECT i.born, i.subject, i.id, {_THE_OPERATOR}, {_NO_DETAIL} FROM @identifiers i "
    f"WHERE i.subject IN :works AND i.state = '{Identifier.Disputed.STATE}' AND {holds('i')}"
)
_PEOPLE = (
    f"SELECT min(c.born), min(c.work), p.id, c.contributor, {_NO_DETAIL} FROM @credits c "
    f"JOIN @contributors p ON p.number = c.contributor AND {holds('p')} "
    f"WHERE c.work IN :near AND c.kind = 'direct' AND {CREDIT_COUNTS} AND {NOT_HIDDEN} "
    f"AND c.contributor NOT IN ({_NUMBERED}) GROUP BY p.id, c.contributor"
)
_CREDITED = f"EXISTS (SELECT 1 FROM @credits c WHERE c.work = w.number AND {CREDIT_COUNTS})"
_LICENSED = (
    "EXISTS (SELECT 1 FROM @works m WHERE m.node = w.number AND m.licence IS NOT NULL "
    f"AND {holds('m')})"
)
_OUTSIDE = f"SELECT w.number FROM @works w WHERE w.kind = 'outside' AND {holds('w')}"

KINDS = {
    "licence_conflict": Kind("A licence does not allow this use.", "work.describe", _in_conflict),
    "credit_disputed": Kind(
        "A credit is disputed; what depends on it is held.",
        "credit.settle",
        _credits(f"c.state = '{Credit.Disputed.STATE}'", str(_THE_OPERATOR)),
    ),
    "remix_disputed": Kind(
        "What it was made from is disputed; what depends on it is held.",
        "remix.settle",
        _remixes(Remix.Disputed.STATE, _THE_OPERATOR),
    ),
    "identifier_disputed": Kind(
        "An identifier is disputed.", "identifier.settle", _DISPUTED_NUMBERS
    ),
    "credit_unanswered": Kind("A credit is unanswered.", "credit.accept", _UNANSWERED),
    "remix_unanswered": Kind(
        "A claim on what it was made from is unanswered.", "remix.accept", _remixes(PENDING)
    ),
    "join_unanswered": Kind(
        "A claim that it is the same as another work is unanswered.", "join.accept", _JOINS
    ),
    "share_unanswered": Kind("A share is unanswered.", "share.accept", _SHARES),
    "share_missing": Kind(
        "Used, but without a share in the latest proposal.",
        "proposal.revise",
        partial(_without_share, is_final=False),
    ),
    "share_not_agreed": Kind(
        "Used, but without a share in the latest agreement.",
        "proposal",
        partial(_without_share, is_final=True),
    ),
    "source_unclaimed": Kind(
        "Nobody is credited on this source; its share would be held.",
        "work.claim",
        _works(f"w.kind = 'outside' AND NOT {_CREDITED}"),
    ),
    "credit_missing": Kind(
        "Nobody is credited on this piece.",
        "credit",
        _works(f"w.kind = 'contribution' AND NOT {_CREDITED}"),
    ),
    "licence_missing": Kind(
        "No licence is on record.", "work.describe", _works(f"NOT {_LICENSED}")
    ),
    "ai_missing": Kind(
        "Nobody has stated whether AI was used.",
        "credit.correct",
        _credits(f"c.ai IS NULL AND c.work NOT IN ({_OUTSIDE}) AND {CREDIT_COUNTS}"),
    ),
    "identifier_missing": Kind(
        "It has no registry number, such as an ISRC.",
        "identifier",
        _works(f"w.kind <> 'outside' AND w.number NOT IN ({_NUMBERED})", "near"),
    ),
    "person_unidentified": Kind(
        "They have no registry number, such as an ISNI.", "identifier", _PEOPLE
    ),
}
"""The kinds of obstacle, the gravest first."""


# -- answers ---------------------------------------------------------------------------------------

KindOfObstacle = Annotated[str, one_of(KINDS, "What it is.")]
Says = Annotated[str, "What stands in the way.", Example("A share is unanswered.")]
Clears = Annotated[str, "The command that clears it.", Example("share.accept")]


class Obstacle(TypedDict):
    """Something that stands in the way of a release."""

    kind: Annotated[KindOfObstacle, Example("share_unanswered")]
    says: Says
    detail: Annotated[str | None, "The details: the rule that is broken, or what is left out."]
    work: WorkRef
    about: Annotated[
        str | None,
        "The id of the credit, remix, join, identifier, proposal, pool or person it is about; null "
        "if it is about the work.",
    ]
    ask: Annotated[PersonRef | None, "Whom to ask; null for the operator, or a name outside."]
    command: Clears


class KindCounted(TypedDict):
    """How often something of a kind stands in the way."""

    kind: Annotated[KindOfObstacle, Example("share_unanswered")]
    says: Says
    command: Clears
    count: Annotated[Count, "How many there are.", Example(2)]


class Obstacles(TypedDict):
    """How much stands in the way of a release, and of which kinds."""

    count: Annotated[Count, "How many there are.", Example(2)]
    kinds: list[KindCounted]


@question(
    "list_obstacles",
    "/releases/{id}/clearance",
    cli="release clearance",
    refuses=(UnknownWork,),
    may=(ANYONE,),
)
def obstacles(
    view: View,
    journal: Journal,
    id: ReleaseId,
    *,
    actor: str,
    kind: Annotated[KindOfObstacle | None, "Only of this kind."] = None,
    **part: Unpack[Paged],
) -> Page[Obstacle]:
    """What stands in the way of a release, the most serious first: whom to ask, and for what.

    Shares are shown only to those who may read the agreements of its pools.
    """
    return listed(Scope(view, journal, id, actor), kind, **part)


def listed(scope: Scope, kind: str | None, **part: Unpack[Paged]) -> Page[Obstacle]:
    """A page of the obstacles of one kind, or of all."""
    every = scope.found if kind is None else {kind: scope.of(kind)}
    found = [(name, row) for name, rows in every.items() for row in rows]
    page, more = sliced(found, **part)
    return Page(_told(scope.view, page), more)


@question(
    "count_obstacles",
    "/releases/{id}/clearance/facets",
    cli="release clearance-counts",
    refuses=(UnknownWork,),
    may=(ANYONE,),
)
def counted(view: View, journal: Journal, id: ReleaseId, *, actor: str) -> Obstacles:
    """How much stands in the way of a release, by kind; the most serious first."""
    return counts_in(Scope(view, journal, id, actor))


def counts_in(scope: Scope) -> Obstacles:
    """The number of obstacles, in total and by kind."""
    counts = {name: len(rows) for name, rows in scope.found.items() if rows}
    return {
        "count": sum(counts.values()),
        "kinds": [
            {
                "kind": name,
                "says": KINDS[name].says,
                "command": KINDS[name].command,
                "count": count,
            }
            for name, count in counts.items()
        ],
    }


def _told(view: View, found: Iterable[tuple[str, Row]]) -> list[Obstacle]:
    found = list(found)
    rows = lineage.rows_of(view, {work for _, (_, work, *_) in found})
    works = lineage.references(view, rows)
    posters = contributors.people_with(view, {row.poster for row in rows.values()} - {OPERATOR})
    people = contributors.persons(view, {person for _, (*_, person, _) in found if person})

    def ask(work: int, person: int | None) -> PersonRef | None:
        return posters.get(rows[work].poster) if person is None else people.get(person)

    return [
        {
            "kind": name,
            "says": KINDS[name].says,
            "detail": detail,
            "work": works[work],
            "about": about,
            "ask": ask(work, person),
            "command": KINDS[name].command,
        }
        for name, (_, work, about, person, detail) in found
    ]
