"""A picture is what it says: its own elements are measured, whatever names and titles hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.lineage import Edge, Lineage
from projections.pictures.cover import cover
from projections.pictures.earnings import bars_of, earnings_svg
from projections.pictures.folding import MOST_DRAWN, DrawnWork, LineagePicture, folded
from projections.pictures.lineage import MOST_CARDS, curve, liked, lineage_svg
from projections.pictures.outline import nested, nested_html
from projections.pictures.paths import MoneyPath, PathStep, why_svg
from projections.pictures.sankey import PaidThrough, Recipient, SplitPicture, Via, split_svg
from projections.pictures.svg import Markup, colour_at, element, number, policy, stylesheet
from projections.pictures.text import clean, clusters, fitted, isolated, percent, width, wrapped
from projections.pictures.timeline import Happening, timeline_svg
from scripts.benchmarks import layout as beside

AWKWARD = [
    "<script>alert(1)</script>",
    "",
    "  \n ",
    "a" * 400,
    "سمفونية البحر الطويلة جدا في الليل الهادئ",
    "שיר ערש (Remix) 2024",
    "夜のバスと雨の音楽 リミックス版その二",
    "👩‍👩‍👧‍👦🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉 🇩🇪🇩🇪",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L",
    "\u202ereversed\u202c by force",
    "]]> & \"quotes' \x00\x1f\ufffe",
    "https://example.org/sounds/waves/of/the/sea/at/night.flac?v=2",
]
PEOPLE = [*(f"Person {n}" for n in range(14)), "Maximiliane von Hohenstein-Oettingen", *AWKWARD]


def picture(works: int, *, shares: bool = True, seed: int = 1) -> LineagePicture:
    """A lineage whose titles and people are as awkward as they come."""
    random = Random(seed)
    edges = beside.lineage(works, seed)
    flow, kept = [Fraction(0)] * works, [Fraction(0)] * works
    flow[0] = Fraction(1)
    going: dict[tuple[int, int], Fraction] = {}
    for work in range(works):
        out = [edge for edge in edges if edge[0] == work]
        for edge in out:
            going[edge] = flow[work] * Fraction(random.randint(1, 9), 12 * len(out))
            flow[edge[1]] += going[edge]
        kept[work] = flow[work] - sum(going[edge] for edge in out)
    kinds = [random.choice(["sample", "influence"]) for _ in edges]
    return LineagePicture(
        Lineage(
            "0",
            tuple(
                Edge(str(child), str(parent), kind, "1/5")
                for (child, parent), kind in zip(edges, kinds, strict=True)
            ),
        ),
        tuple(
            DrawnWork(
                str(n),
                AWKWARD[n // 3 % len(AWKWARD)] if n % 3 == 1 else f"Piece {n}, Second Take",
                random.choice(["contribution", "contribution", "outside"]) if n else "release",
                random.choice(["audio", "text", "a medium with a long name", ""]),
                tuple(random.sample(PEOPLE, random.choice((0, 1, 1, 2, 5)))),
                f"/works/{n}?a=1&b=<2>",
                kept[n] if shares else None,
            )
            for n in range(works)
        ),
        {(str(child), str(parent)): share for (child, parent), share in going.items()}
        if shares
        else {},
        open_href="?fold=0",
        fold_href="?",
    )


# -- measuring -------------------------------------------------------------------------------


NEAR = 0.2
"""A coordinate is written to a tenth; what stands further apart than that, stands apart."""


@dataclass(frozen=True)
class Area:
    """A rectangle that something covers, and what it is."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: "Area") -> bool:
        return (
            self.left < other.right - NEAR
            and other.left < self.right - NEAR
            and self.top < other.bottom - NEAR
            and other.top < self.bottom - NEAR
        )

    def holds(self, other: "Area") -> bool:
        return (
            self.left <= other.left + NEAR
            and self.top <= other.top + NEAR
            and other.right <= self.right + NEAR
            and other.bottom <= self.bottom + NEAR
        )


