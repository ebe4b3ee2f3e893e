"""Witnesses: who saw the log as it is, kept and served with it; and keys of the log that change."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from clocks import SetClock
from serving import OPERATOR_KEY, Answer, Served, serving
from stories import carry_out
from trickling import trickling

from domain.checkpoint import cosign, open_checkpoint, sign
from domain.note import COSIGNATURE, Signature, SignerKey, VerifierKey
from domain.receipt import verify_receipt
from domain.tree import NotVerified
from scripts.line import Connections
from scripts.mirror import mirror
from scripts.remote import Remote, Unreachable, fetch
from scripts.service import open_service
from scripts.settings import BadSetting, Settings, read_log_keys, read_settings
from scripts.stemma import main
from scripts.verify import main as verify
from scripts.witness import key_of, witness

WITNESS = SignerKey("witness.example/w1", bytes(range(32)), COSIGNATURE)
SECOND = SignerKey("witness.example/w2", bytes(range(1, 33)), COSIGNATURE)
STRANGER = SignerKey("witness.example/w3", bytes(range(2, 34)), COSIGNATURE)
WITNESSES = [WITNESS.verifier, SECOND.verifier]


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, follow=False, witnesses=WITNESSES) as running:
        yield running


def tell(served: Served, people: int) -> bytes:
    """Some facts, and the checkpoint signed then."""
    draft = served.service.journal.draft()
    for number in range(people):
        carry_out(draft, "admit_contributor", actor="operator", name=f"person {number}")
    served.service.journal.commit(draft)
    served.service.log.catch_up()
    return served.service.log.latest()


def log_keys(served: Served) -> list[VerifierKey]:
    return served.service.log.public_keys()


def url_of(served: Served) -> str:
    return f"http://127.0.0.1:{served.operator.port}/log"


def now() -> int:
    return int(time.time())


def post(served: Served, note: bytes) -> Answer:
    plain = {"Content-Type": "text/plain; charset=utf-8"}
    return served.client(None).send("POST", "/log/cosignatures", note, plain)


# -- cosignatures over HTTP --------------------------------------------------------------------


def test_a_cosignature_is_kept_and_served_with_the_checkpoint_and_its_receipts(
    served: Served,
) -> None:
    note = tell(served, 3)
    line, second = (cosign(note, key, now()) for key in (WITNESS, SECOND))
    assert post(served, note + line.encode()).text == (note + line.encode()).decode()
    answer = post(served, note + second.encode())
    both = (note + line.encode() + second.encode()).decode()
    anybody = served.client(None)
    for path in ("/log/checkpoint", "/log/checkpoint/3"):
        assert anybody.get(path).text == both == answer.text
    receipt = served.operator.get("/facts/2/receipt").text.encode()
    proved = verify_receipt(receipt, log_keys(served), witnesses=WITNESSES)
    assert [one.witness for one in proved.trusted.cosignatures] == [WITNESS.name, SECOND.name]


def test_a_repeated_cosignature_changes_nothing_and_a_later_one_replaces_its_own(
    served: Served,
) -> None:
    note = tell(served, 1)
    earlier, later = (note + cosign(note, WITNESS, now() + more).encode() for more in (0, 7))
    for posted, kept in ((earlier, earlier), (earlier, earlier), (later, later), (earlier, later)):
        assert post(served, posted).text.encode() == kept
    assert served.service.engine.query("SELECT count(*) FROM log_cosignatures") == [(1,)]


def test_an_older_checkpoint_can_be_cosigned_and_its_receipts_are_under_it(served: Served) -> None:
    """The log goes on while witnesses look; a receipt takes the tree that most of them saw."""
    old, new = tell(served, 2), tell(served, 2)
    for key in (WITNESS, SECOND):
        assert post(served, old + cosign(old, key, now()).encode()).status == 200
    assert post(served, new + cosign(new, WITNESS, now()).encode()).status == 200
    sizes = {}
    for position in (1, 2, 3):
        receipt = served.operator.get(f"/facts/{position}/receipt").text.encode()
        sizes[position] = verify_receipt(receipt, log_keys(served)).trusted.checkpoint.size
    assert sizes == {1: 2, 2: 2, 3: 4}
    assert served.client(None).get("/log/checkpoint").text.startswith(new.decode())
    assert served.client(None).get("/log/checkpoint/2").text.startswith(old.decode())
    assert served.client(None).get("/log/checkpoint/3").code == "not_in_log"
    assert served.client(None).get(f"/log/checkpoint/{1 << 63}").code == "not_in_log"


def test_what_no_witness_of_ours_has_signed_is_not_kept(served: Served) -> None:
    note = tell(served, 2)
    signer = served.service.log.signer
    assert signer is not None
    checkpoint = open_checkpoint(note, log_keys(served)).checkpoint
    good = Signature.parse(cosign(note, WITNESS, now())[:-1])
    another, elsewhere, larger = (
        sign(replace(checkpoint, **changed), signer)
        for changed in ({"root": bytes(32)}, {"origin": "other.example/log"}, {"size": 3})
    )
    bad = {
        "nothing": b"",
        "no cosignature": note,
        "a stranger's": note + cosign(note, STRANGER, now()).encode(),
        "a wrong signature": note
        + Signature(
            good.name, good.key_id, good.data[:-1] + bytes([good.data[-1] ^ 1])
        ).line.encode(),
        "a good and a wrong one": note
        + good.line.encode()
        + Signature(SECOND.name, SECOND.verifier.id, good.data).line.encode(),
        "without its time": note + Signature(good.name, good.key_id, good.data[8:]).line.encode(),
        "ML-DSA under an Ed25519 key": note
        + Signature(good.name, good.key_id, good.data[:8] + bytes(2420)).line.encode(),
        "a key of a log": note
        + SignerKey(WITNESS.name, WITNESS.seed).sign(checkpoint.text).line.encode(),
        "twice": note + good.line.encode() + cosign(note, WITNESS, now() + 1).encode(),
        "trailing text": note + good.line.encode() + b"text\n",
        "a blank line behind": note + good.line.encode() + b"\n",
        "the future": note + cosign(note, WITNESS, now() + 3600).encode(),
        "before the facts": note + cosign(note, WITNESS, now() - 3600).encode(),
        "1970": note + cosign(note, WITNESS, 0).encode(),
        "the end of time": note + cosign(note, WITNESS, 2**63 - 1).encode(),
        "another root": another + cosign(another, WITNESS, now()).encode(),
        "another origin": elsewhere + cosign(elsewhere, WITNESS, now()).encode(),
        "not a checkpoint": b"text\n\n" + good.line.encode(),
        "not UTF-8": b"\xff" + note,
        "a byte less": note[1:] + good.line.encode(),
        "control characters": note.replace(b"\n", b"\r\n") + good.line.encode(),
    }
    for name, posted in bad.items():
        answer = post(served, posted)
        assert (answer.status, answer.code) == (422, "bad_cosignature"), name
    assert post(served, larger + cosign(larger, WITNESS, now()).encode()).code == "not_in_log"
    assert post(served, note + b"x" * (1 << 16)).code == "too_large"
    assert served.service.engine.query("SELECT count(*) FROM log_cosignatures") == [(0,)]
    assert served.client(None).get("/log/checkpoint").text.encode() == note


def test_what_was_dated_by_a_clock_that_was_ahead_can_be_cosigned(database: str) -> None:
    clock = SetClock(datetime.now(UTC) + timedelta(hours=3))
    with serving(database, follow=False, witnesses=WITNESSES, clock=clock) as served:
        tell(served, 2)
        clock.now -= timedelta(hours=3)
        note = tell(served, 1)  # which is not before the facts before it
        assert post(served, note + cosign(note, WITNESS, now()).encode()).status == 200
        past = post(served, note + cosign(note, WITNESS, now() - 3600).encode())
        assert past.code == "bad_cosignature"


def test_without_witnesses_nothing_is_kept(database: str) -> None:
    with serving(database, follow=False) as served:
        note = tell(served, 1)
        assert post(served, note + cosign(note, WITNESS, now()).encode()).code == "bad_cosignature"


def test_a_verifier_demands_witnesses_and_says_who_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(f"sqlite:///{tmp_path / 'a.db'}", follow=False, witnesses=WITNESSES) as served:
        note = tell(served, 2)
        post(served, note + cosign(note, WITNESS, now()).encode())
        (tmp_path / "receipt").write_bytes(served.service.log.receipt(1))
        (tmp_path / "checkpoint").write_bytes(served.service.log.latest())
        key = ["--key", str(log_keys(served)[0])]
    both = ["--witness", str(WITNESS.verifier), "--witness", str(SECOND.verifier)]
    for kind in ("receipt", "checkpoint"):
        asked = [kind, str(tmp_path / kind), *key]
        assert verify([*asked, *both[:2]]) == 0
        assert f"by {WITNESS.name}\n" in capsys.readouterr().out
        assert verify([*asked, *both, "--quorum", "1"]) == 0
        assert verify([*asked, *both]) == 1
        said = f"cosigned by 1 of the witnesses, not 2; missing: {SECOND.name}"
        assert said in capsys.readouterr().err
        assert verify([*asked, "--quorum", "1"]) == 1
        with pytest.raises(SystemExit):
            verify([*asked, *both, "--quorum", "-1"])


def test_witnesses_are_named_in_a_setting() -> None:
    named = {"STEMMA_WITNESSES": f"{WITNESS.verifier}  {SECOND.verifier}\n{WITNESS.verifier}"}
    assert read_settings(named).witnesses == tuple(WITNESSES)
    many = [SignerKey.new(f"w{number}", COSIGNATURE).verifier for number in range(15)]
    again = SignerKey("witness.example/w9", WITNESS.seed, COSIGNATURE).verifier
    for bad in (
        "w1",
        str(SignerKey.new("log.example").verifier),
        f"{WITNESS.verifier},{SECOND.verifier}",
        f"{WITNESS.verifier} {again}",
        " ".join(map(str, many)),
        WITNESS.secret_text(),
    ):
        with pytest.raises(BadSetting, match="STEMMA_WITNESSES is"):
            read_settings({"STEMMA_WITNESSES": bad})
    assert len(read_settings({"STEMMA_WITNESSES": " ".join(map(str, many[:14]))}).witnesses) == 14


# -- being a witness ---------------------------------------------------------------------------


def test_a_witness_cosigns_a_log_that_only_adds(database: str, tmp_path: Path) -> None:
    signer = key_of(tmp_path, "witness.example/w1")
    assert key_of(tmp_path, "") == signer
    assert (tmp_path / "witness.key").stat().st_mode & 0o077 == 0
    with serving(database, follow=False, witnesses=[signer.verifier]) as served:
        for people in (3, 300, 1):
            tell(served, people)
            for _ in range(2):  # once more for the same tree is as good
                trusted = witness(Remote(url_of(served), log_keys(served)), tmp_path, signer)
                assert trusted.checkpoint.size == served.head
                assert [one.witness for one in trusted.cosignatures] == [signer.name]
        receipt = served.service.log.receipt(1)
        assert verify_receipt(receipt, log_keys(served), witnesses=[signer.verifier])


def test_a_witness_refuses_a_fork_a_rollback_and_another_log(tmp_path: Path) -> None:
    """The operator starts anew with the same key; the witness remembers what it cosigned."""
    folder, operator = tmp_path / "witness", SignerKey.new("stemma.example/log")
    signer = key_of(folder, "witness.example/w1")
    for name, people, said in (
        ("a", 5, None),
        ("b", 5, "fork"),
        ("c", 9, "is not shown to have kept its first 5 leaves"),
        ("d", 2, "rollback"),
    ):
        database = f"sqlite:///{tmp_path / name}.db"
        named = {"signer": operator, "witnesses": [signer.verifier]}
        with serving(database, follow=False, **named) as served:
            tell(served, people)
            if said is None:
                witness(Remote(url_of(served), [operator.verifier]), folder, signer)
                continue
            with pytest.raises(NotVerified, match=said):
                witness(Remote(url_of(served), [operator.verifier]), folder, signer)
            assert b"\n5\n" in (folder / "checkpoint").read_bytes()
            assert served.service.engine.query("SELECT count(*) FROM log_cosignatures") == [(0,)]


def test_a_witness_is_run_from_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    signer = key_of(folder, "witness.example/w1")
    run = CliRunner().invoke
    with serving(
        f"sqlite:///{tmp_path / 'a.db'}", follow=False, witnesses=[signer.verifier]
    ) as served:
        tell(served, 2)
        asked = ["witness", url_of(served), str(folder), "--key", str(log_keys(served)[0])]
        told = run(main, asked)
        assert told.exit_code == 0, told.output
        assert f"witness     {signer.verifier}\n" in told.output
        assert "by witness.example/w1\n" in told.output
        assert run(main, [*asked, "--name", "witness.example/w2"]).exit_code == 1
        stranger = ["witness", url_of(served), str(tmp_path / "new"), *asked[3:]]
        assert run(main, stranger).exit_code == 1  # its new key needs a name
        refused = run(main, [*stranger, "--name", "witness.example/w3"])
        assert refused.exit_code == 1
        assert "422" in refused.output  # the operator has not named it
        elsewhere = run(main, ["witness", served.origin, *asked[2:]])
        assert f"a service of Stemma is at {url_of(served)}." in elsewhere.output


def test_what_a_log_answers_is_read_only_up_to_a_size(tmp_path: Path) -> None:
    """Also refused: an address that is none, and a log that is not there."""

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 << 20))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Endless) as server:
        Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(Unreachable, match="answers more than"):
            fetch(f"http://127.0.0.1:{server.server_port}/log/checkpoint")
    for address in ("file:///etc/hostname", str(tmp_path), "http://127.0.0.1:9/log/checkpoint"):
        with pytest.raises(Unreachable):
            fetch(address)


BEGUN = b"HTTP/1.1 200 OK\r\n"
NOT_IN_TIME = {
    "headers": (BEGUN, b"X: y\r\n"),
    "one header": (BEGUN, b"X"),
    "a body": (BEGUN + b"\r\n", b"x"),
    "a refusal": (b"HTTP/1.1 404 NOT FOUND\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("sent", NOT_IN_TIME.values(), ids=NOT_IN_TIME)
@pytest.mark.parametrize("by_line", [False, True], ids=["alone", "by a line"])
def test_what_a_log_answers_is_read_only_for_so_long(
    sent: tuple[bytes, bytes], by_line: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part is in time, and there is always another: so a log could stop its monitors."""
    monkeypatch.setattr("scripts.line.MOST_SECONDS", 0.5)
    late = pytest.raises(Unreachable, match=r"takes more than|timed out")
    with trickling(*sent) as address, Connections() as line, late:
        fetch(f"{address}/checkpoint", line=line if by_line else None)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[2J\rforged\r\n\r\n",
        b"HTTP/9\x1b[2J 200 OK\r\n\r\n",
        b"HTTP/1.1 \x1b[2J OK\r\n\r\n",
        b"HTTP/1.1 404 NOT FOUND\r\n\r\n\x1b[2J\nforged",
        b"HTTP/1.1 302 FOUND\r\nLocation: http://[\x1b[2J/\r\n\r\n",
    ],
)
def test_nothing_of_an_answer_commands_a_terminal_or_forges_a_line(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.line.MOST_SECONDS", 0.5)
    with trickling(sent, b"") as address, pytest.raises(Unreachable) as refused:
        fetch(address)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "there, said",
    [
        ("Location: ftp://127.0.0.1/", "unknown url type: ftp"),
        ("Location: file:///etc/hostname", "302 FOUND - Redirection to url 'file:///etc/hostname'"),
        ("Link: elsewhere", "302 FOUND"),
    ],
)
def test_a_redirection_leads_only_to_http(there: str, said: str) -> None:
    sent = f"HTTP/1.1 302 FOUND\r\n{there}\r\nContent-Length: 0\r\n\r\n".encode()
    with trickling(sent, b"") as address, pytest.raises(Unreachable, match=said):
        fetch(address)


