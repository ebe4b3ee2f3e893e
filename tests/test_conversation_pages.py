"""Pages of the conversation: comment, reply, change, remove and follow, without a script."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

import pytest
from serving import Served, serving
from test_pages import Page, Reader, reader
from test_together_pages import send, shown, signed_in

from domain.identity import part_id


@dataclass
class Scene:
    """A piece, a project and a challenge of Ana's; Ben, who comments, and Moe, who moderates."""

    served: Served
    ana: str
    ben: str
    moe: str
    pages: dict[str, str]
    """The page of each thing, by its kind."""

    def as_(self, person: str) -> Reader:
        return signed_in(self.served, person)

    def id_of(self, kind: str) -> str:
        return self.pages[kind].rpartition("/")[2]

    def comments(self, **on: str) -> list[dict[str, str]]:
        """The comments that the API answers."""
        found: list[dict[str, str]] = self.served.operator.get("/comments", **on).items
        return found

    def seen(self, path: str) -> str:
        return shown(reader(self.served).get(path))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    database = f"sqlite:///{tmp_path_factory.mktemp('talking') / 'stemma.db'}"
    with serving(database, public_pages=True) as served:
        ana, ben, moe = served.admit("Ana"), served.admit("Ben <b>"), served.admit("Moe")
        served.operator.post(f"/contributors/{moe}/grant-role", role="moderator")
        lead = served.acting(ana)
        song = lead.post("/contributions", title="A <i>song</i>", medium="audio").id
        said = {"title": "A tower", "goal": "It walks.", "kind": "comic"}
        book = lead.post("/projects", said | {"steps": [{"title": "Ink"}]}).id
        call = lead.post("/challenges", title="Draw him", prompt="From behind.").id
        album = lead.post("/releases", {"title": "Album", "components": [{"work": song}]}).id
        pages = {"work": f"/piece/{song}", "project": f"/project/{book}"}
        pages |= {"challenge": f"/challenge/{call}", "release": f"/release/{album}"}
        pages |= {"contributor": f"/contributor/{ana}"}
        yield Scene(served, ana, ben, moe, pages)


def led_to(page: Page) -> str:
    """The path to which a form led."""
    assert page.status == 303, page.text
    return urlsplit(page.headers["Location"]).path


@pytest.mark.parametrize("kind", ["work", "project", "challenge", "release"])
def test_a_comment_is_written_on_the_page_and_stands_there(scene: Scene, kind: str) -> None:
    browser, page = scene.as_(scene.ben), scene.pages[kind]
    assert "Your comment" in shown(browser.get(page))
    assert "Your comment" not in scene.seen(page)
    on = {"work" if kind == "release" else kind: scene.id_of(kind)}
    text = f"Hello @Ana, <i>on the {kind}</i>"
    answer = send(browser, "/do/comment", text=text, **on)
    assert led_to(answer).rpartition("/")[2] == scene.id_of(kind)
    seen = reader(scene.served).get(page)
    assert f"Hello @Ana, <i>on the {kind}</i>" in shown(seen)
    assert f'@<a href="/contributor/{scene.ana}"><bdi>Ana</bdi></a>, &lt;i&gt;on' in seen.text


def test_a_comment_on_a_step_says_so_on_the_page_of_its_project(scene: Scene) -> None:
    book = scene.id_of("project")
    said = {"project": book, "step": part_id(book, "step", 0), "text": "Inkier"}
    send(scene.as_(scene.ben), "/do/comment", **said)
    assert "on the step “Ink”" in scene.seen(scene.pages["project"])


def test_a_reply_is_written_on_the_page_of_a_comment(scene: Scene) -> None:
    song = scene.id_of("work")
    first = scene.served.acting(scene.ben).post("/comments", work=song, text="Is it done?").id
    browser = scene.as_(scene.ana)
    page = browser.get(f"/comment/{first}")
    assert "Your reply" in shown(page)
    assert {"Change it", "Remove it"}.isdisjoint(shown(page).split("\n"))
    answer = send(browser, "/do/comment", reply_to=first, work=song, text="Nearly.")
    assert "Nearly." in scene.seen(led_to(answer)), "however long its thread is"
    assert "Nearly." in scene.seen(f"/comment/{first}")


def test_a_comment_sent_twice_is_posted_once_until_it_is_removed(scene: Scene) -> None:
    """Gone back to, the page is loaded again, with what was typed: it is the same comment."""
    song = scene.id_of("work")
    browser = scene.as_(scene.ben)

    def posted() -> list[str]:
        told = [one for one in scene.comments(work=song) if one["text"] == "Only once"]
        return [one["id"] for one in told if not one["removed"]]

    for _ in range(2):
        browser.get(scene.pages["work"])
        send(browser, "/do/comment", work=song, text="Only once")
    (first,) = posted()
    send(browser, "/do/comment", work=song, text="Only once", reply_to=first)
    reply = next(id for id in posted() if id != first)
    send(browser, f"/comment/{first}/remove")
    send(browser, "/do/comment", work=song, text="Only once")
    assert len(posted()) == 2
    assert reply in posted()
    assert first not in posted()


