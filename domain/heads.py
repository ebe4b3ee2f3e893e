"""Heads: the latest fact about each subject, to which the next fact about it links.

A stored head is not trusted: before anything links to it, it is compared with the fact it points
to, and if it differs, it is replaced by the head found in the facts.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from domain.cached import cached_property
from domain.chain import NONE
from domain.clock import STAMP, START, Point
from domain.engine import Engine, Row, Transaction
from domain.join import MEMBERS, NODE
from domain.stored import Placed
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
    heads: list[tuple[str, Head]] = []
    facts: dict[int, _Fact] = {}
    for what, subject, number, hash, position, *fact in query(
        "WITH h AS (SELECT subject, number, hash, position FROM heads WHERE subject IN :subjects) "
        f"SELECT {_END} AS what, '' AS subject, 0 AS number, {STAMP} AS hash, position, {_FACT} "
        f"FROM stored_events WHERE {LATEST} UNION ALL "
        f"SELECT {_HEAD}, subject, number, CAST(hash AS {engine.typed('BYTES')}), position, "
        "NULL, NULL, NULL, NULL, NULL FROM h UNION ALL "
        # One long fact may be the latest about many people.
        f"SELECT {_LATEST}, '', 0, NULL, position, {_FACT} FROM stored_events "
        f"WHERE position IN (SELECT position FROM h){more}",
        subjects=list(subjects),
    ):
        if what == _IN_STREAM:
            found.streams.append((position, *fact))
        elif what == _JOINED:
            found.joined.add(subject)
        elif what == _END:
            found = found._replace(point=Point(position, bytes(hash).decode()))
        elif what == _LATEST:
            facts[position] = _Fact(Placed(position, *fact))
        else:
            heads.append((subject, (number, position, bytes(hash).decode())))
    for subject, head in heads:
        if head[1] in facts and facts[head[1]].head(subject) == head:
            found.heads[subject] = head
        else:
            found.wrong.add(subject)
    return found


_END, _HEAD, _LATEST, _IN_STREAM, _JOINED = range(5)
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


@dataclass
class _Fact:
    """A fact to which the next about its subjects may link; its hash is computed once for all."""

    placed: Placed

    def head(self, subject: str) -> Head | None:
        """The head of a subject if this is its latest fact; None if the fact is not about it."""
        number = _NUMBER.match(self.placed.links.partition(f'["{subject}",')[2])
        return None if number is None else (int(number[0]), self.placed.position, self._hash)

    @cached_property
    def _hash(self) -> str:
        return b64encode(leaf_hash(self.placed.leaf())).decode()


_NUMBER = re.compile("[0-9]+")


def told_by_facts(transaction: Transaction, subject: str) -> Head:
    """The head of a subject, found by reading the facts backwards; NONE without facts."""
    rows = transaction.query(
        f"SELECT position, {_FACT} FROM stored_events WHERE links LIKE :about "
        "ORDER BY position DESC LIMIT 1",
        about=f'%["{subject}",%',
    )
    found = _Fact(Placed(*rows[0])).head(subject) if rows else None
    return found or NONE
