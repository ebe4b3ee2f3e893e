"""Strict marshmallow fields for public input, with complaints that carry codes.

A value is taken exactly as it was sent, or refused with a code; nothing is converted, trimmed or
ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from api.complaints import (
    HALF,
    MISSING,
    NO_CHOICE,
    NO_ID,
    NO_TEXT,
    NUL,
    OUT_OF_RANGE,
    TOO_LONG,
    TOO_MANY,
    UNKNOWN,
    Complaint,
)
from domain.refusal import Wrong
from domain.remix import MAXIMUM_RATE_LENGTH
from domain.text import whole
from domain.value import MOST_UNITS

LONGEST_SEARCH = 200
LONGEST_WORD = 200
LARGEST_AMOUNT = MOST_UNITS - 1


def _no(kind: str) -> dict[str, Any]:
    """The messages of a field whose JSON type is this."""
    wrong = Complaint("wrong_type", f"This is not {kind}.")
    return {"required": MISSING, "null": wrong, "invalid": wrong}


class ExactSchema(Schema):
    """An object with exactly the declared fields."""

    class Meta:
        """Undocumented fields are refused."""

        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow reads it from the class
        "unknown": UNKNOWN,
        "type": Complaint("wrong_type", "This is not an object."),
    }

    @classmethod
    def refused(cls, _said: Any) -> Iterable[Wrong]:
        """The values that have the documented form but are refused by the domain."""
        return ()


class Nothing(ExactSchema):
    """No field."""


def _shown(example: object) -> dict[str, Any]:
    """An example, if there is one."""
    return {} if example is None else {"examples": [example]}


class Text(fields.String):
    """Text that can be stored: not empty, not too long, without NUL or lone surrogates."""

    default_error_messages = _no("text")

    def __init__(
        self, limit: int, example: str | None, description: str = "", **options: Any
    ) -> None:
        said = {"description": description} if description else {}
        more = options.pop("metadata", {})
        super().__init__(
            validate=validate.Length(max=limit, error=TOO_LONG),
            metadata={"minLength": 1, **_shown(example), **said, **more},
            **optional(options),
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text:
            raise ValidationError(NUL)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValidationError(HALF) from None
        if not text.strip():
            raise ValidationError(NO_TEXT)
        return text


class Id(Text):
    """A UUID, in upper or lower case."""

    def __init__(self, example: str | None, description: str = "", **options: Any) -> None:
        super().__init__(
            45, example, description, metadata={"format": "uuid", "minLength": 32}, **options
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return str(UUID(text))
        except ValueError:
            raise ValidationError(NO_ID) from None


class Rate(Text):
    """An exact share from 0 to 1, as text: a JSON number would not be exact."""

    default_error_messages = {  # noqa: RUF012 - marshmallow reads it from the class
        "invalid": Complaint("wrong_type", 'A rate is exact text such as "1/5", never a number.'),
    }

    def __init__(
        self,
        description: str = "How much of it, exactly; never a number.",
        example: str | None = "1/5",
        **options: Any,
    ) -> None:
        super().__init__(MAXIMUM_RATE_LENGTH, example, description, **options)


class Units(fields.Integer):
    """A JSON integer; true, 1.0 and "1" are not."""

    default_error_messages = _no("a whole number")

    def __init__(
        self,
        least: int,
        example: int | None,
        description: str,
        *,
        most: int = LARGEST_AMOUNT,
        **options: Any,
    ) -> None:
        super().__init__(
            validate=validate.Range(least, most, error=OUT_OF_RANGE),
            metadata={"description": description, **_shown(example)},
            **optional(options),
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class Anything(fields.Dict):
    """A JSON object that the domain checks."""

    default_error_messages = _no("an object")

    def __init__(self, example: dict[str, Any] | None, description: str, **options: Any) -> None:
        super().__init__(
            keys=fields.String(),
            validate=_must_be_text,
            metadata={"description": description, **_shown(example)},
            **optional(options),
        )


def _must_be_text(said: object) -> None:
    """Refuse a value in which somewhere is half of a surrogate pair."""
    try:
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValidationError(HALF) from None


class BoundedList(fields.List[Any]):
    """A list; one that is too long is refused before any of its items is read."""

    default_error_messages = _no("a list")

    def __init__(
        self,
        inner: fields.Field[Any],
        description: str,
        *,
        most: int,
        example: list[Any] | None = None,
        **options: Any,
    ) -> None:
        said = {"description": description, "maxItems": most, **_shown(example)}
        super().__init__(inner, metadata=said, **optional(options))
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > self.most:
            raise ValidationError(TOO_MANY.format(max=self.most))
        return super()._deserialize(value, attr, data, **kwargs)


class Whole(Units):
    """A whole number in a query: digits, nothing else."""

    def __init__(
        self, least: int, most: int, example: int | None, description: str, **options: Any
    ) -> None:
        super().__init__(least, example, description, most=most, allow_none=False, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        number = whole(value) if isinstance(value, str) else None
        if number is None:
            raise self.make_error("invalid")
        return number


class Flag(fields.Boolean):
    """``true`` or ``false`` in a query."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(metadata={"description": description}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError(Complaint("wrong_type", "This is neither true nor false."))
        return bool(value == "true")


class Choice(fields.String):
    """One of a few words."""

    def __init__(self, choices: tuple[str, ...], description: str, **options: Any) -> None:
        super().__init__(
            validate=validate.OneOf(choices, error=NO_CHOICE),
            metadata={"description": description},
            **options,
        )


def optional(options: dict[str, Any]) -> dict[str, Any]:
    """A field that is not required may be null."""
    return options if options.get("required") else {"allow_none": True, **options}


def searched(example: str, description: str) -> Text:
    """Text to search for."""
    return Text(LONGEST_SEARCH, example, description, allow_none=False)


def word(example: str | None, description: str = "", **options: Any) -> Text:
    """A word that the domain interprets, such as a role or a date."""
    return Text(LONGEST_WORD, example, description, **options)
