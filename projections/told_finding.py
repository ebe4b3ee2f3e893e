"""The types of the answers about what is found, and about what is suggested with its reasons."""

from __future__ import annotations

from typing import Annotated, TypedDict

from domain.values import ALBUM, Example, one_of
from projections.documents import KINDS
from projections.told import Count

MATCHES = ("whole", "begins", "name", "elsewhere")
FOUND_IN = ("name", "text", "term", "person")

KindFound = Annotated[str, one_of(KINDS)]


class Hit(TypedDict):
    """Something that a search found, and why."""

    kind: KindFound
    id: Annotated[str, "Its id.", Example(ALBUM)]
    name: Annotated[
        str | None, "Its title or name, or its address; null when erased.", Example("Low Tide")
    ]
    state: Annotated[str, "Its state.", Example("published")]
    medium: Annotated[str | None, "That of a work.", Example("audio")]
    match: Annotated[
        str,
        one_of(
            MATCHES,
            "By this it is ranked: its whole name is what was typed, its name begins so, all words "
            "are in its name, or they are elsewhere. Among equals the latest comes first.",
        ),
    ]
    found_in: Annotated[
        list[Annotated[str, one_of(FOUND_IN)]],
        "Where the words are: in its name; in a text, such as a prompt, a goal or a name on a "
        "credit; among its roles and media; in the name of somebody credited or responsible.",
    ]


class KindCount(TypedDict):
    """How many of a kind were found."""

    kind: KindFound
    count: Annotated[Count, Example(12)]
    is_exact: Annotated[bool, "False if there are more, which were not counted.", Example(True)]


class HitCounts(TypedDict):
    """How many of each kind were found."""

    kinds: list[KindCount]
