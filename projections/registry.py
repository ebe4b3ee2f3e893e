"""All questions: importing this file imports every module that declares some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from projections import (
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
    lineage,
    memberships,
    notices,
    parts,
    projects,
    searching,
    series,
    suggesting,
)
from projections.money import (
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

ROOMS = (
    *(attribution, challenges, claims, clearance, conversation, disputes, following, grants),
    *(happenings, history, inbox, licences, likely, lineage, memberships, notices, parts),
    *(projects, searching, series, suggesting, splitting, pools, payouts, previewing),
    *(remittances, bookkeeping, statement_files, earning, formats),
)


def by_words() -> Mapping[str, Sequence[Question]]:
    """The questions of the command line by command; several may share one."""
    found: dict[str, list[Question]] = {}
    for one in QUESTIONS.values():
        if one.cli is not None:
            found.setdefault(one.cli, []).append(one)
    return found