class Drawn:
    """An SVG, taken apart: where its texts, cards and lines are."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        _, _, right, bottom = map(float, self.root.attrib["viewBox"].split())
        self.view = Area(0, 0, right, bottom, "the view")
        self.texts: list[Area] = []
        self.cards: list[Area] = []
        self.curves: list[tuple[str, float, list[tuple[float, float]]]] = []
        self._walk(self.root, 0.0, 0.0)

    def _walk(self, node: ElementTree.Element, x: float, y: float) -> None:
        if move := re.fullmatch(r"translate\((\S+) (\S+)\)", node.get("transform", "")):
            x, y = x + float(move[1]), y + float(move[2])
        else:
            assert "transform" not in node.attrib
        at = {key: float(node.get(key, 0)) for key in ("x", "y") if "%" not in node.get(key, "")}
        match tag(node):
            case "text":
                size = float(node.attrib["font-size"])
                said = (node.text or "") + "".join(child.tail or "" for child in node)
                long = width(said, size, bold="font-weight" in node.attrib)
                back = {"end": long, "middle": long / 2}.get(node.get("text-anchor", ""), 0.0)
                left, base = x + at["x"] - back, y + at["y"]
                area = Area(left, base - 0.76 * size, left + long, base + 0.22 * size, said)
                self.texts.append(area)
            case "rect" if node.get("class") == "card":
                wide, high = float(node.attrib["width"]), float(node.attrib["height"])
                left, top = x + at["x"], y + at["y"]
                self.cards.append(Area(left, top, left + wide, top + high, "card"))
            case "path":
                class_ = node.get("class", "")
                thick = float(node.get("stroke-width", 0))
                points = [(x + a, y + b) for a, b in along(node.attrib["d"])]
                self.curves.append((class_, thick, points))
        for child in node:
            self._walk(child, x, y)

    def links(self) -> list[ElementTree.Element]:
        return [node for node in self.root.iter() if tag(node) == "a"]


def tag(node: ElementTree.Element) -> str:
    return node.tag.partition("}")[2] or node.tag


def along(path: str) -> Iterator[tuple[float, float]]:
    """Points along a path of the few commands that are used here."""
    x = y = 0.0
    for command, told in re.findall("([MCHVLZmlhc])([^A-Za-z]*)", path):
        numbers = [float(each) for each in told.split()]
        match command, numbers:
            case (("C" | "c"), [a, b, c, d, e, f]):
                if command == "c":
                    a, b, c, d, e, f = a + x, b + y, c + x, d + y, e + x, f + y
                for step in range(1, 13):
                    t = step / 12
                    u = 1 - t
                    yield (
                        u**3 * x + 3 * u * u * t * a + 3 * u * t * t * c + t**3 * e,
                        u**3 * y + 3 * u * u * t * b + 3 * u * t * t * d + t**3 * f,
                    )
                x, y = e, f
            case (("M" | "L"), [a, b]):
                x, y = a, b
            case (("m" | "l"), [a, b]):
                x, y = x + a, y + b
            case ("H", [a]):
                x = a
            case ("h", [a]):
                x += a
            case ("V", [b]):
                y = b
            case ("Z", []):
                continue
            case _:
                raise AssertionError((command, told))
        yield x, y


def faults(drawn: Drawn) -> list[str]:
    """Texts that are cut, lie on one another, cross the edge of a card, or lie under a line."""
    found = [f"{text} is out of view" for text in drawn.texts if not drawn.view.holds(text)]
    found += [f"{one} meets {other}" for one, other in pairs_that_meet(drawn.texts)]
    for card in drawn.cards:
        if not drawn.view.holds(card):
            found.append(f"{card} is out of view")
        for text in drawn.texts:
            if card.meets(text) and not card.holds(text):
                found.append(f"{text} crosses the edge of {card}")
    for class_, thick, points in drawn.curves:
        if class_ in {"arrow", "rule"}:
            continue
        # A band is filled: whatever is within its bounds lies on it, or it lies between.
        parts = [points] if "band" in class_ else [list(pair) for pair in pairwise(points)]
        for part in parts:
            piece = bounds(part, thick / 2, class_)
            if not drawn.view.holds(piece):
                found.append(f"{piece} is out of view")
            found += [f"{text} lies on {piece}" for text in drawn.texts if text.meets(piece)]
    return found


def bounds(points: list[tuple[float, float]], around: float, what: str) -> Area:
    xs, ys = zip(*points, strict=True)
    return Area(min(xs), min(ys) - around, max(xs), max(ys) + around, what)


def pairs_that_meet(areas: list[Area]) -> Iterator[tuple[Area, Area]]:
    ordered = sorted(areas, key=lambda area: area.left)
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other.left >= one.right:
                break
            if one.meets(other):
                yield one, other


def test_what_lies_on_something_else_is_found() -> None:
    text = '<text x="{}" y="20" font-size="10">aaaa</text>'
    both = f'<svg viewBox="0 0 100 40">{text.format(5)}{text.format(20)}</svg>'
    assert len(faults(Drawn(both))) == 1
    cut = f'<svg viewBox="0 0 20 40">{text.format(5)}</svg>'
    assert "out of view" in faults(Drawn(cut))[0]
    line = '<path class="flow" stroke-width="2" d="M0 18H90"/>'
    assert "lies on" in faults(Drawn(f'<svg viewBox="0 0 100 40">{text.format(5)}{line}</svg>'))[0]


# -- lineages --------------------------------------------------------------------------------


@pytest.mark.parametrize("shares", [True, False], ids=["shares", "no shares"])
@pytest.mark.parametrize("everything", [True, False], ids=["all", "folded"])
@pytest.mark.parametrize("works", [1, 5, 30, 120, 500])
def test_nothing_in_a_lineage_lies_on_anything_else(
    works: int, everything: bool, shares: bool
) -> None:
    told = picture(works, shares=shares)
    if everything:
        told = replace(told, fold=Fraction(0))
    drawn = Drawn(lineage_svg(told, stand_alone=works % 2 == 0))
    if works < 500 or not everything:
        assert faults(drawn) == []
    else:  # a text and a line by the hundred thousand: the layout's own tests look at these
        assert not list(pairs_that_meet(drawn.texts))
        assert all(drawn.view.holds(text) for text in drawn.texts)
    works_drawn = [link for link in drawn.links() if link.get("class") != "fold"]
    assert len(works_drawn) == len(folded(told).works)


def test_a_lineage_is_cards_first_and_then_a_river() -> None:
    assert 'class="picture cards"' in lineage_svg(picture(MOST_CARDS), stand_alone=False)
    assert 'class="picture river"' in lineage_svg(picture(MOST_CARDS + 1), stand_alone=False)
    forced = replace(picture(5), form="river")
    assert 'class="picture river"' in lineage_svg(forced, stand_alone=False)


def wide(works: int, deeper: int = 0, *, shares: bool = False) -> LineagePicture:
    """A release of many works, some of which have sources of their own."""
    edges = [Edge("r", f"w{n}", "component", "1/999") for n in range(works)]
    edges += [Edge(f"w{n % works}", f"d{n}", "sample") for n in range(deeper)]
    titles = {"r": "Whole", **{edge.parent: AWKWARD[n % 11] for n, edge in enumerate(edges)}}
    return LineagePicture(
        Lineage("r", tuple(edges)),
        tuple(
            DrawnWork(id, title, people=(f"Person {n % 7}",), href=id)
            for n, (id, title) in enumerate(titles.items())
        ),
        {edge[:2]: Fraction(1, 999) for edge in edges} if shares else {},
        fold=Fraction(0),
    )


@pytest.mark.parametrize("onward", [False, True])
@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("works, deeper", [(20, 0), (30, 8), (60, 15), (300, 0), (70, 200)])
def test_many_works_that_lead_to_the_same_one_stand_in_rows(
    works: int, deeper: int, shares: bool, onward: bool
) -> None:
    told = replace(wide(works, deeper, shares=shares), onward=onward)
    svg = lineage_svg(told, stand_alone=True)
    drawn = Drawn(svg)
    assert faults(drawn) == []
    assert len(drawn.links()) == works + deeper + 1
    assert not list(pairs_that_meet(drawn.cards))
    assert drawn.view.right < 1300
    if not deeper:
        assert drawn.view.bottom < 2 * drawn.view.right, "it is no strip"
        assert len(drawn.curves) == 1
    if (together := works - deeper) > 0:
        ends = ["Whole", f"{together} works"][:: 1 if onward else -1]
        share = f" · {percent(Fraction(together, 999))}" if shares else ""
        assert f">{' → '.join(ends)} · component 1/999{share}<" in svg
        used = f"{'made from' if onward else 'used in'} Whole · component 1/999<"
        assert svg.count(used) == together, "what the line of each would say"


def test_a_few_works_that_lead_to_the_same_one_have_a_line_each() -> None:
    assert len(Drawn(lineage_svg(wide(8), stand_alone=False)).curves) == 8


def test_every_work_says_what_it_is_in_words() -> None:
    edges = (
        Edge("song", "poem", "adaptation", "1/2"),
        Edge("poem", "sea", "influence", "1/3"),
    )
    told = LineagePicture(
        Lineage("song", edges),
        (
            DrawnWork(
                "song", "Low Tide, Sung", "release", "", ("Ben",), "/works/song", Fraction(1, 2)
            ),
            DrawnWork(
                "poem",
                "Low Tide",
                "contribution",
                "text",
                ("Ana", "Ben"),
                "/works/poem",
                Fraction(1, 3),
            ),
            DrawnWork("sea", "The Sea", "outside", "", (), "", Fraction(1, 6)),
        ),
        {("song", "poem"): Fraction(1, 2), ("poem", "sea"): Fraction(1, 6)},
    )
    svg = ElementTree.fromstring(lineage_svg(told, stand_alone=True))
    drawn = (node for node in svg.iter() if tag(node) == "a" or node.get("role") == "img")
    named = [node[0].text for node in drawn if tag(node[0]) == "title"]
    assert named == [
        "Low Tide, Sung, by Ben · release · 50.0 %",
        "Low Tide, by Ana, Ben · text · 33.3 % · used in Low Tide, Sung",
        "The Sea · outside source · 16.7 % · used in Low Tide → Low Tide, Sung",
    ]
    titles = [node.text for node in svg.iter() if tag(node) == "title"]
    assert "Low Tide → Low Tide, Sung · adaptation 1/2 · 50.0 %" in titles
    assert {node.get("href") for node in svg.iter() if tag(node) == "a"} == {
        "/works/song",
        "/works/poem",
    }


@pytest.mark.parametrize("works", [5, 30, 80])
def test_what_was_made_from_a_work_stands_on_its_right(works: int) -> None:
    told = replace(
        picture(works, shares=False),
        **{"onward": True, "left_out": "+ 7 works", "fold": Fraction(0)},
    )
    drawn = Drawn(lineage_svg(told, stand_alone=True))
    assert faults(drawn) == []
    first, *others = drawn.cards  # the root is written first
    assert all(first.right < other.left for other in others)
    *_, folded_away = drawn.links()
    assert folded_away[0].text == "+ 7 works"


def test_the_words_of_what_was_made_from_a_work_go_forward_in_time() -> None:
    edges = Edge("sea", "poem", "adaptation"), Edge("poem", "song", "sample", "1/5")
    works = tuple(
        DrawnWork(id, id.title(), "contribution", "text") for id in ("sea", "poem", "song")
    )
    told = LineagePicture(Lineage("sea", edges), works, onward=True)
    svg = lineage_svg(told, stand_alone=False)
    for said in ("Song · text · made from Sea → Poem", "Poem → Song · sample 1/5"):
        assert said in svg
    assert "What was made from Sea" in svg
    assert [(one.depth, one.work.id) for one in nested(told)] == [
        *enumerate(("sea", "poem", "song"))
    ]


def test_a_line_is_as_thick_as_the_share_that_goes_over_it() -> None:
    told = picture(30)
    drawn = Drawn(lineage_svg(told, stand_alone=False))
    thick = sorted(thick for class_, thick, _ in drawn.curves if "flow" in class_)
    shares = sorted(told.over[edge[:2]] for edge in folded(told).lineage.edges)
    assert thick[-1] / thick[-2] == pytest.approx(float(shares[-1] / shares[-2]), rel=0.02)
    plain = Drawn(lineage_svg(picture(30, shares=False), stand_alone=False))
    assert len({thick for _, thick, _ in plain.curves}) == 1


def test_what_is_folded_is_counted_and_can_be_opened() -> None:
    told = picture(500)
    kept = folded(told)
    assert len(kept.works) <= MOST_DRAWN
    assert kept.count == 500 - len(kept.works)
    assert re.fullmatch(rf"\+ {kept.count} works under (0\.[125]|[125]\.0) %", kept.said)
    drawn = Drawn(lineage_svg(told, stand_alone=False))
    (line,) = [link for link in drawn.links() if link.get("class") == "fold"]
    assert line.get("href") == "?fold=0"
    assert line[0].text == kept.said
    opened = Drawn(lineage_svg(replace(told, fold=Fraction(0)), stand_alone=False))
    (line,) = [link for link in opened.links() if link.get("class") == "fold"]
    assert line.get("href") == "?"


@pytest.mark.parametrize("shares", [True, False])
def test_every_work_that_is_drawn_is_reached_from_the_finished_one(shares: bool) -> None:
    kept = folded(picture(500, shares=shares))
    reached = {"0"}
    for edge in sorted(kept.lineage.edges, key=lambda edge: int(edge.child)):
        assert edge.child in reached
        reached.add(edge.parent)
    assert reached == {work.id for work in kept.works}


@pytest.mark.parametrize("shares", [True, False], ids=["shares", "no shares"])
@pytest.mark.parametrize("works", [120, 500])
def test_a_picture_stays_light_however_many_works_and_however_long_their_titles(
    works: int, shares: bool
) -> None:
    told = picture(works, shares=shares)
    wordy = tuple(
        replace(
            work,
            title=f"Piece {n} of a very long series " * 15,
            people=tuple(f"Person {m} with a long name " * 7 for m in range(n % 50)),
        )
        for n, work in enumerate(told.works)
    )
    for one in (told, replace(told, works=wordy)):
        assert len(lineage_svg(one, stand_alone=True).encode()) < 100_000


def test_names_that_contain_commas_are_told_apart() -> None:
    """“Crosby, Stills & Nash, Young” could be two people or three."""
    told = picture(1)
    for names, shown in (
        (("Crosby, Stills & Nash", "Young"), "Crosby, Stills &amp; Nash; Young"),
        (("Crosby", "Young"), "Crosby, Young"),
    ):
        (work,) = told.works
        one = replace(told, works=(replace(work, people=names),))
        svg = str(lineage_svg(one, stand_alone=True))
        assert f", by {shown}" in svg
        assert f">{shown}</text>" in svg


@given(
    st.lists(st.tuples(st.floats(0.1, 500), st.floats(-500, 500)), min_size=1, max_size=40),
    st.floats(0, 10_000),
)
def test_a_line_of_many_steps_ends_where_it_should(
    steps: list[tuple[float, float]], start: float
) -> None:
    route = [(start, start)]
    for over, down in steps:
        x, y = route[-1]
        route.append((x + over, y + down if len(route) % 2 else y))
    assert list(along(curve(route)))[-1] == pytest.approx(route[-1], abs=0.051)
    level = curve([(0, 1), (40, 1), (158, 1), (198, 1.04)])
    assert level == "M0 1h198"


def test_a_threshold_that_is_asked_for_is_kept() -> None:
    kept = folded(replace(picture(120), fold=Fraction(1, 50)))
    assert kept.said.endswith("under 2.0 %")
    inner = {edge.child for edge in kept.lineage.edges}
    assert all(
        work.share and work.share >= Fraction(1, 50) for work in kept.works if work.id not in inner
    )


def test_of_many_works_with_the_same_share_as_many_are_drawn_as_fit() -> None:
    """Where a share divides all or none, a picture of an album is more than one of its songs."""
    songs = tuple(DrawnWork(f"{n}", f"Song {n}", share=Fraction(1, 150)) for n in range(1, 151))
    edges = tuple(Edge("album", song.id, "component", None) for song in songs)
    works = (DrawnWork("album", "Album", "release"), *songs)
    kept = folded(LineagePicture(Lineage("album", edges), works))
    assert len(kept.works) == MOST_DRAWN
    assert kept.said == f"+ {151 - MOST_DRAWN} works of 0.7 % or less"


def test_without_shares_the_farthest_are_folded() -> None:
    kept = folded(picture(500, shares=False))
    assert re.fullmatch(r"\+ \d+ works further back, from generation \d+ on", kept.said)


def test_two_edges_between_two_works_are_one_line() -> None:
    edges = Edge("a", "b", "sample", "1/5"), Edge("a", "b", "quotation", "1/4")
    told = LineagePicture(Lineage("a", edges), (DrawnWork("a", "A"), DrawnWork("b", "B")))
    (edge,) = folded(told).lineage.edges
    assert edge == Edge("a", "b", "sample, quotation", "1/5 + 1/4")


# -- the list --------------------------------------------------------------------------------


def test_the_list_names_every_work_once_and_refers_to_it_afterwards() -> None:
    told = picture(120)
    entries = nested(told)
    assert sorted(entry.work.id for entry in entries if not entry.again) == sorted(
        work.id for work in told.works
    )
    assert len(entries) == 1 + len(told.lineage.edges)
    assert entries[0].depth == 0
    assert all(after.depth <= before.depth + 1 for before, after in pairwise(entries))


def test_the_list_as_html_is_nested_and_every_reference_leads_somewhere() -> None:
    list_ = ElementTree.fromstring(nested_html(picture(120), prefix="piece"))
    ids = {node.get("id") for node in list_.iter("li")} - {None}
    references = [
        href.removeprefix("#")
        for node in list_.iter("a")
        if (href := node.get("href", "")).startswith("#")
    ]
    assert references
    assert set(references) <= ids
    assert {node.tag for node in list_.iter()} == {"ul", "li", "a", "bdi"}


def test_a_list_of_a_thousand_generations_is_still_a_list() -> None:
    count = 1_000
    told = LineagePicture(
        Lineage("0", tuple(Edge(str(n), str(n + 1)) for n in range(count - 1))),
        tuple(DrawnWork(str(n), f"Piece {n}") for n in range(count)),
    )
    html = nested_html(told)
    assert html.count("<li") == count
    ElementTree.fromstring(html)


# -- splits and ways -------------------------------------------------------------------------


def money(amount: int) -> str:
    return f"{amount / 100:,.2f} €"


def split(people: int, *, total: int = 1_000_000, show_all: bool = False) -> SplitPicture:
    random = Random(people)
    vias = (
        Via("own", "Harbour Lights", "/works/0", is_own=True),
        *(Via(f"via {n}", AWKWARD[n], f"/works/{n}") for n in range(min(6, people - 1))),
    )
    paid = [
        PaidThrough(random.choice(vias).id, str(n), total // (n + 1) ** 2)
        for n in range(people)
        for _ in range(random.randint(1, 3))
    ]
    names = (*AWKWARD, *(f"Person {n}" for n in range(people)))
    return SplitPicture(
        "Harbour Lights" * people,
        vias,
        tuple(Recipient(str(n), names[n], f"/people/{n}") for n in range(people)),
        tuple(paid),
        money,
        show_all=show_all,
        open_href="?all=1",
    )


@pytest.mark.parametrize("show_all", [True, False], ids=["all", "folded"])
@pytest.mark.parametrize("total", [10**6, 10**15, 0])
@pytest.mark.parametrize("people", [1, 2, 13, 426])
def test_nothing_in_a_split_lies_on_anything_else(people: int, total: int, show_all: bool) -> None:
    svg = split_svg(split(people, total=total, show_all=show_all))
    assert faults(Drawn(svg)) == []


def test_a_split_tells_every_amount() -> None:
    told = split(13)
    said = [text.what for text in Drawn(split_svg(told)).texts]
    for payee in told.payees:
        got = sum(paid.amount_minor for paid in told.paid if paid.payee == payee.id)
        assert money(got) in said
    assert money(sum(paid.amount_minor for paid in told.paid)) in said


def test_small_payees_are_counted_with_their_sum() -> None:
    told = split(426)
    drawn = Drawn(split_svg(told))
    (line,) = [link for link in drawn.links() if link.get("class") == "fold"]
    assert line.get("href") == "?all=1"
    said = str(line[0].text)
    assert said.startswith("+ 403 people, at most 0.1 % each · ")
    amounts = sorted(
        sum(paid.amount_minor for paid in told.paid if paid.payee == payee.id)
        for payee in told.payees
    )
    assert money(sum(amounts[:403])) in said


def test_a_band_is_as_thick_as_the_amount_is_large() -> None:
    told = SplitPicture(
        "Work",
        (Via("own", "Work", is_own=True),),
        (Recipient("ana", "Ana"), Recipient("ben", "Ben")),
        (PaidThrough("own", "ana", 3_000), PaidThrough("own", "ben", 1_000)),
        money,
    )
    drawn = Drawn(split_svg(told))
    _, ana, ben = (
        max(y for x, y in points if x == points[0][0]) - points[0][1]
        for class_, _, points in drawn.curves
        if "band" in class_
    )
    assert ana == pytest.approx(3 * ben, rel=0.02)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_nothing_in_the_ways_lies_on_anything_else(count: int) -> None:
    ways = [
        MoneyPath(
            tuple(
                PathStep(
                    AWKWARD[(n + step) % len(AWKWARD)],
                    f"/works/{step}",
                    AWKWARD[step % 5] if step else "",
                )
                for step in range(1 + n % 9)
            ),
            AWKWARD[n % len(AWKWARD)],
            "/people/1",
            "singer",
            money(10 ** (n % 14)),
        )
        for n in range(count)
    ]
    drawn = Drawn(why_svg(ways))
    assert faults(drawn) == []
    said = {text.what for text in drawn.texts}
    assert ("+ 16 more paths" in said) == (count == 40)


def test_a_way_is_told_in_words() -> None:
    way = MoneyPath(
        (PathStep("Album"), PathStep("Song", "/works/1", "component 1/2")),
        "Ana",
        "",
        "singer",
        "5 €",
    )
    svg = ElementTree.fromstring(why_svg([way]))
    assert "Album → Song → Ana 5 €" in [node.get("aria-label") for node in svg.iter()]


# -- histories -------------------------------------------------------------------------------


def happenings(count: int) -> list[Happening]:
    start, random = datetime(2026, 1, 1, tzinfo=UTC), Random(count)
    return [
        Happening(
            start + timedelta(minutes=int(random.expovariate(1 / 5_000))),
            random.choice(["contribution", "credit", "remix", *AWKWARD[:1], *AWKWARD[3:5]]),
            AWKWARD[n % len(AWKWARD)],
            f"/facts/{n}" if n % 2 else "",
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 30, 500])
def test_nothing_in_a_history_lies_on_anything_else(count: int) -> None:
    svg = timeline_svg(happenings(count))
    drawn = Drawn(svg)
    assert faults(drawn) == []
    dots = [
        (float(node.attrib["cx"]), float(node.attrib["cy"]))
        for node in drawn.root.iter()
        if tag(node) == "circle"
    ]
    assert len(dots) == len(set(dots))
    assert len(dots) + sum(int(found) for found in re.findall(r">\+(\d+)<", svg)) == count


def test_a_dot_stands_at_its_time() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    told = [Happening(start + timedelta(days=day), "credit", str(day)) for day in (0, 50, 100)]
    svg = ElementTree.fromstring(timeline_svg(told))
    first, half, last = (float(node.attrib["cx"]) for node in svg.iter() if tag(node) == "circle")
    assert first < half < last
    assert half == pytest.approx((first + last) / 2, abs=15)


# -- earnings --------------------------------------------------------------------------------

SPANS = [
    {},
    {"2026-01": 0},
    {"2026-01": 123_456_789_012},
    {"2025-11": 1_200, "2026-03": -400},
    {"2023-12": -1, "2024-01": -5},
    {f"{1970 + month // 12}-{month % 12 + 1:02}": month * month for month in range(700)},
    {"0001-01": 5, "2026-11": 7},
]


@pytest.mark.parametrize("months", SPANS)
def test_nothing_in_a_picture_of_earnings_lies_on_anything_else(months: dict[str, int]) -> None:
    drawn = Drawn(earnings_svg(months, "{:,} EUR".format, title="Earnings"))
    assert faults(drawn) == []
    bars = [node for node in drawn.root.iter() if tag(node) == "rect" and "x" in node.attrib]
    assert bool(bars) == bool(months)
    assert len(bars) <= 36
    names = [node.text for node in drawn.root.iter() if tag(node) == "text"]
    assert not bars or any("EUR" not in str(name) for name in names)


@pytest.mark.parametrize("months", SPANS[1:])
def test_bars_are_as_high_as_what_was_earned_and_none_is_left_out(months: dict[str, int]) -> None:
    bars = bars_of(months)
    assert sum(bars.values()) == sum(months.values())
    svg = earnings_svg(months, str, title="Earnings")
    rects = [node for node in ElementTree.fromstring(svg).iter() if tag(node) == "rect"]
    high = [float(node.attrib["height"]) for node in rects]
    most = max(map(abs, bars.values()))
    assert high == pytest.approx(
        [abs(units) * max(high) / (most or 1) for units in bars.values()], abs=0.06
    )


def test_a_phone_shows_all_of_a_few_months() -> None:
    """A picture wider than the window is seen from its right edge: a single bar would be hidden."""
    for count in (1, 2, 3):
        months = {f"2026-0{month}": 1_000 for month in range(1, count + 1)}
        svg = earnings_svg(months, "{} EUR".format, title="Earnings")
        assert float(ElementTree.fromstring(svg).attrib["width"]) <= 328


def test_a_month_without_earnings_keeps_its_place() -> None:
    assert bars_of({"2025-11": 3, "2026-02": 4}) == {
        "2025-11": 3,
        "2025-12": 0,
        "2026-01": 0,
        "2026-02": 4,
    }
    assert list(bars_of({"2019-12": 1, "2023-01": 1})) == ["2019", "2020", "2021", "2022", "2023"]


# -- what holds for all of them --------------------------------------------------------------

PICTURES = {
    "earnings": lambda: earnings_svg({"2025-11": 1_200, "2026-03": -400}, str, title="Earnings"),
    "cards": lambda: lineage_svg(picture(30), stand_alone=False),
    "river": lambda: lineage_svg(picture(120), stand_alone=True),
    "split": lambda: split_svg(split(426)),
    "timeline": lambda: timeline_svg(happenings(90)),
    "ways": lambda: why_svg(
        [MoneyPath((PathStep(text),), text, "/", text, text[:9]) for text in AWKWARD]
    ),
}
FILES = {"river", "split"}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_runs_nothing_and_loads_nothing(name: str) -> None:
    svg = ElementTree.fromstring(PICTURES[name]())
    for node in svg.iter():
        assert tag(node) in {
            "svg",
            "title",
            "desc",
            "style",
            "g",
            "a",
            "rect",
            "path",
            "text",
            "circle",
        }
        assert not [key for key in node.attrib if key.startswith("on") or key in {"style", "src"}]
        assert tag(node) == "a" or "href" not in node.attrib
    styles = [node.text for node in svg.iter() if tag(node) == "style"]
    assert styles == ([stylesheet()] if name in FILES else [])
    assert not re.search(r"url\(|@import|https?:", stylesheet())


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_a_name_and_a_description(name: str) -> None:
    svg = ElementTree.fromstring(PICTURES[name]())
    title, description = svg[0], svg[1]
    assert (tag(title), tag(description)) == ("title", "desc")
    assert title.text
    assert description.text
    assert svg.get("role") == "group"
    assert svg.get("aria-label") == title.text


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_data_give_the_same_picture(name: str) -> None:
    assert PICTURES[name]() == PICTURES[name]()


def test_every_class_that_is_used_has_a_style() -> None:
    sheet = (Path(__file__).parents[1] / "projections/pictures/pictures.css").read_text("utf-8")
    styled = set(re.findall(r"\.([a-z][a-z0-9]*)", sheet))
    used = {
        name
        for draw in PICTURES.values()
        for node in ElementTree.fromstring(draw()).iter()
        for name in node.get("class", "").split()
    }
    unstyled = {
        "cards",
        "river",
        "snug",
        "split",
        "ways",
        "dots",
        "bars",
        "head",
        "figure",
        "counted",
        "plate",
    }
    assert used - styled <= unstyled


def test_every_colour_is_seen_on_light_and_on_dark() -> None:
    """Three to one, as WCAG asks of what is drawn; letters have four and a half."""
    light, dark = stylesheet().split("@media", 1)
    for sheet in (light, dark):
        ground = colour(sheet, r"\.card { fill")
        for name in [*(f"c{n}" for n in range(11)), "cx"]:
            assert contrast(colour(sheet, rf"\.{name} {{ color"), ground) >= 3
        for letters in (r"\.picture { color", r"\.faint { fill", r"\.fold text { fill"):
            for below in (r"\.card { fill", r"\.ground { fill"):
                assert contrast(colour(sheet, letters), colour(sheet, below)) >= 4.5


def colour(sheet: str, where: str) -> str:
    found = re.search(rf"{where}: #([0-9a-f]{{6}})", sheet)
    assert found, where
    return found[1]


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
        red, green, blue = (
            p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_file_is_served_under_a_policy_that_allows_its_style_alone() -> None:
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='", policy())


# -- texts -----------------------------------------------------------------------------------


def test_what_is_not_markup_is_escaped() -> None:
    assert element("a", "<b>", href='"x" & y') == '<a href="&quot;x&quot; &amp; y">&lt;b&gt;</a>'
    assert element("a", Markup("<b/>"), stroke_width=1.5) == '<a stroke-width="1.5"><b/></a>'
    assert element("a", "\x00\ud800") == "<a>\ufffd\ufffd</a>"


@given(st.floats(-1e6, 1e6))
def test_a_number_is_short_and_near(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, abs=0.051)
    assert re.fullmatch(r"-?\d+(\.[1-9])?", number(value))


@given(st.text(max_size=40), st.integers(0, 200))
@settings(max_examples=50)
def test_what_is_fitted_fits_and_begins_as_it_did(text: str, room: int) -> None:
    text = clean(text)
    kept = fitted(text, room, 12)
    assert width(kept, 12) <= room
    whole = kept == text
    assert whole or kept == "" or (kept.endswith("…") and text.startswith(kept[:-1]))


def test_a_text_is_never_cut_within_a_character() -> None:
    family = "👩‍👩‍👧‍👦"
    assert clusters(f"a{family}é🇩🇪🇫🇷👍🏽") == ["a", family, "é", "🇩🇪", "🇫🇷", "👍🏽"]
    for room in range(200):
        kept = fitted(family * 3, room, 12).rstrip("…")
        assert kept in {"", family, family * 2, family * 3}


def test_a_long_title_has_two_lines() -> None:
    assert wrapped("The Lighthouse That Walked", 96, 12) == ("The Lighthouse", "That Walked")
    assert wrapped("The Lighthouse That Walked Away", 96, 12) == ("The Lighthouse", "That Walked…")
    assert wrapped("Donaudampfschifffahrtsgesellschaft", 96, 12) == ("Donaudampfs…", "")
    drawn = Drawn(
        lineage_svg(
            LineagePicture(Lineage("a"), (DrawnWork("a", "The Lighthouse That " * 9),)),
            stand_alone=True,
        )
    )
    first, second = drawn.texts
    assert first.what == "The Lighthouse That"
    assert second.what.endswith("…")
    assert faults(drawn) == []


def test_what_reads_from_right_to_left_keeps_to_itself() -> None:
    assert isolated("Ana") == "Ana"
    assert isolated("נועה") == "\u2068נועה\u2069"
    cut = fitted(isolated("סימפוניה ארוכה מאוד של הים"), 60, 12)
    assert cut.startswith("\u2068")
    assert cut.endswith("…\u2069")


def test_a_text_is_one_line_that_steers_nothing() -> None:
    assert clean(" a\n\tb \u202e c\u2066 ") == "a b c"


@pytest.mark.parametrize(
    "share, said",
    [
        (Fraction(0), "0 %"),
        (Fraction(1), "100 %"),
        (Fraction(1, 10**9), "< 0.1 %"),
        (Fraction(1, 2000), "0.1 %"),
        (Fraction(79, 500), "15.8 %"),
        (Fraction(10**9 - 1, 10**9), "> 99.9 %"),
        (Fraction(-1, 4), "-25.0 %"),
    ],
)
def test_a_share_is_told_in_percent(share: Fraction, said: str) -> None:
    assert percent(share) == said


# -- covers --------------------------------------------------------------------------------------


def test_a_cover_is_the_same_for_ever_has_its_peoples_colours_and_nothing_they_wrote() -> None:
    people = ["<b>Ana</b>", "Ben", "Ana of the other coast"]
    drawn = set()
    for kind, medium in (
        *(("contribution", one) for one in ("audio", "image", "text", "video", "dance", None)),
        *((one, None) for one in ("release", "outside", "person", "challenge")),
    ):
        makers = [{"name": name} for name in people]
        thing = {"id": "one", "kind": kind, "medium": medium, "makers": makers}
        svg = cover(thing)
        assert svg == cover(dict(thing))
        drawing = ElementTree.fromstring(svg)
        # Nor is it black, or as wide as the window, without a style sheet.
        assert (drawing.get("fill"), drawing.get("width")) == ("none", "160")
        assert svg != cover({**thing, "id": "another"}) or kind == "person"
        assert not any(name in svg for name in people)
        assert set(re.findall(r"\bc\d+\b", svg)) <= {colour_at(liked(one)) for one in people}
        drawn.add(svg)
    assert len(drawn) == 7, "a dance, what has no medium, an outside source and a challenge: rings"
