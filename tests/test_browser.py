"""Pages in a real browser: each story is clicked through, each page is looked at in every size.

Rule: a page that complains on its console, asks elsewhere or is wider than its window fails.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import findings, keep, look_at, overflow, reader, sign_in
from clocks import AheadClock
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from serving import Served, serving

from domain.identity import part_id

TERMS = {"type": "fixed", "shares": [["house", "1/2"], ["artists", "1/2", {"type": "agreed"}]]}


CLOCK = AheadClock()
LONG = "A Very Long Title That Somebody Thought Of At Night And Never Shortened " * 5
UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
ISRC = {"scheme": "isrc", "identifier": "US-SKG-19-12345"}
ARABIC = "المنارة التي مشت وحدها في الليل"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('browser') / 'stemma.db'}"
    with serving(database, public_pages=True, clock=CLOCK) as running:
        yield running


@pytest.fixture(scope="module")
def places(served: Served) -> dict[str, str]:
    """The address of a page of every kind, in a community with difficult names."""
    return community(served)


def community(served: Served) -> dict[str, str]:
    operator = served.operator
    ana, ben = served.admit("Ana"), served.admit(f"{ARABIC} Ben")
    lou = served.admit(UNBROKEN[:200])
    poem = (
        served.acting(ana)
        .post(
            "/contributions",
            title="Low Tide",
            medium="text",
            licence="CC-BY-4.0",
            sha256="ab" * 32,
            authors=[
                {"contributor": ana, "role": "writer"},
                {"contributor": ben, "role": "editor"},
            ],
        )
        .id
    )
    song = operator.post(
        "/contributions",
        title=ARABIC,
        medium="audio",
        authors=[{"contributor": ben, "role": "singer"}, {"contributor": lou, "role": "drummer"}],
        sources=[
            {"work": poem, "kind": "adaptation", "rate": "1/3", "note": "The whole text."},
            {"uri": f"https://example.org/{'sounds/' * 20}waves", "kind": "sample"},
        ],
    ).id
    titles = {"long": LONG.strip()[:500], "word": UNBROKEN}
    made = {name: served.post_piece(title, song, by=lou) for name, title in titles.items()}
    parts = [{"work": work} for work in (song, *made.values())]
    whole = operator.post("/releases", title="Low Tide (Single)", components=parts).id
    operator.post(f"/releases/{whole}/publish", {})
    work = operator.get(f"/works/{song}").json
    edge, outside = work["sources"][0]["remix"], work["sources"][1]["work"]["id"]
    operator.post(f"/remixes/{edge}/dispute", grounds="not_derived", reason="It was another poem.")
    credit = operator.get(f"/works/{poem}").json["credits"][1]["id"]
    served.acting(ana).post(
        f"/credits/{credit}/dispute",
        grounds="wrong_role",
        reason="It was two commas.",
        evidence="The letter.",
    )
    number = operator.post("/identifiers", work=poem, **ISRC).id
    operator.post(f"/identifiers/{number}/dispute", grounds="other", reason=UNBROKEN)
    served.acting(ana).post(f"/identifiers/{number}/answer", reason=LONG, evidence=UNBROKEN)
    money = earn(served, whole, {ana: "1/3", ben: "1/6", lou: "1/2"})
    shared = together(served, ana, ben, lou, made["word"])
    served.service.log.catch_up()
    return {
        **money,
        **shared,
        "statement": f"/statement/{ben}",
        "start": "/",
        "search": "/search?q=o",
        "search-nothing": f"/search?q={UNBROKEN}",
        "release": f"/release/{whole}",
        "release-published": f"/release/{whole}?as=published",
        "clearance": f"/release/{whole}/clearance",
        "piece": f"/piece/{song}",
        "piece-long": f"/piece/{made['long']}",
        "piece-word": f"/piece/{made['word']}",
        "outside": f"/piece/{outside}",
        "person": f"/contributor/{ben}",
        "person-word": f"/contributor/{lou}",
        "comments": f"/contributor/{lou}/comments",
        "follows": "/follows",
        "history": f"/history/{whole}",
        "list": f"/list/{whole}",
        "descendants": f"/descendants/{poem}",
        "credit": f"/credit/{credit}",
        "edge": f"/remix/{edge}",
        "identifier": f"/identifier/{number}",
        "moderator": "/desk/moderator",
        "accountant": "/desk/accountant",
        "accountant-payout": "/desk/accountant/payout?currency=USD&minimum=5",
        "auditor": "/desk/auditor",
        "audit": "/audit",
        "sign-in": "/sign-in",
        "farewell": "/farewell",
        "nothing": "/piece/nothing",
        "wrong-state": f"{money['agreement']}/revise",
        "not-permitted": f"/statement/{ana}",
        "own-agreement": money["agreement"],
        "own-statement": f"/statement/{ben}",
        "docs": "/docs",
        "docs-chapter": "/docs/releases",
        "docs-problems": "/docs/problems",
        "docs-tutorial": "/docs/tutorial",
        "docs-reference": "/docs/reference/vocabularies",
        "docs-found": "/docs?q=withdraw",
        "post": f"/post?source={song}",
        "desks": "/desk",
        "desk": "/do",
        "do": "/do/revenue",
        "sources": f"/piece/{song}/sources",
        "cite": f"/piece/{song}/cite",
        "credits": f"/piece/{song}/credits",
        "waiting": "/waiting",
    }


def together(served: Served, ana: str, ben: str, lou: str, work: str) -> dict[str, str]:
    """The addresses of the pages of a project and of a challenge with difficult names."""
    lead, post = served.acting(ana), served.acting(lou)
    said = {"title": UNBROKEN, "goal": LONG, "kind": "other", "kind_name": ARABIC}
    steps = [{"title": UNBROKEN, "text": UNBROKEN}, {"title": ARABIC}]
    project = lead.post("/projects", said | {"steps": steps, "leaders": [ben, lou]}).id
    lead.post(f"/projects/{project}/update", text=f"{UNBROKEN}\n{ARABIC}")
    asked = {"title": UNBROKEN, "prompt": UNBROKEN, "roles": ["singer", "drummer"]}
    challenge = lead.post("/challenges", asked | {"project": project}).id
    post.post(f"/contributions/{work}/place", step=part_id(project, "step", 0))
    post.post(f"/challenges/{challenge}/answer", work=work)
    post.post("/comments", text=f"{UNBROKEN} {ARABIC}", challenge=challenge)
    for one in ({"challenge": challenge}, {"project": project}, {"contributor": lou}):
        served.acting(ben).post(f"/contributors/{ben}/follow", one)
    lead.post(f"/challenges/{challenge}/feature", work=work, reason=UNBROKEN)
    opening = part_of_series(served, LONG[:200], "segment", work)
    episodes = [part_of_series(served, title, "episode", opening) for title in (UNBROKEN, ARABIC)]
    return {
        "series": f"/release/{part_of_series(served, ARABIC, 'series', *episodes)}",
        **{"project": f"/project/{project}", "projects": "/project", "challenges": "/challenge"},
        **{"challenge": f"/challenge/{challenge}", "launch": "/do/project", "ask": "/do/challenge"},
    }


def part_of_series(served: Served, title: str, part: str, *works: str) -> str:
    """A part of a series."""
    said = {"title": title, "part": part, "components": [{"work": one} for one in works]}
    id: str = served.operator.post("/releases", said).id
    return id


def earn(served: Served, release: str, shares: dict[str, str]) -> dict[str, str]:
    """The addresses of the pages of a pool with an agreement, a division and a new proposal."""
    post = served.operator.post
    assets = [{"asset": "all of it", "value": "1", "shares": [[*one] for one in shares.items()]}]
    said = {"name": "song", "kind": "song", "currency": "EUR", "terms": TERMS}
    pool = post(f"/releases/{release}/pools", said).id
    first = post(f"/pools/{pool}/proposals", assets=assets).id
    person = next(iter(shares))
    served.acting(person).post(
        f"/proposals/{first}/comments", kind="too_little", text="I wrote all of the words."
    )
    comment = served.operator.get(f"/proposals/{first}").json["comments"][0]["id"]
    post(f"/proposals/{first}/answer", comment=comment, text="It is in the terms of May.")
    CLOCK.ahead += CLOCK.WINDOW
    post(f"/proposals/{first}/finalise")
    said = {"source": "shop", "effective_at": "2026-06", "amount_minor": 100_001}
    division = post(f"/pools/{pool}/revenue", said).id
    made = served.operator.get(f"/revenue/{division}").json["division"]
    second = post(f"/pools/{pool}/proposals", assets=assets).id
    served.acting(person).post(
        f"/proposals/{second}/comments", kind="too_little", text="As I said in May."
    )
    return {
        "pool": f"/pool/{pool}",
        "agreement": f"/proposal/{first}",
        "proposal": f"/proposal/{second}",
        "revision": f"/proposal/{second}/revise",
        "division": f"/entry/{made}",
        "why": f"/entry/{made}/why?payee={person}",
    }


# -- how every page looks ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def window(browser: Browser, served: Served) -> Iterator[Page]:
    """The operator's window, in which one page after the other is looked at."""
    with reader(browser, served.origin) as page:
        sign_in(page, served.operator.key or "")
        yield page


