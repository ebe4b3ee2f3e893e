"""No answer as JSON is larger than a megabyte: long lists come in pages, however long their texts.

Every question is asked about a work, and people, with as much and as long texts as can be recorded.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from stories import Story, carry_out, every_fact, id_of, story

from api.application import create_app
from api.questions import MOST_BYTES
from domain.text import LIMITS
from domain.values import Number, Payee, Ref
from projections.question import MAXIMUM_LIMIT, QUESTIONS, Question

KEY = "the-key-of-a-test-that-nobody-else-knows"
ITEMS = MAXIMUM_LIMIT + 5
ROLES = ("singer", "writer", "editor", "drummer", "artist", "cellist", "composer", "pianist")
CREDITS = ITEMS * len(ROLES)
JOINS = 12
WORKS = ("contribution", "outside", "release")


def longest(field: str, number: int = 0) -> str:
    """The text of a field that is longest as JSON: of control characters, each six bytes there."""
    return f"{number}".ljust(LIMITS[field], "\x1f")


def record_the_worst(told: Story) -> None:
    """A choir of many people, made from many works, with many claims about it, and much said."""
    draft = told.journal.draft(is_vouched_for=True)
    people = [
        carry_out(draft, "admit_contributor", name=longest("name", number)).id
        for number in range(ITEMS)
    ]
    named = {one: longest(one) for one in ("display", "credited_as", "join_phrase", "character")}
    authors = [
        {"contributor": person, "role": role, **named} for role in ROLES for person in people
    ]
    sources = [
        carry_out(draft, "submit_contribution", title=longest("title", number), medium="text").id
        for number in range(ITEMS)
    ]
    piece = {"title": longest("title"), "medium": "audio", "licence": longest("licence")}
    choir = id_of("choir")
    carry_out(draft, "submit_contribution", **piece, authors=authors, id=choir)
    carry_out(draft, "submit_contribution", **piece, id=id_of("claimed"))
    for source in sources:
        said = {"child": choir, "parent": source, "kind": "sample"}
        carry_out(draft, "declare_remix", **said, evidence=longest("evidence"))
    for number in range(JOINS):
        said = {"title": longest("title", number), "medium": "text"}
        twin = carry_out(draft, "submit_contribution", **said).id
        carry_out(draft, "join_works", work=twin, into=choir, reason=longest("reason"))
    for number in range(40):
        said = {"id": choir, "title": longest("title", number)}
        carry_out(draft, "describe_work", **said, reason=longest("reason", number))
    told.journal.commit(draft)
    # What somebody claims themselves waits for an answer.
    draft = told.journal.draft()
    for person in people:
        said = {"work": id_of("claimed"), "contributor": person, "role": "editor"}
        carry_out(draft, "open_credit", actor=person, **said, evidence=longest("evidence"))
    told.journal.commit(draft)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, Story]]:
    """A client that asks about the worst that can be recorded, beside one fact of every kind."""
    database = f"sqlite:///{tmp_path_factory.mktemp('bounded') / 'stemma.db'}"
    with story(database, operator_key=KEY) as told:
        every_fact(told)
        record_the_worst(told)
        told.service.follower.catch_up()
        service = told.service
        app = create_app(service.journal, service.store, service.keys, service.log)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
        yield client, told


def ids_by_noun(told: Story) -> dict[str, list[str]]:
    """The ids of every noun, the one about which most was said first."""
    said: dict[str, dict[str, int]] = {}
    for placed in told.facts():
        noun = placed.topic.partition(".")[0]
        for name in {noun, "work" if noun in WORKS else noun}:
            counts = said.setdefault(name, {})
            counts[placed.originator_id] = counts.get(placed.originator_id, 0) + 1
    found = {noun: sorted(counts, key=lambda id: -counts[id]) for noun, counts in said.items()}
    found["work"] = [id_of("choir"), id_of("claimed"), *found["work"]]
    return found


def paths(question: Question, ids: dict[str, list[str]]) -> list[str]:
    """Where a question is asked, about the few of which most was said."""
    found = [question.path]
    for field in question.in_path:
        value = field.value
        if isinstance(value, Ref):
            known = ids.get(value.noun, [])[:3]
        elif isinstance(value, Payee):
            known = [f"contributor:{id}" for id in ids["contributor"][:1]]
        else:
            assert isinstance(value, Number), field
            known = ["40"]
        found = [path.replace(f"{{{field.name}}}", quote(id)) for path in found for id in known]
    return found


@pytest.mark.parametrize("name", [name for name, one in QUESTIONS.items() if not one.rehearses])
def test_no_answer_is_larger_than_a_megabyte(asked: tuple[FlaskClient, Story], name: str) -> None:
    client, told = asked
    question = QUESTIONS[name]
    tried = paths(question, ids_by_noun(told))
    assert tried
    for path in tried:
        answer = client.get(path, query_string={"limit": MAXIMUM_LIMIT} if question.is_list else {})
        assert len(answer.data) <= MOST_BYTES, path
        assert answer.status_code in (200, 404, 422), answer.text


@pytest.mark.parametrize(
    "path, count",
    [
        ("/works/{choir}/credits", CREDITS),
        ("/works/{claimed}/claims", ITEMS),
        ("/works/{choir}/ancestors", ITEMS),
        ("/works/{choir}/contributors", ITEMS),
    ],
)
def test_the_pages_of_a_list_of_long_texts_have_every_item_once(
    asked: tuple[FlaskClient, Story], path: str, count: int
) -> None:
    client, _ = asked
    path, seen = path.format(choir=id_of("choir"), claimed=id_of("claimed")), list[str]()
    asking: dict[str, str] | None = {"limit": "200"}
    while asking is not None:
        page: Any = client.get(path, query_string=asking).json
        seen += [json.dumps(item) for item in page["items"]]
        asking = page["next"] and {"limit": "200", "cursor": page["next"]}
    assert len(seen) == len(set(seen)) == count


def test_a_work_says_how_many_credits_sources_and_joins_it_leaves_out(
    asked: tuple[FlaskClient, Story],
) -> None:
    client, _ = asked
    work: Any = client.get(f"/works/{id_of('choir')}").json
    assert 0 < len(work["credits"]) == CREDITS - work["credits_left_out"]
    assert 0 < len(work["sources"]) == ITEMS - work["sources_left_out"]
    assert 0 < len(work["joins"]) == JOINS - work["joins_left_out"] < JOINS
