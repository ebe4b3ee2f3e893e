"""The sheet of a command: what it writes down while it is being carried out, and what it answers.

The one rule: every fact on it has the same actor, moment and signature, and names a text of a
person only by the commitment to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.fact import Fact
from domain.seal import Disclosure, seal
from domain.signature import Signing
from domain.text import plain_text


@dataclass
class Receipt:
    """What a command answers: which noun, and the position at which it is recorded."""

    id: str
    position: int


@dataclass
class Sheet:
    """The facts and texts of one command while it is being carried out."""

    actor: str
    now: datetime
    signing: Signing | None = None
    facts: list[Fact] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signed = {}
        if self.signing is not None:
            statement = self.signing.disclosure()
            self.disclosures.append(statement)
            self.signed = {"statement": statement.digest, "signature": self.signing.signature}

    def add(self, happened: type[Fact], id: str, /, *, version: int = 1, **content: Any) -> None:
        """Write down one fact."""
        self.facts.append(
            happened(
                originator_id=id,
                originator_version=version,
                timestamp=self.now,
                actor=self.actor,
                **self.signed,
                **content,
            )
        )

    def seal(self, owner: str, name: str, value: str | None) -> str | None:
        """Commit to an optional text of an owner."""
        return None if value is None else self.seal_text(owner, name, value)

    def seal_text(self, owner: str, name: str, value: str) -> str:
        """Commit to a text of an owner, after checking it."""
        salt = self.signing.salt(name, value) if self.signing else None
        disclosure = seal(owner, name, plain_text(name, value), salt)
        self.disclosures.append(disclosure)
        return disclosure.digest
