"""The licences along a lineage are checked when a release is published, sold or added to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commanding import Stemma
from serving import serving
from stories import Story, id_of, story

from domain.identity import part_id
from domain.licensing import RULES
from domain.refusal import LicenceConflict
from projections import around, licences
from scripts import bundle


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as told:
        yield told


def posted(told: Story, title: str, licence: str | None, *sources: str, **said: Any) -> str:
    cited = [{"work": source, "kind": "adaptation"} for source in sources]
    post = {"title": title, "medium": "text", "licence": licence, "id": id_of(title)}
    return told.tell("submit_contribution", **post, sources=cited, **said).id


def codes(told: Story, release: str, as_of: int | None = None) -> list[str]:
    """The rules that the licences of a release break."""
    with told.view(as_of) as view:
        return sorted({one["code"] for one in licences.licences(view, release)["conflicts"]})


CASES = [
    ("CC-BY-NC-4.0", None, "non_commercial"),
    ("CC-BY-ND-4.0", "CC-BY-4.0", "no_derivatives"),
    ("CC-BY-SA-4.0", "CC-BY-4.0", "share_alike"),
    ("CC-BY-4.0", "CC0-1.0", "attribution_dropped"),
    ("CC-BY-4.0", "CC-BY-4.0", None),
]


@pytest.mark.parametrize("source, own, code", CASES)
def test_a_conflict_anywhere_in_a_release_is_recorded_with_its_publication(
    source: str, own: str | None, code: str | None, database: str
) -> None:
    with story(database) as told:
        posted(told, "source", source)
        posted(told, "cut", own, id_of("source"))
        release = told.release("album", id_of("cut"))
        receipt = told.tell("publish_release", id=release)
        said = [one.detail for one in receipt.warnings]
        assert [f"({code})" in one for one in said] == [True] * (code is not None)
        with told.view() as view:
            published = around.work(view, release)["published"]
        assert published is not None
        child = release if code == "non_commercial" else id_of("cut")
        found = [{"code": code, "child": child, "parent": id_of("source")}]
        assert published["conflicts"] == (found if code else [])
        assert codes(told, release) == ([code] if code else [])


@pytest.mark.parametrize("source, own, code", CASES[:-1])
def test_by_setting_it_is_refused_and_what_nobody_pays_for_may_be_non_commercial(
    source: str, own: str | None, code: str
) -> None:
    with story("sqlite:///:memory:") as told:
        posted(told, "source", source)
        posted(told, "cut", own, id_of("source"))
        release = told.release("album", id_of("cut"))
        told.journal.rules.refuses_licences = True
        head = told.head()
        with pytest.raises(LicenceConflict) as refused:
            told.tell("publish_release", id=release)
        assert (refused.value.details["code_of_rule"], told.head()) == (code, head)
        if code == "non_commercial":
            assert told.tell("publish_release", id=release, offered="free").warnings == ()
            terms = {"type": "agreed"}
            said = {"release": release, "name": "n", "kind": "other", "currency": "EUR"}
            with pytest.raises(LicenceConflict):
                told.tell("open_pool", **said, terms=terms)


def test_what_is_added_to_a_release_that_is_sold_is_checked_as_well(told: Story) -> None:
    song, still = posted(told, "song", "CC-BY-4.0"), posted(told, "still", "CC-BY-NC-4.0")
    cut = posted(told, "cut", "CC-BY-NC-4.0", still)
    release = told.release("album", song)
    assert not told.tell("publish_release", id=release).warnings
    edge = part_id(release, "component", 0)
    replaced = told.tell("replace_remix", id=edge, work=cut, reason="r")
    assert {one.code for one in replaced.warnings} == {"licence_conflict"}
    late = {"child": release, "parent": posted(told, "late", "CC-BY-NC-4.0"), "kind": "component"}
    assert [one.code for one in told.tell("declare_remix", **late).warnings] == ["licence_conflict"]
    assert not told.tell("declare_remix", **late | {"kind": "influence"}).warnings


@pytest.mark.parametrize("refuses", [False, True])
def test_a_late_edge_deep_in_a_release_that_is_sold_is_checked_with_all_that_it_brings(
    *, refuses: bool, told: Story
) -> None:
    """By the same setting as a publication; what conflicted before is not said again."""
    ana, ben = told.person("ana"), told.person("ben")
    still = posted(told, "still", "CC-BY-NC-4.0", actor=ben)
    strict = posted(told, "strict", "CC-BY-ND-4.0", actor=ben)
    bent = posted(told, "bent", "CC-BY-4.0", strict, actor=ben)
    brings = posted(told, "brings", None, posted(told, "frame", None, still, bent), actor=ben)
    cut = posted(told, "cut", None, posted(told, "song", None, actor=ana))
    sold, free = (told.release(name, cut) for name in ("sold", "free"))
    told.tell("publish_release", id=sold)
    told.tell("publish_release", id=free, offered="free")
    told.release("not out", cut)
    edge = {"child": id_of("song"), "parent": brings, "kind": "sample"}
    assert not told.tell("declare_remix", **edge | {"kind": "influence", "parent": still}).warnings
    head = told.head()
    claim = told.tell("declare_remix", **edge, actor=ben).id
    told.journal.rules.refuses_licences = refuses
    if refuses:
        for tried in (("declare_remix", edge), ("accept_remix", {"id": claim, "actor": ana})):
            with pytest.raises(LicenceConflict) as refused:
                told.tell(tried[0], **tried[1])
            assert refused.value.details["code_of_rule"] == "no_derivatives"
        assert told.head() == head + 1
        return
    warned = told.tell("accept_remix", id=claim, actor=ana).warnings
    said = [
        (code, child)
        for one in warned
        for code in RULES
        for child in (sold, free, bent)
        if f"({code})" in one.detail and one.detail.count(child)
    ]
    assert sorted(said) == [("no_derivatives", bent), ("non_commercial", sold)]
    assert codes(told, sold) == ["no_derivatives", "non_commercial"]
    assert not told.tell("declare_remix", **edge | {"parent": still}).warnings


@pytest.mark.parametrize("others", [0, 40])
def test_a_late_source_that_is_made_from_nothing_is_checked_as_well(
    others: int, told: Story
) -> None:
    """… whether the works above the edge are fewer or those below it."""
    song = posted(told, "song", None)
    for number in range(others):
        posted(told, f"remix {number}", None, song)
    told.tell("publish_release", id=told.release("sold", posted(told, "cut", None, song)))
    edge = {"child": song, "kind": "sample"}
    assert not told.tell("declare_remix", **edge, parent=posted(told, "hum", None)).warnings
    still = posted(told, "still", "CC-BY-NC-4.0")
    (warned,) = told.tell("declare_remix", **edge, parent=still).warnings
    assert "(non_commercial)" in warned.detail


def test_a_late_source_is_checked_by_the_licence_that_it_has_now(told: Story) -> None:
    song = posted(told, "song", None)
    told.tell("publish_release", id=told.release("sold", posted(told, "cut", None, song)))
    for title, before, now in (
        ("given away", "CC-BY-NC-4.0", "CC0-1.0"),
        ("kept back", "CC0-1.0", "CC-BY-NC-4.0"),
    ):
        still = posted(told, title, before)
        told.tell("describe_work", id=still, licence=now, reason="from now on")
        edge = {"child": song, "parent": still, "kind": "sample"}
        said = [one.code for one in told.tell("declare_remix", **edge).warnings]
        assert said == ["licence_conflict"] * (title == "kept back")


def test_what_earns_money_is_sold_whatever_it_is_offered_as(told: Story) -> None:
    song, still = posted(told, "song", "CC-BY-4.0"), posted(told, "still", "CC-BY-NC-4.0")
    terms = {"name": "n", "kind": "other", "currency": "EUR", "terms": {"type": "agreed"}}
    album, single = told.release("album", still), told.release("single", song)
    given, sold = told.release("given away", still), told.release("sold", still)
    assert told.tell("publish_release", id=sold).warnings
    for release in (album, single, sold):  # what was said when it was published is not said again
        assert not told.tell("open_pool", release=release, **terms).warnings
    told.journal.rules.refuses_licences = True
    with pytest.raises(LicenceConflict) as refused:
        told.tell("publish_release", id=album, offered="free")
    assert refused.value.details["code_of_rule"] == "non_commercial"
    for release in (given, single):
        assert not told.tell("publish_release", id=release, offered="free").warnings
    added = {"kind": "component", "parent": posted(told, "late", "CC-BY-NC-4.0")}
    assert not told.tell("declare_remix", child=given, **added).warnings
    with pytest.raises(LicenceConflict):
        told.tell("declare_remix", child=single, **added)


@pytest.mark.parametrize("refuses", [False, True])
def test_what_is_claimed_of_a_release_that_is_sold_is_checked_when_it_is_accepted(
    *, refuses: bool, told: Story
) -> None:
    ana, ben = told.person("ana"), told.person("ben")
    release = told.release("album", posted(told, "song", "CC-BY-4.0"), actor=ben)
    told.tell("publish_release", id=release, actor=ben)
    still = posted(told, "still", "CC-BY-NC-4.0", actor=ana)
    said = {"child": release, "parent": still, "kind": "component", "actor": ana}
    claims = [told.tell("declare_remix", **said | {"kind": kind}).id for kind in KINDS]
    told.journal.rules.refuses_licences = refuses
    head = told.head()
    accept = {"actor": ben, "reason": "r"}
    if refuses:
        with pytest.raises(LicenceConflict):
            told.tell("accept_remix", id=claims[0], **accept)
        assert told.head() == head
    else:
        warned = told.tell("accept_remix", id=claims[0], **accept).warnings
        assert [one.code for one in warned] == ["licence_conflict"]
    assert not told.tell("accept_remix", id=claims[1], **accept).warnings


KINDS = ("component", "influence")


@pytest.mark.parametrize(
    "licence, own, code",
    [("CC-BY-NC-4.0", None, "non_commercial"), ("CC-BY-SA-4.0", "CC-BY-4.0", "share_alike")],
)
def test_what_is_joined_with_a_part_of_a_release_that_is_sold_is_checked(
    licence: str, own: str | None, code: str, database: str
) -> None:
    """Once: what conflicted before is not said again, nor what is given away."""
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        song = posted(told, "song", None, actor=ana)
        cut = posted(told, "cut", own, song)
        sold, free = told.release("sold", cut), told.release("free", cut)
        told.tell("publish_release", id=sold)
        told.tell("publish_release", id=free, offered="free")
        still = posted(told, "still", licence, actor=ben)
        twin = {"work": posted(told, "twin", licence), "into": still}
        assert not told.tell("join_works", **twin).warnings
        claim = told.tell("join_works", work=still, into=song, actor=ben)
        assert not claim.warnings
        told.journal.rules.refuses_licences = True
        head = told.head()
        with pytest.raises(LicenceConflict) as refused:
            told.tell("accept_join", id=claim.id, actor=ana)
        assert (refused.value.details["code_of_rule"], told.head()) == (code, head)
        told.journal.rules.refuses_licences = False
        (warned,) = told.tell("accept_join", id=claim.id, actor=ana).warnings
        assert f"({code})" in warned.detail
        assert code in codes(told, sold)
        told.journal.rules.refuses_licences = True
        again = posted(told, "again", licence)
        assert not told.tell("join_works", work=again, into=song).warnings


def test_the_licence_of_joined_works_is_that_of_the_one_for_all_or_else_the_first(
    told: Story,
) -> None:
    strict, free = posted(told, "strict", "CC-BY-ND-4.0"), posted(told, "free", "CC-BY-4.0")
    song = posted(told, "song", None)
    for work in (free, strict):
        told.tell("join_works", work=work, into=song)

    def warned(title: str) -> bool:
        cited = [{"work": song, "kind": "adaptation"}]
        said = {"title": title, "medium": "text", "licence": "CC-BY-4.0"}
        return bool(told.tell("submit_contribution", **said, sources=cited).warnings)

    assert warned("by the licence stated first")
    told.tell("describe_work", id=song, licence="CC-BY-4.0", reason="given away")
    assert not warned("by that of the song")


def test_a_licence_that_was_given_is_not_taken_back(database: str) -> None:
    with story(database) as told:
        source = posted(told, "source", "CC-BY-4.0")
        posted(told, "early", "CC-BY-4.0", source)
        album = told.release("album", id_of("early"))
        before = told.head()
        told.tell("describe_work", id=source, licence="CC-BY-NC-4.0", reason="from now on")
        posted(told, "late", "CC-BY-4.0", source)
        other = told.release("other", id_of("late"))
        for release, expected in (
            (album, []),
            (other, ["non_commercial", "non_commercial_dropped"]),
        ):
            receipt = told.tell("publish_release", id=release)
            assert len(receipt.warnings) == len(expected)
            assert codes(told, release) == expected
        with told.view(before) as view:
            assert around.work(view, source)["licence"] == "CC-BY-4.0"
        with told.view() as view:
            assert around.work(view, source)["licence"] == "CC-BY-NC-4.0"
        # Given away since, it may be used under that by everybody.
        told.tell("describe_work", id=source, licence="CC0-1.0", reason="given away")
        assert codes(told, other) == []


def test_every_way_in_says_it_and_the_page_shows_it(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as served:
        said = {"medium": "text", "licence": "CC-BY-NC-4.0"}
        still = served.operator.post("/contributions", title="Still", **said).id
        parts = [{"work": still}]
        made = [
            served.operator.post("/releases", title=str(n), components=parts).id for n in range(3)
        ]
        answer = served.operator.post(f"/releases/{made[0]}/publish")
        assert answer.json["warnings"][0]["code"] == "licence_conflict"
        page = served.operator.get(f"/release/{made[0]}").text
        assert "1 conflict was on record when it was published" in page
        assert "If it is sold" not in page
        run = Stemma(database).run("release", "publish", made[1])
        assert "(non_commercial)" in run.output
        line = {"type": "release.publish", "id": made[2]}
        report = bundle.import_lines(served.service.journal, [bundle.FoundLine("line 1", line)])
        assert "(non_commercial)" in report.warned[0].warning
        served.service.journal.rules.refuses_licences = True
        other = served.operator.post("/releases", title="other", components=parts).id
        refused = served.operator.post(f"/releases/{other}/publish")
        assert (refused.status, refused.code) == (422, "licence_conflict")
        assert served.operator.post(f"/releases/{other}/publish", offered="free").status == 200
        assert ", given away" in served.operator.get(f"/release/{other}").text
