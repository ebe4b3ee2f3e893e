"""A page without a server says of receipts, and of latest facts, what “stemma verify” says."""

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from browsing import findings
from playwright.sync_api import Browser, Page
from serving import Served, serving
from test_latest import KEY, SIGNER, admit, cheats, rename
from test_monitor import showing
from test_witness import SECOND, STRANGER, WITNESS, WITNESSES, tell, url_of

from domain import note
from domain.checkpoint import Checkpoint, cosign, sign
from domain.latest import sign_map, verify_latest
from domain.note import SignerKey
from domain.receipt import make_receipt, verify_receipt
from domain.tree import NotVerified, leaf_hash, node_hash
from scripts.verify import main

PAGE = Path(__file__).resolve().parents[1] / "api/web/static/check-receipt.html"
INVALID = "Invalid: altered, or from another log"
CHECK = "([receipt, ...said]) => check(Uint8Array.from(receipt), ...said)"


class Given(NamedTuple):
    """A log that grew once, and what it gave out."""

    served: Served
    url: str
    receipts: list[bytes]
    """The first three are under the checkpoint of 300 facts, which witnesses have seen."""
    earlier: str
    later: str


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    database = f"sqlite:///{tmp_path_factory.mktemp('log') / 'a.db'}"
    keys = {"signer": SIGNER, "witnesses": WITNESSES}
    with serving(database, follow=False, **keys) as served:
        note = tell(served, 300)
        text = note.partition(b"\n\n")[0] + b"\n\n"
        for key in (WITNESS, SECOND):
            line = cosign(note, key, int(time.time())).encode()
            served.service.log.add_cosignatures(text + line)
        receipts = [served.service.log.receipt(position) for position in (1, 256, 300)]
        earlier, later = served.service.log.latest().decode(), tell(served, 45).decode()
        receipts.append(served.service.log.receipt(345))
        yield Given(served, url_of(served), receipts, earlier, later)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """The file, opened from the disk."""
    opened = browser.new_page()
    opened.goto(PAGE.as_uri())
    yield opened
    opened.close()


def check(page: Page, receipt: bytes, *said: str) -> dict[str, Any]:
    told: dict[str, Any] = page.evaluate(CHECK, [list(receipt), *said])
    return told


def altered(receipt: bytes) -> Iterator[bytes]:
    """A receipt with one byte changed, every seventh; some are also left out or said twice."""
    for at in range(0, len(receipt), 7):
        yield receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :]
        if not at % 5:
            yield receipt[:at] + receipt[at + 1 :]
            yield receipt[: at + 1] + receipt[at:]
    yield receipt.replace(b"\n", b"\r\n")
    yield b""


def test_a_receipt_is_valid_and_with_a_byte_changed_invalid(page: Page, given: Given) -> None:
    for receipt in given.receipts:
        told = check(page, receipt, KEY)
        assert (told["verdict"], told["why"]) == ("valid", ""), told
        leaf = verify_receipt(receipt, [SIGNER.verifier]).leaf
        facts = dict(told["facts"])
        assert facts["Topic"] == leaf.topic
        assert (facts["Position"], facts["Fact"]) == (leaf.position, leaf.state.decode())
    one, keys = given.receipts[3], [SIGNER.verifier]
    changed = list(altered(one))
    for data in changed:
        with pytest.raises(NotVerified):
            verify_receipt(data, keys)
    answers = checked(page, changed)
    assert {(one["verdict"], one["title"]) for one in answers} == {("invalid", INVALID)}


def checked(page: Page, files: Iterable[bytes]) -> list[dict[str, Any]]:
    many = "([key, all]) => Promise.all(all.map(one => check(Uint8Array.from(one), key)))"
    told: list[dict[str, Any]] = page.evaluate(many, [KEY, [list(data) for data in files]])
    return told


