"""No answer as JSON is larger than a megabyte: long lists come in pages, however long their texts.

Every question is asked about a work, and people, with as much and as long texts as can be recorded.
"""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from stories import OPERATOR, Story, carry_out, every_fact, id_of, story
from test_policies import lines_run

from api.application import create_app
from api.document import operations, resolved
from domain.text import LIMITS
from domain.value import Number, Payee, Ref
from projections import question as questions
from projections.money import pools
from projections.pages import within_bytes
from projections.question import MAXIMUM_LIMIT, MOST_BYTES, QUESTIONS, Question
from projections.stretches import counted, lists_in

KEY = "the-key-of-a-test-that-nobody-else-knows"
ITEMS = MAXIMUM_LIMIT + 5
ROLES = ("singer", "writer", "editor", "drummer", "artist", "cellist", "composer", "pianist")
CREDITS = ITEMS * len(ROLES)
JOINS = 12
PAYERS = 850
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
    record_many_payees(told)
    # What somebody claims themselves waits for an answer.
    draft = told.journal.draft()
    for person in people:
        said = {"work": id_of("claimed"), "contributor": person, "role": "editor"}
        carry_out(draft, "open_credit", actor=person, **said, evidence=longest("evidence"))
    told.journal.commit(draft)


def record_many_payees(told: Story) -> None:
    """A division that pays back what many people spent, each with a long name."""
    draft = told.journal.draft()
    said = {"components": [{"work": id_of("claimed")}], "title": "an album"}
    release = carry_out(draft, "assemble_release", **said).id
    terms = {"type": "fixed", "shares": [["house", "1"]]}
    said = {"release": release, "kind": "song", "currency": "USD", "name": longest("name")}
    pool = carry_out(draft, "open_pool", id=id_of("costly"), terms=terms, **said).id
    booked = {"pool": pool, "effective_at": "2026-01"}
    for number in range(PAYERS):
        said = {"amount_minor": 1, "category": "travel", "payer": longest("payer", number)}
        carry_out(draft, "record_expense", **booked, **said)
    carry_out(
        draft, "record_revenue", id=id_of("sale"), amount_minor=10_000, source="store", **booked
    )
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
    found["pool"] = [id_of("costly"), *found["pool"]]
    found["entry"] = [id_of("sale"), *found["entry"]]
    found["payee"] = [one.fact().payee for one in told.facts() if one.topic == "share.accepted"]
    return found


def paths(question: Question, ids: dict[str, list[str]]) -> list[str]:
    """Where a question is asked, about the few of which most was said."""
    found = [question.path]
    for field in question.in_path:
        value = field.value
        if isinstance(value, Ref):
            known = ids.get(value.noun, [])[:3]
        elif isinstance(value, Payee):
            known = ids["payee"][:3]
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


@given(st.lists(st.text(max_size=9), max_size=9), st.integers(0, 99))
def test_of_a_list_as_many_items_are_shown_as_fit_but_always_one(
    items: list[str], most: int
) -> None:
    sizes = (len(json.dumps(items[:n], ensure_ascii=False).encode()) for n in range(len(items) + 1))
    fitting = [n for n, size in enumerate(sizes) if size <= most]
    assert within_bytes(items, most) == items[: max([1, *fitting])]


def test_a_work_says_how_many_credits_sources_and_joins_it_leaves_out(
    asked: tuple[FlaskClient, Story],
) -> None:
    client, _ = asked
    work: Any = client.get(f"/works/{id_of('choir')}").json
    assert 0 < len(work["credits"]) == CREDITS - work["credits_left_out"]
    assert 0 < len(work["sources"]) == ITEMS - work["sources_left_out"]
    assert 0 < len(work["joins"]) == JOINS - work["joins_left_out"] < JOINS


def test_of_a_division_among_many_a_page_shows_what_fits_and_the_others_the_rest(
    asked: tuple[FlaskClient, Story],
) -> None:
    client, told = asked
    path = f"/pools/{id_of('costly')}/statement"
    page: Any = {}
    first = lines_run(lambda: page.update(client.get(path).json or {}))
    lines = len(page["lines"])
    assert 0 < lines < PAYERS
    assert page["left_out"] == PAYERS + 1 - lines
    further: Any = {}
    following = {"cursor": page["next"]}
    second = lines_run(lambda: further.update(client.get(path, query_string=following).json or {}))
    assert second < first / 4, "the whole is computed once"
    with told.view() as view:
        whole = lines_run(
            lambda: pools.statement(view, told.journal, id_of("costly"), actor=OPERATOR)
        )
    assert first < 3 / 2 * whole, "also if it was too long for a page"
    assert (further["next"], further["left_out"]) == (None, 0)
    assert further["totals"] == page["totals"]
    payees = [line["payee"]["id"] for line in (*page["lines"], *further["lines"])]
    assert len(set(payees)) == len(payees) == PAYERS + 1


