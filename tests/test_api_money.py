"""Money over HTTP: from a pool to a settled payout, told once on each engine.

Rule: every answer is held against the OpenAPI document by the client, and every sum is checked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from html import escape
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from clocks import TickingClock
from serving import Client, Served, serving
from test_pages import reader

from domain.permission import open_to
from domain.readers import ALL_MONEY, OWN_MONEY

TERMS = {"type": "fixed", "shares": [["operator", "1/2"], ["artists", "1/2", {"type": "agreed"}]]}


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def served(database: str, clock: TickingClock) -> Iterator[Served]:
    with serving(database, clock=clock) as service:
        yield service


class Book:
    """A book of a story and a drawing, with people who have keys."""

    def __init__(self, served: Served) -> None:
        self.served, self.api = served, served.operator
        self.ana, self.bo, self.cy, self.dee = map(served.admit, ("Ana", "Bo", "Cy", "Dee"))
        self.story = served.post_piece("Story", by=self.ana)
        self.drawing = served.post_piece("Drawing", by=self.cy)
        self.release = self.api.post(
            "/releases",
            title="Tiny Book",
            components=[{"work": self.story}, {"work": self.drawing}],
        ).id
        self.api.post(f"/releases/{self.release}/publish")
        self.pool = self.open_pool()

    def open_pool(self, **said: Any) -> str:
        body = {"name": "book", "kind": "other", "currency": "USD", "terms": TERMS, **said}
        return self.api.post(f"/releases/{self.release}/pools", body).id

    def assets(self, *of_drawing: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "asset": self.story,
                "value": "3",
                "within": ["chapter 1"],
                "shares": [[self.ana, "1/2"], [self.bo, "1/2"]],
            },
            {"asset": self.drawing, "value": "1", "shares": [*of_drawing] or [[self.cy, "1"]]},
        ]

    def propose(self, **said: Any) -> str:
        body = said or {"assets": self.assets()}
        return self.api.post(f"/pools/{self.pool}/proposals", body).id

    def agree(self, clock: TickingClock, **said: Any) -> str:
        proposal = self.propose(**said)
        clock.wait(days=15)
        assert self.api.post(f"/proposals/{proposal}/finalise").status == 200
        return proposal

    def earn(self, amount_minor: int, **said: Any) -> str:
        body = {"source": "shop", "effective_at": "2026-06", "amount_minor": amount_minor, **said}
        return self.api.post(f"/pools/{self.pool}/revenue", body).id

    def statement(self) -> dict[str, Any]:
        told: dict[str, Any] = self.api.get(f"/pools/{self.pool}/statement").json
        adds_up(told)
        return told


def adds_up(told: dict[str, Any]) -> None:
    """Every unit of a pool's statement is somewhere, once."""
    total = told["totals"]
    net = told["received_minor"] - told["reversed_minor"]
    assert net == told["waiting_minor"] + total["earned_minor"]
    assert told["divided_minor"] == total["earned_minor"]
    assert told["waiting_minor"] == sum(each["waiting_minor"] for each in told["waiting"])
    for line in (total, *told["lines"]):
        there = sum(
            line[f"{account}_minor"]
            for account in ("payable", "held", "in_transit", "paid", "suspense")
        )
        assert line["earned_minor"] == there - line["debt_minor"]


