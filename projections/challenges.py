"""Challenges: what they ask for, who issued them, until when, and the pieces that answer them.

An answer that was taken back, or whose piece was withdrawn, stays listed and is marked.

Tables, rows and questions are in one file because they share their columns.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypedDict, Unpack

from domain.challenge import Answer, Challenge
from domain.dates import span_of
from domain.fact import Fact
from domain.journal import Journal
from domain.moment import instant
from domain.refusal import UnknownChallenge
from domain.role import within
from domain.text import folded
from domain.value import Example, Flag
from domain.values import ChallengeId, ContributionId, ContributorId, ProjectId, Role
from projections import lineage, projects
from projections.finding import (
    MOST_FACETED,
    REMIX_COUNTS,
    Filtered,
    Order,
    Reverse,
    TextFilter,
    beginning,
    facets_told,
    in_order,
    sort_of,
)
from projections.pages import LIMIT, Page
from projections.question import After, Limit, Paged, Search, question
from projections.store import View, holds, told_rows
from projections.tables import (
    Amend,
    Change,
    Numbers,
    Projection,
    born,
    facts_about,
    row_of,
    rows_in,
    table,
)
from projections.told import WorkRef
from projections.told_projects import (
    AnswerFacets,
    AnswerState,
    AnswerTold,
    ChallengeItem,
    ChallengeRef,
    ChallengeTold,
    WasIn,
)


class ChallengeRow(NamedTuple):
    """A row of the read table of challenges."""

    number: int
    id: str
    state: str
    title: str | None
    prompt: str | None
    media: str | None
    media_folded: str | None
    roles: str | None
    ends: str | None
    last: str
    actor: str
    project: int | None
    born: int
    issued_at: str

    @property
    def asked(self) -> tuple[list[str], list[str]]:
        """The roles and the media it asks for; an empty list means any."""
        return json.loads(self.roles or "[]"), json.loads(self.media or "[]")

    def is_open(self, now: str) -> bool:
        """Whether it can be answered at a time: it is issued, and its deadline has not passed."""
        return self.state == Challenge.Issued.STATE and self.last >= now


CHALLENGES = table(
    "challenges",
    ChallengeRow,
    ("number", "id", "project", "actor"),
    key="number",
)
ANSWERS = table(
    "answers",
    "id TEXT, challenge BIGINT, work BIGINT, state TEXT, reason TEXT NULL, actor TEXT, "
    "born BIGINT, own_work BIGINT",
    ("id", "challenge", "work", "own_work"),
    key="id",
)

EVER = "9999-12-31T23:59:59.999999Z"
"""The end of a challenge without a deadline, so that it comes last."""
ANYTHING = {"media": None, "media_folded": None, "roles": None, "ends": None, "last": EVER}
"""The columns of a challenge that asks for nothing in particular."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The challenges and answers that this fact adds or changes."""
    match happened:
        case Challenge.Issued(originator_id=id, project=project):
            yield born(
                CHALLENGES,
                happened,
                number=numbers[id],
                project=numbers[project] if project else None,
                born=position,
                issued_at=instant(happened.timestamp),
                **ANYTHING | _asked(happened),
            )
        case Challenge.Described(originator_id=id):
            said = happened.stated("title", "prompt")
            yield Amend(CHALLENGES, numbers[id], said | _asked(happened))
        case Challenge.Moved(originator_id=id, project=project):
            into = numbers[project] if project else None
            yield Amend(CHALLENGES, numbers[id], {"project": into})
        case Challenge.Closed(originator_id=id) | Challenge.Reopened(originator_id=id):
            yield Amend(CHALLENGES, numbers[id], {"state": happened.leaves})
        case Answer.Event() if happened.originator_version == 1:
            at = {"work": numbers.node(happened.work), "own_work": numbers[happened.work]}
            yield born(
                ANSWERS, happened, **at, challenge=numbers[happened.challenge], born=position
            )
        case Answer.Event():
            reason = getattr(happened, "reason", None)
            said = {"state": happened.leaves, "reason": reason, "actor": happened.actor}
            yield Amend(ANSWERS, happened.originator_id, said)


def _asked(happened: Challenge.Issued | Challenge.Described) -> dict[str, Any]:
    """The columns for what a fact states about media, roles and deadline."""
    said: dict[str, Any] = {}
    if happened.media is not None:
        said["media"] = json.dumps(happened.media, ensure_ascii=False)
        said["media_folded"] = json.dumps([*map(folded, happened.media)], ensure_ascii=False)
    if happened.roles is not None:
        said["roles"] = json.dumps(happened.roles, ensure_ascii=False)
    if happened.answer_by is not None:
        said |= {"ends": happened.answer_by, "last": span_of(happened.answer_by).last or EVER}
    return said


