"""Facts are kept for ever: every kind round-trips, and none holds a text to be forgotten."""

from dataclasses import MISSING, FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventsourcing.persistence import JSONTranscoder, StoredEvent
from stories import every_fact, id_of, story

from domain.fact import FACTS, Fact, FactMapper, read_fact
from domain.moment import instant
from domain.seal import TEXTS
from domain.text import LIMITS

MAPPER = FactMapper(JSONTranscoder())
THEN = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)

TOPICS = {
    "clock.accepted",
    *("contributor.admitted", "contributor.merged", "contributor.forgotten"),
    *(
        "contributor.asked_first",
        "contributor.stopped_asking",
        "contributor.key_registered",
        "contributor.key_revoked",
    ),
    *("role.granted", "role.ended"),
    *("contribution.submitted", "contribution.withdrawn"),
    *("work.redated", "work.right_stated", "outside.cited"),
    *("remix.declared", "remix.accepted", "remix.declined", "remix.struck"),
    *("credit.granted", "credit.claimed", "credit.accepted", "credit.declined"),
    "credit.revoked",
    *(
        f"{noun}.{verb}"
        for noun in ("remix", "credit")
        for verb in ("disputed", "answered", "settled")
    ),
    *("release.assembled", "release.published", "release.withdrawn"),
    "pool.opened",
    *("proposal.posted", "proposal.continued", "proposal.commented", "proposal.answered"),
    *("proposal.revised", "proposal.extended", "proposal.withdrawn"),
    *("proposal.finalised", "proposal.shared", "proposal.confirmed"),
    *("share.offered", "share.claimed", "share.accepted", "share.declined", "share.waived"),
    *("revenue.recorded", "revenue.reversed", "expense.recorded"),
    *("entry.divided", "entry.reversed", "entry.corrected", "entry.continued"),
    *("batch.opened", "payout.issued", "payout.settled", "payout.returned", "payout.claimed"),
    *("hold.opened", "hold.lifted"),
}


TEXT = 'text "Größe" \\ \u2028 😀'
STRUCTURED: dict[str, Any] = {
    "assets": [{"asset": TEXT, "value": "1/3", "within": [TEXT], "shares": [[TEXT, "1"]]}],
    "lines": [[TEXT, -3, "-10/3", "1/3"]],
    "parts": [[TEXT, "agreement", "pool", 7]],
    "shares": [[TEXT, "1/3"]],
    "amount_minor": -3,
}
"""What a fact itself looks into."""


def example(kind: type[Fact], *, optional: bool) -> Fact:
    """A fact with a text in every field that must have one, and in the others if asked for."""
    place: dict[str, Any] = {
        "originator_id": id_of("noun"),
        "originator_version": 3,
        "timestamp": THEN,
        "actor": "operator",
    }
    content = {
        field.name: STRUCTURED.get(field.name, f"{field.name}: {TEXT}")
        for field in fields(kind)
        if field.name not in place and (optional or field.default is MISSING)
    }
    return kind(**place, **content)


def test_the_topics_are_written_down_and_never_change() -> None:
    assert set(FACTS) == TOPICS
    for topic, kind in FACTS.items():
        assert vars(kind)["TOPIC"] == topic


@pytest.mark.parametrize("topic", sorted(TOPICS))
@pytest.mark.parametrize("optional", [True, False])
def test_every_kind_comes_back_as_it_was_to_the_byte(topic: str, optional: bool) -> None:
    happened = example(FACTS[topic], optional=optional)
    stored = MAPPER.to_stored_event(happened)
    again = MAPPER.to_domain_event(stored)
    assert again == happened
    assert type(again) is type(happened)
    assert again.subjects() == happened.subjects()
    assert again.effective == happened.effective
    assert MAPPER.to_stored_event(again) == stored


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_what_a_fact_does_not_say_is_not_stored(topic: str) -> None:
    kind = FACTS[topic]
    stored = MAPPER.to_stored_event(example(kind, optional=False))
    assert b"null" not in stored.state
    for field in fields(kind):
        if field.default is None:
            assert f'"{field.name}"'.encode() not in stored.state


