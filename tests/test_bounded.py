"""What one request can make the service do, and say, is bounded.

Rule: a bound is stated where the request is documented, and refused before the work is done.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from serving import JSON, Served

from api.citing import MOST_LINES
from api.document import operations
from api.problems import MOST_ERRORS
from api.received import MAXIMUM_BODY_BYTES
from domain.registry import COMMANDS
from domain.unambiguous import DEEPEST_JSON
from domain.value import MOST_ITEMS, MOST_PIECES, Json, Many, Several
from scripts.bundle import found_in, import_lines


def lists_in(served: Served) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every list in the body of a command, with the address it is sent to.

    What only divides an amount has bounds over all of its lists together (below).
    """
    schemas = served.operator.document["components"]["schemas"]
    for method, path, operation in operations(served.operator.document):
        if path == "/splits/preview":
            continue
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        for field, schema in schemas.get(name, {}).get("properties", {}).items():
            if method == "post" and "array" in schema.get("type", ()):
                yield f"{path} {field}", schema


def test_every_list_of_a_request_states_how_long_it_may_be(served: Served) -> None:
    found = dict(lists_in(served))
    assert {"/contributions authors", "/releases components", "/payout-batches payees"} <= {*found}
    for name, schema in found.items():
        assert 0 < schema["maxItems"] <= max(MOST_ITEMS, MOST_PIECES, MOST_LINES), name


def test_a_list_that_is_too_long_is_refused_before_its_items_are_read(served: Served) -> None:
    for name, schema in lists_in(served):
        path, _, field = name.partition(" ")
        path = re.sub(r"{\w+}", str(uuid4()), path)
        answer = served.operator.post(path, {field: [0] * (schema["maxItems"] + 1)})
        errors = {error["pointer"]: error["code"] for error in answer.json.get("errors", [])}
        assert errors[f"#/{field}"] == "too_many_items", (name, answer.text)
        assert len(answer.text) < 3_000


def test_a_form_refuses_a_list_that_is_too_long_as_the_api_does(served: Served) -> None:
    headers, tried = {"Content-Type": "application/x-www-form-urlencoded"}, 0
    for name, command in COMMANDS.items():
        for field in command.fields():
            if not isinstance(field.value, Many | Several):
                continue
            ids = {each: str(uuid4()) for each in command.in_path()}
            lines = "\n".join("0" for _ in range(field.value.most + 1))
            sent = urlencode({**ids, field.name: lines}).encode()
            page = served.operator.send("POST", f"/do/{name}", sent, headers)
            said = {field.name: [0] * (field.value.most + 1)}
            answer = served.operator.post(command.PATH.format(**ids), said)
            told = {error["pointer"]: error["detail"] for error in answer.json["errors"]}
            assert page.status == answer.status == 422
            assert told[f"#/{field.name}"] in page.text
            assert str(field.value.most) in told[f"#/{field.name}"]
            tried += 1
    assert tried >= 8


def test_a_longer_list_can_be_imported(served: Served, tmp_path: Path) -> None:
    ids = [f"p{number}" for number in range(MOST_ITEMS + 1)]
    people = [{"type": "contributor", "id": id, "name": id} for id in ids]
    authors = [{"contributor": id, "role": "singer"} for id in ids]
    piece = {"type": "contribution", "title": "A choir", "medium": "audio", "authors": authors}
    file = tmp_path / "choir.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in [*people, piece]))
    assert not import_lines(served.service.journal, found_in(file)).refused


def test_an_answer_lists_twenty_errors_and_counts_the_rest(served: Served) -> None:
    authors = [{"contributor": "nobody", "role": ""}] * MOST_ITEMS
    answer = served.operator.post("/contributions", title="A", medium="text", authors=authors)
    assert len(answer.json["errors"]) == MOST_ERRORS
    assert answer.json["further_errors"] == 2 * MOST_ITEMS - MOST_ERRORS
    assert answer.json["detail"].endswith(f"And {2 * MOST_ITEMS - 1} more.")


@pytest.mark.parametrize(
    "body",
    [
        {f"field {n}": n for n in range(40_000)},
        {"x" * 1_000_000: 1},
        {"title": "x" * 1_000_000, "medium": "text"},
        {"title": "A", "medium": "text", "licence": ["x"] * 200_000},
        {"title": "A", "medium": "text", "authors": [{"x" * 1_000: 1}] * MOST_ITEMS},
        {"title": "A", "medium": "text", "authors": [{}] * 200_000},
    ],
    ids=["fields", "name", "text", "type", "names", "items"],
)
def test_however_wrong_a_request_is_its_answer_is_short(served: Served, body: object) -> None:
    raw = json.dumps(body).encode()
    assert len(raw) <= MAXIMUM_BODY_BYTES
    began = time.process_time()
    answer = served.operator.send("POST", "/contributions", raw, JSON)
    assert answer.status == 422
    assert len(answer.text) < 10_000
    assert time.process_time() - began < 2


