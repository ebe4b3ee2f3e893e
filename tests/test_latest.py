"""The latest fact about a work or a person, or that there is none, is proved from a signed map."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from serving import OPERATOR_KEY, Served, serving
from smt.proof import SparseMerkleProof, verify_proof
from smt.store import TreeMemoryStore
from smt.tree import SparseMerkleTree
from stories import carry_out
from test_witness import WITNESS

from domain import sparse
from domain.checkpoint import Checkpoint, cosign
from domain.commands.admitting import AdmitContributor
from domain.latest import Latest, MapOf, Place, leaf_for, path_of, sign_map, verify_latest
from domain.note import Note, SignerKey
from domain.refusal import MapNotKept, NotInLog
from domain.sparse import MapLeaf, Node, Proof
from domain.tree import NotVerified
from projections.log import Log
from projections.progress import no_progress
from projections.readiness import Readiness
from scripts.audit import CHECKS
from scripts.difference import all_differences
from scripts.layout import upgrade
from scripts.mirror import mirror
from scripts.remote import Remote
from scripts.service import Service, open_service
from scripts.stemma import main

SIGNER = SignerKey.new("stemma.example/log")
KEY = str(SIGNER.verifier)


@pytest.fixture
def logged(database: str) -> Iterator[Service]:
    with open_service(database, signer=SIGNER) as service:
        yield service


def admit(service: Service, count: int = 1) -> list[str]:
    """People, each with a first fact."""
    draft = service.journal.draft()
    people = [
        carry_out(draft, "admit_contributor", actor="operator", name=f"person {number}").id
        for number in range(count)
    ]
    service.journal.commit(draft)
    service.log.catch_up()
    return people


def rename(service: Service, person: str) -> None:
    """A further fact about a person."""
    draft = service.journal.draft()
    carry_out(draft, "rename_contributor", actor="operator", id=person, name=f"name {uuid4()}")
    service.journal.commit(draft)
    service.log.catch_up()


def opened(proof: bytes) -> Latest:
    return verify_latest(proof, [SIGNER.verifier])


# -- the tree ------------------------------------------------------------------------------------

Batches = st.lists(
    st.dictionaries(st.integers(0, 40), st.integers(0, 9), min_size=1, max_size=12), max_size=5
)


class Naive:
    """The same map by the library that others wrote, one key after another."""

    def __init__(self) -> None:
        self.tree = SparseMerkleTree(TreeMemoryStore())

    def put(self, key: bytes, value: bytes) -> None:
        self.tree.update(key, value)

    def believes(self, proof: Proof, key: bytes, value: bytes | None) -> bool:
        other = None if proof.other is None else b"\x00" + proof.other.data
        theirs = SparseMerkleProof(list(proof.beside), other, None)
        return bool(verify_proof(theirs, self.tree.root, key, value or b""))


@given(Batches)
def test_the_map_is_that_of_others_and_they_believe_its_proofs(
    batches: list[dict[int, int]],
) -> None:
    theirs, held, nodes = Naive(), dict[bytes, bytes](), dict[int, Node]()

    def read(places: object) -> dict[int, Node]:
        return {one: nodes[one] for one in places if one in nodes}  # type: ignore[attr-defined]

    for batch in batches:
        told = {b"key %d" % key: b"value %d" % value for key, value in batch.items()}
        for key, value in told.items():
            theirs.put(key, value)
        held |= told
        nodes |= sparse.put([sparse.leaf_of(*one) for one in told.items()], read)
        assert sparse.hash_of(nodes.get(sparse.ROOT)) == theirs.tree.root
    root = sparse.root_of(sparse.leaf_of(*one) for one in held.items())
    assert root == theirs.tree.root
    for key in (b"key %d" % number for number in range(42)):
        leaf = sparse.leaf_of(key, held.get(key, b""))
        proof = sparse.prove(leaf.path, read)
        sparse.verify(proof, leaf.path, leaf.value if key in held else None, root)
        assert theirs.believes(proof, key, held.get(key))
        with pytest.raises(NotVerified):
            sparse.verify(proof, leaf.path, None if key in held else leaf.value, root)
        assert not theirs.believes(proof, key, b"another")
        assert not theirs.believes(proof, key, None if key in held else b"something")


def test_two_keys_that_differ_in_their_last_bit_have_two_places() -> None:
    low, high = (MapLeaf(bytes(31) + bytes([last]), bytes(32)) for last in (0, 1))
    nodes = sparse.put([low, high], lambda _: {})
    read = lambda places: {one: nodes[one] for one in places if one in nodes}  # noqa: E731
    root = sparse.hash_of(nodes[sparse.ROOT])
    proof = sparse.prove(high.path, read)
    assert len(proof.beside) == 256
    sparse.verify(proof, high.path, high.value, root)
    with pytest.raises(NotVerified):
        sparse.verify(proof, low.path, None, root)


# -- proofs of a log -----------------------------------------------------------------------------


def test_each_subject_has_the_proof_of_its_latest_fact(logged: Service) -> None:
    people = admit(logged, 30)
    for person in (people[3], people[3], people[7]):
        rename(logged, person)
    for person in people:
        told = opened(logged.log.latest_of(person))
        number, position = logged.engine.query(
            "SELECT number, position FROM heads WHERE subject = :one", one=person
        )[0]
        assert told.place == Place(number, position)
        assert told.subject == person
        assert told.size == logged.journal.facts.head()
    nobody = str(uuid4())
    assert opened(logged.log.latest_of(nobody)).place is None


def cheats() -> dict[str, Callable[[Service, bytes, bytes], bytes]]:
    """What an operator might hand out: by service, the proof from before, and the present one."""

    def another_map(service: Service, place: Place | None, person: str) -> bytes:
        """The proof of a map that says so, under the map that was signed."""
        size = service.log.map.size()
        map, note = service.log.map_of(size), service.log.latest()
        leaf = leaf_for(person, place) if place else None
        nodes = sparse.put([leaf] if leaf else [], lambda _: {})
        proof = sparse.prove(path_of(person), lambda all: {n: nodes[n] for n in all if n in nodes})
        text = f"{'none' if place is None else place}"
        head = f"stemma-latest@v1\nof {person}\nfact {text}\n"
        hashes = "".join(f"{one.hex()}\n" for one in proof.beside)
        return head.encode() + hashes.encode() + b"\n" + map + b"\n" + note

    def older_value(_: Service, before: bytes, now: bytes) -> bytes:
        old = before.split(b"\n")[2]
        return now.replace(now.split(b"\n")[2], old)

    def older_map(_: Service, before: bytes, now: bytes) -> bytes:
        parts = before.split(b"\n\n")
        return b"\n\n".join([*parts[:3], *now.split(b"\n\n")[3:]])

    def absent(_: Service, before: bytes, now: bytes) -> bytes:
        return now.replace(now.split(b"\n")[2], b"fact none")

    def of_another(_: Service, before: bytes, now: bytes) -> bytes:
        return now.replace(now.split(b"\n")[1], b"of " + str(uuid4()).encode())

    def hidden(service: Service, before: bytes, now: bytes) -> bytes:
        return another_map(service, None, opened(now).subject)

    def invented(service: Service, before: bytes, now: bytes) -> bytes:
        return another_map(service, Place(1, 1), opened(now).subject)

    def unsigned(service: Service, before: bytes, now: bytes) -> bytes:
        tree = opened(now).trusted.checkpoint
        person = opened(now).subject
        root = sparse.root_of([leaf_for(person, Place(1, 1))])
        forged = sign_map(tree, root, SignerKey.new(SIGNER.name)).decode()
        note = now.split(b"\n\n", 3)[3]
        head = f"stemma-latest@v1\nof {person}\nfact 1 1\n\n"
        return head.encode() + forged.encode() + b"\n" + note

    return {
        function.__name__: function
        for function in (older_value, older_map, absent, of_another, hidden, invented, unsigned)
    }


@pytest.mark.parametrize("cheat", cheats())
def test_a_proof_that_says_something_else_is_refused(cheat: str, logged: Service) -> None:
    people = admit(logged, 12)
    before = logged.log.latest_of(people[5])
    rename(logged, people[5])
    now = logged.log.latest_of(people[5])
    assert opened(now).place == Place(2, 13)
    with pytest.raises(NotVerified):
        opened(cheats()[cheat](logged, before, now))


def test_a_proof_of_another_form_is_refused(logged: Service) -> None:
    person = admit(logged, 9)[2]
    proof = logged.log.latest_of(person)
    for was, becomes, why in (
        (b"stemma-latest@v1\n", b"stemma-latest@v2\n", "is not a stemma-latest@v1"),
        (b"\nfact ", b"\n", "does not say"),
        (b"\nfact ", b"\nlatest ", "does not say"),
        (b"\nof ", b"\n", "does not say"),
        (b"\nof ", b"\n\nof ", "with two notes below"),
    ):
        with pytest.raises(NotVerified, match=why):
            opened(proof.replace(was, becomes, 1))
    with pytest.raises(NotVerified, match="with two notes below"):
        opened(b"stemma-latest@v1\nof it\n\n" + proof.partition(b"\n\n")[2])
    text = Note.parse(logged.log.map_of(9)).text
    assert MapOf.parse(text).text == text
    for other in (text.replace("@v1", "@v2"), f"{text}more\n", text.rpartition("\n")[0]):
        with pytest.raises(NotVerified, match="the note is not a stemma-map@v1"):
            MapOf.parse(other)


def test_every_byte_of_a_proof_counts(logged: Service) -> None:
    person = admit(logged, 9)[2]
    proof = logged.log.latest_of(person)
    for at in range(0, len(proof), 3):
        changed = bytearray(proof)
        changed[at] ^= 4
        with pytest.raises(NotVerified):
            opened(bytes(changed))
        with pytest.raises(NotVerified):
            opened(proof[:at])


def test_a_proof_is_under_the_tree_that_was_signed_while_the_log_grows_on(
    logged: Service,
) -> None:
    people = admit(logged, 5)
    sizes = [logged.log.map.size()]
    for _ in range(4):
        rename(logged, people[0])
        sizes.append(logged.log.map.size())
    for number, size in enumerate(sizes, start=1):
        assert logged.log.map.proof(people[0], size)[0] == Place(number, 1 if number == 1 else size)
        must_be_proved(logged, people[0], size)


def must_be_proved(service: Service, subject: str, size: int) -> None:
    """What the map proves about a subject at a size is under the root that was signed."""
    place, proof = service.log.map.proof(subject, size)
    root = MapOf.parse(Note.parse(service.log.map_of(size)).text).root
    value = None if place is None else leaf_for(subject, place).value
    sparse.verify(proof, path_of(subject), value, root)


def test_a_map_filled_in_many_pages_keeps_what_was_signed_and_nothing_else(
    logged: Service,
) -> None:
    people = admit(logged, 40)
    signed, rows = logged.log.map.size(), kept(logged)
    draft = logged.journal.draft()
    for number in range(30):
        one = people[number % 20]
        carry_out(draft, "rename_contributor", actor="operator", id=one, name=f"name {number}")
    logged.journal.commit(draft)
    logged.log.integrate()
    assert logged.log.map.grow(logged.log.size())
    at_once = kept(logged) - rows
    logged.engine.execute("DELETE FROM log_map WHERE since > :size", size=signed)
    logged.engine.execute("UPDATE log_map_size SET size = :size", size=signed)
    assert kept(logged) == rows
    for size in range(signed + 1, logged.log.size() + 1):
        assert logged.log.map.grow(size)
    assert kept(logged) - rows == at_once
    logged.log.sign()
    for person in people:
        must_be_proved(logged, person, signed)
        must_be_proved(logged, person, logged.log.map.size())
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), str)


@pytest.mark.parametrize("size", [-5, 0, 1, 6, 100])
def test_a_map_of_another_size_than_its_rows_is_not_signed_and_can_be_made_anew(
    database: str, logged: Service, size: int
) -> None:
    """Grown on from there, it would have lacked facts, and its root would have been signed."""
    admit(logged, 5)
    with open_service(database) as unsigned:
        unsigned.journal.record(AdmitContributor(name="Ana"))
        unsigned.journal.record(AdmitContributor(name="Ben"))
    logged.engine.execute("UPDATE log_map_size SET size = :size", size=size)
    with pytest.raises(NotVerified, match=f"said to be of {size} facts, and holds those up to 5"):
        logged.log.catch_up()
    log = Readiness(logged.journal, logged.store, logged.log).find_out().checks["log"]
    assert (log.status, "“stemma upgrade” makes it anew" in log.detail) == ("failed", True)
    upgrade(logged.engine)
    assert logged.log.catch_up() == 7
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), str)


def kept(service: Service) -> int:
    """How many rows the map has below its root."""
    ((count,),) = service.engine.query("SELECT count(*) FROM log_map WHERE place <> '1'")
    return int(count)


def test_of_maps_that_grow_while_others_sign_each_is_proved(database: str, logged: Service) -> None:
    people = admit(logged, 30)
    done = Event()

    def sign() -> None:
        with open_service(database, signer=SIGNER) as service:
            while not done.is_set():
                service.log.sign()

    def grow() -> None:
        with open_service(database, signer=SIGNER) as service:
            while not done.is_set():
                service.log.map.grow(service.log.size(), 1)

    def signed() -> list[int]:
        return [size for (size,) in logged.engine.query("SELECT size FROM log_maps")]

    with ThreadPoolExecutor() as others:
        racing = [others.submit(one) for one in (sign, sign, grow, grow)]
        while len(signed()) < 20 and not any(one.done() for one in racing):
            draft = logged.journal.draft()
            for one in people[:10]:
                carry_out(draft, "rename_contributor", actor="operator", id=one, name=f"{uuid4()}")
            logged.journal.commit(draft)
            logged.log.integrate()
        done.set()
        for each in racing:
            each.result()
    logged.log.catch_up()
    for size in signed():
        for person in people[:15]:
            must_be_proved(logged, person, size)
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), str)


def test_places_are_kept_only_for_the_latest_sizes(
    logged: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.latest.SIZES_KEPT", 2)
    person = admit(logged, 3)[0]
    for _ in range(6):
        rename(logged, person)
    (versions,) = logged.engine.query("SELECT count(*) FROM log_map WHERE place = '1'")[0]
    assert versions <= 4
    assert opened(logged.log.latest_of(person)).place == Place(7, 9)
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), str)
    # One that a witness has seen is kept for longer, so that there is a proof under it.
    logged.log.witnesses = [WITNESS.verifier]
    seen = logged.log.latest()
    line = cosign(seen, WITNESS, int(time.time())).encode()
    logged.log.add_cosignatures(seen + line)
    for _ in range(6):
        rename(logged, person)
    asked = {"witnesses": [WITNESS.verifier]}
    proof = logged.log.latest_of(person, witnessed=True)
    assert verify_latest(proof, [SIGNER.verifier], **asked).place == Place(7, 9)
    monkeypatch.setattr("projections.latest.SEEN_SIZES_KEPT", 3)
    with pytest.raises(MapNotKept, match=r"of size 9, is too old: .* kept from size 12 on"):
        logged.log.latest_of(person, witnessed=True)


def test_a_damaged_place_is_named_and_is_neither_signed_nor_served(logged: Service) -> None:
    people = admit(logged, 30)  # so that both halves of the tree have some
    size = logged.log.map.size()
    changed = logged.engine.execute(
        "UPDATE log_map SET node = :row WHERE place = '2'", row=b"0" * 32
    )
    assert changed
    found = all_differences(CHECKS["map"], logged, no_progress)
    assert isinstance(found, list)
    assert "place 2 of the map" in str(found[0])
    left, right = (
        [one for one in people if sparse.is_right(path_of(one), 0) is side]
        for side in (False, True)
    )
    opened(logged.log.latest_of(left[0]))
    with pytest.raises(NotInLog):
        logged.log.latest_of(right[0])
    draft = logged.journal.draft()
    carry_out(draft, "rename_contributor", actor="operator", id=left[0], name="again")
    logged.journal.commit(draft)
    logged.log.integrate()
    with pytest.raises(NotVerified, match="damaged"):
        logged.log.sign()
    assert logged.log.map.size() == size
    upgrade(logged.engine)
    logged.log.catch_up()
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), str)
    opened(logged.log.latest_of(right[0]))


def test_a_database_of_before_gets_its_map_and_the_checkpoint_that_it_had_a_note(
    logged: Service,
) -> None:
    people = admit(logged, 4)
    logged.engine.execute("DELETE FROM log_maps")
    upgrade(logged.engine)
    assert logged.log.map.size() == 0
    again = Log(logged.journal, SIGNER)
    again.catch_up()
    assert opened(again.latest_of(people[1])).place == Place(1, 2)


@pytest.mark.parametrize("taken", ["size = 4", "size = 5", "size > 0"])
def test_a_map_that_was_taken_away_is_missed(taken: str, logged: Service) -> None:
    person = admit(logged, 4)[0]
    rename(logged, person)
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), str)
    logged.engine.execute(f"DELETE FROM log_maps WHERE {taken}")
    assert isinstance(all_differences(CHECKS["map"], logged, no_progress), list)


def test_a_new_key_signs_the_map_as_well(logged: Service) -> None:
    person = admit(logged)[0]
    newer = SignerKey.new(SIGNER.name)
    log = Log(logged.journal, newer, former=[SIGNER])
    log.catch_up()
    for key in (newer, SIGNER):
        assert verify_latest(log.latest_of(person), [key.verifier]).place == Place(1, 1)


def test_a_key_of_another_log_signs_no_map(logged: Service) -> None:
    person = admit(logged)[0]
    proof = logged.log.latest_of(person)
    tree, other = opened(proof).trusted.checkpoint, SignerKey.new("other.example/log")
    root = sparse.root_of([leaf_for(person, Place(1, 1))])
    parts = proof.split(b"\n\n")
    forged = parts[0] + b"\n\n" + sign_map(tree, root, other) + b"\n" + b"\n\n".join(parts[3:])
    with pytest.raises(NotVerified, match="another log"):
        verify_latest(forged, [SIGNER.verifier, other.verifier])


def test_a_map_is_no_checkpoint_and_a_checkpoint_no_map(logged: Service) -> None:
    admit(logged)
    size = logged.log.map.size()
    with pytest.raises(NotVerified):
        Checkpoint.parse(Note.parse(logged.log.map_of(size)).text)
    proof = logged.log.latest_of("nobody")
    parts = proof.split(b"\n\n")
    swapped = b"\n\n".join([parts[0], *logged.log.latest()[:-1].split(b"\n\n"), *parts[3:]])
    with pytest.raises(NotVerified, match="stemma-map@v1"):
        verify_latest(swapped, [SIGNER.verifier])


# -- ways to ask ---------------------------------------------------------------------------------


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, signer=SIGNER) as told:
        yield told


def checked(*words: str) -> tuple[int, str]:
    """What the command says that verifies offline."""
    done = CliRunner().invoke(main, ["verify", *words, "--key", KEY])
    return done.exit_code, done.output


def test_a_history_with_the_proof_of_its_latest_fact_is_shown_to_end(
    served: Served, tmp_path: Path
) -> None:
    """The service hides the newest fact of a work; what it signed gives it away."""
    person = served.admit("Ada")
    work = served.post_piece("Song", by=person)
    served.service.log.catch_up()
    client = served.operator
    whole, short, end = (tmp_path / name for name in ("whole", "short", "end"))
    short.write_text(client.get(f"/works/{work}/history.receipts").text)
    client.post(f"/works/{work}/describe", title="Another", reason="a slip")
    served.service.log.catch_up()
    whole.write_text(client.get(f"/works/{work}/history.receipts").text)
    end.write_text(client.get(f"/log/latest/{work}").text)
    status, said = checked("latest", str(end), "--of", work)
    assert status == 0
    assert f"latest      fact 3 at position {served.head}" in said
    status, said = checked("history", str(whole), "--of", work, "--latest", str(end))
    assert (status, "ends here   there is no fact 4" in said) == (0, True)
    status, said = checked("history", str(short), "--of", work, "--latest", str(end))
    assert (status, "the history ends with fact 2" in said) == (1, True)
    nobody = str(uuid4())
    end.write_text(client.get(f"/log/latest/{nobody}").text)
    assert "latest      none" in checked("latest", str(end))[1]
    assert checked("latest", str(end), "--of", work)[0] == 1


def test_a_mirror_shows_that_a_map_is_not_the_one_of_its_leaves(
    database: str, tmp_path: Path
) -> None:
    """A follower would make the map that is gone again within a second."""
    with serving(database, signer=SIGNER, follow=False) as served:
        person = served.admit("Ada")
        log = served.service.log
        log.catch_up()
        folder, api = tmp_path / "mirror", OPERATOR_KEY
        mirror(Remote(f"{served.origin}/log", [SIGNER.verifier], api_key=api), folder)
        size = log.map.size()
        proof = tmp_path / "proof"
        proof.write_bytes(log.latest_of(person))
        assert checked("latest", str(proof), "--mirror", str(folder))[0] == 0
        tree = opened(log.latest_of(person)).trusted.checkpoint
        forged = sign_map(tree, bytes(32), SIGNER)
        served.service.engine.execute(
            "UPDATE log_maps SET note = :note WHERE size = :size",
            note=forged,
            size=size,
        )
        head = f"stemma-latest@v1\nof {person}\nfact none\n\n"
        proof.write_bytes(head.encode() + forged + b"\n" + log.latest())
        assert checked("latest", str(proof))[0] == 0
        status, said = checked("latest", str(proof), "--mirror", str(folder))
        assert (status, "the map that was signed is not the one" in said) == (1, True)
        with pytest.raises(NotVerified, match="the map that was signed"):
            mirror(Remote(f"{served.origin}/log", [SIGNER.verifier], api_key=api), folder)
        assert isinstance(all_differences(CHECKS["map"], served.service, no_progress), list)
        emptied, gone = "UPDATE log_maps SET note = :note", "DELETE FROM log_maps"
        for change, how, said in ((emptied, {"note": b""}, "blank line"), (gone, {}, "not show")):
            served.service.engine.execute(change, **how)
            for only_hashes in (False, True):
                with pytest.raises(NotVerified, match=said):
                    mirror(
                        Remote(f"{served.origin}/log", [SIGNER.verifier], api_key=api),
                        folder,
                        only_hashes=only_hashes,
                    )


def test_a_proof_is_compared_with_a_mirror_that_has_grown_since(
    served: Served, tmp_path: Path
) -> None:
    person, log = served.admit("Ada"), served.service.log
    log.catch_up()
    proof, told = tmp_path / "proof", log.latest_of(person)
    forged = sign_map(opened(told).trusted.checkpoint, bytes(32), SIGNER)
    absent = f"stemma-latest@v1\nof {person}\nfact none\n\n".encode()
    absent += forged + b"\n" + log.latest()
    served.admit("Ben")
    log.catch_up()
    remote = Remote(f"{served.origin}/log", [SIGNER.verifier], api_key=OPERATOR_KEY)
    whole, hashes = tmp_path / "whole", tmp_path / "hashes"
    mirror(remote, whole)
    mirror(remote, hashes, only_hashes=True)

    def verdict(data: bytes, folder: Path) -> tuple[int, str]:
        proof.write_bytes(data)
        return checked("latest", str(proof), "--mirror", str(folder))

    assert verdict(told, whole)[0] == 0
    status, said = verdict(absent, whole)
    assert (status, "the map that was signed is not the one" in said) == (1, True)
    status, said = verdict(told, hashes)
    assert (status, "NOT PROVEN: that the map follows from the leaves" in said) == (3, True)
    (bundle,) = (one for one in (whole / "tile" / "entries").rglob("*") if one.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(person.encode(), str(uuid4()).encode()))
    status, said = verdict(told, whole)
    assert (status, "is not what its leaves hash to" in said) == (1, True)


def test_the_command_writes_what_the_service_gives(database: str, tmp_path: Path) -> None:
    with open_service(database, signer=SIGNER) as service:
        (person,) = admit(service)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log.key").write_text(SIGNER.secret_text() + "\n")
    words = ["--database", database, "latest", person, str(tmp_path / "proof")]
    done = CliRunner().invoke(main, words, env={"STEMMA_DATA": str(folder)})
    assert done.exit_code == 0, done.output
    assert opened((tmp_path / "proof").read_bytes()).place == Place(1, 1)
