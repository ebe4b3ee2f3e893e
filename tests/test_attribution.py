"""Who contributed to what: direct or by influence, through which ways, and after all merges."""

from itertools import product
from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError
from stories import Story, carry_out, id_of, story
from test_lineage import all_pages, diamond

from domain.dispute import OUTCOMES
from domain.refusal import UnknownContributor, UnknownCredit, UnknownWork
from projections import attribution, contributors, parts
from projections.money import splitting
from projections.store import View


def line(item: dict[str, Any]) -> tuple[Any, ...]:
    """One person in short: name, kind, roles, generation, pieces, ways."""
    keys = ("kind", "roles", "generation", "pieces", "path_count")
    return (item["contributor"]["name"], *(item[key] for key in keys))


def roll(view: View, work: str, **filters: Any) -> list[tuple[Any, ...]]:
    return [line(item) for item in parts.of_work(view, work, **filters).items]


def names(view: View, work: str, **filters: Any) -> list[str]:
    return [item[0] for item in roll(view, work, **filters)]


# -- who contributed -----------------------------------------------------------------------


def test_everybody_is_found_through_every_generation(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = (told.person(name) for name in ("Ana", "Ben", "Eva"))
        poem = told.piece("poem", by=[ana])
        song = told.piece("song", poem, by=[ben, ana], role="singer")
        film = told.piece("film", song, by=[eva], role="director")
        release = told.release("release", film)
        told.credit(release, eva, "producer")
        with told.view() as view:
            assert roll(view, release) == [
                ("Eva", "direct", ["director", "producer"], 0, 2, 2),
                ("Ben", "direct", ["singer"], 2, 1, 1),
                ("Ana", "direct", ["writer", "singer"], 2, 2, 2),
            ]
            ana_in_it = parts.of_work(view, release).items[2]
            assert ana_in_it["paths"] == [
                {
                    "kind": "direct",
                    "works": [release, film, song],
                    "left_out": 0,
                    "roles": ["singer"],
                },
                {
                    "kind": "direct",
                    "works": [release, film, song, poem],
                    "left_out": 0,
                    "roles": ["writer"],
                },
            ]
            assert [(one["work"], one["role"]) for one in ana_in_it["credits"]] == [
                (poem, "writer"),
                (song, "singer"),
            ]
            assert names(view, poem) == ["Ana"]


def test_both_ways_around_a_diamond_are_told(told: Story) -> None:
    ana = told.person("Ana")
    diamond(told)
    told.credit(id_of("top"), ana, "writer")
    with told.view() as view:
        (found,) = parts.of_work(view, id_of("bottom")).items
    assert line(found) == ("Ana", "direct", ["writer"], 2, 1, 2)
    assert {tuple(path["works"]) for path in found["paths"]} == {
        (id_of("bottom"), id_of("left"), id_of("top")),
        (id_of("bottom"), id_of("right"), id_of("top")),
    }


def test_two_edges_of_one_pair_are_one_way(told: Story) -> None:
    ana = told.person("Ana")
    song = told.piece("song", by=[ana])
    piece = told.piece("piece", (song, "sample"), (song, "sample"))
    with told.view() as view:
        assert roll(view, piece) == [("Ana", "direct", ["writer"], 1, 1, 1)]


def test_the_nearest_generation_and_the_shortest_way_come_first(told: Story) -> None:
    ana = told.person("Ana")
    diamond(told)
    told.edge(id_of("bottom"), id_of("top"))
    told.credit(id_of("top"), ana, "writer")
    with told.view() as view:
        (found,) = parts.of_work(view, id_of("bottom")).items
    assert (found["generation"], found["path_count"]) == (1, 3)
    assert [len(path["works"]) for path in found["paths"]] == [2, 3, 3]


INFLUENCE = [
    # the edge, the credit, and what follows
    ("sample", "direct", "direct"),
    ("sample", "influence", "influence"),
    ("influence", "direct", "influence"),
    ("influence", "influence", "influence"),
    ("component", "direct", "direct"),
]


@pytest.mark.parametrize("edge, credit, kind", INFLUENCE)
def test_influence_is_what_only_influence_leads_to(
    edge: str, credit: str, kind: str, told: Story
) -> None:
    ana = told.person("Ana")
    older = told.piece("older")
    told.credit(older, ana, "writer", kind=credit)
    middle = told.piece("middle", (older, edge))
    newer = told.piece("newer", middle)
    with told.view() as view:
        (found,) = parts.of_work(view, newer).items
        assert found["kind"] == found["credits"][0]["kind"] == kind
        other = {"direct": "influence", "influence": "direct"}[kind]
        assert names(view, newer, kind=kind) == ["Ana"]
        assert names(view, newer, kind=other) == []


def test_one_direct_way_is_enough_and_each_way_says_what_it_is(told: Story) -> None:
    """A way that passes an influence is one of influence, whatever the others are."""
    ana = told.person("Ana")
    top = told.piece("top", by=[ana])
    left, right = told.piece("left", top), told.piece("right", (top, "influence"))
    bottom = told.piece("bottom", left, right)
    with told.view() as view:
        (found,) = parts.of_work(view, bottom).items
    assert found["kind"] == "direct"
    assert {path["works"][1]: path["kind"] for path in found["paths"]} == {
        left: "direct",
        right: "influence",
    }


COUNTED = [
    ([], True),
    (["accept"], True),
    (["dispute"], True),
    (["dispute", "dismissed"], True),
    (["accept", "dispute", "dismissed"], True),
    (["decline"], False),
    (["decline", "accept"], True),
    (["revoke"], False),
    (["dispute", "upheld"], False),
]


@pytest.mark.parametrize("verbs, counts", COUNTED)
def test_a_credit_counts_unless_declined_or_revoked(
    verbs: list[str], counts: bool, database: str
) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        release = told.release("release", told.piece("piece"))
        credit = told.credit(release, ana)
        before = told.head()
        for verb in verbs:
            if verb == "dispute":
                told.tell("dispute_credit", id=credit, grounds="other", reason="r")
            elif verb in OUTCOMES:
                told.tell("settle_credit", id=credit, outcome=verb, reason="r")
            else:
                told.tell(f"{verb}_credit", id=credit)
        with told.view() as view:
            assert bool(names(view, release)) == counts
            assert bool(parts.in_releases(view, ana).items) == counts
            # In every state it stays on record.
            assert [one["id"] for one in attribution.all_credits(view, release).items] == [credit]
        with told.view(as_of=before) as view:
            assert names(view, release) == ["Ana"]
            assert attribution.credit(view, credit)["state"] == "granted"


def test_a_credit_is_answered_whole(database: str) -> None:
    with story(database) as told:
        ana, piece = told.person("Ana"), told.piece("piece")
        receipt = told.tell(
            "open_credit",
            work=piece,
            contributor=ana,
            role="Film Editor",
            kind="influence",
            display="final cut",
            evidence="the project file",
        )
        with told.view() as view:
            expected = {
                "id": receipt.id,
                "work": piece,
                "contributor": {"id": ana, "name": "Ana"},
                "role": "film editor",
                "display": "final cut",
                **dict.fromkeys(
                    (
                        *("credited_as", "join_phrase", "character", "billing", "ai", "ai_tool"),
                        *("evidence_kind", "evidence_sha256", "agreed_licence"),
                    )
                ),
                "kind": "influence",
                "state": "granted",
                "evidence": "the project file",
                "deadline": None,
                "position": receipt.position,
            }
            assert attribution.credit(view, receipt.id) == expected
            assert attribution.all_credits(view, piece).items == [expected]


def test_what_is_withdrawn_keeps_its_people(told: Story) -> None:
    ana = told.person("Ana")
    piece = told.piece("piece", by=[ana])
    release = told.release("release", piece)
    told.tell("withdraw_contribution", id=piece, reason="r")
    with told.view() as view:
        assert names(view, piece) == names(view, release) == ["Ana"]


@pytest.mark.parametrize(
    "role, found", [("writer", ["Ana"]), ("singer", ["Ana", "Ben"]), ("editor", [])]
)
def test_people_are_filtered_by_role(role: str, found: list[str], told: Story) -> None:
    """And only the pieces on which they had it are told."""
    ana, ben = told.person("Ana"), told.person("Ben")
    poem = told.piece("poem", by=[ana])
    song = told.piece("song", poem, by=[ana, ben], role="singer")
    with told.view() as view:
        items = parts.of_work(view, song, role=role).items
        assert [item["contributor"]["name"] for item in items] == found
        assert all(item["roles"] == [role] for item in items)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 50])
