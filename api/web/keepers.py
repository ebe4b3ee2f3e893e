"""Who may see the accountant's desk, and who may record on it."""

from __future__ import annotations

from flask import g

from api.web.frame import Frame, reader
from domain.permission import BOOKS, OPERATOR
from projections.grants import roles_of
from projections.money.readers import Reader
from projections.store import View


def must_read_all(frame: Frame, view: View) -> None:
    """Refuse those who may not read all money."""
    Reader(view, frame.journal, reader()).must_be("the desk of the accountant", None)


def keeps_books(frame: Frame) -> bool:
    """Whether the reader may record money, not only read it."""
    return g.actor == OPERATOR or not BOOKS.isdisjoint(roles_of(frame.journal, g.actor))
