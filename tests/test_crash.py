"""Whatever moment a process is killed at: what it acknowledged is there, and nothing by halves."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from projections import attribution, lineage
from projections.follower import TABLES, Rebuild
from projections.store import table_name
from scripts.service import Service, open_service

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 24

# A process that forks one after another and kills each at a moment of its own. The child posts
# pieces, imports batches of them and folds, and says what was acknowledged.
PROGRAM = """
import json, os, random, signal, sys, time
from domain.draft import Draft
from scripts.bundle import Found, import_lines
from scripts.service import open_service

database, rounds = sys.argv[1], int(sys.argv[2])
ANA, BEN = "0f0e8e6b-7a3b-4f0b-9c55-2a8e9d0b9c11", "1f0e8e6b-7a3b-4f0b-9c55-2a8e9d0b9c11"
PIECE = {
    "title": "Piece", "medium": "text",
    "authors": [{"contributor": ANA, "role": "writer"}, {"contributor": BEN, "role": "editor"}],
    "sources": [{"uri": "urn:x:1", "kind": "sample"}],
}


def write(round, says):
    chance = random.Random(round)
    with open_service(database) as service:
        for id in (ANA, BEN):
            service.journal.record(Draft.admit_contributor, actor="operator", name=id, id=id)
        batch = 0
        while True:
            if chance.random() < 0.5:
                receipt = service.journal.record(
                    Draft.submit_contribution, actor="operator", **PIECE
                )
                told = {"id": receipt.id, "position": receipt.position}
            else:
                batch += 1
                lines = [
                    {"type": "contribution", **PIECE, "licence": f"{round}/{batch}/{part}"}
                    for part in range(7)
                ]
                import_lines(service.journal, [Found("", line) for line in lines])
                told = {"position": service.journal.last_written}
            os.write(says, json.dumps(told).encode() + b"\\n")
            if chance.random() < 0.3:
                service.follower.catch_up()


for round in range(rounds):
    heard, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        write(round, says)
    os.close(says)
    first = os.read(heard, 1)
    time.sleep(random.Random(-round).uniform(0, 0.08))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = first
    while more := os.read(heard, 65536):
        told += more
    os.close(heard)
    sys.stdout.write(told.decode())
"""


def test_a_killed_process_leaves_no_gap_and_no_half(database: str) -> None:
    """Some dozens of kills; then every acknowledged fact, every author, every batch is whole."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, database, str(ROUNDS)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    acknowledged = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(acknowledged) >= ROUNDS
    with open_service(database) as service:
        facts = list(service.journal.read())
        assert [placed.position for placed in facts] == list(range(1, len(facts) + 1))
        assert max(one["position"] for one in acknowledged) <= len(facts)
        births = {placed.originator_id for placed in facts if placed.originator_version == 1}
        assert {one["id"] for one in acknowledged if "id" in one} <= births

        service.follower.catch_up()
        with service.store.view() as view:
            pieces = [
                placed for placed in facts if placed.topic == "contribution.submitted"
            ]  # fmt: skip
            for placed in pieces[:: max(1, len(pieces) // 200)]:
                id = placed.originator_id
                assert len(attribution.credits_of(view, id)) == 2
                assert len(lineage.work(view, id)["sources"]) == 1
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

        live = rows_of(service)
        Rebuild(service.journal, service.store).run()
        assert rows_of(service) == live


def rows_of(service: Service) -> dict[str, list[object]]:
    """Every row of every read table."""
    at = service.store.current()
    return {
        table.name: sorted(
            service.store.query(
                f"SELECT {', '.join(table.all_columns)} FROM {table_name(table.name, at.number)}"
            ),
            key=repr,
        )
        for table in TABLES
    }
