"""All questions: importing this file imports every module that declares some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from projections import (  # noqa: F401 - importing them declares their questions
    around,
    attribution,
    challenges,
    claims,
    clearance,
    conversation,
    disputes,
    following,
    formats,
    grants,
    happenings,
    history,
    inbox,
    licences,
    likely,
    listing,
    memberships,
    notices,
    parts,
    projects,
    searching,
    series,
    suggesting,
)
from projections.money import (  # noqa: F401 - likewise
    bookkeeping,
    earning,
    payouts,
    pools,
    previewing,
    remittances,
    splitting,
    statement_files,
)
from projections.question import QUESTIONS, Question

__all__ = ["QUESTIONS", "by_words"]


def by_words() -> Mapping[str, Sequence[Question]]:
    """The questions of the command line by command; several may share one."""
    found: dict[str, list[Question]] = {}
    for one in QUESTIONS.values():
        if one.cli is not None:
            found.setdefault(one.cli, []).append(one)
    return found
