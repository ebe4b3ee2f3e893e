"""Each command: what it records, what it refuses, and that a repetition changes nothing."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from stories import Story, carry_out, id_of, story

from domain.commands.naming import RenameContributor
from domain.engine import Overtaken
from domain.fact import utc_now
from domain.identity import part_id
from domain.outside import Outside, outside_id
from domain.permission import OPERATOR
from domain.queries import Facts
from domain.refusal import (
    MOST_LISTED,
    BadId,
    BadMadeAt,
    BadOutcome,
    BadRate,
    BadStatedDate,
    BadText,
    BadUri,
    IdTaken,
    LineageCycle,
    MadeInFuture,
    MergeCycle,
    NoComponents,
    NoSource,
    NotPermitted,
    Refusal,
    RepeatedComponent,
    SelfRemix,
    TextTooLong,
    UnknownContribution,
    UnknownContributor,
    UnknownCredit,
    UnknownErasureGround,
    UnknownGrounds,
    UnknownKind,
    UnknownRelease,
    UnknownRemix,
    UnknownRole,
    UnknownWork,
    WrongState,
)
from domain.stored import Placed
from projections import around
from projections.money import splitting

# -- what a command records ----------------------------------------------------------------


def test_a_receipt_names_the_noun_and_the_last_position_of_its_facts(database: str) -> None:
    with story(database) as told:
        first = told.tell("admit_contributor", name="Ana")
        assert (first.position, told.head()) == (1, 1)
        second = told.tell(
            "submit_contribution",
            title="Poem",
            medium="text",
            authors=[{"contributor": first.id, "role": "writer"}],
        )
        assert (second.position, told.head()) == (3, 3)


def test_a_piece_with_its_authors_and_sources_is_one_append(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        poem = told.piece("poem")
        before = told.head()
        receipt = told.tell(
            "submit_contribution",
            title="Song",
            medium="audio",
            authors=[
                {"contributor": ana, "role": "singer"},
                {"contributor": ben, "role": "Bass Player", "display": "low end"},
            ],
            sources=[
                {"work": poem, "kind": "adaptation", "rate": "1/5"},
                {"uri": "HTTPS://example.org/x", "kind": "sample"},
                {"uri": "https://EXAMPLE.org/x", "kind": "sample", "note": "twice"},
            ],
            actor=ana,
        )
        written = list(told.journal.read(before))
        assert [one.position for one in written] == list(range(before + 1, before + 9))
        assert receipt.position == before + 8
        assert [one.topic for one in written] == [
            "outside.cited",
            "contribution.submitted",
            "credit.claimed",
            "credit.accepted",
            "credit.granted",
            "remix.declared",
            "remix.declared",
            "remix.declared",
        ]
        assert len({one.fact().timestamp for one in written}) == 1


def test_a_refused_piece_leaves_nothing_of_itself(told: Story) -> None:
    """Not its texts in the vault either, nor the sources it was the first to name."""
    ana = told.person("ana")
    texts = told.journal.engine.query("SELECT count(*) FROM vault")
    told.refused(
        BadRate,
        "submit_contribution",
        title="Song",
        medium="audio",
        authors=[{"contributor": ana, "role": "singer"}],
        sources=[
            {"uri": "https://example.org/new", "kind": "sample"},
            {"uri": "https://example.org/other", "kind": "sample", "rate": "2"},
        ],
    )
    assert told.journal.engine.query("SELECT count(*) FROM vault") == texts
    assert told.topics() == ["contributor.admitted"]


GROUNDS = {"grounds": "other", "reason": "r", "evidence": "e"}

SMALL: list[tuple[str, dict[str, Any], list[str]]] = [
    ("admit_contributor", {"name": "Eva"}, ["contributor.admitted"]),
    ("merge_contributor", {"id": "ana", "into": "ben"}, ["contributor.merged"]),
    ("forget_contributor", {"id": "ben", "ground": "consent"}, ["contributor.forgotten"]),
    ("withdraw_contribution", {"id": "song", "reason": "r"}, ["contribution.withdrawn"]),
    ("redate_work", {"id": "song", "made_at": "2021", "reason": "r"}, ["work.redated"]),
    ("describe_work", {"id": "song", "title": "t", "reason": "r"}, ["work.described"]),
    ("claim_work", {"id": "song", "contributor": "ben", "role": "editor"}, ["credit.claimed"]),
    ("declare_remix", {"child": "song", "parent": "poem", "kind": "sample"}, ["remix.declared"]),
    (
        "declare_remix",
        {"child": "song", "uri": "https://example.org/", "kind": "sample"},
        ["outside.cited", "remix.declared"],
    ),
    ("dispute_remix", {"id": "edge", **GROUNDS}, ["remix.disputed"]),
    ("strike_remix", {"id": "edge", "reason": "r"}, ["remix.struck"]),
    ("open_credit", {"work": "song", "contributor": "ben", "role": "host"}, ["credit.granted"]),
    ("open_credit", {"work": "song", "contributor": "ben", "role": "editor"}, []),
    (
        "open_credit",
        {"work": "song", "contributor": "ben", "role": "editor", "actor": "ben"},
        ["credit.claimed"],
    ),
    (
        "open_credit",  # nobody is left to ask
        {"work": "song", "contributor": "ana", "role": "editor", "actor": "ana"},
        ["credit.claimed", "credit.accepted"],
    ),
    ("correct_credit", {"id": "credit", "character": "c", "reason": "r"}, ["credit.corrected"]),
    ("accept_credit", {"id": "credit"}, ["credit.accepted"]),
    (
        "assemble_release",
        {"title": "R", "components": [{"work": "poem"}, {"work": "song"}]},
        ["release.assembled", "remix.declared", "remix.declared"],
    ),
    ("publish_release", {"id": "release"}, ["release.published"]),
    ("withdraw_release", {"id": "release", "reason": "r"}, ["release.withdrawn"]),
]


def named(said: dict[str, Any]) -> dict[str, Any]:
    """The particulars of a command with the ids that stand for the names in them."""
    names = ("ana", "ben", "poem", "song", "edge", "credit", "release", "nobody")

    def of(value: Any) -> Any:
        if isinstance(value, list):
            return [of(one) for one in value]
        if isinstance(value, dict):
            return {key: of(one) for key, one in value.items()}
        return id_of(value) if value in names else value

    return {key: of(value) for key, value in said.items()}


def small_community(told: Story) -> None:
    """Ana's song from her poem, Ben's credit on it, and a release."""
    ana, ben = told.person("ana"), told.person("ben")
    poem = told.piece("poem", by=[ana], made_at="2020", actor=ana)
    song = told.piece("song", by=[ana], actor=ana)
    told.edge(song, poem, id=id_of("edge"))
    told.credit(song, ben, id=id_of("credit"))
    told.release("release", song, actor=ana)


@pytest.mark.parametrize("command, said, topics", SMALL)
def test_a_command_records(
    command: str, said: dict[str, Any], topics: list[str], told: Story
) -> None:
    small_community(told)
    before = told.head()
    told.tell(command, **named(said))
    assert told.topics(before) == topics


# -- refusals, by precedence ---------------------------------------------------------------

LONG = "x" * 5001
PIECE = {"title": "T", "medium": "text", "authors": [], "sources": []}
DISMISSED = {"outcome": "dismissed", "reason": "r"}
CREDIT = {"work": "song", "contributor": "ben", "role": "editor"}

REFUSED: list[tuple[str, dict[str, Any], type[Refusal]]] = [
    ("admit_contributor", {"name": "", "id": "x", "actor": "ana"}, BadId),
    ("admit_contributor", {"name": "", "actor": "ana"}, NotPermitted),
    ("admit_contributor", {"name": " "}, BadText),
    ("admit_contributor", {"name": "x\0"}, BadText),
    ("admit_contributor", {"name": "x\ud800"}, BadText),
    ("admit_contributor", {"name": "x" * 201}, TextTooLong),
    ("admit_contributor", {"name": "somebody else", "id": "ana"}, IdTaken),
    ("admit_contributor", {"name": "song", "id": "song"}, IdTaken),
    ("merge_contributor", {"id": "nobody", "into": "nobody", "actor": "ana"}, UnknownContributor),
    ("merge_contributor", {"id": "nobody", "into": "ana"}, UnknownContributor),
    ("merge_contributor", {"id": "ana", "into": "song"}, UnknownContributor),
    ("merge_contributor", {"id": "ana", "into": "ana"}, MergeCycle),
    ("forget_contributor", {"id": "nobody", "ground": "x", "actor": "ana"}, UnknownContributor),
    ("forget_contributor", {"id": "song", "ground": "x"}, UnknownContributor),
    ("forget_contributor", {"id": "ben", "ground": "x", "actor": "ana"}, NotPermitted),
    ("forget_contributor", {"id": "ben", "ground": "he asked"}, UnknownErasureGround),
    ("submit_contribution", PIECE | {"id": "ana's"}, BadId),
    ("submit_contribution", PIECE | {"actor": "nobody"}, UnknownContributor),
    ("submit_contribution", PIECE | {"sources": [{"kind": "sample"}]}, NoSource),
    (
        "submit_contribution",
        PIECE | {"sources": [{"work": "poem", "uri": "https://x.example/", "kind": "sample"}]},
        NoSource,
    ),
    ("submit_contribution", PIECE | {"sources": [{"work": "nobody", "kind": "?"}]}, UnknownWork),
    ("submit_contribution", PIECE | {"sources": [{"work": "ana", "kind": "?"}]}, UnknownWork),
    ("submit_contribution", PIECE | {"sources": [{"uri": "x", "kind": "sample"}]}, BadUri),
    ("submit_contribution", PIECE | {"sources": [{"work": "poem", "kind": "?"}]}, UnknownKind),
    (
        "submit_contribution",
        PIECE | {"sources": [{"work": "poem", "kind": "sample", "rate": "2"}]},
        BadRate,
    ),
    (
        "submit_contribution",
        PIECE | {"sources": [{"work": "poem", "kind": "sample", "note": LONG}]},
        TextTooLong,
    ),
    ("submit_contribution", PIECE | {"made_at": "soon"}, BadStatedDate),
    ("submit_contribution", PIECE | {"made_at": "2999"}, MadeInFuture),
    ("submit_contribution", PIECE | {"title": ""}, BadText),
    ("submit_contribution", PIECE | {"title": "x" * 501}, TextTooLong),
    ("submit_contribution", PIECE | {"medium": "\n"}, BadText),
    ("submit_contribution", PIECE | {"licence": ""}, BadText),
    ("submit_contribution", PIECE | {"sha256": "abc"}, BadText),
    (
        "submit_contribution",
        PIECE | {"authors": [{"contributor": "nobody", "role": "wizard"}]},
        UnknownContributor,
    ),
    (
        "submit_contribution",
        PIECE | {"authors": [{"contributor": "ana", "role": "wizard"}]},
        UnknownRole,
    ),
    (
        "submit_contribution",
        PIECE | {"authors": [{"contributor": "ana", "role": "writer", "display": "x" * 101}]},
        TextTooLong,
    ),
    ("withdraw_contribution", {"id": "nobody", "reason": ""}, UnknownContribution),
    ("withdraw_contribution", {"id": "release", "reason": "r"}, UnknownContribution),
    ("withdraw_contribution", {"id": "song", "reason": "", "actor": "ben"}, NotPermitted),
    ("withdraw_contribution", {"id": "song", "reason": ""}, BadText),
    ("redate_work", {"id": "nobody", "made_at": "x", "reason": "r"}, UnknownWork),
    ("redate_work", {"id": "song", "made_at": "x", "reason": "", "actor": "ben"}, NotPermitted),
    ("redate_work", {"id": "song", "made_at": "x", "reason": ""}, BadStatedDate),
    ("redate_work", {"id": "song", "made_at": "2999", "reason": ""}, MadeInFuture),
    ("redate_work", {"id": "song", "made_at": "2019", "reason": ""}, BadText),
    ("claim_work", {"id": "nobody", "contributor": "ben", "role": "x"}, UnknownWork),
    ("claim_work", {"id": "song", "contributor": "nobody", "role": "x"}, UnknownContributor),
    (
        "claim_work",
        {"id": "song", "contributor": "ana", "role": "x", "actor": "ben"},
        NotPermitted,
    ),
    ("claim_work", {"id": "song", "contributor": "ben", "role": "x", "actor": "ben"}, UnknownRole),
    ("declare_remix", {"child": "nobody", "parent": "poem", "kind": "?"}, UnknownWork),
    ("declare_remix", {"child": "song", "kind": "?"}, NoSource),
    ("declare_remix", {"child": "song", "parent": "nobody", "kind": "?"}, UnknownWork),
    ("declare_remix", {"child": "song", "uri": "x", "kind": "?"}, BadUri),
    (
        "declare_remix",
        {"child": "song", "parent": "poem", "kind": "?", "actor": "ben"},
        NotPermitted,
    ),
    ("declare_remix", {"child": "song", "parent": "poem", "kind": "?"}, UnknownKind),
    ("declare_remix", {"child": "song", "parent": "poem", "kind": "sample", "rate": ""}, BadRate),
    (
        "declare_remix",
        {"child": "song", "parent": "poem", "kind": "sample", "evidence": "x\0"},
        BadText,
    ),
    ("declare_remix", {"child": "song", "parent": "song", "kind": "sample"}, SelfRemix),
    ("declare_remix", {"child": "poem", "parent": "song", "kind": "sample"}, LineageCycle),
    ("dispute_remix", {"id": "nobody", **GROUNDS}, UnknownRemix),
    ("dispute_remix", {"id": "credit", **GROUNDS}, UnknownRemix),
    ("dispute_remix", {"id": "edge", "grounds": "x", "reason": ""}, UnknownGrounds),
    ("dispute_remix", {"id": "edge", "grounds": "other", "reason": ""}, BadText),
    ("answer_remix", {"id": "edge", "reason": "", "actor": "ben"}, NotPermitted),
    ("answer_remix", {"id": "edge", "reason": "r"}, WrongState),
    ("strike_remix", {"id": "edge", "reason": "", "actor": "ana"}, NotPermitted),
    ("settle_remix", {"id": "edge", "outcome": "x", "reason": "", "actor": "ana"}, BadOutcome),
    ("settle_remix", {"id": "edge", **DISMISSED, "actor": "ana"}, NotPermitted),
    ("settle_remix", {"id": "edge", **DISMISSED}, WrongState),
    ("open_credit", CREDIT | {"work": "nobody", "contributor": "nobody"}, UnknownWork),
    ("open_credit", CREDIT | {"contributor": "nobody", "role": "x"}, UnknownContributor),
    ("open_credit", CREDIT | {"contributor": "ana", "actor": "ben", "role": "x"}, NotPermitted),
    ("open_credit", CREDIT | {"role": "x", "kind": "?"}, UnknownRole),
    ("open_credit", CREDIT | {"kind": "sample"}, UnknownKind),
    ("open_credit", CREDIT | {"evidence": LONG}, TextTooLong),
    ("open_credit", CREDIT | {"effective_at": "x"}, BadMadeAt),
    ("open_credit", CREDIT | {"id": "song"}, IdTaken),
    ("accept_credit", {"id": "nobody"}, UnknownCredit),
    ("accept_credit", {"id": "edge"}, UnknownCredit),
    ("accept_credit", {"id": "credit", "actor": "ana"}, NotPermitted),
    ("accept_credit", {"id": "credit", "reason": ""}, BadText),
    ("settle_credit", {"id": "credit", **DISMISSED, "actor": "ana"}, NotPermitted),
    ("settle_credit", {"id": "credit", **DISMISSED}, WrongState),
    ("revoke_credit", {"id": "credit", "actor": "ben"}, NotPermitted),
    ("assemble_release", {"title": "", "components": []}, NoComponents),
    (
        "assemble_release",
        {"title": "R", "components": [{"work": "poem"}, {"work": "poem", "rate": "1/2"}]},
        RepeatedComponent,
    ),
    ("assemble_release", {"title": "R", "components": [{"work": "nobody"}]}, UnknownWork),
    (
        "assemble_release",
        {"title": "R", "components": [{"work": "poem"}], "actor": "nobody"},
        UnknownContributor,
    ),
    ("assemble_release", {"title": "", "components": [{"work": "poem"}]}, BadText),
    ("assemble_release", {"title": "R", "components": [{"work": "poem", "rate": "x"}]}, BadRate),
    ("publish_release", {"id": "song"}, UnknownRelease),
    ("publish_release", {"id": "release", "actor": "ben"}, NotPermitted),
    ("withdraw_release", {"id": "release", "reason": "", "actor": "ben"}, NotPermitted),
    ("withdraw_release", {"id": "release", "reason": ""}, BadText),
]


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One small community for every refusal: what is refused leaves no trace."""
    with story(f"sqlite:///{tmp_path_factory.mktemp('community') / 'stemma.db'}") as told:
        small_community(told)
        yield told


