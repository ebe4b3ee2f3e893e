"""A change of name, and a name kept off one credit: everywhere and at every position."""

import json
from pathlib import Path
from typing import Any

import pytest
from money import asset
from serving import serving
from stories import OPERATOR, Story, id_of, story

from domain import contributor
from domain.identity import part_id
from domain.readers import AGREEMENT
from domain.refusal import Refusal
from projections import (
    attribution,
    billing,
    claims,
    contributors,
    disputes,
    graph,
    history,
    listing,
    notices,
    parts,
    people,
)
from projections.money import splitting
from projections.money.pools.proposals import used_but_uncited
from projections.money.readers import Reader
from projections.roll import roll
from projections.timeline import timeline
from scripts import bundle
from scripts.audit import vault

OLD, NEW = "Deadname Dora", "Theo"


def song(told: Story) -> str:
    """A song with two authors, of whom the first is credited under the name of the account."""
    dora = {"contributor": told.person(OLD), "role": "singer", "credited_as": OLD.upper()}
    ben = {"contributor": told.person("Ben"), "role": "singer"}
    return told.tell(
        "submit_contribution",
        title="song",
        medium="audio",
        id=id_of("song"),
        authors=[dora, ben],
    ).id


def everything(told: Story, as_of: int | None, reader: str = "") -> str:
    """Every answer about the song, the release and its people, as text."""
    work, release = id_of("song"), id_of("album")
    with told.view(as_of) as view:
        answers: list[Any] = []
        for one in (work, release):
            shown = billing.lineage_with_makers(view, one)
            answers += [
                attribution.work(view, one),
                parts.of_work(view, one),
                graph.page(view, one),
                billing.line(shown.works[work]["contributors"]),
                roll(view, one)[:3],
                history.of_work(view, told.journal, one, actor=reader),
                claims.on_work(view, one),
            ]
        answers += [listing.works(view), contributors.people(view)]
        credit = part_id(work, "author", 0)
        answers += [disputes.credit(view, told.journal, credit)]
        answers += [history.of_credit(view, told.journal, credit, actor=reader)]
    return json.dumps(answers, default=str, ensure_ascii=False)


def told_of(told: Story) -> str:
    """A release of the song; the position of the last fact before the name changes."""
    work = song(told)
    told.release("album", work)
    return work


# -- a change of name ------------------------------------------------------------------------


def test_a_former_name_is_erased_from_every_answer_at_every_position(database: str) -> None:
    with story(database) as told:
        work = told_of(told)
        first = told.head()
        assert OLD in everything(told, None)
        told.tell("rename_contributor", id=id_of(OLD), name=NEW, actor=id_of(OLD))
        for position in (None, first):
            found = everything(told, position)
            assert OLD not in found
            assert OLD.upper() not in found
            assert NEW in found
        with told.view() as view:
            person = contributors.person(view, id_of(OLD))
            assert (person["name"], person["formerly"], person["state"]) == (NEW, [], "admitted")
            assert contributors.people(view, q="deadname").items == []
            assert [one["name"] for one in contributors.people(view, q="theo").items] == [NEW]
            assert listing.works(view, q="deadname").items == []
        exported = "".join(json.dumps(one) for one in bundle.export_lines(told.journal))
        assert OLD not in exported
        told.credit(work, id_of(OLD), "editor", actor=OPERATOR)
        assert list(vault(told.service, lambda *_: None)) == []


def test_a_former_name_is_kept_if_the_person_says_so(database: str) -> None:
    with story(database) as told:
        told_of(told)
        before = told.head()
        told.tell("rename_contributor", id=id_of(OLD), name="Middle", former="kept")
        told.tell("rename_contributor", id=id_of(OLD), name=NEW, former="kept")
        with told.view() as view:
            person = contributors.person(view, id_of(OLD))
            assert (person["name"], person["formerly"]) == (NEW, ["Middle", OLD])
        with told.view(as_of=before) as view:
            person = contributors.person(view, id_of(OLD))
            assert (person["name"], person["formerly"]) == (OLD, [])
        told.tell("rename_contributor", id=id_of(OLD), name="Last", former="erased")
        with told.view() as view:
            person = contributors.person(view, id_of(OLD))
            assert (person["name"], person["formerly"]) == ("Last", [])


