"""The OpenAPI document and the page made from it say what runs, and all of it."""

import json
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import schemathesis
from clocks import TickingClock
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from serving import Served, serving
from test_policies import EXAMPLES as EXAMPLES_OF_POLICIES

from api.document import operations, resolved
from api.operations import CODES
from api.problems import MEDIA_TYPE, PROBLEMS
from api.web import guides, is_page
from api.web.reference import Reference, pretty
from domain.identity import part_id
from domain.permission import QUOTAS
from domain.registry import COMMANDS
from domain.role import roles
from domain.value import LARGEST_POSITION, Word
from domain.values import ALBUM, ASSETS, BEN, EDGE, JOIN, POOL, PROPOSAL, SONG


@pytest.fixture(scope="module")
def clock() -> TickingClock:
    """It is the day of the examples."""
    clock = TickingClock()
    clock.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    return clock


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, clock: TickingClock) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('openapi') / 'stemma.db'}"
    with serving(database, clock=clock) as running:
        yield running


def test_the_document_is_valid_openapi(served: Served) -> None:
    import openapi_spec_validator  # which builds parsers for seconds

    assert served.operator.document["openapi"] == "3.1.0"
    document = json.loads(json.dumps(served.operator.document))
    # A refusal that hundreds of operations give alike is looked at in the first of them.
    known = set[str]()
    for _, _, operation in operations(document):
        told = {one: json.dumps(answer) for one, answer in operation["responses"].items()}
        for status in [one for one in told if one + told[one] in known][: len(told) - 1]:
            del operation["responses"][status]
        known |= {one + told[one] for one in told}
    openapi_spec_validator.validate(document)


