"""A refusal that is about one field of a request says which, whatever rule it comes from."""

import pytest
from serving import Served
from stories import id_of

from domain.command import Command
from domain.money.split import OF_SPLIT
from domain.refusal import Refusal
from domain.registry import COMMANDS

IDS = {"id", "work", "asset"}
"""The particulars that are ids, by which the field is found that holds one."""
STATED = {"where", "field"}
"""The particulars that name a place in a request themselves."""


def may_point(refusal: type[Refusal], command: type[Command]) -> bool:
    """Whether a refusal of a command can say which field it is about, if it is about one."""
    if refusal.about == ():
        return True
    names = {one.name for one in command.every_field()}
    return bool((names | STATED | IDS) & {*(refusal.about or refusal.particulars())})


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_no_repetition_can_mend_is_about_a_field_of_the_command_or_about_none(
    command: type[Command],
) -> None:
    """A refusal with another status is about what is recorded, or about who asks."""
    of_values = {one for field in command.every_field() for one in field.value.refuses}
    silent = [
        refusal.code
        for refusal in command.refusals()
        if refusal.status == Refusal.status and refusal not in {*of_values, *OF_SPLIT}
        if not may_point(refusal, command)
    ]
    assert silent == []


def test_what_is_missing_or_refused_in_one_field_is_pointed_at(served: Served) -> None:
    ana, operator = served.admit("Ana"), served.operator
    poem = served.post_piece("A poem")
    project = {"title": "A book", "kind": "book", "goal": "One book."}
    nobody = id_of("nobody")
    for path, said, code, place in (
        (f"/works/{poem}/describe", {"title": "B"}, "reason_missing", "#/reason"),
        ("/projects", {**project, "steps": []}, "no_steps", "#/steps"),
        ("/projects", {**project, "steps": [{"title": "A"}]}, "no_leaders", "#/leaders"),
        (f"/contributors/{ana}/register-key", {"key": "x"}, "bad_signing_key", "#/key"),
        (f"/contributors/{ana}/merge", {"into": ana}, "merge_cycle", "#/into"),
        ("/contributors", {"name": "Ben", "id": ana}, "id_taken", "#/id"),
        ("/remixes", {"child": poem, "parent": poem, "kind": "sample"}, "self_remix", "#/parent"),
        ("/keys", {"holder": nobody}, "unknown_contributor", "#/holder"),
        ("/keys", {"holder": "nobody"}, "unknown_contributor", "#/holder"),
        ("/keys", {"scope": "everything"}, "bad_scope", "#/scope"),
        ("/keys", {"expires_at": "1999"}, "bad_expiry", "#/expires_at"),
        ("/webhooks", {"url": "http://127.0.0.1/"}, "bad_webhook", "#/url"),
        ("/notifications", {"address": "ana"}, "bad_address", "#/address"),
        ("/notifications/confirm", {"token": "x"}, "unknown_mailbox", "#/token"),
    ):
        problem = operator.post(path, said).json
        (error,) = problem["errors"]
        assert (problem["code"], error["code"], error["pointer"]) == (code, code, place)


def test_a_split_that_is_refused_is_pointed_at(served: Served) -> None:
    """An amount within the policy is told apart from the amount to divide."""
    case = {"amount_minor": 100, "currency": "USD", "policy": {"type": "equal", "payees": ["ana"]}}
    shares = [["ana", "1/2"], ["ben", "most of it"]]
    for changed, code, place in (
        ({"policy": {"type": "fixed", "shares": shares}}, "bad_share", "#/policy/shares/1"),
        (
            {"policy": {"type": "waterfall", "tranches": [["ana", "0.5"], ["ben", None]]}},
            "bad_amount",
            "#/policy/tranches/0",
        ),
        ({"amount_minor": "100"}, "bad_amount", "#/amount_minor"),
        ({"policy": {}}, "bad_policy", "#/policy"),
    ):
        answer = served.operator.post("/splits/preview", case | changed)
        (error,) = answer.json["errors"]
        assert (answer.code, error["pointer"]) == (code, place)
    assert answer.json["detail"] == "policy: the field “type” is missing."


def test_what_is_refused_within_a_field_is_pointed_at(served: Served) -> None:
    ana, ben, operator = served.admit("Ana"), served.admit("Ben"), served.operator
    song = {"title": "A song", "medium": "audio", "identifiers": []}
    song["authors"] = [{"contributor": ana, "role": "writer"}]
    good, bad = ({"scheme": "isrc", "identifier": one} for one in ("US-SKG-19-12345", "US"))
    poem = served.post_piece("A poem")
    single = operator.post("/releases", title="Single", components=[{"work": poem}])
    pools = f"/releases/{single.id}/pools"
    pool = {"name": "song", "kind": "song", "currency": "EUR"}
    parts = [{"contributor": one, "part": "1/2"} for one in (ben, ben)]
    for path, said, code, place in (
        ("/identifiers", {**bad, "work": poem}, "bad_identifier", "identifier"),
        (
            "/contributions",
            {**song, "identifiers": [good, bad]},
            "bad_identifier",
            "identifiers/1/identifier",
        ),
        (pools, {**pool, "terms": {"type": "equal"}}, "bad_policy", "terms"),
        (
            pools,
            {**pool, "terms": {"type": "equal", "payees": [7]}},
            "bad_policy",
            "terms/payees/0",
        ),
        (f"/contributors/{ana}/divide", {"among": parts}, "bad_share", "among/1/part"),
    ):
        problem = operator.post(path, said).json
        (error,) = problem["errors"]
        assert (problem["code"], error["pointer"]) == (code, f"#/{place}"), problem


def test_a_parameter_that_is_refused_is_named(served: Served) -> None:
    work = served.post_piece("A poem")
    for path, code, name in (
        ("/works?as_of=9999", "position_in_future", "as_of"),
        ("/works?min_position=9999", "position_in_future", "min_position"),
        ("/works?cursor=x", "bad_cursor", "cursor"),
        (f"/contributors/{served.admit('Ana')}/statement?from=2002&to=2001", "bad_period", "to"),
    ):
        problem = served.operator.get(path).json
        (error,) = problem["errors"]
        assert (problem["code"], error["code"], error["parameter"]) == (code, code, name), work


def test_what_is_about_who_asks_points_at_no_field(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    problem = served.acting(ana).post(f"/contributors/{ben}/merge", into=ana).json
    assert problem["code"] == "not_permitted"
    assert "errors" not in problem
