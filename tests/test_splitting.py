"""What each would get of a recorded work, through which path, and what an edge would change."""

import json
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from serving import serving
from stories import OPERATOR, Story, at_once, carry_out, id_of, story, ticking

from domain.refusal import (
    BadCurrency,
    BadGraph,
    BadPolicy,
    BadRate,
    CapExceeded,
    Refusal,
)
from projections import around, lineage
from projections.money.splitting import Recorded, lineage_at, preview_edge, split_of
from projections.store import View


def small_lineage(told: Story) -> None:
    """A film of Ana and Ben, made of Cleo's song (1/5), which samples a loop of nobody (1/10)."""
    for name in ("ana", "ben", "cleo"):
        told.person(name)
    told.piece("loop")
    told.piece("song", by=[id_of("cleo")])
    told.piece("film", by=[id_of("ana"), id_of("ben")])
    told.edge(id_of("song"), id_of("loop"), id=id_of("sampled"), rate="1/10")
    told.edge(id_of("film"), id_of("song"), "adaptation", id=id_of("scored"), rate="0.2")


def graph_of(told: Story, name: str, as_of: int | None = None, **said: Any) -> Recorded:
    with told.view(as_of) as view:
        return lineage_at(view, lineage.find(view, id_of(name)).number, **said)


def test_the_graph_holds_what_counts_and_whose_it_is(database: str) -> None:
    with story(database, clock=ticking()) as told:
        small_lineage(told)
        told.credit(id_of("film"), id_of("ana"), role="composer")  # the same person once more
        told.credit(id_of("film"), id_of("cleo"), kind="influence")
        before = told.head()
        told.tell("strike_remix", id=id_of("sampled"), reason="r")
        told.tell("merge_contributor", id=id_of("ben"), into=id_of("cleo"))
        graph = graph_of(told, "film", before).lineage
        half, film, song, loop = Fraction(1, 2), *(id_of(one) for one in ("film", "song", "loop"))
        assert graph.rates == {film: {song: Fraction(1, 5)}, song: {loop: Fraction(1, 10)}}
        assert graph.held == {
            film: ((id_of("ana"), half), (id_of("ben"), half)),
            song: ((id_of("cleo"), Fraction(1)),),
            loop: ((f"work/{loop}", Fraction(1)),),
        }
        now = graph_of(told, "film")
        assert now.lineage.nodes == (film, song)
        assert dict(now.lineage.held[film]) == {id_of("ana"): half, id_of("cleo"): half}
        with told.view() as view:
            names = {id_of("ana"): "ana", id_of("cleo"): "cleo"}
            assert now.labels(view, payees=now.people) == names
            assert now.labels(view, now.ids)[film] == "film"


def test_an_edge_without_a_rate_has_the_default_one_or_none(told: Story) -> None:
    small_lineage(told)
    told.edge(id_of("film"), id_of("loop"))
    film, loop = id_of("film"), id_of("loop")
    assert graph_of(told, "film").lineage.rates[film][loop] is None
    half = Fraction(1, 2)
    assert graph_of(told, "film", default_rate="1/2").lineage.rates[film][loop] == half


def test_a_work_alone_is_a_graph_of_one(told: Story) -> None:
    told.piece("loop")
    loop = id_of("loop")
    assert graph_of(told, "loop").lineage.holders(loop) == ((f"work/{loop}", Fraction(1)),)


# -- who would get what ----------------------------------------------------------------------


def all_lines(view: View, name: str, limit: int = 200, **said: Any) -> list[dict[str, Any]]:
    """Every line of a split, page by page."""
    usual = {"policy": "relative_cascade", "amount_minor": 1000, "currency": "EUR"}
    found, cursor = list[dict[str, Any]](), None
    while True:
        page = split_of(view, id_of(name), **{**usual, **said}, after=cursor, limit=limit)
        assert page.items, "no page is empty"
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def test_each_gets_their_exact_share_and_sees_through_which_path(database: str) -> None:
    with story(database, clock=ticking()) as told:
        small_lineage(told)
        with told.view() as view:
            lines = all_lines(view, "film")
        assert {one["payee"]["name"]: (one["share"], one["amount_minor"]) for one in lines} == {
            "ana": ("2/5", 400),
            "ben": ("2/5", 400),
            "cleo": ("9/50", 180),
            "loop": ("1/50", 20),
        }
        assert [one["amount_minor"] for one in lines] == [400, 400, 180, 20]
        assert lines[-1]["payee"] == {
            "kind": "work",
            "id": f"work/{id_of('loop')}",
            "name": "loop",
        }
        (path,) = lines[-1]["paths"]
        assert [work["title"] for work in path["works"]] == ["film", "song", "loop"]
        assert (path["rates"], path["share"]) == (["1/5", "1/10"], "1/50")


