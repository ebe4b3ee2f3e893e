"""What a service answers is held against its log: whatever does not follow from it is named."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving
from stories import NOON, Story, raw_connection
from test_rules import recorded
from test_witness import trickling

from domain.credit import Credit
from domain.permission import OPERATOR
from domain.tree import NotVerified
from projections.around import work
from projections.progress import no_progress
from projections.rebuilding import Rebuild
from projections.store import table_name
from scripts.audit import CHECKS
from scripts.commands.frame import progress_of
from scripts.comparison import audit as auditing
from scripts.comparison import judging
from scripts.comparison.audit import Audit
from scripts.comparison.caller import Caller
from scripts.comparison.texts import Disclosed, take_texts
from scripts.difference import all_differences
from scripts.remote import Remote
from scripts.service import open_service
from scripts.stemma import main


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests record is in the log when they go on."""
    monkeypatch.setattr(auditing, "SECONDS_TO_GROW", 0)


class Scene:
    """A song from a poem, with its people, and a pool that has earned."""

    def __init__(self, served: Served) -> None:
        self.served, self.told = served, Story(served.service)
        told = self.told
        self.ana, self.ben = told.person("ana"), told.person("ben")
        poem = told.piece("poem", by=[self.ana])
        self.song = told.piece("song", (poem, "adaptation"), by=[self.ben])
        release = told.release("album", self.song)
        shares = {"type": "fixed", "shares": [[self.ana, "1/2"], [self.ben, "1/2"]]}
        said = {"release": release, "kind": "song", "currency": "USD", "terms": shares}
        pool = told.tell("open_pool", name="pool", **said).id
        said = {"pool": pool, "source": "shop", "amount_minor": 1001, "effective_at": "2026-05"}
        told.tell("record_revenue", **said)
        agreed = {
            "release": release,
            "kind": "song",
            "currency": "USD",
            "terms": {"type": "agreed"},
        }
        assets = [{"asset": self.song, "value": "1", "shares": [[self.ben, "1"]]}]
        told.tell(
            "post_proposal", pool=told.tell("open_pool", name="b", **agreed).id, assets=assets
        )
        self.catch_up()

    def catch_up(self) -> None:
        """Fold and sign what was recorded."""
        self.told.service.follower.catch_up()
        self.told.service.log.catch_up()

    def change(self, table: str, sql: str, **values: Any) -> None:
        """Change a read table behind the service's back."""
        name = table_name(table, self.told.store.current().number)
        self.told.store.engine.execute(sql.format(name), **values)

    def mend(self) -> None:
        """Fold the read tables again."""
        Rebuild(self.told.journal, self.told.store).run(no_progress)


@pytest.fixture
def scene(database: str) -> Iterator[Scene]:
    with serving(database, follow=False, clock=lambda: NOON) as served:
        yield Scene(served)


def _log_of(scene: Scene) -> Remote:
    keys = scene.told.service.log.public_keys()
    return Remote(f"{scene.served.origin}/log", keys, OPERATOR_KEY)


@pytest.fixture
def audit(scene: Scene, tmp_path: Path) -> Iterator[Audit]:
    """An audit of the scene that has mirrored and replayed its log."""
    log = _log_of(scene)
    with open_service(f"sqlite:///{tmp_path / 'replay.db'}") as replay:
        audited = Audit(log, tmp_path / "mirror", replay, progress_of)
        audited.catch_up()
        yield audited


def a_moved_credit(to: Scene) -> None:
    move = "UPDATE {0} SET contributor = (SELECT min(contributor) FROM {0}) WHERE work = ("
    move += "SELECT max(work) FROM {0})"
    to.change("credits", move)


def a_hidden_credit(to: Scene) -> None:
    to.change("credits", "DELETE FROM {0} WHERE work = (SELECT max(work) FROM {0})")


def a_hidden_edge(to: Scene) -> None:
    to.change("remixes", "DELETE FROM {0} WHERE kind = 'adaptation'")


def a_changed_posting(to: Scene) -> None:
    to.change("postings", "UPDATE {0} SET amount = amount + 1 WHERE payee = :ana", ana=to.ana)


def a_changed_sum(to: Scene) -> None:
    to.change("sums", "UPDATE {0} SET amount = amount + 1 WHERE payee = :ana", ana=to.ana)


CHEATS: dict[Callable[[Scene], None], str | tuple[str, ...]] = {
    a_moved_credit: ("show_work, /works/", "show_proposal, "),
    a_hidden_credit: ("show_work, /works/", "show_contributor, "),
    a_hidden_edge: "show_work, /works/",
    a_changed_posting: ("show_statement, ", "show_earnings, "),
    a_changed_sum: "show_pool, ",
}


def test_what_the_read_tables_say_otherwise_than_the_log_is_named(
    scene: Scene, audit: Audit
) -> None:
    assert audit.first_difference() is None
    asked = audit.asked
    for cheat, where in CHEATS.items():
        cheat(scene)
        found = audit.first_difference()
        assert found is not None, cheat
        assert found.service != found.replay
        assert str(found).startswith(where), (cheat, found)
        scene.mend()
    assert (audit.first_difference(), audit.asked) == (None, asked)


