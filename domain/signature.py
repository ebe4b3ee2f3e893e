"""Signatures of actors: a sender signs exactly one command, with a key of their own.

What is signed holds no text of a person, only commitments to it; so a signature outlives every
erased text, and reveals nothing about it.

The form, step by step, is in /docs/reference/signatures. This file depends only on the standard
library and the files that check a receipt.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Mapping
from os import urandom
from typing import Any, NamedTuple, Self

from domain.note import ED25519, KEY_ID_BYTES, SignerKey, VerifierKey
from domain.seal import TEXTS, Disclosure, base64url, digest_of
from domain.stated import brings, may_be_about, must_say, target_of
from domain.tree import NotVerified

HEADER = "stemma-signature@v2"
FORMER = "stemma-signature@v1"
"""The first line of texts signed before signatures named the log, the command and its target."""
MESSAGE = "message"
"""The name of a message's disclosure in the vault."""
SALT_BYTES = 16
_SENT = re.compile(r"([A-Za-z0-9_-]{22,86}) ([A-Za-z0-9+/]{91}=)")  # 16 to 64 bytes; 4 + 64 bytes


class Bound(NamedTuple):
    """What a signature is for: the log, the command, and the id of the command's target."""

    log: str
    command: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``LOG COMMAND TARGET``, as a fact holds it."""
        try:
            return cls(*text.split(" "))
        except TypeError:
            raise NotVerified("the fact does not say what its signature is for") from None

    def __str__(self) -> str:
        return " ".join(self)


class Signing(NamedTuple):
    """A command as its actor signed it: the message, its salts, and the signature."""

    actor: str
    message: str
    nonce: str
    """Random, chosen by the client and never stored: short texts could be guessed from it."""
    signature: str
    """The key's id and the signature, in base64, as on a line under a signed note."""
    bound: Bound | None = None
    """What the signature is for; None in the form of version 0.1, where the message states it."""

    def salt(self, name: str, value: str) -> str:
        """The salt of a text of this command."""
        return salt_of(self.nonce, name, value)

    def disclosure(self) -> Disclosure:
        """The message, as it is stored in the vault."""
        salt = self.salt(MESSAGE, self.message)
        digest = digest_of(salt, MESSAGE, self.message)
        return Disclosure(digest, self.actor, MESSAGE, salt, self.message)

    def former(self) -> Signing:
        """This signing in the form of version 0.1."""
        return self._replace(message=_spelled(json.loads(self.message), log=None), bound=None)

    def verified(self, keys: Collection[VerifierKey]) -> Signing:
        """This signing, or its form of 0.1, whichever one of these keys of its actor has signed."""
        digest = self.disclosure().digest
        try:
            check_signature(self.actor, digest, self.signature, keys, self.bound)
        except NotVerified:
            if self.bound is None:
                raise
            return self.former().verified(keys)
        return self

    @property
    def sent(self) -> str:
        """The value of the header Stemma-Signature."""
        return f"{self.nonce} {self.signature}"


def salt_of(nonce: str, name: str, value: str) -> str:
    """The salt of a named text; without the nonce it can't be used to guess texts."""
    digest = hmac.digest(nonce.encode(), f"{name}\n{value}".encode(), "sha256")
    return base64url(digest[:SALT_BYTES])


def concealed(value: Any, nonce: str) -> Any:
    """The arguments with every text people wrote replaced by its digest."""
    match value:
        case dict():
            return {
                name: digest_of(salt_of(nonce, name, inner), name, inner)
                if name in TEXTS and isinstance(inner, str)
                else concealed(inner, nonce)
                for name, inner in value.items()
            }
        case list() | tuple():
            return [concealed(inner, nonce) for inner in value]
    return value


def state_command(
    actor: str, command: str, arguments: Mapping[str, Any], nonce: str, log: str
) -> str:
    """The message: actor, command, arguments and the name of the log, as canonical JSON."""
    said = {"actor": actor, "command": command, "arguments": concealed(dict(arguments), nonce)}
    return _spelled(said, log or None)