@pytest.mark.parametrize("command, said, kind", REFUSED)
def test_a_command_is_refused_and_leaves_no_trace(
    command: str, said: dict[str, Any], kind: type[Refusal], community: Story
) -> None:
    community.refused(kind, command, **named(said))


# -- repetitions ---------------------------------------------------------------------------

SONG: dict[str, Any] = {
    "id": id_of("new"),
    "title": "Song",
    "medium": "audio",
    "authors": [
        {"contributor": "ana", "role": "singer"},
        {"contributor": "ben", "role": "drummer", "display": "sticks"},
    ],
    "sources": [
        {"work": "poem", "kind": "adaptation", "rate": "1/5", "note": "n"},
        {"uri": "https://example.org/x", "kind": "sample"},
    ],
    "licence": "CC0-1.0",
}
BIRTHS: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    ("admit_contributor", {"name": "Eva", "id": id_of("new")}, [{"name": "Eve"}]),
    (
        "submit_contribution",
        SONG,
        [
            {"title": "Sonk"},
            {"medium": "text"},
            {"made_at": "2022"},
            {"licence": None},
            {"sha256": "ab" * 32},
            {"authors": SONG["authors"][:1]},
            {"authors": SONG["authors"][::-1]},
            {"authors": [*SONG["authors"], {"contributor": "ben", "role": "editor"}]},
            {"authors": []},
            {"sources": SONG["sources"][:1]},
            {"sources": SONG["sources"][::-1]},
            {"sources": [*SONG["sources"], {"work": "song", "kind": "sample"}]},
            {"sources": []},
            {"sources": [SONG["sources"][0] | {"note": "m"}, SONG["sources"][1]]},
            {"sources": [SONG["sources"][0] | {"rate": "0.2"}, SONG["sources"][1]]},
            {"sources": [SONG["sources"][0] | {"kind": "sample"}, SONG["sources"][1]]},
            {"actor": "ana"},
        ],
    ),
    (
        "declare_remix",
        {
            "child": "song",
            "parent": "poem",
            "kind": "sample",
            "evidence": "e",
            "id": id_of("new"),
        },
        [{"kind": "quotation"}, {"evidence": "f"}, {"evidence": None}, {"rate": "1"}],
    ),
    (
        "declare_remix",
        {"child": "song", "uri": "https://example.org/", "kind": "sample", "id": id_of("new")},
        [{"uri": "https://example.org/2"}, {"uri": None, "parent": "poem"}],
    ),
    (
        "open_credit",
        {"work": "song", "contributor": "ben", "role": "editor", "id": id_of("new")},
        [
            {"role": "writer"},
            {"contributor": "ana"},
            {"work": "poem"},
            {"kind": "influence"},
            {"display": "d"},
            {"actor": "ben"},
        ],
    ),
    (
        "claim_work",
        {"id": "song", "contributor": "ben", "role": "editor", "credit": id_of("new")},
        [{"role": "writer"}, {"evidence": "e"}],
    ),
    (
        "assemble_release",
        {
            "title": "R",
            "components": [{"work": "poem"}, {"work": "song", "rate": "1/2"}],
            "id": id_of("new"),
        },
        [
            {"title": "S"},
            {"components": [{"work": "poem"}]},
            {"components": [{"work": "poem"}, {"work": "song"}]},
            {
                "components": [
                    {"work": "poem"},
                    {"work": "song", "rate": "1/2"},
                    {"work": "release"},
                ]
            },
            {"made_at": "2026-06"},
        ],
    ),
]


