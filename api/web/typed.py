"""What a person typed into a form, read as the JSON of a request.

A text that cannot be read as its field's type is left as it is, so that the field refuses it with
the same sentence as in the API.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, cast

from api import percentages
from api.problems import Problem, of_refusal
from api.schemas import stated
from api.web import amounts
from api.web.choosing import SEPARATOR
from domain.command import Command, Record
from domain.refusal import BadAmount, BadCountry, BadCurrency, Wrong
from domain.text import whole
from domain.unambiguous import read_json
from domain.value import Amount, Json, Many, Number, Rate, Several, Text, Value
from domain.wrong import Path


def typed(command: type[Command], sent: dict[str, str], currency: str | None = None) -> Command:
    """The command typed into a form; as long as it names no currency, its amounts are not read."""
    try:
        said = dict(_said(command, sent, currency))
    except BadAmount as refusal:
        raise of_refusal(refusal) from None
    return stated(command, said)


def wrong_beside(
    command: type[Command], sent: dict[str, str], names: Collection[str], currency: str | None
) -> list[dict[str, str]]:
    """The errors in the fields of a form other than these."""
    try:
        typed(command, sent | dict.fromkeys(names, ""), currency)
    except Problem as problem:
        errors = cast("list[dict[str, str]]", problem.members.get("errors", []))
        return [one for one in errors if one["pointer"].split("/")[1] not in names]
    return []


def _said(
    command: type[Command], sent: dict[str, str], currency: str | None
) -> Iterator[tuple[str, Any]]:
    """The fields of a form as the JSON of a request; empty ones are omitted."""
    for name, value, _ in command.fields():
        typed = sent.get(name, "")
        if text := typed.strip():
            keeps = isinstance(value, Text) and value.keeps_spaces
            yield name, typed if keeps else _json(value, text, currency, (name,))


def _lines(text: str) -> Iterator[str]:
    return filter(None, map(str.strip, text.splitlines()))


def _record(record: type[Record], line: str, currency: str | None, path: Path) -> Any:
    """The record in a line: a JSON object, or its fields in order, separated by ``SEPARATOR``."""
    if line.startswith("{"):
        return _read(read_json, line)
    fields = record.fields()
    said = zip(fields, map(str.strip, line.split(SEPARATOR, len(fields) - 1)), strict=False)
    return {
        one.name: _json(one.value, text, currency, (*path, one.name)) for one, text in said if text
    }


def _read(read: Callable[[str], Any], text: str) -> Any:
    """The value of a text; one that cannot be read is left as it is."""
    try:
        return read(text)
    except ValueError:
        return text


def _amount(value: Amount, text: str, currency: str, path: Path) -> int:
    try:
        return amounts.within(value, text, currency)
    except BadAmount as refusal:
        refusal.wrong = (Wrong(path, refusal),)
        raise


def _number(text: str) -> int:
    number = whole(text)
    if number is None:
        raise ValueError(text)
    return number


def _json(value: Value, text: str, currency: str | None, path: Path) -> Any:
    match value:
        case Amount():
            return _amount(value, text, currency, path) if currency else value.least
        case Number() | Json():
            return _read(_number if isinstance(value, Number) else read_json, text)
        case Rate():
            return percentages.rate(text)
        case Several(record=record):
            return [
                _record(record, line, currency, (*path, n)) for n, line in enumerate(_lines(text))
            ]
        case Many(inner=inner):
            return [_json(inner, line, currency, (*path, n)) for n, line in enumerate(_lines(text))]
    return text.upper() if value.refuses in ((BadCountry,), (BadCurrency,)) else text
