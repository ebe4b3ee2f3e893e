"""A statement on paper says what the JSON says; it is text, tagged, and the same bytes again.

Rule: what is claimed of a PDF is read back out of its bytes.
"""

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from money import HALF, Bank, bank
from pypdf import PdfReader

from domain.permission import OPERATOR
from domain.refusal import StatementTooLong
from projections import wording
from projections.money import statement_pdf
from projections.money.pools import why
from projections.money.statement_files import statement_of
from projections.money.statement_pdf import _LONGEST_SHARE, _share, as_pdf

ORIGIN = "https://stemma.example"
SUMS = ("opening", "earned", "held", "paid", "closing")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("statements")
    with bank(f"sqlite:///{folder / 'stemma.db'}") as told:
        ana, bo, old = told.people("Ana", "Bo", "Ana's other account")
        pool, yen = told.pool("streaming", terms=HALF), told.pool("live", currency="JPY")
        told.accept(told.agree(pool, {ana: "1", bo: "2"}), ana)
        told.agree(yen, {ana: "3", old: "4"})
        told.tell("merge_contributor", id=old, into=ana)
        for amount in range(1_000_001, 1_000_031):
            first = told.earn(pool, amount, source="Bandcamp")
        told.pay()
        told.reverse(first, 400_000)
        told.earn(yen, 70_001)
        told.service.follower.catch_up()
        yield told


def made(told: Bank, name: str, as_of: int | None = None) -> tuple[dict[str, Any], bytes]:
    """A statement as JSON and as PDF."""
    with told.view(as_of=as_of) as view:
        found = statement_of(view, told.journal, told.person(name), actor="operator")
        return found, as_pdf(view, told.journal, found, asked={}, origin=f"{ORIGIN}/")


def seen(page: Any) -> str:
    """The text of a page, in one line, without what only says where it may break."""
    return " ".join(re.sub("[\u200b\u2068\u2069]", "", page.extract_text()).split())


def test_every_amount_of_the_statement_is_on_paper(told: Bank) -> None:
    found, pdf = made(told, "Ana")
    text = " ".join(seen(page) for page in PdfReader(io.BytesIO(pdf)).pages)
    assert [one["currency"] for one in found["statements"]] == ["JPY", "USD"]
    for one in found["statements"]:

        def amount(minor: int, unit: str = one["currency"]) -> str:
            return wording.money(minor, unit).removesuffix(f" {unit}")

        net = {f"{name}_minor": one[f"{name}_minor"] for name in SUMS} | {**one["net"]}
        labels = ("at the beginning", "+ earned", "− held", "− paid", "= at the end")
        for name, label in zip(SUMS, labels, strict=True):
            assert f"{label} {amount(net[f'{name}_minor'])}" in text, (name, text)
        opening, earned, held, paid, closing = (net[f"{name}_minor"] for name in SUMS)
        assert opening + earned - held - paid == closing
        for name, label in wording.STANDS.items():
            assert f"{label} {amount(one['balances'][name])}" in text
        for line in one["movements"]:
            fact = f"fact {line['position']:,}"
            share = f"{line['share']} of {amount(line['of_minor'])} " if line["share"] else ""
            assert f"{fact} {share}{amount(line['amount_minor'])} " in text, text
        whole = amount(one["earned_minor"] - one["paid_minor"])
        assert f"Sum of these lines: earned less paid {whole}" in text
    assert f"held: {wording.HELD_BECAUSE['unaccepted']}" in text
    for line in ("Earned from Bandcamp", "Reversed from Bandcamp: refund"):
        assert line in text, "what came in has a source, and what changed it a reason"


def test_every_line_that_was_earned_leads_to_why_it_is_so_much(told: Bank) -> None:
    """… and to the share it names, on whichever account of the person it stands."""
    found, pdf = made(told, "Ana")
    lines = [line for one in found["statements"] for line in one["lines"]]
    led = [
        note.get_object()["/A"]["/URI"]
        for page in PdfReader(io.BytesIO(pdf)).pages
        for note in page.get("/Annots", [])
    ]
    earned = [line for line in lines if line["kind"] not in ("payout", "claim")]
    assert len({line["payee"] for line in earned}) == 2
    expected = [f"{ORIGIN}/entry/{one['noun']}/why?payee={one['payee']}" for one in earned]
    assert [address for address in led if "/why?" in address] == expected
    with told.view() as view:
        for line in earned[::6]:
            exact = why(view, told.journal, line["noun"], line["payee"], actor=OPERATOR)
            assert Fraction(line["share"]) * line["of_minor"] == Fraction(exact["due"])
            assert line["of_minor"] == exact["of_minor"]


