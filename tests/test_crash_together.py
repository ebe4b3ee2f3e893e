"""Sixteen clients of two processes, which are killed: positions, links and money are exact.

For longer, as a program: ``python tests/test_crash_together.py 100 sqlite:////tmp/new.db``.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from money import Bank, bank
from stories import OPERATOR, id_of

from domain.chain import Chains
from domain.receipt import read_leaf
from domain.request import key_digest
from domain.tree import leaf_hash

ROOT = Path(__file__).resolve().parents[1]
KILLS, CLIENTS, UNITS = 2, 8, 100

# Two processes with eight clients each post pieces and book revenue; each request has a key. One of
# them is killed after the other, at a moment of its own, and another takes its place: each of its
# clients repeats what it has no answer to.
PROGRAM = """
import os, random, signal, sys, threading, time
from datetime import datetime
from domain.money.dividing import RecordRevenue
from domain.commands.submitting import SubmitContribution
from domain.refusal import Busy
from scripts.service import open_service

database, kills, clients, moment, pool, ana = sys.argv[1:]
kills, clients, moment = int(kills), int(clients), datetime.fromisoformat(moment)
PIECE = {"title": "Piece", "medium": "text", "authors": [{"contributor": ana, "role": "writer"}]}
REVENUE = {"pool": pool, "amount_minor": UNITS, "effective_at": "2026-05", "source": "shop"}
heard, says = os.pipe()
os.set_blocking(heard, False)
answered = {(worker, client): 0 for worker in range(2) for client in range(clients)}


def ask(journal, worker, client, number):
    while True:
        key = f"{worker}/{client}/{number}"
        is_money = number % 4 == 3
        command = RecordRevenue.of(REVENUE) if is_money else SubmitContribution.of(PIECE)
        try:
            position = journal.record(command, key=key).position
        except Busy:
            continue
        number += 1
        os.write(says, f"{worker} {client} {number} {key} {position}\\n".encode())


def begin(worker):
    child = os.fork()
    if child:
        return child
    with open_service(database, clock=lambda: moment) as service:
        threads = [
            threading.Thread(target=ask, args=(service.journal, *one, number))
            for one, number in answered.items()
            if one[0] == worker
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    os._exit(1)


def hear():
    told = b""
    try:
        while more := os.read(heard, 65536):
            told += more
    except BlockingIOError:
        pass
    for line in told.decode().splitlines():
        worker, client, number, key, position = line.split()
        answered[int(worker), int(client)] = int(number)
        print(key, position)
    return told.count(b"\\n")


running = [begin(0), begin(1)]
for kill in range(kills + 1):
    many = 0
    while many < 2 * clients:
        time.sleep(0.01)
        many += hear()
    time.sleep(random.Random(kill).uniform(0, 0.05))
    ended = [kill % 2] if kill < kills else [0, 1]
    for worker in ended:
        os.kill(running[worker], signal.SIGKILL)
        os.waitpid(running[worker], 0)
    hear()
    if kill < kills:
        running[kill % 2] = begin(kill % 2)
""".replace("UNITS", str(UNITS))


def test_sixteen_clients_of_two_processes_that_are_killed_leave_everything_exact(
    database: str,
) -> None:
    kill_and_look(database, KILLS)


def kill_and_look(database: str, kills: int) -> None:
    with bank(database) as told:
        ana = told.person("ana")
        pool = told.pool()
        told.agree(pool, {"house": "2", "label": "1"})
        before, now = told.head(), told.journal.clock().isoformat()
        said = subprocess.run(
            [sys.executable, "-c", PROGRAM, database, str(kills), str(CLIENTS), now, pool, ana],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        answers = [line.split() for line in said.stdout.splitlines()]
        assert len(answers) >= 2 * CLIENTS * (kills + 1)
        positions_are_exact(told, before, dict(answers))
        every_fact_follows_the_one_before_it(told)
        units = UNITS * sum(one.topic == "revenue.recorded" for one in told.facts())
        assert sum(told.account().values()) == units
        sys.stdout.write(f"{len(answers)} answered, {told.head()} facts, {units} units\n")


def positions_are_exact(told: Bank, before: int, answers: dict[str, str]) -> None:
    """What was answered stands where it was said to, once; of the rest there is all or nothing."""
    facts = told.facts()
    assert [one.position for one in facts] == list(range(1, len(facts) + 1))
    for key, position in answers.items():
        request = told.journal.facts.request_under(key_digest(OPERATOR, key))
        assert request is not None
        assert request.position == int(position)
    asked = told.journal.facts.requests_between(before, len(facts))
    # Of each client at most one request was recorded of which the answer was not heard.
    assert len(answers) <= len(asked) <= len(answers) + 2 * CLIENTS
    assert len({one.key for one in asked}) == len(asked)
    topics = Counter(one.topic for one in facts[before:])
    assert topics["contribution.submitted"] == topics["credit.granted"]
    assert topics["contribution.submitted"] + topics["revenue.recorded"] == len(asked)


def every_fact_follows_the_one_before_it(told: Bank) -> None:
    chains = Chains()
    for placed in told.facts():
        chains.follow(read_leaf(placed.leaf()), leaf_hash(placed.leaf()))
    assert chains.heads[id_of("ana")].number > 1


if __name__ == "__main__":
    kill_and_look(sys.argv[2], int(sys.argv[1]))
