"""The wording of pages: the names of works, the sentences of facts, the labels of states.

Everything that people wrote is escaped here or in a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import g, request
from markupsafe import Markup, escape

from domain.dates import is_surely_before
from domain.fact import FACTS
from domain.money.currency import money
from domain.printable import one_line
from domain.readers import EVERYONE
from domain.registry import COMMANDS
from projections import sentences, wording
from projections.dating import in_words
from projections.licences import Licensed, as_text

KINDS = {"contribution": "Piece", "outside": "Outside source", "release": "Release"}
"""The labels of the kinds of work."""

_FOUND_IN = {
    "name": "its name",
    "text": "its texts",
    "term": "its roles and media",
    "person": "the name of a person in it",
}

PAYOUT_STATES = {
    "issued": "on the way",
    "settled": "arrived",
    "returned": "came back",
    "claimed": "came back and was claimed",
}
CREDIT_STATES = {
    "granted": "offered, not accepted yet",
    "claimed": "claimed, not accepted yet",
    "pending": "a claim, which does not count yet",
    "accepted": "accepted",
    "declined": "declined",
    "disputed": "disputed",
    "revoked": "revoked",
}
REMIX_STATES = {
    "declared": "declared",
    "pending": "a claim, which does not count yet",
    "declined": "declined",
    "disputed": "disputed",
    "struck": "struck as false",
    "retired": "taken out when the release was recut",
}
MEMBERSHIP_STATES = {
    "offered": "not agreed yet",
    "accepted": "agreed",
    "disputed": "disputed",
    "declined": "declined",
}
WORK_STATES = {
    "submitted": "posted",
    "cited": "cited",
    "assembled": "not published yet",
    "published": "published",
    "withdrawn": "withdrawn",
}

MOST_ATTRIBUTED = 30
SUSPECT = "dated later than what was made from it"
"""Said of a source; one of the two dates must be wrong."""

TOLD = [topic for topic, kind in FACTS.items() if kind.READERS == EVERYONE]
"""The topics shown in histories. Money has its own pages, which not everybody may read."""

_CALLS = ("project.", "step.", "placement.", "challenge.", "answer.", "comment.")
FILTERS = {
    "works": ("contribution.", "outside.", "work.", "release.", "identifier.", *_CALLS),
    "sources": ("remix.",),
    "credits": ("credit.",),
    "disputes": (".disputed", ".answered", ".settled", ".struck", ".declined", ".revoked"),
}
"""The filters of a history, each with how its topics begin (``credit.``) or end (``.struck``)."""


def marked(text: str) -> Markup:
    """A text of the code's own documentation as HTML, with `names` marked as code."""
    html = re.sub("(``?)(.+?)\\1", r"<code>\2</code>", str(escape(text)), flags=re.DOTALL)
    return Markup(html)


def attribution(licensed: Licensed) -> str:
    """The attribution that licences require, of at most ``MOST_ATTRIBUTED`` lines."""
    lines = as_text(licensed).splitlines()
    more = len(lines) - MOST_ATTRIBUTED
    return "\n".join([*lines[:MOST_ATTRIBUTED], *([f"… and {more} more"] if more > 0 else [])])


def made(made_at: str | None) -> str:
    """When something was made, in words; empty if nobody has stated it."""
    return in_words(made_at or "")


def is_suspect(made_at: str | None, source: Mapping[str, Any]) -> bool:
    """Whether something of this date is surely older than its source."""
    return is_surely_before(made_at or None, source["made_at"])


def topics(what: str | None) -> list[str]:
    """The topics of a filter; all topics for any other word."""
    parts = FILTERS.get(what or "")
    return [topic for topic in TOLD if parts is None or any(_is_of(topic, one) for one in parts)]


def kind_of(topic: str) -> str:
    """The filter of a topic; “people” for facts about a person."""
    return next((kind for kind, parts in FILTERS.items() if topic.startswith(parts)), "people")


def _is_of(topic: str, part: str) -> bool:
    return topic.endswith(part) if part.startswith(".") else topic.startswith(part)


FOLDERS: dict[str | None, str] = {
    None: "contributor",
    **{kind: kind for kind in ("contributor", "release", "project", "challenge", "pool")},
}
"""By kind (None: a person): the first word of the address of its page; “piece” for other works."""


def found_in(hit: Mapping[str, Any]) -> str:
    """Where the words of a search were found, in words."""
    return " and ".join(_FOUND_IN[part] for part in hit["found_in"])


def address(thing: Mapping[str, Any]) -> str:
    """The address of the page of a work, a person, a project or a challenge."""
    folder = FOLDERS.get(thing.get("kind"), "piece")
    return f"{request.script_root}/{folder}/{thing['id']}"


