"""The log: every fact a leaf, tiles that only grow, one root for a size, receipts that prove."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving
from stories import carry_out

from api.proofs import FOR_EVER
from domain.checkpoint import (
    Checkpoint,
    decode_proof,
    encode_proof,
    open_checkpoint,
    verify_growth,
)
from domain.note import SignerKey
from domain.receipt import leaf_bytes, verify_receipt
from domain.refusal import NotInLog
from domain.tree import NotVerified, entries_of, leaf_hash, root_of, tiles_of
from projections.log import Log
from projections.progress import no_progress
from scripts.audit import CHECKS
from scripts.difference import all_differences
from scripts.layout import upgrade
from scripts.log_keys import make_log_key
from scripts.mirror import mirror
from scripts.mirrored import check_log, check_map
from scripts.remote import Remote
from scripts.service import Service, open_service
from scripts.settings import BadSetting, read_log_keys, read_settings
from scripts.stemma import main

SIGNER = SignerKey.new("stemma.example/log")
KEYS = [SIGNER.verifier]


@pytest.fixture
def logged(database: str) -> Iterator[Service]:
    with open_service(database, signer=SIGNER) as service:
        yield service


def tell(service: Service, people: int) -> None:
    """Some facts: people are admitted in one append."""
    draft = service.journal.draft()
    for number in range(people):
        carry_out(draft, "admit_contributor", actor="operator", name=f"person {number}")
    service.journal.commit(draft)


def leaves(service: Service) -> list[bytes]:
    return [placed.leaf() for placed in service.journal.read()]


def test_a_promise_is_the_same_of_what_was_recorded_just_now_and_long_ago(
    logged: Service, database: str
) -> None:
    for people in (1, 3, 1):
        tell(logged, people)
    with open_service(database, signer=SIGNER) as later:
        for position in range(1, 6):
            assert logged.log.promise(position) == later.log.promise(position)


def test_the_tree_is_the_one_recomputed_from_the_facts(logged: Service) -> None:
    """However the facts came in pages, and over more than one full tile."""
    for people in (1, 255, 3, 300, 77):
        tell(logged, people)
        size = logged.log.catch_up()
        signed = logged.log.checkpoint()
        assert signed is not None
        trusted = open_checkpoint(signed.note, KEYS)
        hashes = [leaf_hash(leaf) for leaf in leaves(logged)]
        assert trusted.checkpoint == Checkpoint(SIGNER.name, size, root_of(hashes))
        assert size == len(hashes) == logged.journal.facts.head()


def test_every_tile_and_bundle_holds_what_its_path_says(logged: Service) -> None:
    tell(logged, 700)
    size = logged.log.catch_up()
    told = leaves(logged)
    for tile in tiles_of(size):
        assert len(logged.log.tile(tile.path)[1]) == tile.width * 32
    bundles = [logged.log.tile(f"tile/entries/{path}")[1] for path in ("000", "001", "002.p/188")]
    assert [entry for data in bundles for entry in entries_of(data)] == told
    for path in ("tile/0/003", "tile/0/002", "tile/9/000", "tile/0/2", "tile/entries/003"):
        with pytest.raises(NotInLog):
            logged.log.tile(path)


def test_a_receipt_proves_its_fact_and_no_other(logged: Service) -> None:
    tell(logged, 300)
    logged.log.catch_up()
    for position in (1, 128, 256, 257, 300):
        receipt = logged.log.receipt(position)
        proved = verify_receipt(receipt, KEYS)
        (placed,) = logged.journal.facts.at([position])
        assert leaf_bytes(*proved.leaf) == placed.leaf()
        with pytest.raises(NotVerified):
            verify_receipt(receipt, [SignerKey.new(SIGNER.name).verifier])
    for position in (0, -1, 301, 1 << 80):
        with pytest.raises(NotInLog):
            logged.log.receipt(position)


def test_a_later_log_only_added_to_an_earlier_one(logged: Service) -> None:
    checkpoints = []
    for people in (1, 5, 250, 300):
        tell(logged, people)
        logged.log.catch_up()
        checkpoints.append(open_checkpoint(logged.log.latest(), KEYS).checkpoint)
    for number, old in enumerate(checkpoints):
        for new in checkpoints[number:]:
            proof = logged.log.consistency(old.size, new.size)
            verify_growth(old, new, decode_proof(encode_proof(proof).splitlines()))
    with pytest.raises(NotInLog):
        logged.log.consistency(0, 5)


def test_two_that_integrate_at_once_make_one_tree(logged: Service) -> None:
    tell(logged, 400)
    others = [Log(logged.journal, SIGNER) for _ in range(3)]
    threads = [Thread(target=log.catch_up) for log in others]
    for thread in threads:
        thread.start()
    tell(logged, 50)
    for thread in threads:
        thread.join()
    size = logged.log.catch_up()
    root = root_of([leaf_hash(leaf) for leaf in leaves(logged)])
    assert open_checkpoint(logged.log.latest(), KEYS).checkpoint == Checkpoint(
        SIGNER.name, size, root
    )


def test_a_fact_edited_behind_the_service_no_longer_fits_its_receipt(tmp_path: Path) -> None:
    """The owner of the database drops the trigger and edits; what was signed before tells."""
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}", signer=SIGNER) as service:
        tell(service, 3)
        service.log.catch_up()
        assert verify_receipt(service.log.receipt(2), KEYS)
        service.engine.execute("DROP TRIGGER stored_events_update")
        service.engine.execute(
            "UPDATE stored_events SET topic = 'contributor.merged' WHERE position = 2"
        )
        with pytest.raises(NotVerified):
            verify_receipt(service.log.receipt(2), KEYS)


def test_full_tiles_of_before_get_the_roots_of_their_parts(logged: Service) -> None:
    """They were stored without them; everything is proved and audited all the same."""
    tell(logged, 700)
    logged.log.catch_up()
    stored = logged.engine.query(ALL_TILES)
    receipts = [logged.log.receipt(position) for position in (1, 200, 300, 700)]
    logged.engine.execute(
        "UPDATE log_tiles SET hashes = substr(hashes, 1, :full) WHERE length(hashes) > :full",
        full=256 * 32,
    )
    assert logged.engine.query(ALL_TILES) != stored
    again = Log(logged.journal, SIGNER)
    assert [again.receipt(position) for position in (1, 200, 300, 700)] == receipts
    assert isinstance(all_differences(CHECKS["log"], logged, no_progress), str)
    upgrade(logged.engine)
    assert logged.engine.query(ALL_TILES) == stored


ALL_TILES = "SELECT place, hashes FROM log_tiles ORDER BY place"


def test_a_damaged_tile_makes_no_receipt(logged: Service) -> None:
    """Neither with a wrong hash, nor with a wrong root of a part; once repaired, it does again."""
    tell(logged, 300)
    logged.log.catch_up()
    ((_, hashes), *_) = logged.engine.query(ALL_TILES)
    right, change = bytes(hashes), "UPDATE log_tiles SET hashes = :hashes WHERE place = 0"
    for at in (32 * 5, 256 * 32 + 32, len(right) - 1):
        wrong = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
        logged.engine.execute(change, hashes=wrong)
        again = Log(logged.journal, SIGNER)
        with pytest.raises(NotVerified):
            again.receipt(7)
        with pytest.raises(NotVerified):
            list(again.receipts([7]))
        assert isinstance(all_differences(CHECKS["log"], logged, no_progress), list)
        logged.engine.execute(change, hashes=right)
        assert verify_receipt(again.receipt(7), KEYS)


def test_a_checkpoint_is_signed_at_most_about_once_a_second(tmp_path: Path) -> None:
    now = [0.0]  # as a monotonic clock may begin
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        log = Log(service.journal, SIGNER, clock=lambda: now[0])
        sizes = []
        for _ in range(5):
            tell(service, 1)
            while log.step():
                pass
            signed = log.checkpoint()
            assert signed is not None
            sizes.append(signed.size)
            now[0] += 0.4
    assert sizes == [1, 1, 1, 4, 4]


def test_without_a_key_the_log_grows_and_says_that_nothing_is_signed(database: str) -> None:
    with open_service(database) as service:
        tell(service, 3)
        assert service.log.catch_up() == 3
        with pytest.raises(NotInLog):
            service.log.latest()
        with pytest.raises(NotInLog):
            service.log.receipt(1)


def test_a_server_without_the_key_of_the_log_says_so_instead_of_try_again_later(
    database: str,
) -> None:
    with serving(database, signer=None, public_pages=True) as served:
        anybody = served.client(None)
        refused = anybody.get("/log/key").json
        said = "started without the key of its log"
        assert (refused["code"], said in refused["detail"]) == ("not_in_log", True)
        page = anybody.get("/audit").text
        assert (said in page, "No checkpoint has been published yet." in page) == (True, False)


def test_anybody_can_read_the_log_over_http(database: str) -> None:
    with serving(database) as served:
        tell(served.service, 1)
        served.service.log.catch_up()
        anybody = served.client(None)
        assert anybody.get("/log/checkpoint").text.startswith("stemma.example/log\n")
        assert anybody.get("/log/key").text.startswith("stemma.example/log+")
        tile = anybody.get("/log/tile/0/000.p/1")
        assert tile.headers["Content-Type"] == "application/octet-stream"
        assert tile.headers["Cache-Control"] == FOR_EVER
        assert anybody.get("/log/tile/0/000").json["code"] == "not_in_log"
        assert anybody.get("/facts/1/receipt").status == 401
        receipt = served.operator.get("/facts/1/receipt")
        assert receipt.text.startswith("c2sp.org/tlog-proof@v1\n")
        assert receipt.headers["Content-Disposition"].endswith('"stemma-fact-1.receipt"')


def test_a_receipt_is_checked_offline_from_the_command_line(commands: Path, tmp_path: Path) -> None:
    environment = {"STEMMA_DATA": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [commands / "stemma", *words],
            env=environment,
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    public = run("key", "new", "stemma.example/log").stdout.strip()
    assert public.startswith("stemma.example/log+")
    assert run("key", "new", "stemma.example/log").returncode == 1
    assert (tmp_path / "log.key").stat().st_mode & 0o077 == 0
    assert run("contributor", "add", "--name", "Ana").returncode == 0
    kept = tmp_path / "ana.receipt"
    assert run("receipt", "1", str(kept)).returncode == 0
    told = run("verify", "receipt", str(kept), "--key", public)
    assert (told.returncode, told.stdout.split()[0]) == (0, "verified")
    assert "contributor.admitted" in told.stdout
    kept.write_bytes(kept.read_bytes().replace(b"index 0", b"index 1"))
    assert run("verify", "receipt", str(kept), "--key", public).returncode == 1


def test_the_signing_key_comes_from_a_file_or_a_variable(tmp_path: Path) -> None:
    here = {"STEMMA_DATA": str(tmp_path)}
    assert read_log_keys(read_settings(here)).signer is None
    made = make_log_key(read_settings(here), "stemma.example/log")
    assert made == read_log_keys(read_settings(here)).signer
    assert make_log_key(read_settings(here)) is None
    named = {**here, "STEMMA_LOG_KEY": "env:SECRET", "SECRET": SIGNER.secret_text()}
    assert read_log_keys(read_settings(named), named) == (SIGNER, ())
    with pytest.raises(BadSetting, match="STEMMA_LOG_KEY"):
        read_log_keys(read_settings(named), {"SECRET": "PRIVATE+KEY+nonsense"})


# -- mirrors -------------------------------------------------------------------------------


def mirrored(served: Served, folder: Path) -> Checkpoint:
    served.service.log.catch_up()
    signer = served.service.log.signer
    assert signer is not None
    url = f"http://127.0.0.1:{served.operator.port}/log"
    return mirror(Remote(url, [signer.verifier], api_key=OPERATOR_KEY), folder).checkpoint


def test_a_mirror_follows_the_log_and_is_whole(database: str, tmp_path: Path) -> None:
    with serving(database, follow=False) as served:
        for people in (3, 300, 1):
            tell(served.service, people)
            checkpoint = mirrored(served, tmp_path / "mirror")
            assert checkpoint.size == served.service.journal.facts.head()
        assert (tmp_path / "mirror" / "tile" / "0" / "000").stat().st_size == 256 * 32
        assert mirrored(served, tmp_path / "mirror") == checkpoint


def test_every_byte_of_a_small_mirror_that_is_changed_is_noticed(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", follow=False) as served:
        tell(served.service, 3)
        folder = tmp_path / "mirror"
        mirrored(served, folder)
        signer = served.service.log.signer
    assert signer is not None

    def check() -> None:
        note = (folder / "checkpoint").read_bytes()
        trusted = open_checkpoint(note, [signer.verifier])
        chains = check_log(folder, trusted.checkpoint)
        map = folder / "map" / str(trusted.checkpoint.size)
        check_map(map.read_bytes(), trusted, [signer.verifier], chains.heads)

    check()
    files = [path for path in folder.rglob("[!.]*") if path.is_file()]  # all but its lock
    assert len(files) == 4
    for path in files:
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(NotVerified):
                check()
        path.write_bytes(data)
    check()


def test_a_rewrite_a_rollback_and_another_log_are_noticed(tmp_path: Path) -> None:
    """The operator starts anew with the same key; a mirror remembers what it was shown."""
    folder = tmp_path / "mirror"
    for name, people, said in (
        ("a", 5, None),
        ("b", 5, "fork"),
        ("c", 9, "fork"),
        ("d", 2, "roll"),
    ):
        with serving(f"sqlite:///{tmp_path / name}.db", follow=False) as served:
            served.service.log.signer = SIGNER
            tell(served.service, people)
            if said is None:
                mirrored(served, folder)
                continue
            with pytest.raises(NotVerified, match=said):
                mirrored(served, folder)
            assert open_checkpoint((folder / "checkpoint").read_bytes(), KEYS).checkpoint.size == 5


def test_a_mirror_is_kept_and_checked_from_the_command_line(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", follow=False) as served:
        tell(served.service, 2)
        served.service.log.catch_up()
        url = f"http://127.0.0.1:{served.operator.port}/log"
        key = served.operator.get("/log/key").text.strip()
        run, folder = CliRunner().invoke, str(tmp_path / "mirror")
        (tmp_path / "auditor").write_text(OPERATOR_KEY)
        api_key = ["--api-key", str(tmp_path / "auditor")]
        mirrors = ["mirror", url, folder, "--key", key]
        assert "size        2" in run(main, [*mirrors, *api_key]).output
        assert run(main, ["verify", "log", folder, "--key", key]).exit_code == 0
        (tmp_path / "mirror" / "tile" / "0" / "000.p" / "2").write_bytes(b"x" * 64)
        assert run(main, ["verify", "log", folder, "--key", key]).exit_code == 1
        away = run(main, ["mirror", "http://127.0.0.1:9/log", folder, "--key", key])
        assert (away.exit_code, away.output.count("\n")) == (1, 1)
