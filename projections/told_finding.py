"""The types of the answers about what is found, and about what is suggested with its reasons."""

from __future__ import annotations

from typing import Annotated, TypedDict

from domain.value import Example, Number, one_of
from domain.values import ALBUM
from projections.documents import KINDS
from projections.told import Count, PersonRef, WorkRef
from projections.told_projects import ChallengeRef

MATCHES = ("whole", "begins", "name", "elsewhere")
LIKELY = ("same_content", "similar_content", "same_challenge", "source_of_source")
REASONS = ("role", "medium", "together", "through", "both_remixed")
FOUND_IN = ("name", "text", "term", "person")

KindFound = Annotated[str, one_of(KINDS, "What it is.")]


class Hit(TypedDict):
    """Something that a search found, and why."""

    kind: KindFound
    id: Annotated[str, "Its id.", Example(ALBUM)]
    name: Annotated[
        str | None, "Its title or name, or its address; null when erased.", Example("Low Tide")
    ]
    state: Annotated[str, "Its state.", Example("published")]
    medium: Annotated[str | None, "The medium of a work.", Example("audio")]
    match: Annotated[
        str,
        one_of(
            MATCHES,
            "By this it is ranked: its whole name is what was typed, its name begins so, all words "
            "are in its name, or they are elsewhere. Within each group the latest comes first.",
        ),
    ]
    found_in: Annotated[
        list[Annotated[str, one_of(FOUND_IN)]],
        "Where the words are: in its name; in a text, such as a prompt, a goal or a name on a "
        "credit; among its roles and media; in the name of a person credited or responsible.",
    ]


class KindCount(TypedDict):
    """How many of a kind were found."""

    kind: KindFound
    count: Annotated[Count, "How many.", Example(12)]
    is_exact: Annotated[bool, "False if there are more, which were not counted.", Example(True)]


class HitCounts(TypedDict):
    """How many of each kind were found."""

    kinds: list[KindCount]


class WhyLikely(TypedDict):
    """Why a work may be a source."""

    code: Annotated[str, "Why, in one of the fixed words.", one_of(LIKELY)]
    says: Annotated[str, "The same as a sentence.", Example("It is the same file.")]
    unit: Annotated[
        str | None, "The unit of the ISCC that was compared, or “file”.", Example("file")
    ]
    differing_bits: Annotated[Count | None, "Out of 64, for similar content.", Example(0)]
    through: Annotated[
        str | None, "The challenge that both answer, or the source whose source it is."
    ]


class LikelySource(TypedDict):
    """A work that may be a source and is not cited, with the reasons."""

    work: WorkRef
    reasons: Annotated[list[WhyLikely], "The strongest first."]


class Reason(TypedDict):
    """Why somebody or something is suggested."""

    code: Annotated[str, "Why, in one of the fixed words.", one_of(REASONS)]
    says: Annotated[
        str,
        "The same as a sentence.",
        Example("This asks for an editor; you were credited as editor on 4 works."),
    ]
    count: Annotated[Count, "Of works, people or sources.", Example(4)]


class Fitting(TypedDict):
    """How somebody fits what is asked for: the numbers that they are ordered by, and why."""

    distance: Annotated[
        int | None,
        Number(least=1, example=1),
        "1: made something with the other person; 2: somebody did with both; null: neither.",
    ]
    works: Annotated[Count, "The number of works on which they have a credit in a role asked for."]
    finished: Annotated[Count, "How many of the latest 20 of these are in a published release."]
    reasons: list[Reason]


class PersonSuggested(Fitting):
    """Somebody who could answer a challenge, and how they fit."""

    contributor: PersonRef


class ChallengeSuggested(Fitting):
    """A challenge that somebody could answer, and how they fit."""

    challenge: ChallengeRef
    answer_by: Annotated[str | None, "Until when.", Example("2027-06")]
