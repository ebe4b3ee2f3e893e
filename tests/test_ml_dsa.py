"""Cosignatures with ML-DSA-44, byte for byte as C2SP tlog-cosignature describes them."""

import struct
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa

from domain import ml_dsa
from domain.checkpoint import Checkpoint, Cosignature, cosign, open_checkpoint, sign
from domain.note import COSIGNATURE, ML_DSA, Signature, SignerKey, UnknownKeyKind, VerifierKey
from domain.tree import NotVerified

LOG = SignerKey("log.example/stemma", bytes(range(32)))
WITNESS = SignerKey("witness.example/w1", bytes(range(1, 33)), ML_DSA)
NOON = 1_790_000_000
TREE = Checkpoint("log.example/stemma", 3, bytes(range(32)))
SIGNED = sign(TREE, LOG)
SEEN = SIGNED + cosign(SIGNED, WITNESS, NOON).encode()


def opened(data: bytes, key: VerifierKey) -> tuple[Cosignature, ...]:
    return open_checkpoint(data, [LOG.verifier], witnesses=[key]).cosignatures


def test_a_cosignature_is_the_structure_of_the_specification() -> None:
    (line,) = SEEN.decode().removeprefix(SIGNED.decode()).splitlines()
    dash, name, encoded = line.split(" ")
    data = b64decode(encoded)
    private = mldsa.MLDSA44PrivateKey.from_seed_bytes(WITNESS.seed)
    public = private.public_key().public_bytes_raw()
    assert (dash, name) == ("—", "witness.example/w1")
    assert data[:4] == sha256(name.encode() + b"\n\x06" + public).digest()[:4]
    assert struct.unpack(">Q", data[4:12]) == (NOON,)
    assert len(data) == 4 + 8 + 2420
    origin = b"log.example/stemma"
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + struct.pack(">Q", NOON)
    message += bytes([len(origin)]) + origin + struct.pack(">QQ", 0, 3) + TREE.root
    private.public_key().verify(data[12:], message)


def test_it_is_believed_and_nothing_else_is() -> None:
    key = WITNESS.verifier
    assert opened(SEEN, key) == (Cosignature(WITNESS.name, NOON),)
    assert VerifierKey.parse(str(key)) == key
    assert SignerKey.parse(WITNESS.secret_text()) == WITNESS
    signature = WITNESS.sign(TREE.text, NOON)
    for data in (
        bytes(8) + signature.data[8:],
        signature.data[:-1] + bytes([signature.data[-1] ^ 1]),
        signature.data[:-1],
        signature.data[8:],
        bytes([255]) * 8 + signature.data[8:],
        WITNESS.sign(Checkpoint(TREE.origin, 4, TREE.root).text, NOON).data,
        WITNESS.sign(Checkpoint("other.example", 3, TREE.root).text, NOON).data,
        WITNESS.sign(Checkpoint(TREE.origin, 3, bytes(32)).text, NOON).data,
        SignerKey("witness.example/w2", WITNESS.seed, ML_DSA).sign(TREE.text, NOON).data,
    ):
        line = Signature(WITNESS.name, key.id, data).line
        with pytest.raises(NotVerified, match="does not hold"):
            opened(SIGNED + line.encode(), key)
    assert not key.has_signed("text\n", signature.data)
    assert not key.has_signed("\n3\nAAAA\n", signature.data)


def test_a_key_of_another_length_or_kind_is_none() -> None:
    key = WITNESS.verifier
    for public in (key.public[:-1], key.public + b"\0", key.public[:32], b""):
        with pytest.raises(NotVerified, match="bytes, not 1312"):
            VerifierKey(key.name, public, ML_DSA)
    with pytest.raises(NotVerified, match="bytes, not 32"):
        VerifierKey(key.name, key.public, COSIGNATURE)
    with pytest.raises(NotVerified, match="bytes, not 1312"):
        VerifierKey.parse(str(key)[:-8])
    other = SignerKey(WITNESS.name, bytes(32), ML_DSA).verifier
    with pytest.raises(NotVerified, match="not its own"):
        VerifierKey.parse(str(key).replace(key.id.hex(), other.id.hex()))


def test_a_signature_counts_for_its_kind_of_key_its_tree_and_its_time_alone() -> None:
    """Kinds are mixed up, what is signed is replayed, and a line is there twice."""
    key, older = WITNESS.verifier, SignerKey(WITNESS.name, WITNESS.seed, COSIGNATURE)
    ours, theirs = WITNESS.sign(TREE.text, NOON).data, older.sign(TREE.text, NOON).data
    for to, data in (
        *((key, data) for data in (theirs, b"", bytes(8), bytes(8 + 2420), ours * 2, ours + b"\0")),
        *(
            (older.verifier, data)
            for data in (ours, ours[: len(theirs)], ours[:8] + theirs[8:72:2])
        ),
        (LOG.verifier, ours),
    ):
        assert not to.has_signed(TREE.text, data)
    later = sign(Checkpoint(TREE.origin, 4, bytes(range(1, 33))), LOG)
    with pytest.raises(NotVerified, match="does not hold"):
        opened(later + SEEN.removeprefix(SIGNED), key)
    seen = SEEN.removeprefix(SIGNED)
    assert opened(SEEN + seen, key) == (Cosignature(WITNESS.name, NOON),)
    spoilt = Signature(WITNESS.name, key.id, ours[:-1] + bytes([ours[-1] ^ 1])).line.encode()
    for both in (SEEN + spoilt, SIGNED + spoilt + seen):
        with pytest.raises(NotVerified):
            opened(both, key)
    # What is not of a witness who was asked for, or of an unknown key, says nothing.
    assert opened(SEEN + Signature("x.example", key.id, ours).line.encode(), key)
    # The message commits to the tree, and not to further lines of the checkpoint.
    more = replace(TREE, extensions=("of no consequence",))
    assert key.has_signed(more.text, ours)
    assert not older.verifier.has_signed(more.text, theirs)


def test_a_witness_may_sign_with_both_kinds_of_key() -> None:
    older = SignerKey(WITNESS.name, bytes(range(5, 37)), COSIGNATURE)
    both = SEEN + cosign(SIGNED, older, NOON).encode()
    for key in (WITNESS.verifier, older.verifier):
        assert opened(both, key) == (Cosignature(WITNESS.name, NOON),)


def test_without_the_algorithm_its_keys_are_of_an_unknown_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = str(WITNESS.verifier)
    monkeypatch.setattr(ml_dsa, "is_known", lambda: False)
    with pytest.raises(UnknownKeyKind, match="need a newer cryptography"):
        VerifierKey.parse(text)
    assert open_checkpoint(SEEN, [LOG.verifier]).checkpoint == TREE
