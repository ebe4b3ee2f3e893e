"""Suggesting people for a challenge and challenges for a person, each with its reasons in words.

Nobody is scored. A suggestion states the numbers by which it is ordered: how near somebody is, and
on how many works they did what is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, NamedTuple, Self, Unpack

from domain.engine.documents import Phrase, Some
from domain.journal import Journal
from domain.role import within
from domain.text import folded, with_article
from domain.values import ChallengeId, ContributorId
from projections import challenges, collaboration, contributors
from projections.collaboration import Near
from projections.documents import asks_tag, medium_tag, role_tag, role_tags
from projections.finding import CREDIT_COUNTS
from projections.hidden import NOT_HIDDEN
from projections.merges import accounts_under, roots_of
from projections.pages import LIMIT, Page, place_of, sliced
from projections.question import Paged, question
from projections.searching import matching
from projections.store import View, holds
from projections.ties import Done, Ties, credited, finished_of, reason
from projections.told_finding import ChallengeSuggested, Fitting, PersonSuggested, Reason
from projections.wording import several

MOST_COMPARED = 120
"""How many of the nearest people, or of the latest challenges, are compared."""
LATELY = 60
"""People who are not near are looked for on so many of the latest works."""
MOST_CREDITS = 1_000
"""How many of somebody's latest credits are considered."""


FAR = 3
"""The distance by which those who are not near are sorted."""


# -- people for a challenge ------------------------------------------------------------------------


@question("suggest_people", "/challenges/{id}/people", cli="challenge people")
def people_for(
    view: View,
    id: ChallengeId,
    *,
    near: Annotated[
        ContributorId | None, "The person distances are counted from; default the issuer."
    ] = None,
    **part: Unpack[Paged],
) -> Page[PersonSuggested]:
    """People who could answer a challenge, the nearest first, then by works, then the latest.

    First the 120 nearest the issuer; then those credited in a role it asks for on the latest 60
    works with one, or, if it only asks for a medium, on the latest 60 works in it.
    """
    return people(view, id, near, **part)


def people(
    view: View,
    id: str,
    near: str | None = None,
    after: str | None = None,
    limit: int = LIMIT,
    *,
    is_you: bool = False,
) -> Page[PersonSuggested]:
    """Like ``people_for``; with ``is_you``, reasons address the person distances count from."""
    row = challenges.find(view, id)
    asked = Asked(*row.asked)
    origin = _number(view, near or row.actor)
    around = {} if origin is None else collaboration.around(view, origin)
    not_wanted = _not_wanted(view, row.number, row.actor) | {origin or 0}
    done, ranked = dict[int, Done](), list[int]()
    for candidates in _candidates(view, asked, around):
        new = candidates - not_wanted - done.keys()
        done |= _done(view, new, asked)
        fit = (number for number in new if asked.fits(done[number]))
        ranked += sorted(fit, key=lambda one: (_distance(around, one), -done[one].works, -one))
        if len(ranked) > place_of(after) + limit:
            break
    page, more = sliced(ranked, after, limit)
    ties = Ties(view, origin, around, page, is_you=is_you)
    finished = finished_of(view, {work for one in page for work in done[one].latest})
    items: list[PersonSuggested] = [
        {"contributor": ties.people[one], **_fitting("they", asked, done[one], finished, ties, one)}
        for one in page
    ]
    return Page(items, more)


class Asked(NamedTuple):
    """The roles and media that a challenge asks for."""

    roles: list[str]
    media: list[str]

    @property
    def narrow(self) -> dict[str, str]:
        """By each role that fits: the role asked for that includes it."""
        return {name: role for role in reversed(self.roles) for name in within(role)}

    def fits(self, done: Done) -> bool:
        """Whether somebody did anything that is asked for."""
        if self.roles:
            return done.works > 0
        return bool(done.media) or not self.media


def _number(view: View, id: str) -> int | None:
    found = view.numbers("contributors", [id]).values()
    return contributors.after_merges(view, *found) if found else None


def _distance(around: Mapping[int, Near], number: int) -> int:
    return around[number].distance if number in around else FAR


def _candidates(view: View, asked: Asked, around: Mapping[int, Near]) -> Iterator[set[int]]:
    """Those who are near; then those lately credited in these roles or, without roles, media."""
    yield set(islice(around, MOST_COMPARED))
    tags = map(role_tag, asked.roles) if asked.roles else map(medium_tag, asked.media)
    yield collaboration.credited_on(view, _found(view, tags, LATELY), asked.narrow)