CHALLENGING = Projection(
    "challenges", (CHALLENGES, ANSWERS), changes, facts_about(Challenge, Answer)
)

# -- answers -------------------------------------------------------------------------------


_CHALLENGE = CHALLENGES.selected("c")
_GIVEN = f"a.state <> '{Answer.Withdrawn.STATE}' AND {holds('a')}"

_ANSWER = "a.born AS number, a.challenge, a.own_work, a.work, a.state, a.reason, a.actor"

CHALLENGE_ORDERS = {
    "issued": Order("", int, True, "the latest issued first"),
    "deadline": Order("c.last", str, False, "the first to end first"),
    "answers": Order(
        f"(SELECT count(*) FROM @answers a WHERE a.challenge = c.number AND {_GIVEN})",
        int,
        True,
        "those with the most answers first",
    ),
}
SortOfChallenges = Annotated[str, sort_of(CHALLENGE_ORDERS, "issued")]


@question("list_challenges", "/challenges", cli="challenge list")
def challenges(
    view: View,
    journal: Journal,
    *,
    q: Annotated[
        Search | None,
        "In the title or the prompt; case and accents do not matter.",
        Example("keeper"),
    ] = None,
    medium: Annotated[
        Search | None,
        "Asking for this medium, or for any; case and accents do not matter.",
        Example("image"),
    ] = None,
    role: Annotated[Role | None, "Asking for this role or a narrower one, or for any."] = None,
    open_: Annotated[bool, Flag(help="Only those that can be answered now.")] = False,
    project: Annotated[ProjectId | None, "In this project."] = None,
    issuer: Annotated[ContributorId | None, "Issued by this person."] = None,
    sort: SortOfChallenges = "issued",
    reverse: Reverse = False,
    **part: Unpack[Paged],
) -> Page[ChallengeItem]:
    """Find challenges that match every filter, the latest issued first."""
    now, said = moment(view, journal), dict[str, Any]()
    where = [holds("c"), *_wanted(view, said, q=q, medium=medium, role=role)]
    if open_:
        where.append("c.state = 'issued' AND c.last >= :now")
        said["now"] = now
    if project is not None:
        its = f"SELECT p.number FROM @projects p WHERE p.id = :project AND {holds('p')}"
        where.append(f"c.project IN ({its})")
        said["project"] = project
    if issuer is not None:
        where.append("c.actor IN :issuer")
        said["issuer"] = projects.ids_of(view, issuer)
    source = f"@challenges c WHERE {' AND '.join(where)}"
    order = CHALLENGE_ORDERS[sort]
    rows, more = in_order(view, _CHALLENGE, source, order, **part, reverse=reverse, **said)
    return Page(list(_items(view, [ChallengeRow(*row) for row in rows], now)), more)


def _wanted(
    view: View, said: dict[str, Any], *, q: str | None, medium: str | None, role: str | None
) -> Iterator[str]:
    """The SQL conditions of these filters; their values are added to ``said``."""
    if q is not None:
        texts = TextFilter.containing(view, "q", q)
        said |= texts.values
        yield f"({texts.held_by('c.title')} OR {texts.held_by('c.prompt')})"
    if medium is not None:
        said["medium"] = _item(folded(medium))
        yield "(c.media IS NULL OR c.media_folded LIKE :medium ESCAPE '!')"
    if role is not None:
        each = [*within(role)]
        said |= {f"role{n}": _item(one) for n, one in enumerate(each)}
        any_of = " OR ".join(f"c.roles LIKE :role{n} ESCAPE '!'" for n in range(len(each)))
        yield f"(c.roles IS NULL OR {any_of})"


def _item(text: str) -> str:
    """A LIKE pattern (escape character !) for JSON lists with this item."""
    spelled = json.dumps(text, ensure_ascii=False)
    return f"%{spelled.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"


def moment(view: View, journal: Journal) -> str:
    """The time of a view: that of the fact at its position, or now at the journal's head."""
    if view.as_of < journal.facts.head():
        for placed in journal.facts.at([view.as_of]):
            return instant(placed.fact().timestamp)
    return instant(journal.clock())


