"""Heads: the latest fact about each subject, to which the next fact about it links.

A stored head is not trusted: before anything links to it, it is compared with the fact it points
to, and if it differs, it is replaced by the head found in the facts.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from domain.chain import NONE
from domain.clock import STAMP, START, Point
from domain.engine import Engine, Row, Transaction
from domain.join import MEMBERS, NODE
from domain.receipt import spell_leaf
from domain.tree import leaf_hash

_FACT = "originator_id, originator_version, topic, state, links"
LATEST = "position = (SELECT max(position) FROM stored_events)"

Head = tuple[int, int, str]
"""A number, a position and the hash of a leaf in base64."""


class Basis(NamedTuple):
    """What a decision is based on: the state of some subjects, read in one query or remembered."""

    asked: Collection[str]
    """The subjects that were read."""
    point: Point
    """The end of the journal then."""
    heads: dict[str, Row]
    """The head of each subject that has facts, if it matches its fact."""
    streams: list[Row]
    """The facts of the subjects, as rows beginning with the position, in no order."""
    wrong: set[str]
    """The subjects whose stored head does not match its fact."""
    joined: set[str]
    """The works that were ever joined with others; read only with the streams."""
    is_remembered: bool = False
    """Whether it was remembered, not read: others may have recorded something since."""

    @classmethod
    def of_none(cls, point: Point, asked: Collection[str] = ()) -> Basis:
        """Without anything that was found of the subjects."""
        return cls(asked, point, {}, [], set(), set())


def read_basis(
    query: Callable[..., list[Row]], engine: Engine, subjects: Collection[str], more: str = ""
) -> Basis:
    """Read the heads of some subjects and, with ``more=STREAMS``, their streams and joins."""
    found = Basis.of_none(START, subjects)
    of_head = _FACT.replace("originator", "f.originator").replace(" topic", " f.topic")
    for what, subject, number, hash, position, *fact in query(
        f"SELECT {_END} AS what, '' AS subject, 0 AS number, {STAMP} AS hash, position, {_FACT} "
        f"FROM stored_events WHERE {LATEST} UNION ALL "
        f"SELECT {_HEAD}, h.subject, h.number, CAST(h.hash AS {engine.typed('BYTES')}), "
        f"h.position, {of_head} FROM heads h LEFT JOIN stored_events f ON f.position = h.position "
        f"WHERE h.subject IN :subjects{more}",
        subjects=list(subjects),
    ):
        if what == _IN_STREAM:
            found.streams.append((position, *fact))
        elif what == _JOINED:
            found.joined.add(subject)
        elif what == _END:
            found = found._replace(point=Point(position, bytes(hash).decode()))
        elif (head := (number, position, bytes(hash).decode())) == _head(subject, position, fact):
            found.heads[subject] = head
        else:
            found.wrong.add(subject)
    return found


_END, _HEAD, _IN_STREAM, _JOINED = range(4)
"""What a row of ``read_basis`` tells."""
STREAMS = (
    f" UNION ALL SELECT {_IN_STREAM}, '', 0, NULL, position, {_FACT} FROM stored_events "
    f"WHERE originator_id IN :subjects UNION ALL SELECT {_JOINED}, value, 0, NULL, "
    f"NULL, NULL, NULL, NULL, NULL, NULL FROM found WHERE field IN ('{NODE}', '{MEMBERS}') "
    "AND value IN :subjects"
)
"""SQL for further rows of ``read_basis``: streams of the subjects, and which were ever joined."""


def read_heads(transaction: Transaction, subjects: Collection[str]) -> tuple[Point, dict[str, Row]]:
    """The end of the journal, and the heads of those of these subjects that have facts.

    Within the transaction of an append, a head that is wrong or missing is found in the facts.
    """
    found = read_basis(transaction.query, transaction.engine, subjects)
    for subject in sorted({*subjects} - found.heads.keys()):
        if (head := told_by_facts(transaction, subject)) != NONE:
            found.heads[subject] = head
    return found.point, found.heads


def _head(subject: str, position: int, fact: Sequence[Any]) -> Head | None:
    """The head of a subject if this is its latest fact; None if the fact is not about it."""
    id, version, topic, state, links = fact
    link = (links or "").partition(f'["{subject}",')[2]
    if (number := _NUMBER.match(link)) is None:
        return None
    hash = leaf_hash(spell_leaf(position, id, version, topic, state, links))
    return int(number[0]), position, b64encode(hash).decode()


_NUMBER = re.compile("[0-9]+")


def told_by_facts(transaction: Transaction, subject: str) -> Head:
    """The head of a subject, found by reading the facts backwards; NONE without facts."""
    rows = transaction.query(
        f"SELECT position, {_FACT} FROM stored_events WHERE links LIKE :about "
        "ORDER BY position DESC LIMIT 1",
        about=f'%["{subject}",%',
    )
    found = _head(subject, rows[0][0], rows[0][1:]) if rows else None
    return found or NONE