# -- the keys of the log -----------------------------------------------------------------------


@contextmanager
def started(settings: Settings) -> Iterator[Served]:
    """The service as it starts with these settings, behind HTTP."""
    with serving(settings.database, follow=False, **read_log_keys(settings)._asdict()) as served:
        served.service.log.catch_up()
        yield served


def test_the_key_of_a_log_is_rotated(tmp_path: Path) -> None:
    """Old, both, new: what was given out before holds, and mirrors with either key follow."""
    here = {"STEMMA_DATA": str(tmp_path)}
    settings = read_settings(here)

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, [*words], env=here)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    old = run("key", "new", "stemma.example/log")
    with started(settings) as served:
        tell(served, 3)
        receipt = served.service.log.receipt(2)
        mirror(
            Remote(url_of(served), [VerifierKey.parse(old)], api_key=OPERATOR_KEY),
            tmp_path / "mirror",
        )

    new = run("key", "rotate")
    old_key, new_key = VerifierKey.parse(old), VerifierKey.parse(new)
    with started(settings) as served:
        # Also the tree that was signed before is signed by the new key now.
        for _ in range(2):
            for key in (old_key, new_key):
                assert open_checkpoint(served.service.log.latest(), [key])
            tell(served, 300)
        mirror(
            Remote(url_of(served), [old_key, new_key], api_key=OPERATOR_KEY), tmp_path / "mirror"
        )
        assert served.client(None).get("/log/key").text == f"{new}\n{old}\n"

    retired = run("key", "retire")
    assert retired.startswith(f"{old} 0-")  # and the size up to which it counts
    assert "PRIVATE" not in (tmp_path / "log.key").read_text().split("\n", 1)[1]
    assert (tmp_path / "log.key").stat().st_mode & 0o077 == 0
    with started(settings) as served:
        tell(served, 1)
        with pytest.raises(NotVerified, match="no known key has signed"):
            open_checkpoint(served.service.log.latest(), [old_key])
        published = tmp_path / "published"
        published.write_text(served.client(None).get("/log/key").text)
        assert published.read_text() == f"{new}\n{retired}\n"
        given = ["mirror", url_of(served), str(tmp_path / "mirror"), "--key", str(published)]
        (tmp_path / "auditor").write_text(OPERATOR_KEY)
        given += ["--api-key", str(tmp_path / "auditor")]
        assert CliRunner().invoke(main, given).exit_code == 0
        (tmp_path / "old.receipt").write_bytes(receipt)
        assert verify(["receipt", str(tmp_path / "old.receipt"), "--key", old]) == 0
        assert verify(["receipt", str(tmp_path / "old.receipt"), "--key", str(published)]) == 0
        assert verify(["receipt", str(tmp_path / "old.receipt"), "--key", new]) == 1


