"""Payees: a contributor, a work nobody is credited on, or somebody outside by a name.

The one rule: a contributor is a payee by their id; what is due to a work waits for whoever made it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_LIKE_A_UUID = re.compile(r"[^\w]*(urn:)?(uuid:)?(-?[0-9a-f]){32}[^\w]*\Z", re.IGNORECASE)
_WORK = "work/"


def is_person(payee: str) -> bool:
    """Whether a payee is a contributor."""
    return bool(_UUID.match(payee))


def is_meant_as_person(payee: str) -> bool:
    """Whether a payee can only be meant as a contributor, perhaps in another form of the id."""
    return bool(_LIKE_A_UUID.match(payee))


def is_work(payee: str) -> bool:
    """Whether what is due waits for whoever made a work."""
    return payee.startswith(_WORK)


def work_payee(work: str) -> str:
    """The payee that a work itself is, as long as nobody is credited on it."""
    return _WORK + work


def work_of(payee: str) -> str:
    """The work that a payee is."""
    return payee.removeprefix(_WORK)


def people_among(payees: Iterable[str]) -> tuple[str, ...]:
    """The contributors among payees, each once."""
    return tuple(dict.fromkeys(filter(is_person, payees)))
