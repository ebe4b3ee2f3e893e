"""The artist's story by clicking only: a piece is posted, corrected, used and looked after."""

from browsing import look_at
from clicking import Stage, admit, go, post, publish, record
from playwright.sync_api import Page, expect

DESCRIBE = (
    "State or correct the title, licence, medium or creators of a work, or where it can be seen"
)
WITHDRAW = "Withdraw a piece: its title is erased everywhere, for ever"
ASK = "Ask others to make something; any number of pieces may answer"
LINK = "https://media.example/low-tide.ogg"


def test_a_piece_is_posted_corrected_used_and_another_withdrawn(stage: Stage) -> None:
    operator = stage.window()
    ana, ben = (stage.window(admit(operator, name)) for name in ("Ana", "Ben"))
    record(ben, "Everything else", ASK, title="Draw the sea", prompt="Any sea will do.")
    begin(ana)
    post(ana, "Low Tied", Where_it_can_be=LINK)
    expect(ana.get_by_role("link", name="See or hear it on media.example")).to_be_visible()
    correct(ana)
    use(ben)
    ana.get_by_role("link", name="Stemma").first.click()
    see_where_it_went(ana, js=stage.js)
    answer_a_challenge(ana)
    withdraw(ana)
    change_name(ana)
    make_and_end_a_key(ana)


def begin(page: Page) -> None:
    """The start page is one's own, and says what to begin with."""
    page.get_by_role("link", name="Stemma").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana")
    expect(page.get_by_text("Nothing is waiting for your answer.")).to_be_visible()
    expect(page.get_by_text("You have no credits yet.")).to_be_visible()


def correct(page: Page) -> None:
    record(page, DESCRIBE, title="Low Tide", reason="A typing error.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Low Tide")


def use(page: Page) -> None:
    """Somebody else finds the piece and makes something from it."""
    page.get_by_label("Search works and people").fill("tide")
    page.get_by_role("button", name="Search").click()
    go(page, "Low Tide", "Make something from it")
    page.get_by_label("Title", exact=True).fill("High Tide")
    page.get_by_label("Medium").fill("audio")
    page.get_by_label("Role", exact=True).fill("singer")
    page.get_by_label("Kind", exact=True).select_option("adaptation")
    publish(page, "High Tide")


def see_where_it_went(page: Page, *, js: bool) -> None:
    expect(page.get_by_text("went into High Tide")).to_be_visible()
    expect(page.get_by_role("link", name="1 work made from it")).to_be_visible()
    news = page.get_by_role("region", name="What happened")
    expect(news).to_contain_text("Ben")
    expect(page.get_by_role("region", name="What you earned")).to_contain_text("Nothing yet.")
    if js:
        look_at(page, "artist-desk")


def answer_a_challenge(page: Page) -> None:
    go(page, "Draw the sea", "Post an answer")
    page.get_by_label("Title", exact=True).fill("A sea")
    page.get_by_label("Medium").fill("image")
    page.get_by_label("Role", exact=True).fill("artist")
    publish(page, "A sea")
    expect(page.get_by_text("Answers Draw the sea", exact=True)).to_be_visible()


def withdraw(page: Page) -> None:
    record(page, WITHDRAW, reason="I want it back.")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("a withdrawn piece")


def change_name(page: Page) -> None:
    page.get_by_role("link", name="Stemma").first.click()
    record(page, "Change your name", name="Ana Ray")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Ray")


def make_and_end_a_key(page: Page) -> None:
    go(page, "Keys")
    page.get_by_label("Name (optional)").fill("laptop")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_role("status")).to_contain_text("stemma_")
    laptop = page.get_by_role("listitem").filter(has_text="laptop")
    laptop.get_by_role("button", name="End now").click()
    ended = page.get_by_role("listitem").filter(has_text="laptop")
    expect(ended).to_contain_text("ended")
    expect(ended.get_by_role("button")).to_have_count(0)
