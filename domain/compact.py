"""Compact JSON: as json.dumps writes it, but with an encoder that is built only once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def encoder(*, sort_keys: bool = False) -> Callable[[Any], str]:
    """A function that writes a value as JSON without blanks; characters are not escaped."""
    plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    text = json.encoder.encode_basestring
    write = make(None, plain.default, text, None, ":", ",", sort_keys, False, True)
    return lambda value: "".join(write(value, 0))
