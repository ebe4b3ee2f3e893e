"""Opening the engine that an address names; only that one and its driver are loaded."""

from __future__ import annotations

from pathlib import Path

from domain.engine import EMBEDDED, UNHURRIED, Engine, NoDatabase, TimeLimits


def open_engine(url: str, *, create: bool = True, limits: TimeLimits = UNHURRIED) -> Engine:
    """The database an address names: ``sqlite:///FILE`` or ``postgresql://…``.

    Raises DatabaseUnavailable with the reason if it does not answer, and NoDatabase if there is
    none and none may be created.
    """
    if url.startswith(EMBEDDED):
        from domain.engine.sqlite import SQLiteEngine

        path = url.removeprefix(EMBEDDED)
        if not create and not Path(path).exists():
            raise NoDatabase(f"There is no database at {path}")
        return SQLiteEngine(path, limits)
    from domain.engine.postgres import PostgresEngine

    return PostgresEngine(url, limits)