def diamond(told: Story) -> None:
    """A mix of two takes of one song; everything of somebody else, and Ana in two of them."""
    people = [told.person(name) for name in ("ana", "ben", "cleo")]
    told.piece("song", by=people[:1])
    for number, take in enumerate(("take", "other take"), 2):
        told.piece(take, by=[people[1]])
        told.edge(id_of(take), id_of("song"), rate=f"1/{number}")
    told.piece("mix", by=[people[0], people[2]])
    for take in ("take", "other take"):
        told.edge(id_of("mix"), id_of(take), rate="1/4")


@pytest.mark.parametrize("policy", ["relative_cascade", "absolute_per_path"])
def test_the_parts_of_all_paths_add_up_to_the_share(policy: str, told: Story) -> None:
    diamond(told)
    if policy == "absolute_per_path":
        for remix in ("take", "other take"):
            with told.view() as view:
                (source,) = around.work(view, id_of(remix))["sources"]
            told.tell("strike_remix", id=source["remix"], reason="r")
            told.edge(id_of(remix), id_of("song"), rate="1/10")
    with told.view() as view:
        lines = all_lines(view, "mix", policy=policy)
    for line in lines:
        assert sum(Fraction(path["share"]) for path in line["paths"]) == Fraction(line["share"])
    counts = {one["payee"]["name"]: one["path_count"] for one in lines}
    assert counts == {"ana": 3, "ben": 2, "cleo": 1}


def test_a_policy_without_paths_tells_no_part_of_a_path(told: Story) -> None:
    diamond(told)
    with told.view() as view:
        for form in (
            {"type": "decay", "pool": "1/5", "factor": "1/2", "depth": 2},
            {"type": "fixed", "shares": [[id_of("ana"), "1"], ["a friend", "2"]]},
        ):
            lines = all_lines(view, "mix", policy=json.dumps(form))
            assert {path["share"] for one in lines for path in one["paths"]} == {None}
        friend = {"kind": "other", "id": "a friend", "name": "a friend"}
        assert (lines[0]["payee"], lines[0]["path_count"]) == (friend, 0)


def test_whom_a_policy_names_and_nobody_recorded_is_told_as_named(told: Story) -> None:
    small_lineage(told)
    nowhere = f"work/{id_of('nowhere')}"
    form = {"type": "fixed", "shares": [[nowhere, "1/2"], [id_of("film"), "1/2"]]}
    with told.view() as view:
        lines = all_lines(view, "film", policy=json.dumps(form))
    found = {one["payee"]["id"]: one["payee"] for one in lines}
    assert found[nowhere] == {"id": nowhere, "kind": "other", "name": nowhere}
    assert found[id_of("film")]["kind"] == "other"


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_the_pages_of_a_split_add_up_to_the_amount(limit: int, told: Story) -> None:
    small_lineage(told)
    with told.view() as view:
        lines = all_lines(view, "film", limit, amount_minor=1001)
    assert sum(one["amount_minor"] for one in lines) == 1001
    assert sum(Fraction(one["share"]) for one in lines) == 1
    assert len({one["payee"]["id"] for one in lines}) == 4


@pytest.mark.parametrize(
    "said, why",
    [
        ({"policy": "fair"}, BadPolicy),
        ({"policy": "{"}, BadPolicy),
        ({"policy": "{" + '"a":{' * 20_000}, BadPolicy),
        ({"policy": "decay"}, BadPolicy),
        ({"policy": '{"type": "absolute_per_path", "cap": "1/10"}'}, CapExceeded),
        ({"currency": "XAU"}, BadCurrency),
        ({"default_rate": "2"}, BadRate),
    ],
)
def test_what_cannot_be_divided_is_refused(
    said: dict[str, Any], why: type[Refusal], told: Story
) -> None:
    small_lineage(told)
    with told.view() as view, pytest.raises(why):
        all_lines(view, "film", **said)