def _items(view: View, rows: Collection[ChallengeRow], now: str) -> Iterator[ChallengeItem]:
    texts = view.texts({text for row in rows for text in (row.title, row.prompt)})
    found = projects.references(view, {row.project for row in rows if row.project})
    counts = _counts(view, [row.number for row in rows])
    for row in rows:
        answers, featured = counts.get(row.number, (0, 0))
        yield {
            **_reference(row, texts),
            "prompt": texts.get(row.prompt),
            "media": json.loads(row.media or "[]"),
            "roles": json.loads(row.roles or "[]"),
            "answer_by": row.ends,
            "is_open": row.is_open(now),
            "issued_by": row.actor,
            "issued_at": row.issued_at,
            "project": found[row.project] if row.project else None,
            "answers": answers,
            "featured": featured,
            "position": row.born,
        }


def _reference(row: ChallengeRow, texts: Mapping[str | None, str]) -> ChallengeRef:
    return {"id": row.id, "title": texts.get(row.title), "state": row.state}


def _counts(view: View, challenges: Collection[int]) -> dict[int, tuple[int, int]]:
    """By challenge: the number of pieces that answer it, and of those that are featured."""
    rows = view.rows(
        "SELECT a.challenge, count(*), count(*) FILTER (WHERE a.state = 'featured') "
        f"FROM @answers a WHERE a.challenge IN :challenges AND {_GIVEN} GROUP BY a.challenge",
        challenges=list(challenges),
    )
    return {challenge: (answers, featured) for challenge, answers, featured in rows}


def find(view: View, id: str) -> ChallengeRow:
    """The challenge with this id; raises UnknownChallenge if there is none."""
    return row_of(view, CHALLENGES, ChallengeRow, id, UnknownChallenge)


@question("show_challenge", "/challenges/{id}", cli="challenge show", parts=("projects",))
def challenge(view: View, journal: Journal, id: ChallengeId) -> ChallengeTold:
    """One challenge: what it asks for, its deadline, and every project it was in."""
    row = find(view, id)
    (item,) = _items(view, [row], moment(view, journal))
    return {**item, "projects": list(_was_in(view, row.number))}


def _was_in(view: View, challenge: int) -> Iterator[WasIn]:
    """The projects a challenge is or was in, from the versions of its row."""
    rows = view.rows(
        "SELECT c.project, c.since, c.until FROM @challenges c WHERE c.number = :number "
        "AND c.since <= :as_of ORDER BY c.since",
        number=challenge,
    )
    spans: list[list[Any]] = []
    for project, since, until in rows:
        if spans and spans[-1][0] == project:
            spans[-1][2] = until
        else:
            spans.append([project, since, until])
    found = projects.references(view, {project for project, *_ in spans if project})
    for project, since, until in spans:
        if project:
            ended = until if until <= view.as_of else None
            yield {"project": found[project], "since": since, "until": ended}


class AnswerFilters(TypedDict, total=False):
    """What a list of answers can be filtered by."""

    challenge: Annotated[ChallengeId | None, "To this challenge."]
    project: Annotated[ProjectId | None, "To a challenge in this project."]
    work: Annotated[ContributionId | None, "Of this piece."]
    state: Annotated[AnswerState | None, "In this state; default all."]
    medium: Annotated[
        Search | None,
        "Pieces in this medium; case and accents do not matter.",
        Example("audio"),
    ]
    unused: Annotated[
        bool, Flag(help="Only those still standing from which nothing has been made yet.")
    ]


_OF = "SELECT c.number FROM @challenges c WHERE c.{0} AND " + holds("c")
_WORKS = f"SELECT w.number FROM @works w WHERE w.{{0}} AND {holds('w')}"
_ITS_PROJECT = f"(SELECT p.number FROM @projects p WHERE p.id = :project AND {holds('p')})"
_FILTERS = {
    "challenge": f"a.challenge IN ({_OF.format('id = :challenge')})",
    "project": f"a.challenge IN ({_OF.format(f'project = {_ITS_PROJECT}')})",
    "work": f"a.own_work IN ({_WORKS.format('id = :work')})",
    "state": "a.state = :state",
    "medium": f"a.own_work IN ({_WORKS.format('medium_folded = :medium')})",
    "unused": f"{_GIVEN} AND {projects.UNUSED.format('a.work')} "
    f"AND a.own_work IN ({projects.STANDS})",
}
ANSWER_ORDERS = {
    "given": Order("", int, True, "the latest given first"),
    "title": Order(
        beginning(
            "(SELECT v.folded FROM @works w JOIN vault v ON v.digest = w.title "
            f"WHERE w.number = a.own_work AND w.state <> 'withdrawn' AND {holds('w')})"
        ),
        str,
        False,
        "by title",
    ),
    "remixed": Order(
        f"(SELECT count(DISTINCT e.child) FROM @remixes e WHERE e.parent = a.work "
        f"AND {REMIX_COUNTS})",
        int,
        True,
        "the most remixed first",
    ),
}
SortOfAnswers = Annotated[str, sort_of(ANSWER_ORDERS, "given")]


