"""A receipt proves one fact offline, and every byte of it matters."""

import ast
import json
import shutil
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.checkpoint import Checkpoint, cosign, sign
from domain.note import COSIGNATURE, SignerKey
from domain.receipt import (
    Leaf,
    Link,
    LogProof,
    leaf_bytes,
    make_receipt,
    read_leaf,
    verify_receipt,
)
from domain.tree import LARGEST_ENTRY_BYTES, NotVerified, leaf_hash, node_hash
from scripts.verify import main

ROOT = Path(__file__).resolve().parents[1]
VECTORS = json.loads((ROOT / "tests" / "golden" / "transparency_log.json").read_text("utf-8"))

LOG = SignerKey("log.example/stemma", bytes(range(32)))
WITNESS = SignerKey("witness.example/w1", bytes(range(2, 34)), COSIGNATURE)
NOON = 1_700_000_000

FACT = Leaf(2, "remix-1", 3, "remix.struck", '{"reason":"ä"}'.encode())
LEAF = leaf_bytes(*FACT)
LEFT, RIGHT = sha256(b"left").digest(), sha256(b"right").digest()
TREE = Checkpoint(LOG.name, 3, node_hash(node_hash(LEFT, leaf_hash(LEAF)), RIGHT))
SIGNED = sign(TREE, LOG)
RECEIPT = make_receipt(leaf=LEAF, index=1, proof=[LEFT, RIGHT], checkpoint=SIGNED)


# -- The vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", VECTORS["tlog_proof_formats"]["marshal"])
def test_proofs_are_written_and_read_as_elsewhere(case: dict[str, Any]) -> None:
    words = str(case["hashes"]).replace('sha256("', "").replace('")', "")
    hashes = tuple(sha256(word.encode()).digest() for word in words.split(",") if word)
    proof = LogProof(int(str(case["index"])), hashes, str(case["checkpoint"]).encode())
    assert proof.encode() == str(case["want"]).encode()
    assert LogProof.parse(proof.encode()) == proof


@pytest.mark.parametrize("text", VECTORS["tlog_proof_formats"]["must_reject"])
def test_bad_proofs_of_elsewhere_are_refused(text: str) -> None:
    with pytest.raises(NotVerified):
        LogProof.parse(text.encode())


def test_the_example_of_the_specification_is_read_and_not_believed() -> None:
    """Its signatures are shortened there, so it can be taken apart and no more."""
    (example,) = VECTORS["c2sp_examples"]["fenced_blocks"]["tlog-proof"]
    proof = LogProof.parse(example.encode())
    assert (proof.index, len(proof.hashes)) == (73894, 5)
    assert proof.extra is not None
    assert proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.checkpoint.startswith(b"example.com/fancylog\n109482\n")
    assert proof.encode() == example.encode()
    with pytest.raises(NotVerified, match=r"signature of example.com/fancylog .* is not base64"):
        verify_receipt(example.encode(), [LOG.verifier])


# -- Leaves ---------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)))


@st.composite
def facts(draw: st.DrawFn) -> Leaf:
    """Any leaf, linked to any number of subjects, of some of which it is the first fact."""
    position = draw(NUMBERS)
    links = []
    for subject in draw(st.lists(TEXTS, max_size=3)):
        if position < 2 or draw(st.booleans()):
            links.append(Link(subject, 1))
        else:
            previous = draw(st.integers(1, position - 1))
            number = draw(st.integers(2, previous + 1))
            links.append(Link(subject, number, previous, draw(st.binary(min_size=32, max_size=32))))
    return Leaf(position, draw(TEXTS), draw(NUMBERS), draw(TEXTS), draw(st.binary()), tuple(links))


FACTS = facts()


def test_a_leaf_is_a_line_of_place_and_the_fact() -> None:
    assert LEAF.decode() == (
        '{"stemma":"fact@v1","position":2,"originator_id":"remix-1","originator_version":3,'
        '"topic":"remix.struck"}\n{"reason":"ä"}'
    )


@given(FACTS)
def test_a_fact_comes_back_from_its_leaf(fact: Leaf) -> None:
    assert read_leaf(leaf_bytes(*fact)) == fact