def test_a_pool_is_proposed_talked_about_agreed_divided_and_paid(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    api, proposal = book.api, book.propose()
    told = api.get(f"/proposals/{proposal}").json
    assert [(line["payee"]["name"], line["share"]) for line in told["shares"]] != []
    assert {line["payee"]["name"]: line["share"] for line in told["shares"]} == {
        "Ana": "3/8",
        "Bo": "3/8",
        "Cy": "1/4",
    }
    # Somebody is missing, says so, and is added by the revision that names the comment.
    dee = served.acting(book.dee)
    dee.post("/credits", work=book.drawing, contributor=book.dee, role="editor")
    comment = dee.post(
        f"/proposals/{proposal}/comments", kind="left_out", about=book.dee, text="I drew the sea."
    ).id
    early = api.post(f"/proposals/{proposal}/finalise")
    assert (early.status, early.code) == (409, "window_open")
    clock.wait(days=15)
    unanswered = api.post(f"/proposals/{proposal}/finalise")
    assert (unanswered.status, unanswered.code) == (409, "comments_open")
    revised = book.assets([book.cy, "99/100"], [book.dee, "1/100"])
    assert (
        api.post(
            f"/proposals/{proposal}/revise", comments=[comment], assets=revised, note="Right."
        ).status
        == 200
    )
    diff = {
        line["payee"]["name"]: line for line in api.get(f"/proposals/{proposal}/diff").json["lines"]
    }
    assert (diff["Dee"]["first"], diff["Dee"]["current"]) == ("0", "1/400")
    assert diff["Cy"]["causes"][0]["comments"][0]["text"] == "I drew the sea."
    assert diff["Ana"]["causes"] == []
    # Revenue that came before waits, and is divided when the shares are agreed.
    revenue = book.earn(807364)
    assert book.statement()["waiting"][0]["because"] == "no_agreement"
    clock.wait(days=3)  # in which those with a share can look at the revision
    assert api.post(f"/proposals/{proposal}/finalise").status == 200
    told = book.statement()
    assert {line["payee"]["name"]: line["held_minor"] for line in told["lines"]} == {
        "Ana": 151381,
        "Bo": 151381,
        "Cy": 99911,
        "Dee": 1009,
        "operator": 0,
    }
    assert told["totals"]["held_minor"] == 403682
    # Ana and Cy accept, Bo waives what is his in the chapter: it goes to Ana.
    for person in (book.ana, book.cy):
        assert served.acting(person).post(f"/proposals/{proposal}/share/accept").status == 200
    stranger = served.acting(served.admit("Eve")).post(f"/proposals/{proposal}/share/accept")
    assert (stranger.status, stranger.code) == (404, "no_share")
    waived = served.acting(book.bo).post(f"/proposals/{proposal}/share/waive", scope="chapter 1")
    assert waived.status == 200
    told = book.statement()
    assert [line["share"] for line in told["waived"]] == ["3/8"]
    assert {line["payee"]["name"]: line["payable_minor"] for line in told["lines"]} == {
        "Ana": 302762,
        "Bo": 0,
        "Cy": 99911,
        "Dee": 0,
        "operator": 403682,
    }
    # Paid in one batch; a repetition changes nothing.
    batch = {"currency": "USD", "minimum_minor": 100, "id": "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d406"}
    first = api.post("/payout-batches", batch)
    assert api.post("/payout-batches", batch).json == first.json
    other = api.post("/payout-batches", {**batch, "minimum_minor": 101})
    assert (other.status, other.code) == (409, "id_taken")
    payouts = api.get("/payouts", batch=batch["id"]).items
    assert sum(each["amount_minor"] for each in payouts) == 806355
    for payout in payouts:
        assert api.post(f"/payouts/{payout['id']}/settle", reference="SEPA 17").status == 200
    again = api.post("/payout-batches", currency="USD")
    assert (again.status, again.code) == (409, "nothing_to_pay")
    # A chargeback makes a debt, which later earnings fill up.
    assert (
        api.post(f"/revenue/{revenue}/reverse", amount_minor=100000, reason="Chargeback.").status
        == 200
    )
    told = book.statement()
    assert told["totals"]["debt_minor"] == 99875
    book.earn(100000)
    told = book.statement()
    assert told["totals"]["debt_minor"] == 0


def test_a_person_reads_their_own_statement_and_nobody_elses(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    proposal = book.agree(clock)
    ana = served.acting(book.ana)
    ana.post(f"/proposals/{proposal}/share/accept")
    book.earn(1001)
    told = ana.get(f"/contributors/{book.ana}/statement").json
    (dollars,) = told["statements"]
    assert (
        dollars["opening_minor"]
        + dollars["earned_minor"]
        - dollars["recouped_minor"]
        - dollars["held_minor"]
        - dollars["paid_minor"]
        == dollars["closing_minor"]
        == 188
    )
    refused = served.acting(book.bo).get(f"/contributors/{book.ana}/statement")
    assert refused.code == "not_permitted"
    assert refused.json["detail"].startswith(f"{book.bo} may not read this statement here.")
    assert (
        book.api.get(f"/contributors/{book.ana}/statement").json["statements"] == told["statements"]
    )
    rows = list(
        csv.DictReader(StringIO(ana.get(f"/contributors/{book.ana}/statement", format="csv").text))
    )
    assert [(row["kind"], row["amount_minor"], row["source"]) for row in rows] == [
        ("division", "188", "shop")
    ]
    backwards = {"from": "2026-02", "to": "2026-01"}
    assert ana.get(f"/contributors/{book.ana}/statement", backwards).code == "bad_period"
    later = ana.get(f"/contributors/{book.ana}/statement", {"from": "2099"}).json
    assert later["statements"][0]["opening_minor"] == 188
    assert later["statements"][0]["lines"] == []


def test_the_statement_of_a_name_is_asked_for_like_that_of_a_person(served: Served) -> None:
    book, label = Book(served), "Tide / Blue Records"
    book.pool = book.open_pool(terms={"type": "fixed", "shares": [[label, "1"]]})
    book.earn(1001)
    path = f"/contributors/{quote(label, safe='')}"
    told = book.api.get(f"{path}/statement").json
    assert (told["contributor"]["name"], told["statements"][0]["closing_minor"]) == (label, 1001)
    assert book.api.get(f"{path}/earnings").json["earnings"][0]["earned_minor"] == 1001
    assert ",1001," in book.api.get(f"{path}/statement", format="csv").text
    assert served.acting(book.ana).get(f"{path}/statement").code == "not_permitted"
    assert book.api.get("/contributors/Nobody/statement").code == "unknown_contributor"
    shouted = f"/contributors/{book.ana.upper()}"
    assert book.api.get(f"{shouted}/statement").json["contributor"]["id"] == book.ana


NAMES = (
    "/dev/null",
    "//",
    "Live/division",
    "a/../b",
    "x/claim",
    "y/statement",
    "z/earnings",
    "#1?",
)


def test_whatever_a_payee_is_called_leads_to_their_statement(database: str) -> None:
    with serving(database) as served:
        book = Book(served)
        shares = [[name, f"1/{len(NAMES)}"] for name in NAMES]
        book.pool = book.open_pool(terms={"type": "fixed", "shares": shares})
        entry = book.api.get(f"/revenue/{book.earn(1000)}").json["division"]
        someone = reader(served).sign_in(served.operator.key)
        balances = someone.get("/desk/accountant/balances").text
        for name in NAMES:
            path = quote(name, safe="")
            for what in ("statement", "earnings"):
                told = book.api.get(f"/contributors/{path}/{what}").json
                assert told["contributor"] == {"id": name, "kind": "other", "name": name}, what
            assert book.api.get(f"/entries/{entry}/lines/{path}/why").json["amount_minor"] == 125
            assert f'href="/statement/{path}' in balances
            page = someone.get(f"/statement/{path}")
            assert (page.status, escape(name) in page.text) == (200, True)


def test_every_line_can_be_explained(served: Served, clock: TickingClock) -> None:
    book = Book(served)
    book.agree(clock)
    sold = [{"units": 3, "amount": "1.50"}, {"units": -1, "amount": "-0.50"}]
    revenue = book.earn(100, sold=sold)
    division = book.api.get(f"/revenue/{revenue}").json["division"]
    lines = book.api.get(f"/entries/{division}").json["lines"]
    assert sum(line["amount_minor"] for line in lines) == 100
    why = book.api.get(f"/entries/{division}/lines/{book.ana}/why").json
    assert why["due"] == "75/4"
    assert (why["share"], why["agreed"], why["by_agreement"]) == ("3/8", "50", "75/4")
    rounding = why["rounding"]
    assert rounding.pop("rank") in (1, 2)
    method = "largest_remainder_with_carry"
    assert rounding == {"method": method, "left_over": 2, "payees": 4}
    assert why["amount_minor"] == 19
    assert why["pieces"][0]["value"] == "3/4"
    assert [step["title"] for step in why["pieces"][0]["paths"][0]] == ["Tiny Book", "Story"]
    nobody = book.api.get(f"/entries/{division}/lines/{book.dee}/why")
    assert (nobody.status, nobody.code) == (404, "no_share")


@pytest.mark.parametrize(
    "path, field, more", [("revenue", "source", {}), ("expenses", "category", {"payer": "house"})]
)
def test_an_unknown_word_beside_a_name_is_pointed_at(
    served: Served, path: str, field: str, more: dict[str, str]
) -> None:
    book = Book(served)
    said = {field: "shop", f"{field}_name": "The corner shop", "amount_minor": 1}
    said |= {"effective_at": "2026-06", **more}
    problem = book.api.post(f"/pools/{book.pool}/{path}", said).json
    (error,) = problem["errors"]
    assert (problem["code"], error["pointer"]) == ("unknown_kind", f"#/{field}")


def test_a_ledger_is_told_fact_by_fact_and_each_append_adds_up_to_nothing(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    book.agree(clock)
    revenue = book.earn(12345)
    book.api.post(f"/revenue/{revenue}/reverse", reason="Refund.")
    items = book.api.get(f"/pools/{book.pool}/ledger").items
    assert [item["topic"] for item in items] == [
        "revenue.recorded",
        "entry.divided",
        "entry.reversed",
    ]
    for item in items:
        assert sum(posting["amount_minor"] for posting in item["postings"]) == 0
    page = book.api.get(f"/pools/{book.pool}/ledger", limit=1).json
    assert page["next"]
    assert book.statement()["totals"]["earned_minor"] == 0


def test_a_credit_in_dispute_or_on_hold_keeps_its_money(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    proposal = book.agree(clock)
    served.acting(book.cy).post(f"/proposals/{proposal}/share/accept")
    book.earn(1000)
    credit = book.api.get(f"/works/{book.drawing}").json["credits"][0]["id"]

    def payable() -> int:
        lines = {line["payee"]["id"]: line for line in book.statement()["lines"]}
        return int(lines[book.cy]["payable_minor"])

    assert payable() == 125
    # Disputed: the credit, then the edge by which the piece came in; each holds at once.
    helped = {"work": book.drawing, "contributor": book.dee, "role": "editor"}
    book.api.post("/credits", helped, kind="influence")
    wrong = {"grounds": "not_theirs", "reason": "I drew it.", "evidence": "the sketches"}
    ended = {"outcome": "dismissed", "reason": "The sketches show it."}
    assert served.acting(book.dee).post(f"/credits/{credit}/dispute", wrong).status == 200
    assert payable() == 0
    assert book.api.post("/payout-batches", currency="USD", payees=[book.cy]).code == (
        "nothing_to_pay"
    )
    assert book.api.post(f"/credits/{credit}/settle", ended).status == 200
    assert payable() == 125
    sources = book.api.get(f"/works/{book.release}").json["sources"]
    (edge,) = (each["remix"] for each in sources if each["work"]["id"] == book.drawing)
    assert served.acting(book.dee).post(f"/remixes/{edge}/dispute", wrong).status == 200
    assert payable() == 0
    assert book.api.post("/payout-batches", currency="USD", payees=[book.cy]).code == (
        "nothing_to_pay"
    )
    assert book.api.post(f"/remixes/{edge}/settle", ended).status == 200
    assert payable() == 125
    # Held by the operator, and released.
    assert book.api.post(f"/credits/{credit}/hold", reason="A question.").status == 200
    assert payable() == 0
    assert book.api.post(f"/credits/{credit}/lift-hold").status == 200
    assert payable() == 125


def test_a_payout_that_comes_back_rests_with_its_payee_until_it_is_claimed(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    proposal = book.agree(clock)
    cy: Client = served.acting(book.cy)
    cy.post(f"/proposals/{proposal}/share/accept")
    book.earn(1000)
    batch = book.api.post("/payout-batches", currency="USD", payees=[book.cy]).id
    (payout,) = book.api.get("/payouts", batch=batch).items
    back = book.api.post(f"/payouts/{payout['id']}/return", reason="The account was closed.")
    assert back.status == 200
    assert book.statement()["totals"]["suspense_minor"] == 125
    assert cy.post(f"/payouts/{payout['id']}/claim").status == 200
    second = book.api.post("/payout-batches", currency="USD", payees=[book.cy]).id
    assert book.api.get(f"/payout-batches/{second}").json["total_minor"] == 125
    assert book.api.get("/payout-batches").items[0]["id"] == batch
    assert cy.get("/payouts", payee=book.cy).items[0]["state"] == "claimed"


def test_artists_are_shown_their_own_payouts_and_those_of_accounts_merged_into_theirs(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    proposal = book.agree(clock)
    for person in (book.ana, book.bo, book.cy):
        assert served.acting(person).post(f"/proposals/{proposal}/share/accept").status == 200
    book.earn(1000)
    book.api.post("/payout-batches", currency="USD")
    everyone = book.api.get("/payouts", limit=200).items
    for person in (book.ana, book.bo, book.cy):
        own = [payout for payout in everyone if payout["payee"]["id"] == person]
        assert len(own) == 1
        assert served.acting(person).get("/payouts").items == own
    for path, of, readers in (
        ("/payouts", {"payee": book.bo}, OWN_MONEY),
        ("/payout-batches", {}, ALL_MONEY),
    ):
        refused = served.acting(book.ana).get(path, of)
        assert refused.code == "not_permitted"
        assert refused.json["detail"].endswith(open_to(readers))
    book.api.post(f"/contributors/{book.cy}/merge", into=book.ana)
    merged = [one for one in everyone if one["payee"]["id"] in (book.ana, book.cy)]
    assert [one["id"] for one in served.acting(book.ana).get("/payouts").items] == [
        one["id"] for one in merged
    ]


def test_shares_can_be_computed_over_the_lineage_as_it_was_published(
    served: Served, clock: TickingClock
) -> None:
    book = Book(served)
    proposal = book.propose(policy={"type": "relative_cascade"}, default_rate="1/2")
    told = book.api.get(f"/proposals/{proposal}").json
    assert {line["payee"]["name"]: line["share"] for line in told["shares"]} == {
        "Ana": "1/2",
        "Cy": "1/2",
    }
    assert told["graph_position"] is not None
    assert told["warnings"] == []
    by_hand = book.propose(
        assets=[{"asset": book.story, "value": "1", "shares": [[book.ana, "1"]]}]
    )
    warned = book.api.get(f"/proposals/{by_hand}").json["warnings"]
    assert [(each["kind"], each["name"]) for each in warned] == [
        ("work", "Drawing"),
        ("contributor", "Cy"),
    ]
