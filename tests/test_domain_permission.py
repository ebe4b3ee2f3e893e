"""Who may do what: one table of commands and the relations in which somebody may give them."""

import pytest

from domain.permission import ANYONE, OPERATOR, RELATIONS, permit
from domain.refusal import NotPermitted
from domain.registry import COMMANDS

ONLY_OPERATORS: set[str] = set()
POSTER, OWN = {"poster"}, {"contributor"}
SIDES = {"poster", "poster of the parent", "author", "contributor", "opener"}

TABLE: dict[str, set[str]] = {
    "contributor": ONLY_OPERATORS,
    "contributor.merge": ONLY_OPERATORS,
    "contributor.forget": OWN,
    "contributor.register-key": OWN,
    "contributor.revoke-key": OWN,
    "contribution": {ANYONE},
    "contribution.withdraw": POSTER,
    "work.redate": POSTER,
    "work.claim": OWN,
    "remix": {"poster", "poster of the parent"},
    "remix.dispute": {ANYONE},
    "remix.answer": SIDES,
    "remix.settle": {ANYONE},  # its outcome decides: see tests/test_disputes.py
    "remix.strike": ONLY_OPERATORS,
    "credit": {"poster", "contributor"},
    "credit.accept": {"addressee"},
    "credit.decline": {"contributor", "addressee"},
    "credit.revoke": POSTER,
    "credit.dispute": {ANYONE},
    "credit.answer": SIDES,
    "credit.settle": {ANYONE},
    "credit.hold": ONLY_OPERATORS,
    "credit.lift-hold": ONLY_OPERATORS,
    "release": {ANYONE},
    "release.publish": POSTER,
    "release.withdraw": POSTER,
    "pool": POSTER,
    "pool.correct": ONLY_OPERATORS,
    "proposal": POSTER,
    "proposal.comment": {ANYONE},
    "proposal.answer": POSTER,
    "proposal.revise": POSTER,
    "proposal.extend": POSTER,
    "proposal.withdraw": POSTER,
    "proposal.finalise": POSTER,
    "share.accept": OWN,
    "share.decline": OWN,
    "share.waive": OWN,
    "revenue": ONLY_OPERATORS,
    "revenue.reverse": ONLY_OPERATORS,
    "expense": ONLY_OPERATORS,
    "payout": ONLY_OPERATORS,
    "payout.settle": ONLY_OPERATORS,
    "payout.return": ONLY_OPERATORS,
    "payout.claim": OWN,
}


def allowed(actor: str, command: str, **sides: str) -> bool:
    try:
        permit(actor, command, COMMANDS[command].MAY, sides)
    except NotPermitted:
        return False
    return True


def test_every_command_is_in_the_table() -> None:
    assert set(TABLE) == set(COMMANDS)


@pytest.mark.parametrize("command", TABLE)
@pytest.mark.parametrize("relation", RELATIONS)
def test_a_command_is_open_to_these_relations_only(command: str, relation: str) -> None:
    others = dict.fromkeys(set(RELATIONS) - {ANYONE}, "somebody else")
    own = {} if relation == ANYONE else {relation: "ana"}
    open_to = TABLE[command]
    assert allowed("ana", command, **(others | own)) == bool({relation, ANYONE} & open_to)


@pytest.mark.parametrize("command", TABLE)
def test_an_operator_may_do_everything(command: str) -> None:
    assert allowed(OPERATOR, command)


def test_a_refusal_names_who_and_what() -> None:
    with pytest.raises(NotPermitted) as refused:
        permit("ana", "remix.strike", COMMANDS["remix.strike"].MAY, {"poster": "ana"})
    assert refused.value.details == {"actor": "ana", "verb": "remix.strike"}
