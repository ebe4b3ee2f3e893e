"""Following: what a person follows, how many follow a thing, and which of them let it be shown.

The number is public. A follower's name is shown only if they chose so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, TypedDict, Unpack

from domain.contributor import Contributor
from domain.fact import Fact
from domain.follow import FOLLOWED, SHOWN, Follow
from domain.journal import Journal
from domain.permission import OPERATOR, OWN, READS, permit
from domain.readers import EVERYONE, PUBLIC
from domain.value import Example, one_of
from domain.values import ChallengeId, ContributorId, ProjectId, WorkId
from projections import challenges, contributors, lineage, projects
from projections.feed import is_public
from projections.grants import roles_of
from projections.merges import accounts_under, roots_of
from projections.money.readers import Reader
from projections.pages import Page
from projections.question import Paged, question
from projections.references import references
from projections.store import View, holds
from projections.tables import Amend, Change, Numbers, Projection, born, facts_about, table
from projections.told import Count, PersonRef, WorkRef
from projections.told_projects import ChallengeRef, ProjectRef

FOLLOWS = table(
    "follows",
    "id TEXT, follower BIGINT, about BIGINT, kind TEXT, shown TEXT NULL, state TEXT, "
    "born BIGINT, own_about BIGINT",
    ("id", "follower", "about"),
    key="id",
)
"""``born`` is the position at which following last began; ``about`` the number of the thing."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The follows that this fact adds or changes."""
    match happened:
        case Follow.Begun(originator_id=id, shown=shown) if happened.originator_version > 1:
            said = {"state": happened.STATE, "shown": shown, "born": position}
            yield Amend(FOLLOWS, id, said)
        case Follow.Begun(follower=follower, about=about, on=on):
            ends = {"about": numbers.node(about), "own_about": numbers[about]}
            ends |= {"follower": numbers[follower], "born": position}
            yield born(FOLLOWS, happened, kind=on, **ends)
        case Follow.Ended(originator_id=id):
            yield Amend(FOLLOWS, id, {"state": happened.STATE})


FOLLOWING = Projection("following", (FOLLOWS,), changes, facts_about(Follow))

Followers = Annotated[Count, "How many follow it."]

# -- answers -------------------------------------------------------------------------------

HOLDS = f"f.state = '{Follow.Begun.STATE}' AND {holds('f')}"
"""The condition that a follow ``f`` has not ended."""


class FollowTold(TypedDict):
    """Something that somebody follows; three of the four are null."""

    on: Annotated[str, "What is followed.", one_of(FOLLOWED)]
    work: Annotated[WorkRef | None, "A work, …"]
    contributor: Annotated[PersonRef | None, "… a person, …"]
    project: Annotated[ProjectRef | None, "… a project …"]
    challenge: Annotated[ChallengeRef | None, "… or a challenge."]
    shown: Annotated[Annotated[str, one_of(SHOWN)] | None, "Who can see it; null: nobody else."]
    position: Annotated[Count, "Since when.", Example(61)]


class FollowerTold(TypedDict):
    """Somebody who has it shown that they follow something."""

    person: PersonRef
    position: Annotated[Count, "Since when.", Example(61)]


@question("list_follows", "/contributors/{id}/follows", cli="contributor follows", may=OWN | READS)
def of_contributor(
    view: View, journal: Journal, id: ContributorId, *, actor: str, **part: Unpack[Paged]
) -> Page[FollowTold]:
    """What this person follows, the latest first.

    Only the person, auditors and the operator may ask.
    """
    accounts, _ = must_be_own(view, journal, id, actor, "read what is followed")
    page, more = view.page(
        "SELECT f.kind, f.own_about, f.shown, f.born FROM @follows f "
        f"WHERE f.follower IN :accounts AND {HOLDS} AND f.born < :beyond ORDER BY f.born DESC",
        **part,
        first=1 << 62,
        accounts=accounts,
    )
    found = references(view, {(kind, about) for kind, about, *_ in page})
    items: list[FollowTold] = [
        {
            "on": kind,
            "work": found.get(("work", about)),
            "contributor": found.get(("contributor", about)),
            "project": found.get(("project", about)),
            "challenge": found.get(("challenge", about)),
            "shown": shown,
            "position": since,
        }
        for kind, about, shown, since in page
    ]
    return Page(items, more)


def must_be_own(
    view: View, journal: Journal, id: str, actor: str, what: str
) -> tuple[list[int], set[str]]:
    """The numbers and the ids of a person's accounts.

    Refused (``NotPermitted``) unless the actor is the person, an auditor or the operator.
    """
    accounts = contributors.accounts(view, id)
    named = {*view.ids("contributors", accounts).values()}
    sides = {"contributor": actor if actor in named else id, **roles_of(journal, actor)}
    permit(actor, what, OWN | READS, sides)
    return accounts, named


_THERE = (
    " UNION ALL SELECT m.position, 0, m.subject FROM @mentions m "
    "WHERE m.subject IN :followed AND m.position > :first "
    # What followed people posted, and the challenges they issued.
    "UNION ALL SELECT w.born, 0, p.number FROM @contributors p JOIN @works w ON w.poster = p.id "
    f"AND w.born > :first WHERE p.number IN :followed AND {holds('p')} "
    "UNION ALL SELECT c.born, 0, p.number FROM @contributors p JOIN @challenges c "
    f"ON c.actor = p.id AND c.born > :first WHERE p.number IN :followed AND {holds('p')}"
)


