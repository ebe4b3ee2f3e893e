"""The form that proposes shares: computed over the lineage or set by hand, with a preview.

Shares are recorded only as a preview has shown them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from flask import render_template, request

from api import percentages
from api.problems import Problem
from api.schemas import stated
from api.web import errors
from api.web.address import form_id
from api.web.frame import Answer, Frame, reader
from api.web.pooling import People
from api.web.previewing import Foreseen, tried
from domain.command import Command
from domain.fact import Fact
from domain.money.apportionment import divide, payee_key
from domain.money.policy.reading import exact_share
from domain.money.proposal import Assets
from domain.money.proposing import PostProposal
from domain.money.shares import shares_of
from domain.money.through import joined
from domain.refusal import BadGraph, BadShare
from domain.text import whole
from projections import around, lineage, sentences, timeline, wording
from projections.money import pools
from projections.money.pools.proposals import used_but_uncited
from projections.money.splitting import lineage_at
from projections.store import View

FIELDS = {
    **{"default_rate": "Rate where none is stated", "comment_days": "Days for comments"},
    "note": "Note",
}
OF_MINOR = 100_000
"""The amount that the preview divides, in smallest units."""
BY_HAND, BY_PIECE, EVERYTHING = "hand", "pieces", "all of it"
SPARE_ROWS, MOST_ROWS = 3, 100
"""How many empty rows a form has for people, and how many people of the release it lists."""


class Way(NamedTuple):
    """A way of setting shares, by a policy or, without one, by what is typed."""

    label: str
    says: str
    policy: Mapping[str, Any] | None


WAYS: dict[str, Way] = {
    "rates": Way(
        "By the rates",
        "A rate is a part of what reaches the work; its people share equally what the work keeps.",
        {"type": "relative_cascade"},
    ),
    "near": Way(
        "The nearer, the more",
        "The release itself keeps four fifths; each step back gets half as much as the one before.",
        {"type": "decay", "pool": "1/5", "factor": "1/2", "depth": 16},
    ),
    "equal": Way("Equal shares", "Everyone credited on anything in it gets the same.", None),
    BY_PIECE: Way(
        "By piece", "Each piece has a value, and its people share what it brings in.", None
    ),
    BY_HAND: Way("By hand", "For each person: whole numbers, fractions or percentages.", None),
}
"""Every way by its name."""


MOST_HELD = 80
"""How many pieces and holders of pieces a form lists together, the nearest pieces first."""


@dataclass
class Piece:
    """A piece of the release: its value, and its holders with their shares, as typed."""

    id: str
    title: str
    value: str
    shares: list[tuple[str, str]]


def pieces_of(view: View, release: str) -> list[Piece]:
    """The nearest pieces of a release, each held by its people in equal shares."""
    found = lineage_at(view, lineage.find(view, release).number).lineage
    near = sorted(found.generation, key=lambda work: found.generation[work])[1:MOST_HELD]
    names, pieces, room = timeline.names(view, near), list[Piece](), MOST_HELD
    for work in near:
        held = [(who, "1") for who, _ in found.held[work]]
        room -= 1 + len(held)
        if room < 0:
            break
        if names[work]["kind"] != "release":
            pieces.append(Piece(work, sentences.briefly(names[work]), "", held))
    return pieces


def _sent(pieces: list[Piece], people: People) -> None:
    """Fill in the values and the shares of pieces that were sent."""
    form, known = request.form, {one.id: one for one in pieces}
    for piece, value in zip(form.getlist("piece"), form.getlist("value"), strict=False):
        if piece in known:
            known[piece].value, known[piece].shares = value.strip(), []
    rows = (form.getlist(name) for name in ("of", "holder", "held"))
    for piece, payee, share in zip(*rows, strict=False):
        if piece in known and payee.strip():
            known[piece].shares.append((people.meant(payee), share.strip()))


class SharingForm:
    """The content of the form."""

    def __init__(
        self,
        form: Mapping[str, str],
        rows: Sequence[tuple[str, str]],
        people: People,
        pieces: list[Piece],
    ) -> None:
        self.pieces = pieces
        self.id = form_id()
        self.fields = {name: form.get(name, "").strip() for name in FIELDS}
        self.way = form.get("way", "") if form.get("way") in WAYS else "rates"
        self.people = people
        self.rows = [(people.meant(who), share.strip()) for who, share in rows if who.strip()]
        known = {payee for payee, _ in self.rows}
        others = [payee for payee in people.told if payee not in known]
        self.rows += [(payee, "") for payee in others[:MOST_ROWS]]
        self.left_out = len(others[MOST_ROWS:])

    def said(self, pool: str) -> dict[str, Any]:
        """The command in the form, as the body of a request."""
        said: dict[str, Any] = {name: text for name, text in self.fields.items() if text}
        if "default_rate" in said:
            said["default_rate"] = percentages.rate(said["default_rate"])
        if (days := whole(said.get("comment_days", ""))) is not None:
            said["comment_days"] = days
        policy = WAYS[self.way].policy
        if policy is not None:
            said["policy"] = policy
        else:
            said["assets"] = self._assets()
        return {**said, "pool": pool, "id": self.id}

    def _divided(self) -> list[Piece]:
        """What is divided: the pieces that have a value, or the release as one piece."""
        if self.way == BY_PIECE:
            return [one for one in self.pieces if one.value]
        equal = [(payee, "1") for payee in self.people.credited]
        shares = self.rows if self.way == BY_HAND else equal
        return [Piece(EVERYTHING, "the release", "1", shares)]

    def _assets(self) -> list[dict[str, Any]]:
        """What is divided, as the body of a request; refused with names as the form shows them."""
        divided = self._divided()
        percentages.must_be_alike(one.value for one in divided)
        if not sum(exact_share(percentages.exact(one.value), one.title) for one in divided):
            raise Problem("bad_policy", "Give at least one piece a value.")
        for one in divided:
            percentages.must_be_alike(share for _, share in one.shares)
            held = [(percentages.exact(share), who) for who, share in one.shares if share]
            if not sum(exact_share(share, self.people.called(who)) for share, who in held):
                raise Problem("bad_policy", f"Give someone a share of {one.title}.")
            for who, count in Counter(who for _, who in held).items():
                if count > 1:
                    told = f"{self.people.called(who)} is listed twice: give them one share."
                    raise Problem("bad_policy", told)
        return [
            {
                "asset": one.id,
                "value": percentages.exact(one.value),
                "shares": [
                    [self.people.paid(who), percentages.exact(share)]
                    for who, share in one.shares
                    if share
                ],
            }
            for one in divided
        ]

    @property
    def inputs(self) -> Iterator[tuple[str, str]]:
        """The ids of the inputs of values and shares, and what was typed there."""
        for row, piece in enumerate(self.pieces):
            yield f"value-{row}", piece.value
            for number, (_, share) in enumerate(piece.shares):
                yield f"held-{row}-{number}", share
        for number, (_, share) in enumerate(self.rows):
            yield f"share-{number}", share

    def total(self) -> str:
        """The sum of the shares or values typed, ignoring those that cannot be read."""
        typed = [one.value for one in self.pieces] or [share for _, share in self.rows]
        total = sum(map(percentages.readable, typed), Fraction())
        are_percentages = all(one.endswith("%") for one in typed if one)
        return wording.percent(str(total)) if are_percentages and total else str(total)


def pages(frame: Frame) -> None:
    """The form that proposes shares."""

    @frame.filled("/pool/<id>/propose", "show_sharing", "propose_shares")
    def propose(view: View, do: str, id: str) -> Answer:
        form = request.form
        pool = pools.pool(view, frame.journal, id, actor=reader())
        rows = list(zip(form.getlist("payee"), form.getlist("share"), strict=False))
        given = {**request.args.to_dict(), **form.to_dict()}
        people = People(view, pool["release"])
        pieces = pieces_of(view, pool["release"]) if given.get("way") == BY_PIECE else []
        _sent(pieces, people)
        entered = SharingForm(given, rows, people, pieces)
        open_ = [one for one in pool["proposals"] if one["state"] == "open"]

        def preview(_: object, facts: Sequence[Fact]) -> dict[str, Any]:
            assets = _assets(facts)
            missing = used_but_uncited(view, pool["release"], assets)
            lines = _lines(assets, entered.people)
            return {"lines": lines, "missing": missing, "beside": [one["id"] for one in open_]}

        def page(shown: Any, beside: Foreseen, problem: Problem | None) -> str:
            return render_template(
                "propose.html",
                pool=pool,
                release=around.work(view, pool["release"]),
                entered=entered,
                open=open_,
                ways=WAYS,
                spare=SPARE_ROWS,
                preview=shown,
                beside=beside,
                of_minor=OF_MINOR,
                problem=problem,
                wrong=_wrong(problem, entered),
            )

        def command() -> Command:
            return stated(PostProposal, entered.said(id))

        return tried(frame, do, command, preview, page, "/proposal/{}".format)


def _wrong(problem: Problem | None, entered: SharingForm) -> errors.Wrong:
    """The errors in fields; a rate that is missing in the lineage is one of the default rate, and
    a share that cannot be read is one of whatever was typed so."""
    if problem and problem.problem == BadGraph.code:
        return [("default_rate", f"{FIELDS['default_rate']}: {problem.members['reason']}.")]
    if problem and problem.problem == BadShare.code:
        said, told = problem.members["share"], str(problem.description)
        return [
            (id, told) for id, typed in entered.inputs if typed and percentages.exact(typed) == said
        ]
    return [one for one in errors.by_field(problem, entered.fields, FIELDS) if one[0]]


def _assets(facts: Sequence[Fact]) -> Assets:
    """The assets proposed by facts, joined if they did not fit into one."""
    assets: Assets = []
    for fact in facts:
        more: Assets = getattr(fact, "divided", [])
        assets = joined(assets, more) if assets and more else assets or more
    return assets


def _lines(assets: Assets, people: People) -> list[tuple[str, Fraction, int]]:
    """Each payee with their share and what they get of the previewed amount, the largest first."""
    shares = shares_of(assets, {})
    units = divide(OF_MINOR, shares).units
    ordered = sorted(shares, key=lambda payee: (-shares[payee], payee_key(payee)))
    return [(people.called(payee), shares[payee], units[payee]) for payee in ordered]
