"""One cent, followed from a statement by links alone to signed receipts that others can check."""

import json
import re
from pathlib import Path

from serving import OPERATOR_KEY, serving
from test_foreign import KEY, SIGNER, InRust, Parts
from test_pages import Reader, reader, signed_in


def receipts(window: Reader, path: str) -> set[str]:
    """The kinds of the facts to whose receipts a page links, each of which others believe."""
    topics = set[str]()
    for link in re.findall(r'href="(/receipts/\d+)" download', window.get(path).text):
        answer = window.get(link)
        assert answer.status == 200, "whoever sees the line may read its fact"
        parts = Parts.of(answer.text.encode())
        assert InRust().inclusion(parts, KEY)
        topics.add(json.loads(parts.leaf.splitlines()[0])["topic"])
    return topics


def test_every_line_of_money_leads_to_a_receipt_that_a_foreign_verifier_believes(
    tmp_path: Path,
) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", signer=SIGNER) as served:
        ana, post = served.admit("Ana"), served.operator.post
        song = served.post_piece("A song", by=ana)
        release = post("/releases", title="An EP", components=[{"work": song}]).id
        terms = {"type": "fixed", "shares": [[ana, "1"]]}
        said = {"name": "its pool", "kind": "song", "currency": "EUR", "terms": terms}
        pool = post(f"/releases/{release}/pools", said).id
        post(f"/pools/{pool}/revenue", source="store", amount_minor=1, effective_at="2026-01")
        batch = post("/payout-batches", currency="EUR").id
        served.service.log.catch_up()
        window = signed_in(served, ana)
        statement = f"/statement/{ana}"
        assert receipts(window, statement) == {"entry.divided", "payout.issued"}
        why = re.findall(r'href="(/entry/[^"]+)">why', window.get(statement).text)[0]
        assert receipts(window, why) == {"entry.divided"}
        entry = re.findall(r'href="(/entry/[^"?]+)"', window.get(why).text)[0]
        assert receipts(window, entry) == {"entry.divided"}
        assert receipts(window, f"/pool/{pool}") == {"revenue.recorded"}
        agreement = re.findall(r'href="(/proposal/[^"]+)"', window.get(entry).text)[0]
        assert receipts(window, agreement)
        books = reader(served).sign_in(OPERATOR_KEY)
        assert receipts(books, f"/desk/accountant/batch/{batch}") == {"payout.issued"}


def test_a_batch_says_what_was_withheld_and_sent_and_a_rate_of_tax_stands_as_in_the_law(
    tmp_path: Path,
) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        ana, post = served.admit("Ana"), served.operator.post
        song = served.post_piece("A song", by=ana)
        release = post("/releases", title="An EP", components=[{"work": song}]).id
        terms = {"type": "fixed", "shares": [[ana, "1/2"], ["label", "1/2"]]}
        said = {"name": "its pool", "kind": "song", "currency": "EUR", "terms": terms}
        pool = post(f"/releases/{release}/pools", said).id
        post(f"/pools/{pool}/locate", country="JP")
        rule = {"payee": ana, "country": "JP", "rate": "0.2042", "document": "article 212"}
        assert post("/withholdings", rule | {"effective_at": "2026-01"}).id
        post(f"/pools/{pool}/revenue", source="store", amount_minor=20_000, effective_at="2026-01")
        batch = post("/payout-batches", currency="EUR").id
        books = reader(served).sign_in(OPERATOR_KEY)
        told = words(books, f"/desk/accountant/batch/{batch}")
        assert "20.42 EUR withheld 179.58 EUR sent" in told
        assert "100.00 EUR 20.42 EUR 79.58 EUR" in told
        assert "20.42 % article 212" in words(books, "/desk/accountant/reports")
        assert "withheld for JP (20.42 %)" in words(books, f"/statement/{ana}")


def words(window: Reader, path: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", window.get(path).text).split())
