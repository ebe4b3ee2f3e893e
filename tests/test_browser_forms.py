"""Forms in a real browser: many shares as lines, what happened meanwhile, the keyboard alone.

Rule: whatever goes wrong, what somebody typed is still there, and they are told so where they are.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browsing import look_at, reader, sign_in
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Client, Served, serving
from test_browser import CLOCK, TERMS

PEOPLE = 426


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('forms') / 'stemma.db'}"
    with serving(database, public_pages=True, clock=CLOCK) as running:
        yield running


def propose(served: Served, title: str, shares: list[list[str]], work: str = "") -> str:
    """The id of a proposal for a new finished work that nobody has talked about yet."""
    post = served.operator.post
    song = work or served.post_piece(title)
    whole = post("/releases", title=f"{title} (Single)", components=[{"work": song}]).id
    post(f"/releases/{whole}/publish", {})
    said = {"name": title, "kind": "song", "currency": "EUR", "terms": TERMS}
    pool = post(f"/releases/{whole}/pools", said).id
    assets = [{"asset": song, "value": "1", "shares": shares}]
    return post(f"/pools/{pool}/proposals", assets=assets).id


def shares_now(served: Served, proposal: str) -> dict[str, str]:
    told = served.operator.get(f"/proposals/{proposal}").json["shares"]
    return {line["payee"]["name"] or line["payee"]["id"]: line["share"] for line in told}


# -- many shares -------------------------------------------------------------------------------


def test_many_shares_are_revised_as_lines_and_a_wrong_one_is_named(
    browser: Browser, served: Served
) -> None:
    ana = served.admit("Ana of the lines")
    others = [[f"player {n}", "1"] for n in range(PEOPLE - 2)]
    proposal = propose(served, "A chorus", [[ana, "1"], ["a|b \\ c", "1"], *others])
    served.acting(ana).post(f"/proposals/{proposal}/comments", kind="too_little", text="I led it.")
    with reader(browser, served.origin) as page:
        sign_in(page, served.operator.key or "")
        page.goto(f"/proposal/{proposal}/revise")
        lines = page.get_by_label("Shares, one per line")
        first = lines.input_value().splitlines()
        assert len(first) == PEOPLE
        assert "A chorus | 1 | Ana of the lines | 1" in first
        page.get_by_label("Your answer").fill("So she did.")
        twice = first[200].split(" | ")[2]
        for wrong, said in (
            ({17: "  A chorus|1 |player 14|  two, I think "}, ["Line 17: “two, I think”"]),
            (
                {
                    3: "A chorus | 1 | player 0",
                    9: "A chorus | 2 | player 6 | 1",
                    426: first[200],
                },
                [
                    "Line 3 is not “piece | value | payee | share”",
                    "Line 9 gives A chorus another value",
                    f"Line 426 names {twice} in A chorus again",
                ],
            ),
        ):
            typed = [wrong.get(number, line) for number, line in enumerate(first, start=1)]
            lines.fill("\n".join(typed))
            page.get_by_role("button", name="Preview").click()
            for one in said:
                expect(page.get_by_role("alert")).to_contain_text(one)
            expect(page.get_by_role("alert")).to_be_focused()
            assert lines.input_value().splitlines() == typed
            expect(page.get_by_label("Your answer")).to_have_value("So she did.")
        page.get_by_role("alert").get_by_role("link", name="Line 3").press("Enter")
        expect(lines).to_be_focused()
        look_at(page, "revision-lines-refused")
        lines.fill("\n".join(first).replace("Ana of the lines | 1", "Ana of the lines | 7"))
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("row", name="Ana of the lines")).to_contain_text("7/432")
        page.get_by_role("button", name="Change it").click()
        assert "A chorus | 1 | Ana of the lines | 7" in lines.input_value().splitlines()
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Revise the proposal").click()
        expect(page.get_by_role("status")).to_contain_text("recorded")
    told = shares_now(served, proposal)
    assert len(told) == PEOPLE
    assert (told["Ana of the lines"], told["a|b \\ c"]) == ("7/432", "1/432")


# -- meanwhile ---------------------------------------------------------------------------------


def test_a_revision_of_shares_that_were_revised_meanwhile_is_shown_once_more(
    browser: Browser, served: Served
) -> None:
    ana, ben = served.admit("Ana meanwhile"), served.admit("Ben meanwhile")
    proposal = propose(served, "A duet", [[ana, "1"], [ben, "1"]])
    comment = served.acting(ana).post(
        f"/proposals/{proposal}/comments", kind="too_little", text="I wrote it."
    )
    asset = served.operator.get(f"/proposals/{proposal}").json["assets"][0]
    with reader(browser, served.origin, js=False) as page:
        sign_in(page, served.operator.key or "")
        page.goto(f"/proposal/{proposal}/revise")
        early = page.context.new_page()
        early.goto(page.url)
        page.get_by_label("Share of Ana").fill("2")
        page.get_by_role("button", name="Preview").click()
        served.operator.post(
            f"/proposals/{proposal}/revise",
            comments=[comment.id],
            assets=[{**asset, "shares": [[ana, "3"], [ben, "1"]]}],
        )
        head = served.head
        page.get_by_role("button", name="Revise the proposal").click()
        expect(page.get_by_role("alert")).to_contain_text("has changed since you looked at it")
        row = page.get_by_role("row", name="Ana meanwhile")
        expect(row).to_contain_text("3/4")
        expect(row).to_contain_text("2/3")
        assert served.head == head
        page.get_by_role("button", name="Revise the proposal").click()
        expect(page.get_by_role("status")).to_contain_text("recorded")
        expect(page.get_by_text("“I wrote it.”")).to_have_count(1)
        early.get_by_role("button", name="Preview").click()
        expect(early.get_by_role("alert")).to_contain_text("has changed since you looked at it")
    assert shares_now(served, proposal)["Ana meanwhile"] == "2/3"


def test_nobody_accepts_another_share_than_the_one_they_saw(
    browser: Browser, served: Served
) -> None:
    ana, ben = served.admit("Ana who waives"), served.admit("Ben who accepts")
    proposal = propose(served, "A trio", [[ana, "1"], [ben, "1"], ["the choir", "2"]])
    CLOCK.ahead += CLOCK.WINDOW
    served.operator.post(f"/proposals/{proposal}/finalise")
    with reader(browser, served.origin, js=False) as page:
        sign_in(page, served.service.keys.create(ben))
        page.get_by_role("link", name="Waiting for you").click()
        page.get_by_role("link", name="Answer about your share of A trio (Single)").click()
        expect(page.get_by_role("heading", name="Your share: 25 %")).to_be_visible()
        served.acting(ana).post(f"/proposals/{proposal}/share/waive", scope="release")
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_role("alert")).to_contain_text("Something has changed")
        expect(page.get_by_role("heading", name="Your share: about 33.3 %")).to_be_visible()
        page.get_by_role("button", name="Accept").click()
        expect(page.locator("#yours ~ p")).to_contain_text("Accepted.")
        page.get_by_role("link", name="Waiting for you").click()
        expect(page.get_by_text("Nothing is waiting for your answer.")).to_be_visible()


def test_of_two_tabs_the_second_is_told_and_what_it_says_is_kept(
    browser: Browser, served: Served
) -> None:
    ana, ben = served.admit("Ana of two tabs"), served.admit("Ben of two tabs")
    poem = served.post_piece("A poem in tabs", by=ana)
    credit = served.operator.post("/credits", work=poem, contributor=ben, role="editor").id
    with reader(browser, served.origin, js=False) as page:
        sign_in(page, served.service.keys.create(ben))
        page.goto(f"/credit/{credit}")
        page.get_by_label("Reason").first.fill("I never read it.")
        other = page.context.new_page()
        other.goto(f"/credit/{credit}")
        other.get_by_role("button", name="Accept").click()
        expect(other.get_by_role("status")).to_contain_text("recorded")
        page.get_by_role("button", name="Decline").click()
        expect(page.get_by_role("alert")).to_contain_text("Something has changed")
        expect(page.get_by_label("Reason").first).to_have_value("I never read it.")
        served.operator.post(f"/credits/{credit}/revoke", reason="A mistake.")
        page.get_by_role("button", name="Decline").click()
        expect(page.get_by_role("alert")).to_contain_text("revoked")
        expect(page.get_by_role("alert")).to_contain_text("I never read it.")


def test_what_was_typed_outlives_the_session(browser: Browser, served: Served) -> None:
    ana = served.admit("Ana who is away")
    key, keys = served.service.keys.create(ana), served.service.keys
    with reader(browser, served.origin, js=False) as page:
        sign_in(page, key)
        page.goto("/post")
        page.get_by_label("Title", exact=True).fill("A long <poem> & more")
        page.get_by_label("Medium").fill("text")
        page.get_by_label("Role", exact=True).fill("writer")
        keys.revoke(key)
        head = served.head
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("alert")).to_contain_text("what you wrote is still on")
        page.get_by_label("Your key").fill("stemma_wrong")
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("This key is not valid.")).to_be_visible()
        page.get_by_label("Your key").fill(keys.create(ana))
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Not recorded yet")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_label("Title", exact=True)).to_have_value("A long <poem> & more")
        expect(page.get_by_label("Role", exact=True)).to_have_value("writer")
        assert served.head == head
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Post it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("A long <poem> & more")


def test_what_was_typed_as_somebody_else_is_said_by_nobody_unasked(
    browser: Browser, served: Served
) -> None:
    ana, ben = served.admit("Ana at the desk"), served.admit("Ben at the desk")
    proposal = propose(served, "A quartet", [[ana, "1"], [ben, "1"]])
    keys = served.service.keys
    with reader(browser, served.origin) as page:
        sign_in(page, keys.create(ana))
        page.goto(f"/proposal/{proposal}")
        page.get_by_label("Comment", exact=True).fill("My words.\nIn two lines.")
        other = page.context.new_page()
        other.goto("/")
        other.get_by_role("button", name="Sign out").click()
        sign_in(other, keys.create(ben))
        head = served.head
        page.get_by_role("button", name="Comment").click()
        expect(page.get_by_role("alert")).to_contain_text("now signed in as Ben at the desk")
        expect(page.get_by_role("main")).to_contain_text("In two lines.")
        assert served.head == head
        look_at(page, "form-kept")
        other.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        look_at(page, "sign-in-kept")
        page.get_by_label("Your key").fill(keys.create(ana))
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("status")).to_contain_text("recorded")
    (comment,) = served.operator.get(f"/proposals/{proposal}").json["comments"]
    assert (comment["actor"], comment["text"].splitlines()) == (ana, ["My words.", "In two lines."])


# -- the keyboard alone ------------------------------------------------------------------------


def focus(page: Page) -> str:
    """What is focused, by its name; it must be seen, and seen to be focused."""
    told = page.evaluate(
        """() => {
          const one = document.activeElement, box = one.getBoundingClientRect();
          const style = getComputedStyle(one);
          const label = one.labels?.[0]?.textContent ?? one.ariaLabel ?? one.textContent;
          return {
            name: label.trim().replace(/\\s+/g, " "),
            outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
            seen: box.width > 1 && box.bottom > 0 && box.top < innerHeight && box.right > 0,
          };
        }"""
    )
    assert told["outlined"], told
    assert told["seen"], told
    return str(told["name"])


def must_be_focused(one: Locator) -> None:
    """Wait until the page has put the focus here by itself."""
    expect(one).to_be_focused()
    focus(one.page)


def tab_to(page: Page, name: str, most: int = 60) -> None:
    """Go on with Tab until something of this name is focused."""
    passed = []
    for _ in range(most):
        page.keyboard.press("Tab")
        passed.append(focus(page))
        if passed[-1].startswith(name):
            return
    raise AssertionError(f"{name} is not among {passed}")


def type_into(page: Page, name: str, text: str) -> None:
    tab_to(page, name)
    page.keyboard.type(text)


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Go to a button or a link, and press a key on it."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_source_that_is_suggested_is_added_with_the_keyboard_alone(
    browser: Browser, served: Served
) -> None:
    with reader(browser, served.origin) as page:
        post_by_keys(page, served, "by keys", served.admit("Ana by keys"), js=True)


def test_the_story_is_told_with_the_keyboard_alone_and_without_a_script(
    browser: Browser, served: Served
) -> None:
    ana, ben, keys = served.admit("Ana of keys"), served.admit("Ben of keys"), served.service.keys
    with reader(browser, served.origin, js=False) as page:
        song = post_by_keys(page, served, "by keys alone", ana, js=False)
    proposal = propose(served, "Shared by keys", [[ana, "1"], [ben, "1"]], work=song)
    with reader(browser, served.origin, js=False) as page:
        page.goto(f"/sign-in?{urlencode({'to': f'/proposal/{proposal}'})}")
        must_be_focused(page.get_by_label("Your key"))
        page.keyboard.type(keys.create(ben))
        page.keyboard.press("Enter")
        page.wait_for_url("**/proposal/*")
        tab_to(page, "Subject")
        page.keyboard.press("ArrowDown")
        type_into(page, "Comment", "Yes.")
        press(page, "Comment")
        served.operator.post(
            f"/proposals/{proposal}/answer",
            comment=served.operator.get(f"/proposals/{proposal}").json["comments"][0]["id"],
            text="Good.",
        )
        CLOCK.ahead += CLOCK.WINDOW
        served.operator.post(f"/proposals/{proposal}/finalise")
        press(page, "Waiting for you")
        press(page, "Answer about your share")
        press(page, "Accept", key="Space")
        expect(page.locator("#yours ~ p")).to_contain_text("Accepted.")


def post_by_keys(page: Page, served: Served, tag: str, person: str, *, js: bool) -> str:
    """Sign in and post a piece made from another one, with a field forgotten at first; its id."""
    served.post_piece(f"Beat {tag}")
    page.goto("/sign-in")
    must_be_focused(page.get_by_label("Your key"))
    page.keyboard.type(served.service.keys.create(person))
    press(page, "Sign in")
    tab_to(page, "Skip to content", most=1)
    press(page, "Post")
    tab_to(page, "Skip to content", most=1)
    page.keyboard.press("Enter")
    type_into(page, "Title", f"Song {tag}")
    press(page, "Preview")
    must_be_focused(page.get_by_role("alert"))
    tab_to(page, "Medium: This is required.", most=1)
    page.keyboard.press("Enter")
    must_be_focused(page.get_by_label("Medium"))
    page.keyboard.type("audio")
    type_into(page, "Find a source", f"Beat {tag}")
    if js:
        expect(page.get_by_role("button", name=f"Add Beat {tag}")).to_be_visible()
    else:
        press(page, "Find")
        must_be_focused(page.get_by_label("Find a source"))
    press(page, f"Add Beat {tag}")
    must_be_focused(page.get_by_label("Kind", exact=True))
    page.keyboard.type("samp")
    type_into(page, "Rate", "1/5")
    type_into(page, "Role", "singer")
    press(page, "Preview")
    press(page, "Post it")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Song {tag}")
    return page.url.partition("?")[0].rpartition("/")[2]


# -- nothing that is typed runs ----------------------------------------------------------------

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2) data-evil>\"'&amp;{{7*7}}|\\"
URI = "javascript:alert(3)//'+alert(4)"


def everything(served: Served) -> tuple[str, dict[str, list[str]]]:
    """Every text that somebody can give is evil; the person, and by page which texts it shows."""

    def post(path: str, body: object = None, by: Client = served.operator, **said: object) -> str:
        return by.post(path, body, **said).id

    get, ana = served.operator.get, served.admit(EVIL)
    poem = post(
        "/contributions",
        title=EVIL,
        medium="<b>text</b>",
        licence=EVIL,
        authors=[{"contributor": ana, "role": "writer", "display": EVIL}],
        sources=[{"uri": URI, "kind": "sample", "note": EVIL}],
    )
    whole = post("/releases", title=EVIL, components=[{"work": poem}])
    post(f"/releases/{whole}/publish", {})
    told = get(f"/works/{poem}").json
    credit, edge = told["credits"][0]["id"], told["sources"][0]["remix"]
    outside = told["sources"][0]["work"]["id"]
    editor = post("/credits", work=poem, contributor=ana, role="editor", evidence=EVIL)
    acting = served.acting(ana)
    for noun, id in (("credits", editor), ("remixes", edge)):
        dispute = {"grounds": "other", "reason": EVIL, "evidence": EVIL}
        post(f"/{noun}/{id}/dispute", dispute)
        post(f"/{noun}/{id}/answer", by=acting, reason=EVIL, evidence=EVIL)
    shares = [[EVIL, "1/2"], ["artists", "1/2", {"type": "agreed"}]]
    terms = {"type": "fixed", "shares": shares}
    said = {"name": EVIL, "kind": "song", "currency": "EUR", "terms": terms}
    pool = post(f"/releases/{whole}/pools", said)
    assets = [
        {"asset": EVIL, "value": "1", "within": [f"act {EVIL}"], "shares": [[ana, "1"], [URI, "1"]]}
    ]
    proposal = post(f"/pools/{pool}/proposals", assets=assets, note=EVIL)
    comment = post(f"/proposals/{proposal}/comments", by=acting, kind="other", text=EVIL)
    post(f"/proposals/{proposal}/revise", comments=[comment], assets=assets, note=EVIL)
    CLOCK.ahead += CLOCK.WINDOW
    post(f"/proposals/{proposal}/finalise")
    brought = {"source": EVIL, "effective_at": "2026-06", "amount_minor": 1001}
    revenue = post(f"/pools/{pool}/revenue", {**brought, "document": EVIL, "note": EVIL})
    division = get(f"/revenue/{revenue}").json["division"]
    post(f"/proposals/{proposal}/share/accept", by=acting)
    post(f"/credits/{editor}/settle", outcome="dismissed", reason=EVIL)
    post(f"/remixes/{edge}/settle", outcome="dismissed", reason=EVIL)
    batch = post("/payout-batches", currency="EUR", payees=[ana])
    payout = get(f"/payouts?batch={batch}").items[0]["id"]
    post(f"/payouts/{payout}/settle", reference=EVIL)
    post(f"/payouts/{payout}/return", reason=EVIL)
    post(f"/credits/{credit}/hold", reason=EVIL)
    post(f"/revenue/{revenue}/reverse", amount_minor=1, reason=EVIL)
    second = post(f"/pools/{pool}/proposals", assets=assets)
    post(f"/proposals/{second}/comments", by=acting, kind="other", text=EVIL)
    evil = [EVIL]
    return ana, {
        "/": evil,
        f"/search?{urlencode({'q': EVIL[:30]})}": evil,
        f"/search?{urlencode({'q': EVIL + EVIL})}": [EVIL + EVIL],
        f"/sign-in?{urlencode({'to': '/' + EVIL})}": [],
        **{f"/piece/{work}": [EVIL, URI] for work in (poem, outside)},
        **{f"/{page}/{whole}": evil for page in ("release", "list", "history")},
        f"/contributor/{ana}": evil,
        f"/history/{ana}": evil,
        f"/works/{whole}/lineage.svg": [],
        f"/credit/{credit}": evil,
        f"/credit/{editor}": evil,
        f"/remix/{edge}": [URI],
        f"/post?source={outside}": [URI],
        f"/piece/{poem}/sources": evil,
        f"/piece/{poem}/credits": evil,
        f"/pool/{pool}": evil,
        f"/pools/{pool}/split.svg": [],
        f"/proposal/{proposal}": [EVIL, URI],
        f"/proposal/{second}": [EVIL, URI],
        f"/proposal/{second}/revise": [EVIL, URI],
        f"/entry/{division}": [EVIL, URI],
        f"/entry/{division}/why?payee={ana}": evil,
        f"/statement/{ana}": evil,
        "/waiting": evil,
    }


def test_whatever_is_typed_is_shown_as_it_is_and_never_run(
    browser: Browser, served: Served
) -> None:
    ana, pages = everything(served)
    with reader(browser, served.origin) as page:
        sign_in(page, served.operator.key or "")
        for path, texts in pages.items():
            if path == "/waiting":
                sign_in(page, served.service.keys.create(ana))
            answer = page.goto(path, wait_until="domcontentloaded")
            assert answer is not None
            assert answer.status == 200, path
            strange = page.locator("[data-evil], [onload], [onerror], a[href^=javascript]")
            assert strange.count() == 0, path
            seen = page.evaluate("(document.body ?? document.documentElement).textContent")
            for text in texts:
                assert text in seen, (path, text)
            assert ">49" not in page.content(), path
        page.goto(f"/post?{urlencode({'source': URI})}")
        page.get_by_label("Title", exact=True).fill(EVIL)
        page.get_by_label("Medium").fill(EVIL[:40])
        page.get_by_label("Find a person").press_sequentially("<script>alert", delay=0)
        page.get_by_role("button", name=f"Add {EVIL}").click()
        page.get_by_label("Role", exact=True).fill(EVIL)
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("alert")).to_contain_text(EVIL)
        expect(page.get_by_label("Title", exact=True)).to_have_value(EVIL)
        page.get_by_label("Role", exact=True).fill("writer")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("definition").first).to_have_text(EVIL)
        assert page.locator("[data-evil]").count() == 0


def test_a_claim_asks_for_a_kind_of_evidence_and_a_join_is_undone_by_clicking(
    browser: Browser, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, public_pages=True, claim_evidence=("contract",)) as served:
        one, two = served.post_piece("One"), served.post_piece("Two")
        ben = served.service.keys.create(served.admit("Ben"))
        with reader(browser, served.origin) as page:
            page.set_default_timeout(6000)
            sign_in(page, ben)
            page.goto(f"/piece/{one}")
            page.get_by_role("link", name="Claim or give a credit").click()
            page.get_by_label("Role", exact=True).fill("translator")
            page.get_by_role("textbox", name="Evidence").fill("The letters of April.")
            page.get_by_role("button", name="Preview").click()
            expect(page.get_by_role("alert")).to_contain_text("evidence of one of these kinds")
            page.get_by_label("Kind of evidence").select_option("contract")
            page.get_by_role("button", name="Preview").click()
            page.get_by_role("button", name="Record this").click()
            page.get_by_role("link", name="waiting for the operator").click()
            expect(page.locator("main")).to_contain_text("contract")
        with reader(browser, served.origin) as page:
            page.set_default_timeout(6000)
            sign_in(page, served.operator.key or "")
            page.goto(f"/piece/{one}")
            page.get_by_text("Correct, withdraw and more").click()
            page.get_by_role("link", name="Join two works that are the same").click()
            page.get_by_label("Into").fill(two)
            page.get_by_role("button", name="Preview").click()
            page.get_by_role("button", name="Record", exact=False).click()
            page.goto(f"/piece/{one}")
            expect(page.get_by_role("heading", name="Two", exact=True)).to_be_visible()
            page.get_by_role("link", name="undo").click()
            page.get_by_label("Reason").fill("They are two.")
            page.get_by_role("button", name="Preview").click()
            page.get_by_role("button", name="Record", exact=False).click()
            page.goto(f"/piece/{one}")
            expect(page.get_by_role("heading", name="One", exact=True)).to_be_visible()
            expect(page.get_by_role("link", name="undo")).to_have_count(0)


# -- gone back to --------------------------------------------------------------------------------


@pytest.mark.parametrize("js", [True, False], ids=["script", "plain"])
def test_a_form_that_is_gone_back_to_and_sent_again_records_once_and_says_so(
    browser: Browser, served: Served, *, js: bool
) -> None:
    post = served.operator.post
    song = served.post_piece("A refrain")
    whole = post("/releases", title="A refrain (Single)", components=[{"work": song}]).id
    said = {"name": "Refrain", "kind": "song", "currency": "EUR"}
    pool = post(f"/releases/{whole}/pools", said | {"terms": TERMS}).id

    def send(page: Page, amount: str) -> None:
        for label, text in {"Amount": amount, "Source": "store", "Date": "2026-01"}.items():
            page.get_by_role("main").get_by_label(label).first.fill(text)
        page.get_by_role("button", name="Record it").click()

    def booked() -> list[int]:
        found = served.operator.get(f"/pools/{pool}/revenue").items
        return [one["amount_minor"] for one in found]

    with reader(browser, served.origin, js=js) as page:
        sign_in(page, served.operator.key or "")
        page.goto(f"/do/revenue?pool={pool}")
        send(page, "12.00")
        expect(page.get_by_role("status")).to_contain_text("This was recorded at position")
        page.go_back()
        send(page, "12.00")
        expect(page.get_by_role("status")).to_contain_text("This was recorded before")
        assert booked() == [1_200]
        page.go_back()
        send(page, "13.00")
        expect(page.get_by_role("alert")).to_contain_text("This form was sent before")
        expect(page.get_by_role("main").get_by_label("Amount").first).to_have_value("13.00")
        assert booked() == [1_200]
        page.get_by_role("button", name="Record it").click()
        expect(page.get_by_role("status")).to_contain_text("This was recorded at position")
        assert sorted(booked()) == [1_200, 1_300], "asked for on purpose, it is another"


def test_what_was_typed_is_still_there_after_a_look_at_another_page(
    browser: Browser, served: Served
) -> None:
    """Browsers restore no field that is not to be completed: before, the title was lost."""
    typed = {
        "/post": {"title": "Refrain", "media_url": "https://example.org/a", "identifiers": "isrc"},
        "/do/revenue": {"amount_minor": "12.00", "source": "store", "effective_at": "2026-01"},
    }
    with reader(browser, served.origin) as page:
        sign_in(page, served.operator.key or "")
        for path, fields in typed.items():
            page.goto(path)
            for id, text in fields.items():
                page.locator(f"#{id}").fill(text)
            page.get_by_role("link", name="People").first.click()
            page.wait_for_url("**/search?kind=people")
            page.go_back()
            for id, text in fields.items():
                expect(page.locator(f"#{id}")).to_have_value(text)


@pytest.mark.parametrize("path", ["/post?source={}", "/assemble?work={}&work={}"])
def test_every_form_of_something_new_keeps_its_id_in_its_address(
    browser: Browser, served: Served, path: str
) -> None:
    works = [served.post_piece(f"Kept {n}") for n in range(2)]
    with reader(browser, served.origin) as page:
        sign_in(page, served.operator.key or "")
        page.goto(path.format(*works))
        hidden = page.locator("main input[name=id]").first
        kept = hidden.get_attribute("value")
        assert f"id={kept}" in page.url
        assert all(work in page.url for work in works[: path.count("{}")])
        page.goto("/")
        page.go_back()
        assert hidden.get_attribute("value") == kept
        page.goto(path.format(*works))
        assert hidden.get_attribute("value") != kept, "opened anew, it is another"


@pytest.mark.parametrize(
    "path, button, typed, secret",
    [
        ("/own-keys", "Make a key", {"Name": "laptop"}, "stemma_"),
        ("/own-keys", "Replace", {}, "stemma_"),
        ("/own-keys", "Replace", {"Hours it stays valid": "0"}, "stemma_"),
        ("/own-webhooks", "Add a webhook", {"Address": "https://example.org/hook"}, "whsec_"),
    ],
)
def test_a_double_click_makes_one_secret_and_shows_it(
    browser: Browser, served: Served, path: str, button: str, typed: dict[str, str], secret: str
) -> None:
    """Before, there were two, of which nobody had seen the first."""
    ana = served.admit(f"Ana of {path}, {button}")
    as_ana = served.acting(ana)
    with reader(browser, served.origin) as page:
        sign_in(page, as_ana.key or "")
        page.goto(path)
        for label, text in typed.items():
            page.get_by_label(label).first.fill(text)
        page.get_by_role("button", name=button).dblclick()
        shown = page.get_by_role("status").locator("code")
        expect(shown).to_contain_text(secret)
        made = shown.inner_text()
        page.get_by_role("link", name="People").first.click()
    if path == "/own-webhooks":
        assert len(as_ana.get("/webhooks").items) == 1
    else:
        assert len(served.client(made).get("/keys").items) == 2, "the one signed in with, and this"
        assert served.service.keys.holder_of(made) == ana


def test_a_form_that_is_sent_again_makes_another_key_once_its_own_has_ended(
    browser: Browser, served: Served
) -> None:
    as_ana = served.acting(served.admit("Ana of the ended"))
    with reader(browser, served.origin) as page:
        sign_in(page, as_ana.key or "")
        page.goto("/own-keys")
        said = page.locator("form:has(#label) input").evaluate_all(
            "(all) => Object.fromEntries(all.map((one) => [one.name, one.value]))"
        )

        def made() -> str:
            answer = page.request.post("/own-keys", form={**said, "do": "make"})
            return re.findall(r"stemma_[\w-]{43}", answer.text())[0]

        first = made()
        assert made() == first
        as_ana.post(f"/keys/{served.service.keys.named(first).name}/end")
        assert served.service.keys.holder_of(made()) is not None


def test_the_preview_below_a_form_is_where_its_button_leads(
    browser: Browser, served: Served
) -> None:
    """The page looked the same as before, with the preview and its button far below."""
    song = served.post_piece("A song with a preview")
    whole = served.operator.post("/releases", title="Shown", components=[{"work": song}]).id
    with reader(browser, served.origin, js=False) as page:
        sign_in(page, served.operator.key or "")
        page.goto(f"/release/{whole}/pool")
        page.get_by_label("Name").fill("the book")
        page.get_by_label("Currency").fill("EUR")
        page.get_by_role("main").get_by_role("button", name="Preview").press("Enter")
        preview = page.get_by_role("heading", name="Preview")
        expect(preview).to_be_focused()
        expect(preview).to_be_in_viewport()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Open the pool")).to_be_focused()


def test_terms_before_and_from_then_on_stand_side_by_side_on_a_phone(
    browser: Browser, served: Served
) -> None:
    """What would be recorded was beyond the edge, beside the button that records it."""
    ana = served.admit("Ana of the phone")
    proposal = propose(served, "A barcarole", [[ana, "1"]])
    pool = served.operator.get(f"/proposals/{proposal}").json["pool"]
    with reader(browser, served.origin, width=390) as page:
        sign_in(page, served.operator.key or "")
        page.goto(f"/pool/{pool}/amend")
        page.get_by_label("From when").fill("2026-12")
        page.get_by_label("A part for the house").check()
        page.get_by_role("button", name="Choose these terms").click()
        page.get_by_label("The house", exact=True).fill("operator")
        page.get_by_label("Its part").fill("10 %")
        page.get_by_label("Why").fill("The house grew.")
        page.get_by_role("button", name="Preview").click()
        table = page.get_by_role("region").filter(has_text="From then on")
        expect(table).to_contain_text("1,000.00 EUR")
        assert table.evaluate("it => it.scrollWidth - it.clientWidth") == 0
