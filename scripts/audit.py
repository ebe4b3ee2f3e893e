"""The audit of a database: everything that follows from the facts is recomputed and compared.

The one rule: nothing stored is trusted, and nothing in use is changed. A check yields each
difference with its place, and returns what it has counted.
"""

from __future__ import annotations

from projections.progress import Progress
from scripts.checks.facts import index, journal, lineage, streams
from scripts.checks.money import books, money
from scripts.checks.requests import quotas, requests
from scripts.checks.storage import storage
from scripts.checks.tables import read_tables
from scripts.checks.texts import vault
from scripts.checks.tree import log
from scripts.difference import Check, Difference
from scripts.links import guards, links, signatures
from scripts.maps import latest
from scripts.rules import rules
from scripts.service import Service


def first_difference(check: Check, service: Service, progress: Progress) -> Difference | str:
    """The first difference that a check finds or, without any, a text on what it compared."""
    found = check(service, progress)
    try:
        return next(found)
    except StopIteration as end:
        return str(end.value)
    finally:
        found.close()


CHECKS: dict[str, Check] = {
    "storage": storage,
    "journal": journal,
    "index": index,
    "histories": streams,
    "lineage": lineage,
    "rules": rules,
    "vault": vault,
    "log": log,
    "map": latest,
    "links": links,
    "signatures": signatures,
    "read tables": read_tables,
    "money": money,
    "requests": requests,
    "quotas": quotas,
    "triggers": guards,
    "books": books,
}
"""By name: every check, in an order in which later ones may rely on earlier ones."""