def test_the_latest_fact_is_valid_or_invalid_as_for_the_verifier(page: Page, given: Given) -> None:
    service = given.served.service
    people = admit(service, 40)
    before = service.log.latest_of(people[0])
    rename(service, people[0])
    proofs = [service.log.latest_of(one) for one in (*people, *(str(uuid4()) for _ in range(20)))]
    for proof, told in zip(proofs, checked(page, proofs), strict=True):
        latest = verify_latest(proof, [SIGNER.verifier])
        facts = dict(told["facts"])
        assert (told["verdict"], facts["About"]) == ("valid", latest.subject), told
        assert (facts["Latest"], int(facts["Up to"].split()[1].strip(";"))) == (
            latest.told(),
            latest.size,
        )
        assert ("nothing came after" in told["title"]) == (latest.place is not None)
    changed = [cheat(service, before, proofs[0]) for cheat in cheats().values()]
    changed += altered(proofs[0])
    # That there is nothing about one may prove the same of another.
    about = proofs[-1].split(b"\n")[1]
    changed += [one for one in altered(proofs[-1]) if about in one.split(b"\n")]
    for data in changed:
        with pytest.raises(NotVerified):
            verify_latest(data, [SIGNER.verifier])
    assert {one["title"] for one in checked(page, changed)} == {INVALID}
    assert check(page, proofs[0], f"{KEY} 0-300")["title"] == INVALID
    told = check(page, proofs[0], f"{KEY}\n{STRANGER.verifier}")
    assert (told["verdict"], STRANGER.name in told["why"]) == ("not proven", True)
    told = check(page, proofs[0], KEY, given.earlier, given.url)
    assert dict(told["facts"])["Checkpoint"] == "300 leaves, which agrees"


FIELDS = {"originator_id": "id", "originator_version": 1, "topic": "credit.granted"}
FACT = '{"timestamp":"2026-01-01","actor":"a","role":"x","units":9007199254740993,"lines":[]}'
FIRST, NEXT = ["id", 1], ["id", 2, 1, b64encode(bytes(32)).decode()]


def placed(**other: Any) -> str:
    """The line of place of a leaf, which is the second of its log unless it says otherwise."""
    place = {"stemma": "fact@v1", "position": 2, **FIELDS, **other}
    return json.dumps(place, ensure_ascii=False, separators=(",", ":"))


LEAVES = {
    "as it should be": (placed(), FACT),
    "linked": (placed(links=[FIRST, NEXT]), FACT),
    "elsewhere": (placed(position=1), FACT),
    "beyond the log": (placed(position=7), FACT),
    "a place twice": (placed().replace('"position":2', '"position":1,"position":2'), FACT),
    "a place with a blank": (placed().replace(":2", ": 2"), FACT),
    "a place with a fraction": (placed().replace(":2", ":2.0"), FACT),
    "a place with more": (placed(more=1), FACT),
    "another form": (placed(stemma="fact@v2"), FACT),
    "no version": (placed(originator_version=-1), FACT),
    "a version that is true": (placed(originator_version=True), FACT),
    "the largest version": (placed(originator_version=2**63 - 1), FACT),
    "a topic that is none": (placed(topic=None), FACT),
    "no links": (placed(links=[]), FACT),
    "links of nothing": (placed(links=None), FACT),
    "a link to itself": (placed(links=[["id", 2, 2, NEXT[3]]]), FACT),
    "a link to nothing": (placed(links=[["id", 2, 0, NEXT[3]]]), FACT),
    "a link with a short hash": (placed(links=[["id", 2, 1, "AA=="]]), FACT),
    "a link without hash": (placed(links=[["id", 2, 1]]), FACT),
    "a field twice": (placed(), FACT.replace('"role"', '"role":"y","role"')),
    "a field twice inside": (placed(), FACT.replace("[]", '[{"a":1,"a":2}]')),
    "a field with a blank": (placed(), FACT.replace('"role":', '"role": ')),
    "a field that is escaped": (placed(), FACT.replace('"x"', '"\\u0078"')),
    "half a surrogate pair": (placed(), FACT.replace('"x"', '"\\ud800"')),
    "a fraction": (placed(), FACT.replace("9007199254740993", "1.5")),
    "an exponent": (placed(), FACT.replace("9007199254740993", "1e5")),
    "minus zero": (placed(), FACT.replace("9007199254740993", "-0")),
    "not a number": (placed(), FACT.replace("9007199254740993", "NaN")),
    "an actor that is none": (placed(), FACT.replace('"a"', "1")),
    "a name with a quotation mark": (placed(), FACT.replace('"x"', '"\\":\\""')),
    "a list": (placed(), "[]"),
    "no fact": (placed(), "fact"),
}


