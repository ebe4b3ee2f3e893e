"""A signed note or checkpoint is believed for a known key's signature, and for nothing else."""

import json
from base64 import b64decode, b64encode
from collections.abc import Collection
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from domain.checkpoint import (
    Checkpoint,
    Cosignature,
    cosign,
    cosigned,
    decode_proof,
    encode_proof,
    open_checkpoint,
    sign,
    verify_growth,
)
from domain.note import (
    COSIGNATURE,
    ED25519,
    LATEST_TIME,
    Note,
    Opened,
    Signature,
    SignerKey,
    UnknownKeyKind,
    VerifierKey,
    cosigned_message,
    key_id,
    time_of,
)
from domain.note import sign as sign_note
from domain.note import verify as verify_note
from domain.tree import EMPTY_ROOT, NotVerified, leaf_hash, node_hash

VECTORS = json.loads(
    (Path(__file__).parent / "golden" / "transparency_log.json").read_text("utf-8")
)
XMOD = VECTORS["signed_note_x_mod"]
BLOCKS = VECTORS["c2sp_examples"]["fenced_blocks"]
PETER, ENOCH = (VerifierKey.parse(vkey) for vkey in XMOD["vkeys"])

LOG = SignerKey("log.example/stemma", bytes(range(32)))
NEXT_LOG = SignerKey("log.example/stemma", bytes(range(1, 33)))
WITNESS = SignerKey("witness.example/w1", bytes(range(2, 34)), COSIGNATURE)
SECOND_WITNESS = SignerKey("witness.example/w2", bytes(range(3, 35)), COSIGNATURE)
NOON = 1_700_000_000

A, B, C = (leaf_hash(letter) for letter in (b"a", b"b", b"c"))
TWO = Checkpoint(LOG.name, 2, node_hash(A, B))
THREE = Checkpoint(LOG.name, 3, node_hash(node_hash(A, B), C))
SIGNED = sign(THREE, LOG)


def open_note(data: bytes, keys: Collection[VerifierKey]) -> Opened:
    return verify_note(Note.parse(data), keys)


# -- The vectors ----------------------------------------------------------------------------------


def test_the_note_of_xmod_is_signed_to_the_byte() -> None:
    assert sign_note(XMOD["text"], SignerKey.parse(XMOD["skey"])) == XMOD["signed"].encode()


def test_the_note_of_xmod_opens() -> None:
    opened = open_note(XMOD["signed"].encode(), [PETER])
    assert opened.text == XMOD["text"]
    assert [(signed.name, signed.key_id.hex()) for signed in opened.verified] == [
        ("PeterNeumann", "c74f20a3")
    ]


def test_of_two_signatures_those_of_known_keys_count() -> None:
    both = XMOD["two_sigs"].encode()
    for keys, names, others in [
        ([PETER], ["PeterNeumann"], ["EnochRoot"]),
        ([ENOCH], ["EnochRoot"], ["PeterNeumann"]),
        ([PETER, ENOCH], ["PeterNeumann", "EnochRoot"], []),
    ]:
        opened = open_note(both, keys)
        assert [signed.name for signed in opened.verified] == names
        assert [signed.name for signed in opened.others] == others
    with pytest.raises(NotVerified, match="no known key has signed"):
        open_note(both, [])


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    wrong = XMOD["invalid_signature_must_reject"].encode()
    with pytest.raises(NotVerified, match=r"signature of PeterNeumann\+c74f20a3 does not hold"):
        open_note(wrong, [PETER])
    spoiled = XMOD["two_sigs"].replace("rwz+eBzm", "rwz+eBzn").encode()
    assert open_note(spoiled, [PETER]).verified
    with pytest.raises(NotVerified, match="EnochRoot"):
        open_note(spoiled, [PETER, ENOCH])


@pytest.mark.parametrize("number", range(len(XMOD["malformed_must_reject"])))
def test_malformed_notes_of_xmod_are_refused(number: int) -> None:
    with pytest.raises(NotVerified):
        open_note(XMOD["malformed_must_reject"][number].encode(), [PETER])


@pytest.mark.parametrize("data", XMOD["malformed_bytes_b64"], ids=["not UTF-8"])
def test_malformed_bytes_of_xmod_are_refused(data: str) -> None:
    with pytest.raises(NotVerified, match="not UTF-8 at byte 0"):
        open_note(b64decode(data), [PETER])


