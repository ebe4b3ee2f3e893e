"""Another licence for a work: agreed by those credited, never retroactive."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serving import serving
from stories import OPERATOR, Story, at_once, id_of, story

from domain.refusal import LicenceConflict, LicenceNotAgreed, NotPermitted, WrongState
from projections import around, attribution, listing
from scripts.stemma import main

BY, FREE = "CC-BY-4.0", "CC0-1.0"


def song_of(told: Story, *names: str, licence: str | None = BY, **said: Any) -> str:
    """A song that Ana posted, and on which these are credited."""
    authors = [{"contributor": told.person(name), "role": "singer"} for name in names]
    posted = {"title": "song", "medium": "audio", "licence": licence, "id": id_of("song")}
    return told.tell(
        "submit_contribution", **posted, authors=authors, actor=told.person("ana"), **said
    ).id


def credits_of(told: Story, work: str) -> dict[str, str]:
    with told.view() as view:
        found = attribution.all_credits(view, work).items
        return {str(one["contributor"]["name"]): one["id"] for one in found}


def relicense(told: Story, licence: str, actor: str = id_of("ana")) -> None:
    told.tell("describe_work", id=id_of("song"), licence=licence, reason="r", actor=actor)


def test_it_takes_the_agreement_of_everybody_credited_and_is_history(database: str) -> None:
    with story(database) as told:
        song = song_of(told, "ana", "ben", "cleo")
        credits = credits_of(told, song)
        before = told.head()
        with pytest.raises(LicenceNotAgreed) as refused:
            relicense(told, FREE)
        assert refused.value.details["credits"] == (credits["ben"], credits["cleo"])
        relicense(told, "cc by 4.0")  # the same one in other words
        for name in ("ben", "cleo"):
            with pytest.raises(LicenceNotAgreed):
                relicense(told, FREE)
            said = {"id": credits[name], "licence": "cc0", "actor": id_of(name)}
            told.tell("agree_licence", **said)
        with pytest.raises(LicenceNotAgreed):  # they agreed to another one
            relicense(told, "MIT")
        relicense(told, FREE)
        with told.view() as view:
            assert around.work(view, song)["licence"] == FREE
            assert attribution.credit(view, credits["ben"])["agreed_licence"] == "cc0"
        with told.view(as_of=before) as view:
            assert around.work(view, song)["licence"] == BY
            assert attribution.credit(view, credits["ben"])["agreed_licence"] is None
        with pytest.raises(LicenceNotAgreed):  # what was agreed before is used up
            relicense(told, BY)


def test_everybody_credited_directly_must_have_agreed_to_this_licence(told: Story) -> None:
    song = song_of(told, "ben")
    credits = credits_of(told, song)
    told.credit(song, told.person("eva"), kind="influence")
    gone = told.credit(song, told.person("gus"))
    told.tell("decline_credit", id=gone, actor=id_of("gus"))
    for by in (id_of("ana"), OPERATOR):
        with pytest.raises(LicenceNotAgreed) as refused:
            relicense(told, FREE, by)
        assert refused.value.details["credits"] == (credits["ben"],)
    with pytest.raises(NotPermitted):
        told.tell("agree_licence", id=credits["ben"], licence=FREE, actor=id_of("ana"))
    with pytest.raises(WrongState):
        told.tell("agree_licence", id=gone, licence=FREE, actor=id_of("gus"))
    told.tell("agree_licence", id=credits["ben"], licence="MIT", actor=id_of("ben"))
    told.tell("agree_licence", id=credits["ben"], licence=FREE, actor=id_of("ben"))
    # Somebody else is credited meanwhile, and merged into who agreed.
    told.credit(song, told.person("benny"))
    with pytest.raises(LicenceNotAgreed):
        relicense(told, FREE)
    told.tell("merge_contributor", id=id_of("benny"), into=id_of("ben"))
    relicense(told, FREE)


def test_nobody_is_asked_by_a_sole_author_for_a_first_licence_or_of_what_is_elsewhere(
    told: Story,
) -> None:
    song_of(told, "ana")
    relicense(told, FREE)
    other = told.piece("other", by=[told.person("ben")], actor=id_of("ana"))
    told.tell("describe_work", id=other, licence=BY, reason="r", actor=id_of("ana"))
    cited = {"uri": "https://example.org/a", "kind": "sample", "licence": BY}
    told.tell("submit_contribution", title="t", medium="text", sources=[cited])
    with told.view() as view:
        (outside,) = listing.works(view, kind="outside").items
    told.tell("claim_work", id=outside["id"], contributor=id_of("ben"), role="writer")
    told.tell("describe_work", id=outside["id"], licence=FREE)


def test_a_licence_that_the_sources_do_not_allow_is_warned_of_or_refused(told: Story) -> None:
    source = told.tell(
        "submit_contribution", title="s", medium="text", licence="CC-BY-SA-4.0", id=id_of("s")
    ).id
    song_of(told, licence="CC-BY-SA-4.0", sources=[{"work": source, "kind": "sample"}])
    said = {"id": id_of("song"), "licence": BY, "reason": "r"}
    (warning,) = told.tell("describe_work", **said).warnings
    assert "(share_alike)" in warning.detail
    told.journal.rules.refuses_licences = True
    with pytest.raises(LicenceConflict):
        told.tell("describe_work", **said | {"licence": FREE})
    # What the source became later forbids nothing that was allowed then.
    told.tell("describe_work", id=source, licence="CC-BY-NC-SA-4.0", reason="r")
    assert not told.tell("describe_work", **said | {"licence": "CC-BY-SA-4.0"}).warnings


def test_a_credit_given_at_the_same_moment_is_asked_for_or_comes_later(database: str) -> None:
    with story(database) as told:
        song = song_of(told, "ana")
        ben = told.person("ben")
        found = at_once(
            lambda: relicense(told, FREE), lambda: told.credit(song, ben, actor=id_of("ana"))
        )
        kinds = [one.topic for one in told.facts()]
        if isinstance(found[0], LicenceNotAgreed):
            assert "work.described" not in kinds
        else:
            assert kinds.index("work.described") < kinds.index("credit.granted")


def test_every_way_in_says_who_is_missing(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as served:
        ana, ben = (served.admit(name) for name in ("Ana", "Ben"))
        said = {"title": "Song", "medium": "audio", "licence": BY}
        authors = [{"contributor": ben, "role": "singer"}]
        song = served.acting(ana).post("/contributions", said | {"authors": authors}).id
        asked = {"licence": FREE, "reason": "r"}
        refused = served.acting(ana).post(f"/works/{song}/describe", asked)
        assert (refused.status, refused.code) == (409, "licence_not_agreed")
        (credit,) = refused.json["credits"]
        typed = ["--database", database, "work", "describe", song, "--licence", FREE]
        run = CliRunner().invoke(main, [*typed, "--reason", "r", "--by", ana])
        assert "licence_not_agreed" in run.output
        typed = ["--database", database, "credit", "agree-licence", credit, "--by", ben]
        told = CliRunner().invoke(main, [*typed, "--licence", FREE])
        assert json.loads(told.output)["id"] == credit
        assert served.acting(ana).post(f"/works/{song}/describe", asked).status == 200
        page = served.acting(ben).get(f"/credit/{credit}").text
        assert "Agreed to the licence" in page
        assert f"/do/credit.agree-licence?id={credit}" in page
