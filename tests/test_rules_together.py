"""An audit of the rules: what nobody could have said of projects, challenges, groups and shares."""

from collections.abc import Callable
from typing import Any

from money import bank
from stories import Story, id_of, story
from test_money_elsewhere import SOLD
from test_rules import decided_again, recorded

from domain.challenge import Answer, Challenge, answer_id
from domain.credit import Credit
from domain.fact import Fact
from domain.identity import part_id
from domain.membership import Membership
from domain.project import Placement, Project, Step, placement_id


class Scene:
    """Two projects, a challenge with an answer in the first, a group, and three who post."""

    def __init__(self, told: Story) -> None:
        tell = told.tell
        self.told = told
        self.ana, self.ben, self.eva, self.band = map(told.person, ("ana", "ben", "eva", "band"))
        said = {"title": "t", "goal": "g", "kind": "song", "steps": [{"title": "s"}]}
        self.one = tell("launch_project", leaders=[self.ben], actor=self.ana, **said).id
        self.other = tell("launch_project", actor=self.eva, **said).id
        self.step, self.further = (part_id(of, "step", 0) for of in (self.one, self.other))
        said = {"title": "c", "prompt": "p", "project": self.one}
        self.call = tell("issue_challenge", actor=self.ana, **said).id
        self.piece = told.piece("piece", actor=self.ben)
        self.own = told.piece("own", actor=self.ana)
        tell("place_contribution", id=self.piece, step=self.step, actor=self.ben)
        tell("answer_challenge", id=self.call, work=self.piece, actor=self.ben)
        self.answer = answer_id(self.call, self.piece)
        self.member = tell("offer_membership", group=self.band, contributor=self.ben).id
        self.credit = told.credit(self.piece, self.eva, actor=self.ben)

    def add(self, kind: type[Fact], id: str, /, **content: Any) -> str:
        return f"{recorded(self.told, kind, id, **content)}{kind.TOPIC}"


def a_leader_by_a_stranger(to: Scene) -> str:
    said = {"contributor": to.eva, "leaders": [to.ana, to.ben, to.eva], "actor": to.eva}
    return to.add(Project.LeaderAssigned, to.one, **said) + " could not happen"


def leaders_that_nobody_assigned(to: Scene) -> str:
    said = {"contributor": to.ana, "leaders": [to.ana, to.band], "actor": to.eva}
    return to.add(Project.LeaderAssigned, to.other, **said) + " says another “leaders”"


def a_project_that_leads_somebody_else(to: Scene) -> str:
    said = {"title": "d", "goal": "d", "kind": "song", "leaders": [to.ben], "actor": to.eva}
    return to.add(Project.Launched, id_of("x"), **said) + " says another “leaders”"


def a_project_without_a_step(to: Scene) -> str:
    """What comes next belongs to it."""
    return to.add(Project.Updated, to.other, text="d", actor=to.eva).replace(
        Project.Updated.TOPIC, f"what belongs to the {Project.Launched.TOPIC} before it is left out"
    )


def nothing_stated(to: Scene) -> str:
    return to.add(Project.Described, to.other, actor=to.ana) + " could not happen"


def a_step_of_another_project(to: Scene) -> str:
    said = {"project": to.other, "title": "d", "actor": to.ana}
    return to.add(Step.Described, to.step, **said) + " says another “project”"


def a_place_in_another_project(to: Scene) -> str:
    said = {"work": to.own, "project": to.one, "step": to.further, "actor": to.ana}
    return to.add(Placement.Made, placement_id(to.own), **said) + " says another “project”"


def a_place_under_another_id(to: Scene) -> str:
    said = {"work": to.own, "project": to.other, "step": to.further, "actor": to.ana}
    return to.add(Placement.Made, id_of("y"), **said) + " is not what comes of its command"


def a_place_that_was_left_in_silence(to: Scene) -> str:
    said = {"work": to.piece, "project": to.other, "step": to.further, "actor": to.ben}
    return to.add(Placement.Made, placement_id(to.piece), **said) + " says another “left”"