def test_every_page_has_its_number_and_every_table_its_head(told: Bank) -> None:
    pages = [seen(page) for page in PdfReader(io.BytesIO(made(told, "Ana")[1])).pages]
    assert len(pages) > 2
    for number, text in enumerate(pages, start=1):
        assert f"{number} of {len(pages)}" in text
        assert ("· fact " in text) == ("Recorded What for Share Amount in" in text)
    assert f"/statement?as_of={told.head()}" in pages[-1]


def test_the_same_statement_is_the_same_bytes_whenever_it_is_asked_for(told: Bank) -> None:
    head, (_, pdf) = told.head(), made(told, "Bo")
    told.person("somebody who came later")
    told.service.follower.catch_up()
    assert made(told, "Bo", head)[1] == pdf != made(told, "Bo")[1]
    (latest,) = told.journal.facts.at([head])
    written = PdfReader(io.BytesIO(pdf)).metadata
    assert written is not None
    assert written.creation_date == latest.fact().timestamp.replace(microsecond=0)


def test_it_is_tagged_for_readers_and_for_archives(told: Bank) -> None:
    reader = PdfReader(io.BytesIO(made(told, "Ana")[1]))
    catalogue = reader.root_object
    assert catalogue["/MarkInfo"]["/Marked"]
    assert (catalogue["/Lang"], bool(catalogue["/ViewerPreferences"]["/DisplayDocTitle"])) == (
        "en",
        True,
    )
    described = catalogue["/Metadata"].get_data().decode()
    for claim in ("pdfuaid:part>1<", "pdfaid:part>2<", "pdfaid:conformance>A<", "Statement of Ana"):
        assert claim in described
    assert not reader.attachments


SEVENS = 7**60
ODD = (
    *("#panic()", "*bold* _it_ `raw` = h", "</svg><script>", '\\ $x$ #include "a"', "= head"),
    *("//comment", '"}\\u0022', "Wave" * 100, "@label <label> ~ -- ...", "ﬁn é Ω Ж"),
)


def test_whatever_people_write_is_text_and_nothing_else(tmp_path: Path) -> None:
    with bank(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        person = told.person('#read("/etc/passwd") \u202e \u2066name')
        for number, text in enumerate(ODD):
            release = told.release(text, told.piece(f"piece {number}"))
            pool = told.pool(f"{text[:100]} ", release=release, id=None)
            told.accept(told.agree(pool, {person: str(SEVENS), "x": "5"}), person)
            told.earn(pool, 100, source=text[:150])
        with told.view() as view:
            found = statement_of(view, told.journal, person, actor="operator")
            pdf = as_pdf(view, told.journal, found, asked={"from": "#x", "currency": "*"})
    text = " ".join(seen(page) for page in PdfReader(io.BytesIO(pdf)).pages).replace(" ", "")
    assert 'Statementof#read("/etc/passwd")name' in text
    for odd in (one.replace(" ", "") for one in ODD):
        assert f"Earnedfrom{odd[:150]}{odd}·{odd[:100]}for" in text, (odd, text)
    assert f"{SEVENS}/{SEVENS + 5}" in text


def test_a_character_in_no_font_is_a_box_and_the_page_says_so(tmp_path: Path) -> None:
    with bank(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        person = told.person("Ana \ue000")
        with told.view() as view:
            found = statement_of(view, told.journal, person, actor="operator")
            pdf = as_pdf(view, told.journal, found, asked={})
    reader = PdfReader(io.BytesIO(pdf))
    assert "Some characters are shown as boxes" in seen(reader.pages[0])
    assert "Nothing was earned in this period." in seen(reader.pages[0])
    described = reader.root_object["/Metadata"].get_data().decode()
    assert "pdfaid" not in described
    assert reader.root_object["/MarkInfo"]["/Marked"]


def test_a_statement_of_more_lines_than_can_be_set_is_refused_as_pdf(
    told: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    with told.view() as view:
        found = statement_of(
            view, told.journal, told.person("Bo"), actor="operator", currency="USD"
        )
        (dollars,) = found["statements"]
        count = len(dollars["movements"])
        monkeypatch.setattr(statement_pdf, "MOST_LINES", count)
        assert as_pdf(view, told.journal, found, asked={}).startswith(b"%PDF")
        monkeypatch.setattr(statement_pdf, "MOST_LINES", count - 1)
        with pytest.raises(StatementTooLong):
            as_pdf(view, told.journal, found, asked={})


def test_a_share_is_exact_as_long_as_it_can_be_read() -> None:
    digits = (_LONGEST_SHARE - 1) // 2
    exact, longer = (f"{'1' * n}/{'3' * n}" for n in (digits, digits + 1))
    assert len(exact) <= _LONGEST_SHARE < len(longer)
    at_most = exact + "3" * (_LONGEST_SHARE - len(exact))
    assert _share(at_most).replace("\u200b", "") == at_most
    assert _share(longer).startswith("about 33.3")