@pytest.mark.parametrize("command, said, others", BIRTHS)
def test_the_same_id_stands_for_one_content(
    command: str, said: dict[str, Any], others: list[dict[str, Any]], database: str
) -> None:
    with story(database) as told:
        small_community(told)
        first = told.tell(command, **named(said))
        head = told.head()
        assert told.tell(command, **named(said)) == first
        for other in others:
            told.refused(IdTaken, command, **named(said | other))
        assert told.tell(command, **named(said)) == first
        assert told.head() == head == first.position


@pytest.mark.parametrize("kept", ["one", "many"])
def test_a_repeated_piece_is_recognised_whatever_became_of_it(kept: str, told: Story) -> None:
    small_community(told)
    first = told.tell("submit_contribution", **named(SONG))
    credit = told.journal.facts.at([first.position - 2])[0].originator_id
    told.tell("redate_work", id=first.id, made_at="2026-05", reason="r")
    told.tell("revoke_credit", id=credit)
    if kept == "one":
        told.tell("withdraw_contribution", id=first.id, reason="r")
    head = told.head()
    assert told.tell("submit_contribution", **named(SONG)) == first
    assert told.head() == head


def test_a_repetition_is_recognised_after_its_people_were_merged(told: Story) -> None:
    """What was granted to somebody else then would be a claim of one's own now."""
    ana, ben = told.person("ana"), told.person("ben")
    said = named(SONG | {"actor": "ana", "sources": []})
    first = told.tell("submit_contribution", **said)
    credit = {"work": first.id, "contributor": ben, "role": "editor", "id": id_of("credit")}
    granted = told.tell("open_credit", actor=ana, **credit)
    told.tell("merge_contributor", id=ben, into=ana)
    assert told.tell("submit_contribution", **said) == first
    assert told.tell("open_credit", actor=ana, **credit) == granted


