"""Templates for the terms of a pool: common agreements, each filled in with a short form.

A template makes an ordinary policy (see domain.money.policy); nothing records which one was used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from domain.money.currency import decimal
from domain.money.policy.shares import Agreed
from domain.money.split import read_terms, split
from projections.wording import percent

AGREED: dict[str, Any] = {"type": Agreed.TYPE}
ARTISTS = "those who agree"
"""The name under which terms and previews list the part that is shared by agreement."""
ACCOUNT = "this release"

Kind = Literal["payee", "payees", "percent", "amount"]
Called = Callable[[str], str]
"""The name of a payee."""
Filled = Mapping[str, Any]
"""By blank: a payee's id, a percentage as an exact fraction, or an amount in smallest units."""


class Blank(NamedTuple):
    """A blank to fill in."""

    name: str
    label: str
    kind: Kind
    example: str


class Template(NamedTuple):
    """A common kind of agreement."""

    label: str
    says: str
    blanks: tuple[Blank, ...]
    make: Callable[[Filled], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], Filled]
    """Reads back what was filled in, from terms that the template made."""


class Told(NamedTuple):
    """Terms in words; those that no template makes, as they were written."""

    label: str
    says: str
    filled: list[tuple[str, str]]
    """What was filled in, each with the label of its blank."""
    policy: str
    """The policy as JSON, if no template makes it; empty otherwise."""


def _rest(part: str) -> str:
    """What is left of the whole."""
    return str(1 - Fraction(part))


def _two(payee: str, part: str) -> list[list[Any]]:
    """The shares of a payee with a fixed part, and of the rest by agreement."""
    return [[payee, part], [ARTISTS, _rest(part), AGREED]]


def _rising(filled: Filled) -> dict[str, Any]:
    label = filled["label"]
    before, after = (_two(label, _rest(filled[name])) for name in ("artists", "later"))
    return {
        "type": "escalator",
        "earned_minor": 0,
        "bands": [[filled["limit"], before], [None, after]],
    }


def _advance(filled: Filled) -> dict[str, Any]:
    own = {"account": ACCOUNT, "payee": filled["artist"], "advance_minor": filled["advance"]}
    return {
        "type": "advance",
        "account": ACCOUNT,
        "to": filled["label"],
        "cross_collateral": False,
        "accounts": [{**own, "earned_minor": 0, "paid_minor": 0}],
        "then": {"type": "fixed", "shares": _two(filled["label"], _rest(filled["artists"]))},
    }


def _off_the_top(filled: Filled) -> dict[str, Any]:
    fees = [{"payee": filled["distributor"], "rate": filled["fee"], "seniority": 1}]
    return {"type": "before_expenses", "fees": fees, "then": AGREED}


_LABEL = Blank("label", "The label", "payee", "the label")
_ARTISTS = Blank("artists", "The artists' part", "percent", "20 %")

