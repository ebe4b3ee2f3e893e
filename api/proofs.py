"""The log over HTTP: checkpoints, tiles and entries for anybody, and a receipt for any fact.

The one rule: what a client of C2SP tlog-tiles asks for lies at the path it expects, byte for byte.
"""

from __future__ import annotations

from flask import Response

from api.fields import LARGEST_POSITION, Shape, Whole
from api.routes import Routes
from domain.checkpoint import encode_proof
from domain.journal import Journal
from domain.refusal import BadCosignature, NotInLog
from domain.tree import TILE_WIDTH
from projections.log import Log
from projections.store import Store

FOR_EVER = "public, max-age=31536000, immutable"
"""A full tile never changes (tlog-tiles)."""
FOR_NOW = "no-cache"

PUBLIC = (
    "log.show_checkpoint",
    "log.show_checkpoint_of",
    "log.add_cosignatures",
    "log.show_log_key",
    "log.show_tile",
    "log.show_entries",
    "log.show_consistency",
)
"""The endpoints that need no key: nobody has to be known to check the log."""

MAXIMUM_NOTE_BYTES = 1 << 14
"""A checkpoint with sixteen lines of Ed25519 has less than a quarter of that."""

CHECKPOINT = "stemma.example/log\n285\ndVXxeko7R+w7vqFdPBqIC2adA//4pkO4I2Z9ZQCO73w=\n\n— …\n"


class Sizes(Shape):
    """Two sizes of the log."""

    old = Whole(1, LARGEST_POSITION, "The size that is remembered.", required=True)
    new = Whole(1, LARGEST_POSITION, "The size it should have grown to.", required=True)


def proofs(journal: Journal, store: Store, log: Log) -> Routes:
    """The routes of the log."""
    routes = Routes("log", "The log: what it takes to trust nobody.", journal, store)
    _to_anybody(routes, log)
    _receipts(routes, log)
    return routes


def _to_anybody(routes: Routes, log: Log) -> None:
    @routes.gives("/log/checkpoint", "text/plain", CHECKPOINT, refuses=(NotInLog,), public=True)
    def show_checkpoint() -> Response:
        """The latest signed checkpoint with its cosignatures (C2SP tlog-checkpoint)."""
        return _text(log.latest())

    @routes.gives(
        "/log/checkpoint/<int:size>", "text/plain", CHECKPOINT, refuses=(NotInLog,), public=True
    )
    def show_checkpoint_of(size: int) -> Response:
        """The checkpoint that was signed at a size, with its cosignatures."""
        return _text(log.checkpoint_of(size))

    @routes.takes(
        "/log/cosignatures",
        "text/plain",
        CHECKPOINT,
        MAXIMUM_NOTE_BYTES,
        refuses=(NotInLog, BadCosignature),
    )
    def add_cosignatures(cosigned: bytes) -> Response:
        """A checkpoint of this log under which a witness has signed (C2SP tlog-cosignature).

        The lines of the witnesses that the operator has named are kept and served with it from
        then on, of each witness the latest; all other lines are passed over. Answers the
        checkpoint with all cosignatures known.
        """
        return _text(log.add_cosignatures(cosigned))

    @routes.gives(
        "/log/key", "text/plain", "stemma.example/log+c988cd1b+…", refuses=(NotInLog,), public=True
    )
    def show_log_key() -> Response:
        """The public keys that check the log's signatures; compare them with some had elsewhere.

        One a line: the present one, then former ones, which old receipts are checked with.
        """
        if log.signer is None:
            raise NotInLog("a signing key")
        return _text("".join(f"{key}\n" for key in log.public_keys()).encode())

    @routes.gives(
        "/log/tile/<path:tile>",
        "application/octet-stream",
        "32 bytes a hash",
        refuses=(NotInLog,),
        public=True,
    )
    def show_tile(tile: str) -> Response:
        """A tile of hashes, or (tile/entries/…) a bundle of leaves (C2SP tlog-tiles)."""
        return _tile(log, f"tile/{tile}")

    @routes.gives(
        "/log/entries/<path:bundle>",
        "application/octet-stream",
        "each leaf behind its length in 16 bits",
        refuses=(NotInLog,),
        public=True,
    )
    def show_entries(bundle: str) -> Response:
        """A bundle of leaves, as under /log/tile/entries/."""
        return _tile(log, f"tile/entries/{bundle}")

    @routes.gives(
        "/log/consistency",
        "text/plain",
        "one hash a line, in base64",
        refuses=(NotInLog,),
        query=Sizes,
        public=True,
    )
    def show_consistency(old: int, new: int) -> Response:
        """The proof that the log only added to what it was (RFC 6962, section 2.1.2)."""
        return _text(encode_proof(log.consistency(old, new)).encode())


def _receipts(routes: Routes, log: Log) -> None:
    @routes.gives(
        "/facts/<int:position>/receipt",
        "text/plain",
        "c2sp.org/tlog-proof@v1\n…",
        refuses=(NotInLog,),
    )
    def show_receipt(position: int) -> Response:
        """A small file that proves one fact, offline and for ever (C2SP tlog-proof)."""
        answer = _text(log.receipt(position))
        name = f"stemma-fact-{position}.receipt"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


def _text(data: bytes) -> Response:
    answer = Response(data, content_type="text/plain; charset=utf-8")
    answer.headers["Cache-Control"] = FOR_NOW
    return answer


def _tile(log: Log, path: str) -> Response:
    tile, data = log.tile(path)
    answer = Response(data, content_type="application/octet-stream")
    answer.headers["Cache-Control"] = FOR_EVER if tile.width == TILE_WIDTH else FOR_NOW
    return answer
