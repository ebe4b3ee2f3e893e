"""The producer's story by clicking only: from an empty installation to a split that all accept.

Rule: nobody is given an id, an address or a command; what is done is done as the pages offer it.
"""

import re

from browsing import look_at
from clicking import Stage, admit, go, publish
from playwright.sync_api import Page, expect
from test_browser import find


def post(page: Page, title: str) -> None:
    go(page, "Post")
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Medium").fill("audio")
    page.get_by_label("Role", exact=True).fill("composer")
    publish(page, title)


def test_a_release_is_assembled_cleared_published_and_its_split_accepted(stage: Stage) -> None:
    clock, js = stage.clock, stage.js
    operator = stage.window()
    ana, ben = (stage.window(admit(operator, name)) for name in ("Ana", "Ben"))
    post(ben, "A beat")
    post(ana, "A song")

    assemble(ana, js=js)
    go(ana, "What stands in the way")
    ana.get_by_role("button", name="Publish it anyway").click()
    expect(ana.get_by_text("published", exact=False).first).to_be_visible()
    go(ana, "Producer", "Open a pool for The album")
    open_pool(ana, js=js)
    go(ana, "Propose shares")
    propose(ana, js=js)
    proposal = ana.url

    go(ben, "Waiting for you")
    ben.get_by_role("main").locator("a.button").first.click()
    ben.get_by_label("Subject").select_option("too_little")
    ben.get_by_label("Comment", exact=True).fill("The beat is half of it.")
    ben.get_by_role("button", name="Comment").click()
    expect(ben.get_by_text("The beat is half of it.")).to_be_visible()

    go(ana, "Producer", "Answer 1 comment for The album")
    go(ana, "Revise the shares")
    ana.get_by_label("Your answer").fill("So it is.")
    for payee in ("Ana", "Ben"):
        ana.get_by_label(f"Share of {payee}").fill("1/2")
    ana.get_by_role("button", name="Preview").click()
    ana.get_by_role("button", name="Revise the proposal").click()
    clock.ahead += clock.WINDOW
    go(ana, "Producer", "Make the shares final for The album")
    ana.get_by_role("button", name="Make it final").click()
    go(ana, "Producer")
    expect(ana.get_by_role("main")).to_contain_text("missing: Ana, Ben")
    if js:
        look_at(ana, "producer")
    for page in (ana, ben):
        page.goto(proposal)
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_text("An accepted share can no longer be declined")).to_be_visible()
    go(ana, "Producer")
    expect(ana.get_by_role("main")).to_contain_text("everyone has accepted")


def assemble(page: Page, *, js: bool) -> None:
    """A release of two pieces, which are put in order by the keyboard."""
    go(page, "Producer", "Assemble a release")
    page.get_by_label("Title", exact=True).fill("The album")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_be_visible()
    for title in ("A song", "A beat"):
        find(page, "Find a component", title, title, js=js)
    page.get_by_label("Rate").first.fill("70 %")
    page.get_by_label("Rate").last.fill("much")
    up = page.get_by_role("button", name="Up A beat")
    up.focus()
    up.press("Enter")
    expect(page.get_by_role("button", name="Up A beat")).to_be_disabled()
    if js:
        drag_there_and_back(page)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Rate").first).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Rate").first.fill("30 %")
    if js:
        look_at(page, "assemble")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("1. A beat")
    expect(page.locator("#sum")).to_contain_text("100 %")
    page.get_by_role("button", name="Assemble it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The album")


def drag_there_and_back(page: Page) -> None:
    """The first of two rows to the end by its handle, and back."""
    for title in ("A beat", "A song"):
        rows = page.locator("ol[data-order] > li")
        expect(rows.first).to_contain_text(title)
        rows.first.locator(".handle").drag_to(rows.last, target_position={"x": 40, "y": 80})
        expect(rows.last).to_contain_text(title)
        expect(page.locator("#moved")).to_contain_text(f"{title} audio is now 2 of 2")
    expect(rows.first).to_contain_text("A beat")


def open_pool(page: Page, *, js: bool) -> None:
    """A pool whose terms are a template that was filled in."""
    page.get_by_label("Name", exact=True).fill("The album, sold")
    page.get_by_role("radio", name="Label and artists, rising").check()
    if not js:
        page.get_by_role("button", name="Choose these terms").click()
    page.get_by_label("The label").fill("Skerry Records")
    page.get_by_role("button", name="Preview").click()
    for wrong in ("Currency", "The artists' part", "Until this much has come in"):
        expect(page.get_by_role("alert")).to_contain_text(wrong)
    page.get_by_label("Currency").fill("EUR")
    page.get_by_label("The artists' part").fill("20 %")
    page.get_by_label("Until this much has come in").fill("10,000.00")
    page.get_by_label("Their part from then on").fill("50 %")
    if not js:
        page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row", name=re.compile("Skerry Records"))).to_contain_text("800.00")
    if js:
        look_at(page, "open-pool")
    page.get_by_role("button", name="Open the pool").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The album, sold")


def propose(page: Page, *, js: bool) -> None:
    """Shares set by hand, seen before they are proposed."""
    page.get_by_role("radio", name="By hand").check()
    if not js:
        page.get_by_role("button", name="Use this method").click()
    page.get_by_label("Share of Ana").fill("70")
    page.get_by_label("Share of Ben").fill("30")
    if not js:
        page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Sum of the shares so far")).to_contain_text("100")
    expect(page.get_by_role("row", name=re.compile("Ana"))).to_contain_text("700.00")
    if js:
        look_at(page, "propose")
    page.get_by_role("button", name="Propose these shares").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Who shares")
