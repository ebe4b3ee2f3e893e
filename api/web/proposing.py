"""The page of a proposal: its shares, the comments, and what the reader may do.

A button is shown only if a rehearsal of its command succeeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from flask import g, render_template, request

from api.problems import Problem
from api.web import errors
from api.web.address import asked
from api.web.dividing import members_of
from api.web.frame import Answer, Frame, reader
from api.web.keeping import said_before
from domain.command import Command
from domain.moment import instant
from domain.money.payee import Payee
from domain.money.policy.assets import RELEASE
from domain.money.proposal import COMMENT_KINDS, Assets, Proposal
from domain.money.shares import scopes_of
from domain.permission import OPERATOR
from domain.registry import COMMANDS
from projections import sentences, timeline
from projections.money import balances, pools
from projections.money.told import (
    ComparedComment,
    Diff,
    DiffLine,
    PayeeRef,
    ProposalTold,
    ShareLine,
)
from projections.money.waiting import to_confirm
from projections.store import View

OF_SHARE = ("accept", "decline", "waive")
MOST_OWN = 12
"""How many of the reader's shares the page shows; those that wait for an answer come first."""
WHOSE = ("contributor", "work")
"""The fields that say whose share it is."""
SAID: dict[str, type[Command]] = {
    **{verb: COMMANDS[f"share.{verb}"] for verb in OF_SHARE},
    **{
        verb: COMMANDS[f"proposal.{verb}"]
        for verb in ("comment", "answer", "extend", "finalise", "withdraw")
    },
}
FIELDS = {
    **{"scope": "What you waive", "kind": "Subject", "text": "Text", "reason": "Reason"},
    "closes_at": "Keep open until",
}
"""The labels of the fields."""
IDS = {"waive": {"reason": "waive-why"}, "withdraw": {"reason": "why"}}
"""By decision: the ids of inputs that are not the names of their fields."""
REHEARSED = {"waive": {"scope": RELEASE}, "extend": {"closes_at": "9999-01-01"}}
"""Values for rehearsing a command where the examples of its fields would be refused."""

ABOUT_SHARES = frozenset({*OF_SHARE, "finalise"})
"""The decisions that are refused if the shares have changed since they were shown."""
WHILE_OPEN = frozenset({"extend", "withdraw"})
"""Those that are also refused if the proposal has been kept open for longer."""


def pages(frame: Frame) -> None:
    """The page of a proposal, and the targets of its forms."""

    @frame.page("/proposal/<id>", nobody_else=True)
    def show_proposal(id: str) -> Answer:
        return _proposal(frame, id)

    @frame.form("/proposal/<id>/<verb>")
    def decide_proposal(id: str, verb: str) -> Answer:
        known = SAID.get(verb)
        if known is None:
            raise Problem("not_found", f"There is no action “{verb}” on a proposal.")
        return frame.decide(
            known,
            {"proposal": id},
            is_overtaken=lambda: _is_overtaken(frame, id, verb),
            refused=lambda problem: _proposal(frame, id, problem, verb),
            path=f"/proposal/{id}",
        )


def stage(told: Mapping[str, Any], verb: str) -> str:
    """What a decision is about: the version of the shares, which revisions and waivers change;
    and until when the proposal is open."""
    version = f"{len(told['revisions'])}.{len(told['waived'])}"
    return f"{version} {told['closes_at']}" if verb in WHILE_OPEN else version


def _is_overtaken(frame: Frame, id: str, verb: str) -> bool:
    """Whether what a decision is about has changed since the page was shown."""
    if verb not in ABOUT_SHARES | WHILE_OPEN:
        return False
    with frame.view(asked()) as view:
        now = stage(pools.proposal(view, frame.journal, id, actor=reader()), verb)
    return request.form.get("seen", now) != now


def _proposal(frame: Frame, id: str, problem: Problem | None = None, tried: str = "") -> str:
    with frame.view(asked()) as view:
        told = pools.proposal(view, frame.journal, id, actor=reader())
        names = names_in(view, told)
        own = [_own(frame, told, line, names) for line in _lines_of_reader(view, told)]
        may = _may(frame, told).union(*(each.may for each in own))
        return render_template(
            "proposal.html",
            proposal=told,
            largest_first=sorted(told["shares"], key=lambda line: -Fraction(line["share"])),
            pool=pools.pool(view, frame.journal, told["pool"], actor=reader()),
            changed=_changed(pools.diff(view, frame.journal, id, actor=reader()))
            if told["waived"] or len(told["revisions"]) > 1
            else [],
            names=names,
            own=own,
            may=may,
            has_members=told["state"] == Proposal.Finalised.STATE
            and any(each.line["payee"]["id"] == g.actor for each in own)
            and bool(members_of(view, g.actor)),
            doubted=_doubted(frame, view, told),
            is_over=instant(frame.journal.clock()) >= told["final_from"],
            stage=partial(stage, told),
            **said_before(tried, may),
            comment_kinds=COMMENT_KINDS,
            problem=problem,
            wrong=errors.at(IDS.get(tried, {}), errors.by_field(problem, request.form, FIELDS)),
        )


