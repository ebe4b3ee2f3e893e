"""Statements as PDF, for printing and archives.

The one rule: a PDF says the same as the JSON at the same position, and the same statement is always
the same bytes.

It is tagged for screen readers and archives (PDF/UA-1 and PDF/A-2a), so that it can be read decades
later without another file, a font or this program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from domain.journal import Journal
from domain.moment import instant
from domain.money import currency as currencies
from domain.refusal import StatementTooLong
from projections import wording
from projections.money.told import ENTRY_KINDS, CurrencyStatement, Movement, Statement
from projections.pictures.text import clean, isolated
from projections.store import View
from projections.typesetting import TypstError, typeset
from projections.workshop import elsewhere

MOST_LINES = 2_000
"""This many take about two seconds; for more, a shorter period or CSV is needed."""

STANDARDS = ["a-2a", "ua-1"]
ERASED = "(erased)"

Asked = Mapping[str, str | None]
"""The parameters of the statement: from, to, currency."""

_HERE = Path(__file__).parent
_LONGEST_WORD, _LONGEST_NUMBER, _LONGEST_SHARE = 24, 14, 140


def as_pdf(
    view: View,
    journal: Journal,
    told: Statement,
    *,
    asked: Asked,
    origin: str = "",
) -> bytes:
    """A statement as PDF, with links to the pages at ``origin``."""
    count = sum(len(one["movements"]) for one in told["statements"])
    if count > MOST_LINES:
        raise StatementTooLong(count, MOST_LINES)
    (latest,) = journal.facts.at([view.as_of])
    recorded = latest.fact().timestamp
    shown = _shown(view, told, instant(recorded), asked, origin.rstrip("/"))
    inputs = {"mark": (_HERE / "mark.svg").read_text("utf-8")}
    template = (_HERE / "statement.typ").read_text("utf-8")
    made_at = int(recorded.timestamp())
    pdf = partial(typeset, format="pdf", timestamp=made_at)
    try:
        inputs["told"] = json.dumps({**shown, "unshown": False})
        archived = partial(pdf, pdf_standards=STANDARDS)
        return elsewhere(archived, template, inputs)
    except TypstError:
        # The archive standards forbid characters without a glyph; PDF readers do not.
        inputs["told"] = json.dumps({**shown, "unshown": True})
        return elsewhere(pdf, template, inputs)


def _shown(view: View, told: Statement, recorded: str, asked: Asked, origin: str) -> dict[str, Any]:
    """The input of the document template."""
    name, id = _text(told["contributor"]["name"]), told["contributor"]["id"]
    moment = f"{wording.minute(recorded)} UTC"
    since, before = asked.get("from"), asked.get("to")
    begin = f"from {_text(since)}" if since else "from the beginning"
    period = f"{begin}, before {_text(before)}" if before else f"{begin}, up to {moment}"
    return {
        "language": "en",
        "origin": origin,
        "id": id,
        "title": f"Statement of {name}",
        "period": period,
        "position": f"{view.as_of:,}",
        "about": [
            ["Account", id],
            ["Period", f"{period} (facts {told['after'] + 1:,} to {told['until']:,})"],
            ["Holds at", f"position {view.as_of:,} of the journal, recorded {moment}"],
        ],
        "currencies": [_currency(one, origin) for one in told["statements"]],
        "checks": _checks(view, id, asked, origin),
    }


def _currency(one: CurrencyStatement, origin: str) -> dict[str, Any]:
    currency = one["currency"]

    def amount(minor: int) -> str:
        return currencies.amount(minor, currency)

    sums = [
        ["at the beginning", amount(one["net"]["opening_minor"]), False],
        ["+ earned", amount(one["earned_minor"]), False],
        ["− held", amount(one["held_minor"]), False],
        *([["− held back", amount(one["reserved_minor"]), False]] if one["reserved_minor"] else []),
        ["− paid", amount(one["paid_minor"]), False],
        ["= at the end", amount(one["net"]["closing_minor"]), True],
    ]
    balances: Mapping[str, Any] = one["balances"]
    return {
        "currency": currency,
        "sums": sums,
        "stands": [[said, amount(balances[name]), False] for name, said in wording.STANDS.items()],
        "held": [f"{said}." for said in wording.remarks(one)],
        "lines": [
            {
                "day": wording.day(line["recorded_at"]),
                "what": _what(line, currency),
                "about": _about(line, currency),
                "release": _text(line["release"]["title"]) if line["release"] else "",
                "pool": _text(line["pool"]["name"]) if line["pool"] else "",
                "facts": _facts(line),
                "share": _share(line["share"]),
                "of": amount(line["of_minor"] or 0),
                "amount": amount(line["amount_minor"]),
                "why": _why(line, origin),
            }
            for line in one["movements"]
        ],
        "summed": "earned less held back and paid" if one["reserved_minor"] else "earned less paid",
        "total": amount(one["earned_minor"] - one["reserved_minor"] - one["paid_minor"]),
    }


def _share(exact: str | None) -> str:
    """An exact share, broken into lines if necessary; a very long one in percent."""
    shown = exact or ""
    return _broken(
        shown if len(shown) <= _LONGEST_SHARE else wording.percent(shown), _LONGEST_NUMBER
    )


def _what(line: Movement, currency: str) -> str:
    if line["recouped"] is not None:
        return wording.recouping(line["recouped"], currency, _text)
    return wording.booked(line)


def _about(line: Movement, currency: str) -> str:
    """The details of a line: its origin, reasons, what was sent, and its parts."""
    source = f" from {_text(line['source'])}" if line["source"] else ""
    said = [_text(line["reason"])] if line["reason"] else []
    said += [wording.sending(line["sent"], currency)] if line["sent"] else []
    said += [
        f"{_text(part['pool']['name'])} {currencies.money(part['amount_minor'], currency)}"
        for part in (line["parts"] if len(line["parts"]) > 1 else ())
    ]
    said += map(_text, line["rules"])
    return f"{source}: {'; '.join(said)}" if said else source


def _facts(line: Movement) -> str:
    earned = f"for {wording.earned(line['effective_at'])} · " if line["effective_at"] else ""
    earned += "late · " if line["is_late"] else ""
    agreed = f"agreement {line['agreement']:,} · " if line["agreement"] else ""
    through = "".join(f"through {_text(group['name'])} · " for group in line["through"])
    return f"{through}{earned}{agreed}fact {line['position']:,}"


def _why(line: Movement, origin: str) -> str:
    if not origin or line["kind"] not in ENTRY_KINDS:
        return ""
    return f"{origin}/entry/{line['noun']}/why?{urlencode({'payee': line['payee']})}"


def _checks(view: View, id: str, asked: Asked, origin: str) -> list[dict[str, Any]]:
    query = urlencode({"as_of": view.as_of, **{name: said for name, said in asked.items() if said}})
    path = f"/contributors/{quote(id, safe='')}/statement"
    return [
        {
            "said": "Nothing recorded is ever edited. Requested again at this position, "
            "with a key of the account, the statement is the same, as PDF, CSV or JSON:",
            "address": f"{origin}{path}?{query}",
            "leads": bool(origin),
        },
        {
            "said": "Each line names its fact. A fact’s receipt can be checked on any machine, "
            "against the log’s public key, with stemma verify receipt:",
            "address": f"{origin}/facts/FACT/receipt",
            "leads": False,
        },
        {
            "said": "The signed log proves what the journal held at this position. "
            "Check it with stemma verify as-of:",
            "address": f"{origin}/log/as-of/{view.as_of}",
            "leads": bool(origin),
        },
        {
            "said": "A share is the exact part of the amount below it that is due. Amounts are "
            "whole units; what rounding leaves over is carried to the next division, as “why” "
            "explains.",
            "address": "",
            "leads": False,
        },
    ]


def _text(text: str | None) -> str:
    """A text people wrote, on one line; long words may break, and its direction is isolated."""
    return isolated(_broken(clean(text), _LONGEST_WORD)) if text else ERASED


def _broken(text: str, longest: int) -> str:
    return re.sub(rf"\S{{{longest}}}(?=[\w!-~])", "\\g<0>\u200b", text)