def test_a_walk_over_pages_meets_everybody_and_every_release_once(limit: int, told: Story) -> None:
    people = [told.person(f"Person {number}") for number in range(7)]
    first = told.piece("first", by=people[3:])
    last = told.piece("last", first, by=people[:4])
    for number in range(6):
        told.release(f"release {number}", last)
    with told.view() as view:
        walks = [
            lambda c, n: parts.of_work(view, last, after=c, limit=n),
            lambda c, n: contributors.people(view, after=c, limit=n),
            lambda c, n: contributors.people(view, q="ERSON", after=c, limit=n),
            lambda c, n: parts.in_releases(view, people[0], after=c, limit=n),
        ]
        for walk, length in zip(walks, (7, 7, 7, 6), strict=True):
            items = all_pages(walk, limit)
            assert items == walk(None, 50).items
            assert len({repr(item) for item in items}) == len(items) == length


# -- finished works of a person ------------------------------------------------------------


def test_what_a_person_has_in_a_work_is_told_the_same_from_both_sides(database: str) -> None:
    with story(database) as told:
        ana, ben, cleo, again = (told.person(name) for name in ("Ana", "Ben", "Cleo", "Cleo 2"))
        poem = told.piece("poem", by=[ana, cleo])
        song = told.piece("song", poem, by=[ben], role="singer")
        film = told.piece("film", poem, (song, "influence"), by=[again], role="editor")
        mix = told.piece("mix", song, film, (poem, "sample"), by=[ana], role="remixer")
        wholes = [told.release(f"release {n}", *of) for n, of in enumerate([[song], [film, mix]])]
        told.release("of others", told.piece("other", by=[ben]))
        told.tell("merge_contributor", id=again, into=cleo)
        with told.view() as view:
            for whole in wholes:
                for item in parts.of_work(view, whole).items:
                    person = item.pop("contributor")["id"]
                    assert item.pop("members") is None  # nobody asked for groups
                    found = parts.in_releases(view, person).items
                    (same,) = (each for each in found if each["release"]["id"] == whole)
                    assert {"release": same["release"], **item} == same
            assert len(parts.in_releases(view, again).items) == 2


