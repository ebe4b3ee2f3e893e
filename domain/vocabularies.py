"""The vocabularies: words with a fixed meaning that facts use, except roles.

The API and the reference list all of them, so what is added here appears there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain import contributor, dispute
from domain.credit import CREDIT_KINDS
from domain.disclosure import AI_USES, EVIDENCE_KINDS
from domain.identifier import SCHEMES
from domain.money.naming import CATEGORIES, SOURCES
from domain.money.pool import POOL_KINDS
from domain.money.proposal import COMMENT_KINDS
from domain.project import PROJECT_KINDS, PROJECT_OUTCOMES
from domain.release import PARTS
from domain.remix import REMIX_KINDS


class Vocabulary(NamedTuple):
    """A title, and words with their meanings."""

    title: str
    words: Mapping[str, str]


VOCABULARIES = {
    "remix": Vocabulary("Kinds of remix", REMIX_KINDS),
    "credit": Vocabulary("Kinds of credit", CREDIT_KINDS),
    "scheme": Vocabulary(
        "Registries of identifiers", {name: one.meaning for name, one in SCHEMES.items()}
    ),
    "ai": Vocabulary("Uses of AI", AI_USES),
    "evidence": Vocabulary("Kinds of evidence", EVIDENCE_KINDS),
    "grounds": Vocabulary("Grounds of a dispute", dispute.GROUNDS),
    "outcome": Vocabulary("Outcomes of a dispute", dispute.OUTCOMES),
    "erasure_ground": Vocabulary("Grounds for forgetting a person", contributor.GROUNDS),
    "part": Vocabulary("Parts of a series", PARTS),
    "project": Vocabulary("Kinds of project", PROJECT_KINDS),
    "project_outcome": Vocabulary("Outcomes of a project", PROJECT_OUTCOMES),
    "pool": Vocabulary("Kinds of pool", POOL_KINDS),
    "comment": Vocabulary("Kinds of comment on a proposal", COMMENT_KINDS),
    "source": Vocabulary("Sources of revenue", SOURCES),
    "category": Vocabulary("Categories of expenses", CATEGORIES),
}
"""Every vocabulary by its name."""
