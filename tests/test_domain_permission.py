"""Who may do what: one table of commands and the relations in which somebody may give them."""

import pytest

from domain.permission import ANYONE, OPERATOR, RELATIONS, permit
from domain.refusal import NotPermitted
from domain.registry import COMMANDS

ONLY_OPERATORS: set[str] = set()
POSTER, OWN = {"poster"}, {"contributor"}
DECIDES = {"poster", "producer"}
SPEAKING = DECIDES | {"right holder"}
CONCERNED = {"poster", "poster of the parent", "contributor", "right holder", "party"}
BOOKS, JUDGES, LEADS = {"accountant"}, {"moderator"}, {"leader"}
SIDES = {"poster", "poster of the parent", "author", "contributor", "opener", "producer"}

TABLE: dict[str, set[str]] = {
    "contributor": ONLY_OPERATORS,
    "contributor.merge": JUDGES,
    "contributor.separate": JUDGES,
    "contributor.grant-role": ONLY_OPERATORS,
    "contributor.end-role": ONLY_OPERATORS,
    "contributor.forget": OWN,
    "contributor.rename": OWN,
    "identifier": SPEAKING | {"contributor"},
    "identifier.withdraw": SPEAKING | {"contributor", "opener"},
    "identifier.dispute": CONCERNED,
    "identifier.answer": SIDES,
    "identifier.settle": {ANYONE},
    "contributor.ask-first": OWN,
    "contributor.divide": OWN,
    "contributor.stop-asking": OWN,
    "contributor.register-key": OWN,
    "contributor.revoke-key": OWN,
    "contribution": {ANYONE},
    "contribution.withdraw": POSTER,
    "work.redate": SPEAKING,
    "work.claim": OWN,
    "work.describe": SPEAKING,
    "work.state-right": ONLY_OPERATORS,
    "remix": SPEAKING | {"poster of the parent"},
    "remix.accept": SPEAKING,
    "remix.decline": SPEAKING | {"opener"},
    "remix.dispute": CONCERNED,
    "remix.answer": SIDES,
    "remix.settle": {ANYONE},  # its outcome decides: see tests/test_disputes.py
    "remix.strike": JUDGES,
    "remix.replace": SPEAKING,
    "join": {"poster", "poster of the other", "poster of both"},
    "join.accept": {"addressee"},
    "join.decline": {"addressee", "opener"},
    "join.undo": {"poster", "poster of the other"},
    "credit": SPEAKING | {"contributor"},
    "credit.accept": {"addressee", "producer", "right holder"},
    "credit.decline": {"contributor", "addressee", "producer", "right holder"},
    "credit.revoke": DECIDES,
    "credit.hide": OWN,
    "credit.unhide": OWN,
    "credit.agree-licence": OWN,
    "credit.correct": SPEAKING | {"contributor"},
    "credit.dispute": CONCERNED,
    "credit.answer": SIDES,
    "credit.settle": {ANYONE},
    "credit.hold": BOOKS,
    "credit.lift-hold": BOOKS,
    "release": {ANYONE},
    "release.publish": DECIDES,
    "release.withdraw": DECIDES,
    "pool": DECIDES,
    "pool.correct": BOOKS,
    "pool.amend": DECIDES,
    "proposal": DECIDES,
    "proposal.comment": DECIDES | {"party"},
    "proposal.answer": DECIDES,
    "proposal.revise": DECIDES,
    "proposal.extend": DECIDES,
    "proposal.notify": ONLY_OPERATORS,
    "proposal.withdraw": DECIDES,
    "proposal.finalise": DECIDES,
    "share.accept": OWN,
    "share.decline": OWN,
    "share.waive": OWN,
    "share.confirm": DECIDES,
    "share.assign": OWN,
    "agreement": ONLY_OPERATORS,
    "payee.identify": ONLY_OPERATORS,
    "revenue": BOOKS,
    "revenue.reverse": BOOKS,
    "expense": BOOKS,
    "expense.reverse": BOOKS,
    "adjustment": BOOKS,
    "opening": BOOKS,
    "pool.reserve": BOOKS,
    "pool.free-reserve": BOOKS,
    "assignment": BOOKS,
    "period": BOOKS,
    "payout": BOOKS,
    "payout.settle": BOOKS,
    "payout.return": BOOKS,
    "payout.claim": OWN,
    "exchange-rate": BOOKS,
    "payment-currency": BOOKS | OWN,
    "withholding": BOOKS,
    "withholding.end": BOOKS,
    "pool.locate": BOOKS,
    **{"membership": {"group"}, "membership.date": OWN | {"group"}},
    **{"membership.accept": OWN, "membership.decline": OWN},
    "membership.dispute": OWN | {"group", "member"},
    **{"membership.answer": OWN | {"group"}, "membership.settle": {ANYONE}},
    "project": {ANYONE},
    **{f"project.{verb}": LEADS for verb in ("describe", "update", "close", "reopen")},
    **{f"project.{verb}": LEADS for verb in ("assign-leader", "remove-leader")},
    **{"step": LEADS, "step.describe": LEADS},
    **{"contribution.place": POSTER | LEADS, "contribution.take-out": POSTER | LEADS},
    **{"comment": {ANYONE}, "comment.edit": {"writer"}},
    **{"comment.remove": {"writer"} | JUDGES},
    **{"contributor.follow": OWN, "contributor.unfollow": OWN},
    **{"challenge": {ANYONE}, "challenge.describe": {"issuer"}},
    **{f"challenge.{verb}": LEADS | {"issuer"} for verb in ("move", "close", "reopen")},
    **{"challenge.answer": POSTER, "challenge.withdraw-answer": POSTER | JUDGES},
    **{f"challenge.{verb}": LEADS | {"issuer"} for verb in ("feature", "unfeature")},
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
def test_a_command_is_open_to_these_relations_only(command: str) -> None:
    others = dict.fromkeys(set(RELATIONS) - {ANYONE}, "somebody else")
    sides = {one: {} if one == ANYONE else {one: "ana"} for one in RELATIONS}
    open_to = {one for one, own in sides.items() if allowed("ana", command, **(others | own))}
    assert open_to == (set(RELATIONS) if ANYONE in TABLE[command] else TABLE[command])


@pytest.mark.parametrize("command", TABLE)
def test_an_operator_may_do_everything(command: str) -> None:
    assert allowed(OPERATOR, command)


def test_a_refusal_names_who_and_what() -> None:
    with pytest.raises(NotPermitted) as refused:
        permit("ana", "remix.strike", COMMANDS["remix.strike"].MAY, {"poster": "ana"})
    assert refused.value.details == {
        **{"actor": "ana", "verb": "remix.strike"},
        "open_to": "Open to the operator; a moderator who is not involved.",
    }
