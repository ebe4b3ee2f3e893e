"""Heads: the latest fact about each subject, which the next fact about it names.

A stored head is never believed: it is compared with the fact it names before anything is linked to
it, and one that differs is replaced by what the facts say.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import Any

from domain.chain import NONE
from domain.clock import STAMP
from domain.engine import Row, Transaction
from domain.receipt import spell_leaf
from domain.tree import leaf_hash

_FACT = "originator_id, originator_version, topic, state, links"
LATEST = "position = (SELECT max(position) FROM stored_events)"

Head = tuple[int, int, str]
"""A number, a position and the hash of a leaf in base64."""


def heads_of(
    transaction: Transaction, about: Sequence[Collection[str]], born: Collection[str]
) -> tuple[int, str, dict[str, Row]]:
    """The latest position with its time, and the heads of all subjects that have facts.

    ``born`` are those whose first fact is about to be recorded; called under the lock.
    """
    latest, stamp, heads, wrong = 0, "", dict[str, Row](), set[str]()
    subjects = {subject for subjects in about for subject in subjects}
    of_head = _FACT.replace("originator", "f.originator").replace(" topic", " f.topic")
    for subject, position, number, hash, *fact in transaction.query(
        f"SELECT '' AS subject, position, 0 AS number, {STAMP} AS hash, {_FACT} "
        f"FROM stored_events WHERE {LATEST} UNION ALL "
        "SELECT h.subject, h.position, h.number, "
        f"CAST(h.hash AS {transaction.engine.typed('BYTES')}), {of_head} "
        "FROM heads h LEFT JOIN stored_events f ON f.position = h.position "
        "WHERE h.subject IN :subjects",
        subjects=list(subjects),
    ):
        if not subject:
            latest, stamp = position, bytes(hash).decode()
        elif (head := (number, position, bytes(hash).decode())) == _head(subject, position, fact):
            heads[subject] = head
        else:
            wrong.add(subject)
    missing = subjects - heads.keys() - wrong - set(born)
    for subject in sorted(wrong | missing):
        if (told := told_by_facts(transaction, subject)) != NONE:
            heads[subject] = told
    return latest, stamp, heads


def _head(subject: str, position: int, fact: Sequence[Any]) -> Head | None:
    """The head that a fact is for a subject; None if it is not about it."""
    id, version, topic, state, links = fact
    number = next((number for one, number, *_ in json.loads(links or "[]") if one == subject), None)
    if number is None:
        return None
    hash = leaf_hash(spell_leaf(position, id, version, topic, state, links))
    return number, position, b64encode(hash).decode()


def told_by_facts(transaction: Transaction, subject: str) -> Head:
    """The head of a subject as the facts tell it, found by reading them backwards."""
    rows = transaction.query(
        f"SELECT position, {_FACT} FROM stored_events WHERE links LIKE :about "
        "ORDER BY position DESC LIMIT 1",
        about=f'%["{subject}",%',
    )
    found = _head(subject, rows[0][0], rows[0][1:]) if rows else None
    return found or NONE
