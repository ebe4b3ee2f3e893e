"""The service itself: its health, its readiness and its vocabularies."""

from __future__ import annotations

from typing import Annotated, TypedDict

from flask import Response, jsonify

from api.conditional import lasting
from api.operations import OF_LOAD
from api.routes import Routes
from domain.journal import Journal
from domain.remix import REMIX_KINDS
from domain.role import roles
from domain.value import Example, one_of
from domain.vocabularies import VOCABULARIES
from projections.readiness import FAILED, OK, UNKNOWN, Readiness
from projections.store import Store
from projections.told import Count


class RoleTold(TypedDict):
    """One role of the vocabulary."""

    name: Annotated[str, "The word in requests and answers.", Example("singer")]
    meaning: Annotated[str, "What somebody with it did.", Example("sang")]
    marc: Annotated[
        str | None, "The MARC relator code, where MARC has the same term.", Example("sng")
    ]
    within: Annotated[str | None, "The wider role.", Example("musician")]
    sources: Annotated[list[Annotated[str, Example("marc")]], "Where the word is from."]
    aliases: Annotated[list[Annotated[str, Example("vocalist")]], "Other words for it."]


class Roles(TypedDict):
    """The vocabulary of roles."""

    items: list[RoleTold]


class Kind(TypedDict):
    """A kind and its meaning."""

    name: Annotated[str, "The word in requests and answers.", Example("sample")]
    meaning: Annotated[str, "What it means.", Example(REMIX_KINDS["sample"])]


Kinds = TypedDict("Kinds", dict.fromkeys(VOCABULARIES, list[Kind]))  # type: ignore[misc]
"""Every vocabulary apart from that of roles, by its name."""


class Health(TypedDict):
    """The process is alive."""

    status: Annotated[str, "Always “ok”.", one_of(("ok",))]


class CheckTold(TypedDict):
    """What one check found."""

    status: Annotated[str, "Whether it passed.", one_of((OK, FAILED, UNKNOWN))]
    detail: Annotated[str, "What was found.", Example("The read tables: every fact.")]


class Ready(TypedDict):
    """Whether this process can do its work, and how far each projection has read."""

    status: Annotated[
        str,
        "“behind”: answers are old; “unready”: a check failed.",
        one_of(("ready", "behind", "unready")),
    ]
    journal: Annotated[
        Count | None,
        "The position of the latest fact. Null, as are the next two, if the database does not say.",
        Example(57),
    ]
    projections: Annotated[
        dict[str, int] | None,
        "How far each has read.",
        Example({"lineage": 57, "attribution": 57, "history": 57, "notices": 57}),
    ]
    behind: Annotated[Count | None, "How many facts the slowest has yet to read.", Example(0)]
    checks: Annotated[
        dict[str, CheckTold],
        "database, storage, tables, clock, follower, projections, log, and standbys if there are.",
        Example({"log": {"status": OK, "detail": "The log: every fact."}}),
    ]


def service(journal: Journal, store: Store, readiness: Readiness) -> Routes:
    """The routes of the service itself."""
    routes = Routes("service", "The service itself, and its vocabulary.", journal, store)

    @routes.says("/health", Health, problems=(), is_probe=True)
    def show_health() -> Response:
        """Whether the process is alive.

        It asks no database, and so says nothing about one: for a liveness probe.
        """
        return lasting(jsonify(status="ok"))

    @routes.says(
        "/ready",
        Ready,
        statuses=(200, 503),
        problems=("storage_unavailable", *OF_LOAD),
        is_probe=True,
    )
    def show_readiness() -> Response:
        """Whether this process can do its work; 503 while a check fails.

        The checks: the database answers, takes writes and has tables of this version, the clock is
        credible, a follower is alive, the read tables and the log follow the journal. What standbys
        lack is said, but is no failure: they are passed over. For the readiness probe of a load
        balancer, which then sends requests elsewhere. A finding is up to a second old. Until the
        database has answered for the first time, there is none, but a problem.
        """
        found = readiness.find_out()
        reached = found.reached
        told = jsonify(
            status=found.status,
            journal=reached and reached.journal,
            projections=reached and reached.projections,
            behind=reached and reached.behind,
            checks={name: check._asdict() for name, check in found.checks.items()},
        )
        told.status_code = 200 if found.status == "ready" else 503
        return told

    @routes.says("/roles", Roles)
    def list_roles() -> Response:
        """The vocabulary of roles.

        A credit names one of them, and may add a free text for what the role does not say.
        """
        return lasting(jsonify(_roles()))

    @routes.says("/kinds", Kinds)
    def list_kinds() -> Response:
        """Every vocabulary: the kinds of remixes and credits, the grounds of disputes, and others.

        Each word with its meaning. A request that names any other is refused; income and expenses
        may have a name of their own besides.
        """
        return lasting(jsonify(_kinds()))

    return routes


def _roles() -> object:
    return {"items": [role._asdict() for role in roles().values()]}


def _kinds() -> object:
    return {
        name: [{"name": word, "meaning": meaning} for word, meaning in one.words.items()]
        for name, one in VOCABULARIES.items()
    }