def test_keys_of_one_log_have_one_name(tmp_path: Path) -> None:
    file = tmp_path / "log.key"
    one, other = SignerKey.new("a.example"), SignerKey.new("b.example")
    here = {"STEMMA_DATA": str(tmp_path)}
    for lines in ((one.secret_text(), str(other.verifier)), ("a.example",), ("PRIVATE+KEY+x",)):
        file.write_text("\n".join(lines))
        with pytest.raises(BadSetting, match="STEMMA_LOG_KEY"):
            read_log_keys(read_settings(here))
    file.write_text(f"{one.verifier}\n")
    assert read_log_keys(read_settings(here)) == (None, (one.verifier,))
    assert CliRunner().invoke(main, ["key", "rotate"], env=here).exit_code == 1
    kept = {**here, "STEMMA_LOG_KEY": "env:SECRET", "SECRET": one.secret_text()}
    for words in (["key", "rotate"], ["key", "retire"]):
        assert CliRunner().invoke(main, words, env=kept).exit_code == 1


def test_no_byte_of_a_secret_key_is_in_the_database(tmp_path: Path) -> None:
    """Neither as bytes nor in any of the spellings that the file has."""
    signer, next_signer = (SignerKey.new("stemma.example/log") for _ in range(2))
    keys = {"signer": next_signer, "former": (signer,)}
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", follow=False, **keys) as served:
        tell(served, 300)
        data = b"".join(path.read_bytes() for path in tmp_path.glob("stemma.db*"))
    for key in (signer, next_signer):
        assert str(key.verifier.name).encode() in data  # so this would find what is there
        encoded = key.secret_text().rpartition("+")[2]
        for part in (key.seed, key.seed.hex().encode(), b64encode(key.seed), encoded.encode()):
            for at in range(len(part) - 7):
                assert part[at : at + 8] not in data
    assert b"PRIVATE+KEY" not in data


def test_a_tree_that_is_not_the_one_signed_before_is_not_signed(tmp_path: Path) -> None:
    """The owner of the database rewrites a tile; the service itself notices, and signs no fork."""
    with open_service(
        f"sqlite:///{tmp_path / 'stemma.db'}", signer=SignerKey.new("stemma.example/log")
    ) as service:
        draft = service.journal.draft()
        for number in range(3):
            carry_out(draft, "admit_contributor", actor="operator", name=f"{number}")
        service.journal.commit(draft)
        service.log.catch_up()
        before = service.log.latest()
        service.engine.execute("UPDATE log_tiles SET hashes = :row", row=bytes(3 * 32))
        draft = service.journal.draft()
        carry_out(draft, "admit_contributor", actor="operator", name="one more")
        service.journal.commit(draft)
        with pytest.raises(NotVerified):
            service.log.catch_up()
        assert service.log.latest() == before
