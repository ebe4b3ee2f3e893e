"""Facts are kept for ever: every kind round-trips, and none holds a text to be forgotten."""

import re
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
    *("contributor.renamed", "contributor.separated"),
    *(
        "contributor.asked_first",
        "contributor.divided",
        "contributor.stopped_asking",
        "contributor.key_registered",
        "contributor.key_revoked",
    ),
    *("role.granted", "role.ended"),
    *("contribution.submitted", "contribution.withdrawn"),
    *("work.redated", "work.right_stated", "work.described", "outside.cited"),
    *("join.declared", "join.accepted", "join.declined", "join.undone"),
    *("remix.declared", "remix.accepted", "remix.declined", "remix.struck"),
    "remix.retired",
    *("credit.granted", "credit.claimed", "credit.accepted", "credit.declined"),
    *("identifier.stated", "identifier.withdrawn"),
    "credit.licence_agreed",
    *("credit.revoked", "credit.corrected", "credit.hidden", "credit.shown"),
    *(
        f"{noun}.{verb}"
        for noun in ("remix", "credit", "identifier")
        for verb in ("disputed", "answered", "settled")
    ),
    *("release.assembled", "release.published", "release.withdrawn"),
    "pool.opened",
    *("proposal.posted", "proposal.continued", "proposal.commented", "proposal.answered"),
    *("proposal.revised", "proposal.extended", "proposal.notified", "proposal.withdrawn"),
    *("proposal.finalised", "proposal.shared", "proposal.confirmed"),
    *("share.offered", "share.claimed", "share.accepted", "share.declined", "share.waived"),
    *("revenue.recorded", "revenue.reversed", "expense.recorded"),
    *("entry.divided", "entry.reversed", "entry.corrected", "entry.continued", "entry.opened"),
    "period.closed",
    *("pool.amended", "share.carried", "proposal.implied", "payee.identified"),
    *("entry.redivided", "entry.adjusted", "entry.assigned", "expense.reversed"),
    *("batch.opened", "payout.issued", "payout.settled", "payout.returned", "payout.claimed"),
    *("hold.opened", "hold.lifted"),
    *("exchange_rate.stated", "payment_currency.chosen", "pool.located"),
    *("pool.reserving", "entry.freed"),
    *("withholding.stated", "withholding.ended"),
    *("membership.offered", "membership.accepted", "membership.declined", "membership.dated"),
    *("membership.disputed", "membership.answered", "membership.settled"),
    *("project.launched", "project.described", "project.leader_assigned"),
    *("project.leader_removed", "project.updated", "project.closed", "project.reopened"),
    *("step.published", "step.described", "placement.made", "placement.ended"),
    *("challenge.issued", "challenge.described", "challenge.moved", "challenge.closed"),
    "challenge.reopened",
    *("comment.posted", "comment.edited", "comment.removed", "follow.begun", "follow.ended"),
    *("answer.given", "answer.withdrawn", "answer.featured", "answer.unfeatured"),
}


