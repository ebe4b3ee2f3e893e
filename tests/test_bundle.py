"""A bundle is recorded line by line: none is lost to another, and none is recorded twice."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import together
from rich.console import Console

from domain.fact import FACTS
from domain.identity import part_id
from domain.note import SignerKey
from domain.outside import outside_id
from domain.registry import BY_OPERATION, COMMANDS
from projections import around, attribution, billing, contributors, history, listing, parts
from projections.store import View
from scripts import bundle
from scripts.bundle import FoundLine, Line, Report, export_lines, found_in, import_lines
from scripts.convert import converted
from scripts.service import Service, open_service
from scripts.terminal import import_report

REASON = "because"
IN_TIME = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()

KEY = str(SignerKey(bundle.Ids("bundle").named("contributor", "ana"), bytes(32)).verifier)
STORY: list[Line] = [
    {"type": "contributor", "id": "ana", "name": "Ana"},
    {"type": "contributor", "id": "ben", "name": "Ben"},
    {"type": "contributor", "id": "ben-old", "name": "Ben93"},
    {
        "type": "contribution",
        "id": "poem",
        "title": "Low Tide",
        "medium": "text",
        "authors": [
            {
                **{"contributor": "ana", "role": "writer", "display": "verse"},
                **{"credited_as": "A. Tide", "join_phrase": " & ", "character": "the narrator"},
                **{"billing": 1, "ai": ["text partly"], "ai_tool": "a model"},
            }
        ],
        "sources": [
            {
                **{"uri": "https://old.example/tide", "kind": "quotation", "note": "a line"},
                **{"title": "The Tide", "creators": "Old Salt", "licence": "CC0-1.0"},
            }
        ],
        "made_at": "2019",
        "identifiers": [{"scheme": "iswc", "identifier": "T-034.524.680-1"}],
        "licence": "CC-BY-4.0",
        "sha256": "ab" * 32,
        "media_url": "https://media.example/tide.png",
        "by": "ana",
    },
    {
        "type": "contribution",
        "id": "song",
        "title": "Low Tide, sung",
        "medium": "audio",
        "authors": [
            {"contributor": "ben", "role": "singer"},
            {"contributor": "ana", "role": "lyricist"},
        ],
        "sources": [{"work": "poem", "kind": "adaptation", "rate": "1/5"}],
        "made_at": "2020-03",
        "by": "ben",
    },
    {
        "type": "contribution",
        "id": "hum",
        "title": "A Hum",
        "medium": "audio",
        "authors": [{"contributor": "ben-old", "role": "musician"}],
        "made_at": "2018",
        "by": "ben-old",
    },
    {"type": "work.redate", "id": "hum", "made_at": "2017-06", "reason": REASON, "by": "ben-old"},
    {"type": "remix", "id": "loop", "child": "song", "parent": "hum", "kind": "sample"},
    {
        "type": "remix.dispute",
        "id": "loop",
        "grounds": "not_derived",
        "reason": REASON,
        "evidence": "the raw take",
        **{"evidence_kind": "session_file", "evidence_sha256": "cd" * 32},
        "by": "ben",
    },
    {
        "type": "remix.answer",
        "id": "loop",
        "reason": REASON,
        "evidence": "both, side by side",
        **{"evidence_kind": "word", "evidence_sha256": "cd" * 32},
        "by": "ben-old",
    },
    {"type": "remix.settle", "id": "loop", "outcome": "dismissed", "reason": REASON},
    {
        "type": "remix",
        "id": "wrong",
        "child": "song",
        "uri": "https://old.example/horn",
        "kind": "sample",
        "rate": "0.2",
        "evidence": "0:12",
        "effective_at": "2020",
        **{"ai": ["picture fully"], "ai_tool": "a model"},
    },
    {
        "type": "remix.dispute",
        "id": "wrong",
        "grounds": "other",
        "reason": REASON,
        "answer_by": IN_TIME,
    },
    {
        "type": "remix.settle",
        "id": "wrong",
        "outcome": "corrected",
        "reason": REASON,
        "replaced_by": "loop",
    },
    {"type": "remix", "id": "echo", "child": "song", "parent": "poem", "kind": "influence"},
    {"type": "remix.strike", "id": "echo", "reason": REASON},
    {"type": "credit", "id": "cut", "work": "song", "contributor": "ana", "role": "editor"},
    {"type": "credit.decline", "id": "cut", "reason": REASON, "by": "ana"},
    {
        "type": "credit",
        "id": "ear",
        "work": "song",
        "contributor": "ana",
        "role": "editor",
        "kind": "influence",
        "display": "the ear",
        **{"credited_as": "Ana T.", "join_phrase": " feat. ", "character": "the listener"},
        **{"billing": 2, "ai": ["none"], "ai_tool": "ears"},
        **{"evidence_kind": "correspondence", "evidence_sha256": "cd" * 32},
        "evidence": "letters",
        "effective_at": "2020-02",
        "by": "ana",
    },
    {"type": "credit.accept", "id": "ear", "reason": REASON, "by": "ben"},
    {
        "type": "credit.dispute",
        "id": "ear",
        "grounds": "wrong_role",
        "reason": REASON,
        "evidence": "the session sheet",
        **{"evidence_kind": "session_file", "evidence_sha256": "cd" * 32},
        "answer_by": IN_TIME,
        "by": "ben",
    },
    {
        "type": "credit.answer",
        "id": "ear",
        "reason": REASON,
        "evidence": "more letters",
        **{"evidence_kind": "correspondence", "evidence_sha256": "cd" * 32},
        "by": "ana",
    },
    {"type": "credit.settle", "id": "ear", "outcome": "dismissed", "reason": REASON},
    {"type": "credit.agree-licence", "id": "ear", "licence": "CC-BY-4.0", "by": "ana"},
    {"type": "credit", "id": "oops", "work": "song", "contributor": "ana", "role": "host"},
    {"type": "credit.dispute", "id": "oops", "grounds": "wrong_role", "reason": REASON},
    {
        "type": "credit.settle",
        "id": "oops",
        "outcome": "corrected",
        "reason": REASON,
        "replaced_by": "ear",
    },
    {"type": "credit", "id": "slip", "work": "song", "contributor": "ana", "role": "host"},
    {"type": "credit.revoke", "id": "slip", "reason": REASON},
    {
        "type": "work.claim",
        "id": outside_id("https://old.example/tide"),
        "credit": "mine",
        "contributor": "ana",
        "role": "writer",
        "evidence": "the manuscript",
        "credited_as": "A. Tide",
        **{"evidence_kind": "word", "evidence_sha256": "cd" * 32},
        "by": "ana",
    },
    {
        "type": "release",
        "id": "album",
        "title": "Tides",
        "components": [{"work": "song", "rate": "1/2"}, {"work": "poem"}],
        "made_at": "2021",
        "identifiers": [{"scheme": "upc", "identifier": "036000291452"}],
        "by": "ben",
    },
    {"type": "release.publish", "id": "album", "offered": "sold", "by": "ben"},
    {"type": "release", "id": "single", "title": "Song", "components": [{"work": "song"}]},
    {"type": "remix", "id": "scene", "child": "single", "parent": "poem", "kind": "component"},
    {
        "type": "remix.replace",
        "id": "scene",
        "work": "poem",
        "rate": "1/3",
        "places": [1, 2],
        "reason": REASON,
    },
    {"type": "release.withdraw", "id": "single", "reason": REASON},
    {"type": "contribution.withdraw", "id": "hum", "reason": REASON, "by": "ben-old"},
    {"type": "contributor.merge", "id": "ben-old", "into": "ben", "reason": REASON},
    {"type": "contributor.separate", "id": "ben-old", "reason": REASON},
    {"type": "contributor.merge", "id": "ben-old", "into": "ben"},
    {"type": "contribution", "id": "again", "title": "Song", "medium": "text", "by": "ben"},
    {
        **{"type": "join", "id": "same", "work": "again", "into": "song"},
        **{"reason": REASON, "by": "ben"},
    },
    {"type": "join.undo", "id": "same", "reason": REASON, "by": "ben"},
    {"type": "contribution", "id": "mine", "title": "Song", "medium": "text", "by": "ana"},
    {"type": "join", "id": "twice", "work": "again", "into": "mine", "by": "ben"},
    {"type": "join.decline", "id": "twice", "reason": REASON, "by": "ana"},
    {"type": "join.accept", "id": "twice", "reason": REASON, "by": "ana"},
    {"type": "join", "id": "elsewhere", "uri": "https://example.org/again", "into": "mine"},
    {"type": "contributor", "id": "gus", "name": "Gus"},
    {"type": "contribution", "id": "gone", "title": "Gone", "medium": "text", "by": "gus"},
    {"type": "contributor.forget", "id": "gus", "ground": "request", "by": "gus"},
    {"type": "contributor.register-key", "id": "ana", "key": KEY, "by": "ana"},
    {"type": "contributor.revoke-key", "id": "ana", "key": KEY, "reason": REASON},
    {
        "type": "remix",
        "id": "verse",
        "child": "song",
        "parent": "poem",
        "kind": "quotation",
        "by": "ana",
    },
    {"type": "remix.accept", "id": "verse", "reason": REASON, "by": "ben"},
    {
        "type": "remix",
        "id": "mood",
        "child": "song",
        "parent": "poem",
        "kind": "influence",
        "by": "ana",
    },
    {"type": "contributor.ask-first", "id": "ana", "by": "ana"},
    {"type": "contributor.stop-asking", "id": "ana", "by": "ana"},
    {"type": "work.state-right", "id": "poem", "right_holder": "ben", "reason": REASON},
    {"type": "remix.decline", "id": "mood", "reason": REASON, "by": "ben"},
    {
        **{"type": "work.describe", "id": "song", "title": "Low Tide, sung again"},
        **{"creators": "Ben & Ana", "medium": "video", "licence": "CC0-1.0"},
        **{"media_url": "https://media.example/tide-2.mp4", "reason": REASON, "by": "ben"},
    },
    {
        **{"type": "identifier", "id": "code", "work": "song", "scheme": "isrc"},
        **{"identifier": "USSKG1912345", "evidence": "the register", "by": "ben"},
    },
    {
        **{"type": "identifier.dispute", "id": "code", "grounds": "other", "reason": REASON},
        **{"evidence": "another register", "answer_by": IN_TIME, "by": "ana"},
        **{"evidence_kind": "word", "evidence_sha256": "cd" * 32},
    },
    {
        **{"type": "identifier.answer", "id": "code", "reason": REASON, "evidence": "the label"},
        **{"evidence_kind": "invoice", "evidence_sha256": "cd" * 32, "by": "ben"},
    },
    {"type": "identifier.settle", "id": "code", "outcome": "dismissed", "reason": REASON},
    {"type": "identifier.withdraw", "id": "code", "reason": REASON, "by": "ben"},
    {
        **{"type": "identifier", "id": "wrong-isni", "contributor": "ana", "scheme": "isni"},
        **{"identifier": "000000012281955X", "by": "ana"},
    },
    {
        **{"type": "identifier", "id": "isni", "contributor": "ana", "scheme": "isni"},
        **{"identifier": "0000000121032683", "by": "ana"},
    },
    {"type": "identifier.dispute", "id": "wrong-isni", "grounds": "other", "reason": REASON},
    {
        **{"type": "identifier.settle", "id": "wrong-isni", "outcome": "corrected"},
        **{"reason": REASON, "replaced_by": "isni"},
    },
    {"type": "credit.hide", "id": "ear", "by": "ana"},
    {"type": "credit.unhide", "id": "ear", "by": "ana"},
    {"type": "contributor.rename", "id": "ana", "name": "Anna", "former": "kept", "by": "ana"},
    {
        **{"type": "credit.correct", "id": "ear", "reason": REASON, "display": "both ears"},
        **{"credited_as": "A. T.", "join_phrase": " & ", "character": "the ear", "billing": 1},
        **{"ai": ["text fully"], "ai_tool": "a pen", "by": "ana"},
    },
]
"""Every type of line but those about money, every field."""

CROWD = [[f"somebody {number} {'x' * 180}", "1"] for number in range(90)]
"""So many that the lists of a fact go on in further facts."""
ASSETS = [
    {"asset": "@song", "value": "8", "shares": [["@ana", "1"], ["@ben", "1"]]},
    {"asset": "crowd", "value": "1", "within": ["act 1"], "shares": CROWD},
]
TIDE = outside_id("https://old.example/tide")
LATE = [
    {"asset": "@song", "value": "1", "shares": [["@ana", "1"], ["@ben", "3"]]},
    {"asset": "tide", "value": "1", "shares": [[f"work/{TIDE}", "1"]]},
]
PAYOUT = part_id(bundle.Ids("bundle").named("batch", "spring"), "payout", 0)
AFTER_DAYS = 16
"""When the window for comments has closed; see the line that extends it."""

PROPOSED: list[Line] = [
    {
        "type": "pool",
        "id": "pot",
        "release": "album",
        "name": "The album",
        "statement": "public",
        "kind": "song",
        "currency": "USD",
        "terms": {
            "type": "fixed",
            "shares": [["operator", "1/2"], ["artists", "1/2", {"type": "agreed"}]],
        },
        "rounding": "largest_remainder_with_carry",
        "comment_days": 14,
        "review_hours": 73,
        "deferral_minor": 100,
        "works": ["song", "poem"],
        "by": "ben",
    },
    {
        "type": "proposal",
        "id": "draft",
        "pool": "pot",
        "policy": {"type": "relative_cascade"},
        "graph_position": 46,
        "default_rate": "1/10",
        "by": "ben",
    },
    {
        "type": "proposal.comment",
        "proposal": "draft",
        "id": "rate",
        "kind": "other",
        "text": "a tenth is little",
        "by": "ana",
    },
    {
        "type": "proposal.revise",
        "proposal": "draft",
        "comments": ["rate"],
        "policy": {"type": "relative_cascade"},
        "graph_position": 46,
        "default_rate": "1/5",
        "note": "a fifth",
    },
    {"type": "proposal.withdraw", "proposal": "draft", "reason": REASON},
    {
        "type": "proposal",
        "id": "deal",
        "pool": "pot",
        "comment_days": 14,
        "assets": ASSETS[:1],
        "note": "set by hand",
    },
    {
        "type": "proposal.comment",
        "proposal": "deal",
        "id": "missing",
        "kind": "left_out",
        "text": "the crowd",
        "about": "@ana",
        "by": "ana",
    },
    {"type": "proposal.answer", "proposal": "deal", "comment": "missing", "text": "indeed"},
    {"type": "proposal.revise", "proposal": "deal", "comments": ["missing"], "assets": ASSETS},
    {
        "type": "proposal.extend",
        "proposal": "deal",
        "closes_at": (datetime.now(UTC) + timedelta(days=15)).date().isoformat(),
        "reason": REASON,
    },
    {
        "type": "proposal.notify",
        "proposal": "deal",
        "contributor": "ana",
        "means": "post",
        "version": 2,
    },
    {"type": "proposal", "id": "late", "pool": "pot", "assets": LATE},
]
AGREED: list[Line] = [
    {
        "type": "revenue",
        "id": "sale",
        "pool": "pot",
        "source": "store",
        "source_name": "The shop at the harbour",
        "amount_minor": 1000,
        "effective_at": "2026-04",
        "document": "page 3",
        "note": "net",
        "sold": [
            {
                **{"work": "poem", "territory": "DE", "channel": "shop", "configuration": "print"},
                **{"units": 3, "amount": "10.001"},
            }
        ],
    },
    {
        "type": "revenue.reverse",
        "id": "refund",
        "revenue": "sale",
        "amount_minor": 100,
        "reason": REASON,
    },
    {
        "type": "expense",
        "id": "sleeves",
        "pool": "pot",
        "category": "printing",
        "category_name": "Sleeves, printed twice",
        "amount_minor": 50,
        "effective_at": "2026-03",
        "payer": "@ana",
        "document": "bill 7",
        "note": "a thousand",
    },
    {"type": "proposal.finalise", "proposal": "deal", "effective_at": "2020"},
    {"type": "share.accept", "proposal": "deal", "contributor": "ana", "by": "ana"},
    {"type": "share.decline", "proposal": "deal", "contributor": "ben", "reason": REASON},
    {
        "type": "share.waive",
        "proposal": "deal",
        "contributor": "ben",
        "scope": "@song",
        "reason": REASON,
    },
    {"type": "revenue.reverse", "id": "chargeback", "revenue": "sale", "reason": REASON},
    {
        "type": "pool.reserve",
        "pool": "pot",
        "rate": "1/2",
        "effective_at": "2026-05",
        "months": 2,
        "payee": "@ana",
        "reason": REASON,
    },
    {
        "type": "revenue",
        "id": "sale-2",
        "pool": "pot",
        "source": "shop",
        "amount_minor": 2000,
        "effective_at": "2026-05",
    },
    {
        "type": "pool.free-reserve",
        "id": "nothing-came-back",
        "pool": "pot",
        "payee": "@ana",
        "until": "2027",
        "reason": REASON,
    },
    {
        "type": "expense.reverse",
        "id": "one-sleeve",
        "expense": "sleeves",
        "amount_minor": 10,
        "reason": REASON,
        "document": "credit note 7",
        "effective_at": "2026-04",
    },
    {
        "type": "adjustment",
        "id": "sorry",
        "pool": "pot",
        "lines": [{"payee": "@ana", "amount_minor": 13}, {"payee": "house", "amount_minor": -3}],
        "payer": "operator",
        "reason": REASON,
        "document": "letter 3",
        "effective_at": "2026-05",
    },
    {
        "type": "opening",
        "id": "books-before",
        "pool": "pot",
        "lines": [{"payee": "@ana", "amount_minor": 7}],
        "reason": REASON,
        "document": "closing statement",
        "effective_at": "2026-05",
    },
    {
        "type": "assignment",
        "id": "half-to-the-bank",
        "payee": "@ana",
        "to": "bank",
        "currency": "USD",
        "amount_minor": 1,
        "pool": "pot",
        "reason": REASON,
        "evidence": "letter 4",
    },
    {
        "type": "agreement",
        "id": "sheet",
        "pool": "pot",
        "assets": ASSETS,
        "note": "for the records",
        "agreed_on": "2019-12",
        "document": "split sheet 4",
        "consents": ["ana"],
        "effective_at": "2019",
    },
    {
        "type": "agreement",
        "id": "by-lineage",
        "pool": "pot",
        "policy": {"type": "relative_cascade"},
        "graph_position": 46,
        "default_rate": "1/10",
        "agreed_on": "2018-12",
        "document": "minutes",
        "effective_at": "2018",
    },
    {
        "type": "pool",
        "id": "label-pot",
        "release": "album",
        "name": "The label's",
        "kind": "master",
        "currency": "USD",
        "terms": {"type": "fixed", "shares": [["house", "1"]]},
    },
    {
        "type": "revenue",
        "id": "master-sale",
        "pool": "label-pot",
        "source": "store",
        "amount_minor": 5,
        "effective_at": "2026-05",
    },
    {"type": "period", "id": "2025", "until": "2026", "note": "sent out"},
    {
        "type": "pool.amend",
        "pool": "pot",
        "terms": {
            "type": "fixed",
            "shares": [["operator", "2/5"], ["artists", "3/5", {"type": "agreed"}]],
        },
        "effective_at": "2026-04",
        "reason": REASON,
        "document": "amendment 2",
    },
    {
        "type": "share.assign",
        "id": "sold",
        "pool": "pot",
        "payee": "@ana",
        "to": "Tide Publishing",
        "part": "1/2",
        "effective_at": "2019-06",
        "reason": REASON,
        "evidence": "contract 9",
    },
    {
        **{"type": "share.assign", "id": "divided", "pool": "pot", "payee": "@ana"},
        **{"among": [{"payee": "@ben", "part": "1/3"}], "effective_at": "2019-07"},
        **{"reason": REASON, "evidence": "the band's agreement"},
    },
    {
        "type": "payee.identify",
        "name": "house",
        "contributor": "ben",
        "reason": REASON,
        "evidence": "letter 5",
    },
    {
        **{"type": "pool.locate", "pool": "pot", "country": "US", "reason": REASON},
        "located_by": "territory",
    },
    {
        "type": "withholding",
        "id": "form",
        "payee": "@ana",
        "country": "US",
        "rate": "0.1",
        "document": "W-8BEN of 2026-01-12",
        "effective_at": "2026-01-12",
        "until": "2030",
        "note": "a treaty",
    },
    {
        "type": "payment-currency",
        "id": "in-euros",
        "payee": "@ana",
        "currency": "EUR",
        "reason": REASON,
        "by": "ana",
    },
    {
        "type": "exchange-rate",
        "id": "of-may",
        "currency": "USD",
        "into_currency": "EUR",
        "rate": "0.9217",
        "effective_at": "2026-05-29",
        "source_name": "ECB",
    },
    {"type": "credit.hold", "id": "ear", "reason": REASON},
    {"type": "credit.lift-hold", "id": "ear", "reason": REASON},
    {
        "type": "payout",
        "id": "spring",
        "currency": "USD",
        "minimum_minor": 100,
        "minimums": [{"payee": "@ana", "minimum_minor": 1}],
        "payees": ["@ana"],
        "total_minor": 930,
    },
    {"type": "payout.settle", "id": PAYOUT, "reference": "SEPA 17"},
    {"type": "payout.return", "id": PAYOUT, "reason": REASON},
    {"type": "payout.claim", "id": PAYOUT, "reason": REASON, "by": "ana"},
    {"type": "withholding.end", "id": "form", "reason": REASON},
    {"type": "proposal.finalise", "proposal": "late", "effective_at": "2020-02"},
    {"type": "pool.correct", "id": "shares-of-may", "pool": "pot", "reason": REASON},
    {"type": "credit.accept", "id": "mine", "reason": REASON},
    {"type": "share.decline", "proposal": "late", "work": TIDE, "by": "ana"},
    {
        "type": "share.waive",
        "proposal": "late",
        "work": TIDE,
        "scope": "release",
        "by": "ana",
    },
    {"type": "share.accept", "proposal": "late", "work": TIDE, "by": "ana"},
    {
        "type": "credit.dispute",
        "id": "ear",
        "grounds": "other",
        "reason": REASON,
        "evidence": "the mix",
    },
    {"type": "credit.settle", "id": "ear", "outcome": "upheld", "reason": REASON},
    {"type": "share.confirm", "proposal": "deal", "payee": "@ana", "reason": REASON},
    *(
        {"type": f"contributor.{verb}", "role": "producer", **of, "reason": REASON}
        for verb in ("grant-role", "end-role")
        for of in ({"id": "ana", "work": "album"}, {"id": "ben", "pool": "pot"})
    ),
    *together.LINES,
]
"""Every type of line about money, every field: what is proposed, and later what is agreed."""


# -- what a line says ----------------------------------------------------------------------


def test_the_story_has_every_type_of_line_with_every_field() -> None:
    """What is added to the bundle has to be added to the story, and so to the tests below."""
    said: dict[str, set[str]] = {}
    for line in (*STORY, *PROPOSED, *AGREED):
        said.setdefault(line["type"], set()).update(line.keys() - {"type", "by"})
    assert said == {
        name: {one.name for one in command.fields()} for name, command in COMMANDS.items()
    }


def test_every_type_of_line_is_recorded_once(database: str) -> None:
    """One fact at least for each; imported again, each is unchanged."""
    with open_service(database) as service:
        first = all_imported(service)
        head = service.journal.facts.head()
        second = imported(service, [*STORY, *PROPOSED, *AGREED])
        assert (first.refused, second.refused) == ([], [])
        assert first.recorded.keys() == COMMANDS.keys()
        assert (first.unchanged.total(), second.recorded.total()) == (0, 0)
        assert second.unchanged == first.recorded
        assert service.journal.facts.head() == head
        assert {placed.topic for placed in service.journal.read()} | {"clock.accepted"} == set(
            FACTS
        )


@pytest.mark.parametrize("batch", [1, 2, 7, 500])
def test_the_size_of_a_batch_changes_no_fact(batch: int, tmp_path: Path) -> None:
    with open_service(sqlite(tmp_path)) as service:
        assert all_imported(service, batch=batch).refused == []
        assert imported(service, [*STORY, *PROPOSED, *AGREED], batch=3).recorded.total() == 0
        topics = [placed.topic for placed in service.journal.read()]
        with open_service(sqlite(tmp_path, "other")) as other:
            all_imported(other)
            assert topics == [placed.topic for placed in other.journal.read()]


def test_a_bundle_changes_nothing_after_what_happened_since(database: str) -> None:
    """A credit that the bundle grants and somebody revoked stays revoked."""
    with open_service(database) as service:
        imported(service, STORY)
        for command, named in (
            ("revoke_credit", {"id": credit("ear")}),
            ("withdraw_contribution", {"id": work("poem"), "reason": REASON}),
            (
                "strike_remix",
                {"id": bundle.Ids("bundle").named("remix", "loop"), "reason": "x"},
            ),
            ("withdraw_release", {"id": work("album"), "reason": REASON}),
        ):
            service.journal.record(BY_OPERATION[command].of(named))
        head = service.journal.facts.head()
        report = imported(service, STORY)
        assert (report.refused, report.recorded.total()) == ([], 0)
        assert service.journal.facts.head() == head
        with asked(service) as view:
            assert attribution.credit(view, credit("ear"))["state"] == "revoked"
            assert around.work(view, work("poem"))["title"] is None


def test_a_line_without_an_id_is_known_again_by_what_it_says(database: str) -> None:
    """… and said twice in a bundle it means two things: two samples of one song."""
    bare = [{name: value for name, value in line.items() if name != "id"} for line in STORY[:1]]
    sample = {"type": "remix", "child": "song", "parent": "poem", "kind": "sample"}
    with open_service(database) as service:
        imported(service, STORY)
        assert imported(service, [*bare, sample, sample]).recorded.total() == 3
        assert imported(service, [*bare, sample, sample]).unchanged.total() == 3


def test_a_line_that_is_there_twice_is_recorded_once(tmp_path: Path) -> None:
    with open_service(sqlite(tmp_path)) as service:
        report = imported(service, [STORY[0], STORY[0]])
        assert (report.recorded.total(), report.unchanged.total()) == (1, 1)


def test_namespaces_keep_two_bundles_apart(tmp_path: Path) -> None:
    with open_service(sqlite(tmp_path)) as service:
        imported(service, STORY[:1])
        assert imported(service, STORY[:1], namespace="other").recorded.total() == 1


def test_a_uuid_stands_for_itself_in_every_spelling(tmp_path: Path) -> None:
    id = "0F0E8E6B-7A3B-4F0B-9C55-2A8E9D0B9C11"
    with open_service(sqlite(tmp_path)) as service:
        imported(service, [{"type": "contributor", "id": id, "name": "Ana"}])
        with asked(service) as view:
            assert contributors.person(view, id.lower())["name"] == "Ana"


# -- CSV -----------------------------------------------------------------------------------

CSV = {
    "contributors": "id,name\nana,Ana\nben,Ben\n",
    "contributions": (
        "id,title,medium,authors,sources,made_at,licence,sha256,by\n"
        "poem,Low Tide,text,ana writer,https://old.example/tide quotation,2019,CC-BY-4.0,,ana\n"
        'song,"Low, sung",audio,ben voice actor | ana lyricist,'
        "poem adaptation 1/5 | poem sample,2020,,,ben\n"
    ),
    "remixes": (
        "id,child,parent,kind,rate,evidence,by\n"
        "loop,song,poem,sample,0.1,0:12,ben\nhorn,song,urn:x:1,sample,,,\n"
    ),
    "credits": (
        "id,work,contributor,role,kind,evidence,by\near,song,ana,editor,influence,letters,\n"
    ),
    "releases": "id,title,components,made_at,published\nalbum,Tides,song 1/2 | poem,2021,yes\n",
}
SAME: list[Line] = [
    *STORY[:2],
    {
        "type": "contribution",
        "id": "poem",
        "title": "Low Tide",
        "medium": "text",
        "authors": [{"contributor": "ana", "role": "writer"}],
        "sources": [{"uri": "https://old.example/tide", "kind": "quotation"}],
        "made_at": "2019",
        "licence": "CC-BY-4.0",
        "by": "ana",
    },
    {
        "type": "contribution",
        "id": "song",
        "title": "Low, sung",
        "medium": "audio",
        "authors": [
            {"contributor": "ben", "role": "voice actor"},
            {"contributor": "ana", "role": "lyricist"},
        ],
        "sources": [
            {"work": "poem", "kind": "adaptation", "rate": "1/5"},
            {"work": "poem", "kind": "sample"},
        ],
        "made_at": "2020",
        "by": "ben",
    },
    {
        "type": "remix",
        "id": "loop",
        "child": "song",
        "parent": "poem",
        "kind": "sample",
        "rate": "0.1",
        "evidence": "0:12",
        "by": "ben",
    },
    {"type": "remix", "id": "horn", "child": "song", "uri": "urn:x:1", "kind": "sample"},
    {
        "type": "credit",
        "id": "ear",
        "work": "song",
        "contributor": "ana",
        "role": "editor",
        "kind": "influence",
        "evidence": "letters",
    },
    {
        "type": "release",
        "id": "album",
        "title": "Tides",
        "components": [{"work": "song", "rate": "1/2"}, {"work": "poem"}],
        "made_at": "2021",
    },
    {"type": "release.publish", "id": "album"},
]


def test_csv_and_json_lines_say_the_same(database: str, tmp_path: Path) -> None:
    with open_service(database) as service:
        first = import_lines(service.journal, found_in(csv_bundle(tmp_path, CSV)))
        second = imported(service, SAME)
        assert (first.refused, second.refused) == ([], [])
        assert (first.recorded, second.unchanged) == (second.unchanged, first.recorded)
        assert (first.recorded.total(), second.recorded.total()) == (len(SAME), 0)


def test_a_csv_bundle_says_which_file_it_does_not_know(tmp_path: Path) -> None:
    folder = csv_bundle(tmp_path, {"contributors": "id,name\nana,Ana\n"})
    (folder / "contributor.csv").write_text("id,name\nben,Ben\n", "utf-8")
    with open_service(sqlite(tmp_path)) as service:
        report = import_lines(service.journal, found_in(folder))
        assert report.recorded == {"contributor": 1}
        (refused,) = report.refused
        assert (refused.where, refused.code) == ("contributor.csv", "bad_line")
        assert "contributors.csv" in refused.reason


def test_a_csv_bundle_may_have_any_of_the_files_and_columns(tmp_path: Path) -> None:
    """A spreadsheet's mark at the start of a file and its line ends do no harm."""
    folder = csv_bundle(tmp_path, {"contributors": "\ufeffname,id\r\n\r\nAna,ana\r\n"})
    with open_service(sqlite(tmp_path)) as service:
        assert import_lines(service.journal, found_in(folder)).recorded == {"contributor": 1}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_bundle_has_what_a_spreadsheet_separates_its_columns_by(
    separator: str, tmp_path: Path
) -> None:
    rows = (["id", "name"], ["ana", '"Ana; A, B"'], ["ben", "Ben"])
    text = "".join(f"{separator.join(row)}\n" for row in rows)
    folder = csv_bundle(tmp_path, {"contributors": text})
    with open_service(sqlite(tmp_path)) as service:
        assert import_lines(service.journal, found_in(folder)).recorded == {"contributor": 2}


