"""Lists of works and people: filtered, sorted and counted by the same rules, on both engines."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commanding import Stemma
from serving import serving
from stories import OPERATOR, Story, id_of, story

from domain.text import folded
from projections import billing, contributors, finding, formats, graph, lineage, listing
from projections.pages import Page
from projections.walking import DOWN, onwards_of
from scripts.stemma import main


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as told:
        yield told


def community(told: Story) -> None:
    """A song, and what was made from it: two generations, of which one piece is withdrawn."""
    ana, ben = told.person("Ana"), told.person("Ben")
    told.person("Zoë")
    made = {"song": "1969", "Échos": "1989-05", "echo": "1989", "answer": "2021", "lost": None}
    told.piece("song", by=[ana], made_at=made["song"], role="singer", medium="audio")
    told.piece(
        "Échos", id_of("song"), by=[ben], made_at=made["Échos"], role="cellist", medium="audio"
    )
    told.piece("echo", id_of("song"), by=[ben], made_at=made["echo"])
    told.piece("answer", id_of("echo"), by=[ana, ben], made_at=made["answer"], medium="video")
    told.piece("lost", id_of("echo"), by=[ana])
    licences = {"song": "CC BY 4.0", "echo": "CC-BY-4.0", "answer": "CC-BY-SA-4.0"}
    for name, licence in licences.items():
        told.tell("describe_work", id=id_of(name), licence=licence, reason="It says so.")
    told.release("album", id_of("answer"))
    told.tell("withdraw_contribution", id=id_of("lost"), reason="Not mine.")


def titles(page: Page[Any]) -> list[str | None]:
    return [one["title"] for one in page.items]


def walked(ask: Any, **asked: Any) -> list[Any]:
    """Every item, one to a page."""
    items, after = [], None
    while True:
        page = ask(after=after, limit=1, **asked)
        items += page.items
        if page.next is None:
            return items
        after = page.next


def test_filters_work_on_what_was_made_from_a_work(told: Story) -> None:
    community(told)
    with told.view() as view:

        def found(**asked: Any) -> list[str | None]:
            return titles(listing.descendants(view, id_of("song"), **asked))

        assert found() == ["Échos", "echo", "answer", None, "album"]
        assert found(never_remixed=True) == ["Échos", "album"], "nobody has used them yet"
        assert found(never_remixed=True, kind="contribution") == ["Échos"]
        assert found(medium="video") == ["answer"], "through what is of another medium"
        assert found(role="musician") == ["Échos"], "a cellist is a musician"
        assert found(licence="cc by 4.0") == ["echo"]
        assert found(year=1989) == ["Échos", "echo"]
        assert found(q="echos") == ["Échos"]
        up = listing.ancestors(view, id_of("album"), role="singer")
        assert titles(up) == ["song"]
        assert [one["generation"] for one in up.items] == [3]


STATED = {
    **dict.fromkeys(("1970", "1970~", "1970?", "1970%", "~1970-05", "1970-05-06", "197X"), 1970),
    **dict.fromkeys(("1970~/1975", "[1970,1972]", "1970/..", "1970-01-01T00:00+05:00"), 1970),
    **{"[..1970]": None, "/1970": None, "-0044": None, "0000": None, "0970": 970},
}
"""Dates, and the year by which a work of it is found."""


def test_a_work_is_found_by_the_year_that_is_stated_however_sure_it_is(database: str) -> None:
    with story(database) as told:
        for date in STATED:
            told.piece(date, made_at=date)
        with told.view() as view:
            years = Counter(str(year or "") for year in STATED.values())
            assert counts(listing.facets(view)["year"]) == {
                year or None: years[year] for year in years
            }
            for year in (970, 1970):
                found = listing.works(view, year=year).items
                assert {one["title"] for one in found} == {d for d in STATED if STATED[d] == year}


def test_a_withdrawn_piece_is_none_that_nobody_remixed(told: Story) -> None:
    community(told)
    with told.view() as view:
        assert titles(listing.works(view, never_remixed=True)) == ["album", "Échos"]


SORTED = {
    "recorded": ["album", None, "answer", "echo", "Échos", "song"],
    "title": [None, "album", "answer", "echo", "Échos", "song"],
    "made": ["answer", "Échos", "echo", "song", "album", None],
    "remixed": ["echo", "song", "answer", "album", None, "Échos"],
}


def test_works_are_sorted_and_walked_through_in_every_order(told: Story) -> None:
    community(told)
    with told.view() as view:
        for sort, expected in SORTED.items():
            for reverse in (False, True):
                ask = partial(listing.works, view, sort=sort, reverse=reverse)
                items = ask().items
                assert walked(ask) == items
                assert [one["title"] for one in (items[::-1] if reverse else items)] == expected


def test_what_was_made_from_a_work_is_sorted_as_well(told: Story) -> None:
    community(told)
    with told.view() as view:
        for sort in ("generation", *finding.WORK_ORDERS):
            for reverse in (False, True):
                ask = partial(listing.descendants, view, id_of("song"), sort=sort, reverse=reverse)
                assert walked(ask) == ask().items
                assert len(ask().items) == 5
        furthest = listing.descendants(view, id_of("song"), sort="generation", reverse=True)
        assert [one["generation"] for one in furthest.items] == [3, 2, 2, 1, 1]
        latest = listing.descendants(view, id_of("song"), sort="title", kind="contribution")
        assert titles(latest) == [None, "answer", "echo", "Échos"]


def counts(facet: Any) -> dict[str | None, int]:
    assert facet["left_out"] == 0
    assert all(one["count"] >= other["count"] for one, other in pairwise(facet["values"]))
    return {one["value"]: one["count"] for one in facet["values"]}


def test_facets_count_what_the_filters_find(told: Story) -> None:
    community(told)
    with told.view() as view:
        facets = listing.facets(view)
        assert facets["total"] == 6
        assert counts(facets["medium"]) == {"audio": 2, "text": 2, "video": 1, None: 1}
        assert counts(facets["kind"]) == {"contribution": 5, "release": 1}
        assert counts(facets["licence"]) == {"CC-BY-4.0": 2, "CC-BY-SA-4.0": 1, None: 3}
        assert counts(facets["year"]) == {"1969": 1, "1989": 2, "2021": 1, None: 2}
        assert counts(facets["role"]) == {"singer": 1, "cellist": 1, "writer": 3}
        for by in ("medium", "licence", "kind", "role"):
            for value, count in counts(facets[by]).items():
                assert value is None or len(listing.works(view, **{by: value}).items) == count
        for year, count in counts(facets["year"]).items():
            assert year is None or len(listing.works(view, year=int(year)).items) == count
        below = listing.descendant_facets(view, id_of("song"), never_remixed=True)
        assert below["total"] == 2
        assert counts(below["medium"]) == {"audio": 1, None: 1}
        assert listing.facets(view, q="no such thing")["total"] == 0


def test_what_many_texts_contain_is_found_like_what_few_do(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    community(told)
    credit = {"work": id_of("song"), "contributor": id_of("Ana"), "role": "editor"}
    told.tell("open_credit", **credit, kind="direct", credited_as="Zoë of the Échos")

    def found() -> list[list[str | None]]:
        with told.view() as view:
            words = ("e", "echo", "an", "zoe", "low", "no such thing")
            works = [listing.works(view, q=q).items for q in words]
            credited = [listing.works(view, credit=q).items for q in words]
            people = [contributors.people(view, q=q).items for q in words]
            names = [[one["name"] for one in each] for each in people]
            return names + [[one["title"] for one in each] for each in (*works, *credited)]

    few = found()
    monkeypatch.setattr(finding, "MOST_TEXTS", 0)
    assert found() == few
    assert sum(map(bool, few)) > 8


def test_facets_of_many_count_the_latest_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        community(told)
        with told.view() as view:
            latest = listing.works(view, limit=3).items
            assert listing.facets(view)["is_exact"]
            assert contributors.people_facets(view)["is_exact"]
        monkeypatch.setattr(finding, "MOST_FACETED", 3)
        monkeypatch.setattr(finding, "MOST_PEOPLE", 2)
        with told.view() as view:
            facets = listing.facets(view)
            assert (facets["total"], facets["is_exact"]) == (3, False)
            assert counts(facets["medium"]) == Counter(one["medium"] for one in latest)
            assert listing.facets(view, year=1989)["is_exact"]
            people = contributors.people_facets(view)
            assert (people["total"], people["is_exact"]) == (2, False)
            assert counts(people["role"]) == counts(
                contributors.people_facets(view, q="e")["role"]
            ), "Ben and Zoë, but not Ana, who came first"
    with serving(database, public_pages=True) as served:
        for kind, said in (("", "3+ works"), ("people", "2+ people")):
            assert f"<h2>{said}</h2>" in served.client(None).get("/search", {"kind": kind}).text
    ran = Stemma(database).run("facets")
    assert "3 or more, of which the latest were counted" in ran.stdout


def test_people_are_sorted_and_counted(told: Story) -> None:
    community(told)
    with told.view() as view:

        def names(**asked: Any) -> list[str | None]:
            items = contributors.people(view, **asked).items
            assert walked(partial(contributors.people, view, **asked)) == items
            return [one["name"] for one in items]

        assert names() == ["Ana", "Ben", "Zoë"]
        assert names(reverse=True) == ["Zoë", "Ben", "Ana"]
        assert names(sort="name", reverse=True) == ["Zoë", "Ben", "Ana"]
        assert names(sort="credits") == ["Ben", "Ana", "Zoë"], "the latest of those with as many"
        assert names(sort="credits", role="cellist") == ["Ben"]
        facets = contributors.people_facets(view)
        assert facets["total"] == 3
        assert counts(facets["role"]) == {"writer": 2, "singer": 1, "cellist": 1}
        assert counts(facets["medium"]) == {"audio": 2, "text": 2, "video": 2}
        assert counts(contributors.people_facets(view, q="zoe")["role"]) == {}


def test_who_could_do_something_is_the_person_with_what_all_their_accounts_did(
    told: Story,
) -> None:
    community(told)
    first, second, ben = told.person("B. One"), told.person("Bén"), id_of("Ben")
    for name, by in (("suite", first), ("duet", first), ("trio", second)):
        told.piece(name, by=[by], role="violinist", medium="audio")
    told.tell("merge_contributor", id=first, into=second)
    told.tell("merge_contributor", id=second, into=ben)
    with told.view() as view:
        (found,) = contributors.people(view, role="string player", medium="AUDIO").items
        assert (found["id"], found["state"]) == (ben, "admitted")
        did = [(one["role"], one["works"], one["latest"]["title"]) for one in found["did"]]
        assert did == [("violinist", 3, "trio"), ("cellist", 1, "Échos")]
        assert contributors.person(view, ben)["did"][0]["works"] == 3
        assert contributors.people_facets(view, role="violinist")["total"] == 1
        roles = counts(contributors.people_facets(view)["role"])
        assert roles == {"cellist": 1, "singer": 1, "violinist": 1, "writer": 2}
        by_credits = contributors.people(view, sort="credits").items
        assert [one["name"] for one in by_credits[:2]] == ["Ben", "Bén"]
    told.tell("separate_contributor", id=second, reason="r")
    told.tell("forget_contributor", id=second, ground="request")
    with told.view() as view:
        assert contributors.people(view, role="violinist").items == []
        assert [one["name"] for one in contributors.people(view, role="cellist").items] == ["Ben"]


def test_nobody_is_found_by_what_they_only_claim(told: Story) -> None:
    """By no role, name or use of AI; nor counted, until somebody agrees."""
    ana, eve = told.person("Ana"), told.person("Eve")
    songs = [told.piece("song", by=[ana], actor=ana), told.piece("hum", actor=ana)]
    said = {"role": "violinist", "credited_as": "The Fiddler", "ai": ["instruments fully"]}
    claims = [told.credit(song, eve, actor=eve, **said) for song in songs]

    def known() -> list[Any]:
        with told.view() as view:
            people = (
                contributors.people(view, role="violinist").items,
                contributors.people(view, q="fiddler").items,
            )
            works = (
                listing.works(view, role="violinist"),
                listing.works(view, q="fiddler"),
                listing.works(view, credit="fiddler"),
                listing.works(view, ai="any"),
            )
            roles = (
                contributors.people_facets(view)["role"],
                listing.facets(view)["role"],
            )
            return [
                *([one["name"] for one in found] for found in people),
                *(titles(found) for found in works),
                *("violinist" in counts(found) for found in roles),
                contributors.person(view, eve)["did"] != [],
                contributors.people(view, sort="credits").items[0]["name"],
            ]

    assert known() == [[], [], [], [], [], [], False, False, False, "Ana"]
    for claim in claims:
        told.tell("accept_credit", id=claim, actor=ana)
    both = ["hum", "song"]
    assert known() == [["Eve"], ["Eve"], both, both, both, both, True, True, True, "Eve"]


def test_the_order_of_titles_is_that_of_the_search_on_both_engines(told: Story) -> None:
    words = [
        "Zebra",
        "apple",
        "Äpfel",
        "Ａpple pie",
        "émile",
        "Emil",
        "straße",
        "Strasse 2",
        "_",
        "~",
    ]
    for word in words:
        told.piece(word)
    with told.view() as view:
        assert titles(listing.works(view, sort="title")) == sorted(words, key=folded)


def test_a_chain_of_many_generations_is_walked_through(told: Story) -> None:
    """Beyond the generations that are asked for one by one."""
    told.piece("0")
    for number in range(1, 140):
        told.piece(f"{number}", id_of(f"{number - 1}"))
    with told.view() as view:
        down = listing.descendants(view, id_of("0"), limit=200).items
        assert [one["generation"] for one in down] == [*range(1, 140)]
        assert walked(partial(listing.descendants, view, id_of("70"))) == [
            {**one, "generation": one["generation"] - 70} for one in down[70:]
        ]
        (unused,) = listing.descendants(view, id_of("0"), never_remixed=True).items
        assert (unused["title"], unused["generation"]) == ("139", 139)


def test_what_stopped_at_a_limit_is_not_taken_for_all_that_was_made_from_a_work(
    told: Story,
) -> None:
    song = told.piece("song")
    for number in range(3):
        told.piece(f"cover {number}", song)
    with told.view() as view:
        number = lineage.find(view, song).number
        assert len(onwards_of(view, [number], DOWN, most=2)[number]) == 2
        assert len(listing.descendants(view, song).items) == 3


def test_the_operator_is_nobody_in_a_list(told: Story) -> None:
    told.piece("alone", actor=OPERATOR)
    with told.view() as view:
        assert contributors.people_facets(view)["total"] == 0


def test_the_search_page_narrows_sorts_and_says_how_many(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        community(told)
        told.service.follower.catch_up()
    with serving(database, public_pages=True) as served:

        def shown(path: str = "/search", **asked: str) -> str:
            answer = served.client(None).get(path, asked)
            assert answer.status == 200
            return answer.text

        assert '<option value="audio">audio (2)</option>' in shown()
        unused = shown(f"/descendants/{id_of('song')}", never_remixed="yes", sort="title")
        assert unused.index("album") < unused.index("Échos")
        assert ">answer<" not in unused
        assert "Zoë" in shown(kind="people")
        assert "Ana" not in shown(kind="people", role="cellist")
        assert "Nothing matches" in shown(medium="video", year="1969")
    ran = Stemma(database).run("facets", "--medium", "audio")
    assert "2 in all" in ran.stdout
    listed = ["--database", database, "contributor", "list", "--sort", "credits", "--reverse"]
    said = CliRunner().invoke(main, listed).stdout
    assert said.index("Zoë") < said.index("Ana") < said.index("Ben")


def test_a_large_lineage_comes_in_pages_as_json_and_whole_as_a_download(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    community(told)
    told.edge(id_of("answer"), id_of("song"))
    with told.view() as view:
        whole = formats.lineage_of(view, id_of("album"))
        assert whole["next"] is None
        assert [node["title"] for node in whole["nodes"]] == ["album", "answer", "song", "echo"]
        for most in (1, 500, 1_500):
            monkeypatch.setattr(graph, "MOST_BYTES", most)
            nodes, edges, after, pages = [], [], None, 0
            while True:
                page = formats.lineage_of(view, id_of("album"), after=after)
                nodes, edges, pages = nodes + page["nodes"], edges + page["edges"], pages + 1
                if (after := page["next"]) is None:
                    break
            assert pages > 1
            assert nodes == whole["nodes"]
            in_order = sorted(edges, key=whole["edges"].index)
            assert in_order == whole["edges"]
        shown = billing.lineage_with_makers(view, id_of("album"))
        assert formats.graphml(shown).count("<node ") == 4


def test_a_search_does_not_mind_how_a_title_a_medium_or_a_host_is_written(told: Story) -> None:
    ana = told.person("Ana")
    told.piece("Love \u2764\ufe0f  Song", by=[ana], medium="Ton")
    told.piece("Liebe", by=[ana], medium="TÖN")
    told.piece("Lied", by=[ana], medium="tön")
    source = {"uri": "https://Bücher.example/Stra%C3%9Fe", "kind": "sample"}
    told.tell("submit_contribution", title="Cut", medium="video", sources=[source])
    with told.view() as view:

        def found(**asked: Any) -> list[str | None]:
            return sorted(str(one) for one in titles(listing.works(view, **asked)))

        for q in ("love \u2764 song", "LOVE \u2764\ufe0f SONG", "love \u2764\ufe0f\u00a0song"):
            assert found(q=q) == ["Love \u2764\ufe0f  Song"], q
        for q in ("bucher.example", "BÜCHER", "xn--bcher-kva.example/strasse", "strasse"):
            assert found(q=q) == ["None"], q
        assert found(medium="Tön") == ["Liebe", "Lied", "Love \u2764\ufe0f  Song"]
        facets = listing.facets(view)
        assert counts(facets["medium"]) == {"Ton": 3, "video": 1, None: 1}
        assert [one["name"] for one in contributors.people(view, medium="TON").items] == ["Ana"]
        assert counts(contributors.people_facets(view)["medium"]) == {"Ton": 1}


def test_who_registers_a_name_that_is_there_is_warned(told: Story) -> None:
    zoe = told.person("Zoë")
    (warned,) = told.tell("admit_contributor", name="ZOE", id=id_of("second")).warnings
    assert (warned.code, zoe in warned.detail) == ("name_repeated", True)
    (warned,) = told.tell("admit_contributor", name=" Zoe\u0308\n", id=id_of("spaced")).warnings
    assert (warned.code, zoe in warned.detail) == ("name_repeated", True)
    told.tell("merge_contributor", id=id_of("spaced"), into=zoe)
    assert told.tell("admit_contributor", name="Zoey").warnings == ()
    told.tell("merge_contributor", id=id_of("second"), into=zoe)
    (warned,) = told.tell("admit_contributor", name="Zoë", id=id_of("third")).warnings
    assert (zoe in warned.detail, id_of("second") in warned.detail) == (True, False)
    told.tell("rename_contributor", id=id_of("third"), name="Mia", former="kept")
    (warned,) = told.tell("rename_contributor", id=id_of("third"), name="zoe").warnings
    assert zoe in warned.detail
    told.tell("rename_contributor", id=id_of("third"), name="Kim", former="kept")
    (warned,) = told.tell("admit_contributor", name="zoe", id=id_of("fourth")).warnings
    assert id_of("third") not in warned.detail, "who was called so formerly is not"
    told.tell("forget_contributor", id=zoe, ground="request")
    told.tell("forget_contributor", id=id_of("fourth"), ground="request")
    assert told.tell("admit_contributor", name="Zoe").warnings == ()


def test_http_and_the_form_warn_as_well(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        zoe = served.admit("Zoe")
        answer = served.operator.post("/contributors", name="Zoe")
        assert [one["code"] for one in answer.json["warnings"]] == ["name_repeated"]
        assert zoe in answer.json["warnings"][0]["detail"]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        page = served.operator.send("POST", "/do/contributor", b"name=zo%C3%AB", headers)
        assert page.status == 200
        assert "Recorded, with a warning" in page.text
        assert zoe in page.text
        assert '<a href="/contributor/' in page.text
