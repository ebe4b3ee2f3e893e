"""The outline of a series: every part in its place, and what a part is in."""

from collections.abc import Iterator

import pytest
from money import Bank, bank
from serving import Served, serving
from test_pages import reader

from projections import lineage, series
from projections.store import View


@pytest.fixture
def told(database: str) -> Iterator[Bank]:
    with bank(database) as told:
        yield told


def outline(view: View, id: str, limit: int = 2) -> list[tuple[int, str | None, int, bool]]:
    """Depth, title, in how many parts it is, and whether it was listed; paged as it is whole."""
    whole = series.parts(view, id, limit=200).items
    paged, after = [], None
    while True:
        page = series.parts(view, id, limit=limit, after=after)
        paged += page.items
        after = page.next
        if after is None:
            break
    assert paged == whole
    return [
        (one["depth"], one["work"]["title"], one["used_in"], one["is_listed_before"])
        for one in whole
    ]


def above(view: View, id: str) -> list[str | None]:
    return [one["work"]["title"] for one in series.wholes(view, lineage.find(view, id).number)]


def test_parts_are_listed_in_their_order_and_a_shared_one_with_its_own_parts_once(
    told: Bank,
) -> None:
    song, film = told.piece("song"), told.piece("film")
    jingle = told.release("jingle", song, part="segment", made_at="2023")
    opening = told.release("opening", jingle, film, part="segment")
    act = told.release("act", opening, part="act")
    # The opening stands at the beginning and at the end of the second.
    first = told.release("first", act, film, opening, part="episode")
    second = told.release("second", opening, film, opening, part="episode", made_at="2024-05")
    whole = told.release("whole", second, first, part="season")
    with told.view() as view:
        assert outline(view, whole) == [
            *((1, "second", 1, False), (2, "opening", 3, False), (3, "jingle", 1, False)),
            *((1, "first", 1, False), (2, "act", 1, False)),
            *((3, "opening", 3, True), (2, "opening", 3, True)),
        ]
        found = series.parts(view, whole).items
        assert [one["part"] for one in found][:3] == ["episode", "segment", "segment"]
        assert (found[0]["places"], found[1]["places"]) == ([1], [1, 3])
        assert (found[0]["work"]["made_at"], found[1]["within"]) == ("2024-05", second)
        assert outline(view, jingle) == outline(view, song) == []
        assert set(above(view, opening)) == {"act", "first", "second", "whole"}
        assert (above(view, jingle)[0], above(view, jingle)[-1]) == ("opening", "whole")
        assert above(view, whole) == []


def test_an_outline_is_that_of_its_time(told: Bank) -> None:
    episode = told.release("episode", told.piece("film"), part="episode")
    season = told.release("season", episode, part="season")
    before = told.journal.facts.head()
    told.tell(
        "declare_remix",
        child=season,
        parent=told.release("extra", told.piece("more")),
        kind="component",
    )
    with told.view() as view:
        assert [title for _, title, *_ in outline(view, season)] == ["episode", "extra"]
        assert [title for _, title, *_ in outline(view.at(before), season)] == ["episode"]


def test_many_uses_of_many_parts_are_as_many_lines_as_uses(told: Bank) -> None:
    """Each floor is twice in the next: 2,048 paths, 44 lines."""
    floor = [told.release("ground", told.piece("film"))]
    for number in range(11):
        rooms = [told.release(f"room {number} {side}", *floor) for side in "ab"]
        floor = [told.release(f"floor {number}", *rooms)]
    with told.view() as view:
        lines = outline(view, floor[0], limit=20)
        assert len(lines) == 4 * 11
        assert above(view, floor[0]) == []


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, public_pages=True) as served:
        yield served


def test_the_page_of_a_series_has_the_outline_and_that_of_a_part_what_it_is_in(
    served: Served,
) -> None:
    operator = served.operator

    def post(path: str, **said: object) -> str:
        id: str = operator.post(path, said).id
        return id

    film = post("/contributions", title="film", medium="video", authors=[], sources=[])
    made = [{"work": film}]
    segment = post("/releases", title="The opening", components=made, part="segment")
    used = [{"work": segment}]
    episodes = [
        post("/releases", title=f"Episode {n}", components=used, part="episode", made_at="2024-05")
        for n in (1, 2)
    ]
    components = [{"work": one} for one in episodes]
    season = post("/releases", title="The season", components=components, part="season")
    whole = reader(served).get(f"/release/{season}").text_seen
    assert "Parts" in whole
    assert whole.count("in 2 parts") == 1, "what is used again is listed once"
    assert "Its components" not in whole, "they are its parts, at no rate"
    assert whole.count("Episode · 2024-05") == 2
    seen = reader(served).get(f"/release/{segment}").text_seen
    assert "Episode 1 (episode), Episode 2 (episode), The season (season)" in seen
    assert "Part of The opening (segment)" in reader(served).get(f"/piece/{film}").text_seen
    items = operator.get(f"/works/{season}/parts").items
    assert [one["work"]["title"] for one in items] == [
        "Episode 1",
        "The opening",
        "Episode 2",
        "The opening",
    ]
