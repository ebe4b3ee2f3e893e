"""The audit page: the log's checkpoint and key, how to check both, and the check of a receipt.

It never asks for trust: it says what was checked here, and how to check it elsewhere.
"""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request

from api.web.finding import told
from api.web.frame import Answer, Frame, reader
from domain.checkpoint import Trusted, open_checkpoint
from domain.note import VerifierKey
from domain.receipt import verify_receipt
from domain.refusal import NotInLog
from domain.tree import NotVerified
from projections import history
from projections.log import Log
from projections.money.readers import Reader

LARGEST_RECEIPT_BYTES = 256 * 1024


def pages(frame: Frame, log: Log) -> None:
    """The audit page, and the form that checks a receipt."""

    @frame.page("/audit", anybody=True)
    def show_audit() -> Answer:
        return _page(log)

    @frame.blueprint.post("/audit")
    def check_receipt() -> Answer:
        frame.must_be_ours()
        file = request.files.get("receipt")
        data = file.read(LARGEST_RECEIPT_BYTES) if file else b""
        if not data:
            data = request.form.get("text", "").replace("\r\n", "\n").encode()
        return _page(log, **_checked(frame, log, data))

    frame.open.add("pages.check_receipt")


def _page(log: Log, **checked: Any) -> Answer:
    keys = log.public_keys()
    return render_template("audit.html", keys=keys, trusted=_latest(log, keys), **checked)


def _latest(log: Log, keys: list[VerifierKey]) -> Trusted | None:
    try:
        return open_checkpoint(log.latest(), keys) if keys else None
    except NotInLog:
        return None


def _checked(frame: Frame, log: Log, data: bytes) -> dict[str, Any]:
    """What a receipt proves, in the names and titles that its reader may see, or what is wrong."""
    if not data:
        return {"wrong": "No receipt was chosen."}
    try:
        receipt = verify_receipt(data, log.public_keys())
    except NotVerified as problem:
        return {"wrong": str(problem), "is_invalid": True}
    fact = receipt.leaf.state.decode("utf-8", "replace")
    if not (g.actor or frame.public):
        return {"receipt": receipt, "fact": fact, "facts": []}
    with frame.view({}) as view:
        placed = frame.journal.facts.at([receipt.leaf.position])
        seen = Reader(view, frame.journal, reader()).seen(placed)
        facts = told(view, history.tell(frame.journal, seen))
    return {"receipt": receipt, "fact": fact, "facts": facts}
