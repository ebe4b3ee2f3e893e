"""Verifiers that others wrote believe what this log gives out, and nothing that was changed in it.

Rule: nothing of domain/ takes a receipt apart here; the specification is followed by hand.
"""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import metamorphic_log
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from serving import OPERATOR_KEY, Quiet, serving
from stories import carry_out
from werkzeug.serving import make_server as make_app_server

from domain.checkpoint import cosign, decode_proof, encode_proof, open_checkpoint
from domain.note import COSIGNATURE, SignerKey
from domain.trust import read_policy
from scripts.mirror import mirror
from scripts.pushing import Pusher
from scripts.remote import Remote
from scripts.witness_service import Witness, create_witness

SIGNER = SignerKey.new("stemma.example/log")
KEY = str(SIGNER.verifier)
WITNESS = SignerKey.new("witness.example/w1", COSIGNATURE)


class InRust:
    """metamorphic-log, from PyPI: Rust behind Python."""

    def checkpoint(self, note: str, key: str) -> bool:
        return self._accepts(metamorphic_log.checkpoint_verify, note, [key])

    def inclusion(self, receipt: Parts, key: str) -> bool:
        found = sha256(b"\x00" + receipt.leaf).digest()
        return self._accepts(
            metamorphic_log.checkpoint_verify_inclusion,
            *(receipt.note, [key], receipt.index, found, list(receipt.proof)),
        )

    def consistency(self, old: str, new: str, key: str, proof: Sequence[bytes]) -> bool:
        return self._accepts(
            metamorphic_log.checkpoint_verify_consistency, old, new, [key], list(proof)
        )

    def _accepts(self, verify: Any, *arguments: Any) -> bool:
        try:
            verify(*arguments)
        except metamorphic_log.VerifyError:
            return False
        return True


class InPython:
    """aics-tlog, from PyPI, which needs Python 3.12; it knows witnesses and tiles as well."""

    def checkpoint(self, note: str, key: str) -> bool:
        return self.head(note, key) is not None

    def head(self, note: str, key: str, witnesses: Sequence[str] = ()) -> Any:
        import aics_tlog

        keys = [aics_tlog.parse_vkey(one) for one in witnesses]
        try:
            found = aics_tlog.verify_checkpoint(
                aics_tlog.parse_note(note), aics_tlog.parse_vkey(key), keys, len(keys)
            )
        except ValueError:
            return None
        return found if found.ok else None

    def inclusion(self, receipt: Parts, key: str) -> bool:
        import aics_tlog

        if (head := self.head(receipt.note, key)) is None:
            return False
        return bool(
            aics_tlog.verify_leaf_inclusion(
                receipt.leaf, receipt.index, head.size, list(receipt.proof), head.root
            )
        )

    def consistency(self, old: str, new: str, key: str, proof: Sequence[bytes]) -> bool:
        import aics_tlog

        heads = self.head(old, key), self.head(new, key)
        if None in heads:
            return False
        sizes, roots = ([getattr(head, name) for head in heads] for name in ("size", "root"))
        return bool(aics_tlog.verify_consistency(*sizes, *roots, list(proof)))


Foreign = InRust | InPython
# No test is skipped where the second one can't be had: the first one is there for every Python.
VERIFIERS: list[type[Foreign]] = [InRust, *([InPython] if sys.version_info >= (3, 12) else [])]


@pytest.fixture(scope="module", params=VERIFIERS, ids=lambda kind: kind.__name__)
def foreign(request: pytest.FixtureRequest) -> Foreign:
    verifier: Foreign = request.param()
    return verifier


@dataclass(frozen=True)
class Parts:
    """A receipt taken apart after C2SP tlog-proof."""

    leaf: bytes
    index: int
    proof: tuple[bytes, ...]
    note: str

    @classmethod
    def of(cls, receipt: bytes) -> Parts:
        head, note = receipt.decode().split("\n\n", 1)
        header, extra, index, *hashes = head.split("\n")
        assert header == "c2sp.org/tlog-proof@v1"
        leaf = b64decode(extra.removeprefix("extra "), validate=True)
        proof = tuple(b64decode(hash, validate=True) for hash in hashes)
        return cls(leaf, int(index.removeprefix("index ")), proof, note)


@dataclass
class Given:
    """What one log gave out while it grew."""

    checkpoints: dict[int, str]
    receipts: list[bytes]
    growths: dict[tuple[int, int], tuple[bytes, ...]]
    folder: Path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    folder = tmp_path_factory.mktemp("foreign")
    settings = {"signer": SIGNER, "witnesses": [WITNESS.verifier]}
    with serving(f"sqlite:///{folder / 'stemma.db'}", follow=False, **settings) as served:
        journal, log = served.service.journal, served.service.log
        checkpoints = {}
        for people in (1, 1, 5, 249, 1, 300, 143):
            draft = journal.draft()
            for number in range(people):
                carry_out(draft, "admit_contributor", actor="operator", name=f"person {number}")
            journal.commit(draft)
            size = log.catch_up()
            checkpoints[size] = log.latest().decode()
        sizes = list(checkpoints)
        growths = {
            (old, new): decode_proof(encode_proof(log.consistency(old, new)).splitlines())
            for old in sizes for new in sizes if old <= new
        }  # fmt: skip
        line = cosign(log.latest(), WITNESS, int(journal.clock().timestamp()))
        log.add_cosignatures(log.latest() + line.encode())
        receipts = [log.receipt(position) for position in (1, 2, 255, 256, 257, 512, 513, 700)]
        url = f"http://127.0.0.1:{served.operator.port}/log"
        mirror(Remote(url, [SIGNER.verifier], api_key=OPERATOR_KEY), folder / "mirror")
        yield Given(checkpoints, receipts, growths, folder / "mirror")


