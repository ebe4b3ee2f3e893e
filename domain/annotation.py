"""From annotations of fields to value types (domain.value)."""

from __future__ import annotations

import types
from dataclasses import is_dataclass, replace
from typing import Annotated, Any, Union, cast, get_args, get_origin

from domain.value import Example, Many, Most, Several, Value


def value_of(hint: Any) -> Value:
    """The value type of an annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        value = value_of(arguments[0])
        for note in arguments[1:]:
            if isinstance(note, Value):
                value = note
            elif isinstance(note, Most) and isinstance(value, Many | Several):
                value = replace(value, most=note.items)
            elif isinstance(note, Example):
                value = replace(value, example=note.value)
            elif isinstance(note, str):
                value = replace(value, help=note)
        return value
    if origin in (Union, types.UnionType):
        return value_of(next(one for one in arguments if one is not type(None)))
    if origin in (tuple, list):
        if is_dataclass(arguments[0]):
            return Several(record=cast("type[Any]", arguments[0]))
        inner = value_of(arguments[0])
        return Many(inner=inner, help=inner.help)
    return Value()
