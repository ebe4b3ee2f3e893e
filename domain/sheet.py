"""The sheet of a command: the facts and texts it has decided on so far.

All facts on it have the same actor, moment and signature, and hold texts of people only as
commitments.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from domain.fact import Fact, New, happened
from domain.seal import Disclosure, Said, seal, spell_owners
from domain.signature import Signing
from domain.text import plain_text


@dataclass
class Sheet:
    """What one command writes down."""

    actor: str
    now: datetime
    signing: Signing | None = None
    facts: list[Fact] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._added = Counter[str]()
        self._sealed = dict[tuple[str, str, str], str]()
        """The commitments of the texts on it, by owner, name and text."""
        self._signed: dict[str, str] = {}
        if self.signing is not None:
            message = self.signing.disclosure()
            self.disclosures.append(message)
            self._sealed[message.owner, message.name, message.value] = message.digest
            self._signed = {"message": message.digest, "signature": self.signing.signature}
            if self.signing.bound is not None:
                self._signed["binds"] = str(self.signing.bound)

    def write(self, new: New, after: int = 0) -> Fact:
        """Write down a fact about something that had ``after`` facts before this command."""
        self._added[new.id] += 1
        texts, sealable = dict[str, Said](), new.kind.SEALED
        for name, value in new.content.items():
            if isinstance(value, Said):
                texts[name] = value
            elif name in sealable and value is not None:
                texts[name] = Said(self.actor, name, value)
        sealed = {name: self._seal(*said) for name, said in texts.items()}
        owners = spell_owners({name: said.owner for name, said in texts.items()}, self.actor)
        made = happened(
            new,
            originator_id=new.id,
            originator_version=after + self._added[new.id],
            timestamp=self.now,
            actor=self.actor,
            owners=owners,
            **self._signed,
            **sealed,
        )
        self.facts.append(made)
        return made

    def _seal(self, owner: str, name: str, value: str) -> str:
        """Commit to a text; the same text several times in one command is one text."""
        if known := self._sealed.get((owner, name, value)):
            return known
        salt = self.signing.salt(name, value) if self.signing else None
        disclosure = seal(owner, name, plain_text(name, value), salt)
        self.disclosures.append(disclosure)
        self._sealed.setdefault((owner, name, disclosure.value), disclosure.digest)
        return disclosure.digest
