"""Naming: who paid and what for, as a word of a vocabulary, and in words of one's own if need be.

A fact holds the word; a text of one's own is sealed, so that it can be erased. What was first named
so in a pool is recognised again by the id it got then, never by the text.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.refusal import UnknownKind

OTHER = "other"
PAYER = "payer/"
SOURCES = {
    "streaming": "streams, paid or with advertising (IFPI: streaming)",
    "download": "sales of downloads (IFPI: downloads)",
    "physical": "sales of records, books and other copies (IFPI: physical)",
    "sync": "use in films, advertising and games (IFPI: synchronisation)",
    "broadcast": "radio and television (CISAC: broadcasting)",
    "performance": "concerts, readings and other public performance (CISAC: live and background)",
    "mechanical": "copies of a work by others (mechanical rights)",
    "private_copying": "levies for private copying (CISAC)",
    "store": "a store of one's own, or one that sells for its owners",
    "licence": "any other licence",
    "merchandise": "things that carry the work",
    "donation": "gifts and crowdfunding",
    "grant": "grants and prizes",
    OTHER: "what its name says",
}
"""Where money comes from. The terms of IFPI and CISAC where they have one, else our own."""
CATEGORIES = {
    "recording": "studios, sessions and instruments",
    "production": "everything else that making the work cost",
    "mixing": "mixing and mastering",
    "artwork": "covers, design and photographs",
    "printing": "printing, pressing and packaging",
    "distribution": "shipping, stores and aggregators",
    "marketing": "advertising and promotion",
    "clearance": "licences for what was sampled or quoted",
    "travel": "travel and lodging",
    "fees": "banks, lawyers and offices",
    "advance": "money paid ahead of earnings",
    OTHER: "what its name says",
}
"""What money is spent on; our own words."""


def word_and_name(words: Mapping[str, str], said: str, name: str | None) -> tuple[str, str | None]:
    """A word of the vocabulary, and a text of one's own; any other word is such a text."""
    if said in words:
        return said, name
    if name is not None:
        raise UnknownKind(said, tuple(words))
    return OTHER, said


def source_id(word: str, revenue: str) -> str:
    """The id of a source that was first named with this revenue."""
    return f"{word}/{revenue}"


def payer_id(expense: str) -> str:
    """The payee that somebody outside is who was first named with this expense."""
    return f"{PAYER}{expense}"
