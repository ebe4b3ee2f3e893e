"""A history of very many generations is answered by every question, and counts stay right.

The usual run asks about four hundred generations, the slow one about fifty thousand.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from stories import id_of, story

from api.application import create_app
from domain.pedigree import MANY
from scripts.bundle import FoundLine, Line, import_lines

KEY = "the-key-of-a-test-that-nobody-else-knows"
DIAMONDS = 60
"""So many generations have two pieces, each made from both of those before: 2⁶⁰ paths."""


def history(generations: int) -> Iterator[Line]:
    """One piece a generation, and two in the first of them."""
    for name in ("first", "last", "other"):
        yield {"type": "contributor", "id": id_of(name), "name": name}
    above: list[str] = []
    for generation in range(generations + 1):
        is_wide = 0 < generation <= DIAMONDS
        names = [f"{generation}-{side}" for side in ("a", "b")[: 1 + is_wide]]
        by = {0: "first", generations: "last"}.get(generation, "other")
        for name in names:
            yield {
                **{"type": "contribution", "id": id_of(name), "title": name, "medium": "text"},
                "authors": [{"contributor": id_of(by), "role": "writer"}],
                "sources": [{"work": id_of(one), "kind": "adaptation"} for one in above],
            }
        above = names


@pytest.mark.parametrize(
    "generations", [400, pytest.param(50_000, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_every_question_about_very_many_generations_is_answered(
    database: str, generations: int
) -> None:
    with story(database, operator_key=KEY) as told:
        found = (FoundLine(str(n), line) for n, line in enumerate(history(generations)))
        assert not import_lines(told.journal, found).refused
        told.service.follower.catch_up()
        service = told.service
        app = create_app(service.journal, service.store, service.keys, service.log)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
        first, last = id_of("0-a"), id_of(f"{generations}-a")
        by_name = {
            item["contributor"]["name"]: item
            for item in asked(client, f"/works/{last}/contributors")
        }
        assert by_name["first"]["generation"] == generations
        assert by_name["first"]["path_count"] == MANY - 1
        assert not by_name["first"]["path_count_is_exact"]
        assert by_name["last"]["path_count"] == 1
        (path,) = by_name["first"]["paths"]
        assert (path["works"][0], path["works"][-1]) == (last, first)
        assert path["left_out"] == generations + 1 - len(path["works"])
        here = f"/works/{last}/contributors/{id_of('first')}"
        assert len(asked(client, f"{here}/paths", limit=2)) == 2
        assert len(asked(client, f"{here}/credits")) == 1
        assert [
            one["generation"] for one in asked(client, f"/works/{last}/ancestors", limit=2)
        ] == [1, 2]
        furthest = asked(client, f"/works/{last}/ancestors", reverse="true", limit=1)
        assert [one["id"] for one in furthest] == [first]
        assert len(asked(client, f"/works/{first}/descendants", limit=200)) == 200
        works = generations + 1 + DIAMONDS
        facets: Any = client.get(f"/works/{first}/descendants/facets").json
        assert facets["total"] == works - 1
        nodes, cursor = 0, None
        while nodes == 0 or cursor:
            page: Any = client.get(
                f"/works/{last}/lineage", query_string={"cursor": cursor} if cursor else {}
            ).json
            nodes, cursor = nodes + len(page["nodes"]), page["next"]
        assert nodes == works
        assert len(asked(client, f"/works/{last}/history")) == 3
        assert asked(client, f"/contributors/{id_of('first')}/attribution") == []
        assert client.get(f"/piece/{last}").status_code == 200
        assert client.get(f"/works/{last}/licences").status_code == 200
        # A split takes 50,000 edges at most: of 300 generations fewer.
        near = id_of(f"{generations - 300}-a")
        decay = {"type": "decay", "pool": "1/5", "factor": "1/2", "depth": 3}
        split = {"policy": json.dumps(decay), "amount_minor": 1000, "currency": "EUR"}
        lines = asked(client, f"/works/{near}/split", **split)
        assert "other" in {one["payee"]["name"] for one in lines}
        assert sum(one["amount_minor"] for one in lines) == 1000


def asked(client: FlaskClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """The first items of a list."""
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.text
    page: Any = answer.json
    items: list[dict[str, Any]] = page["items"]
    return items