def test_the_stored_form_is_compact_json_in_a_fixed_order() -> None:
    """These bytes are history: a change of them must be a decision."""
    happened = FACTS["remix.declared"](
        originator_id=id_of("edge"),
        originator_version=1,
        timestamp=THEN,
        actor="operator",
        child="c",
        parent="p",
        kind="sample",
        rate="1/5",
    )
    assert MAPPER.to_stored_event(happened) == StoredEvent(
        originator_id=id_of("edge"),
        originator_version=1,
        topic="remix.declared",
        state=b'{"timestamp":"2026-06-01T12:00:00.123456Z","actor":"operator","child":"c",'
        b'"parent":"p","kind":"sample","rate":"1/5"}',
    )


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_fact_is_immutable(topic: str) -> None:
    with pytest.raises(FrozenInstanceError):
        example(FACTS[topic], optional=True).actor = "somebody else"  # type: ignore[misc]


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_field_that_takes_free_text_is_sealed(topic: str) -> None:
    """One that is not in this list of ids, numbers and vocabularies must be a commitment."""
    open_fields = {
        *("originator_id", "originator_version", "timestamp", "actor"),
        *("message", "signature", "key"),
        *("work", "contributor", "child", "parent", "into", "kind", "role", "rate"),
        *("grounds", "answer_by", "waits_for", "right_holder", "deadline", "disputer"),
        *("outcome", "stands_as", "replaced_by"),
        *("before", "made", "made_at", "effective_at", "medium", "licence", "sha256", "uri"),
        *("ground", "erased", "holds", "by_name", "is_false", "is_complete", "rules"),
        "review_hours",
        *("pool", "release", "proposal", "comment", "comments", "revenue", "expense", "credit"),
        *("commenter", "commenters"),
        *("currency", "amount_minor", "terms", "rounding", "comment_days", "deferral_minor"),
        *("works", "assets", "policy", "graph_position", "basis", "number", "agreement"),
        *("closes_at", "payee", "share", "shares", "scope", "lines", "agreed", "costs"),
        *("flow", "flow_before", "left_over", "division", "reversal", "replaces"),
        *("batch", "minimum_minor", "minimums", "payees", "count", "total_minor", "parts", "was"),
        # Names of trade, on statements for ever: who paid, for what, to whom, by which transfer.
        *("source", "category", "payer", "about", "default_rate"),
    }
    kind = FACTS[topic]
    assert {field.name for field in fields(kind)} - open_fields == set(kind.SEALED)
    # A signature is over these texts' commitments, so it must know what they are called.
    assert set(kind.SEALED) <= set(TEXTS)


def test_every_kind_is_stored_as_it_is_and_read_again(database: str) -> None:
    with story(database) as told:
        every_fact(told)
        stored = told.facts()
        assert {placed.topic for placed in stored} == TOPICS
        for placed in stored:
            again = MAPPER.to_stored_event(placed.fact())
            assert (again.topic, again.state) == (placed.topic, placed.state)
            assert placed.fact() == read_fact(*placed[1:5])


def test_no_text_of_a_person_is_ever_in_a_fact(database: str) -> None:
    with story(database) as told:
        every_fact(told)
        said = {text for (text,) in told.journal.engine.query("SELECT value FROM vault")}
        names = {name for (name,) in told.journal.engine.query("SELECT DISTINCT name FROM vault")}
        in_facts = {"medium", "licence", "source", "category", "payer", "about"}
        assert names == set(LIMITS) - in_facts
        # Two of them went with the withdrawn piece and were never only in the vault.
        assert {text for text in said if text.startswith("text-")} == said
        kept = b"".join(placed.state for placed in told.facts())
        assert b"text-" not in kept
        assert b'"text"' in kept  # the medium


def test_every_fact_says_who_acted_and_when(database: str) -> None:
    with story(database, clock=lambda: THEN) as told:
        every_fact(told)
        for placed in told.facts():
            happened = placed.fact()
            assert happened.actor in ("operator", id_of("text-name-ana"))
            assert happened.timestamp in (THEN - timedelta(days=15), THEN)


EFFECTIVE = [
    ("contribution.submitted", {"made": "M"}, "M"),
    ("release.assembled", {"made": "M"}, "M"),
    ("work.redated", {"made": "M"}, "M"),
    ("remix.declared", {"effective_at": "E"}, "E"),
    ("credit.granted", {"effective_at": "E"}, "E"),
    ("credit.claimed", {}, instant(THEN)),
    ("credit.accepted", {}, instant(THEN)),
    ("contributor.admitted", {}, instant(THEN)),
]


@pytest.mark.parametrize("topic, said, effective", EFFECTIVE)
def test_a_fact_holds_from_its_stated_moment_else_from_its_recording(
    topic: str, said: dict[str, str], effective: str
) -> None:
    plain = example(FACTS[topic], optional=False)
    assert type(plain)(**(vars(plain) | said)).effective == effective
