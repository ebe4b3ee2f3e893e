"""Questions: what can be asked of a view, each declared once as a typed function.

The annotations of the function say what it takes and returns. The route, the operation of the
OpenAPI document, the command of the terminal, its JSON and its text are derived from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING as NEEDED
from dataclasses import dataclass, field, replace
from inspect import Parameter, getdoc, signature
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypedDict,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from domain.annotation import value_of
from domain.cached import cached_property
from domain.command import Command, Field
from domain.journal import Journal
from domain.moment import instant
from domain.permission import ANYONE, OPERATOR, OWN
from domain.refusal import NotPermitted, Refusal
from domain.values import Cursor, Number, Ref, Value, known
from projections.store import LIMIT, Page, View
from projections.stretches import counted, stretch

QUESTIONS: dict[str, Question] = {}
"""Every question by its identifier, such as ``show_work``."""

GIVEN = ("view", "journal", "actor")
"""The parameters that do not come from the caller: the view, the journal and who asks."""

MAXIMUM_LIMIT = 200
"""How many items of a list are returned at most over HTTP."""

MINUTE = len("2026-11-27T19:48")
"""For so long the clock changes no answer that is asked for again."""
ITEM_BYTES = 2_000
"""What an item of a long list takes in memory, about."""
MOST_BYTES = 1_000_000
"""How long an answer is as JSON over HTTP, at most."""

Limit = Annotated[
    int, Number(least=1, most=MAXIMUM_LIMIT, help=f"How many at most; default {LIMIT}.")
]
After = Annotated[str, Cursor(help="Continue here: “next” of the page before.", example="WzQyXQ")]
AFTER = "after"
"""The parameter for where the page before ended."""


class Paged(TypedDict, total=False):
    """Which part of a list is asked for, where a question passes that on as it is."""

    after: After | None
    limit: Limit


Search = Annotated[str, known(str)]
"""Text to search for."""

F = TypeVar("F", bound=Callable[..., Any])


class Form(NamedTuple):
    """A further form of an answer, such as CSV."""

    media_type: str
    write: Callable[[Asking], str | bytes | Mapping[str, Any]]
    """Text, a file, or JSON of a vocabulary."""
    example: str | Mapping[str, Any]
    has_links: bool = False
    """Whether it contains links, and so depends on the address of the pages."""
    is_binary: bool = False


@dataclass(frozen=True, eq=False)  # it is itself: what is made from it is made once
class Question:
    """A question, and how it can be asked."""

    name: str
    """Its identifier, such as ``show_work``."""
    path: str
    """Its route, with the names of its ids in braces."""
    ask: Callable[..., Any]
    cli: str | None
    """Its command."""
    further: tuple[type[Refusal], ...]
    """Its refusals besides those of its values."""
    may_be_as_published: bool
    """Whether it can be asked of the lineage that was frozen when a release was published."""
    forms: Mapping[str, Form] = field(default_factory=dict)
    """Further forms of the answer by their names; the first is JSON."""
    rehearses: type[Command] | None = None
    """The command that is drafted first, with its refusals; nothing is recorded."""
    may: Collection[str] = (ANYONE,)
    """The relations that allow asking it (see domain.permission); it checks them itself."""
    beside: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """What stands beside a list, by name: functions of the view and the id that is asked about."""
    parts: tuple[str, ...] = ()
    """The long lists of its answer, which comes in pages: see projections.stretches."""

    @property
    def help(self) -> str:
        """What it asks, in a sentence or more."""
        return getdoc(self.ask) or ""

    @cached_property
    def _hints(self) -> dict[str, Any]:
        hints = get_type_hints(self.ask, include_extras=True)
        shared = {name: hint for shared in self._shared for name, hint in shared.items()}
        return {**hints, **shared, **({AFTER: After | None} if self.parts else {})}

    @cached_property
    def _shared(self) -> list[dict[str, Any]]:
        """The parameters that it has in common with others, declared by a TypedDict."""
        hints = get_type_hints(self.ask, include_extras=True)
        return [
            get_type_hints(get_args(hints[one.name])[0], include_extras=True)
            for one in signature(self.ask).parameters.values()
            if one.kind is Parameter.VAR_KEYWORD
        ]

    @cached_property
    def _defaults(self) -> Mapping[str, Any]:
        """Its parameters with their defaults; those in common come first in the query."""
        own = signature(self.ask).parameters.values()
        in_place = [one for one in own if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
        named = [one for one in own if one.kind is Parameter.KEYWORD_ONLY]
        shared = [name for hints in self._shared for name in hints]
        part = {AFTER: None, "limit": LIMIT}  # of a list, which comes last
        return {
            **{one.name: _default(one) for one in in_place},
            **{name: None for name in shared if name not in part},
            **{one.name: _default(one) for one in named},
            **{name: part[name] for name in shared if name in part},
            **({AFTER: None} if self.parts else {}),
        }

    @cached_property
    def given(self) -> frozenset[str]:
        """Which of the journal and the actor it needs."""
        return frozenset(self._defaults) & {"journal", "actor"}

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Its parameters of a value type, in order."""
        found = (
            Field(name, value_of(self._hints[name]), default)
            for name, default in self._defaults.items()
            if name not in GIVEN
        )
        return tuple(one for one in found if type(one.value) is not Value)

    @property
    def in_path(self) -> tuple[Field, ...]:
        """Its fields in the path."""
        return tuple(one for one in self.fields if f"{{{one.name}}}" in self.path)

    @property
    def in_query(self) -> tuple[Field, ...]:
        """Its fields in the query string."""
        return tuple(one for one in self.fields if f"{{{one.name}}}" not in self.path)

    @cached_property
    def is_list(self) -> bool:
        """Whether it returns a page of a list."""
        return get_origin(self._hints["return"]) is Page

    @property
    def has_pages(self) -> bool:
        """Whether its answer comes in pages: a list, or something with long lists."""
        return self.is_list or bool(self.parts)

    @cached_property
    def result(self) -> Any:
        """The type of its answer, or of an item of its list."""
        hint = self._hints["return"]
        return get_args(hint)[0] if self.is_list else hint

    def refusals(self) -> tuple[type[Refusal], ...]:
        """All its refusals; an id that only filters a list refuses nothing."""
        ids = self.fields if self.rehearses else self.in_path
        values = [one.value for one in self.fields if one in ids or not isinstance(one.value, Ref)]
        command = self.rehearses.REFUSES if self.rehearses else ()
        own = () if ANYONE in self.may else (NotPermitted,)
        found = (refusal for value in values for refusal in value.refuses)
        return tuple(dict.fromkeys((*found, *command, *self.further, *own)))


