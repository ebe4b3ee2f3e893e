"""What a monitor reports about those it watches, once, and what makes it give the alarm."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving
from stories import Story, id_of, story
from test_audit import edited, tamper
from test_mirror import say_besides, seen
from test_signature import ANA, KEY, PIECE, registered, signed
from test_witness import WITNESSES, tell, url_of

from api.allowance import Limit
from domain.checkpoint import Checkpoint, sign
from domain.latest import Place, leaf_for
from domain.note import SignerKey
from domain.tree import TILE_WIDTH, bundle, leaf_hash, root_of
from projections.latest import PLACES
from scripts.mirrored import bundles_of
from scripts.remote import Remote
from scripts.safe_file import alone, write_whole
from scripts.stemma import main

SIGNER = SignerKey("stemma.example/log", bytes(range(7, 39)))
GIVEN = {"follow": False, "witnesses": WITNESSES, "signer": SIGNER}
DAY = 86_400


# On one engine: a monitor sees nothing of it, and the log is the same on both.
@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(f"sqlite:///{tmp_path_factory.mktemp('log') / 'a.db'}", **GIVEN) as running:
        yield running


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'to-be-changed.db'}"


@pytest.fixture
def changed(database: str) -> Iterator[Served]:
    with serving(database, **GIVEN) as running:
        yield running


class Watcher:
    """Runs “stemma monitor” again and again, with one state."""

    def __init__(self, url: str, folder: Path, *watched: object) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "auditor").write_text(OPERATOR_KEY)
        self.url, self.state = url, folder / "state.json"
        self.words = ["--key", str(SIGNER.verifier), "--state", str(self.state)]
        self.words += ["--api-key", str(folder / "auditor")]
        self.words += [word for one in watched for word in ("--for", str(one))]

    def run(self, *more: object, url: str = "") -> tuple[int, list[dict[str, Any]], str]:
        """The status, the facts, and what stands on standard error."""
        words = ["monitor", url or self.url, *self.words, *map(str, more)]
        done = CliRunner().invoke(main, words)
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def facts(self, *more: object) -> list[dict[str, Any]]:
        code, facts, said = self.run(*more)
        assert (code, said) == (0, ""), said
        return facts

    def alarm(self, said: str, *more: object, url: str = "") -> None:
        """Status 1, with a reason, and no fact; what the last run knew is kept."""
        before = self.state.read_bytes() if self.state.exists() else b""
        code, facts, reason = self.run(*more, url=url)
        assert (code, facts) == (1, [])
        assert said in reason
        assert (self.state.read_bytes() if self.state.exists() else b"") == before


def test_each_new_fact_about_a_person_or_a_work_is_reported_once(
    served: Served, tmp_path: Path
) -> None:
    told = Story(served.service)
    ana, ben = told.person("eva"), told.person("ben")
    tide = told.piece("tide", by=[ana])
    served.service.log.catch_up()
    about_ana = Watcher(url_of(served), tmp_path / "ana", ana)
    about_tide = Watcher(url_of(served), tmp_path / "tide", tide.upper())
    assert [fact["about"] for fact in about_ana.facts()] == [{ana: 1}, {ana: 2}]
    assert [fact["about"] for fact in about_tide.facts()] == [{tide: 1}, {tide: 2}]
    tell(served, 300)
    told.piece("another", by=[ben])
    served.service.log.catch_up()
    assert about_ana.facts() == about_tide.facts() == []
    told.credit(tide, ben)
    told.piece("by her", actor=ana)
    served.service.log.catch_up()
    (credited,) = about_tide.facts()
    assert credited["topic"] == "credit.granted"
    assert (credited["about"], credited["by"], credited["signed_by"]) == (
        {tide: 3},
        "operator",
        None,
    )
    assert credited["recorded_at"] == credited["fact"]["timestamp"]
    (placed,) = served.service.journal.facts.at([credited["position"]])
    assert json.loads(placed.state) == credited["fact"]
    by_her = about_ana.facts()
    assert by_her
    assert {fact["by"] for fact in by_her} == {ana}
    assert about_ana.facts() == about_tide.facts() == []
    # What waits for her, as she asked, is in no history yet; that is no reason not to report it.
    told.tell("ask_first", id=ana, actor=ana)
    waiting = told.credit(told.piece("his", by=[ben], actor=ben), ana, actor=ben)
    served.service.log.catch_up()
    *_, asked = about_ana.facts()
    assert (asked["of"], asked["about"], asked["by"]) == (waiting, {}, ben)


def test_what_a_key_has_signed_is_reported_and_a_garbled_signature_is_not_passed_over(
    changed: Served, database: str, tmp_path: Path
) -> None:
    told = Story(changed.service)
    registered(told)
    changed.service.log.catch_up()
    watcher = Watcher(url_of(changed), tmp_path / "a", KEY.verifier)
    assert [fact["topic"] for fact in watcher.facts()] == ["contributor.key_registered"]
    signed(told, "submit_contribution", **PIECE)
    told.piece("not signed", actor=ANA)
    changed.service.log.catch_up()
    by_topic = {fact["topic"]: fact["signed_by"] for fact in watcher.facts()}
    assert {"contribution.submitted", "credit.accepted", "remix.declared"} < {*by_topic}
    assert {*by_topic.values()} == {str(KEY.verifier)}
    signed(told, "redate_work", id=PIECE["id"], made_at="2001", reason="my notebook")
    (last,) = changed.service.journal.facts.at([changed.head])
    signature = json.loads(last.state)["signature"]
    garbled = signature[:40] + ("A" if signature[40] != "A" else "B") + signature[41:]
    tamper(database, edited(told, signature, garbled, changed.head))
    changed.service.log.catch_up()
    watcher.alarm(f"position {changed.head}: the signature of {ANA}")


@contextmanager
def showing(folder: Path) -> Iterator[str]:
    """The address at which a web server shows a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(folder))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_where_a_log_answers_only_so_much_in_a_minute_it_is_waited_for(tmp_path: Path) -> None:
    refused = iter(["0", "\xb2", "0"])

    class Limited(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wait = next(refused, None)
            self.send_response(200 if wait is None else 429)
            if wait is not None:
                self.send_header("Retry-After", wait)
            self.end_headers()
            self.wfile.write(b"tile")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Limited) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        (tile, *_) = bundles_of(3)
        assert Remote(f"http://127.0.0.1:{server.server_port}", ()).tile(tile) == b"tile"
        assert next(refused, None) is None
        server.shutdown()