def test_its_writer_changes_and_removes_a_comment_on_its_page(scene: Scene) -> None:
    song = scene.id_of("work")
    id = scene.served.acting(scene.ben).post("/comments", work=song, text="To dark").id
    browser = scene.as_(scene.ben)
    assert "Change it" in shown(browser.get(f"/comment/{id}"))
    answer = send(browser, f"/comment/{id}/edit", text="Too dark, @Moe")
    assert led_to(answer) == f"/comment/{id}"
    seen = scene.seen(f"/comment/{id}")
    assert ("Too dark, @Moe" in seen, "To dark" in seen, "Change it" in seen) == (True, True, False)
    assert send(browser, f"/comment/{id}/edit", text=" ").status == 422
    send(browser, f"/comment/{id}/remove")
    seen = scene.seen(f"/comment/{id}")
    assert ("Removed by its writer" in seen, "dark" in seen) == (True, False)
    assert "Remove it" not in shown(browser.get(f"/comment/{id}"))


def test_a_moderator_removes_a_comment_and_says_why(scene: Scene) -> None:
    song = scene.id_of("work")
    id = scene.served.acting(scene.ben).post("/comments", work=song, text="Buy lamps").id
    browser = scene.as_(scene.moe)
    assert "Remove it" in shown(browser.get(f"/comment/{id}"))
    assert "Remove it" not in shown(scene.as_(scene.ana).get(f"/comment/{id}"))
    refused = send(browser, f"/comment/{id}/remove")
    assert (refused.status, "This needs a reason." in shown(refused)) == (422, True)
    send(browser, f"/comment/{id}/remove", reason="An advertisement")
    seen = scene.seen(scene.pages["work"])
    assert ("Removed by a moderator: An advertisement" in seen, "lamps" in seen) == (True, False)


def test_a_long_conversation_goes_on_on_a_further_page(scene: Scene) -> None:
    song = scene.id_of("work")
    talk = scene.served.acting(scene.ana)
    for number in range(20):
        talk.post("/comments", work=song, text=f"take {number:02}")
    page = reader(scene.served).get(scene.pages["work"])
    assert ("take 19" in shown(page), "take 04" in shown(page)) == (True, False)
    (query,) = re.findall(r'href="(\?[^"#]*what=conversation[^"#]*)#', page.text)
    further = reader(scene.served).get(scene.pages["work"] + unescape(query))
    assert ("take 19" in shown(further), "take 04" in shown(further)) == (False, True)


@pytest.mark.parametrize("kind", ["work", "project", "challenge", "contributor", "release"])
def test_a_button_follows_and_another_ends_it(scene: Scene, kind: str) -> None:
    browser, page = scene.as_(scene.ben), scene.pages[kind]
    path = f"/follow/{'work' if kind == 'release' else kind}/{scene.id_of(kind)}"
    assert "No followers yet" in shown(browser.get(page))
    assert "Follow" not in scene.seen(page).split("\n")
    answer = send(browser, path, verb="follow")
    assert led_to(answer).rpartition("/")[2] == scene.id_of(kind)
    seen = shown(browser.get(page))
    assert ("1 follower" in seen, "Unfollow" in seen) == (True, True)
    assert "1 follower" in scene.seen(page)
    send(browser, path, verb="unfollow")
    assert "follower" not in scene.seen(page)


def test_what_happens_to_what_is_followed_is_among_the_notifications(scene: Scene) -> None:
    browser, book = scene.as_(scene.ben), scene.id_of("project")
    send(browser, f"/follow/project/{book}", verb="follow")
    scene.served.acting(scene.ana).post(f"/projects/{book}/update", text="Inked.")
    seen = browser.get("/waiting")
    assert "you follow A tower" in shown(seen)
    assert f'you follow <a href="/project/{book}">' in seen.text
    assert "commented" in shown(scene.as_(scene.ana).get("/waiting?kind=comments"))


def test_a_notification_says_who_is_mentioned_and_leads_to_the_comment(scene: Scene) -> None:
    said = {"work": scene.id_of("work"), "text": "For @Moe and @Ana."}
    id = scene.served.acting(scene.ben).post("/comments", said).id
    page = scene.as_(scene.moe).get("/waiting?kind=comments")
    assert "commented on A <i>song</i>, mentioning Moe, Ana" in shown(page)
    assert f'<a href="/comment/{id}">view' in page.text


def test_what_is_not_there_is_not_found(scene: Scene) -> None:
    browser, song = scene.as_(scene.ben), scene.id_of("work")
    assert reader(scene.served).get(f"/comment/{song}").status == 404
    assert send(browser, f"/follow/step/{song}", verb="follow").status == 404
    assert send(browser, f"/follow/project/{song}", verb="follow").status == 404
    id = scene.comments()[0]["id"]
    assert send(browser, f"/comment/{id}/read").status == 404
