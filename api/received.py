"""Reading the body and the query of a request, validated against a shape.

Every complaint about it is in one answer, each with the place of its field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from flask import request
from marshmallow import ValidationError

from api.complaints import REPEATED, Complaint
from api.fields import ExactSchema, Nothing
from api.problems import PROBLEMS, Problem, listed, pointer, told
from domain.refusal import shown
from domain.unambiguous import TooDeep, read_json

MAXIMUM_BODY_BYTES = 1 << 20
PLAIN = "identity"
"""The content encoding of a body that is not compressed."""


def read_body(shape: type[ExactSchema], *, may_be_empty: bool = False) -> dict[str, Any]:
    """The body of the request, validated against this shape."""
    raw = _raw_body()
    if not raw and may_be_empty:
        return {}
    return loaded(shape, _json(raw), "invalid_body", "body")


def read_object() -> dict[str, Any]:
    """The body of the request as any JSON object; the domain checks its content."""
    value = _json(_raw_body())
    if not isinstance(value, dict):
        raise Problem("wrong_type", "body: This is not an object.")
    return value


def read_file(maximum_bytes: int) -> bytes:
    """The body of the request as it was sent, whatever its declared type."""
    if request.headers.get("Content-Encoding", PLAIN).lower() != PLAIN:
        accepted = {"Accept-Encoding": PLAIN}  # RFC 9110, 15.5.16
        raise Problem("unsupported_media_type", "Send the body uncompressed.", headers=accepted)
    raw = request.get_data()  # kept: a signature is over what was sent
    # Werkzeug cuts off a body of undeclared length one byte after the limit, without refusing it.
    if len(raw) > maximum_bytes:
        raise Problem("too_large", PROBLEMS["too_large"].meaning)
    return raw


def _raw_body() -> bytes:
    must_ask_nothing()
    raw = read_file(MAXIMUM_BODY_BYTES)
    if raw and request.mimetype != "application/json":
        raise Problem("unsupported_media_type", "Send JSON, as Content-Type: application/json.")
    return raw


def read_query(shape: type[ExactSchema]) -> dict[str, Any]:
    """The query of the request, validated against this shape."""
    return loaded(shape, _Once(request.args.to_dict(flat=False)), "invalid_query", "query")


def must_ask_nothing() -> None:
    """Refuse every parameter, lest a client believe that it is heard."""
    if request.query_string:
        read_query(Nothing)


class _Once(dict[str, Any]):
    """Query parameters; a repeated one becomes a list, which no field accepts."""

    def __init__(self, given: Mapping[str, list[str]]) -> None:
        super().__init__({n: v[0] if len(v) == 1 else v for n, v in given.items()})


def _json(raw: bytes) -> object:
    try:
        return read_json(raw.decode())
    except UnicodeDecodeError as error:
        place = f"the byte at offset {error.start} is wrong"
        raise Problem("invalid_json", f"The body is not UTF-8: {place}.") from None
    except TooDeep as error:
        raise Problem("invalid_json", f"The body is {error}.") from None
    except ValueError as error:
        raise Problem("invalid_json", f"The body is not JSON: {error}.") from None


_made = cache(type.__call__)  # making a schema copies every field


def loaded(shape: type[ExactSchema], given: Any, several: str, where: str) -> dict[str, Any]:
    """What was given, validated against this shape."""
    try:
        return cast("dict[str, Any]", _made(shape).load(given))
    except ValidationError as error:
        messages = cast("dict[str, Any]", error.messages) | _repeated(shape, given)
        complaints = list(_complaints(messages, ()))
        further = [told(wrong) for wrong in shape.refused(_in_order(error))]
        raise _problem(complaints, several, where, further) from None


def _repeated(shape: type[ExactSchema], given: Any) -> dict[str, list[Complaint]]:
    """The parameters that are given more than once, whatever their fields say of a list."""
    known = _made(shape).fields if isinstance(given, _Once) else ()
    return {name: [REPEATED] for name in known if isinstance(given.get(name), list)}


def _in_order(error: ValidationError) -> dict[str, Any]:
    """The fields without any complaint, to be checked by the domain."""
    valid = error.valid_data if isinstance(error.valid_data, dict) else {}
    return {name: value for name, value in valid.items() if name not in error.messages}


def _complaints(
    messages: Any, path: tuple[object, ...]
) -> Iterator[tuple[tuple[object, ...], Complaint]]:
    """Every complaint in marshmallow's nested messages, with the path of its field."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _complaints(inner, path if name == "_schema" else (*path, name))
    else:
        for message in messages:
            coded = isinstance(message, Complaint)
            yield path, message if coded else Complaint("wrong_type", str(message))


def _problem(
    complaints: list[tuple[tuple[object, ...], Complaint]],
    several: str,
    where: str,
    further: list[dict[str, str]],
) -> Problem:
    errors = [
        {**_place(path, where), "code": complaint.code, "detail": complaint}
        for path, complaint in complaints
    ]
    codes = {complaint.code for _, complaint in complaints}
    path, first = complaints[0]
    name = ".".join(shown(step) for step in path) or where
    others = len(complaints) + len(further) - 1
    more = f" And {others} more." if others else ""
    return Problem(
        codes.pop() if len(codes) == 1 else several,
        f"{name}: {first}{more}",
        members=listed([*errors, *further]),
    )


def _place(path: tuple[object, ...], where: str) -> dict[str, str]:
    """The location of an error: a parameter's name, or a JSON pointer into the body."""
    if where == "query":
        return {"parameter": ".".join(shown(step) for step in path)}
    return {"pointer": pointer(path)}
