"""The pages of credits, remixes, identifiers and memberships, with the decisions about them.

A button is shown only if a rehearsal of its command succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import g, render_template, request

from api.problems import Problem
from api.web import errors, words
from api.web.address import asked
from api.web.finding import on_works, told
from api.web.frame import Answer, Frame, account, reader
from api.web.keeping import said_before
from api.web.offering import forms_for
from domain.command import Command
from domain.disclosure import EVIDENCE_KINDS
from domain.dispute import FITTING, GROUNDS, OUTCOMES, DisputeOpening
from domain.identifier import Identifier
from domain.money.hold import Hold, hold_on
from domain.permission import OPERATOR
from domain.refusal import Refusal, WrongState
from domain.registry import COMMANDS
from domain.remix import REMIX_KINDS, Remix
from projections import (
    around,
    attribution,
    contributors,
    disputes,
    groups,
    history,
    identifiers,
    lineage,
    memberships,
    sentences,
    timeline,
)
from projections.money.readers import Reader
from projections.nouns import facts_of, noun_at
from projections.store import View


class Verb(NamedTuple):
    """A possible decision: the label of its button, and its command."""

    label: str
    command: type[Command]

    @property
    def needs_reason(self) -> bool:
        """Whether a reason is required."""
        return any(one.name == "reason" and one.is_needed for one in self.command.fields())


MOST_OTHERS = 30
"""How many replacements are offered for what was disputed."""
LABELS = {
    "accept": "Accept",
    "decline": "Decline",
    "revoke": "Revoke",
    "dispute": "Dispute it",
    "answer": "Answer",
    "settle": "End the dispute",
    "strike": "Strike as false",
}
PLAIN = ("accept", "decline", "revoke", "strike")
"""The decisions that take no more than a reason; they share one form."""
ANSWERS = {"accept": "accepted", "decline": "declined"}
"""The decisions whose absence a page explains, each with the state it would lead to."""
NOT_OVER = (Remix.Declared.STATE, DisputeOpening.STATE)
"""The states in which no answer is missed: none was needed, or it can be given afterwards."""
POSTER = "whoever posted the work"
"""Who may record another credit, remix or number of a work, besides the operator."""
FIELDS = {
    **{"grounds": "What is wrong", "outcome": "How it ends", "replaced_by": "By what"},
    "reason": "Reason",
    **{"evidence": "Evidence", "evidence_kind": "Kind of evidence", "answer_by": "Deadline"},
}
"""The labels of the fields."""


def _verbs(noun: str) -> dict[str, Verb]:
    """The decisions that exist for a noun, in the order of the labels."""
    names = {verb: f"{noun}.{verb}" for verb in LABELS}
    return {
        verb: Verb(LABELS[verb], COMMANDS[name]) for verb, name in names.items() if name in COMMANDS
    }


def pages(frame: Frame) -> None:
    """The pages of a credit, a remix, an identifier and a membership."""
    for noun, shown in TOLD.items():
        _page(frame, noun, _verbs(noun), shown)


def _page(frame: Frame, noun: str, verbs: Mapping[str, Verb], shown: Told) -> None:
    """Register the page of a noun and the target of its forms."""

    def page(id: str, problem: Problem | None = None, tried: str = "") -> str:
        with frame.view(asked()) as view:
            told = shown(frame, view, id)
            others = [one for one in told.pop("others") if one[0] != id]
            return render_template(
                f"{noun}.html",
                here=f"/{noun}/{id}",
                **told,
                dispute=told[noun]["dispute"],
                replacements=others[:MOST_OTHERS],
                **_decidable(frame, view, noun, verbs, id, problem, tried),
            )

    def show(id: str) -> Answer:
        return page(id)

    def decide(id: str, verb: str) -> Answer:
        return _decide(frame, id, verb, verbs, page, f"/{noun}/{id}")

    show.__name__, decide.__name__ = f"show_{noun}", f"decide_{noun}"
    frame.page(f"/{noun}/<id>")(show)
    frame.form(f"/{noun}/<id>/<verb>")(decide)


def _credit(frame: Frame, view: View, id: str) -> dict[str, Any]:
    known = account(view)
    own = [] if known is None else contributors.accounts(view, known)
    found = disputes.credit_to(view, frame.journal, id, own)
    (credit,) = on_works(view, [disputed(view, found)])
    standing = attribution.standing_on(view, lineage.find(view, credit["work"]["id"]).number)
    return {
        "credit": credit,
        "others": [(one["id"], _line(one["contributor"], f", {one['role']}")) for one in standing],
        "restated_at": f"/piece/{credit['work']['id']}/credits",
        "restated_by": POSTER,
    }


def _remix(frame: Frame, view: View, id: str) -> dict[str, Any]:
    remix = disputed(view, disputes.remix(view, frame.journal, id))
    sources = around.work(view, remix["child"]["id"])["sources"]
    return {
        "remix": remix,
        "kinds": REMIX_KINDS,
        "others": [(one["remix"], _line(one["work"], f", {one['kind']}")) for one in sources],
        "restated_at": f"/piece/{remix['child']['id']}/sources",
        "restated_by": POSTER,
    }


def _identifier(frame: Frame, view: View, id: str) -> dict[str, Any]:
    about = noun_at(view, frame.journal, Identifier, id).about
    number = next(iter(view.numbers("works", [about]).values()), None)
    others = identifiers.of(view, number or contributors.find_person(view, about)[0])
    return {
        "identifier": disputed(view, disputes.identifier(view, frame.journal, id)),
        "subject": timeline.names(view, [about])[about],
        "others": [
            (one["id"], f"{one['scheme'].upper()} {one['identifier'] or 'erased'}")
            for one in others
        ],
        "restated_at": "/do/identifier",
        "restated_by": "whoever it is about" if number is None else POSTER,
    }


def _membership(frame: Frame, view: View, id: str) -> dict[str, Any]:
    found = disputed(view, disputes.membership(view, frame.journal, id))
    counting = groups.members(view, contributors.accounts(view, found["group"]["id"]))
    others = memberships.told(view, counting[: MOST_OTHERS + 1])
    return {
        "membership": found,
        "others": [
            (one["id"], _line(one["contributor"], f" {one['during'] or ''}")) for one in others
        ],
        "restated_at": f"/do/membership?group={found['group']['id']}",
        "restated_by": "the group",
    }


def _line(thing: Mapping[str, Any], more: str) -> str:
    return f"{sentences.called(thing)}{more}"


Told = Callable[[Frame, View, str], dict[str, Any]]
"""Reads what a page shows of its noun, with the ``others`` that may replace it."""
TOLD: Mapping[str, Told] = {
    **{"credit": _credit, "remix": _remix},
    **{"identifier": _identifier, "membership": _membership},
}


def _decidable(
    frame: Frame,
    view: View,
    noun: str,
    verbs: Mapping[str, Verb],
    id: str,
    problem: Problem | None,
    tried: str,
) -> dict[str, Any]:
    """The history of a noun, and what the reader may decide about it now."""
    held = [hold_on(id)] if noun == "credit" else []
    placed = facts_of(view, frame.journal, id, *held)
    shown = Reader(view, frame.journal, reader()).seen(placed)
    outcomes = [one for one in OUTCOMES if frame.may(verbs["settle"].command, id=id, outcome=one)]
    possible = {
        name: verb
        for name, verb in verbs.items()
        if (outcomes if name == "settle" else frame.may(verb.command, id=id))
    }
    decided = {verb.command for verb in verbs.values()}
    was_accepted = any(one.topic == f"{noun}.accepted" for one in shown)
    facts = told(view, history.tell(frame.journal, shown))
    on_hold = [one for one in facts if one["noun"] in held][-1:]
    return {
        "forms": [one for one in forms_for(frame, id, noun) if one not in decided],
        "facts": facts,
        "held": next((one for one in on_hold if one["topic"] == Hold.Opened.TOPIC), None),
        "verbs": possible,
        # Of all facts: who may not read those of a hidden credit still answers for it.
        "seen": max(one.position for one in placed if one.originator_id == id),
        **said_before(tried, possible),
        "grounds": GROUNDS,
        "fitting": (*FITTING[noun], "other"),
        "plain_verbs": PLAIN,
        "gone": [] if was_accepted else list(_gone(frame, verbs, possible, id)),
        "evidence_kinds": EVIDENCE_KINDS,
        "outcomes": {name: OUTCOMES[name] for name in outcomes},
        "problem": problem,
        "wrong": _wrong(problem, tried),
    }


def _gone(
    frame: Frame, verbs: Mapping[str, Verb], possible: Mapping[str, Verb], id: str
) -> Iterator[tuple[str, str]]:
    """For decisions no longer possible: the state each would lead to, and the current state."""
    for name, becomes in ANSWERS.items() if g.actor else ():
        if name not in verbs or name in possible:
            continue
        try:
            frame.rehearse(verbs[name].command.of({"id": id}))
        except WrongState as wrong:
            state = str(wrong.details["state"])
            if state not in (becomes, *NOT_OVER):
                yield becomes, state
        except (Refusal, Problem):
            continue


def _wrong(problem: Problem | None, tried: str) -> errors.Wrong:
    """The errors in the form that was sent, each with the id of its input."""
    ids = {name: f"{name}-{tried}" for name in ("reason", "evidence") if tried not in PLAIN}
    return errors.at(ids, errors.by_field(problem, request.form, FIELDS))


def disputed(view: View, told: Mapping[str, Any]) -> dict[str, Any]:
    """A noun that can be disputed; in its open dispute, if any, the actors are named."""
    found: dict[str, Any] = {**told}
    if dispute := found["dispute"]:
        sides = [side for side in (dispute, dispute["answer"]) if side]
        names = timeline.names(view, {side["actor"] for side in sides})
        for side in sides:
            who = names.get(side["actor"], {"id": side["actor"], "name": None})
            side["by"] = "the operator" if side["actor"] == OPERATOR else words.link(who)
    return found


def _decide(
    frame: Frame,
    id: str,
    verb: str,
    verbs: Mapping[str, Verb],
    show: Callable[[str, Problem, str], str],
    path: str,
) -> Answer:
    known = verbs.get(verb)
    if known is None:
        raise Problem("not_found", f"There is no action “{verb}” here.")
    if request.form.get("outcome") == "corrected" and "replaced_by" not in request.form:
        problem = errors.problem_at(
            "replaced_by", "missing_field", "Say what replaces it, or that nothing does."
        )
        return show(id, problem, verb), problem.code
    return frame.decide(
        known.command,
        {"id": id},
        is_overtaken=lambda: is_overtaken(frame, id),
        refused=lambda problem: show(id, problem, verb),
        path=path,
    )


def latest(frame: Frame, id: str) -> int:
    """The position of the latest fact about a noun; 0 if there is none."""
    return max((one.position for one in frame.journal.facts.streams([id])), default=0)


def is_overtaken(frame: Frame, id: str) -> bool:
    """Whether a noun has changed since the page with the form was shown."""
    last = str(latest(frame, id))
    return request.form.get("seen", last) != last
