"""Signed requests: the header by which whoever holds a contributor's signing key vouches for one.

The one rule: what was signed is the request as it came, before anything was read into it.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from api.authentication import actor
from api.fields import read_object
from domain.refusal import BadSignature
from domain.signature import Signing, read_signing
from domain.tree import NotVerified

SIGNATURE = "Stemma-Signature"

PARAMETER = {
    "in": "header",
    "name": SIGNATURE,
    "description": "The actor's own signature: a nonce, a space, and the signature of the command "
    "(/docs/reference/signatures says how).",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22,86} [A-Za-z0-9+/]{91}=$"},
}
"""The header as the document tells it."""


def signing_of(command: str, ids: Mapping[str, str]) -> Signing | None:
    """What the header of this request says, if it carries one."""
    sent = request.headers.get(SIGNATURE)
    if sent is None:
        return None
    said = read_object() if request.get_data() else {}
    try:
        return read_signing(sent, actor(), command, {**ids, **said})
    except NotVerified as problem:
        raise BadSignature(str(problem)) from None