@pytest.mark.parametrize("known", [[PETER], []], ids=["known", "unknown"])
def test_too_many_signatures_are_refused(known: list[VerifierKey]) -> None:
    assert "101 copies" in XMOD["too_many_signatures_must_reject"]
    line = XMOD["signed"].removeprefix(XMOD["text"] + "\n")
    with pytest.raises(NotVerified, match="more than 100"):
        open_note((XMOD["text"] + "\n" + 101 * line).encode(), known)


def test_a_line_that_is_there_twice_counts_once() -> None:
    """As x/mod's TestOpen has it; a checkpoint is stricter."""
    line = XMOD["signed"].removeprefix(XMOD["text"] + "\n")
    opened = open_note((XMOD["signed"] + line).encode(), [PETER])
    assert len(opened.verified) == 1
    assert opened.others == ()


@pytest.mark.parametrize("vkey", XMOD["vkeys"])
def test_a_verifier_key_is_written_as_it_was_read(vkey: str) -> None:
    assert str(VerifierKey.parse(vkey)) == vkey


@pytest.mark.parametrize("vkey", XMOD["bad_vkeys"])
def test_bad_verifier_keys_of_xmod_are_refused(vkey: str) -> None:
    with pytest.raises(NotVerified):
        VerifierKey.parse(vkey)


def test_the_example_of_signed_note_opens() -> None:
    example = VECTORS["signed_note_c2sp"]
    key = VerifierKey.parse(example["vkey"])
    opened = open_note(example["note"].encode(), [key])
    assert opened.text == "This is an example message.\n"
    assert Note.parse(example["note"].encode()).encode() == example["note"].encode()


def test_the_tree_note_of_xmod_is_a_checkpoint() -> None:
    example = VECTORS["tree_note_x_mod"]
    root = leaf_hash(example["record"].encode())
    assert b64encode(root).decode() == example["record_hash_b64"]
    tree = Checkpoint("go.sum database tree", 123456789012, root)
    assert tree.text == example["body"]
    assert Checkpoint.parse(example["body"]) == tree


@pytest.mark.parametrize("body", VECTORS["tree_note_x_mod"]["bad"])
def test_bad_tree_notes_of_xmod_are_refused(body: str) -> None:
    with pytest.raises(NotVerified):
        Checkpoint.parse(body)


@pytest.mark.parametrize("body", VECTORS["checkpoint_body_formats"]["must_parse"])
def test_checkpoint_bodies_are_read_and_written_alike(body: str) -> None:
    checkpoint = Checkpoint.parse(body)
    assert checkpoint.text == body
    assert checkpoint.size in {123, 9944}
    assert checkpoint.extensions == (("lots", "of", "lines") if "lots" in body else ())
    # Their roots are words, not hashes: as text they pass, to be believed they do not.
    with pytest.raises(NotVerified, match=r"root of the checkpoint has \d+ bytes, not 32"):
        open_checkpoint(sign_note(body, LOG), [LOG.verifier])


@pytest.mark.parametrize("body", VECTORS["checkpoint_body_formats"]["must_reject"])
def test_bad_checkpoint_bodies_are_refused(body: str) -> None:
    with pytest.raises(NotVerified):
        Checkpoint.parse(body)


def test_a_foreign_witness_key_and_its_time_are_read() -> None:
    example = VECTORS["cosignature_formats"]
    key = VerifierKey.parse(example["cosigv1_vkey"])
    assert (key.name, key.kind) == ("remora.n621.de", COSIGNATURE)
    assert str(key) == example["cosigv1_vkey"]
    signature = Signature.parse(f"— witness {example['timestamp_sig_b64']}")
    assert time_of(signature.data) == example["timestamp_unix"]
    assert signature.line == f"— witness {example['timestamp_sig_b64']}\n"


