"""Scope: what a key or a token lets its holder do at most.

A scope only narrows what the table of permissions allows the holder; it never adds anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from domain.command import Command
from domain.grant import GRANTABLE
from domain.refusal import BadScope
from domain.registry import COMMANDS
from domain.text import with_article

READ, KEYS = "read", "keys"
KEYRING = "keyring"
"""The section of the API that is open to keys of any scope: each may replace or end itself."""
OF_ROLE = "role:"

NOUNS = dict.fromkeys(name.partition(".")[0] for name in COMMANDS)
WORDS = {
    READ: "ask questions and read pages",
    KEYS: "make keys that may do no more, and end keys",
    **{
        f"{OF_ROLE}{role}": f"the commands open to this role ({what})"
        for role, what in GRANTABLE.items()
    },
    **{noun: f"every command about {with_article(noun.replace('-', ' '))}" for noun in NOUNS},
}
"""The words of a scope with their meanings; the name of each command is a word too."""


@dataclass(frozen=True)
class Scope:
    """A part of what the API can do, or everything."""

    words: tuple[str, ...] | None = None
    """None means everything."""

    @classmethod
    def parse(cls, text: str) -> Scope:
        """The scope of words separated by spaces; refuses unknown words."""
        words, known = tuple(dict.fromkeys(text.split())), {*WORDS, *COMMANDS}
        for word in words:
            if word not in known:
                near = get_close_matches(word, known)
                told = f"; the nearest are {', '.join(near)}" if near else ""
                raise BadScope(word, f"it is not a word of a scope{told}")
        if not words:
            raise BadScope(text, "it is empty")
        return cls(words)

    @classmethod
    def stored(cls, text: str | None) -> Scope:
        """A scope from the database; a word that is no longer known allows nothing."""
        return cls(None if text is None else tuple(text.split()))

    def __str__(self) -> str:
        return "everything" if self.words is None else " ".join(self.words)

    @property
    def reads(self) -> bool:
        """Whether it allows asking questions and reading pages."""
        return self.words is None or READ in self.words

    @property
    def makes_keys(self) -> bool:
        """Whether it allows making and ending keys."""
        return self.words is None or KEYS in self.words

    def allows(self, command: type[Command]) -> bool:
        """Whether it allows a command."""
        if self.words is None:
            return True
        noun = command.NAME.partition(".")[0]
        of_roles = {f"{OF_ROLE}{role}" for role in command.MAY}
        return not {command.NAME, noun, *of_roles}.isdisjoint(self.words)

    def includes(self, other: Scope) -> bool:
        """Whether it allows everything that another allows."""
        if other.words is None:  # also what later versions will add
            return self.words is None
        return (
            self.reads >= other.reads
            and self.makes_keys >= other.makes_keys
            and _commands(self) >= _commands(other)
        )


EVERYTHING = Scope()


class Caller(NamedTuple):
    """Who sends a request, and what their key or token lets them do."""

    actor: str
    """The operator, or the id of a contributor."""
    scope: Scope = EVERYTHING
    key: str | None = None
    """The digest of their key; None for a token of an outside issuer."""
    until: str | None = None
    """When the key or token expires; None if it does not."""


def _commands(scope: Scope) -> frozenset[str]:
    return frozenset(name for name, command in COMMANDS.items() if scope.allows(command))
