"""What somebody says about another's work counts when the other side agrees, and not before.

Every attack of somebody who owns nothing here is tried; and what is one's own counts at once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from money import Bank, asset, bank
from stories import Story, at_once, id_of, story

from domain.identity import part_id
from domain.permission import OPERATOR
from domain.refusal import (
    Busy,
    CapExceeded,
    DisputeRepeated,
    EvidenceMissing,
    LineageCycle,
    NotPermitted,
    QuotaExceeded,
    UnknownCredit,
    WrongState,
)
from projections import around, attribution, claims, history, inbox, lineage, listing, parts
from projections.money.splitting import split_of
from projections.question import Asking
from projections.registry import QUESTIONS
from projections.roll import roll
from scripts.bundle import FoundLine, import_lines


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as told:
        yield told


def people(told: Story, *names: str) -> list[str]:
    return [told.person(name) for name in names]


def names_in(told: Story, work: str, as_of: int | None = None) -> list[str | None]:
    """Everybody in the roll of a work."""
    with told.view(as_of) as view:
        return [one["name"] for one in roll(view, work).people]


def paid(told: Story, work: str) -> dict[str, int]:
    """What everybody would get of 10,000."""
    said: dict[str, Any] = {"policy": "relative_cascade", "default_rate": "0"}
    with told.view() as view:
        page = split_of(view, work, amount_minor=10_000, currency="EUR", **said)
        return {str(one["payee"]["name"]): one["amount_minor"] for one in page.items}


def claims_on(told: Story, work: str) -> list[str]:
    with told.view() as view:
        return [one["id"] for one in claims.on_work(view, work).items]


def own_piece(told: Story, name: str, owner: str, **said: Any) -> str:
    """A piece that somebody posts, as its writer."""
    return told.piece(name, by=[owner], actor=owner, **said)


# -- a credit on somebody else's piece -----------------------------------------------------


@pytest.mark.parametrize("command", ["open_credit", "claim_work"])
def test_a_credit_claimed_on_a_strangers_piece_counts_once_its_poster_accepts(
    command: str, told: Story
) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana)
    said = {"open_credit": {"work": song}, "claim_work": {"id": song}}[command]
    claim = told.tell(command, contributor=eve, role="writer", actor=eve, **said).id
    before = told.head()
    with told.view() as view:
        assert attribution.credit(view, claim)["state"] == "pending"
        assert [one["id"] for one in attribution.work(view, song)["credits"]] != [claim]
        assert parts.in_releases(view, eve).items == []
    assert names_in(told, song) == ["Ana"]
    assert paid(told, song) == {"Ana": 10_000}
    assert claims_on(told, song) == [claim]
    told.refused(NotPermitted, "accept_credit", id=claim, actor=eve)
    told.tell("accept_credit", id=claim, actor=ana)
    assert names_in(told, song) == ["Ana", "Eve"]
    assert paid(told, song) == {"Ana": 5_000, "Eve": 5_000}
    assert claims_on(told, song) == []
    assert names_in(told, song, as_of=before) == ["Ana"]


def test_beside_who_contributed_stands_how_much_is_only_claimed(told: Story) -> None:
    """Also what is claimed about anything the work was made from; never in the roll itself."""
    ana, eve = people(told, "Ana", "Eve")
    intro = own_piece(told, "intro", ana)
    song = own_piece(told, "song", ana)
    told.edge(song, intro, actor=ana)
    old = own_piece(told, "old", eve, made_at="1950")
    film = told.release("film", song, actor=ana)
    asked = QUESTIONS["list_work_contributors"]

    def shown(work: str) -> tuple[list[str | None], int, list[str]]:
        with told.view() as view:
            known = Asking(asked, view, told.journal, {"id": work}).told
            names = [one["contributor"]["name"] for one in known["items"]]
            works = [one["id"] for one in known["claims"]["works"]]
            return names, known["claims"]["count"], works

    assert shown(film) == (["Ana"], 0, [])
    claim = told.credit(intro, eve, actor=eve)
    told.edge(song, old, actor=eve)
    assert shown(film) == (["Ana"], 2, [song, intro])
    assert shown(intro) == (["Ana"], 1, [intro])
    told.tell("accept_credit", id=claim, actor=ana)
    assert shown(film) == (["Ana", "Eve"], 1, [song])
    told.tell("ask_first", id=eve, actor=eve)
    told.credit(intro, eve, role="singer", actor=ana)  # only Eve may know
    assert shown(film) == (["Ana", "Eve"], 1, [song])


def test_a_claim_that_is_declined_never_counts(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana)
    claim = told.credit(song, eve, actor=eve)
    told.tell("decline_credit", id=claim, reason="She was not there.", actor=ana)
    assert names_in(told, song) == ["Ana"]
    assert claims_on(told, song) == []


def test_an_outside_source_has_no_poster_so_the_operator_judges_what_is_claimed(
    told: Story,
) -> None:
    """Who cited it first may not credit on it, redate it, or say what it was made from."""
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana)
    told.tell("declare_remix", child=song, uri="urn:old", kind="sample", actor=ana)
    with told.view() as view:
        source = around.work(view, song)["sources"][0]["work"]["id"]
    for command, said in {
        "open_credit": {"work": source, "contributor": eve, "role": "writer"},
        "redate_work": {"id": source, "made_at": "1950", "reason": "r"},
        "declare_remix": {"child": source, "uri": "urn:older", "kind": "sample"},
    }.items():
        told.refused(NotPermitted, command, actor=ana, **said)
    claim = told.tell("claim_work", id=source, contributor=eve, role="writer", actor=eve).id
    told.refused(NotPermitted, "accept_credit", id=claim, actor=ana)
    assert names_in(told, song) == ["Ana"]
    told.tell("accept_credit", id=claim)
    assert names_in(told, song) == ["Ana", "Eve"]


# -- a source of somebody else's piece -----------------------------------------------------


def claimed_source(told: Story, song: str, eve: str, rate: str | None = "1/2") -> str:
    """Eve posts a piece “made 1950”, and says that the song was made from it."""
    old = own_piece(told, "made 1950", eve, made_at="1950")
    return told.edge(song, old, rate=rate, actor=eve)


def test_an_old_piece_declared_the_source_of_anothers_work_takes_nothing(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana)
    release = told.release("album", song, actor=ana)
    claim = claimed_source(told, song, eve)
    assert names_in(told, release) == ["Ana"]
    assert "Eve" not in paid(told, release)
    with told.view() as view:
        assert around.work(view, song)["sources"] == []
        assert not lineage.lineage(view, song).lineage.edges
        assert listing.descendants(view, id_of("made 1950")).items == []
        assert listing.works(view, never_remixed=True, q="made 1950").items != []
    assert claims_on(told, song) == [claim]


def test_a_release_that_was_published_stays_free_of_what_is_agreed_later(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana)
    release = told.release("album", song, actor=ana)
    claim = claimed_source(told, song, eve)
    published = told.tell("publish_release", id=release, actor=ana).position
    told.tell("accept_remix", id=claim, actor=ana)
    assert names_in(told, release) == ["Ana", "Eve"]
    assert names_in(told, release, as_of=published) == ["Ana"]
    known = told.journal.draft().known_at(published)
    assert {edge.parent for edge in known.edges_above(release)} == {song}


def test_a_claimed_rate_does_not_block_what_the_owner_declares(told: Story) -> None:
    ana, ben, eve = people(told, "Ana", "Ben", "Eve")
    source, song = own_piece(told, "source", ben), own_piece(told, "song", ana)
    claim = claimed_source(told, song, eve, rate="4/5")
    told.edge(song, source, rate="4/5", actor=ana)
    told.refused(CapExceeded, "accept_remix", id=claim, actor=ana)
    told.tell("decline_remix", id=claim, actor=ana)
    assert paid(told, song) == {"Ben": 8_000, "Ana": 2_000}


def test_a_claimed_source_is_answered_by_the_poster_of_the_child_alone(told: Story) -> None:
    ana, ben, eve = people(told, "Ana", "Ben", "Eve")
    song = own_piece(told, "song", ana)
    claim = claimed_source(told, song, eve)
    for actor in (ben, eve):
        told.refused(NotPermitted, "accept_remix", id=claim, actor=actor)
    told.refused(NotPermitted, "decline_remix", id=claim, actor=ben)
    told.tell("accept_remix", id=claim, actor=ana)
    told.refused(WrongState, "accept_remix", id=claim, actor=ana, reason="again")
    told.refused(WrongState, "decline_remix", id=claim, actor=ana)
    assert paid(told, song) == {"Ana": 5_000, "Eve": 5_000}


def test_who_claimed_a_source_may_withdraw_the_claim(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    claim = claimed_source(told, own_piece(told, "song", ana), eve)
    told.tell("decline_remix", id=claim, actor=eve)
    assert claims_on(told, id_of("song")) == []


def test_a_claim_is_not_accepted_once_it_would_close_a_cycle(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana, made_at="1960")
    claim = claimed_source(told, song, eve)
    told.edge(id_of("made 1950"), song, actor=eve)
    told.refused(LineageCycle, "accept_remix", id=claim, actor=ana)


# -- what is one's own ---------------------------------------------------------------------


def test_what_somebody_says_of_their_own_work_counts_at_once(told: Story) -> None:
    """Citing what one remixed needs nobody's consent, nor does crediting those who helped."""
    ana, ben, eve = people(told, "Ana", "Ben", "Eve")
    source = own_piece(told, "source", ben)
    song = told.piece("song", source, by=[ana, eve], actor=ana)
    later = own_piece(told, "later source", ben, made_at="1990")
    told.edge(song, later, rate="1/2", actor=ana)
    told.credit(song, ben, actor=ana)
    assert set(names_in(told, song)) == {"Ana", "Ben", "Eve"}
    assert claims_on(told, song) == []
    release = told.release("album", source, song, actor=ana)
    assert set(names_in(told, release)) == {"Ana", "Ben", "Eve"}