TEXT = 'text "Größe" \\ \u2028 😀'
STRUCTURED: dict[str, Any] = {
    "divides": [[TEXT, [[TEXT, "1/3"]]]],
    "among": [{"contributor": TEXT, "part": "1/3"}],
    "assets": [{"asset": TEXT, "value": "1/3", "within": [TEXT], "shares": [[TEXT, "1"]]}],
    "lines": [[TEXT, -3, "-10/3", "1/3"]],
    "parts": [[TEXT, "agreement", "pool", 7]],
    "shares": [[TEXT, "1/3"]],
    "amount_minor": -3,
    "leaders": [TEXT],
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


ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DIGEST = r"[A-Za-z0-9_-]{43}"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
EXACT = r"-?\d+(?:/\d+|\.\d+)?"
WORD = r"[a-z]+(?:[-_ ][a-z]+)*"
PAYEE = rf"(?:work/|payer/)?{ID}|operator|{WORD}"
FORMS = {
    ID: (
        *("originator_id", "actor", "work", "contributor", "child", "parent", "into", "disputer"),
        *("project", "challenge", "step", "left", "group"),
        *("thread", "reply_to", "writer", "follower"),
        *("replaced_by", "pool", "release", "proposal", "comment", "revenue", "credit", "batch"),
        *(
            "commenter",
            "division",
            "reversal",
            "replaces",
            "known_as",
            "right_holder",
            "repeats",
            "expense",
            "earlier",
            "against",
        ),
    ),
    WORD: (
        *(
            "kind",
            "role",
            "grounds",
            "outcome",
            "stands_as",
            "ground",
            "rounding",
            "was",
            "means",
        ),
        *(
            "source",
            "category",
            "statement",
            "waits_for",
            "evidence_kind",
            "former",
            "offered",
            "part",
            "scheme",
            "on",
            "removed_as",
            "shown",
        ),
    ),
    INSTANT: ("made", "deadline", "closes_at", "before", "until"),
    # As it was stated: a year, a month, a day or a time.
    r"\d{4}(-\d\d)?(-\d\d)?(T.*Z)?": ("made_at", "agreed_on", "effective_at", "answer_by"),
    EXACT: ("rate", "share", "agreed", "default_rate", "exact"),
    r"[A-Z]{3}": ("currency", "into_currency"),
    r"[A-Z]{2}": ("country",),
    r"[0-9a-f]{64}": ("sha256", "evidence_sha256"),
    rf"({DIGEST}( {DIGEST})*)?": ("erased",),
    rf"{ID}( {ID})*": ("node", "moved", "asked"),
    rf"[a-z_]+/{ID}": ("source_id",),
    r"[0-9X~?%./\[\]-]+": ("during",),
    r"[a-z_]+ \d+": ("basis",),
    rf"{ID}\+[0-9a-f]{{8}}\+[A-Za-z0-9+/=]+": ("key",),
    r"[A-Za-z0-9+/=_-]+": ("message", "signature"),
    rf"\S+ [a-z_]+ ({ID}|-)": ("binds",),
    rf"([a-z_]+=({ID}|operator)( |$))*": ("owners",),
}
"""The form of every field that holds text, by a pattern: an id, a word of a list, a date, a number.

A field that is neither here nor below is the commitment to a text that can be erased.
"""
NUMBERS = {
    *("originator_version", "amount_minor", "comment_days", "deferral_minor", "graph_position"),
    "known_at",
    *("number", "agreement", "left_over", "minimum_minor", "count", "total_minor", "rules"),
    *("review_hours", "billing", "months", "version"),
}
FLAGS = {
    *("holds", "is_false", "is_complete", "by_document", "by_territory"),
    *("by_name", "by_piece", "by_origin"),
}
TEXT_FOR_A_REASON = {
    "medium": "what a work is made of, forty characters; it is on the page of the work",
    "licence": "the name of a licence; it is on the page of the work",
    "value": "the number of a work in a registry, which is public",
    "uri": "the address of a work elsewhere, which is what it is known by",
    "payer": "a payee; a name only if the terms or an agreement of the pool give it",
    "to": "a payee whom whoever keeps the books names, as in an agreement",
    "payee": "a payee: a contributor, a work, or a party of an agreement that its closers named",
    "about": "a payee or an asset of the proposal, or the id of a work or a person; looked up",
    "scope": "an asset or a part of an agreement, which the command looks up",
}
LISTS_FOR_A_REASON = {
    "terms": "the policy that was agreed, with the names of its parties",
    "policy": "the policy that was agreed, with the names of its parties",
    "assets": "works and parts of a release with their payees",
    "shares": "payees with exact numbers",
    "lines": "payees with exact numbers",
    "anew": "divisions with exact numbers",
    "reserved": "payees with dates and exact numbers",
    "costs": "expenses and payees with numbers",
    "flow": "places of the terms with exact numbers",
    "flow_before": "places of the terms with exact numbers",
    "parts": "payees, agreements and pools with numbers",
    "withheld": "countries, rules and exact rates with numbers",
    "withheld_of_parts": "numbers",
    "sources": "numbers and countries",
    "conversion": "the id of a rate, two exact numbers, a currency and numbers",
    "minimums": "payees with numbers",
    "payees": "payees",
    "works": "ids",
    "comments": "ids",
    "commenters": "ids",
    "notifies": "ids",
    "among": "ids with exact numbers",
    "divides": "ids with exact numbers",
    "placed": "divisions with exact numbers",
    "ai": "words of a list",
    "places": "numbers",
    **{"leaders": "ids", "mentions": "ids", "added": "ids"},
    "media": "what works are made of, as on their pages",
    "roles": "words of a list",
    "conflicts": "words of a list and ids",
    "sold": "what a shop's report says of a sale, by which terms decide, with exact numbers",
}


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_field_is_sealed_or_has_a_declared_form(topic: str) -> None:
    kind = FACTS[topic]
    declared = {name for names in FORMS.values() for name in names}
    declared |= (
        NUMBERS | FLAGS | TEXT_FOR_A_REASON.keys() | LISTS_FOR_A_REASON.keys() | {"timestamp"}
    )
    assert {field.name for field in fields(kind)} - declared == set(kind.SEALED)
    # A signature is over these texts' commitments, so it must know what they are called.
    assert set(kind.SEALED) <= set(TEXTS)


@pytest.mark.after(told=every_fact)
def test_every_field_of_every_fact_has_the_form_that_is_declared(database: str) -> None:
    forms = {name: form for form, names in FORMS.items() for name in names}
    with story(database) as told:
        for placed in told.facts():
            happened = placed.fact()
            for name, value in vars(happened).items():
                if value is None or name == "timestamp" or name in LISTS_FOR_A_REASON:
                    continue
                if name in NUMBERS:
                    assert type(value) is int, (placed.topic, name)
                elif name in FLAGS:
                    assert type(value) is bool, (placed.topic, name)
                elif name in happened.SEALED:
                    assert re.fullmatch(DIGEST, value), (placed.topic, name, value)
                elif name in ("payee", "payer", "actor", "originator_id", "commenter", "disputer"):
                    assert re.fullmatch(PAYEE, value), (placed.topic, name, value)
                elif name in forms:
                    assert re.fullmatch(forms[name], value), (placed.topic, name, value)
                else:
                    assert name in TEXT_FOR_A_REASON, (placed.topic, name)


@pytest.mark.after(told=every_fact)
def test_every_kind_is_stored_as_it_is_and_read_again(database: str) -> None:
    with story(database) as told:
        stored = told.facts()
        assert {placed.topic for placed in stored} == TOPICS
        for placed in stored:
            again = MAPPER.to_stored_event(placed.fact())
            assert (again.topic, again.state) == (placed.topic, placed.state)
            assert placed.fact() == read_fact(*placed[1:5])


@pytest.mark.after(told=every_fact)
def test_no_text_of_a_person_is_ever_in_a_fact(database: str) -> None:
    with story(database) as told:
        said = {text for (text,) in told.journal.engine.query("SELECT value FROM vault")}
        names = {name for (name,) in told.journal.engine.query("SELECT DISTINCT name FROM vault")}
        in_facts = {"medium", "licence", "source", "category", "payer", "about"}
        of_keys = {"label"}
        assert names == set(LIMITS) - in_facts - of_keys
        # Two of them went with the withdrawn piece and were never only in the vault.
        number = "000000012281955X"  # the ISNI has a form and can't say that it is a text
        marked = ("text-", "https://text-media_url-")
        assert {text for text in said if text.startswith(marked)} == said - {number}
        kept = b"".join(placed.state for placed in told.facts())
        assert b"text-" not in kept
        assert number.encode() not in kept
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
