"""The demonstration shows what it says it shows, and every question it prints has an answer."""

import io
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from click.testing import CliRunner
from rich.console import Console
from serving import OPERATOR_KEY
from stories import Story, raw_connection

from api.application import create_app
from projections import around, attribution, contributors, formats, history, lineage, listing, parts
from projections.money import pools, statements
from projections.progress import no_progress
from projections.store import View
from scripts import demonstration
from scripts.audit import CHECKS
from scripts.bundle import Ids
from scripts.commands.frame import Chosen
from scripts.difference import all_differences
from scripts.service import Service, open_service
from scripts.settings import Settings, read_settings
from scripts.stemma import main

IDS = Ids("bundle")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = read_settings({"STEMMA_DATA": str(tmp_path_factory.mktemp("demo"))})
    with open_service(settings.database) as service:
        demonstration.load(service, settings)
        yield service


@pytest.fixture
def view(shown: Service) -> Iterator[View]:
    with shown.store.view() as now:
        yield now


def work(text: str) -> str:
    return IDS.named("work", text)


def person(text: str) -> str:
    return IDS.named("person", text)


def titles(shown: lineage.Shown) -> set[str]:
    return {node["title"] for node in shown.works.values()}


def who(view: View, text: str) -> dict[str, dict[str, Any]]:
    items = parts.of_work(view, work(text), limit=1000).items
    return {one["contributor"]["name"]: one for one in items}


def listed(bundle: str, kind: str) -> list[dict[str, Any]]:
    """The lines of one type in a bundle of the demonstration."""
    text = (Path(demonstration.__file__).parent / bundle).read_text(encoding="utf-8")
    lines: list[dict[str, Any]] = list(map(json.loads, text.splitlines()))
    return [line for line in lines if line["type"] == kind]


# -- loading -------------------------------------------------------------------------------


def test_it_loads_whole_and_a_second_time_changes_nothing(database: str, tmp_path: Path) -> None:
    settings = Settings(database=database, data=tmp_path)
    with open_service(database) as service:
        loaded = demonstration.load(service, settings)
        head = service.journal.facts.head()
        assert head > 200
        assert demonstration.load(service, settings) == loaded
        assert service.journal.facts.head() == head
        assert service.keys.holder_of(loaded.key) == "operator"
        assert loaded.left_out == 0


def test_it_is_shown_again_after_it_was_played_with(database: str, tmp_path: Path) -> None:
    """Lines by somebody who was forgotten, or that tell another name, would be refused."""
    with open_service(database) as service:
        settings = Settings(database=database, data=tmp_path)
        loaded = demonstration.load(service, settings)
        told, kofi = Story(service), IDS.named("contributor", "kofi")
        told.tell("rename_contributor", id=IDS.named("contributor", "oyuki"), name="Yuki")
        told.tell("forget_contributor", id=kofi, ground="request")
        dishes = IDS.named("contribution", "dishes")
        head = told.tell("withdraw_contribution", id=dishes, reason="x").position
        assert demonstration.load(service, settings) == loaded._replace(left_out=2)
        assert told.head() == head


def test_a_key_of_the_person_goes_before_one_of_its_own(tmp_path: Path) -> None:
    settings = read_settings({"STEMMA_DATA": str(tmp_path), "STEMMA_OPERATOR_KEY": OPERATOR_KEY})
    with open_service(settings.database) as service:
        assert demonstration.load(service, settings).key == OPERATOR_KEY
        assert service.keys.list() == []


def test_what_an_earlier_version_loaded_is_brought_up_to_date_and_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEMMA_DATA", str(tmp_path))
    settings = read_settings({"STEMMA_DATA": str(tmp_path)})
    with open_service(settings.database) as service:
        demonstration.load(service, settings)
        head = service.journal.facts.head()
    with raw_connection(settings.database) as connection:
        connection.execute("UPDATE layouts SET version = 'x' WHERE name = 'derived'")
    monkeypatch.setenv("STEMMA_UPGRADE", "no")
    assert "(upgrade_needed)" in CliRunner().invoke(main, ["demo"]).stderr
    monkeypatch.setenv("STEMMA_UPGRADE", "yes")
    assert CliRunner().invoke(main, ["demo"]).exit_code == 0
    with open_service(settings.database) as service:
        assert service.journal.facts.head() == head
    # Its key is for the person alone.
    assert (tmp_path / "demo-operator.key").stat().st_mode & 0o777 == 0o600


# -- its questions -------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS)
def test_an_audit_of_it_finds_nothing(check: str, shown: Service) -> None:
    found = all_differences(CHECKS[check], shown, no_progress)
    assert isinstance(found, str), found