def test_who_asks_to_be_asked_is_credited_in_public_only_after_accepting(told: Story) -> None:
    ana, ben = people(told, "Ana", "Ben")
    told.tell("ask_first", id=ben, actor=ben)
    song = told.piece("song", by=[ana, ben], actor=ana)
    later = told.credit(song, ben, actor=ana)
    first = part_id(song, "author", 1)
    with told.view() as view:
        waits = inbox.inbox(view, told.journal, actor=ben).items
        assert {one["id"] for one in waits} == {later, first}
        asked = claims.waiting(view, told.journal, actor=ben).items
        assert {one["id"] for one in asked} == {later, first}
        assert len(attribution.work(view, song)["credits"]) == 1
        for one in (later, first):
            with pytest.raises(UnknownCredit):
                attribution.credit(view, one)
        of_song = history.of_work(view, told.journal, song, actor=OPERATOR)
        of_ben = history.of_contributor(view, told.journal, ben, actor=OPERATOR)
        nouns = {one["noun"] for facts in (of_song, of_ben) for one in facts.items}
        assert nouns.isdisjoint({later, first})
    assert (names_in(told, song), claims_on(told, song)) == (["Ana"], [])
    told.refused(NotPermitted, "accept_credit", id=first, actor=ana)
    told.tell("accept_credit", id=first, actor=ben)
    told.tell("decline_credit", id=later, actor=ben)
    assert names_in(told, song) == ["Ana", "Ben"]
    with told.view() as view:
        assert len(attribution.work(view, song)["credits"]) == 2
        of_song = history.of_work(view, told.journal, song, actor=OPERATOR)
        assert later not in {one["noun"] for one in of_song.items}
    told.tell("stop_asking", id=ben, actor=ben)
    told.refused(WrongState, "stop_asking", id=ana, actor=ana)
    told.credit(song, ben, "singer", actor=ana)
    with told.view() as view:
        assert len(attribution.work(view, song)["credits"]) == 3


