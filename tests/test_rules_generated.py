"""Whatever command there is: its fact, said by somebody who may not, is found and not restored."""

import json
from itertools import pairwise
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from stories import Story, days_before, every_fact, id_of, story
from test_restoring_judged import imported

from domain.clock import stamp_of
from domain.fact import FACTS
from domain.money.books import Books, fold_after
from domain.money.state import mappings
from domain.permission import ANYONE
from domain.registry import COMMANDS
from domain.stored import Placed
from projections.progress import no_progress
from scripts.audit import CHECKS
from scripts.before import Before, Ledger
from scripts.bundle import export_lines
from scripts.commanded import BEGUN_BY, MADE_BY
from scripts.difference import Difference, all_differences
from scripts.repeated import REPEATING
from scripts.replay import append
from scripts.rules import GAINED, Judge

NOBODY = id_of("nobody")
SIGNED = ("message", "signature", "binds")
IMPORTED = {"proposal.commented"}
"""What the operator may import of anybody, who says what happened elsewhere."""
ELSEWHERE = {
    *(("proposal.commented", "comment"), ("proposal.commented", "about")),
    *(("proposal.answered", "commenter"), ("proposal.confirmed", "payee")),
    ("proposal.notified", "contributor"),
    *(("revenue.reversed", "reversal"), ("expense.reversed", "reversal")),
    *(("entry.divided", "revenue"), ("entry.reversed", "division"), ("entry.redivided", "revenue")),
    *(("entry.redivided", "division"), ("entry.redivided", "reversal")),
    *(("entry.assigned", "payee"), ("share.carried", "earlier"), ("share.waived", "scope")),
}
"""The ids that make something, say who is meant, or are computed again with the money."""
COMMAND_OF = MADE_BY | BEGUN_BY
LIKE_OTHERS = {"claim_work", "record_agreement", "assign_share"}
"""The commands whose facts are of the kinds of others."""


def with_a_stranger(told: Story) -> None:
    """Every kind of fact, and somebody whom none of them concerns."""
    with days_before(told, 30):
        told.person("stranger")
    every_fact(told)


def otherwise(placed: Placed, **said: Any) -> Placed:
    """A fact that says something else, and is not signed."""
    return placed._replace(state=said_otherwise(placed.state.decode(), **said).encode())


def said_otherwise(state: str, **said: Any) -> str:
    content = {**json.loads(state), **said}
    kept = {name: value for name, value in content.items() if name not in SIGNED}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


def judged(told: Story, page: list[Placed]) -> list[str]:
    """What is wrong with the first of some facts, at its place."""
    judge = Judge()
    judge.go_on(told.journal, page[0].position - 1, said=GAINED)
    return [why for _, why in judge.broken(told.journal.engine, page)]


def test_every_command_is_said_by_some_kind_of_fact_that_is_judged() -> None:
    names = {one.OPERATION for one in COMMANDS.values()}
    assert names - {one.OPERATION for one in COMMAND_OF.values()} == LIKE_OTHERS


@pytest.mark.after(told=with_a_stranger)
def test_no_fact_of_any_command_is_taken_from_somebody_who_may_not(database: str) -> None:
    with story(database) as told:
        facts, seen = told.facts(), set[str]()
        for number, placed in enumerate(facts):
            seen.add(placed.topic)
            page = [otherwise(placed, actor=id_of("stranger")), *facts[number + 1 : number + 2]]
            kind = COMMAND_OF.get(placed.topic)
            is_open = placed.topic in IMPORTED or (kind is not None and ANYONE in kind.MAY)
            assert judged(told, page) or is_open, placed.topic
        assert seen >= {*FACTS} - {"contributor.separated"}


@pytest.mark.after(told=with_a_stranger)
def test_no_fact_about_what_is_not_there_is_taken(database: str) -> None:
    with story(database) as told:
        for number, placed in enumerate(facts := told.facts()):
            for name, value in json.loads(placed.state).items():
                if is_id(value) and name != "actor" and (placed.topic, name) not in ELSEWHERE:
                    page = [otherwise(placed, **{name: NOBODY}), *facts[number + 1 : number + 2]]
                    assert judged(told, page), (placed.topic, name)