def _found(view: View, tags: Iterable[str], most: int) -> list[int]:
    """The latest documents with any of these tags."""
    some = tuple(Phrase((tag,), "tags") for tag in tags)
    return matching(view, Some(some), most) if some else []


def _not_wanted(view: View, challenge: int, issuer: str) -> set[int]:
    """Whoever issued it or has answered it already."""
    rows = view.rows(
        "SELECT DISTINCT w.poster FROM @answers a JOIN @works w ON w.number = a.own_work "
        f"AND {holds('w')} WHERE a.challenge = :challenge AND a.state <> 'withdrawn' "
        f"AND {holds('a')} LIMIT :most",
        challenge=challenge,
        most=MOST_CREDITS,
    )
    numbers = view.numbers("contributors", {issuer, *(poster for (poster,) in rows)}).values()
    roots = roots_of(view.rows, numbers)
    return {roots.get(number, number) for number in numbers}


def _done(view: View, people: Collection[int], asked: Asked) -> dict[int, Done]:
    """What each of these people did that is asked for."""
    accounts = accounts_under(view.rows, people)
    roles: dict[int, dict[str, set[int]]] = {number: {} for number in people}
    media: dict[int, dict[str, set[int]]] = {number: {} for number in people}
    for account, role, work in _credits_as(view, accounts, asked.narrow):
        roles[accounts[account]].setdefault(role, set()).add(work)
    if asked.media and not asked.roles:
        for number, medium, work in _made_in(view, people, asked.media):
            media[number].setdefault(medium, set()).add(work)
    return {number: Done(roles[number], media[number]) for number in people}


def _credits_as(
    view: View, accounts: Collection[int], roles: Collection[str]
) -> Iterable[tuple[int, str, int]]:
    if not roles:
        return ()
    return view.rows(
        "SELECT c.contributor, c.role, c.work FROM @credits c "
        f"WHERE c.contributor IN :accounts AND c.role IN :roles AND {CREDIT_COUNTS} "
        f"AND {NOT_HIDDEN} ORDER BY c.work DESC, c.contributor, c.role LIMIT :most",
        accounts=list(accounts),
        roles=list(roles),
        most=10 * MOST_CREDITS,
    )


def _made_in(
    view: View, people: Collection[int], media: Iterable[str]
) -> Iterator[tuple[int, str, int]]:
    """The latest works of each person that are in one of the media: person, medium, work."""
    latest = collaboration.latest_works(view, people, collaboration.THEIR_WORKS)
    made = dict(_media_of(view, {work for works in latest.values() for work in works}))
    asked = {folded(medium) for medium in media}
    for person, works in latest.items():
        for work in works:
            if (medium := folded(made.get(work, ""))) in asked:
                yield person, medium, work


def _media_of(view: View, works: Collection[int]) -> Iterable[tuple[int, str]]:
    """Those of these works that have a medium, with it."""
    return view.rows(
        "SELECT w.number, w.medium FROM @works w WHERE w.number IN :works "
        f"AND w.medium IS NOT NULL AND {holds('w')}",
        works=sorted(works),
    )


def _fitting(
    who: str, asked: Asked, done: Done, finished: set[int], ties: Ties, other: int | None
) -> Fitting:
    """How somebody fits what is asked for, by what they did and by their ties to another."""
    near, done_so = ties.around.get(other or 0), len(done.latest & finished)
    return {
        "distance": near.distance if near else None,
        "works": done.works,
        "finished": done_so,
        "reasons": [*_did(who, asked, done, done_so), *(ties.told(other) if other else ())],
    }


def _did(who: str, asked: Asked, done: Done, finished: int) -> Iterator[Reason]:
    """The reasons in words: what somebody did that is asked for."""
    if done.roles:
        role = max(done.roles, key=lambda one: (len(done.roles[one]), one))
        said = f"{who} were {credited(role, done, finished)}"
        yield reason(
            "role", f"This asks for {with_article(asked.narrow[role])}; {said}.", done.works
        )
    for medium, works in done.media.items():
        said = f"{who} made {several(len(works), 'work')} in it lately"
        yield reason("medium", f"This asks for {medium}; {said}.", len(works))


# -- challenges for a person -----------------------------------------------------------------------


