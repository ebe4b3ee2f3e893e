"""Whatever can be had in several formats leads from each to the others, on pages and over HTTP."""

import re

import pytest
from serving import Served
from test_pages import reader

from projections.registry import QUESTIONS

LINK = re.compile(r'<([^>]+)>; rel="alternate"; type="([^"]+)"')
FORMS = QUESTIONS["show_lineage"].forms


@pytest.fixture(scope="module")
def song(served: Served) -> str:
    return served.post_piece("A song", served.post_piece("A poem"))


def test_an_answer_links_to_itself_in_every_other_format(served: Served, song: str) -> None:
    every = {"application/json"} | {form.media_type for form in FORMS.values()}
    said = served.operator.get(f"/works/{song}/lineage")
    links = dict(LINK.findall(said.headers["Link"]))
    assert set(links.values()) == every - {"application/json"}
    for address, media_type in links.items():
        assert f"as_of={said.json['as_of']}" in address
        other = served.operator.get(address)
        assert other.status == 200
        assert other.headers["Content-Type"].partition(";")[0] == media_type
        back = {kind for _, kind in LINK.findall(other.headers["Link"])}
        assert back == every - {media_type}


def test_every_question_with_formats_documents_its_links(served: Served) -> None:
    for question in QUESTIONS.values():
        path = served.operator.document["paths"].get(question.path)
        if question.forms and path:
            assert "Link" in path["get"]["responses"]["200"]["headers"], question.name


def test_a_page_links_to_the_lineage_in_every_format(served: Served, song: str) -> None:
    someone = reader(served).sign_in(served.operator.key)
    page = someone.get(f"/piece/{song}").text
    for name, form in FORMS.items():
        (address,) = re.findall(
            f'<link rel="alternate" type="{re.escape(form.media_type)}" href="([^"]+)"', page
        )
        assert f'<a href="{address}">' in page
        file = someone.get(address)
        assert (file.status, file.headers["Content-Type"].partition(";")[0]) == (
            200,
            form.media_type,
        )
        assert served.client(None).get(address).status == 401, name
