"""A verifier written from the documents alone believes what the log gives out, and finds each lie.

Rule: ``by_the_documents`` imports nothing of Stemma.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree

import by_the_documents as outsider
import pytest
from by_the_documents import Invalid
from serving import OPERATOR_KEY, Client, serving
from stories import every_fact, story

from api.web.guides import FOLDER
from domain.note import SignerKey
from scripts.bundle import sealed_lines
from scripts.mirror import mirror
from scripts.remote import Remote

SIGNER = SignerKey.new("stemma.example/log")
KEY = str(SIGNER.verifier)


@dataclass
class Given:
    """What a log that holds every kind of fact gave out."""

    ask: Client
    stranger: Client
    size: int
    mirror: Path
    export: list[str]
    promise: str


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    folder = tmp_path_factory.mktemp("documents")
    database = f"sqlite:///{folder / 'stemma.db'}"
    with story(database, signer=SIGNER) as told:
        every_fact(told)
        told.service.log.catch_up()  # as of this size is a proof from an earlier tree
    with serving(database, signer=SIGNER) as served:
        made = served.operator.post("/contributors", name="Zoë")
        stranger, promise = served.acting(made.id), made.json["promise"]
        log = served.service.log
        size = log.catch_up()
        remote = Remote(f"{served.origin}/log", [SIGNER.verifier], api_key=OPERATOR_KEY)
        mirror(remote, folder / "mirror")
        lines = list(sealed_lines(served.service.journal, log))
        yield Given(served.operator, stranger, size, folder / "mirror", lines, promise)


@pytest.fixture(scope="module")
def leaves(given: Given) -> list[bytes]:
    return outsider.mirror(given.mirror, KEY)


def subjects(leaves: list[bytes]) -> dict[str, int]:
    """The number of facts about each subject."""
    links = (link for leaf in leaves for link in outsider.place_of(leaf).get("links", ()))
    return {subject: number for subject, number, *_ in links}


def test_a_mirror_follows_from_its_leaves(given: Given, leaves: list[bytes]) -> None:
    assert len(leaves) == given.size > 100


def test_every_receipt_is_believed(given: Given, leaves: list[bytes]) -> None:
    for position in (*range(1, given.size, 17), given.size):
        text = given.ask.get(f"/facts/{position}/receipt").text
        assert outsider.receipt(text, KEY) == leaves[position - 1]


def test_every_history_is_whole_and_ends_where_the_map_says(
    given: Given, leaves: list[bytes]
) -> None:
    counted = subjects(leaves)
    for leaf in leaves:
        noun = outsider.place_of(leaf)["topic"].partition(".")[0]
        path = {"contribution": "works", "contributor": "contributors", "project": "projects"}
        subject = outsider.place_of(leaf)["originator_id"]
        if noun in path and subject in counted:
            text = given.ask.get(f"/{path[noun]}/{subject}/history.receipts").text
            number, position, _ = outsider.history(text, KEY, subject)
            assert number == counted.pop(subject)
            proof = given.ask.get(f"/log/latest/{subject}").text
            assert outsider.latest(proof, KEY, subject) == f"{number} {position}"


def test_a_history_says_which_facts_a_reader_may_not_read(
    given: Given, leaves: list[bytes]
) -> None:
    (release, *_) = (
        outsider.fact_of(leaf)["release"]
        for leaf in leaves
        if outsider.place_of(leaf)["topic"] == "entry.divided"
    )
    path = f"/works/{release}/history.receipts"
    whole, part = given.ask.get(path).text, given.stranger.get(path).text
    assert not whole.startswith("withheld ")
    assert part.startswith("withheld ")
    number, *_ = outsider.history(whole, KEY, release)
    assert outsider.history(part, KEY, release)[0] <= number
    line, _, receipts = part.partition("\n")
    with pytest.raises(Invalid, match="does not follow"):
        outsider.history(receipts, KEY, release)
    with pytest.raises(Invalid, match="does not follow"):
        outsider.history(f"{line.rpartition(' ')[0]}\n{receipts}", KEY, release)


def test_of_what_there_is_no_fact_about_that_is_proven(given: Given) -> None:
    for last in range(20):  # in some places there is another key, in some none
        nobody = f"00000000-0000-4000-8000-{last:012}"
        assert outsider.latest(given.ask.get(f"/log/latest/{nobody}").text, KEY, nobody) == "none"


def test_the_log_has_kept_what_it_held(given: Given, leaves: list[bytes]) -> None:
    hashes = [outsider.hashed(b"\0", leaf) for leaf in leaves]
    for size in (*range(1, given.size, 13), 64, 128, given.size):
        text = given.ask.get(f"/log/as-of/{size}").text
        assert outsider.as_of(text, KEY) == (size, outsider.root_of(hashes[:size]))


def test_a_promise_is_kept(given: Given, leaves: list[bytes]) -> None:
    position, hash = outsider.promise(given.promise, KEY)
    assert outsider.hashed(b"\0", leaves[position - 1]) == hash


def test_an_export_holds_the_facts_of_the_log_and_their_texts(
    given: Given, leaves: list[bytes]
) -> None:
    outsider.export(given.export, leaves)
    *before, last = given.export
    at = next(n for n, line in enumerate(before) if "texts" in json.loads(line))
    text = json.loads(before[at])["texts"][0][4]
    for part, into, why in (
        (json.dumps(text), json.dumps(f"{text}."), f"a text of fact {at} is another"),
        (f'"position": {at},', f'"position": {at + 1},', f"fact {at + 1} is another"),
        ('"topic": "', '"topic": "x', f"fact {at} is another"),
        ('"state": "{', '"state": "{ ', f"fact {at} is another"),
    ):
        changed = [*before[:at], altered(before[at], part, into), *before[at + 1 :]]
        with pytest.raises(Invalid, match="the export was changed"):
            outsider.export([*changed, last], leaves)
        with pytest.raises(Invalid, match=why):
            outsider.export([*changed, sealed(changed)], leaves)


def sealed(lines: list[str]) -> str:
    """The last line of an export, by somebody who changed the others."""
    digest = sha256("".join(lines).encode()).hexdigest()
    return json.dumps({"type": "export.end", "facts": len(lines) - 1, "sha256": digest})


MOVES = ("share.claimed", "payee.identified", "contributor.merged")


def test_what_payees_are_owed_follows_from_the_facts(given: Given, leaves: list[bytes]) -> None:
    told, found = Counter[str](), Counter[str]()
    moved = {
        outsider.fact_of(leaf).get(name, outsider.place_of(leaf)["originator_id"])
        for leaf in leaves
        for name in ("payee", "contributor", "into", "")
        if outsider.place_of(leaf)["topic"] in MOVES
    }
    owed = outsider.owed(leaves)
    for one in given.ask.get("/balances?limit=200").items:
        payee, currency = one["payee"]["id"], one["currency"]
        told[currency] += one["owed_minor"] - one["debt_minor"]
        if payee not in moved:
            assert owed[payee, currency] == one["owed_minor"] - one["debt_minor"]
    for (_, currency), amount in owed.items():
        found[currency] += amount
    assert found == told
    assert len(owed) > len(moved)


def altered(text: str, part: str, into: str) -> str:
    assert part in text
    return text.replace(part, into, 1)


def test_a_changed_file_is_refused(given: Given, leaves: list[bytes]) -> None:
    subject = next(iter(subjects(leaves)))
    files: list[tuple[str, Callable[[str], object]]] = [
        ("/facts/20/receipt", lambda text: outsider.receipt(text, KEY)),
        ("/log/as-of/20", lambda text: outsider.as_of(text, KEY)),
        (f"/log/latest/{subject}", lambda text: outsider.latest(text, KEY, subject)),
    ]
    for path, check in files:
        lines = given.ask.get(path).text.splitlines(keepends=True)
        check("".join(lines))
        for number, line in enumerate(lines[:-1]):
            if line.strip():
                with pytest.raises((Invalid, ValueError, LookupError)):
                    check("".join(lines[:number] + lines[number + 1 :]))


def test_a_fact_that_is_changed_left_out_or_moved_is_named(
    given: Given, leaves: list[bytes], tmp_path: Path
) -> None:
    by_the_operator = b'"actor":"operator"'
    at = next(n for n, leaf in enumerate(leaves) if by_the_operator in leaf)
    edited = [*leaves]
    edited[at] = edited[at].replace(by_the_operator, b'"actor":"0perator"')
    for changed, why in (
        (edited, "does not follow fact|another root"),
        (leaves[:-1], f"{given.size - 1} leaves are not {given.size}"),
        ([*leaves[:5], *leaves[6:], leaves[5]], "position 6 holds another"),
    ):
        assert changed != leaves
        with pytest.raises(Invalid, match=why):
            outsider.mirror(rewritten(given.mirror, changed, tmp_path / why[:9]), KEY)


def rewritten(mirror: Path, leaves: list[bytes], into: Path) -> Path:
    """A mirror with other leaves."""
    copytree(mirror, into)
    bundles = sorted(one for one in (into / "tile" / "entries").rglob("*") if one.is_file())
    for number, file in enumerate(bundles):
        held = leaves[number * 256 : number * 256 + 256]
        file.write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in held))
    return into


def test_the_page_has_an_example_that_is_true() -> None:
    text = (FOLDER / "reference" / "proofs.md").read_text("utf-8")
    place, state = text.partition("```text\n")[2].partition("\n```")[0].split("\n")
    digest = outsider.digest_of("AAECAwQFBgcICQoLDA0ODw", "name", "Ana")
    assert json.loads(state)["name"] == digest
    assert outsider.subjects_of(f"{place}\n{state}".encode()) == {
        json.loads(place)["originator_id"]
    }
