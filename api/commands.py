"""Commands over HTTP: a route for each, declared by the command itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Annotated, Any, TypedDict, cast

from flask import Response, jsonify, request

from api.authentication import actor
from api.fields import ExactSchema
from api.operations import IDEMPOTENCY_KEY, answered, documented, of_query, schema_like, writing
from api.problems import of_refusal, of_unknown_outcome
from api.received import must_ask_nothing, read_body
from api.results import schema_of
from api.routes import Routes, path_of, section_of
from api.schemas import body_of
from api.signatures import signing_of
from domain.command import Command
from domain.draft import Acknowledgement
from domain.engine import DatabaseUnavailable, OutcomeUnknown
from domain.engine.deadline import TookTooLong
from domain.identity import new_id
from domain.journal import Journal
from domain.money.policy.bounds import ASKED, bounded
from domain.permission import limited, open_to
from domain.refusal import BadIdempotencyKey, Refusal, UnknownRequest
from domain.registry import COMMANDS
from domain.request import key_digest
from domain.value import Example, Json
from domain.values import SONG, WorkId
from projections.log import Log
from projections.told import Count


class WarningTold(TypedDict):
    """What looks wrong about something recorded."""

    code: Annotated[str, "Stable, like the codes of problems.", Example("older_than_source")]
    detail: Annotated[str, "The same as a sentence.", Example("It is older than its source.")]


class ReceiptTold(TypedDict):
    """What every write returns."""

    id: Annotated[WorkId, "What was written; for a claim on a work, the new credit."]
    position: Annotated[
        Count, "Where in the journal it is recorded; reads take it as min_position.", Example(42)
    ]
    warnings: Annotated[
        list[WarningTold], "What looks wrong and was recorded nevertheless; not repeated later."
    ]
    promise: Annotated[
        str | None,
        "The log's signed word that the fact stands at this position: a note with the hash of its "
        "leaf. Keep it; `stemma verify promise` holds it against the log.",
        Example("stemma-promise@v1\nstemma.example/log\n42\n…"),
    ]


LOCATED = {"Location": {"description": "Where it is.", "schema": schema_like(f"/works/{SONG}")}}
"""The header of an answer about something new, in the OpenAPI document."""


def commands(journal: Journal, log: Log, rooms: Mapping[str, Routes]) -> None:
    """Add the route of every command to the section that its path belongs to."""
    for command in COMMANDS.values():
        _add(journal, log, rooms[section_of(command.PATH)], command)
    _add_asking(journal, log, rooms["service"])


def _add(journal: Journal, log: Log, routes: Routes, command: type[Command]) -> None:
    body = body_of(command)
    may_be_empty = not needs_any(body)

    def give(**ids: str) -> Response:
        said = read_body(body, may_be_empty=may_be_empty)
        signing = signing_of(command.OPERATION, ids, journal.log_name)
        asked = command.of({**ids, **said})
        # Without an idempotency key of the client, ours lets it ask what became of the request.
        sent = request.headers.get(IDEMPOTENCY_KEY)
        key = new_id(None) if sent is None else sent
        try:
            with bounded_for(command):
                receipt = journal.record(
                    asked, by=actor(), signing=signing, key=key, is_new_key=sent is None
                )
        except OutcomeUnknown as error:
            raise of_unknown_outcome(error, key) from error
        except Refusal as refused:
            raise of_refusal(refused, in_path=ids) from None
        try:
            return _answer(command, receipt, log)
        except (DatabaseUnavailable, TookTooLong) as error:  # by now it is recorded
            raise of_unknown_outcome(error, key) from error

    def doc() -> dict[str, Any]:
        told = schema_of(ReceiptTold)
        open_for = open_to(command.MAY, command.AT_ONCE, command.LATE)
        return writing(
            command,
            body,
            {"201": answered("Recorded.", told, LOCATED)}
            if command.HOME
            else {"200": answered("Recorded.", told)},
            command.refusals(),
            more=" ".join([open_for, *map(limited, command.SPENDS)]),
            body_required=not may_be_empty,
        )

    routes.add("POST", path_of(command.PATH, command.fields()), give, command.OPERATION, doc)


@cache
def needs_any(body: type[ExactSchema]) -> bool:
    """Whether a body has a required field."""
    return any(field.required for field in body().fields.values())


def _add_asking(journal: Journal, log: Log, routes: Routes) -> None:
    def show_request(idempotency_key: str) -> Response:
        """What became of a request that was sent under an idempotency key.

        It has the same answer as the request itself. After a 503 with the code `outcome_unknown`
        this tells whether it was recorded; repeating it with the key is safe in any case. Only its
        sender can ask.
        """
        must_ask_nothing()
        found = journal.facts.request_under(key_digest(actor(), idempotency_key))
        if found is None:
            raise UnknownRequest(idempotency_key)
        return jsonify(_told(Acknowledgement(found.id, found.position), log))

    def doc() -> dict[str, Any]:
        codes = (
            *("unauthenticated", "storage_unavailable"),
            *(UnknownRequest.code, BadIdempotencyKey.code),
            "not_found",  # a path that the converter does not match
            *of_query(None),
        )
        answers = {"200": answered("Recorded.", schema_of(ReceiptTold))}
        return documented(show_request, answers, codes)

    routes.add("GET", "/requests/<key:idempotency_key>", show_request, "show_request", doc)


def bounded_for(*commands: type[Command]) -> AbstractContextManager[None]:
    """Narrower bounds for commands that state a policy or shares themselves."""
    return bounded(ASKED) if any(map(_says_more, cast("Any", commands))) else nullcontext()


@cache
def _says_more(command: type[Command]) -> bool:
    """Whether a command has a field with a structure of its own (terms, a policy, assets)."""
    values = (one.value for one in command.every_field())
    return any(isinstance(getattr(value, "inner", value), Json) for value in values)


def _told(receipt: Acknowledgement, log: Log) -> dict[str, Any]:
    return {**receipt.told(), "promise": log.promise(receipt.position)}


def _answer(command: type[Command], receipt: Acknowledgement, log: Log) -> Response:
    answer = jsonify(_told(receipt, log))
    if command.HOME:
        answer.status_code = 201
        answer.headers["Location"] = f"{request.script_root}{command.HOME}/{receipt.id}"
    return answer
