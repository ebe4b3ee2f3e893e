"""What is in question: credits and edges that are on hold, in dispute, or were found false."""

from __future__ import annotations

from domain.money.doubt import Doubt
from domain.money.held import InQuestion
from projections import contributors, lineage
from projections.ancestry import ancestry
from projections.store import View


def questions(view: View) -> dict[str, InQuestion]:
    """By id of a hold, credit or remix: what is in question about it."""
    rows = view.rows(
        "SELECT h.id, h.state, h.work, h.contributor, h.child, h.by_name, h.by_piece, h.by_origin, "
        "CASE WHEN h.state = 'false' THEN h.position END "
        "FROM @holds h WHERE h.position <= :as_of ORDER BY h.position"
    )
    latest = {id: (state, Doubt(*doubt)) for id, state, *doubt in rows}
    still = {id: doubt for id, (state, doubt) in latest.items() if state != "lifted"}
    accounts = {each.contributor for each in still.values() if each.contributor is not None}
    persons = contributors.persons_of(view, accounts) if accounts else {}
    works = {work for each in still.values() for work in (each.work, each.child) if work}
    nodes = lineage.nodes_of(view, works) if works else {}
    groups = {
        id: frozenset(view.ids("contributors", contributors.accounts(view, id)).values())
        for id in view.numbers("contributors", works)
    }
    return {
        id: InQuestion(
            groups.get(each.work, frozenset((nodes.get(each.work, each.work),)))
            if each.child is None
            else with_above(view, each.work),
            None if each.contributor is None else persons[each.contributor],
            each.child and nodes.get(each.child, each.child),
            each,
        )
        for id, each in still.items()
    }


def with_above(view: View, work: str) -> frozenset[str]:
    """The ids of a work and all of its ancestors."""
    tree = ancestry(view, lineage.find(view, work).number).tree
    return frozenset(lineage.ids_of(view, tree.generation).values())