def _spelled(said: Mapping[str, Any], log: str | None) -> str:
    named = {name: value for name, value in said.items() if name != "log"}
    named |= {"log": log} if log else {}
    return json.dumps(named, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def signed_text(actor: str, digest: str, bound: Bound | None) -> str:
    """The text that is signed."""
    if bound is None:
        return f"{FORMER}\n{actor}\n{digest}\n"
    return "".join(f"{line}\n" for line in (HEADER, actor, *bound, digest))


def sign_command(
    key: SignerKey,
    command: str,
    arguments: Mapping[str, Any],
    random: Callable[[int], bytes] = urandom,
    log: str = "",
) -> Signing:
    """Sign a command as the contributor whom the key is named after, for the log of a name.

    Without a name it is a signature in the form of version 0.1, which names no log.
    """
    nonce = base64url(random(SALT_BYTES))
    signing = _signing(key.name, command, arguments, nonce, log)
    _, id, data = key.sign(signed_text(key.name, signing.disclosure().digest, signing.bound))
    return signing._replace(signature=b64encode(id + data).decode())


def _signing(
    actor: str, command: str, arguments: Mapping[str, Any], nonce: str, log: str
) -> Signing:
    bound = Bound(log, command, target_of(command, arguments)) if log else None
    return Signing(actor, state_command(actor, command, arguments, nonce, log), nonce, "", bound)


def read_signing(
    sent: str, actor: str, command: str, arguments: Mapping[str, Any], log: str = ""
) -> Signing:
    """The signing of a command for a log as its header states it, not verified yet."""
    found = _SENT.fullmatch(sent)
    if found is None:
        raise NotVerified("the header is not a nonce, a space and a signature")
    nonce, signature = found.groups()
    return _signing(actor, command, arguments, nonce, log)._replace(signature=signature)


def check_signature(
    actor: str,
    digest: str,
    signature: str,
    keys: Collection[VerifierKey],
    bound: Bound | None = None,
) -> VerifierKey:
    """The key that signed; raises NotVerified if none of these keys of the actor did."""
    try:
        data = b64decode(signature, validate=True)
    except ValueError:
        raise NotVerified(f"the signature of {actor} is not base64") from None
    for key in keys:
        if (key.name, key.id) == (actor, data[:KEY_ID_BYTES]):
            if key.has_signed(signed_text(actor, digest, bound), data[KEY_ID_BYTES:]):
                return key
            raise NotVerified(f"the signature of {key.name}+{key.id.hex()} does not hold")
    raise NotVerified(f"no known key of {actor} has signed")


def must_be_key_of(contributor: str, text: str) -> VerifierKey:
    """A public key as it is registered: plain Ed25519, named after its contributor."""
    key = VerifierKey.parse(text)
    if key.kind != ED25519 or str(key) != text:
        raise NotVerified("a key that signs is a plain Ed25519 key")
    if key.name != contributor:
        raise NotVerified(f"the key is named {key.name}, not {contributor}")
    return key


# -- comparing what was signed with what was recorded --------------------------------------------


def must_be_signed_for(
    content: Mapping[str, Any], topic: str, id: str, logs: Collection[str]
) -> Bound | None:
    """What a fact states that its signature is for; NotVerified if that is another log or act.

    This needs no disclosure; whether every field was signed, only the message shows.
    """
    if not content.get("message") or not content.get("signature"):
        raise NotVerified("of a signature and what was signed the fact has only one")
    if content.get("binds") is None:
        return None
    bound = Bound.parse(str(content["binds"]))
    if logs and bound.log not in logs:
        raise NotVerified(f"it was signed for the log {bound.log}")
    brings(bound.command, topic)
    if not may_be_about(bound.target, topic, id):
        raise NotVerified(f"{bound.command} was signed for {bound.target}, not for {id}")
    return bound


def must_fit(message: str, content: Mapping[str, Any], topic: str, id: str, version: int) -> None:
    """Raise NotVerified, with the difference, if a fact does not agree with its message."""
    try:
        must_say(message, content, topic, id, version)
        said = json.loads(message)
        command, arguments = said["command"], said["arguments"]
        stated = str(Bound(said.get("log", ""), command, target_of(command, arguments)))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotVerified("the message is not that of a command") from error
    if content.get("binds") not in {None, stated}:
        raise NotVerified(f"the message is for {stated}, and the fact says {content['binds']}")
