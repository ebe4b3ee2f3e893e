"""Readers: who may read a fact, its receipt and its texts, as sets of relations.

Works, credits and remixes are public; money is only for those it concerns, unless its pool opens it
further. The relations are those of domain.permission.
"""

from __future__ import annotations

from domain.permission import ANYONE, BOOKS, OWN, READS

EVERYONE = frozenset({ANYONE})
ALL_MONEY = BOOKS | READS
"""Who may read all money."""
OWN_ACTS = OWN | READS
"""Who may read what is private to one person, such as whom they follow."""
OWN_MONEY = ALL_MONEY | OWN
"""Who may read what concerns one person's money: payouts, holds."""
MONEY = ALL_MONEY | {"poster", "producer", "payee"}
"""Who may read the money of a pool: its statement, its ledger, every entry."""
AGREEMENT = MONEY | {"participant"}
"""Who may read how a pool is shared: its terms, proposals and comments."""

PUBLIC = "public"
STATEMENTS = {PUBLIC: "everyone may read the statement of the pool"}
"""Who else may read the statement of a pool, by the value in its terms."""
