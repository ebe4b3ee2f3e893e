"""Value types: what a field of a command or a question may hold, for every interface alike.

A value type reads a value (its refusals included), describes it, and gives an example. The HTTP
schema, the command-line option, the line of a bundle, the field of a form and the reference are
derived from it; nothing here depends on any of them.

A field is an annotation such as ``reason: Annotated[Reason | None, "Why.", Example("A typo.")]``;
domain.values lists those that several fields share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from domain.dates import start_of
from domain.identity import new_id
from domain.money.apportionment import whole_amount
from domain.outside import normal_uri
from domain.refusal import (
    REFUSALS,
    BadAmount,
    BadMadeAt,
    BadUri,
    IdTaken,
    Refusal,
    UnknownKind,
)
from domain.seal import TEXTS
from domain.text import LIMITS, plain_text

MOST_UNITS = 10**15
"""An amount is less: every JSON reader takes it exactly, and sums of thousands can be stored."""
LARGEST_POSITION = (1 << 53) - 1
"""The largest whole number that every JSON reader takes exactly."""
LONGEST_WORD = 200
MOST_ITEMS, MOST_PIECES = 200, 500
"""How many items a list of a request has at most, and one of pieces or payees; an import may have
more."""


@dataclass(frozen=True)
class Example:
    """The example of a field, instead of that of its type."""

    value: Any


@dataclass(frozen=True)
class Most:
    """How many items the list of a field has at most, instead of MOST_ITEMS."""

    items: int


@dataclass(frozen=True, kw_only=True)
class Value:
    """What a field may hold."""

    help: str = ""
    example: Any = None
    METAVAR: ClassVar[str] = "TEXT"
    REFUSES: ClassVar[tuple[type[Refusal], ...]] = ()

    @property
    def refuses(self) -> tuple[type[Refusal], ...]:
        """What may be wrong with a value, besides its JSON type."""
        return self.REFUSES

    def read(self, value: Any, _now: datetime) -> Any:
        """The value in its normal form; raises a refusal if it is none."""
        return value


@dataclass(frozen=True)
class Ref(Value):
    """The id of something that exists."""

    noun: str
    is_part: bool = field(default=False, kw_only=True)
    """Whether the command itself looks it up, in what it is a part of."""
    or_name: bool = field(default=False, kw_only=True)
    """Whether the name of somebody outside, who is paid, may stand in its place."""

    @property
    def refuses(self) -> tuple[type[Refusal], ...]:
        return (self.unknown,)

    @property
    def unknown(self) -> type[Refusal]:
        """The refusal when there is none with an id."""
        return REFUSALS[f"unknown_{self.noun}"]


@dataclass(frozen=True)
class NewId(Value):
    """An id that the client chooses for what the command brings into being."""

    noun: str
    REFUSES: ClassVar[tuple[type[Refusal], ...]] = (IdTaken,)

    def read(self, value: str, _now: datetime) -> str:
        return new_id(value)


@dataclass(frozen=True)
class Text(Value):
    """A text, as long as a text of this name may be."""

    name: str
    keeps_spaces: bool = field(default=False, kw_only=True)
    """Whether the spaces around it are part of it, also in a form."""
    words: Mapping[str, str] | None = field(default=None, kw_only=True, hash=False)
    """Words that it may be, with their meanings, beside any other text."""

    @property
    def limit(self) -> int:
        """How many characters it has at most."""
        return LIMITS[self.name]

    @property
    def is_sealed(self) -> bool:
        """Whether a fact holds only the commitment to it."""
        return self.name in TEXTS

    def read(self, value: str, _now: datetime) -> str:
        return plain_text(self.name, value)


@dataclass(frozen=True)
class WebAddress(Text):
    """The address of a page or a file on the web."""

    REFUSES: ClassVar[tuple[type[Refusal], ...]] = (BadUri,)

    def read(self, value: str, now: datetime) -> str:
        if not normal_uri(value).startswith(("https://", "http://")):
            raise BadUri(value)
        return super().read(value.strip(), now)


@dataclass(frozen=True)
class Word(Value):
    """A word that the domain reads: a role, a kind, a date, a rate."""

    reader: Callable[[str, datetime], str | None]
    wrong: tuple[type[Refusal], ...]
    limit: int = LONGEST_WORD
    format: str | None = None
    choices: Mapping[str, str] | None = field(default=None, hash=False)
    """The possible words with their meanings, if they are few."""

    @property
    def refuses(self) -> tuple[type[Refusal], ...]:
        return self.wrong

    def read(self, value: str, now: datetime) -> str | None:
        return self.reader(value, now)


def text(name: str, help: str = "", example: Any = None, **more: Any) -> Text:
    """A text of a name."""
    return Text(name, help=help, example=example, **more)


def known(
    reader: Callable[[str], str | None],
    help: str = "",
    example: Any = None,
    *,
    wrong: type[Refusal] | None = None,
    **more: Any,
) -> Word:
    """A word that is read without the clock."""
    wrongs = () if wrong is None else (wrong,)
    return Word(lambda text, _: reader(text), wrongs, help=help, example=example, **more)


def listed(
    words: Mapping[str, str],
    help: str = "",
    example: Any = None,
    *,
    wrong: type[Refusal] = UnknownKind,
) -> Word:
    """One of a few documented words; the refusal of any other names them."""

    def read(text: str) -> str:
        if text not in words:
            raise wrong(text, tuple(words))
        return text

    return known(read, help, example, wrong=wrong, choices=words)


def stated(
    help: str,
    reader: Callable[[str, datetime], object] = lambda text, _: start_of(text),
    *wrong: type[Refusal],
    **more: Any,
) -> Word:
    """A date or a time as it was stated, once it has been read without a refusal."""

    def read(text: str, now: datetime) -> str:
        reader(text, now)
        return text

    return Word(read, (BadMadeAt, *wrong), help=help, **more)


class Rate(Word):
    """An exact share from 0 to 1, as text: a JSON number would not be exact."""

    METAVAR = "RATE"


class Payee(Word):
    """Who is paid: a contributor, a work, or a name outside; a bundle writes ``@ana``."""

    METAVAR = "PAYEE"


class Piece(Word):
    """What a share or a comment is about: a payee, a work, an asset or a part of the release."""

    METAVAR = "PIECE"


@dataclass(frozen=True, kw_only=True)
class Number(Value):
    """A whole number, never text and never with a decimal point."""

    least: int = 0
    most: int = LARGEST_POSITION
    METAVAR: ClassVar[str] = "NUMBER"


@dataclass(frozen=True, kw_only=True)
class Amount(Number):
    """An amount in the smallest units of its currency."""

    least: int = 1
    most: int = MOST_UNITS - 1
    METAVAR: ClassVar[str] = "UNITS"
    REFUSES: ClassVar[tuple[type[Refusal], ...]] = (BadAmount,)

    def read(self, value: int, _now: datetime) -> int:
        if not self.least <= whole_amount(value) <= self.most:
            raise BadAmount(value, f"it is not between {self.least} and {self.most}")
        return value


@dataclass(frozen=True, kw_only=True)
class Json(Value):
    """A JSON object whose form the domain checks: terms, a policy, an asset."""

    METAVAR: ClassVar[str] = "JSON"


@dataclass(frozen=True, kw_only=True)
class Many(Value):
    """A list of values of one type."""

    inner: Value = field(default_factory=Value)
    most: int = MOST_ITEMS

    @property
    def refuses(self) -> tuple[type[Refusal], ...]:
        return self.inner.refuses

    def read(self, value: Any, now: datetime) -> tuple[Any, ...]:
        return tuple(self.inner.read(each, now) for each in value)


@dataclass(frozen=True, kw_only=True)
class Several(Value):
    """A list of records, such as the authors of a piece."""

    record: type[Any]
    most: int = MOST_ITEMS


@dataclass(frozen=True, kw_only=True)
class Choice(Value):
    """One of a few words."""

    words: tuple[str, ...]
    METAVAR: ClassVar[str] = "WORD"


def one_of(words: Iterable[str], help: str = "") -> Choice:
    """One of these words."""
    return Choice(words=tuple(words), help=help)


@dataclass(frozen=True, kw_only=True)
class Instant(Value):
    """A moment of the clock, in UTC and with microseconds (RFC 3339)."""


@dataclass(frozen=True)
class Length(Value):
    """A list of exactly this many items."""

    items: int


@dataclass(frozen=True, kw_only=True)
class Flag(Value):
    """Yes or no."""


@dataclass(frozen=True, kw_only=True)
class Cursor(Value):
    """Where to continue in a list; opaque."""

    METAVAR: ClassVar[str] = "CURSOR"