@dataclass(frozen=True)
class Asking:
    """A question that is being asked."""

    question: Question
    view: View
    journal: Journal
    said: Mapping[str, Any]
    """The values of its fields, by name."""
    actor: str = OPERATOR
    origin: str = ""
    """The address of the pages, if known."""
    most: int | None = None
    """How many items its long lists have at most, if that is limited."""

    @cached_property
    def answer(self) -> Any:
        """The answer, computed on first use; not every form needs it."""
        known = {"journal": self.journal, "actor": self.actor}
        given = {name: known[name] for name in self.question.given}
        if not self.question.parts:
            return self.question.ask(self.view, **given, **self.said)
        return stretch(self._whole(given), self.question.parts, self.said.get(AFTER), self.most)

    def _whole(self, given: Mapping[str, Any]) -> Any:
        """The whole of an answer that comes in pages, computed once for all that follow."""
        said = {name: value for name, value in self.said.items() if name != AFTER}
        minute = instant(self.journal.clock())[:MINUTE]
        key = (self.question.name, self.actor, self.view.as_of, minute, repr(sorted(said.items())))
        if (whole := self.view.moment.get(key)) is None:
            whole = self.question.ask(self.view, **given, **said)
            if (items := counted(whole, self.question.parts)) > MAXIMUM_LIMIT:
                self.view.moment.keep(key, whole, ITEM_BYTES * items)
        return whole

    def shorter(self, size: int) -> Asking | None:
        """The same with fewer items in its lists, if it is too long with so many bytes as JSON."""
        is_page = isinstance(self.answer, Page)
        count = len(self.answer.items) if is_page else counted(self.answer, self.question.parts)
        if size <= MOST_BYTES or count <= 1:
            return None
        most = max(1, count * MOST_BYTES * 9 // (size * 10))
        return replace(self, said={**self.said, "limit": most} if is_page else self.said, most=most)

    @property
    def told(self) -> dict[str, Any]:
        """The answer as JSON, with its position."""
        answer = self.answer
        return {
            "as_of": self.view.as_of,
            **(answer._asdict() if isinstance(answer, Page) else answer),
            **self.beside,
        }

    @cached_property
    def beside(self) -> dict[str, Any]:
        """What stands beside a list."""
        return {
            name: tell(self.view, self.said["id"]) for name, tell in self.question.beside.items()
        }


def question(
    name: str,
    path: str,
    *,
    cli: str | None = None,
    refuses: Iterable[type[Refusal]] = (),
    as_published: bool = False,
    forms: Mapping[str, Form] | None = None,
    rehearses: type[Command] | None = None,
    may: Collection[str] | None = None,
    beside: Mapping[str, Callable[..., Any]] | None = None,
    parts: Iterable[str] = (),
) -> Callable[[F], F]:
    """Declare a function as a question; its first parameter is the view.

    Without ``may`` everyone may ask it; one that is given the actor, only about themself.
    """

    def decorate(ask: F) -> F:
        made = Question(name, path, ask, cli, tuple(refuses), as_published, forms or {}, rehearses)
        usual = OWN if "actor" in ask.__annotations__ else (ANYONE,)
        QUESTIONS[name] = replace(
            made, may=usual if may is None else may, beside=beside or {}, parts=tuple(parts)
        )
        return ask

    return decorate


def wire_name(one: Field) -> str:
    """The name of a field outside Python."""
    return "cursor" if isinstance(one.value, Cursor) else one.name.rstrip("_")


def _default(one: Parameter) -> Any:
    return NEEDED if one.default is Parameter.empty else one.default
