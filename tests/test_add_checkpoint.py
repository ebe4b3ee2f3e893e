"""C2SP tlog-witness, both ways: a witness that logs ask, and a log that asks its witnesses."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from serving import Quiet, Served, serving
from stories import at_once
from test_witness import tell, url_of
from werkzeug.serving import make_server

from domain.checkpoint import Checkpoint, encode_proof, open_checkpoint, sign
from domain.latest import Place, verify_latest
from domain.note import COSIGNATURE, ML_DSA, SignerKey, VerifierKey
from domain.receipt import verify_receipt
from domain.refusal import MapNotKept, NotInLog
from domain.tree import EMPTY_ROOT, NotVerified, consistency_proof, grow, leaf_hash, root_of
from domain.trust import read_policy
from projections.log import COSIGNATURES
from scripts.mirror import mirror
from scripts.pushing import Pusher, start_pushing
from scripts.remote import Remote, Unreachable
from scripts.settings import read_settings
from scripts.witness import witness
from scripts.witness_service import Witness, create_witness

LOG = SignerKey("stemma.example/log", bytes(range(11, 43)))
SIGNERS = [
    SignerKey("witness.example/w", bytes(range(3, 35)), COSIGNATURE),
    SignerKey("witness.example/w", bytes(range(4, 36)), ML_DSA),
]
KEYS = [one.verifier for one in SIGNERS]
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
FORK = [*LEAVES[:5], leaf_hash(b"other"), *LEAVES[6:]]


def note_of(leaves: list[bytes], *signers: SignerKey, origin: str = LOG.name) -> bytes:
    return sign(Checkpoint(origin, len(leaves), root_of(leaves)), *(signers or (LOG,)))


def proof_of(old: int, leaves: list[bytes]) -> list[bytes]:
    tiles = grow(0, leaves, lambda _: ())
    return consistency_proof(old, len(leaves), lambda some: [tiles[one] for one in some])


def asked(old: object, proof: list[bytes], note: bytes) -> bytes:
    return f"old {old}\n{encode_proof(proof)}\n".encode() + note


@pytest.fixture
def client(tmp_path: Path) -> Any:
    return create_witness(Witness(tmp_path, SIGNERS, [LOG.verifier])).test_client()


def add(client: Any, old: object, proof: list[bytes], note: bytes) -> tuple[int, str]:
    answer = client.post("/add-checkpoint", data=asked(old, proof, note))
    if answer.status_code == 409:
        assert answer.headers["Content-Type"] == "text/x.tlog.size"
    return answer.status_code, answer.text


def test_a_log_that_only_grows_is_cosigned_with_every_key(client: Any) -> None:
    old = 0
    for size in (1, 2, 2, 8, 9, 40):
        note = note_of(LEAVES[:size])
        status, lines = add(client, old, proof_of(old, LEAVES[:size]) if old else [], note)
        assert status == 200, lines
        trusted = open_checkpoint(note + lines.encode(), [LOG.verifier], witnesses=KEYS)
        assert len(trusted.cosignatures) == 2
        kept = client.get(f"/{sha256(LOG.name.encode()).hexdigest()}/checkpoint")
        assert open_checkpoint(kept.data, [LOG.verifier], witnesses=KEYS) == trusted
        old = size


def test_what_does_not_extend_the_last_tree_is_answered_as_the_specification_says(
    client: Any, tmp_path: Path
) -> None:
    ten, proof = note_of(LEAVES[:10]), proof_of(10, LEAVES)
    assert client.get(f"/{sha256(LOG.name.encode()).hexdigest()}/checkpoint").status_code == 404
    assert add(client, 3, proof_of(3, LEAVES[:10]), ten) == (409, "0\n")
    assert add(client, 0, [LEAVES[0]], ten)[0] == 422  # a proof from nothing
    assert add(client, 0, [], ten)[0] == 200
    kept = (tmp_path / sha256(LOG.name.encode()).hexdigest() / "checkpoint").read_bytes()
    forty, stranger = note_of(LEAVES), SignerKey(LOG.name, bytes(32))
    garbled = forty[:-9] + bytes([forty[-9] ^ 1]) + forty[-8:]
    impossible = sign_anyway(Checkpoint(LOG.name, 0, EMPTY_ROOT), b"\0" * 32)
    cases = [
        (409, (0, [], forty)),
        (409, (9, proof_of(9, LEAVES), forty)),
        (409, (11, proof_of(11, LEAVES), forty)),
        (422, (10, [], forty)),
        (422, (10, proof[:-1], forty)),
        (422, (10, [*proof, LEAVES[0]], forty)),
        (422, (10, proof, note_of(FORK))),
        (422, (10, proof_of(10, FORK), note_of(FORK))),
        (409, (10, [], note_of(FORK[:10]))),
        (422, (10, [LEAVES[0]], ten)),
        (400, (10, [], note_of(LEAVES[:9]))),
        (403, (10, proof, note_of(LEAVES, stranger))),
        (403, (10, proof, garbled)),
        (404, (10, proof, note_of(LEAVES, origin="other.example/log"))),
        (400, ("010", proof, forty)),
        (400, ("-1", proof, forty)),
        (400, (10, [*LEAVES, *LEAVES][:64], forty)),
        (400, (10, proof, b"text\n\n" + forty.rpartition(b"\n\n")[2])),
        (400, (10, proof, b"")),
        (400, (10, [b"short"], forty)),
    ]
    for status, given in cases:
        found, told = add(client, *given)
        assert found == status, (given[0], told)
        assert status != 409 or told == "10\n"
        assert "—" not in told
    assert add(client, 0, [], impossible)[0] in (409, 422)
    for body in (b"", b"old 10\n", forty, b"new 10\n\n" + forty, b"\xff", b"old 10\n\n\n" + forty):
        assert client.post("/add-checkpoint", data=body).status_code == 400, body
    assert client.post("/add-checkpoint", data=bytes(1 << 18)).status_code == 413
    assert (tmp_path / sha256(LOG.name.encode()).hexdigest() / "checkpoint").read_bytes() == kept
    assert add(client, 10, proof, forty)[0] == 200


def test_a_key_of_a_log_that_was_retired_gets_no_cosignature_beyond_its_sizes(
    tmp_path: Path,
) -> None:
    retired = VerifierKey.parse(f"{LOG.verifier} 0-9")
    client = create_witness(Witness(tmp_path, SIGNERS, [retired])).test_client()
    assert add(client, 0, [], note_of(LEAVES[:9]))[0] == 200
    assert add(client, 9, proof_of(9, LEAVES[:10]), note_of(LEAVES[:10]))[0] == 403


def sign_anyway(tree: Checkpoint, root: bytes) -> bytes:
    """A signed checkpoint that no log would sign."""
    text = Checkpoint(tree.origin, 1, root).text.replace("\n1\n", f"\n{tree.size}\n", 1)
    return f"{text}\n{LOG.sign(text).line}".encode()


def test_an_empty_tree_has_the_root_of_nothing(client: Any) -> None:
    assert add(client, 0, [], sign_anyway(Checkpoint(LOG.name, 0, EMPTY_ROOT), bytes(32)))[0] == 422
    assert add(client, 0, [], note_of([]))[0] == 200
    assert add(client, 0, [], note_of(LEAVES[:3]))[0] == 200


def test_lines_of_unknown_keys_are_neither_believed_nor_kept(client: Any) -> None:
    strange = note_of(LEAVES[:3]) + SignerKey.new("x.example").sign("text\n").line.encode()
    status, lines = add(client, 0, [], strange)
    assert status == 200
    kept = client.get(f"/{sha256(LOG.name.encode()).hexdigest()}/checkpoint").data
    assert kept == note_of(LEAVES[:3]) + lines.encode()


def test_of_two_that_come_at_once_one_is_cosigned(tmp_path: Path) -> None:
    at_the_door = Witness(tmp_path, SIGNERS[:1], [LOG.verifier])
    found: list[int] = []

    def send(leaves: list[bytes]) -> None:
        client = create_witness(at_the_door).test_client()
        found.append(add(client, 0, [], note_of(leaves))[0])

    at_once(*(lambda one=one: send(one) for one in (LEAVES, FORK, LEAVES[:7], FORK[:9])))
    assert sorted(found) == [200, 409, 409, 409]


# -- a log that asks ---------------------------------------------------------------------------


@contextmanager
def witnessing(folder: Path, signer: SignerKey) -> Iterator[str]:
    """The address of a witness."""
    app = create_witness(Witness(folder, [signer], [LOG.verifier]))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ONE, TWO, THREE = (
    SignerKey(f"w{number}.example", bytes(range(number, number + 32)), kind)
    for number, kind in ((1, COSIGNATURE), (2, ML_DSA), (3, COSIGNATURE))
)


@pytest.fixture
def asking(database: str, tmp_path: Path) -> Iterator[tuple[Served, list[Pusher]]]:
    """A log whose policy asks for two of three witnesses, and the threads that ask them."""
    with witnessing(tmp_path / "1", ONE) as one, witnessing(tmp_path / "2", TWO) as two:
        policy = read_policy(
            f"witness a {ONE.verifier} {one}\nwitness b {TWO.verifier} {two}/\n"
            f"witness c {THREE.verifier} http://127.0.0.1:9\ngroup g 2 a b c\nquorum g\n".encode()
        )
        given = {"signer": LOG, "witnesses": policy.witness_keys, "policy": policy}
        with serving(database, follow=False, **given) as served:
            yield served, pushers_of(served)


def pushers_of(served: Served) -> list[Pusher]:
    """Those of a process."""
    log = served.service.log
    assert log.policy is not None
    witnesses = log.policy.witnesses.values()
    return [Pusher(log, one.key, one.url) for one in witnesses if one.key is not None]


def test_a_checkpoint_is_published_once_enough_witnesses_have_cosigned(
    asking: tuple[Served, list[Pusher]], tmp_path: Path
) -> None:
    served, (one, two, three) = asking
    anybody = served.client(None)
    with pytest.raises(NotInLog):
        tell(served, 3)  # which reads the latest checkpoint
    assert one.push()
    for path in ("/log/checkpoint", "/log/checkpoint/witnessed", "/log/checkpoint/3"):
        assert anybody.get(path).code == "not_in_log", path
    assert served.operator.get("/facts/1/receipt").code == "not_in_log"
    assert two.push()
    assert not one.push()
    assert not two.push()
    with pytest.raises(Unreachable):
        three.push()
    shown = anybody.get("/log/checkpoint").text.encode()
    keys = [ONE.verifier, TWO.verifier]
    assert len(open_checkpoint(shown, [LOG.verifier], witnesses=keys).cosignatures) == 2
    tell(served, 300)
    for path in ("/log/checkpoint", "/log/checkpoint/witnessed", "/log/checkpoint/3"):
        assert anybody.get(path).text.encode() == shown
    assert served.operator.get("/facts/200/receipt").code == "not_in_log"
    receipt = served.operator.get("/facts/1/receipt").text.encode()
    assert verify_receipt(receipt, [LOG.verifier], witnesses=keys).trusted.checkpoint.size == 3
    assert one.push()
    assert anybody.get("/log/checkpoint").text.encode() == shown
    assert pushers_of(served)[1].push()
    assert anybody.get("/log/checkpoint").text.startswith(f"{LOG.name}\n303\n")
    assert mirror(Remote(url_of(served), [LOG.verifier]), tmp_path / "m", only_hashes=True)


def test_while_a_witness_is_away_what_it_has_seen_stays_published(
    asking: tuple[Served, list[Pusher]],
) -> None:
    served, (one, two, _) = asking
    log = served.service.log
    with pytest.raises(NotInLog):
        tell(served, 3)
    assert (one.push(), two.push()) == (True, True)
    published = log.latest()
    tell(served, 297)
    name = f"{ONE.name}+{ONE.verifier.id.hex()}"
    with log.engine.transaction() as writer:  # the other one signs a tree each second
        writer.insert(COSIGNATURES, [(size, name, 0, "…") for size in range(4, 300)])
    assert log.latest() == log.witnessed() == published
    receipt = verify_receipt(log.receipt(2), [LOG.verifier])
    assert receipt.trusted.checkpoint.size == 3
    with pytest.raises(NotInLog):
        log.receipt(4)
    assert log.signed_sizes() == (300, 3)  # of which an alarm can tell


def test_while_a_witness_is_away_the_latest_facts_are_proven_under_what_it_has_seen(
    asking: tuple[Served, list[Pusher]], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, (one, two, _) = asking
    log, ana = served.service.log, served.admit("Ana")
    log.catch_up()
    assert (one.push(), two.push()) == (True, True)
    monkeypatch.setattr("projections.latest.SIZES_KEPT", 2)
    name = f"{ONE.name}+{ONE.verifier.id.hex()}"
    with log.engine.transaction() as writer:  # of many trees that only the other one has seen
        writer.insert(COSIGNATURES, [(size, name, 0, "…") for size in range(100, 400)])

    def grow() -> None:
        for _ in range(4):
            served.operator.post(f"/contributors/{ana}/rename", name=f"Ana {uuid4()}")
            log.catch_up()

    def place() -> Place | None:
        return verify_latest(log.latest_of(ana), [LOG.verifier], witnesses=[TWO.verifier]).place

    grow()
    assert place() == Place(1, 1)
    monkeypatch.setattr("projections.latest.SEEN_SIZES_KEPT", 3)
    grow()
    assert log.signed_sizes() == (9, 1)
    with pytest.raises(MapNotKept, match=r"cosigned, of size 1, is too old: .* from size 6 on"):
        place()
    log.engine.execute("DELETE FROM log_cosignatures WHERE size >= 100")
    assert (one.push(), two.push()) == (True, True)
    assert place() == Place(9, 9)


def test_the_page_says_which_witnesses_have_seen_the_log_and_when(
    asking: tuple[Served, list[Pusher]],
) -> None:
    served, (one, two, _) = asking
    served.admit("Ana")
    served.service.log.catch_up()
    shown = served.client(None)
    assert "No checkpoint has been published yet." in shown.get("/audit").text
    assert (one.push(), two.push()) == (True, True)
    page = shown.get("/audit").text
    for cosigner in (ONE, TWO):
        assert re.search(rf'{cosigner.name}, <time datetime="20[^"]*Z">20', page)


def test_of_several_processes_one_sends_a_checkpoint_to_a_witness(
    asking: tuple[Served, list[Pusher]],
) -> None:
    served, (one, *_) = asking
    other, *_ = pushers_of(served)
    with pytest.raises(NotInLog):
        tell(served, 3)
    assert (one.push(), other.push()) == (True, False)


def test_a_witness_that_has_seen_more_than_the_database_knows_is_asked_from_there(
    asking: tuple[Served, list[Pusher]],
) -> None:
    """As after a restore, or an answer that was lost."""
    served, (one, *_) = asking
    with pytest.raises(NotInLog):
        tell(served, 3)
    assert one.push()
    served.service.engine.execute("DELETE FROM log_cosignatures")
    with pytest.raises(NotInLog):
        tell(served, 2)
    assert one.push()
    assert served.service.log.last_seen()[ONE.verifier] == 5


def test_a_witness_that_has_seen_another_tree_says_so_and_nothing_is_published(
    asking: tuple[Served, list[Pusher]], tmp_path: Path
) -> None:
    """The operator has begun anew with the same key, or somebody else has it."""
    served, (one, *_) = asking
    ahead = create_witness(Witness(tmp_path / "1", [ONE], [LOG.verifier])).test_client()
    assert add(ahead, 0, [], note_of(LEAVES[:9]))[0] == 200
    with pytest.raises(NotInLog):
        tell(served, 5)
    with pytest.raises(NotVerified, match="it has seen a tree of 9 leaves, ours has 5"):
        one.push()
    for facts in (4, 1):  # until it has as many, and then more
        with pytest.raises(NotInLog):
            tell(served, facts)
        with pytest.raises(
            NotVerified, match="it has cosigned a tree of 9 leaves that is not ours"
        ):
            one.push()
    assert served.service.engine.query("SELECT count(*) FROM log_cosignatures") == [(0,)]


def test_threads_push_what_is_signed_until_they_are_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = "w.example+fd91d1bc+BQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
    with witnessing(tmp_path / "1", ONE) as one:
        (tmp_path / "policy").write_text(
            f"witness a {ONE.verifier} {one}\nwitness b {unknown} {one}\n"
            f"witness c {THREE.verifier} http://127.0.0.1:9\nquorum a\n"
        )
        settings = read_settings({"STEMMA_WITNESS_POLICY": str(tmp_path / "policy")})
        given = {"witnesses": settings.witnesses, "policy": settings.policy, "signer": LOG}
        with serving(f"sqlite:///{tmp_path / 'a.db'}", follow=False, **given) as served:
            stop = start_pushing(served.service.log, settings)
            with pytest.raises(NotInLog):
                tell(served, 2)
            deadline = time.monotonic() + 120
            while served.client(None).get("/log/checkpoint").status != 200:
                assert time.monotonic() < deadline, caplog.text
                time.sleep(0.05)
            stop()
    said = "the key of the witness w.example is of a kind that is not understood here"
    assert said in caplog.text


def test_asking_and_being_asked_remember_the_same_tree(tmp_path: Path) -> None:
    """One witness in one folder never cosigns a fork, whichever way it is used."""
    database = f"sqlite:///{tmp_path / 'a.db'}"
    with serving(database, follow=False, signer=LOG, witnesses=[ONE.verifier]) as served:
        tell(served, 9)
        for first in ("asked", "asks"):
            folder = tmp_path / first
            client = create_witness(Witness(folder, [ONE], [LOG.verifier])).test_client()
            if first == "asks":
                witness(Remote(url_of(served), [LOG.verifier]), folder, ONE)
                assert add(client, 0, [], note_of(LEAVES[:9])) == (409, "9\n")
                assert add(client, 9, [], note_of(LEAVES[:9])) == (409, "9\n")
            else:
                assert add(client, 0, [], note_of(LEAVES[:9]))[0] == 200
                with pytest.raises(NotVerified, match="fork"):
                    witness(Remote(url_of(served), [LOG.verifier]), folder, ONE)