def _those_that(asked: AnswerFilters) -> Filtered:
    """The answers that match every filter."""
    said = {name: one for name, one in asked.items() if one not in (None, False)}
    where = [holds("a"), *(_FILTERS[name] for name in said)]
    if "medium" in said:
        said["medium"] = folded(str(said["medium"]))
    return Filtered(" AND ".join(where), said)


@question("list_answers", "/answers", cli="challenge answers")
def answers(
    view: View,
    *,
    sort: SortOfAnswers = "given",
    reverse: Reverse = False,
    after: After | None = None,
    limit: Limit = LIMIT,
    **asked: Unpack[AnswerFilters],
) -> Page[AnswerTold]:
    """Find pieces that answer challenges, the latest given first.

    Answers that were taken back, or whose piece was withdrawn, are marked as such.
    """
    found = _those_that(asked)
    source = f"@answers a WHERE {found.where}"
    order = ANSWER_ORDERS[sort]
    rows, more = in_order(
        view, _ANSWER, source, order, after, limit, reverse=reverse, **found.values
    )
    return Page(_told(view, rows), more)


@question("count_answers", "/answers/facets", cli="challenge facets")
def answer_facets(view: View, **asked: Unpack[AnswerFilters]) -> AnswerFacets:
    """How many answers match every filter, in total and by medium and state, up to 10,000."""
    found = _those_that(asked)
    rows = view.rows(
        "WITH found AS MATERIALIZED (SELECT a.state, w.medium, w.medium_folded FROM @answers a "
        f"JOIN @works w ON w.number = a.own_work AND {holds('w')} WHERE {found.where} "
        "ORDER BY a.born DESC LIMIT :most) "
        "SELECT 'medium', min(medium), count(*) FROM found GROUP BY medium_folded "
        "UNION ALL SELECT 'state', state, count(*) FROM found GROUP BY state "
        "UNION ALL SELECT 'total', NULL, count(*) FROM found",
        **found.values,
        most=MOST_FACETED,
    )
    return facets_told(AnswerFacets, rows, MOST_FACETED)


def _told(view: View, rows: Iterable[Any]) -> list[AnswerTold]:
    rows = list(rows)
    found = references(view, {row[1] for row in rows})
    works = lineage.references(view, [row[2] for row in rows])
    remixed = lineage.remix_counts(view, [row[3] for row in rows])
    texts = view.texts({row[5] for row in rows})
    told = (
        (challenge, own, state, reason, actor, node, given)
        for given, challenge, own, node, state, reason, actor in rows
    )
    looked_up: dict[str, Any] = {
        "challenge": found,
        "work": works,
        "reason": texts,
        "remixed_by": remixed,
    }
    return told_rows(AnswerTold, told, **looked_up)


def could_answer(view: View, challenge: str, posters: Collection[str], limit: int) -> list[WorkRef]:
    """The latest pieces of these posters that are not withdrawn and do not answer a challenge."""
    rows = view.rows(
        "SELECT w.number FROM @works w WHERE w.poster IN :posters AND w.kind = 'contribution' "
        f"AND w.state <> 'withdrawn' AND {holds('w')} AND NOT EXISTS (SELECT 1 FROM @answers a "
        f"WHERE a.own_work = w.number AND a.challenge = :challenge AND {_GIVEN}) "
        "ORDER BY w.number DESC LIMIT :limit",
        posters=list(posters),
        challenge=find(view, challenge).number,
        limit=limit,
    )
    works = lineage.references(view, [number for (number,) in rows])
    return [works[number] for (number,) in rows]


def of_work(view: View, work: int) -> list[AnswerTold]:
    """The first answers a piece is or was, in the order given."""
    rows = view.rows(
        f"SELECT {_ANSWER} FROM @answers a "
        f"WHERE a.own_work = :work AND {holds('a')} ORDER BY a.born LIMIT :limit",
        work=work,
        limit=LIMIT,
    )
    return _told(view, rows)


def references(view: View, numbers: Iterable[int]) -> dict[int, ChallengeRef]:
    """The challenges with these numbers, as answers refer to them."""
    found = rows_of(view, numbers).values()
    texts = view.texts({row.title for row in found})
    return {row.number: _reference(row, texts) for row in found}


def rows_of(view: View, numbers: Iterable[int]) -> dict[int, ChallengeRow]:
    """The challenges with these numbers."""
    rows = rows_in(view, CHALLENGES, ChallengeRow, "t.number IN :numbers", numbers=list(numbers))
    return {row.number: row for row in rows}
