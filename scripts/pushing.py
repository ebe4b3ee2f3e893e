"""Pushing new checkpoints to the witnesses of a policy.

Each witness has a thread of its own, so that none has to wait for another. Of its answer, only
its own signature of the checkpoint that was sent is kept.

Follows C2SP tlog-witness, section "add-checkpoint"; here we are the client.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from contextvars import copy_context

from domain.checkpoint import encode_proof
from domain.note import VerifierKey
from domain.refusal import Refusal
from domain.tree import NotVerified
from projections.log import Log, Signed
from scripts.described import printable
from scripts.remote import Unreachable, fetch
from scripts.settings import Settings

log = logging.getLogger(__name__)

CONFLICT = 409
NO_EXTENSION = 422
LOOK_SECONDS = 1.0
"""How often a thread looks for a new checkpoint."""
LONGEST_PAUSE_SECONDS = 300.0
"""The longest pause after a witness did not answer; every failure doubles the pause."""


class Pusher:
    """Sends the checkpoints of a log to one witness."""

    def __init__(self, log: Log, witness: VerifierKey, url: str) -> None:
        self._log, self._witness, self._url = log, witness, url.rstrip("/")

    def push(self) -> bool:
        """Have the latest checkpoint cosigned, if it is not yet; returns whether anything was sent.

        Raises Unreachable, NotVerified or a refusal if the witness did not cosign it.
        """
        signed, seen = self._log.checkpoint(), self._log.last_seen()[self._witness]
        if signed is None or signed.size <= seen:
            return False
        try:
            lines = self._add(signed, seen)
        except Unreachable as answer:
            if answer.status != CONFLICT:
                raise
            # Another process may have signed and sent a later one meanwhile.
            signed = self._log.checkpoint() or signed
            lines = self._add_after(self._size_in(answer.said.strip(), signed), signed)
        self._log.add_cosignatures(signed.note + lines)
        return True

    def _add_after(self, size: int, signed: Signed) -> bytes:
        """Send it to a witness that has seen this size; NotVerified if it was of another tree."""
        try:
            return self._add(signed, size)
        except Unreachable as answer:
            if answer.status == NO_EXTENSION or answer.said.strip() == str(size):
                told = f"it has cosigned a tree of {size} leaves that is not ours"
                raise NotVerified(told) from answer
            raise

    def _add(self, signed: Signed, old: int) -> bytes:
        proof = self._log.consistency(old, signed.size) if 0 < old < signed.size else []
        request = f"old {old}\n{encode_proof(proof)}\n".encode() + signed.note
        return fetch(f"{self._url}/add-checkpoint", request)

    @staticmethod
    def _size_in(body: str, signed: Signed) -> int:
        """The size that a witness has seen; NotVerified if our log does not continue that tree."""
        if not re.fullmatch("0|[1-9][0-9]{0,18}", body):
            raise NotVerified(f"it answers {CONFLICT} without a size: {printable(body[:30])}")
        if int(body) > signed.size:
            raise NotVerified(f"it has seen a tree of {body} leaves, ours has {signed.size}")
        return int(body)

    def run(self, stopped: threading.Event) -> None:
        """Push until stopped; failures are logged and retried later."""
        pause = LOOK_SECONDS
        while not stopped.wait(pause):
            try:
                self.push()
                pause = LOOK_SECONDS
            except (Unreachable, NotVerified, Refusal) as problem:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                log.warning("%s did not cosign: %s", self._witness.name, problem)
            except Exception:
                pause = LONGEST_PAUSE_SECONDS
                log.exception("pushing to a witness failed")


def start_pushing(log_of: Log, settings: Settings) -> Callable[[], None]:
    """Push to every witness of the policy that has a URL; returns the function that stops it."""
    for text in settings.unknown_witnesses:
        log.warning("%s", of_unknown_kind(text))
    stopped = threading.Event()
    parties = () if settings.policy is None else settings.policy.witnesses.values()
    pushers = [Pusher(log_of, one.key, one.url) for one in parties if one.url and one.key]
    threads = [
        threading.Thread(target=copy_context().run, args=(one.run, stopped), daemon=True)
        for one in pushers
    ]
    for thread in threads:
        thread.start()

    def stop() -> None:
        stopped.set()
        for thread in threads:
            thread.join(2 * LOOK_SECONDS)

    return stop


def of_unknown_kind(text: str) -> str:
    """The warning about a witness's key of an unknown kind."""
    name = text.partition("+")[0]
    return (
        f"the key of the witness {name} is of a kind that is not understood here: its "
        "cosignatures are not kept"
    )
