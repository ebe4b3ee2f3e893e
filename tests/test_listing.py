"""Lists of keys, webhooks and mailboxes come in pages like every other list."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from serving import Client, Served, serving
from test_pages import reader

from api.document import operations, resolved

LISTS = ("/keys", "/webhooks", "/notifications")


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as running:
        yield running


def add(served: Served, name: str) -> None:
    """One more in each list."""
    person = served.acting(served.admit(name))
    assert person.post("/webhooks", url=f"https://example.org/{name}").status == 201
    assert person.post("/notifications", address=f"{name}@example.org").status == 200


def pages(client: Client, path: str, limit: int) -> Iterator[list[Any]]:
    """The pages of a list, each found by the link of the one before."""
    answer = client.get(path, limit=limit)
    while True:
        yield answer.items
        after = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        assert (after is None) == (answer.json["next"] is None)
        if after is None:
            return
        assert f"limit={limit}" in after[1]
        answer = client.get(after[1])


@pytest.mark.parametrize("path", LISTS)
def test_pages_together_are_the_list_whatever_is_added_meanwhile(served: Served, path: str) -> None:
    for name in ("ana", "ben", "cleo", "dan", "eva"):
        add(served, name)
    whole = served.operator.get(path).items
    assert len(whole) == 5
    found = pages(served.operator, path, limit=2)
    first = next(found)
    add(served, "fay")
    further = [one for page in found for one in page]
    assert [*first, *further][:5] == whole
    assert len(further) == 4
    assert (
        'rel="first"'
        in served.operator.get(
            path, cursor=served.operator.get(path, limit=1).json["next"]
        ).headers["Link"]
    )


@pytest.mark.parametrize("path", LISTS)
def test_what_is_no_page_of_a_list_is_refused(served: Served, path: str) -> None:
    for asked, code in (
        ({"limit": 0}, "out_of_range"),
        ({"limit": 201}, "out_of_range"),
        ({"cursor": "nothing"}, "bad_cursor"),
        ({"cursor": served.operator.get("/works").json["next"] or "WzQyXQ"}, "bad_cursor"),
    ):
        assert served.operator.get(path, asked).code == code


def test_every_list_of_the_api_comes_in_pages_or_is_a_vocabulary(served: Served) -> None:
    document = served.operator.document
    unpaged = set()
    for method, path, operation in operations(document):
        answer = operation["responses"]["200"]["content"] if method == "get" else {}
        schema = resolved(answer.get("application/json", {}).get("schema", {}), document)
        if "items" in (fields := schema.get("properties", {})) and "next" not in fields:
            unpaged.add(path)
    assert unpaged == {"/roles"}


def test_a_page_of_many_keys_or_webhooks_leads_to_the_others(served: Served) -> None:
    for number in range(31):
        add(served, f"person{number}")
    someone = reader(served).sign_in(served.operator.key)
    for page in ("/own-keys", "/own-webhooks"):
        first = someone.get(page)
        (address,) = re.findall(r'href="([^"]+)" rel="next"', first.text)
        second = someone.get(page + address.replace("&amp;", "&"))
        assert (first.text.count("<li>") > second.text.count("<li>"), second.status) == (True, 200)
        assert 'rel="next"' not in second.text
