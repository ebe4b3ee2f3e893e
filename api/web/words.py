"""How pages say things: what a work is called, what a fact says, what a state means.

The one rule: whatever people wrote is escaped here or in a template, never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from markupsafe import Markup

KINDS = {"contribution": "Piece", "outside": "Source elsewhere", "release": "Finished work"}
"""What the kinds of work are called."""

CREDIT_STATES = {
    "granted": "offered, not answered yet",
    "claimed": "claimed, not agreed to yet",
    "accepted": "accepted",
    "declined": "declined",
    "disputed": "disputed",
    "revoked": "revoked",
}
REMIX_STATES = {
    "declared": "declared",
    "disputed": "disputed",
    "struck": "found false, and struck",
}
WORK_STATES = {
    "submitted": "posted",
    "cited": "cited",
    "assembled": "not published yet",
    "published": "published",
    "withdrawn": "withdrawn",
}

LONGEST_IN_SENTENCE = 70

SAID = {
    "contributor.admitted": "{actor} added {noun} to the people who can be credited",
    "contributor.merged": "{actor} said that {noun} and {into} are the same person",
    "contributor.forgotten": "{actor} had the name of {noun} erased",
    "contributor.key_registered": "{actor} registered a key with which {noun} signs",
    "contributor.key_revoked": "{actor} revoked a key with which {noun} signed",
    "contribution.submitted": "{actor} posted {noun}",
    "contribution.withdrawn": "{actor} withdrew {noun}",
    "outside.cited": "{actor} named a source elsewhere: {noun}",
    "work.redated": "{actor} dated {noun} to {made_at}",
    "release.assembled": "{actor} put {noun} together",
    "release.published": "{actor} published {noun}",
    "release.withdrawn": "{actor} withdrew {noun}",
    "remix.declared": "{actor} said that {child} was made from {parent} ({kind})",
    "remix.disputed": "{actor} disputed that {child} was made from {parent}",
    "remix.answered": "{actor} answered the dispute whether {child} was made from {parent}",
    "remix.settled": "{actor} ended the dispute whether {child} was made from {parent}: {outcome}",
    "remix.struck": "{actor} struck as false that {child} was made from {parent}",
    "credit.granted": "{actor} credited {contributor} as {role} on {work}",
    "credit.claimed": "{contributor} claimed to be {role} on {work}",
    "credit.accepted": "{actor} accepted the credit of {contributor} on {work}",
    "credit.declined": "{actor} declined the credit of {contributor} on {work}",
    "credit.disputed": "{actor} disputed the credit of {contributor} on {work}",
    "credit.answered": "{actor} answered the dispute about the credit of {contributor} on {work}",
    "credit.settled": "{actor} ended the dispute about {contributor} on {work}: {outcome}",
    "credit.revoked": "{actor} revoked the credit of {contributor} on {work}",
}
"""What each fact says, in a sentence. What is not here is in no history: money has its own pages,
which not everybody may read."""

NOTICED = {
    "proposal.posted": "{actor} proposed who shares what {release} earns",
    "proposal.continued": "{actor} proposed who shares what {release} earns",
    "proposal.revised": "{actor} revised the shares of {release}",
    "proposal.commented": "{actor} said something about the shares of {release}",
    "proposal.answered": "{actor} answered a comment on the shares of {release}",
    "proposal.extended": "{actor} left the shares of {release} open for comments for longer",
    "proposal.withdrawn": "{actor} withdrew the proposed shares of {release}",
    "share.offered": "The shares of {release} are final: {payee} has {share}",
    "share.declined": "{payee} declined the share in {release}",
    "share.waived": "{payee} gave up a share in {release}",
    "hold.opened": "{actor} held what {contributor} earns with {work}",
    "hold.released": "{actor} released what {contributor} earned with {work}",
    "payout.issued": "A payout to {payee} is on its way",
    "payout.settled": "A payout to {payee} has arrived",
    "payout.returned": "A payout to {payee} came back",
    "payout.claimed": "{payee} asked for a payout that had come back",
}
"""What somebody is told about money; it is for them alone, and in no history."""

FILTERS = {
    "works": ("contribution.", "outside.", "work.", "release."),
    "sources": ("remix.",),
    "credits": ("credit.",),
    "disputes": (".disputed", ".answered", ".settled", ".struck", ".declined", ".revoked"),
}
"""The kinds of fact a history can be narrowed to, and how their topics begin or end."""


def topics(what: str | None) -> list[str]:
    """The topics of one of these kinds; all there is to say for any other word."""
    parts = FILTERS.get(what or "")
    return [topic for topic in SAID if parts is None or any(_is_of(topic, one) for one in parts)]


def kind_of(topic: str) -> str:
    """The kind of fact a topic is; whatever is about somebody is told under “people”."""
    return next((kind for kind, parts in FILTERS.items() if topic.startswith(parts)), "people")


def _is_of(topic: str, part: str) -> bool:
    return topic.endswith(part) if part.startswith(".") else topic.startswith(part)


def address(thing: Mapping[str, Any]) -> str:
    """Where the page of a work or a person is."""
    folder = {"release": "r", None: "p"}.get(thing.get("kind"), "w")
    return f"{request.script_root}/{folder}/{thing['id']}"


def called(thing: Mapping[str, Any]) -> str:
    """What a work or a person is called."""
    if "kind" not in thing:
        return str(thing["name"] or "somebody whose name was erased")
    if thing["kind"] == "outside":
        return str(thing["uri"])
    return str(thing["title"] or "a withdrawn piece")


def link(thing: Mapping[str, Any]) -> Markup:
    """The name of a work or a person, as the way to its page; the whole of a long one is there."""
    name, short = called(thing), shortened(called(thing))
    if name == short:
        return Markup('<a href="{}"><bdi>{}</bdi></a>').format(address(thing), name)
    return Markup('<a href="{}" title="{}"><bdi>{}</bdi></a>').format(address(thing), name, short)


def shortened(name: str) -> str:
    """A name that fits into a sentence: a long one ends in an ellipsis, between two words."""
    if len(name) <= LONGEST_IN_SENTENCE:
        return name
    cut = name[:LONGEST_IN_SENTENCE]
    head, _, last = cut.rpartition(" ")
    return f"{head if head and len(last) < LONGEST_IN_SENTENCE // 2 else cut}…"


def sentence(item: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> Markup:
    """What a fact says, with the ways to whatever it is about."""
    said = {"actor": item["actor"], "noun": item["noun"], **item["content"]}
    told = {
        name: link(names[value]) if value in names else str(value)
        for name, value in said.items()
        if isinstance(value, str)
    }
    if item["actor"] == "operator":
        told["actor"] = "The operator"
    return Markup((SAID | NOTICED)[item["topic"]]).format(**told)


def where(item: Mapping[str, Any]) -> str:
    """Where the page is of what somebody was told about."""
    noun, said = item["topic"].partition(".")[0], item["content"]
    folder, id = {
        "proposal": ("proposal", item["noun"]),
        "share": ("proposal", said.get("proposal")),
        "credit": ("c", item["noun"]),
        "remix": ("e", item["noun"]),
        "hold": ("c", said.get("credit")),
        "payout": ("statement", said.get("payee")),
    }[noun]
    part = "#returned" if item["topic"] == "payout.returned" else ""
    return f"{request.script_root}/{folder}/{id}{part}"


def brief(text: str, most: int = 400) -> str:
    """As much of a text as a list has room for, up to the end of a word."""
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0] or text[:most]} …"


def several(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
