"""Where a piece can be seen or heard: shown from the hosts that the settings allow, else linked.

Rule: what is not allowed is neither in the page nor let in by its policy.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import look_at
from flask import Flask
from playwright.sync_api import Browser, Route
from serving import Served, serving
from test_pages import reader

from api.allowance import read_hosts
from api.web.embedding import policy, seen

HOSTS = ("media.example", "www.youtube-nocookie.com", "tube.example", "w.soundcloud.com")
SQUARE = Path(__file__).parents[1] / "api/web/static/stemma.svg"
"""A picture that browsers draw."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('media') / 'stemma.db'}"
    with serving(database, public_pages=True, media_hosts=HOSTS) as running:
        yield running


@pytest.mark.parametrize(
    "link, kind, let_in",
    [
        ("https://media.example/tide.PNG?size=2", "picture", "img-src 'self' data: https://media"),
        ("https://media.example/tide.ogg", "sound", "media-src https://media.example"),
        ("https://media.example/tide.webm", "film", "media-src https://media.example"),
        (
            "https://www.youtube.com/watch?list=a&v=dQw4w9WgXcQ",
            "player",
            "frame-src 'self' https://www.youtube-nocookie.com",
        ),
        ("https://youtu.be/dQw4w9WgXcQ", "player", "https://www.youtube-nocookie.com"),
        ("https://soundcloud.com/ana/low-tide", "player", "https://w.soundcloud.com"),
        ("https://tube.example/w/9c9de5e8-0a1e", "player", "frame-src 'self' https://tube.example"),
    ],
)
def test_what_an_allowed_host_has_is_shown_and_nothing_else_let_in(
    link: str, kind: str, let_in: str
) -> None:
    with Flask("a").test_request_context():
        found = seen(link, HOSTS)
        allowed = policy()
    assert found is not None
    assert found.kind == kind
    assert let_in in allowed
    assert allowed.count("https://") == 1
    assert "script-src" not in allowed


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/tide.png",
        "http://media.example/tide.png",
        "https://media.example/a-page",
        "https://media.example.evil.example/tide.png",
        "https://ana@media.example/tide.png",
        "https://media.example:8443/tide.png",
        "https://vimeo.com/1234567",
        "https://evil.example/https://media.example/tide.png",
        "https://media.example\\.evil.example/w/9c9de5e8-0a1e",
    ],
)
def test_whatever_else_is_linked_with_the_name_of_its_host(link: str) -> None:
    with Flask("a").test_request_context():
        found = seen(link, HOSTS)
        allowed = policy()
    assert found is not None
    assert (found.kind, found.link) == ("link", link)
    assert "https://" not in allowed


def test_hosts_in_the_settings_are_hosts() -> None:
    assert read_hosts(" Media.Example  localhost:8443 ") == ("media.example", "localhost:8443")
    for wrong in ("https://media.example", "*.example", "media.example;", "'self'", "a/b"):
        with pytest.raises(ValueError, match="is not a host"):
            read_hosts(wrong)


def test_a_link_is_stated_corrected_and_goes_with_the_piece(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    said = {"title": "A song", "medium": "audio"}
    for wrong in ("javascript:alert(1)", "media.example/a.ogg", "data:text/html,a"):
        assert ana.post("/contributions", said | {"media_url": wrong}).code == "bad_uri"
    song = ana.post("/contributions", said | {"media_url": "https://media.example/a.ogg"}).id
    page = reader(served).get(f"/piece/{song}")
    assert '<audio controls preload="none" src="https://media.example/a.ogg"' in page.text
    assert "media-src https://media.example" in page.headers["Content-Security-Policy"]
    link = "https://elsewhere.example/song"
    ana.post(f"/works/{song}/describe", media_url=link, reason="It has moved.")
    page = reader(served).get(f"/piece/{song}")
    assert (
        f'<a href="{link}" rel="noreferrer nofollow">See or hear it on elsewhere.example</a>'
        in page.text
    )
    assert "https://" not in page.headers["Content-Security-Policy"]
    assert served.operator.get(f"/works/{song}").json["media_url"] == link
    ana.post(f"/contributions/{song}/withdraw", reason="I want it back.")
    assert served.operator.get(f"/works/{song}").json["media_url"] is None
    assert "elsewhere.example" not in reader(served).get(f"/piece/{song}").text


def test_a_browser_shows_it_and_asks_nobody_else(browser: Browser, served: Served) -> None:
    """Only the allowed host is asked, and told nothing of the page."""
    ana = served.acting(served.admit("Ana"))
    said = {"title": "A tide", "medium": "image", "media_url": "https://media.example/tide.png"}
    piece = ana.post("/contributions", said).id
    context = browser.new_context(base_url=served.origin)
    asked = []

    def give(route: Route) -> None:
        asked.append((route.request.url, route.request.headers.get("referer")))
        route.fulfill(path=SQUARE)

    context.route("https://**/*", give)
    page = context.new_page()
    page.goto(f"/piece/{piece}")
    picture = page.get_by_role("img", name="A tide")
    drawn = "async (one) => { await one.decode(); return one.naturalWidth }"
    assert picture.evaluate(drawn) > 0
    assert asked == [("https://media.example/tide.png", None)]
    look_at(page, "piece-seen")
    context.close()
