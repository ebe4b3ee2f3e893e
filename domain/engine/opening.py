"""Opens the engine for an address, importing only that engine and its driver."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domain.engine import EMBEDDED, UNHURRIED, Engine, NoDatabase, TimeLimits


def open_engine(
    url: str, *, create: bool = True, limits: TimeLimits = UNHURRIED, standbys: Sequence[str] = ()
) -> Engine:
    """The engine for an address: ``sqlite:///FILE``, or ``postgresql://…`` with its standbys.

    Raises DatabaseUnavailable with the reason if the database does not answer, and NoDatabase if
    there is none; a missing SQLite file is created unless ``create`` is false.
    """
    if url.startswith(EMBEDDED):
        from domain.engine.sqlite import SQLiteEngine

        path = url.removeprefix(EMBEDDED)
        if not create and not Path(path).exists():
            raise NoDatabase(f"There is no database at {path}")
        return SQLiteEngine(path, limits)
    if standbys:
        from domain.engine.standbys import ReplicatedEngine

        return ReplicatedEngine(url, standbys, limits)
    from domain.engine.postgres import PostgresEngine

    return PostgresEngine(url, limits)