def test_every_route_is_documented(served: Served) -> None:
    from api.application import create_app

    service = served.service
    app = create_app(service.journal, service.store, service.keys, service.log)
    routes = {
        (method.lower(), re.sub(r"<(?:[^:<>]+:)?\w+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not is_page(rule.endpoint)
    }
    # Two routes of one address may call its parts differently; the document does not.
    documented = {
        (method, re.sub(r"\{\w+\}", "{}", path))
        for method, path, _ in operations(served.operator.document)
    }
    assert routes == documented


def test_every_operation_is_described(served: Served) -> None:
    for _, _, operation in operations(served.operator.document):
        assert operation["summary"].endswith("."), operation["operationId"]
        assert operation.get("description"), operation["operationId"]


def test_every_parameter_and_every_field_says_what_it_is(served: Served) -> None:
    document = served.operator.document
    for item in document["paths"].values():
        for told in (item, item.get("get", {}), item.get("post", {})):
            for parameter in told.get("parameters", ()):
                assert parameter["description"].endswith("."), parameter["name"]
                assert is_shown(resolved(parameter["schema"], document)), parameter["name"]
    for name, header in document["components"]["headers"].items():
        assert is_shown(header["schema"]), name
    for name, schema in document["components"]["schemas"].items():
        for field, stated in schema.get("properties", {}).items():
            said = resolved(stated, document)
            of_each = resolved(said.get("items", {}), document)
            assert "description" in {**said, **of_each}, (name, field)


def is_shown(schema: dict[str, Any]) -> bool:
    """Whether there is an example, or it is clear what there is to choose from."""
    return bool({"examples", "enum"} & schema.keys()) or schema["type"] == "boolean"


def test_every_operation_says_what_it_can_answer(served: Served) -> None:
    for method, path, operation in operations(served.operator.document):
        assert operation["summary"].endswith("."), path
        assert ("requestBody" in operation) == (method == "post"), path
        for status, response in operation["responses"].items():
            assert response["content"] or status == "304", (path, status)
        if operation.get("security") != []:
            assert "401" in operation["responses"], path


def test_a_problem_has_one_type_and_each_operation_says_its_codes(served: Served) -> None:
    """So that a generated client has one type for all problems, and one for their codes."""
    document = served.operator.document
    schemas = document["components"]["schemas"]
    assert schemas["ProblemCode"]["enum"] == sorted(PROBLEMS)
    assert "additionalProperties" in schemas["Problem"], "or its further members can't be read"
    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if problem := response["content"].get(MEDIA_TYPE):
                assert problem["schema"]["$ref"] == "#/components/schemas/Problem"
                codes = response[CODES]
                assert {PROBLEMS[code].status for code in codes} == {int(status)}, path


OF_NO_OPERATION = {
    *("address_too_long", "headers_too_large", "unreachable", "bad_request", "method_not_allowed"),
    "stale_form",  # of pages
    *("unknown_exchange_rate", "unknown_payment_currency"),  # of nouns that no request names
}


def test_every_code_is_listed_by_an_operation_or_is_of_none(served: Served) -> None:
    document = served.operator.document
    answers = (
        one for *_, operation in operations(document) for one in operation["responses"].values()
    )
    named = {code for answer in answers for code in answer.get(CODES, ())}
    assert named == PROBLEMS.keys() - OF_NO_OPERATION


def test_who_asks_about_the_time_before_they_were_here_is_answered_as_documented(
    served: Served,
) -> None:
    """The client compares every answer with the document."""
    ana = served.acting(served.admit("Ana of the present"))
    answers = Counter[str]()
    for method, path, operation in operations(served.operator.document):
        asked = {
            one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"
        }
        if method == "get" and "as_of" in asked and "{" not in path:
            needed = {"year": 2026, "q": "tide", "as_of": 0}
            said = {
                name: needed[name]
                for name in needed
                if name == "as_of" or asked.get(name, {}).get("required")
            }
            answers[path] = ana.get(path, said).status
    assert answers["/inbox"] == answers["/claims"] == 404
    assert len(answers) > 20


def test_who_claims_more_works_than_a_day_allows_is_refused_as_documented(served: Served) -> None:
    ana = served.admit("Ana")
    piece = served.operator.post("/contributions", title="piece", medium="text")
    said = {"contributor": ana, "evidence": "https://example.org/about-me"}
    claims = [
        served.acting(ana).post(f"/works/{piece.id}/claim", role=role, **said)
        for role in [*roles()][: QUOTAS["claims"].a_day + 1]
    ]
    assert {one.status for one in claims[:-1]} == {201}
    assert claims[-1].code == "quota_exceeded"


def test_what_a_pool_cannot_keep_is_refused_as_documented(served: Served) -> None:
    song = served.operator.post("/contributions", title="song", medium="audio").id
    album = served.operator.post("/releases", title="album", components=[{"work": song}]).id
    pools, said = f"/releases/{album}/pools", {"kind": "song", "currency": "EUR"}
    agreed = {"type": "fixed", "shares": [["artists", "1", {"type": "agreed"}]]}
    pool = served.operator.post(pools, **said, name="pool", terms=agreed).id
    booked = {"amount_minor": 1, "effective_at": "2026-01"}
    half = [{"asset": "a", "value": "1", "shares": [["\ud800", "1"]]}]
    chosen = "0193a5e0-0000-7000-8000-00000000ffff"  # the id by which repetitions are recognised
    for path, body, code in (
        (f"/pools/{pool}/revenue", {**booked, "source": "x", "source_name": "y"}, "unknown_kind"),
        (
            f"/pools/{pool}/expenses",
            {**booked, "category": "x", "category_name": "y"},
            "unknown_kind",
        ),
        (pools, {**said, "id": chosen, "name": "x", "terms": {"type": "\ud800"}}, "bad_text"),
        (f"/pools/{pool}/proposals", {"id": chosen, "assets": half}, "bad_text"),
    ):
        assert served.operator.post(path, **body).code == code, path


def test_every_body_may_have_a_type_that_generated_clients_can_send(served: Served) -> None:
    for _, path, operation in operations(served.operator.document):
        if sent := operation.get("requestBody"):
            assert {"application/json", "application/octet-stream"} & sent["content"].keys(), path


def test_the_type_of_a_body_is_named_after_its_operation_unless_several_share_it(
    served: Served,
) -> None:
    # Clients in Go do not compile with types called Key and NewKey: NewKey is what makes a Key.
    bodies: dict[str, list[str]] = defaultdict(list)
    for _, _, operation in operations(served.operator.document):
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            if named := content["schema"].get("$ref"):
                bodies[named.rpartition("/")[2]].append(operation["operationId"])
    for name, operation_ids in bodies.items():
        if len(operation_ids) == 1:
            assert name == operation_ids[0].title().replace("_", "")


def test_a_whole_number_that_may_not_fit_into_32_bits_says_so(served: Served) -> None:
    # Without a format, clients in Go, Java and C# read a position or an amount as 32 bits.
    def integers(schema: Any) -> Iterator[dict[str, Any]]:
        if isinstance(schema, dict):
            if schema.get("type") in ("integer", ["integer", "null"]):
                yield schema
            schema = [*schema.values()]
        if isinstance(schema, list):
            for inner in schema:
                yield from integers(inner)

    document = json.loads(json.dumps(served.operator.document))
    for one in integers([document["components"], document["paths"]]):
        assert (one.get("format") == "int64") == ("maximum" not in one or one["maximum"] >= 2**31)


def test_words_that_stand_in_several_places_have_one_type(served: Served) -> None:
    places = Counter[tuple[str, ...]]()

    def count(schema: Any) -> None:
        if isinstance(schema, dict):
            if "enum" in schema:
                places[tuple(schema["enum"])] += 1
            for inner in schema.values():
                count(inner)
        elif isinstance(schema, list):
            for inner in schema:
                count(inner)

    document = json.loads(json.dumps(served.operator.document))
    for _, _, operation in operations(document):
        for response in operation["responses"].values():
            response["content"].pop(MEDIA_TYPE, None)
        # The formats of an answer are its own.
        operation["parameters"] = [
            one for one in operation.get("parameters", ()) if one["name"] != "format"
        ]
    count(document)
    assert [words for words, n in places.items() if n > 1 and len(words) > 1] == []


EXAMPLES = (
    *("admit_contributor", "launch_project", "issue_challenge"),
    *("submit_contribution", "declare_remix", "open_credit"),
    *("assemble_release", "publish_release", "redate_work", "claim_work", "state_right"),
    "rename_contributor",
    "divide_shares",
    *("ask_first", "stop_asking", "register_key", "revoke_key", "grant_role", "end_role"),
    *("dispute_remix", "answer_remix", "settle_remix", "strike_remix"),
    "replace_remix",
    *("accept_remix", "decline_remix", "join_works", "undo_join", "accept_join", "decline_join"),
    *("describe_work", "state_identifier", "dispute_identifier", "answer_identifier"),
    *("settle_identifier", "withdraw_identifier"),
    *("accept_credit", "dispute_credit", "answer_credit", "settle_credit"),
    *("hide_credit", "unhide_credit", "correct_credit", "agree_licence"),
    *("decline_credit", "revoke_credit"),
    *("open_pool", "post_proposal", "comment_on_proposal", "answer_comment", "revise_proposal"),
    *(
        "extend_proposal",
        "notify_of_proposal",
        "finalise_proposal",
        "decline_share",
        "waive_share",
        "accept_share",
    ),
    *("state_reserve", "record_revenue", "free_reserve"),
    *("record_expense", "reverse_revenue", "correct_pool"),
    *("reverse_expense", "record_adjustment", "record_opening"),
    *("hold_credit", "lift_hold", "record_assignment"),
    *("locate_pool", "state_withholding", "choose_payment_currency", "state_exchange_rate"),
    *(
        "preview_payouts",
        "issue_payouts",
        "settle_payout",
        "return_payout",
        "claim_payout",
        "withdraw_proposal",
    ),
    "end_withholding",
    *("offer_membership", "accept_membership", "date_membership"),
    *("dispute_membership", "answer_membership", "settle_membership", "decline_membership"),
    *("feature_answer", "unfeature_answer", "withdraw_answer", "answer_challenge"),
    *("post_comment", "edit_comment", "remove_comment", "follow_subject", "unfollow_subject"),
    *("place_contribution", "take_out_contribution"),
    *("withdraw_release", "withdraw_contribution", "merge_contributor", "separate_contributor"),
    "preview_split",
    *("confirm_share", "record_agreement", "assign_share", "identify_payee"),
    *("amend_pool", "close_period"),
    *("describe_project", "publish_step", "describe_step", "update_project"),
    *("assign_leader", "remove_leader", "describe_challenge"),
    *("move_challenge", "close_challenge", "reopen_challenge"),
    *("forget_contributor", "close_project", "reopen_project"),
    "preview_remix",
    "make_key",
    "add_webhook",
    "cite_works",
    "set_mailbox",
    "set_seen",
)


ASKED: dict[str, dict[str, Any]] = {
    "show_consistency": {"old": 1, "new": 2},
    "search": {"q": "tide"},
    "count_hits": {"q": "tide"},
    "show_position": {"at": "2026"},
    "show_withheld": {"year": 2026},
    "show_split": {
        **{"policy": "relative_cascade", "amount_minor": 100, "currency": "EUR"},
        "default_rate": "0",
    },
}
"""What has to be asked with."""


def test_the_examples_work_as_they_stand(served: Served, clock: TickingClock) -> None:
    document = served.operator.document
    named = {one["operationId"]: (method, path, one) for method, path, one in operations(document)}
    # A cosignature is of a key and a tree that are made up each time (tests/test_witness.py).
    # So is a key, the id of a webhook, and the token of a mailbox.
    made_up = {"confirm_mailbox", "end_mailbox"}
    made_up |= {"replace_key", "end_key", "end_webhook", "enable_webhook", "replay_webhook"}
    assert {*EXAMPLES, "add_cosignatures", *made_up} == {
        name for name, (method, _, _) in named.items() if method == "post"
    }
    merge = named["merge_contributor"][2]["requestBody"]["content"]["application/json"]["example"]
    served.operator.post("/contributors", name="Ana", id=merge["into"])
    for name in EXAMPLES:
        method, path, operation = named[name]
        body = operation["requestBody"]["content"]["application/json"]["example"]
        here = shown(document, path)
        if name == "finalise_proposal":
            clock.wait(days=60)  # the window for comments has closed
        if name == "correct_pool":
            agree_once_more(served, clock)
        if name == "replace_remix":
            here = here.replace(EDGE, part_id(ALBUM, "component", 0))
        if name in ("accept_remix", "decline_remix"):
            here = here.replace(EDGE, claimed(served, name))
        if name in ("accept_join", "decline_join"):
            somebody = served.acting(served.admit(name))
            copy = somebody.post("/contributions", title=name, medium="text").id
            here = here.replace(JOIN, somebody.post("/joins", work=copy, into=SONG).id)
        if name == "identify_payee":
            terms = {"type": "fixed", "shares": [["label", "1"]]}
            said = {"name": "label's", "kind": "song", "currency": "USD", "terms": terms}
            served.operator.post(f"/releases/{ALBUM}/pools", said)
        if name == "confirm_share":
            said = {"work": SONG, "contributor": BEN, "role": "singer"}
            credit = served.operator.post("/credits", **said).id
            said = {"grounds": "other", "reason": "r", "evidence": "e"}
            served.operator.post(f"/credits/{credit}/dispute", said)
            upheld = {"outcome": "upheld", "reason": "found false"}
            served.operator.post(f"/credits/{credit}/settle", upheld)
        if name == "withdraw_proposal":
            other = served.operator.post(f"/pools/{POOL}/proposals", assets=ASSETS).id
            here = here.replace(PROPOSAL, other)
        answer = served.operator.post(here, body)
        assert answer.status in {200, 201}, (name, answer.text)
        if "Location" in answer.headers:
            there = served.operator.get(
                answer.headers["Location"], min_position=answer.json["position"]
            )
            assert there.status == 200, (name, there.text)
    keyed = {"Content-Type": "application/json", "Idempotency-Key": EDGE}
    assert served.operator.send("POST", "/contributors", b'{"name": "Dee"}', keyed).status == 201
    size = served.service.log.catch_up()
    for name, (method, path, _) in named.items():
        if method == "get" and name != "show_witnessed_checkpoint":  # nobody has seen one here
            asked = ASKED.get(name, {})
            here = re.sub("/(checkpoint|map)/1$", rf"/\1/{size}", shown(document, path))
            assert served.operator.get(here, **asked).status == 200, name


def claimed(served: Served, name: str) -> str:
    """A remix that somebody claims: the song was made from their old piece."""
    somebody = served.acting(served.admit(name))
    old = somebody.post("/contributions", title=name, medium="text", made_at="1950").id
    return somebody.post("/remixes", child=SONG, parent=old, kind="sample").id


def agree_once_more(served: Served, clock: TickingClock) -> None:
    """Other shares for what was earned since 2017, agreed later."""
    other = served.operator.post(f"/pools/{POOL}/proposals", assets=ASSETS[:1]).id
    clock.wait(days=15)
    answer = served.operator.post(f"/proposals/{other}/finalise", effective_at="2017-02")
    assert answer.status == 200, answer.text


def shown(document: dict[str, Any], path: str) -> str:
    """The path with the ids of the examples."""
    for parameter in document["paths"][path].get("parameters", []):
        path = path.replace(f"{{{parameter['name']}}}", str(parameter["schema"]["examples"][0]))
    return path


def test_what_is_printed_to_be_tried_lacks_nothing_that_is_required(served: Served) -> None:
    document = served.operator.document
    named = {one["operationId"]: one for _, _, one in operations(document)}
    for printed in Reference.of(document).operations:
        words, operation = shlex.split(printed.curl), named[printed.name]
        asked = parse_qs(urlsplit(words[-1]).query)
        required = {one["name"] for one in operation.get("parameters", ()) if one.get("required")}
        assert {*asked} == required, printed.name
        is_sent = {"-d", "--data-binary"} & {*words}
        assert is_sent or not operation.get("requestBody", {}).get("required"), printed.name


class Seen(HTMLParser):
    """What a page holds: ids, links, what it loads, and whether it could run anything."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.active: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag in {"link", "img"}:
            self.loaded.append(given.get("href") or given["src"])
        if tag == "script" and "src" in given:
            self.loaded.append(given["src"])
        elif tag in {"script", "style", "iframe", "form"} or any(
            name == "style" or name.startswith("on") for name in given
        ):
            self.active.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/works", "/docs?q=tide"])
def test_a_page_needs_nothing_from_elsewhere_and_runs_only_scripts_of_ours(
    served: Served, path: str
) -> None:
    answer = served.client(None).get(path)
    page = Seen(answer.text)
    assert set(page.active) <= {"form"}
    for target in page.loaded:
        assert target.startswith("/static/")
        assert served.client(None).get(target).status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.fixture(scope="module")
def documentation(served: Served) -> dict[str, Seen]:
    """Every page of it, by its address."""
    found: dict[str, Seen] = {}
    waiting = ["/docs", "/docs?q=withdraw"]
    while waiting:
        page = waiting.pop()
        answer = served.client(None).get(page)
        assert answer.status == 200, page
        found[page] = Seen(answer.text)
        links = {urljoin(page, link).partition("#")[0] for link in found[page].links}
        waiting += sorted(link for link in links - {*found, *waiting} if "/docs" in link)
    return found


def test_every_link_of_a_page_leads_somewhere(
    served: Served, documentation: dict[str, Seen]
) -> None:
    known = {**documentation, "/": Seen(served.client(None).get("/").text)}
    for page, seen in list(known.items()):
        assert len(seen.ids) == len(set(seen.ids))
        for link in seen.links:
            path, _, anchor = urljoin(page, link).partition("#")
            if path.startswith("https://"):
                continue  # a specification
            if path not in known:
                answer = served.client(None).get(path)
                assert answer.status == 200, link
                known[path] = Seen(answer.text)
            assert not anchor or anchor in known[path].ids, (page, link)


def test_the_documentation_tells_every_route_code_role_and_parameter(
    served: Served, documentation: dict[str, Seen]
) -> None:
    start, problems = documentation["/docs"], documentation["/docs/problems"]
    for method, path, operation in operations(served.operator.document):
        chapter = documentation[f"/docs/{operation['tags'][0]}"]
        for page in (start, chapter):
            assert operation["operationId"] in page.ids
            assert f"{method.upper()} {path}" in re.sub(r"\s+", " ", page.text)
        for parameter in operation.get("parameters", []):
            assert parameter["name"] in chapter.text
    for code, kind in PROBLEMS.items():
        assert code in problems.ids
        assert kind.meaning.replace("`", "") in problems.text, "names are marked as code"
    for role in roles():
        assert role in documentation["/docs/reference/vocabularies"].text


def test_what_an_operation_does_not_name_itself_is_named_for_all_of_its_kind(
    served: Served,
) -> None:
    reference = Reference.of(served.operator.document)
    assert reference.usual["POST"]
    for one in reference.operations:
        usual = reference.usual[one.method] if reference.is_usual(one) else []
        assert sorted([*reference.own_problems(one), *usual]) == one.problems
        told = [*reference.own_parameters(one), *reference.usual_parameters(one)]
        assert sorted(told) == sorted(one.parameters)


def test_what_is_looked_for_in_the_documentation_is_found(
    documentation: dict[str, Seen], served: Served
) -> None:
    found = documentation["/docs?q=withdraw"]
    assert "POST /releases/{id}/withdraw" in re.sub(r"\s+", " ", found.text)
    assert "POST /works/{id}/redate" not in re.sub(r"\s+", " ", found.text)
    for q, what in {
        "ID_taken": "already used for",
        "beatmaker": "beat",
        "comment window": "Close a split",
        "CORS": "Ask from your server",
        "pagination": "come in pages",
        "EventSource": "hears no event that has a type",
        "né <b>": "Nothing",
    }.items():
        assert what in Seen(served.client(None).get("/docs", q=q).text).text, q


def test_the_type_of_a_problem_and_the_anchors_of_old_lead_to_what_is_told(
    served: Served, documentation: dict[str, Seen]
) -> None:
    problem = served.operator.get("/works/nothing").json
    path, _, anchor = problem["type"].partition("#")
    assert anchor in documentation[path].ids
    sections = {"keys", "facts", "answers", "problems", "roles", "kinds", "log", "explain_line"}
    assert {*sections, *(f"problem-{code}" for code in PROBLEMS)} <= set(documentation["/docs"].ids)


def test_a_chapter_that_is_not_there_is_not_found(served: Served) -> None:
    assert served.operator.get("/docs/nothing").code == "not_found"


def test_a_source_for_a_forge_leads_to_the_page_that_replaces_it(served: Served) -> None:
    for chapter in guides.LIVE:
        answer = served.operator.get(f"/docs/{chapter}")
        assert answer.status == 301
        page = urljoin(f"/docs/{chapter}", answer.headers["Location"])
        assert served.operator.get(page).status == 200


def test_an_example_is_broken_into_lines_only_where_it_must_be() -> None:
    assert pretty({"a": [1, 2], "b": None}) == '{"a": [1, 2], "b": null}'
    long = {"a": ["x" * 40, {"b": "y" * 40}], "c": []}
    assert pretty(long) == (
        f'{{\n  "a": [\n    "{"x" * 40}",\n    {{"b": "{"y" * 40}"}}\n  ],\n  "c": []\n}}'
    )
    assert json.loads(pretty(long)) == long


def test_an_address_is_documented_once_and_names_the_methods_that_are_documented(
    served: Served,
) -> None:
    """Two templates that differ only in the names of their parts are the same address."""
    document = served.operator.document
    shapes = [re.sub(r"\{[^}]*\}", "{}", path) for path in document["paths"]]
    assert len(shapes) == len(set(shapes))
    for path, item in document["paths"].items():
        filled = path.replace("{key}", "k").replace("{payee}", "house")
        for part in item.get("parameters", []):
            filled = filled.replace(f"{{{part['name']}}}", str(part["schema"]["examples"][0]))
        documented = {method.upper() for method in item if method in ("get", "post")}
        for method in ("DELETE", "OPTIONS"):
            answer = served.operator.send(method, filled, None)
            allowed = set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"}
            assert allowed == documented, (method, filled)
            assert (answer.status == 405) == (method == "DELETE")


def test_a_parameter_that_a_route_does_not_have_is_refused_and_nothing_is_recorded(
    served: Served,
) -> None:
    """Otherwise `as_of` would seem to be heard where it is not, and `dry_run` everywhere."""
    document, head = served.operator.document, served.head
    for method, path, operation in operations(document):
        name = operation["operationId"]
        if name in {"show_health", "show_readiness", "add_cosignatures"}:
            continue  # probes say what they like; a witness sends by a protocol of others
        asked = urlencode({**ASKED.get(name, {}), "dry_run": "true"})
        here = f"{shown(document, path)}?{asked}"
        answer = served.operator.get(here) if method == "get" else served.operator.post(here, {})
        assert (answer.status, answer.code) == (422, "unknown_field"), (name, answer.text)
        assert [one["parameter"] for one in answer.json["errors"]] == ["dry_run"]
    assert served.head == head


def test_every_example_has_the_schema_that_it_is_an_example_of(served: Served) -> None:
    document = served.operator.document
    for _, _, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (one for body in bodies for one in body.get("content", {}).values()):
            if "example" in content:
                schema = {**content["schema"], "components": document["components"]}
                Draft202012Validator(schema, validate_formats=True).validate(content["example"])


def test_what_is_divided_and_the_answer_have_the_fields_that_are_documented(served: Served) -> None:
    """The client compares every answer with the document; here, what is sent as well."""
    document = served.operator.document
    case = document["components"]["schemas"]["PreviewSplit"]
    believed = Draft202012Validator({**case, "components": document["components"]})
    for asked, answer in EXAMPLES_OF_POLICIES:
        believed.validate(json.loads(asked))
        assert served.operator.post("/splits/preview", json.loads(asked)).json == json.loads(answer)
    refused = served.operator.post(
        "/splits/preview", {**json.loads(EXAMPLES_OF_POLICIES[0][0]), "x": 1}
    )
    named = re.findall(r"\w+", refused.json["detail"].partition(", only ")[2])
    assert {*case["properties"]} == {*named}


def test_every_list_in_pages_says_in_which_order_it_is(served: Served) -> None:
    document = served.operator.document
    for _, path, operation in operations(document):
        answer = operation["responses"].get("200", {"content": {}})["content"]
        fields = resolved(answer.get("application/json", {}).get("schema", {}), document)
        if {"items", "next"} <= fields.get("properties", {}).keys():
            said = f"{operation['summary']} {operation['description']}"
            said += operation["responses"]["200"]["description"]
            assert re.search(r"\b(first|last|in (the )?order|sorted by)\b", said, re.IGNORECASE), (
                path
            )


def test_the_guide_names_what_is_made_once_more_by_each_repetition(served: Served) -> None:
    """Who repeats under an idempotency key trusts that it is made only once."""
    guide = (guides.FOLDER / "how-to/send-requests-safely.md").read_text("utf-8")
    for method, path, operation in operations(served.operator.document):
        takes = {one["name"] for one in operation.get("parameters", ())}
        if "201" in operation["responses"] and "Idempotency-Key" not in takes:
            named = re.sub(r"{(\w+)}", lambda name: name[1].upper(), path)
            assert f"`{method.upper()} {named}`" in guide, path


def test_objects_without_documented_fields_may_have_any(served: Served) -> None:
    """Or a generated client in TypeScript takes them for objects that must be empty."""
    for schema in schemas_of(served.operator.document):
        if schema.get("type") == "object":
            assert {"properties", "additionalProperties"} & schema.keys(), schema


def schemas_of(document: object) -> Iterator[dict[str, Any]]:
    """Every schema in a document, or what looks like one."""
    for inner in document if isinstance(document, list) else ():
        yield from schemas_of(inner)
    if isinstance(document, dict):
        yield document
        for name, inner in document.items():
            if name not in {"example", "examples"}:
                yield from schemas_of(inner)


def test_what_a_word_of_a_request_may_be_is_listed(served: Served) -> None:
    """Without it, a typed client takes any text, and its user has to look elsewhere."""
    schemas = served.operator.document["components"]["schemas"]
    for name, command in COMMANDS.items():
        fields = schemas[command.__name__]["properties"]
        for field in command.fields():
            if isinstance(field.value, Word) and field.value.choices and field.name in fields:
                stated = fields[field.name]
                words = resolved(stated, served.operator.document)["enum"]
                assert words == [*field.value.choices], (name, field.name)


def test_an_id_that_only_filters_a_list_is_documented_to_be_refused(served: Served) -> None:
    """The client compares every answer with the document."""
    for path in ("/grants?contributor=x", "/grants?work=x"):
        answer = served.operator.get(path)
        assert (answer.status, answer.code) == (422, "bad_id")


# -- generated requests --------------------------------------------------------------------

MODES = {"allowed": GenerationMode.POSITIVE, "forbidden": GenerationMode.NEGATIVE}
PATIENCE_SECONDS = 60
# What is well formed may still be refused: most generated ids are nobody's.
NOT_PROMISED = [schemathesis.checks.positive_data_acceptance]


@pytest.mark.parametrize(
    "mode, examples",
    [
        ("forbidden", 1),  # the examples of the document are what is allowed
        *(pytest.param(mode, 25, marks=pytest.mark.slow) for mode in MODES),
    ],
)
def test_generated_requests_get_the_answers_that_are_documented(
    mode: str, examples: int, tmp_path: Path
) -> None:
    """What the document allows is understood, what it forbids is refused, nothing breaks."""
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        origin = f"http://127.0.0.1:{served.operator.port}"
        schema = schemathesis.openapi.from_url(f"{origin}/openapi.json", timeout=PATIENCE_SECONDS)
        key = {"Authorization": f"Bearer {served.operator.key}"}
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            operation = result.ok()
            said = [one for one in operation.iter_parameters() if one.location == "query"]
            if mode == "forbidden" and not said and not operation.body:
                continue  # there is nothing to say wrongly: a wrong path is another address

            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(MODES[mode]))
            def send(case: schemathesis.Case[Any]) -> None:
                position = case.query.get("min_position")
                if isinstance(position, int) and 0 <= position <= LARGEST_POSITION:
                    del case.query["min_position"]  # waiting for it takes its time
                answer = case.call_and_validate(
                    headers=key, excluded_checks=NOT_PROMISED, timeout=PATIENCE_SECONDS
                )
                if answer.headers["content-type"] == [MEDIA_TYPE]:
                    responses = case.operation.definition.raw["responses"]
                    assert answer.json()["code"] in responses[str(answer.status_code)][CODES]

            send()
