"""The accountant's work by clicking only: from a shop's statement to a settled payout and a closed
period, in an installation that was empty.

Rule: whatever the story needs is made by pressing what the pages show, with a script and without.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import look_at, reader, sign_in
from playwright.sync_api import Browser, Page, expect
from serving import OPERATOR_KEY, Served, serving

STATEMENT = """Shop;Month;Country;Quantity;Net Revenue
Tide Store;2026-03;DE;100;80.005
Tide Store;2026-03;US;50;40.00
Tide Store;2026-03;US;-1;-0.80
Other Shop;2026-03;US;x;twelve
"""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Served]:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", public_pages=True) as running:
        yield running


def recorded(page: Page, command: str, **said: str) -> str:
    """Fill in the form of a command and press its button; the id in the address it leads to."""
    page.goto("/do")
    page.get_by_role("main").locator(f'a[href$="/do/{command}"]').click()
    for field, text in said.items():
        page.locator(f"[name={field}]").first.fill(text)
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("button", name="Record it")).to_have_count(0)
    return page.url.partition("?")[0].rpartition("/")[2]


def community(page: Page) -> tuple[str, str]:
    """A release with a pool that its terms divide; the pool, and the key of the accountant."""
    sign_in(page, OPERATOR_KEY)
    ana, kim = (recorded(page, "contributor", name=name) for name in ("Ana", "Kim"))
    page.goto("/do/contributor.grant-role")
    page.locator("[name=id]").fill(kim)
    page.locator("[name=role]").select_option("accountant")
    page.get_by_role("button", name="Record it").click()
    piece = recorded(page, "contribution", title="Low Tide", medium="audio")
    whole = recorded(page, "release", title="Tides", components=piece)
    terms = f'{{"type": "fixed", "shares": [["{ana}", "3/4"], ["house", "1/4"]]}}'
    page.goto("/do/pool")
    for field, text in {
        "release": whole,
        "name": "Sales",
        "currency": "EUR",
        "terms": terms,
    }.items():
        page.locator(f"[name={field}]").fill(text)
    page.locator("[name=kind]").select_option("song")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sales")
    pool = page.url
    page.get_by_text("Desk", exact=True).click()
    page.get_by_role("link", name="Keys").click()
    page.get_by_label("For whom").fill(kim)
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".done code").inner_text()
    page.get_by_role("button", name="Sign out").click()
    return pool, key


@pytest.mark.parametrize(
    "js",
    [pytest.param(True, marks=pytest.mark.slow), False],
    ids=["with-script", "without-script"],
)
def test_from_a_statement_to_a_closed_period(
    browser: Browser, empty: Served, tmp_path: Path, js: bool
) -> None:
    statement = tmp_path / "march.csv"
    statement.write_text(STATEMENT)
    with reader(browser, empty.origin, js=js) as page:
        pool, key = community(page)
        sign_in(page, key)
        page.get_by_text("Desk", exact=True).click()
        page.get_by_role("link", name="Accountant").click()
        main = page.get_by_role("main")
        main.get_by_role("link", name="Upload a shop's statement").click()
        page.get_by_label("The file").set_input_files(statement)
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("alert")).to_contain_text("no column called pool")
        page.get_by_label("The file").set_input_files(statement)
        page.get_by_label("Pool").fill(pool)
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("status")).to_contain_text("1 will be recorded")
        expect(page.get_by_role("status")).to_contain_text("1 refused")
        expect(main).to_contain_text("119.21 EUR")
        page.get_by_role("button", name="Record 1 line, without the refused ones").click()
        expect(page.get_by_role("status")).to_contain_text("1 recorded")
        main.get_by_role("link", name="Back to the desk").click()
        expect(main).to_contain_text("119.21")

        main.get_by_role("link", name="Revenue and expenses").click()
        page.get_by_role("link", name="reverse").click()
        page.get_by_label("Amount in EUR").fill("19.21")
        page.get_by_label("Reason").fill("Chargeback.")
        page.get_by_role("button", name="Record it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sales")
        expect(main).to_contain_text("19.21 EUR reversed")
        page.get_by_text("Desk", exact=True).click()
        page.get_by_role("link", name="Accountant").click()

        main.get_by_role("link", name="Pay out").click()
        expect(page.get_by_label("Currency")).to_have_value("EUR")  # the only one that is owed
        page.get_by_label("Smallest amount").fill("50.00")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("row", name="Ana")).to_contain_text("75.00 EUR")
        expect(page.get_by_role("row", name="house")).to_contain_text("Below the minimum")
        page.get_by_role("button", name="Issue 1 payout").click()
        expect(page.get_by_role("row", name="Ana")).to_contain_text("on the way")
        page.get_by_label("Bank reference of the payout to Ana").fill("SEPA 7781")
        page.get_by_role("button", name="They arrived").click()
        expect(page.get_by_role("row", name="Ana")).to_contain_text("SEPA 7781")
        expect(page.get_by_role("button", name="They arrived")).to_have_count(0)

        main.get_by_role("link", name="Accountant").click()
        main.get_by_role("link", name="Close the books up to a date").click()
        page.get_by_label("Until").fill("2026-04")
        page.get_by_role("button", name="Record it").click()
        expect(main).to_contain_text("Closed for everything earned before 2026-04-01")
        main.get_by_role("link", name="Reports", exact=True).first.click()
        expect(page.get_by_role("row", name="paid payouts that have arrived")).to_contain_text(
            "75.00"
        )


@pytest.mark.slow
def test_every_page_of_the_desk_fits_and_axe_finds_nothing(
    browser: Browser, empty: Served, tmp_path: Path
) -> None:
    post, (ana, ben) = empty.operator.post, (empty.admit(name) for name in ("Ana", "Ben"))
    song = empty.post_piece("Low Tide", by=ana)
    whole = post("/releases", title="Tides of the North", components=[{"work": song}]).id
    terms = {"type": "fixed", "shares": [[ana, "1/2"], ["house", "1/4"], [ben, "1/4"]]}
    for name, currency in (("Sales", "EUR"), ("America", "USD")):
        said = {"name": name, "kind": "song", "currency": currency, "terms": terms}
        pool = post(f"/releases/{whole}/pools", said).id
        for month in range(1, 10):
            earned = {"effective_at": f"2026-0{month}", "document": f"statement {month}"}
            post(f"/pools/{pool}/revenue", source="store", amount_minor=12_345 * month, **earned)
    batch = post("/payout-batches", currency="USD").id
    statement = tmp_path / "april.csv"
    statement.write_text(STATEMENT)
    desk = "/desk/accountant"
    with reader(browser, empty.origin) as page:
        sign_in(page, OPERATOR_KEY)
        for name in ("import", "batches", f"batch/{batch}", "bookings", "balances", "pools"):
            page.goto(f"{desk}/{name}")
            look_at(page, f"accountant-{name.partition('/')[0]}")
        page.goto(f"{desk}/reports")
        look_at(page, "accountant-reports")
        page.goto(f"{desk}/import")
        page.get_by_label("The file").set_input_files(statement)
        page.get_by_label("Pool").fill(pool)
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("status")).to_contain_text("1 refused")
        look_at(page, "accountant-imported")
