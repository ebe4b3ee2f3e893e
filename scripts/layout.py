"""The layout of a database: checks whether its tables are of this version, and upgrades them.

The rule: nothing is changed unless requested (“stemma upgrade”, or STEMMA_UPGRADE), and no
fact is ever changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache

from api.allowance import RATES
from api.identity.identities import IDENTITIES
from api.identity.keys import KEY_TERMS, KEYS
from api.identity.sessions import SESSIONS
from api.seen import SEEN
from api.sending.mailboxes import MAILBOXES
from api.sending.webhooks import WEBHOOKS
from domain.derived import derived_version, refill
from domain.engine import DatabaseDamaged, Engine, Table, Transaction, UpgradeNeeded
from domain.kept import BOOKS
from domain.stored import FACTS, VAULT
from domain.stored import TABLES as JOURNAL
from projections.generations import first_generation
from projections.heartbeat import HEARTBEATS
from projections.latest import begin_again
from projections.log import TABLES as LOG
from projections.log import fill_parts, first_size
from projections.store import LAYOUTS, PROJECTIONS

TABLES: tuple[Table, ...] = (
    *(*JOURNAL, BOOKS, PROJECTIONS, LAYOUTS, HEARTBEATS),
    *(KEYS, KEY_TERMS, IDENTITIES, SESSIONS, RATES, WEBHOOKS, MAILBOXES, SEEN, *LOG),
)
"""Every permanent table; the read tables have generations."""

LAYOUT = 1
"""The version of the permanent tables, to be raised for a change that ``upgrade`` can't make."""

Found = Mapping[str, Collection[str]]
"""By table: its columns."""


def found_in(engine: Engine) -> Found:
    """Our tables that exist, with their columns."""
    return engine.layout([table.name for table in TABLES])


def is_empty(found: Found) -> bool:
    """Whether a database has none of our tables."""
    return not found


def must_be_ours(engine: Engine, found: Found) -> None:
    """Raise UpgradeNeeded, with advice, unless the permanent tables are of this version."""
    versions = _versions(engine, found)
    _must_have_what_is_recorded(found)
    if missing := sorted(_ours() - _columns(found)):
        raise _old(f"it has no {missing[0]}")
    if int(versions.get("tables", 0)) < LAYOUT:
        raise _old(f"layout {versions.get('tables', 0)}; this one has {LAYOUT}")
    if versions.get("derived") != derived_version():
        raise _old("what is derived from the facts is of another version", which="another")


def _versions(engine: Engine, found: Found) -> dict[str, str]:
    """The versions by name; raises UpgradeNeeded if the tables are of a later one than ours."""
    if LAYOUTS.name not in found:
        return {}
    why, versions = "", dict[str, str](engine.query("SELECT name, version FROM layouts"))
    if further := sorted(_columns(found) - _ours()):
        why = f"this one knows no {further[0]}"
    elif (layout := int(versions.get("tables", 0))) > LAYOUT:
        why = f"layout {layout}; this one has {LAYOUT}"
    if why:
        raise UpgradeNeeded(
            f"The tables in the database are of a newer version of Stemma ({why}): run that version"
        )
    return versions


def _must_have_what_is_recorded(found: Found) -> None:
    """Raise DatabaseDamaged if a table is missing that every version has, and nothing refills."""
    for table in (FACTS, VAULT):
        if table.name not in found:
            raise DatabaseDamaged(
                f"The database has lost its table {table.name}: restore the latest backup into a "
                "new database, with “stemma restore”"
            )


def _old(why: str, which: str = "an older") -> UpgradeNeeded:
    return UpgradeNeeded(
        f"The tables in the database are of {which} version of Stemma ({why}): stop what uses "
        "them, make a backup with that version, and run “stemma upgrade” with the role that owns "
        "them"
    )


@cache
def _ours() -> set[str]:
    return _columns({table.name: table.columns for table in TABLES})


def _columns(found: Found) -> set[str]:
    """Tables and their columns, as “table” and “table.column”."""
    return {
        name
        for table, columns in found.items()
        for name in (table, *(f"{table}.{column}" for column in columns))
    }


def create_tables(transaction: Transaction) -> None:
    """Create missing tables, and note their version."""
    transaction.create(TABLES)
    first_generation(transaction)
    first_size(transaction)
    transaction.insert(LAYOUTS, [("tables", str(LAYOUT)), ("derived", derived_version())])


def upgrade(engine: Engine) -> list[str]:
    """Bring the permanent tables up to this version; returns what was added.

    Raises UpgradeNeeded if that takes more than adding tables and columns that may be empty.
    """
    found = found_in(engine)
    _versions(engine, found)
    _must_have_what_is_recorded(found)
    missing = sorted(_ours() - _columns(found))
    with engine.transaction() as transaction:
        transaction.lock()
        for table in TABLES:
            for column, kind in table.columns.items():
                is_missing = f"{table.name}.{column}" in missing and table.name in found
                if is_missing and column != table.unique:  # that column is added with its index
                    _add(transaction, table, column, kind)
        create_tables(transaction)
        refill(transaction)
        fill_parts(transaction)
        begin_again(transaction)
    return missing


def _add(transaction: Transaction, table: Table, column: str, kind: str) -> None:
    if not kind.endswith("NULL"):
        raise UpgradeNeeded(
            f"The column {table.name}.{column} can't be added: export with the version that made "
            "the database, and import into a new one"
        )
    kind = transaction.engine.typed(kind)
    transaction.execute(f"ALTER TABLE {table.name} ADD COLUMN {column} {kind}")