@pytest.fixture(scope="module")
def own_window(browser: Browser, served: Served, places: dict[str, str]) -> Iterator[Page]:
    """The window of somebody with shares, credits and notices."""
    with reader(browser, served.origin) as page:
        sign_in(page, served.service.keys.create(places["person"].removeprefix("/contributor/")))
        yield page


PAGES = (
    *("start", "search", "search-nothing", "release", "release-published", "piece", "piece-long"),
    *(
        "piece-word",
        "outside",
        "person",
        "person-word",
        "comments",
        "history",
        "list",
        "descendants",
        "clearance",
        "credit",
        "edge",
    ),
    *(
        "post",
        "sources",
        "cite",
        "credits",
        "desks",
        "desk",
        "do",
        "audit",
        "sign-in",
        "farewell",
        "nothing",
        "wrong-state",
    ),
    *("docs", "docs-chapter", "docs-problems", "docs-found", "docs-tutorial", "docs-reference"),
    *("pool", "agreement", "proposal", "revision", "division", "why", "statement"),
    *("project", "projects", "challenge", "challenges", "launch", "ask", "series"),
    *("identifier", "moderator", "auditor", "accountant", "accountant-payout"),
)
OWN_PAGES = ("waiting", "follows", "own-agreement", "own-statement", "not-permitted")
"""Those that are other ones for whoever has a share."""
LONG_PAGES = {
    "docs": "main > :nth-child(-n + 5), main > :nth-child(6) > :nth-child(-n + 6)",
    "docs-problems": "main > :nth-child(-n + 6)",
    "docs-reference": ".prose > :nth-child(-n + 12)",
}
"""Of these the beginning is enough: what follows is made alike."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_every_window_and_axe_finds_nothing(
    window: Page, places: dict[str, str], name: str
) -> None:
    window.goto(places[name])
    look_at(window, name, LONG_PAGES.get(name))


@pytest.mark.parametrize("name", OWN_PAGES)
def test_a_page_of_ones_own_fits_and_axe_finds_nothing(
    own_window: Page, places: dict[str, str], name: str
) -> None:
    own_window.goto(places[name])
    look_at(own_window, name)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_narrowest_window_with_letters_twice_as_large(
    window: Page, places: dict[str, str], name: str
) -> None:
    """Each is asked for by itself in WCAG 2.2 (1.4.4, 1.4.10); who needs one often needs both."""
    window.goto(places[name])
    window.set_viewport_size({"width": 320, "height": 900})
    window.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(window) <= 0


def test_every_page_is_looked_at(places: dict[str, str]) -> None:
    assert set(places) == {*PAGES, *OWN_PAGES}


ANSWERS = {
    "post-preview": (
        *("post", {"Title": "A piece", "Medium": "text"}),
        *("Preview", "Preview"),
    ),
    "post-refused": ("post", {"Made": "yesterday"}, "Preview", "Post a piece"),
    "sources-found": ("sources", {"Find a source": "low"}, "Find", "Add sources"),
    "revision-preview": ("revision", {}, "Preview", "Preview of the revision"),
    "revision-refused": ("revision", {"Value": "much"}, "Preview", "Revise the shares"),
    "sign-in-refused": ("sign-in", {"Your key": "stemma_none"}, "Sign in", "Sign in"),
    "audit-refused": ("audit", {}, "Check", "Check it yourself"),
}
"""What forms are answered with: where it is, what is filled in and pressed, what it is called."""


@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_form_is_answered_with_fits_and_axe_finds_nothing(
    window: Page, places: dict[str, str], name: str
) -> None:
    place, said, button, title = ANSWERS[name]
    window.goto(places[place])
    main = window.get_by_role("main")
    for label, text in said.items():
        main.get_by_label(label).first.fill(text)
    main.get_by_role("button", name=button).first.click()
    expect(main.get_by_role("heading", level=1)).to_contain_text(title)
    look_at(window, name)


def test_a_page_that_says_what_went_wrong_fits_every_window(
    window: Page, served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(served.service.log, "latest", None)
    answer = window.goto("/audit")
    assert answer is not None
    assert answer.status == 500
    expect(window.get_by_text("internal_error")).to_be_visible()
    look_at(window, "broken")
    assert "NoneType" in caplog.text


# -- stories -----------------------------------------------------------------------------------


def test_what_is_typed_in_a_session_is_copied_and_not_what_was_printed(
    browser: Browser, served: Served
) -> None:
    with reader(browser, served.origin) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/docs/tutorial")
        block = page.locator(".copied").filter(has_text="stemma proposal diff deal")
        block.get_by_role("button", name="Copy").click()
        expect(block.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith("\nstemma proposal diff deal\n")
    assert "stemma proposal comment deal --id mixing" in copied
    assert "position" not in copied


def test_without_a_script_code_has_no_button(browser: Browser, served: Served) -> None:
    with reader(browser, served.origin, js=False) as page:
        page.goto("/docs/tutorial")
        expect(page.get_by_text("stemma proposal diff deal")).to_be_visible()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)


@pytest.mark.parametrize("js", [True, False], ids=["with-script", "without-script"])
def test_a_piece_is_posted_and_its_credit_accepted(
    browser: Browser, served: Served, js: bool
) -> None:
    tag = "with script" if js else "without"
    ana, ben = served.admit(f"Ana {tag}"), served.admit(f"Ben {tag}")
    served.acting(ben).post("/contributions", title=f"A beat {tag}", medium="audio")
    keys = served.service.keys
    with reader(browser, served.origin, width=768, js=js) as page:
        sign_in(page, keys.create(ana))
        page.get_by_role("link", name="Post", exact=True).click()
        page.get_by_label("Title", exact=True).fill(f"A song {tag}")
        page.get_by_label("Medium").fill("audio")
        page.get_by_label("Role", exact=True).fill("singer")
        find(page, "Find a source", f"beat {tag}", f"A beat {tag}", js=js)
        page.get_by_label("Kind", exact=True).select_option("sample")
        page.get_by_label("Rate (optional)", exact=True).fill("1/5")
        page.get_by_text("Paste a list").first.click()
        page.get_by_label("One per line: an id").fill(
            "https://example.org/sounds/waves sample 1/10\nhttp:// sample\n"
        )
        page.get_by_role("button", name="Add these").click()
        expect(page.get_by_role("alert")).to_contain_text("http://")
        expect(page.get_by_label("Rate (optional)", exact=True)).to_have_count(2)
        find(page, "Find a person", f"Ben {tag}", f"Ben {tag}", js=js)
        page.get_by_label("Role", exact=True).nth(1).fill("drummer")
        page.get_by_label("One per line: an id").fill("")  # the line that could not be read
        keep(page, f"story-form-{'js' if js else 'plain'}")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("table")).to_contain_text("30 %")
        keep(page, f"story-preview-{'js' if js else 'plain'}")
        page.get_by_role("button", name="Post it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"A song {tag}")
        expect(page.get_by_role("status")).to_contain_text("recorded")
        piece = page.url
    with reader(browser, served.origin, width=360, js=js) as page:
        sign_in(page, keys.create(ben))
        page.get_by_role("link", name="Waiting for you").click()
        page.get_by_role("link", name="Answer").click()
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_text("accepted", exact=True)).to_be_visible()
        page.get_by_role("link", name=f"A song {tag}").first.click()
        page.get_by_role("link", name="Sources").first.or_(page.locator("main")).first.wait_for()
        page.goto(piece)
        page.locator("#sources ~ ul .more").first.click()
        page.get_by_text("Dispute it").first.click()
        page.get_by_label("What is wrong").select_option("not_derived")
        page.get_by_label("Reason").fill("That is not my beat.")
        page.get_by_role("textbox", name="Evidence").fill("The session file.")
        page.get_by_role("button", name="Dispute it").click()
        expect(page.get_by_text("disputed", exact=True)).to_be_visible()
        expect(page.get_by_text("That is not my beat.").first).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def find(page: Page, label: str, text: str, name: str, *, js: bool) -> None:
    """Look for something and add it; with the script it is there without the button."""
    field, add = page.get_by_label(label), page.get_by_role("button", name=f"Add {name}")
    if js:
        field.press_sequentially(text)
        try:
            add.wait_for(timeout=20_000)
        except PlaywrightTimeout:  # it was typed while the page before was still there
            field.fill("")
            field.press_sequentially(text)
    else:
        field.fill(text)
        field.press("Enter")
    add.click()
    page.wait_for_load_state()


def test_a_source_is_added_later_and_a_credit_is_claimed(browser: Browser, served: Served) -> None:
    ana, ben = served.admit("Ana later"), served.admit("Ben later")
    poem = served.acting(ana).post("/contributions", title="A late poem", medium="text").id
    keys = served.service.keys
    with reader(browser, served.origin) as page:
        sign_in(page, keys.create(ben))
        page.goto(f"/piece/{poem}")
        page.get_by_role("link", name="Claim or give a credit").click()
        page.get_by_label("Role", exact=True).fill("nobody's role")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("alert")).to_contain_text("nobody's role")
        page.get_by_label("Role", exact=True).fill("translator")
        page.get_by_role("textbox", name="Evidence").fill("The letters of April.")
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Change it").click()
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Record this").click()
        expect(page.get_by_role("heading", name="Claims")).to_be_visible()
    with reader(browser, served.origin) as page:
        sign_in(page, keys.create(ana))
        page.goto(f"/piece/{poem}")
        page.get_by_role("link", name="Add sources").click()
        page.get_by_label("Find a source").fill("https://example.org/old-poem")
        page.get_by_role("button", name="Find").first.click()
        page.get_by_label("Kind", exact=True).select_option("adaptation")
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Record these sources").click()
        expect(page.get_by_role("link", name="https://example.org/old-poem").first).to_be_visible()
        page.get_by_role("link", name="Waiting for you").click()
        page.get_by_role("link", name="Answer").click()
        page.get_by_role("button", name="Decline").click()
        expect(page.get_by_text("declined", exact=True)).to_be_visible()


def test_a_receipt_is_downloaded_and_checked(
    browser: Browser, served: Served, places: dict[str, str], tmp_path: Path
) -> None:
    with reader(browser, served.origin, js=False) as page:
        page.goto(places["piece"])
        with page.expect_download() as download:
            page.get_by_role("link", name="stemma-fact-").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        page.goto("/audit")
        page.get_by_label("A receipt, such as").set_input_files(file)
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_role("status")).to_contain_text("The receipt holds.")
        keep(page, "audit-checked")
        file.write_bytes(file.read_bytes().replace(b"extra ", b"extra A", 1))
        page.get_by_label("A receipt, such as").set_input_files(file)
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_role("alert")).to_contain_text("Invalid: altered, or from another log")


def test_the_keyboard_is_enough(browser: Browser, served: Served, places: dict[str, str]) -> None:
    with reader(browser, served.origin) as page:
        page.goto(places["release"])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        page.goto("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type("low tide")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("low tide")


def test_enter_in_a_form_never_records(browser: Browser, served: Served) -> None:
    ana = served.admit("Ana at the keyboard")
    with reader(browser, served.origin) as page:
        sign_in(page, served.service.keys.create(ana))
        page.goto("/post")
        head = served.head
        page.get_by_label("Title", exact=True).fill("Half a title")
        page.get_by_label("Medium").fill("text")
        page.get_by_label("Role", exact=True).fill("writer")
        page.get_by_label("Title", exact=True).press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Preview")
        assert served.head == head


@pytest.mark.parametrize("name", ["release", "piece", "descendants"])
def test_on_a_phone_without_a_script_a_picture_begins_at_its_work(
    browser: Browser, served: Served, places: dict[str, str], name: str
) -> None:
    with reader(browser, served.origin, width=390, js=False) as page:
        page.goto(places[name])
        frames = page.locator(".drawn:has(> svg)").all()
        assert frames
        for frame in frames:
            outer, own = frame.bounding_box(), frame.locator(".root .card").bounding_box()
            assert outer is not None
            assert own is not None
            assert outer["x"] <= own["x"] <= own["x"] + own["width"] <= outer["x"] + outer["width"]


PAPER = 680
"""The width of A4 without its margins, in pixels."""


@pytest.mark.parametrize("name", ["release", "piece", "descendants", "pool", "statement"])
def test_on_paper_a_page_shows_whole_pictures_and_a_total_once_in_dark_on_light(
    browser: Browser, served: Served, places: dict[str, str], name: str
) -> None:
    with reader(browser, served.origin, width=PAPER) as page:
        sign_in(page, served.operator.key or "")
        page.emulate_media(media="print", color_scheme="dark")
        page.goto(places[name])
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for hidden in ("search", "button", "combobox"):
            expect(page.get_by_role(hidden)).to_have_count(0)  # type: ignore[arg-type]
        # A list that goes on says so.
        expect(page.locator("nav:not(.pager)").filter(visible=True)).to_have_count(0)
        assert overflow(page) <= 0
        # Pictures of a window's width are shown a little smaller, but not on paper.
        page.locator(".drawn > svg").evaluate_all(
            "all => all.map(one => one.classList.add('snug'))"
        )
        for picture in page.locator(".drawn > :is(svg, object)").all():
            box = picture.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= PAPER
        # A foot of a table is repeated on every page; a group of rows comes once, after the others.
        displayed = "all => all.map(one => getComputedStyle(one).display)"
        assert set(page.locator("tfoot").evaluate_all(displayed)) <= {"table-row-group"}
        for part, colour in {
            "color": "rgb(0, 0, 0)",
            "backgroundColor": "rgb(255, 255, 255)",
        }.items():
            assert page.evaluate(f"getComputedStyle(document.body).{part}") == colour
        keep(page, f"{name}-print")


def test_shares_are_talked_about_and_accepted(browser: Browser, served: Served) -> None:
    ana, ben = served.admit("Ana of the shares"), served.admit("Ben of the shares")
    song = served.post_piece("A shared song", by=ana)
    whole = served.operator.post("/releases", title="A single", components=[{"work": song}]).id
    served.operator.post(f"/releases/{whole}/publish", {})
    pages = earn(served, whole, {ana: "2/3", ben: "1/3"})
    keys = served.service.keys
    with reader(browser, served.origin, width=768, js=False) as page:
        sign_in(page, keys.create(ben))
        page.goto(pages["agreement"])
        expect(page.get_by_role("heading", name="Your share: about 33.3 %")).to_be_visible()
        page.get_by_role("button", name="Accept").click()
        expect(page.locator("#yours + p")).to_contain_text("Accepted.")
        page.goto(pages["proposal"])
        page.get_by_label("Subject").select_option("too_little")
        page.get_by_label("Comment", exact=True).fill("I played the drums as well.")
        page.get_by_role("button", name="Comment").click()
        expect(page.get_by_text("I played the drums as well.")).to_be_visible()
        page.goto(f"/contributor/{ben}")
        page.get_by_role("link", name="What you earned").click()
        page.get_by_role("link", name="why").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("166.67 EUR")
        assert page.goto(f"/statement/{ana}").status == 403  # type: ignore[union-attr]
    with reader(browser, served.origin) as page:
        page.goto(f"/release/{whole}")
        expect(page.get_by_text("EUR")).to_have_count(0)
        page.goto(pages["pool"])
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("js", [True, False], ids=["with-script", "without-script"])
def test_shares_are_revised_and_a_share_is_given_up(
    browser: Browser, served: Served, js: bool
) -> None:
    ana, ben, cleo = (served.admit(f"{name} of the revision {js}") for name in ("Ana", "Ben", "C."))
    song = served.post_piece("A revised song", by=ana)
    post, keys = served.operator.post, served.service.keys
    served.operator.post("/credits", work=song, contributor=cleo, role="editor")
    whole = post("/releases", title="A revised single", components=[{"work": song}]).id
    said = {"name": "song", "kind": "song", "currency": "EUR", "terms": TERMS}
    pool = post(f"/releases/{whole}/pools", said).id
    assets = [
        {"asset": song, "value": "1", "within": ["act 1"], "shares": [[ana, "1"], [ben, "1"]]}
    ]
    proposal = post(f"/pools/{pool}/proposals", assets=assets).id
    served.acting(cleo).post(
        f"/proposals/{proposal}/comments", kind="left_out", text="I edited it."
    )
    with reader(browser, served.origin, width=768, js=js) as page:
        sign_in(page, served.operator.key or "")
        page.goto(f"/proposal/{proposal}")
        page.get_by_role("link", name="Revise the shares").click()
        page.get_by_label("Someone else in A revised song").first.fill(f"C. of the revision {js}")
        page.get_by_label("Share of someone else in A revised song").fill("two")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("alert")).to_contain_text("two")
        page.get_by_label(f"Share of C. of the revision {js}").fill("200 %")
        page.get_by_label("Your answer").fill("So it is.")
        page.get_by_role("button", name="Preview").click()
        row = page.get_by_role("row", name=f"C. of the revision {js}")
        expect(row).to_contain_text("1/2")
        expect(page.get_by_role("row", name="Ana of")).to_contain_text("1/4")
        assert not js or findings(page) == []  # axe is a script
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_label("such as an act")).to_have_value("act 1")
        page.get_by_role("button", name="Preview").click()
        keep(page, f"revision-preview-{'js' if js else 'plain'}")
        page.get_by_role("button", name="Revise the proposal").click()
        expect(page.get_by_role("status")).to_contain_text("recorded")
        expect(page.get_by_text("0 % → 50 %")).to_be_visible()
        expect(page.get_by_text("So it is.")).to_be_visible()
    CLOCK.ahead += CLOCK.WINDOW
    post(f"/proposals/{proposal}/finalise")
    with reader(browser, served.origin, width=768, js=js) as page:
        sign_in(page, keys.create(cleo))
        give_up(page, proposal, js=js)
    told = served.operator.get(f"/proposals/{proposal}").json
    assert [line["over"] for line in told["waived"]] == ["act 1"]
    assert {line["payee"]["id"]: line["share"] for line in told["shares"]}[ana] == "1/2"


def give_up(page: Page, proposal: str, *, js: bool) -> None:
    """Find out that shares are final, and give up all of one's own within an act."""
    page.get_by_role("link", name="Waiting for you").click()
    notice = page.get_by_role("listitem").filter(has_text="are final")
    expect(notice).to_contain_text("has 50 %")
    assert not js or findings(page) == []
    notice.get_by_role("link", name="view").click()
    assert proposal in page.url
    page.get_by_text("Waive all or part of it").click()
    page.get_by_label("What you waive").select_option("Everything of yours within “act 1”")
    page.get_by_label("Reason").fill("It was two commas.")
    page.get_by_role("button", name="Waive").click()
    expect(page.get_by_text("waived their share of A revised song")).to_be_visible()
    expect(page.get_by_role("heading", name="Waived")).to_be_visible()
    assert not js or findings(page) == []  # axe is a script
    keep(page, f"waived-{'js' if js else 'plain'}")