def test_others_do_not_change_a_name() -> None:
    with story("sqlite:///:memory:") as told:
        song(told)
        with pytest.raises(Refusal) as refused:
            told.tell("rename_contributor", id=id_of(OLD), name=NEW, actor=id_of("Ben"))
        assert refused.value.code == "not_permitted"


def test_a_former_name_is_erased_from_what_credits_say_and_from_accounts_that_were_merged(
    database: str,
) -> None:
    with story(database) as told:
        work, other = told_of(told), told.person("Dora")
        told.tell("rename_contributor", id=other, name=f" {OLD}")
        told.tell("merge_contributor", id=other, into=id_of(OLD))
        said = {"credited_as": f"{OLD} & the Ends", "display": f"voice (by {OLD.lower()})"}
        named = told.credit(work, id_of(OLD), "drummer", **said)
        kept = told.credit(work, id_of(OLD), "pianist", display="a doradead thing")
        told.tell("correct_credit", id=named, credited_as=f"D. ({OLD})", reason="r")
        before = told.head()
        told.tell("rename_contributor", id=id_of(OLD), name=NEW, actor=id_of(OLD))
        for position in (None, before):
            assert OLD.lower() not in everything(told, position).lower()
            with told.view(position) as view:
                assert attribution.credit(view, kept)["display"] == "a doradead thing"


def test_a_former_name_is_erased_from_credits_in_any_order_of_its_words(database: str) -> None:
    with story(database) as told:
        work, dora = song(told), id_of(OLD)
        listed = [
            told.credit(work, dora, "drummer", credited_as=said)
            for said in ("Deadname, Dora M.", "Dora M. Deadname")
        ]
        pen_name = told.credit(work, dora, "pianist", credited_as="Dora the Explorer")
        told.tell("rename_contributor", id=dora, name=NEW, actor=dora)
        with told.view() as view:
            assert [attribution.credit(view, one)["credited_as"] for one in listed] == [None, None]
            assert attribution.credit(view, pen_name)["credited_as"] == "Dora the Explorer"


def test_a_work_named_after_its_maker_keeps_its_title_when_the_maker_is_renamed(
    database: str,
) -> None:
    with story(database) as told:
        band = told.person(OLD)
        album = told.piece(OLD.upper(), by=[band], actor=band)
        told.tell("rename_contributor", id=band, name=NEW, actor=band)
        with told.view() as view:
            assert attribution.work(view, album)["title"] == OLD.upper()
        assert list(vault(told.service, lambda *_: None)) == []


def test_a_name_on_more_credits_than_a_fact_can_name_is_erased_by_several(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contributor, "ERASED_IN_ONE_FACT", 4)
    with story(database) as told:
        work, dora = song(told), id_of(OLD)
        for role in ("writer", "drummer", "pianist", "editor", "cellist"):
            told.credit(work, dora, role, credited_as=OLD)
        first = told.head()
        told.tell("rename_contributor", id=dora, name=NEW)
        assert [len(one.fact().erases(None)) for one in told.journal.read(first)] == [4, 3]
        with told.view() as view:
            person = contributors.person(view, dora)
            assert (person["name"], person["formerly"]) == (NEW, [])


def test_who_changed_their_name_can_still_be_forgotten(database: str) -> None:
    with story(database) as told:
        told_of(told)
        told.tell("rename_contributor", id=id_of(OLD), name=NEW)
        told.tell("forget_contributor", id=id_of(OLD), ground="request")
        for position in (None, told.head() - 1, 3):
            assert NEW not in everything(told, position) if position != 3 else True
        with told.view() as view:
            assert contributors.person(view, id_of(OLD))["name"] is None