def test_a_history_of_more_facts_than_a_service_answers_in_a_minute_is_waited_for(
    database: str, tmp_path: Path
) -> None:
    """It was given up each time, and begun anew in the next run: it never came to an end."""
    with serving(database, **GIVEN, limits=({"reads": Limit(5, 1)},)) as served:
        told = Story(served.service)
        ana = told.person("ana")
        for number in range(8):
            told.tell("rename_contributor", id=ana, name=f"Ana {number}")
        served.service.log.catch_up()
        watcher = Watcher(url_of(served), tmp_path, ana)
        (tmp_path / "auditor").write_text(str(served.acting(ana).key))
        assert [fact["about"] for fact in watcher.facts("--only-about")] == [
            {ana: number} for number in range(1, 10)
        ]


def write_log(folder: Path, leaves: list[bytes], signer: SignerKey = SIGNER) -> None:
    """The log of these leaves as static files."""
    tree = Checkpoint(signer.name, len(leaves), root_of(map(leaf_hash, leaves)))
    write_whole(folder / "checkpoint", sign(tree, signer))
    for tile in bundles_of(len(leaves)):
        first = tile.number * TILE_WIDTH
        write_whole(folder / tile.path, bundle(leaves[first : first + tile.width]))


def test_a_fork_a_rollback_and_another_log_give_the_alarm(tmp_path: Path) -> None:
    """The operator begins anew with the same key; the monitor remembers what it was shown."""
    with story(f"sqlite:///{tmp_path / 'a.db'}") as told:
        people = [told.person(f"{number}") for number in range(7)]
        leaves = [placed.leaf() for placed in told.facts()]
    write_log(tmp_path / "log", leaves[:5])
    other = leaves[3].replace(b"contributor.admitted", b"contributor.renamed")
    forks = {
        "the last leaf of all": [*leaves[:4], leaves[5]],
        "a leaf inside": [*leaves[:3], other, leaves[4]],
        "a leaf inside, and many more": [*leaves[:3], other, *leaves[4:]],
        "a leaf less inside": [*leaves[:3], *leaves[4:]],
    }
    with showing(tmp_path) as origin:
        watcher = Watcher(f"{origin}/log", tmp_path, people[0])
        assert len(watcher.facts()) == 1
        for name, forked in forks.items():
            write_log(tmp_path / name.replace(" ", "-"), forked)
            watcher.alarm("fork: ", url=f"{origin}/{name.replace(' ', '-')}")
        for name, some, key, said in (
            ("shorter", leaves[:4], SIGNER, "rollback: "),
            ("unknown", leaves[:6], SignerKey.new(SIGNER.name), "no known key has signed"),
            ("elsewhere", leaves[:6], SignerKey.new("other.example/log"), "is another log"),
        ):
            write_log(tmp_path / name, some, key)
            known = ("--key", key.verifier) if name == "elsewhere" else ()
            watcher.alarm(said, *known, url=f"{origin}/{name}")
        kept = json.loads(watcher.state.read_text())
        watcher.state.write_text(json.dumps(kept | {"edge": kept["edge"][::-1]}))
        watcher.alarm("the state of the last run is damaged")
        watcher.state.write_text("[]")
        watcher.alarm("is not the state of a monitor")
        watcher.state.write_text(json.dumps(kept))
        write_log(tmp_path / "log", leaves)
        assert watcher.facts() == []


