"""Questions: what can be asked of a view, each declared once as a typed function.

The function's annotations say what it takes and returns. The route, the OpenAPI operation, the
terminal's command, the JSON and the text of the answer are derived from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING as NEEDED
from dataclasses import dataclass, replace
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
from domain.value import Cursor, Number, Ref, Value, known
from projections.pages import LIMIT, Page, mark_of, marked, unmarked
from projections.store import View
from projections.stretches import counted, stretch

QUESTIONS: dict[str, Question] = {}
"""Every question by its identifier, such as ``show_work``."""

GIVEN = ("view", "journal", "actor")
"""The parameters that the service fills in: the view, the journal and who asks."""

MAXIMUM_LIMIT = 200
"""The most items of a list that HTTP returns at once."""

MINUTE = len("2026-11-27T19:48")
"""An instant cut to this length names its minute; a whole answer is reused only within one."""
ITEM_BYTES = 2_000
"""Roughly what an item of a long list takes in memory."""
MOST_BYTES = 1_000_000
"""The longest answer as JSON over HTTP."""

Limit = Annotated[
    int,
    Number(least=1, most=MAXIMUM_LIMIT, help=f"How many at most; default {LIMIT}.", example=20),
]
After = Annotated[str, Cursor(help="Continue here: “next” of the page before.", example="WzQyXQ")]
AFTER = "after"
"""The parameter that says where the previous page ended."""


class Paged(TypedDict, total=False):
    """The parameters of a page, for questions that pass them on unchanged."""

    after: After | None
    limit: Limit


Search = Annotated[str, known(str)]
"""Text to search for."""

F = TypeVar("F", bound=Callable[..., Any])


class Format(NamedTuple):
    """Another format of an answer, such as CSV."""

    media_type: str
    write: Callable[[Asking], str | bytes | Mapping[str, Any]]
    """Makes text, the bytes of a file, or JSON in some vocabulary."""
    example: str | Mapping[str, Any]
    has_links: bool = False
    """Whether it contains links, and so needs the address of the website."""
    is_binary: bool = False


@dataclass(frozen=True, eq=False)  # compared by identity, so that what is derived from it is cached
class Question:
    """A question, and the ways in which it can be asked."""

    name: str
    """Its identifier, such as ``show_work``."""
    path: str
    """The path of its route, with names of fields in braces."""
    ask: Callable[..., Any]
    cli: str | None
    """The terminal's command, if it has one."""
    further: tuple[type[Refusal], ...]
    """Its refusals besides those of its values."""
    may_be_as_published: bool
    """Whether it can be asked about the lineage that was frozen when a release was published."""
    forms: Mapping[str, Format]
    """Formats of the answer besides JSON, by name."""
    rehearses: type[Command] | None
    """The command whose effects it previews and whose refusals it shares; nothing is recorded."""
    may: Collection[str]
    """The relations that allow asking it (see domain.permission); its function checks them."""
    beside: Mapping[str, Callable[..., Any]]
    """What an answer has beside its list, by name: functions of the view and the id asked about,
    each of which asks for it, and returns what tells it."""
    parts: tuple[str, ...]
    """The long lists in its answer, which make it come in pages: see projections.stretches."""

    @property
    def help(self) -> str:
        """Its description, from the docstring of its function."""
        return getdoc(self.ask) or ""

    @cached_property
    def _hints(self) -> dict[str, Any]:
        hints = get_type_hints(self.ask, include_extras=True)
        shared = {name: hint for shared in self._shared for name, hint in shared.items()}
        return {**hints, **shared, **({AFTER: After | None} if self.parts else {})}

    @cached_property
    def _shared(self) -> list[dict[str, Any]]:
        """The parameters it shares with other questions, each group declared by a TypedDict."""
        hints = get_type_hints(self.ask, include_extras=True)
        return [
            get_type_hints(get_args(hints[one.name])[0], include_extras=True)
            for one in signature(self.ask).parameters.values()
            if one.kind is Parameter.VAR_KEYWORD
        ]

    @cached_property
    def _defaults(self) -> Mapping[str, Any]:
        """Its parameters with their defaults, in the order in which they are documented."""
        own = signature(self.ask).parameters.values()
        in_place = [one for one in own if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
        named = [one for one in own if one.kind is Parameter.KEYWORD_ONLY]
        shared = [name for hints in self._shared for name in hints]
        part = {AFTER: None, "limit": LIMIT}  # the parameters of a page come last
        return {
            **{one.name: _default(one) for one in in_place},
            **{name: None for name in shared if name not in part},
            **{one.name: _default(one) for one in named},
            **{name: part[name] for name in shared if name in part},
            **({AFTER: None} if self.parts else {}),
        }

    @cached_property
    def given(self) -> frozenset[str]:
        """Which of the journal and the actor its function takes."""
        return frozenset(self._defaults) & {"journal", "actor"}

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The parameters that a caller sets, in order."""
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

    @cached_property
    def has_pages(self) -> bool:
        """Whether its answer comes in pages, and says where the next one begins."""
        return any(one.name == AFTER for one in self.fields)

    @cached_property
    def result(self) -> Any:
        """The type of its answer or, for a list, of one item."""
        hint = self._hints["return"]
        return get_args(hint)[0] if self.is_list else hint

    def refusals(self) -> tuple[type[Refusal], ...]:
        """All its possible refusals; an id that only filters a list is never refused."""
        ids = self.fields if self.rehearses else self.in_path
        values = [one.value for one in self.fields if one in ids or not isinstance(one.value, Ref)]
        command = self.rehearses.REFUSES if self.rehearses else ()
        own = () if ANYONE in self.may else (NotPermitted,)
        found = (refusal for value in values for refusal in value.refuses)
        return tuple(dict.fromkeys((*found, *command, *self.further, *own)))


@dataclass(frozen=True)
class Asking:
    """A question as asked by one caller of one view."""

    question: Question
    view: View
    journal: Journal
    said: Mapping[str, Any]
    """The values of its fields, by name."""
    actor: str = OPERATOR
    origin: str = ""
    """The address of the website, if known."""
    most: int | None = None
    """The most items that its long lists may have together, if limited."""
    longer: Asking | None = None
    """The same question for more items, if it was asked before and its answer was too long."""

    @cached_property
    def answer(self) -> Any:
        """The answer, computed on first use because not every format needs it."""
        _ = self._beside  # asked for first, to be sent in one message with the rest
        if not self.question.has_pages:
            return self._asked(self.said)
        mark = self._mark()
        answer = self._asked({**self.said, AFTER: unmarked(mark, self.said.get(AFTER))})
        if isinstance(answer, Page):
            return answer._replace(next=marked(mark, answer.next))
        return {**answer, "next": marked(mark, answer["next"])}

    def _mark(self) -> str:
        """The mark of its cursors: the same for every page, whatever its size or position.

        Defaults are left out, so that cursors outlive an upgrade that adds a filter.
        """
        question, part = self.question, (AFTER, "limit")
        filters = [
            (one.name, value)
            for one in question.fields
            if one.name not in part
            and (value := self.said.get(one.name, one.default)) != one.default
        ]
        return mark_of(question.name, filters, "actor" in question.given and self.actor)

    def _asked(self, said: Mapping[str, Any]) -> Any:
        if not self.question.parts:
            return self.question.ask(self.view, **self._given, **said)
        return stretch(self._whole, self.question.parts, said.get(AFTER), self.most)

    @property
    def _given(self) -> dict[str, Any]:
        known = {"journal": self.journal, "actor": self.actor}
        return {name: known[name] for name in self.question.given}

    @cached_property
    def _whole(self) -> Any:
        """The complete answer of one that comes in pages; if it is long, the next reuse it."""
        if self.longer is not None:
            return self.longer._whole
        said = {name: value for name, value in self.said.items() if name != AFTER}
        is_first = self.said.get(AFTER) is None
        whole = None if is_first else self.view.moment.get(self._key(said))
        if whole is None:
            whole = self.question.ask(self.view, **self._given, **said)
            if (items := counted(whole, self.question.parts)) > MAXIMUM_LIMIT:
                self.view.moment.keep(self._key(said), whole, ITEM_BYTES * items)
        return whole

    def _key(self, said: Mapping[str, Any]) -> tuple[object, ...]:
        minute = instant(self.journal.clock())[:MINUTE]
        return self.question.name, self.actor, self.view.as_of, minute, repr(sorted(said.items()))

    def shorter(self, size: int) -> Asking | None:
        """The question for fewer items if an answer of ``size`` bytes is too long, else None."""
        is_page = isinstance(self.answer, Page)
        count = len(self.answer.items) if is_page else counted(self.answer, self.question.parts)
        if size <= MOST_BYTES or count <= 1:
            return None
        most = max(1, count * MOST_BYTES * 9 // (size * 10))
        said = {**self.said, "limit": most} if is_page else self.said
        return replace(self, said=said, most=most, longer=self)

    @property
    def told(self) -> dict[str, Any]:
        """The answer as JSON, with its position."""
        answer = self.answer
        return {
            "as_of": self.view.as_of,
            **(answer._asdict() if isinstance(answer, Page) else answer),
            **self.beside,
        }

    @property
    def beside(self) -> dict[str, Any]:
        """What the answer has beside its list, by name."""
        return {name: tell() for name, tell in self._beside.items()}

    @cached_property
    def _beside(self) -> Mapping[str, Callable[[], Any]]:
        return {name: ask(self.view, self.said["id"]) for name, ask in self.question.beside.items()}


def question(
    name: str,
    path: str,
    *,
    cli: str | None = None,
    refuses: Iterable[type[Refusal]] = (),
    as_published: bool = False,
    forms: Mapping[str, Format] | None = None,
    rehearses: type[Command] | None = None,
    may: Collection[str] | None = None,
    beside: Mapping[str, Callable[..., Any]] | None = None,
    parts: Iterable[str] = (),
) -> Callable[[F], F]:
    """Declare a function as a question; its first parameter is the view.

    Without ``may``, anyone may ask it or, if it takes the actor, each person only about themselves.
    """

    def decorate(ask: F) -> F:
        usual = OWN if "actor" in ask.__annotations__ else (ANYONE,)
        QUESTIONS[name] = Question(
            name=name,
            path=path,
            ask=ask,
            cli=cli,
            further=tuple(refuses),
            may_be_as_published=as_published,
            forms=forms or {},
            rehearses=rehearses,
            may=usual if may is None else may,
            beside=beside or {},
            parts=tuple(parts),
        )
        return ask

    return decorate


def wire_name(one: Field) -> str:
    """The name of a field in requests."""
    return "cursor" if isinstance(one.value, Cursor) else one.name.rstrip("_")


def _default(one: Parameter) -> Any:
    return NEEDED if one.default is Parameter.empty else one.default