TEMPLATES: dict[str, Template] = {
    "agreed": Template(
        "By agreement",
        "Expenses are reimbursed first; then everything is shared as those who made it agree.",
        (),
        lambda _: dict(AGREED),
        lambda _: {},
    ),
    "equal": Template(
        "Equal shares",
        "Everyone named gets the same, and nobody has to agree.",
        (Blank("payees", "Who shares it", "payees", "Ana"),),
        lambda filled: {"type": "equal", "payees": filled["payees"]},
        lambda terms: {"payees": terms["payees"]},
    ),
    "house": Template(
        "A part for the house",
        "The house keeps a part of everything, and the rest is shared as agreed.",
        (
            Blank("house", "The house", "payee", "operator"),
            Blank("part", "Its part", "percent", "50 %"),
        ),
        lambda filled: {"type": "fixed", "shares": _two(filled["house"], filled["part"])},
        lambda terms: dict(zip(("house", "part"), terms["shares"][0], strict=True)),
    ),
    "costs": Template(
        "A budget first, then shares",
        "Whoever paid for it gets everything until the budget is recouped; then shares are as "
        "agreed.",
        (
            Blank("backer", "Who paid for it", "payee", "the producer"),
            Blank("budget", "The budget", "amount", "5,000.00"),
        ),
        lambda filled: {
            "type": "waterfall",
            "tranches": [[filled["backer"], filled["budget"]], [ARTISTS, None, AGREED]],
        },
        lambda terms: dict(zip(("backer", "budget"), terms["tranches"][0], strict=True)),
    ),
    "advance": Template(
        "An advance, recouped first",
        "The artist was paid an advance: their part goes to the label until it is recouped.",
        (
            Blank("artist", "Who got the advance", "payee", "Ana"),
            _LABEL,
            Blank("advance", "The advance", "amount", "500.00"),
            Blank("artists", "The artists' part", "percent", "50 %"),
        ),
        _advance,
        lambda terms: {
            "artist": terms["accounts"][0]["payee"],
            "label": terms["to"],
            "advance": terms["accounts"][0]["advance_minor"],
            "artists": _rest(terms["then"]["shares"][0][1]),
        },
    ),
    "label": Template(
        "Label and artists, rising",
        "The artists' part, shared as agreed, rises once more than a limit has come in.",
        (
            _LABEL,
            _ARTISTS,
            Blank("limit", "Until this much has come in", "amount", "10,000.00"),
            Blank("later", "Their part from then on", "percent", "50 %"),
        ),
        _rising,
        lambda terms: {
            "label": terms["bands"][0][1][0][0],
            "artists": _rest(terms["bands"][0][1][0][1]),
            "limit": terms["bands"][0][0],
            "later": _rest(terms["bands"][1][1][0][1]),
        },
    ),
    "distributor": Template(
        "A distributor's fee off the top",
        "A part of everything that comes in, before expenses are reimbursed; then as agreed.",
        (
            Blank("distributor", "The distributor", "payee", "the distributor"),
            Blank("fee", "Its fee", "percent", "15 %"),
        ),
        _off_the_top,
        lambda terms: {"distributor": terms["fees"][0]["payee"], "fee": terms["fees"][0]["rate"]},
    ),
}
"""The templates by name, the simplest first."""


def given(terms: Mapping[str, Any], amount_minor: int, artist: str | None) -> dict[str, int]:
    """What each payee gets of the first income of a pool with these terms.

    The part by agreement goes to ``artist``, else to ``ARTISTS`` as one line.
    """
    agreed = [(artist or ARTISTS, Fraction(1))]
    return dict(split(amount_minor, read_terms(terms, agreed=agreed)).division.units)


def made_by(terms: Mapping[str, Any]) -> tuple[str, Filled] | None:
    """The template that makes these terms, by name, and what was filled in; None if none does."""
    for name, template in TEMPLATES.items():
        try:
            filled = template.read(terms)
            if template.make(filled) == terms:
                return name, filled
        except (LookupError, TypeError, ValueError):
            continue
    return None


def typed(filled: Filled, blanks: tuple[Blank, ...], currency: str, called: Called) -> Filled:
    """What was filled in, as one would type it into the blanks."""
    told: dict[str, str] = {}
    for one in blanks:
        value = filled[one.name]
        match one.kind:
            case "percent":
                shown = percent(value)
                told[one.name] = str(value) if shown.startswith("about") else shown
            case "amount":
                told[one.name] = decimal(value, currency)
            case "payees":
                told[one.name] = "\n".join(map(called, value))
            case _:
                told[one.name] = called(value)
    return told


def texts_in(terms: object) -> Iterator[str]:
    """All texts in terms, and so every payee that they name."""
    if isinstance(terms, str):
        yield terms
    elif isinstance(terms, Mapping | list):
        for one in terms.values() if isinstance(terms, Mapping) else terms:
            yield from texts_in(one)


def told(terms: Mapping[str, Any], currency: str, called: Called) -> Told:
    """The terms in words, with the names of payees."""
    found = made_by(terms)
    if found is None:
        written = json.dumps(_with_names(terms, called), ensure_ascii=False)
        return Told("Terms written by hand", "", [], written)
    template = TEMPLATES[found[0]]
    words = typed(found[1], template.blanks, currency, called)
    filled = [
        (one.label, f"{words[one.name]} {currency}" if one.kind == "amount" else words[one.name])
        for one in template.blanks
    ]
    return Told(template.label, template.says, filled, "")


def _with_names(terms: object, called: Called) -> object:
    match terms:
        case str():
            return called(terms)
        case Mapping():
            return {name: _with_names(one, called) for name, one in terms.items()}
        case list():
            return [_with_names(one, called) for one in terms]
    return terms
