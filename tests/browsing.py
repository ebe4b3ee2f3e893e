"""A real browser, driven: Chromium as the machine has it, and the checks every page is held to.

Rule: what a page does in it is what people get; only what the browser's maker adds is turned off.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    Playwright,
    Request,
    expect,
)

FLAGS = (
    "--font-render-hinting=slight",  # as the browser with windows has it
    "--no-sandbox",  # a container's root has none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = (
    # The same engine without windows takes a third of the time (scripts/test gets it).
    "chromium-headless-shell",
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
FONTS = {
    "DejaVu": "DejaVuSans*.ttf",
    "Liberation": "LiberationSans*.ttf",
    "Noto CJK": "NotoSansCJK*.ttc",
}
"""Families of which a machine may have only one, by their files: wide, narrow, and of the East."""
FONT_FOLDERS = (
    *map(Path, filter(None, [os.environ.get("STEMMA_TEST_FONTS")])),
    *(Path("/usr/share/fonts"), Path("/usr/local/share/fonts")),
    Path.home() / ".local/share/fonts",
)
SHOTS = Path(__file__).resolve().parents[1] / "screenshots"
"""Where a picture of every page is left, for people to look at, if they have made this folder: to
draw them takes a third of the time of looking at pages."""

Scheme = Literal["light", "dark"]

LOOKED_AT: tuple[tuple[int, Scheme], ...] = (
    *((360, "dark"), (768, "light"), (1280, "dark"), (1920, "light")),
)
"""The windows every page is seen in."""
CHECKED = (360, 1920)
"""Where axe looks as well, which takes longest: the narrowest and the widest, in either scheme."""

PATIENCE_SECONDS = 60
"""How long a page may take on a machine that has much else to do."""
expect.set_options(timeout=PATIENCE_SECONDS * 1000)

_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of [45]")


def chromium() -> str | None:
    """The browser: the one that is named, or the machine's; None for Playwright's own."""
    named = os.environ.get("STEMMA_TEST_CHROMIUM")
    return named or next(filter(is_browser, filter(None, map(shutil.which, NAMES))), None)


def is_browser(path: str) -> bool:
    """Whether the command is what it is called; on some systems it only names a store."""
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


@contextmanager
def running_browser(driver: Playwright, **environment: str) -> Iterator[Browser]:
    """One browser; contexts in it know nothing of each other."""
    try:
        browser = driver.chromium.launch(
            executable_path=chromium(), args=list(FLAGS), env={**os.environ, **environment}
        )
    except Error as why:
        pytest.fail(f"no Chromium (scripts/test gets one, or STEMMA_TEST_CHROMIUM): {why}")
    yield browser
    browser.close()


def files_of(family: str) -> dict[str, Path]:
    """The files of a family of fonts, by their names, wherever this machine has them."""
    places = filter(Path.is_dir, FONT_FOLDERS)
    return {path.name: path for place in places for path in place.rglob(FONTS[family])}


def only(family: str, folder: Path) -> dict[str, str]:
    """The environment of a browser for which a machine has no font but those of one family."""
    found = files_of(family)
    if not found:
        pytest.fail(f"no {family} (scripts/test gets it, or STEMMA_TEST_FONTS names its folder)")
    for name, path in found.items():
        (folder / name).symlink_to(path)
    settings = folder / "fonts.conf"
    settings.write_text(
        f"<fontconfig><dir>{folder}</dir><cachedir>{folder}/cache</cachedir>"
        '<include ignore_missing="yes">/etc/fonts/conf.d</include></fontconfig>'
    )
    return {"FONTCONFIG_FILE": str(settings)}


@contextmanager
def reader(
    browser: Browser, origin: str, *, width: int = 1280, scheme: Scheme = "light", js: bool = True
) -> Iterator[Page]:
    """Somebody with a window of their own; whatever the page complains about fails the test."""
    context = browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=js,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    complaints: list[str] = []

    def listen(said: ConsoleMessage) -> None:
        # That a page itself is a refusal is no complaint of it.
        is_page = said.location["url"].partition("#")[0] == page.url.partition("#")[0]
        if said.type == "error" and not (is_page and _REFUSED.match(said.text)):
            complaints.append(f"{page.url}: {said.text}")

    def watch(sent: Request) -> None:
        if not sent.url.startswith((origin, "data:")):
            complaints.append(f"{page.url}: asked {sent.url}")

    def refuse(asked: Dialog) -> None:
        complaints.append(f"{page.url}: a dialog, {asked.message}")
        asked.dismiss()

    page.on("console", listen)
    page.on("dialog", refuse)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("request", watch)
    try:
        yield page
    finally:
        context.close()
    assert complaints == []


def sign_in(page: Page, key: str) -> None:
    """Sign in the way people do."""
    page.goto("/sign-in")
    page.get_by_label("Your key").fill(key)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def findings(page: Page, within: str | None = None) -> list[str]:
    """What axe finds, each with where it is; within a part of a long page."""
    # What is in order is not told one by one: that takes longer than to find it.
    only = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    if not page.evaluate("'axe' in window"):  # it is large, and faster the second time
        page.evaluate(AXE_SCRIPT)
    told = page.evaluate("([within, only]) => axe.run(within || document, only)", [within, only])
    found: list[dict[str, Any]] = told["violations"]
    return [
        f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


def look_at(page: Page, name: str, within: str | None = None) -> None:
    """Hold a page to what every page is held to; a picture is left, but of a part of a long one."""
    for width, scheme in LOOKED_AT:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert overflow(page) <= 0, f"{name}, {width}"
        if within is None:
            keep(page, f"{name}-{width}-{scheme}")
        if width in CHECKED:
            assert findings(page, within) == [], f"{name}, {width}, {scheme}"


def keep(page: Page, name: str) -> None:
    """Leave a picture of the whole page for those who want one."""
    if SHOTS.is_dir():
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