def test_an_export_with_a_change_of_name_restores_the_same(database: str) -> None:
    with story(database) as told, story("sqlite:///:memory:") as again:
        told_of(told)
        told.tell("rename_contributor", id=id_of(OLD), name=NEW)
        lines = [bundle.FoundLine("", one) for one in bundle.export_lines(told.journal)]
        report = bundle.import_lines(again.journal, lines)
        assert report.refused == []
        assert everything(again, None) == everything(told, None)


# -- a name kept off one credit --------------------------------------------------------------


def test_a_hidden_credit_counts_and_nobody_reads_whose_it_is(database: str) -> None:
    with story(database) as told:
        work = told_of(told)
        dora, credit = id_of(OLD), part_id(work, "author", 0)
        told.tell("dispute_credit", id=credit, grounds="other", reason="r")
        told.tell("answer_credit", id=credit, reason="r", actor=dora)
        before = told.head()
        told.tell("hide_credit", id=credit, actor=dora)
        for position in (None, before):
            for reader in ("", id_of("Ben")):
                found = everything(told, position, reader).replace(f'"id": "{dora}", "name": ', "")
                credits = found.partition('"kind": "release"')[0]
                assert OLD.upper() not in found
                assert dora not in credits
        with told.view() as view:
            roles = parts.of_work(view, id_of("album")).items
            assert [one["contributor"]["name"] for one in roles] == [None, "Ben"]
            assert roles[0]["contributor"]["id"] == credit
            assert parts.in_releases(view, dora).items == []
            assert people.made_by(view, dora).items == []
            assert parts.credits(view, work, dora).items == []
            assert listing.works(view, q="deadname").items == []
            own = disputes.credit_to(view, told.journal, credit, contributors.accounts(view, dora))
            assert own["contributor"]["name"] == OLD
            for reader, sees in (("", False), (id_of("Ben"), False), (dora, True)):
                shown = history.of_credit(view, told.journal, credit, actor=reader).items
                assert bool(shown) == sees
            numbers = [contributors.find_person(view, dora)[0]]
            for reader, sees in (("", False), (dora, True)):
                read = Reader(view, told.journal, reader)
                assert bool(timeline(view, read, numbers, topics=["credit.granted"]).items) == sees
        told.tell("unhide_credit", id=credit, actor=dora)
        with told.view() as view:
            assert attribution.credit(view, credit)["contributor"]["name"] == OLD


def test_a_hidden_credit_is_divided_for_as_its_person_is_paid(database: str) -> None:
    """Somebody with several credits on a work has one share, whichever of them are hidden."""
    with story(database) as told:
        work, dora = song(told), id_of(OLD)
        credits = [part_id(work, "author", 0)]
        credits += [told.credit(work, dora, role) for role in ("writer", "drummer")]
        asked: dict[str, Any] = {
            "policy": "relative_cascade",
            "amount_minor": 90,
            "currency": "EUR",
        }
        for hidden, shown in ((0, dora), (1, dora), (2, credits[0])):
            told.tell("hide_credit", id=credits[hidden], actor=dora)
            with told.view() as view:
                lines = splitting.split_of(view, work, **asked).items
            assert {one["payee"]["id"]: one["amount_minor"] for one in lines} == {
                shown: 45,
                id_of("Ben"): 45,
            }


def test_who_hides_a_credit_still_reads_its_pool_and_is_not_missed_where_they_have_a_share() -> (
    None
):
    with story("sqlite:///:memory:") as told:
        work, dora = song(told), id_of(OLD)
        release = told.release("album", work)
        told.tell("hide_credit", id=part_id(work, "author", 0), actor=dora)
        terms = {"name": "n", "kind": "other", "currency": "EUR", "terms": {"type": "agreed"}}
        pool = told.tell("open_pool", release=release, **terms).id
        with told.view() as view:
            for reader, may in ((dora, True), (told.person("Eva"), False)):
                assert Reader(view, told.journal, reader).may(AGREEMENT, pool) == may
            shares = [asset(work, {dora: "1"})]
            missing = used_but_uncited(view, release, shares)
            assert [one["name"] for one in missing] == ["Ben"]
            missing = used_but_uncited(view, release, [asset(work, {id_of("Ben"): "1"})])
            assert [one["id"] for one in missing] == [part_id(work, "author", 0)]


