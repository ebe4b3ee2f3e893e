"""Commands over HTTP: a route for each, declared by the command itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypedDict

from flask import Response, jsonify, request

from api.authentication import actor
from api.fields import read_body
from api.operations import answered, writing
from api.results import schema_of
from api.routes import Routes, path_of, section_of
from api.schemas import body_of
from api.signatures import signing_of
from domain.command import Command
from domain.draft import Acknowledgement
from domain.journal import Journal
from domain.permission import limited, open_to
from domain.registry import COMMANDS
from domain.values import Example, WorkId
from projections.told import Count


class ReceiptTold(TypedDict):
    """What every write returns."""

    id: Annotated[WorkId, "What was written; for a claim on a work, the new credit."]
    position: Annotated[
        Count, "Where in the journal it is recorded; reads take it as min_position.", Example(42)
    ]


def commands(journal: Journal, rooms: Mapping[str, Routes]) -> None:
    """Add the route of every command to the room that its path belongs to."""
    for command in COMMANDS.values():
        _add(journal, rooms[section_of(command.PATH)], command)


def _add(journal: Journal, routes: Routes, command: type[Command]) -> None:
    body = body_of(command)
    may_be_empty = not any(field.required for field in body().fields.values())

    def give(**ids: str) -> Response:
        said = read_body(body, may_be_empty=may_be_empty)
        signing = signing_of(command.OPERATION, ids)
        asked = command.of({**ids, **said})
        return _answer(command, journal.record(asked, by=actor(), signing=signing))

    located = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
    answers = (
        {"201": answered("Recorded.", schema_of(ReceiptTold), located)}
        if command.HOME
        else {"200": answered("Recorded.", schema_of(ReceiptTold))}
    )
    doc = writing(
        command,
        body,
        answers,
        command.refusals(),
        more=" ".join(
            [
                open_to(command.MAY, command.AT_ONCE, command.LATE),
                *map(limited, command.SPENDS),
            ]
        ),
        body_required=not may_be_empty,
    )
    routes.add("POST", path_of(command.PATH, command.fields()), give, command.OPERATION, doc)


def _answer(command: type[Command], receipt: Acknowledgement) -> Response:
    answer = jsonify(id=receipt.id, position=receipt.position)
    if command.HOME:
        answer.status_code = 201
        answer.headers["Location"] = f"{request.script_root}{command.HOME}/{receipt.id}"
    return answer
