"""How people click: links, also those in the menu of desks, and what an operator begins with.

Rule: nobody is given an id, an address or a command; what is done is done as the pages offer it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from browsing import reader, sign_in
from clocks import AheadClock
from playwright.sync_api import Browser, Page, expect
from serving import OPERATOR_KEY, Served, serving

ADMIT = "Register a person or group, who can be credited from then on"
GRANT = "Let a contributor act in a role: a producer for one work or pool, others everywhere"


class Stage(NamedTuple):
    """An empty installation, and windows on it."""

    served: Served
    clock: AheadClock
    browser: Browser
    windows: ExitStack
    js: bool

    def window(self, key: str = OPERATOR_KEY) -> Page:
        """The window of somebody who signs in with a key."""
        page = reader(self.browser, self.served.origin, js=self.js)
        opened = self.windows.enter_context(page)
        sign_in(opened, key)
        return opened


@contextmanager
def empty(browser: Browser, tables: Path, folder: Path, *, js: bool) -> Iterator[Stage]:
    """An installation in which nothing has happened yet; its windows have a script or none."""
    shutil.copy(tables, folder / "stemma.db")
    clock = AheadClock()
    with (
        serving(f"sqlite:///{folder / 'stemma.db'}", clock=clock) as served,
        ExitStack() as windows,
    ):
        yield Stage(served, clock, browser, windows, js)


def go(page: Page, *links: str) -> None:
    """Follow links, each of which may be in the menu of desks or behind a summary.

    Which of these it is can only be said of a page that has arrived whole: until then, a link
    further down is not there yet, however sure the heading is.
    """
    for name in links:
        page.wait_for_load_state("domcontentloaded")
        link = page.get_by_role("link", name=name, exact=True)
        if not link.count():
            link = page.get_by_role("link", name=name, exact=True, include_hidden=True)
            page.locator("details").filter(has=link.first).locator("summary").first.click()
        link.first.click()


def record(page: Page, *links: str, **said: str) -> None:
    """Follow links to a form, fill it in by its labels, and send it."""
    go(page, *links)
    for label, text in said.items():
        field = page.get_by_role("main").get_by_label(label.replace("_", " ").capitalize()).first
        if field.evaluate("(one) => one.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)
    page.get_by_role("main").get_by_role("button").last.click()


def admit(page: Page, name: str, role: str | None = None) -> str:
    """Admit somebody, give them a role if they need one, and make them a key: the key."""
    record(page, "Moderator", ADMIT, name=name)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    if role is not None:
        record(page, GRANT, role=role)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    go(page, "Make a key for them")
    page.get_by_role("button", name="Make a key").click()
    return page.get_by_role("status").locator("code").inner_text()


def post(page: Page, title: str, role: str = "writer", **said: str) -> None:
    """Post a piece of one's own, with what else is said by the labels of the form."""
    go(page, "Post")
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Medium").fill("text")
    page.get_by_label("Role", exact=True).fill(role)
    for label, text in said.items():
        page.get_by_role("main").get_by_label(label.replace("_", " ")).first.fill(text)
    publish(page, title)


def publish(page: Page, title: str) -> None:
    """Look at the preview of a piece, and post it."""
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Post it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
