"""The log over HTTP: public checkpoints and hashes, entries for auditors, and receipts.

Hashes say nothing about what they are of; entries are the facts themselves.

A client of C2SP tlog-tiles finds everything at the path it expects, byte for byte.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Annotated, Any, TypedDict
from uuid import UUID

from flask import Response, jsonify, request
from marshmallow import ValidationError, validates_schema

from api.authentication import actor, is_private
from api.complaints import Complaint
from api.conditional import tagged
from api.fields import ExactSchema, Flag, Whole, word
from api.problems import Problem
from api.routes import Routes
from domain.checkpoint import encode_proof
from domain.dates import start_of
from domain.journal import Journal
from domain.moment import instant
from domain.permission import READS, permit
from domain.receipt import withheld_line
from domain.refusal import BadCosignature, BadMadeAt, MapNotKept, NotInLog, NotPermitted
from domain.stored import Placed
from domain.tree import ENTRIES
from domain.value import LARGEST_POSITION, Example
from projections import history
from projections.grants import roles_of
from projections.log import Log
from projections.money.readers import Reader
from projections.store import Store, View
from projections.told import Count, Instant

FOR_EVER = "public, max-age=31536000, immutable"
"""A tile never changes, a partial one neither: another width is another path (tlog-tiles, sections
“Merkle Tree” and “Log entries”)."""
FOR_NOW = "no-cache"
"""A checkpoint is asked for again each time (tlog-tiles, section “Checkpoints”)."""

READ_ENTRIES = "read the entries of the log"

GZIP_LEVEL = 4
"""Entries become 3.8 times as small, and 4.0 times at level 9, which takes twice as long."""
MAXIMUM_NOTE_BYTES = 1 << 16
"""A checkpoint with sixteen lines of ML-DSA-44 has less than that."""

CHECKPOINT = "stemma.example/log\n285\ndVXxeko7R+w7vqFdPBqIC2adA//4pkO4I2Z9ZQCO73w=\n\n— …\n"


class Sizes(ExactSchema):
    """Two sizes of the log."""

    old = Whole(1, LARGEST_POSITION, 42, "The size that the client knows.", required=True)
    new = Whole(1, LARGEST_POSITION, 285, "The later size.", required=True)

    @validates_schema
    def _must_grow(self, given: dict[str, int], **_: Any) -> None:
        if given["old"] > given["new"]:
            said = f"This is more than the later size, {given['new']}."
            raise ValidationError(Complaint("out_of_range", said), "old")


class Moment(ExactSchema):
    """A moment."""

    at = word(
        "2026-11-20T18:30:00Z",
        "A time, or a year, month or day, which means its first instant.",
        required=True,
    )


class Witnessed(ExactSchema):
    """Which checkpoint a proof is to end in."""

    witnessed = Flag("Under the latest checkpoint that most witnesses have seen.")


class PositionTold(TypedDict):
    """The position of the journal at a moment."""

    position: Annotated[
        Count, "The last fact recorded up to then; 0 if there was none.", Example(57)
    ]
    recorded_at: Annotated[Instant | None, "When that was recorded."]


def proofs(journal: Journal, store: Store, log: Log, *, publish_entries: bool) -> Routes:
    """The routes of the log."""
    routes = Routes("log", "The signed log of all facts, and proofs from it.", journal, store)
    _checkpoints(routes, log)
    _signatures(routes, log)
    _tiles(routes, log)
    _entries(routes, log, publish=publish_entries)
    _position(routes, log)
    _receipts(routes, log, store)
    _latest(routes, log)
    _histories(routes, log)
    return routes


def _checkpoints(routes: Routes, log: Log) -> None:
    gives = partial(routes.gives, refuses=(NotInLog,), public=True)

    @gives("/log/checkpoint", "text/plain", CHECKPOINT)
    def show_checkpoint() -> Response:
        """The latest signed checkpoint with its cosignatures (C2SP tlog-checkpoint).

        It names the size of the log and the root of its tree. Keep it: no later checkpoint may
        contradict it.
        """
        return _text(log.latest())

    @gives("/log/checkpoint/witnessed", "text/plain", CHECKPOINT)
    def show_witnessed_checkpoint() -> Response:
        """The latest checkpoint that most witnesses have cosigned.

        The latest of all may be newer, and not seen by any of them yet. `stemma mirror --witness`
        asks for this one.
        """
        return _text(log.witnessed())

    @gives("/log/checkpoint/signed", "text/plain", CHECKPOINT)
    def show_signed_checkpoint() -> Response:
        """The latest checkpoint that the log has signed, for witnesses to look at.

        Where a policy asks for cosignatures, the others are published once they have them, and
        this one is not to be relied on before. `stemma witness` asks for it.
        """
        return _text(log.signed())

    @gives("/log/checkpoint/<int:size>", "text/plain", CHECKPOINT)
    def show_checkpoint_of(size: int) -> Response:
        """The checkpoint that was signed at a size, with its cosignatures.

        Only some sizes were signed; of any other there is no checkpoint.
        """
        return _text(log.published(size))


def _signatures(routes: Routes, log: Log) -> None:
    gives = partial(routes.gives, refuses=(NotInLog,), public=True)

    @routes.takes(
        "/log/cosignatures",
        "text/plain",
        CHECKPOINT,
        MAXIMUM_NOTE_BYTES,
        refuses=(NotInLog, BadCosignature),
    )
    def add_cosignatures(cosigned: bytes) -> Response:
        """Add the cosignatures of witnesses to a checkpoint of this log (C2SP tlog-cosignature).

        The lines of the witnesses that the operator has named are kept and served with it from
        then on, the latest of each witness; all other lines are ignored. Returns the checkpoint
        with all known cosignatures.
        """
        return _plain(log.add_cosignatures(cosigned))

    @gives("/log/map/<int:size>", "text/plain", "stemma-map@v1\n…")
    def show_map_of(size: int) -> Response:
        """The signed root of the map of a checkpoint: the latest fact about each work and person.

        A sparse Merkle tree, which anyone with the entries can rebuild; `stemma mirror` does.
        """
        log.published(size)
        return _text(log.map_of(size))

    @gives("/log/key", "text/plain", "stemma.example/log+c988cd1b+…")
    def show_log_key() -> Response:
        """The public keys of the log's signatures; compare them with a copy obtained elsewhere.

        One per line: the current one, then former ones, which older receipts need; behind a retired
        one stand the sizes of the log for which it counts.
        """
        if log.signer is None:
            said = "This server was started without the key of its log (STEMMA_LOG_KEY)."
            raise Problem("not_in_log", said, members={"what": "a signing key"})
        return _text("".join(f"{key.line}\n" for key in log.public_keys()).encode())


def _tiles(routes: Routes, log: Log) -> None:
    gives = partial(routes.gives, refuses=(NotInLog,), public=True)

    @gives("/log/tile/<path:tile>", "application/octet-stream", "32 bytes per hash")
    def show_tile(tile: str) -> Response:
        """A tile of hashes (C2SP tlog-tiles).

        A tile of one width, full or partial, never changes and may be cached for ever. `stemma
        mirror` fetches them all.
        """
        return _tile(log, f"tile/{tile}")

    @gives("/log/consistency", "text/plain", "one hash per line, in base64", query=Sizes)
    def show_consistency(old: int, new: int) -> Response:
        """The proof that the log has only been appended to (RFC 6962, section 2.1.2).

        It shows that the tree of the old size is the beginning of the tree of the new size.
        """
        return _text(encode_proof(log.consistency(old, new)).encode())

    @gives("/log/as-of/<int:position>", "text/plain", "stemma-as-of@v1\n…")
    def show_as_of(position: int) -> Response:
        """The proof of answers as of a position: the log at that size, and a later checkpoint.

        With it, `stemma verify as-of` shows that the log still holds all that it held then.
        """
        return _file(log.as_of(position), f"stemma-as-of-{position}.txt")


def _entries(routes: Routes, log: Log, *, publish: bool) -> None:
    """The routes of leaves, at the path of C2SP tlog-tiles and at a shorter one."""
    gives = partial(
        routes.gives, public=publish, refuses=(NotInLog, *(() if publish else (NotPermitted,)))
    )
    media_type, example = "application/octet-stream", "each leaf preceded by its length in 16 bits"

    @gives("/log/tile/entries/<path:bundle>", media_type, example)
    def show_entry_tile(bundle: str) -> Response:
        """A bundle of leaves (C2SP tlog-tiles), for auditors.

        The operator may publish them to everybody (`STEMMA_PUBLISH_ENTRIES`).
        """
        if not publish:
            permit(actor(), READ_ENTRIES, READS, roles_of(log.journal, actor()))
        return _tile(log, f"tile/entries/{bundle}")

    @gives("/log/entries/<path:bundle>", media_type, example)
    def show_entries(bundle: str) -> Response:
        """The same bundle of leaves, as under /log/tile/entries/.

        A leaf is a line that says a fact's place, then the stored bytes of the fact.
        """
        return show_entry_tile(bundle)


def _position(routes: Routes, log: Log) -> None:
    @routes.says(
        "/log/position",
        PositionTold,
        Moment,
        problems=(
            "storage_unavailable",
            BadMadeAt.code,
            "bad_text",
            "text_too_long",
            "missing_field",
        ),
    )
    def show_position(at: str) -> Response:
        """The last position recorded up to a moment, for questions as of then.

        A year, a month or a day means its first instant. Give the position to any question as
        `as_of`; it is 0 where nothing had been recorded yet.
        """
        position = log.journal.position_at(datetime.fromisoformat(start_of(at)))
        facts = log.journal.facts.at([position])
        return jsonify(
            position=position,
            recorded_at=instant(facts[0].fact().timestamp) if facts else None,
        )


def _receipts(routes: Routes, log: Log, store: Store) -> None:
    @routes.gives(
        "/facts/<int:position>/receipt",
        "text/plain",
        "c2sp.org/tlog-proof@v1\n…",
        refuses=(NotInLog, NotPermitted),
    )
    def show_receipt(position: int) -> Response:
        """A small file that proves one fact, offline and for ever (C2SP tlog-proof).

        It holds the fact, its inclusion proof and a signed checkpoint; `stemma verify receipt`
        checks it without this service. For those who may read the fact.
        """
        see = seen_by(store, log, actor())
        return _file(log.receipt(position, see), f"stemma-fact-{position}.receipt")


def seen_by(store: Store, log: Log, reader: str) -> Callable[[Placed], None]:
    """What refuses (``NotPermitted``) facts that a reader may not read."""

    def see(placed: Placed) -> None:
        with store.view() as view:
            Reader(view, log.journal, reader).must_see(placed)

    return see


def _latest(routes: Routes, log: Log) -> None:
    @routes.gives(
        "/log/latest/<uuid:subject>",
        "text/plain",
        "stemma-latest@v1\n…",
        query=Witnessed,
        refuses=(NotInLog, MapNotKept),
    )
    def show_latest(subject: UUID, *, witnessed: bool = False) -> Response:
        """The proof of which fact about a work or a person is the latest, or that there is none.

        About a kilobyte: the number and position of that fact, and its place in a signed map of
        all works and people. `stemma verify latest` checks offline that nothing came after it, up
        to the checkpoint below.
        """
        proof = log.latest_of(str(subject), witnessed=witnessed)
        return _file(proof, f"stemma-{subject}.latest")


def _histories(routes: Routes, log: Log) -> None:
    for noun, proven in history.PROVEN.items():

        def show_receipts(
            view: View, id: str, noun: str = noun, proven: history.Proven = proven
        ) -> Response:
            reader = Reader(view, log.journal, actor())
            placed = list(log.journal.facts.at(proven.positions(view, id)))
            seen = {one.position for one in reader.seen(placed)}
            hidden = [
                link.number
                for one in placed
                for link in one.linked()
                if link.subject == id and one.position not in seen
            ]
            receipts = log.receipts(sorted(seen))
            return _file(chain([withheld_line(hidden)], receipts), f"stemma-{noun}-{id}.receipts")

        show_receipts.__name__ = f"show_{noun}_receipts"
        show_receipts.__doc__ = (
            f"The receipts of every fact about this {noun} that the reader may see, in order.\n\n"
            "All are under one checkpoint. The first line names the numbers of those that the "
            "reader may not see; “stemma verify history” shows offline that no others are missing."
        )
        routes.gives(
            f"/{noun}s/<id({noun}):id>/history.receipts",
            "text/plain",
            "c2sp.org/tlog-proof@v1\n…",
            refuses=(proven.unknown, NotInLog),
            viewed=True,
        )(show_receipts)


def _file(data: bytes | Iterator[bytes], name: str) -> Response:
    answer = _text(data)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _text(data: bytes | Iterator[bytes]) -> Response:
    if not isinstance(data, bytes):
        # An error in the first parts still becomes a problem, not half an answer.
        data = chain([*islice(data, 2)], data)
    return _kept(_plain(data), FOR_NOW)


def _plain(data: bytes | Iterable[bytes]) -> Response:
    return Response(data, content_type="text/plain; charset=utf-8")


def _tile(log: Log, path: str) -> Response:
    tile, data = log.tile(path)
    answer = Response(data, content_type="application/octet-stream")
    if tile.level == ENTRIES:  # hashes are random and can't be compressed
        _compress(answer)
    return _kept(answer, FOR_EVER)


def _compress(answer: Response) -> None:
    """Compress the body if the client accepts that (tlog-tiles, section “Log entries”)."""
    answer.vary.add("Accept-Encoding")
    if request.accept_encodings.best_match(["gzip", "identity"]) == "gzip":
        answer.set_data(gzip.compress(answer.get_data(), GZIP_LEVEL, mtime=0))
        answer.content_encoding = "gzip"


def _kept(answer: Response, how: str) -> Response:
    """The answer with its Cache-Control; caches may not keep what needs a key."""
    if is_private():
        return answer
    answer.headers["Cache-Control"] = how
    if not answer.is_streamed:
        tagged(answer)  # by the bytes sent, so the tag differs if they are compressed
    return answer
