"""Long lists come in pages that fit together, whatever is written in between."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from serving import Answer, Client, Served, serving

from domain.text import LIMITS
from projections.pages import mark_of


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as running:
        yield running


def links(answer: Answer) -> dict[str, str]:
    """Where the Link header leads, by relation."""
    return {
        relation: target
        for target, relation in re.findall(
            r'<([^<> ]+)>; rel="(\w+)"', answer.headers.get("Link", "")
        )
    }


def walk(client: Client, path: str, **query: object) -> Iterator[Any]:
    """Every item, page after page, by the links, none of which leads to an empty page."""
    answer = client.get(path, query)
    while True:
        yield from answer.items
        next_page = links(answer).get("next")
        assert (next_page is None) == (answer.json["next"] is None)
        if next_page is None:
            return
        answer = client.get(next_page)
        assert answer.items, next_page


def test_every_list_is_walked_through_exactly_once(served: Served) -> None:
    ana = served.admit("Ana")
    people = [ana, *(served.admit(f"Ana & Ben #{number}") for number in range(6))]
    root = served.post_piece("100% wool? yes/no", by=ana)
    pieces = [served.post_piece(f"a=b&c #{number}", root, by=people[number]) for number in range(7)]
    top = served.post_piece("top", *pieces, by=ana)
    for number in range(5):
        served.operator.post("/releases", title=f"{number}", components=[{"work": top}])
    lists: list[tuple[str, dict[str, str]]] = [
        ("/works", {}),
        ("/works", {"q": "a=b&c #", "role": "writer"}),
        ("/contributors", {"q": "ana"}),
        (f"/works/{top}/contributors", {}),
        (f"/works/{top}/ancestors", {}),
        (f"/works/{root}/descendants", {}),
        (f"/works/{root}/history", {}),
        (f"/contributors/{ana}/attribution", {}),
        (f"/contributors/{ana}/history", {}),
    ]
    for path, query in lists:
        whole = served.operator.get(path, query, limit=200)
        assert len(whole.items) >= 4, path
        assert 'rel="next"' not in whole.headers.get("Link", "")
        for limit in (1, 2, len(whole.items) - 1, len(whole.items)):
            assert list(walk(served.operator, path, limit=limit, **query)) == whole.items, path


def test_what_is_written_meanwhile_neither_repeats_nor_hides_anything(served: Served) -> None:
    old = [served.post_piece(f"{number}") for number in range(6)]
    seen = []
    for number, piece in enumerate(walk(served.operator, "/works", limit=2)):
        seen.append(piece["id"])
        served.post_piece(f"new {number}", old[number])
    assert seen == old[::-1]


def test_a_cursor_alone_is_enough_to_go_on(served: Served) -> None:
    pieces = [served.post_piece(f"{number}") for number in range(3)]
    first = served.operator.get("/works", limit=2)
    second = served.operator.get("/works", limit=2, cursor=first.json["next"])
    assert [one["id"] for one in (*first.items, *second.items)] == pieces[::-1]


def test_a_later_page_leads_back_to_the_first(served: Served) -> None:
    for number in range(3):
        served.post_piece(f"{number}")
    first = served.operator.get("/works", limit=1)
    second = served.operator.get(links(first)["next"])
    assert served.operator.get(links(second)["first"]).json == first.json
    assert "first" not in links(first)


@pytest.mark.parametrize(
    "cursor", ["x", "%20", "WzEsMl0", "WyJhIl0", "bnVsbA", "[1]", "ä", "W10", "-"]
)
def test_a_cursor_from_elsewhere_is_refused(served: Served, cursor: str) -> None:
    """Also with the mark of this list before it."""
    song = served.post_piece("A song", served.post_piece("A poem", by=served.admit("Ana")))
    path = f"/works/{song}/history"
    mark = served.operator.get(path, limit=1).json["next"][: len(mark_of())]
    for other in (cursor, mark + cursor):
        answer = served.operator.get(path, cursor=other)
        assert (answer.status, answer.code) == (422, "bad_cursor"), other


def test_a_cursor_goes_on_only_with_what_was_asked_for(served: Served) -> None:
    """With another filter or order, items would be left out, and nobody would notice."""
    for number in range(3):
        served.post_piece(f"{number}", by=served.admit("Ana"))
    said = {"limit": 1, "sort": "title"}
    cursor = served.operator.get("/works", said).json["next"]
    for other in ({"reverse": "true"}, {"sort": "recorded"}, {"medium": "text"}, {"q": "1"}):
        answer = served.operator.get("/works", said | other, cursor=cursor)
        assert (answer.status, answer.code) == (422, "bad_cursor")
    assert (
        served.operator.get("/works", said | {"limit": 2}, cursor=cursor).items[0]["title"] == "1"
    )


def test_a_cursor_of_ones_own_inbox_is_of_no_use_to_somebody_else(served: Served) -> None:
    ana = served.admit("Ana")
    ben, cy = (served.acting(served.admit(name)) for name in ("Ben", "Cy"))
    for number in range(2):
        piece = ben.post("/contributions", title=f"{number}", medium="text").id
        served.acting(ana).post("/credits", work=piece, contributor=ana, role="editor")
    cursor = ben.get("/inbox", limit=1).json["next"]
    assert len(ben.get("/inbox", cursor=cursor).items) == 1
    assert cy.get("/inbox", cursor=cursor).code == "bad_cursor"


@pytest.mark.parametrize(
    "letter",
    ["x", "\x1f", "語", "\N{MUSICAL NOTE}", "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"],
)
def test_a_list_goes_on_after_the_longest_title_and_the_longest_name(
    letter: str, served: Served
) -> None:
    """Its own cursor was refused: it was longer than cursors may be."""
    project = {"goal": "A book.", "kind": "other", "kind_name": "book", "steps": [{"title": "1"}]}
    pieces = []
    for number in range(3):
        title = f"{number}".ljust(LIMITS["title"], letter)
        pieces.append(served.post_piece(title))
        leader = served.admit(f"{number}".ljust(LIMITS["name"], letter))
        led = {**project, "title": title, "leaders": [leader]}
        assert served.operator.post("/projects", led).status == 201
    whole = served.post_piece("whole", *pieces)
    for path, sort in (
        (f"/works/{whole}/ancestors", "title"),
        *(("/works", "title"), ("/contributors", "name"), ("/projects", "title")),
    ):
        for reverse in ("false", "true"):
            said = {"limit": 1, "sort": sort, "reverse": reverse}
            found = [one["id"] for one in walk(served.operator, path, **said)]
            assert len(found) == len(set(found)) >= 3, path
