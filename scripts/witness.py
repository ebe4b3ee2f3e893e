"""Witnessing a log: cosigns its checkpoint if that extends the one cosigned before.

The one rule: a checkpoint is remembered before its cosignature is sent, and nothing that does not
extend the remembered one is ever cosigned; so a log that forks finds no witness.

Follows C2SP tlog-witness, section "add-checkpoint", except that the witness polls the log.
"""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path

from domain.checkpoint import Checkpoint, Trusted, cosign, open_checkpoint
from domain.note import COSIGNATURE, Note, SignerKey
from domain.tree import NotVerified
from scripts.mirror import evidence_kept
from scripts.mirrored import checkpoint_in, of_file
from scripts.remote import Remote, Unreachable, fetch
from scripts.safe_file import alone, write_whole, written_whole


def witness(log: Remote, folder: Path, signer: SignerKey) -> Trusted:
    """Cosign the checkpoint of a log, and send it the cosignature.

    The folder holds the last checkpoint cosigned. NotVerified if the log does not extend that one,
    does not return the cosignature, or is frozen.
    """
    with alone(folder / "lock"):  # two runs at once could keep the smaller of two checkpoints
        note = _latest(log)
        opened = open_checkpoint(note, log.keys)
        checkpoint = opened.checkpoint
        kept = path_of(folder, checkpoint.origin)
        kept = kept if kept.exists() else folder / "checkpoint"
        log.must_be_recent(opened, kept)
        before = checkpoint_in(kept, log.keys)
        if before is not None:
            with evidence_kept(note, kept):
                log.prove_growth(before, checkpoint)
        if before is None or before.size != checkpoint.size:
            write_whole(kept, note)
        line = cosign(note, signer, int(time.time()))
    text, blank, _ = note.rpartition(b"\n\n")
    given = fetch(f"{log.url}/cosignatures", text + blank + line.encode())
    trusted = open_checkpoint(given, log.keys, witnesses=[signer.verifier])
    if trusted.checkpoint != checkpoint:
        raise NotVerified("the log returned another checkpoint than the one cosigned")
    return trusted


def _latest(log: Remote) -> bytes:
    """The latest checkpoint that a log has signed, or, of other software, has published."""
    try:
        return log.note("checkpoint/signed")
    except Unreachable as problem:
        if problem.status is None:
            raise
        return log.note("checkpoint")


def key_of(folder: Path, name: str) -> SignerKey:
    """The witness's key in a folder; generated under this name if there is none."""
    return key_in(folder / "witness.key", name, COSIGNATURE)


def key_in(path: Path, name: str, kind: int) -> SignerKey:
    """The key in a file; generated under this name and of this kind if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        if not name:
            raise NotVerified(f"{path} does not exist yet: name the witness, by --name")
        key = SignerKey.new(name, kind)
        with written_whole(path, is_new=True) as file:
            file.write(f"{key.secret_text()}\n".encode())
    with of_file(path):
        key = SignerKey.parse(path.read_text().strip())
    if name not in {"", key.name}:
        raise NotVerified(f"the key in {path} is of {key.name}, not of {name}")
    return key


def path_of(folder: Path, origin: str) -> Path:
    """The path at which a witness keeps the latest checkpoint of a log."""
    asked = folder / "checkpoint"
    if asked.exists():
        with of_file(asked):
            if _tree_in(asked.read_bytes()).origin == origin:
                return asked
    return folder / sha256(origin.encode()).hexdigest() / "checkpoint"


def _tree_in(note: bytes) -> Checkpoint:
    return Checkpoint.parse(Note.parse(note).text)