class Followed:
    """What a person follows and since when, and the query for what happened there."""

    def __init__(self, view: View, accounts: Collection[int]) -> None:
        rows = view.rows(
            "SELECT f.kind, f.about, f.own_about, f.born FROM @follows f "
            f"WHERE f.follower IN :accounts AND {HOLDS} ORDER BY f.born DESC",
            accounts=list(accounts),
        )
        # Accounts that were merged may follow the same, or be followed each: since the first time.
        things = references(view, {(kind, own) for kind, _, own, _ in rows})
        self._of: dict[int, tuple[int, str]] = {}
        for kind, about, own, since in rows:
            thing = things[kind, own]["id"]
            is_person = kind == Contributor.NAME
            numbers = contributors.accounts(view, thing) if is_person else (about, own)
            self._of |= dict.fromkeys(numbers, (since, thing))

    @property
    def sql(self) -> str:
        """SQL for the positions of what happened there, to append to the person's own."""
        return _THERE if self._of else ""

    @property
    def values(self) -> dict[str, Any]:
        """The values of ``sql``."""
        if not self._of:
            return {}
        return {"followed": list(self._of), "first": min(since for since, _ in self._of.values())}

    def id_of(self, subjects: str, position: int) -> str:
        """The id of the first of these things that was followed at the position; empty: none."""
        every = map(self._of.__getitem__, sorted(map(int, subjects.split(","))))
        return next((thing for since, thing in every if position > since), "")

    def may_hear(self, reader: Reader, happened: Fact) -> bool:
        """Whether a fact reaches those who follow: only public ones do."""
        is_open = is_public(happened) and happened.READERS == EVERYONE
        return is_open and reader.sees(happened)


_PEOPLE = (
    f"@follows f JOIN @contributors p ON p.number = f.follower AND {holds('p')} "
    f"AND p.state <> '{Contributor.Forgotten.STATE}' WHERE f.about IN :abouts AND {HOLDS}"
)


def count(view: View, abouts: Collection[int]) -> int:
    """How many people follow something; one with several accounts counts once."""
    return count_later(view, abouts)()


def count_later(view: View, abouts: Collection[int]) -> Callable[[], int]:
    """The same once the returned function is called; the queries are deferred (see View.later)."""
    said = {"abouts": list(abouts)}
    counted = view.later(f"SELECT count(*) FROM {_PEOPLE} AND p.merged_into IS NULL", **said)
    merged = view.later(f"SELECT p.number FROM {_PEOPLE} AND p.merged_into IS NOT NULL", **said)

    def told() -> int:
        persons = [*{*roots_of(view.rows, (number for (number,) in merged)).values()}]
        sql = f"SELECT p.number FROM {_PEOPLE} AND p.number IN :persons"
        of_both = view.rows_for(sql, **said, persons=persons)
        return int(counted[0][0]) + len(persons) - len(of_both)

    return told


def follows(view: View, actor: str, abouts: Collection[int]) -> bool:
    """Whether an actor follows something, with any of their accounts."""
    if actor in ("", OPERATOR):
        return False
    row = view.one(
        f"SELECT 1 FROM @follows f WHERE f.about IN :abouts AND f.follower IN :own AND {HOLDS} "
        "LIMIT 1",
        abouts=list(abouts),
        own=contributors.accounts(view, actor),
    )
    return row is not None


ABOUTS: Mapping[str, Callable[[View, str], list[int]]] = {
    "work": lambda view, id: [lineage.find(view, id).number],
    "contributor": contributors.accounts,
    "project": lambda view, id: [projects.find(view, id).number],
    "challenge": lambda view, id: [challenges.find(view, id).number],
}
"""By kind: the numbers under which the thing with an id may be followed."""


def _shown(view: View, kind: str, id: str, **part: Unpack[Paged]) -> Page[FollowerTold]:
    shown = f"SELECT f.follower, f.born FROM {_PEOPLE} AND f.shown = :public"
    said: dict[str, Any] = {"abouts": ABOUTS[kind](view, id), "public": PUBLIC}
    page, more = view.page(
        f"{shown} AND f.born < :beyond ORDER BY f.born DESC", **part, first=1 << 62, **said
    )
    roots = roots_of(view.rows, (follower for follower, _ in page))
    person = accounts_under(view.rows, {roots.get(one) or one for one, _ in page})
    # Of several accounts of somebody, the one that followed last is listed, on whichever page.
    merged = [account for account in person if person[account] != account]
    of_several = f"{shown} AND f.follower IN :several ORDER BY f.born"
    several = view.rows_for(of_several, **said, several=[*merged, *{person[one] for one in merged}])
    latest = {person[account]: since for account, since in several}
    listed = {person[one]: since for one, since in page if since >= latest.get(person[one], 0)}
    people = contributors.persons(view, listed)
    items: list[FollowerTold] = [
        {"person": people[one], "position": since} for one, since in listed.items()
    ]
    return Page(items, more)


def _asked(kind: str, ids: Any, says: str) -> Callable[..., Page[FollowerTold]]:
    """The question for the followers of a thing of one kind; its docstring is ``says``."""

    def of(view: View, id: str, **part: Unpack[Paged]) -> Page[FollowerTold]:
        return _shown(view, kind, id, **part)

    def followers(view: View, id: str) -> Callable[[], Followers]:
        return count_later(view, ABOUTS[kind](view, id))

    of.__doc__, of.__annotations__["id"] = says, ids
    name, path = f"list_{kind}_followers", f"/{kind}s/{{id}}/followers"
    return question(name, path, cli="followers", beside={"followers": followers})(of)


of_work = _asked(
    *("work", WorkId),
    "How many people follow this work, and those who let it be shown, the latest first.",
)
of_person = _asked(
    *("contributor", ContributorId),
    "How many people follow this person, and those who let it be shown, the latest first.",
)
of_project = _asked(
    *("project", ProjectId),
    "How many people follow this project, and those who let it be shown, the latest first.",
)
of_challenge = _asked(
    *("challenge", ChallengeId),
    "How many people follow this challenge, and those who let it be shown, the latest first.",
)