def test_the_examples_of_checkpoint_and_cosignature_are_read() -> None:
    for (block,) in (BLOCKS["tlog-checkpoint"], BLOCKS["tlog-cosignature"]):
        parsed = Note.parse(block.encode())
        checkpoint = Checkpoint.parse(parsed.text)
        assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
        assert len(checkpoint.root) == 32
        assert parsed.encode() == block.encode()
        with pytest.raises(NotVerified, match="no known key has signed"):
            open_checkpoint(block.encode(), [LOG.verifier])
    assert parsed.signatures[1].name == "witness.example.com/w1"
    assert time_of(parsed.signatures[1].data) == 1679315147
    message = cosigned_message(parsed.text, 1679315147)
    assert message.startswith(b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n208")


def test_the_shortened_examples_of_witness_and_policy_are_not_notes() -> None:
    (witness,) = BLOCKS["tlog-witness"]
    assert "[...]" in witness
    for block in (witness, *BLOCKS["tlog-policy"]):
        with pytest.raises(NotVerified):
            Note.parse(block.encode())
    lines = witness.split("\n\n")[0].split("\n")[1:]
    assert encode_proof(decode_proof(lines)) == "".join(f"{line}\n" for line in lines)
    named = {f"tlog-{name}" for name in ("checkpoint", "cosignature", "witness", "policy", "proof")}
    assert set(BLOCKS) == named  # the last one: test_receipt.py


# -- Keys -----------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32), st.sampled_from([1, COSIGNATURE]))
def test_keys_come_back_from_their_texts(seed: bytes, kind: int) -> None:
    signer = SignerKey("log.example/ä", seed, kind)
    assert SignerKey.parse(signer.secret_text()) == signer
    assert VerifierKey.parse(str(signer.verifier)) == signer.verifier


def test_a_new_key_is_another_each_time_and_not_shown() -> None:
    one, other = SignerKey.new("log"), SignerKey.new("log")
    assert one != other
    assert one.seed.hex() not in repr(one)
    assert b64encode(one.seed).decode() not in repr(one) + str(one)


KEY = str(LOG.verifier)
SECRET = LOG.secret_text()
BAD_KEYS = {
    "empty": "",
    "no parts": "log",
    "two parts": "+".join(KEY.split("+")[:2]),
    "no name": KEY.removeprefix(LOG.name),
    "another name": "x" + KEY,
    "space in name": "a b" + KEY,
    "no-break space in name": "a\u00a0b" + KEY,
    "line separator in name": "a\u2028b" + KEY,
    "another id": KEY.replace(LOG.verifier.id.hex(), "00000000"),
    "id in capitals": KEY.replace(LOG.verifier.id.hex(), LOG.verifier.id.hex().upper()),
    "long id": KEY.replace(LOG.verifier.id.hex(), "00" + LOG.verifier.id.hex()),
    "one byte short": KEY[:-4],
    "trailing newline": KEY + "\n",
    "leading space": " " + KEY,
    "not base64": KEY[:-1] + "!",
    "stray bits": KEY[:-1] + "=",
    "secret": SECRET,
}


@pytest.mark.parametrize("text", BAD_KEYS.values(), ids=list(BAD_KEYS))
def test_bad_verifier_keys_are_refused(text: str) -> None:
    with pytest.raises(NotVerified):
        VerifierKey.parse(text)


@pytest.mark.parametrize("kind", [0, 2, 3, 5, 7, 255])
def test_kinds_of_keys_that_are_not_understood_are_refused(kind: int) -> None:
    with pytest.raises(NotVerified, match="are not understood"):
        VerifierKey("log", bytes(32), kind)
    with pytest.raises(NotVerified, match="are not understood"):
        SignerKey("log", bytes(32), kind)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        SECRET[1:],
        SECRET.replace("PRIVATE", "private"),
        SECRET[:-4],
        SECRET + "\n",
        SECRET[:-2],
    ],
    ids=["public", "cut", "small letters", "short", "newline", "not base64"],
)
def test_bad_signer_keys_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NotVerified) as refused:
        SignerKey.parse(text)
    assert SECRET[-20:-5] not in str(refused.value)


def test_the_id_of_a_signer_key_is_that_of_its_public_half() -> None:
    other = SECRET.replace(LOG.verifier.id.hex(), NEXT_LOG.verifier.id.hex())
    with pytest.raises(NotVerified, match="not its own"):
        SignerKey.parse(other)


PRIME = 2**255 - 19
OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
WEAK = [0, 1, PRIME - 1, PRIME, PRIME + 1, OF_ORDER_8, PRIME - OF_ORDER_8, PRIME + 2, 2**255 - 1]


@pytest.mark.parametrize("sign_of_x", [0, 1])
@pytest.mark.parametrize("y", WEAK)
def test_a_key_that_anybody_can_sign_for_is_refused(y: int, sign_of_x: int) -> None:
    """Points of small order, and what is not the only spelling of its point."""
    public = (y | sign_of_x << 255).to_bytes(32, "little")
    for kind in (ED25519, COSIGNATURE):
        with pytest.raises(NotVerified, match="is weak"):
            VerifierKey("log", public, kind)


