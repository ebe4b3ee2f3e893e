"""Groups: named on credits, with members who agreed, found behind them at the time of a work."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from money import Bank, asset, bank
from stories import OPERATOR, Story, id_of, story

from domain.money.through import divided, joined
from domain.refusal import BadShare, GroupInGroup, NotPermitted, WrongState
from projections import disputes, inbox, memberships, notices, parts
from projections.money import balances, pools, statements
from projections.money.pools.reasons import why
from projections.money.statement_files import as_csv
from projections.progress import no_progress
from scripts import audit


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
        found = parts.of_work(view, work, expand="groups").items
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
            plain = parts.of_work(view, early).items
            assert [part["members"] for part in plain] == [None]


def test_a_group_holds_people_and_no_groups(database: str) -> None:
    with story(database) as told:
        band, choir, ana = (told.person(name) for name in ("The Tides", "The Choir", "Ana"))
        member(told, band, ana)
        for group, inside in ((choir, band), (ana, choir), (band, band)):
            with pytest.raises(GroupInGroup) as refused:
                told.tell("offer_membership", group=group, contributor=inside, actor=group)
            assert str(refused.value).startswith(f"{inside} can't be in {group}")
        member(told, choir, ana)


def test_a_group_is_credited_by_its_name_whoever_is_behind_it(database: str) -> None:
    with story(database) as told:
        band, ana = told.person("The Tides"), told.person("Ana")
        song = told.piece("song", by=[band], actor=band)
        member(told, band, ana)
        told.tell("forget_contributor", id=ana, ground="request", actor=ana)
        assert behind(told, song) == {"The Tides": [None]}
        assert id_of("The Tides") == band


def dispute(told: Story, membership: str, by: str) -> None:
    told.tell(
        "dispute_membership",
        id=membership,
        grounds="other",
        reason="He left before.",
        evidence="the letter of May",
        actor=by,
    )


def test_a_membership_is_disputed_answered_and_settled_like_a_credit(database: str) -> None:
    with bank(database) as told:
        band, ana, ben, eva, mod = told.people("The Tides", "Ana", "Ben", "Eva", "Mo")
        told.tell("grant_role", id=mod, role="moderator")
        song = told.piece("song", by=[band], actor=band)
        member(told, band, ana)
        bens = member(told, band, ben)

        def waits(person: str) -> list[tuple[str, str]]:
            with told.view() as view:
                items = inbox.inbox(view, told.journal, actor=person).items
            return [(one["kind"], one["id"]) for one in items]

        with pytest.raises(NotPermitted, match="another member of the group"):
            dispute(told, bens, eva)
        dispute(told, bens, ana)
        assert waits(band) == waits(ben) == [("dispute", bens)]
        assert waits(mod) == [("settlement", bens)]
        assert waits(ana) == []
        assert behind(told, song) == {"The Tides": ["Ana", "Ben"]}, "it counts until it is settled"
        with pytest.raises(NotPermitted):
            told.tell("answer_membership", id=bens, reason="No.", actor=ana)
        told.tell("answer_membership", id=bens, reason="I was there.", actor=ben)
        with told.view() as view:
            found = disputes.membership(view, told.journal, bens)
        assert found["dispute"] is not None
        assert found["dispute"]["reason"] == "He left before."
        assert found["dispute"]["answer"] is not None
        assert found["dispute"]["answer"]["reason"] == "I was there."
        told.tell("settle_membership", id=bens, outcome="upheld", reason="So it is.", actor=mod)
        assert behind(told, song) == {"The Tides": ["Ana"]}
        assert waits(mod) == waits(ben) == waits(band) == []


def payable(told: Bank) -> Mapping[str, tuple[int, int]]:
    """By name: what is payable to each payee, and what is held."""
    found: dict[str, tuple[int, int]] = {}
    with told.view() as view:
        told_of = balances.standings(view, told.journal, balances.accounts(view))
        for each, standing in told_of:
            before = found.get(each.payee, (0, 0))
            now = standing.sums["payable"], standing.sums["held"]
            found[each.payee] = before[0] + now[0], before[1] + now[1]
    return found


def test_a_groups_share_is_paid_to_its_account_or_divided_by_its_own_agreement(
    database: str,
) -> None:
    with bank(database) as told:
        band, ana, ben, eva = told.people("The Tides", "Ana", "Ben", "Eva")
        anas, _ = member(told, band, ana), member(told, band, ben)
        song = told.piece("song", by=[band, eva], actor=band)
        other = told.piece("other", by=[band], actor=band)
        pool = told.pool(release=told.release("album", song, other))
        pieces = [asset(song, {band: "1", eva: "1"}, "2"), asset(other, {band: "1"}, "1")]
        told.accept(told.agree(pool, pieces), band, eva)
        told.earn(pool, 900, "2026-04")
        assert payable(told) == {band: (600, 0), eva: (300, 0)}, "paid to one account"
        among = [{"payee": ana, "part": "1/3"}, {"payee": ben, "part": "1/3"}]
        said = {"pool": pool, "payee": band, "effective_at": "2026-05", "reason": "As agreed."}
        said |= {"evidence": "the band's agreement of 1 May 2026"}
        with pytest.raises(NotPermitted):
            told.tell("assign_share", **said, among=among, actor=ana)
        for wrong in ([*among, {"payee": ana, "part": "1/3"}], [{"payee": ana, "part": "0"}]):
            with pytest.raises(BadShare):
                told.tell("assign_share", **said, among=wrong, actor=band)
        divided = told.tell("assign_share", **said, among=among, actor=band).id
        told.accept(divided, ana, ben)
        revenue = told.earn(pool, 900, "2026-05")
        assert payable(told) == {band: (800, 0), eva: (600, 0), ana: (200, 0), ben: (200, 0)}
        with told.view() as view:
            told_why = why(view, told.journal, revenue, ana, actor=OPERATOR)
        assert [
            (each["asset"], each["through"][0]["group"]["name"]) for each in told_why["pieces"]
        ] == [
            (song, "The Tides"),
            (other, "The Tides"),
        ]
        first = told_why["pieces"][0]["through"][0]
        assert (first["share"], first["of"]) == ("1/6", "1/3")
        with told.view() as view:
            (told_of,) = statements.statement(view, told.journal, ana)["statements"]
        assert [line["through"][0]["name"] for line in told_of["movements"]] == ["The Tides"]
        # A dispute about the membership holds what is had through the group, and nothing else.
        dispute(told, anas, ben)
        assert payable(told)[ana] == (0, 200)
        assert payable(told)[ben] == (200, 0)
        with told.view() as view:
            (item,) = inbox.inbox(view, told.journal, actor=ana).items
        assert (item["kind"], item["amounts"][0]["amount_minor"]) == ("dispute", 200)
        assert told.pay() == {band: 800, eva: 600, ben: 200}
        told.tell("settle_membership", id=anas, outcome="dismissed", reason="She was.")
        assert told.pay() == {ana: 200}
        assert Fraction(told_why["share"]) == Fraction(2, 9)


def test_a_group_divides_its_shares_in_all_pools_unless_a_proposal_says_otherwise(
    database: str,
) -> None:
    with bank(database) as told:
        band, ana, ben, eva = told.people("The Tides", "Ana", "Ben", "Eva")
        member(told, band, ana)
        among = [{"contributor": ana, "part": "1/3"}, {"contributor": ben, "part": "1/3"}]
        with pytest.raises(NotPermitted):
            told.tell("divide_shares", id=band, among=among, actor=ana)
        for wrong in (
            [*among, {"contributor": ana, "part": "1/3"}],
            [{"contributor": ana, "part": "2/3"}, {"contributor": ben, "part": "2/3"}],
            [{"contributor": band, "part": "1"}],
        ):
            with pytest.raises(BadShare):
                told.tell("divide_shares", id=band, among=wrong, actor=band)
        told.tell("divide_shares", id=band, among=among, actor=band)
        song = told.piece("song", by=[band, eva], actor=band)
        other = told.piece("other", by=[band, ana], actor=band)
        whole = {**asset(song, {band: "1", eva: "1"}, "1"), "through": []}
        kept = {"group": band, "shares": []}
        pieces = [whole, asset(other, {band: "1", ana: "1"}, "1")]
        pool = told.pool(release=told.release("album", song, other))
        with_policy = told.pool(release=told.release("single", song), name="by policy")
        first = told.agree(pool, pieces)
        with told.view() as view:
            shown = pools.proposal(view, told.journal, first, actor=OPERATOR)
        shares = {one["payee"]["name"]: one["share"] for one in shown["shares"]}
        assert shares == {"The Tides": "1/6", "Ana": "5/12", "Ben": "1/6", "Eva": "1/4"}
        through = shown["assets"][1]["through"]
        assert through == [{"group": band, "shares": sorted([[ana, "1/4"], [ben, "1"]])}]
        told.accept(first, band, ana, ben, eva)
        told.earn(pool, 1200, "2026-05")
        assert payable(told) == {band: (200, 0), ana: (500, 0), ben: (200, 0), eva: (300, 0)}
        with told.view() as view:
            said = statements.statement(view, told.journal, ben)
            (of_ben,) = said["statements"]
        assert of_ben["movements"][0]["through"][0]["name"] == "The Tides"
        assert as_csv(said).splitlines()[1].endswith(",The Tides")
        # What a proposal says of a group itself has precedence, and no policy has to say anything.
        pieces = [{**whole, "through": [kept]}, asset(other, {ana: "1"}, "1")]
        second = told.agree(pool, pieces, effective_at="2026-06")
        with told.view() as view:
            shown = pools.proposal(view, told.journal, second, actor=OPERATOR)
        assert {one["payee"]["name"] for one in shown["shares"]} == {"The Tides", "Ana", "Eva"}
        policy = {"type": "relative_cascade"}
        third = told.tell("post_proposal", pool=with_policy, policy=policy, default_rate="1").id
        with told.view() as view:
            shown = pools.proposal(view, told.journal, third, actor=OPERATOR)
            seen = memberships.division(view, told.journal, band, actor=ben)
            with pytest.raises(NotPermitted):
                memberships.division(view, told.journal, band, actor=eva)
        assert "Ben" in {one["payee"]["name"] for one in shown["shares"]}
        assert ([one["part"] for one in seen["among"]], seen["left"]) == (["1/3", "1/3"], "1/3")


@pytest.mark.parametrize("places", [1, 2, 3])
def test_a_share_on_several_pages_is_divided_as_on_one(places: int) -> None:
    asset = {"asset": "a", "value": "1", "shares": [["g", "1"], ["x", "2"], ["m", "1/2"]]}
    divides = [["g", [["m", "1/3"], ["n", "1/3"]]]]
    pages = [
        [{**asset, "shares": some}] for some in (asset["shares"][:places], asset["shares"][places:])
    ]
    first, *more = [divided(page, divides) for page in pages if page[0]["shares"]]
    whole = divided([asset], divides)
    for page in more:
        first = joined(first, page)
    assert {payee: Fraction(share) for payee, share in first[0]["shares"]} == {
        payee: Fraction(share) for payee, share in whole[0]["shares"]
    }
    assert first[0]["through"] == whole[0]["through"]


def test_a_group_is_all_of_its_accounts(database: str) -> None:
    """A band that becomes a company divides as either said last, and is disputed as both."""
    with bank(database) as told:
        band, firm, ana, ben = told.people("The Tides", "Tides Ltd", "Ana", "Ben")
        anas, bens = member(told, band, ana), member(told, firm, ben)
        half = {member: [{"contributor": member, "part": "1/2"}] for member in (ana, ben)}
        told.tell("divide_shares", id=band, among=half[ana], actor=band)
        told.tell("merge_contributor", id=band, into=firm, reason="It is a company now.")
        pool = told.pool()
        told.accept(told.agree(pool, {firm: "1"}, "2026-01"), firm, ana)
        told.tell("divide_shares", id=firm, among=half[ben], actor=firm)
        deal = told.agree(pool, {band: "1"}, "2026-02")
        told.accept(deal, ben)
        told.tell("accept_share", proposal=deal, contributor=band, actor=firm)
        told.earn(pool, 100, "2026-01")
        told.earn(pool, 1000, "2026-02")
        assert told.account() == {firm: 50, ana: 50, band: 500, ben: 500}
        with told.view() as view:
            said = [
                memberships.division(view, told.journal, one, actor=ben) for one in (band, firm)
            ]
        assert [one["among"][0]["contributor"]["id"] for one in said] == [ben, ben]
        dispute(told, anas, firm)
        dispute(told, bens, firm)
        assert told.pay() == {firm: 550}
        for each in (anas, bens):
            told.tell("settle_membership", id=each, outcome="dismissed", reason="They were.")
        assert told.pay() == {ana: 50, ben: 500}
        found = audit.first_difference(audit.rules, told.service, no_progress)
        assert not isinstance(found, audit.Difference)
