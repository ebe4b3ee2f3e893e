"""What answers are made of: fields, each always there, and what every answer begins with.

The one rule: an amount is a whole number of the currency's smallest units, an exact number is a
text, and a JSON number is never a share.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.answers.examples import SONG
from api.fields import Shape


def text(
    example: str | None, description: str = "", *, null: bool = False, **said: Any
) -> fields.String:
    """A text; null only where it says so."""
    metadata = _metadata(example, description, **said)
    return fields.String(required=True, allow_none=null, metadata=metadata)


def id(example: str | None, description: str = "", *, null: bool = False) -> fields.String:
    """The id of something."""
    return text(example, description, null=null, format="uuid")


def one_of(words: Any, description: str = "") -> fields.String:
    """One of a few words."""
    return text(next(iter(words)), description, enum=list(words))


def count(example: int, description: str = "", *, null: bool = False) -> fields.Integer:
    """A whole number that is not negative."""
    metadata = _metadata(example, description, minimum=0)
    return fields.Integer(required=True, allow_none=null, metadata=metadata)


def units(example: int, description: str = "") -> fields.Integer:
    """An amount in a currency's smallest units."""
    return fields.Integer(required=True, metadata=_metadata(example, description))


def exact(example: str, description: str = "", *, null: bool = False) -> fields.String:
    """An exact number, as a text."""
    return text(example, description or "Exact.", null=null)


def maybe(kind: str, example: object, description: str = "") -> fields.Raw:
    """What may be null, of a JSON type."""
    metadata = _metadata(example, description, type=kind)
    return fields.Raw(required=True, allow_none=True, metadata=metadata)


def _metadata(example: object, description: str, **said: Any) -> dict[str, Any]:
    told = {"description": description} if description else {}
    return {"examples": [example], **told, **said}


def one(shape: Any, **options: Any) -> fields.Nested:
    """One of another shape."""
    return fields.Nested(shape, required=True, **options)


def several(inner: Any, description: str = "") -> fields.List[Any]:
    """A list of one shape or field."""
    said = {"description": description} if description else {}
    return fields.List(
        one(inner) if isinstance(inner, type) else inner, required=True, metadata=said
    )


class ReceiptAnswer(Shape):
    """What every write answers."""

    id = id(SONG, "What was written about; for a claim on a work the new credit.")
    position = count(42, "Where in the journal it is recorded; reads take it as min_position.")


class Known(Shape):
    """The position an answer holds at."""

    as_of = count(57, "The answer is what was known at this position of the journal.")


class ListAnswer(Known):
    """A part of a list."""

    next = text("WzQyXQ", "The cursor of the part after this one; null at the end.", null=True)
