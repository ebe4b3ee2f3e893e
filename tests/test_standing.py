"""What somebody says about another's work counts when the other side agrees, and not before.

Every attack of somebody who owns nothing here is tried; and what is one's own counts at once.
"""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from stories import Story, id_of, story

from domain.refusal import CapExceeded, NotPermitted, ParentNotOlder, Refusal, WrongState
from projections import attribution, claims, lineage
from projections.money.splitting import split_of
from projections.roll import roll


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as told:
        yield told


def refused(told: Story, wrong: type[Refusal], command: str, **said: Any) -> Refusal:
    """The refusal of a command, which leaves no trace."""
    head = told.head()
    with pytest.raises(wrong) as refusal:
        told.tell(command, **said)
    assert told.head() == head
    return refusal.value


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
        assert attribution.attribution(view, eve).items == []
    assert names_in(told, song) == ["Ana"]
    assert paid(told, song) == {"Ana": 10_000}
    assert claims_on(told, song) == [claim]
    refused(told, NotPermitted, "accept_credit", id=claim, actor=eve)
    told.tell("accept_credit", id=claim, actor=ana)
    assert names_in(told, song) == ["Ana", "Eve"]
    assert paid(told, song) == {"Ana": 5_000, "Eve": 5_000}
    assert claims_on(told, song) == []
    assert names_in(told, song, as_of=before) == ["Ana"]


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
        source = lineage.work(view, song)["sources"][0]["work"]["id"]
    for command, said in {
        "open_credit": {"work": source, "contributor": eve, "role": "writer"},
        "redate_work": {"id": source, "made_at": "1950", "reason": "r"},
        "declare_remix": {"child": source, "uri": "urn:older", "kind": "sample"},
    }.items():
        refused(told, NotPermitted, command, actor=ana, **said)
    claim = told.tell("claim_work", id=source, contributor=eve, role="writer", actor=eve).id
    refused(told, NotPermitted, "accept_credit", id=claim, actor=ana)
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
        assert lineage.work(view, song)["sources"] == []
        assert lineage.lineage(view, song).lineage.edges == ()
        assert lineage.descendants(view, id_of("made 1950")).items == []
        assert lineage.works(view, never_remixed=True, q="made 1950").items != []
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
    refused(told, CapExceeded, "accept_remix", id=claim, actor=ana)
    told.tell("decline_remix", id=claim, actor=ana)
    assert paid(told, song) == {"Ben": 8_000, "Ana": 2_000}


def test_a_claimed_source_is_answered_by_the_poster_of_the_child_alone(told: Story) -> None:
    ana, ben, eve = people(told, "Ana", "Ben", "Eve")
    song = own_piece(told, "song", ana)
    claim = claimed_source(told, song, eve)
    for actor in (ben, eve):
        refused(told, NotPermitted, "accept_remix", id=claim, actor=actor)
    refused(told, NotPermitted, "decline_remix", id=claim, actor=ben)
    told.tell("accept_remix", id=claim, actor=ana)
    refused(told, WrongState, "accept_remix", id=claim, actor=ana, reason="again")
    refused(told, WrongState, "decline_remix", id=claim, actor=ana)
    assert paid(told, song) == {"Ana": 5_000, "Eve": 5_000}


def test_who_claimed_a_source_may_withdraw_the_claim(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    claim = claimed_source(told, own_piece(told, "song", ana), eve)
    told.tell("decline_remix", id=claim, actor=eve)
    assert claims_on(told, id_of("song")) == []


def test_a_claim_is_accepted_only_while_its_source_is_older(told: Story) -> None:
    ana, eve = people(told, "Ana", "Eve")
    song = own_piece(told, "song", ana, made_at="1960")
    claim = claimed_source(told, song, eve)
    told.tell("redate_work", id=id_of("made 1950"), made_at="1970", reason="r", actor=eve)
    refused(told, ParentNotOlder, "accept_remix", id=claim, actor=ana)


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
        refused(told, NotPermitted, f"accept_{noun}", id=claim, actor=mod)
    clock = told.journal.clock
    told.journal.clock = lambda: clock() + timedelta(days=30)
    assert names_in(told, song) == ["Ana"]  # what nobody answers never counts by itself
    for noun, claim in both.items():
        refused(told, NotPermitted, f"accept_{noun}", id=claim, actor=eve)
        told.tell(f"accept_{noun}", id=claim, actor=mod)
    assert names_in(told, song) == ["Ana", "Eve"]


def test_the_poster_is_shown_what_waits_for_them(told: Story) -> None:
    ana, ben, eve = people(told, "Ana", "Ben", "Eve")
    song = own_piece(told, "song", ana)
    both = [claimed_source(told, song, eve), told.credit(song, eve, actor=eve)]
    with told.view() as view:
        assert [one["id"] for one in claims.waiting(view, actor=ana).items] == both
        assert claims.waiting(view, actor=ben).items == []
        (first, second) = claims.on_work(view, song).items
        assert (first["noun"], first["may_answer"], first["claimed_by"]) == ("remix", ana, eve)
        assert (second["noun"], second["may_answer"], second["claimed_by"]) == ("credit", ana, eve)