@pytest.mark.parametrize("name", [name for name, one in QUESTIONS.items() if one.parts])
def test_the_pages_of_an_answer_have_every_item_of_its_lists_once(
    asked: tuple[FlaskClient, Story], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, told = asked
    question = QUESTIONS[name]

    more = dict[str, str]()
    if name == "show_withheld":  # of what is paid, which later comes back
        returned = next(one.position for one in told.facts() if one.topic == "payout.returned")
        more = {"year": "2026", "as_of": str(returned - 1)}

    def ask(path: str, **said: str) -> Any:
        return client.get(path, query_string=more | said).json

    most = 0
    for path in paths(question, ids_by_noun(told)):
        whole = ask(path)
        if "as_of" not in whole or whole["next"]:
            continue
        most = max(most, items := counted(whole, question.parts))
        monkeypatch.setattr(questions, "MOST_BYTES", len(json.dumps(whole)) * 2 // 3)
        page = joined = ask(path)
        while page["next"]:
            assert page["left_out"] == items - counted(joined, question.parts)
            page = ask(path, cursor=page["next"])
            pairs = (lists_in(one, question.parts) for one in (joined, page))
            for had, further in zip(*pairs, strict=True):
                had.extend(further)
        monkeypatch.undo()
        assert joined | {"next": None, "left_out": 0} == whole
    assert most > 0, "what is asked about has no such lists"


Ask = Callable[[dict[str, str]], Any]
"""Asks for a page of a list, with further parameters."""


def lists(client: FlaskClient, told: Story) -> Iterator[tuple[str, str, Ask]]:
    """What the OpenAPI document gives a cursor: its operation, its path, and how to ask for it."""
    document: Any = client.get("/openapi.json").json
    for _, path, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        in_body = resolved(body.get("schema", {}), document).get("properties", {})
        in_query = {one["name"]: one for one in operation.get("parameters", ())}
        needed = {name for name, one in in_query.items() if one.get("required")} & ALWAYS.keys()
        more = {name: ALWAYS[name] for name in {*needed, *({"limit"} & in_query.keys())}}
        name = operation["operationId"]
        if "cursor" in in_query:
            for one in paths(QUESTIONS[name], ids_by_noun(told)) if name in QUESTIONS else [path]:
                yield name, one, lambda s, p=one, m=more: client.get(p, query_string=m | s)
        elif "cursor" in in_body:
            more = {"currency": "USD", "limit": 1}
            yield name, path, lambda s, p=path, m=more: client.post(p, json=m | s)


ALWAYS = {
    **{"q": "text", "year": "2026", "limit": "1"},
    **{"policy": "relative_cascade", "amount_minor": "100", "currency": "USD", "default_rate": "0"},
}
"""The parameters of lists that have to be given, and how long a page is."""


def test_a_cursor_is_accepted_by_the_list_that_gave_it_and_by_no_other(
    asked: tuple[FlaskClient, Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another list, or this one about something else, went on somewhere in its middle."""
    monkeypatch.setattr(questions, "MOST_BYTES", 500)
    asks, given = dict[str, tuple[str, Ask]](), dict[str, str]()
    for name, path, ask in lists(*asked):
        page = ask({})
        if page.status_code == 200:
            asks.setdefault(name, (path, ask))
            if cursor := page.json["next"]:
                given[path] = cursor
    assert len(given) > 40
    for path, ask in asks.values():
        for of, cursor in given.items():
            page = ask({"cursor": cursor})
            expected = (200, None) if of == path else (422, "bad_cursor")
            assert (page.status_code, page.json.get("code")) == expected, (of, path)


SINGLE = [name for name, one in QUESTIONS.items() if not (one.is_list or one.rehearses)]
SHORT = {
    *("roles", "media", "ai", "places", "identifiers", "mentions", "disclosures", "works"),
    *("did", "conflicts", "nodes", "edges", "kinds", "sent", "states", "withheld", "sums", "among"),
    "exchanged",
}
"""Lists of words, of what one fact holds, by currency, and of what has bounds of its own."""


def open_lists(told: Any, parts: Collection[str], where: str = "") -> Iterator[str]:
    """The lists of an answer that neither go on, nor say how many items they leave out."""
    hints = get_type_hints(told)
    for name, hint in hints.items():
        for one in (hint, *get_args(hint)):
            place = f"{where}{name}"
            if is_typeddict(one) and get_origin(hint) is not list:
                yield from open_lists(one, parts, f"{place}.")
            elif get_origin(one) is list and any(part.startswith(f"{place}.") for part in parts):
                yield from open_lists(get_args(one)[0], parts, f"{place}.")
            elif get_origin(one) is list:
                is_counted = {"left_out", f"{name}_left_out"} & {*hints}
                if not (is_counted or place in parts or name in SHORT):
                    yield place


@pytest.mark.parametrize("name", SINGLE)
def test_every_long_list_of_an_answer_goes_on_or_counts_what_it_leaves_out(name: str) -> None:
    assert not [*open_lists(QUESTIONS[name].result, QUESTIONS[name].parts)]
