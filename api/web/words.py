"""How pages say things: what a work is called, what a fact says, what a state means.

The one rule: whatever people wrote is escaped here or in a template, never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from markupsafe import Markup

from domain.fact import FACTS

KINDS = {"contribution": "Piece", "outside": "Outside source", "release": "Release"}
"""What the kinds of work are called."""

CREDIT_STATES = {
    "granted": "offered, not accepted yet",
    "claimed": "claimed, not accepted yet",
    "accepted": "accepted",
    "declined": "declined",
    "disputed": "disputed",
    "revoked": "revoked",
}
REMIX_STATES = {
    "declared": "declared",
    "disputed": "disputed",
    "struck": "struck as false",
}
WORK_STATES = {
    "submitted": "posted",
    "cited": "cited",
    "assembled": "not published yet",
    "published": "published",
    "withdrawn": "withdrawn",
}

LONGEST_IN_SENTENCE = 70

SAID = {topic: kind.SAYS for topic, kind in FACTS.items() if kind.SAYS}
"""What each fact says, in a sentence."""
TOLD = [topic for topic in SAID if not FACTS[topic].PRIVATE]
"""The facts that a history tells; money has its own pages, which not everybody may read."""

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
    return [topic for topic in TOLD if parts is None or any(_is_of(topic, one) for one in parts)]


def kind_of(topic: str) -> str:
    """The kind of fact a topic is; whatever is about somebody is told under “people”."""
    return next((kind for kind, parts in FILTERS.items() if topic.startswith(parts)), "people")


def _is_of(topic: str, part: str) -> bool:
    return topic.endswith(part) if part.startswith(".") else topic.startswith(part)


def address(thing: Mapping[str, Any]) -> str:
    """Where the page of a work or a person is."""
    folder = {"release": "release", None: "contributor"}.get(thing.get("kind"), "piece")
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
    return Markup(SAID[item["topic"]]).format(**told)


def where(item: Mapping[str, Any]) -> str:
    """Where the page is of what somebody was told about."""
    noun, said = item["topic"].partition(".")[0], item["content"]
    folder, id = {
        "proposal": ("proposal", item["noun"]),
        "share": ("proposal", said.get("proposal")),
        "credit": ("credit", item["noun"]),
        "remix": ("remix", item["noun"]),
        "hold": ("credit", said.get("credit")),
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