@pytest.mark.after(told=every_fact)
def test_no_agreement_accounts_for_more_than_it_was_made_with(database: str) -> None:
    """What was found false later would be passed over."""
    with story(database) as told:
        facts = told.facts()
        said = {"known_at": 1_000, "known_as": NOBODY}
        for name, other in said.items():
            stating = [one for one in facts if f'"{name}":'.encode() in one.state]
            assert stating, name
            for placed in stating:
                page = [otherwise(placed, **{name: other}), *facts[placed.position :][:1]]
                assert judged(told, page), (placed.topic, name)


@pytest.mark.after(told=every_fact)
def test_no_fact_about_money_says_otherwise_what_another_one_said(database: str) -> None:
    """Another release, pool, payee or agreement that is there: a history would be moved."""
    with story(database) as told:
        facts, moved = told.facts(), 0
        values: dict[str, list[str]] = {}
        for placed in facts:
            for name, value in json.loads(placed.state).items():
                values.setdefault(name, []).append(value)
            noun, kind = placed.topic.partition(".")[0], COMMAND_OF.get(placed.topic)
            is_stated = {*kind.by_name()} if kind and placed.originator_version == 1 else set()
            content = json.loads(placed.state)
            for name in {*content} & {*REPEATING.get(noun, ())} - is_stated:
                others = [one for one in values[name] if one != content[name]]
                if others and (placed.topic, name) not in ELSEWHERE:
                    page = [otherwise(placed, **{name: others[-1]}), *facts[placed.position :][:1]]
                    assert judged(told, page), (placed.topic, name)
                    moved += 1
        assert moved > 50


@pytest.mark.after(told=every_fact)
def test_a_share_that_nobody_accepted_before_is_not_carried_over(
    database: str, other_database: str
) -> None:
    with story(database) as told:
        facts = told.facts()
        (carried,) = (one for one in facts if one.topic == "share.carried")
        posted = [one.originator_id for one in facts if one.topic == "proposal.finalised"]
    with story(other_database) as told:
        told_so = [otherwise(one, earlier=posted[-1]) if one == carried else one for one in facts]
        append(told.service, 0, [StoredEvent(*placed[1:5]) for placed in told_so])
        found = all_differences(CHECKS["money"], told.service, no_progress)
        assert not isinstance(found, str)
        assert found[0].where == f"position {carried.position}"


@pytest.mark.after(told=every_fact)
def test_whoever_was_never_admitted_has_done_nothing(database: str, other_database: str) -> None:
    """All of a history in the name of nobody, as an operator would put it into a database."""
    with story(database) as told:
        facts = told.facts()
    with story(other_database) as told:
        made_up = [otherwise(placed, actor=NOBODY) for placed in facts]
        append(told.service, 0, [StoredEvent(*placed[1:5]) for placed in made_up])
        found = all_differences(CHECKS["rules"], told.service, no_progress)
        named = {one.where for one in found if isinstance(one, Difference)}
        # What followed from an act is told with it.
        acts = {stamp_of(one.state) for one in facts if f"position {one.position}" in named}
        assert acts == {stamp_of(one.state) for one in facts}


@pytest.mark.after(told=every_fact)
def test_no_import_takes_what_nobody_did_in_its_place(database: str, other_database: str) -> None:
    with story(database) as told:
        lines = list(export_lines(told.journal))
    with story(other_database) as told:
        for line, after in zip(lines, [*lines[1:], None], strict=True):
            cheat = {**line, "state": said_otherwise(line["state"], actor=NOBODY)}
            refused = imported(told, *filter(None, (cheat, after))).refused
            assert refused, line
            assert told.head() < line["position"]
            assert not imported(told, line).refused


@pytest.mark.after(told=every_fact)
def test_the_books_that_are_folded_on_are_those_folded_from_the_beginning(database: str) -> None:
    """A command that is decided again finds them as they stood; none folds them all again."""
    with story(database) as told:
        facts = told.facts()
        before, ledger = Before(told.service.engine, 1, facts), Ledger()
        for placed, following in pairwise(before.page):
            before.add(placed)
            if following.topic.startswith(("revenue.", "payout.", "credit.", "share.accepted")):
                anew = Books()
                fold_after(anew, before, placed.position)
                found = ledger.books(before)
                assert all({**getattr(found, one)} == {**getattr(anew, one)} for one in mappings())
        assert ledger.rows