STATES: list[tuple[str, dict[str, Any]]] = [
    ("forget_contributor", {"id": "ana", "ground": "request"}),
    ("merge_contributor", {"id": "ana", "into": "ben", "reason": "r"}),
    ("withdraw_contribution", {"id": "song", "reason": "r"}),
    ("redate_work", {"id": "song", "made_at": "2021", "reason": "r"}),
    ("dispute_remix", {"id": "edge", **GROUNDS}),
    ("strike_remix", {"id": "edge", "reason": "r"}),
    ("accept_credit", {"id": "credit", "reason": "r"}),
    ("decline_credit", {"id": "credit"}),
    ("dispute_credit", {"id": "credit", **GROUNDS}),
    ("revoke_credit", {"id": "credit"}),
    ("publish_release", {"id": "release"}),
    ("withdraw_release", {"id": "release", "reason": "r"}),
]


@pytest.mark.parametrize("command, said", STATES)
def test_a_repeated_verb_answers_the_same_and_records_nothing(
    command: str, said: dict[str, Any], told: Story
) -> None:
    small_community(told)
    first = told.tell(command, **named(said))
    assert told.tell(command, **named(said)) == first
    assert told.head() == first.position


@pytest.mark.parametrize(
    "command, said",
    [one for one in STATES if "contributor" not in one[0] and "redate" not in one[0]],
)
def test_a_verb_repeated_for_another_reason_is_refused(
    command: str, said: dict[str, Any], told: Story
) -> None:
    small_community(told)
    told.tell(command, **named(said))
    if command != "publish_release":
        told.refused(WrongState, command, **named(said | {"reason": "another"}))


