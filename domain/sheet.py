"""The sheet of one command: the facts it has decided on so far, and the texts they commit to.

All facts on it have the same actor, time and signature. They hold texts people wrote only as
commitments (domain.seal).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.fact import Fact, New
from domain.seal import TEXTS, Disclosure, Said, seal, spell_owners
from domain.signature import Signing
from domain.text import plain_text


@dataclass
class Sheet:
    """The facts and texts of one command."""

    actor: str
    now: datetime
    signing: Signing | None = None
    facts: list[Fact] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._added: dict[str, int] = {}
        """By id: how many facts of its stream are on the sheet."""
        self._sealed: dict[tuple[str, str, str], str] = {}
        """By owner, name and text: the commitment."""
        self._signed: dict[str, str] = {}
        if self.signing is not None:
            message = self.signing.disclosure()
            self.disclosures.append(message)
            self._sealed[message.owner, message.name, message.value] = message.digest
            self._signed = {"message": message.digest, "signature": self.signing.signature}
            if self.signing.bound is not None:
                self._signed["binds"] = str(self.signing.bound)

    def write(self, new: New, after: int = 0) -> Fact:
        """Add a fact; ``after`` is how many facts its stream had before this command."""
        added = self._added[new.id] = self._added.get(new.id, 0) + 1
        made = new.kind.of(
            {
                **new.content,
                **self._texts(new),
                **self._signed,
                "originator_id": new.id,
                "originator_version": after + added,
                "timestamp": self.now,
                "actor": self.actor,
            }
        )
        self.facts.append(made)
        return made

    def _texts(self, new: New) -> dict[str, str]:
        """The commitments to the texts of a fact, and the owners of those texts."""
        owners, sealed = dict[str, str](), dict[str, str]()
        for name, value in new.content.items():
            if value is not None and name in TEXTS:
                said = value if isinstance(value, Said) else Said(self.actor, name, value)
                owners[name], sealed[name] = said.owner, self._seal(*said)
        return sealed | {"owners": spell_owners(owners, self.actor)} if owners else sealed

    def _seal(self, owner: str, name: str, value: str) -> str:
        """The commitment to a text; a text repeated in one command is stored once."""
        if known := self._sealed.get((owner, name, value)):
            return known
        salt = self.signing.salt(name, value) if self.signing else None
        disclosure = seal(owner, name, plain_text(name, value), salt)
        self.disclosures.append(disclosure)
        self._sealed.setdefault((owner, name, disclosure.value), disclosure.digest)
        return disclosure.digest