def test_an_edge_without_a_rate_is_named_unless_a_rate_is_given_for_it(told: Story) -> None:
    small_lineage(told)
    told.edge(id_of("film"), id_of("loop"))
    with told.view() as view:
        with pytest.raises(BadGraph) as refused:
            all_lines(view, "film")
        assert id_of("film") in str(refused.value)
        assert id_of("loop") in str(refused.value)
        assert all_lines(view, "film", default_rate="0")[-1]["share"] == "1/50"
        assert all_lines(view, "film", default_rate="1/10")[-1]["share"] == "3/25"
        form = {"type": "decay", "pool": "1/5", "factor": "1/2", "depth": 2}
        assert all_lines(view, "film", policy=json.dumps(form))


def test_a_split_is_answered_as_known_then(told: Story) -> None:
    small_lineage(told)
    then = told.head()
    told.tell("strike_remix", id=id_of("scored"), reason="r")
    with told.view(then) as view:
        assert len(all_lines(view, "film")) == 4
    with told.view() as view:
        assert len(all_lines(view, "film")) == 2


# -- the cap ---------------------------------------------------------------------------------


def test_a_work_never_owes_more_than_the_whole(told: Story) -> None:
    small_lineage(told)
    sources = [{"work": id_of(one), "kind": "sample", "rate": "2/3"} for one in ("loop", "song")]
    piece = {"title": "t", "medium": "text", "authors": [], "sources": sources}
    parts = [{"work": one["work"], "rate": "3/5"} for one in sources]
    head = told.head()
    for command, said in (
        ("submit_contribution", piece),
        ("assemble_release", {"title": "r", "components": parts}),
        (
            "declare_remix",
            {"child": id_of("film"), "parent": id_of("loop"), "kind": "sample", "rate": "0.81"},
        ),
    ):
        with pytest.raises(CapExceeded) as refused:
            told.tell(command, **said)
        assert refused.value.details["cap"] == "1"
    assert told.head() == head
    told.edge(id_of("film"), id_of("loop"), rate="0.8")
    told.edge(id_of("film"), id_of("loop"), "influence")


@pytest.mark.parametrize("followed", ["never", "between", "always"])
def test_the_cap_is_kept_wherever_the_edges_are_known_from(followed: str, told: Story) -> None:
    """From what is projected, from what is not yet, and from the draft itself; not struck ones."""
    small_lineage(told)
    film, loop = id_of("film"), id_of("loop")
    for number in range(2):
        told.edge(film, loop, rate="2/5", id=id_of(f"edge {number}"))
        if followed == "always" or (followed == "between" and number == 0):
            told.service.follower.catch_up()
    declare = {"child": film, "parent": loop, "kind": "sample", "actor": "operator"}
    with pytest.raises(CapExceeded):
        told.tell("declare_remix", **declare, rate="1/100")
    told.tell("dispute_remix", id=id_of("edge 0"), grounds="other", reason="r")
    told.tell("settle_remix", id=id_of("edge 0"), outcome="upheld", reason="r")
    draft = told.journal.draft()
    carry_out(draft, "declare_remix", **declare, rate="1/5")
    with pytest.raises(CapExceeded):
        carry_out(draft, "declare_remix", **declare, rate="1/4")
    carry_out(draft, "declare_remix", **declare, rate="1/5")
    told.journal.commit(draft)


def test_edges_declared_at_once_do_not_pass_the_cap_together(database: str) -> None:
    with story(database) as told:
        loop, film = told.piece("loop"), told.piece("film")
        answers = at_once(
            *(partial(told.edge, film, loop, rate="2/5", id=id_of(f"edge {n}")) for n in range(5))
        )
        assert sorted(type(one).__name__ for one in answers) == ["CapExceeded"] * 3 + ["str"] * 2


# -- before an edge is declared --------------------------------------------------------------