def test_the_wish_to_be_asked_outlives_a_merge(told: Story) -> None:
    ana, ben, old = people(told, "Ana", "Ben", "Ben of old")
    told.tell("ask_first", id=old, actor=old)
    told.tell("merge_contributor", id=old, into=ben)
    song = own_piece(told, "song", ana)
    told.credit(song, ben, actor=ana)
    assert names_in(told, song) == ["Ana"]


def test_the_operators_word_counts_at_once(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song, old = own_piece(told, "song", ana), own_piece(told, "old", eve, made_at="1950")
    told.edge(song, old, rate="1/2")
    told.credit(song, eve)
    assert names_in(told, song) == ["Ana", "Eve"]
    assert sum(Fraction(part) for part in paid(told, song).values()) == 10_000


def test_a_moderator_answers_a_claim_once_its_poster_had_thirty_days(told: Story) -> None:
    ana, eve, mod = people(told, "Ana", "Eve", "Mod")
    told.tell("grant_role", id=mod, role="moderator")
    song = own_piece(told, "song", ana)
    both = {"remix": claimed_source(told, song, eve), "credit": told.credit(song, eve, actor=eve)}
    for noun, claim in both.items():
        told.refused(NotPermitted, f"accept_{noun}", id=claim, actor=mod)
    clock = told.journal.clock
    told.journal.clock = lambda: clock() + timedelta(days=30)
    assert names_in(told, song) == ["Ana"]  # what nobody answers never counts by itself
    with told.view() as view:
        late = claims.waiting(view, told.journal, actor=mod, overdue=True).items
        assert [one["id"] for one in late] == list(both.values())
    for noun, claim in both.items():
        told.refused(NotPermitted, f"accept_{noun}", id=claim, actor=eve)
        told.tell(f"accept_{noun}", id=claim, actor=mod)
    assert names_in(told, song) == ["Ana", "Eve"]


@pytest.mark.parametrize("noun", ["credit", "remix", "join"])
@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_a_moderator_does_not_overrule_an_answer_however_late(
    answer: str, noun: str, told: Story
) -> None:
    ana, eve, mod = people(told, "Ana", "Eve", "Mod")
    told.tell("grant_role", id=mod, role="moderator")
    song = own_piece(told, "song", ana)
    match noun:
        case "credit":
            claim = told.credit(song, eve, actor=eve)
        case "remix":
            claim = claimed_source(told, song, eve)
        case _:
            again = {"work": own_piece(told, "again", eve), "reason": "posted twice"}
            claim = told.tell("join_works", into=song, **again, actor=eve).id
    told.tell(f"{answer}_{noun}", id=claim, reason="r", actor=ana)
    clock = told.journal.clock
    told.journal.clock = lambda: clock() + timedelta(days=40)
    for other in ("accept", "decline"):
        told.refused(NotPermitted, f"{other}_{noun}", id=claim, reason="r", actor=mod)


def test_the_poster_is_shown_what_waits_for_them(told: Story) -> None:
    ana, ben, eve = people(told, "Ana", "Ben", "Eve")
    song = own_piece(told, "song", ana)
    both = [claimed_source(told, song, eve), told.credit(song, eve, actor=eve)]
    with told.view() as view:
        assert [one["id"] for one in claims.waiting(view, told.journal, actor=ana).items] == both
        assert claims.waiting(view, told.journal, actor=ben).items == []
        (first, second) = claims.on_work(view, song).items
        assert (first["noun"], first["may_answer"], first["claimed_by"]) == ("remix", ana, eve)
        assert (second["noun"], second["may_answer"], second["claimed_by"]) == ("credit", ana, eve)


# -- disputes ------------------------------------------------------------------------------

SAID = {"reason": "It was two commas.", "evidence": "the draft of March"}


def dispute(told: Story, credit: str, actor: str, grounds: str = "wrong_role") -> str:
    return told.tell("dispute_credit", id=credit, grounds=grounds, actor=actor, **SAID).id


def dismissed(told: Story, credit: str) -> None:
    told.tell("settle_credit", id=credit, outcome="dismissed", reason="r")


def test_a_stranger_holds_nobodys_money_by_disputing_eight_credits(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    crew = people(told, *"abcdefgh")
    song = told.piece("song", by=crew, actor=ana)
    credits = [part_id(song, "author", number) for number in range(8)]
    # What they claim themselves makes it no concern of theirs.
    told.credit(song, eve, actor=eve)
    claimed_source(told, song, eve)
    for credit in credits:
        told.refused(NotPermitted, "dispute_credit", id=credit, grounds="other", actor=eve, **SAID)
    assert told.journal.books().doubts == {}


def test_whom_it_concerns_disputes_three_credits_at_a_time(told: Story) -> None:
    ana, ben = people(told, "Ana", "Ben")
    song = told.piece("song", by=[*people(told, *"abcdefgh"), ben], actor=ana)
    credits = [part_id(song, "author", number) for number in range(8)]
    for credit in credits[:3]:
        dispute(told, credit, ben)
    said = {"id": credits[3], "grounds": "other", "actor": ben, **SAID}
    refusal = told.refused(QuotaExceeded, "dispute_credit", **said)
    assert (refusal.details["most"], refusal.details["frees_at"]) == (3, None)
    dismissed(told, credits[0])
    dispute(told, credits[3], ben)


def test_a_dispute_is_not_repeated_on_the_same_grounds_by_the_same_person(told: Story) -> None:
    ana, ben = people(told, "Ana", "Ben")
    credit = part_id(told.piece("song", by=[ana, ben], actor=ana), "author", 0)
    dispute(told, credit, ben)
    dismissed(told, credit)
    said = {"id": credit, "actor": ben, **SAID}
    told.refused(DisputeRepeated, "dispute_credit", grounds="wrong_role", **said)
    dispute(told, credit, ben, "not_theirs")
    told.tell("settle_credit", id=credit, outcome="withdrawn", reason="r", actor=ben)
    told.refused(DisputeRepeated, "dispute_credit", grounds="not_theirs", **said)
    told.tell("dispute_credit", id=credit, grounds="wrong_role", reason="New letters.")


def test_a_dispute_needs_evidence_except_of_the_operator(told: Story) -> None:
    ana, ben = people(told, "Ana", "Ben")
    credit = part_id(told.piece("song", by=[ana, ben], actor=ana), "author", 0)
    said = {"id": credit, "grounds": "other", "reason": "No."}
    told.refused(EvidenceMissing, "dispute_credit", actor=ben, **said)
    told.tell("dispute_credit", **said)


def test_five_disputes_a_day_are_enough_for_one_person(told: Story) -> None:
    ana, ben = people(told, "Ana", "Ben")
    song = told.piece("song", by=[*people(told, *"abcdef"), ben], actor=ana)
    credits = [part_id(song, "author", number) for number in range(6)]
    for credit in credits[:5]:
        dispute(told, credit, ben)
        dismissed(told, credit)
    said = {"id": credits[5], "grounds": "other", "actor": ben, **SAID}
    refusal = told.refused(QuotaExceeded, "dispute_credit", **said)
    frees = datetime.fromisoformat(str(refusal.details["frees_at"]))
    clock = told.journal.clock
    told.journal.clock = lambda: clock() + timedelta(hours=23)
    told.refused(QuotaExceeded, "dispute_credit", **said)
    told.journal.clock = lambda: max(frees, clock())
    dispute(told, credits[5], ben)


CONCERNED = (
    *("poster", "credited", "source", "holder", "remixer", "remixed for", "remix's holder"),
    *("on the same remix", "as merged"),
)
STRANGERS = ("of a struck remix", "of a claimed remix", "claims the remix", "of a remix's remix")


def of_many(told: Story) -> tuple[str, dict[str, str]]:
    """A song, and the people who have to do with it, each in one way alone."""
    ids = {name: told.person(name) for name in (*CONCERNED, *STRANGERS, "somebody", "later")}
    by = ids["somebody"]
    source = own_piece(told, "old song", ids["source"])
    song = told.piece("song", source, by=[ids["credited"]], actor=ids["poster"])
    told.tell("state_right", id=song, right_holder=ids["holder"], reason="r")
    made = told.piece("made of it", song, by=[ids["remixer"]], actor=ids["remixed for"])
    told.tell("state_right", id=made, right_holder=ids["remix's holder"], reason="r")
    told.credit(made, ids["claims the remix"], actor=ids["claims the remix"])
    told.piece("made of that", made, by=[ids["of a remix's remix"]], actor=by)
    same = told.piece("the same again", by=[ids["on the same remix"]], actor=by)
    told.tell("join_works", work=same, into=made, reason="r")
    told.piece("by an account", song, by=[ids["later"]], actor=by)
    told.tell("merge_contributor", id=ids["later"], into=ids["as merged"], reason="r")
    struck = told.piece("not of it", song, by=[ids["of a struck remix"]], actor=by)
    told.tell("strike_remix", id=part_id(struck, "source", 0), reason="r")
    claimed = told.piece("said to be", by=[ids["of a claimed remix"]], actor=by)
    told.edge(claimed, song, actor=ids["poster"])
    return song, ids


@pytest.mark.parametrize("who", CONCERNED)
def test_whom_it_concerns_may_dispute(who: str, told: Story) -> None:
    song, ids = of_many(told)
    dispute(told, part_id(song, "author", 0), ids[who])


def test_whom_it_does_not_concern_may_not(told: Story) -> None:
    song, ids = of_many(told)
    said = {"id": part_id(song, "author", 0), "grounds": "other", **SAID}
    for who in STRANGERS:
        told.refused(NotPermitted, "dispute_credit", actor=ids[who], **said)


def test_a_right_holder_speaks_for_an_outside_source(told: Story) -> None:
    ana, ben, label = people(told, "Ana", "Ben", "Label")
    song = own_piece(told, "song", ana)
    told.tell("declare_remix", child=song, uri="urn:old", kind="sample", actor=ana)
    with told.view() as view:
        source = around.work(view, song)["sources"][0]["work"]["id"]
    claim = told.tell("claim_work", id=source, contributor=ben, role="writer", actor=ben).id
    told.refused(NotPermitted, "accept_credit", id=claim, actor=label)
    told.tell("state_right", id=source, right_holder=label, reason="The contract of 1969.")
    told.tell("accept_credit", id=claim, actor=label)
    told.tell("redate_work", id=source, made_at="1969", reason="r", actor=label)


# -- quotas --------------------------------------------------------------------------------


def test_claims_are_limited_in_a_day_and_unanswered(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    songs = [own_piece(told, f"song {number}", ana) for number in range(21)]
    for song in songs[:20]:
        told.credit(song, eve, actor=eve)
    said = {"work": songs[20], "contributor": eve, "role": "editor", "actor": eve}
    assert told.refused(QuotaExceeded, "open_credit", **said).details["most"] == 20
    told.tell("open_credit", **{**said, "actor": ana})


def test_strangers_are_credited_two_hundred_times_a_day(told: Story) -> None:
    eve, *crowd = people(told, "Eve", *(f"p{number}" for number in range(40)))
    for number in range(5):
        told.piece(f"piece {number}", by=crowd, actor=eve)
    said = {"title": "one more", "medium": "text", "actor": eve}
    author = {"contributor": crowd[0], "role": "writer"}
    told.refused(QuotaExceeded, "submit_contribution", authors=[author], **said)
    told.tell("submit_contribution", authors=[{**author, "contributor": eve}], **said)


def test_a_quota_holds_across_processes_and_clients(database: str) -> None:
    """After eighteen claims, eight more at once through two services: two are recorded."""
    with story(database) as one, story(database) as two:
        ana, eve = people(one, "Ana", "Eve")
        songs = [own_piece(one, f"song {number}", ana) for number in range(26)]
        for song in songs[:18]:
            one.credit(song, eve, actor=eve)
        further = zip(songs[18:], (one, two) * 4, strict=True)
        found = at_once(*(partial(told.credit, song, eve, actor=eve) for song, told in further))
        assert {type(answer) for answer in found} <= {str, QuotaExceeded, Busy}
        assert sum(isinstance(answer, str) for answer in found) == 2
        assert one.topics().count("credit.claimed") == len(songs) + 20


def test_the_operator_and_an_import_are_not_limited(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    songs = [own_piece(told, f"song {number}", ana) for number in range(25)]
    lines = [
        FoundLine(
            "", {"type": "credit", "work": song, "contributor": eve, "role": "editor", "by": eve}
        )
        for song in songs
    ]
    assert import_lines(told.journal, lines).refused == []
    assert names_in(told, songs[0]) == ["Ana", "Eve"]
    told.credit(own_piece(told, "another", ana), eve, actor=eve)


# -- comments ------------------------------------------------------------------------------


def proposed(told: Bank, payee: str, poster: str) -> tuple[str, str]:
    """A song by the poster, and a proposal for the release it is on."""
    song = own_piece(told, "song", poster)
    release = told.release("album", song, actor=poster)
    pool = told.pool("pot", release=release, actor=poster)
    return song, told.propose(pool, {payee: "1"}, actor=poster)


def comment(told: Story, proposal: str, actor: str) -> str:
    said = {"proposal": proposal, "kind": "other", "text": "Hm.", "actor": actor}
    return told.tell("comment_on_proposal", **said).id


def test_a_stranger_blocks_no_proposal_with_comments(database: str) -> None:
    with bank(database) as told:
        ana, ben, eve = told.people("Ana", "Ben", "Eve")
        song, proposal = proposed(told, ben, ana)
        said = {"proposal": proposal, "kind": "other", "text": "Hm."}
        told.refused(NotPermitted, "comment_on_proposal", actor=eve, **said)
        comment(told, proposal, ben)  # with a share
        comment(told, proposal, ana)  # who closes it
        claim = told.credit(song, eve, actor=eve)  # with a claim: left out, perhaps
        comment(told, proposal, eve)
        told.tell("decline_credit", id=claim, actor=ana)
        told.refused(NotPermitted, "comment_on_proposal", actor=eve, **said)


def test_one_person_has_three_comments_unanswered_and_six_on_a_version(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("Ana", "Ben")
        _, proposal = proposed(told, ben, ana)
        said = {"proposal": proposal, "kind": "other", "text": "Hm.", "actor": ben}
        for _ in range(2):
            latest = [comment(told, proposal, ben) for _ in range(3)]
            told.refused(QuotaExceeded, "comment_on_proposal", **said)
            for one in latest:
                answer = {"proposal": proposal, "comment": one, "text": "So.", "actor": ana}
                told.tell("answer_comment", **answer)
        assert told.refused(QuotaExceeded, "comment_on_proposal", **said).details["most"] == 6
        assets = [asset("song", {ben: "1"})]
        said_again = {"proposal": proposal, "comments": [latest[0]], "assets": assets}
        told.tell("revise_proposal", actor=ana, **said_again)
        comment(told, proposal, ben)


def test_a_source_made_1950_takes_nothing_of_a_proposal(database: str) -> None:
    with bank(database) as told:
        ana, eve = told.people("Ana", "Eve")
        song = own_piece(told, "song", ana)
        release = told.release("album", song, actor=ana)
        claimed_source(told, song, eve)
        pool = told.pool("pot", release=release, actor=ana)
        computed = {"policy": {"type": "relative_cascade"}, "default_rate": "1/2"}
        told.tell("post_proposal", pool=pool, actor=ana, **computed)
        (shares,) = told.books().proposed.values()
        assert {payee for one in shares for payee, _ in one["shares"]} == {ana, f"work/{release}"}
