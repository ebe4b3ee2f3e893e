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
from collections.abc import Callable, Collection, Iterator, Mapping
from os import urandom
from typing import Any, NamedTuple

from domain.note import ED25519, KEY_ID_BYTES, SignerKey, VerifierKey
from domain.seal import TEXTS, Disclosure, base64url, digest_of
from domain.tree import NotVerified

HEADER = "stemma-signature@v1"
MESSAGE = "message"
"""The name of a message's disclosure in the vault."""
SALT_BYTES = 16
_SENT = re.compile(r"([A-Za-z0-9_-]{22,86}) ([A-Za-z0-9+/]{91}=)")  # 16 to 64 bytes; 4 + 64 bytes


class Signing(NamedTuple):
    """A command as its actor signed it: the message, its salts, and the signature."""

    actor: str
    message: str
    nonce: str
    """Random, chosen by the client and never stored: short texts could be guessed from it."""
    signature: str
    """The key's id and the signature, in base64, as on a line under a signed note."""

    def salt(self, name: str, value: str) -> str:
        """The salt of a text of this command."""
        return salt_of(self.nonce, name, value)

    def disclosure(self) -> Disclosure:
        """The message, as it is kept in the vault."""
        salt = self.salt(MESSAGE, self.message)
        digest = digest_of(salt, MESSAGE, self.message)
        return Disclosure(digest, self.actor, MESSAGE, salt, self.message)

    @property
    def sent(self) -> str:
        """The header Stemma-Signature."""
        return f"{self.nonce} {self.signature}"


def salt_of(nonce: str, name: str, value: str) -> str:
    """The salt of a named text; without the nonce it can't be used to guess texts."""
    digest = hmac.digest(nonce.encode(), f"{name}\n{value}".encode(), "sha256")
    return base64url(digest[:SALT_BYTES])


def concealed(value: Any, nonce: str) -> Any:
    """The same arguments, with every text of a person replaced by its digest."""
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


def state_command(actor: str, command: str, arguments: Mapping[str, Any], nonce: str) -> str:
    """The statement that is signed: actor, command and arguments, as canonical JSON."""
    said = {"actor": actor, "command": command, "arguments": concealed(dict(arguments), nonce)}
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def signed_text(actor: str, digest: str) -> str:
    """The text that is signed."""
    return f"{HEADER}\n{actor}\n{digest}\n"


def sign_command(
    key: SignerKey,
    command: str,
    arguments: Mapping[str, Any],
    random: Callable[[int], bytes] = urandom,
) -> Signing:
    """Sign a command as the contributor whom the key is named after."""
    nonce = base64url(random(SALT_BYTES))
    signing = Signing(key.name, state_command(key.name, command, arguments, nonce), nonce, "")
    _, id, data = key.sign(signed_text(key.name, signing.disclosure().digest))
    return signing._replace(signature=b64encode(id + data).decode())


def read_signing(sent: str, actor: str, command: str, arguments: Mapping[str, Any]) -> Signing:
    """The signing of a command as its header states it, not verified yet."""
    found = _SENT.fullmatch(sent)
    if found is None:
        raise NotVerified("the header is not a nonce, a space and a signature")
    nonce, signature = found.groups()
    return Signing(actor, state_command(actor, command, arguments, nonce), nonce, signature)


def check_signature(
    actor: str, digest: str, signature: str, keys: Collection[VerifierKey]
) -> VerifierKey:
    """The key that has signed; NotVerified if none of these keys of the actor has."""
    data = b64decode(signature)
    for key in keys:
        if (key.name, key.id) == (actor, data[:KEY_ID_BYTES]):
            if key.has_signed(signed_text(actor, digest), data[KEY_ID_BYTES:]):
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


# -- what was signed, and what was recorded ------------------------------------------------------

STATED = (
    *("role", "rate", "medium", "licence", "sha256", "made_at", "into", "key", "kind"),
    *("work", "contributor", "child", "parent", "billing", "evidence_kind", "evidence_sha256"),
)
"""The fields of a fact that repeat what was signed."""
FOLLOWS = ("work", "contributor", "child", "parent", "kind")
"""Those of them that, after a birth, follow from it."""


def must_fit(message: str, content: Mapping[str, Any], version: int, actor: str) -> None:
    """Raise NotVerified, naming the field, if a fact differs from its message."""
    signed = json.loads(message)
    if signed["actor"] != actor:
        raise NotVerified(f"the message is of {signed['actor']}, not of {actor}")
    said = signed["arguments"]
    words, names = set(_words(said)), set(_names(said))
    for name in (*STATED, *TEXTS):
        value = content.get(name)
        if value is None or value in words or (version > 1 and name in FOLLOWS):
            continue
        if name == "kind" and "kind" not in said:
            continue  # an author is credited directly, a component is one
        if name == "parent" and "uri" in names:
            continue  # the id of an outside source follows from its address
        raise NotVerified(f"the field “{name}” is {value}, which was not signed")


def _words(value: Any) -> Iterator[str | int]:
    if isinstance(value, str | int):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        if isinstance(value, dict):
            yield from value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _names(inner)
