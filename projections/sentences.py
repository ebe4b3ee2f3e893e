"""Sentences: what facts say in words, with the names of the works and people that they mention.

Pages, mail and the terminal say it alike. Pages pass their own way to write a name, a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.fact import FACTS
from domain.identity import may_be_id
from domain.permission import OPERATOR
from projections import billing, timeline, wording
from projections.dating import in_words
from projections.store import View
from projections.told import FactTold

Named = Mapping[str, Any]
"""A work, a person, a project or a challenge, as answers refer to it."""

LONGEST_IN_SENTENCE = 70
_OPERATORS = {OPERATOR: "the operator"}
_DATES = ("made_at", "during", "answer_by", "until")
"""The dates in the sentences of facts."""
_OF_ONESELF = {
    "the credit of {contributor}": "their credit",
    "the role of {contributor}": "their role",
    "that {contributor} is": "that they are",
    "that {contributor} was": "that they were",
}
"""What sentences say instead where somebody acts for themself."""


def called(thing: Named) -> str:
    """The name of a work, a person, a project or a challenge, or of whom an answer pays."""
    if "kind" not in thing:
        return billing.name_of(thing, "someone who is not named")
    if thing["kind"] in ("contributor", "work", "other"):
        unnamed = "a withdrawn piece" if thing["kind"] == "work" else "someone who is not named"
        return str(thing["name"] or unnamed)
    if thing["kind"] == "outside":
        return str(thing["title"] or thing["uri"])
    if thing["kind"] in ("project", "challenge", "pool"):
        return str(thing["title"] or f"a {thing['kind']} whose title was erased")
    if thing.get("state", "withdrawn") == "withdrawn":
        return str(thing["title"] or "a withdrawn piece")
    noun = "release" if thing["kind"] == "release" else "piece"
    return str(thing["title"] or f"a {noun} whose title was erased")


def shortened(name: str) -> str:
    """A name that fits into a sentence: a long one is cut between two words."""
    if len(name) <= LONGEST_IN_SENTENCE:
        return name
    cut = name[:LONGEST_IN_SENTENCE]
    head, _, last = cut.rpartition(" ")
    return f"{head if head and len(last) < LONGEST_IN_SENTENCE // 2 else cut}…"


def briefly(thing: Named) -> str:
    """A name as it stands in a sentence."""
    return shortened(called(thing))


def names_in(view: View, facts: Iterable[FactTold]) -> dict[str, dict[str, Any]]:
    """What facts mention, by id."""
    facts = [*facts]
    mentioned = {id for fact in facts for id in fact["content"].get("mentions") or ()}
    # A credit that waits for its person is about nothing yet, but its content names both.
    said = (value for fact in facts for value in fact["content"].values())
    ids = {value for value in said if isinstance(value, str) and may_be_id(value)}
    ids |= {id for fact in facts for id in (fact["actor"], fact["noun"], *fact["about"])}
    return timeline.names(view, ids | mentioned)


def sentence(
    fact: Mapping[str, Any],
    names: Mapping[str, Named],
    written: Callable[[Named], str] = briefly,
    quoted: Callable[[str], str] = str,
    text: type[str] = str,
) -> str:
    """The sentence of a fact; erased texts are marked as such.

    ``written`` writes a name, and ``quoted`` any other text; what they return, and the sentence,
    are of the type ``text``.
    """
    said = {"actor": fact["actor"], "noun": fact["noun"], **fact["content"]}
    told = {
        name: written(names[value]) if value in names else _OPERATORS.get(value) or quoted(value)
        for name, value in said.items()
        if isinstance(value, str)
    }
    told |= {name: in_words(said[name]) for name in _DATES if name in told}
    if mentioned := said.get("mentions"):
        told["mentions"] = text(", ").join(written(names[one]) for one in mentioned if one in names)
    if fact["actor"] == OPERATOR:
        told["actor"] = "The operator"
    if "share" in told:
        told["share"] = wording.percent(said["share"])
    kind = FACTS[fact["topic"]]
    says = kind.SAYS + "".join(words for name, words in kind.ADDS.items() if name in told)
    if said.get("contributor") == fact["actor"]:
        for of_another, own in _OF_ONESELF.items():
            says = says.replace(of_another, own)
    erased = dict.fromkeys(kind.SEALED, "(erased)")
    return text(says).format(**{**erased, **told})