def test_a_fact_that_is_left_out_of_its_history_gives_the_alarm(
    changed: Served, database: str, tmp_path: Path
) -> None:
    told = Story(changed.service)
    ana, tide = told.person("ana"), told.piece("tide")
    watchers = [Watcher(url_of(changed), tmp_path / one, one) for one in (ana, tide)]
    changed.service.log.catch_up()
    assert [len(watcher.facts()) for watcher in watchers] == [1, 1]
    told.credit(tide, ana)
    told.credit(tide, ana, role="singer")
    tamper(database, f"UPDATE stored_events SET links = '[]' WHERE position = {changed.head - 1}")
    changed.service.log.catch_up()
    for watcher, id in zip(watchers, (ana, tide), strict=True):
        watcher.alarm(f"position {changed.head - 1} is about {id} but is not in its history")


def test_by_the_map_no_entries_are_read_and_none_of_a_history_is_passed_over(
    changed: Served, database: str, tmp_path: Path
) -> None:
    told = Story(changed.service)
    ana, tide = told.person("ana"), told.piece("tide", by=[])
    told.piece("another", by=[ana])
    changed.service.log.catch_up()
    watcher = Watcher(url_of(changed), tmp_path, ana, tide)
    (tmp_path / "auditor").write_text(str(changed.acting(ana).key))  # her own key
    facts = watcher.facts("--only-about")
    assert [fact["about"] for fact in facts] == [{ana: 1}, {tide: 1}, {ana: 2}]
    told.credit(tide, ana)
    tell(changed, 300)
    told.tell("rename_contributor", id=ana, name="Anna")
    changed.service.log.catch_up()
    assert [fact["about"] for fact in watcher.facts("--only-about")] == [
        {tide: 2, ana: 3},
        {ana: 4},
    ]
    assert watcher.facts("--only-about") == []
    code, _, said = watcher.run("--for", str(KEY.verifier), "--only-about")
    assert (code, "leave out --only-about" in said) == (2, True)
    watcher.alarm("is of a monitor for only about")
    # A map that was signed for others: it hides the last fact, and then one that was never there.
    told.credit(tide, ana, role="singer")
    by_all = Watcher(url_of(changed), tmp_path / "all", ana)
    for place, said in ((Place(3, 5), "fact 3 at position 5"), (Place(9, 9), "fact 9")):
        leaf = leaf_for(ana, place)
        with changed.service.engine.transaction() as writer:
            writer.insert(PLACES, [("1", changed.head, leaf.path + leaf.said)])
            writer.execute("UPDATE log_map_size SET size = :to", to=changed.head)
        changed.service.log.catch_up()
        by_all.alarm(f"the signed map says that the latest fact about {ana} is {said}")
        told.tell("rename_contributor", id=ana, name="Ann")
    watcher.alarm("position 9 is not about", "--only-about")