def test_the_evidence_of_a_hidden_credit_is_for_its_person(database: str) -> None:
    with story(database) as told:
        work, dora = song(told), id_of(OLD)
        evidence = {"evidence": f"Contract of {OLD}", "evidence_sha256": "ab" * 32}
        credit = told.credit(work, dora, "drummer", **evidence)
        told.tell("hide_credit", id=credit, actor=dora)
        with told.view() as view:
            assert "Contract" not in json.dumps(attribution.work(view, work))
            for them, seen in (
                ((), None),
                (contributors.accounts(view, dora), evidence["evidence"]),
            ):
                assert attribution.credit(view, credit, them)["evidence"] == seen


def test_a_hidden_credit_says_nothing_that_names_its_person_nor_does_a_notice(
    database: str,
) -> None:
    with story(database) as told:
        poster, dora = told.person("Poster"), told.person(OLD)
        said = {"display": "sung by D.", "character": "Ophelia", "credited_as": "D."}
        authors = [{"contributor": dora, "role": "singer", **said}]
        post = {"title": "song", "medium": "audio", "authors": authors}
        work = told.tell("submit_contribution", **post, actor=poster).id
        credit = part_id(work, "author", 0)
        told.tell("dispute_credit", id=credit, grounds="other", reason="r", evidence="e")
        told.tell("answer_credit", id=credit, reason="it is D.", actor=dora)
        told.tell("hide_credit", id=credit, actor=dora)
        with told.view() as view:
            shown = json.dumps(attribution.work(view, work)["credits"])
            assert not any(word in shown for word in ("D.", "Ophelia", dora))
            for asked in ("Ophelia", "sung"):
                assert listing.works(view, q=asked).items == []
            for person, reader, known in (
                (poster, poster, 0),
                (poster, OPERATOR, 2),
                (dora, dora, 2),
            ):
                noticed = notices.of_contributor(view, told.journal, person, actor=reader).items
                assert len(noticed) == known, (person, reader)


def test_only_the_person_hides_their_credit() -> None:
    with story("sqlite:///:memory:") as told:
        credit = part_id(song(told), "author", 0)
        with pytest.raises(Refusal) as refused:
            told.tell("hide_credit", id=credit, actor=id_of("Ben"))
        assert refused.value.code == "not_permitted"


def test_pages_of_a_hidden_credit_do_not_name_anybody(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        dora = served.operator.post("/contributors", name=OLD).id
        ben = served.operator.post("/contributors", name="Ben").id
        work = served.operator.post(
            "/contributions",
            title="song",
            medium="audio",
            authors=[{"contributor": dora, "role": "singer"}],
        ).id
        release = served.operator.post("/releases", title="A", components=[{"work": work}]).id
        credit = served.operator.get(f"/works/{work}").json["credits"][0]["id"]
        served.acting(dora).post(f"/credits/{credit}/hide")
        reader = served.acting(ben)
        for path in (f"/piece/{work}", f"/release/{release}", f"/credit/{credit}"):
            page = reader.get(path)
            assert page.status == 200, path
            assert OLD not in page.text, path
            assert dora not in page.text, path
        assert "shown to others without the name" in page.text
        assert not {"None", "erased"} & {*page.text.split()}
        assert "/receipts/" not in page.text, "what nobody else may read is offered to nobody else"
        for path in (f"/works/{work}/history", f"/works/{release}/lineage", f"/credits/{credit}"):
            found = reader.get(path).text
            assert OLD not in found
            assert dora not in found
        position = next(
            one.position for one in served.service.journal.read() if one.topic == "credit.granted"
        )
        assert reader.get(f"/facts/{position}/receipt").status == 403
        assert served.acting(dora).get(f"/facts/{position}/receipt").status != 403
        assert reader.get(f"/contributor/{credit}").status == 303