@given(FACTS, FACTS)
def test_two_facts_never_have_one_leaf(one: Leaf, other: Leaf) -> None:
    assert (leaf_bytes(*one) == leaf_bytes(*other)) == (one == other)


def test_a_leaf_is_less_than_64_kib() -> None:
    room = LARGEST_ENTRY_BYTES - len(leaf_bytes(*FACT[:4], b""))
    assert len(leaf_bytes(*FACT[:4], bytes(room))) == LARGEST_ENTRY_BYTES == 2**16 - 1
    with pytest.raises(ValueError, match="65536 bytes is too large"):
        leaf_bytes(*FACT[:4], bytes(room + 1))


WRONG_PLACES = [
    (-1, "id", 1, "topic"),
    (2**63, "id", 1, "topic"),
    (True, "id", 1, "topic"),
    (1.0, "id", 1, "topic"),
    ("1", "id", 1, "topic"),
    (1, "id", -1, "topic"),
    (1, None, 1, "topic"),
    (1, "id", 1, b"topic"),
    (1, "\ud800", 1, "topic"),
]


@pytest.mark.parametrize("place", WRONG_PLACES, ids=range(len(WRONG_PLACES)))
def test_what_is_no_place_has_no_leaf(place: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"of a leaf|surrogates"):
        leaf_bytes(*place, b"{}")


PLACE = LEAF.decode().split("\n")[0]
NO_LEAVES = {
    "nothing": "",
    "no place": "\n{}",
    "no newline": PLACE,
    "not JSON": "{\n{}",
    "a list": "[]\n{}",
    "a text": '"fact"\n{}',
    "null": "null\n{}",
    "empty": "{}\n{}",
    "another form": PLACE.replace("fact@v1", "fact@v2") + "\n{}",
    "without form": PLACE.replace('"stemma":"fact@v1",', "") + "\n{}",
    "space": PLACE.replace(":2", ": 2") + "\n{}",
    "space behind": PLACE + " \n{}",
    "space before": " " + PLACE + "\n{}",
    "carriage return": PLACE + "\r\n{}",
    "another order": json.dumps(dict(reversed(json.loads(PLACE).items()))) + "\n{}",
    "a field more": PLACE[:-1] + ',"x":1}\n{}',
    "the fact inside": PLACE[:-1] + ',"state":"{}"}\n{}',
    "a field less": PLACE.replace('"position":2,', "") + "\n{}",
    "a field twice": PLACE.replace('"position":2', '"position":1,"position":2') + "\n{}",
    "a number as text": PLACE.replace("2", '"2"') + "\n{}",
    "a fraction": PLACE.replace("2", "2.0") + "\n{}",
    "an exponent": PLACE.replace("2", "2e0") + "\n{}",
    "minus zero": PLACE.replace("2", "-0") + "\n{}",
    "not a number": PLACE.replace("2", "NaN") + "\n{}",
    "too large": PLACE.replace("2", str(2**63)) + "\n{}",
    "escaped": PLACE.replace("remix-1", "\\u0072emix-1") + "\n{}",
    "a surrogate": PLACE.replace("remix-1", "\\ud800") + "\n{}",
    "very deep": "[" * 100_000 + "\n{}",
    "very many digits": PLACE.replace("2", "2" * 10_000) + "\n{}",
}


@pytest.mark.parametrize("text", NO_LEAVES.values(), ids=list(NO_LEAVES))
def test_what_is_no_leaf_is_refused(text: str) -> None:
    with pytest.raises(NotVerified, match="the leaf is not"):
        read_leaf(text.encode())


def test_a_leaf_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(NotVerified, match="the leaf is not"):
        read_leaf(LEAF.replace(b"remix-1", b"remix-\xff"))


# -- Receipts -------------------------------------------------------------------------------------


def test_a_receipt_proves_its_fact() -> None:
    receipt = verify_receipt(RECEIPT, [LOG.verifier])
    assert receipt.leaf == FACT
    assert receipt.index == 1
    assert receipt.trusted.checkpoint == TREE


def test_a_receipt_is_a_proof_that_others_read() -> None:
    lines = RECEIPT.decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == f"extra {b64encode(LEAF).decode()}"
    assert lines[2] == "index 1"
    assert RECEIPT.endswith(b"\n\n" + SIGNED)
    assert LogProof.parse(RECEIPT).encode() == RECEIPT


