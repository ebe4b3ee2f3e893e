"""The service about itself: whether it lives, how far it has read, which words it knows.

The one rule: nothing here is about anybody.
"""

from __future__ import annotations

from flask import Response, jsonify

from api.answers.service import HealthAnswer, KindsAnswer, ReadyAnswer, RolesAnswer
from api.routes import Routes
from domain.credit import CREDIT_KINDS
from domain.dispute import GROUNDS, OUTCOMES
from domain.journal import Journal
from domain.remix import REMIX_KINDS
from domain.role import ALIASES, ROLES
from projections.store import Store

MAXIMUM_BEHIND = 10_000
"""How many facts the projections may have to read until this process should get no requests."""

PUBLIC = ("service.show_health", "service.show_readiness")
"""The endpoints that need no key."""


def service(journal: Journal, store: Store) -> Routes:
    """The routes of the service itself."""
    routes = Routes("service", "The service itself, and its vocabulary.", journal, store)

    @routes.says("/health", HealthAnswer, problems=())
    def show_health() -> Response:
        """Whether the process is alive."""
        return jsonify(status="ok")

    @routes.says("/ready", ReadyAnswer, statuses=(200, 503), problems=("storage_unavailable",))
    def show_readiness() -> Response:
        """How far each projection has read; 503 while they are too far behind."""
        head, positions = journal.facts.head(), store.positions()
        behind = max(head - min(positions.values(), default=0), 0)
        ready = behind <= MAXIMUM_BEHIND
        told = jsonify(
            status="ready" if ready else "behind",
            journal=head,
            projections=positions,
            behind=behind,
        )
        told.status_code = 200 if ready else 503
        return told

    @routes.says("/roles", RolesAnswer)
    def list_roles() -> Response:
        """The vocabulary of roles."""
        aliases: dict[str, list[str]] = {}
        for alias, name in ALIASES.items():
            aliases.setdefault(name, []).append(alias)
        return jsonify(
            items=[
                {**role._asdict(), "aliases": aliases.get(role.name, [])} for role in ROLES.values()
            ]
        )

    @routes.says("/kinds", KindsAnswer)
    def list_kinds() -> Response:
        """The kinds of remixes and credits, and the grounds and outcomes of disputes."""
        return jsonify(
            remix=_items(REMIX_KINDS),
            credit=_items(CREDIT_KINDS),
            grounds=_items(GROUNDS),
            outcome=_items(OUTCOMES),
        )

    return routes


def _items(kinds: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "meaning": meaning} for name, meaning in kinds.items()]
