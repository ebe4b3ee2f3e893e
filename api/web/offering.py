"""Which commands the reader may send about something, so that nothing else is offered on its page.

A relation is enough for that; what a form says may still be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

from flask import g

from api.web.frame import Frame
from domain.command import Command
from domain.draft import Draft, read_of
from domain.past import Past
from domain.refusal import Refusal, WrongState
from domain.registry import COMMANDS
from domain.value import Ref

Begun = tuple[type[Command], str, str]
"""A command that is about to be filled in: the field with what it is about, and the id there."""


def forms_for(frame: Frame, id: str, *nouns: str) -> list[type[Command]]:
    """The commands about one of these nouns, the first id in their path, that the reader may send
    now."""
    if g.actor is None:
        return []
    about = [one for noun in nouns for one in _about(noun)]
    with frame.journal.supposing({id, *read_of(g.actor)}) as supposed:
        past = _past(supposed)
        past.repetitions.prefetch([id])
        return [
            one
            for one in about
            if _stands(past, one, one.in_path()[0], id) and _fits(supposed(), past, one, id)
        ]


@cache
def _about(noun: str) -> list[type[Command]]:
    return [one for one in COMMANDS.values() if _is_about(one, noun)]


def _is_about(command: type[Command], noun: str) -> bool:
    values = [command.by_name()[name].value for name in list(command.in_path())[:1]]
    return any(isinstance(value, Ref) and value.noun == noun for value in values)


def _fits(draft: Draft, past: Draft, command: type[Command], id: str) -> bool:
    """Whether the state of a noun allows a command, tried with the examples of its fields."""
    if WrongState not in command.REFUSES:
        return True
    if any(one.is_needed and one.value.example is None for one in command.fields()):
        return True
    draft.repetitions.know(past.repetitions)
    try:
        draft.carry_out(_example(command, command.in_path()[0], id), g.actor)
    except Refusal as why:
        return not isinstance(why, WrongState)
    return bool(draft.facts)


def is_open(frame: Frame, command: type[Command], id: str) -> bool:
    """Whether the reader has a relation that allows a command; its content may still be refused."""
    return bool(open_among(frame, [(command, command.in_path()[0], id)]))


def open_among(frame: Frame, begun: Collection[Begun]) -> set[Begun]:
    """Those of these commands that the reader has a relation for."""
    if g.actor is None or not begun:
        return set()
    with frame.journal.supposing({*(id for *_, id in begun), *read_of(g.actor)}) as supposed:
        past = _past(supposed)
        return {one for one in begun if _stands(past, *one)}


def _past(supposed: Callable[[], Draft]) -> Draft:
    """A draft in which the reader is the actor."""
    draft = supposed()
    draft.actor = g.actor
    return draft


def _stands(past: Past, command: type[Command], field: str, id: str) -> bool:
    about = _example(command, field, id)
    try:
        return past.stands(command.MAY, about.sides(past), about.areas(past))
    except Refusal:  # an example refers to somebody who does not exist
        return False


def _example(command: type[Command], field: str, id: str) -> Command:
    needed = {one.name: one.value.example for one in command.fields() if one.is_needed}
    return command.of({**needed, field: id})