def test_the_receipt_of_a_lone_fact_has_no_hashes() -> None:
    first = FACT._replace(position=1)
    alone = sign(Checkpoint(LOG.name, 1, leaf_hash(leaf_bytes(*first))), LOG)
    receipt = make_receipt(leaf=leaf_bytes(*first), index=0, proof=[], checkpoint=alone)
    assert verify_receipt(receipt, [LOG.verifier]).leaf == first


@pytest.mark.parametrize("position", [1, 3, 7])
def test_a_fact_that_says_that_it_is_elsewhere_is_refused_though_it_is_in_the_log(
    position: int,
) -> None:
    """Otherwise a key registered later would pass for one that was there before what it signed."""
    leaf = leaf_bytes(position, *FACT[1:])
    tree = Checkpoint(LOG.name, 3, node_hash(node_hash(LEFT, leaf_hash(leaf)), RIGHT))
    receipt = make_receipt(leaf=leaf, index=1, proof=[LEFT, RIGHT], checkpoint=sign(tree, LOG))
    with pytest.raises(NotVerified, match=f"position 2: it says that it is at position {position}"):
        verify_receipt(receipt, [LOG.verifier])


def test_every_changed_byte_of_a_receipt_is_noticed() -> None:
    cosigned = SIGNED + cosign(SIGNED, WITNESS, NOON).encode()
    seen = make_receipt(leaf=LEAF, index=1, proof=[LEFT, RIGHT], checkpoint=cosigned)
    assert verify_receipt(seen, [LOG.verifier], witnesses=[WITNESS.verifier])
    for data, witnesses in ((RECEIPT, []), (seen, [WITNESS.verifier])):
        changes = [
            *(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
              for at in range(len(data)) for bit in range(8)),
            *(data[:at] + data[at + 1 :] for at in range(len(data))),
            *(data[:at] + new + data[at:] for at in range(len(data) + 1) for new in (b"\n", b"A")),
            *(data[:at] for at in range(len(data))),
        ]  # fmt: skip
        for changed in changes:
            if changed != data:
                with pytest.raises(NotVerified):
                    verify_receipt(changed, [LOG.verifier], witnesses=witnesses)


TEXT = RECEIPT.decode()
BAD_RECEIPTS = {
    "nothing": "",
    "only a header": "c2sp.org/tlog-proof@v1\n",
    "only a checkpoint": SIGNED.decode(),
    "another version": TEXT.replace("@v1", "@v2"),
    "a line before": "\n" + TEXT,
    "a byte order mark": "\ufeff" + TEXT,
    "carriage returns": TEXT.replace("\n", "\r\n"),
    "no leaf": TEXT.replace(TEXT.split("\n")[1] + "\n", ""),
    "two leaves": TEXT.replace("index", TEXT.split("\n")[1] + "\nindex"),
    "the leaf behind the index": TEXT.replace(
        TEXT.split("\n")[1] + "\nindex 1\n", f"index 1\n{TEXT.splitlines()[1]}\n"
    ),
    "no index": TEXT.replace("index 1\n", ""),
    "index twice": TEXT.replace("index 1\n", "index 1\nindex 1\n"),
    "plus sign": TEXT.replace("index 1", "index +1"),
    "leading zero": TEXT.replace("index 1", "index 01"),
    "two spaces": TEXT.replace("index 1", "index  1"),
    "space behind": TEXT.replace("index 1\n", "index 1 \n"),
    "other digits": TEXT.replace("index 1", "index ١"),
    "index past the size": TEXT.replace("index 1", "index 3"),
    "index of another": TEXT.replace("index 1", "index 0"),
    "index past 2^63": TEXT.replace("index 1", f"index {2**64 + 1}"),
    "no blank line": TEXT.replace("\n\nlog", "\nlog"),
    "two blank lines": TEXT.replace("\n\nlog", "\n\n\nlog"),
    "a hash less": TEXT.replace(b64encode(RIGHT).decode() + "\n", ""),
    "a hash twice": TEXT.replace(b64encode(RIGHT).decode(), f"{b64encode(RIGHT).decode()}\n" * 2),
    "a short hash": TEXT.replace(b64encode(RIGHT).decode(), b64encode(RIGHT[:-1]).decode()),
    "a long hash": TEXT.replace(b64encode(RIGHT).decode(), b64encode(RIGHT + b"x").decode()),
    "hashes turned": make_receipt(
        leaf=LEAF, index=1, proof=[RIGHT, LEFT], checkpoint=SIGNED
    ).decode(),
    "text behind": TEXT + "text\n",
    "a blank line behind": TEXT + "\n",
    "a receipt behind": TEXT + TEXT,
    "another leaf": make_receipt(
        leaf=leaf_bytes(8, *FACT[1:]), index=1, proof=[LEFT, RIGHT], checkpoint=SIGNED
    ).decode(),
    "a leaf of nothing": TEXT.replace(TEXT.split("\n")[1], "extra "),
}