@question("suggest_challenges", "/contributors/{id}/challenges", cli="contributor challenges")
def challenges_for(
    view: View, journal: Journal, id: ContributorId, **part: Unpack[Paged]
) -> Page[ChallengeSuggested]:
    """Open challenges that someone could answer, by the roles and media of their credits.

    Sorted by the number of works on which they did what is asked for, then by how near the issuer
    is, then by the deadline. The latest 120 that match are compared, using the latest 1,000
    credits.
    """
    person = contributors.find_root(view, id)
    own = _Own.of(view, person)
    found = challenges.rows_of(view, own.fitting(view))
    now, answered = challenges.moment(view, journal), own.answered(view, found)
    open_ = {
        number: row
        for number, row in found.items()
        if row.is_open(now) and number not in answered and row.actor not in own.ids
    }
    around = collaboration.around(view, person)
    issuers = _issuers(view, open_.values())
    done = {number: own.done(row.asked) for number, row in open_.items()}

    def place(number: int) -> tuple[Any, ...]:
        near = _distance(around, issuers.get(number, 0))
        return -done[number].works, near, open_[number].last, -number

    page, more = sliced(sorted(open_, key=place), **part)
    ties = Ties(view, person, around, [issuers[n] for n in page if n in issuers], is_you=True)
    shown = challenges.references(view, page)
    finished = finished_of(view, {work for number in page for work in done[number].latest})
    items: list[ChallengeSuggested] = []
    for number in page:
        row, issuer = open_[number], issuers.get(number)
        fits = _fitting("you", Asked(*row.asked), done[number], finished, ties, issuer)
        items.append({"challenge": shown[number], "answer_by": row.ends, **fits})
    return Page(items, more)


class _Own(NamedTuple):
    """What somebody did: the ids of their accounts, and their works by role and by medium."""

    ids: Collection[str]
    roles: Mapping[str, set[int]]
    media: Mapping[str, tuple[str, set[int]]]
    """By folded medium: how it is written, and their latest works in it."""

    @classmethod
    def of(cls, view: View, person: int) -> Self:
        """What a person did with all of their accounts."""
        accounts = contributors.accounts_of(view, person)
        rows = view.rows(
            "SELECT c.role, c.work FROM @credits c WHERE c.contributor IN :accounts "
            f"AND {CREDIT_COUNTS} AND {NOT_HIDDEN} ORDER BY c.work DESC, c.role LIMIT :most",
            accounts=accounts,
            most=MOST_CREDITS,
        )
        roles: dict[str, set[int]] = {}
        for role, work in rows:
            roles.setdefault(role, set()).add(work)
        media: dict[str, tuple[str, set[int]]] = {}
        for number, medium in _media_of(view, collaboration.own_works(view, person)):
            media.setdefault(folded(medium), (medium, set()))[1].add(number)
        return cls(view.ids("contributors", accounts).values(), roles, media)

    def fitting(self, view: View) -> list[int]:
        """The latest challenges that ask for one of their roles or media."""
        tags = [tag for role in self.roles for tag in role_tags(role)]
        tags += [medium_tag(medium) for medium, _ in self.media.values()]
        return _found(view, map(asks_tag, dict.fromkeys(tags)), MOST_COMPARED)

    def answered(self, view: View, found: Collection[int]) -> set[int]:
        """The challenges among these that they have answered."""
        rows = view.rows(
            "SELECT a.challenge FROM @answers a JOIN @works w ON w.number = a.own_work "
            f"AND {holds('w')} WHERE a.challenge IN :found AND w.poster IN :ids "
            f"AND a.state <> 'withdrawn' AND {holds('a')}",
            found=list(found),
            ids=list(self.ids),
        )
        return {challenge for (challenge,) in rows}

    def done(self, asks: tuple[list[str], list[str]]) -> Done:
        """What they did of what a challenge asks for."""
        asked = Asked(*asks)
        roles = {role: works for role, works in self.roles.items() if role in asked.narrow}
        media = {
            medium: self.media[folded(medium)][1]
            for medium in asked.media
            if folded(medium) in self.media
        }
        return Done(roles, media)


def _issuers(view: View, rows: Iterable[challenges.ChallengeRow]) -> dict[int, int]:
    """The number of each challenge's issuer, by challenge."""
    found = list(rows)
    numbers = view.numbers("contributors", {row.actor for row in found})
    roots = roots_of(view.rows, numbers.values())
    return {
        row.number: roots.get(number, number)
        for row in found
        if (number := numbers.get(row.actor)) is not None
    }