@pytest.mark.parametrize(
    "file, rows, place, reason",
    [
        ("contributors", "id,name\nana\n", 2, "not as many values"),
        ("contributors", "id,name\nana,Ana,x\n", 2, "not as many values"),
        ("contributors", "id,nom\nana,Ana\n", 1, "unknown columns: 'nom'"),
        ("contributors", "id,id\nana,Ana\n", 1, "a column occurs twice"),
        ("contributors", "id,name\nana,An\udcffa\n", 2, "not UTF-8"),
        ("contributors", "id,n\udcff\nana,Ana\n", 1, "not UTF-8"),
        ("contributors", f"id,name\nana,{'x' * 140_000}\n", 2, "not CSV: field larger"),
        ("contributors", "id,name\nana,A\0\n", 2, "NUL"),
        ("contributors", "id,name\nana,\n", 2, "“name” is missing"),
        ("contributions", "id,title,medium,authors\np,T,text,ana\n", 2, "not a contributor and"),
        ("contributions", "id,title,medium,sources\np,T,text,poem\n", 2, "not a source, a kind"),
        ("contributions", "id,title,medium,sources\np,T,text,a b c d\n", 2, "not a source, a"),
        ("releases", "id,title,components\nr,T,a b c\n", 2, "not a work and perhaps a rate"),
        ("releases", "id,title,components,published\nr,T,z,maybe\n", 2, "must be yes or empty"),
        ("releases", "id,title,components\nr,T,\n", 2, "at least one component"),
    ],
)
def test_a_bad_row_is_refused_by_its_number_and_loses_no_other(
    file: str, rows: str, place: int, reason: str, tmp_path: Path
) -> None:
    good = {"contributors": "id,name\nzoe,Zoe\n"} if file != "contributors" else {}
    is_row = place > 1 and file == "contributors"
    folder = csv_bundle(tmp_path, good | {file: rows + ("zoe,Zoe\n" if is_row else "")})
    with open_service(sqlite(tmp_path)) as service:
        report = import_lines(service.journal, found_in(folder))
        assert [one.where for one in report.refused] == [f"{file}.csv:{place}"]
        assert reason in report.refused[0].reason
        assert report.recorded["contributor"] == (1 if is_row or good else 0)


