"""Whatever moment a process is killed at: what it acknowledged is there, and nothing by halves.

For longer, as a program: ``python tests/test_crash.py 500 sqlite:///new.db`` kills 500. With a
third word, ``clock``, every process has a clock that was set back or ahead by days.
"""

import json
import subprocess
import sys
from bisect import bisect_right
from collections import Counter
from datetime import datetime
from pathlib import Path

from domain.checkpoint import open_checkpoint
from domain.clock import stamp_of
from domain.note import SignerKey
from domain.tree import Frontier, grow, leaf_hash, tiles_of
from projections import around, attribution
from projections.folding import TABLES
from projections.progress import no_progress
from projections.rebuilding import Rebuild
from projections.store import table_name
from scripts.audit import CHECKS
from scripts.difference import all_differences
from scripts.service import Service, open_service

ROOT = Path(__file__).resolve().parents[1]
KILLS = 30
SIGNER = SignerKey("stemma.example/log", bytes(32))

# A process that forks one after another and kills each at a moment of its own, some before they
# have said anything. The child posts pieces, imports batches of them, folds, and integrates and
# signs the log; it says what was acknowledged and which checkpoints it gave out.
PROGRAM = """
import json, os, random, signal, sys, time
from datetime import timedelta
from domain.commands.admitting import AdmitContributor
from domain.commands.submitting import SubmitContribution
from domain.fact import utc_now
from domain.note import SignerKey
from scripts.bundle import FoundLine, import_lines
from scripts.service import open_service

database, kills, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["clock"]
SIGNER = SignerKey("stemma.example/log", bytes(32))
ANA, BEN = "0f0e8e6b-7a3b-4f0b-9c55-2a8e9d0b9c11", "1f0e8e6b-7a3b-4f0b-9c55-2a8e9d0b9c11"
PIECE = {
    "title": "Piece", "medium": "text",
    "authors": [{"contributor": ANA, "role": "writer"}, {"contributor": BEN, "role": "editor"}],
    "sources": [{"uri": "urn:x:1", "kind": "sample"}],
}


def write(round, says):
    chance = random.Random(round)
    set_by = timedelta(days=chance.choice([-300, -3, 0, 0, 2, 40]) if steps else 0)
    with open_service(database, signer=SIGNER, clock=lambda: utc_now() + set_by) as service:
        for id in (ANA, BEN):
            service.journal.record(AdmitContributor(name=id, id=id))
        batch = 0
        while True:
            if chance.random() < 0.5:
                receipt = service.journal.record(SubmitContribution.of(PIECE))
                told = {"id": receipt.id, "position": receipt.position}
            else:
                batch += 1
                lines = [
                    {"type": "contribution", **PIECE, "licence": f"{round}/{batch}/{part}"}
                    for part in range(7)
                ]
                import_lines(service.journal, [FoundLine("", line) for line in lines])
                told = {"position": service.journal.last_written}
            os.write(says, json.dumps(told).encode() + b"\\n")
            if chance.random() < 0.2:
                service.follower.catch_up()
            if chance.random() < 0.5:
                service.log.catch_up()
                told = {"checkpoint": service.log.latest().decode()}
                os.write(says, json.dumps(told).encode() + b"\\n")


for round in range(kills):
    heard, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        write(round, says)
    os.close(says)
    first = b"" if round % 5 == 4 else os.read(heard, 1)
    time.sleep(random.Random(-round).uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = first
    while more := os.read(heard, 65536):
        told += more
    os.close(heard)
    # Of the last line only a part may have left.
    sys.stdout.write(told[: told.rfind(b"\\n") + 1].decode())
"""


def test_a_killed_process_leaves_no_gap_and_no_half(database: str) -> None:
    """Then every acknowledged fact, every author, every batch is whole, and so is the log."""
    kill_and_look(database, KILLS)


def kill_and_look(database: str, kills: int, *how: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, database, str(kills), *how],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = [json.loads(line) for line in told.stdout.splitlines()]
    acknowledged = [one for one in said if "position" in one]
    assert len(acknowledged) >= kills // 2
    with open_service(database, signer=SIGNER) as service:
        the_log_is_whole(service, [one["checkpoint"] for one in said if "checkpoint" in one])
        facts = list(service.journal.read())
        assert [placed.position for placed in facts] == list(range(1, len(facts) + 1))
        assert max(one["position"] for one in acknowledged) <= len(facts)
        stamps = [stamp_of(placed.state) for placed in facts]
        assert stamps == sorted(stamps)
        moments = range(0, len(facts), max(1, len(facts) // 50))
        for stamp in (stamps[number] for number in moments):
            last = bisect_right(stamps, stamp)
            assert service.journal.position_at(datetime.fromisoformat(stamp)) == last
        births = {placed.originator_id for placed in facts if placed.originator_version == 1}
        assert {one["id"] for one in acknowledged if "id" in one} <= births

        service.follower.catch_up()
        with service.store.view() as view:
            pieces = [
                placed for placed in facts if placed.topic == "contribution.submitted"
            ]  # fmt: skip
            for placed in pieces[:: max(1, len(pieces) // 200)]:
                id = placed.originator_id
                assert len(attribution.all_credits(view, id).items) == 2
                assert len(around.work(view, id)["sources"]) == 1
        topics = Counter(placed.topic for placed in facts)
        assert topics["credit.granted"] == 2 * len(pieces)
        assert topics["remix.declared"] == len(pieces)
        assert topics["outside.cited"] == 1
        batches = Counter(
            licence.rpartition("/")[0]
            for placed in pieces
            if (licence := json.loads(placed.state).get("licence"))
        )
        assert set(batches.values()) == {7}

        sys.stdout.write(f"{len(acknowledged)} acknowledged, {len(facts)} facts, none lost\n")
        live = rows_of(service)
        Rebuild(service.journal, service.store).run()
        assert rows_of(service) == live


def the_log_is_whole(service: Service, given_out: list[str]) -> None:
    """One root for a size, whoever signed it; every tile is the one computed from the facts."""
    size = service.log.catch_up()
    hashes = [leaf_hash(placed.leaf()) for placed in service.journal.read()]
    assert size == len(hashes)
    roots, frontier = {}, Frontier()
    for hash in hashes:
        frontier.append(hash)
        roots[frontier.size] = frontier.root()
    kept = [bytes(note) for (note,) in service.engine.query("SELECT note FROM log_checkpoints")]
    assert {note.encode() for note in given_out} <= set(kept)
    for note in kept:
        checkpoint = open_checkpoint(note, [SIGNER.verifier]).checkpoint
        assert checkpoint.root == roots[checkpoint.size]
    computed = grow(0, hashes, lambda _: ())
    assert set(computed) == set(tiles_of(size))
    for tile, row in computed.items():
        assert service.log.tile(tile.path) == (tile, row)
    found = all_differences(CHECKS["map"], service, no_progress)
    assert isinstance(found, str), found


def rows_of(service: Service) -> dict[str, list[object]]:
    """Every row of every read table."""
    at = service.store.current()
    return {
        table.name: sorted(
            service.engine.query(
                f"SELECT {', '.join(table.all_columns)} FROM {table_name(table.name, at.number)}"
            ),
            key=repr,
        )
        for table in TABLES
    }


if __name__ == "__main__":
    kill_and_look(sys.argv[2], int(sys.argv[1]), *sys.argv[3:])