def test_a_split_is_drawn_for_those_who_may_see_money(
    browser: Browser, served: Served, places: dict[str, str]
) -> None:
    with reader(browser, served.origin) as page:
        page.goto(places["release"])
        expect(page.locator("a[href*='split.svg']")).to_have_count(0)
        sign_in(page, served.operator.key or "")
        page.goto(places["release"])
        section = page.locator("section[aria-labelledby=money]")
        expect(section.locator(".told")).to_be_visible()
        expect(page.frames[-1].locator("svg")).to_contain_text("1,000.01 EUR")
        section.get_by_text("The same as a table").click()
        expect(section.get_by_role("row", name="Ana")).to_contain_text("166.67 EUR")
        section.get_by_role("link", name="balances").click()
        earned = page.locator("section[aria-labelledby=months]")
        expect(earned.locator(".told")).to_have_text(
            "Point at a part of the picture to read what it is."
        )
        earned.locator("svg rect").first.hover()
        expect(earned.locator(".told")).to_have_text("2026-06: 1,000.01 EUR")
        page.locator("a[href*='split.svg']").click()
        assert page.url.endswith("/split.svg")
        expect(page.locator("svg")).to_contain_text("1,000.01 EUR")
        png = page.request.get(page.url.replace(".svg", ".png"))
        assert png.body().startswith(b"\x89PNG")