def test_every_receipt_is_believed(foreign: Foreign, given: Given) -> None:
    for receipt in given.receipts:
        parts = Parts.of(receipt)
        assert b'"stemma":"fact@v1"' in parts.leaf
        assert foreign.checkpoint(parts.note, KEY)
        assert foreign.inclusion(parts, KEY)


def test_a_receipt_that_was_changed_is_refused(foreign: Foreign, given: Given) -> None:
    other = str(SignerKey.new(SIGNER.name).verifier)
    for receipt in given.receipts:
        parts = Parts.of(receipt)
        first, *rest = parts.proof
        changed = [
            replace(parts, leaf=parts.leaf + b" "),
            replace(parts, leaf=parts.leaf.replace(b"contributor.admitted", b"contributor.merged")),
            replace(parts, index=parts.index + 1),
            replace(parts, index=parts.index ^ 1),
            replace(parts, index=1 << 40),
            replace(parts, proof=(*parts.proof, first)),
            replace(parts, proof=tuple(rest)),
            replace(parts, proof=(bytes(32), *rest)),
            replace(parts, proof=tuple(reversed(parts.proof))),
            replace(parts, note=parts.note.replace("\n700\n", "\n701\n")),
            replace(parts, note=given.checkpoints[256]),
        ]
        assert not foreign.inclusion(parts, other)
        for one in changed:
            assert not foreign.inclusion(one, KEY), one


def test_every_bit_of_a_checkpoint_counts(foreign: Foreign, given: Given) -> None:
    note = given.checkpoints[700].encode()
    assert foreign.checkpoint(note.decode(), KEY)
    for at in range(len(note)):
        for bit in range(8):
            changed = note[:at] + bytes([note[at] ^ 1 << bit]) + note[at + 1 :]
            text = changed.decode("utf-8", "replace")
            assert not foreign.checkpoint(text, KEY), (at, bit)


def test_the_log_is_seen_to_have_only_grown(foreign: Foreign, given: Given) -> None:
    notes = given.checkpoints
    for (old, new), proof in given.growths.items():
        assert foreign.consistency(notes[old], notes[new], KEY, proof), (old, new)
        assert not foreign.consistency(notes[old], notes[new], KEY, (*proof, bytes(32)))
        if proof:
            assert not foreign.consistency(notes[old], notes[new], KEY, proof[:-1])
            assert not foreign.consistency(notes[old], notes[new], KEY, (bytes(32), *proof[1:]))
            assert not foreign.consistency(notes[new], notes[old], KEY, proof)


@contextmanager
def making(server: Any) -> Iterator[Any]:
    """A server that serves as long as this is held."""
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if InPython in VERIFIERS:

    def test_witnesses_and_every_tile_are_believed(given: Given) -> None:
        """Only this verifier knows them."""
        import aics_tlog

        note = Parts.of(given.receipts[0]).note
        verifier = InPython()
        assert verifier.head(note, KEY, [str(WITNESS.verifier)]) is not None
        stranger = SignerKey.new("witness.example/w2", COSIGNATURE)
        assert verifier.head(note, KEY, [str(stranger.verifier)]) is None
        head = verifier.head((given.folder / "checkpoint").read_text("utf-8"), KEY)
        aics_tlog.audit_tiles(aics_tlog.FileSystemTileReader(given.folder), head.size, head.root)

    def test_a_witness_that_others_wrote_cosigns_what_is_pushed_to_it(tmp_path: Path) -> None:
        from aics_witness import LogConfig, WitnessStore, make_server
        from aics_witness import Witness as Foreign

        private = Ed25519PrivateKey.generate()
        key = SignerKey("foreign.example/w", private.private_bytes_raw(), COSIGNATURE).verifier
        logs = [LogConfig.from_strings(SIGNER.name, [KEY])]
        with (
            WitnessStore(tmp_path / "witness.db", create=True) as store,
            making(make_server(Foreign(key.name, private, store, logs))) as server,
        ):
            policy = read_policy(f"witness f {key} {server.url}\nquorum f\n".encode())
            settings = {"signer": SIGNER, "witnesses": [key], "policy": policy}
            with serving(f"sqlite:///{tmp_path / 'a.db'}", follow=False, **settings) as served:
                pusher = Pusher(served.service.log, key, server.url)
                for _ in range(3):
                    served.admit("Ana")
                    served.service.log.catch_up()
                    assert pusher.push()
                    note = served.service.log.latest()
                    assert open_checkpoint(note, [SIGNER.verifier], witnesses=[key])

    def test_a_log_that_others_wrote_is_cosigned_by_our_witness(
        given: Given, tmp_path: Path
    ) -> None:
        import aics_witness

        ours = Witness(tmp_path, [WITNESS], [SIGNER.verifier])
        app = create_witness(ours)
        with making(make_app_server("127.0.0.1", 0, app, request_handler=Quiet)) as server:
            url = f"http://127.0.0.1:{server.port}"
            with aics_witness.WitnessClient(url, str(WITNESS.verifier)) as client:
                sizes = sorted(given.checkpoints)
                for size in sizes:
                    lines = client.submit(
                        given.checkpoints[size].encode(), lambda old, new: given.growths[old, new]
                    )
                    assert lines.count("— ") == 1
                with pytest.raises(aics_witness.WitnessAhead):
                    client.submit(
                        given.checkpoints[sizes[0]].encode(),
                        lambda old, new: given.growths[old, new],
                    )
