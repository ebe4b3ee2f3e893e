"""Reconstructing the command that led to a fact, from the fact alone.

A fact that only follows from another one has no command; texts behind commitments are not needed.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, cast

from domain.command import Command
from domain.commands.grouping import Member
from domain.commands.projecting import FirstStep
from domain.contributor import Contributor
from domain.fact import Fact
from domain.moment import instant
from domain.money.elsewhere import AssignShare
from domain.money.payee import Payee
from domain.money.proposal import Proposal
from domain.project import Project
from domain.registry import BY_OPERATION
from domain.stated import BRINGS
from domain.value import Text
from domain.work import Work


class PossibleCommand(NamedTuple):
    """A command that may have led to a fact."""

    command: Command
    is_whole: bool
    """Whether the fact states the whole command; else only the permission is decided again."""


MADE_BY = {
    topic: BY_OPERATION[operation]
    for operation, line in BRINGS.items()
    for topic in line.partition(">")[0].split()
}
"""By kind of fact: the command that states it; of several, one that states nothing else."""
MADE_BY |= {
    "credit.claimed": BY_OPERATION["open_credit"],
    "credit.granted": BY_OPERATION["open_credit"],
    "credit.accepted": BY_OPERATION["accept_credit"],
    "remix.declared": BY_OPERATION["declare_remix"],
    "identifier.stated": BY_OPERATION["state_identifier"],
    "work.described": BY_OPERATION["describe_work"],
    "step.published": BY_OPERATION["publish_step"],
    "placement.made": BY_OPERATION["place_contribution"],
    "answer.given": BY_OPERATION["answer_challenge"],
}
BEGUN_BY = {
    line.replace(">", "").split()[0]: BY_OPERATION[operation]
    for operation, line in BRINGS.items()
    if line.startswith("> entry.")
} | {"entry.reversed": BY_OPERATION["reverse_revenue"]}
"""By kind of fact that usually only follows: the command to assume if it follows from no fact."""


@cache
def brought_by(topic: str) -> frozenset[str]:
    """The kinds of facts that may follow from a fact of this kind, by any command."""
    lines = (line.replace(">", "").split() for line in BRINGS.values())
    return frozenset(kind for line in lines if topic in line for kind in line)


NEVER_LAXER = (
    *("project", "step", "placement", "challenge", "answer", "membership"),
    *("comment", "follow"),
)
"""The nouns whose rules every version enforced."""
_WHOLE = (
    "contributor",
    "contribution",
    "credit",
    "remix",
    "join",
    "identifier",
    "role",
    "work",
    "release",
    *NEVER_LAXER,
)
"""The nouns whose facts state all of their commands."""
_OF_PARTS = frozenset({"release.assembled"})
"""The kinds of facts whose commands state more, in further facts."""
_LISTS = frozenset({"authors", "sources", "components", "identifiers"})


def asked_for(happened: Fact, before: Fact | None, *, is_brought: bool) -> PossibleCommand | None:
    """The command that a fact was recorded by; None if it only follows from another fact.

    ``is_brought``: whether other facts by its actor at that moment may have led to it.
    """
    kind = AssignShare if _is_assigned(happened) else MADE_BY.get(happened.TOPIC)
    if kind is None and not is_brought:
        kind = BEGUN_BY.get(happened.TOPIC)
    if kind is None or _follows(happened, before, is_brought=is_brought):
        return None
    noun = happened.TOPIC.partition(".")[0]
    usual, sealed = _fields_of(cast("Any", kind))
    said: dict[str, Any] = {
        **usual,
        kind.subject(): happened.originator_id,
        **vars(happened),
        **_renamed(happened),
        **dict.fromkeys(_LISTS, ()),
    }
    command = object.__new__(kind)
    own = command.__dict__ = {name: said[name] for name in usual}
    own.update({name: "x" for name in sealed if own[name] is not None})
    is_whole = noun in _WHOLE and happened.TOPIC not in _OF_PARTS
    return PossibleCommand(command, is_whole)


@cache
def _fields_of(kind: type[Command]) -> tuple[dict[str, Any], frozenset[str]]:
    """The fields of a command with their defaults, and the names of those with a text."""
    usual = {one.name: None if one.is_needed else one.default for one in kind.fields()}
    return usual, frozenset(
        one.name for one in kind.fields() if isinstance(one.value, Text) and one.value.is_sealed
    )


def _renamed(happened: Fact) -> dict[str, Any]:
    """The fields whose names differ between a command and its fact."""
    noun = happened.TOPIC.partition(".")[0]
    said: dict[str, Any] = {"effective_at": None}
    if noun != "challenge":
        said["answer_by"] = None
    values = vars(happened)
    if noun == "role":
        pool = values.get("pool")
        said |= {"id": values["contributor"], "work": None if pool else values.get("work")}
    if noun == "identifier" and "scheme" in values:
        number = values.get("value") or "x"
        said |= {values["on"]: values["about"], "identifier": number}
    if noun == "proposal":
        said["proposal"] = happened.originator_id
        said["payee"] = happened.actor
    if isinstance(happened, Project.Launched):
        said["steps"] = (FirstStep(title="x"),)
    if isinstance(happened, Contributor.Divided):
        said["among"] = tuple(Member(**each) for each in happened.among)
    if noun == "share":
        whose = Payee.parse(values["payee"])
        said |= {"work": whose.id} if whose.is_work else {"contributor": whose.id}
    if noun == "hold":
        said["id"] = values["credit"]
    if noun == "placement":
        said["id"] = values["work"]
    if noun == "answer":
        said["id"] = values["challenge"]
    if noun == "follow":
        said |= {"id": values["follower"], values["on"]: values["about"]}
    if values.get("kind") == "component":
        said["kind"] = "sample"
    return said


def _follows(happened: Fact, before: Fact | None, *, is_brought: bool) -> bool:
    """Whether a fact only follows from the command of another one, and needs no permission."""
    match happened:
        case Contributor.AskedFirst():
            return isinstance(before, Contributor.Merged) and before.into == happened.originator_id
        case Proposal.Posted():
            return is_agreed_at_once(happened)
        case Work.Described():
            return is_brought
    return False


def is_agreed_at_once(posted: Proposal.Posted) -> bool:
    """Whether nobody could comment: the agreement follows, and permission is checked there."""
    return posted.closes_at == instant(posted.timestamp)


def _is_assigned(happened: Fact) -> bool:
    """Whether a fact belongs to an agreement that assigns a share of an earlier one."""
    return isinstance(happened, Proposal.Finalised) and happened.replaces is not None
