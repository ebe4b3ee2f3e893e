"""A signature about projects, challenges and groups fits its own facts, whole, and no other."""

import json
from typing import Any

import pytest
from stories import Story, id_of, story
from test_signature import registered, signed

from domain.identity import part_id
from domain.signature import must_fit
from domain.stated import COMPUTED, ENVELOPE, INHERITED
from domain.tree import NotVerified
from projections import history

PROJECT, OTHER, CALL, MEMBER = map(id_of, ("project", "other", "call", "member"))
PIECE, ANSWER = map(id_of, ("piece", "answer"))
STEPS = [part_id(one, "step", 0) for one in (PROJECT, OTHER)]


def told_together(told: Story) -> None:
    """Every kind of fact that somebody signs about what is made together."""
    ana, ben = registered(told), told.person("ben")
    why = {"reason": "r"}
    begun = {"title": "t", "goal": "g", "kind": "song", "steps": [{"title": "s", "text": "x"}]}
    call = {"title": "t", "prompt": "p", "media": ["image"], "roles": ["singer"]}
    piece = {"title": "t", "medium": "text"}
    member = {"group": ana, "contributor": ben, "roles": ["drummer"], "during": "2019"}
    lines: list[tuple[str, dict[str, Any]]] = [
        ("launch_project", {"id": PROJECT, "leaders": [ben], **begun}),
        ("launch_project", {"id": OTHER, **begun}),
        ("describe_project", {"id": PROJECT, "title": "n", **why}),
        ("describe_step", {"id": STEPS[0], "title": "q"}),
        ("remove_leader", {"id": PROJECT, "contributor": ben, **why}),
        ("assign_leader", {"id": PROJECT, "contributor": ben}),
        ("update_project", {"id": PROJECT, "text": "r"}),
        ("issue_challenge", {"id": CALL, "answer_by": "2099", "project": PROJECT, **call}),
        ("move_challenge", {"id": CALL, "project": OTHER, **why}),
        ("describe_challenge", {"id": CALL, "title": "t2"}),
        ("submit_contribution", {"id": PIECE, "step": STEPS[0], "challenges": [CALL], **piece}),
        ("submit_contribution", {"id": ANSWER, **piece}),
        ("answer_challenge", {"id": CALL, "work": ANSWER}),
        ("feature_answer", {"id": CALL, "work": ANSWER, **why}),
        ("unfeature_answer", {"id": CALL, "work": ANSWER, **why}),
        ("withdraw_answer", {"id": CALL, "work": ANSWER, **why}),
        ("take_out_contribution", {"id": PIECE, **why}),
        ("place_contribution", {"id": PIECE, "step": STEPS[1], **why}),
        ("close_project", {"id": PROJECT, "outcome": "finished", **why}),
        ("offer_membership", {"id": MEMBER, **member}),
        ("date_membership", {"id": MEMBER, "during": "2020", **why}),
    ]
    for command, said in lines:
        signed(told, command, **said)


def test_a_signature_about_what_is_made_together_fits_its_facts_alone(database: str) -> None:
    with story(database) as told:
        told_together(told)
        facts = [one for one in told.facts() if one.fact().signature]
        ids = {one.originator_id for one in facts}
        for placed in facts:
            kept = history.disclosures(told.journal, placed)
            message = next(text for _, name, text in kept if name == "message")
            content, version = json.loads(placed.state), placed.originator_version
            must_fit(message, content, placed.topic, placed.originator_id, version)
            others = [(content, one) for one in ids - {placed.originator_id}]
            added = {"project.closed": "release", "challenge.described": "answer_by"}
            if name := added.get(placed.topic):
                others.append(({**content, name: "another"}, placed.originator_id))
            open_to = ENVELOPE | COMPUTED | INHERITED
            for name in content.keys() - open_to:
                others.append(({**content, name: "another"}, placed.originator_id))
                rest = {one: value for one, value in content.items() if one != name}
                others.append((rest, placed.originator_id))
            for otherwise, id in others:
                with pytest.raises(NotVerified):
                    must_fit(message, otherwise, placed.topic, id, version)