@pytest.mark.parametrize("text", BAD_RECEIPTS.values(), ids=list(BAD_RECEIPTS))
def test_bad_receipts_are_refused(text: str) -> None:
    with pytest.raises(NotVerified) as refused:
        verify_receipt(text.encode(), [LOG.verifier])
    assert len(str(refused.value)) < 200


def test_a_leaf_in_another_form_is_refused_though_it_is_in_the_log() -> None:
    leaf = b"anything"
    alone = sign(Checkpoint(LOG.name, 1, leaf_hash(leaf)), LOG)
    with pytest.raises(NotVerified, match="the leaf is not"):
        verify_receipt(make_receipt(leaf=leaf, index=0, proof=[], checkpoint=alone), [LOG.verifier])


def test_a_node_does_not_pass_for_a_leaf() -> None:
    """The hash of a leaf and that of a node differ in their first byte (second preimage)."""
    inner = LEFT + leaf_hash(LEAF)
    fake = make_receipt(leaf=inner, index=0, proof=[RIGHT], checkpoint=SIGNED)
    with pytest.raises(NotVerified):
        verify_receipt(fake, [LOG.verifier])


def test_only_the_right_key_opens_a_receipt() -> None:
    for other in (SignerKey(LOG.name, bytes(32)), SignerKey("other", LOG.seed), WITNESS):
        with pytest.raises(NotVerified, match="no known key has signed"):
            verify_receipt(RECEIPT, [other.verifier])
    with pytest.raises(NotVerified, match="no known key has signed"):
        verify_receipt(RECEIPT, [])
    with pytest.raises(NotVerified, match="of another log"):
        verify_receipt(RECEIPT, [LOG.verifier], origin="log.example/other")


# -- The command ----------------------------------------------------------------------------------

ALONE = ("domain/__init__.py", "domain/tree.py", "domain/note.py", "domain/ml_dsa.py",
         "domain/trust.py",
         "domain/checkpoint.py",
         "domain/receipt.py", "domain/as_of.py", "domain/chain.py",
         "domain/money/__init__.py", "domain/money/payee.py",
         "domain/seal.py", "domain/signature.py", "domain/stated.py", "domain/identity.py",
         "domain/moment.py", "domain/refusal.py", "domain/printable.py", "domain/promise.py",
         "domain/latest.py", "domain/sparse.py", "domain/paging.py",
         "scripts/__init__.py", "scripts/mirrored.py", "scripts/described.py",
         "scripts/given.py", "scripts/histories.py", "scripts/verify.py")  # fmt: skip


@pytest.mark.parametrize("path", ALONE)
def test_the_verifier_imports_nothing_but_python_and_cryptography(path: str) -> None:
    allowed = {name.removesuffix(".py").replace("/", ".") for name in ALONE}
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module="domain", names=names):
                found = [f"domain.{alias.name}" for alias in names]
            case ast.ImportFrom(module=str(module)):
                found = [module]
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case _:
                continue
        for name in found:
            top = name.partition(".")[0]
            assert name in allowed or top in {"cryptography", *sys.stdlib_module_names}, name