def test_a_person_finds_every_finished_work_they_are_in(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        poem = told.piece("poem", by=[ana])
        song = told.piece("song", (poem, "influence"), by=[ben], role="singer")
        first = told.release("first", poem)
        second = told.release("second", song)
        third = told.release("third", first, second)
        told.release("other release", told.piece("other"))
        published = told.tell("publish_release", id=first).position
        with told.view() as view:
            items = parts.in_releases(view, ana).items
            assert [item["release"]["id"] for item in items] == [third, second, first]
            assert [item["kind"] for item in items] == ["direct", "influence", "direct"]
            assert [item["generation"] for item in items] == [2, 2, 1]
            assert items[0]["path_count"] == 2
            assert items[2]["release"]["published"]["position"] == published
            assert items[2]["paths"] == [
                {"kind": "direct", "works": [first, poem], "left_out": 0, "roles": ["writer"]}
            ]
            assert [item["release"]["id"] for item in parts.in_releases(view, ben).items] == [
                third,
                second,
            ]


def test_paths_beyond_what_json_can_count_are_more_than_that(database: str) -> None:
    """Each of 82 pieces is made from the two before it: Fibonacci's number of paths."""
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        pieces = [told.piece("0", by=[ana]), told.piece("1", by=[ben])]
        for number in range(2, 82):
            sources = [(piece, "sample") for piece in pieces[-2:]]
            pieces.append(told.piece(str(number), *sources, by=[ben]))
        with told.view() as view:
            by_name = {
                one["contributor"]["name"]: one for one in parts.of_work(view, pieces[-1]).items
            }
            assert by_name["Ana"]["path_count"] == 2**53 - 1
            assert not by_name["Ana"]["path_count_is_exact"]
            (first, *_), more = by_name["Ana"]["paths"], parts.paths(view, pieces[-1], ana)
            assert len(first["works"]) == 24
            assert first["left_out"] == len(more.items[0]["works"]) + more.items[0]["left_out"] - 24
            near = parts.of_work(view, pieces[40]).items
            exact = {one["contributor"]["name"]: one["path_count"] for one in near}
            assert exact["Ana"] == 63_245_986  # the 39th of Fibonacci's numbers
            assert all(one["path_count_is_exact"] for one in near)
            money = {"amount_minor": 1000, "currency": "EUR", "default_rate": "1/4"}
            lines = splitting.split_of(view, pieces[-1], policy="relative_cascade", **money).items
            assert not all(line["path_count_is_exact"] for line in lines)


def test_a_long_page_lists_no_more_of_each_than_a_usual_one_has_room_for(database: str) -> None:
    with story(database) as told:
        piece = told.piece(
            "crowd", by=(people := [told.person(f"P{number}") for number in range(75)])
        )
        for role, person in product(("editor", "singer", "actor", "mixer", "director"), people):
            told.credit(piece, person, role)
        with told.view() as view:
            for limit, listed in ((50, 6), (75, 4)):
                items = parts.of_work(view, piece, limit=limit).items
                found = {(one["credit_count"], len(one["credits"])) for one in items}
                assert (len(items), found) == (limit, {(6, listed)})


def test_an_item_is_bounded_and_all_of_a_part_is_listed_page_by_page(database: str) -> None:
    with story(database) as told:
        ana, eve = told.person("Ana"), told.person("Eve")
        pieces = [told.piece("0", by=[ana])]
        for number in range(1, 40):
            pieces.append(told.piece(str(number), pieces[-1], by=[ana]))
        told.credit(pieces[20], ana, "composer")
        with told.view() as view:
            (item,) = parts.of_work(view, pieces[-1]).items
            assert (item["credit_count"], item["pieces"], item["path_count"]) == (41, 40, 40)
            assert len(item["credits"]) == parts.CREDITS_SHOWN
            assert [len(path["works"]) for path in item["paths"]] == [*range(1, 13)]
            for ask, count in ((parts.credits, 41), (parts.paths, 40)):
                found, after = [], None
                while True:
                    page = ask(view, pieces[-1], ana, after=after, limit=7)
                    found += page.items
                    if (after := page.next) is None:
                        break
                assert found == ask(view, pieces[-1], ana, limit=200).items
                assert len(found) == count
            longest = parts.paths(view, pieces[-1], ana, limit=200).items[-1]
            assert longest["works"] == pieces[:-13:-1] + pieces[11::-1]
            assert longest["left_out"] == 16
            assert parts.credits(view, pieces[0], eve).items == []


def test_a_struck_edge_leads_to_no_finished_work(told: Story) -> None:
    ana = told.person("Ana")
    piece = told.piece("piece", by=[ana])
    release = told.release("release", told.piece("other"))
    edge = told.edge(release, piece)
    told.tell("strike_remix", id=edge, reason="r")
    with told.view() as view:
        assert parts.in_releases(view, ana).items == []


# -- merges --------------------------------------------------------------------------------


def test_a_merge_changes_answers_from_then_on_and_not_before(database: str) -> None:
    with story(database) as told:
        old, middle, new = (told.person(name) for name in ("old", "middle", "new"))
        piece = told.piece("piece", by=[old, middle])
        release = told.release("release", piece)
        before = told.head()
        told.tell("merge_contributor", id=old, into=middle)
        between = told.head()
        told.tell("merge_contributor", id=middle, into=new)
        with told.view() as view:
            assert roll(view, release) == [("new", "direct", ["writer"], 1, 1, 1)]
            assert {
                one["contributor"]["id"] for one in attribution.all_credits(view, piece).items
            } == {new}
            assert contributors.person(view, old)["merged_into"] == middle
            assert contributors.person(view, old)["state"] == "merged"
            assert len(parts.in_releases(view, new).items) == 1
        with told.view(as_of=between) as view:
            assert names(view, release) == ["middle"]
            assert parts.in_releases(view, new).items == []
        with told.view(as_of=before) as view:
            assert names(view, release) == ["old", "middle"]
            assert contributors.person(view, old)["merged_into"] is None


def test_an_undone_merge_leaves_two_people_from_then_on(database: str) -> None:
    with story(database) as told:
        old, middle, new = (told.person(name) for name in ("old", "middle", "new"))
        release = told.release("release", told.piece("piece", by=[old, middle]))
        told.tell("merge_contributor", id=old, into=middle)
        told.tell("merge_contributor", id=middle, into=new)
        merged = told.head()
        told.tell("separate_contributor", id=middle, reason="two people of one name")
        with told.view() as view:
            # Who was merged into the one that is separated stays with that one.
            assert names(view, release) == ["middle"]
            assert contributors.person(view, middle)["merged_into"] is None
            assert contributors.person(view, middle)["state"] == "admitted"
            assert parts.in_releases(view, new).items == []
            assert len(parts.in_releases(view, old).items) == 1
        with told.view(as_of=merged) as view:
            assert names(view, release) == ["new"]
        told.tell("separate_contributor", id=old, reason="three people")
        with told.view() as view:
            assert names(view, release) == ["old", "middle"]
        told.tell("merge_contributor", id=new, into=old)
        with told.view() as view:
            assert names(view, release) == ["old", "middle"]
            assert contributors.person(view, new)["merged_into"] == old


def test_a_merge_that_others_undo_meanwhile_is_not_undone_again(told: Story) -> None:
    one, other = told.person("one"), told.person("other")
    told.tell("merge_contributor", id=one, into=other)
    undo = {"id": one, "reason": "two people of one name"}
    draft = told.journal.draft()
    carry_out(draft, "separate_contributor", **undo)
    told.tell("separate_contributor", **undo)
    with pytest.raises(IntegrityError):
        told.journal.commit(draft)


def test_asked_by_an_account_that_was_merged_the_person_is_the_same(database: str) -> None:
    with story(database) as told:
        old, middle, new = (told.person(name) for name in ("old", "middle", "new"))
        told.release("release", told.piece("piece", by=[old]))
        told.tell("merge_contributor", id=old, into=middle)
        told.tell("merge_contributor", id=middle, into=new)
        with told.view() as view:
            expected = parts.in_releases(view, new).items
            assert len(expected) == 1
            assert parts.in_releases(view, old).items == expected
            assert parts.in_releases(view, middle).items == expected


def test_two_accounts_merged_into_a_third_are_one_line(told: Story) -> None:
    a, b, c = (told.person(name) for name in "abc")
    piece = told.piece("piece", by=[a, b])
    told.tell("merge_contributor", id=a, into=c)
    told.tell("merge_contributor", id=b, into=c)
    with told.view() as view:
        (found,) = parts.of_work(view, piece).items
        assert found["contributor"] == {"id": c, "name": "c"}
        assert found["pieces"] == 1
        assert len(found["credits"]) == 2


# -- people --------------------------------------------------------------------------------

SEARCHES = [
    (None, ["Ana", "ANABEL", "Zoë", "50% off", "a_b"]),
    ("ana", ["Ana", "ANABEL"]),
    ("ZOË", ["Zoë"]),
    ("%", ["50% off"]),
    ("_", ["a_b"]),
    ("x", []),
]


def test_people_are_found_by_any_part_of_their_name_in_order_of_admission(database: str) -> None:
    with story(database) as told:
        for name in ("Ana", "ANABEL", "Zoë", "50% off", "a_b"):
            told.person(name)
        with told.view() as view:
            for q, expected in SEARCHES:
                found = [item["name"] for item in contributors.people(view, q=q).items]
                assert found == expected, q


def test_what_nobody_recorded_is_unknown(told: Story) -> None:
    piece = told.piece("piece")
    with told.view() as view:
        for ask, refusal in (
            (contributors.person, UnknownContributor),
            (parts.in_releases, UnknownContributor),
            (attribution.credit, UnknownCredit),
            (parts.of_work, UnknownWork),
            (attribution.all_credits, UnknownWork),
        ):
            wrong = id_of("nobody") if refusal is UnknownWork else piece
            with pytest.raises(refusal):
                ask(view, wrong)  # type: ignore[operator]


def test_nobody_contributed_to_what_has_no_credits(told: Story) -> None:
    piece = told.piece("piece")
    with told.view() as view:
        assert parts.of_work(view, piece) == ([], None)
