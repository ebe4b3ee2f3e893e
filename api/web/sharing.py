"""Proposing shares: computed over the lineage or set by hand, with a preview and a running total.

Only the shares that a preview has shown are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import uuid4

from flask import g, render_template, request

from api import percentages
from api.commands import bounded_for
from api.problems import Problem, of_refusal
from api.schemas import stated
from api.web import errors
from api.web.frame import Answer, Frame, asked, id_in_path, reader, to_page
from api.web.pooling import People
from domain.fact import Fact
from domain.money.apportionment import divide, payee_key
from domain.money.proposal import Assets, joined
from domain.money.proposing import PostProposal
from domain.money.shares import shares_of
from domain.refusal import Refusal
from projections import lineage
from projections.money import pools
from projections.money.pools.proposals import used_but_uncited

FIELDS = {
    **{"default_rate": "Rate where none is stated", "comment_days": "Open for comments"},
    "note": "Note",
}
OF_MINOR = 100_000
"""How much is divided in the preview."""
BY_HAND, EVERYTHING = "hand", "all of it"
SPARE_ROWS, MOST_ROWS = 3, 100
"""How many more people a form has room for, and how many of the release it lists by itself."""


class Way(NamedTuple):
    """A way of setting shares."""

    label: str
    says: str
    policy: Mapping[str, Any] | None


WAYS: dict[str, Way] = {
    "rates": Way(
        "By the rates",
        "Each rate is a part of what reaches the work; what a work keeps is its people's, equally.",
        {"type": "relative_cascade"},
    ),
    "near": Way(
        "The nearer, the more",
        "Whose release it is keeps four fifths; each step back gets half of the one before.",
        {"type": "decay", "pool": "1/5", "factor": "1/2", "depth": 16},
    ),
    "equal": Way("Equal shares", "Everybody credited on anything in it gets the same.", None),
    BY_HAND: Way("By hand", "For each person: whole numbers, fractions or percentages.", None),
}
"""Every way by its name."""


class Sheet:
    """What the form holds."""

    def __init__(self, form: Mapping[str, str], rows: Sequence[tuple[str, str]], people: People):
        self.id = form.get("id") or str(uuid4())
        self.fields = {name: form.get(name, "").strip() for name in FIELDS}
        self.way = form.get("way", "") if form.get("way") in WAYS else "rates"
        self.people = people
        self.rows = [
            (people.meant(who.strip()), share.strip()) for who, share in rows if who.strip()
        ]
        known = {payee for payee, _ in self.rows}
        others = [payee for payee in people.told if payee not in known]
        self.rows += [(payee, "") for payee in others[:MOST_ROWS]]
        self.left_out = len(others[MOST_ROWS:])

    def said(self, pool: str) -> dict[str, Any]:
        """The command as a request would say it."""
        said: dict[str, Any] = {name: text for name, text in self.fields.items() if text}
        if "default_rate" in said:
            said["default_rate"] = percentages.exact(said["default_rate"])
        if str(said.get("comment_days", "")).isdecimal():
            said["comment_days"] = int(said["comment_days"])
        policy = WAYS[self.way].policy
        if policy is not None:
            said["policy"] = policy
        else:
            shares = [[payee, share] for payee, share in self._shares() if share]
            said["assets"] = [{"asset": EVERYTHING, "value": "1", "shares": shares}]
        return {**said, "pool": pool, "id": self.id}

    def _shares(self) -> list[tuple[str, str]]:
        if self.way == BY_HAND:
            return [(payee, percentages.exact(share)) for payee, share in self.rows]
        return [(payee, "1") for payee in self.people.told]

    def total(self) -> Fraction:
        """The sum of what was set by hand, as far as it can be read."""
        total = Fraction()
        for _, share in self._shares():
            try:
                total += Fraction(share or 0)
            except (ValueError, ZeroDivisionError):
                continue
        return total

    def seal(self) -> str:
        """What tells one filled-in form from another."""
        told = repr((sorted(self.fields.items()), self.way, [row for row in self.rows if row[1]]))
        return sha256(told.encode()).hexdigest()[:16]


def pages(frame: Frame) -> None:
    """The form that proposes shares."""

    @frame.page("/pool/<id>/propose", nobody_else=True)
    def show_sharing(id: str) -> Answer:
        return _form(frame, id_in_path(id))

    @frame.form("/pool/<id>/propose")
    def propose_shares(id: str) -> Answer:
        return _form(frame, id_in_path(id), request.form.get("do", ""))


def _form(frame: Frame, id: str, do: str = "choose") -> Answer:
    form = request.form
    with frame.view(asked()) as view:
        pool = pools.pool(view, frame.journal, id, actor=reader())
        rows = list(zip(form.getlist("payee"), form.getlist("share"), strict=False))
        given = {**request.args.to_dict(), **form.to_dict()}
        sheet = Sheet(given, rows, People(view, pool["release"]))
        problem, preview = None, None
        if do != "choose":
            try:
                command = stated(PostProposal, sheet.said(id))
                with bounded_for(PostProposal):
                    _, facts = frame.journal.rehearse(command, by=g.actor)
                if do == "record" and form.get("seen") == sheet.seal():
                    receipt = frame.record(command)
                    return to_page(f"/proposal/{receipt.id}", receipt.position)
                assets = _assets(facts)
                preview = {
                    "lines": _lines(assets, sheet.people),
                    "missing": used_but_uncited(view, pool["release"], assets),
                }
            except (Problem, Refusal) as refusal:
                problem = of_refusal(refusal)
        page = render_template(
            "propose.html",
            pool=pool,
            release=lineage.work(view, pool["release"]),
            sheet=sheet,
            ways=WAYS,
            spare=SPARE_ROWS,
            preview=preview,
            of_minor=OF_MINOR,
            problem=problem,
            wrong=_wrong(problem, sheet),
        )
        return page, 200 if problem is None else problem.code


def _wrong(problem: Problem | None, sheet: Sheet) -> errors.Wrong:
    return [one for one in errors.by_field(problem, sheet.fields, FIELDS) if one[0]]


def _assets(facts: Sequence[Fact]) -> Assets:
    """What was proposed: as many facts as its assets need."""
    assets: Assets = []
    for fact in facts:
        more: Assets = getattr(fact, "assets", [])
        assets = joined(assets, more) if assets and more else assets or more
    return assets


def _lines(assets: Assets, people: People) -> list[tuple[str, Fraction, int]]:
    """Each payee, their share and what it gives, the largest first."""
    shares = shares_of(assets, {})
    units = divide(OF_MINOR, shares).units
    ordered = sorted(shares, key=lambda payee: (-shares[payee], payee_key(payee)))
    return [(people.called(payee), shares[payee], units[payee]) for payee in ordered]