def test_a_pool_of_many_millions_is_printed_with_all_columns(
    browser: Browser, served: Served, places: dict[str, str]
) -> None:
    """A browser makes a page that is too wide smaller, but by no more than a third."""
    with reader(browser, served.origin, width=PAPER) as page:
        sign_in(page, served.operator.key or "")
        page.emulate_media(media="print")
        page.goto(places["pool"])
        page.locator(".stack tr").evaluate_all(
            """rows => rows.forEach((row) => {
                while (row.cells.length < 8) row.append(row.lastElementChild.cloneNode());
                [...row.cells].slice(2).forEach((one) => { one.textContent = "12,345,678.90"; });
            })"""
        )
        assert overflow(page) <= PAPER / 2


def test_a_statement_is_printed_with_its_name_and_its_sums(
    browser: Browser, served: Served, places: dict[str, str]
) -> None:
    with reader(browser, served.origin, width=800) as page:
        sign_in(page, served.operator.key or "")
        page.goto(places["statement"])
        page.emulate_media(media="print")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("= owed at the end")).to_be_visible()
        expect(page.get_by_text("83.33 EUR").first).to_be_visible()
        expect(page.get_by_role("link", name="Download as PDF")).to_have_count(0)
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_list_on_paper_says_what_it_was_narrowed_to_and_that_it_goes_on(
    browser: Browser, served: Served, places: dict[str, str]
) -> None:
    release = places["release"].removeprefix("/release/")
    told = {"name": "a list", "kind": "other", "currency": "EUR", "terms": TERMS}
    pool = served.operator.post(f"/releases/{release}/pools", told).id
    sold = {"source": "shop", "effective_at": "2026-06"}
    for number in range(31):
        served.operator.post(f"/pools/{pool}/revenue", amount_minor=100 + number, **sold)
    with reader(browser, served.origin, width=PAPER) as page:
        sign_in(page, served.operator.key or "")
        page.goto("/desk/accountant/bookings?kind=revenue&currency=EUR")
        page.emulate_media(media="print")
        expect(page.get_by_role("heading", name="Revenue", exact=True)).to_be_visible()
        for said in ("Currency EUR", "Next page"):
            expect(page.get_by_text(said)).to_be_visible()
