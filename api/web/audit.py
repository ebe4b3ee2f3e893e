"""The audit page: the log's checkpoint and key, how to check both, and a form that checks a file.

The file may be a receipt, a proof of a latest fact, or a promise, told apart by the first line. The
page asks for no trust: it says what was checked here, and how to check it elsewhere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import g, render_template, request

from api.web.finding import told
from api.web.frame import Answer, Frame, reader
from domain import as_of, latest, promise
from domain.checkpoint import Trusted, open_checkpoint
from domain.latest import Latest, verify_latest
from domain.moment import instant
from domain.note import VerifierKey
from domain.promise import Promise, open_promise
from domain.receipt import HEADER, WITHHELD, leaf_bytes, verify_receipt
from domain.refusal import NotInLog
from domain.tree import NotVerified, leaf_hash
from projections import history, timeline
from projections.log import Log
from projections.money.readers import Reader

LARGEST_RECEIPT_BYTES = 256 * 1024


def pages(frame: Frame, log: Log) -> None:
    """The audit page, and the form that checks a file."""

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
    trusted = _latest(log, keys)
    seen = [
        (witness, instant(datetime.fromtimestamp(seconds, UTC)))
        for witness, seconds in (trusted.cosignatures if trusted else ())
    ]
    return render_template("audit.html", keys=keys, trusted=trusted, seen=seen, **checked)


def _latest(log: Log, keys: list[VerifierKey]) -> Trusted | None:
    if not keys:
        return None
    try:
        return open_checkpoint(log.latest(), keys, witnesses=log.witnesses, quorum=0)
    except NotInLog:
        return None


def _checked(frame: Frame, log: Log, data: bytes) -> dict[str, Any]:
    """What a file proves, with the fact if the reader may see it; or what is wrong with it."""
    if not data:
        return {"wrong": "No file was chosen, or it is empty."}
    try:
        match data.partition(b"\n")[0].decode("utf-8", "replace"):
            case latest.HEADER:
                return _latest_told(frame, verify_latest(data, log.public_keys()))
            case promise.HEADER:
                return _promise_told(log, open_promise(data, log.public_keys()))
            case first if other := _other(data, first):
                return {"wrong": "This page can't check this kind of file.", "other": other}
        receipt = verify_receipt(data, log.public_keys())
    except NotVerified as problem:
        return {"wrong": str(problem), "is_invalid": True}
    fact = receipt.leaf.state.decode("utf-8", "replace")
    found = _seen(frame, receipt.leaf.position)
    return {"receipt": receipt, "fact": fact, "facts": found}


def _seen(frame: Frame, position: int) -> list[dict[str, Any]]:
    """The fact at a position, told as a sentence, if the reader may read it."""
    if not _reads(frame):
        return []
    with frame.view({}) as view:
        placed = frame.journal.facts.at([position])
        seen = Reader(view, frame.journal, reader()).seen(placed)
        return told(view, history.tell(frame.journal, seen))


def _reads(frame: Frame) -> bool:
    """Whether the reader may read pages with titles and names."""
    return bool(g.actor or frame.public)


def _latest_told(frame: Frame, found: Latest) -> dict[str, Any]:
    """The subject of a proof of a latest fact, and the fact."""
    with frame.view({}) as view:
        named = timeline.names(view, [found.subject] if _reads(frame) else [])
    facts = [] if found.place is None else _seen(frame, found.place.position)
    return {"latest": found, "subject": named.get(found.subject), "facts": facts}


def _promise_told(log: Log, made: Promise) -> dict[str, Any]:
    """Whether the log has kept a promise; None if its checkpoint does not reach that far yet."""
    try:
        proof = verify_receipt(log.receipt(made.position), log.public_keys())
    except NotInLog:
        return {"promise": made, "is_kept": None}
    return {"promise": made, "is_kept": leaf_hash(leaf_bytes(*proof.leaf)) == made.hash}


def _other(data: bytes, first: str) -> str | None:
    """The command that checks another kind of file; None if the file begins like a receipt."""
    if first == as_of.HEADER:
        return "as-of"
    if first.startswith(WITHHELD) or data.count(HEADER.encode()) > 1:
        return "history"
    return None if first.startswith(HEADER) else "receipt"
