"""What an earlier version recorded, this version reads: the same facts, the same answers.

A golden journal is an export with the answers that its version gave (tests/golden/journals). It is
put back on either engine, folded and asked again. Where a version has learnt to say more, answers
have further keys: those that were kept are compared, their values exactly.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from golden_journals import (
    STORIES,
    Asked,
    Golden,
    answers_to,
    differences,
    every_golden,
    read_lines,
    restored,
    write,
    written,
)

from domain.fact import FACTS
from projections.progress import no_progress
from scripts import audit
from scripts.bundle import export_lines
from scripts.service import Service

SHOWN = 20
"""How many differences are shown at most."""
DIFFERENT = ("held", "held_minor", "opening_minor", "recouped_minor", "closing_minor")
"""Of a statement with a debt, what such a debt changes."""
SAMPLE = 4
"""On PostgreSQL, which is slower to ask, one of so many questions; on SQLite every one."""


def test_every_version_has_every_journal() -> None:
    found = every_golden()
    assert {one.name for one in found if one.version == "0.1"} == set(STORIES)


def test_a_version_that_is_kept_is_not_written_again() -> None:
    with pytest.raises(FileExistsError):
        write("0.1")


def test_the_first_version_has_every_kind_of_fact_it_knew() -> None:
    """… and what was a kind of fact remains one."""
    first = (one for one in every_golden() if one.version == "0.1")
    kept = {line["topic"] for one in first for line in read_lines(one.facts)}
    assert len(kept) == 53
    assert kept <= set(FACTS)


@pytest.mark.parametrize("golden", every_golden(), ids=lambda one: f"{one.version}-{one.name}")
def test_a_golden_journal_is_read_as_it_was(golden: Golden, database: str) -> None:
    lines = read_lines(golden.facts)
    with restored(database, lines) as service:
        found = list(changed(service, golden, 1 if database.startswith("sqlite:") else SAMPLE))
        assert not found, f"{len(found)} answers differ:\n" + "\n".join(found[:SHOWN])
        assert written(export_lines(service.journal)) == written(lines)
        for check in audit.CHECKS.values():
            assert isinstance(audit.first_difference(check, service, no_progress), str)


def changed(service: Service, golden: Golden, sample: int) -> Iterator[str]:
    """Which answers differ, and where."""
    kept = read_lines(golden.answers)[::sample]
    asked = [Asked(*one) for *one, _ in kept]
    for question, (*_, before), now in zip(asked, kept, answers_to(service, asked), strict=True):
        pair = mended(question, before, now) if golden.version == "0.1" else (before, now)
        for difference in differences(*pair):
            yield f"{question}: {difference}"


def mended(asked: Asked, before: Any, now: Any) -> tuple[Any, Any]:
    """Both answers without what versions after 0.1 were asked to answer differently."""
    if asked.question == "list_works" and asked.said.get("never_remixed"):
        # What was withdrawn is offered no more.
        standing = [one for one in before["items"] if one["state"] != "withdrawn"]
        return before | {"items": standing}, now
    if asked.question in ("list_works", "list_contributors") and asked.said.get("q"):
        # A search finds letters with accents as well.
        known = {one["id"] for one in before["items"]}
        return before, now | {"items": [one for one in now["items"] if one["id"] in known]}
    if asked.question in ("show_lineage", "list_work_contributors", "show_pool_statement"):
        return _without_debts(*_without_order(asked.question, before, now))
    if asked.question == "show_proposal" and "warnings" in before:
        # Who has a share under an account that was merged since is not missing.
        gone = [one for one in before["warnings"] if one not in now["warnings"]]
        assert {one["kind"] for one in gone} <= {"contributor"}
        before = before | {"warnings": [one for one in before["warnings"] if one not in gone]}
    if before.get("refused") == "parent_not_older":
        # Only a cycle is refused.
        assert now.get("refused") != "parent_not_older"
        return {}, now
    if asked.question == "list_payouts" and asked.said.get("payee"):
        # People read their own payouts, and nobody else's, under each of their accounts.
        known = {one["id"] for one in before.get("items", ())}
        came = [one for one in now.get("items", ()) if one["id"] not in known]
        assert len({one["payee"]["id"] for one in came}) <= 1
        rest = [one for one in now.get("items", ()) if one["id"] in known]
        return ({}, now) if "refused" in before else (before, now | {"items": rest})
    return _without_debts(before, now)


def _without_debts(before: Any, now: Any) -> tuple[Any, Any]:
    """What could be paid or is held beside a debt, net of it, as a payout is."""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [_without_debts(*each) for each in zip(before, now, strict=True)]
        return [one for one, _ in pairs], [other for _, other in pairs]
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return before, now
    pairs = {name: _without_debts(before[name], now[name]) for name in before if name in now}
    both = [{name: each[which] for name, each in pairs.items()} for which in (0, 1)]
    if before.get("debt_minor"):
        for each in both:
            each["payable_minor"] += each.pop("held_minor") - each.pop("debt_minor")
    has_debt = (before.get("balances") or before.get("totals") or {}).get("debt_minor")
    left_out = DIFFERENT if has_debt or before.get("recouped_minor") else ()
    missing = {name: each for name, each in before.items() if name not in now}
    kept = {name: each for name, each in both[0].items() if name not in left_out}
    return kept | missing, now | both[1]


def _without_shares(answer: Any) -> Any:
    """The statement of a pool without its agreement: what everybody has."""
    lines = [{**line, "share": None} for line in answer["lines"] if line["earned_minor"]]
    lines.sort(key=lambda line: str(line["payee"]["id"]))
    return {**answer, "agreement": None, "waived": [], "lines": lines}


def _without_order(question: str, before: Any, now: Any) -> tuple[Any, Any]:
    """Both answers: nobody stands twice, people are in the order of their ids, and the shares of a
    pool are compared where the same agreement was in force."""
    if question == "show_lineage" and "nodes" in before:
        # Who stands in a work twice in the same role, after a merge, stands there once.
        return before | {"nodes": [_once(node) for node in before["nodes"]]}, now
    if question == "list_work_contributors" and "items" in before:
        # Within a generation in the order of the credits, no longer in that of admission.
        assert before["next"] is now["next"] is None
        return _by_person(before), _by_person(now)
    if question == "show_pool_statement" and before.get("agreement") != now.get("agreement"):
        # The shares are those in force, not those recorded last.
        return _without_shares(before), _without_shares(now)
    return before, now


def _once(node: Any) -> Any:
    """A work, in which nobody stands twice in one role."""
    made = {(one["id"], one["role"]): one for one in node["contributors"]}
    return node | {"contributors": list(made.values())}


def _by_person(answer: Any) -> Any:
    """People within each generation, in the order of their ids."""
    items = sorted(answer["items"], key=lambda one: (one["generation"], one["contributor"]["id"]))
    return answer | {"items": items}


@pytest.mark.parametrize(
    "kept, now, found",
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": [{"b": "1"}]}, {"a": [{"b": "2"}]}, [".a[0].b was '1', is '2'"]),
        ({"a": 1}, {"b": 1}, [".a is gone"]),
        ({"a": [1]}, {"a": [1, 2]}, [".a was [1], is [1, 2]"]),
        ({"a": 1}, {"a": True}, [".a was 1, is True"]),
        ({"a": None}, {"a": {}}, [".a was None, is {}"]),
    ],
)
def test_a_difference_is_a_value_that_changed_or_went(
    kept: object, now: object, found: list[str]
) -> None:
    assert list(differences(kept, now)) == found