def test_a_few_files_alone_verify_a_receipt(tmp_path: Path) -> None:
    """In an empty folder, isolated from every setting and without the site's start-up."""
    for path in ALONE:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    file = tmp_path / "fact.tlog-proof"
    file.write_bytes(RECEIPT)
    key = tmp_path / "log.vkey"
    key.write_text(f"{LOG.verifier}\n")
    command = [sys.executable, "-I", "-W", "error", str(tmp_path / "scripts" / "verify.py")]
    for named in (str(LOG.verifier), str(key)):
        done = subprocess.run(
            [*command, "receipt", str(file), "--key", named],
            cwd="/",
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert (done.stderr, done.returncode) == ("", 0)
        assert "what        remix.struck\n" in done.stdout
    file.write_bytes(RECEIPT.replace(b"index 1", b"index 2"))
    done = subprocess.run(
        [*command, "receipt", str(file), "--key", str(key)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("NOT VERIFIED: ")


def test_the_command_says_what_is_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cosigned = SIGNED + cosign(SIGNED, WITNESS, NOON).encode()
    file = tmp_path / "fact.tlog-proof"
    file.write_bytes(make_receipt(leaf=LEAF, index=1, proof=[LEFT, RIGHT], checkpoint=cosigned))
    words = ["receipt", str(file), "--key", str(LOG.verifier), "--witness", str(WITNESS.verifier)]
    assert main(words) == 0
    assert capsys.readouterr().out == (
        f"verified    {file}\n"
        "leaf        1\n"
        "log         log.example/stemma\n"
        "size        3\n"
        f"root        {TREE.root.hex()}\n"
        f"signed by   {LOG.name}+{LOG.verifier.id.hex()}\n"
        "witnessed   2023-11-14 22:13:20 UTC by witness.example/w1\n"
        "position    2\n"
        "of          remix-1, fact 3\n"
        "what        remix.struck\n"
        'fact        {"reason":"ä"}\n'
    )


def test_the_command_checks_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "checkpoint"
    file.write_bytes(SIGNED)
    assert main(["checkpoint", str(file), "--key", str(LOG.verifier)]) == 0
    assert "size        3\n" in capsys.readouterr().out
    assert main(["checkpoint", str(file), "--key", str(WITNESS.verifier)]) == 1
    assert "NOT VERIFIED: no known key has signed" in capsys.readouterr().err
    witness = ["--witness", str(WITNESS.verifier)]
    assert main(["checkpoint", str(file), "--key", str(LOG.verifier), *witness]) == 1
    assert "cosigned by 0 of the witnesses, not 1" in capsys.readouterr().err
    quorum = ["--quorum", "0"]
    assert main(["checkpoint", str(file), "--key", str(LOG.verifier), *witness, *quorum]) == 0


@pytest.mark.parametrize("key", ["nonsense", "", "x" * 5000, f"{LOG.verifier}A", __file__])
def test_a_key_that_is_none_is_named_and_not_called_a_forgery(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "receipt"
    file.write_bytes(RECEIPT)
    assert main(["receipt", str(file), "--key", key]) == 2
    said = capsys.readouterr().err
    assert "is neither a public key, as NAME+ID+BASE64, nor a file with some" in said
    assert "NOT VERIFIED" not in said


def test_several_receipts_in_a_file_are_for_another_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "receipts"
    file.write_bytes(RECEIPT * 2)
    assert main(["receipt", str(file), "--key", str(LOG.verifier)]) == 2
    assert "several receipts: “verify history” checks them" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipt", "no-such-file", "--key", str(LOG.verifier)]) == 2
    assert "no-such-file" in capsys.readouterr().err


def test_a_fact_cannot_act_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaf = leaf_bytes(1, "id\x9b", 1, "topic\x1b", '{"reason":"\x9b2J\u202e"}'.encode())
    alone = sign(Checkpoint("log\x9b", 1, leaf_hash(leaf)), LOG)
    file = tmp_path / "receipt"
    file.write_bytes(make_receipt(leaf=leaf, index=0, proof=[], checkpoint=alone))
    words = ["receipt", str(file), "--key", str(LOG.verifier)]
    assert main([*words, "--origin", "log\x9b"]) == 0
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert not {"\x1b", "\x9b"} & {*out, *err}
    assert r"\u009b2J\u202e" in out
    assert 'what        "topic\\u001b"\n' in out
