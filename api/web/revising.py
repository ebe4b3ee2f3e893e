"""The form that revises a proposal: its assets and shares, with a preview of what changes.

Only what the preview showed, share by share, is recorded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flask import render_template, request

from api import percentages
from api.problems import Problem
from api.schemas import stated
from api.web.choosing import Names
from api.web.frame import Answer, Frame, reader
from api.web.previewing import Foreseen, tried
from api.web.proposing import assets_of, names_in
from domain.command import Command
from domain.money.apportionment import payee_key
from domain.money.proposal import COMMENT_KINDS, Assets, payees_of
from domain.money.proposing import ReviseProposal
from domain.money.shares import shares_of
from projections import sentences
from projections.money import pools
from projections.money.told import ProposalTold
from projections.store import View

MOST_ROWS = 150
"""Up to this many shares have fields of their own; more are lines of one text field."""
SPARE_ROWS = 3
"""How many empty rows a form has for further pieces."""
MOST_TOLD = 5
"""How many wrong lines are reported at once."""
BETWEEN = " | "
COLUMNS = ("piece", "value", "payee", "share")
_BETWEEN = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\|])")
_PLACE = re.compile(r"policy\.assets\[([0-9]+)\](?:\.shares(?:\[([0-9]+)\])?)?(?: \(.*\))?")


def _names(view: View, proposal: ProposalTold) -> Names:
    """The names of everything in a proposal, and of what its warnings say is missing.

    Payees and assets that the proposal already has stand for themselves, as they are written in it.
    """
    assets = assets_of(proposal)
    payees = set(payees_of(assets))
    told = {id: sentences.called(thing) for id, thing in names_in(view, proposal).items()}
    told |= {id: one["name"] or id for id, one in pools.payees_told(view, payees).items()}
    told |= {one["id"]: one["name"] for one in proposal["warnings"] if one["name"]}
    return Names(told, payees.union(asset["asset"] for asset in assets))


def pages(frame: Frame) -> None:
    """The form that revises a proposal."""

    @frame.filled("/proposal/<id>/revise", "show_revision", "revise_proposal")
    def revise(view: View, do: str, id: str) -> Answer:
        proposal = pools.proposal(view, frame.journal, id, actor=reader())
        before, names = assets_of(proposal), _names(view, proposal)
        comments, note = request.form.getlist("comments"), request.form.get("note", "")
        sent = Sent(before)
        version = str(len(proposal["revisions"]))
        seen = request.form.get("seen", "" if do == "record" else version)
        if request.method == "POST":
            sent = _sent(names)
            sent.assets = _through_groups(sent.assets, before)
        else:
            # Whoever may not revise it, or no longer can, learns that at once.
            first = [one["id"] for one in proposal["comments"]][:1]
            frame.rehearse(_revision(id, before, first, "a revision"))
            comments = [one["id"] for one in proposal["comments"] if one["is_open"]]

        def command() -> Command:
            sent.must_be_read()
            return _revision(id, sent.assets, comments, note.strip())

        def page(changes: Any, beside: Foreseen, problem: Problem | None) -> str:
            people = pools.payees_told(view, payees_of(sent.assets))
            return render_template(
                "revise.html" if changes is None else "revision.html",
                proposal=proposal,
                assets=sent.assets,
                changes=changes,
                names=names.told | {who: sentences.called(one) for who, one in people.items()},
                answered=comments,
                note=note,
                comment_kinds=COMMENT_KINDS,
                spare=range(len(sent.assets), len(sent.assets) + SPARE_ROWS),
                lines=sent.lines_with(names),
                problem=problem,
                wrong=sent.wrong(problem),
                seen=seen,
                is_overtaken=seen != version,
                warnings=beside.warnings,
            )

        def changes(*_: object) -> list[dict[str, Any]]:
            return _changes(view, before, sent.assets)

        doing = "choose" if do in ("change", "more") else do
        there = f"/proposal/{id}"
        return tried(
            frame, doing, command, changes, page, lambda _: there, sealed=lambda *_: version
        )


def _revision(proposal: str, assets: Assets, comments: list[str], note: str) -> Command:
    said = {"proposal": proposal, "assets": assets, "comments": comments}
    return stated(ReviseProposal, {**said, "note": note or None})


def _changes(view: View, before: Assets, after: Assets) -> list[dict[str, Any]]:
    """The share of each payee before and after."""
    was, now = shares_of(before, {}), shares_of(after, {})
    told = pools.payees_told(view, {*was, *now})
    return [
        {
            "payee": told[payee],
            "before": str(was.get(payee, Fraction())),
            "after": str(now.get(payee, Fraction())),
        }
        for payee in sorted(told, key=payee_key)
    ]


# -- reading the form ------------------------------------------------------------------------


@dataclass
class Sent:
    """The assets in a form, and where in it each was typed."""

    assets: Assets
    text: str | None = None
    """The lines as typed, if the form is one text field."""
    lines: dict[tuple[int, int], int] = field(default_factory=dict)
    """By the places of an asset and of a share in it: the number of the line."""
    unread: list[str] = field(default_factory=list)
    """What is wrong with lines that cannot be read."""
    beside: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Numbers as they were typed beside one another: all values, and the shares of each piece."""

    def must_be_read(self) -> None:
        """Refuse lines that cannot be read, and numbers beside one another that are not alike."""
        if self.unread:
            raise Problem("bad_policy", self.unread[0])
        for typed in self.beside.values():
            percentages.must_be_alike(typed)

    def lines_with(self, names: Names) -> str | None:
        """The content of the text field, as typed or because there are many shares; else None."""
        is_long = sum(len(asset["shares"]) for asset in self.assets) > MOST_ROWS
        return _lines(self.assets, names) if self.text is None and is_long else self.text

    def wrong(self, problem: Problem | None) -> list[tuple[str, str]]:
        """The errors of a problem, each with the id of its input."""
        if problem is None:
            return []
        said = str(problem.description)
        if self.text is not None and self.unread:
            return [("lines", complaint) for complaint in self.unread[:MOST_TOLD]]
        place = _PLACE.match(str(problem.members.get("where", "")))
        if place is None:
            return []
        asset, share = int(place[1]), int(place[2] or 0)
        said = said[place.end() :].lstrip(": ")
        if self.text is not None:
            return [("lines", f"Line {self.lines.get((asset, share), 0)}: {said}")]
        if place[2] is None:
            return [(f"value-{asset}", said)]
        return [(f"share-{asset}-{share + 1}", said)]


