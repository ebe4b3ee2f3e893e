"""What a credit discloses: uses of AI, the kind of evidence; and when two credits are one."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from serving import serving
from stories import OPERATOR, Story, at_once, id_of, story
from test_policies import lines_run

from domain.disclosure import AI_PARTS, AI_USES
from domain.refusal import Refusal
from projections import attribution, billing, disputes, listing, parts
from projections.roll import roll
from scripts import bundle
from scripts.settings import BadSetting, read_settings

DIGEST = "ab" * 32


def song(told: Story, **said: Any) -> str:
    """A song by Ana, with what is said of her credit."""
    author = {"contributor": told.person("Ana"), "role": "singer", **said}
    return told.tell(
        "submit_contribution", title="song", medium="audio", id=id_of("song"), authors=[author]
    ).id


# -- AI --------------------------------------------------------------------------------------


def test_a_credit_tells_which_part_ai_made_and_how(database: str) -> None:
    with story(database) as told:
        work = song(told, ai=["vocals partly", "lyrics fully"], ai_tool="a voice model")
        quiet = told.piece("quiet", by=[id_of("Ana")])
        human = told.piece("human")
        told.credit(human, id_of("Ana"), ai=["none"])
        with told.view() as view:
            (credit,) = attribution.all_credits(view, work).items
            assert credit["ai"] == ["vocals partly", "lyrics fully"]
            assert credit["ai_tool"] == "a voice model"
            assert attribution.all_credits(view, quiet).items[0]["ai"] is None

            def found(ai: str) -> list[str]:
                return [one["id"] for one in listing.works(view, ai=ai).items]

            expected = {"vocals": [work], "lyrics": [work], "any": [work], "none": [human]}
            for asked in ("any", "none", *AI_PARTS):
                assert found(asked) == expected.get(asked, []), asked
        told.tell("forget_contributor", id=id_of("Ana"), ground="request")
        with told.view() as view:
            assert attribution.all_credits(view, work).items[0]["ai_tool"] is None


@pytest.mark.parametrize(
    "ai, code",
    [
        (["none", "vocals fully"], "contradictory_disclosure"),
        (["vocals fully", "vocals partly"], "contradictory_disclosure"),
        (["none", "none"], "contradictory_disclosure"),
        (["vocals"], "unknown_kind"),
        (["dance fully"], "unknown_kind"),
    ],
)
def test_a_disclosure_that_contradicts_itself_is_refused(ai: list[str], code: str) -> None:
    with story("sqlite:///:memory:") as told:
        child, parent = told.piece("child"), told.piece("parent")
        for tell in (partial(song, told), partial(told.edge, child, parent)):
            with pytest.raises(Refusal) as refused:
                tell(ai=ai)
            assert refused.value.code == code


def test_every_use_can_be_said_alone() -> None:
    with story("sqlite:///:memory:") as told:
        work = song(told)
        for use in AI_USES:
            told.credit(work, id_of("Ana"), ai=[use])


# -- evidence --------------------------------------------------------------------------------


def test_evidence_has_a_kind_and_a_digest(database: str) -> None:
    with story(database) as told:
        work = song(told)
        proof = {"evidence": "sleeve", "evidence_kind": "liner_notes", "evidence_sha256": DIGEST}
        credit = told.credit(work, told.person("Ben"), **proof)
        told.tell("dispute_credit", id=credit, grounds="other", reason="r", **proof)
        told.tell("answer_credit", id=credit, reason="r", **proof | {"evidence_kind": "word"})
        with told.view() as view:
            shown = disputes.credit(view, told.journal, credit)
            assert (shown["evidence_kind"], shown["evidence_sha256"]) == ("liner_notes", DIGEST)
            assert shown["dispute"] is not None
            assert shown["dispute"]["evidence_sha256"] == DIGEST
            assert shown["dispute"]["answer"] is not None
            assert shown["dispute"]["answer"]["evidence_kind"] == "word"


@pytest.mark.parametrize("command", ["claim_work", "open_credit"])
def test_a_setting_asks_for_a_kind_of_evidence_before_a_claim(database: str, command: str) -> None:
    with story(database, claim_evidence=("contract", "liner_notes")) as told:
        work, ben = song(told), told.person("Ben")
        own = told.piece("own", actor=ben)
        told.credit(own, ben, actor=ben)
        said = {"claim_work": {"id": work}, "open_credit": {"work": work}}[command]
        said |= {"contributor": ben, "role": "editor", "actor": ben, "evidence": "e"}
        for kind in (None, "word"):
            with pytest.raises(Refusal) as refused:
                told.tell(command, **said, evidence_kind=kind)
            assert refused.value.code == "evidence_kind_needed"
            assert "contract, liner_notes" in str(refused.value)
        claim = told.tell(command, **said, evidence_kind="contract").id
        with told.view() as view:
            assert attribution.credit(view, claim)["state"] == "pending"
        told.tell(command, **said | {"actor": OPERATOR, "role": "host"})


def test_the_setting_names_kinds_that_exist() -> None:
    said = read_settings({"STEMMA_CLAIM_EVIDENCE": "contract word"})
    assert said.claim_evidence == ("contract", "word")
    assert read_settings({}).claim_evidence == ()
    with pytest.raises(BadSetting):
        read_settings({"STEMMA_CLAIM_EVIDENCE": "contract, word"})


# -- one credit ------------------------------------------------------------------------------


SAID: dict[str, Any] = {
    **{"display": "low", "evidence": "e", "credited_as": "B.", "join_phrase": " & "},
    **{"character": "Sea", "billing": 2, "ai": ["none"], "ai_tool": "t"},
    **{"evidence_kind": "word", "evidence_sha256": DIGEST, "kind": "influence"},
    **{"role": "host", "effective_at": "2020"},
}


def test_the_same_credit_without_an_id_is_the_same_credit(database: str) -> None:
    with story(database) as told:
        work, ben = song(told), told.person("Ben")
        first, bare = told.credit(work, ben, **SAID), told.credit(work, ben)
        assert told.credit(work, ben, **SAID) == first
        assert told.credit(work, ben) == bare != first
        head = told.head()
        for name in SAID:
            others = {one: value for one, value in SAID.items() if one != name}
            assert told.credit(work, ben, **others) != first, name
        assert told.head() == head + len(SAID)
        told.tell("revoke_credit", id=bare, reason="r")
        assert told.credit(work, ben) != bare


def test_the_same_credit_at_the_same_moment_is_recorded_once(database: str) -> None:
    with story(database) as told:
        work, ben = song(told), told.person("Ben")
        ids = at_once(*[lambda: told.credit(work, ben)] * 4)
        assert len(set(ids)) == 1
        assert told.topics().count("credit.granted") == 2


def test_the_same_line_twice_is_the_same_credit() -> None:
    with story("sqlite:///:memory:") as told:
        work, ben = song(told), told.person("Ben")
        line = {"type": "credit", "work": work, "contributor": ben, "role": "editor"}
        report = bundle.import_lines(told.journal, [bundle.FoundLine("", line)] * 2)
        assert (report.recorded.total(), report.unchanged.total()) == (1, 1)


def test_an_author_who_is_named_twice_is_credited_once() -> None:
    with story("sqlite:///:memory:") as told:
        ana = {"contributor": told.person("Ana"), "role": "singer"}
        work = told.tell(
            "submit_contribution",
            title="t",
            medium="audio",
            authors=[ana, ana, {**ana, "role": "drummer"}],
        ).id
        with told.view() as view:
            roles = [one["role"] for one in attribution.all_credits(view, work).items]
            assert roles == ["singer", "drummer"]


def test_each_of_very_many_authors_is_looked_at_once() -> None:
    """A choir of 10,000 took a quarter of a minute, each compared with all before."""
    with story("sqlite:///:memory:") as told:
        ana = told.person("Ana")

        def sung(people: int) -> int:
            said = [{"contributor": ana, "role": "singer", "billing": n + 1} for n in range(people)]
            piece = {"title": "t", "medium": "audio", "authors": said}
            return lines_run(lambda: told.tell("submit_contribution", **piece))

        assert sung(400) < 9 * sung(50)


def test_a_person_merged_from_two_singers_stands_once(database: str, tmp_path: Path) -> None:
    with story(database) as told:
        two = [told.person("Ana"), told.person("Anna")]
        work = told.piece("song", by=two, role="singer")
        release = told.release("album", work)
        told.tell("merge_contributor", id=two[1], into=two[0])
        with told.view() as view:
            nodes = billing.lineage_with_makers(view, release).works
            assert [one["name"] for one in nodes[work]["contributors"]] == ["Ana"]
            assert len(parts.of_work(view, release).items) == 1
            (singers,) = roll(view, release).direct
            assert [one["name"] for one in singers["people"]] == ["Ana"]
        with told.view(as_of=told.head() - 1) as view:
            assert len(parts.of_work(view, release).items) == 2
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        one, two = (served.operator.post("/contributors", name=name).id for name in ("Ana", "A."))
        authors = [{"contributor": id, "role": "singer"} for id in (one, two)]
        work = served.operator.post(
            "/contributions", title="song", medium="audio", authors=authors
        ).id
        served.operator.post(f"/contributors/{two}/merge", into=one)
        page = served.operator.get(f"/piece/{work}").text
        assert page.count("the credit of Ana as singer") == 1