# -- creation dates --------------------------------------------------------------------------


def test_an_original_registered_after_its_remix_can_be_cited_by_its_making_date(
    told: Story,
) -> None:
    remix = told.piece("remix", made_at="1988")
    original = told.piece("original", made_at="1969")
    assert told.edge(remix, original)


OLDER = [
    # child, parent, whether it is surely older
    ("1988", "1969", False),
    ("1969", "1988", True),
    ("1988", "1988", False),
    ("1988-05", "1988", False),
    ("1988", "1988-05", False),
    ("1988-05", "1988-06", True),
    ("1988-01-01T00:00Z", "1988-01-01T00:00:00.000001Z", True),
    ("1988-01-01T00:00+01:00", "1988", True),
    ("1970~", "1971", False),
    ("1970~", "1972", True),
    ("[..2003]", "2004", True),
    ("[2003..]", "2004", False),
    ("1984/1986", "1986", False),
    ("1984/", "2004", False),
    ("198X", "1989", False),
    ("198X", "1990", True),
    (None, "1988", False),
    ("1988", None, False),
]


@pytest.mark.parametrize("child, parent, older", OLDER)
def test_a_work_surely_older_than_its_source_is_recorded_with_a_warning(
    child: str | None, parent: str | None, older: bool, told: Story
) -> None:
    source = told.piece("parent", made_at=parent)
    said = {"title": "c", "medium": "text", "authors": [], "made_at": child}
    posted = told.tell(
        "submit_contribution", **said, sources=[{"work": source, "kind": "sample"}], id=id_of("p")
    )
    late = told.piece("late", made_at=child)
    declared = told.tell("declare_remix", child=late, parent=source, kind="sample")
    release = told.tell(
        "assemble_release", title="r", components=[{"work": source}], made_at=child, id=id_of("r")
    )
    for receipt in (posted, declared, release):
        assert [one.code for one in receipt.warnings] == ["older_than_source"] * older
        for one in receipt.warnings:
            assert f"{child}, before {source}" in one.detail
            assert f"({parent})" in one.detail


def test_a_withdrawn_source_is_recorded_with_a_warning_also_if_it_is_withdrawn_meanwhile(
    told: Story,
) -> None:
    """Who assembles a release may have chosen its components long before."""
    piece = {"title": "t", "medium": "text", "sources": [{"work": id_of("p"), "kind": "sample"}]}
    commands: list[tuple[str, dict[str, Any]]] = [
        ("submit_contribution", piece),
        ("declare_remix", {"child": told.piece("c"), "parent": id_of("p"), "kind": "sample"}),
        ("assemble_release", {"title": "r", "components": [{"work": id_of("p")}]}),
    ]
    told.piece("p")
    single = told.release("single", told.piece("song"))
    drafts = []
    for command, said in commands:
        drafts.append(told.journal.draft())
        assert carry_out(drafts[-1], command, **said).warnings == ()
    told.tell("withdraw_contribution", id=id_of("p"), reason="r")
    for draft in drafts:
        with pytest.raises(Overtaken):
            told.journal.commit(draft)
    recut = (
        "replace_remix",
        {"id": part_id(single, "component", 0), "work": id_of("p"), "reason": "r"},
    )
    for command, said in (*commands, recut):
        (warned,) = told.tell(command, **said).warnings
        assert (warned.code, id_of("p") in warned.detail) == ("source_withdrawn", True)
    told.tell("withdraw_release", id=single, reason="r")
    said = {"title": "both", "components": [{"work": single}]}
    (warned,) = told.tell("assemble_release", **said).warnings
    assert warned.code == "source_withdrawn"


def test_a_date_is_corrected_whatever_the_dates_of_its_neighbours(told: Story) -> None:
    parent = told.piece("parent", made_at="1970")
    piece = told.piece("piece", parent, made_at="1980")
    child = told.piece("child", piece, made_at="1990")
    for made_at, older in (("1975", []), ("1960", [piece]), ("2000", [child]), ("1970", [])):
        receipt = told.tell("redate_work", id=piece, made_at=made_at, reason="r")
        assert [one.code for one in receipt.warnings] == ["older_than_source"] * len(older)
        assert all(f"The work {one} is" in receipt.warnings[0].detail for one in older)