def test_a_replay_tells_what_only_answers_about_an_earlier_position_say_otherwise(
    scene: Scene, audit: Audit
) -> None:
    position = scene.told.head()
    scene.told.tell("describe_work", id=scene.song, title="Later", reason="r")
    scene.catch_up()
    changed = "UPDATE {0} SET medium = 'video' WHERE id = :id AND until <= :head"
    scene.change("works", changed, id=scene.song, head=scene.told.head())
    audit.catch_up()
    assert audit.first_difference() is None, "it asks about the present alone"
    asked = f"/works/{scene.song}?as_of={position}"
    with audit.replay.store.view(as_of=position) as view:
        replayed = work(view, scene.song)["medium"]
    assert (scene.served.operator.get(asked).json["medium"], replayed) == ("video", "text")
    found = all_differences(CHECKS["read tables"], scene.told.service, no_progress)
    assert "works" in str(found[0])


def test_what_was_recorded_since_the_mirror_is_no_difference(scene: Scene, audit: Audit) -> None:
    size = audit.size
    claim = scene.told.credit(scene.song, scene.ana, actor=scene.ana)
    scene.told.tell("accept_credit", id=claim, actor=OPERATOR)
    scene.told.tell("hide_credit", id=claim, actor=scene.ana)
    scene.catch_up()
    assert audit.first_difference() is None
    assert audit.size >= size


def test_a_text_that_is_not_the_one_committed_to_is_named(
    scene: Scene, audit: Audit, database: str
) -> None:
    with raw_connection(database) as connection:
        connection.execute(
            "UPDATE vault SET value = 'another', folded = 'another' WHERE name = 'title'"
        )
    found = audit.first_difference()
    assert found is not None
    assert found.service == "another", found
    audit.with_texts = False
    assert audit.first_difference() is None
    scene.told.piece("new")
    scene.catch_up()
    with raw_connection(database) as connection:
        connection.execute("UPDATE vault SET value = 'x', folded = 'x' WHERE name = 'title'")
    audit.with_texts = True
    with pytest.raises(NotVerified, match="title: 'x'"):
        audit.catch_up()


def of_text(*parts: object) -> dict[str, Any]:
    """A page on which one text is disclosed."""
    return {"items": [{"position": 1, "disclosures": [parts]}], "next": None}


@pytest.mark.parametrize(
    "said",
    [
        *(None, [], {}, "", 1, {"items": None, "next": None}, {"items": [1], "next": None}),
        *({"items": [], "next": "x"}, {"items": [], "next": {}}, of_text("salt", "name")),
        *(of_text("salt", "name", 1), of_text("salt", "name", "\ud800")),
    ],
)
def test_what_can_not_be_read_as_documented_is_named_and_is_no_accident(
    said: object, audit: Audit
) -> None:
    body = json.dumps(said)
    begun = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    with trickling(begun, b" ") as address:
        caller = Caller(address, OPERATOR_KEY)
        with pytest.raises(NotVerified, match="/facts/disclosures is not as documented"):
            take_texts(audit.replay, Disclosed(caller), 0, audit.size, no_progress)
        if not isinstance(said, dict):
            with pytest.raises(NotVerified, match="/keys is not as documented"):
                caller.holder()


def test_without_texts_an_honest_service_is_not_accused(scene: Scene, tmp_path: Path) -> None:
    """Not even where an answer quotes a name, as that of somebody who was left out."""
    log = _log_of(scene)
    with open_service(f"sqlite:///{tmp_path / 'replay.db'}") as replay:
        audited = Audit(log, tmp_path / "m", replay, progress_of, with_texts=False)
        audited.catch_up()
        assert audited.first_difference() is None


def test_a_text_that_is_lost_is_said_to_leave_all_texts_uncompared(
    scene: Scene, tmp_path: Path, database: str
) -> None:
    with raw_connection(database) as connection:
        connection.execute("DELETE FROM vault WHERE value = 'poem'")
    with open_service(f"sqlite:///{tmp_path / 'replay.db'}") as replay:
        audited = Audit(_log_of(scene), tmp_path / "mirror", replay, progress_of)
        audited.catch_up()
        with raw_connection(database) as connection:
            connection.execute("UPDATE vault SET value = 'x', folded = 'x' WHERE value = 'song'")
        assert audited.first_difference() is None
    assert str(audited.texts).endswith("1 not disclosed: no names or titles are compared")


def test_the_command_audits_and_says_what_it_compared(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(OPERATOR_KEY)
    key = scene.told.service.log.public_keys()[0]
    words = ["audit", scene.served.origin, str(tmp_path / "mirror"), "--key", str(key)]
    words += ["--api-key", str(tmp_path / "key")]
    done = CliRunner().invoke(main, [*words, "--sample", "30", "--seed", "7"])
    assert done.exit_code == 0, done.output
    head = scene.told.head()
    assert f"answers     30 compared at position {head}" in done.output
    monkeypatch.setattr(judging, "SLICE", 10)  # so that processes of their own judge
    said = {"work": scene.song, "contributor": scene.ana, "actor": scene.ana}
    claim = scene.told.credit(scene.song, scene.ana, actor=scene.ana)
    place = recorded(scene.told, Credit.Accepted, claim, **said)
    scene.catch_up()
    done = CliRunner().invoke(main, [*words, "--sample", "1"])
    assert (done.exit_code, f"rules: {place}credit.accepted" in done.stderr) == (1, True), (
        done.stderr
    )
    monkeypatch.undo()
    a_hidden_edge(scene)
    done = CliRunner().invoke(main, [*words, "--json"])
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert (told["size"], len(told["broken"])) == (head + 2, 1)
    assert set(told["different"]) == {"question", "subject", "where", "replay", "service"}
    assert "NOT VERIFIED: " in done.stderr
    assert told["different"]["question"] in done.stderr