def nested(levels: int) -> bytes:
    return b'{"terms": ' + b'{"a": [' * (levels // 2) + b"1" + b"]}" * (levels // 2) + b"}"


@pytest.mark.parametrize("path", ["/splits/preview", "/contributions", "/releases"])
def test_json_is_nested_only_so_deep(served: Served, path: str) -> None:
    for levels in (DEEPEST_JSON, 500, 900, 5_000, 100_000):
        answer = served.operator.send("POST", path, nested(levels), JSON)
        assert answer.code == "invalid_json", levels
        assert f"more than {DEEPEST_JSON} levels" in answer.json["detail"]
    assert served.operator.send("POST", path, nested(DEEPEST_JSON - 2), JSON).code != "invalid_json"
    brackets = json.dumps({"title": '"[{' * 1_000, "medium": "\\"}).encode()
    assert served.operator.send("POST", "/contributions", brackets, JSON).code != "invalid_json"


FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


def test_what_a_form_takes_as_json_is_as_strict_as_a_request(served: Served) -> None:
    """Nested only so deep, with every name once, and without NaN."""
    bad = [nested(900).decode(), nested(20_000).decode(), '{"a": 1, "a": 2}', '{"a": NaN}']
    tried = 0
    for name, command in COMMANDS.items():
        ids = {each: str(uuid4()) for each in command.in_path()}
        for field in command.fields():
            if not isinstance(field.value, Json | Several):
                continue
            for text in bad:
                sent = urlencode({**ids, field.name: text}).encode()
                page = served.operator.send("POST", f"/do/{name}", sent, FORM)
                assert page.status == 422, (name, field.name, text[:20])
                assert "This is not an object." in page.text
            tried += 1
    assert tried >= 8


def test_numbers_of_thousands_of_digits_are_refused_like_any_other(served: Served) -> None:
    """Python converts no more than 4,300 digits."""
    operator, ends = served.operator, "9" * 5_000
    streamed = {"Accept": "text/event-stream", "Last-Event-ID": ends}
    assert operator.get("/feed", headers=streamed).status == 200
    assert operator.get(f"/facts/{'9' * 19}/receipt").code == "not_in_log"
    assert operator.get(f"/facts/{'9' * 40}/receipt").code == "not_in_log"
    assert operator.get(f"/receipts/{'9' * 40}").status == 404
    assert operator.get(f"/facts/{'9' * 40}/disclosures").status in {404, 422}
    for path, said, status in (
        ("/own-keys", {"do": "replace", "key": "x", "grace_hours": ends}, 422),
        ("/own-webhooks", {"do": "replay", "webhook": "x", "after": ends}, 422),
        ("/waiting", {"upto": ends}, 303),
        ("/assemble", {"up": ends}, 422),
    ):
        sent = urlencode(said).encode()
        page = served.operator.send("POST", path, sent, FORM)
        assert page.status == status, (path, page.text)


def test_a_long_cycle_is_named_by_its_beginning(served: Served) -> None:
    names = [f"work {number}" for number in range(5_000)]
    edges = [
        {"child": child, "parent": parent, "rate": "0"}
        for child, parent in zip(names, [*names[1:], names[0]], strict=True)
    ]
    answer = served.operator.post(
        "/splits/preview",
        amount_minor=1,
        currency="USD",
        policy={"type": "relative_cascade"},
        graph={"root": names[0], "edges": edges},
    )
    assert answer.code == "lineage_cycle"
    assert len(answer.text) < 2_000


def bundled(policies: int, works: int) -> dict[str, Any]:
    edges = [{"child": str(n), "parent": str(n + 1), "rate": "1/2"} for n in range(works)]
    tracks = [[str(n), {"type": "relative_cascade"}] for n in range(policies)]
    return {
        "policy": {"type": "bundle", "by": "track", "tracks": tracks},
        "graph": {"root": "0", "edges": edges},
    }


def long_shares(payees: int) -> dict[str, Any]:
    shares = [[f"p{n}", f"1/{10**9 - 1 - 2 * (n % 400)}"] for n in range(payees)]
    return {"policy": {"type": "fixed", "shares": shares}}


def many_payees(payees: int) -> dict[str, Any]:
    return {"policy": {"type": "equal", "payees": [f"p{n}" for n in range(payees)]}}


# Before they were bounded they took 2.8 s, 2.0 s (with an answer of 26 MB) and 0.6 s.
SLOW = (bundled(600, 1_000), long_shares(2_000), many_payees(20_000))


@pytest.mark.parametrize("case", SLOW, ids=["policies", "digits", "payees"])
def test_no_preview_of_a_split_takes_long_or_says_much(
    served: Served, case: dict[str, Any]
) -> None:
    began = time.process_time()
    answer = served.operator.post("/splits/preview", amount_minor=10**9, currency="USD", **case)
    assert answer.code == "split_too_large"
    assert time.process_time() - began < 1


def test_what_is_stated_in_a_request_has_the_same_bounds(served: Served) -> None:
    release = served.operator.post(
        "/releases", title="A", components=[{"work": served.post_piece("B")}]
    ).id
    pool = {"name": "song", "kind": "song", "currency": "USD"}
    for case in (long_shares(2_000), many_payees(20_000)):
        answer = served.operator.post(f"/releases/{release}/pools", terms=case["policy"], **pool)
        assert answer.code == "split_too_large"
    assert served.operator.post(
        f"/releases/{release}/pools", terms=many_payees(100)["policy"], **pool
    ).id