def _changed(diff: Diff) -> list[tuple[DiffLine, list[ComparedComment]]]:
    """The shares that changed, each with the comments that caused it, grouped by these.

    Within a group, the largest change comes first.
    """
    found = []
    for line in diff["lines"]:
        if line["change"] != "0":
            told = (each for cause in line["causes"] for each in cause["comments"])
            found.append((line, [*{one["id"]: one for one in told if one["concerns"]}.values()]))
    found.sort(key=lambda one: abs(Fraction(one[0]["change"])), reverse=True)
    return sorted(found, key=lambda one: [each["id"] for each in one[1]])


def assets_of(told: ProposalTold) -> Assets:
    """The assets of a proposal in the form that commands take."""
    return [{**one} for one in told["assets"]]


def names_in(view: View, told: ProposalTold) -> dict[str, dict[str, Any]]:
    """By id: the works and people mentioned in a proposal, with their names."""
    ids = {told["release"]} | ({told["withdrawn"]["actor"]} if told["withdrawn"] else set())
    for asset in told["assets"]:
        ids |= {asset["asset"], *asset["within"], *(one["group"] for one in asset["through"])}
    for comment in told["comments"]:
        ids |= {comment["actor"], *(answer["actor"] for answer in comment["answers"])}
    return timeline.names(view, ids)


def _would(frame: Frame, told: ProposalTold, verb: str, **said: str) -> bool:
    rehearsed = {**REHEARSED.get(verb, {}), **said}
    return frame.may(SAID[verb], proposal=told["id"], **rehearsed)


def _may(frame: Frame, told: ProposalTold) -> set[str]:
    """The decisions about the proposal open to the reader, apart from those about their shares."""
    would = partial(_would, frame, told)
    may = {verb for verb in SAID if verb not in ("answer", *OF_SHARE) and would(verb)}
    open_comments = [one["id"] for one in told["comments"] if one["is_open"]]
    if open_comments and would("answer", comment=open_comments[0], text="an answer"):
        may.add("answer")
    if told["comments"] and frame.may(
        COMMANDS["proposal.revise"],
        proposal=told["id"],
        comments=[told["comments"][0]["id"]],
        assets=told["assets"],
        note="a revision",
    ):
        may.add("revise")
    return may


def _doubted(frame: Frame, view: View, told: ProposalTold) -> list[PayeeRef]:
    """The payees whose shares depend on something found false, if the reader may confirm them."""
    if told["state"] != Proposal.Finalised.STATE or not g.actor:
        return []
    found = to_confirm(view, frame.journal, "p.id = :proposal", proposal=told["id"])
    payees = {line["payee"]["id"]: line["payee"] for line in told["shares"]}
    return [
        payees.get(payee) or pools.payees_told(view, [payee])[payee]
        for _, payee, _ in found
        if frame.may(COMMANDS["share.confirm"], proposal=told["id"], payee=payee, reason="So.")
    ]


class Own(NamedTuple):
    """A share of the reader, held by an account of theirs, a name, or a work that they claimed."""

    line: ShareLine
    whose: dict[str, str]
    """The field that tells a command whose share it is; empty for that of the reader's account."""
    scopes: dict[str, tuple[str, str]]
    may: set[str]

    @property
    def is_tried(self) -> bool:
        """Whether the form that was refused is about this share."""
        return all(request.form.get(one, "") == self.whose.get(one, "") for one in WHOSE)


def _lines_of_reader(view: View, told: ProposalTold) -> list[ShareLine]:
    payees = [] if g.actor == OPERATOR else balances.payees_of(view, g.actor)
    own = [line for line in told["shares"] if line["payee"]["id"] in payees]
    return sorted(own, key=lambda line: line["consent"] != "offered")[:MOST_OWN]


def _own(
    frame: Frame, told: ProposalTold, line: ShareLine, names: dict[str, dict[str, Any]]
) -> Own:
    payee = Payee.parse(line["payee"]["id"])
    whose = {} if payee.id == g.actor else {WHOSE[payee.is_work]: payee.id}

    def would(verb: str, **said: str) -> bool:
        return _would(frame, told, verb, **whose, **said)

    scopes = _scopes(assets_of(told), line["payee"]["id"], names) if line["consent"] else {}
    if line["consent"] == "waived":  # nothing of it is left to decide
        return Own(line, whose, scopes, set())
    may = {verb for verb in ("accept", "decline") if would(verb)}
    if any(would("waive", scope=scope) for scope in scopes):
        may.add("waive")
    return Own(line, whose, scopes, may)


def _scopes(
    assets: Assets, payee: str, names: dict[str, dict[str, Any]]
) -> dict[str, tuple[str, str]]:
    """By scope in which a payee can waive: its reach (asset, part or release) and its name."""
    scopes: dict[str, tuple[str, str]] = {}
    parts: dict[str, tuple[str, str]] = {}
    for asset in assets:
        if any(holder == payee for holder, _ in asset["shares"]):
            scopes[asset["asset"]] = ("asset", called(asset["asset"], names))
            for part in scopes_of(asset)[1:-1]:
                parts[part] = ("part", called(part, names))
    return {**scopes, **parts, RELEASE: ("release", "")} if scopes else {}


def called(name: str, names: dict[str, dict[str, Any]]) -> str:
    """The name of an asset or a part: the title of a work, else the name itself."""
    return sentences.called(names[name]) if name in names else name
