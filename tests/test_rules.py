"""An audit of the facts is an audit of the rules: what led to each fact is decided again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from golden_journals import put_back
from stories import NOON, Story, days_before, every_fact, id_of, story

from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import Fact
from domain.grant import Grant, grant_id
from domain.join import Join
from domain.money.hold import Hold, hold_on
from domain.note import SignerKey
from domain.outside import outside_id
from domain.permission import OPERATOR
from domain.refusal import LineageCycle
from domain.remix import Remix
from domain.stored import Placed
from domain.work import Work
from projections.progress import no_progress
from scripts.bundle import export_lines
from scripts.difference import all_differences
from scripts.replay import append
from scripts.rules import GAINED, rules

SIGNER = SignerKey.new("stemma.example/log")


def decided_again(told: Story) -> list[str]:
    found = all_differences(rules, told.service, no_progress)
    return [] if isinstance(found, str) else list(map(str, found))


def recorded(told: Story, kind: type[Fact], id: str, /, **content: Any) -> str:
    """A fact that somebody put into the journal without a command."""
    said = {"actor": OPERATOR, "timestamp": told.journal.clock()} | content
    version = len(told.journal.facts.streams([id])) + 1
    happened = kind(originator_id=id, originator_version=version, **said)
    stored = told.journal.mapper.to_stored_event(happened)
    at = [told.head() + 1]  # as an import of whole facts does, which keeps their times
    (position,) = told.journal.append_stored([stored], facts=[happened], positions=at)
    return f"position {position}: "


@pytest.mark.after(told=every_fact)
def test_everything_that_was_recorded_by_commands_is_allowed(database: str) -> None:
    with story(database) as told:
        found = all_differences(rules, told.service, no_progress)
        assert isinstance(found, str), found


def test_an_equal_credit_under_an_id_of_its_own_is_another_one(database: str) -> None:
    """Who names no id posts the same again; who names one says that it is another credit."""
    with story(database) as told:
        said = {"work": told.piece("poem"), "contributor": told.person("ana"), "role": "writer"}
        first = told.tell("open_credit", **said).id
        assert told.tell("open_credit", **said).id == first
        assert told.tell("open_credit", id=id_of("another"), **said).id != first
        assert isinstance(all_differences(rules, told.service, no_progress), str)


def test_who_uses_what_others_cited_may_be_the_first_to_say_what_it_is(
    database: str, other_database: str
) -> None:
    """Such a history can be audited and restored."""
    source = {"uri": "https://example.org/waves", "kind": "sample"}
    other = {"uri": "urn:tide", "kind": "sample", "licence": "CC0-1.0"}
    with story(database) as told, story(other_database) as back:
        for name, sources in {
            "ana": [source],
            "ben": [source | {"licence": "CC0-1.0"}, other],
            "eva": [other | {"title": "Tide"}, source | {"title": "Waves", "creators": "Theo"}],
        }.items():
            said = {"title": f"{name}'s", "medium": "audio", "sources": sources}
            told.tell("submit_contribution", **said, actor=told.person(name))
        assert told.topics().count("work.described") == 4
        put_back(back.service, list(export_lines(told.journal)))
        assert decided_again(told) == decided_again(back) == []


def test_a_role_that_an_earlier_version_gave_to_a_forgotten_person_is_no_fault(
    database: str,
) -> None:
    with story(database) as told:
        ana, gus = told.person("ana"), told.person("gus")
        told.tell("forget_contributor", id=gus, ground="request")
        told.service.follower.catch_up()
        said = {"contributor": gus, "role": "auditor"}
        recorded(told, Grant.Granted, grant_id(gus, "auditor"), **said)
        assert decided_again(told) == []
        said = {"contributor": ana, "role": "auditor", "actor": gus}
        fault = recorded(told, Grant.Granted, grant_id(ana, "auditor"), **said)
        assert [one.startswith(fault) for one in decided_again(told)] == [True]


def without(facts: list[Placed], name: str) -> list[StoredEvent]:
    """The facts as a version would have recorded them that did not know a field."""
    told = [(one, {**json.loads(one.state)}) for one in facts]
    for _, content in told:
        content.pop(name, None)
    states = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for _, one in told)
    return [
        StoredEvent(*one[1:4], state.encode()) for (one, _), state in zip(told, states, strict=True)
    ]


@pytest.mark.after(told=every_fact)
@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("name", [one for one, topics in GAINED.items() if topics])
def test_a_field_is_missed_only_after_some_fact_has_said_it(
    database: str, other_database: str, name: str, is_known: bool
) -> None:
    """An earlier version did not know it; one that does never leaves it out."""
    with story(database) as told:
        facts = told.facts()
    first, *others = [
        one.position
        for one in facts
        if f'"{name}":'.encode() in one.state and one.topic != "hold.opened"  # not decided whole
    ]
    known = first if is_known else 0
    with story(other_database) as old:
        said = [StoredEvent(*one[1:5]) for one in facts[:known]]
        append(old.service, 0, [*said, *without(facts[known:], name)])
        missed = others if is_known else []
        assert [one.split(":")[0] for one in decided_again(old)] == [
            f"position {position}" for position in missed
        ]
    assert others


def test_what_changed_nothing_could_be_said_again(database: str) -> None:
    """The pages of earlier versions offered it to everybody."""
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        said = {"work": told.piece("poem", actor=ana), "contributor": ana, "actor": ana}
        credit = told.credit(said["work"], ana, actor=ana)
        recorded(told, Credit.Shown, credit, **said)
        recorded(told, Contributor.StoppedAsking, ana, actor=ana)
        assert decided_again(told) == []
        fault = recorded(told, Contributor.StoppedAsking, ana, actor=ben)
        assert [one.startswith(fault) for one in decided_again(told)] == [True]


class Scene:
    """A piece of Ana's from Ben's, with a credit of Eva, which Ana disputes."""

    def __init__(self, told: Story) -> None:
        self.told = told
        self.ana, self.ben, self.eva = (told.person(name) for name in ("ana", "ben", "eva"))
        self.mod = told.person("mod")
        told.tell("grant_role", id=self.mod, role="moderator")
        self.source = told.piece("source", actor=self.ben)
        self.piece = told.piece("piece", self.source, actor=self.ana)
        self.claim = told.credit(self.piece, self.eva, actor=self.eva)
        self.granted = told.credit(self.piece, self.mod, actor=self.ana)
        said = {"grounds": "other", "reason": "r", "evidence": "e"}
        told.tell("dispute_credit", id=self.granted, actor=self.ben, **said)

    def add(self, kind: type[Fact], id: str, /, **content: Any) -> str:
        return recorded(self.told, kind, id, **content)


def a_cycle(to: Scene) -> str:
    said = {"child": to.source, "parent": to.piece, "kind": "sample"}
    return to.add(Remix.Declared, id_of("x"), **said) + "remix.declared could not happen"


def an_edge_to_nothing(to: Scene) -> str:
    said = {"child": to.piece, "parent": id_of("nothing"), "kind": "sample"}
    return to.add(Remix.Declared, id_of("x"), **said) + "remix.declared could not happen: There is"


def a_credit_of_nobody(to: Scene) -> str:
    said = {"work": to.piece, "contributor": id_of("nobody"), "role": "editor", "kind": "direct"}
    return to.add(Credit.Granted, id_of("x"), **said) + "credit.granted could not happen: There is"


def an_unknown_role(to: Scene) -> str:
    said = {"work": to.piece, "contributor": to.eva, "role": "wizardess", "kind": "direct"}
    return to.add(Credit.Granted, id_of("x"), **said) + "credit.granted could not happen"


def a_claim_accepted_by_a_stranger(to: Scene) -> str:
    said = {"work": to.piece, "contributor": to.eva, "actor": to.ben}
    return to.add(Credit.Accepted, to.claim, **said) + f"credit.accepted could not happen: {to.ben}"


def a_dispute_settled_by_a_party(to: Scene) -> str:
    said = {"work": to.piece, "contributor": to.mod, "disputer": to.ben, "outcome": "dismissed"}
    said |= {"stands_as": "granted", "reason": "x", "actor": to.mod}
    return to.add(Credit.Settled, to.granted, **said) + "credit.settled could not happen"


def a_dispute_withdrawn_by_another(to: Scene) -> str:
    said = {"work": to.piece, "contributor": to.mod, "disputer": to.ben, "outcome": "withdrawn"}
    said |= {"stands_as": "granted", "reason": "x", "actor": to.ana}
    return to.add(Credit.Settled, to.granted, **said) + "credit.settled could not happen"


def a_credit_revoked_by_a_stranger(to: Scene) -> str:
    said = {"work": to.piece, "contributor": to.eva, "actor": to.ben}
    return to.add(Credit.Revoked, to.claim, **said) + "credit.revoked could not happen"


def a_role_that_somebody_gave_themself(to: Scene) -> str:
    said = {"contributor": to.eva, "role": "moderator", "actor": to.eva}
    return to.add(Grant.Granted, grant_id(to.eva, "moderator"), **said) + "role.granted could not"


def a_hold_by_somebody_who_keeps_no_books(to: Scene) -> str:
    said = {"credit": to.claim, "work": to.piece, "contributor": to.eva, "actor": to.eva}
    return to.add(Hold.Opened, hold_on(to.claim), **said) + "hold.opened could not happen"


def a_right_that_somebody_took(to: Scene) -> str:
    said = {"right_holder": to.eva, "reason": "x", "actor": to.eva}
    return to.add(Work.RightStated, to.piece, **said) + "work.right_stated could not happen"


def a_source_that_a_stranger_described(to: Scene) -> str:
    said = {"child": to.source, "uri": "urn:tide", "kind": "sample"}
    to.told.tell("declare_remix", **said, actor=to.ben)
    place = to.add(Work.Described, outside_id("urn:tide"), licence="CC0-1.0", actor=to.eva)
    return f"{place}what belongs to the work.described before it is left out"


def somebody_unknown(to: Scene) -> str:
    said = {"made_at": "1999", "made": "1999-01-01T00:00:00.000000Z", "reason": "x"}
    return to.add(Work.Redated, to.piece, actor=id_of("nobody"), **said) + "work.redated could not"


def time_that_runs_backwards(to: Scene) -> str:
    said = {"made_at": "1999", "made": "1999-01-01T00:00:00.000000Z", "reason": "x"}
    with days_before(to.told, 3):
        place = to.add(Work.Redated, to.piece, **said)
    return f"{place}time runs backwards"


def a_time_to_come(to: Scene) -> str:
    said = {"made_at": "1999", "made": "1999-01-01T00:00:00.000000Z", "reason": "x"}
    place = to.add(Work.Redated, to.piece, timestamp=datetime(2099, 1, 1, tzinfo=UTC), **said)
    return f"{place}the latest fact is of 2099-01-01"


CHEATS: tuple[Callable[[Scene], str], ...] = (
    *(a_cycle, an_edge_to_nothing, a_credit_of_nobody, an_unknown_role),
    *(a_claim_accepted_by_a_stranger, a_dispute_settled_by_a_party, a_dispute_withdrawn_by_another),
    *(a_credit_revoked_by_a_stranger, a_role_that_somebody_gave_themself),
    *(a_hold_by_somebody_who_keeps_no_books, a_right_that_somebody_took),
    *(a_source_that_a_stranger_described, somebody_unknown),
    *(time_that_runs_backwards, a_time_to_come),
)


def test_what_no_command_could_have_recorded_is_found_where_it_is(database: str) -> None:
    """Each in a journal of its own, one after the other: those before are found as well."""
    with story(database, clock=lambda: NOON + timedelta(days=30)) as told:
        to = Scene(told)
        assert decided_again(told) == []
        known: list[str] = []
        for cheat in CHEATS:
            expected = cheat(to)
            found = decided_again(told)
            new = [one for one in found if one not in known]
            assert [one for one in new if one.startswith(expected)], (cheat.__name__, found)
            known = found


def test_a_join_moves_exactly_the_works_that_it_makes_one(database: str) -> None:
    with story(database) as told:
        one, other, third = (told.piece(name) for name in ("one", "other", "third"))
        join = told.tell("join_works", work=one, into=other).id
        assert decided_again(told) == []
        said = {"work": one, "into": other, "reason": "r", "node": one, "moved": f"{one} {third}"}
        where = recorded(told, Join.Undone, join, **said)
        assert decided_again(told) == [
            f"{where}join.undone says another “moved” than its command would have"
        ]


def test_a_join_that_waits_may_not_be_possible_and_does_not_count(database: str) -> None:
    """Whether it would form a cycle is asked when the other agrees."""
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        source = told.piece("source", actor=ana)
        remix = told.piece("remix", source, actor=ben)
        join = told.tell("join_works", work=source, into=remix, actor=ben).id
        with pytest.raises(LineageCycle):
            told.tell("accept_join", id=join, actor=ana)
        assert decided_again(told) == []
        said = {"work": source, "into": remix, "node": remix, "moved": source}
        where = recorded(told, Join.Accepted, join, **said)
        assert decided_again(told)[0].startswith(
            f"{where}join.accepted could not happen: This would close a cycle"
        )
