"""Finished works of every size, by people with every kind of name, looked at in every window.

Rule: what a reader would see is measured in a real browser: no text lies on another, reaches out of
its card or of its picture, and no page is wider than its window.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from browsing import keep, overflow, reader
from playwright.sync_api import Browser, Frame, Page, expect
from serving import Served, serving
from stories import carry_out
from test_pictures import AWKWARD, FILES, PICTURES

from domain.permission import OPERATOR
from projections.follower import Follower
from projections.pictures.font import widths
from projections.pictures.svg import FAMILY
from projections.pictures.text import clean, width
from scripts.benchmarks.layout import lineage

NAMES = (
    *("Ana", "Bob", "Мила с чердака", "おゆき", "王小明", "נועה בר־לב"),
    "المنارة التي مشت وحدها",
    "José da Conceição Ñandú-Ødegård",
    "👩‍👩‍👧‍👦 Family Band 🎸",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "A. Very Long Name That Goes On For A While And Then Some More, Esq. (the third of that name)",
)
TITLES = (
    *("Low Tide", "x", "🎹🎹🎹 keys", "שיר לילה", "夜の灯台が歩き出した日のこと"),
    "الليل يمشي على الماء ببطء شديد حتى الصباح",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
    "A Very Long Title That Somebody Thought Of At Night And Never Shortened, Since Nobody Asked",
)
KINDS = ("sample", "adaptation", "influence")
MEDIA, ROLES = ("image", "text", "audio", "video"), ("artist", "writer", "drummer")


class Size(NamedTuple):
    """How many works are in a finished work, and how many people."""

    works: int
    people: int


SIZES = (Size(1, 1), Size(5, 3), Size(30, 11), Size(120, 60), Size(500, 426))
WIDTHS = (360, 768, 1280, 1920)
KEPT = (360, 1280)
"""Of which windows a picture is left for people: of all of them it would take the most time."""

WRONG = """async svg => {
  await svg.ownerDocument.fonts.ready;
  const wrong = [], frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].map(one => [one, one.getBoundingClientRect()]);
  for (const [one, at] of texts) {
    if (at.left < frame.left - 1 || at.right > frame.right + 1
        || at.top < frame.top - 1 || at.bottom > frame.bottom + 1)
      wrong.push(`outside: ${one.textContent}`);
    const card = one.parentElement.querySelector("rect.card")?.getBoundingClientRect();
    if (card && (at.left < card.left - 1 || at.right > card.right + 1))
      wrong.push(`wider than its card: ${one.textContent}`);
    if (one.textContent.includes("…") && !one.closest("a, [role=img]")?.querySelector("title"))
      wrong.push(`cut, and told nowhere: ${one.textContent}`);
  }
  texts.forEach(([one, a], place) => { for (const [other, b] of texts.slice(place + 1)) {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    // Boxes of lines overlap by a hair where their letters are far from each other.
    if (wide > 1 && high > 3) wrong.push(`${one.textContent} lies on ${other.textContent}`);
  }});
  return wrong;
}"""

MEASURED = """async ([family, bold, texts]) => {
  const wanted = `${bold ? 600 : 400} 1000px ${family}`;
  await Promise.allSettled(texts.map(text => document.fonts.load(wanted, text)));
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = wanted;
  return texts.map(text => pen.measureText(text).width);
}"""
SCRIPTS = (
    "ვეფხისტყაოსანი",
    "Հայաստան",
    "ภาษาไทย",
    "हिन्दी की किताब",
    "ελληνικά",
    "Tiếng Việt",
    "한국어",
)
"""What other names are written in."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('gallery') / 'stemma.db'}"
    with serving(database, public_pages=True) as running:
        yield running


