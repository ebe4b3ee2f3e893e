"""Whatever is wrong with a request is said at once: in its answer, and beside each field."""

import json
import re
from urllib.parse import urlencode

import pytest
from serving import Served
from stories import id_of
from test_pages import signed_in


def pointers(problem: dict[str, object]) -> list[tuple[str, str]]:
    errors = problem["errors"]
    assert isinstance(errors, list)
    return [(one["pointer"], one["code"]) for one in errors]


def test_every_value_that_the_domain_refuses_is_pointed_at(served: Served) -> None:
    ana = served.admit("Ana")
    authors = [{"contributor": ana, "role": "writer"}, {"contributor": ana, "role": "flying"}]
    answer = served.operator.post(
        "/contributions",
        title="A poem",
        medium="text",
        made_at="yesterday",
        authors=authors,
        sources=[{"uri": "nowhere", "kind": "sample", "rate": "7"}],
    )
    assert answer.code == "unknown_role"
    assert pointers(answer.json) == [
        ("#/authors/1/role", "unknown_role"),
        ("#/sources/0/uri", "bad_uri"),
        ("#/sources/0/rate", "bad_rate"),
        ("#/made_at", "bad_made_at"),
    ]


def test_a_value_of_the_wrong_form_and_one_that_is_refused_are_both_pointed_at(
    served: Served,
) -> None:
    """The code is the one it had when only the form was looked at."""
    said = {"title": 5, "medium": "text", "made_at": "yesterday"}
    answer = served.operator.post("/contributions", said)
    assert answer.code == "wrong_type"
    assert pointers(answer.json) == [("#/title", "wrong_type"), ("#/made_at", "bad_made_at")]
    assert answer.json["detail"] == "title: This is not text. And 1 more."


def test_every_id_of_nothing_is_pointed_at(served: Served) -> None:
    said = {"child": id_of("no child"), "parent": id_of("no parent"), "kind": "flying"}
    answer = served.operator.post("/remixes", said)
    assert (answer.status, answer.code) == (404, "unknown_work")
    assert pointers(answer.json) == [
        ("#/child", "unknown_work"),
        ("#/parent", "unknown_work"),
        ("#/kind", "unknown_kind"),
    ]


def test_an_id_of_nothing_in_the_address_is_named_as_a_parameter(served: Served) -> None:
    answer = served.operator.post(f"/credits/{id_of('no credit')}/dispute", grounds="x", reason="x")
    assert (answer.status, answer.code) == (404, "unknown_credit")
    wrong = {one["code"]: one for one in answer.json["errors"]}
    assert wrong["unknown_credit"]["parameter"] == "id"
    assert "pointer" not in wrong["unknown_credit"]
    assert wrong["unknown_grounds"]["pointer"] == "#/grounds"


def test_every_parameter_of_a_question_that_is_refused_is_named(served: Served) -> None:
    answer = served.operator.get("/works?role=flying")
    assert (answer.status, answer.code) == (422, "unknown_role")
    assert [(one["parameter"], one["code"]) for one in answer.json["errors"]] == [
        ("role", "unknown_role")
    ]
    answer = served.operator.post("/payout-batches/preview", currency="0")
    assert (answer.status, answer.code) == (422, "bad_currency")
    assert pointers(answer.json) == [("#/currency", "bad_currency")]


def test_what_is_wrong_with_many_is_counted(served: Served) -> None:
    parts = [{"work": id_of(f"part {number}"), "rate": "x"} for number in range(30)]
    answer = served.operator.post("/releases", title="Much", components=parts).json
    assert (len(answer["errors"]), answer["further_errors"]) == (20, 40)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def form(served: Served, command: str, /, **sent: str) -> tuple[int, str]:
    answer = served.operator.send("POST", f"/do/{command}", urlencode(sent).encode(), FORM)
    return answer.status, answer.text


def beside(page: str) -> dict[str, str]:
    """What stands beside each field of a form; the summary leads to every one of them."""
    told = dict(re.findall(r'<p class="wrong" id="wrong-([a-z_0-9-]+)">(.*?)</p>', page))
    found = {name: re.sub(r"<[^>]+>", "", said) for name, said in told.items()}
    for name in found:
        assert f'<a href="#{name}">' in page
        (field,) = re.findall(rf'<[a-z]+ [^>]*id="{name}"[^>]*>', page)
        assert 'aria-invalid="true"' in field
        assert f"wrong-{name} " in field
    return found


def test_all_that_is_wrong_with_a_form_stands_beside_its_fields(served: Served) -> None:
    status, page = form(
        served,
        "revenue",
        pool="nobody",
        source="",
        amount_minor="much",  # not judged before its currency is known
        effective_at="soon",
    )
    assert status == 422
    assert beside(page) == {
        "pool": "Pool: This is not a UUID.",
        "source": "Source: This is required.",
        "effective_at": "Date: “soon” is not a date: write a year, month, day or time, such as "
        "1969, 1969-10, 1969-10-14 or 1969-10-14T20:15:00Z.",
    }


def test_a_field_with_the_name_of_a_part_of_the_page_s_address_is_named_as_well(
    served: Served,
) -> None:
    status, page = form(served, "contributor", name="\u2800")
    assert status == 422
    assert list(beside(page)) == ["name"]


@pytest.mark.parametrize("typed", ["1_4", "+14", "١٤", "14.0", "1" * 5_000])
def test_a_number_in_a_form_is_written_in_digits_as_in_json(served: Served, typed: str) -> None:
    status, page = form(served, "pool", comment_days=typed)
    assert status == 422
    assert "comment_days" in beside(page)