def _sent(names: Names) -> Sent:
    """The assets in the form; pieces without a value and payees without a share are omitted."""
    if "lines" in request.form:
        return _read(request.form["lines"], names)
    form = request.form
    sent = Sent([], beside=defaultdict(list, values=form.getlist("value")))
    holders: dict[str, list[list[str]]] = {}
    for of, payee, share in zip(
        form.getlist("of"), form.getlist("payee"), form.getlist("share"), strict=False
    ):
        if payee.strip() and share.strip():
            holders.setdefault(of, []).append([names.meant(payee), percentages.exact(share)])
            sent.beside[of].append(share)
    rows = zip(form.getlist("asset"), form.getlist("value"), form.getlist("within"), strict=False)
    for row, (asset, value, within) in enumerate(rows):
        if asset.strip() and value.strip():
            exact, shares = percentages.exact(value), holders.get(str(row), [])
            sent.assets.append(_asset(names.meant(asset), exact, within.splitlines(), shares))
    return sent


def _through_groups(sent: Assets, before: Assets) -> Assets:
    """Assets with what the proposal said about groups: which part of whose share comes through one.

    The form has no fields for that. Payees who keep a share keep their parts through a group; a
    group is dropped once neither it nor any of these payees has a share.
    """
    was = {asset["asset"]: asset.get("through", ()) for asset in before}
    found = []
    for asset in sent:
        holders = {payee for payee, _ in asset["shares"]}
        kept = [
            {**each, "shares": [part for part in each["shares"] if part[0] in holders]}
            for each in was.get(asset["asset"], ())
        ]
        kept = [each for each in kept if each["shares"] or each["group"] in holders]
        found.append({**asset, "through": kept} if kept else asset)
    return found


def _asset(name: str, value: str, within: Iterable[str], shares: list[list[str]]) -> dict[str, Any]:
    parts = [part.strip() for part in within if part.strip()]
    return {"asset": name, "value": value, "shares": shares} | ({"within": parts} if parts else {})


def _read(text: str, names: Names) -> Sent:
    """The assets in lines of text: asset, value, payee, share, and any parts it is within."""
    sent, places = Sent([], text), dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        columns = [_ESCAPED.sub(r"\1", column.strip()) for column in _BETWEEN.split(line)]
        if len(columns) < len(COLUMNS) or not all(columns[: len(COLUMNS)]):
            sent.unread.append(f"Line {number} is not “{BETWEEN.join(COLUMNS)}”: {line.strip()}")
            continue
        name, value, payee, share, *within = columns
        new = _asset(names.meant(name), percentages.exact(value), within, [])
        place = places.setdefault(new["asset"], len(sent.assets))
        if place == len(sent.assets):
            sent.assets.append(new)
        asset = sent.assets[place]
        if {**asset, "shares": []} != new:
            said = "another value or other parts than an earlier line"
            sent.unread.append(f"Line {number} gives {name} {said}.")
        payee_id = names.meant(payee)
        if any(payee_id == known for known, _ in asset["shares"]):
            sent.unread.append(f"Line {number} names {payee} in {name} again.")
        sent.lines[place, len(asset["shares"])] = number
        asset["shares"].append([payee_id, percentages.exact(share)])
        sent.beside["values"].append(value)
        sent.beside[new["asset"]].append(share)
    return sent


def _lines(assets: Assets, names: Names) -> str:
    """The assets as lines, with names where they are unambiguous."""

    def written(text: str) -> str:
        return text.replace("\\", "\\\\").replace("|", r"\|")

    return "\n".join(
        BETWEEN.join(
            (
                written(names.written(asset["asset"])),
                asset["value"],
                written(names.written(payee)),
                share,
                *map(written, asset.get("within", ())),
            )
        )
        for asset in assets
        for payee, share in asset["shares"]
    )