@pytest.fixture(scope="module")
def wholes(served: Served) -> dict[Size, str]:
    """The finished works, by their sizes."""
    draft = served.service.journal.draft()
    people = [
        carry_out(draft, "admit_contributor", actor=OPERATOR, name=_numbered(NAMES, number)).id
        for number in range(max(size.people for size in SIZES))
    ]
    made: dict[Size, str] = {}
    for size in SIZES:
        parents: dict[int, list[int]] = {}
        for child, parent in lineage(size.works + 1, seed=size.works):
            parents.setdefault(child, []).append(parent)
        ids: dict[int, str] = {}
        for number in range(size.works, 0, -1):
            credited = {number % size.people, *([number * 7 % size.people] if number % 4 else [])}
            ids[number] = carry_out(
                draft,
                "submit_contribution",
                actor=OPERATOR,
                title=_numbered(TITLES, number),
                medium=MEDIA[number % len(MEDIA)],
                authors=[
                    {"contributor": people[one], "role": ROLES[number % len(ROLES)]}
                    for one in sorted(credited)
                ],
                sources=[
                    {
                        "work": ids[source],
                        "kind": KINDS[(number + source) % len(KINDS)],
                        "rate": f"1/{len(parents[number]) + 1}" if (number + source) % 5 else None,
                    }
                    for source in parents.get(number, ())
                ],
            ).id
        made[size] = carry_out(
            draft,
            "assemble_release",
            actor=OPERATOR,
            title=f"{TITLES[-1]} ({size.works})",
            components=[{"work": ids[part]} for part in parents[0]],
        ).id
    served.service.journal.commit(draft)
    # So many facts can take longer than a page waits; another follower helps the running one.
    Follower(served.service.journal, served.service.store).catch_up()
    return made


def _numbered(words: tuple[str, ...], number: int) -> str:
    word = words[number % len(words)]
    return word if number < len(words) else f"{word} {number}"


@pytest.fixture(scope="module")
def window(browser: Browser, served: Served) -> Iterator[Page]:
    with reader(browser, served.origin) as page:
        yield page


def picture_in(page: Page) -> Page | Frame:
    """Where the picture is: in the page, or a document of its own within it."""
    if not page.locator(".drawn object").count():
        return page
    page.locator(".told").wait_for()  # it says what is pointed at as soon as it is there
    return page.frames[-1]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.works} works")
def test_a_finished_work_of_any_size_fits_every_window(
    window: Page, wholes: dict[Size, str], size: Size
) -> None:
    for place, wide in enumerate(WIDTHS):
        window.set_viewport_size({"width": wide, "height": 900})
        window.emulate_media(color_scheme="dark" if place % 2 else "light")
        window.goto(f"/release/{wholes[size]}")
        assert overflow(window) <= 0, wide
        assert picture_in(window).locator("svg.picture").first.evaluate(WRONG) == [], wide
        if wide in KEPT:
            keep(window, f"gallery-{size.works}-{wide}")


@pytest.fixture(scope="module")
def of_one_font(browser_of_one_font: Browser, served: Served) -> Iterator[Page]:
    """A window on a machine that has one family of fonts."""
    with reader(browser_of_one_font, served.origin) as page:
        yield page


def test_a_machine_of_one_font_has_no_other(of_one_font: Page) -> None:
    of_one_font.goto("/sign-in")
    asked = (f"{family}, sans-serif" for family in ("DejaVu Sans", "Liberation Sans", "Arial"))
    wide = {of_one_font.evaluate(MEASURED, [family, False, ["mixed"]])[0] for family in asked}
    assert len(wide) == 1


def test_every_label_has_its_room_whatever_fonts_a_machine_has(
    of_one_font: Page, wholes: dict[Size, str]
) -> None:
    places = [*(f"/release/{whole}" for whole in wholes.values())]
    places += [f"/works/{wholes[SIZES[-1]]}/lineage.svg?picture=whole"]
    for place in places:
        of_one_font.goto(place)
        svg = picture_in(of_one_font).locator("svg.picture").first
        assert svg.evaluate(WRONG) == [], place