def test_such_a_key_would_have_believed_anything() -> None:
    identity = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything")


# -- Notes ----------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n")).map(
    lambda text: text + "\n"
)


@given(TEXTS)
def test_every_text_is_signed_and_opened(text: str) -> None:
    signed = sign_note(text, LOG, SignerKey("other", bytes(32)))
    opened = open_note(signed, [LOG.verifier])
    assert opened.text == text
    assert Note.parse(signed).encode() == signed


@pytest.mark.parametrize("text", ["", "a", "a\rb\n", "a\tb\n", "\x00\n", "a\r\n"])
def test_a_text_that_is_none_of_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(NotVerified):
        sign_note(text, LOG)


LINE = LOG.sign("text\n").line
ENCODED = LINE.split(" ")[2].strip()
MALFORMED = {
    "nothing": b"",
    "only a blank line": b"\n\n",
    "no blank line": f"text\n{LINE}".encode(),
    "no signature": b"text\n\n",
    "no text": f"\n{LINE}".encode(),
    "no last newline": f"text\n\n{LINE}".encode()[:-1],
    "blank line behind": f"text\n\n{LINE}\n".encode(),
    "text behind": f"text\n\n{LINE}text\n".encode(),
    "carriage return": f"text\n\n{LINE}".replace("\n", "\r\n").encode(),
    "carriage return in a line": f"text\n\n{LINE[:-1]}\r\n".encode(),
    "tab": f"te\txt\n\n{LINE}".encode(),
    "NUL": f"text\x00\n\n{LINE}".encode(),
    "not UTF-8": f"text\n\n{LINE}".encode().replace(b"text", b"te\xfft"),
    "overlong UTF-8": f"text\n\n{LINE}".encode().replace(b"text", b"te\xc0\x80t"),
    "surrogate": f"text\n\n{LINE}".encode().replace(b"text", b"te\xed\xa0\x80t"),
    "hyphen for dash": f"text\n\n{LINE}".replace("— ", "- ").encode(),
    "no dash": f"text\n\n{LINE}".replace("— ", "").encode(),
    "no space after the dash": f"text\n\n{LINE}".replace("— ", "—").encode(),
    "no name": f"text\n\n—  {ENCODED}\n".encode(),
    "two spaces": f"text\n\n— {LOG.name}  {ENCODED}\n".encode(),
    "space behind": f"text\n\n— {LOG.name} {ENCODED} \n".encode(),
    "plus in name": f"text\n\n— a+b {ENCODED}\n".encode(),
    "no-break space in name": f"text\n\n— a\u00a0b {ENCODED}\n".encode(),
    "no signature bytes": f"text\n\n— {LOG.name} \n".encode(),
    "only a name": f"text\n\n— {LOG.name}\n".encode(),
    "only a key id": f"text\n\n— {LOG.name} AAAAAA==\n".encode(),
    "URL base64": f"text\n\n— {LOG.name} -_-_AAAA\n".encode(),
    "base64 without padding": f"text\n\n— {LOG.name} {ENCODED.rstrip('=')}\n".encode(),
    "base64 with a letter of another script": f"text\n\n— {LOG.name} АAAAAAA=\n".encode(),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_notes_are_refused(data: bytes) -> None:
    assert open_note(f"text\n\n{LINE}".encode(), [LOG.verifier])
    with pytest.raises(NotVerified) as refused:
        open_note(data, [LOG.verifier])
    assert len(str(refused.value)) < 200
    assert "no known key" not in str(refused.value) or data.startswith(b"\n")


def test_a_key_is_known_by_name_and_id_together() -> None:
    """Another key under the same name, and the same id under another name, are other keys."""
    signed = sign_note("text\n", LOG)
    assert NEXT_LOG.name == LOG.name
    assert open_note(sign_note("text\n", NEXT_LOG, LOG), [LOG.verifier]).verified[0].key_id == (
        LOG.verifier.id
    )
    with pytest.raises(NotVerified, match="no known key has signed"):
        open_note(signed, [NEXT_LOG.verifier])
    renamed = signed.replace(LOG.name.encode(), b"log.example/other")
    with pytest.raises(NotVerified, match="no known key has signed"):
        open_note(renamed, [LOG.verifier])


def test_a_forged_id_does_not_help() -> None:
    forged = Signature(LOG.name, LOG.verifier.id, NEXT_LOG.sign("text\n").data)
    with pytest.raises(NotVerified, match="does not hold"):
        open_note(Note("text\n", (forged,)).encode(), [LOG.verifier])
    for data in (forged.data[:-1], forged.data + b"\x00", b"\x00"):
        short = Signature(LOG.name, LOG.verifier.id, data)
        with pytest.raises(NotVerified, match="does not hold"):
            open_note(Note("text\n", (short,)).encode(), [LOG.verifier])


def test_a_second_signature_of_a_key_must_hold_too() -> None:
    good = LOG.sign("text\n")
    bad = Signature(good.name, good.key_id, good.data[:-1] + bytes([good.data[-1] ^ 1]))
    for signatures in ((good, bad), (bad, good)):
        with pytest.raises(NotVerified, match="does not hold"):
            open_note(Note("text\n", signatures).encode(), [LOG.verifier])


# -- Checkpoints ----------------------------------------------------------------------------------


def test_a_checkpoint_is_believed_for_the_key_of_its_log() -> None:
    trusted = open_checkpoint(SIGNED, [LOG.verifier])
    assert trusted.checkpoint == THREE
    assert [signer.name for signer in trusted.signers] == [LOG.name]
    assert trusted.cosignatures == ()


def test_extension_lines_are_kept_and_signed() -> None:
    more = Checkpoint(LOG.name, 3, THREE.root, ("one", "— two"))
    signed = sign(more, LOG)
    assert open_checkpoint(signed, [LOG.verifier]).checkpoint == more
    with pytest.raises(NotVerified, match="does not hold"):
        open_checkpoint(signed.replace(b"one", b"ane"), [LOG.verifier])


def test_every_changed_byte_of_a_checkpoint_is_noticed() -> None:
    for changed in all_changes(SIGNED):
        with pytest.raises(NotVerified):
            open_checkpoint(changed, [LOG.verifier])


def test_every_changed_byte_of_a_cosigned_checkpoint_is_noticed() -> None:
    line = cosign(SIGNED, WITNESS, NOON)
    signed = SIGNED + line.encode()
    open_checkpoint(signed, [LOG.verifier], witnesses=[WITNESS.verifier])
    for changed in all_changes(signed):
        with pytest.raises(NotVerified):
            open_checkpoint(changed, [LOG.verifier], witnesses=[WITNESS.verifier])


def all_changes(data: bytes) -> list[bytes]:
    """Each bit turned, each byte left out, one put in anywhere, and the end cut off."""
    turned = [
        data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        for at in range(len(data))
        for bit in range(8)
    ]
    left_out = [data[:at] + data[at + 1 :] for at in range(len(data))]
    put_in = [data[:at] + new + data[at:] for at in range(len(data) + 1) for new in (b"\n", b"A")]
    cut = [data[:at] for at in range(len(data))]
    return [changed for changed in (*turned, *left_out, *put_in, *cut) if changed != data]


BAD_BODIES = {
    "plus sign": f"{LOG.name}\n+3\nROOT\n",
    "minus sign": f"{LOG.name}\n-3\nROOT\n",
    "leading zero": f"{LOG.name}\n03\nROOT\n",
    "two zeros": f"{LOG.name}\n00\nROOT\n",
    "leading space": f"{LOG.name}\n 3\nROOT\n",
    "underscore": f"{LOG.name}\n1_000\nROOT\n",
    "fraction": f"{LOG.name}\n3.0\nROOT\n",
    "exponent": f"{LOG.name}\n3e1\nROOT\n",
    "other digits": f"{LOG.name}\n٣\nROOT\n",
    "2^63": f"{LOG.name}\n9223372036854775808\nROOT\n",
    "2^64": f"{LOG.name}\n18446744073709551616\nROOT\n",
    "many digits": f"{LOG.name}\n{'9' * 5000}\nROOT\n",
    "no size": f"{LOG.name}\n\nROOT\n",
    "no origin": "\n3\nROOT\n",
    "no root": f"{LOG.name}\n3\n\n",
    "short root": f"{LOG.name}\n3\n{b64encode(bytes(31)).decode()}\n",
    "long root": f"{LOG.name}\n3\n{b64encode(bytes(33)).decode()}\n",
    "two lines": f"{LOG.name}\n3\n",
    "empty line among extensions": f"{LOG.name}\n3\nROOT\none\n\ntwo\n",
    "empty last line": f"{LOG.name}\n3\nROOT\n\n",
    "empty tree with another root": f"{LOG.name}\n0\nROOT\n",
    "space behind the root": f"{LOG.name}\n3\nROOT \n",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=list(BAD_BODIES))
def test_bad_checkpoints_are_refused_even_when_signed(body: str) -> None:
    signed = sign_note(body.replace("ROOT", b64encode(THREE.root).decode()), LOG)
    with pytest.raises(NotVerified) as refused:
        open_checkpoint(signed, [LOG.verifier])
    assert len(str(refused.value)) < 200


def test_the_largest_and_the_empty_tree_are_possible() -> None:
    for size, root in [(2**63 - 1, THREE.root), (0, EMPTY_ROOT)]:
        checkpoint = Checkpoint(LOG.name, size, root)
        assert open_checkpoint(sign(checkpoint, LOG), [LOG.verifier]).checkpoint == checkpoint
    with pytest.raises(NotVerified):
        sign(Checkpoint(LOG.name, 0, THREE.root), LOG)
    with pytest.raises(NotVerified):
        Checkpoint(LOG.name, 2**63, THREE.root)
    with pytest.raises(NotVerified):
        Checkpoint("two\nlines", 3, THREE.root)


def test_the_key_of_one_log_does_not_speak_for_another() -> None:
    other = sign(Checkpoint("log.example/other", 3, THREE.root), LOG)
    with pytest.raises(NotVerified, match=r"of another log, 'log\.example/other'"):
        open_checkpoint(other, [LOG.verifier])
    assert open_checkpoint(other, [LOG.verifier], origin="log.example/other")
    with pytest.raises(NotVerified, match="of another log"):
        open_checkpoint(SIGNED, [LOG.verifier], origin="log.example/other")


def test_after_a_rotation_old_and_new_checkpoints_are_believed() -> None:
    for signer in (LOG, NEXT_LOG):
        signed = sign(THREE, signer)
        assert open_checkpoint(signed, [LOG.verifier, NEXT_LOG.verifier])
    both = sign(THREE, LOG, NEXT_LOG)
    for key in (LOG.verifier, NEXT_LOG.verifier):
        assert open_checkpoint(both, [key]).signers[0].key_id == key.id


def test_a_line_that_is_there_twice_counts_once_and_two_lines_of_a_known_key_are_refused() -> None:
    """signed-note, “Signatures”: every line of a known key has to hold; the same line does."""
    line = LOG.sign(THREE.text).line.encode()
    assert len(open_checkpoint(SIGNED + line, [LOG.verifier]).signers) == 1
    seen = cosign(SIGNED, WITNESS, NOON).encode()
    both = {"witnesses": WITNESSES, "quorum": 1}
    trusted = open_checkpoint(SIGNED + seen + seen, [LOG.verifier], **both)
    assert trusted.cosignatures == (Cosignature(WITNESS.name, NOON),)
    with pytest.raises(NotVerified, match="cosigned by 1 of the witnesses, not 2"):
        open_checkpoint(SIGNED + seen + seen, [LOG.verifier], witnesses=WITNESSES)
    unknown = NEXT_LOG.sign(THREE.text).line.encode()
    assert open_checkpoint(SIGNED + unknown + unknown, [LOG.verifier])
    twice = "".join(cosign(SIGNED, WITNESS, NOON + more) for more in (0, 1)).encode()
    with pytest.raises(NotVerified, match="has signed the checkpoint twice"):
        open_checkpoint(SIGNED + twice, [LOG.verifier], witnesses=[WITNESS.verifier])


def test_base64_with_stray_bits_is_rejected_from_a_known_key_and_ignored_from_another() -> None:
    """RFC 4648, 3.5 allows the first; signed-note, “Signatures”, demands the second."""
    line = LOG.sign(THREE.text).line
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = letters.index(line[-3])  # before one “=”, so its two lowest bits mean nothing
    stray = f"{line[:-3]}{letters[last | 1]}=\n" if line[-2] == "=" else line
    assert stray != line
    for data in (SIGNED.replace(line.encode(), stray.encode()), SIGNED + stray.encode()):
        with pytest.raises(NotVerified, match="is not canonical base64"):
            open_checkpoint(data, [LOG.verifier])
    unknown = stray.replace(LOG.name, "stranger.example")
    assert open_checkpoint(SIGNED + unknown.encode(), [LOG.verifier])
    with pytest.raises(NotVerified, match="is not base64"):
        open_checkpoint(SIGNED + unknown.replace("=", "").encode(), [LOG.verifier])


# -- Witnesses ------------------------------------------------------------------------------------

WITNESSES = [WITNESS.verifier, SECOND_WITNESS.verifier]


def test_a_cosignature_says_who_and_when() -> None:
    line = cosign(SIGNED, WITNESS, NOON)
    signed = SIGNED + line.encode()
    trusted = open_checkpoint(signed, [LOG.verifier], witnesses=[WITNESS.verifier])
    assert trusted.cosignatures == (Cosignature(WITNESS.name, NOON),)
    assert open_checkpoint(signed, [LOG.verifier]).cosignatures == ()


def test_as_many_witnesses_as_asked_for_must_have_cosigned() -> None:
    signed = SIGNED + cosign(SIGNED, WITNESS, NOON).encode()
    assert open_checkpoint(signed, [LOG.verifier], witnesses=WITNESSES, quorum=1)
    for quorum in (None, 2):
        with pytest.raises(NotVerified, match="cosigned by 1 of the witnesses, not 2"):
            open_checkpoint(signed, [LOG.verifier], witnesses=WITNESSES, quorum=quorum)
    said = "cosigned by 0 of the witnesses, not 2; missing: witness.example/w1, witness.example/w2"
    with pytest.raises(NotVerified, match=said):
        open_checkpoint(SIGNED, [LOG.verifier], witnesses=WITNESSES)
    full = signed + cosign(signed, SECOND_WITNESS, NOON + 1).encode()
    assert len(open_checkpoint(full, [LOG.verifier], witnesses=WITNESSES).cosignatures) == 2


def test_witnesses_alone_do_not_make_a_checkpoint() -> None:
    line = cosign(SIGNED, WITNESS, NOON)
    alone = Note(THREE.text, (Signature.parse(line[:-1]),)).encode()
    with pytest.raises(NotVerified, match="no known key has signed"):
        open_checkpoint(alone, [LOG.verifier], witnesses=[WITNESS.verifier])


def test_a_cosignature_of_another_time_or_tree_does_not_hold() -> None:
    good = Signature.parse(cosign(SIGNED, WITNESS, NOON)[:-1])
    later = Signature(good.name, good.key_id, (NOON + 1).to_bytes(8, "big") + good.data[8:])
    other = Signature.parse(cosign(sign(TWO, LOG), WITNESS, NOON)[:-1])
    said = cosigned_message(THREE.text, LATEST_TIME + 1).decode()
    data = (LATEST_TIME + 1).to_bytes(8, "big") + SignerKey(good.name, WITNESS.seed).sign(said).data
    too_late = Signature(good.name, good.key_id, data)
    plain = Signature(good.name, good.key_id, good.data[8:])
    for wrong in (later, other, too_late, plain, Signature(good.name, good.key_id, b"\x00")):
        signed = SIGNED + wrong.line.encode()
        with pytest.raises(NotVerified, match="does not hold"):
            open_checkpoint(signed, [LOG.verifier], witnesses=WITNESSES, quorum=0)
        with pytest.raises(NotVerified, match="does not hold"):
            cosigned(signed, WITNESSES)


@pytest.mark.parametrize("time", [1, LATEST_TIME])
def test_a_cosignature_holds_from_the_first_second_to_the_last(time: int) -> None:
    signed = SIGNED + cosign(SIGNED, WITNESS, time).encode()
    (found,) = open_checkpoint(
        signed, [LOG.verifier], witnesses=[WITNESS.verifier], quorum=1
    ).cosignatures
    assert found.time == time


def test_what_a_witness_answers_is_taken_in_only_as_far_as_it_is_known() -> None:
    lines = cosign(SIGNED, WITNESS, NOON) + cosign(SIGNED, SECOND_WITNESS, NOON)
    checkpoint, signatures = cosigned(SIGNED + lines.encode(), [SECOND_WITNESS.verifier])
    assert (checkpoint, [one.name for one in signatures]) == (THREE, [SECOND_WITNESS.name])
    for answer in (
        "",
        "text\n",
        lines[:-1],
        "\n" + lines,
        lines + cosign(SIGNED, SECOND_WITNESS, NOON + 1),
        cosign(SIGNED, WITNESS, NOON),
    ):
        with pytest.raises(NotVerified):
            cosigned(SIGNED + answer.encode(), [SECOND_WITNESS.verifier])


def test_one_key_under_two_names_is_no_two_witnesses() -> None:
    """A cosignature does not commit to the name, so its line can be copied for the other one."""
    again = SignerKey("witness.example/w9", WITNESS.seed, COSIGNATURE)
    for both in ([WITNESS.verifier, again.verifier], [again.verifier, WITNESS.verifier]):
        with pytest.raises(NotVerified, match=r"are one witness: one key"):
            open_checkpoint(SIGNED, [LOG.verifier], witnesses=both, quorum=0)
        with pytest.raises(NotVerified, match=r"are one witness: one key"):
            cosigned(SIGNED, both)


def test_a_line_of_another_kind_does_not_pass_for_a_cosignature() -> None:
    """ML-DSA-44 has ids and lengths of its own; borrowing the id of an Ed25519 key is no help."""
    time = NOON.to_bytes(8, "big")
    foreign = Signature(WITNESS.name, key_id(WITNESS.name, 6, bytes(1312)), time + bytes(2420))
    with pytest.raises(NotVerified, match="no known key has signed"):
        cosigned(SIGNED + foreign.line.encode(), WITNESSES)
    borrowed = Signature(WITNESS.name, WITNESS.verifier.id, time + bytes(2420))
    plain = SignerKey(WITNESS.name, WITNESS.seed).sign(THREE.text)
    as_plain = Signature(WITNESS.name, WITNESS.verifier.id, time + plain.data)
    for wrong in (borrowed, as_plain):
        with pytest.raises(NotVerified, match="does not hold"):
            cosigned(SIGNED + wrong.line.encode(), WITNESSES)
    id = key_id(WITNESS.name, 5, bytes(1312)).hex()
    vkey = f"{WITNESS.name}+{id}+{b64encode(bytes([5]) + bytes(1312)).decode()}"
    with pytest.raises(UnknownKeyKind, match=r"0x05 are not understood"):
        VerifierKey.parse(vkey)


def test_a_key_of_a_log_is_no_key_of_a_witness() -> None:
    with pytest.raises(NotVerified, match="not one of a witness"):
        open_checkpoint(SIGNED, [LOG.verifier], witnesses=[LOG.verifier])
    with pytest.raises(NotVerified, match="not one of a witness"):
        cosigned(SIGNED, [LOG.verifier])
    with pytest.raises(NotVerified, match="not one of a witness"):
        cosign(SIGNED, LOG, NOON)
    with pytest.raises(ValueError, match="needs a time"):
        WITNESS.sign(THREE.text)


# -- Growth ---------------------------------------------------------------------------------------


def test_a_log_that_only_added_is_believed() -> None:
    verify_growth(TWO, THREE, [C])
    verify_growth(THREE, THREE, [])


EMPTY = Checkpoint(LOG.name, 0, EMPTY_ROOT)
BREACHES = {
    "rollback": (THREE, TWO, [C], "rollback: .* had 3 leaves and now has 2"),
    "fork": (THREE, Checkpoint(LOG.name, 3, A), [], "fork: .* two different trees of 3 leaves"),
    "rewrite": (Checkpoint(LOG.name, 2, A), THREE, [C], "kept its first 2 leaves"),
    "no proof": (TWO, THREE, [], "kept its first 2 leaves: the consistency proof is empty"),
    "another log": (TWO, Checkpoint("log.example/x", 3, THREE.root), [C], "is another log than"),
    "nothing to follow": (EMPTY, THREE, [], "an empty tree proves nothing"),
    "nothing at all": (EMPTY, EMPTY, [], "an empty tree proves nothing"),
    "proof for the same": (THREE, THREE, [C], "must be empty"),
}


@pytest.mark.parametrize("old, new, proof, said", BREACHES.values(), ids=list(BREACHES))
def test_a_log_that_did_something_else_is_named(
    old: Checkpoint, new: Checkpoint, proof: list[bytes], said: str
) -> None:
    with pytest.raises(NotVerified, match=said):
        verify_growth(old, new, proof)


@pytest.mark.parametrize("lines", [[""], ["AAAA"], ["!"], [b64encode(bytes(33)).decode()]])
def test_a_proof_of_other_lines_is_refused(lines: list[str]) -> None:
    with pytest.raises(NotVerified, match="proof hash 0"):
        decode_proof(lines)