def link(thing: Mapping[str, Any]) -> Markup:
    """The name of a work or a person, shortened, as a link to its page."""
    name, short = sentences.called(thing), sentences.briefly(thing)
    if name == short:
        return Markup('<a href="{}"><bdi>{}</bdi></a>').format(address(thing), name)
    return Markup('<a href="{}" title="{}"><bdi>{}</bdi></a>').format(
        address(thing), plain(name), short
    )


def isolated(text: str) -> Markup:
    """A text whose direction does not affect the sentence around it; ASCII has none that could."""
    return escape(text) if text.isascii() else Markup("<bdi>{}</bdi>").format(text)


def plain(text: str) -> str:
    """A text for where no element can isolate it, as in titles, options and attributes."""
    return type(text)(one_line(text))


def sentence(item: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> Markup:
    """The sentence of a fact, with links to what it mentions."""
    return Markup(sentences.sentence(item, names, link, isolated, Markup))


OF_PAYOUT = {
    "payout.issued": "Your payout of {} is on its way",
    "payout.settled": "Your payout of {} arrived",
    "payout.returned": "Your payout of {} came back",
    "payout.claimed": "You claimed a payout of {} that had come back",
}


def told_to(item: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> Markup:
    """The sentence of a fact, as addressed to the person it happened to."""
    if item["topic"] in OF_PAYOUT:
        said = item["content"]
        sent = money(said["amount_minor"], said["currency"])
        return Markup(OF_PAYOUT[item["topic"]]).format(sent)
    return sentence(item, names)


def where(item: Mapping[str, Any]) -> str:
    """The address of the page for a notification about a fact."""
    noun, said = item["topic"].partition(".")[0], item["content"]
    folder, id = {
        "proposal": ("proposal", item["noun"]),
        "share": ("proposal", said.get("proposal")),
        "credit": ("credit", item["noun"]),
        "remix": ("remix", item["noun"]),
        "join": ("piece", said.get("work")),
        "identifier": ("identifier", item["noun"]),
        "hold": ("credit", said.get("credit")),
        "payout": ("statement", said.get("payee")),
        "role": ("contributor", said.get("contributor")),
        "membership": ("membership", item["noun"]),
        "placement": ("piece", said.get("work")),
        "answer": ("challenge", said.get("challenge")),
        "step": ("project", said.get("project")),
        "comment": ("comment", item["noun"]),
        **{each: (FOLDERS.get(each, "piece"), item["noun"]) for each in _SUBJECTS},
    }[noun]
    part = "#returned" if item["topic"] == "payout.returned" else ""
    return f"{request.script_root}/{folder}/{id}{part}"


_SUBJECTS = ("contributor", "contribution", "outside", "work", "release", "project", "challenge")


ANSWERS = {
    "missing_share": "See",
    "doubted_share": "Decide",
    "window": "See",
    "review": "Read it",
    "finalise": "Finalise",
    "returned": "Claim it",
    "settlement": "Settle",
    "expired_dispute": "End it",
    "payout": "Settle",
    "hold": "Lift it",
}
"""By kind of inbox item: the text of its link, if that is not “Answer”."""


PARTS = {"doubted_share": "#doubted", "finalise": "#close", "comment": "#comments"}
"""By kind of inbox item: the part of the page where it is answered, if not at the top."""


def answer_at(item: Mapping[str, Any]) -> str:
    """The address at which an inbox item is answered."""
    noun, id = item["noun"], item["id"]
    if noun == "payout":
        path = f"/statement/{g.actor}#returned"
    elif noun in ("credit", "remix", "identifier", "membership", "proposal"):
        path = f"/{noun}/{id}{PARTS.get(item['kind'], '')}"
    else:  # a noun without a page is answered with the form of its command
        path = f"/do/{item['commands'][0]}" + ("" if noun == "batch" else f"?id={id}")
    return f"{request.script_root}{path}"


def does(command: str) -> str:
    """What a command does, in the first line of its help."""
    return (COMMANDS[command].__doc__ or command).partition("\n")[0].rstrip(".")


def brief(text: str, most: int = 400) -> str:
    """The beginning of a text, cut at the end of a word."""
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0] or text[:most]} …"


def used(places: Sequence[int] | None) -> str:
    """How often and where a component is used in a release; empty if only once."""
    if not places or len(places) == 1:
        return ""
    times = "twice" if len(places) == 2 else f"{len(places)} times"
    return f"used {times}: {', '.join(map(str, places))}"


def parts(in_series: Mapping[str, int]) -> str:
    """How many seasons and episodes there are; a single season is not mentioned."""
    counted = {part: n for part, n in in_series.items() if part == "episode" or n > 1}
    return " · ".join(
        wording.several(n, part) for part, n in sorted((counted or in_series).items())
    )