def a_challenge_closed_by_a_stranger(to: Scene) -> str:
    return to.add(Challenge.Closed, to.call, actor=to.band) + " could not happen"


def an_answer_in_anothers_name(to: Scene) -> str:
    said = {"challenge": to.call, "work": to.own, "actor": to.eva}
    return to.add(Answer.Given, answer_id(to.call, to.own), **said) + " could not happen"


def another_piece_featured(to: Scene) -> str:
    said = {"challenge": to.call, "work": to.own, "reason": "d", "actor": to.ana}
    return to.add(Answer.Featured, to.answer, **said) + " could not happen"


def a_member_who_was_not_asked(to: Scene) -> str:
    said = {"group": to.band, "contributor": to.ben, "actor": to.band}
    return to.add(Membership.Accepted, to.member, **said) + " could not happen"


def a_group_in_itself(to: Scene) -> str:
    said = {"group": to.band, "contributor": to.band, "actor": to.band}
    return to.add(Membership.Offered, id_of("z"), **said) + " could not happen"


def a_credit_of_another_piece(to: Scene) -> str:
    said = {"work": to.own, "contributor": to.eva, "actor": to.eva}
    return to.add(Credit.Accepted, to.credit, **said) + " says another “work”"


def a_claim_recorded_as_granted(to: Scene) -> str:
    said = {"work": to.piece, "contributor": to.eva, "role": "singer", "kind": "direct"}
    said["actor"] = to.eva
    return to.add(Credit.Granted, id_of("k"), **said) + " is not what comes of its command"


CHEATS: tuple[Callable[[Scene], str], ...] = (
    *(a_leader_by_a_stranger, a_challenge_closed_by_a_stranger, nothing_stated),
    *(a_place_under_another_id, a_place_in_another_project, a_place_that_was_left_in_silence),
    *(another_piece_featured, an_answer_in_anothers_name, a_member_who_was_not_asked),
    *(a_group_in_itself, a_credit_of_another_piece, a_claim_recorded_as_granted),
    *(a_step_of_another_project, leaders_that_nobody_assigned),
    *(a_project_that_leads_somebody_else, a_project_without_a_step),
)


def test_what_nobody_could_have_said_together_is_found_where_it_is(database: str) -> None:
    with story(database) as told:
        to = Scene(told)
        assert decided_again(told) == []
        known: list[str] = []
        for cheat in CHEATS:
            expected = cheat(to)
            found = decided_again(told)
            new = [one for one in found if one not in known]
            assert [one for one in new if one.startswith(expected)], (cheat.__name__, new)
            known = found


def test_a_challenge_moved_out_of_nowhere_is_found(database: str) -> None:
    with story(database) as told:
        to = Scene(told)
        expected = to.add(Challenge.Moved, to.call, project=to.other)
        assert decided_again(told) == [
            f"{expected} says another “left” than its command would have"
        ]


def test_who_assigns_a_share_has_one_and_the_agreement_follows(database: str) -> None:
    with bank(database) as told:
        ana, ben, pub = told.people("Ana", "Ben", "Publisher")
        pool = told.pool()
        told.agree(pool, {ana: "1", ben: "1"})
        said = {"pool": pool, "payee": ana, "to": pub, "effective_at": "2026-02"}
        own = told.tell("assign_share", actor=ana, **said, **SOLD).id
        assert decided_again(told) == []
        (posted, final) = (one.fact() for one in told.facts() if one.originator_id == own)
        for happened in (posted, final):
            content = {name: value for name, value in vars(happened).items() if value is not None}
            content |= {"actor": pub}
            for name in ("originator_id", "originator_version"):
                del content[name]
            place = recorded(told, type(happened), id_of("a"), **content)
        (found,) = decided_again(told)
        assert found.startswith(f"{place}proposal.finalised could not happen: {pub} may not")
