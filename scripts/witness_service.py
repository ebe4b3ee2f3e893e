"""A witness as a service: the endpoint add-checkpoint of C2SP tlog-witness.

The one rule: a checkpoint is on the disk before its cosignature is sent, and nothing that does not
extend the one on the disk is ever cosigned.

Statuses and texts are those of tlog-witness; a log is identified by origin, and keys of that name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, request
from granian.constants import Interfaces
from granian.log import logger
from granian.server.embed import Server

from domain import note
from domain.checkpoint import Checkpoint, cosign, decode_proof, must_be_possible, must_count
from domain.note import Note, SignerKey, VerifierKey, decimal, readable
from domain.tree import NotVerified, verify_consistency
from scripts.gateway import Gateway, ProcessLimits
from scripts.safe_file import alone, written_whole
from scripts.witness import path_of

MOST_HASHES = 63
LARGEST_REQUEST_BYTES = 1 << 17
"""Much more than a checkpoint with sixteen ML-DSA-44 signatures and a proof needs."""
SIZE_TYPE = "text/x.tlog.size"


class Refused(Exception):
    """The answer to a request that is not cosigned."""

    def __init__(self, status: int, body: str, media_type: str = "text/plain") -> None:
        super().__init__(body)
        self.answer = Response(body, status, content_type=media_type)


class Witness:
    """Cosigns the checkpoints of known logs; a folder holds the latest of each."""

    def __init__(
        self, folder: Path, signers: Sequence[SignerKey], logs: Collection[VerifierKey]
    ) -> None:
        self._folder, self._signers = folder, signers
        self._logs: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)

    def add(self, body: bytes) -> str:
        """The cosignatures of the checkpoint in a request; or Refused, with the reason."""
        old, proof, given = _read(body)
        tree = _tree_in(given)
        if (keys := self._logs.get(tree.origin)) is None:
            raise Refused(404, f"{tree.origin} is not a log that is known here\n")
        try:
            signatures = note.verify(given, keys).verified
            must_count(signatures, keys, tree.size)
        except NotVerified as problem:
            raise Refused(403, f"{problem}\n") from problem
        if old > tree.size:
            raise Refused(400, f"a tree of {tree.size} leaves does not extend one of {old}\n")
        # One at a time, or two could extend the same tree in different ways (tlog-witness).
        with alone(self._folder / "lock"):
            self._must_extend(old, proof, tree)
            signed = Note(given.text, signatures).encode()
            lines = "".join(cosign(signed, one, int(time.time())) for one in self._signers)
            path = path_of(self._folder, tree.origin)
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as file:
                file.write(signed + lines.encode())
        return lines

    def _must_extend(self, old: int, proof: Sequence[bytes], tree: Checkpoint) -> None:
        kept = self._kept(tree.origin)
        size = 0 if kept is None else kept.size
        is_other = kept is not None and tree.size == size and tree.root != kept.root
        if old != size or is_other:
            raise Refused(409, f"{size}\n", SIZE_TYPE)
        try:
            must_be_possible(tree)
            if kept is None or not size:
                if proof:
                    raise NotVerified("there is no proof from the empty tree")
                return
            verify_consistency(
                old_size=size, size=tree.size, proof=proof, old_root=kept.root, root=tree.root
            )
        except NotVerified as problem:
            raise Refused(422, f"{problem}\n") from problem

    def _kept(self, origin: str) -> Checkpoint | None:
        path = path_of(self._folder, origin)
        return _tree_in(Note.parse(path.read_bytes())) if path.exists() else None

    def latest(self, origin_hash: str) -> bytes:
        """The latest checkpoint that was cosigned, by the SHA-256 of its log's origin."""
        for origin in self._logs:
            if sha256(origin.encode()).hexdigest() == origin_hash:
                path = path_of(self._folder, origin)
                if path.exists() and all(self._has_signed(path.read_bytes())):
                    return path.read_bytes()
        raise Refused(404, "no checkpoint of this log was cosigned here\n")

    def _has_signed(self, kept: bytes) -> Iterator[bool]:
        there = {signature[:2] for signature in Note.parse(kept).signatures}
        for signer in self._signers:
            yield (signer.name, signer.verifier.id) in there


def _read(body: bytes) -> tuple[int, Sequence[bytes], Note]:
    try:
        head, blank, given = body.partition(b"\n\n")
        first, *lines = readable(head, "request").split("\n")
        if not blank or not first.startswith("old "):
            raise NotVerified("the request is not an old size, a proof and a checkpoint")
        if len(lines) > MOST_HASHES:
            raise NotVerified(f"the proof has more than {MOST_HASHES} hashes")
        old = decimal(first.removeprefix("old "), "old size")
        return old, decode_proof(lines), Note.parse(given)
    except NotVerified as problem:
        raise Refused(400, f"{problem}\n") from problem


def _tree_in(given: Note) -> Checkpoint:
    try:
        return Checkpoint.parse(given.text)
    except NotVerified as problem:
        raise Refused(400, f"{problem}\n") from problem


def create_witness(witness: Witness) -> Flask:
    """The application: one route to submit checkpoints, and one to read them."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST_BYTES

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        return _text(witness.add(request.get_data()))

    @app.get("/<origin_hash>/checkpoint")
    def show_checkpoint(origin_hash: str) -> Response:
        return _text(witness.latest(origin_hash))

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> Response:
        return refused.answer

    return app


def _text(body: str | bytes) -> Response:
    answer = Response(body, content_type="text/plain; charset=utf-8")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def serve_witness(witness: Witness, host: str, port: int) -> None:
    """Serve until stopped, with the same limits for clients as the service itself."""
    gateway = Gateway(ProcessLimits(), create_witness(witness))
    # That warning is for us, who pin and test the server's version, not for who runs a witness.
    logger.addFilter(lambda record: "experimental" not in record.getMessage())
    asyncio.run(Server(gateway, host, port, interface=Interfaces.RSGI).serve())
