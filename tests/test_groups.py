"""Groups: named on credits, with members who agreed, found behind them at the time of a work."""

from typing import Any

import pytest
from stories import Story, id_of, story

from domain.refusal import GroupInGroup, NotPermitted, WrongState
from projections import attribution, memberships, notices


def member(told: Story, band: str, person: str, during: str | None = None, **said: Any) -> str:
    """A membership that the person agreed to."""
    offered = told.tell(
        "offer_membership", group=band, contributor=person, during=during, actor=band, **said
    )
    told.tell("accept_membership", id=offered.id, actor=person)
    return offered.id


def behind(told: Story, work: str, as_of: int | None = None) -> dict[str | None, Any]:
    """Who contributed to a work, each group with those who were in it then."""
    with told.view(as_of) as view:
        found = attribution.contributors(view, work, expand="groups").items
    return {
        one["contributor"]["name"]: [each["contributor"]["name"] for each in one["members"] or []]
        for one in found
    }


def test_a_membership_counts_once_the_person_agrees(database: str) -> None:
    with story(database) as told:
        band, ana, ben = (told.person(name) for name in ("The Tides", "Ana", "Ben"))
        song = told.piece("song", by=[band], role="musician", actor=band)
        for stranger in (ana, ben):
            with pytest.raises(NotPermitted, match="the group"):
                told.tell("offer_membership", group=band, contributor=ben, actor=stranger)
        said = {"roles": ["drummer"], "group": band, "contributor": ben}
        offer = told.tell("offer_membership", actor=band, **said).id
        assert behind(told, song) == {"The Tides": []}
        with pytest.raises(NotPermitted):
            told.tell("accept_membership", id=offer, actor=band)
        told.tell("accept_membership", id=offer, actor=ben)
        assert behind(told, song) == {"The Tides": ["Ben"]}
        then = told.head()
        told.tell("decline_membership", id=offer, reason="I never was.", actor=ben)
        assert behind(told, song) == {"The Tides": []}
        assert behind(told, song, then) == {"The Tides": ["Ben"]}
        with pytest.raises(WrongState):
            told.tell("accept_membership", id=offer, actor=ben)
        with told.view() as view:
            assert [one["state"] for one in memberships.members(view, band).items] == ["declined"]
            assert memberships.groups_of(view, ben).items == []
            heard = notices.of_contributor(view, told.journal, ben, actor=ben).items
            assert [one["topic"].partition(".")[2] for one in heard] == [
                *("offered", "accepted", "declined"),
            ]


def test_a_group_is_expanded_to_its_people_at_the_time_of_the_work(database: str) -> None:
    with story(database) as told:
        band, ana, ben, eva = (told.person(name) for name in ("The Tides", "Ana", "Ben", "Eva"))
        member(told, band, ana, "1985/1991")
        member(told, band, ben)  # nobody knows when
        late = member(told, band, eva, "1992/..", roles=["singer"])
        early, reunion = (
            told.piece(name, by=[band], made_at=made_at, actor=band)
            for name, made_at in (("early", "1987"), ("reunion", "2004"))
        )
        whole = told.piece("whole", early, reunion, by=[eva], made_at="2010", actor=eva)
        assert behind(told, early) == {"The Tides": ["Ana", "Ben"]}
        assert behind(told, reunion) == {"The Tides": ["Ben", "Eva"]}
        assert behind(told, whole) == {"Eva": [], "The Tides": ["Ana", "Ben", "Eva"]}
        member(told, band, ana, "2003/2005")  # she came back
        assert behind(told, reunion) == {"The Tides": ["Ben", "Eva", "Ana"]}
        told.tell("date_membership", id=late, during="1992/1999", reason="She left.", actor=eva)
        assert behind(told, reunion) == {"The Tides": ["Ben", "Ana"]}
        with told.view() as view:
            (one,) = memberships.groups_of(view, eva).items
            assert (one["group"]["name"], one["roles"], one["during"]) == (
                *("The Tides", ["singer"]),
                "1992/1999",
            )
            page = memberships.members(view, band, limit=2)
            rest = memberships.members(view, band, after=page.next)
            assert (len(page.items), len(rest.items)) == (2, 2)
            plain = attribution.contributors(view, early).items
            assert [part["members"] for part in plain] == [None]


def test_a_group_holds_people_and_no_groups(database: str) -> None:
    with story(database) as told:
        band, choir, ana = (told.person(name) for name in ("The Tides", "The Choir", "Ana"))
        member(told, band, ana)
        for group, inside in ((choir, band), (ana, choir), (band, band)):
            with pytest.raises(GroupInGroup):
                told.tell("offer_membership", group=group, contributor=inside, actor=group)
        member(told, choir, ana)


def test_a_group_is_credited_by_its_name_whoever_is_behind_it(database: str) -> None:
    with story(database) as told:
        band, ana = told.person("The Tides"), told.person("Ana")
        song = told.piece("song", by=[band], actor=band)
        member(told, band, ana)
        told.tell("forget_contributor", id=ana, ground="request", actor=ana)
        assert behind(told, song) == {"The Tides": [None]}
        assert id_of("The Tides") == band
