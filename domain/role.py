"""The roles a person can be credited in: a vocabulary with a source for each word, kept as data.

A fact holds only the canonical name of a role, so that everyone who did the same thing is found
under the same word, and under every wider one: a cellist is a string player, an instrumentalist, a
musician. Any other wording ("low harmony") is free text of the credit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache, lru_cache
from heapq import nlargest
from importlib.resources import files
from typing import NamedTuple

from domain.refusal import UnknownRole

SOURCES = {
    "marc": "MARC code list for relators, with its code (Library of Congress)",
    "mi": "MusicBrainz, list of instruments",
    "mr": "MusicBrainz, relationship types and their attributes",
    "film": "Wikipedia, “Film crew”",
    "credit": "CRediT, Contributor Role Taxonomy (ANSI/NISO Z39.104)",
    "wp": "Wikipedia, the article on it",
}
"""The sources of the words."""

SUGGESTED = 3
"""How many roles the refusal of an unknown one names."""
LONGEST_COMPARED = 60


class Role(NamedTuple):
    """One way of contributing."""

    name: str
    meaning: str
    marc: str | None
    """The MARC relator code, if MARC has the same term."""
    within: str | None
    """The wider role."""
    sources: tuple[str, ...]
    aliases: tuple[str, ...]
    """Synonyms; never a word that is itself a role."""


@cache
def roles() -> Mapping[str, Role]:
    """Every role by its name."""
    lines = files("domain").joinpath("roles.csv").read_text("utf-8").splitlines()
    return {row["name"]: _role(row) for row in csv.DictReader(lines, delimiter="|")}


def _role(row: Mapping[str, str]) -> Role:
    sources = row["sources"].split()
    marc = (one.partition(":")[2] for one in sources if one.startswith("marc:"))
    aliases = tuple(filter(None, row["aliases"].split("; ")))
    return Role(
        row["name"],
        row["meaning"] or f"played the {aliases[0]}",
        next(marc, None),
        row["within"] or None,
        tuple(dict.fromkeys(one.partition(":")[0] for one in sources)),
        aliases,
    )


def role_named(text: str) -> str:
    """The canonical role of a name or alias; refuses (``UnknownRole``) any other text.

    Case, spaces, hyphens and underscores do not matter, nor whether “and” is written “&”.
    """
    try:
        return _names()[_spelling(text)]
    except KeyError:
        raise UnknownRole(text, nearest(text)) from None


def wider(role: str) -> Iterator[str]:
    """A role and every wider one: cellist, string player, instrumentalist, musician …

    A role that is not in this vocabulary has no wider one.
    """
    found: str | None = role
    while found is not None:
        yield found
        found = known.within if (known := roles().get(found)) else None


@cache
def within(role: str) -> tuple[str, ...]:
    """A role and every narrower one: a search for musicians finds cellists."""
    return tuple(name for name in roles() if role in wider(name))


def nearest(text: str) -> tuple[str, ...]:
    """The roles whose words are most similar to a text, the most similar first."""
    wanted = text.casefold()[:LONGEST_COMPARED]
    words = {_spelling(word) for word in re.split(r"[^\w&]+", wanted) if len(word) > 2}
    compared = SequenceMatcher(None, b=_spelling(wanted), autojunk=False)

    likeness = dict.fromkeys(roles(), 0.0)
    for spelling, name in _names().items():
        compared.set_seq1(spelling)
        likeness[name] = max(likeness[name], compared.ratio() + (spelling in words))
    return tuple(nlargest(SUGGESTED, likeness, key=likeness.__getitem__))


@cache
def _names() -> Mapping[str, str]:
    """By normalised name or alias: the canonical name."""
    aliases = ((alias, one.name) for one in roles().values() for alias in one.aliases)
    return {_spelling(text): name for text, name in (*aliases, *zip(roles(), roles(), strict=True))}


@lru_cache(maxsize=1024)
def _spelling(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text.replace("&", "and")).casefold()
