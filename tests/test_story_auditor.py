"""The auditor's story by clicking only: what is wrong is found, and a file is checked."""

from pathlib import Path

from clicking import Stage, admit, go, post, publish, record
from playwright.sync_api import Page, expect
from test_browser import find

DESCRIBE = (
    "State or correct the title, licence, medium or creators of a work, or where it can be seen"
)


def test_what_is_wrong_is_found_and_a_file_is_checked(stage: Stage, tmp_path: Path) -> None:
    operator = stage.window()
    ana, ben = (stage.window(admit(operator, name)) for name in ("Ana", "Ben"))
    auditor = stage.window(admit(operator, "Au", "auditor"))
    post(ben, "A beat", Made="2019")
    post_before_its_source(ana, js=stage.js)
    record(ana, DESCRIBE, title="A song, corrected", reason="A typing error of mine.")
    dispute(ben)
    stage.served.service.log.catch_up()
    go(auditor, "Auditor")
    page = auditor.get_by_role("main")
    expect(page.get_by_text("nothing of one work is in the other")).to_be_visible()
    expect(page.get_by_text("made 1999")).to_be_visible()
    expect(page.get_by_text("A typing error of mine.")).to_be_visible()
    check(auditor, tmp_path)


def post_before_its_source(page: Page, *, js: bool) -> None:
    go(page, "Post")
    page.get_by_label("Title", exact=True).fill("A song")
    page.get_by_label("Medium").fill("audio")
    page.get_by_label("Made", exact=False).first.fill("1999")
    page.get_by_label("Role", exact=True).fill("singer")
    find(page, "Find a source", "A beat", "A beat", js=js)
    publish(page, "A song")


def dispute(page: Page) -> None:
    """Say of one's own piece that nothing was made from it, from what happened to it."""
    go(page, "Stemma")
    page.get_by_role("link", name="view what happened").first.click()
    page.get_by_text("Dispute it").first.click()
    page.get_by_label("What is wrong").select_option("not_derived")
    form = page.locator("#dispute")
    form.get_by_label("Reason").fill("My beat is younger.")
    form.get_by_role("textbox", name="Evidence").fill("The session file.")
    form.get_by_role("button", name="Dispute it").click()
    expect(page.get_by_text("disputed", exact=True)).to_be_visible()


def check(page: Page, folder: Path) -> None:
    """A receipt is downloaded where it is read about, and checked where it can be dropped."""
    with page.expect_download() as download:
        page.get_by_role("link", name="receipt of position").first.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    page.get_by_label("A receipt, such as").set_input_files(file)
    page.get_by_role("button", name="Check").click()
    told = page.get_by_role("status")
    expect(told).to_contain_text("Valid.")
    expect(told).to_contain_text("Ana corrected what is stated about A song")
    file.write_bytes(file.read_bytes().replace(b"extra ", b"extra A", 1))
    page.get_by_label("A receipt, such as").set_input_files(file)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("Invalid: altered, or from another log.")