def test_a_preview_tells_the_stack_and_who_is_diluted(database: str) -> None:
    with story(database, clock=ticking()) as told:
        small_lineage(told)
        with told.view() as view:
            told_first = preview_edge(
                view,
                told.journal,
                actor=OPERATOR,
                child=id_of("film"),
                parent=id_of("loop"),
                kind="sample",
                rate="1/5",
                amount_minor=1000,
            )
        assert told_first["stack"] == {"before": "1/5", "after": "2/5", "cap": "1"}
        assert told_first["changed"] == 3
        lines = {one["payee"]["name"]: one for one in told_first["items"]}
        assert set(lines) == {"ana", "ben", "loop"}
        assert lines["ana"]["change"] == "-1/10"
        assert (lines["ana"]["share_before"], lines["ana"]["share_after"]) == ("2/5", "3/10")
        assert (lines["loop"]["amount_before_minor"], lines["loop"]["amount_after_minor"]) == (
            *(20, 220),
        )
        # What was told beforehand is what comes of it.
        told.edge(id_of("film"), id_of("loop"), rate="1/5")
        with told.view() as view:
            after = {one["payee"]["name"]: one["share"] for one in all_lines(view, "film")}
        assert after == {name: line["share_after"] for name, line in lines.items()} | {
            "cleo": "9/50"
        }


def test_a_source_that_nobody_cited_yet_can_be_previewed(told: Story) -> None:
    small_lineage(told)
    planned = {"child": id_of("film"), "uri": "HTTPS://example.org/new", "kind": "sample"}
    planned["actor"] = OPERATOR
    with told.view() as view:
        found = preview_edge(view, told.journal, **planned, rate="1/2")
        *_, last = found["items"]
        assert last["payee"]["name"] == "https://example.org/new"
        assert (last["share_before"], last["share_after"]) == ("0", "1/2")
        assert last["amount_after_minor"] is None
        assert len(preview_edge(view, told.journal, **planned, rate="1/2", limit=1)["items"]) == 1
        with pytest.raises(CapExceeded):
            preview_edge(view, told.journal, **planned, rate="0.9")


def test_a_diamond_is_previewed_with_each_edge_once(told: Story) -> None:
    diamond(told)
    planned = {"child": id_of("mix"), "parent": id_of("song"), "kind": "sample", "rate": "1/4"}
    planned["actor"] = OPERATOR
    with told.view() as view:
        found = preview_edge(view, told.journal, **planned)
    changes = {one["payee"]["name"]: one["change"] for one in found["items"]}
    assert changes == {"ana": "1/8", "cleo": "-1/8"}


def test_a_preview_over_http_refuses_as_a_declaration_and_records_nothing(database: str) -> None:
    with serving(database) as served:
        ana, ben = served.admit("Ana"), served.admit("Ben")
        poem, song = served.post_piece("A poem", by=ana), served.post_piece("A song", by=ben)
        head = served.head
        planned = {"child": song, "parent": poem, "kind": "adaptation", "rate": "1/4"}
        body = {**planned, "amount_minor": 400}
        answer = served.operator.post("/remixes/preview", body)
        assert answer.status == 200
        assert [(one["payee"]["name"], one["change"]) for one in answer.json["items"]] == [
            *(("Ben", "-1/4"), ("Ana", "1/4")),
        ]
        for more, code in (
            ({"parent": song}, "self_remix"),
            ({"kind": "x"}, "unknown_kind"),
            ({"rate": "3"}, "bad_rate"),
            ({"policy": "fair"}, "bad_policy"),
            ({"amount_minor": "5"}, "wrong_type"),
            ({"amount_minor": True}, "wrong_type"),
            ({"amount_minor": -1}, "out_of_range"),
        ):
            assert served.operator.post("/remixes/preview", {**body, **more}).code == code
        other = served.acting(served.admit("Cleo"))
        assert other.post("/remixes/preview", body).code == "not_permitted"
        assert served.head == head + 1
        edge = served.operator.post("/remixes", planned).json
        asked = {"policy": "relative_cascade", "amount_minor": 400, "currency": "EUR"}
        split = served.operator.get(f"/works/{song}/split", asked, min_position=edge["position"])
        told = [(one["payee"]["name"], one["amount_minor"], one["currency"]) for one in split.items]
        assert told == [("Ben", 300, "EUR"), ("Ana", 100, "EUR")]
        assert served.operator.get(f"/works/{song}/split").code == "missing_field"
