"""Revising a proposal: its assets and shares as a form, with a preview of the change.

Only what the preview showed, share by share, is recorded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flask import render_template, request

from api import percentages
from api.problems import Problem, of_refusal
from api.received import loaded
from api.shapes import body_of
from api.web import words
from api.web.address import Said, asked
from api.web.choosing import Names
from api.web.frame import Answer, Frame, reader, to_page
from api.web.proposing import assets_of, names_in
from domain.draft import Acknowledgement
from domain.money.apportionment import payee_key
from domain.money.proposal import COMMENT_KINDS, Assets, payees_of
from domain.money.proposing import ReviseProposal
from domain.money.shares import shares_of
from domain.refusal import Refusal
from projections.money import pools
from projections.money.told import ProposalTold
from projections.store import View

MOST_ROWS = 150
"""Up to this many shares have a field each; more are lines of one text field."""
SPARE_ROWS = 3
"""How many more pieces a form has room for."""
MOST_TOLD = 5
"""How many wrong lines are reported at once."""
BETWEEN = " | "
COLUMNS = ("piece", "value", "payee", "share")
_BETWEEN = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([\\|])")
_PLACE = re.compile(r"policy\.assets\[([0-9]+)\](?:\.shares(?:\[([0-9]+)\])?)?(?: \(.*\))?")


def _names(view: View, proposal: ProposalTold) -> Names:
    """The names of everything in a proposal, and of what it leaves out of its release.

    The ids and names in it already mean themselves.
    """
    assets = assets_of(proposal)
    payees = set(payees_of(assets))
    told = {id: words.called(thing) for id, thing in names_in(view, proposal).items()}
    told |= {id: one["name"] or id for id, one in pools.payees_told(view, payees).items()}
    told |= {one["id"]: one["name"] for one in proposal["warnings"] if one["name"]}
    return Names(told, payees.union(asset["asset"] for asset in assets))


def pages(frame: Frame) -> None:
    """The form that revises a proposal."""

    @frame.viewed("/proposal/<id>/revise", nobody_else=True)
    def show_revision(view: View, _: Said, id: str) -> Answer:
        proposal = pools.proposal(view, frame.journal, id, actor=reader())
        first = [one["id"] for one in proposal["comments"]][:1]
        # Those who may not revise it, or no longer can, learn it at once.
        _revised(frame.rehearse, proposal, assets_of(proposal), first, "a revision")
        comments = [one["id"] for one in proposal["comments"] if one["is_open"]]
        return _form(view, proposal, assets_of(proposal), comments)

    @frame.form("/proposal/<id>/revise")
    def revise_proposal(id: str) -> Answer:
        with frame.view(asked()) as view:
            proposal = pools.proposal(view, frame.journal, id, actor=reader())
            sent = _sent(_names(view, proposal))
        assets = _through_groups(sent.assets, assets_of(proposal))
        comments, do = request.form.getlist("comments"), request.form.get("do")
        note = request.form.get("note", "").strip() or None
        # A preview of an older version is shown again before anything is recorded.
        now = str(len(proposal["revisions"]))
        was_seen = request.form.get("seen", "" if do == "record" else now) == now
        is_final = do == "record" and was_seen
        problem = None
        if do not in ("change", "more"):
            record = frame.record if is_final else frame.rehearse
            try:
                sent.must_be_read()
                receipt = _revised(record, proposal, assets, comments, note)
            except (Problem, Refusal) as refusal:
                problem = of_refusal(refusal)
            else:
                if is_final:
                    return to_page(f"/proposal/{proposal['id']}", receipt.position)
                with frame.view(asked()) as view:
                    return _preview(view, proposal, assets, comments, is_overtaken=not was_seen)
        with frame.view(asked()) as view:
            page = _form(view, proposal, assets, comments, problem, sent)
        return page, 200 if problem is None else problem.code


def _revised(
    record: Callable[..., Acknowledgement],
    proposal: Mapping[str, Any],
    assets: Assets,
    comments: list[str],
    note: str | None,
) -> Acknowledgement:
    said = {"assets": assets, "comments": comments, "note": note}
    stated = loaded(body_of(ReviseProposal), said, "invalid_body", "form")
    return record(ReviseProposal.of({"proposal": proposal["id"], **stated}))


# -- reading the form ------------------------------------------------------------------------


@dataclass
class Sent:
    """The assets in a form, and where each of them is in it."""

    assets: Assets
    text: str | None = None
    """The lines as typed, if the form is one text field."""
    lines: dict[tuple[int, int], int] = field(default_factory=dict)
    """The line of each asset and share."""
    unread: list[str] = field(default_factory=list)
    """Complaints about lines that cannot be read."""
    beside: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The values, and the shares of each piece, as they were typed beside one another."""

    def must_be_read(self) -> None:
        """Refuse lines that are incomplete or contradict one another."""
        if self.unread:
            raise Problem("bad_policy", self.unread[0])
        for typed in self.beside.values():
            percentages.must_be_alike(typed)

    def wrong(self, problem: Problem | None) -> list[tuple[str, str]]:
        """The fields that a problem is about, by their ids in the page, and what is wrong there."""
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
    """The assets in the form; lines without a value or a share are omitted."""
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
    """Assets with what was said of groups in them: which part of whose share is through which.

    A form says nothing of it. Who keeps a share keeps that part of it; a group without any such
    member has, if its share is there, said that it keeps it.
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
    """The assets in lines: asset, value, payee, share, and any parts it is within."""
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
            sent.unread.append(f"Line {number} names {payee} in {name} a second time.")
        sent.lines[place, len(asset["shares"])] = number
        asset["shares"].append([payee_id, percentages.exact(share)])
        sent.beside["values"].append(value)
        sent.beside[new["asset"]].append(share)
    return sent


# -- showing the page ------------------------------------------------------------------------


def _form(
    view: View,
    proposal: ProposalTold,
    assets: Assets,
    comments: list[str],
    problem: Problem | None = None,
    sent: Sent | None = None,
) -> str:
    text = sent.text if sent else None
    if text is None and sum(len(asset["shares"]) for asset in assets) > MOST_ROWS:
        text = _lines(assets, _names(view, proposal))
    return render_template(
        "revise.html",
        assets=assets,
        spare=range(len(assets), len(assets) + SPARE_ROWS),
        lines=text,
        problem=problem,
        wrong=sent.wrong(problem) if sent else [],
        seen=request.form.get("seen", len(proposal["revisions"])),
        **_shown(view, proposal, assets, comments),
    )


def _preview(
    view: View,
    proposal: ProposalTold,
    assets: Assets,
    comments: list[str],
    *,
    is_overtaken: bool,
) -> str:
    before, after = shares_of(assets_of(proposal), {}), shares_of(assets, {})
    payees = sorted({*before, *after}, key=payee_key)
    told = pools.payees_told(view, payees)
    changes = [
        {
            "payee": told[payee],
            "before": str(before.get(payee, Fraction())),
            "after": str(after.get(payee, Fraction())),
        }
        for payee in payees
    ]
    return render_template(
        "revision.html",
        changes=changes,
        assets=assets,
        is_overtaken=is_overtaken,
        **_shown(view, proposal, assets, comments),
    )


def _shown(
    view: View, proposal: ProposalTold, assets: Assets, comments: list[str]
) -> dict[str, Any]:
    people = pools.payees_told(view, payees_of(assets))
    return {
        "proposal": proposal,
        "names": _names(view, proposal).told
        | {id: one["name"] for id, one in people.items() if one["name"]},
        "answered": comments,
        "note": request.form.get("note", ""),
        "comment_kinds": COMMENT_KINDS,
    }


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