def test_every_kind_of_picture_fits_whatever_fonts_a_machine_has(of_one_font: Page) -> None:
    drawn = {"body": "", "content_type": ""}
    of_one_font.route("**/drawn", lambda route: route.fulfill(**drawn))
    page = '<!doctype html><link rel="stylesheet" href="/static/pictures.css">'
    for name, draw in PICTURES.items():
        is_file = name in FILES
        drawn["body"] = draw() if is_file else page + draw()
        drawn["content_type"] = "image/svg+xml" if is_file else "text/html; charset=utf-8"
        of_one_font.goto("/drawn")
        assert of_one_font.locator("svg.picture").evaluate(WRONG) == [], name


@pytest.mark.parametrize("bold", [False, True], ids=["regular", "bold"])
def test_a_character_is_as_wide_as_in_the_font_that_is_served(
    of_one_font: Page, bold: bool
) -> None:
    of_one_font.goto("/")
    known = widths(bold=bold)
    measured = of_one_font.evaluate(MEASURED, ["Arimo", bold, list(known)])
    told = zip(known, measured, strict=True)
    assert {one: wide for one, wide in told if abs(wide - known[one]) > 1} == {}


@pytest.mark.parametrize("bold", [False, True], ids=["regular", "bold"])
def test_no_text_is_wider_than_is_said_whatever_draws_it(of_one_font: Page, bold: bool) -> None:
    of_one_font.goto("/")
    texts = [clean(text)[:80] for text in (*NAMES, *TITLES, *AWKWARD, *SCRIPTS)]
    measured = of_one_font.evaluate(MEASURED, [FAMILY, bold, texts])
    told = zip(texts, measured, strict=True)
    said = {text: (wide, width(text, 1000, bold=bold)) for text, wide in told}
    assert {text: both for text, both in said.items() if both[0] > both[1]} == {}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.works} works")
def test_a_page_and_a_picture_of_any_size_are_small(
    served: Served, wholes: dict[Size, str], size: Size
) -> None:
    for path in (f"/release/{wholes[size]}", f"/works/{wholes[size]}/lineage.svg"):
        answer = served.operator.get(path)
        assert answer.status == 200
        assert len(answer.text.encode()) < 100_000, path


def test_every_work_of_a_large_picture_can_be_shown(window: Page, wholes: dict[Size, str]) -> None:
    whole = wholes[SIZES[-1]]
    window.set_viewport_size({"width": 1280, "height": 900})
    window.goto(f"/release/{whole}")
    picture_in(window).get_by_role("link", name="works").last.click()
    fold = window.get_by_role("link", name="All 501 works are shown; fold the small ones")
    expect(fold).to_be_visible()
    svg = window.locator("svg.picture")
    assert svg.locator("g.work").count() == 501
    assert svg.evaluate(WRONG) == []


def test_what_is_pointed_at_is_told_below_the_picture(
    window: Page, wholes: dict[Size, str]
) -> None:
    for size in SIZES[2:4]:
        window.goto(f"/release/{wholes[size]}")
        expect(window.locator(".told")).to_have_text(
            "Point at a part of the picture to read what it is."
        )
        picture = picture_in(window)
        picture.locator("a text").nth(4).hover()
        said = window.locator(".told")
        expect(said).to_contain_text("used in")
        expect(said).to_contain_text("%")
        picture.locator("path.flow").first.dispatch_event(
            "pointerover", {"pointerType": "mouse", "bubbles": True}
        )
        expect(said).to_contain_text("→")


def test_with_a_finger_the_first_tap_tells_and_the_second_follows(
    browser: Browser, served: Served, wholes: dict[Size, str]
) -> None:
    size = {"width": 390, "height": 800}
    with browser.new_context(
        base_url=served.origin, viewport=size, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(f"/release/{wholes[SIZES[1]]}")
        expect(page.locator(".told")).to_contain_text("Tap")
        work = page.locator(".drawn svg a[href^='/piece/']").first
        work.tap()
        expect(page.locator(".told")).to_contain_text("used in")
        assert page.url.endswith(f"/release/{wholes[SIZES[1]]}")
        work.tap()
        page.wait_for_url("**/piece/*")
