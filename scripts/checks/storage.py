"""Audits what an engine should see to itself: the types of values, and what indexes hold."""

from __future__ import annotations

from projections import documents
from projections.folding import TABLES as READ
from projections.progress import Progress
from projections.store import table_name
from projections.wording import several
from scripts.difference import Difference, Differences, at_one_moment
from scripts.layout import TABLES
from scripts.service import Service


@at_one_moment
def storage(service: Service, progress: Progress) -> Differences:
    """Every value is of the type of its column, and the indexes are those of the rows."""
    number = service.store.current().number
    tables = (
        *TABLES,
        *(table.stored(table_name(table.name, number)) for table in READ),
        documents.stored(service.engine, number),
    )
    for where, what in service.engine.unsound(tables):
        yield Difference(where, what)
    progress(len(tables), len(tables))
    return f"{several(len(tables), 'table')} with values of the types of their columns"