def test_every_address_it_prints_answers(shown: Service, tmp_path: Path) -> None:
    """As printed, by HTTP, with the key that is printed."""
    key, printed = told(shown, tmp_path)
    client = create_app(shown.journal, shown.store, shown.keys, shown.log).test_client()
    addresses = re.findall(r'curl -H "Authorization: Bearer \$KEY" "http://[^/]+(/\S+)"', printed)
    assert len(addresses) == len(demonstration.ASKED)
    for address in [*addresses, "/docs"]:
        answer = client.get(address, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, (address, answer.text)
        assert client.get(address).status_code == (200 if address == "/docs" else 401)


def test_the_start_page_shows_a_series_once_with_what_is_in_it(shown: Service) -> None:
    """Its season, episodes and acts are found in it, and a release by itself stands beside it."""
    client = create_app(
        shown.journal, shown.store, shown.keys, shown.log, public_pages=True
    ).test_client()
    page = client.get("/").text
    releases = page[page.index("<h2>Releases") : page.index("Latest pieces")]
    linked = re.findall(r"/release/([0-9a-f-]{36})", releases)
    assert linked == [work(one) for one in ("keepers-series", "dishes-single", "the-lighthouse")]
    assert "6 episodes" in releases
    assert "Wren" in releases
    assert releases.count('class="picture cover"') == len(linked)


@pytest.mark.parametrize(
    "picture, drawn",
    [
        ("lineage.svg", f"/works/{IDS.named('work', 'the-lighthouse')}/lineage.svg"),
        ("split.svg", f"/pools/{IDS.named('pool', 'lighthouse-money')}/split.svg"),
    ],
)
def test_its_pictures_are_what_it_draws(
    shown: Service, tmp_path: Path, picture: str, drawn: str
) -> None:
    """The ones in the README. If they may change, save what is served at this address."""
    key, _ = told(shown, tmp_path)
    client = create_app(shown.journal, shown.store, shown.keys, shown.log).test_client()
    answer = client.get(drawn, headers={"Authorization": f"Bearer {key}"})
    kept = Path(demonstration.__file__).parent / picture
    assert answer.text.strip() == kept.read_text("utf-8").strip()


def test_every_command_it_prints_runs(shown: Service, tmp_path: Path) -> None:
    """With the database that was named before the command, where it was."""
    _, printed = told(shown, tmp_path)
    commands = re.findall(r"^ *\.venv/bin/stemma (.+)$", printed, re.MULTILINE)
    assert len(commands) == len(demonstration.ASKED)
    chosen = Chosen(f"sqlite:///{shown.store.engine.path}", None)  # type: ignore[attr-defined]
    _, named = told(shown, tmp_path, chosen=chosen.words)
    for command in commands:
        asked = f"{shlex.join(chosen.words)} {command}"
        assert f"  .venv/bin/stemma {asked}\n" in named
        ran = CliRunner().invoke(main, shlex.split(asked))
        assert ran.exit_code == 0, (command, ran.output)
        assert len(ran.stdout.splitlines()) > 1


def told(
    service: Service, data: Path, width: int = 40, chosen: Iterable[str] = ()
) -> tuple[str, str]:
    """The key, and what is printed on a narrow terminal: what is to be copied stays whole."""
    page = io.StringIO()
    settings = Settings(database="", data=data)
    loaded = demonstration.load(service, settings)
    out, key = Console(file=page, width=width, force_terminal=True), loaded.key
    demonstration.tell(out, settings, loaded, chosen)
    plain = re.sub("\x1b\\[[0-9;]*m", "", page.getvalue())
    assert f"KEY={key}\n" in plain
    return key, plain


# -- the lighthouse ------------------------------------------------------------------------


def test_the_story_is_six_generations_deep(view: View) -> None:
    """By the longest way: cover, letters, panels, drawing, note, logbook."""
    drawn = lineage.lineage(view, work("the-lighthouse"))
    assert nx.dag_longest_path_length(formats.graph(drawn), weight=None) == 6


def test_a_diamond_leads_back_to_one_note(view: View) -> None:
    """The panels come from the drawing and the story, and both of them from the note."""
    drawn = lineage.lineage(view, work("seven-steps"))
    edges = {edge[:2] for edge in drawn.lineage.edges}
    for middle in ("legs", "story"):
        assert (work("seven-steps"), work(middle)) in edges
        assert (work(middle), work("keepers-note")) in edges


def test_two_samples_of_one_loop_stay_two(view: View) -> None:
    sources = around.work(view, work("low-tide-beat"))["sources"]
    loop = [one for one in sources if one["work"]["id"] == work("kitchen-break")]
    assert [one["rate"] for one in loop] == ["1/5", "1/10"]


def test_a_withdrawn_piece_is_a_tombstone_in_the_lineage(shown: Service, view: View) -> None:
    gulls = around.work(view, work("gulls"))
    assert (gulls["state"], gulls["title"]) == ("withdrawn", None)
    assert work("gulls") in lineage.lineage(view, work("the-lighthouse")).works
    assert [
        one["contributor"]["name"] for one in attribution.all_credits(view, work("gulls")).items
    ] == ["paperboat"]
    assert "Far Too Early" not in str(
        history.of_work(view, shown.journal, work("gulls"), actor="operator")
    )


def test_editing_that_was_never_posted_is_an_influence(view: View) -> None:
    """… on the story; of the release itself the same person is an editor directly."""
    assert who(view, "story")["bramble & rust"]["kind"] == "influence"
    assert who(view, "the-lighthouse")["bramble & rust"]["kind"] == "direct"
    released = parts.in_releases(view, person("bramble")).items
    assert [one["release"]["title"].partition(":")[0] for one in released] == [
        "The Lighthouse That Walked Away"
    ]


def test_as_published_is_not_as_now(view: View) -> None:
    """A cassette of 1987 turned up when the release was out; two accounts became one."""
    published = lineage.as_published(view, work("the-lighthouse"))
    then = lineage.lineage(published, work("the-lighthouse"))
    now = lineage.lineage(view, work("the-lighthouse"))
    assert titles(now) - titles(then) == {"Grandmother Counts the Waves"}
    assert who(published, "the-lighthouse").keys() - who(view, "the-lighthouse").keys() == {
        "fernweh_93"
    }


def test_merged_accounts_are_one_person(view: View) -> None:
    assert contributors.person(view, person("fernweh-old"))["merged_into"] == person("fernweh")
    share = who(view, "the-lighthouse")["fernweh"]
    assert share["pieces"] == 2
    assert share["path_count"] > 2


@pytest.mark.parametrize(
    "id, state",
    [("the-torn-sail", "declared"), ("the-hum", "struck"), ("the-counting", "declared")],
)
def test_disputed_edges_were_decided(id: str, state: str, view: View) -> None:
    assert around.remix(view, IDS.named("remix", id))["state"] == state


@pytest.mark.parametrize(
    "id, state",
    [
        ("low-harmony", "accepted"),
        ("second-half", "accepted"),
        ("three-drafts", "accepted"),
        ("the-pauses", "declined"),
        ("foghorn-tape", "accepted"),
        ("wrong-guitar", "revoked"),
    ],
)
def test_credits_went_through_their_states(id: str, state: str, view: View) -> None:
    assert attribution.credit(view, IDS.named("credit", id))["state"] == state


def test_the_fridge_is_not_in_the_song(view: View) -> None:
    """A struck edge stays on record and is not walked."""
    song = around.work(view, work("come-back"))
    assert work("vending") in {one["work"]["id"] for one in song["sources"]}
    assert "Vending Machine Nocturne" not in titles(lineage.lineage(view, work("come-back")))


def test_a_dispute_tells_its_reasons_in_order(shown: Service, view: View) -> None:
    items = history.of_work(
        view, shown.journal, work("come-back"), actor="operator", limit=1000
    ).items
    about = [one for one in items if one["noun"] == IDS.named("credit", "second-half")]
    assert [one["topic"] for one in about] == [
        "credit.claimed",
        "credit.disputed",
        "credit.settled",
        "credit.accepted",
    ]
    assert "on my piano first" in about[1]["reason"]


def test_seven_pieces_wait_for_their_first_remix(view: View) -> None:
    waiting = {
        one["id"]
        for one in listing.works(view, never_remixed=True, kind="contribution", limit=1000).items
    }
    seven = ("vending", "bicycle", "small-waves", "leaving", "tin-roof", "soup", "ferry-cat")
    assert {work(text) for text in seven} <= waiting


def test_a_corrected_date_is_the_one_that_counts(view: View) -> None:
    assert around.work(view, work("tin-roof"))["made_at"] == "2020-06"


def test_one_drum_loop_is_in_both_releases(view: View) -> None:
    items = listing.descendants(view, work("kitchen-break"), limit=1000).items
    assert {one["id"] for one in items if one["kind"] == "release"} == {
        work("the-lighthouse"),
        work("dishes-single"),
    }


def test_fifteen_people_have_sixteen_accounts(view: View) -> None:
    ids = {person(line["id"]) for line in listed("community.jsonl", "contributor")}
    people = [one for one in contributors.people(view, limit=1000).items if one["id"] in ids]
    assert len(people) == 16
    assert [one["name"] for one in people if one["state"] == "merged"] == ["fernweh_93"]


# -- what the book earns -------------------------------------------------------------------


def pool(shown: Service, view: View) -> dict[str, Any]:
    return pools.statement(
        view, shown.journal, IDS.named("pool", "lighthouse-money"), actor="operator"
    )


def line_of(shown: Service, view: View, text: str) -> dict[str, Any]:
    lines: list[dict[str, Any]] = pool(shown, view)["lines"]
    return next(line for line in lines if line["payee"]["id"] == person(text))


def test_every_cent_of_the_book_is_somewhere(shown: Service, view: View) -> None:
    told = pool(shown, view)
    total = told["totals"]
    assert told["received_minor"] - told["reversed_minor"] == total["earned_minor"] == 566_437
    assert told["waiting"] == []
    places = ("payable", "held", "in_transit", "paid", "suspense")
    assert all(total[f"{place}_minor"] > 0 for place in places)
    assert sum(total[f"{place}_minor"] for place in places) == total["earned_minor"]


@pytest.mark.parametrize(
    "text, because",
    [("quietgiant", ["unaccepted"]), ("bramble", ["disputed"]), ("fernweh-old", []), ("nour", [])],
)
def test_money_is_held_for_a_reason(
    text: str, because: list[str], shown: Service, view: View
) -> None:
    line = line_of(shown, view, text)
    assert line["held_because"] == because
    assert (line["held_minor"] > 0) == bool(because)


def test_what_was_made_elsewhere_waits_for_whoever_made_it(shown: Service, view: View) -> None:
    unclaimed = {
        line["payee"]["name"]: line["held_because"]
        for line in pool(shown, view)["lines"]
        if line["payee"]["kind"] == "work"
    }
    foghorn = unclaimed.pop("https://sounds.example/skerry-foghorn-0410")
    assert foghorn == ["unaccepted"]  # a claim on it was accepted: its maker is asked
    assert set(map(tuple, unclaimed.values())) == {("unclaimed",)}
    assert "https://archive.example/skerry-light/logbook-1911" in unclaimed


def test_whoever_was_left_out_is_in_by_the_revision_their_comment_caused(
    shown: Service, view: View
) -> None:
    told = pools.diff(
        view, shown.journal, IDS.named("proposal", "lighthouse-shares"), actor="operator"
    )
    line = next(one for one in told["lines"] if one["payee"]["id"] == person("bramble"))
    assert (line["first"], line["current"]) == ("0", "1/50")
    assert line["causes"][0]["comments"][0]["actor"] == person("bramble")


def test_what_was_waived_is_struck_and_goes_to_the_other(shown: Service, view: View) -> None:
    (waived,) = pool(shown, view)["waived"]
    assert waived["payee"]["name"] == "saltlamp"
    assert (
        line_of(shown, view, "mila")["earned_minor"]
        > line_of(shown, view, "saltlamp")["earned_minor"]
    )


def test_a_payout_came_back_and_rests_with_its_payee(shown: Service, view: View) -> None:
    line = line_of(shown, view, "lanternfish")
    assert (line["paid_minor"], line["suspense_minor"]) == (0, 20_446)
    assert line_of(shown, view, "paperboat")["in_transit_minor"] == 11_112


def test_a_debt_was_filled_up_by_what_came_later(shown: Service, view: View) -> None:
    euros, dollars = statements.statement(view, shown.journal, person("nour"))["statements"]
    assert (euros["currency"], dollars["currency"]) == ("EUR", "USD")
    assert [line["kind"] for line in dollars["lines"]][-5:-3] == ["payout", "reversal"]
    assert dollars["balances"]["debt_minor"] == 0 < dollars["closing_minor"]


# -- the records ---------------------------------------------------------------------------


def test_a_record_of_2007_leads_back_to_a_drum_part_of_1970(view: View) -> None:
    heard = who(view, "recording:everything-i-am")
    assert heard["James Brown"]["generation"] == 2
    assert heard["Public Enemy"]["generation"] == 1


def test_one_drum_break_is_in_four_records(view: View) -> None:
    items = listing.descendants(view, work("recording:amen-brother")).items
    assert sorted(one["made_at"] for one in items) == ["1986", "1988", "1988", "1994"]
    assert {one["generation"] for one in items} == {1}


def test_three_generations_of_drums(view: View) -> None:
    items = listing.descendants(view, work("recording:impeach")).items
    assert {one["title"]: one["generation"] for one in items}["Real Love"] == 2
    assert len(items) == 5


def test_of_real_people_nothing_is_said_but_that_they_performed(view: View) -> None:
    records = [work(line["id"]) for line in listed("recordings.jsonl", "contribution")]
    assert len(records) == 27
    for id in records:
        assert {one["role"] for one in attribution.all_credits(view, id).items} == {"performer"}
        assert {one["rate"] for one in around.work(view, id)["sources"]} <= {None}
