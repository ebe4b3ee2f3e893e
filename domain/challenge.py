"""A challenge: somebody asks others to make something, and pieces are given as answers.

It is in at most one project at a time. That an answer was featured stays on record, even after it
no longer is.
"""

from __future__ import annotations

from collections.abc import Callable

from domain.dates import span_of
from domain.fact import Fact, Looking, Noun, common, fact
from domain.identity import part_id
from domain.refusal import ChallengeOver

ISSUER = "issuer"
"""The relation of who issued a challenge to it and its answers."""


class Challenge(Noun):
    """What somebody asks others to make."""

    project: str | None = None
    """The project it belongs to."""
    answer_by: str | None = None
    """The last day, month or moment at which it can be answered."""

    @fact("challenge.issued", "{actor} issued {noun}", begins=True)
    class Issued(Fact):
        """A challenge was issued; pieces can answer it from now on."""

        ADDS = {"project": ", in {project}"}  # noqa: RUF012 - constant
        QUOTA = "challenges"
        STATE = "issued"
        ABOUT = ("originator_id", "project")
        title: str
        prompt: str
        media: list[str] | None = None
        """What is asked for; None: any medium."""
        roles: list[str] | None = None
        answer_by: str | None = None
        project: str | None = None

    @fact("challenge.described", "{actor} changed what {noun} asks for")
    class Described(Fact):
        """What it asks for was changed; the rest stays."""

        ADDS = {"title": ", “{title}”", "answer_by": ", until {answer_by}"}  # noqa: RUF012 - constant
        FROM = ("issued",)
        title: str | None = None
        prompt: str | None = None
        media: list[str] | None = None
        roles: list[str] | None = None
        answer_by: str | None = None
        reason: str | None = None

        def apply(self, noun: Challenge) -> None:
            """Change only the fields that are stated."""
            vars(noun).update(self.stated("answer_by"))

    @fact("challenge.moved", "{actor} moved {noun}")
    class Moved(Fact):
        """It is in another project from now on, or in none."""

        ADDS = {"left": " out of {left}", "project": " into {project}"}  # noqa: RUF012 - constant
        ABOUT = ("originator_id", "project", "left")
        project: str | None = None
        left: str | None = None
        """The project that it was in before."""
        reason: str | None = None

    @fact("challenge.closed", "{actor} closed {noun}")
    class Closed(Fact):
        """It can no longer be answered; its answers stay."""

        FROM = ("issued",)
        STATE = "closed"
        reason: str | None = None

    @fact("challenge.reopened", "{actor} reopened {noun}")
    class Reopened(Fact):
        """It can be answered again."""

        FROM = ("closed",)
        STATE = "issued"
        reason: str | None = None

    def sides(self, looking: Looking) -> dict[str, str]:
        return {ISSUER: self.poster}

    def must_be_open(self, is_over: Callable[[str], bool]) -> None:
        """Refuse an answer after the deadline."""
        if self.answer_by is not None and is_over(span_of(self.answer_by).last):
            raise ChallengeOver(self.answer_by)


def answer_id(challenge: str, work: str) -> str:
    """The id of a piece's one answer to a challenge, given and withdrawn as often as needed."""
    return part_id(challenge, f"answer/{work}", 0)


class Answer(Noun):
    """A piece as an answer to a challenge."""

    challenge: str
    work: str

    @common
    class Event(Fact):
        """A fact about an answer names the challenge and the piece."""

        ABOUT = ("challenge", "work")
        challenge: str
        work: str

    @fact("answer.given", "{work} answers {challenge}", begins=True)
    class Given(Event):
        """A piece answers a challenge."""

        QUOTA = "answers"
        FROM = ("withdrawn",)
        STATE = "given"

    @fact("answer.withdrawn", "{actor} took back {work} as an answer to {challenge}")
    class Withdrawn(Event):
        """The piece is no longer an answer; it stays on record that it was."""

        FROM = ("given", "featured")
        STATE = "withdrawn"
        reason: str | None = None

    @fact("answer.featured", "{actor} featured {work} among the answers to {challenge}")
    class Featured(Event):
        """The answer was singled out, for a stated reason."""

        FROM = ("given",)
        STATE = "featured"
        reason: str

    @fact("answer.unfeatured", "{actor} stopped featuring {work} among the answers to {challenge}")
    class Unfeatured(Event):
        """It is no longer featured; it stays on record that it was."""

        FROM = ("featured",)
        STATE = "given"
        reason: str | None = None
