"""Signed requests: the header with the signature of a contributor's signing key.

The signature covers the request as it was sent, before it is interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from api.authentication import actor
from api.received import read_object
from domain.refusal import BadSignature
from domain.signature import Signing, read_signing
from domain.tree import NotVerified

SIGNATURE = "Stemma-Signature"

PARAMETER = {
    "in": "header",
    "name": SIGNATURE,
    "description": "The actor's own signature: a nonce, a space, and the signature of the command "
    "(see /docs/reference/signatures).",
    "schema": {
        "type": "string",
        "examples": [
            "AAECAwQFBgcICQoLDA0ODw IqYmasbGnHz/clGvEKdeg+f8B8ryFxwTKEBv17oJYcyI59bf5Lr4kYFZod"
            "qZCMqpquu5GmqOOoiYP+kWYnpVhVqNKwY="
        ],
        "pattern": "^[A-Za-z0-9_-]{22,86} [A-Za-z0-9+/]{91}=$",
    },
}
"""The header in the OpenAPI document."""


def signing_of(command: str, ids: Mapping[str, str], log: str) -> Signing | None:
    """The signed message of this request for the log of this name; None if it is not signed."""
    sent = request.headers.get(SIGNATURE)
    if sent is None:
        return None
    said = read_object() if request.get_data() else {}
    try:
        return read_signing(sent, actor(), command, {**ids, **said}, log)
    except NotVerified as problem:
        raise BadSignature(str(problem)) from None