def test_a_list_in_a_form_says_which_of_its_lines_is_wrong(served: Served) -> None:
    ana = served.admit("Ana")
    lines = [{"contributor": ana, "role": "flying"}, {"contributor": ana, "role": "singer"}]
    authors = "\n".join([*map(json.dumps, lines), '{"contributor": '])
    said = {"title": "x" * 501, "medium": "audio", "sources": "no link", "made_at": "9999"}
    status, page = form(served, "contribution", authors=authors, **said)
    assert status == 422
    found = beside(page)
    assert set(found) == {"title", "authors", "sources", "made_at"}
    assert found["authors"] == "Authors: 3: This is not an object."


def test_what_is_refused_for_its_state_stands_beside_the_field_that_it_names(
    served: Served,
) -> None:
    ana = served.admit("Ana")
    status, page = form(served, "contributor.merge", id=ana, into=ana, reason="One person.")
    assert status == 409
    assert [*beside(page)] == ["into"]
    assert all("Ana" in said and ana not in said for said in beside(page).values())


def test_every_row_of_a_posting_form_says_what_is_wrong_with_it(served: Served) -> None:
    ana = served.admit("Ana")
    work = served.post_piece("A poem", by=ana)
    sent = [("do", "preview"), *[("person", ana)] * 2]
    sent += [("person_role", "flying"), ("person_role", ""), ("evidence", "x" * 5001)]
    answer = served.operator.send("POST", f"/piece/{work}/credits", urlencode(sent).encode(), FORM)
    assert answer.status == 422
    for place in ("role-0", "role-1"):
        assert f'<a href="#{place}">' in answer.text
        (after,) = re.findall(rf'id="{place}"[^>]*><p class="wrong"[^>]*>([^<]*)</p>', answer.text)
        assert after.startswith(f"Person {int(place[-1]) + 1}, Role: ")


def test_every_field_of_a_posting_form_is_called_by_its_label_and_keeps_what_was_typed(
    served: Served,
) -> None:
    ana = served.admit("Ana")
    sent = {
        "do": "preview",
        "medium": "text",
        "made_at": "soon",
        "media_url": "javascript:alert(1)",
    }
    sent |= {"identifiers": "foo 1", "person": ana, "person_role": "singer", "person_ai": "lots"}
    answer = served.operator.send("POST", "/post", urlencode(sent).encode(), FORM)
    assert answer.status == 422
    found = beside(answer.text)
    labels = ("Title", "Made", "Where it can be seen or heard", "Registry numbers")
    labels += ("Person 1, Made with AI",)
    assert [said.partition(":")[0] for said in found.values()] == [*labels]
    assert [*found] == ["title", "made_at", "media_url", "identifiers", "ai-0"]
    for typed in ("soon", "javascript:alert(1)", "foo 1", "lots"):
        assert f'value="{typed}"' in answer.text


def test_every_field_of_a_decision_that_is_missing_is_named(served: Served) -> None:
    ana = served.admit("Ana")
    work = served.post_piece("A poem", by=ana)
    credit = served.operator.get(f"/works/{work}").json["credits"][0]["id"]
    answer = served.operator.send(
        "POST", f"/credit/{credit}/dispute", urlencode({"answer_by": "soon"}).encode(), FORM
    )
    assert answer.status == 422
    for name in ("What is wrong", "Reason"):
        assert re.search(rf"<li><a [^>]*>{name}: This is required", answer.text)


def test_what_can_no_longer_be_done_is_explained_to_whoever_could_have_done_it(
    served: Served,
) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    work = served.acting(ana).post("/contributions", title="A poem", medium="text").id
    said = {"work": work, "contributor": ben, "role": "editor"}
    credit = served.acting(ana).post("/credits", said).id
    window = signed_in(served, ben)
    assert "can no longer" not in window.get(f"/credit/{credit}").text_seen
    served.acting(ana).post(f"/credits/{credit}/revoke", reason="The wrong Ben.")
    page = window.get(f"/credit/{credit}").text_seen
    assert "It is revoked, so it can no longer be accepted." in page
    assert "It is revoked, so it can no longer be declined." in page
    cleo = signed_in(served, served.admit("Cleo"))
    assert "can no longer" not in cleo.get(f"/credit/{credit}").text_seen
    # Neither what waits for the end of a dispute, nor what never waited for an answer.
    disputed = served.acting(ana).post("/credits", said | {"role": "arranger"}).id
    wrong = {"grounds": "wrong_role", "reason": "It was two commas.", "evidence": "The draft."}
    served.acting(ben).post(f"/credits/{disputed}/dispute", wrong)
    assert "can no longer" not in window.get(f"/credit/{disputed}").text_seen
    song = {"title": "A song", "medium": "audio", "sources": [{"work": work, "kind": "sample"}]}
    song = served.acting(ben).post("/contributions", song).id
    edge = served.operator.get(f"/works/{song}").json["sources"][0]["remix"]
    for one in (window, signed_in(served, ana)):
        assert "can no longer" not in one.get(f"/remix/{edge}").text_seen
    kept = served.acting(ana).post("/credits", said | {"role": "singer"}).id
    served.acting(ben).post(f"/credits/{kept}/accept", {})
    wrong = {"grounds": "not_theirs", "reason": "It was Cleo.", "evidence": "the tape"}
    served.acting(ana).post(f"/credits/{kept}/dispute", wrong)
    assert "can no longer" not in window.get(f"/credit/{kept}").text_seen, "it was accepted"
