"""The moderator's story by clicking only: from an empty installation to a dispute settled.

Accounts and works that are the same become one as well, each after a preview.
"""

from browsing import look_at
from clicking import Stage, admit, go, post, record
from playwright.sync_api import Page, expect
from test_browser import find

MERGE = "Merge two contributors who are the same person"
JOIN = "Join two works that are the same: they become one, and no generation is added"


def test_a_dispute_is_settled_and_what_is_the_same_becomes_one(stage: Stage) -> None:
    operator = stage.window()
    ana, ben = (stage.window(admit(operator, name)) for name in ("Ana", "Ben"))
    admit(operator, "Ana Two")
    mo = stage.window(admit(operator, "Mo", "moderator"))
    post(ana, "Low Tide")
    give_credit(ana, js=stage.js)
    dispute(ben)
    answer(ana)
    settle(mo)
    merge(mo, js=stage.js)
    go(ana, "Stemma")
    post(ana, "Low Tide again")
    join(operator)


def give_credit(page: Page, *, js: bool) -> None:
    go(page, "Claim or give a credit")
    find(page, "Find a person", "Ben", "Ben", js=js)
    page.get_by_label("Role", exact=True).fill("editor")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Record this").click()


def dispute(page: Page) -> None:
    """Say that a credit of one's own is wrong, from what waits for one."""
    page.get_by_role("link", name="Answer about Low Tide").or_(
        page.get_by_role("link", name="Waiting for you")
    ).first.click()
    page.get_by_role("link", name="Answer about Low Tide").click()
    page.get_by_text("Dispute it").first.click()
    page.get_by_label("What is wrong").select_option("wrong_role")
    form = page.locator("#dispute")
    form.get_by_label("Reason").fill("I wrote half of it.")
    form.get_by_role("textbox", name="Evidence").fill("The letters of May.")
    form.get_by_role("button", name="Dispute it").click()
    expect(page.get_by_text("disputed", exact=True)).to_be_visible()


def answer(page: Page) -> None:
    page.get_by_role("link", name="Waiting for you").click()
    page.get_by_role("link", name="Answer about Low Tide").click()
    page.locator("#answer").get_by_label("Reason").fill("He moved two commas.")
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("status")).to_contain_text("recorded")


def settle(page: Page) -> None:
    """Both sides are read beside each other; nothing is chosen before somebody chooses."""
    go(page, "Moderator")
    for words in ("I wrote half of it.", "The letters of May.", "He moved two commas."):
        expect(page.get_by_text(words)).to_be_visible()
    page.get_by_role("link", name="Settle").click()
    form = page.locator("#settle")
    expect(form.locator("input:checked")).to_have_count(0)
    replaces = form.get_by_role("group", name="If it was corrected: by what?")
    expect(replaces).to_be_hidden()
    form.get_by_role("radio", name="Corrected").check()
    expect(replaces).to_be_visible()
    form.get_by_label("Reason").fill("Two commas are editing, and both agreed.")
    form.get_by_role("button", name="End the dispute").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what replaces it")
    expect(form.get_by_role("radio", name="Corrected")).to_be_checked()
    form.get_by_role("radio", name="Nothing replaces it").check()
    form.get_by_role("button", name="End the dispute").click()
    expect(page.get_by_role("status")).to_contain_text("recorded")
    go(page, "Moderator")
    expect(page.get_by_text("No dispute is waiting for your decision.")).to_be_visible()


def merge(page: Page, *, js: bool) -> None:
    record(page, MERGE, contributor="Ana Two", into="Ana", reason="She signed up twice.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preview")
    expect(page.get_by_role("main")).to_contain_text("are one person, called Ana")
    if js:
        look_at(page, "merge-preview")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_text("This account was merged into Ana")).to_be_visible()


def join(page: Page) -> None:
    record(page, "Moderator", JOIN, work="Low Tide again", into="Low Tide", reason="Posted twice.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preview")
    expect(page.get_by_role("main")).to_contain_text("Low Tide has 0 sources, 2 credits")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("status")).to_contain_text("recorded")
    expect(page.get_by_text("are the same: Posted twice.")).to_be_visible()
