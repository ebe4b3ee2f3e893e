"""No control character of what people write is in an answer, whatever form it is asked in.

JSON writes it by its number, PDF and SVG leave it out, and the others replace it.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from stories import Story, every_fact, story
from test_bounded_answers import ids_by_noun, paths

from api.application import create_app
from domain.printable import CONTROLS
from projections.question import QUESTIONS

KEY = "the-key-of-a-test-that-nobody-else-knows"
HOSTILE = "=\x1b[2J\x9b\x7f\u202e"


class Hostile(Story):
    """A story in which whatever people write commands a terminal."""

    def tell(self, command: str, **said: Any) -> Any:
        return super().tell(command, **{name: hostile(value) for name, value in said.items()})


def hostile(value: Any) -> Any:
    """The same with every text in it that is marked as one."""
    if isinstance(value, str):
        return HOSTILE + value if value.startswith("text-") else value
    if isinstance(value, dict):
        return {name: hostile(one) for name, one in value.items()}
    return [hostile(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, Story]]:
    database = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'stemma.db'}"
    with story(database, operator_key=KEY) as plain:
        told = Hostile(plain.service)
        every_fact(told)
        service = told.service
        service.follower.catch_up()
        app = create_app(service.journal, service.store, service.keys, service.log)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
        yield client, told


FORMS = [
    (name, form)
    for name, one in QUESTIONS.items()
    for form in ("", *one.forms)
    if not one.rehearses and not (form and one.forms[form].is_binary)
]


@pytest.mark.parametrize("name, form", FORMS)
def test_no_control_character_is_in_an_answer(
    asked: tuple[FlaskClient, Story], name: str, form: str
) -> None:
    client, told = asked
    answers = 0
    for path in paths(QUESTIONS[name], ids_by_noun(told)):
        asking = {"format": form} if form else {}
        asking |= {"year": "2026"} if name == "show_withheld" else {}
        answer = client.get(path, query_string=asking)
        text = answer.text.replace("\r\n", "\n")
        assert not CONTROLS.search(text), (path, CONTROLS.findall(text))
        answers += answer.status_code == 200
    assert answers or not form


def test_a_picture_has_no_control_character(asked: tuple[FlaskClient, Story]) -> None:
    client, told = asked
    work = ids_by_noun(told)["release"][0]
    picture = client.get(f"/works/{work}/lineage.svg")
    assert picture.status_code == 200
    ElementTree.fromstring(picture.text)
    assert not CONTROLS.search(picture.text)


class Around(HTMLParser):
    """What a page says outside of elements that isolate a direction, and in its attributes."""

    ISOLATING = frozenset({"bdi", "textarea"})
    SENT_BACK = frozenset({"value", "href"})
    """Attributes that nobody sees, or in a field of its own, with the text as it was written."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._isolating: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.found += [value for name, value in attrs if value and name not in self.SENT_BACK]
        is_isolated = tag in self.ISOLATING or "dir" in said or said.get("class") == "unseen"
        if tag != "input" and (is_isolated or tag in self._isolating):
            self._isolating.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._isolating and self._isolating[-1] == tag:
            self._isolating.pop()

    def handle_data(self, data: str) -> None:
        if not self._isolating:
            self.found.append(data)


def test_no_text_turns_what_stands_around_it_on_a_page(asked: tuple[FlaskClient, Story]) -> None:
    client, told = asked
    ids = {id for some in ids_by_noun(told).values() for id in some[:3]}
    rules = client.application.url_map.iter_rules()
    # What has an ending is a file, and none of these holds a text; the others are above.
    pages = [one.rule for one in rules if one.endpoint.startswith("pages.") and "." not in one.rule]
    shown = 0
    for path in sorted({page.replace("<id>", id) for page in pages for id in ids}):
        page = client.get(path, headers={"Accept": "text/html"})
        if page.status_code == 200 and page.mimetype in ("text/html", "application/atom+xml"):
            around = Around(page.text).found
            assert not [one for one in around if CONTROLS.search(one)], path
            shown += "\u202e" in page.text
    assert shown >= 50


def test_a_line_of_attribution_is_one_line(asked: tuple[FlaskClient, Story]) -> None:
    client, told = asked
    said = {"title": "one\n\n# two\n", "medium": "text", "licence": "CC-BY-4.0"}
    posted: Any = client.post("/contributions", json=said).json
    told.service.follower.catch_up()
    for form in ("attribution", "markdown", "html"):
        text = client.get(f"/works/{posted['id']}/licences?format={form}").text
        assert "one" in text
        assert len([line for line in text.splitlines() if "two" in line or "one" in line]) == 1
