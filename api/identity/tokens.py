"""Bearer tokens of an outside issuer: JSON Web Tokens, verified according to RFC 8725 and RFC 9068.

A token says who somebody is, never what they may do: roles are granted by Stemma, and the scope of
a token can only narrow them.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from api.identity.identities import Identities
from api.identity.issuer import Issuer, IssuerAway, IssuerKeys
from api.identity.keys import Keys
from api.identity.scope import Caller, Scope
from api.problems import Problem
from domain.identity import is_id

audit = logging.getLogger("stemma.audit")

ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "ES384": "EC", "Ed25519": "OKP"}
"""The accepted signature algorithms, each with its type of key. All are asymmetric: with “HS256”,
anybody could sign with the public key, and “none” is no signature."""
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""The accepted types of token; a logout token or a proof of possession is no access token."""
LONGEST_TOKEN = 8192
LEEWAY_SECONDS = 60
SCOPE = "stemma:"
"""The prefix of the words of a token's scope that are meant for this service."""


class BadToken(Exception):
    """A token that is not accepted."""


class Tokens:
    """The tokens of one issuer."""

    def __init__(self, issuer: Issuer, identities: Identities, **clock: Any) -> None:
        self._issuer, self._identities = issuer, identities
        self._keys = IssuerKeys(issuer, **clock)
        self._registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer.address},
            aud={"essential": True, "value": issuer.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def caller(self, token: str) -> Caller | None:
        """The caller whose token this is; None, with a line in the audit log, if it is not valid.

        Raises ``issuer_unavailable`` if the keys of the issuer are not known.
        """
        try:
            claims = self._checked(token)
            holder, scope = self._holder(claims), _scope_of(claims)
        except IssuerAway:
            detail = "The issuer of this token does not answer; try again, or use a key."
            raise Problem("issuer_unavailable", detail) from None
        except (BadToken, JoseError, ValueError, RecursionError) as problem:
            audit.warning("token refused", extra={"reason": _reason(problem)})
            return None
        until = datetime.fromtimestamp(min(claims["exp"], _LAST), UTC)
        return Caller(holder, scope, until=until.isoformat(timespec="microseconds"))

    def _checked(self, token: str) -> dict[str, Any]:
        """The claims of a token, if this issuer signed it for this service and it is valid now."""
        if len(token) > LONGEST_TOKEN:
            raise BadToken("it is too long")
        header = _header_of(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise BadToken("its algorithm is not accepted")
        if str(header.get("typ", "JWT")).lower() not in TYPES:
            raise BadToken("it is not an access token")
        kid = header.get("kid")
        if not isinstance(kid, str | None):
            raise BadToken("its key has no name")
        key = self._keys.key(kid)
        if key is None:
            raise BadToken("its key is not known, or several have its name")
        if key.key_type != ALGORITHMS[algorithm] or key.get("alg", algorithm) != algorithm:
            raise BadToken("its key is for another algorithm")
        checked = jwt.decode(token, key, registry=self._registry)
        self._claims.validate(checked.claims)
        return checked.claims

    def _holder(self, claims: dict[str, Any]) -> str:
        """The active holder for whom a token acts; BadToken if there is none."""
        if self._issuer.claim:
            named = claims.get(self._issuer.claim)
            holder = named if isinstance(named, str) and is_id(named) else None
        else:
            holder = self._identities.holder_of(self._issuer.address, claims["sub"])
        if holder is None or not self._identities.is_active(holder):
            raise BadToken("nobody here is registered for it")
        return holder


class KeysAndTokens:
    """What callers authenticate with: a key or, if an issuer is set, one of its tokens."""

    def __init__(self, keys: Keys, tokens: Tokens | None) -> None:
        self._keys, self._tokens = keys, tokens

    def caller(self, token: str) -> Caller | None:
        """The caller whose key or token this is; None if it is not valid."""
        known = self._keys.caller(token)
        if known is None and self._tokens is not None and token.count(".") == 2:
            return self._tokens.caller(token)
        return known


_LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def _header_of(token: str) -> dict[str, Any]:
    header = json.loads(urlsafe_b64decode(token.partition(".")[0].encode("ascii")))
    if not isinstance(header, dict):
        raise BadToken("it has no header")
    return header


def _scope_of(claims: dict[str, Any]) -> Scope:
    """The words of a token's scope that are meant for this service; without any, everything.

    BadToken for a scope that is not understood, because it may have been meant to be narrow.
    """
    match claims.get("scope"):
        case None:
            return Scope()
        case str(said):
            words = said.split()
        case [*listed] if all(isinstance(one, str) for one in listed):
            words = " ".join(listed).split()
        case _:
            raise BadToken("its scope is not understood")
    ours = tuple(word.removeprefix(SCOPE) for word in words if word.startswith(SCOPE))
    return Scope(ours or None)


def _reason(problem: Exception) -> str:
    """Why a token was refused, without quoting any of it."""
    return str(problem) if isinstance(problem, BadToken) else type(problem).__name__
