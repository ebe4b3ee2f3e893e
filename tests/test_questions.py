"""Questions are declared once: what they take and answer is the same by every way in."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any, cast, get_type_hints

import pytest
from commanding import Stemma

from api.results import COMPONENTS, answer_of, schema_of
from domain.command import Field
from domain.moment import start
from domain.refusal import UnknownWork
from domain.value import Value
from projections.question import QUESTIONS as DECLARED
from projections.question import Asking
from projections.registry import QUESTIONS, by_words
from projections.told import CreditTold, PersonRef
from scripts.commands.questions import TYPED, USUALLY


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stemma.db'}"


def test_a_cursor_outlives_an_upgrade_that_adds_a_filter() -> None:
    """It was refused, as if it had been of another list."""
    known = QUESTIONS["list_works"]
    more = replace(known)
    vars(more)["fields"] = (*known.fields, Field("loud", known.fields[0].value, None))
    for said, is_same in (({}, True), ({"q": "a"}, True), ({"loud": "yes"}, False)):
        marks = {
            Asking(one, cast(Any, None), cast(Any, None), said)._mark() for one in (known, more)
        }
        assert (len(marks) == 1) == is_same, said


def run(database: str, *words: str) -> str:
    ran = Stemma(database).run(*words)
    return ran.stdout if ran.exit_code == 0 else ran.stderr


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_says_of_everything_it_takes_what_that_is(name: str) -> None:
    question = QUESTIONS[name]
    assert question.help.partition("\n")[0].endswith("."), "the first line is a sentence"
    for one in question.fields:
        assert one.value.help or one in question.in_path or one.is_needed, one.name
        assert type(one.value) is not Value, one.name
    places = {one.name for one in question.in_path}
    assert question.path.count("{") == len(places)


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_has_a_schema_in_which_every_object_is_a_component(name: str) -> None:
    schema = answer_of(QUESTIONS[name])
    answer = COMPONENTS[schema["$ref"].rpartition("/")[2]]
    assert "as_of" in answer["required"]
    if not QUESTIONS[name].is_list:
        assert set(get_type_hints(QUESTIONS[name].result)) < set(answer["properties"])


def test_the_schema_of_a_type_says_what_its_annotations_say() -> None:
    schema_of(CreditTold)
    properties = COMPONENTS["Credit"]["properties"]
    assert properties["contributor"] == {"$ref": "#/components/schemas/PersonRef"}
    assert properties["state"]["enum"][0] == "granted"
    assert properties["display"]["type"] == ["string", "null"]
    assert properties["position"]["minimum"] == 0
    assert schema_of(PersonRef | None)["anyOf"][1] == {"type": "null"}


def test_an_id_in_the_path_may_be_that_of_nothing() -> None:
    assert UnknownWork in QUESTIONS["show_work"].refusals()


def test_who_computes_an_answer_keeps_no_other_thread_from_computing_another() -> None:
    both_compute = Barrier(2, timeout=10)
    question = replace(QUESTIONS["show_work"], ask=lambda *_: both_compute.wait())
    asked = [Asking(question, cast("Any", None), cast("Any", None), {}) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(lambda asking: asking.answer, asked)) == [0, 1]


def test_every_room_of_questions_is_in_the_registry() -> None:
    assert DECLARED == QUESTIONS
    assert set(by_words()) >= {"works", "history", "remix preview", "proposal show", "why"}


# -- on the command line -------------------------------------------------------------------


def test_a_wrong_id_is_named_as_it_was_typed_with_the_nearest_names(database: str) -> None:
    run(database, "contributor", "add", "--id", "ana", "--name", "Ana")
    run(database, "contribution", "post", "--id", "poem", "--title", "Low Tide", "--medium", "text")
    said = run(database, "attribution", "anna")
    assert said.startswith("Error: There is no contributor anna. Did you mean “Ana”, ")
    assert said.endswith("? (unknown_contributor)\n")
    assert "“Low Tide”" in run(database, "lineage", "low-tide")
    assert "“Low Tide”" in run(database, "contributors", "tide")
    mistyped = ("--contributor", "anna", "--role", "writer")
    for by_whom, meant in (
        (("--work", "poem", *mistyped), "Ana"),
        (("--work", "low-tide", "--by", "anna"), "Low Tide"),
    ):
        said = run(database, "credit", "open", "--contributor", "ana", "--role", "singer", *by_whom)
        assert f"Did you mean “{meant}”, " in said
    for words in (
        ("history", "git:parent"),
        ("key", "create", "--for", "git:parent"),
        ("credit", "accept", "git:parent"),
        ("why", "git:parent", "@ana"),
    ):
        said = run(database, *words)
        assert "git:parent. (unknown_" in said, said


@pytest.mark.parametrize("words", [*by_words()])
def test_what_a_question_needs_is_asked_for(tmp_path: Path, words: str) -> None:
    questions = by_words()[words]
    asked = [*words.split(), *("x" for one in questions[0].in_path)]
    needed = [one.name for one in questions[0].in_query if one.is_needed]
    said = run(f"sqlite:///{tmp_path}/none.db", *asked)
    needed = [name for name in needed if (words, name) not in USUALLY]
    if words in TYPED:
        assert "Missing argument 'WORDS'" in said, said
    elif needed:
        assert f"Missing option '--{needed[0].replace('_', '-')}'" in said, said
    else:
        assert said.startswith("Error: There is no database at "), said


def test_lists_beside_the_questions_are_json_as_well(database: str) -> None:
    run(database, "contributor", "add", "--id", "ana", "--name", "Ana")
    run(database, "key", "create", "--for", "ana")
    (key,) = json.loads(run(database, "key", "list", "--json"))["items"]
    assert (key["name"], key["revoked_at"]) == ("Ana", None)
    assert start(key["made_at"]) == key["made_at"]  # as all times are written
    assert key["key"] in run(database, "key", "list")
    assert json.loads(run(database, "verify-money", "--json"))["accounts"] == {}
    assert json.loads(run(database, "ledger", "--all", "--json"))["items"] == []


def test_a_form_is_named_by_its_option_or_by_its_own(database: str) -> None:
    run(database, "contribution", "post", "--id", "poem", "--title", "Low Tide", "--medium", "text")
    for form in ("graphml", "dot", "jsonld", "json"):
        told = run(database, "lineage", "poem", f"--{form}")
        assert "Low Tide" in told
        assert told == run(database, "lineage", "poem", "--format", form)
    assert "https://here.example/works/" in run(
        database, "lineage", "poem", "--jsonld", "--origin", "https://here.example/"
    )


def test_a_file_that_is_not_there_is_not_called_unverified(database: str) -> None:
    said = run(database, "verify", "receipt", "/nowhere", "--key", "x")
    assert said == "Error: /nowhere: No such file or directory\n"