# -- refused lines -------------------------------------------------------------------------

BAD: dict[str, tuple[str | bytes | Line, str, str]] = {
    "not JSON": ("{", "bad_line", "not JSON, from column 2 on"),
    "two objects": ("{} {}", "bad_line", "not JSON, from column 4 on: Extra data"),
    "nested without end": ("[" * 100_000, "bad_line", "not JSON"),
    "a field that is there twice": (
        '{"type": "contributor", "name": "Ana", "name": "Ben"}',
        "bad_line",
        "an object has a duplicate name",
    ),
    "a number that is none": ('{"type": "contributor", "name": NaN}', "bad_line", "NaN is not"),
    "a number of thousands of digits": (
        f'{{"type": "contributor", "name": {"9" * 5_000}}}',
        "bad_line",
        "a number has thousands of digits",
    ),
    "not an object": ("[1]", "bad_line", "not a JSON object"),
    "not UTF-8": (b'{"type": "contributor", "name": "\xff"}', "bad_line", "not UTF-8"),
    "no type": ({"name": "x"}, "bad_line", "the field “type” is missing"),
    "null for a type": ({"type": None}, "bad_line", "the field “type” is missing"),
    "unknown type": ({"type": "gift"}, "bad_line", "no type of line “gift”"),
    "a type that is no text": ({"type": ["contributor"]}, "bad_line", "no type of line"),
    "unknown field": ({"type": "contributor", "name": "x", "age": "9"}, "bad_line", "“age”"),
    "missing field": ({"type": "contributor", "id": "x"}, "bad_line", "“name” is missing"),
    "null for a field": ({"type": "contributor", "name": None}, "bad_line", "“name” is missing"),
    "wrong type": ({"type": "contributor", "name": 5}, "bad_line", "“name” must be a string"),
    "no list": (
        {"type": "contribution", "title": "T", "medium": "text", "authors": "ana"},
        "bad_line",
        "“authors” must be a list of objects",
    ),
    "no list of objects": (
        {"type": "contribution", "title": "T", "medium": "text", "authors": ["ana"]},
        "bad_line",
        "“authors” must be a list of objects",
    ),
    "terms that are no object": (
        {
            "type": "pool",
            "release": "ep",
            "name": "P",
            "kind": "song",
            "currency": "EUR",
            "terms": 5,
        },
        "bad_line",
        "“terms” must be an object",
    ),
    "minimums without an amount": (
        {"type": "payout", "id": "june", "currency": "EUR", "minimums": [{"payee": "@ana"}]},
        "bad_line",
        "“minimum_minor” is missing",
    ),
    "unknown field of an author": (
        {
            "type": "contribution",
            "title": "T",
            "medium": "text",
            "authors": [{"contributor": "ana", "role": "writer", "share": "1"}],
        },
        "bad_line",
        "“share”",
    ),
    "float": (
        '{"type":"remix","child":"song","parent":"poem","kind":"sample","rate":0.2}',
        "bad_line",
        "0.2 is not exact",
    ),
    "a whole number": (
        {"type": "remix", "child": "song", "parent": "poem", "kind": "sample", "rate": 1},
        "bad_line",
        "“rate” must be a string",
    ),
    "a rate above one": (
        {"type": "remix", "child": "song", "parent": "poem", "kind": "sample", "rate": "6/5"},
        "bad_rate",
        "6/5",
    ),
    "an empty id": ({"type": "contributor", "id": "", "name": "x"}, "bad_line", "must be an id"),
    "a long id": ({"type": "contributor", "id": "x" * 201, "name": "x"}, "bad_line", "an id"),
    "an id of two words": ({"type": "contributor", "id": "a b", "name": "x"}, "bad_line", "an id"),
    "half a surrogate pair": (
        '{"type":"contributor","id":"\\ud800","name":"x"}',
        "bad_line",
        "surrogate",
    ),
    "half a surrogate pair in terms": (
        '{"type":"pool","release":"x","kind":"song","currency":"EUR","name":"x",'
        '"terms":{"type":"fixed","shares":[["\\ud800","1"]]}}',
        "bad_line",
        "surrogate",
    ),
    "half a surrogate pair as a field of terms": (
        '{"type":"pool","release":"x","kind":"song","currency":"EUR","name":"x",'
        '"terms":{"type":"fixed","shares":[["x","1"]],"\\ud800":1}}',
        "bad_line",
        "surrogate",
    ),
    "half a surrogate pair as a field": (
        '{"type":"contributor","name":"x","\\ud800":"x"}',
        "bad_line",
        "no field",
    ),
    "a bad actor": ({"type": "contributor", "name": "x", "by": 1}, "bad_line", "“by”"),
    "an actor who may not": (
        {"type": "contributor", "name": "x", "by": "ana"},
        "not_permitted",
        "may not",
    ),
    "NUL": ({"type": "contributor", "name": "a\0b"}, "bad_text", "NUL"),
    "empty text": ({"type": "contributor", "name": " "}, "bad_text", "empty"),
    "long text": ({"type": "contributor", "name": "x" * 201}, "text_too_long", "200"),
    "unknown person": (
        {"type": "credit", "work": "song", "contributor": "zoe", "role": "writer"},
        "unknown_contributor",
        "There is no contributor zoe.",
    ),
    "unknown work": (
        {"type": "remix", "child": "nothing", "parent": "poem", "kind": "sample"},
        "unknown_work",
        "There is no work nothing.",
    ),
    "unknown credit": ({"type": "credit.accept", "id": "no"}, "unknown_credit", "no credit no."),
    "unknown remix": (
        {"type": "remix.strike", "id": "no", "reason": "x"},
        "unknown_remix",
        "There is no remix no.",
    ),
    "a person for a work": ({"type": "release.publish", "id": "poem"}, "unknown_release", "poem"),
    "bad role": (
        {"type": "credit", "work": "song", "contributor": "ana", "role": "wizard"},
        "unknown_role",
        "wizard",
    ),
    "bad kind": (
        {"type": "remix", "child": "song", "parent": "poem", "kind": "theft"},
        "unknown_kind",
        "theft",
    ),
    "bad date": (
        {"type": "contribution", "title": "T", "medium": "text", "made_at": "1969-13"},
        "bad_made_at",
        "1969-13",
    ),
    "the future": (
        {"type": "work.redate", "id": "song", "made_at": "9999", "reason": "r"},
        "made_in_future",
        "9999",
    ),
    "bad URI": (
        {"type": "remix", "child": "song", "uri": "no uri", "kind": "sample"},
        "bad_uri",
        "no uri",
    ),
    "both a work and a URI": (
        {"type": "remix", "child": "song", "parent": "poem", "uri": "urn:x:1", "kind": "sample"},
        "no_source",
        "either by its work id or by its URI, not both",
    ),
    "a cycle": (
        {"type": "remix", "child": "poem", "parent": "song", "kind": "sample"},
        "lineage_cycle",
        "each work is made from the next: poem → song → poem",
    ),
    "itself": (
        {"type": "remix", "child": "poem", "parent": "poem", "kind": "sample"},
        "self_remix",
        "poem",
    ),
    "a cycle of persons": (
        {"type": "contributor.merge", "id": "ben", "into": "ben-old"},
        "merge_cycle",
        "cycle",
    ),
    "wrong state": (
        {"type": "remix.answer", "id": "wrong", "reason": "no"},
        "wrong_state",
        "struck",
    ),
    "taken id": ({"type": "contributor", "id": "ana", "name": "Eve"}, "id_taken", "ana"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has been told the story."""
    with open_service(sqlite(tmp_path_factory.mktemp("told"))) as service:
        imported(service, STORY)
        yield service


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_refused_with_its_number_and_reason(name: str, told: Service) -> None:
    line, code, reason = BAD[name]
    before = told.journal.facts.head()
    report = import_lines(told.journal, read([{"type": "contributor", "name": name}, line]))
    assert [(one.where, one.code) for one in report.refused] == [("line 2", code)]
    assert reason in report.refused[0].reason
    assert told.journal.facts.head() == before + 1


def test_a_bad_line_loses_no_other_of_its_batch(database: str) -> None:
    """Every bad line there is between the lines of the story: what is recorded is the story."""
    good = ({"type": "contributor", "id": f"extra-{n}", "name": "Zoe"} for n in range(len(BAD)))
    mixed = [
        line for pair in zip((bad for bad, *_ in BAD.values()), good, strict=True) for line in pair
    ]
    with open_service(database) as service:
        report = import_lines(service.journal, read([*STORY, *mixed]), is_vouched_for=False)
        assert [one.code for one in report.refused] == [code for _, code, _ in BAD.values()]
        assert report.recorded.total() == len(STORY) + len(BAD)
        assert report.lines == len(STORY) + 2 * len(BAD)


def test_a_line_that_never_ends_is_refused_and_the_next_one_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path := tmp_path / "some.jsonl").write_bytes(
        b'{"type": "contributor", "name": "%s"}\n{"type": "contributor", "name": "Ana"}'
        % (b"a" * (17 << 20))
    )
    with path.open("rb") as file:
        streamed = io.TextIOWrapper(io.BufferedReader(file.raw))  # type: ignore[attr-defined]
        monkeypatch.setattr("sys.stdin", streamed)
        for source in (path, Path("-")):
            long, ana = bundle.found_in(source)
            assert (long.where, long.error) == ("line 1", "longer than 16 MiB")
            assert ana == FoundLine("line 2", {"type": "contributor", "name": "Ana"})


def test_a_report_can_be_written_whatever_a_line_held(told: Service) -> None:
    report = import_lines(told.journal, read([line for line, *_ in BAD.values()]))
    for one in report.refused:
        json.dumps(one._asdict()).encode()
        one.reason.encode()


# -- several at once, and interrupted ------------------------------------------------------


def test_two_imports_at_once_record_everything_once(database: str, tmp_path: Path) -> None:
    with open_service(database) as one, open_service(database) as two:
        with ThreadPoolExecutor(2) as threads:
            reports = list(threads.map(lambda to: imported(to, STORY, batch=4), (one, two)))
        assert [report.refused for report in reports] == [[], []]
        assert sum(report.recorded.total() for report in reports) == len(STORY)
        assert one.journal.facts.head() == len(exported_story(tmp_path))


def test_two_restorations_at_once_put_everything_back_once(database: str, tmp_path: Path) -> None:
    lines = exported_story(tmp_path)
    with open_service(database) as one, open_service(database) as two:
        with ThreadPoolExecutor(2) as threads:
            reports = list(threads.map(lambda to: imported(to, lines, batch=5), (one, two)))
        assert [report.refused for report in reports] == [[], []]
        assert sum(report.recorded.total() for report in reports) == len(lines)
        assert list(export_lines(one.journal)) == lines


def test_an_import_that_was_killed_goes_on_where_it_was(database: str, tmp_path: Path) -> None:
    """kill -9 in the middle, and once more: complete, and nothing twice."""
    path = tmp_path / "many.jsonl"
    people = [{"type": "contributor", "id": f"p{n}", "name": f"P{n}"} for n in range(3000)]
    path.write_text("".join(json.dumps(line) + "\n" for line in people))
    command = [sys.executable, "-m", "scripts.stemma", "--database", database, "import"]
    with open_service(database) as service:
        process = subprocess.Popen([*command, "--batch", "10", "--no-fold", str(path)])
        while service.journal.facts.head() < 50 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = service.journal.facts.head()
        report = import_lines(service.journal, found_in(path))
        assert 50 <= there < 3000
        assert (report.unchanged.total(), report.recorded.total()) == (there, 3000 - there)
        assert service.journal.facts.head() == 3000


# -- out and in ----------------------------------------------------------------------------


def test_an_export_brings_back_identical_answers_on_the_other_engine(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """SQLite to PostgreSQL, whatever is asked, at every position; and the export is the same."""
    with open_service(sqlite(tmp_path)) as one, open_service(postgres_dsn) as two:
        imported(one, STORY)
        lines = list(export_lines(one.journal))
        report = imported(two, lines)
        assert (report.refused, report.recorded) == ([], {"fact": len(lines)})
        assert [text_of(line) for line in export_lines(two.journal)] == [
            text_of(line) for line in lines
        ]
        for position in {0, 1, 7, 13, 20, 27, len(lines) - 1, len(lines)}:
            assert answers(one, position) == answers(two, position)


def test_an_export_of_postgres_comes_back_on_sqlite(postgres_dsn: str, tmp_path: Path) -> None:
    with open_service(postgres_dsn) as one, open_service(sqlite(tmp_path)) as two:
        imported(one, STORY)
        lines = list(export_lines(one.journal))
        assert imported(two, lines, batch=4).refused == []
        assert list(export_lines(two.journal)) == lines
        assert answers(one, None) == answers(two, None)


def test_importing_an_export_twice_changes_nothing(database: str, tmp_path: Path) -> None:
    lines = exported_story(tmp_path)
    with open_service(database) as service:
        imported(service, lines)
        again = imported(service, lines)
        assert (again.refused, again.recorded.total()) == ([], 0)
        assert again.unchanged == {"fact": len(lines)}


def test_a_journal_goes_on_after_it_was_put_back(database: str, tmp_path: Path) -> None:
    """In parts, too: what is exported after a position goes on from there."""
    lines = exported_story(tmp_path)
    with open_service(database) as service:
        imported(service, lines[:20])
        assert imported(service, STORY).refused == []
        with open_service(sqlite(tmp_path, "copy")) as copy:
            imported(copy, lines[:20])
            rest = list(export_lines(service.journal, after=20))
            assert imported(copy, rest).recorded == {"fact": len(rest)}
            assert answers(copy, None) == answers(service, None)


TAMPERED: dict[str, tuple[Line, str]] = {
    "a text of another fact": ({"texts": [["a", "b", "name", "c", "d"]]}, "not_restored"),
    "a text that is none": ({"texts": [["a", "b", "name", "c", 5]]}, "not_restored"),
    "half a text": ({"texts": [["a"]]}, "bad_line"),
    "no texts": ({"texts": "none"}, "bad_line"),
    "the position before": ({"position": 1}, "not_restored"),
    "the position after": ({"position": 3}, "not_restored"),
    "a position as text": ({"position": "2"}, "bad_line"),
    "a truth as position": ({"position": True}, "bad_line"),
    "half a position": ({"position": 2.5}, "bad_line"),
    "a negative position": ({"position": -1}, "bad_line"),
    "a huge position": ({"position": 1 << 70}, "bad_line"),
    "a birth that is the second fact": ({"version": 2}, "bad_line"),
    "no version": ({"version": None}, "bad_line"),
    "an id that is no UUID": ({"id": "ana"}, "bad_line"),
    "no id": ({"id": None}, "bad_line"),
    "an unknown topic": ({"topic": "contributor.invented"}, "bad_line"),
    "a list as topic": ({"topic": []}, "bad_line"),
    "the topic of another fact": ({"topic": "contributor.merged"}, "bad_line"),
    "half a state": ({"state": "{"}, "bad_line"),
    "a list as state": ({"state": "[]"}, "bad_line"),
    "an empty state": ({"state": "{}"}, "bad_line"),
    "half a surrogate pair": ({"state": "\ud800"}, "bad_line"),
    "an object as state": ({"state": {}}, "bad_line"),
    "no time": ({"state": '{"timestamp":"now","actor":"a","name":"x"}'}, "bad_line"),
    "no actor": ({"state": '{"timestamp":"2026-01-01","actor":7,"name":"x"}'}, "bad_line"),
    "more than there is": (
        {"state": '{"timestamp":"2026-01-01","actor":"a","name":"x","age":"9"}'},
        "bad_line",
    ),
}


@pytest.mark.parametrize("name", [*TAMPERED, "another text"])
def test_a_fact_that_is_not_what_was_exported_is_refused(name: str, tmp_path: Path) -> None:
    """… and nothing after it is put back: a journal has no holes."""
    lines = exported_story(tmp_path)
    digest, owner, kind, salt, _ = lines[1]["texts"][0]
    another = {"texts": [[digest, owner, kind, salt, "Eve"]]}
    change, code = TAMPERED.get(name, (another, "not_restored"))
    with open_service(sqlite(tmp_path, "copy")) as service:
        report = imported(service, [lines[0], {**lines[1], **change}, *lines[2:]], batch=6)
        assert report.refused[0][:2] == ("line 2", code)
        assert {one.code for one in report.refused[1:]} == {"not_restored"}
        assert service.journal.facts.head() == 1
        assert imported(service, lines).recorded == {"fact": len(lines) - 1}


def test_a_taken_position_is_refused(database: str, tmp_path: Path) -> None:
    """A journal with other facts in it takes none of an export: the two are not one history."""
    lines = exported_story(tmp_path)
    with open_service(database) as service:
        imported(service, [{"type": "contributor", "name": "Somebody else"}])
        report = imported(service, lines)
        assert len(report.refused) == len(lines)
        assert service.journal.facts.head() == 1


def test_the_text_of_a_withdrawn_piece_does_not_come_back(database: str, tmp_path: Path) -> None:
    """Neither by the bundle it came with, nor by an export from before, nor in parts."""
    before, after = STORY[:6], STORY[6:]
    with open_service(sqlite(tmp_path)) as first:
        imported(first, before)
        old_export = list(export_lines(first.journal))
        imported(first, after)
        new_export = list(export_lines(first.journal, after=len(old_export)))
    assert "A Hum" in str(old_export)
    assert "A Hum" not in str(new_export)
    with open_service(database) as service:
        for lines in (old_export, new_export, old_export, new_export, STORY):
            assert imported(service, lines).refused == []
        assert "A Hum" not in str(list(export_lines(service.journal)))
        assert "A Hum" not in str(answers(service, None))


# -- a source that is refused ----------------------------------------------------------------


UNSOUND = [
    {"type": "contribution", "id": "poem", "title": "T", "medium": "text", "made_at": "x"},
    {
        **{"type": "contribution", "id": "song", "title": "S", "medium": "audio", "by": "ana"},
        "sources": [
            {"work": "poem", "kind": "adaptation"},
            {"uri": "https://example.org/x", "kind": "sample", "note": "a line"},
            {"work": "nowhere", "kind": "sample"},
            {"uri": "no uri", "kind": "sample"},
            {"uri": "https://example.org/y", "kind": "theft"},
            {"uri": "https://example.org/z", "kind": "sample", "rate": "2"},
        ],
    },
    {
        **{"type": "contribution", "id": "cut", "title": "C", "medium": "video"},
        "sources": [{"work": "song", "kind": "sample"}],
    },
    {"type": "credit", "work": "poem", "contributor": "ana", "role": "writer"},
]


def test_a_piece_is_recorded_without_those_of_its_sources_that_are_refused(
    database: str, tmp_path: Path
) -> None:
    with open_service(database) as service:
        imported(service, [{"type": "contributor", "id": "ana", "name": "Ana"}])
        for again in (False, True):
            report = imported(service, UNSOUND)
            assert [one.where for one in report.refused] == ["line 1", "line 4"]
            assert report.refused[1].reason == (
                "There is no work poem. It should have come from line 1, which was refused."
            )
            done = report.unchanged if again else report.recorded
            assert done == {"contribution": 2}
            assert [(one.where, one.code) for one in report.left_out] == [
                ("line 2", code)
                for code in ("unknown_work", "unknown_work", "bad_uri", "unknown_kind", "bad_rate")
            ]
            assert report.left_out[0].reason == report.refused[1].reason
            assert report.left_out[1].reason == "There is no work nowhere."
        service.follower.catch_up()
        with service.store.view() as view:
            (source,) = around.work(view, work("song"))["sources"]
            assert (source["evidence"], source["work"]["uri"]) == (
                "a line",
                "https://example.org/x",
            )
        # Once the piece is there, the source is added; by the same line, or by the one kept.
        imported(service, [{**UNSOUND[0], "made_at": "1990"}])
        report = imported(service, [left.line for left in report.left_out])
        assert report.recorded == {"remix": 1}
        assert [one.code for one in report.refused] == [
            *("unknown_work", "bad_uri", "unknown_kind", "bad_rate")
        ]
        imported(service, [{**UNSOUND[0], "id": "nowhere", "made_at": "1991"}])
        report = imported(service, UNSOUND[1:])
        assert report.recorded == {"contribution": 1, "credit": 1}
        assert report.unchanged == {"contribution": 1}
        assert [one.code for one in report.left_out] == ["bad_uri", "unknown_kind", "bad_rate"]
        service.follower.catch_up()
        with service.store.view() as view:
            assert len(around.work(view, work("song"))["sources"]) == 3


@pytest.mark.parametrize("by, is_vouched_for", [("operator", False), ("ana", True), ("ana", False)])
def test_what_is_said_of_a_source_stays_with_it_beside_one_that_is_refused(
    by: str, is_vouched_for: bool, database: str
) -> None:
    """AI, and what is stated of an outside source, were dropped; of one kept for later as well."""
    ai = {"ai": ["vocals partly"], "ai_tool": "a voice model"}
    of_outside = {"title": "Waves", "creators": "The sea", "licence": "CC-BY-4.0"}
    cited = {"kind": "sample", "rate": "1/8", "note": "a line", **ai, **of_outside}
    lines = [
        {
            **{"type": "contribution", "id": id, "title": "T", "medium": "audio", "by": by},
            "sources": [{"uri": f"https://example.org/{id}", **cited}, *others],
        }
        for id, others in (("whole", ()), ("part", [{"work": "none", "kind": "sample", **ai}]))
    ]
    with open_service(database) as service:

        def put() -> Report:
            found = (FoundLine(f"line {n}", line) for n, line in enumerate(lines, start=1))
            return import_lines(service.journal, found, is_vouched_for=is_vouched_for)

        imported(service, [{"type": "contributor", "id": "ana", "name": "Ana"}])
        *undescribed, left = put().left_out
        assert put().left_out == [*undescribed, left]
        assert (left.code, left.line["type"]) == ("unknown_work", "remix")
        assert {name: left.line[name] for name in ai} == ai
        head = service.journal.facts.head()
        assert put().unchanged == {"contribution": 2}
        assert service.journal.facts.head() == head
        if (by, is_vouched_for) == ("ana", False):  # for what is elsewhere, the operator speaks
            (told,) = undescribed
            out = io.StringIO()
            import_report(Console(file=out, width=200), put())
            assert "line 2: description of a source left out (not_permitted): " in out.getvalue()
            assert imported(service, [{**told.line, "by": "operator"}]).refused == []
        else:
            assert undescribed == []
        service.follower.catch_up()
        with service.store.view() as view:
            ((one,), (other,)) = (
                around.work(view, work(id))["sources"] for id in ("whole", "part")
            )
            for name in ("kind", "rate", "evidence", "ai", "ai_tool"):
                assert other[name] == one[name] is not None, name
            described = [around.work(view, each["work"]["id"]) for each in (one, other)]
            for name, stated in of_outside.items():
                assert [each[name] for each in described] == [stated] * 2


@pytest.mark.parametrize("by", ["operator", "ana"])
@pytest.mark.parametrize("refuses", [True, False])
def test_the_licence_said_of_a_source_holds_beside_one_that_is_refused(
    refuses: bool, by: str, database: str
) -> None:
    """It was on record only after the remix was, so what it does not allow was never noticed."""
    strict = {"uri": "https://example.org/strict", "licence": "CC-BY-ND-4.0", "title": "Strict"}
    free = {"uri": "https://example.org/free", "licence": "CC-BY-4.0", "title": "Free"}
    sources = [{**one, "kind": "adaptation"} for one in ({"work": "none"}, strict, free)]
    piece = {"type": "contribution", "id": "p", "title": "T", "medium": "text", "by": by}
    piece |= {"licence": "CC-BY-4.0", "sources": sources}
    with open_service(database) as service:
        imported(service, [{"type": "contributor", "id": "ana", "name": "Ana"}])
        service.journal.rules.refuses_licences = refuses
        report = imported(service, [piece])
        kept = {(one.line.get("uri"), one.code) for one in report.left_out if one.line.get("kind")}
        conflict = {(strict["uri"], "licence_conflict")} if refuses else set()
        warned = [one for one in report.warned if "(no_derivatives)" in one.warning]
        assert kept == {(None, "unknown_work")} | conflict
        assert len(warned) == (not refuses)
        head = service.journal.facts.head()
        assert imported(service, [piece]).left_out == report.left_out
        assert service.journal.facts.head() == head
        service.follower.catch_up()
        with service.store.view() as view:
            found = {one["work"]["uri"] for one in around.work(view, work("p"))["sources"]}
        assert found == {free["uri"], *([] if refuses else [strict["uri"]])}


def test_a_piece_is_recorded_without_a_date_that_has_not_come(database: str) -> None:
    piece = {"type": "contribution", "title": "T", "medium": "code"}
    made_of = [{"work": "first", "kind": "adaptation"}, {"work": "no", "kind": "sample"}]
    lines = [
        {**piece, "id": "first", "made_at": "2999-01-19T03:14:08Z"},
        {**piece, "id": "then", "made_at": "3000", "sources": made_of},
        {**piece, "id": "bad", "made_at": "1969-13", "sources": made_of},
    ]
    with open_service(database) as service:
        for again in (False, True):
            report = imported(service, lines)
            assert (report.unchanged if again else report.recorded) == {"contribution": 2}
            left = [(one.where, one.code) for one in report.left_out]
            assert left == [(f"line {number}", "made_in_future") for number in (1, 2)] + [
                ("line 2", "unknown_work")
            ]
            # The message is about the piece, not about a source of it.
            assert [one.code for one in report.refused] == ["bad_made_at"]
        corrected = imported(service, [{**report.left_out[0].line, "made_at": "1999"}])
        assert corrected.recorded == {"work.redate": 1}
        service.follower.catch_up()
        with service.store.view() as view:
            assert around.work(view, work("first"))["made_at"] == "1999"
            assert [one["work"]["id"] for one in around.work(view, work("then"))["sources"]] == [
                work("first")
            ]
        assert len(imported(service, lines, is_strict=True).refused) == 3


def test_a_mistyped_id_is_told_with_those_of_the_bundle_most_like_it(database: str) -> None:
    piece = {"type": "contribution", "title": "S", "medium": "audio"}
    by, cited = [{"contributor": "evee", "role": "singer"}], {"kind": "sample"}
    lines = [
        *({"type": "contributor", "id": id, "name": id} for id in ("eve", "evan")),
        {**piece, "id": "git:parent", "authors": [{"contributor": "eve", "role": "singer"}]},
        {**piece, "id": "git:parents", "made_at": "never"},
        {**piece, "id": "evee-song", "authors": by},
        {**piece, "id": "child", "sources": [{"work": "git:parnt", **cited}]},
        {"type": "credit.accept", "id": "eve"},
    ]
    with open_service(database) as service:
        report = imported(service, lines)
        assert [one.reason for one in report.refused[1:]] == [
            "There is no contributor evee. Did you mean eve?",
            "There is no credit eve.",
        ]
        (left,) = report.left_out
        assert left.reason == "There is no work git:parnt. Did you mean git:parent?"


def test_a_name_that_the_bundle_uses_as_an_id_is_told_as_a_likely_mistake(database: str) -> None:
    """Without an “@”, a share is somebody's who has no account, and of a piece that is not here."""
    agreed = {"type": "agreement", "pool": "money", "agreed_on": "2024", "document": "Sheet 1"}
    made = {"title": "Song", "medium": "audio"}
    split = [{"asset": "song", "value": "1", "shares": [["ana", "1/2"], ["@ben", "1/2"]]}]
    lines: list[dict[str, Any]] = [
        *({"type": "contributor", "id": id, "name": id} for id in ("ana", "ben")),
        {"type": "contribution", "id": "song", **made},
        {"type": "release", "id": "single", "title": "Single", "components": [{"work": "song"}]},
        {"type": "release.publish", "id": "single"},
        {
            **{"type": "pool", "id": "money", "release": "single", "name": "All"},
            **{"kind": "master", "currency": "EUR", "terms": {"type": "agreed"}},
        },
        {**agreed, "id": "bare", "assets": split},
        {**agreed, "id": "asked", "assets": split, "consents": ["ana"]},
        {**agreed, "id": "both", "assets": split, "consents": ["@ben"]},
    ]
    hints = [
        f"“{name}” is a name here. If what has this id in the bundle is meant, write “@{name}”."
        for name in ("song", "ana")
    ]
    with open_service(database) as service:
        report = imported(service, lines)
        assert [one.warning for one in report.warned] == hints
        asked, both = (one.reason for one in report.refused)
        assert asked.startswith("ana has no agreed share here.")
        assert asked.endswith(" ".join(["", *hints]))
        assert both == " ".join(["There is no contributor @ben. Did you mean ben?", *hints])
        split[0] |= {"asset": "@song", "shares": [["@ana", "1/2"], ["@ben", "1/2"], ["Cy", "1"]]}
        meant = imported(service, [{**agreed, "id": "meant", "assets": split}])
        assert (meant.warned, meant.refused) == ([], [])


def test_a_line_that_fits_into_no_fact_is_refused_and_the_import_goes_on() -> None:
    """It ended the import, without saying which line, and nothing of its batch was recorded."""
    kinds = [
        {"channel": f"{n}".ljust(60, "定"), "configuration": "額" * 60, "amount": "1.00"}
        for n in range(400)
    ]
    revenue = {"type": "revenue", "id": "sold", "pool": "song", "source": "shop", "sold": kinds}
    fixed = {"type": "fixed", "shares": [["house", "1"]]}
    pool = {"type": "pool", "id": "song", "release": "album", "name": "song", "kind": "song"}
    lines = [
        {"type": "contribution", "id": "poem", "title": "Poem", "medium": "text"},
        {"type": "release", "id": "album", "title": "Album", "components": [{"work": "poem"}]},
        {**pool, "currency": "EUR", "terms": fixed},
        {**revenue, "effective_at": "2026-01"},
        {"type": "revenue.reverse", "revenue": "sold", "reason": "r"},
        {"type": "contributor", "id": "ana", "name": "Ana"},
    ]
    with open_service("sqlite:///:memory:") as service:
        report = import_lines(service.journal, read(lines))
        assert [(one.where, one.code) for one in report.refused] == [
            ("line 4", "fact_too_large"),
            ("line 5", "unknown_revenue"),
        ]
        assert report.refused[1].reason.endswith("come from line 4, which was refused.")
        assert report.recorded == {"contribution": 1, "release": 1, "pool": 1, "contributor": 1}


def pooled(payees: int) -> list[Line]:
    """A release with a pool that many payees share equally."""
    terms = {"type": "equal", "payees": [f"payee number {n:06}" for n in range(payees)]}
    pool = {"type": "pool", "id": "song", "release": "album", "name": "song", "kind": "song"}
    return [
        {"type": "contribution", "id": "poem", "title": "Poem", "medium": "text"},
        {"type": "release", "id": "album", "title": "Album", "components": [{"work": "poem"}]},
        {**pool, "currency": "EUR", "terms": terms},
    ]


def sold(times: int) -> list[Line]:
    one = {"type": "revenue", "pool": "song", "source": "A", "effective_at": "2026-01"}
    return [{**one, "amount_minor": 100 + number} for number in range(times)]


def test_a_line_that_is_too_large_has_no_other_booked_again_without_it() -> None:
    """The others of its append were read again, as further lines like those before them."""
    too_large = {**pooled(8_000)[-1], "id": "choir", "name": "choir"}
    with open_service("sqlite:///:memory:") as service:
        report = import_lines(service.journal, read([*pooled(2), *sold(5), too_large]))
        assert [one.code for one in report.refused] == ["fact_too_large"]
        again = import_lines(service.journal, read([*pooled(2), *sold(5)]))
        assert (again.recorded.total(), again.unchanged["revenue"]) == (0, 5)


def test_revenue_among_many_payees_is_recorded_in_several_appends() -> None:
    """One append of it would be decided again and again while others book in the same pool."""
    with open_service("sqlite:///:memory:") as service:
        assert import_lines(service.journal, read(pooled(500))).refused == []
        before = service.journal.facts.head()
        report = import_lines(service.journal, read(sold(60)))
        assert report.recorded == {"revenue": 60}
        moments = {one.fact().timestamp for one in service.journal.read(before)}
        assert len(moments) == 2  # 500 shares 40 times, then 20 times
        assert import_lines(service.journal, read(sold(60))).unchanged == {"revenue": 60}


def test_what_is_unknown_otherwise_than_by_an_id_is_refused_and_the_import_goes_on(
    database: str,
) -> None:
    terms = {"type": "agreed"}
    proposed = [{"asset": "song", "value": "1", "shares": [["ana", "1"]]}]
    lines = [
        *({"type": "contributor", "id": id, "name": id} for id in ("ana", "ben")),
        {"type": "contribution", "id": "song", "title": "S", "medium": "audio"},
        {"type": "release", "id": "album", "title": "A", "components": [{"work": "song"}]},
        {"type": "release.publish", "id": "album"},
        {"type": "pool", "id": "pool", "release": "album", "name": "P", "kind": "song"}
        | {"currency": "USD", "terms": terms},
        {"type": "proposal", "id": "deal", "pool": "pool", "assets": proposed},
        {"type": "share.accept", "proposal": "deal", "contributor": "ben"},
        {"type": "payee.identify", "contributor": "ben", "name": "x", "reason": "r"},
        {"type": "contributor", "id": "eve", "name": "Eve"},
    ]
    with open_service(database) as service:
        report = imported(service, lines)
        assert [one.code for one in report.refused] == ["no_share", "unknown_payee"]
        assert report.recorded["contributor"] == 3


def test_strict_sources_refuse_the_piece(database: str) -> None:
    with open_service(database) as service:
        imported(service, [{"type": "contributor", "id": "ana", "name": "Ana"}])
        report = imported(service, UNSOUND, is_strict=True)
        assert [one.where for one in report.refused] == [f"line {n}" for n in (1, 2, 3, 4)]
        assert not report.left_out
        assert report.refused[2].reason == (
            "There is no work song. It should have come from line 2, which was refused."
        )


def test_a_source_beyond_the_whole_is_left_out_and_the_others_stay(database: str) -> None:
    cited = [{"uri": f"urn:x:{n}", "kind": "sample", "rate": "2/5"} for n in range(3)]
    line = {"type": "contribution", "id": "song", "title": "S", "medium": "audio"}
    with open_service(database) as service:
        report = imported(service, [{**line, "sources": cited}])
        assert [one.code for one in report.left_out] == ["cap_exceeded"]
        assert report.left_out[0].reason.startswith("The ancestors of song would be owed 6/5")


# -- real data -----------------------------------------------------------------------------


def test_the_tree_of_samples_loads_but_for_four_links(database: str, shared_data: Path) -> None:
    """961 records and 995 links, of which exactly four form a cycle."""
    with open_service(database) as service:
        path = shared_data / "whosampled" / "viz_demo.json"
        report = import_lines(service.journal, found_in(path, "whosampled"))
        assert [one.code for one in report.refused] == ["lineage_cycle"] * 4
        titles = {line["id"]: line.get("title") for line in converted("whosampled", path)}
        refused = {
            (titles[one.line["child"]], titles[one.line["parent"]]) for one in report.refused
        }
        assert refused == {
            ("Third Stone From the Sun", "I'm Too Sexy"),
            ("Think (About It)", "I'm Too Sexy"),
            ("Hot Pants (Bonus Beats)", "I'm Too Sexy"),
            ("Rap Name", "Without Me"),
        }, "what is left is the direction that the years allow"
        assert report.recorded["contribution"] == 961
        assert report.recorded["remix"] == 995 - 4
        assert report.recorded["contributor"] == 661


def test_several_samples_of_one_song_in_another_are_kept(tmp_path: Path, shared_data: Path) -> None:
    """106 samples between 90 pairs of records are 106 edges."""
    with (shared_data / "whosampled" / "sample100_edges.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    years = {row["sampling_track"]: "1990" for row in listed}
    years |= {row["sampled_track"]: "1970" for row in listed}
    tracks = [
        {"type": "contribution", "id": id, "title": id, "medium": "audio", "made_at": year}
        for id, year in years.items()
    ]
    samples = [
        {
            "type": "remix",
            "id": row["relation_id"],
            "child": row["sampling_track"],
            "parent": row["sampled_track"],
            "kind": "sample",
        }
        for row in listed
    ]
    with open_service(sqlite(tmp_path)) as service:
        report = imported(service, [*tracks, *samples])
        assert report.refused == []
        with asked(service) as view:
            edges = [
                (source["work"]["id"], id)
                for id in years
                for source in around.work(view, work(id))["sources"]
            ]
        assert (len(edges), len(set(edges))) == (106, 90)


def test_the_remixes_of_games_load_whole(database: str, shared_data: Path) -> None:
    """4,864 remixes with 6,744 artist lines, found by their games; and again without a change."""
    with open_service(database) as service:
        found = list(found_in(shared_data / "ocremix", "ocremix"))
        report = import_lines(service.journal, found)
        assert report.refused == []
        assert report.recorded["contribution"] == 4864
        assert service.follower.catch_up() == service.journal.facts.head()
        topics = [placed.topic for placed in service.journal.read()]
        assert topics.count("credit.granted") == 6744
        with service.store.view() as view:
            game = listing.works(view, q="final fantasy vii", limit=1000).items
        kinds = [one["kind"] for one in game]
        assert (kinds.count("contribution"), kinds.count("outside")) == (136, 4)
        assert import_lines(service.journal, found[:2000]).recorded.total() == 0


# -- what the tests are made of ------------------------------------------------------------


def sqlite(folder: Path, name: str = "stemma") -> str:
    return f"sqlite:///{folder / name}.db"


def imported(service: Service, lines: Iterable[Line], **terms: Any) -> Report:
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
    # The story tells of claims that wait for an answer: nobody vouches for it.
    return import_lines(service.journal, found, is_vouched_for=False, **terms)


def all_imported(service: Service, **terms: Any) -> Report:
    """Every type of line; what is agreed is imported when the window for comments has closed."""
    first = imported(service, [*STORY, *PROPOSED], **terms)
    clock = service.journal.clock
    service.journal.clock = lambda: clock() + timedelta(days=AFTER_DAYS)
    second = imported(service, AGREED, **terms)
    return Report(
        first.recorded + second.recorded,
        first.unchanged + second.unchanged,
        first.refused + second.refused,
    )


def read(lines: Iterable[str | bytes | Line]) -> Iterator[FoundLine]:
    """Lines as a file holds them."""
    written = [
        line
        if isinstance(line, bytes)
        else line.encode()
        if isinstance(line, str)
        else json.dumps(line).encode()
        for line in lines
    ]
    return bundle.read_json_lines(io.BytesIO(b"\n".join(written)))


def csv_bundle(folder: Path, files: Mapping[str, str]) -> Path:
    made = folder / "bundle"
    made.mkdir()
    for name, rows in files.items():
        (made / f"{name}.csv").write_bytes(rows.encode(errors="surrogateescape"))
        assert list(csv.reader(io.StringIO(rows[:1000])))
    return made


def work(text: str) -> str:
    return bundle.Ids("bundle").named("work", text)


def credit(text: str) -> str:
    return bundle.Ids("bundle").named("credit", text)


def text_of(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False)


def exported_story(folder: Path) -> list[Line]:
    with open_service(sqlite(folder, "source")) as service:
        imported(service, STORY)
        return list(export_lines(service.journal))


@contextmanager
def asked(service: Service, as_of: int | None = None) -> Iterator[View]:
    service.follower.catch_up()
    with service.store.view(as_of) as view:
        yield view


def answers(service: Service, as_of: int | None) -> dict[str, Any]:
    """Everything that can be asked about everything there is, at a position."""
    with asked(service, as_of) as view:
        everything = {"limit": 1000}
        works = listing.works(view, **everything).items
        people = contributors.people(view, **everything).items
        told: dict[str, Any] = {"works": works, "people": people}
        for one in works:
            id = one["id"]
            told[f"work {id}"] = [
                around.work(view, id),
                attribution.all_credits(view, id).items,
                parts.of_work(view, id, **everything),
                billing.lineage_with_makers(view, id),
                listing.ancestors(view, id, **everything),
                listing.descendants(view, id, **everything),
                history.of_work(view, service.journal, id, actor="operator", **everything),
            ]
        for one in people:
            id = one["id"]
            told[f"person {id}"] = [
                contributors.person(view, id),
                parts.in_releases(view, id, **everything),
                history.of_contributor(view, service.journal, id, actor="operator", **everything),
            ]
        return told