def test_a_frozen_log_and_one_that_cannot_be_asked_are_told_apart(
    served: Served, tmp_path: Path
) -> None:
    ana = Story(served.service).person("ada")
    tell(served, 2)
    watcher = Watcher(url_of(served), tmp_path, ana)
    assert len(watcher.facts("--max-age", "1h")) == 1
    kept = json.loads(watcher.state.read_text())
    watcher.state.write_text(json.dumps(kept | {"since": kept["since"] - DAY}))
    say_besides(served, "a further line")
    assert watcher.facts() == []
    watcher.alarm("frozen: the log has not grown", "--max-age", "1h")
    assert watcher.facts() == []
    tell(served, 1)
    assert watcher.facts("--max-age", "1h") == []
    nobody = f"http://127.0.0.1:{served.operator.port}/nothing"
    (tmp_path / "auditor").write_text("stemma_of-nobody")
    tell(served, 1)
    for url, said in ((nobody, "401"), (watcher.url, "need the key of an auditor")):
        code, facts, reason = watcher.run(url=url)
        assert (code, facts, said in reason) == (3, [], True), reason


def test_a_run_that_a_log_keeps_from_ending_is_told_by_the_next_one(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log can always show another entry; nobody would notice while the others wait for it."""
    monkeypatch.setattr("scripts.safe_file.WAIT_SECONDS", 0.1)
    tell(served, 1)
    watcher = Watcher(url_of(served), tmp_path, id_of("ada"))
    own = ["mirror", url_of(served), str(tmp_path / "own"), "--key", str(SIGNER.verifier)]
    with alone(tmp_path / "state.json.lock"), alone(tmp_path / "own" / ".lock"):
        code, _, said = watcher.run()
        assert (code, "An earlier run is still at work" in said) == (3, True)
        done = CliRunner().invoke(main, [*own, "--hashes"])
        assert (done.exit_code, "An earlier run is still at work" in done.output) == (1, True)
    assert watcher.run()[0] == CliRunner().invoke(main, [*own, "--hashes"]).exit_code == 0


def test_a_monitor_with_witnesses_reports_what_they_have_seen(
    served: Served, tmp_path: Path
) -> None:
    told, words = Story(served.service), [w for k in WITNESSES for w in ("--witness", str(k))]
    ana = told.person("una")
    served.service.log.catch_up()
    seen(served)
    watcher, plain = (
        Watcher(url_of(served), tmp_path / "a", ana),
        Watcher(url_of(served), tmp_path / "b", ana),
    )
    assert len(watcher.facts(*words)) == 1
    told.credit(told.piece("seen"), ana)
    served.service.log.catch_up()
    assert watcher.facts(*words) == []
    assert len(plain.facts()) == 2
    assert plain.facts(*words) == []  # they have not seen yet what it knows
    seen(served)
    assert len(watcher.facts(*words, "--max-age", "1h")) == 1


def test_who_is_watched_is_said_once_and_a_stranger_is_noticed(
    served: Served, tmp_path: Path
) -> None:
    tell(served, 2)
    watcher = Watcher(url_of(served), tmp_path, "nobody at all")
    code, facts, said = watcher.run()
    assert (code, facts, said) == (0, [], "Nothing in the log yet is about nobody at all.\n")
    assert watcher.facts() == []
    watcher.words[-1] = "somebody else"
    watcher.alarm("is of a monitor for")
    run = CliRunner().invoke
    asked = ["monitor", watcher.url, *watcher.words]
    asked[asked.index("--state") : asked.index("--state") + 2] = []
    for _ in range(2):
        done = run(main, asked, env={"STEMMA_DATA": str(tmp_path / "data")})
        assert (done.exit_code, done.stdout) == (0, "")
    assert len([*(tmp_path / "data" / "monitor").glob("*.json")]) == 1
