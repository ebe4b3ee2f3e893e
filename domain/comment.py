"""Public comments on works, projects, steps and challenges.

Each of these has one conversation, to which replies belong. A removed comment keeps its place, but
all of its texts are erased. Comments on proposals are something else: only those with a share see
them, and each must be answered before the shares are final (domain.money.proposal).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from domain.fact import Fact, Noun, common, fact
from domain.permission import OPERATOR

WRITER, MODERATOR = "writer", "moderator"
"""In which relation somebody removes a comment."""
PLACES = ("work", "project", "challenge", "step")
"""What a comment may be on; a step is in its project."""
COMMENT_MINUTES = 15
"""For how many minutes a comment may be edited, by default."""
MOST_MENTIONED = 10
"""The most people that a comment mentions."""
_ON = {name: f" on {{{name}}}" for name in ("work", "project", "challenge")}
_MENTIONING = {"mentions": ", mentioning {mentions}"}
_MENTION = re.compile(r"(?<![\w@])@([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])")


class Comment(Noun):
    """A comment, and what became of it."""

    work: str | None
    project: str | None
    challenge: str | None
    step: str | None
    thread: str
    """The first comment of its thread; its own id if it is not a reply."""
    text: str
    mentions: list[str] | None
    posted_at: datetime

    @common
    class Event(Fact):
        """A fact about a comment names what the comment is on."""

        ADDS = _ON
        ABOUT = ("work", "project", "challenge")
        work: str | None = None
        project: str | None = None
        challenge: str | None = None
        step: str | None = None

    @fact("comment.posted", "{actor} commented", begins=True)
    class Posted(Event):
        """Somebody said something; those whom it mentions are notified."""

        INVOLVES = "mentions"
        ADDS = _ON | {"reply_to": ", in reply to another comment", **_MENTIONING}
        QUOTA = "conversation"
        STATE = "posted"
        thread: str
        reply_to: str | None = None
        mentions: list[str] | None = None
        """The people whom the text mentions."""
        text: str

        def names(self) -> tuple[str, ...]:
            return (*self.subjects(), *self.involves())

        def apply(self, noun: Comment) -> None:
            """Set what it is on, and when it was posted."""
            super().apply(noun)
            noun.posted_at = self.timestamp

    @fact("comment.edited", "{actor} changed a comment")
    class Edited(Event):
        """Its writer changed it; the earlier texts stay in its history."""

        ADDS = _ON | _MENTIONING
        INVOLVES = "added"
        QUOTA = "conversation"
        FROM = ("posted",)
        mentions: list[str] | None = None
        added: list[str] | None = None
        """Those of them whom the comment did not mention before."""
        text: str

        def names(self) -> tuple[str, ...]:
            return (*self.subjects(), *self.involves())

        def apply(self, noun: Comment) -> None:
            """Change the text; what it is on stays."""
            noun.text, noun.mentions = self.text, self.mentions

    @fact("comment.removed", "{actor} removed a comment")
    class Removed(Event):
        """Its texts were erased; it stays on record that it was there, and who removed it."""

        FROM = ("posted",)
        STATE = "removed"
        removed_as: str
        """Whether its writer removed it, or a moderator."""
        writer: str
        reason: str | None = None

        def names(self) -> tuple[str, ...]:
            return (*self.subjects(), *((self.writer,) if self.writer != OPERATOR else ()))

        def erases(self, noun: Comment) -> tuple[str, ...]:
            return noun.every_text

    @property
    def line(self) -> dict[str, str | None]:
        """The fields that name what it is on."""
        return {name: getattr(self, name) for name in PLACES}

    @property
    def every_text(self) -> tuple[str, ...]:
        """The commitments of its text and all earlier texts."""
        said = (Comment.Posted, Comment.Edited)
        return tuple(one.text for _, one in self.facts if isinstance(one, said))


# -- mentions ------------------------------------------------------------------------------------


def mentioned_in(text: str) -> list[str]:
    """The ids that a text mentions, each once."""
    return list(dict.fromkeys(_MENTION.findall(text)))


def parts_of(text: str) -> list[str]:
    """A text split at its mentions: text, id, text, id, … text."""
    return _MENTION.split(text)


def without_ids(text: str, names: Iterable[tuple[str, str | None]]) -> str:
    """A text with the ids after “@” replaced by names, from (id, name) pairs."""
    known = dict(names)
    parts = parts_of(text)
    for place in range(1, len(parts), 2):
        id = parts[place]
        parts[place] = f"@{(known[id] or 'somebody') if id in known else id}"
    return "".join(parts)


_AT = re.compile(r"(?<![\w@])@(?=\S)")
_WORD = re.compile(r"\S+\s?")
MOST_WORDS = 5
"""The most words of a name that are looked for after an “@”."""
_ENDS = ".,;:!?)]}»”’\"'…"
_POSSESSIVE = re.compile(r"['’]s\Z")


def with_ids(text: str, called: Callable[[str], str | None]) -> str:
    """A text with the names after “@” replaced by ids; the longest name that ``called`` knows wins.

    Stored as an id, a mention always shows the present name, and none once somebody is forgotten.
    """
    found, end = list[str](), 0
    for at in _AT.finditer(text):
        if at.end() < end or len(found) >= 2 * MOST_MENTIONED:
            continue
        for name in _names_at(text, at.end()):
            if id := called(name):
                found += [text[end : at.end()], id]
                end = at.end() + len(name)
                break
    return "".join([*found, text[end:]])


def _names_at(text: str, start: int) -> Iterator[str]:
    """Candidates for a name that starts here, the longest first."""
    ends, end = list[int](), start
    while len(ends) < MOST_WORDS and (word := _WORD.match(text, end)) and "@" not in word[0]:
        end = word.end()
        ends.append(end)
        if "\n" in word[0]:
            break
    for each in reversed(ends):
        name = text[start:each].rstrip()
        yield name
        if (bare := name.rstrip(_ENDS)) and bare != name:
            yield bare
        if (owner := _POSSESSIVE.sub("", bare)) and owner != bare:
            yield owner
