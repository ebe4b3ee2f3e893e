"""What a mirror, its witnesses and their clocks notice, which one run of it alone does not."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving
from stories import raw_connection
from test_audit import POSTGRES_OPEN, SQLITE_OPEN
from test_witness import SECOND, WITNESS, WITNESSES, log_keys, tell, url_of

from domain.checkpoint import Checkpoint, cosign, open_checkpoint, sign
from domain.note import COSIGNATURE, Note, SignerKey, VerifierKey
from domain.note import sign as sign_note
from domain.receipt import verify_receipt
from domain.tree import EMPTY_ROOT, NotVerified
from projections import history
from scripts import mirror as mirroring
from scripts.mirror import mirror
from scripts.mirrored import check_log
from scripts.remote import Remote, Unreachable
from scripts.stemma import main
from scripts.witness import key_of, witness

DAY = 86_400


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, follow=False, witnesses=WITNESSES) as running:
        yield running


def seen(served: Served, at: int | None = None, *by: SignerKey) -> None:
    """Witnesses see the latest checkpoint."""
    note = served.service.log.latest()
    text = note.partition(b"\n\n")[0] + b"\n\n"
    for one in by or (WITNESS, SECOND):
        line = cosign(note, one, int(time.time()) if at is None else at)
        served.service.log.add_cosignatures(text + line.encode())


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


def key_words(served: Served, *, witnessed: bool = True) -> list[str]:
    words = [word for key in log_keys(served) for word in ("--key", str(key))]
    return words + [word for key in WITNESSES for word in ("--witness", str(key)) if witnessed]


def test_a_history_is_verified_with_the_witnesses_that_have_seen_it(
    served: Served, tmp_path: Path
) -> None:
    ana = served.admit("Ana")
    tell(served, 3)
    seen(served)
    served.service.follower.catch_up()
    told = served.operator.get(f"/contributors/{ana}/history.receipts")
    (tmp_path / "history").write_bytes(told.text.encode())
    code, output = run("verify", "history", tmp_path / "history", *key_words(served))
    assert (code, output.count("witnessed")) == (0, 2), output
    with served.service.store.view() as view:
        positions = history.PROVEN["contributor"].positions(view, ana)
    assert len(list(served.service.log.receipts(positions))) == len(positions) == 1


def test_a_mirror_of_what_witnesses_have_seen_is_verified_after_a_newer_fact(
    served: Served, tmp_path: Path
) -> None:
    assert served.operator.get("/log/checkpoint/witnessed").code == "not_in_log"
    tell(served, 3)
    seen(served)
    tell(served, 2)
    words = [url_of(served), tmp_path / "mirror", "--hashes", *key_words(served)]
    code, output = run("mirror", *words)
    assert (code, "size        3" in output) == (0, True), output
    verifying = ("verify", "log", tmp_path / "mirror", "--hashes", *key_words(served))
    assert run(*verifying)[0] == 0
    # One that knows more already goes on knowing it.
    assert run("mirror", *words[:3], *key_words(served, witnessed=False))[0] == 0
    assert run(*verifying)[0] == 1
    code, output = run("mirror", *words)
    assert (code, "size        3" in output) == (0, True), output


def test_a_mirror_keeps_what_witnesses_have_said_last_of_a_log_that_has_not_grown(
    served: Served, tmp_path: Path
) -> None:
    tell(served, 3)
    kept = []
    for seconds_ago in (30, 0):
        seen(served, int(time.time()) - seconds_ago)
        words = (url_of(served), tmp_path / "mirror", "--hashes", *key_words(served))
        assert run("mirror", *words)[0] == 0
        kept.append((tmp_path / "mirror" / "checkpoint").read_bytes())
        assert kept[-1] == served.operator.get("/log/checkpoint/witnessed").text.encode()
    assert kept[0] != kept[1]


def test_a_policy_that_names_the_log_is_enough(served: Served, tmp_path: Path) -> None:
    """“mirror” and “monitor” asked for the key as well, where “verify” did not."""
    tell(served, 3)
    seen(served)
    (key, *_), (one, *_) = log_keys(served), WITNESSES
    policy, ours = tmp_path / "policy", tmp_path / "mirror"
    words = ["mirror", url_of(served), ours, "--hashes", "--policy", policy]
    for logs, code in (("", 2), (f"log {SIGNER.verifier}\n", 1), (f"log {key}\n", 0)):
        policy.write_text(f"{logs}witness one {one}\nquorum one\n")
        assert run(*words)[0] == code, logs
    assert run("verify", "log", ours, "--hashes", "--policy", policy)[0] == 0
    code, told = run(*words[:4])
    assert (code, "say --key, or a --policy that names the log" in told) == (2, True)


def test_a_frozen_log_is_noticed_by_its_age(served: Served, tmp_path: Path) -> None:
    tell(served, 3)
    folder, keys = tmp_path / "mirror", log_keys(served)
    frozen = [url_of(served), folder, "--hashes", *key_words(served, witnessed=False)]
    assert run("mirror", *frozen, "--max-age", "1h")[0] == 0
    assert run("mirror", *frozen, "--max-age", "1h")[0] == 0
    os.utime(folder / "checkpoint", (time.time() - DAY,) * 2)
    code, output = run("mirror", *frozen, "--max-age", "1h")
    assert (code, "frozen: the log has not grown" in output) == (1, True), output
    own = SignerKey("witness.example/own", bytes(32), WITNESS.kind)
    served.service.log.witnesses = [*WITNESSES, own.verifier]
    for _ in range(2):
        witness(Remote(url_of(served), keys, max_age=3600), tmp_path / "own", own)
    os.utime(tmp_path / "own" / "checkpoint", (time.time() - DAY,) * 2)
    with pytest.raises(NotVerified, match="frozen"):
        witness(Remote(url_of(served), keys, max_age=3600), tmp_path / "own", own)
    tell(served, 1)
    witness(Remote(url_of(served), keys, max_age=3600), tmp_path / "own", own)
    assert run("mirror", *frozen, "--max-age", "1h")[0] == 0


def say_besides(served: Served, *lines: str) -> None:
    """Let the latest checkpoint be of the same tree, with further lines and another signature."""
    log = served.service.log
    tree = Checkpoint.parse(Note.parse(log.latest()).text)
    assert log.signer is not None
    note = sign(replace(tree, extensions=lines), log.signer)
    note += SignerKey.new("nobody.example").sign("").line.encode()
    log.engine.execute("UPDATE log_checkpoints SET note = :note", note=note)
    log.engine.execute("DELETE FROM log_cosignatures")


@pytest.mark.parametrize("lines", [(), ("a further line",)])
def test_a_frozen_log_is_noticed_whatever_else_its_checkpoint_says_each_time(
    served: Served, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    tell(served, 1)
    own = SignerKey("witness.example/own", bytes(32), WITNESS.kind)
    served.service.log.witnesses = [*WITNESSES, own.verifier]
    log = Remote(url_of(served), log_keys(served), max_age=3600)
    mirrored = partial(mirror, log, tmp_path / "mirror", only_hashes=True)
    witnessed = partial(witness, log, tmp_path / "own", own)
    kept = [tmp_path / name / "checkpoint" for name in ("mirror", "own")]
    for look in (mirrored, witnessed):
        look()
    for path in kept:
        os.utime(path, (time.time() - 1800,) * 2)
    say_besides(served, *lines)
    for look in (mirrored, witnessed):
        look()
    assert min(time.time() - path.stat().st_mtime for path in kept) > 1000
    for path in kept:
        os.utime(path, (time.time() - DAY,) * 2)
    for look in (mirrored, witnessed):
        say_besides(served, *(f"{line} again" for line in lines))
        with pytest.raises(NotVerified, match="frozen"):
            look()


def test_how_old_a_cosignature_may_be_is_asked(tmp_path: Path) -> None:
    note = sign(Checkpoint("log.example", 0, EMPTY_ROOT), SIGNER)
    old = int(time.time()) - DAY
    (tmp_path / "note").write_bytes(note + cosign(note, WITNESS, old).encode())
    words = ["verify", "checkpoint", tmp_path / "note", "--key", SIGNER.verifier]
    assert run(*words, "--witness", WITNESS.verifier, "--max-age", "2d")[0] == 0
    assert run(*words, "--witness", WITNESS.verifier, "--max-age", "36h")[0] == 0
    code, output = run(*words, "--witness", WITNESS.verifier, "--max-age", "1h")
    assert (code, "frozen: witnesses" in output) == (1, True), output
    code, output = run(*words, "--max-age", "1h")
    assert (code, "give --witness" in output) == (2, True), output
    assert run(*words, "--max-age", "soon")[0] == 2


@pytest.mark.parametrize("api_key", [None, OPERATOR_KEY], ids=["hashes", "entries"])
def test_a_full_tile_that_was_changed_afterwards_is_noticed_again(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_key: str | None
) -> None:
    """Others would be shown it; those that follow from the entries are looked at as well."""
    tell(served, 300)
    log = Remote(url_of(served), log_keys(served), api_key)
    again = partial(mirror, log, tmp_path / "mirror", only_hashes=api_key is None)
    again()
    again(again=True)
    zero = "UPDATE log_tiles SET hashes = :zero WHERE place = 0"
    served.service.engine.execute(zero, zero=bytes(256 * 32))
    served.service.log._tiles_read.clear()
    with pytest.raises(NotVerified, match="tile/0/000, as the log shows it now, is not what its"):
        again()
    with pytest.raises(NotVerified, match="tile/0/000 is not what the log gave before"):
        again(again=True)
    monkeypatch.setattr(mirroring, "SAMPLE", 0)
    again()


def test_a_receipt_is_compared_with_a_mirror_and_an_older_one_is_a_beginning(
    served: Served, tmp_path: Path
) -> None:
    url, keys = url_of(served), log_keys(served)
    tell(served, 3)
    mirror(Remote(url, keys), tmp_path / "old", only_hashes=True)
    tell(served, 4)
    mirror(Remote(url, keys), tmp_path / "new", only_hashes=True)
    words = key_words(served, witnessed=False)
    for position, folder, expected in (
        (2, "new", "its first 7 leaves are this tree"),
        (2, "old", "an earlier one of 3 leaves, 1 compared"),
    ):
        (tmp_path / "receipt").write_bytes(served.service.log.receipt(position))
        code, output = run(
            *("verify", "receipt", tmp_path / "receipt", *words, "--mirror", tmp_path / folder)
        )
        assert (code, expected in output) == (0, True), output
    (tmp_path / "receipt").write_bytes(served.service.log.receipt(6))
    asked = ("verify", "receipt", tmp_path / "receipt", *words, "--mirror")
    assert run(*asked, tmp_path / "old")[0] == 3
    whole = ("verify", "log", tmp_path / "new", "--hashes", *words, "--mirror")
    code, output = run(*whole, tmp_path / "old")
    assert (code, "a consistent beginning of 3 leaves" in output) == (0, True), output
    with serving(f"sqlite:///{tmp_path / 'other.db'}", follow=False) as other:
        other.service.log.signer = served.service.log.signer
        for name, facts in (("fewer", 6), ("other", 3)):
            tell(other, facts)
            mirror(Remote(url_of(other), keys), tmp_path / name, only_hashes=True)
    for command, name, why in (
        (asked, "fewer", "has another fact at position 6"),
        (asked, "other", "shows another tree of 7 leaves"),
        (whole, "other", "fork: "),
    ):
        code, output = run(*command, tmp_path / name)
        assert (code, "fork: " in output, why in output) == (1, True, True), output


def test_a_key_counts_only_for_the_sizes_up_to_its_end(served: Served) -> None:
    tell(served, 3)
    receipt = served.service.log.receipt(2)
    (key,) = log_keys(served)
    for sizes, holds in (("1-3", True), ("3-", True), ("1-2", False), ("4-", False)):
        limited = VerifierKey.parse(f"{key} {sizes}")
        assert limited == key
        if holds:
            assert verify_receipt(receipt, [limited]).index == 1
        else:
            with pytest.raises(NotVerified, match="counts for the sizes"):
                verify_receipt(receipt, [limited])
    assert replace(key, sizes=(0, 5)).line == f"{key} 0-5"
    with pytest.raises(NotVerified, match="size of a key"):
        VerifierKey.parse(f"{key} some")


def test_what_was_acknowledged_and_replaced_before_it_was_in_the_log_breaks_a_promise(
    served: Served, database: str, tmp_path: Path
) -> None:
    """The fact was deleted and another recorded in its place, and only then came the log."""
    words = [*key_words(served, witnessed=False), "--mirror", tmp_path / "mirror"]
    kept = served.operator.post("/contributors", name="Ana")
    lost = served.operator.post("/contributors", name="Ben")
    mirrored = [url_of(served), tmp_path / "mirror", "--hashes", *words[:-2]]
    for name, answer in (("kept", kept), ("lost", lost)):
        (tmp_path / name).write_text(answer.text)
        assert run("verify", "promise", tmp_path / name, *words[:-2])[0] == 0
    dropping = SQLITE_OPEN if database.startswith("sqlite") else POSTGRES_OPEN
    with raw_connection(database) as connection:
        gone = [
            f"DELETE FROM {table} WHERE position = 2" for table in ("stored_events", "requests")
        ]
        for statement in (*dropping, *gone):
            connection.execute(statement)
    assert served.operator.post("/contributors", name="Eve").json["position"] == 2
    served.service.log.catch_up()
    assert run("mirror", *mirrored)[0] == 0
    code, output = run("verify", "promise", tmp_path / "kept", *words)
    assert (code, "kept        the log holds it" in output) == (0, True), output
    code, output = run("verify", "promise", tmp_path / "lost", *words)
    assert (code, "broken: the log has another fact at position 2" in output) == (1, True), output
    (tmp_path / "other").write_text(json.dumps({**kept.json, "promise": lost.json["promise"]}))
    code, output = run("verify", "promise", tmp_path / "other", *words[:-2])
    assert (code, "says position 1, its promise 2" in output) == (1, True), output
    (tmp_path / "lost").write_text(lost.text.replace("\\n2\\n", "\\n3\\n"))
    assert run("verify", "promise", tmp_path / "lost", *words[:-2])[0] == 1
    later = served.operator.post("/contributors", name="Gus")
    (tmp_path / "later").write_text(later.json["promise"])
    assert run("verify", "promise", tmp_path / "later", *words)[0] == 3


def test_a_promise_counts_for_its_own_log_its_key_and_the_witnesses_that_are_asked_for(
    served: Served, tmp_path: Path
) -> None:
    (key,) = log_keys(served)
    answer = served.operator.post("/contributors", name="Ana")
    promise, folder = tmp_path / "promise", tmp_path / "mirror"
    promise.write_text(answer.json["promise"])
    served.service.log.catch_up()
    keys = key_words(served, witnessed=False)
    assert run("mirror", url_of(served), folder, "--hashes", *keys)[0] == 0
    asked = ("verify", "promise", promise)
    for sizes, code in (("1-500", 0), ("2-500", 1)):
        assert run(*asked, "--key", f"{key} {sizes}", "--mirror", folder)[0] == code
    # Asked for, they are not passed over.
    seeing = [word for one in WITNESSES for word in ("--witness", str(one))]
    assert "give --mirror" in run(*asked, *keys, *seeing)[1]
    code, output = run(*asked, *keys, *seeing, "--mirror", folder)
    assert (code, "cosigned by 0 of the witnesses, not 2" in output) == (1, True), output
    seen(served)
    assert run("mirror", url_of(served), folder, "--hashes", *key_words(served))[0] == 0
    assert run(*asked, *keys, *seeing, "--mirror", folder)[0] == 0
    # A mirror of another log, whose key is trusted as well, breaks no promise of this one.
    with serving(f"sqlite:///{tmp_path / 'other.db'}", follow=False) as other:
        other.service.log.signer = SIGNER
        tell(other, 3)
        mirror(Remote(url_of(other), [SIGNER.verifier]), tmp_path / "other", only_hashes=True)
    both = (*keys, "--key", str(SIGNER.verifier), "--mirror", tmp_path / "other")
    code, output = run(*asked, *both)
    assert (code, "this is log.example; " in output) == (1, True), output


def test_a_retired_key_does_not_count_because_it_is_named_twice_or_another_log_signs_too(
    served: Served, tmp_path: Path
) -> None:
    tell(served, 3)
    (key,) = log_keys(served)
    retired, receipt = VerifierKey.parse(f"{key} 0-2"), served.service.log.receipt(2)
    for keys in ([retired, key], [key, retired]):
        with pytest.raises(NotVerified, match="counts for the sizes 0 to 2"):
            verify_receipt(receipt, keys)
    note = served.service.log.latest()
    both = note + sign_note(note.partition(b"\n\n")[0].decode() + "\n", SIGNER).split(b"\n\n")[1]
    with pytest.raises(NotVerified, match="counts for the sizes 0 to 2"):
        open_checkpoint(both, [retired, SIGNER.verifier])
    assert open_checkpoint(both, [key, SIGNER.verifier]).checkpoint.size == 3


@pytest.mark.parametrize("is_new", [True, False], ids=["a new mirror", "one that is there"])
def test_a_log_that_claims_more_facts_than_fit_anywhere_stops_no_mirror(
    is_new: bool, served: Served, tmp_path: Path
) -> None:
    """What is missing is asked for a few tiles at a time, and the first one is not there."""
    tell(served, 3)
    log, folder = Remote(url_of(served), log_keys(served)), tmp_path / "mirror"
    if not is_new:
        mirror(log, folder, only_hashes=True)
    signer, engine = served.service.log.signer, served.service.engine
    assert signer is not None
    size = 2**62
    note = sign(Checkpoint(signer.name, size, bytes(32)), signer)
    engine.execute("INSERT INTO log_checkpoints VALUES (:size, :note)", size=size, note=note)
    with pytest.raises(Unreachable, match="404"):
        mirror(log, folder, only_hashes=True)
    engine.execute("DELETE FROM log_checkpoints WHERE size = :size", size=size)
    assert mirror(log, folder, only_hashes=True).checkpoint.size == 3


def test_what_could_not_be_verified_is_not_kept_but_the_checkpoint_that_was_signed_is(
    served: Served, tmp_path: Path
) -> None:
    """A tile that arrived damaged would otherwise be wrong in the mirror for good."""
    tell(served, 300)
    url, keys, folder = url_of(served), log_keys(served), tmp_path / "mirror"
    (path,) = served.service.engine.query("SELECT hashes FROM log_tiles WHERE place = 0")
    setting = "UPDATE log_tiles SET hashes = :hashes WHERE place = 0"
    served.service.engine.execute(setting, hashes=bytes(256 * 32))
    served.service.log._tiles_read.clear()
    with pytest.raises(NotVerified, match=r"the checkpoint is kept as .*checkpoint\.refused"):
        mirror(Remote(url, keys), folder, only_hashes=True)
    files = {one.name for one in folder.rglob("*") if one.is_file()}
    assert files == {".lock", "checkpoint.refused"}
    served.service.engine.execute(setting, hashes=path[0])
    served.service.log._tiles_read.clear()
    assert mirror(Remote(url, keys), folder, only_hashes=True).checkpoint.size == 300
    # A rollback: the two checkpoints that do not agree are both there.
    kept = (folder / "checkpoint").read_bytes()
    with serving(f"sqlite:///{tmp_path / 'other.db'}", follow=False) as other:
        other.service.log.signer = served.service.log.signer
        signed = tell(other, 2)
        with pytest.raises(NotVerified, match="rollback: "):
            mirror(Remote(url_of(other), keys), folder, only_hashes=True)
    assert (folder / "checkpoint").read_bytes() == kept
    assert (folder / "checkpoint.refused").read_bytes() == signed


def test_a_damaged_file_of_a_mirror_or_witness_is_named(served: Served, tmp_path: Path) -> None:
    """Otherwise the log would seem to be wrong."""
    tell(served, 3)
    log, folder = Remote(url_of(served), log_keys(served), OPERATOR_KEY), tmp_path / "mirror"
    mirror(log, folder)
    (entries,) = folder.glob("tile/entries/*/*")
    sound = entries.read_bytes()
    entries.write_bytes(sound.replace(b"fact", b"fart", 1).replace(b"{", b"[", 1))
    with pytest.raises(NotVerified, match=r"^tile/entries/000.p/3, position 1: "):
        check_log(folder, log.checkpoint()[1].checkpoint)
    entries.write_bytes(sound)
    (folder / "checkpoint").write_bytes(b"")
    with pytest.raises(NotVerified, match=rf"^{folder}/checkpoint: "):
        mirror(log, folder)
    (folder / "witness.key").write_text("")
    with pytest.raises(NotVerified, match=rf"^{folder}/witness.key: "):
        key_of(folder, "")
    with pytest.raises(NotVerified, match=rf"^{folder}/checkpoint: "):
        witness(log, folder, SignerKey.new("witness.example/w", COSIGNATURE))


SIGNER = SignerKey("log.example", bytes(range(3, 35)))