def test_the_date_of_a_popular_work_is_corrected_without_reading_all_that_was_made_from_it(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 100,000 remixes it took three seconds, though at most twenty are warned of."""
    loop = told.piece("loop", made_at="1970")
    for number in range(60):
        told.edge(told.piece(f"remix {number}", made_at="1975"), loop)
    read, streams = set[str](), Facts.streams

    def noting(facts: Facts, ids: Collection[str]) -> list[Placed]:
        found = streams(facts, ids)
        read.update(one.originator_id for one in found)
        return found

    monkeypatch.setattr(Facts, "streams", noting)
    receipt = told.tell("redate_work", id=loop, made_at="1980", reason="r")
    assert [one.code for one in receipt.warnings] == ["older_than_source"] * MOST_LISTED
    assert len(read) < 60


def test_who_repeats_a_request_is_not_warned_again(told: Story) -> None:
    parent, child = told.piece("parent", made_at="1980"), told.piece("child", made_at="1970")
    said = {"child": child, "parent": parent, "kind": "sample", "id": id_of("edge")}
    assert told.tell("declare_remix", **said).warnings
    assert not told.tell("declare_remix", **said).warnings


# -- outside sources -----------------------------------------------------------------------


def test_the_same_uri_is_the_same_source_however_its_host_is_written(told: Story) -> None:
    piece = told.piece("piece")
    for uri in ("https://example.org/x", "HTTPS://EXAMPLE.ORG/x"):
        told.tell("declare_remix", child=piece, uri=uri, kind="sample")
    assert told.topics().count("outside.cited") == 1
    assert told.edge(piece, outside_id("https://example.org/x"))


EQUIVALENT = [
    ("https://example.org", "https://example.org/", "HTTPS://EXAMPLE.org:443"),
    ("https://example.org:443/a", "https://example.org/a", "https://example.org/x/../%61"),
    ("https://example.org/ä", "https://example.org/%c3%a4", "https://example.org/a\u0308"),
]


@pytest.mark.parametrize("uris", EQUIVALENT)
def test_a_source_cited_before_is_found_by_either_spelling(told: Story, uris: list[str]) -> None:
    """Earlier versions kept other spellings, with ids made of them."""
    before = uris[0]
    happened = Outside.Cited(
        originator_id=str(uuid5(NAMESPACE_URL, before)),
        originator_version=1,
        timestamp=utc_now(),
        actor=OPERATOR,
        uri=before,
    )
    told.journal.append_stored([told.journal.mapper.to_stored_event(happened)])
    pieces = [told.piece(f"piece {number}") for number in range(len(uris))]
    for piece, uri in zip(pieces, uris, strict=True):
        told.tell("declare_remix", child=piece, uri=uri, kind="sample")
    assert told.topics().count("outside.cited") == 1
    other = told.piece("other")
    with told.view() as view:
        for piece, uri in zip(pieces, uris, strict=True):
            (source,) = around.work(view, piece)["sources"]
            assert source["work"]["id"] == happened.originator_id
            sent = {"child": other, "uri": uri, "kind": "sample", "rate": "1/2", "actor": OPERATOR}
            changed = splitting.preview_edge(view, told.journal, **sent)["items"]
            assert happened.originator_id in str(changed)


def test_an_outside_source_gets_a_date_and_sources_of_its_own(told: Story) -> None:
    piece = told.piece("piece", made_at="1988")
    told.tell("declare_remix", child=piece, uri="https://example.org/x", kind="sample")
    outside = outside_id("https://example.org/x")
    told.refused(LineageCycle, "declare_remix", child=outside, parent=piece, kind="sample")
    assert told.tell("redate_work", id=outside, made_at="1989", reason="r").warnings
    assert not told.tell("redate_work", id=outside, made_at="1969?", reason="r").warnings
    assert told.edge(outside, told.piece("older", made_at="1950"))


def test_an_outside_source_is_claimed_by_its_maker_and_judged_by_an_operator(told: Story) -> None:
    ana, ben = told.person("ana"), told.person("ben")
    piece = told.piece("piece", actor=ana)
    told.tell("declare_remix", child=piece, uri="https://example.org/x", kind="sample", actor=ana)
    outside = outside_id("https://example.org/x")
    claim = {"id": outside, "role": "drummer", "evidence": "e"}
    told.refused(NotPermitted, "claim_work", contributor=ben, actor=ana, **claim)
    credit = told.tell("claim_work", contributor=ben, actor=ben, **claim).id
    for nobody in (ana, ben):  # neither who cited it nor the one who claims
        told.refused(NotPermitted, "accept_credit", id=credit, actor=nobody)
    told.tell("accept_credit", id=credit)


# -- people --------------------------------------------------------------------------------


def test_merges_may_follow_each_other_but_never_close_a_cycle(told: Story) -> None:
    a, b, c = (told.person(name) for name in "abc")
    told.tell("merge_contributor", id=a, into=b)
    told.tell("merge_contributor", id=b, into=c)
    for into in (a, b, c):
        told.refused(MergeCycle, "merge_contributor", id=c, into=into)


def test_who_is_merged_already_is_not_merged_elsewhere(told: Story) -> None:
    a, b, c = (told.person(name) for name in "abc")
    told.tell("merge_contributor", id=a, into=b)
    told.refused(WrongState, "merge_contributor", id=a, into=c)


def test_a_merged_person_may_do_what_either_account_may(told: Story) -> None:
    old, new, other = told.person("old"), told.person("new"), told.person("other")
    piece = told.piece("piece", actor=old)
    told.refused(NotPermitted, "withdraw_contribution", id=piece, reason="r", actor=new)
    told.tell("merge_contributor", id=old, into=new)
    told.refused(NotPermitted, "withdraw_contribution", id=piece, reason="r", actor=other)
    told.tell("withdraw_contribution", id=piece, reason="r", actor=new)


@pytest.mark.parametrize(
    "actor, opens",
    [
        ("operator", "credit.granted"),
        ("poster", "credit.granted"),
        ("person", "credit.claimed"),
        ("other", None),
    ],
)
def test_a_credit_is_granted_by_the_poster_and_claimed_by_the_person(
    actor: str, opens: str | None, told: Story
) -> None:
    ids = {name: told.person(name) for name in ("poster", "person", "other")}
    piece = told.piece("piece", actor=ids["poster"])
    said = {"work": piece, "contributor": ids["person"], "role": "editor"}
    who = ids.get(actor, actor)
    if opens is None:
        told.refused(NotPermitted, "open_credit", actor=who, **said)
    else:
        told.tell("open_credit", actor=who, **said)
        assert told.topics()[-1] == opens


@pytest.mark.parametrize("opened_by", ["poster", "person"])
@pytest.mark.parametrize("verb", ["accept", "decline", "revoke", "settle", "dispute"])
@pytest.mark.parametrize("actor", ["poster", "person", "other"])
def test_who_may_decide_about_a_credit(opened_by: str, verb: str, actor: str, told: Story) -> None:
    """What was granted is for the person to accept, what was claimed for the poster."""
    ids = {name: told.person(name) for name in ("poster", "person", "other")}
    piece = told.piece("piece", actor=ids["poster"])
    credit = told.credit(piece, ids["person"], actor=ids[opened_by])
    addressee = "person" if opened_by == "poster" else "poster"
    if opened_by == "person" and verb in ("revoke", "settle", "dispute"):  # of what counts
        told.tell("accept_credit", id=credit, actor=ids["poster"])
    may = {
        "accept": {addressee},
        "decline": {addressee, "person"},
        "revoke": {"poster"},
        "settle": set(),
        "dispute": {"poster", "person"},
    }
    said = {"dispute": GROUNDS, "settle": DISMISSED}.get(verb, {})
    if actor in may[verb]:
        told.tell(f"{verb}_credit", id=credit, actor=ids[actor], **said)
    else:
        told.refused(NotPermitted, f"{verb}_credit", id=credit, actor=ids[actor], **said)


@pytest.mark.parametrize(
    "actor, allowed", [("of the child", True), ("of the parent", True), ("other", False)]
)
def test_an_edge_is_declared_by_the_poster_of_either_end(
    actor: str, allowed: bool, told: Story
) -> None:
    ids = {name: told.person(name) for name in ("of the child", "of the parent", "other")}
    parent = told.piece("parent", actor=ids["of the parent"])
    child = told.piece("child", actor=ids["of the child"])
    said = {"child": child, "parent": parent, "kind": "sample", "actor": ids[actor]}
    if allowed:
        told.tell("declare_remix", **said)
    else:
        told.refused(NotPermitted, "declare_remix", **said)


# -- states --------------------------------------------------------------------------------

CREDIT_VERBS = ("accept", "decline", "dispute", "settle", "revoke")
CREDIT_TABLE = {
    #            accept      decline     dispute     settle   revoke
    "granted":  ("accepted", "declined", "disputed", None,    "revoked"),
    "claimed":  ("accepted", "declined", "disputed", None,    "revoked"),
    "accepted": (None,       "declined", "disputed", None,    "revoked"),
    "declined": ("accepted", None,       None,       None,    "revoked"),
    "pending":  ("accepted", "declined", None,       None,    "revoked"),
    "disputed": (None,       None,       None,       "before", None),
    "revoked":  (None,       None,       None,       None,    None),
}  # fmt: skip
REMIX_VERBS = ("dispute", "settle", "strike")
REMIX_TABLE = {
    "declared": ("disputed", None,     "struck"),
    "disputed": (None,       "before", None),
    "struck":   (None,       None,     None),
}  # fmt: skip


def walk(
    told: Story, noun: str, verbs: tuple[str, ...], table: Any, start: str, length: int
) -> None:
    """Try every sequence of verbs of a length against the table, each in a draft thrown away."""
    for steps in product(verbs, repeat=length):
        draft = told.journal.draft()
        state, before = start, start
        for number, verb in enumerate(steps):
            following = table[state][verbs.index(verb)]
            try:
                more = {"dispute": {"grounds": "other"}, "settle": {"outcome": "dismissed"}}
                said = {**more.get(verb, {}), "reason": f"{number}"}
                carry_out(draft, f"{verb}_{noun}", id=id_of(noun), **said)
            except WrongState as refusal:
                assert (following, refusal.details["state"]) == (None, state)  # noqa: PT017
            else:
                assert following is not None, steps
                state, before = before if following == "before" else following, state


@pytest.mark.parametrize("start", ["granted", "pending"])
def test_a_credit_changes_its_state_as_in_the_table(start: str, told: Story) -> None:
    """Every sequence of four verbs; a settled credit stands as it stood before the dispute."""
    ana, ben = told.person("ana"), told.person("ben")
    piece = told.piece("piece", actor=ana)
    told.credit(piece, ben, id=id_of("credit"), actor=ana if start == "granted" else ben)
    walk(told, "credit", CREDIT_VERBS, CREDIT_TABLE, start, 4)


def test_an_edge_changes_its_state_as_in_the_table(told: Story) -> None:
    parent, child = told.piece("parent"), told.piece("child")
    told.edge(child, parent, id=id_of("remix"))
    walk(told, "remix", REMIX_VERBS, REMIX_TABLE, "declared", 5)


@pytest.mark.parametrize(
    "steps, refused_at",
    [
        (("publish",), None),
        (("withdraw",), None),
        (("publish", "withdraw"), None),
        (("withdraw", "publish"), 1),
        (("publish", "withdraw", "publish"), 2),
    ],
)
def test_a_release_is_published_once_and_withdrawn_once(
    steps: tuple[str, ...], refused_at: int | None, told: Story
) -> None:
    release = told.release("release", told.piece("piece"))
    for number, step in enumerate(steps):
        said = {} if step == "publish" else {"reason": "r"}
        if number == refused_at:
            told.refused(WrongState, f"{step}_release", id=release, **said)
        else:
            told.tell(f"{step}_release", id=release, **said)


def test_a_withdrawn_work_can_still_be_cited_and_credited(told: Story) -> None:
    """Its lineage stays, and so may be completed."""
    ana = told.person("ana")
    piece, child = told.piece("piece"), told.piece("child")
    told.tell("withdraw_contribution", id=piece, reason="r")
    assert told.edge(child, piece)
    assert told.credit(piece, ana)


# -- drafts of several commands ------------------------------------------------------------


def test_commands_of_one_draft_see_each_other_and_are_recorded_whole(told: Story) -> None:
    draft = told.journal.draft()
    ana = carry_out(draft, "admit_contributor", actor="operator", name="Ana")
    piece = carry_out(
        draft,
        "submit_contribution",
        actor=ana.id,
        title="T",
        medium="text",
        authors=[{"contributor": ana.id, "role": "writer"}],
        sources=[{"uri": "https://example.org/x", "kind": "sample"}],
        made_at="1990",
    )
    other = carry_out(
        draft,
        "submit_contribution",
        actor=ana.id,
        title="U",
        medium="text",
        authors=[],
        sources=[
            {"work": piece.id, "kind": "sample"},
            {"uri": "https://example.org/x", "kind": "sample"},
        ],
        made_at="1991",
    )
    late = carry_out(draft, "redate_work", actor=ana.id, id=piece.id, made_at="1992", reason="r")
    assert [one.code for one in late.warnings] == ["older_than_source"]
    with pytest.raises(LineageCycle):
        carry_out(
            draft, "declare_remix", actor=ana.id, child=piece.id, parent=other.id, kind="sample"
        )
    assert told.head() == 0
    positions = told.journal.commit(draft)
    recorded = [receipt.recorded(positions) for receipt in (ana, piece, other, late)]
    assert [receipt.position for receipt in recorded] == [1, 6, 9, 10]
    assert told.head() == 10


def test_an_import_does_not_make_a_change_again_that_is_on_record_anywhere(told: Story) -> None:
    small_community(told)
    done: list[tuple[str, dict[str, str]]] = [
        *(("dispute", GROUNDS), ("settle", DISMISSED), ("accept", {})),
        *(("dispute", GROUNDS), ("settle", DISMISSED), ("revoke", {})),
    ]
    for verb, said in done:
        told.tell(f"{verb}_credit", id=id_of("credit"), **said)
    head = told.head()
    draft = told.journal.draft(once={})
    for verb, said in done:
        carry_out(draft, f"{verb}_credit", id=id_of("credit"), **said)
    told.journal.commit(draft)
    assert told.head() == head


def test_an_import_makes_a_change_as_often_as_it_says(told: Story) -> None:
    """Accepted, declined and accepted again for the same reason ends as accepted, told twice."""
    small_community(told)
    verbs = ("decline", "accept", "decline", "accept")
    heads = []
    for _ in range(2):
        draft = told.journal.draft(once={})
        for verb in verbs:
            carry_out(draft, f"{verb}_credit", id=id_of("credit"), reason="r")
        told.journal.commit(draft)
        heads.append(told.head())
    assert heads[0] == heads[1]
    topics = [p.topic for p in told.journal.facts.streams([id_of("credit")])]
    assert topics[-4:] == [f"credit.{verb}" for verb in ("declined", "accepted") * 2]


def test_what_was_recorded_since_a_draft_began_is_noticed(told: Story) -> None:
    parent, child = told.piece("parent", made_at="1970"), told.piece("child", made_at="1980")
    draft = told.journal.draft()
    carry_out(draft, "declare_remix", actor="operator", child=child, parent=parent, kind="sample")
    told.edge(parent, child)
    head = told.head()
    with pytest.raises(Overtaken):
        told.journal.commit(draft)
    assert told.head() == head


def test_what_is_only_tried_is_tried_on_one_state_whatever_is_recorded_meanwhile(
    database: str,
) -> None:
    """As on a page, which offers what would be accepted while others write."""
    with story(database) as told:
        person = told.person("Ana")
        with told.journal.supposing([person]) as supposed:
            with ThreadPoolExecutor() as others:
                others.submit(told.person, "Ben").result()
            draft = supposed()
            draft.carry_out(RenameContributor(id=person, name="Anna"), person)
        assert len(draft.facts) == 1


def test_the_clock_is_the_one_that_was_passed_in(tmp_path: Path) -> None:
    then = datetime(2020, 2, 29, 12, tzinfo=UTC)
    with story(f"sqlite:///{tmp_path / 'stemma.db'}", clock=lambda: then) as told:
        piece = told.piece("piece")
        with told.view() as view:
            assert around.work(view, piece)["recorded_at"] == "2020-02-29T12:00:00.000000Z"
        told.refused(MadeInFuture, "redate_work", id=piece, made_at="2021", reason="r")
