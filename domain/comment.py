"""A comment: what somebody says about a work, a project, a step or a challenge, for all to read.

Each of these has one conversation; a reply stays in it. A removed comment leaves its place: every
text that it had is erased. Comments on a proposal are another thing: they are for those with a
share, and each has to be answered before the shares are final (domain.money.proposal).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from domain.fact import Fact, Noun, common, fact
from domain.permission import OPERATOR

WRITER, MODERATOR = "writer", "moderator"
"""Who removes a comment."""
PLACES = ("work", "project", "challenge", "step")
"""What a comment may be on; a step is in its project."""
COMMENT_MINUTES = 15
"""For how long a comment may be edited, where nothing else is set."""
MOST_MENTIONED = 10
"""How many people a comment mentions at most."""
_ON = {name: f" on {{{name}}}" for name in ("work", "project", "challenge")}
_MENTIONING = {"mentions": ", mentioning {mentions}"}
_MENTION = re.compile(r"(?<![\w@])@([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])")


class Comment(Noun):
    """What somebody says where the work is."""

    work: str | None
    project: str | None
    challenge: str | None
    step: str | None
    thread: str
    """The comment with which it began; its own id if it is no reply."""
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
            """It is where it was posted, since then."""
            super().apply(noun)
            noun.posted_at = self.timestamp

    @fact("comment.edited", "{actor} changed a comment")
    class Edited(Event):
        """Its writer changed it; what it said before stays in its history."""

        ADDS = _ON | _MENTIONING
        INVOLVES = "added"
        QUOTA = "conversation"
        FROM = ("posted",)
        mentions: list[str] | None = None
        added: list[str] | None = None
        """Those among them whom it did not mention before."""
        text: str

        def names(self) -> tuple[str, ...]:
            return (*self.subjects(), *self.involves())

        def apply(self, noun: Comment) -> None:
            """It stays where it is."""
            noun.text, noun.mentions = self.text, self.mentions

    @fact("comment.removed", "{actor} removed a comment")
    class Removed(Event):
        """Its texts were erased; that it was there, and who removed it, stays."""

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
        """What it is on."""
        return {name: getattr(self, name) for name in PLACES}

    @property
    def every_text(self) -> tuple[str, ...]:
        """Its text and those that it had before."""
        said = (Comment.Posted, Comment.Edited)
        return tuple(one.text for _, one in self.facts if isinstance(one, said))


# -- mentions ------------------------------------------------------------------------------------


def mentioned_in(text: str) -> list[str]:
    """The ids that a text mentions, each once."""
    return list(dict.fromkeys(_MENTION.findall(text)))


def parts_of(text: str) -> list[str]:
    """A text cut at its mentions: what stands between them, and each id, in turn."""
    return _MENTION.split(text)


def without_ids(text: str, names: Iterable[tuple[str, str | None]]) -> str:
    """A text with the names of these people after each “@” that mentions one of them."""
    known = dict(names)
    parts = parts_of(text)
    for place in range(1, len(parts), 2):
        id = parts[place]
        parts[place] = f"@{(known[id] or 'somebody') if id in known else id}"
    return "".join(parts)


_AT = re.compile(r"(?<![\w@])@(?=\S)")
_WORD = re.compile(r"\S+\s?")
MOST_WORDS = 5
"""How many words of a name are looked for behind an “@”."""
_ENDS = ".,;:!?)]}»”’\"'…"
_POSSESSIVE = re.compile(r"['’]s\Z")


def with_ids(text: str, called: Callable[[str], str | None]) -> str:
    """A text with the id of a person in place of each name behind an “@”, the longest that is one.

    So a mention shows the name that somebody has, and none once they are forgotten.
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
    """What may be a name from a place on, the longest first."""
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