VALID = {"as it should be", "linked", "the largest version", "a name with a quotation mark"}


def test_a_leaf_is_valid_or_invalid_as_for_the_verifier(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator can put anything into the log and sign it."""
    found = []
    for line, fact in LEAVES.values():
        leaf, before = f"{line}\n{fact}".encode(), leaf_hash(b"before")
        tree = Checkpoint(SIGNER.name, 2, node_hash(before, leaf_hash(leaf)))
        note = sign(tree, SIGNER)
        found.append(make_receipt(leaf=leaf, index=1, proof=[before], checkpoint=note))
    file = tmp_path / "one.receipt"
    for name, data, told in zip(LEAVES, found, checked(page, found), strict=True):
        file.write_bytes(data)
        is_valid = main(["receipt", str(file), "--key", KEY]) == 0
        assert (told["verdict"] == "valid") == is_valid, (name, told, capsys.readouterr())
        assert is_valid == (name in VALID), name


@pytest.mark.parametrize("size, value", [(5, "1 5"), (5, "5"), (5, "1  5"), (5, "2 1"), (0, "")])
def test_a_map_is_valid_or_invalid_as_for_the_verifier(page: Page, size: int, value: str) -> None:
    """Also one that no log makes, but its operator can sign."""
    root = leaf_hash(sha256(b"id").digest() + sha256(value.encode()).digest())
    tree = Checkpoint(SIGNER.name, size, sha256(b"tree").digest())
    map = sign_map(tree, root if value else bytes(32), SIGNER)
    said = f"stemma-latest@v1\nof id\nfact {value or 'none'}\n\n".encode()
    proof = said + map + b"\n" + note.sign(tree.text, SIGNER)
    is_valid = value == "1 5"
    with nullcontext() if is_valid else pytest.raises(NotVerified):
        verify_latest(proof, [SIGNER.verifier])
    assert check(page, proof, KEY)["verdict"] == ("valid" if is_valid else "invalid")


def test_a_receipt_of_another_log_is_invalid(page: Page, given: Given) -> None:
    (receipt, *_) = given.receipts
    others = [SignerKey.new(SIGNER.name), SignerKey("other.example/log", SIGNER.seed)]
    for other in others:
        told = check(page, receipt, str(other.verifier))
        assert (told["title"], told["why"]) == (INVALID, "no key that you named has signed it")
    told = check(page, receipt, f"{KEY} 301-")
    assert (told["title"], "does not count for the size 300" in told["why"]) == (INVALID, True)
    assert check(page, receipt, f"{KEY} 0-300")["verdict"] == "valid"


def test_witnesses_that_were_named_must_have_seen_the_tree(page: Page, given: Given) -> None:
    receipt, keys = given.receipts[0], [str(key) for key in WITNESSES]
    told = check(page, receipt, "\n".join([KEY, *keys]))
    assert [value.partition(",")[0] for name, value in told["facts"] if name == "Seen by"] == [
        WITNESS.name,
        SECOND.name,
    ]
    told = check(page, receipt, f"{KEY}\n{STRANGER.verifier}")
    assert (told["verdict"], STRANGER.name in told["why"]) == ("not proven", True)
    at = receipt.rindex(b" ") + 40
    other = receipt[:at] + (b"A" if receipt[at : at + 1] != b"A" else b"B") + receipt[at + 1 :]
    assert check(page, other, KEY)["verdict"] == "valid"  # a stranger's line says nothing
    assert check(page, other, "\n".join([KEY, *keys]))["title"] == INVALID


def test_a_key_that_is_none_is_not_called_a_forgery(page: Page, given: Given) -> None:
    (receipt, *_) = given.receipts
    weak = "example.org/log+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    for key in ("", "stemma", KEY[:-1], KEY.replace("+", "+0", 1), weak, SIGNER.secret_text()):
        assert check(page, receipt, key)["verdict"] == "cannot check", key
    several = check(page, receipt * 2, KEY)
    assert (several["verdict"], "several receipts" in several["why"]) == ("cannot check", True)


def test_a_checkpoint_is_compared_as_far_as_it_is_shown(page: Page, given: Given) -> None:
    receipt = given.receipts[0]
    assert check(page, receipt, KEY, given.earlier)["verdict"] == "valid"
    told = check(page, receipt, KEY, given.later)
    assert (told["verdict"], "give the address of the log" in told["why"]) == ("not proven", True)
    for said in ((given.later, given.url), ("", f"{given.url}/"), (given.earlier, given.url)):
        told = check(page, receipt, KEY, *said)
        assert (told["verdict"], told["why"]) == ("valid", ""), told
    told = check(page, given.receipts[3], KEY, given.earlier, given.url)
    assert dict(told["facts"])["Checkpoint"] == "300 leaves, which agrees"
    told = check(page, receipt, KEY, given.later, "http://127.0.0.1:9/log")
    assert (told["verdict"], "could not be asked" in told["why"]) == ("not proven", True)


def test_a_checkpoint_of_a_fork_is_noticed(page: Page, given: Given, tmp_path: Path) -> None:
    receipt, keys = given.receipts[0], {"signer": SIGNER, "follow": False}
    with serving(f"sqlite:///{tmp_path / 'fork.db'}", **keys) as fork:
        same_size, larger = tell(fork, 300).decode(), tell(fork, 45).decode()
        assert check(page, receipt, KEY, same_size)["title"] == INVALID
        for said in ((larger, url_of(fork)), (larger, given.url), ("", url_of(fork))):
            assert check(page, receipt, KEY, *said)["title"] == INVALID, said


def test_a_browser_that_lacks_the_cryptography_is_told(page: Page, given: Given) -> None:
    (receipt, *_) = given.receipts
    without = """([receipt, key]) => {
        const real = crypto.subtle.importKey;
        crypto.subtle.importKey = () => { throw new DOMException("", "NotSupportedError"); };
        const restore = () => { crypto.subtle.importKey = real; };
        return check(Uint8Array.from(receipt), key).finally(restore);
    }"""
    told = page.evaluate(without, [list(receipt), KEY])
    assert told["title"] == "It could not be checked here"
    assert "cannot check Ed25519 signatures" in told["why"]
    assert check(page, receipt, KEY)["verdict"] == "valid"


def test_the_page_works_from_the_disk_and_from_another_site(
    browser: Browser, given: Given, tmp_path: Path
) -> None:
    file, foreign = tmp_path / "good.receipt", tmp_path / "foreign.receipt"
    file.write_bytes(given.receipts[0])
    foreign.write_bytes(given.receipts[0].replace(b"\nindex 0\n", b"\nindex 1\n"))
    with showing(PAGE.parent) as origin:
        for address in (PAGE.as_uri(), f"{origin}/{PAGE.name}"):
            page, said = browser.new_page(), list[str]()
            page.on("console", lambda one, said=said: said.append(one.text))
            page.on("pageerror", lambda one, said=said: said.append(str(one)))
            page.goto(address)
            page.get_by_label("The public key of the log").fill(KEY)
            page.get_by_label("The address of the log").fill(given.url)
            for receipt, title in ((file, "Valid: this fact is in the log"), (foreign, INVALID)):
                page.get_by_label("The receipt or the proof, as a file").set_input_files(receipt)
                page.get_by_role("button", name="Check").click()
                page.get_by_role("heading", name=title).wait_for()
            page.get_by_label("The receipt or the proof, as a file").set_input_files([])
            page.get_by_label("or its text").fill(given.receipts[1].decode().rstrip("\n"))
            page.get_by_role("button", name="Check").click()
            page.get_by_role("heading", name="Valid: this fact is in the log").wait_for()
            assert findings(page) == []
            assert said == []
            page.close()


def test_nothing_but_the_script_of_the_page_may_run_in_it() -> None:
    text = PAGE.read_text("utf-8")
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert not re.search(r'[ \n](src|href|on\w+)="', text)


def test_the_audit_page_gives_the_checker_to_keep(given: Given) -> None:
    client = given.served.app.test_client()
    assert f'href="/static/{PAGE.name}" download' in client.get("/audit").text
    with client.get(f"/static/{PAGE.name}") as answer:
        assert answer.data == PAGE.read_bytes()
