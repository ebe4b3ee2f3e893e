"""Sources of revenue, categories of expenses, and payers: a word of a vocabulary, or a free text.

A fact holds the word; a free text is sealed, so that it can be erased. A source or payer named
by a free text in a pool gets an id, by which facts refer to it again.
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
    "production": "all other costs of making the work",
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
    """The word of the vocabulary and the free text; any other word becomes ``other`` and a text."""
    if said in words:
        return said, name
    if name is not None:
        raise UnknownKind(said, tuple(words))
    return OTHER, said


def source_id(word: str, revenue: str) -> str:
    """The id of a source that was first named with this revenue."""
    return f"{word}/{revenue}"


def payer_id(expense: str) -> str:
    """The payee for an outsider who was first named with this expense."""
    return f"{PAYER}{expense}"
